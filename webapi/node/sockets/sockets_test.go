package sockets_test

import (
	"testing"

	"github.com/dop251/goja"

	"workerd.local/internal/jstest"
	"workerd.local/internal/machinetest"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/node/sockets"
)

func TestAddresses(t *testing.T) {
	for text, want := range map[string]int{"1.2.3.4": 4, "01.2.3.4": 0, "1.2.3": 0, "::": 6, "::ffff:1.2.3.4": 6, "fe80::1%eth0": 6, "fe80::1%": 0, "1.2.3.4%x": 0, "fe80::1%a b": 0, "": 0} {
		if got := sockets.Family(text); got != want {
			t.Errorf("Family(%q) = %d, want %d", text, got, want)
		}
	}
	e := machinetest.NewWorker(t)
	want := func(code, want string) {
		t.Helper()
		e.Want(`const net = (await import("node:net")).default, out = [];`+code, want)
	}
	want(`return [net.isIP("::1"), net.isIPv4("127.0.0.1"), net.isIPv6("127.0.0.1"), net.isIP(5)]`, `[6,true,false,0]`)
	want(`const l = new net.BlockList(); l.addAddress("10.0.0.1"); l.addRange("10.1.0.1", "10.1.0.9"); l.addSubnet("fd00::", 8, "ipv6"); return [["10.0.0.1", "10.0.0.2", "10.1.0.9", "10.1.0.10", "nope"].map(a => l.check(a)), l.check("::ffff:10.1.0.4", "ipv6"), l.check("fd12::1", "ipv6"), l.check("fe00::", "ipv6"), l.rules]`,
		`[[true,false,true,false,false],true,true,false,["Address: IPv4 10.0.0.1","Range: IPv4 10.1.0.1-10.1.0.9","Subnet: IPv6 fd00::/8"]]`)
	want(`const a = new net.BlockList(), b = new net.BlockList(); a.addSubnet("10.0.0.0", 8); a.addAddress("::1", "ipv6"); b.fromJSON(JSON.stringify(a)); return [b.rules, b.check("10.200.0.1"), net.BlockList.isBlockList(b), net.BlockList.isBlockList({})]`, `[["Subnet: IPv4 10.0.0.0/8","Address: IPv6 ::1"],true,true,false]`)
	want(`for (const f of [l => l.addAddress("x"), l => l.addRange("10.0.0.2", "10.0.0.1"), l => l.addSubnet("::", 129, "ipv6"), l => l.addSubnet("10.0.0.0", 33), l => l.addAddress(1), l => l.addAddress("::", "ipv5")]) try { f(new net.BlockList()) } catch (x) { out.push(x.code) } return out`,
		`["ERR_INVALID_IP_ADDRESS","ERR_INVALID_ARG_VALUE","ERR_OUT_OF_RANGE","ERR_OUT_OF_RANGE","ERR_INVALID_ARG_TYPE","ERR_INVALID_ARG_VALUE"]`)
	want(`const s = net.SocketAddress.parse("[::1]:80"); return [s.toJSON(), net.SocketAddress.parse("1.2.3.4:9").port, net.SocketAddress.parse("a b") ?? "none", new net.SocketAddress({ address: "::", family: "IPv6" }).family]`, `[{"address":"::1","port":80,"family":"ipv6","flowlabel":0},9,"none","ipv6"]`)
	want(`try { new net.SocketAddress({ address: "::" }) } catch (x) { return x.code }`, `ERR_INVALID_ADDRESS`)
}

