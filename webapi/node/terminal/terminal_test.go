package terminal_test

import (
	"os"
	"testing"

	"workerd.local/internal/machinetest"
)

const begin = `const get = (n) => process.getBuiltinModule(n); const readline = get("node:readline"), rlp = get("node:readline/promises"), os = get("node:os"), tty = get("node:tty"), { PassThrough, Readable } = get("node:stream"), out = [];
	const caught = (fn) => { try { return fn() } catch (e) { return [e.name, e.code ?? "", e.message].join("|") } };
	const text = (s) => { let t = ""; s.on("data", d => t += d); return () => t };
`

func TestLinesAreRead(t *testing.T) {
	e, _ := machinetest.New(t)
	want := func(code, want string) { t.Helper(); e.Want(begin+code, want) }
	want(`for await (const l of readline.createInterface({ input: Readable.from(["a\nb", "c\r", "\nd\r\n\n", "last"]) })) out.push(l); return out`, `["a","bc","d","","last"]`)
	want(`const input = new PassThrough(), output = new PassThrough(), shown = text(output); const rl = readline.createInterface({ input, output }); const p = new Promise(r => rl.question("name? ", r)); input.write("me\n"); const a = await p; rl.on("line", l => out.push(l)); rl.setPrompt("$ "); rl.prompt(); input.write("x\ny\n"); await new Promise(r => setTimeout(r, 5)); rl.close(); return [a, shown(), out, rl.closed, rl.terminal, caught(() => rl.question("", () => {}))]`,
		`["me","name? $ ",["x","y"],true,false,"Error|ERR_USE_AFTER_CLOSE|readline was closed"]`)
	want(`const input = new PassThrough(); const rl = rlp.createInterface({ input }); const p = rl.question("q"); input.write("answer\n"); const a = await p; const c = new AbortController(), q = rl.question("again", { signal: c.signal }).catch(e => e.name); c.abort(); return [a, await q]`, `["answer","AbortError"]`)
	want(`const input = new PassThrough(); const rl = readline.createInterface({ input }); for (const n of ["line", "close", "pause", "resume"]) rl.on(n, (l) => out.push(l ?? n)); rl.pause(); rl.resume(); input.end("tail"); await new Promise(r => rl.once("close", r)); return out`, `["pause","resume","tail","pause","close"]`)
	want(`return [caught(() => readline.createInterface({ input: 5 })).split("|")[1], caught(() => readline.createInterface({ input: new PassThrough(), historySize: -1 })).split("|")[1], caught(() => readline.createInterface({ input: new PassThrough(), completer: 1 })).split("|")[1], caught(() => readline.cursorTo(new PassThrough(), NaN)), caught(() => readline.cursorTo(new PassThrough(), undefined, 1))]`,
		`["ERR_INVALID_ARG_TYPE","ERR_INVALID_ARG_VALUE","ERR_INVALID_ARG_VALUE","TypeError|ERR_INVALID_ARG_VALUE|The argument 'x' is invalid. Received NaN","TypeError|ERR_INVALID_CURSOR_POS|Cannot set cursor row without setting its column"]`)
	want(`const e = new PassThrough(); const rl = readline.createInterface({ input: e }); const p = new Promise(r => rl.on("error", x => r(x.message))); e.destroy(new Error("broken")); return await p`, "broken")
}

func TestLinesAreEdited(t *testing.T) {
	e, _ := machinetest.New(t)
	want := func(code, want string) { t.Helper(); e.Want(begin+code, want) }
	const terminal = `const input = new PassThrough(), output = new PassThrough(); output.columns = 80; output.resume(); const rl = readline.createInterface({ input, output, terminal: true, escapeCodeTimeout: 5 }); rl.on("line", l => out.push(l)); const type = async (s) => { input.write(s); await new Promise(r => setTimeout(r, 12)) };`
	want(terminal+`await type("helo\x1b[Dl\x1b[C!\r"); await type("ab\x01x\x05y\x7f\r"); await type("kill this\x17word\r"); await type("abc\x02\x02\x0b\r"); await type("gone\x15kept\r"); return out`, `["hello!","xab","kill word","a","kept"]`)
	want(terminal+`await type("one\r"); await type("two\r"); await type("\x1b[A\x1b[A\r"); await type("\x1b[A\x1b[B draft\r"); return [out, rl.history]`, `[["one","two","one"," draft"],[" draft","one","two","one"]]`)
	want(terminal+`let ints = 0; rl.on("SIGINT", () => ints++); await type("x\x03"); await type("\x15\x04"); return [ints, rl.closed]`, `[1,true]`)
	want(`const input = new PassThrough(), keys = []; readline.emitKeypressEvents(input); input.on("keypress", (s, k) => keys.push([s ?? null, k.name ?? null, k.ctrl, k.meta, k.shift])); input.write("aA\x01\x1b[1;5C\x1bx\x1b[3~é"); await new Promise(r => setTimeout(r, 5)); return keys`,
		`[["a","a",false,false,false],["A","a",false,false,true],["\u0001","a",true,false,false],[null,"right",true,false,false],[null,"x",false,true,false],[null,"delete",false,false,false],["é",null,false,false,false]]`)
	want(`const input = new PassThrough(), output = new PassThrough(), shown = text(output); const rl = readline.createInterface({ input, output, terminal: true, prompt: "> ", completer: (l) => [["apple", "apricot"].filter(w => w.startsWith(l)), l] }); rl.on("line", l => out.push(l)); input.write("a\t"); await new Promise(r => setTimeout(r, 5)); input.write("p\t\r"); await new Promise(r => setTimeout(r, 5)); return [out, shown().includes("apple  apricot")]`, `[["app"],false]`)
}

