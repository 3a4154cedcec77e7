package natives

import (
	"fmt"
	"reflect"
	"runtime"
	"strings"

	"github.com/dop251/goja"

	"workerd.local/internal/limits"
)

// Natives that call what a script gave them can be made to call each other for
// ever: a toString that is trim, a getter that is Object.prototype.toString, a
// bound function that turns its own argument into a string. The engine counts
// script frames only, and a full Go stack ends the process. Any such circle
// passes through one of these, which count:
//
//   - a native that calls back and takes what it needs from its receiver
//     (guardedMethods), or from several arguments (Reflect, Object.defineProperty);
//   - a bound function whose target is a native, and a callable Proxy, which are
//     the two ways to give a native arguments that its caller does not know;
//   - next, return and throw of a generator, for generators within generators.
//
// A circle of a prototype chain through a Proxy calls nothing at all. It is
// refused when it is made, as is a Proxy of a Proxy and so on beyond
// limits.ProxyDepth.

// guarded keeps goja's native and counts its calls, except those between primitive
// values, which call nothing back.
func guarded(e *env, prev raw) raw {
	slow := e.guard(prev)
	return func(c goja.FunctionCall) goja.Value {
		if _, ok := c.This.(*goja.Object); ok {
			return slow(c)
		}
		for _, a := range c.Arguments {
			if _, ok := a.(*goja.Object); ok {
				return slow(c)
			}
		}
		return prev(c)
	}
}

func guardedEntries(names ...string) []entry {
	list := make([]entry, len(names))
	for i, name := range names {
		list[i] = entry{name: name, length: -1, make: guarded, guarded: true}
	}
	return list
}

// guardedMethods are the natives that stay goja's and are only counted.
var guardedMethods = []table{
	{path: "String.prototype", funcs: guardedEntries("at", "charAt", "charCodeAt", "codePointAt", "endsWith", "includes", "indexOf",
		"lastIndexOf", "match", "search", "slice", "startsWith", "substring", "substr", "toLowerCase", "toUpperCase", "toLocaleLowerCase",
		"toLocaleUpperCase", "trim", "trimStart", "trimEnd", "matchAll", "isWellFormed", "toWellFormed")},
	{path: "Array.prototype", funcs: guardedEntries("toString")},
	{path: "Object.prototype", funcs: guardedEntries("toString", "toLocaleString")},
	{path: "Object", funcs: guardedEntries("fromEntries", "create")},
	{path: "Error.prototype", funcs: guardedEntries("toString")},
	{path: "Function.prototype", funcs: guardedEntries("call", "toString")},
	{path: "Date.prototype", funcs: guardedEntries("toJSON")},
	{path: "RegExp.prototype", funcs: guardedEntries("toString")},
	{path: "RegExp.prototype", funcs: []entry{{name: "compile", length: 2, make: regexpCompile}, {name: "test", length: 1, make: regexpTest}}},
	{path: "Promise.prototype", funcs: guardedEntries("catch", "finally", "then")},
	{path: "Promise", funcs: guardedEntries("all", "allSettled", "race", "resolve", "reject")},
	{path: "Promise", funcs: []entry{{name: "any", length: 1, guarded: true, make: func(e *env, prev raw) raw {
		any := guarded(e, prev)
		return func(c goja.FunctionCall) goja.Value {
			e.prepare(partAggregateError) // which it makes one of
			return any(c)
		}
	}}}},
	{path: "Map.prototype", funcs: guardedEntries("forEach")},
	{path: "Set.prototype", funcs: guardedEntries("forEach", "difference", "intersection", "isDisjointFrom", "isSubsetOf", "isSupersetOf",
		"symmetricDifference", "union")},
	{path: "Reflect", funcs: guardedEntries("get", "set")},
	{path: "Function.prototype", funcs: []entry{{name: "bind", length: 1, make: bind}}},
	{path: "Object", funcs: []entry{{name: "getPrototypeOf", length: 1, make: revealing, guarded: true}}},
	{path: "Reflect", funcs: []entry{{name: "getPrototypeOf", length: 1, make: revealing, guarded: true}}},
	{path: "Object", funcs: []entry{{name: "setPrototypeOf", length: 2, make: acyclic}}},
	{path: "Reflect", funcs: []entry{{name: "setPrototypeOf", length: 2, make: acyclic}}},
}

// generatorProgram finds %GeneratorPrototype%, which has no name.
var generatorProgram = goja.MustCompile("natives", "Object.getPrototypeOf(function* () {}).prototype", true)