func TestSocketsWithoutConnect(t *testing.T) {
	e := machinetest.NewWorker(t)
	want := func(code, want string) {
		t.Helper()
		e.Want(`const net = (await import("node:net")).default, tls = (await import("node:tls")).default, out = [];`+code, want)
	}
	want(`const s = net.connect({ port: 80, host: "1.2.3.4" }, () => out.push("connected")); out.push(s.connecting, s.readyState, s.pending); s.on("connectionAttempt", (...a) => out.push(a)); s.write("x", e => out.push(e.code)); await new Promise(r => s.on("error", e => out.push(e.code)).on("close", had => { out.push(had); r() })); return [out, s.destroyed, s.readyState]`,
		`[[true,"opening",true,"ERR_METHOD_NOT_IMPLEMENTED","ERR_SOCKET_CLOSED_BEFORE_CONNECTION",true],true,"closed"]`)
	want(`for (const f of [() => net.connect({}), () => net.connect("/a/path"), () => net.connect({ port: 99999 }), () => net.connect({ port: {} }), () => new net.Socket({ fd: 3 }), () => new net.Socket({ objectMode: true })]) try { f() } catch (x) { out.push(x.code) } return out`,
		`["ERR_MISSING_ARGS","ERR_INVALID_ARG_VALUE","ERR_SOCKET_BAD_PORT","ERR_INVALID_ARG_TYPE","ERR_OPTION_NOT_IMPLEMENTED","ERR_INVALID_ARG_VALUE"]`)
	want(`const s = new net.Socket(); s.setTimeout(1, () => s.destroy()); return await new Promise(r => s.on("close", r))`, `false`)
	want(`return await new Promise(r => net.connect({ port: 1, host: "a.b", lookup(host, o, f) { f(new Error("no " + host)) } }).on("error", e => r(e.message)))`, `no a.b`)
	want(`for (const o of [{ rejectUnauthorized: false }, { checkServerIdentity() {} }, { checkServerIdentity: 1 }, { pskCallback() {} }, { secureContext: {} }]) try { tls.connect({ port: 1, ...o }) } catch (x) { out.push(x.code) } return out`,
		`["ERR_OPTION_NOT_IMPLEMENTED","ERR_OPTION_NOT_IMPLEMENTED","ERR_INVALID_ARG_TYPE","ERR_OPTION_NOT_IMPLEMENTED","ERR_TLS_INVALID_CONTEXT"]`)
	want(`return await new Promise(r => tls.connect(443, "example.com").on("error", e => r(e.code)))`, `ERR_METHOD_NOT_IMPLEMENTED`)
}

// far is cloudflare:sockets whose connections answer in capital letters; those to port
// 1 fail.
const far = `({ connect(address, options) {
	globalThis.asked = (globalThis.asked ?? []).concat([[address, options.secureTransport]]);
	const t = new TransformStream({ transform(c, to) { to.enqueue(new TextEncoder().encode(new TextDecoder().decode(c).toUpperCase())) } });
	const opened = address.endsWith(":1") ? Promise.reject(new Error("refused")) : Promise.resolve({});
	opened.catch(() => {});
	return { opened, closed: new Promise(() => {}), readable: t.readable, writable: t.writable, upgraded: false, close: async () => { globalThis.asked.push("closed") },
		startTls() { this.upgraded = true; return globalThis.far.connect("tls", { secureTransport: "on" }) } };
} })`

func TestSocketsOfNodeConnect(t *testing.T) {
	e := machinetest.NewWorkerWith(t, jstest.Options{Modules: []bind.Module{{Name: "far", Setup: func(js *isolate.JS) error {
		bind.ProgramOf(js).Builtin = func(string) (goja.Value, error) {
			v, err := js.Runtime().RunString(far)
			if err == nil {
				err = js.Runtime().Set("far", v)
			}
			return v, err
		}
		return nil
	}}}})
	want := func(code, want string) {
		t.Helper()
		e.Want(`const net = (await import("node:net")).default, tls = (await import("node:tls")).default, out = []; globalThis.asked = [];
			const talk = (s) => new Promise((done, fail) => { let got = ""; s.setEncoding("utf8"); s.on("data", d => got += d); s.on("error", fail); s.on("end", () => out.push("end")); s.on("close", () => done(got)) });`+code, want)
	}
	want(`const s = net.connect(80, "h", () => out.push(s.connecting, s.readyState)); s.write("one "); s.end("two"); return [await talk(s), out, asked, s.bytesRead, s.bytesWritten, s.destroyed]`, `["ONE TWO",[false,"readOnly","end"],[["h:80","starttls"],"closed"],7,7,true]`)
	want(`const s = tls.connect({ port: 443, host: "::1" }, () => out.push(s.encrypted, s.authorized)); s.end("x"); return [await talk(s), out, asked]`, `["X",[true,true,"end"],[["[::1]:443","on"],"closed"]]`)
	want(`return await talk(net.connect(1, "h")).catch(x => [x.message, asked])`, `["refused",[["h:1","starttls"],"closed"]]`)
	want(`const s = net.connect(80, "h"); s.on("connect", () => s.destroy()); return [await talk(s), out, s.destroyed]`, `["",[],true]`)
	want(`const s = net.connect(80, "h"); s.write("a"); await new Promise(r => s.once("data", r)); const t = tls.connect({ socket: s }, () => t.end("over")); return [await talk(t), asked.map(a => a[1])]`, `["OVER",["starttls","on","l"]]`)
}

