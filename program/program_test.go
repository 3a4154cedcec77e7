package program_test

import (
	"bytes"
	"context"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"workerd.local/internal/limits"
	"workerd.local/isolate"
	"workerd.local/program"
)

// patience bounds a program that should have ended long before.
const patience = 60 * time.Second

// result is what became of a program.
type result struct {
	out, err string
	code     int
}

// write makes the files of a text, in which "-- name --" begins each.
func write(t testing.TB, text string) (dir string) {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	name := ""
	var body strings.Builder
	flush := func() {
		if name == "" {
			return
		}
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(body.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		body.Reset()
	}
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "-- "); ok && strings.HasSuffix(rest, " --") {
			flush()
			name = strings.TrimSuffix(rest, " --")
			continue
		}
		if name != "" {
			body.WriteString(line)
		}
	}
	flush()
	return dir
}

func run(t testing.TB, dir, entry string, args ...string) result {
	t.Helper()
	return runWith(t, program.Options{Entry: entry, Args: args, Dir: dir, Env: []string{"HOME=/nowhere"}})
}

func runWith(t testing.TB, o program.Options) result {
	t.Helper()
	signalsLoop()
	before := runtime.NumGoroutine()
	var out, errs bytes.Buffer
	o.Stdout, o.Stderr = &out, &errs
	p, err := program.New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	code, err := p.Run(ctx)
	if err != nil {
		t.Fatalf("%v\n%s%s", err, out.String(), errs.String())
	}
	noMoreGoroutines(t, before)
	strip := func(b *bytes.Buffer) string { return strings.ReplaceAll(b.String(), o.Dir, "DIR") }
	return result{strip(&out), strip(&errs), code}
}

// signalsLoop starts the goroutine that package signal has from its first use on.
var signalsLoop = sync.OnceFunc(func() {
	c := make(chan os.Signal, 1)
	signal.Notify(c, os.Interrupt)
	signal.Stop(c)
})

// noMoreGoroutines waits until there are as few goroutines as before a program ran.
func noMoreGoroutines(t testing.TB, before int) {
	t.Helper()
	for end := time.Now().Add(patience); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			stacks := make([]byte, 1<<20)
			t.Fatalf("goroutines are left\n%s", stacks[:runtime.Stack(stacks, true)])
		}
	}
}

// want runs the first file of a text and compares what it printed.
func want(t *testing.T, text, out string) {
	t.Helper()
	dir := write(t, text)
	first, _, _ := strings.Cut(strings.TrimSpace(text)[3:], " --")
	r := run(t, dir, first)
	if got := strings.TrimSpace(r.out); got != strings.TrimSpace(out) || r.code != 0 {
		t.Errorf("printed:\n%s\nwant:\n%s\ncode %d, stderr:\n%s", got, strings.TrimSpace(out), r.code, r.err)
	}
}

func TestProgramEndsWhenNothingIsLeft(t *testing.T) {
	want(t, `
-- main.js --
setTimeout(() => console.log("never"), 1e6).unref();
setImmediate(() => { console.log("immediate"); setTimeout(() => console.log("timeout"), 5); });
Promise.resolve().then(() => console.log("microtask"));
process.nextTick(() => console.log("tick"));
process.on("beforeExit", (code) => console.log("beforeExit", code));
process.on("exit", (code) => console.log("exit", code));
console.log("main");
`, `
main
tick
microtask
immediate
timeout
beforeExit 0
exit 0`)
}