// installGenerator counts the steps of generators.
func (e *env) installGenerator() error {
	proto := e.slotted("GeneratorPrototype")
	if proto == nil {
		v, err := e.rt.RunProgram(generatorProgram)
		if err != nil {
			return fmt.Errorf("install natives: %w", err)
		}
		ok := false
		if proto, ok = v.(*goja.Object); !ok {
			return fmt.Errorf("install natives: generators have no prototype")
		}
	}
	var steps []entry
	for _, name := range []string{"next", "return", "throw"} {
		steps = append(steps, entry{name: name, length: 1, make: generatorStep})
	}
	return e.installOn(proto, table{path: "Generator.prototype", funcs: steps})
}

func (e *env) installAggregateError() error {
	return e.wrapClass("AggregateError", &goja.ProxyTrapConfig{
		GetSym: e.classSymbol,
		Apply:  func(t *goja.Object, _ goja.Value, args []goja.Value) goja.Value { return e.countedNew(t, args, t) },
		Construct: func(t *goja.Object, args []goja.Value, nt *goja.Object) *goja.Object {
			return e.countedNew(t, args, nt)
		},
	})
}

// generatorStep counts generators that run generators that run generators: each costs
// several kilobytes of Go stack, and to unwind them takes a time that is quadratic in
// their number.
func generatorStep(e *env, prev raw) raw {
	return func(c goja.FunctionCall) goja.Value {
		if e.generators >= limits.GeneratorDepth.In(e.lim.Bounds) {
			e.throwStack()
		}
		e.generators++
		defer func() { e.generators-- }()
		return prev(c)
	}
}

// installIterator makes the steps of the engine's iterators of a kind of object look for
// interrupts: spread, destructuring and what else takes all that they give is a loop of
// the engine.
func (e *env) installIterator(of string) error {
	proto := e.slotted(of + "IteratorPrototype")
	if proto == nil {
		var err error
		if proto, err = e.iteratorsInheritFrom(of); err != nil {
			return err
		}
	}
	step := entry{name: "next", length: 0, guarded: true, make: func(e *env, prev raw) raw {
		return func(c goja.FunctionCall) goja.Value {
			e.poll()
			return prev(c)
		}
	}}
	if of == "RegExp" { // each step is a search
		step.guarded = false
		step.make = func(e *env, prev raw) raw {
			return func(c goja.FunctionCall) goja.Value {
				e.checkInterrupt()
				return prev(c)
			}
		}
	}
	return e.installOn(proto, table{path: "Iterator.prototype", funcs: []entry{step}})
}

// iteratorsInheritFrom finds the prototype of iterators of a kind of object.
func (e *env) iteratorsInheritFrom(of string) (*goja.Object, error) {
	var it goja.Value
	call := func(path string, sym *goja.Symbol, this *goja.Object, args ...goja.Value) error {
		o, err := e.object(path)
		if err != nil {
			return err
		}
		f, ok := e.callable(o.GetSymbol(sym))
		if !ok {
			return fmt.Errorf("install natives: %s has no iterator", path)
		}
		it = f(goja.FunctionCall{This: this, Arguments: args})
		return nil
	}
	var err error
	switch of {
	case "Array":
		err = call("Array.prototype", goja.SymIterator, e.rt.NewArray())
	case "String":
		err = call("String.prototype", goja.SymIterator, emptyStr.ToObject(e.rt))
	case "RegExp":
		var rx *goja.Object
		if rx, err = e.rt.New(e.regexpOwnCtor, emptyStr, asciiValue("g")); err == nil {
			err = call("RegExp.prototype", goja.SymMatchAll, rx, emptyStr)
		}
	default:
		var o *goja.Object
		ctor, found := e.object(of)
		if err = found; err == nil {
			o, err = e.rt.New(ctor)
		}
		if err == nil {
			err = call(of+".prototype", goja.SymIterator, o)
		}
	}
	if err != nil {
		return nil, err
	}
	o, ok := it.(*goja.Object)
	if !ok || o.Prototype() == nil {
		return nil, fmt.Errorf("install natives: the iterators of %s have no prototype", of)
	}
	return o.Prototype(), nil
}

// countedNew constructs and counts.
func (e *env) countedNew(ctor *goja.Object, args []goja.Value, newTarget *goja.Object) *goja.Object {
	defer e.leave()
	e.enter()
	o, _ := e.construct(goja.FunctionCall{Arguments: []goja.Value{ctor, e.list(args), newTarget}}).(*goja.Object)
	return o
}

