package script

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/dop251/goja"
)

// FuzzCompile feeds small sources to the whole pipeline. Whatever the source,
// Compile returns a script or an *Error, and evaluating it ends.
func FuzzCompile(f *testing.F) {
	for _, p := range syntaxProbes {
		f.Add(p.text, "")
	}
	f.Add("import './b.ts'", "let a: number = <any>1; export {}")
	f.Add("/(?i:a)[\\p{L}--x]/v", "`${`${1}`}`")
	f.Add("class A { get = 1; set; async\nx = 2 }", "if(a)/x/.test(b)\n/c/g")
	f.Fuzz(func(t *testing.T, a, b string) {
		if len(a)+len(b) > 4096 {
			return
		}
		s, err := Compile(context.Background(), Source{Modules: []Module{esm("a.js", a), esm("b.ts", b)}})
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || len(e.Diagnostics) == 0 {
				t.Fatalf("err = %v", err)
			}
			for _, leak := range []string{nsModule, nsStub, nsBuiltin} {
				if strings.Contains(err.Error(), leak) && !strings.Contains(a+b, leak) {
					t.Fatalf("the message shows %q: %s", leak, err)
				}
			}
			return
		}
		rt := goja.New()
		rt.SetMaxCallStackSize(200)
		timer := time.AfterFunc(100*time.Millisecond, func() { rt.Interrupt("time") })
		defer timer.Stop()
		if e, err := s.Evaluate(rt, Host{}); err == nil && e.Promise == nil {
			t.Fatal("no promise")
		}
	})
}

// FuzzRewriteRegExp checks that a rewritten pattern needs no rewriting and that
// the rewriter takes any input.
func FuzzRewriteRegExp(f *testing.F) {
	for _, p := range []string{`\p{L}+`, `[\w--[a-z]]`, `(?i:a)(?-i:b)`, `(?<n>a)\k<n>`, `[^\P{Lu}\u{1F600}-\u{1F64F}]`, `\q{a|bc}`, `[\q{}]`, `(?s-m:.^$)`, `\cA\x41\0`} {
		for _, flags := range []string{"", "u", "v", "di", "vs"} {
			f.Add(p, flags)
		}
	}
	f.Fuzz(func(t *testing.T, pattern, flags string) {
		if len(pattern) > 1024 {
			return
		}
		out, outFlags, _, err := rewriteRegExp(pattern, flags, nil)
		if err != nil {
			return
		}
		if regexpNeedsHelp(out, outFlags) {
			t.Errorf("/%s/%s still needs rewriting: /%s/%s", pattern, flags, out, outFlags)
		}
	})
}
