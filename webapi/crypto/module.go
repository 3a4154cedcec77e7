package crypto

import (
	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// Module is crypto and its classes.
var Module = bind.Module{Name: "crypto", Globals: []bind.Global{
	class,
	subtleClass,
	KeyClass,
	bind.Own(bind.Var{Name: "crypto", Make: func(js *isolate.JS) (goja.Value, error) {
		return class.Wrap(js, &cryptoObject{}), nil
	}}, true),
}}

type cryptoObject struct{ subtle *goja.Object }

var class = &bind.Class[cryptoObject]{
	Name:    "Crypto",
	Lengths: map[string]int{"getRandomValues": 1},
	Getters: map[string]bind.Getter[cryptoObject]{
		"subtle": func(x *cryptoObject, c *bind.Call) (any, error) {
			if x.subtle == nil {
				x.subtle = subtleClass.Wrap(c.JS(), &subtleCrypto{})
			}
			return x.subtle, nil
		},
		"DigestStream": func(_ *cryptoObject, c *bind.Call) (any, error) {
			return digestStreamClass.Constructor(c.JS()), nil
		},
	},
	Methods: map[string]bind.Method[cryptoObject]{
		"getRandomValues": jsGetRandomValues,
		"randomUUID":      jsRandomUUID,
	},
}
