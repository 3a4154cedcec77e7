package fetch

import (
	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// isSignal reports whether obj is an AbortSignal.
func isSignal(js *isolate.JS, obj *goja.Object) bool {
	_, class, ok := bind.ValueOf(js, obj)
	return ok && class == "AbortSignal"
}

// newSignal is a signal that never fires.
func newSignal(js *isolate.JS) *goja.Object {
	ctrl, err := js.Construct(js.Runtime().GlobalObject().Get("AbortController"))
	if err != nil {
		js.Panic(err)
	}
	return ctrl.Get("signal").(*goja.Object)
}

// aborted returns why the signal has fired, or nil.
func aborted(js *isolate.JS, signal *goja.Object) error {
	if signal == nil || !signal.Get("aborted").ToBoolean() {
		return nil
	}
	return js.Thrown(signal.Get("reason"))
}

// onAbort calls fn in the turn in which the signal fires.
func onAbort(js *isolate.JS, signal *goja.Object, fn func(js *isolate.JS, reason error)) error {
	listener := bind.NewFunction(js, "", 0, func(c *bind.Call) (any, error) {
		fn(c.JS(), c.JS().Thrown(signal.Get("reason")))
		return nil, nil
	})
	add := signal.Get("addEventListener")
	if add == nil {
		return exception.TypeErrorf("The signal is not an AbortSignal.")
	}
	_, err := js.Call(add, signal, js.Runtime().ToValue("abort"), listener)
	return err
}
