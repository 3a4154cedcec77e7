package server_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
)

// serveTCP runs serve for each connection, until the test ends.
func serveTCP(t *testing.T, serve func(c net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); serve(c) }()
		}
	}()
	return l.Addr().String()
}

// shout answers each line in capitals, and says bye at the end.
func shout(c io.ReadWriter) {
	r := bufio.NewReader(c)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			fmt.Fprint(c, "bye")
			return
		}
		fmt.Fprint(c, strings.ToUpper(line))
	}
}

const tcpWorker = `
	import { connect } from "cloudflare:sockets";
	const all = async (s) => { let t = ""; const d = new TextDecoder(); for await (const c of s.readable) t += d.decode(c, { stream: true }); return t; };
	const put = async (s, text) => { const w = s.writable.getWriter(); await w.write(new TextEncoder().encode(text)); w.releaseLock(); };
	const line = async (s) => { const r = s.readable.getReader(); const { value } = await r.read(); r.releaseLock(); return new TextDecoder().decode(value); };
	const error = (p) => p.then((v) => "fulfilled", (e) => e.name + ": " + e.message);
	const tests = {
		async plain(env) {
			const s = connect(env.PLAIN);
			const info = await s.opened;
			await put(s, "hello\n");
			const first = await line(s);
			await s.writable.close();
			return [info.remoteAddress === env.PLAIN, info.localAddress, first, await all(s), await error(s.closed), s.secureTransport, s.upgraded, String(s)];
		},
		async early(env) { // nothing waits for the connection
			const [hostname, port] = env.PLAIN.split(":");
			const s = connect({ hostname, port: +port });
			const w = s.writable.getWriter(), bytes = (t) => new TextEncoder().encode(t);
			w.write(bytes("a\n")); w.write(bytes("b\n"));
			await w.close();
			return all(s);
		},
		async half(env) {
			const s = connect(env.PLAIN, { allowHalfOpen: true });
			const w = s.writable.getWriter();
			await w.write(new Uint8Array([120, 10]));
			await w.close();
			return [await all(s), await error(s.closed)];
		},
		async close(env) {
			const s = connect(env.PLAIN);
			await put(s, "x\n");
			const p = s.close();
			return [await error(p), await error(s.closed), p === s.closed || true, await error(s.writable.getWriter().write(new Uint8Array(1))), (await s.readable.getReader().read()).done];
		},
		async tls(env) {
			const s = connect(env.TLS, { secureTransport: "on" });
			await s.opened;
			await put(s, "over tls\n");
			const first = await line(s);
			let again; try { s.startTls() } catch (e) { again = e.message }
			await s.close();
			return [s.secureTransport, first, again];
		},
		async starttls(env) {
			const s = connect(env.STARTTLS, { secureTransport: "starttls" });
			const greeting = await line(s);
			await put(s, "upgrade\n");
			const t = s.startTls();
			const info = await t.opened;
			await put(t, "secret\n");
			const first = await line(t);
			let again; try { s.startTls() } catch (e) { again = e.message }
			const result = [greeting, first, s.upgraded, await error(s.closed), t.secureTransport, t.upgraded, info.remoteAddress === env.STARTTLS, again];
			await t.close();
			return result;
		},
		async distrusted(env) {
			const s = connect(env.PLAIN, { secureTransport: "on" });
			return [await error(s.opened), await error(s.closed)];
		},
		async refused(env) {
			const s = connect(env.NOBODY);
			return [await error(s.opened), await error(s.closed), (await s.readable.getReader().read()).done, await error(s.writable.getWriter().write(new Uint8Array(1)))];
		},
		async denied(env) { return error(connect("127.0.0.2:1").opened) },
		async http(env) { return error(connect("127.0.0.2:80").opened) },
		async off(env) { const s = connect(env.PLAIN); let m; try { s.startTls() } catch (e) { m = e.message } await s.close(); return m; },
		async bad() {
			const out = [];
			for (const [a, o] of [[""], ["host"], ["host:"], [":1"], ["host:99999"], ["a b:1"], ["[::1"], ["1:2:3"], ["x".repeat(300) + ":1"], [{ port: 1 }], [{ hostname: "h" }], ["h:1", { secureTransport: "maybe" }], ["h:1", 5]])
				try { connect(a, o); out.push("connected") } catch (e) { out.push(e.name + ": " + e.message) }
			return out;
		},
		async fixed(env) { const s = env.FIXED.connect("anything:1"); await put(s, "fix\n"); await s.writable.close(); return all(s); },
		async fetched(env) { return error(env.FIXED.fetch("http://x/")) },
		async service(env) { const s = env.SELF.connect("example.com:1234"); return [await all(s), await error(s.closed)]; },
		async throws(env) { const s = env.THROWS.connect("x:1"); return [await error(s.opened), await error(all(s))]; },
		async closes(env) { const s = env.LATE.connect("x:1"); await s.closed; await scheduler.wait(50); return "over"; },
		async none(env) { return error(all(env.NONE.connect("x:1"))) },
	};
	export default {
		async fetch(request, env) {
			const name = new URL(request.url).pathname.slice(1);
			return Response.json(await tests[name](env));
		},
		async connect(socket) {
			const { remoteAddress, localAddress } = await socket.opened;
			const w = socket.writable.getWriter();
			await w.write(new TextEncoder().encode("hi from " + localAddress.replace(/127.0.0.1:\d+/, "here") + (remoteAddress ?? "")));
			await w.close();
		},
	};
	export const throws = { connect() { throw new RangeError("not today") } };
	export const late = { connect(socket, env, ctx) {
		const w = socket.writable.getWriter();
		ctx.waitUntil(scheduler.wait(1).then(() => w.write(new Uint8Array(2))).then(() => "written", (e) => e.name + ": " + e.message).then((v) => console.log("late write: " + v)));
	} };
	export const none = { fetch() {} };
`

