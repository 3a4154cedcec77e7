package global

import (
	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/internal/compat"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// UserAgent is navigator.userAgent of workers.
const UserAgent = "Cloudflare-Workers"

// identity is what globalThis says of itself where that is not a worker's.
type identity struct{ agent string }

var identities = isolate.NewSlot(func(*isolate.JS) *identity { return &identity{UserAgent} })

// Identify changes navigator.userAgent, and the tag that globalThis has.
func Identify(js *isolate.JS, agent, tag string) error {
	identities.Get(js).agent = agent
	return js.Runtime().GlobalObject().DefineDataPropertySymbol(goja.SymToStringTag, js.Runtime().ToValue(tag), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE)
}

type beacon struct{ send bind.Static }

var beaconOf = isolate.NewSlot(func(*isolate.JS) *beacon {
	return &beacon{func(*bind.Call) (any, error) { return false, nil }}
})

// SetBeacon says what navigator.sendBeacon does; without it no beacon is sent.
func SetBeacon(js *isolate.JS, send bind.Static) { beaconOf.Get(js).send = send }

type navigator struct{}

var navigatorClass = &bind.Class[navigator]{
	Name: "Navigator",
	Methods: map[string]bind.Method[navigator]{
		"sendBeacon": func(_ *navigator, c *bind.Call) (any, error) { return beaconOf.Get(c.JS()).send(c) },
	},
	Getters: map[string]bind.Getter[navigator]{
		"userAgent":           func(_ *navigator, c *bind.Call) (any, error) { return identities.Get(c.JS()).agent, nil },
		"language":            func(*navigator, *bind.Call) (any, error) { return "en", nil },
		"languages":           func(*navigator, *bind.Call) (any, error) { return []string{"en"}, nil },
		"platform":            func(*navigator, *bind.Call) (any, error) { return "", nil },
		"hardwareConcurrency": func(*navigator, *bind.Call) (any, error) { return 1, nil },
	},
}

// cloudflare is the Cloudflare object: what the worker may know of its runtime.
var cloudflare = bind.Var{Name: "Cloudflare", Make: func(js *isolate.JS) (goja.Value, error) {
	rt := js.Runtime()
	list := rt.CreateObject(nil)
	for _, name := range compat.Names() {
		if err := list.DefineDataProperty(name, rt.ToValue(js.Compat().Has(name)), goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_TRUE); err != nil {
			return nil, err
		}
	}
	object, ok := rt.GlobalObject().Get("Object").(*goja.Object)
	if !ok {
		return nil, exception.TypeErrorf("Object has been replaced")
	}
	if _, err := js.Call(object.Get("freeze"), object, list); err != nil {
		return nil, err
	}
	obj := cloudflareClass.Wrap(js, new(struct{}))
	return obj, obj.DefineDataProperty("compatibilityFlags", list, goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_TRUE)
}}

var cloudflareClass = &bind.Class[struct{}]{Name: "Cloudflare"}

// Module is the scope and its members.
var Module = bind.Module{
	Name:  "global",
	Setup: setup,
	Globals: []bind.Global{
		workerScopeClass,
		bind.Own(serviceWorkerScopeClass, true),
		navigatorClass,
		bind.Own(instance("navigator", navigatorClass), true),
		bind.Own(cloudflare, true),
		bind.Var{Name: "constructor", Make: func(js *isolate.JS) (goja.Value, error) {
			return serviceWorkerScopeClass.Constructor(js), nil
		}},
		bind.Func{Name: "structuredClone", Length: 1, Call: jsStructuredClone},
		bind.Func{Name: "reportError", Length: 1, Call: jsReportError},
	},
}

// instance is a global object of a class that scripts cannot construct.
func instance[T any](name string, class *bind.Class[T]) bind.Var {
	return bind.Var{Name: name, Make: func(js *isolate.JS) (goja.Value, error) { return class.Wrap(js, new(T)), nil }}
}

func jsReportError(c *bind.Call) (any, error) {
	var v goja.Value
	if err := c.Unpack("error", &v); err != nil {
		return nil, err
	}
	ReportError(c.JS(), c.JS().Thrown(v))
	return nil, nil
}
