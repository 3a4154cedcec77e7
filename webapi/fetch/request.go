package fetch

import (
	"net/http"
	"slices"
	"strings"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/events"
	"workerd.local/webapi/url"
)

// Request is a Request.
type Request struct {
	message
	method   string
	url      string // serialized where parsed is set
	parsed   bool
	redirect string
	cache    string // empty for the default
	cfJSON   []byte // until somebody asks
	cf       goja.Value
	signal   *events.Signal // made when first asked for
	incoming bool           // the signal is that of a client who may go away
}

// methods are those that workerd knows (kj's list of HTTP methods).
var methods = strings.Fields("GET HEAD POST PUT DELETE PATCH PURGE OPTIONS TRACE COPY LOCK MKCOL MOVE PROPFIND PROPPATCH SEARCH UNLOCK ACL REPORT MKACTIVITY CHECKOUT MERGE MSEARCH NOTIFY SUBSCRIBE UNSUBSCRIBE QUERY BAN")

// NewRequest makes the Request that a handler is given. Nothing of req is parsed
// or copied until a script asks for it; req's header and body are the request's
// from now on, and the body is closed with c, which is current. signal is the
// request's AbortSignal; without one it never fires.
func NewRequest(js *isolate.JS, c *iocontext.Context, req *event.Request, signal ...*events.Signal) *goja.Object {
	b, err := bodyFrom(js, c, req.Body)
	if err != nil {
		js.Panic(err)
	}
	r := &Request{
		message:  message{raw: NewHeaders(req.Header, true), body: b},
		method:   req.Method,
		url:      req.URL,
		parsed:   legacyURL(js),
		redirect: "manual",
		cfJSON:   req.CF,
	}
	if req.Redirect != "" {
		r.redirect = req.Redirect
	}
	if len(signal) > 0 {
		r.signal, r.incoming = signal[0], true
	}
	return RequestClass.Wrap(js, r)
}

// href is the url attribute.
func (r *Request) href() string {
	if !r.parsed {
		r.parsed = true
		// What cannot be parsed came like that from outside, and stays as it is.
		if u, err := url.Parse(r.url, nil); err == nil {
			r.url = u.Href()
		}
	}
	return r.url
}

// jsCF is the cf attribute.
func (r *Request) jsCF(js *isolate.JS) (goja.Value, error) {
	if r.cf == nil && r.cfJSON != nil {
		v, err := toJSON(js, r.cfJSON)
		if err != nil {
			return nil, err
		}
		r.cf, r.cfJSON = v, nil
	}
	if r.cf == nil {
		return goja.Undefined(), nil
	}
	return r.cf, nil
}

// bases are what relative URLs of requests stand against; nil is nothing.
var bases = isolate.NewSlot(func(*isolate.JS) **string { return new(*string) })

// SetBase makes relative URLs of requests relative to base; empty makes them invalid, as
// they are in workerd.
func SetBase(js *isolate.JS, base string) {
	*bases.Get(js) = nil
	if base != "" {
		*bases.Get(js) = &base
	}
}

// newRequest is the constructor, and the first half of fetch().
func newRequest(c *bind.Call, input, init goja.Value) (*Request, error) {
	js := c.JS()
	r := &Request{method: "GET", redirect: "follow", message: message{raw: &Headers{h: http.Header{}}}}
	from, _ := RequestClass.Unwrap(js, input)
	if from == nil {
		if c.Len() == 0 {
			return nil, c.BadArg(1, "Request or string")
		}
		text, err := c.String(1, input)
		if err != nil {
			return nil, err
		}
		u, err := url.Parse(text, *bases.Get(js))
		switch {
		case err == nil:
			if href := u.Href(); !legacyURL(js) || href != text+"/" {
				text = href
			}
		case js.Compat() != nil && !js.Compat().Has("fetch_standard_url"):
			// It is an error when the request is sent.
		default:
			return nil, exception.TypeErrorf("Invalid URL: %s", text)
		}
		r.url, r.parsed = text, true
	} else {
		r.method, r.url, r.parsed, r.redirect, r.cache, r.signal, r.incoming = from.method, from.url, from.parsed, from.redirect, from.cache, from.signal, from.incoming
		r.cf, r.cfJSON = from.cf, from.cfJSON
	}
	given, err := r.init(c, init)
	if err != nil {
		return nil, err
	}
	if err := r.checkCF(js); err != nil {
		return nil, err
	}
	if from != nil && given.headers == nil {
		r.raw = from.raw.Clone()
	}
	if given.headers != nil {
		r.raw = given.headers
	}
	var b body
	var typ string
	switch {
	case given.body != nil:
		b, typ, err = extract(c, given.body)
	case given.from != nil:
		b, err = given.from.body.share(js)
	case from != nil && !given.noBody:
		b, err = r.moveBody(js, from, given.method)
	}
	if err != nil {
		return nil, err
	}
	// A GET that has a body came like that from outside; one that is made here may not have any (workerd).
	if (given.method || given.body != nil) && !b.isNull() && r.bodyless() {
		return nil, errBodyless
	}
	r.body = b
	r.setType(c.JS(), typ)
	return r, nil
}

