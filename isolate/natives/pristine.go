package natives

import (
	"fmt"
	"strings"

	"github.com/dop251/goja"
)

// keptPaths are the members of objects without a template that Pristine gives; they are
// kept when the part is prepared.
var keptPaths = map[realmPart][]string{
	partReflect: {"Reflect.apply", "Reflect.construct", "Reflect.getPrototypeOf", "Reflect.get", "Reflect.ownKeys", "Reflect.defineProperty", "Reflect.getOwnPropertyDescriptor"},
	partArray:   {"Array.isArray", "Array.from"},
	partJSON:    {"JSON.parse", "JSON.stringify"},
	partPromise: {"Promise.resolve", "Promise.reject", "Promise.prototype.then", "Promise.prototype.finally"},
	partMap:     {"Map.prototype.set", "Map.prototype.forEach"},
	partSet:     {"Set.prototype.add", "Set.prototype.forEach"},
	partError:   {"Error.prototype.toString"},
	partSymbol:  {"Symbol.for"},
	partRegExp: {"RegExp.prototype.get source", "RegExp.prototype.get hasIndices", "RegExp.prototype.get global", "RegExp.prototype.get ignoreCase",
		"RegExp.prototype.get multiline", "RegExp.prototype.get dotAll", "RegExp.prototype.get unicode", "RegExp.prototype.get unicodeSets",
		"RegExp.prototype.get sticky", "RegExp.prototype.test", "RegExp.prototype.exec"},
}

// keptOfTemplates is the one function of a template that Pristine gives as scripts see it.
const keptOfTemplates = "Object.prototype.toString"

// keep notes the members that Pristine gives.
func (e *env) keep(p realmPart) error {
	for _, path := range keptPaths[p] {
		dot := strings.LastIndexByte(path, '.')
		o, err := e.object(path[:dot])
		if err != nil {
			return err
		}
		name, getter := strings.CutPrefix(path[dot+1:], "get ")
		v := goja.Value(nil)
		if getter {
			if d, ok := e.ownDescriptor(goja.FunctionCall{Arguments: []goja.Value{o, asciiValue(name)}}).(*goja.Object); ok {
				v = d.Get("get")
			}
		} else {
			v = o.Get(name)
		}
		e.keepFirst(path, v)
	}
	return nil
}

// keepFirst keeps a value, if there is one and none was kept.
func (e *env) keepFirst(path string, v goja.Value) {
	if v == nil || e.kept[path] != nil {
		return
	}
	if e.kept == nil {
		e.kept = map[string]goja.Value{}
	}
	e.kept[path] = v
}

// Pristine is a global, a member of one or of its prototype, as scripts find it before
// they change anything, whatever they have done: "Map", "Object.keys",
// "Map.prototype.set", "DataView.prototype.get buffer". It is nil where there is none. Functions of
// objects that have a template are made anew, and are not the ones that scripts see;
// those of other objects are the ones that keptPaths lists.
func (l *Library) Pristine(path string) goja.Value {
	e := l.e
	name, rest, member := strings.Cut(path, ".")
	if path == TypedPath || strings.HasPrefix(path, TypedPath+".") {
		name, rest, member = "", strings.TrimPrefix(path, TypedPath+"."), true
	}
	if !member {
		return e.global(name)
	}
	if path == keptOfTemplates && e.kept[path] == nil {
		e.objectProto.Get("toString") // no script has, as it would be kept
	}
	if p, ok := globalParts[name]; ok {
		e.prepare(p)
	}
	if v, ok := e.kept[path]; ok {
		return v
	}
	owner := path[:strings.LastIndexByte(path, '.')]
	if rest == "prototype" {
		if o, ok := e.engine(name).(*goja.Object); ok {
			return o.Get(rest) // which cannot be changed
		}
		return nil
	}
	key, getter := strings.CutPrefix(path[len(owner)+1:], "get ")
	p := e.templateProperty(owner, key)
	if getter && key == "@@toStringTag" {
		p = e.ownSymbolProperty(owner, goja.SymToStringTag)
	}
	if getter {
		if get, _ := accessorsOf(p); get != nil {
			return get
		}
		return nil
	}
	return valueOf(p)
}

// Method is a function that calls a method that Pristine gives: it takes the receiver
// first. The method is looked up when it is first called, so that nobody pays for a part
// that is not used. It costs one object, where bind and call make three.
func (l *Library) Method(path string) goja.Value {
	var fn raw
	return l.e.rt.ToValue(func(c goja.FunctionCall) goja.Value {
		l.find(&fn, path)
		if len(c.Arguments) == 0 {
			return fn(goja.FunctionCall{This: undefined})
		}
		return fn(goja.FunctionCall{This: c.Arguments[0], Arguments: c.Arguments[1:]})
	})
}

// Function is a function that calls one that Pristine gives, with the object at another
// path as its receiver, or none where that is empty. It, too, is looked up when it is
// first called.
func (l *Library) Function(path, receiver string) goja.Value {
	var fn raw
	return l.e.rt.ToValue(func(c goja.FunctionCall) goja.Value {
		l.find(&fn, path)
		c.This = undefined
		if receiver != "" {
			c.This = l.Pristine(receiver)
		}
		return fn(c)
	})
}

func (l *Library) find(fn *raw, path string) {
	if *fn == nil {
		found, ok := l.e.callable(l.Pristine(path))
		if !ok {
			l.e.throwType("the engine has no %s", path)
		}
		*fn = found
	}
}

// Own is the engine's own value of a global.
func (l *Library) Own(name string) goja.Value { return l.e.engine(name) }

// OnRegExp says what is done to expressions when the realm first needs one: adapt is
// given nothing yet changed by scripts, and returns what stands for RegExp.
func (l *Library) OnRegExp(adapt func() (*goja.Object, error)) error {
	l.e.onRegExp = adapt
	if l.e.inParts {
		return nil
	}
	return l.e.adaptRegExp()
}

// OnFunction says what stands for Function and eval, made when the realm first needs one
// of the constructors of functions.
func (l *Library) OnFunction(make func() (function, eval *goja.Object, err error)) error {
	l.e.onFunction = make
	if l.e.inParts {
		return nil
	}
	return l.e.adaptFunction()
}

func (e *env) adaptRegExp() error {
	if e.onRegExp == nil {
		return nil
	}
	ctor, err := e.onRegExp()
	if err != nil {
		return err
	}
	// An expression whose species it is splits without a copy of itself.
	e.regexpCtor = ctor
	fn, err := e.newFunc("escape", 1, e.regexpEscape)
	if err == nil {
		err = ctor.DefineDataProperty("escape", fn, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	}
	if err == nil {
		err = e.replace("RegExp", ctor)
	}
	if err == nil {
		err = e.keep(partRegExp)
	}
	return err
}

func (e *env) adaptFunction() error {
	if e.onFunction == nil {
		return nil
	}
	function, eval, err := e.onFunction()
	if err == nil {
		err = e.replace("Function", function)
	}
	if err == nil {
		err = e.replace("eval", eval)
	}
	if err != nil {
		return fmt.Errorf("install natives: %w", err)
	}
	return nil
}
