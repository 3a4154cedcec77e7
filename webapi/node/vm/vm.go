// Package vm is node:vm of programs.
//
// A script runs in the realm's own global scope, or in a context: an object that is the
// global scope of the scripts that run in it. A context is of the same realm, for values
// of two runtimes of the engine cannot meet: its scripts see the object's properties and
// what the language itself has by name (Array, Promise, JSON), and these are the same
// objects as outside, where node has others for each context. What the realm has beside
// (console, require, timers) is not seen. Package script says how such a script is
// compiled. A context keeps no code away from its program, as in node.
//
// A timeout stops the code where it is; what it has queued does not run either.
//
// # Concurrency
//
// Everything belongs to the isolate's goroutine.
package vm

import (
	"embed"
	"errors"
	"time"

	"github.com/dop251/goja"

	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/script"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/node/core"
	"workerd.local/webapi/node/glue"
)

//go:embed all:js
var sources embed.FS

// Modules are node:vm of programs.
func Modules() []glue.Module {
	return glue.Files(sources, func(string) map[string]bind.Static {
		return map[string]bind.Static{
			"compile":         jsCompile,
			"compileFunction": jsCompileFunction,
			"typeofName":      func(*bind.Call) (any, error) { return script.TypeofName(), nil },
		}
	}, nil)
}

var errTimeout = errors.New("the script ran for too long")

// jsCompile is compile(text, filename): {run(timeout), runIn(declare, scope, timeout)};
// declare gets the names that the script declares before it runs. timeout is 0 for none.
func jsCompile(c *bind.Call) (any, error) {
	rt := c.JS().Runtime()
	text, name := c.Arg(0).String(), c.Arg(1).String()
	program, err := script.CompileText(name, text)
	if err != nil {
		return nil, script.TextError(rt, err)
	}
	var own *script.ContextText // made at the first run in a context
	return bind.Object{Name: "ContextifyScript", Methods: map[string]bind.Static{
		"run": func(c *bind.Call) (any, error) {
			return within(c.JS(), c.Arg(0), func(js *isolate.JS) (goja.Value, error) { return js.Runtime().RunProgram(program) })
		},
		"runIn": func(c *bind.Call) (any, error) {
			js := c.JS()
			if own == nil {
				if own, err = script.CompileInContext(name, text, js.Bounds()); err != nil {
					return nil, script.TextError(js.Runtime(), err)
				}
			}
			scope, ok := c.Arg(1).(*goja.Object)
			if !ok {
				return nil, c.TypeError("the scope is not an object")
			}
			if _, err := js.Call(c.Arg(0), goja.Undefined(), bind.Value(js, own.Vars), bind.Value(js, own.Functions), bind.Value(js, own.Lets), bind.Value(js, own.Consts)); err != nil {
				return nil, err
			}
			return within(js, c.Arg(2), func(js *isolate.JS) (goja.Value, error) { return own.Run(js.Runtime(), scope) })
		},
	}}.New(c.JS()), nil
}

// within runs fn, for so many milliseconds at most where there are any.
func within(js *isolate.JS, timeout goja.Value, fn func(js *isolate.JS) (goja.Value, error)) (v goja.Value, err error) {
	ms := timeout.ToInteger()
	if ms <= 0 {
		return fn(js)
	}
	ioc, err := iocontext.Current(js)
	if err != nil {
		return nil, err
	}
	part := ioc.NewPart()
	stopped := js.Within(part.Frame(), time.Duration(ms)*time.Millisecond, func() { part.Stop(errTimeout) }, func(js *isolate.JS) { v, err = fn(js) })
	if stopped != nil && errors.Is(stopped, errTimeout) {
		return nil, core.Error(js, "ERR_SCRIPT_EXECUTION_TIMEOUT", int(ms))
	}
	if stopped != nil {
		return nil, stopped
	}
	return v, err
}

// jsCompileFunction is compileFunction(text, filename, params, args): the function
// outside of any context.
func jsCompileFunction(c *bind.Call) (any, error) {
	js := c.JS()
	var params []string
	if list, ok := c.Arg(2).(*goja.Object); ok {
		for i := range int(list.Get("length").ToInteger()) {
			params = append(params, list.Get(js.Runtime().ToValue(i).String()).String())
		}
	}
	// What a parameter or the text must not do is end the function early: the text is
	// checked by itself.
	if _, err := script.NewFunction(js.Runtime(), false, "", params, c.Arg(0).String()); err != nil {
		return nil, err
	}
	unit, err := script.CompileFunction(script.UnitSource{File: c.Arg(1).String(), Text: c.Arg(0).String(), Params: params, Bounds: js.Bounds()})
	if err != nil {
		return nil, script.TextError(js.Runtime(), err)
	}
	host := script.UnitObject(js.Runtime(), script.UnitHost{
		Import: func(goja.Value) goja.Value {
			promise, _, reject := js.NewPromise()
			reject(core.Error(js, "ERR_VM_DYNAMIC_IMPORT_CALLBACK_MISSING"))
			return promise
		},
		Meta: goja.Undefined,
	})
	outer, err := js.Runtime().RunProgram(unit.Program)
	if err != nil {
		return nil, err
	}
	return js.Call(outer, goja.Undefined(), host)
}