func TestNamesOfCertificates(t *testing.T) {
	e := machinetest.NewWorker(t)
	e.Want(`const { checkServerIdentity: check } = await import("node:tls"); const alt = { subjectaltname: 'DNS:*.b.com, DNS:"q.com", IP Address:10.0.0.1, IP Address:0:0:0:0:0:0:0:1' };
		return [["a.b.com", "x.a.b.com", "b.com", "A.B.COM.", "q.com", "10.0.0.1", "::1", "10.0.0.2"].map(h => check(h, alt)?.code ?? "ok"), check("n.org", { subject: { CN: ["x", "n.org"] } }) ?? "ok", check("n", {}).reason, check("a.com", { subject: { CN: "*.com" } }).message]`,
		`[["ok","ERR_TLS_CERT_ALTNAME_INVALID","ERR_TLS_CERT_ALTNAME_INVALID","ok","ok","ok","ok","ERR_TLS_CERT_ALTNAME_INVALID"],"ok","Cert does not contain a DNS name","Host: a.com. is not cert's CN: *.com"]`)
	e.Want(`const { convertALPNProtocols } = await import("node:tls"); const o = {}; convertALPNProtocols(["h2", "x"], o); try { convertALPNProtocols(["y".repeat(256)], o) } catch (x) { return [[...o.ALPNProtocols], x.code] }`, `[[2,104,50,1,120],"ERR_OUT_OF_RANGE"]`)
}

// Names are asked for over HTTPS, with the fetch of the program.
func TestNamesAreResolved(t *testing.T) {
	e := machinetest.NewWorker(t)
	e.Want(`const answers = { A: ["1.2.3.4", "5.6.7.8"], AAAA: ["::5"], MX: ["10 mail.x."], TXT: ['"a""b"'], CAA: ["\\# 9 00 05 69 73 73 75 65 78 79"], NAPTR: ["\\# 16 00 01 00 02 01 55 01 53 01 72 01 61 01 62 00"], SRV: ["1 2 80 s.x"], SOA: ["n h 1 2 3 4 5"], PTR: ["p.x."] };
		globalThis.fetch = async (u) => { const q = u.searchParams, l = answers[q.get("type")]; if (q.get("name") === "bad") throw new Error("down"); return Response.json({ Question: [{}], ...(l && q.get("name") !== "none" ? { Answer: l.map(data => ({ name: "x", TTL: 7, data })) } : {}) }) };
		const dns = (await import("node:dns")).default, p = dns.promises, out = [];
		out.push(await p.resolve4("x"), await p.resolve4("x", { ttl: true }), await p.resolve("x", "MX"), await p.resolveTxt("x"), await p.resolveCaa("x"), await p.resolveNaptr("x"), await p.resolveSrv("x"), (await p.resolveSoa("x")).minttl, await p.reverse("x"));
		out.push(await p.lookup("x"), await p.lookup("x", { all: true, order: "ipv6first" }), await p.lookup("::1"), await new Promise(r => dns.lookup("x", 6, (...a) => r(a))), await new Promise(r => dns.resolve4("x", (...a) => r(a))));
		for (const n of ["none", "bad"]) out.push(await p.resolve4(n).catch(x => [x.code, x.message, x.hostname]));
		try { p.resolve("x", "NOPE") } catch (x) { out.push(x.code) }
		return JSON.stringify(out)`,
		`[["1.2.3.4","5.6.7.8"],[{"ttl":7,"address":"1.2.3.4"},{"ttl":7,"address":"5.6.7.8"}],[{"exchange":"mail.x","priority":10}],[["a","b"]],[{"critical":0,"issue":"xy"}],[{"flags":"U","service":"S","regexp":"r","replacement":"a.b","order":1,"preference":2}],[{"priority":1,"weight":2,"port":80,"name":"s.x"}],5,["p.x"],`+
			`{"address":"1.2.3.4","family":4},[{"address":"::5","family":6},{"address":"1.2.3.4","family":4},{"address":"5.6.7.8","family":4}],{"address":"::1","family":6},[null,"::5",6],[null,["1.2.3.4","5.6.7.8"]],["ENOTFOUND","queryA ENOTFOUND none","none"],["EBADQUERY","queryA EBADQUERY bad","bad"],"ERR_INVALID_ARG_VALUE"]`)
}
