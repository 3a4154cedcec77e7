package server_test

import (
	"strings"
	"testing"
)

// adder exports add(a, b), as text in hexadecimal; its memory is not exported.
const adder = "0061736d0100000001070160027f7f017f030201000707010361646400000a09010700200020016a0b"

func unhex(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i += 2 {
		n := func(c byte) byte { return byte(strings.IndexByte("0123456789abcdef", c)) }
		b.WriteByte(n(s[i])<<4 | n(s[i+1]))
	}
	return b.String()
}

// WebAssembly modules come from the configuration or from imports; requests cannot
// make any.
func TestWasmModules(t *testing.T) {
	const body = `export default { async fetch() {
		const i = await WebAssembly.instantiate(add);
		const refused = await WebAssembly.compile(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])).catch((e) => e.name + ": " + e.message);
		return new Response([add instanceof WebAssembly.Module, i.exports.add(40, 2), refused].join());
	} };`
	const want = "true,42,CompileError: WebAssembly.compile(): Wasm code generation disallowed by embedder"
	newProject(t, map[string]string{
		"config.capnp": strings.Replace(one(""), `embed "main.js")]`, `embed "main.js"), (name = "add.wasm", wasm = 0x"`+adder+`")]`, 1),
		"main.js":      `import add from "./add.wasm";` + body,
	}).start().want("/", want)
	newProject(t, map[string]string{
		"config.capnp": `using Workerd = import "/workerd/workerd.capnp";
			const config :Workerd.Config = (
				services = [(name = "main", worker = (serviceWorkerScript = embed "main.js", compatibilityDate = "2026-01-01", bindings = [(name = "ADD", wasmModule = 0x"` + adder + `")]))],
				sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")]
			);`,
		"main.js": `addEventListener("fetch", (e) => e.respondWith(new Response(new WebAssembly.Instance(ADD).exports.add(1, 2))));`,
	}).start().want("/", "3")
	newProject(t, map[string]string{
		"wrangler.json":    `{"name": "app", "main": "src/index.ts", "compatibility_date": "2026-01-01", "dev": {"port": 0}}`,
		"src/index.ts":     `import add from "./lib/add.wasm"; import same from "./lib/add.wasm?module"; if (add !== same) throw new Error("two");` + body,
		"src/lib/add.wasm": unhex(adder),
	}).start().want("/", want)
	got := newProject(t, map[string]string{
		"config.capnp": strings.Replace(one(""), `embed "main.js")]`, `embed "main.js"), (name = "bad.wasm", wasm = 0x"00 61")]`, 1),
		"main.js":      `import bad from "./bad.wasm"; export default {};`,
	}).failure()
	if !strings.Contains(got, "expected magic word 00 61 73 6d, found 00 61") {
		t.Errorf("error %q", got)
	}
}