// legacyURL reports whether URLs are those of before the flag fetch_standard_url: a URL
// without a path stays one.
func legacyURL(js *isolate.JS) bool {
	return js.Compat() != nil && !js.Compat().Has("fetch_standard_url")
}

// ownSignal is the signal that ends a subrequest: not that of a client who may go away,
// unless the flag request_signal_passthrough passes it on.
func (r *Request) ownSignal(js *isolate.JS) *events.Signal {
	if r.incoming && !js.Compat().Has("request_signal_passthrough") {
		return nil
	}
	return r.signal
}

// checkCF refuses options of cf that contradict each other, or the cache option.
func (r *Request) checkCF(js *isolate.JS) error {
	cf, ok := r.cf.(*goja.Object)
	if !ok {
		return nil
	}
	set := func(name string) (is bool, err error) {
		err = js.Try(func() {
			v := cf.Get(name)
			is = v != nil && !goja.IsUndefined(v)
		})
		return is, err
	}
	control, err := set("cacheControl")
	if err != nil || !control {
		return err
	}
	ttl, err := set("cacheTtl")
	switch {
	case err != nil:
		return err
	case ttl:
		return exception.TypeErrorf("The 'cacheControl' and 'cacheTtl' options on cf are mutually exclusive. Use 'cacheControl' for explicit Cache-Control header directives, or 'cacheTtl' for a simplified TTL, but not both.")
	case r.cache != "":
		return exception.TypeErrorf("The 'cacheControl' option on cf cannot be used together with the 'cache' request option. The 'cache' option ('no-store'/'no-cache') maps to cache TTL behavior internally, which conflicts with explicit Cache-Control directives.")
	}
	return nil
}

// moveBody takes the body of another request.
func (r *Request) moveBody(js *isolate.JS, from *Request, newMethod bool) (body, error) {
	switch {
	case from.body.isUsed():
		return body{}, exception.TypeErrorf("Cannot reconstruct a Request with a used body.")
	case from.body.stream != nil && from.body.stream.Locked():
		return body{}, exception.TypeErrorf("The ReadableStream has been locked to a reader.")
	case newMethod && r.bodyless() && !from.body.isNull():
		return body{}, errBodyless
	}
	return from.body.move(js)
}

var errBodyless = exception.TypeErrorf("Request with a GET or HEAD method cannot have a body.")

func (r *Request) bodyless() bool { return r.method == "GET" || r.method == "HEAD" }

// given is what a RequestInit has for newRequest itself.
type given struct {
	headers *Headers
	method  bool // the method is given
	noBody  bool // the body is null
	body    goja.Value
	from    *Request // a Request in the place of the dictionary
}

const requestInit = "RequestInitializerDict"

