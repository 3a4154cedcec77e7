package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// prelude and coda are around the harness, the scripts and the test, which are in one
// function: what is global in a browser is local there, and the functions of the
// harness are properties of globalThis. The outcome of each subtest is a line of the
// log.
const prelude = `
const $where = new URL(%s);
const $files = (env) => {
	const plain = globalThis.fetch;
	globalThis.fetch = function fetch(input, init) {
		let url;
		try { url = typeof input === 'string' ? new URL(input, $where) : input instanceof URL ? input : undefined } catch {}
		return url?.origin === $where.origin ? env.SUITE.fetch(url.href, init) : plain.call(this, input, init);
	};
};
export const wpt = { async test(_ctrl, env) {
	$files(env);
	globalThis.self ??= globalThis;
	globalThis.location ??= $where;
	globalThis.GLOBAL ??= { isWindow: () => false, isWorker: () => true, isShadowRealm: () => false };
	globalThis.fetch_json ??= async (url) => (await fetch(url)).json();
	const $say = (kind, value) => console.log('wpt-' + kind + ':' + encodeURIComponent(JSON.stringify(value)));
	let $done;
	const $end = new Promise((resolve) => { $done = resolve });
	const $listen = () => globalThis.add_completion_callback((tests, status) => {
		for (const t of tests) $say('subtest', { name: String(t.name).slice(0, 1000), passed: t.status === 0, message: t.message == null ? '' : String(t.message).slice(0, 300) });
		$say('end', { status: status.status, message: status.message == null ? '' : String(status.message) });
		$done();
	});
	await (async () => {
`

const coda = `
	})();
	await $end;
} };
`

const configText = `using Workerd = import "/workerd/workerd.capnp";
const wpt :Workerd.Config = (
	services = [
		( name = "wpt", worker = (
			modules = [ (name = "test", esModule = embed "test.js") ],
			compatibilityDate = %s,
			compatibilityFlags = [%s],
			bindings = [ (name = "SUITE", service = "suite") ],
		) ),
		( name = "suite", disk = (path = %s) ),
		( name = "internet", network = (allow = []) ),
	],
);
`

// write makes the configuration of a worker that runs the file.
func write(into string, o options, dir string, f File) (config string, err error) {
	var b strings.Builder
	where, err := json.Marshal("http://web-platform.test/" + f.Path + f.Variant)
	if err != nil {
		return "", err
	}
	fmt.Fprintf(&b, prelude, where)
	for i, p := range append(append([]string{harness}, f.Scripts...), f.Path) {
		if i == 1 {
			b.WriteString("$listen();\n")
		}
		text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(p)))
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "// %s\n%s\n", p, text)
	}
	b.WriteString(coda)
	if err := os.WriteFile(filepath.Join(into, "test.js"), []byte(b.String()), 0o600); err != nil {
		return "", err
	}
	quoted := make([]string, len(o.Flags))
	for i, flag := range o.Flags {
		quoted[i] = capnpText(flag)
	}
	config = filepath.Join(into, "wpt.capnp")
	text := fmt.Sprintf(configText, capnpText(o.Date), strings.Join(quoted, ", "), capnpText(dir))
	return config, os.WriteFile(config, []byte(text), 0o600)
}

// capnpText is s as a string of Cap'n Proto text.
func capnpText(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}
