package events

import (
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// Module is the classes of this package, and globalThis as a target.
var Module = bind.Module{
	Name: "events",
	Globals: []bind.Global{
		DOMExceptionClass,
		EventClass,
		ExtendableEventClass,
		CustomEventClass,
		ErrorEventClass,
		MessageEventClass,
		CloseEventClass,
		PromiseRejectionEventClass,
		TargetClass,
		ControllerClass,
		defineSignal(),
		onGlobal("addEventListener", (*Target).JSAdd),
		onGlobal("removeEventListener", (*Target).JSRemove),
		onGlobal("dispatchEvent", (*Target).JSDispatch),
	},
	Setup: func(js *isolate.JS) error {
		js.SetDOMException(NewDOMException)
		return nil
	},
}

// onGlobal makes a method of globalThis, which scripts call without a receiver.
func onGlobal(name string, m bind.Method[Target]) bind.Func {
	return bind.Func{Name: name, Call: func(c *bind.Call) (any, error) { return m(Global(c.JS()), c) }}
}
