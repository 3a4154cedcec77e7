package server_test

import (
	"fmt"
	"strings"
	"testing"
)

// A flagProbe is what a worker sees with a compatibility flag and without it.
type flagProbe struct {
	flag, off string
	with      []string // other flags
	top       string   // of the module
	body      string   // of an async function, whose value is text
	on, not   string   // what the body gives; "" is not looked at
}

const nodeProcess = `import process from "node:process"; import { createRequire } from "node:module"; const require = createRequire("/");`

var node = []string{"nodejs_compat"}

var flagProbes = append([]flagProbe{
	{flag: "streams_byob_reader_detaches_buffer", off: "streams_byob_reader_does_not_detach_buffer",
		body: `const b = new Uint8Array(4); await new Response("x").body.getReader({ mode: "byob" }).read(b); return b.byteLength`, on: "0", not: "4"},
	{flag: "streams_enable_constructors", off: "streams_disable_constructors", body: `new ReadableStream({}); return "made"`, on: "made", not: "throws Error"},
	{flag: "transformstream_enable_standard_constructor", off: "transformstream_disable_standard_constructor",
		body: `const t = new TransformStream({ transform(c, x) { x.enqueue("t") } }), w = t.writable.getWriter(); w.write(new Uint8Array(1)); return typeof (await t.readable.getReader().read()).value`, on: "string", not: "object"},
	{flag: "internal_stream_byob_return_view", off: "internal_stream_byob_return_undefined",
		body: `return (await new Response("").body.getReader({ mode: "byob" }).read(new Uint8Array(4))).value instanceof Uint8Array`, on: "true", not: "false"},
	{flag: "strict_compression_checks", off: "no_strict_compression_checks",
		body: `const s = new DecompressionStream("deflate"), w = s.writable.getWriter(); w.write(new Uint8Array([120, 156, 75, 4, 0, 0, 98, 0, 98, 1])).catch(() => {}); w.close().catch(() => {});
			let n = 0; for await (const c of s.readable) n += c.length; return n`, on: "throws TypeError", not: "1"},
	{flag: "crypto_preserve_public_exponent", off: "no_crypto_preserve_public_exponent",
		body: `const p = await crypto.subtle.generateKey({ name: "RSA-PSS", hash: "SHA-256", modulusLength: 1024, publicExponent: new Uint8Array([1, 0, 1]) }, true, ["sign"]); return p.publicKey.algorithm.publicExponent.constructor.name`, on: "Uint8Array", not: "ArrayBuffer"},
	{flag: "strict_crypto_checks", off: "no_strict_crypto_checks",
		body: `await crypto.subtle.generateKey({ name: "RSA-PSS", hash: "SHA-256", modulusLength: 1032, publicExponent: new Uint8Array([1, 0, 1]) }, true, ["sign"]); return "made"`, on: "throws OperationError", not: "made"},
	{flag: "nodejs_als", off: "", top: `import { AsyncLocalStorage } from "node:async_hooks";`, body: `return new AsyncLocalStorage().run(5, () => 1)`, on: "1"},
	{flag: "fetcher_no_get_put_delete", off: "fetcher_has_get_put_delete", with: []string{"no_rpc"}, body: `return typeof env.self.put`, on: "undefined", not: "function"},
	{flag: "rpc", off: "no_rpc", body: `return typeof env.self.anything`, on: "function", not: "undefined"},
	{flag: "nodejs_compat", off: "", top: `import { Buffer } from "node:buffer";`, body: `return Buffer.from("a").length`, on: "1"},
	{flag: "nodejs_compat_v2", off: "no_nodejs_compat_v2", with: node, body: `return typeof Buffer`, on: "function", not: "undefined"},
	{flag: "new_module_registry", off: "legacy_module_registry", with: node, top: `import { createRequire } from "node:module";`, body: `createRequire("file://test?abc"); return "made"`, on: "made", not: "throws TypeError"},
	{flag: "nodejs_compat_populate_process_env", off: "nodejs_compat_do_not_populate_process_env", with: node, top: nodeProcess, body: `return process.env.TEXT`, on: "hello", not: "undefined"},
	{flag: "disallow_importable_env", off: "allow_importable_env", top: `import { env as imported } from "cloudflare:workers";`, body: `return imported.TEXT`, on: "undefined", not: "hello"},
	{flag: "allow_eval_during_startup", off: "disallow_eval_during_startup", top: `let v; try { v = new Function("return 1")() } catch { v = "refused" }`, body: `return v`, on: "1", not: "refused"},
	{flag: "expose_global_message_channel", off: "no_expose_global_message_channel", body: `return typeof MessageChannel`, on: "function", not: "undefined"},
	{flag: "enhanced_error_serialization", off: "legacy_error_serialization", body: `return structuredClone(Object.assign(new Error("x"), { y: 1 })).y`, on: "1", not: "undefined"},
	{flag: "enable_ctx_exports", off: "disable_ctx_exports", body: `return typeof ctx.exports`, on: "object", not: "undefined"},
	{flag: "fetch_iterable_type_support_override_adjustment", off: "no_fetch_iterable_type_support_override_adjustment", with: []string{"fetch_iterable_type_support"},
		body: `return new Response(Object.assign(["x"], { toString: () => "own" })).text().catch((e) => e.name)`, on: "own", not: ""},
	{flag: "enable_nodejs_global_timers", off: "no_nodejs_global_timers", with: node, body: `const t = setTimeout(() => {}, 0); clearTimeout(t); return typeof t`, on: "object", not: "number"},
	{flag: "require_returns_default_export", off: "require_returns_namespace", with: node, top: nodeProcess, body: `return typeof require("dep")`, on: "number", not: "object"},
	{flag: "no_resizable_array_buffer_in_blob", off: "resizable_array_buffer_in_blob", body: `return new Blob([new ArrayBuffer(1, { maxByteLength: 2 })]).size`, on: "throws TypeError", not: "1"},
	{flag: "diagnostics_channel_has_subscribers_getter", off: "no_diagnostics_channel_has_subscribers_getter", with: node,
		top: `import { channel } from "node:diagnostics_channel";`, body: `return typeof channel("a").hasSubscribers`, on: "boolean", not: "function"},
	{flag: "enable_nodejs_process_v2", off: "disable_nodejs_process_v2", with: node, top: nodeProcess, body: `return typeof process.uptime`, on: "function", not: "undefined"},
	{flag: "enable_nodejs_http_server_modules", off: "disable_nodejs_http_server_modules", with: append(node, "enable_nodejs_http_modules"), top: nodeProcess,
		body: `return typeof process.getBuiltinModule("node:http").createServer(() => {})`, on: "object", not: "throws Error"},
	{flag: "remove_nodejs_compat_eol_v22", off: "add_nodejs_compat_eol_v22", with: node, top: nodeProcess, body: `return typeof process.getBuiltinModule("node:crypto").createCipher`, on: "undefined", not: "function"},
	{flag: "remove_nodejs_compat_eol_v23", off: "add_nodejs_compat_eol_v23", with: node, top: nodeProcess, body: `return typeof process.getBuiltinModule("node:util").isBoolean`, on: "undefined", not: "function"},
	{flag: "remove_nodejs_compat_eol_v24", off: "add_nodejs_compat_eol_v24", with: node, top: nodeProcess, body: `return typeof process.getBuiltinModule("node:tls").createSecurePair`, on: "undefined", not: "function"},
	{flag: "enable_streams_nodejs_v24_compat", off: "disable_streams_nodejs_v24_compat", with: node, top: `import { Writable } from "node:stream";`,
		body: `return new Writable({ highWaterMark: 1, write(c, e, f) { f() } }).write("ab")`, on: "true", not: "false"},
	{flag: "throw_on_not_implemented_tls_options", off: "no_throw_on_not_implemented_tls_options", with: node, top: `import { TLSSocket } from "node:tls";`,
		body: `new TLSSocket(undefined, { checkServerIdentity() {} }); return "made"`, on: "throws Error", not: ""},
}, nodeModuleProbes()...)

