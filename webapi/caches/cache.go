package caches

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/trace"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/console"
	"workerd.local/webapi/fetch"
)

var (
	errNoCache  = exception.Errorf("No Cache was configured")
	errURL      = exception.TypeErrorf("Invalid URL. Cache API keys must be fully-qualified, valid URLs.")
	errNotGet   = exception.TypeErrorf("Cannot cache response to non-GET request.")
	errPartial  = exception.TypeErrorf("Cannot cache response to a range request (206 Partial Content).")
	errVaryAll  = exception.TypeErrorf("Cannot cache response with 'Vary: *' header.")
	errError    = exception.TypeErrorf("Cache is unable to store an error response")
	errUpgrade  = exception.TypeErrorf("Cannot cache WebSocket upgrade response.")
	errRate     = exception.Errorf("Unable to delete cached response. Subrequests are being rate-limited.")
	errNoDelete = exception.Errorf("Unable to delete cached response.")
)

const warning304 = "Ignoring attempt to Cache.put() a 304 status response. 304 responses are not meaningful to cache, and a potential source of bugs. Consider validating that the response status is meaningful to cache before calling Cache.put()."

// query reads (request, options) of match and delete. other says that the request has
// another method than GET, and that this counts.
func query(c *bind.Call, span *trace.Span) (r *fetch.Request, other bool, err error) {
	ignore := false
	ignoreMethod := func(_ *bind.Call, v goja.Value) error {
		ignore = v.ToBoolean()
		span.Set("cache.request.ignore_method", ignore)
		return nil
	}
	missing := func(f *bind.Call, _ goja.Value) error {
		return exception.Errorf("The '%s' field on 'CacheQueryOptions' is not implemented.", f.Field())
	}
	if err := c.Options(2, "CacheQueryOptions", "ignoreMethod", ignoreMethod, "ignoreSearch", missing, "ignoreVary", missing, "cacheName", missing); err != nil {
		return nil, false, err
	}
	if r, err = fetch.Coerce(c, c.Arg(0)); err != nil {
		return nil, false, err
	}
	about(span, r)
	return r, !ignore && r.Method() != http.MethodGet, nil
}

// request is the beginning of a request to the service.
func (ca *cache) request(js *isolate.JS, r *fetch.Request, method string) (*event.Request, event.Service, error) {
	svc := serviceOf.Get(js).svc
	if svc == nil {
		return nil, nil, errNoCache
	}
	target := r.URL()
	if u, err := url.Parse(target); err != nil || u.Host == "" || u.User != nil {
		return nil, nil, errURL
	}
	cf, err := r.CF(js)
	if err != nil {
		return nil, nil, err
	}
	target, _, _ = strings.Cut(target, "#")
	req := &event.Request{Method: method, URL: target, Header: r.Headers().Header().Clone(), CF: cf, Redirect: "manual"}
	if ca.name != nil && *ca.name != "" {
		req.Header["Cf-Cache-Namespace"] = []string{encodeComponent(*ca.name)}
	}
	return req, svc, nil
}

// encodeComponent is encodeURIComponent.
func encodeComponent(s string) string {
	return strings.NewReplacer("+", "%20", "%21", "!", "%27", "'", "%28", "(", "%29", ")", "%2A", "*", "%7E", "~").Replace(url.QueryEscape(s))
}

// match looks a response up.
func (ca *cache) match(c *bind.Call) (any, error) { return spanned(c, "cache_match", ca.lookUp) }

func (ca *cache) lookUp(c *bind.Call, span *trace.Span) (any, error) {
	js := c.JS()
	ioc, err := c.Context()
	if err != nil {
		return nil, err
	}
	r, other, err := query(c, span)
	if err != nil {
		return nil, err
	}
	if other {
		return js.Resolved(goja.Undefined()), nil
	}
	req, svc, err := ca.request(js, r, http.MethodGet)
	if err != nil {
		return nil, err
	}
	for name, header := range map[string]string{"range": "Range", "if_modified_since": "If-Modified-Since", "if_none_match": "If-None-Match"} {
		if v := req.Header.Get(header); v != "" {
			span.Set("cache.request.header."+name, v)
		}
	}
	req.Header["Cache-Control"] = []string{"only-if-cached"}
	return fetch.Send(js, ioc, svc, req, func(js *isolate.JS, resp *event.Response) (goja.Value, error) {
		answered(span, resp)
		// The status may be that of what was stored.
		if status, _ := fetch.Header(resp, "Cf-Cache-Status"); status != "HIT" {
			fetch.CloseLater(ioc, resp.Body)
			return goja.Undefined(), nil
		}
		// What was stored tells no URL (workerd).
		resp.URL = ""
		return fetch.NewAnswer(js, ioc, resp)
	}), nil
}

// remove is delete().
func (ca *cache) remove(c *bind.Call) (any, error) { return spanned(c, "cache_delete", ca.purge) }

func (ca *cache) purge(c *bind.Call, span *trace.Span) (any, error) {
	js := c.JS()
	ioc, err := c.Context()
	if err != nil {
		return nil, err
	}
	r, other, err := query(c, span)
	if err != nil {
		return nil, err
	}
	if other {
		return js.Resolved(js.Runtime().ToValue(false)), nil
	}
	req, svc, err := ca.request(js, r, "PURGE")
	if err != nil {
		return nil, err
	}
	// A cache refuses to purge for others than its own machine (workerd).
	req.Header["X-Real-Ip"] = append(req.Header["X-Real-Ip"], "127.0.0.1")
	return fetch.Send(js, ioc, svc, req, func(js *isolate.JS, resp *event.Response) (goja.Value, error) {
		span.Set("cache.response.status_code", int64(resp.Status))
		span.Set("cache.response.success", resp.Status == http.StatusOK)
		fetch.CloseLater(ioc, resp.Body)
		switch resp.Status {
		case http.StatusOK:
			return js.Runtime().ToValue(true), nil
		case http.StatusNotFound:
			return js.Runtime().ToValue(false), nil
		case http.StatusTooManyRequests:
			return nil, errRate
		}
		return nil, errNoDelete
	}), nil
}

