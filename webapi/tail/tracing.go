package tail

import (
	"fmt"

	"github.com/dop251/goja"

	"workerd.local/internal/limits"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/trace"
	"workerd.local/webapi/bind"
)

// maxName is the most bytes of a span's name (workerd).
const maxName = 64

// tracing is ctx.tracing, and tracing of cloudflare:workers: it opens spans, which
// streaming tail workers are told of.
type tracing struct{}

var tracingClass = &bind.Class[tracing]{
	Name: "Tracing",
	Methods: map[string]bind.Method[tracing]{
		"enterSpan":       func(_ *tracing, c *bind.Call) (any, error) { return runSpan(c, true) },
		"startActiveSpan": func(_ *tracing, c *bind.Call) (any, error) { return runSpan(c, false) },
		"startSpan":       (*tracing).startSpan,
	},
	Init: func(js *isolate.JS, _, proto *goja.Object) error {
		return proto.DefineDataProperty("Span", spanClass.Constructor(js), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	},
}

// NewTracing makes a Tracing object.
func NewTracing(js *isolate.JS) *goja.Object { return tracingClass.Wrap(js, &tracing{}) }

// span is a Span. Without tails, and outside of an invocation, it has nothing to do.
type span struct {
	own   iocontext.Own[*trace.Span]
	used  int // bytes of attributes
	limit int
}

var spanClass = &bind.Class[span]{
	Name: "Span",
	Getters: map[string]bind.Getter[span]{
		"isTraced": func(s *span, c *bind.Call) (any, error) {
			t, err := s.get(c.JS())
			return t.Traced(), err
		},
	},
	Methods: map[string]bind.Method[span]{
		"setAttribute":  (*span).setAttribute,
		"setAttributes": (*span).setAttributes,
		"end": func(s *span, c *bind.Call) (any, error) {
			t, err := s.get(c.JS())
			t.End()
			return nil, err
		},
	},
}

// get is the span, for code of the invocation that it belongs to.
func (s *span) get(js *isolate.JS) (*trace.Span, error) {
	if s.own.Owner() == nil {
		return nil, nil
	}
	return s.own.Get(js)
}

// newSpan opens a span below that of the running code.
func newSpan(js *isolate.JS, name string) (*span, *trace.Span, error) {
	s := &span{limit: limits.SpanBytes.In(js.Bounds())}
	at := iocontext.Span(js)
	if at == nil {
		return s, nil, nil
	}
	if len(name) > maxName {
		name = cutText(name, maxName)
	}
	t := at.Open(name)
	var err error
	s.own, err = iocontext.Owned(js, "SpanImpl", t)
	return s, t, err
}

// cutText is the first n bytes of s, or less where they end within a character.
func cutText(s string, n int) string {
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n]
}

func (*tracing) startSpan(c *bind.Call) (any, error) {
	var name string
	if err := c.Unpack("name", &name); err != nil {
		return nil, err
	}
	s, _, err := newSpan(c.JS(), name)
	if err != nil {
		return nil, err
	}
	return spanClass.Wrap(c.JS(), s), nil
}

// runSpan calls a function within a new span; ends says that the span ends with it, or
// with the promise that it returns.
func runSpan(c *bind.Call, ends bool) (any, error) {
	js := c.JS()
	var name string
	var callback bind.Function
	if err := c.Unpack("name", &name, "callback", &callback); err != nil {
		return nil, err
	}
	s, t, err := newSpan(js, name)
	if err != nil {
		return nil, err
	}
	args := append([]goja.Value{spanClass.Wrap(js, s)}, c.Args()[2:]...)
	var v goja.Value
	iocontext.InSpan(js, t, func() { v, err = js.Call(callback.Value, js.Runtime().GlobalObject(), args...) })
	switch {
	case err != nil:
		if ends {
			t.End()
		}
		return nil, err
	case ends:
		return iocontext.EndWith(js, t, v), nil
	}
	return v, nil
}

func (s *span) setAttribute(c *bind.Call) (any, error) {
	t, err := s.get(c.JS())
	if err != nil {
		return nil, err
	}
	var key string
	if err := c.Unpack("key", &key); err != nil {
		return nil, err
	}
	return c.This(), s.set(c, 2, t, key, c.Arg(1))
}

func (s *span) setAttributes(c *bind.Call) (any, error) {
	t, err := s.get(c.JS())
	if err != nil {
		return nil, err
	}
	var attributes *goja.Object
	if err := c.Unpack("attributes", &attributes); err != nil {
		return nil, err
	}
	var keys []string
	if err := c.JS().Try(func() { keys = attributes.Keys() }); err != nil {
		return nil, err
	}
	for _, key := range keys {
		var v goja.Value
		if err := c.JS().Try(func() { v = attributes.Get(key) }); err != nil {
			return nil, err
		}
		if err := s.set(c, 1, t, key, v); err != nil {
			return nil, err
		}
	}
	return c.This(), nil
}

// set sets an attribute: a boolean, a number, or the text of anything else. Undefined
// leaves it as it is. What is too much is replaced by a warning.
func (s *span) set(c *bind.Call, n int, t *trace.Span, key string, v goja.Value) error {
	if v == nil || goja.IsUndefined(v) {
		return nil
	}
	var value any
	size := 8
	_, symbol := v.(*goja.Symbol)
	switch x := v.Export().(type) {
	case bool:
		value = x
	case int64:
		value = float64(x)
	case float64:
		value = x
	default:
		if symbol {
			return c.TypeError("Cannot convert a Symbol value to a string")
		}
		text, err := c.String(n, v)
		if err != nil {
			return err
		}
		value, size = text, len(text)
	}
	if !t.Traced() || s.used > s.limit {
		return nil
	}
	if s.used += len(key) + size; s.used <= s.limit {
		t.Set(key, value)
		return nil
	}
	short := `"` + key + `"`
	if len(key) > maxName {
		short = fmt.Sprintf(`"%s..." (key length %d)`, cutText(key, maxName), len(key))
	}
	t.Set("cloudflare.warning.type", "span_data_limit_exceeded")
	t.Set("cloudflare.warning.message", fmt.Sprintf("exceeded span data limit while trying to record attribute %s of size %d", short, size))
	return nil
}
