package natives

import (
	"sync"

	"github.com/dop251/goja"
)

// runGlue runs a program of this package that is a function of helpers.
func (e *env) runGlue(p *goja.Program, helpers ...goja.Value) goja.Value {
	v, err := e.rt.RunProgram(p)
	if err != nil {
		panic(e.rt.NewGoError(err))
	}
	return e.needCallable(v)(goja.FunctionCall{This: undefined, Arguments: helpers})
}

// helper makes a function for glue.
func (e *env) helper(f raw) goja.Value { return e.rt.ToValue(e.guard(f)) }

// callHelper is call(f, this, ...args) for glue, which no script can replace.
func (e *env) callHelper() goja.Value {
	return e.helper(func(c goja.FunctionCall) goja.Value {
		return orUndefined(e.needCallable(c.Argument(0))(goja.FunctionCall{This: c.Argument(1), Arguments: c.Arguments[min(2, len(c.Arguments)):]}))
	})
}

// strictClassProgram makes a class that must be called with new: the engine does not tell
// a native constructor how it was called.
var strictClassProgram = goja.MustCompile("native:class", `(function (name, length, build) {
"use strict";
const { defineProperty } = Object;
const C = function (...args) {
	if (new.target === undefined) throw new TypeError("Constructor " + name + " requires 'new'");
	let p = new.target.prototype;
	if (p === null || (typeof p !== "object" && typeof p !== "function")) p = C.prototype;
	return build(p, args);
};
defineProperty(C, "name", { value: name, configurable: true });
defineProperty(C, "length", { value: length, configurable: true });
defineProperty(C, "prototype", { writable: false });
return C;
})`, true)

// strictClass makes a class whose objects build makes, given the prototype they are to have.
func (e *env) strictClass(name string, length int, build func(proto *goja.Object, args []goja.Value) *goja.Object) (ctor, proto *goja.Object) {
	ctor = e.runGlue(strictClassProgram, asciiValue(name), e.rt.ToValue(length), e.helper(func(c goja.FunctionCall) goja.Value {
		args := append([]goja.Value(nil), e.view(c.Argument(1).(*goja.Object))...)
		return build(c.Argument(0).(*goja.Object), args)
	})).(*goja.Object)
	return ctor, ctor.Get("prototype").(*goja.Object)
}

// lateProgram is a program that is compiled where it is first needed, once for the
// process.
func lateProgram(name, text string, strict bool) func() *goja.Program {
	return sync.OnceValue(func() *goja.Program { return goja.MustCompile(name, text, strict) })
}