func TestRequire(t *testing.T) {
	want(t, `
-- main.js --
const a = require("./lib/a");
console.log(a.name, a.other.done, require("./data").list, require("pkg"), require("pkg/sub"), require("node:path") === require("path"));
console.log(require.resolve("./lib/a") === __dirname + "/lib/a.js", require.cache[require.resolve("./lib/a")].exports === a);
console.log(require.main === module, module.id, module.children.map((m) => m.filename.slice(__dirname.length)).join(), module.paths[0] === __dirname + "/node_modules");
console.log(require("./dir").where, a.parent === module, module.loaded, a.self.loaded);
-- lib/a.js --
exports.name = "a";
exports.parent = module.parent;
exports.self = module;
exports.other = require("./b");
-- lib/b.js --
exports.done = [require("./a").name, require("./a").other];
-- data.json --
{"list": [1, 2]}
-- dir/package.json --
{"main": "./deep"}
-- dir/deep/index.js --
exports.where = __filename.slice(-13);
-- node_modules/pkg/package.json --
{"exports": {".": {"import": "./no.mjs", "require": "./yes.js"}, "./s*": "./lib/s*.js"}}
-- node_modules/pkg/yes.js --
module.exports = "required";
-- node_modules/pkg/lib/sub.js --
module.exports = "sub";
`, `
a [ 'a', undefined ] [ 1, 2 ] required sub true
true true
true . /lib/a.js,/data.json,/node_modules/pkg/yes.js,/node_modules/pkg/lib/sub.js true
deep/index.js true false true`)
}

func TestUncaught(t *testing.T) {
	dir := write(t, `
-- main.js --
function f() {
  throw new TypeError("bad");
}
f();
`)
	r := run(t, dir, "main.js")
	if r.code != 1 || !strings.HasPrefix(r.err, "DIR/main.js:2\n  throw new TypeError(\"bad\");\n") || !strings.Contains(r.err, "\nTypeError: bad\n    at f (DIR/main.js:2:9)\n") {
		t.Errorf("code %d\n%s", r.code, r.err)
	}
}

// Programs end in many ways, and their goroutines with them.
func TestProgramsLeaveNothingBehind(t *testing.T) {
	sources := []string{
		`console.log(1)`,
		`setInterval(() => {}, 1000); setTimeout(() => process.exit(3), 2)`,
		`throw new Error("x")`,
		`process.on("SIGUSR1", () => {}); process.on("SIGTERM", () => {}); setTimeout(() => {}, 2)`,
		`require("http").createServer().listen(0, () => process.exit())`,
		`require("http").createServer().listen(0).unref()`,
		`fetch("http://127.0.0.1:1/").catch(() => {})`,
		`Promise.reject(1)`,
		`require("./main.js"); require("./nothing")`,
	}
	for _, src := range sources {
		dir := write(t, "-- main.js --\n"+src+"\n")
		run(t, dir, "main.js") // which waits for them
	}
}

func TestContextEndsAProgram(t *testing.T) {
	dir := write(t, "-- main.js --\nfor (;;);\n")
	p, err := program.New(program.Options{Entry: "main.js", Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	if code, err := p.Run(ctx); err != nil || code != 128+15 {
		t.Errorf("code %d, %v", code, err)
	}
}

func TestLimitsOfPrograms(t *testing.T) {
	for _, c := range []struct {
		name, source string
		o            program.Options
		code         int
		err          string
	}{
		{"a turn", `for (;;);`, program.Options{Limits: isolate.Limits{Turn: 50 * time.Millisecond}}, 1, "exceeded CPU time limit"},
		{"timers", `for (;;) setTimeout(() => {}, 1e6)`, program.Options{Limits: isolate.Limits{Bounds: mustParse(t, "program.timers=10")}}, 1, "RangeError: There are 10 timers already"},
		{"memory", `const all = []; for (;;) all.push(new Array(1000).fill(all.length))`, program.Options{MemoryBytes: 200 << 20}, 134, "JavaScript heap out of memory"},
	} {
		dir := write(t, "-- main.js --\n"+c.source+"\n")
		var errs bytes.Buffer
		c.o.Entry, c.o.Dir, c.o.Stderr = "main.js", dir, &errs
		p, err := program.New(c.o)
		if err != nil {
			t.Fatal(err)
		}
		code, err := p.Run(t.Context())
		if err != nil || code != c.code || !strings.Contains(errs.String(), c.err) {
			t.Errorf("%s: code %d, %v\n%s", c.name, code, err, errs.String())
		}
	}
}

func mustParse(t *testing.T, settings ...string) *limits.Set {
	t.Helper()
	b, err := limits.Parse(settings...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
