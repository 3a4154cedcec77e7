package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// origin is where the suite seems to be: its files are there for fetch().
const origin = "http://web-platform.test"

// program runs a file as the scripts of a web worker would be: the harness, the
// scripts that the file names and the file are scripts of one global scope, in sloppy
// mode, one after the other. What a browser's worker has and ours does not, because it
// has no address, is made here: location, and addresses relative to it. The outcome of
// each subtest is a line of the log, written when the subtest ends, so that it is
// there even if the process does not come to its end.
const program = `
const { stringify } = JSON, escape = encodeURIComponent, wait = setTimeout, stop = clearTimeout;
const log = console.log.bind(console), slice = Function.prototype.call.bind(String.prototype.slice);
const say = (kind, value) => log('wpt-' + kind + ':' + escape(stringify(value)));
const short = (text, n) => text === null || text === undefined ? '' : slice(String(text), 0, n);

// relative makes constructors and functions that take an address take one that is
// relative to the test. They stay what they are for instanceof and for subclasses.
function relative(where) {
	const absolute = (args, at = 0) => {
		if (typeof args[at] === 'string' || typeof args[at] === 'function' || args[at] instanceof URL) {
			try { args = [...args]; args[at] = new URL(String(args[at]), where).href; } catch {}
		}
		return args;
	};
	const handler = { construct: (target, args, by) => Reflect.construct(target, absolute(args), by === proxy ? target : by) };
	const proxy = new Proxy(Request, handler);
	Object.defineProperty(globalThis, 'Request', { value: proxy, writable: true, enumerable: false, configurable: true });
	try { Object.defineProperty(Request.prototype, 'constructor', { value: proxy, writable: true, enumerable: false, configurable: true }); } catch {}
	for (const [object, name] of [[globalThis, 'fetch'], [Response, 'redirect']]) {
		const f = object[name];
		try { object[name] = new Proxy(f, { apply: (target, self, args) => Reflect.apply(target, self, absolute(args)) }); } catch {}
	}
}

// asShell runs f where nothing tells the harness that this is a worker, which would make it wait for the messages that
// browsers send to theirs.
function asShell(f) {
	const names = ['DedicatedWorkerGlobalScope', 'SharedWorkerGlobalScope', 'WorkerGlobalScope', 'ServiceWorkerGlobalScope'];
	const was = names.map((name) => Object.getOwnPropertyDescriptor(globalThis, name));
	for (const name of names) Object.defineProperty(globalThis, name, { value: class {}, writable: true, enumerable: false, configurable: true });
	try { f(); } finally {
		names.forEach((name, i) => was[i] ? Object.defineProperty(globalThis, name, was[i]) : delete globalThis[name]);
	}
}

// own replaces helpers that need what is not there: this one asks WebAssembly for a shared memory to get at SharedArrayBuffer.
const own = { 'common/sab.js': 'const createBuffer = (type, length, opts) => new globalThis[type](length, opts);' };

// locationOf is what scripts of workers have as location.
function locationOf(url) {
	const location = { toString: () => url.href };
	for (const name of ['href', 'origin', 'protocol', 'host', 'hostname', 'port', 'pathname', 'search', 'hash']) location[name] = url[name];
	return location;
}

export const wpt = { async test(_ctrl, env) {
	const { where, scripts, title, patience } = env.PLAN;
	const texts = [];
	for (const path of scripts) {
		const response = await env.SUITE.fetch('` + origin + `/' + path);
		if (response.status !== 200) throw new Error(path + ': ' + response.status);
		texts.push(own[path] ?? await response.text());
	}
	relative(new URL(where));
	globalThis.self ??= globalThis;
	globalThis.location ??= locationOf(new URL(where));
	globalThis.GLOBAL ??= { isWindow: () => false, isWorker: () => true, isShadowRealm: () => false };
	globalThis.eval = (code) => env.UNSAFE.eval(code);
	if (title) globalThis.META_TITLE = title;
	let ended;
	const end = new Promise((resolve) => { ended = resolve });
	let late;
	try {
		asShell(() => env.UNSAFE.eval(texts[0], scripts[0]));
		const { add_result_callback, add_completion_callback, timeout } = globalThis;
		const seen = new Set();
		const outcome = (t) => {
			if (seen.has(t)) return;
			seen.add(t);
			say('subtest', { name: short(t.name, 1000), passed: t.status === 0, message: short(t.message, 300) });
		};
		add_result_callback(outcome);
		add_completion_callback((tests, status) => {
			tests.forEach(outcome);
			say('end', { status: status.status, message: short(status.message, 300) });
			ended();
		});
		// Subtests that wait for ever are ended here; the timer also keeps the worker from being seen as hung.
		late = wait(() => timeout(), patience);
		for (let i = 1; i < texts.length; i++) env.UNSAFE.eval(texts[i], scripts[i]);
		globalThis.done(); // as the last line of the worker that the suite's own server makes of a file
	} catch (e) {
		say('thrown', { message: short(e instanceof Error ? e.name + ': ' + e.message : e, 300) });
		if (!globalThis.done) ended();
		else { globalThis.done(); wait(ended, 1000); }
	}
	await end;
	stop(late);
} };
`