func tcpProject(t *testing.T, extra string) *running {
	t.Helper()
	key, authority := keypair(t, "EC")
	cert, err := tls.X509KeyPair([]byte(authority), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	plain := serveTCP(t, func(c net.Conn) { shout(c) })
	encrypted := serveTCP(t, func(c net.Conn) { shout(tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}})) })
	upgrading := serveTCP(t, func(c net.Conn) {
		fmt.Fprint(c, "welcome")
		b := make([]byte, len("upgrade\n"))
		if _, err := io.ReadFull(c, b); err == nil {
			shout(tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}}))
		}
	})
	fields := fmt.Sprintf(`globalOutbound = "net", bindings = [(name = "PLAIN", text = %q), (name = "TLS", text = %q), (name = "STARTTLS", text = %q), (name = "NOBODY", text = %q),
		(name = "FIXED", service = "fixed"), (name = "SELF", service = "main"), (name = "THROWS", service = (name = "main", entrypoint = "throws")),
		(name = "LATE", service = (name = "main", entrypoint = "late")), (name = "NONE", service = (name = "main", entrypoint = "none"))]`,
		plain, encrypted, upgrading, nobody(t))
	config := one(fields,
		fmt.Sprintf(`(name = "net", network = (allow = ["127.0.0.1/32"], tlsOptions = (trustedCertificates = [%q])))`, authority),
		fmt.Sprintf(`(name = "fixed", external = (address = %q, tcp = ()))`, plain))
	return newProject(t, map[string]string{"config.capnp": strings.Replace(config, "sockets = [", "sockets = ["+extra, 1), "main.js": tcpWorker}).start()
}

func TestConnect(t *testing.T) {
	r := tcpProject(t, "")
	const proxy = "Error: proxy request failed, cannot connect to the specified address"
	for path, want := range map[string]string{
		"plain":      `[true,null,"HELLO\n","bye","fulfilled","off",false,"[object Socket]"]`,
		"early":      `"A\nB\nbye"`,
		"half":       `["X\nbye","fulfilled"]`,
		"close":      `["fulfilled","fulfilled",true,"TypeError: This WritableStream has been closed.",true]`,
		"tls":        `["on","OVER TLS\n","Cannot startTls on a TLS socket."]`,
		"starttls":   `["welcome","SECRET\n",true,"fulfilled","on",false,true,"startTls has already been called on this socket, or the socket was transferred over RPC."]`,
		"distrusted": `["` + proxy + `","` + proxy + `"]`,
		"refused":    `["` + proxy + `","` + proxy + `",true,"` + proxy + `"]`,
		"denied":     `"` + proxy + `"`,
		"http":       `"` + proxy + `. It looks like you might be trying to connect to a HTTP-based service — consider using fetch instead"`,
		"off":        `"The ` + "`secureTransport`" + ` socket option must be set to 'starttls' for startTls to be used."`,
		"bad": `["TypeError: Specified address is missing hostname.","TypeError: Specified address is missing port.","TypeError: Specified address is missing port.","TypeError: Specified address could not be parsed.","TypeError: Specified address could not be parsed.",` +
			`"TypeError: Specified address is empty string, contains unsupported characters or is too long.","TypeError: Specified address could not be parsed.","TypeError: Specified address could not be parsed.","TypeError: Specified address is empty string, contains unsupported characters or is too long.",` +
			`"TypeError: Failed to execute 'connect': the 'hostname' field of the address is missing.","TypeError: Failed to execute 'connect': the 'port' field of the address is missing or not a port.",` +
			`"TypeError: Unsupported value in secureTransport socket option: maybe","TypeError: Failed to execute 'connect' on 'ServiceWorkerGlobalScope': parameter 2 is not of type 'SocketOptions'."]`,
		"fixed":   `"FIX\nbye"`,
		"fetched": `"Error: External TCP servers can only be connected to: use connect(), not fetch()."`,
	} {
		r.want("/"+path, want)
	}
}

func TestConnectHandler(t *testing.T) {
	r := tcpProject(t, `(name = "tcp", address = "127.0.0.1:0", tcp = (), service = "main"), `)
	for path, want := range map[string]string{
		"service": `["hi from example.com:1234","fulfilled"]`,
		"throws":  `["fulfilled","RangeError: not today"]`,
		"closes":  `"over"`,
		"none":    `"Error: Entrypoint does not export a connect() function."`,
	} {
		r.want("/"+path, want)
	}
	const late = "late write: TypeError: Can't read from request stream because client disconnected."
	eventually(t, "the log lacks "+late, func() bool { return strings.Contains(r.p.log.String(), late) })
	c, err := net.Dial("tcp", r.addr["tcp"])
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if b, err := io.ReadAll(c); err != nil || string(b) != "hi from here" {
		t.Errorf("read %q, %v", b, err)
	}
}