// nodeModuleProbes are for flags that give a module of node.
func nodeModuleProbes() (list []flagProbe) {
	for flag, module := range map[string]string{
		"nodejs_zlib": "zlib", "enable_nodejs_http_modules": "http", "enable_nodejs_fs_module": "fs", "enable_nodejs_os_module": "os",
		"enable_nodejs_http2_module": "http2", "enable_nodejs_console_module": "console", "enable_nodejs_vm_module": "vm",
		"enable_nodejs_domain_module": "domain", "enable_nodejs_v8_module": "v8", "enable_nodejs_tty_module": "tty",
		"enable_nodejs_punycode_module": "punycode", "enable_nodejs_cluster_module": "cluster", "enable_nodejs_child_process_module": "child_process",
		"enable_nodejs_worker_threads_module": "worker_threads", "enable_nodejs_stream_wrap_module": "_stream_wrap", "enable_nodejs_wasi_module": "wasi",
		"enable_nodejs_dgram_module": "dgram", "enable_nodejs_inspector_module": "inspector", "enable_nodejs_trace_events_module": "trace_events",
		"enable_nodejs_readline_module": "readline", "enable_nodejs_repl_module": "repl", "enable_nodejs_sqlite_module": "sqlite",
		"enable_nodejs_perf_hooks_module": "perf_hooks",
	} {
		off := strings.Replace(flag, "enable_", "disable_", 1)
		if off == flag {
			off = "no_" + flag
		}
		list = append(list, flagProbe{flag: flag, off: off, with: node, top: nodeProcess,
			body: fmt.Sprintf(`return typeof process.getBuiltinModule("node:%s")`, module), on: "object|function", not: "undefined"})
	}
	return list
}

