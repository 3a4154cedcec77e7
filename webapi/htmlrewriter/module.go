package htmlrewriter

import (
	"strings"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/fetch"
	"workerd.local/webapi/streams"
)

// Module is what scripts see of the package.
var Module = bind.Module{
	Name: "htmlrewriter",
	// The classes of units have no names in the global scope.
	Globals: []bind.Global{rewriterClass},
}

// rewriter is an HTMLRewriter: handlers, until transform() uses them.
type rewriter struct{ handlers []handlers }

// handlers are what one call of on or onDocument gave.
type handlers struct {
	selector selector
	this     goja.Value
	of       [onEndTag]goja.Value // by event
}

func (h *handlers) registration() registration {
	return registration{
		selector: h.selector,
		element:  h.of[onElement] != nil, comments: h.of[onComment] != nil, text: h.of[onText] != nil,
		doctype: h.of[onDoctype] != nil, end: h.of[onEnd] != nil,
	}
}

// maxHandlers is how many times on and onDocument may be called on one rewriter.
const maxHandlers = 10_000

// read reads the handlers that are the nth argument (from 1).
func (r *rewriter) read(c *bind.Call, n int, dictionary string, names ...string) (h handlers, err error) {
	if len(r.handlers) >= maxHandlers {
		return h, exception.RangeErrorf("An HTMLRewriter cannot have more than %d sets of handlers.", maxHandlers)
	}
	if c.Len() < n {
		return h, c.BadArg(n, dictionary)
	}
	h.this = c.Arg(n - 1)
	events := map[string]event{"element": onElement, "comments": onComment, "text": onText, "doctype": onDoctype, "end": onEnd}
	var pairs []any
	for _, name := range names {
		pairs = append(pairs, name, func(f *bind.Call, v goja.Value) error {
			if _, ok := goja.AssertFunction(v); !ok {
				return f.BadArg(0, "function")
			}
			h.of[events[name]] = v
			return nil
		})
	}
	return h, c.Options(n, dictionary, pairs...)
}

var rewriterClass = &bind.Class[rewriter]{
	Name: "HTMLRewriter",
	New:  func(*bind.Call) (*rewriter, error) { return &rewriter{}, nil },
	Methods: map[string]bind.Method[rewriter]{
		"on": func(r *rewriter, c *bind.Call) (any, error) {
			var text string
			if err := c.Unpack("selector", &text); err != nil {
				return nil, err
			}
			h, err := r.read(c, 2, "ElementContentHandlers", "element", "comments", "text")
			if err != nil {
				return nil, err
			}
			if h.selector, err = parseSelector(text); err != nil {
				return nil, err
			}
			r.handlers = append(r.handlers, h)
			return c.This(), nil
		},
		"onDocument": func(r *rewriter, c *bind.Call) (any, error) {
			h, err := r.read(c, 1, "DocumentContentHandlers", "doctype", "comments", "text", "end")
			if err != nil {
				return nil, err
			}
			r.handlers = append(r.handlers, h)
			return c.This(), nil
		},
		"transform": func(r *rewriter, c *bind.Call) (any, error) {
			resp, ok := fetch.ResponseClass.Unwrap(c.JS(), c.Arg(0))
			if !ok {
				return nil, c.BadArg(1, "Response")
			}
			if resp.IsError() {
				return nil, exception.TypeErrorf("HTMLRewriter cannot transform an error response")
			}
			if resp.HasNoBody() {
				return c.Arg(0), nil
			}
			if _, err := c.Context(); err != nil {
				return nil, err
			}
			// Handlers that are added later are for later transforms.
			out, err := rewrite(c.JS(), r.handlers[:len(r.handlers):len(r.handlers)], resp)
			if err != nil {
				return nil, err
			}
			return fetch.ResponseClass.Wrap(c.JS(), out), nil
		},
	},
}

