package server_test

import (
	"fmt"
	"net"
	"testing"
)

const productsWorker = `
	import { connect } from "cloudflare:sockets";
	const talk = async (s) => { const w = s.writable.getWriter(); await w.write(new TextEncoder().encode("select\n")); await w.close(); return new Response(s.readable).text(); };
	const error = (p) => p.then((v) => "fulfilled", (e) => e.name + ": " + e.message);
	const tests = {
		async hyperdrive(env) {
			const d = env.DB, m = env.MYSQL;
			return [Object.keys(d).sort().join(), d.database, d.user, d.password, d.port, m.port,
				d.connectionString === "postgresql://u:p@" + d.host + ":5432/db?sslmode=disable", m.connectionString === "mysql://u:p@" + m.host + ":3306/db?ssl-mode=disabled",
				/^[0-9a-f]{32}\.hyperdrive\.local$/.test(d.host), /^240\.0\.\d+\.\d+$/.test(d.ip), d.host !== m.host];
		},
		async connects(env) {
			const d = env.DB;
			return [await talk(d.connect()), await talk(connect(d.host + ":" + d.port)), await talk(connect({ hostname: d.ip, port: d.port }, { secureTransport: "starttls" })), await error(connect(d.host + ":1").opened)];
		},
		async down(env) { return [await error(env.MYSQL.connect().opened), await error(connect(env.MYSQL.ip + ":3306").closed)] },
		async kv(env) { await env.KV.put("a b", "v", { metadata: 1 }); return [await env.KV.get("a b"), await error(env.KV.get("fail"))]; },
		async memory(env) { return [await env.A.read("k", () => ({ value: "made" })), await env.B.read("k", () => ({ value: "again" })), await env.C.read("k", () => ({ value: "other" }))]; },
		async points(env, ctx) { env.AE.writeDataPoint({ doubles: [7] }); await scheduler.wait(50); return "sent"; },
		async refused(env) { env.AE.writeDataPoint({ doubles: new Array(21) }); return "went on"; },
	};
	let stored;
	export const kv = { async fetch(request) {
		if (request.method === "PUT") { stored = request.method + await request.text() + request.headers.get("cf-kv-metadata"); return new Response(); }
		return request.url.includes("fail") ? new Response("", { status: 500 }) : new Response(stored + new URL(request.url).pathname);
	} };
	export const ae = { async fetch(request) { console.log("point " + (await request.json()).double1); return new Response(); } };
	export default { async fetch(request, env, ctx) { return Response.json(await tests[new URL(request.url).pathname.slice(1)](env, ctx)); } };
`

func TestProductsOfTheConfiguration(t *testing.T) {
	db := serveTCP(t, func(c net.Conn) { shout(c) })
	limits := `limits = (maxKeys = 2, maxValueSize = 99, maxTotalValueSize = 99)`
	fields := `bindings = [
		(name = "DB", hyperdrive = (designator = "db", database = "db", user = "u", password = "p", scheme = "postgresql")),
		(name = "MYSQL", hyperdrive = (designator = "down", database = "db", user = "u", password = "p", scheme = "mysql")),
		(name = "KV", kvNamespace = (name = "main", entrypoint = "kv")), (name = "AE", analyticsEngine = (name = "main", entrypoint = "ae")),
		(name = "A", memoryCache = (id = "x", ` + limits + `)), (name = "B", memoryCache = (id = "x", ` + limits + `)), (name = "C", memoryCache = (` + limits + `))]`
	config := one(fields,
		fmt.Sprintf(`(name = "db", external = (address = %q, tcp = ()))`, db),
		fmt.Sprintf(`(name = "down", external = (address = %q, tcp = ()))`, nobody(t)))
	r := newProject(t, map[string]string{"config.capnp": config, "main.js": productsWorker}).start()
	const proxy = "Error: proxy request failed, cannot connect to the specified address"
	for path, want := range map[string]string{
		"hyperdrive": `["connectionString,database,host,ip,password,port,user","db","u","p",5432,3306,true,true,true,true,true]`,
		"connects":   `["SELECT\nbye","SELECT\nbye","SELECT\nbye","` + proxy + `"]`,
		"down":       `["` + proxy + `","` + proxy + `"]`,
		"kv":         `["PUTv1/a%20b","Error: KV GET failed: 500 Internal Server Error"]`,
		"memory":     `["made","made","other"]`,
		"points":     `"sent"`,
		"refused":    `"went on"`,
	} {
		r.want("/"+path, want)
	}
	for _, want := range []string{"point 7", "writeDataPoint(): Maximum of 20 doubles supported."} {
		r.logged(want)
	}
}
