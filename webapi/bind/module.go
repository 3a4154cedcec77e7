package bind

import (
	"fmt"

	"github.com/dop251/goja"

	"workerd.local/isolate"
)

// Global is one global name: a *Class, a Func, a Var or an Object.
type Global interface {
	globalName() string
	build(js *isolate.JS) (goja.Value, error)
}

// Module is a family of web APIs.
type Module struct {
	Name    string
	Globals []Global
	// Builtins are the modules that scripts may import by specifier, such as
	// "node:path": each makes its exports object.
	Builtins map[string]func(js *isolate.JS) (goja.Value, error)
	// Setup runs when a realm is made; keep it empty where a lazy global will do.
	Setup func(js *isolate.JS) error
}

// Func is a global function.
type Func struct {
	Name   string
	Length int
	Call   Static
}

func (f Func) globalName() string { return f.Name }
func (f Func) build(js *isolate.JS) (goja.Value, error) {
	return function(js, "", f.Name, f.Length, f.Call), nil
}

// Var is a global value made at first use.
type Var struct {
	Name string
	Make func(js *isolate.JS) (goja.Value, error)
}

func (v Var) globalName() string                       { return v.Name }
func (v Var) build(js *isolate.JS) (goja.Value, error) { return v.Make(js) }

// Object is a global namespace object with functions, such as console.
type Object struct {
	Name    string
	Methods map[string]Static
}

func (o Object) globalName() string { return o.Name }
func (o Object) build(js *isolate.JS) (goja.Value, error) {
	return o.New(js), nil
}

// New makes the object.
func (o Object) New(js *isolate.JS) *goja.Object {
	obj := js.Runtime().NewObject()
	for _, name := range keys(o.Methods) {
		data(obj, name, function(js, o.Name, name, 0, o.Methods[name]), true)
	}
	tag(obj, js.Runtime().ToValue(o.Name))
	return obj
}

// NewFunction makes a JavaScript function from Go.
func NewFunction(js *isolate.JS, name string, length int, fn Static) *goja.Object {
	return function(js, "", name, length, fn)
}

// Install puts the globals of the modules into the realm. Nothing is made yet: a
// lazy object in the global object's prototype chain makes each name at its first
// use and moves it to the global object.
func Install(js *isolate.JS, modules []Module) error {
	table := &lazyGlobals{js: js, globals: map[string]Global{}, kept: map[string]goja.Value{}}
	for _, m := range modules {
		for _, g := range m.Globals {
			if _, dup := table.globals[g.globalName()]; dup {
				return fmt.Errorf("module %s: the global %s exists already", m.Name, g.globalName())
			}
			table.globals[g.globalName()] = g
		}
	}
	global := js.Runtime().GlobalObject()
	lazy := js.Runtime().NewDynamicObject(table)
	if err := lazy.SetPrototype(global.Prototype()); err != nil {
		return err
	}
	if err := global.SetPrototype(lazy); err != nil {
		return err
	}
	for _, m := range modules {
		if m.Setup != nil {
			if err := m.Setup(js); err != nil {
				return fmt.Errorf("module %s: %w", m.Name, err)
			}
		}
	}
	return nil
}

// lazyGlobals is a goja.DynamicObject.
type lazyGlobals struct {
	js      *isolate.JS
	globals map[string]Global     // not made yet
	kept    map[string]goja.Value // made when the global object took no more properties
}

func (l *lazyGlobals) Get(name string) goja.Value {
	g, ok := l.globals[name]
	if !ok {
		return l.kept[name]
	}
	delete(l.globals, name)
	v, err := g.build(l.js)
	if err != nil {
		l.js.Panic(fmt.Errorf("global %s: %w", name, err))
	}
	if err := l.js.Runtime().GlobalObject().DefineDataProperty(name, v, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE); err != nil {
		l.kept[name] = v // a script has frozen the global object
	}
	return v
}

func (l *lazyGlobals) Has(name string) bool {
	return l.globals[name] != nil || l.kept[name] != nil
}

// Set is asked only for names of ours that are assigned before their first use.
func (l *lazyGlobals) Set(string, goja.Value) bool { return false }
func (l *lazyGlobals) Delete(name string) bool {
	delete(l.globals, name)
	delete(l.kept, name)
	return true
}
func (l *lazyGlobals) Keys() []string { return nil }
