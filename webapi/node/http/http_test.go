package http_test

import (
	"testing"

	"workerd.local/internal/machinetest"
)

const begin = `const http = (await import("node:http")).default, https = (await import("node:https")).default, { httpServerHandler, handleAsNodeRequest } = await import("cloudflare:node"), out = [];
	const serve = (f, url = "http://h/p?q", init) => { const s = http.createServer(f), h = httpServerHandler(s); return h.fetch(new Request(url, init), "env", "ctx").finally(() => s.close()) };`

func TestServersOfNode(t *testing.T) {
	e := machinetest.NewWorker(t)
	want := func(code, want string) { t.Helper(); e.Want(begin+code, want) }
	want(`const r = await serve((req, res) => { res.statusCode = 201; res.setHeader("X-A", ["1", "2"]); res.setHeader("content-type", "text/x"); out.push(res.headersSent, req.method, req.url, req.headers.b, req.cloudflare.env, res.getHeaderNames()); res.end("hé"); out.push(res.headersSent, res.finished) }, undefined, { headers: { B: "c" } });
		return [out, r.status, r.statusText, r.headers.get("x-a"), r.headers.get("content-length"), r.headers.has("date"), await r.text()]`,
		`[[false,"GET","/p?q","c","env",["x-a","content-type"],true,true],201,"unknown","1, 2","3",false,"hé"]`)
	want(`const r = await serve((req, res) => { let s = ""; req.setEncoding("utf8"); req.on("data", d => s += d); req.on("end", () => { res.writeHead(200, "Fine", { a: "b" }); res.write("got "); setTimeout(() => res.end(s), 1) }) }, undefined, { method: "POST", body: "body" }); return [r.statusText, r.headers.get("a"), r.headers.get("content-length"), await r.text()]`, `["Fine","b",null,"got body"]`)
	want(`const r = await serve((req, res) => { out.push(res.socket === undefined, res.statusMessage, req.socket.remoteAddress); res.on("error", x => out.push(x.code)); res.end("once"); res.end("twice", x => out.push(x.message)) }); return [await r.text(), r.status, (await new Promise(setTimeout), out)]`,
		`["once",200,[true,"unknown","127.0.0.1","write after end","ERR_STREAM_WRITE_AFTER_END"]]`)
	want(`const r = await serve((req, res) => { res.writeHead(204).end("x") }); return [r.status, r.body]`, `[204,null]`)
	want(`const r = await serve((req, res) => { res.setHeader("content-length", 3); res.write("abcdef"); res.end() }); return await r.text()`, `abc`)
	want(`const r = await serve((req, res) => { const big = "x".repeat(100000); let n = 0; const go = () => { while (n < 5) { n++; if (!res.write(big)) return res.once("drain", go) } res.end() }; go() }); return (await r.text()).length`, `500000`)
	want(`return await serve((req, res) => { throw new RangeError("in handler") }).catch(x => [x.name, x.message])`, `["RangeError","in handler"]`)
	want(`return await serve((req, res) => { res.destroy(new Error("gone")) }).catch(x => x.message)`, `gone`)
	want(`const r = await serve((req, res) => { res.write("a"); setTimeout(() => res.destroy(new Error("late")), 1) }); return await r.text().catch(x => x.message)`, `late`)
	want(`const r = await serve((req, res) => { for (const f of [() => res.setHeader("a b", 1), () => res.setHeader("a"), () => res.setHeader("a", "\n"), () => res.writeHead(99), () => res.assignSocket()]) try { f() } catch (x) { out.push(x.code) } res.end(); try { res.setHeader("a", 1) } catch (x) { out.push(x.code) } }); return out`,
		`["ERR_INVALID_HTTP_TOKEN","ERR_HTTP_INVALID_HEADER_VALUE","ERR_INVALID_CHAR","ERR_HTTP_INVALID_STATUS_CODE","ERR_METHOD_NOT_IMPLEMENTED","ERR_HTTP_HEADERS_SENT"]`)
	want(`const s = http.createServer(); s.listen(8080, () => out.push("listening")); try { http.createServer().listen(8080) } catch (x) { out.push(x.code) } await 0; out.push(s.address().port, s.listening); s.close(); out.push(s.address()); return [out, await handleAsNodeRequest(8080, new Request("http://x")).catch(x => x.code)]`, `[["ERR_SERVER_ALREADY_LISTEN","listening",8080,true,null],"ERR_INVALID_ARG_VALUE"]`)
	want(`for (const f of [() => httpServerHandler(null), () => httpServerHandler({}), () => httpServerHandler(70000)]) try { f() } catch (x) { out.push(x.message) } return out`, `["Server descriptor cannot be null or undefined","Failed to determine port for server","Failed to determine port for server"]`)
	want(`const h = {}, m = new http.IncomingMessage(); for (const [k, v] of [["Host", "a"], ["host", "b"], ["Set-Cookie", "1"], ["set-cookie", "2"], ["Cookie", "x"], ["cookie", "y"], ["Accept", "1"], ["accept", "2"]]) m._addHeaderLine(k, v, h); return h`, `{"host":"a","set-cookie":["1","2"],"cookie":"x; y","accept":"1, 2"}`)
	want(`return [http.STATUS_CODES[418], http.STATUS_CODES[509], http.METHODS.includes("QUERY"), https.globalAgent.protocol, new http.Agent().getName({ host: "a", port: 1, family: 4 })]`, `["I'm a Teapot","Bandwidth Limit Exceeded",true,"https:","a:1::4"]`)
}

