package core

import (
	"fmt"

	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// codes are the constructors of js/internal/codes.js in one realm.
type codes struct{ ctors *goja.Object }

var codesOf = isolate.NewSlot(func(*isolate.JS) *codes { return &codes{} })

// lazyCodes is internal/codes: add makes a member of made when it is first asked for.
type lazyCodes struct {
	js   *isolate.JS
	made *goja.Object
	add  goja.Value
}

// Get is goja.DynamicObject's.
func (l *lazyCodes) Get(key string) goja.Value {
	if v := l.made.Get(key); v != nil {
		return v
	}
	if _, err := l.js.Call(l.add, nil, l.js.Runtime().ToValue(key)); err != nil {
		l.js.Panic(err)
	}
	return l.made.Get(key)
}

// Set, Has, Delete and Keys are goja.DynamicObject's: nobody changes the codes.
func (l *lazyCodes) Set(string, goja.Value) bool { return false }
func (l *lazyCodes) Has(key string) bool         { return l.Get(key) != nil }
func (l *lazyCodes) Delete(string) bool          { return false }
func (l *lazyCodes) Keys() []string              { return l.made.Keys() }

// jsRegisterCodes is register(made, add): the object of the codes.
func jsRegisterCodes(c *bind.Call) (any, error) {
	ctors := c.JS().Runtime().NewDynamicObject(&lazyCodes{js: c.JS(), made: c.Arg(0).(*goja.Object), add: c.Arg(1)})
	if err := ctors.SetPrototype(nil); err != nil {
		return nil, err
	}
	codesOf.Get(c.JS()).ctors = ctors
	return ctors, nil
}

// Error makes an error of node with that code, as js/internal/codes.js words it;
// returned from a native, it is thrown. The module that calls the native has to
// require internal/codes.
func Error(js *isolate.JS, code string, args ...any) error {
	ctors := codesOf.Get(js).ctors
	if ctors == nil {
		return fmt.Errorf("node: %s before internal/codes", code)
	}
	list := make([]goja.Value, len(args))
	for i, a := range args {
		list[i] = bind.Value(js, a)
	}
	e, err := js.Construct(ctors.Get(code), list...)
	if err != nil {
		return err
	}
	return js.Thrown(e)
}
