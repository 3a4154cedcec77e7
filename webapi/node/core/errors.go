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

func jsRegisterCodes(c *bind.Call) (any, error) {
	codesOf.Get(c.JS()).ctors = c.Arg(0).(*goja.Object)
	return nil, nil
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