// server is what answers for the suite's address: its files, and of its programs the
// one that sends a body slowly.
const server = `export default { async fetch(request, env) {
	const url = new URL(request.url);
	if (url.origin !== '` + origin + `') return Response.error();
	if (!url.pathname.endsWith('/resources/trickle.py')) return env.SUITE.fetch(request);
	const number = (name, otherwise) => Number(url.searchParams.get(name) ?? otherwise);
	const pause = () => scheduler.wait(number('ms', 500));
	await pause();
	let left = number('count', 50);
	return new Response(new ReadableStream({
		async pull(controller) {
			if (left-- <= 0) return controller.close();
			controller.enqueue(new TextEncoder().encode('TEST_TRICKLE\n'));
			await pause();
		}
	}), { headers: { 'content-type': 'text/plain' } });
} };
`

const configText = `using Workerd = import "/workerd/workerd.capnp";
const wpt :Workerd.Config = (
	services = [
		( name = "wpt", worker = (
			modules = [ (name = "test", esModule = embed "test.js") ],
			compatibilityDate = %[1]s,
			compatibilityFlags = [%[2]s],
			globalOutbound = "server",
			bindings = [
				(name = "SUITE", service = "suite"),
				(name = "UNSAFE", unsafeEval = void),
				(name = "PLAN", json = %[4]s),
			],
		) ),
		( name = "server", worker = (
			modules = [ (name = "server", esModule = embed "server.js") ],
			compatibilityDate = %[1]s,
			bindings = [ (name = "SUITE", service = "suite") ],
		) ),
		( name = "suite", disk = (path = %[3]s) ),
		( name = "internet", network = (allow = []) ),
	],
);
`

// plan is what the worker is told about the file that it runs.
type plan struct {
	Where    string   `json:"where"`
	Scripts  []string `json:"scripts"`
	Title    string   `json:"title"`
	Patience int64    `json:"patience"`
}

// write makes the configuration of a worker that runs the file and ends what has not
// ended after patience.
func write(into string, o options, dir string, f File, patience time.Duration) (config string, err error) {
	p := plan{
		Where: origin + "/" + f.Path + f.Variant, Title: f.Title, Patience: patience.Milliseconds(),
		Scripts: slices.Concat([]string{harness}, f.Scripts, []string{f.Path}),
	}
	text, err := json.Marshal(p)
	if err != nil {
		return "", err
	}
	quoted := make([]string, len(o.Flags))
	for i, flag := range o.Flags {
		quoted[i] = capnpText(flag)
	}
	config = filepath.Join(into, "wpt.capnp")
	for name, text := range map[string]string{
		config:                           fmt.Sprintf(configText, capnpText(o.Date), strings.Join(quoted, ", "), capnpText(dir), capnpText(string(text))),
		filepath.Join(into, "test.js"):   program,
		filepath.Join(into, "server.js"): server,
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	return config, nil
}

// capnpText is s as a string of Cap'n Proto text.
func capnpText(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}
