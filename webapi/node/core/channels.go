package core

import (
	"github.com/dop251/goja"

	"workerd.local/internal/clone"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// notSerializable stands for a message that cannot be cloned (workerd).
const notSerializable = "[[ Diagnostic event was not serializable ]]"

// published(channel, message) tells tail workers of a message of a diagnostics channel.
func jsPublished(c *bind.Call) (any, error) {
	js := c.JS()
	span := iocontext.Span(js)
	if span == nil {
		return nil, nil
	}
	b, err := clone.Serialize(js.Runtime(), c.Arg(1), clone.Options{Bounds: js.Bounds()})
	if isolate.Uncatchable(err) {
		return nil, err
	}
	if err != nil {
		if b, err = clone.Serialize(js.Runtime(), js.Runtime().ToValue(notSerializable), clone.Options{}); err != nil {
			return nil, err
		}
	}
	name := c.Arg(0).String()
	if s, ok := c.Arg(0).(*goja.Symbol); ok {
		name = s.String()
	}
	span.Tracer().Diagnostic(span, name, b)
	return nil, nil
}
