package children_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"workerd.local/internal/jstest"
	"workerd.local/internal/machinetest"
)

const begin = `const cp = (await import("node:child_process")).default, out = [];
	const caught = (fn) => { try { return fn() } catch (e) { return [e.name, e.code ?? "", e.message].join("|") } };
	const end = (c) => new Promise(r => { let o = "", e = "", errors = []; c.stdout?.on("data", d => o += d); c.stderr?.on("data", d => e += d); c.on("error", x => errors.push(x.message)); c.on("close", (code, signal) => r([code, signal, o, e, ...errors])) });
`

func unixOnly(t *testing.T) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("uses a shell")
	}
}

func TestChildrenAreSpawned(t *testing.T) {
	unixOnly(t)
	e, m := machinetest.New(t)
	want := func(code, want string) { t.Helper(); e.Want(begin+code, want) }
	want(`const c = cp.spawn("sh", ["-c", "echo out; echo err >&2; exit 3"]); const order = []; for (const n of ["spawn", "exit", "close"]) c.on(n, () => order.push(n)); return [typeof c.pid, ...await end(c), order, c.exitCode, c.signalCode, c.spawnfile, c.spawnargs]`, `["number",3,null,"out\n","err\n",["spawn","exit","close"],3,null,"sh",["sh","-c","echo out; echo err >&2; exit 3"]]`)
	want(`const c = cp.spawn("cat"); c.stdin.write("one "); c.stdin.end("two"); return await end(c)`, `[0,null,"one two",""]`)
	want(`return await end(cp.spawn("sh", ["-c", "pwd; echo $VIRTUAL $GIVEN"]))`, `[0,null,"`+m.Directory+`\nyes\n",""]`)
	want(`const fs = process.getBuiltinModule("node:fs"); fs.mkdirSync("sub"); return (await end(cp.spawn("/bin/pwd", { cwd: "sub", env: { GIVEN: 1, NOT: undefined } }))).concat(await end(cp.spawn("/usr/bin/env", { env: { GIVEN: 1, NOT: undefined } })))`, `[0,null,"`+m.Directory+`/sub\n","",0,null,"GIVEN=1\n",""]`)
	want(`return await end(cp.spawn("echo $((1+1)) | tr 2 x", { shell: true }))`, `[0,null,"x\n",""]`)
	want(`const big = "y".repeat(1000000); const c = cp.spawn("cat"); c.stdin.end(big); const [code, , o] = await end(c); return [code, o === big]`, `[0,true]`)
	want(`const fs = process.getBuiltinModule("node:fs"); const fd = fs.openSync("log", "w"); const c = cp.spawn("sh", ["-c", "echo filed; echo also >&2"], { stdio: ["ignore", fd, fd] }); const r = await end(c); fs.closeSync(fd); return [r, c.stdout, c.stdin, fs.readFileSync("log", "utf8")]`, `[[0,null,"",""],null,null,"filed\nalso\n"]`)
	want(`return [await end(cp.spawn("sh", ["-c", "echo inherited"], { stdio: "inherit" }))]`, `[[0,null,"",""]]`)
	if got := m.Out.String(); got != "inherited\n" {
		t.Errorf("the program's stdout got %q", got)
	}
	want(`const c = cp.spawn("sh", ["-c", "cat <&3 >&4"], { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] }); c.stdio[3].end("there and back"); let s = ""; c.stdio[4].on("data", d => s += d); await end(c); return s`, "there and back")
	if err := os.WriteFile(filepath.Join(m.Directory, "plain"), []byte("echo no hashbang $1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	want(`return await end(cp.spawn("./plain", ["x"]))`, `[0,null,"no hashbang x\n",""]`)
}

func TestChildrenAreStopped(t *testing.T) {
	unixOnly(t)
	e, _ := machinetest.New(t)
	want := func(code, want string) { t.Helper(); e.Want(begin+code, want) }
	want(`const c = cp.spawn("sleep", ["60"]); const r = [c.kill(0), c.killed, c.kill(), c.killed]; return [...r, ...(await end(c)).slice(0, 2), c.kill()]`, `[true,true,true,true,null,"SIGTERM",false]`)
	want(`const c = cp.spawn("sleep", ["60"]); c.kill("SIGKILL"); return (await end(c)).slice(0, 2)`, `[null,"SIGKILL"]`)
	for _, name := range []string{"SIGINT", "SIGHUP"} {
		want(`return [(await end(cp.spawn("sleep", ["60"], { timeout: 20, killSignal: "`+name+`" })))[1], cp.spawnSync("sleep", ["60"], { timeout: 20, killSignal: "`+name+`" }).signal]`, `["`+name+`","`+name+`"]`)
	}
	want(`const a = new AbortController(); const c = cp.spawn("sleep", ["60"], { signal: a.signal }), p = end(c); a.abort(); return await p`, `[null,"SIGTERM","","","The operation was aborted"]`)
	want(`const c = cp.spawn("sh", ["-c", "trap 'echo caught; exit 7' USR1; echo ready; while :; do sleep 0.02; done"]); c.stdout.once("data", () => c.kill("SIGUSR1")); return await end(c)`, `[7,null,"ready\ncaught\n",""]`)
	want(`return [caught(() => cp.spawn("sleep", ["1"]).kill("SIGNONE")), caught(() => cp.spawn("x", { killSignal: "SIGNONE" })), caught(() => cp.spawn("x", { timeout: -1 }))]`,
		`["TypeError|ERR_UNKNOWN_SIGNAL|Unknown signal: SIGNONE","TypeError|ERR_UNKNOWN_SIGNAL|Unknown signal: SIGNONE","RangeError|ERR_OUT_OF_RANGE|The value of \"timeout\" is out of range. It must be an unsigned integer. Received -1"]`)
}

func TestChildrenThatFail(t *testing.T) {
	unixOnly(t)
	e, m := machinetest.New(t)
	want := func(code, want string) { t.Helper(); e.Want(begin+code, want) }
	if err := os.WriteFile(filepath.Join(m.Directory, "shut"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	want(`const c = cp.spawn("no-such-program", ["a"]); const x = await new Promise(r => c.on("error", r)); return [x.message, x.code, x.errno, x.syscall, x.path, x.spawnargs, c.pid === undefined]`, `["spawn no-such-program ENOENT","ENOENT",-2,"spawn no-such-program","no-such-program",["a"],true]`)
	want(`return [await end(cp.spawn("none")), await end(cp.spawn("./shut")), await end(cp.spawn("ls", { cwd: "none" }))]`, `[[-2,null,"","","spawn none ENOENT"],[-13,null,"","","spawn ./shut EACCES"],[-2,null,"","","spawn ls ENOENT"]]`)
	want(`const c = cp.spawn("true"); await end(c); return await new Promise(r => c.stdin.write("x", x => r(x.code)))`, "ERR_STREAM_DESTROYED")
	want(`const c = cp.spawn("sh", ["-c", "exec 0<&-; echo closed; exec sleep 60"]); return await new Promise(r => { c.stdin.on("error", x => { c.kill(); r([x.code, x.syscall, x.message]) }); c.stdout.once("data", () => c.stdin.write("x")) })`, `["EPIPE","write","write EPIPE"]`)
	for call, want := range map[string]string{
		`cp.spawn("")`:                              `TypeError|ERR_INVALID_ARG_VALUE|The argument 'file' cannot be empty. Received ''`,
		`cp.spawn(5)`:                               `TypeError|ERR_INVALID_ARG_TYPE|The "file" argument must be of type string. Received type number (5)`,
		`cp.spawn("a\0b")`:                          `TypeError|ERR_INVALID_ARG_VALUE|The argument 'file' must be a string without null bytes. Received 'a\x00b'`,
		`cp.spawn("x", 5)`:                          `TypeError|ERR_INVALID_ARG_TYPE|The "args" argument must be of type object. Received type number (5)`,
		`cp.spawn("x", [], 5)`:                      `TypeError|ERR_INVALID_ARG_TYPE|The "options" argument must be of type object. Received type number (5)`,
		`cp.spawn("x", { cwd: 5 })`:                 `TypeError|ERR_INVALID_ARG_TYPE|The "options.cwd" property must be of type string or an instance of Buffer or URL. Received type number (5)`,
		`cp.spawn("x", { stdio: "odd" })`:           `TypeError|ERR_INVALID_ARG_VALUE|The argument 'stdio' is invalid. Received 'odd'`,
		`cp.spawn("x", { detached: 1 })`:            `TypeError|ERR_INVALID_ARG_TYPE|The "options.detached" property must be of type boolean. Received type number (1)`,
		`cp.spawn("x", { stdio: [99, 99, 99] })`:    `Error|EBADF|EBADF: bad file descriptor, spawn`,
		`cp.exec(5)`:                                `TypeError|ERR_INVALID_ARG_TYPE|The "command" argument must be of type string. Received type number (5)`,
		`cp.execFile("x", {}, 5)`:                   `TypeError|ERR_INVALID_ARG_TYPE|The "callback" argument must be of type function. Received type number (5)`,
		`cp.execFile("x", { maxBuffer: -1 })`:       `RangeError|ERR_OUT_OF_RANGE|The value of "options.maxBuffer" is out of range. It must be a positive number. Received -1`,
		`cp.spawnSync("x", [], { stdio: ["ipc"] })`: `Error|ERR_IPC_SYNC_FORK|IPC cannot be used with synchronous forks`,
		`cp.fork(5)`:                                `TypeError|ERR_INVALID_ARG_TYPE|The "modulePath" argument must be of type string. Received type number (5)`,
		`cp.fork("x", { stdio: ["pipe"] })`:         `Error|ERR_CHILD_PROCESS_IPC_REQUIRED|Forked processes must have an IPC channel, missing value 'ipc' in options.stdio`,
	} {
		m.Command = []string{"node"}
		e.Want(begin+`return caught(() => `+call+`)`, want)
	}
}

func TestExec(t *testing.T) {
	unixOnly(t)
	e, _ := machinetest.New(t)
	want := func(code, want string) { t.Helper(); e.Want(begin+code, want) }
	want(`return await new Promise(r => cp.exec("echo one; echo two >&2", (e, o, s) => r([e, o, s])))`, `[null,"one\n","two\n"]`)
	want(`return await new Promise(r => cp.exec("echo bad >&2; exit 4", (e, o, s) => r([e.message, e.code, e.killed, e.signal, e.cmd, o, s])))`, `["Command failed: echo bad >&2; exit 4\nbad\n",4,false,null,"echo bad >&2; exit 4","","bad\n"]`)
	want(`return await new Promise(r => cp.execFile("printf", ["%s", "a b"], { encoding: "buffer" }, (e, o) => r([Buffer.isBuffer(o), String(o)])))`, `[true,"a b"]`)
	want(`return await new Promise(r => cp.exec("yes", { maxBuffer: 100 }, (e, o) => r([e.name, e.code, e.message, o.length])))`, `["RangeError","ERR_CHILD_PROCESS_STDIO_MAXBUFFER","stdout maxBuffer length exceeded",100]`)
	want(`return await new Promise(r => cp.exec("exec sleep 60", { timeout: 20 }, (e, o) => r([e.killed, e.signal, e.code])))`, `[true,"SIGTERM",null]`)
	want(`return await new Promise(r => cp.execFile("none", (e, o) => r([e.code, e.message, e.cmd, o])))`, `["ENOENT","spawn none ENOENT","none",""]`)
	want(`const p = process.getBuiltinModule("node:util").promisify(cp.exec)("echo p"); const r = await p; let f; try { await process.getBuiltinModule("node:util").promisify(cp.execFile)("sh", ["-c", "echo lost; exit 9"]) } catch (x) { f = [x.code, x.stdout] } return [r, typeof p.child.pid, f]`, `[{"stdout":"p\n","stderr":""},"number",[9,"lost\n"]]`)
}

func TestSynchronousChildren(t *testing.T) {
	unixOnly(t)
	e, m := machinetest.New(t)
	want := func(code, want string) { t.Helper(); e.Want(begin+code, want) }
	want(`const r = cp.spawnSync("sh", ["-c", "cat; echo err >&2; exit 2"], { input: "given", encoding: "utf8" }); return [r.status, r.signal, r.stdout, r.stderr, r.output, r.error ?? null, r.pid > 0]`, `[2,null,"given","err\n",[null,"given","err\n"],null,true]`)
	want(`return [String(cp.execSync("echo $((6*7))")), cp.execFileSync("echo", ["x"], { encoding: "utf8" })]`, `["42\n","x\n"]`)
	want(`try { cp.execSync("echo o; echo bad >&2; exit 5"); } catch (x) { return [x.message, x.status, String(x.stdout), String(x.stderr)] }`, `["Command failed: echo o; echo bad >&2; exit 5\nbad\n",5,"o\n","bad\n"]`)
	want(`const r = cp.spawnSync("none"); return [r.error.message, r.error.code, r.status, r.pid, r.output, caught(() => cp.execFileSync("none", ["a"]))]`, `["spawnSync none ENOENT","ENOENT",null,0,null,"Error|ENOENT|spawnSync none ENOENT"]`)
	want(`const r = cp.spawnSync("sleep", ["60"], { timeout: 30 }); return [r.error.code, r.signal, r.status]`, `["ETIMEDOUT","SIGTERM",null]`)
	want(`const r = cp.spawnSync("yes", { maxBuffer: 50 }); return [r.error.code, r.stdout.length, r.signal]`, `["ENOBUFS",50,"SIGTERM"]`)
	want(`const r = cp.spawnSync("sh", ["-c", "sleep 60 & wait"], { timeout: 30, killSignal: "SIGKILL" }); return [r.error.code, r.signal]`, `["ETIMEDOUT","SIGKILL"]`)
	want(`const r = cp.spawnSync("echo", ["seen"], { stdio: "inherit" }); return [r.status, r.output]`, `[0,[null,null,null]]`)
	if !strings.Contains(m.Out.String(), "seen\n") {
		t.Errorf("the program's stdout has %q", m.Out.String())
	}
}

func TestChildrenAreBounded(t *testing.T) {
	unixOnly(t)
	e, _ := machinetest.New(t, "program.children=2")
	e.Want(begin+`const a = cp.spawn("sleep", ["60"]), b = cp.spawn("sleep", ["60"]), c = cp.spawn("sleep", ["60"]); const r = await end(c); out.push(r, cp.spawnSync("true").error.code); a.kill(); await end(a); out.push((await end(cp.spawn("true")))[0]); b.kill(); return out`, `[[-11,null,"","","spawn sleep EAGAIN"],"EAGAIN",0]`)
}

// forks is a machine whose forks of child.js are node's.
func forks(t *testing.T, child string) *jstest.Env {
	t.Helper()
	unixOnly(t)
	bin, err := exec.LookPath("node")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("node is missing")
		}
		t.Skip("no node to fork")
	}
	e, m := machinetest.New(t)
	m.Command = []string{bin}
	if err := os.WriteFile(filepath.Join(m.Directory, "child.js"), []byte(child), 0o644); err != nil {
		t.Fatal(err)
	}
	return e
}

// A child speaks to who forked it in lines of JSON, as node's children do.
func TestForkedChildrenHaveAChannel(t *testing.T) {
	e := forks(t, `process.on("message", (m) => { process.send({ got: m, argv: process.argv.slice(2) }); if (m === "end") process.disconnect() })`)
	e.Want(begin+`const c = cp.fork("child.js", ["x"]); c.on("message", m => out.push(m)); c.on("disconnect", () => out.push("disconnected")); c.send({ a: "ü" }); c.send("end"); await end(c); return [...out, c.connected, caught(() => c.send(undefined)), await new Promise(r => c.send("late", x => r(x.code)))]`,
		`[{"got":{"a":"ü"},"argv":["x"]},{"got":"end","argv":["x"]},"disconnected",false,"TypeError|ERR_MISSING_ARGS|The \"message\" argument must be specified","ERR_IPC_CHANNEL_CLOSED"]`)
	e.Want(begin+`const c = cp.fork("child.js"); c.disconnect(); const r = await end(c); c.on("error", x => out.push(x.code)); c.disconnect(); return [r.slice(0, 2), ...out]`, `[[0,null],"ERR_IPC_DISCONNECTED"]`)
}

// What goes through a channel in V8's format is what node writes and reads.
func TestForkedChildrenSpeakV8sFormat(t *testing.T) {
	e := forks(t, `process.on("message", (m) => {
		if (m === "end") return process.disconnect();
		process.send([m, require("util").inspect(m, { maxArrayLength: 2, maxStringLength: 5, breakLength: Infinity, compact: true }), m?.big?.length]);
	})`)
	e.Want(begin+`const c = cp.fork("child.js", { serialization: "advanced" }), cycle = {}; cycle.own = cycle; c.on("message", (m) => { out.push(m); if (out.length === list.length) c.send("end"); });
		const list = [1, { m: new Map([[1, new Set(["x"])]]), d: new Date(0), b: Buffer.from("x"), u: new Uint16Array([1, 2]), n: 10n, u2: undefined }, cycle, [, 1], { big: "y".repeat(300000) }, Buffer.alloc(100000, 1), null];
		for (const m of list) c.send(m);
		const r = await end(c);
		const back = out.map((m) => m[0]);
		return [r.slice(0, 2), out.map((m) => m[1]), back[1].m.get(1).has("x"), back[1].d.getTime(), back[1].b instanceof Buffer, back[1].u[1], String(back[1].n), "u2" in back[1], back[2].own === back[2], 0 in back[3], back[4].big.length, back[5].length]`,
		`[[0,null],["1","{ m: Map(1) { 1 => Set(1) { 'x' } }, d: 1970-01-01T00:00:00.000Z, b: <Buffer 78>, u: Uint16Array(2) [ 1, 2 ], n: 10n, u2: undefined }","<ref *1> { own: [Circular *1] }","[ <1 empty item>, 1 ]","{ big: 'yyyyy'... 299995 more characters }","<Buffer 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 ... 99950 more bytes>","null"],true,0,true,2,"10",true,true,false,300000,100000]`)
	e.Want(begin+`const c = cp.fork("child.js", { serialization: "advanced" }); const said = [() => {}, { f: () => 1 }, [Symbol("s")]].map((m) => caught(() => c.send(m))); c.send("end"); await end(c);
		return [...said, ...["x", 5].map((serialization) => caught(() => cp.fork("child.js", { serialization })).split("|")[1])]`,
		`["TypeError|ERR_INVALID_ARG_TYPE|The \"message\" argument must be one of type string, object, number, or boolean. Received function ","Error||() => 1 could not be cloned.","Error||Symbol(s) could not be cloned.","ERR_INVALID_ARG_VALUE","ERR_INVALID_ARG_VALUE"]`)
}
