package global

import (
	"github.com/dop251/goja"

	"workerd.local/internal/clone"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/events"
)

// ReportError tells of an exception that no script caught; see events.Report.
func ReportError(js *isolate.JS, err error) { events.Report(js, err) }

// workerScope and serviceWorkerScope are what globalThis is an instance of.
type workerScope struct{ target *events.Target }

type serviceWorkerScope struct{ workerScope }

var workerScopeClass = &bind.Class[workerScope]{
	Name:   "WorkerGlobalScope",
	Parent: bind.Extends(events.TargetClass, func(s *workerScope) *events.Target { return s.target }),
}

var serviceWorkerScopeClass = &bind.Class[serviceWorkerScope]{
	Name:   bind.GlobalScope,
	Parent: bind.Extends(workerScopeClass, func(s *serviceWorkerScope) *workerScope { return &s.workerScope }),
	// The class's prototype is what globalThis inherits from already.
	Init: func(js *isolate.JS, ctor, _ *goja.Object) error {
		return ctor.DefineDataProperty("prototype", bind.Scope(js), goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
	},
}

// setup makes globalThis an instance, so that methods of EventTarget take it.
func setup(js *isolate.JS) error {
	global := js.Runtime().GlobalObject()
	serviceWorkerScopeClass.Attach(js, global, &serviceWorkerScope{workerScope{events.Global(js)}})
	js.Library().Hide(clone.HiddenSymbols()...)
	js.SetErrorCopies(packError, unpackError)
	bind.InheritScope(js, workerScopeClass.Prototype, "EventTarget", "WorkerGlobalScope", bind.GlobalScope, "constructor")
	origin := js.Runtime().ToValue("null")
	if err := global.DefineDataProperty("origin", origin, goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_TRUE); err != nil {
		return err
	}
	if err := global.DefineDataProperty("self", global, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE); err != nil {
		return err
	}
	// A class that only the engine knows.
	if err := global.Delete("GoError"); err != nil {
		return err
	}
	return global.DefineDataPropertySymbol(goja.SymToStringTag, js.Runtime().ToValue(bind.GlobalScope), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE)
}
