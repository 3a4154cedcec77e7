package fetch

import (
	"strconv"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/sockets"
)

// FetcherObject is a service binding.
type FetcherObject struct {
	Service event.Service
	Options DispatchOptions
	// Member is the member of that Name that a script asked for last, in the realm of the
	// object: programs call few methods, and each time again. Nil is none.
	Member *goja.Object
	Name   string
	// Host is the name and port that connect() knows the binding by; empty where nobody has
	// asked (VirtualHost).
	Host string
}

// CheckTransfer is event.Kept's, for the service.
func (f *FetcherObject) CheckTransfer() error {
	if k, ok := f.Service.(event.Kept); ok {
		return k.CheckTransfer()
	}
	return nil
}

// VirtualHost is a name and a port that connect() reaches the binding by.
func (f *FetcherObject) VirtualHost(js *isolate.JS, port int) (string, error) {
	if f.Host == "" {
		name, err := sockets.MapHost(js, f.Service)
		if err != nil {
			return "", err
		}
		f.Host = name + ":" + strconv.Itoa(port)
	}
	return f.Host, nil
}

// Fetcher is the class of service bindings. With RPC, every name that it does not have is
// a method of the service.
var Fetcher = &bind.Class[FetcherObject]{Name: "Fetcher"}

// It is filled in here: its methods ask for instances of it.
var _ = defineFetcher()

func defineFetcher() *bind.Class[FetcherObject] {
	*Fetcher = bind.Class[FetcherObject]{
		Name: Fetcher.Name,
		Methods: map[string]bind.Method[FetcherObject]{
			"fetch": func(f *FetcherObject, c *bind.Call) (any, error) {
				return Dispatch(c, f.Service, c.Arg(0), c.Arg(1), f.Options)
			},
			"connect": func(f *FetcherObject, c *bind.Call) (any, error) { return sockets.Connect(c, f.Service) },
		},
		Init: func(js *isolate.JS, _, proto *goja.Object) error {
			if js.Compat() != nil && !js.Compat().Has("fetcher_no_get_put_delete") {
				if err := oldMethods(js, proto); err != nil {
					return err
				}
			}
			if js.Compat() != nil && js.Compat().Has("service_binding_extra_handlers") {
				if err := addMethods(js, proto, map[string]func(f *FetcherObject, c *bind.Call) (any, error){"scheduled": (*FetcherObject).scheduled}); err != nil {
					return err
				}
			}
			for name, call := range handlersOf.Get(js).calls {
				method := func(f *FetcherObject, c *bind.Call) (any, error) { return call(c, f.Service) }
				if err := addMethods(js, proto, map[string]func(f *FetcherObject, c *bind.Call) (any, error){name: method}); err != nil {
					return err
				}
			}
			r := rpcOf.Get(js)
			if r.method != nil && js.Compat().Has("experimental") {
				f := bind.NewFunction(js, "getRpcMethodForTestOnly", 1, func(c *bind.Call) (any, error) {
					f, ok := unwrapFetcher(c)
					var name string
					if err := c.Unpack("name", &name); err != nil || !ok {
						return nil, err
					}
					return r.method(c.JS(), f, name), nil
				})
				if err := proto.Set("getRpcMethodForTestOnly", f); err != nil {
					return err
				}
			}
			if r.members == nil {
				return nil
			}
			return proto.SetPrototype(r.members())
		},
	}
	return Fetcher
}

// handlers are methods of service bindings beside fetch() and connect().
type handlers struct {
	calls map[string]func(c *bind.Call, svc event.Service) (any, error)
}

var handlersOf = isolate.NewSlot(func(*isolate.JS) *handlers { return &handlers{} })

// AddHandler gives service bindings a method that delivers another event than a request.
// It is of use before the first binding is made.
func AddHandler(js *isolate.JS, name string, call func(c *bind.Call, svc event.Service) (any, error)) {
	h := handlersOf.Get(js)
	if h.calls == nil {
		h.calls = map[string]func(c *bind.Call, svc event.Service) (any, error){}
	}
	h.calls[name] = call
}

var errFetcherThis = exception.TypeErrorf("Illegal invocation: function called with incorrect `this` reference. See https://developers.cloudflare.com/workers/observability/errors/#illegal-invocation-errors for details.")

// rpc is what package rpc adds to service bindings.
type rpc struct {
	members func() *goja.Object
	method  func(js *isolate.JS, f *FetcherObject, name string) *goja.Object
}

var rpcOf = isolate.NewSlot(func(*isolate.JS) *rpc { return &rpc{} })