// jsCode reports whether a function object is script, whose calls the engine
// counts.
func (e *env) jsCode(o *goja.Object) bool {
	if o.ExportType() != typeFunc {
		return false
	}
	fn, ok := o.Export().(func(goja.FunctionCall) goja.Value)
	if !ok {
		return false
	}
	pc := reflect.ValueOf(fn).Pointer()
	js, ok := e.scriptCode[pc]
	if !ok {
		js = strings.HasSuffix(runtime.FuncForPC(pc).Name(), "FuncObject).Call-fm")
		if e.scriptCode == nil {
			e.scriptCode = map[uintptr]bool{}
		}
		if len(e.scriptCode) < 64 {
			e.scriptCode[pc] = js
		}
	}
	return js
}

// bind is Function.prototype.bind: a bound native counts.
func bind(e *env, prev raw) raw {
	return func(c goja.FunctionCall) goja.Value {
		bound := prev(c).(*goja.Object)
		if proto := bound.Prototype(); proto != e.functionProto {
			e.keepName(bound, proto)
		}
		target, ok := c.This.(*goja.Object)
		if !ok || e.jsCode(target) {
			return bound
		}
		return e.counted(bound, true)
	}
}

// counted is a function, or a callable proxy, whose calls are counted. ownTarget
// says that a constructor called by the new name is called by the old one.
func (e *env) counted(fn *goja.Object, ownTarget bool) *goja.Object {
	call, _ := e.callable(fn)
	var outer *goja.Object
	outer = e.rt.ToValue(e.rt.NewProxy(fn, &goja.ProxyTrapConfig{
		Apply: func(_ *goja.Object, this goja.Value, args []goja.Value) goja.Value {
			defer e.leave()
			e.enter()
			return call(goja.FunctionCall{This: this, Arguments: args})
		},
		Construct: func(_ *goja.Object, args []goja.Value, newTarget *goja.Object) *goja.Object {
			defer e.leave()
			e.enter()
			if ownTarget && newTarget == outer {
				newTarget = fn
			}
			o, ok := e.construct(goja.FunctionCall{Arguments: []goja.Value{fn, e.list(args), newTarget}}).(*goja.Object)
			if !ok {
				e.throwType("%s is not a constructor", e.describe(fn))
			}
			return o
		},
	})).(*goja.Object)
	return outer
}

// proxyDepth is the number of proxies on the longest way from o. It throws when
// that is too many, and where a way leads to forbidden, which is then its own
// ancestor.
func (e *env) proxyDepth(o, forbidden *goja.Object) int {
	type at struct {
		o        *goja.Object
		next     [2]*goja.Object
		visiting int // index into next
		proxy    int
		deepest  int
	}
	maxDepth, maxWalk := limits.ProxyDepth.In(e.lim.Bounds), limits.ProxyWalk.In(e.lim.Bounds)
	seen := map[*goja.Object]int{}
	open := func(o *goja.Object) at {
		if o == forbidden {
			e.throwType("Cyclic __proto__ value")
		}
		if o.ExportType() == typeProxy {
			p := o.Export().(goja.Proxy)
			if _, own := e.ownProxies(p); own {
				return at{o: o, next: [2]*goja.Object{p.Target(), nil}}
			}
			return at{o: o, next: [2]*goja.Object{p.Target(), p.Handler()}, proxy: 1}
		}
		return at{o: o, next: [2]*goja.Object{o.Prototype(), nil}}
	}
	stack := []at{open(o)}
	for {
		top := &stack[len(stack)-1]
		if top.visiting == len(top.next) {
			depth := top.deepest + top.proxy
			if depth > maxDepth {
				e.throwStack()
			}
			seen[top.o] = depth
			stack = stack[:len(stack)-1]
			if len(stack) == 0 {
				return depth
			}
			up := &stack[len(stack)-1]
			up.deepest = max(up.deepest, depth)
			continue
		}
		next := top.next[top.visiting]
		top.visiting++
		if next == nil {
			continue
		}
		if depth, ok := seen[next]; ok {
			top.deepest = max(top.deepest, depth)
			continue
		}
		e.poll()
		if len(seen)+len(stack) > maxWalk {
			e.throwStack()
		}
		seen[next] = 0
		stack = append(stack, open(next))
	}
}

// ownProxies reports whether a proxy is one of ours, whose handler is no object
// of a script.
func (e *env) ownProxies(p goja.Proxy) (config *goja.ProxyTrapConfig, own bool) {
	h := p.Handler()
	if h == nil {
		return nil, true // revoked
	}
	if h.ExportType() != typeTraps {
		return nil, false
	}
	config, own = h.Export().(*goja.ProxyTrapConfig)
	return config, own
}

var typeTraps = reflect.TypeFor[*goja.ProxyTrapConfig]()

