package worker

import (
	"fmt"

	"github.com/dop251/goja"

	"workerd.local/internal/compat"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/script"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/rpc"
	"workerd.local/webapi/tail"
	"workerd.local/webapi/wasm"
)

// builtinClasses are the base classes that scripts import from cloudflare:workers.
type builtinClasses struct {
	entrypoint    *goja.Object
	durableObject *goja.Object
	workflow      *goja.Object
}

// The base classes keep ctx and env as workerd's do: ordinary properties that a
// subclass may replace.
var builtinProgram = goja.MustCompile("cloudflare:workers", `(() => {
	class WorkerEntrypoint { constructor(ctx, env) { this.ctx = ctx; this.env = env; } }
	class DurableObject { constructor(ctx, env) { this.ctx = ctx; this.env = env; } }
	class WorkflowEntrypoint { constructor(ctx, env) { this.ctx = ctx; this.env = env; } }
	return [WorkerEntrypoint, DurableObject, WorkflowEntrypoint];
})()`, true)

var builtins = isolate.NewSlot(func(js *isolate.JS) *builtinClasses {
	v, err := js.Runtime().RunProgram(builtinProgram)
	if err != nil {
		js.Panic(err)
	}
	list := v.(*goja.Object)
	at := func(i string) *goja.Object { return list.Get(i).(*goja.Object) }
	return &builtinClasses{entrypoint: at("0"), durableObject: at("1"), workflow: at("2")}
})

// host is what the script asks of its realm.
func (w *Worker) host(js *isolate.JS) script.Host {
	made := map[string]goja.Value{}
	builtin := func(specifier string) (goja.Value, error) {
		if v := made[specifier]; v != nil {
			return v, nil
		}
		v, err := w.builtin(js, specifier)
		if err != nil {
			return nil, err
		}
		made[specifier] = v
		return v, nil
	}
	p := bind.ProgramOf(js)
	p.Worker, p.StdioPrefix, p.Env, p.Files = true, w.o.StdioPrefix, w.env, w.o.Files
	p.Builtin = func(specifier string) (goja.Value, error) {
		name, ok := script.BuiltinName(specifier, nodeCompat(w.o.Compat))
		if !ok || !HasBuiltin(w.modules(), w.o.Compat, name) {
			return goja.Undefined(), nil
		}
		return builtin(name)
	}
	return script.Host{
		Start:   func(load func(string) (goja.Value, error)) { w.load = load },
		Builtin: builtin,
		Wasm:    func(_ string, source []byte) (goja.Value, error) { return wasm.FromBytes(js, source) },
		Loader:  func(require func(specifier, from string) (goja.Value, error)) { p.Require = require },
	}
}

// nodeCompat says whether the bare names of modules of Node.js mean these.
func nodeCompat(flags *compat.Flags) bool {
	return flags.Has("nodejs_compat") || flags.Has("nodejs_compat_v2")
}

// HasBuiltin reports whether scripts with these flags may import the specifier; without
// flags, whether scripts with any may. Any goroutine.
func HasBuiltin(modules []bind.Module, flags *compat.Flags, specifier string) bool {
	return specifier == "cloudflare:workers" || maker(modules, flags, specifier) != nil
}

// maker finds what makes a builtin module; nil where the worker may not import it.
func maker(modules []bind.Module, flags *compat.Flags, specifier string) func(js *isolate.JS) (goja.Value, error) {
	for _, m := range modules {
		if mk := m.Builtins[specifier]; mk != nil && (m.Available == nil || flags == nil || m.Available(specifier, flags.Has)) {
			return mk
		}
	}
	return nil
}

func (w *Worker) builtin(js *isolate.JS, specifier string) (goja.Value, error) {
	if specifier == "cloudflare:workers" {
		return w.cloudflareWorkers(js)
	}
	if mk := maker(w.modules(), w.o.Compat, specifier); mk != nil {
		return mk(js)
	}
	return nil, fmt.Errorf("No such module %q.", specifier)
}

func (w *Worker) cloudflareWorkers(js *isolate.JS) (goja.Value, error) {
	b := builtins.Get(js)
	rt := js.Runtime()
	obj := rt.NewObject()
	for _, p := range []struct {
		name string
		v    goja.Value
	}{
		{"WorkerEntrypoint", b.entrypoint}, {"DurableObject", b.durableObject},
		{"WorkflowEntrypoint", b.workflow},
		{"restore", rpc.SymRestore},
		{"tracing", tail.NewTracing(js)},
		{"waitUntil", bind.NewFunction(js, "waitUntil", 1, func(c *bind.Call) (any, error) {
			ioc, err := c.Context()
			if err != nil {
				return nil, err
			}
			w.waitUntil(c.JS(), ioc, c.Arg(0))
			return nil, nil
		})},
		{"abortIsolate", bind.NewFunction(js, "abortIsolate", 0, func(c *bind.Call) (any, error) {
			var reason *string
			if err := c.Unpack("reason?", &reason); err != nil {
				return nil, err
			}
			cause := isolate.ErrAborted
			if reason != nil {
				cause = fmt.Errorf("%w; reason = %s", cause, *reason)
			}
			if abort := w.slot().onAbort; abort != nil {
				abort()
			}
			c.JS().Condemn(cause)
			return nil, nil
		})},
	} {
		if err := obj.Set(p.name, p.v); err != nil {
			return nil, err
		}
	}
	for name, class := range rpc.Classes {
		get := bind.NewFunction(js, "get "+name, 0, func(c *bind.Call) (any, error) { return class(c.JS()), nil })
		if err := obj.DefineAccessorProperty(name, get, nil, goja.FLAG_TRUE, goja.FLAG_TRUE); err != nil {
			return nil, err
		}
	}
	return obj, w.views(js, obj)
}

// waitUntil keeps the context alive until v settles; a failure is logged and is
// the outcome of the event.
func (w *Worker) waitUntil(js *isolate.JS, ioc *iocontext.Context, v goja.Value) {
	done := ioc.StartTask()
	js.OnSettled(v, func(js *isolate.JS, _ goja.Value, err error) {
		if err == nil {
			done(nil)
			return
		}
		e := js.Exception(err)
		w.Report(e, "Uncaught (in waitUntil)")
		iocontext.TraceException(ioc.Tracer(), e)
		done(e)
	})
}
