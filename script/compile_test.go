package script

import (
	"context"
	"strings"
	"testing"

	"github.com/dop251/goja"
)

// run compiles and evaluates modules and returns the main module's namespace.
func run(t testing.TB, src Source, h Host) (*goja.Runtime, *Evaluation) {
	t.Helper()
	s, err := Compile(context.Background(), src)
	if err != nil {
		t.Fatalf("compile: %v", err)
	}
	rt := goja.New()
	e, err := s.Evaluate(rt, h)
	if err != nil {
		t.Fatalf("evaluate: %v", err)
	}
	return rt, e
}

func esm(name, text string) Module { return Module{Name: name, Content: []byte(text)} }

func modules(text string, more ...Module) Source {
	return Source{Name: "test", Modules: append([]Module{esm("worker.js", text)}, more...)}
}

// fulfilled fails the test unless the program's top level is done.
func fulfilled(t testing.TB, e *Evaluation) *goja.Object {
	t.Helper()
	switch e.Promise.State() {
	case goja.PromiseStateRejected:
		reason := e.Promise.Result()
		text := reason.String()
		if o, ok := reason.(*goja.Object); ok && o.Get("stack") != nil {
			text = FormatStack(o.Get("stack").String())
		}
		t.Fatalf("the program threw: %s", text)
	case goja.PromiseStatePending:
		t.Fatal("the program has not settled")
	}
	return e.Namespace()
}

func TestNamespaceHasTheMainModulesExports(t *testing.T) {
	_, e := run(t, modules(`
		import { helper } from "./lib/helper.js";
		export default { fetch() { return helper(); } };
		export class Counter {}
		export { helper as "string name" };
	`, esm("./lib/helper.js", `export function helper() { return "hi"; }`)), Host{})
	ns := fulfilled(t, e)
	def := ns.Get("default").(*goja.Object)
	fetch, _ := goja.AssertFunction(def.Get("fetch"))
	v, err := fetch(def)
	if err != nil || v.String() != "hi" {
		t.Fatalf("fetch() = %v, %v", v, err)
	}
	if got := strings.Join(ns.Keys(), ","); got != "Counter,default,string name" {
		t.Errorf("exports = %s", got)
	}
}

func TestModuleIsTypeScriptByItsNameOrByRequest(t *testing.T) {
	const text = `export const answer: number = 42;`
	for _, m := range []Module{esm("worker.ts", text), {Name: "worker", Content: []byte(text), TypeScript: true}} {
		_, e := run(t, Source{Modules: []Module{m}}, Host{})
		if got := fulfilled(t, e).Get("answer"); got.ToInteger() != 42 {
			t.Errorf("%s: answer = %v, want 42", m.Name, got)
		}
	}
	_, err := Compile(t.Context(), Source{Modules: []Module{esm("worker", text)}})
	if err == nil || !strings.Contains(err.Error(), "worker:1:20: ") {
		t.Errorf("TypeScript in a module that is none: %v, want an error at worker:1:20", err)
	}
}
