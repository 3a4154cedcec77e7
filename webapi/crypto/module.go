package crypto

import (
	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// Module is crypto, Crypto and SubtleCrypto.
var Module = bind.Module{Name: "crypto", Globals: []bind.Global{
	class,
	subtleClass,
	bind.Own(bind.Var{Name: "crypto", Make: func(js *isolate.JS) (goja.Value, error) {
		return class.Wrap(js, &crypto{}), nil
	}}, true),
}}

type crypto struct{ subtle *goja.Object }

var class = &bind.Class[crypto]{
	Name: "Crypto",
	Getters: map[string]bind.Getter[crypto]{
		"subtle": func(x *crypto, c *bind.Call) (any, error) {
			if x.subtle == nil {
				x.subtle = subtleClass.Wrap(c.JS(), &subtleCrypto{})
			}
			return x.subtle, nil
		},
	},
	Methods: map[string]bind.Method[crypto]{
		"getRandomValues": jsGetRandomValues,
		"randomUUID":      jsRandomUUID,
	},
}

type subtleCrypto struct{}

var subtleClass = &bind.Class[subtleCrypto]{
	Name:    "SubtleCrypto",
	Async:   map[string]bind.Method[subtleCrypto]{"digest": jsDigest},
	Methods: map[string]bind.Method[subtleCrypto]{"timingSafeEqual": jsTimingSafeEqual},
}