// charsetOf is the charset parameter of a Content-Type.
func charsetOf(contentType string) (label string, ok bool) {
	_, rest, _ := strings.Cut(contentType, ";")
	for rest != "" {
		var param string
		param, rest, _ = strings.Cut(rest, ";")
		name, value, found := strings.Cut(param, "=")
		if !found || !strings.EqualFold(strings.TrimSpace(name), "charset") {
			continue
		}
		value = strings.TrimSpace(value)
		if n := len(value); n > 1 && value[0] == '"' && value[n-1] == '"' {
			value = value[1 : n-1]
		}
		return value, value != ""
	}
	return "", false
}

// held is what a unit's object holds: the unit, until its handler is over.
type held[T any] struct{ unit *T }

var errExpired = exception.TypeErrorf("This content token is no longer valid. Content tokens are only valid during the execution of the relevant content handler.")

func (h *held[T]) get() (*T, error) {
	if h.unit == nil {
		return nil, errExpired
	}
	return h.unit, nil
}

// expire is the end of the handler.
func (h *held[T]) expire() { h.unit = nil }

// wrap makes the object that a handler is given.
func wrap(js *isolate.JS, c *call) (obj *goja.Object, expire func()) {
	switch u := c.unit.(type) {
	case *element:
		h := &elementObject{held: held[element]{u}}
		return elementClass.Wrap(js, h), h.expire
	case *endTagUnit:
		h := &held[endTagUnit]{u}
		return endTagClass.Wrap(js, h), h.expire
	case *commentUnit:
		h := &held[commentUnit]{u}
		return commentClass.Wrap(js, h), h.expire
	case *chunk:
		h := &held[chunk]{u}
		return textClass.Wrap(js, h), h.expire
	case *doctypeUnit:
		h := &held[doctypeUnit]{u}
		return doctypeClass.Wrap(js, h), h.expire
	default:
		h := &held[docEnd]{c.unit.(*docEnd)}
		return docEndClass.Wrap(js, h), h.expire
	}
}

// method makes a method of a unit that returns the unit's object.
func method[T any](do func(u *T, c *bind.Call) error) bind.Method[held[T]] {
	return func(h *held[T], c *bind.Call) (any, error) {
		u, err := h.get()
		if err == nil {
			err = do(u, c)
		}
		return c.This(), err
	}
}

func getter[T any](get func(u *T, c *bind.Call) any) bind.Getter[held[T]] {
	return func(h *held[T], c *bind.Call) (any, error) {
		u, err := h.get()
		if err != nil {
			return nil, err
		}
		return get(u, c), nil
	}
}

// setter sets a text.
func setter[T any](set func(u *T, text string) error) bind.Setter[held[T]] {
	return func(h *held[T], c *bind.Call) error {
		text, err := c.String(1, c.Arg(0))
		if err != nil {
			return err
		}
		u, err := h.get()
		if err != nil {
			return err
		}
		return set(u, text)
	}
}

var errNoStreams = exception.TypeErrorf("Replacing content in HTML comments using a ReadableStream or Response object is not implemented. You must provide a string.")

// put makes a method that takes content. A Response without a body is nothing to put.
func put[T any](streaming bool, do func(u *T, x content)) func(u *T, c *bind.Call) error {
	return func(u *T, c *bind.Call) error {
		x, ok, err := readContent(c)
		switch {
		case err != nil:
			return err
		case x.stream != nil && !streaming:
			return errNoStreams
		case ok:
			do(u, x)
		}
		return nil
	}
}

// readContent reads (content, options); ok is false where there is nothing.
func readContent(c *bind.Call) (x content, ok bool, err error) {
	if c.Len() == 0 {
		return x, false, c.BadArg(1, "string or JsReadableStream or Response")
	}
	var body *streams.Readable
	if obj, isObj := c.Arg(0).(*goja.Object); isObj {
		host, _, _ := bind.ValueOf(c.JS(), obj)
		switch v := host.(type) {
		case *streams.Readable:
			body = v
		case *fetch.Response:
			if body, err = v.Stream(c.JS()); err != nil {
				return x, false, err
			}
			if body == nil {
				return x, false, c.Options(2, "ContentOptions", "html", &x.html)
			}
		}
	}
	if body != nil {
		x.stream = body
	} else if x.text, err = c.String(1, c.Arg(0)); err != nil {
		return x, false, err
	}
	return x, true, c.Options(2, "ContentOptions", "html", &x.html)
}