// acyclic is setPrototypeOf that refuses a circle through proxies.
func acyclic(e *env, prev raw) raw {
	return func(c goja.FunctionCall) goja.Value {
		e.checkProto(c.Argument(0), c.Argument(1))
		e.pinName(c.Argument(0), c.Argument(1))
		return prev(c)
	}
}

// checkProto refuses proto as the prototype of o where o is, through proxies, an
// ancestor of it. The engine sees the other circles.
func (e *env) checkProto(o, proto goja.Value) {
	object, ok1 := o.(*goja.Object)
	p, ok2 := proto.(*goja.Object)
	if !ok1 || !ok2 || p.ExportType() != typeProxy && !e.hasProxy(p) {
		return
	}
	e.proxyDepth(p, object)
}

// hasProxy reports whether a prototype chain contains a proxy.
func (e *env) hasProxy(o *goja.Object) bool {
	for ; o != nil; o = o.Prototype() {
		e.poll()
		if o.ExportType() == typeProxy {
			return true
		}
	}
	return false
}

// installProxy puts a Proxy in place whose callable proxies count.
func (e *env) installProxy() error {
	native, err := e.object("Proxy")
	if err != nil {
		return err
	}
	check := func(args []goja.Value) {
		for i := 0; i < 2 && i < len(args); i++ {
			if o, ok := args[i].(*goja.Object); ok {
				if e.proxyDepth(o, nil) >= limits.ProxyDepth.In(e.lim.Bounds) {
					e.throwStack()
				}
			}
		}
	}
	count := func(p *goja.Object) *goja.Object {
		if _, ok := goja.AssertFunction(p); ok {
			return e.counted(p, false)
		}
		return p
	}
	// A proxy is the only constructor that Go can make which cannot be called.
	outer := e.rt.ToValue(e.rt.NewProxy(native, &goja.ProxyTrapConfig{
		Construct: func(_ *goja.Object, args []goja.Value, newTarget *goja.Object) *goja.Object {
			check(args)
			made, _ := e.construct(goja.FunctionCall{Arguments: []goja.Value{native, e.list(args), native}}).(*goja.Object)
			return count(made)
		},
	}))
	if err := e.installOn(native, table{path: "Proxy", funcs: []entry{{name: "revocable", length: 2, make: func(e *env, prev raw) raw {
		return func(c goja.FunctionCall) goja.Value {
			check(c.Arguments)
			result := prev(c)
			o := result.(*goja.Object)
			p := o.Get("proxy").(*goja.Object)
			if counted := count(p); counted != p {
				e.createData(o, asciiValue("proxy"), counted)
			}
			return result
		}
	}}}}); err != nil {
		return err
	}
	return e.replace("Proxy", outer)
}

// protoSetter makes the setter __proto__ refuse what setPrototypeOf refuses.
func (e *env) protoSetter(set raw) (*goja.Object, error) {
	return e.newFunc("set __proto__", 1, func(c goja.FunctionCall) goja.Value {
		e.checkProto(c.This, c.Argument(0))
		e.pinName(c.This, c.Argument(0))
		return set(c)
	})
}

// protoAccessor is __proto__ for templates.
func (e *env) protoAccessor(own factory) goja.Value {
	p := own(e.rt)
	get, set := accessorsOf(p)
	setter, ok := e.callable(set)
	if !ok || get == nil {
		return p
	}
	outer, err := e.function(&entry{name: get.Get("name").String(), length: 0, guarded: true, make: revealing}, get)
	if err == nil {
		set, err = e.protoSetter(setter)
	}
	if err != nil {
		panic(e.rt.NewGoError(err))
	}
	setAccessors(p, outer, set)
	return p
}

// revealing is a native that gives a prototype.
func revealing(e *env, prev raw) raw {
	return func(c goja.FunctionCall) goja.Value { return e.reveal(prev(c)) }
}

// installProto is protoAccessor for realms that have all from the beginning.
func (e *env) installProto() error {
	d, ok := e.ownDescriptor(goja.FunctionCall{Arguments: []goja.Value{e.objectProto, asciiValue("__proto__")}}).(*goja.Object)
	if !ok {
		return nil // an engine without the accessor
	}
	set, ok := e.callable(d.Get("set"))
	if !ok {
		return fmt.Errorf("install natives: __proto__ has no setter")
	}
	setter, err := e.protoSetter(set)
	if err != nil {
		return err
	}
	return e.objectProto.DefineAccessorProperty("__proto__", d.Get("get"), setter, goja.FLAG_TRUE, goja.FLAG_FALSE)
}