func (r *Request) init(c *bind.Call, v goja.Value) (g given, err error) {
	if goja.IsUndefined(v) || goja.IsNull(v) {
		return g, nil
	}
	obj, ok := v.(*goja.Object)
	if !ok {
		return g, c.BadArg(2, requestInit+" or Request")
	}
	js := c.JS()
	if from, ok := RequestClass.Unwrap(js, obj); ok {
		r.method, r.redirect, r.cache, r.signal, r.incoming = from.method, from.redirect, from.cache, from.signal, from.incoming
		r.cf, r.cfJSON = from.cf, from.cfJSON
		return given{headers: from.raw.Clone(), from: from}, nil
	}
	text := func(take func(s string) error) func(*bind.Call, goja.Value) error {
		return func(f *bind.Call, v goja.Value) error {
			s, err := f.String(1, v)
			if err != nil {
				return err
			}
			return take(s)
		}
	}
	err = c.Dictionary(obj, requestInit,
		"method", text(func(s string) error {
			m := strings.ToUpper(s)
			if !slices.Contains(methods, m) {
				return exception.TypeErrorf("Invalid HTTP method string: %s", s)
			}
			r.method, g.method = m, true
			return nil
		}),
		"headers", func(f *bind.Call, v goja.Value) (err error) {
			g.headers, err = headersOf(f, v)
			return err
		},
		"body", func(_ *bind.Call, v goja.Value) error {
			if g.noBody = goja.IsNull(v); !g.noBody {
				g.body = v
			}
			return nil
		},
		"redirect", text(func(s string) error {
			if s != "follow" && s != "manual" {
				return exception.TypeErrorf("Invalid redirect value, must be one of \"follow\" or \"manual\" (\"error\" won't be implemented since it does not make sense at the edge; use \"manual\" and check the response status code).")
			}
			r.redirect = s
			return nil
		}),
		"signal", func(f *bind.Call, v goja.Value) error {
			r.incoming = false
			if goja.IsNull(v) {
				r.signal = nil
				return nil
			}
			return events.SignalOption(&r.signal)(f, v)
		},
		"cf", func(f *bind.Call, v goja.Value) error { return objectOrNull(f, v, &r.cf) },
		"cache", text(func(s string) (err error) {
			r.cache, err = readCacheMode(c.JS(), s)
			return err
		}),
		"integrity", text(func(s string) error {
			if s != "" {
				return exception.TypeErrorf("Subrequest integrity checking is not implemented. The integrity option must be either undefined or an empty string.")
			}
			return nil
		}),
	)
	return g, err
}

// RequestClass is Request. It is filled in by defineRequest: its methods make
// instances of it.
var RequestClass = &bind.Class[Request]{Name: "Request"}

func defineRequest() *bind.Class[Request] {
	of := func(r *Request) *message { return &r.message }
	*RequestClass = bind.Class[Request]{
		Name:    RequestClass.Name,
		Lengths: map[string]int{"constructor": 1},
		Length:  1,
		New: func(c *bind.Call) (*Request, error) {
			return newRequest(c, c.Arg(0), c.Arg(1))
		},
		Order: []string{"method", "url", "headers", "redirect", "fetcher", "signal", "cf", "integrity", "keepalive", "cache", "body", "bodyUsed"},
		Getters: bodyGetters(of, map[string]bind.Getter[Request]{
			"method":    func(r *Request, _ *bind.Call) (any, error) { return r.method, nil },
			"url":       func(r *Request, _ *bind.Call) (any, error) { return r.href(), nil },
			"redirect":  func(r *Request, _ *bind.Call) (any, error) { return r.redirect, nil },
			"integrity": func(*Request, *bind.Call) (any, error) { return "", nil },
			"keepalive": func(*Request, *bind.Call) (any, error) { return false, nil },
			"fetcher":   func(*Request, *bind.Call) (any, error) { return bind.Null, nil },
			"cache": func(r *Request, _ *bind.Call) (any, error) {
				if r.cache == "" {
					return nil, nil
				}
				return r.cache, nil
			},
			"cf": func(r *Request, c *bind.Call) (any, error) { return r.jsCF(c.JS()) },
			"signal": func(r *Request, c *bind.Call) (any, error) {
				if r.signal == nil {
					r.signal = events.NewSignal()
				}
				return r.signal.Object(c.JS()), nil
			},
		}),
		Methods: map[string]bind.Method[Request]{
			"clone": func(r *Request, c *bind.Call) (any, error) {
				b, err := r.body.clone(c.JS())
				if err != nil {
					return nil, err
				}
				copied := *r
				copied.message = message{raw: &Headers{h: cloneHeader(r.raw.h), immutable: r.raw.immutable}, body: b}
				return RequestClass.Wrap(c.JS(), &copied), nil
			},
		},
		Async: bodyMethods(of),
		Init: func(js *isolate.JS, _, proto *goja.Object) error {
			if js.Compat() != nil && !js.Compat().Has("cache_option_enabled") {
				return proto.Delete("cache")
			}
			return nil
		},
	}
	return RequestClass
}