func TestRequestsOfNode(t *testing.T) {
	e := machinetest.NewWorker(t)
	want := func(code, want string) {
		t.Helper()
		e.Want(begin+`globalThis.fetch = async (u, i) => { out.push([String(u), i.method, Object.fromEntries(new Headers(i.headers)), i.body && String(i.body), i.redirect]); if (i.headers.some(h => h[0] === "fail")) throw new TypeError("no network"); return new Response("answer", { status: 202, headers: { a: "b" } }) };
			const read = (req) => new Promise((done, fail) => { req.on("error", fail); req.on("response", r => { let s = ""; r.setEncoding("utf8"); r.on("data", d => s += d); r.on("end", () => done([r.statusCode, r.statusMessage, r.headers.a, s])) }) });`+code, want)
	}
	want(`return [await read(http.get("http://u:p@h:81/x?y")), out]`, `[[202,"","b","answer"],[["http://h:81/x?y","GET",{"authorization":"Basic dTpw","host":"h:81"},null,"manual"]]]`)
	want(`const r = https.request({ hostname: "h", method: "post", path: "/p", headers: { "X-Y": "1" } }); r.write("ab"); r.end("cd"); return [await read(r), out, r.getHeader("x-y"), r.method]`, `[[202,"","b","answer"],[["https://h/p","POST",{"host":"h","x-y":"1"},"abcd","manual"]],"1","POST"]`)
	want(`return await read(http.get({ host: "h", headers: { fail: "1" } })).catch(x => x.message)`, `no network`)
	want(`const r = http.get("http://h/"); r.on("response", () => out.push("no")); r.destroy(new Error("stopped")); return await new Promise(d => r.on("error", x => d([x.message, out])))`, `["stopped",[]]`)
	want(`const bad = [{ path: "//evil" }, { path: "http://evil/" }, { path: "/a b" }, { protocol: "ftp:" }, { method: "A B" }, { method: 1 }, { host: 5 }, { agent: {} }, { socketPath: "/s" }, { timeout: -1 }, { headers: ["a"] }]; for (const o of bad) try { http.request(o) } catch (x) { out.push(x.code) } return out`,
		`["ERR_INVALID_ARG_VALUE","ERR_INVALID_ARG_VALUE","ERR_UNESCAPED_CHARACTERS","ERR_INVALID_PROTOCOL","ERR_INVALID_HTTP_TOKEN","ERR_INVALID_ARG_TYPE","ERR_INVALID_ARG_TYPE","ERR_INVALID_ARG_TYPE","ERR_OPTION_NOT_IMPLEMENTED","ERR_OUT_OF_RANGE","ERR_INVALID_ARG_VALUE"]`)
	want(`const r = http.request({ host: "h", path: "/ok" }); r.path = "\\\\evil"; return await new Promise(d => { r.on("error", x => d([x.code, out])); r.end() })`, `["ERR_INVALID_ARG_VALUE",[]]`)
	want(`globalThis.fetch = (u, { signal }) => new Promise((_, no) => signal.addEventListener("abort", () => no(signal.reason))); const r = http.get({ host: "h", timeout: 1 }); r.on("timeout", () => out.push("timeout")); return await new Promise(d => r.on("error", x => d([out, x.name])))`, `[["timeout"],"AbortError"]`)
}