func TestMachineOfPrograms(t *testing.T) {
	e, m := machinetest.New(t)
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	_ = m
	want := func(code, want string) { t.Helper(); e.Want(begin+code, want) }
	want(`return [os.hostname(), os.cpus().length === os.availableParallelism() || os.cpus().length > 0 || os.platform() !== "linux", os.totalmem() >= os.freemem(), typeof os.uptime(), os.loadavg().length, os.EOL, os.userInfo().username.length > 0, Object.keys(os.networkInterfaces()).length > 0, os.constants.signals.SIGINT, typeof os.release(), os.tmpdir().length > 0]`,
		`["`+host+`",true,true,"number",3,"\n",true,true,2,"string",true]`)
	want(`return [typeof os.getPriority(), caught(() => os.setPriority(0, 99)), caught(() => os.getPriority("x")), caught(() => os.getPriority(99999999)).split("|")[1]]`, `["number","RangeError|ERR_OUT_OF_RANGE|The value of \"priority\" is out of range. It must be >= -20 && <= 19. Received 99","TypeError|ERR_INVALID_ARG_TYPE|The \"pid\" argument must be of type number. Received type string ('x')","ERR_SYSTEM_ERROR"]`)
	want(`return [tty.isatty(0), tty.isatty(1), tty.isatty(-1), tty.isatty("x"), caught(() => new tty.WriteStream(1)).split("|")[1], caught(() => new tty.ReadStream(-1)), tty.WriteStream.prototype.getColorDepth({ COLORTERM: "truecolor" }), tty.WriteStream.prototype.getColorDepth({ TERM: "dumb" }), tty.WriteStream.prototype.getColorDepth({ TERM: "xterm-256color" }), tty.WriteStream.prototype.getColorDepth({ FORCE_COLOR: "1" }), tty.WriteStream.prototype.hasColors(256, { TERM: "xterm-256color" }), tty.WriteStream.prototype.hasColors({ NO_COLOR: "1" })]`,
		`[false,false,false,false,"ERR_TTY_INIT_FAILED","RangeError|ERR_INVALID_FD|\"fd\" must be a positive integer: -1",24,1,8,4,true,false]`)
}

func TestDomains(t *testing.T) {
	e, _ := machinetest.New(t)
	want := func(code, want string) {
		t.Helper()
		e.Want(begin+`const domain = get("node:domain"), EventEmitter = get("node:events"); const d = domain.create(); d.on("error", (e) => out.push([e.message, e.domain === d, e.domainThrown, domain.active === d]));`+code, want)
	}
	want(`const r = d.run((a) => [a, process.domain === d, domain.active === d], 5); return [r, process.domain]`, `[[5,true,true],null]`)
	want(`let ee; d.run(() => { ee = new EventEmitter() }); ee.emit("error", new Error("emitted")); const other = new EventEmitter(); d.add(other); other.emit("error", new Error("added")); d.remove(other); return [out, caught(() => other.emit("error", new Error("alone"))), d.members.length, ee.domain === d]`, `[[["emitted",true,false,false],["added",true,false,false]],"Error||alone",0,true]`)
	want(`const f = d.bind((x) => [x, process.domain === d]); const g = d.intercept((x) => x); return [f(1), g(null, 2), g(new Error("first")) ?? null, out]`, `[[1,true],2,null,[["first",true,false,false]]]`)
	want(`let took; await new Promise(r => d.run(() => setTimeout(() => { took = process._domainUncaught(new Error("thrown")); r() }, 1))); return [took, out, process._domainUncaught(new Error("outside"))]`, `[true,[["thrown",true,true,false]],false]`)
	want(`return await new Promise(r => d.run(() => Promise.resolve().then(() => r(process.domain === d))))`, `true`)
}
