package natives

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dop251/goja"

	"workerd.local/internal/peer"
)

// The files in testdata hold JavaScript expressions with the text that node
// prints for them:
//
//	> expression
//	result
//
// ">!" marks an expression that node 20 does not know or prints differently
// from the engine workerd ships; its result is checked by hand.
// go test -run TestNodeAgrees -update writes the results of ">" from node.
var update = flag.Bool("update", false, "record the results of testdata from node")

const showJS = `
function fmt(v, d = 0) {
  switch (typeof v) {
  case "string": return JSON.stringify(v);
  case "number": return Object.is(v, -0) ? "-0" : String(v);
  case "bigint": return v + "n";
  case "symbol": return String(v);
  case "function": return "function";
  case "object":
    if (v === null) return "null";
    if (d > 6) return "...";
    if (v instanceof Error) return v.name + ": " + v.message;
    if (Array.isArray(v)) {
      const out = [];
      for (let i = 0; i < v.length; i++) out.push(i in v ? fmt(v[i], d + 1) : "-");
      return "[" + out.join(" ") + "]";
    }
    if (ArrayBuffer.isView(v)) return v.constructor.name + "(" + Array.from(v).join(" ") + ")";
    if (v instanceof Map) return "Map" + fmt([...v.entries()], d + 1);
    return "{" + Object.keys(v).map(k => k + ":" + fmt(v[k], d + 1)).join(" ") + "}";
  }
  return String(v);
}
function show(f) {
  let s;
  try { s = fmt(f()); } catch (e) { s = e instanceof Error ? "throws " + e.name + ": " + e.message : "throws " + fmt(e); }
  return s.replace(/ \(line \d+ column \d+\)/, "").replace(/\n/g, "\\n");
}
function errName(f) { try { f(); return "no error"; } catch (e) { return e.name; } }
function proxyLog(t) {
  const log = [];
  const p = new Proxy(t, new Proxy({}, { get: (_, trap) => (...a) => { log.push(trap + (typeof a[1] === "string" ? " " + a[1] : "")); return Reflect[trap](...a); } }));
  return [p, log];
}
function attrs(o, k) { const d = Object.getOwnPropertyDescriptor(o, k); return d && [d.writable, d.enumerable, d.configurable, typeof d.value === "function" ? [d.value.name, d.value.length, "prototype" in d.value] : d.value]; }
`

type conformCase struct {
	file, expr, want string
	line             int
	ours             bool // not compared with node
}

func conformCases(t testing.TB) []conformCase {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no conformance files: %v", err)
	}
	var all []conformCase
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(string(b), "\n")
		for i := 0; i < len(lines); i++ {
			l := lines[i]
			if !strings.HasPrefix(l, ">") {
				continue
			}
			c := conformCase{file: f, line: i + 1}
			l = l[1:]
			if strings.HasPrefix(l, "!") {
				c.ours = true
				l = l[1:]
			}
			c.expr = strings.TrimSpace(l)
			if i+1 < len(lines) && !strings.HasPrefix(lines[i+1], ">") {
				c.want = lines[i+1]
				i++
			}
			all = append(all, c)
		}
	}
	return all
}

func newRuntime(t testing.TB, l Limits) *goja.Runtime {
	t.Helper()
	rt := goja.New()
	rt.SetMaxCallStackSize(2000)
	if _, err := Install(rt, l); err != nil {
		t.Fatal(err)
	}
	return rt
}

func TestConformance(t *testing.T) {
	for _, c := range conformCases(t) {
		rt := newRuntime(t, Limits{})
		if _, err := rt.RunScript("show.js", showJS); err != nil {
			t.Fatal(err)
		}
		v, err := rt.RunString("show(() => (" + c.expr + "\n))")
		got := ""
		if err != nil {
			got = "error " + err.Error()
		} else {
			got = v.String()
		}
		if got != c.want {
			t.Errorf("%s:%d: %s\n got %s\nwant %s", c.file, c.line, c.expr, got, c.want)
		}
	}
}

func TestNodeAgrees(t *testing.T) {
	node := peer.Node(t)
	cases := conformCases(t)
	var exprs []string
	for _, c := range cases {
		if !c.ours {
			exprs = append(exprs, c.expr)
		}
	}
	in, err := json.Marshal(exprs)
	if err != nil {
		t.Fatal(err)
	}
	script := showJS + `
const out = JSON.parse(require("fs").readFileSync(0, "utf8")).map(x => {
  try { return require("vm").runInThisContext(` + "`${show};${fmt};${errName};${proxyLog};${attrs};show(() => (${x}\\n))`" + `); } catch (e) { return "error " + e; }
});
process.stdout.write(JSON.stringify(out));`
	cmd := exec.Command(node, "-e", script)
	cmd.Env = append(os.Environ(), "TZ=UTC", "LANG=en_US.UTF-8", "LC_ALL=en_US.UTF-8")
	cmd.Stdin = bytes.NewReader(in)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node: %v", err)
	}
	var got []string
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	if *update {
		record(t, cases, got)
		return
	}
	i := 0
	for _, c := range cases {
		if c.ours {
			continue
		}
		if c.want != got[i] {
			t.Errorf("%s:%d: %s\nrecorded %s\nnode     %s", c.file, c.line, c.expr, c.want, got[i])
		}
		i++
	}
}

func record(t *testing.T, cases []conformCase, got []string) {
	i := 0
	text := map[string]*strings.Builder{}
	for _, c := range cases {
		b := text[c.file]
		if b == nil {
			b = &strings.Builder{}
			text[c.file] = b
		}
		mark, want := "> ", c.want
		if c.ours {
			mark = ">! "
		} else {
			want = got[i]
			i++
		}
		b.WriteString(mark + c.expr + "\n" + want + "\n")
	}
	for f, b := range text {
		if err := os.WriteFile(f, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
