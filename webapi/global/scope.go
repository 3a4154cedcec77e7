package global

import (
	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/events"
)

// Scope is globalThis as a target of events: Has and Types tell what the script
// listens for, events.Dispatch and events.Deliver call the listeners.
func Scope(js *isolate.JS) *events.Target { return events.Global(js) }

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
	// The prototypes join globalThis's chain once somebody looks at the class.
	Init: func(js *isolate.JS, _, proto *goja.Object) error {
		last := js.Runtime().GlobalObject()
		for p := last.Prototype(); p != nil && p.Prototype() != nil; p = p.Prototype() {
			last = p
		}
		return last.SetPrototype(proto)
	},
}

// setup makes globalThis an instance, so that methods of EventTarget take it.
func setup(js *isolate.JS) error {
	global := js.Runtime().GlobalObject()
	serviceWorkerScopeClass.Attach(js, global, &serviceWorkerScope{workerScope{events.Global(js)}})
	return global.DefineDataPropertySymbol(goja.SymToStringTag, js.Runtime().ToValue(bind.GlobalScope), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE)
}
