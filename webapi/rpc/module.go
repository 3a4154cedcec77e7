package rpc

import (
	"strconv"

	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/durable"
	"workerd.local/webapi/fetch"
)

// Module makes service bindings and actors' stubs callable, where the worker asked for
// it. Its classes are no globals: they are of the module cloudflare:workers.
var Module = bind.Module{
	Name: "rpc",
	Setup: func(js *isolate.JS) error {
		fetch.SetRPC(js, members(js), method)
		durable.SetHostObjects(js, storedHost{js})
		return nil
	},
}

// members makes what a service binding inherits from; nil where it has no methods.
func members(js *isolate.JS) func() *goja.Object {
	if !js.Compat().Has("rpc") && !js.Compat().Has("experimental") {
		return nil
	}
	return func() *goja.Object {
		return wildcard(js, false, func(receiver *goja.Object, name string) (goja.Value, error) {
			f, ok := fetch.Fetcher.Unwrap(js, receiver)
			if !ok || name == "then" {
				return nil, nil
			}
			if f.Member == nil || f.Name != name {
				f.Member, f.Name = newProperty(js, service{f}, name, 0), name
			}
			return f.Member, nil
		})
	}
}

// method is a member of a service binding by any name, also one that the binding's own
// methods hide.
func method(js *isolate.JS, f *fetch.FetcherObject, name string) *goja.Object {
	return newProperty(js, service{f}, name, 0)
}

// Classes are the classes of cloudflare:workers, each made when it is first asked for.
var Classes = map[string]func(js *isolate.JS) *goja.Object{
	"RpcTarget":   TargetClass.Constructor,
	"RpcStub":     stubClass.Constructor,
	"RpcPromise":  promiseClass.Constructor,
	"RpcProperty": propertyClass.Constructor,
	"ServiceStub": fetch.Fetcher.Constructor,
}

func indexName(i int) string { return strconv.Itoa(i) }
