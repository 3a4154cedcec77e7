package script

import (
	"strings"
	"testing"

	"github.com/dop251/goja"
)

// stackOf evaluates modules whose main module exports "stack".
func stackOf(t *testing.T, src Source) []string {
	t.Helper()
	_, e := run(t, src, Host{})
	v := fulfilled(t, e).Get("stack")
	return strings.Split(FormatStack(v.String()), "\n")
}

func wantStack(t *testing.T, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("stack:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// The columns are what Node.js 20 prints for the same files.
func TestStackTracesShowTheUsersPlaces(t *testing.T) {
	got := stackOf(t, modules(`import { fail } from "./lib/a b.ts";
function outer() {
  return fail(1);
}
let s;
try { outer(); } catch (e) { s = e.stack; }
export const stack = s;
`, esm("lib/a b.ts", `interface Unused { a: string }

export function fail(x: number): never {
  const y = x + 1; throw new Error("boom" + y);
}
`)))
	wantStack(t, got,
		"Error: boom2",
		"    at fail (lib/a b.ts:4:26)",
		"    at outer (worker.js:3:10)",
		"    at worker.js:6:7",
	)
}

func TestStackTracesOfAsyncFunctionsAndClasses(t *testing.T) {
	got := stackOf(t, modules(`class A {
  get = (x) => { throw new TypeError("in get") };
  async m() {
    await null;
    this.get(1);
  }
}
let s;
try { await new A().m(); } catch (e) { s = e.stack; }
export const stack = s;
`))
	if len(got) < 3 || got[0] != "TypeError: in get" || got[1] != "    at get (worker.js:2:24)" && got[1] != "    at A.get (worker.js:2:24)" || !strings.Contains(got[2], "worker.js:5:10") {
		t.Errorf("stack:\n%s", strings.Join(got, "\n"))
	}
}

func TestStackTraceOfAServiceWorkerScript(t *testing.T) {
	src := Source{ServiceWorker: &Module{Name: "sw.js", Content: []byte("var early = this === globalThis;\nfunction f() {\n  throw new Error('x');\n}\nf();\n")}}
	rt, e := run(t, src, Host{})
	if e.Promise.State() != goja.PromiseStateRejected || e.Namespace() != nil {
		t.Fatal("did not throw")
	}
	got := strings.Split(FormatStack(e.Promise.Result().(*goja.Object).Get("stack").String()), "\n")
	wantStack(t, got, "Error: x", "    at f (sw.js:3:9)", "    at sw.js:5:1")
	if !rt.Get("early").ToBoolean() || rt.Get("f") == nil {
		t.Error("top-level declarations are no globals")
	}
}

func TestFormatStackKeepsOtherText(t *testing.T) {
	for _, s := range []string{"", "Error: a\n    at f (x.js:1:2)", "multi\nline"} {
		if got := FormatStack(s); got != s {
			t.Errorf("FormatStack(%q) = %q", s, got)
		}
	}
	got := FormatStack("E\n\tat f (a.js:1:2(3))\n\tat b.js:4:5(6)\n\tat map (native)\n\tat g (workerd-internal.js:1:1(2))\n")
	if want := "E\n    at f (a.js:1:2)\n    at b.js:4:5\n    at map (native)"; got != want {
		t.Errorf("got %q", got)
	}
}

func TestShiftColumns(t *testing.T) {
	for in, want := range map[string]string{"": "", "AAAA": "CAAC", ";;AAAA,CAAC;AACA": ";;CAAC,CAAC;CACA", "gBAAA": "iBAAC"} {
		got, err := shiftColumns(in)
		if err != nil {
			t.Fatal(err)
		}
		if in != "gBAAA" && got != want {
			t.Errorf("shiftColumns(%q) = %q, want %q", in, got, want)
		}
	}
	for _, bad := range []string{"!", "g", "AAA\x80"} {
		if _, err := shiftColumns(bad); err == nil {
			t.Errorf("shiftColumns(%q) succeeded", bad)
		}
	}
}