func TestFlagsChangeWhatScriptsSee(t *testing.T) {
	files := map[string]string{}
	var services, bindings []string
	add := func(name string, p flagProbe, flag string) {
		flags := p.with
		if flag != "" {
			flags = append(append([]string{}, p.with...), flag)
		}
		files[name+".js"] = p.top + `
export default { async fetch(request, env, ctx) {
  try { return new Response(String(await (async () => { ` + p.body + ` })())) } catch (e) { return new Response("throws " + e.name) }
} }`
		services = append(services, fmt.Sprintf(`(name = %q, worker = (compatibilityDate = "2023-01-01", compatibilityFlags = ["%s"],
			bindings = [(name = "self", service = "main"), (name = "TEXT", text = "hello")], modules = [(name = "w.js", esModule = embed "%s.js"), (name = "dep", esModule = "export default 1; export const more = 2")]))`,
			name, strings.Join(flags, `", "`), name))
		bindings = append(bindings, fmt.Sprintf(`(name = %q, service = %q)`, name, name))
	}
	for i, p := range flagProbes {
		add(fmt.Sprintf("on%d", i), p, p.flag)
		if p.off != "" {
			add(fmt.Sprintf("off%d", i), p, p.off)
		}
	}
	files["main.js"] = `export default { fetch(request, env) { return env[new URL(request.url).pathname.slice(1)].fetch(request) } }`
	files["config.capnp"] = one(`bindings = [`+strings.Join(bindings, ", ")+`]`, services...)
	r := newProject(t, files).start()
	for i, p := range flagProbes {
		for name, want := range map[string]string{"on": p.on, "off": p.not} {
			if name == "off" && p.off == "" {
				continue
			}
			code, got := r.get(fmt.Sprintf("/%s%d", name, i))
			ok := false
			for _, w := range strings.Split(want, "|") {
				ok = ok || got == w
			}
			if code != 200 || want != "" && !ok {
				t.Errorf("%s, %s: %d %q, want %q", p.flag, name, code, got, want)
			}
			if want == "" && got == p.on {
				t.Errorf("%s makes no difference: %q", p.flag, got)
			}
		}
	}
}
