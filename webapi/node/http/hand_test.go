package http_test

import (
	"testing"

	"workerd.local/internal/machinetest"
)

// TestServersOfProgramsAreHandedRequests asks servers of a program with cloudflare:node.
func TestServersOfProgramsAreHandedRequests(t *testing.T) {
	e, _ := machinetest.New(t)
	want := func(code, want string) { t.Helper(); e.Want(begin+code, want) }
	want(`const r = await serve((req, res) => { out.push(req.method, req.url, req.headers.b, req.headers.host, req.cloudflare.env, req.socket.remoteAddress); res.statusCode = 201; res.setHeader("X-A", ["1", "2"]); res.end("hé"); }, undefined, { headers: { B: "c", "CF-Connecting-IP": "1.2.3.4" } });
		return [out, r.status, r.statusText, r.headers.get("x-a"), r.headers.get("content-length"), r.headers.get("connection"), await r.text()]`,
		`[["GET","/p?q","c","h","env","1.2.3.4"],201,"Created","1, 2","3",null,"hé"]`)
	want(`const r = await serve((req, res) => { let s = ""; req.setEncoding("utf8"); req.on("data", d => s += d); req.on("end", () => { res.writeHead(200, "Fine", { a: "b" }); res.write("got "); setTimeout(() => res.end(s), 1) }) }, undefined, { method: "POST", body: "body" }); return [r.statusText, r.headers.get("a"), r.headers.get("transfer-encoding"), await r.text()]`, `["Fine","b",null,"got body"]`)
	want(`const r = await serve((req, res) => { res.writeHead(204).end() }); return [r.status, r.body]`, `[204,null]`)
	want(`const r = await serve((req, res) => { const big = "x".repeat(100000); let n = 0; const go = () => { while (n < 5) { n++; if (!res.write(big)) return res.once("drain", go) } res.end() }; go() }); return (await r.text()).length`, `500000`)
	want(`const big = "y".repeat(300000), r = await serve((req, res) => { let n = 0; req.on("data", d => { n += d.length }).on("end", () => res.end(String(n))) }, undefined, { method: "DELETE", body: new Blob([big]).stream(), duplex: "half" }); return await r.text()`, `300000`)
	want(`return await serve((req, res) => { res.destroy(new Error("gone")) }).catch(x => x.message)`, `gone`)
	want(`const r = await serve((req, res) => { res.write("a"); setTimeout(() => res.destroy(new Error("late")), 1) }); return await r.text().catch(x => x.message)`, `late`)
	want(`const r = await serve((req, res) => { res.on("close", () => out.push("closed")); res.write("a") }); const b = r.body.getReader(); await b.read(); await b.cancel(); while (out.length === 0) await new Promise(r => setTimeout(r, 1)); return out`, `["closed"]`)
	want(`const r = await serve((req, res) => { res.setTimeout(5, () => res.end("slow")) }); return await r.text()`, `slow`)
	want(`const s = http.createServer((req, res) => res.end("one")); s.listen(0, "127.0.0.1"); const { port } = s.address(), ask = () => handleAsNodeRequest(port, new Request("http://x")).then(r => r.text(), x => x.code);
		const first = await ask(); s.close(); return [first, await ask(), await handleAsNodeRequest({ port: -1 }, new Request("http://x")).catch(x => x.message)]`, `["one","ERR_INVALID_ARG_VALUE","Failed to determine port for server"]`)
	want(`const s = https.createServer((req, res) => res.end(String(req.socket.encrypted))), h = httpServerHandler(s); const r = await h.fetch(new Request("https://h/")); s.close(); return await r.text()`, `true`)
}
