package durable

import (
	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// Class is a DurableObjectClass: what ctx.facets.get() makes facets of, and nothing else.
type Class struct{ Class event.ActorClass }

// ClassClass is the class of bindings that are classes: Wrap makes one for env.
var ClassClass = &bind.Class[Class]{Name: "DurableObjectClass"}

// classOf is the class that a value stands for, such as a namespace of ctx.exports.
func classOf(js *isolate.JS, v goja.Value) (event.ActorClass, bool) {
	if c, ok := ClassClass.Unwrap(js, v); ok {
		return c.Class, true
	}
	if n, ok := NamespaceClass.Unwrap(js, v); ok && n.Class != nil {
		return n.Class, true
	}
	return nil, false
}