// SetRPC says what service bindings inherit from, nil for nothing, and how a method of
// any name is made. It is of use before the first binding is made.
func SetRPC(js *isolate.JS, members func() *goja.Object, method func(js *isolate.JS, f *FetcherObject, name string) *goja.Object) {
	*rpcOf.Get(js) = rpc{members, method}
}

// RPCMethod is a method of a service, whatever flags the worker has; nil where there are
// no such methods.
func RPCMethod(js *isolate.JS, svc event.Service, name string) *goja.Object {
	r := rpcOf.Get(js)
	if r.method == nil {
		return nil
	}
	return r.method(js, &FetcherObject{Service: svc}, name)
}

// unwrapFetcher is the service binding that a method is called on.
func unwrapFetcher(c *bind.Call) (*FetcherObject, bool) {
	return Fetcher.Unwrap(c.JS(), c.This())
}

// oldMethods gives the class get, put and delete, which bindings had before they had
// methods of their own (the flag fetcher_has_get_put_delete).
func oldMethods(js *isolate.JS, proto *goja.Object) error {
	return addMethods(js, proto, map[string]func(f *FetcherObject, c *bind.Call) (any, error){
		"get": (*FetcherObject).get, "put": (*FetcherObject).put, "delete": (*FetcherObject).remove,
	})
}

// addMethods gives the class methods that depend on compatibility flags.
func addMethods(js *isolate.JS, proto *goja.Object, methods map[string]func(f *FetcherObject, c *bind.Call) (any, error)) error {
	for name, call := range methods {
		m := bind.NewFunction(js, name, 1, func(c *bind.Call) (any, error) {
			f, ok := unwrapFetcher(c)
			if !ok {
				return nil, errFetcherThis
			}
			return call(f, c)
		})
		if err := proto.Set(name, m); err != nil {
			return err
		}
	}
	return nil
}

// get reads what is at a URL: text, or what the second argument says.
func (f *FetcherObject) get(c *bind.Call) (any, error) {
	typ := ""
	if v := c.Arg(1); !goja.IsUndefined(v) {
		s, err := c.String(2, v)
		if err != nil {
			return nil, err
		}
		typ = s
	}
	return f.old(c, "GET", nil, func(js *isolate.JS, r *Response) (any, error) {
		if r.status == 404 || r.status == 410 {
			return bind.Null, nil
		}
		if r.status < 200 || r.status > 299 {
			return nil, exception.Errorf("HTTP GET request failed: %d %s", r.status, r.statusText)
		}
		switch typ {
		case "stream":
			return r.body.object(js)
		case "", "text":
			return r.body.consume(js, toText)
		case "json":
			return r.body.consume(js, toJSON)
		case "arrayBuffer":
			return r.body.consume(js, toArrayBuffer)
		}
		return nil, exception.TypeErrorf("Unknown response type. Possible types are \"text\", \"arrayBuffer\", \"json\", and \"stream\".")
	})
}

func (f *FetcherObject) put(c *bind.Call) (any, error) {
	return f.old(c, "PUT", c.Arg(1), done("PUT"))
}

func (f *FetcherObject) remove(c *bind.Call) (any, error) {
	return f.old(c, "DELETE", nil, done("DELETE"))
}

// done is the answer to a request that has none but its status.
func done(method string) func(*isolate.JS, *Response) (any, error) {
	return func(_ *isolate.JS, r *Response) (any, error) {
		if r.status < 200 || r.status > 299 {
			return nil, exception.Errorf("HTTP %s request failed: %d %s", method, r.status, r.statusText)
		}
		return nil, nil
	}
}

// old makes a request and gives conv the response.
func (f *FetcherObject) old(c *bind.Call, method string, body goja.Value, conv func(js *isolate.JS, r *Response) (any, error)) (any, error) {
	js := c.JS()
	init := js.Runtime().NewObject()
	if err := init.Set("method", method); err != nil {
		return nil, err
	}
	if body != nil {
		if err := init.Set("body", body); err != nil {
			return nil, err
		}
	}
	v, err := Dispatch(c, f.Service, c.Arg(0), init, f.Options)
	if err != nil {
		return nil, err
	}
	promise, resolve, reject := js.NewPromise()
	js.OnSettled(bind.Value(js, v), func(js *isolate.JS, v goja.Value, err error) {
		var out any
		if err == nil {
			r, ok := ResponseClass.Unwrap(js, v)
			if !ok {
				err = exception.TypeErrorf("fetch() gave no Response")
			} else {
				out, err = conv(js, r)
			}
		}
		if err != nil {
			reject(err)
			return
		}
		resolve(bind.Value(js, out))
	})
	return promise, nil
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
