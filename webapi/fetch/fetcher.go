package fetch

import (
	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/sockets"
)

// FetcherObject is a service binding.
type FetcherObject struct {
	Service event.Service
	Options DispatchOptions
}

// Fetcher is the class of service bindings.
var Fetcher = &bind.Class[FetcherObject]{
	Name: "Fetcher",
	Methods: map[string]bind.Method[FetcherObject]{
		"fetch": func(f *FetcherObject, c *bind.Call) (any, error) {
			return Dispatch(c, f.Service, c.Arg(0), c.Arg(1), f.Options)
		},
		"connect": func(f *FetcherObject, c *bind.Call) (any, error) { return sockets.Connect(c, f.Service) },
	},
}

type outbound struct{ svc event.Service }

var outboundOf = isolate.NewSlot(func(*isolate.JS) *outbound { return &outbound{} })

// SetOutbound says where the global fetch() of the realm goes.
func SetOutbound(js *isolate.JS, svc event.Service) { outboundOf.Get(js).svc = svc }

var fetchFunc = bind.Func{Name: "fetch", Length: 1, Call: func(c *bind.Call) (any, error) {
	return Dispatch(c, outboundOf.Get(c.JS()).svc, c.Arg(0), c.Arg(1), DispatchOptions{})
}}

// Fetch calls the global fetch() with Go values.
func Fetch(js *isolate.JS, svc event.Service, input, init goja.Value) (any, error) {
	c := bind.NewCall(js, "", "fetch", goja.FunctionCall{Arguments: []goja.Value{input, init}})
	return Dispatch(c, svc, input, init, DispatchOptions{})
}

// Outbound is where the global fetch() of the realm goes; nil for nowhere.
func Outbound(js *isolate.JS) event.Service { return outboundOf.Get(js).svc }