// put stores a response. Whether it was stored is not told, as it may be forgotten at
// any time.
func (ca *cache) put(c *bind.Call) (any, error) {
	js := c.JS()
	if c.Len() == 0 {
		return nil, c.BadArg(1, "Request or string")
	}
	resp, ok := fetch.ResponseClass.Unwrap(js, c.Arg(1))
	if !ok {
		return nil, c.BadArg(2, "Response")
	}
	if resp.IsError() {
		return nil, errError
	}
	r, err := fetch.Coerce(c, c.Arg(0))
	if err != nil {
		return nil, err
	}
	return spanned(c, "cache_put", func(c *bind.Call, span *trace.Span) (any, error) { return ca.store(c, r, resp, span) })
}

func (ca *cache) store(c *bind.Call, r *fetch.Request, resp *fetch.Response, span *trace.Span) (any, error) {
	js := c.JS()
	about(span, r)
	span.Set("cache.request.payload.status_code", int64(resp.Status()))
	ioc, err := c.Context()
	if err != nil {
		return nil, err
	}
	vary, err := resp.Headers().Get("Vary")
	if err != nil {
		return nil, err
	}
	switch {
	case r.Method() != http.MethodGet:
		return nil, errNotGet
	case resp.Status() == http.StatusPartialContent:
		return nil, errPartial
	case vary != nil && strings.Contains(*vary, "*"):
		return nil, errVaryAll
	case resp.WebSocket() != nil:
		return nil, errUpgrade
	case resp.Status() == http.StatusNotModified:
		console.TraceWarning(js, warning304)
		js.Isolate().Log().Warn(warning304, "worker", js.Realm().Name())
		return js.Resolved(goja.Undefined()), nil
	}
	for name, header := range map[string]string{"cache_control": "Cache-Control", "cache_tag": "Cache-Tag", "etag": "Etag", "expires": "Expires", "last_modified": "Last-Modified"} {
		if v, err := resp.Headers().Get(header); err == nil && v != nil {
			span.Set("cache.request.payload.header."+name, *v)
		}
	}
	req, svc, err := ca.request(js, r, http.MethodPut)
	if err != nil {
		return nil, err
	}
	out, err := fetch.ToResponse(js, ioc, c.Arg(1), fetch.Answer{})
	if err != nil {
		return nil, err
	}
	req.Body = payload(out)
	if n := req.Body.Size(); n >= 0 {
		span.Set("cache.request.payload.size", n)
	}
	span.Set("cache.response.success", false)
	done := fetch.Send(js, ioc, svc, req, func(_ *isolate.JS, resp *event.Response) (goja.Value, error) {
		span.Set("cache.response.success", resp.Status == http.StatusNoContent)
		fetch.CloseLater(ioc, resp.Body)
		return goja.Undefined(), nil
	})
	return forgiving(js, done), nil
}

// forgiving is the promise p, fulfilled where the service or the source of the body
// went away.
func forgiving(js *isolate.JS, p *goja.Object) *goja.Object {
	out, resolve, reject := js.NewPromise()
	js.OnSettled(p, func(js *isolate.JS, _ goja.Value, err error) {
		var e *exception.Exception
		if err != nil && !(errors.As(err, &e) && e.Kind == exception.Disconnected) {
			reject(err)
			return
		}
		resolve(goja.Undefined())
	})
	return out
}

// payload is a response as the body of a request: status line, headers and body, which
// is not chunked even where the headers say so.
func payload(resp *event.Response) event.Body {
	body := fetch.Encoded(resp)
	var head strings.Builder
	head.WriteString("HTTP/1.1 " + strconv.Itoa(resp.Status) + " ")
	if resp.StatusText == "" {
		head.WriteString(http.StatusText(resp.Status))
	} else {
		head.WriteString(resp.StatusText)
	}
	length := int64(-1)
	if n := max(body.Size(), -1); body.IsNull() || n >= 0 {
		head.WriteString("\r\nContent-Length: " + strconv.FormatInt(max(n, 0), 10))
		length = max(n, 0)
	} else {
		head.WriteString("\r\nTransfer-Encoding: chunked")
	}
	names := make([]string, 0, len(resp.Header))
	for name := range resp.Header {
		if name != "Content-Length" && name != "Transfer-Encoding" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		for _, v := range resp.Header[name] {
			head.WriteString("\r\n" + name + ": " + v)
		}
	}
	head.WriteString("\r\n\r\n")
	if body.Stream == nil {
		return event.BytesBody(append([]byte(head.String()), body.Bytes...))
	}
	if length >= 0 {
		length += int64(head.Len())
	}
	return event.StreamBody(&message{io.MultiReader(strings.NewReader(head.String()), body.Stream), body.Stream}, length)
}

// message is a head and a body that are read one after the other.
type message struct {
	io.Reader
	body io.Closer
}

// Close closes the body; a Read may be waiting.
func (m *message) Close() error { return m.body.Close() }

var _ io.ReadCloser = (*message)(nil)
