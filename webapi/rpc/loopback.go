package rpc

import (
	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/fetch"
)

// Loopback is a service binding of ctx.exports: called with { props }, it makes another
// binding whose receiver finds these in ctx.props.
type Loopback struct {
	fetcher fetch.FetcherObject
	with    func(props *event.Props) event.Service
}

var loopbackClass = &bind.Class[Loopback]{
	Name:   "LoopbackServiceStub",
	Parent: bind.Extends(fetch.Fetcher, func(l *Loopback) *fetch.FetcherObject { return &l.fetcher }),
}

// NewLoopback makes the binding; with makes the service with these props, nil for none.
func NewLoopback(js *isolate.JS, with func(props *event.Props) event.Service) *goja.Object {
	l := &Loopback{fetcher: fetch.FetcherObject{Service: with(nil)}, with: with}
	return loopbackClass.Callable(js, l, l.call)
}

func (l *Loopback) call(c *bind.Call) (any, error) {
	js := c.JS()
	o, ok := c.Arg(0).(*goja.Object)
	if !ok {
		return nil, exception.TypeErrorf("Failed to execute 'LoopbackServiceStub': parameter 1 is not of type 'Options'.")
	}
	var v goja.Value
	if err := js.Try(func() { v = o.Get("props") }); err != nil {
		return nil, err
	}
	var props *event.Props
	if v != nil && !goja.IsUndefined(v) {
		if _, ok := v.(*goja.Object); !ok {
			return nil, exception.TypeErrorf("Incorrect type for the 'props' field on 'Options': the provided value is not of type 'object'.")
		}
		p, err := WriteProps(js, v)
		if err != nil {
			return nil, err
		}
		props = &event.Props{Value: p}
	}
	return fetch.Fetcher.Wrap(js, &fetch.FetcherObject{Service: l.with(props)}), nil
}
