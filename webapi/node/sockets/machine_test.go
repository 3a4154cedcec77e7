package sockets_test

import (
	"runtime"
	"testing"

	"workerd.local/internal/machinetest"
)

func TestServersOfPrograms(t *testing.T) {
	e, _ := machinetest.New(t)
	const begin = `const net = (await import("node:net")).default, out = [];
		const listen = (s, ...a) => new Promise((r, j) => { s.on("error", j); s.listen(...a, () => r(s.address())) });
		const all = (s) => new Promise((r, j) => { let t = ""; s.setEncoding("utf8"); s.on("data", d => t += d); s.on("error", j); s.on("close", () => r(t)) });
	`
	want := func(code, want string) { t.Helper(); e.Want(begin+code, want) }
	want(`const s = net.createServer((c) => { c.write("hello "); c.pipe(c) }); const at = await listen(s, 0, "127.0.0.1"); const c = net.connect(at.port, "127.0.0.1"); const p = all(c); c.end("there"); const t = await p; const closed = new Promise(r => s.close(r)); return [t, at.address, at.family, at.port > 0, s instanceof net.Server, (await closed) ?? null, s.listening, s.address()]`,
		`["hello there","127.0.0.1","IPv4",true,true,null,false,null]`)
	want(`const s = net.createServer((c) => { out.push(c.remoteAddress, c.remotePort, c.localPort === at.port, c.remoteFamily); c.end() }); const at = await listen(s, { port: 0, host: "127.0.0.1" }); let here; const c = net.connect(at.port, "127.0.0.1", () => { here = c.localPort }); await all(c); s.close(); out[1] = out[1] === here; return [...out, c.bytesRead]`,
		`["127.0.0.1",true,true,"IPv4",0]`)
	want(`const big = "x".repeat(2000000); const s = net.createServer((c) => c.end(big)); const at = await listen(s, 0); const t = await all(net.connect(at.port, "127.0.0.1")); s.close(); return t === big`, `true`)
	want(`const s = net.createServer(); const at = await listen(s, 0, "127.0.0.1"); const other = net.createServer(); const x = await listen(other, at.port, "127.0.0.1").catch(e => [e.code, e.syscall, e.address, e.port === at.port, e.message.replace(String(at.port), "PORT")]); s.close(); const c = net.connect(at.port, "127.0.0.1"); const y = await new Promise(r => c.on("error", e => r([e.code, e.syscall, e.address, e.port === at.port, e.message.replace(String(at.port), "PORT")]))); return [x, y]`,
		`[["EADDRINUSE","listen","127.0.0.1",true,"listen EADDRINUSE: address already in use 127.0.0.1:PORT"],["ECONNREFUSED","connect","127.0.0.1",true,"connect ECONNREFUSED 127.0.0.1:PORT"]]`)
	want(`const s = net.createServer(); s.maxConnections = 0; s.on("drop", d => out.push(d.remoteAddress)); const at = await listen(s, 0, "127.0.0.1"); await all(net.connect(at.port, "127.0.0.1")).catch(() => {}); s.close(); const e = await new Promise(r => s.close(r)); return [out, e.code]`, `[["127.0.0.1"],"ERR_SERVER_NOT_RUNNING"]`)
	want(`const caught = (fn) => { try { fn(); return "no" } catch (e) { return e.code } }; const s = net.createServer(); await listen(s, 0); const twice = caught(() => s.listen(0)); s.close(); return [twice, caught(() => net.createServer(5)), caught(() => net.createServer().listen({})), caught(() => net.createServer().listen(70000)), caught(() => net.createServer({}, 5))]`,
		`["ERR_SERVER_ALREADY_LISTEN","ERR_INVALID_ARG_TYPE","ERR_INVALID_ARG_VALUE","ERR_SOCKET_BAD_PORT","ERR_INVALID_ARG_TYPE"]`)
	if runtime.GOOS != "windows" {
		want(`const s = net.createServer((c) => c.end("local")); const at = await listen(s, "sock"); const t = await all(net.connect("sock")); s.close(); const e = await new Promise(r => net.connect({ path: "none" }).on("error", e => r(e.message))); return [t, at, e]`, `["local","sock","connect ENOENT none"]`)
	}
}

func TestSocketsOfProgramsAreBounded(t *testing.T) {
	e, _ := machinetest.New(t, "program.sockets=1")
	e.Want(`const net = (await import("node:net")).default; const s = net.createServer(); await new Promise(r => s.listen(0, "127.0.0.1", r)); const c = net.connect(s.address().port, "127.0.0.1"); const x = await new Promise(r => c.on("error", e => r(e.code))); const o = net.createServer(); const y = await new Promise(r => o.on("error", e => r(e.code)).listen(0)); s.close(); await new Promise(r => o.listen(0, r)); o.close(); return [x, y]`, `["EMFILE","EMFILE"]`)
}

func TestProgramsAskTheMachineForNames(t *testing.T) {
	e, _ := machinetest.New(t)
	e.Want(`const dns = (await import("node:dns")).default; const ask = (...a) => new Promise(r => dns.lookup(...a, (e, address, family) => r(e ? [e.code, e.syscall, e.hostname, e.message] : [address, family]))); return [await ask("localhost", 4), await ask("localhost", { family: 4, all: true }), await ask("127.0.0.1"), (await ask("no such name")).slice(1)]`,
		`[["127.0.0.1",4],[[{"address":"127.0.0.1","family":4}],null],["127.0.0.1",4],["getaddrinfo","no such name","getaddrinfo ENOTFOUND no such name"]]`)
}

// TestTimeoutsOfSockets has sockets wait, hear something and wait again, on one timer.
func TestTimeoutsOfSockets(t *testing.T) {
	e, _ := machinetest.New(t)
	want := func(code, want string) {
		t.Helper()
		e.Want(`const net = (await import("node:net")).default, out = [], once = (e, n) => new Promise(r => e.once(n, r)), later = (ms) => new Promise(r => setTimeout(r, ms));
			const s = net.createServer(c => c.pipe(c)); await new Promise(r => s.listen(0, "127.0.0.1", r)); const c = net.connect(s.address().port, "127.0.0.1"); await once(c, "connect");
			const end = () => { c.destroy(); s.close() };`+code, want)
	}
	want(`c.setTimeout(2); await once(c, "timeout"); c.on("timeout", () => out.push("again")); await later(20); out.push("quiet"); c.write("x"); await once(c, "timeout"); end(); return out`, `["quiet","again"]`)
	want(`c.setTimeout(1e8); c.setTimeout(3); await once(c, "timeout"); end(); return c.timeout`, `3`)
	want(`c.on("timeout", () => out.push("no")); c.setTimeout(2); c.setTimeout(0); c.write("x"); await later(20); c.setTimeout(1); c.destroy(); await later(20); end(); return out`, `[]`)
	want(`let n = 0; c.setTimeout(1e8); c.setTimeout(0); c.setTimeout(2, () => n++); await once(c, "timeout"); end(); return [n, c.listenerCount("timeout")]`, `[1,0]`)
}
