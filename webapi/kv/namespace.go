package kv

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/trace"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/fetch"
	"workerd.local/webapi/streams"
)

// host is where requests say that they go; the service is asked whatever it says.
const host = "https://fake-host"

// maxKey is the longest key, in bytes (workerd).
const maxKey = 512

// checkKey says what is wrong with the name of a key.
func checkKey(method, name string) error {
	switch {
	case name == "":
		return exception.TypeErrorf("Key name cannot be empty.")
	case name == "." || name == "..":
		return exception.TypeErrorf("\"%s\" is not allowed as a key name.", name)
	case len(name) > maxKey:
		return exception.Errorf("KV %s failed: 414 UTF-8 encoded length of %d exceeds key length limit of %d.", method, len(name), maxKey)
	}
	return nil
}

// checkStatus says what an answer without success means.
func checkStatus(method string, resp *event.Response) error {
	if resp.Status < 200 || resp.Status >= 300 {
		return exception.Errorf("KV %s failed: %d %s", method, resp.Status, fetch.StatusText(resp))
	}
	return nil
}

// request is the beginning of a request to the service.
func request(method, target string) *event.Request {
	return &event.Request{Method: method, URL: target, Redirect: "manual", Header: http.Header{"Cf-Kv-Flprod-405": {target}}}
}

// query is parameters in the order in which they are added.
type query struct{ b strings.Builder }

func (q *query) add(name, value string) {
	if q.b.Len() == 0 {
		q.b.WriteByte('?')
	} else {
		q.b.WriteByte('&')
	}
	q.b.WriteString(name + "=" + url.QueryEscape(value))
}

func (q *query) addInt(name string, n *int32) {
	if n != nil {
		q.add(name, strconv.Itoa(int(*n)))
	}
}

// pathOf is the path of a key, in which only what a path cannot have is escaped.
func pathOf(name string) string { return escape(name, "!$&'()*+,-.:;=@[]^_|~") }

// componentOf is encodeURIComponent of a key.
func componentOf(name string) string { return escape(name, "!'()*-._~") }

func escape(s, keep string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte(keep, c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
	return b.String()
}

// getOptions are those of get() and getWithMetadata().
type getOptions struct {
	typ      *string
	cacheTTL *int32
}

func readGetOptions(c *bind.Call) (o getOptions, err error) {
	v := c.Arg(1)
	if _, ok := v.(*goja.Object); ok || goja.IsNull(v) {
		return o, c.Options(2, "GetOptions", "type", &o.typ, "cacheTtl", &o.cacheTTL)
	}
	if goja.IsUndefined(v) {
		return o, nil
	}
	s, err := c.String(2, v)
	o.typ = &s
	return o, err
}

// get is get(): a wrong argument throws, as in workerd, and what is wrong with a key rejects.
func (n *Namespace) get(c *bind.Call) (any, error) {
	var early error
	v, err := n.read(c, "kv_get", false, func(_ *isolate.JS, value, _, _ goja.Value) (goja.Value, error) { return value, nil }, &early)
	if early != nil {
		return c.JS().Rejected(early), nil
	}
	return v, err
}

// getWithMetadata is getWithMetadata(), which throws what is wrong with a single key, too.
func (n *Namespace) getWithMetadata(c *bind.Call) (any, error) {
	return n.read(c, "kv_getWithMetadata", true, func(js *isolate.JS, value, metadata, cacheStatus goja.Value) (goja.Value, error) {
		return record(js, "value", value, "metadata", metadata, "cacheStatus", cacheStatus)
	}, nil)
}

// record is an object with the properties that pairs name.
func record(js *isolate.JS, pairs ...any) (*goja.Object, error) {
	obj := js.Runtime().NewObject()
	for i := 0; i < len(pairs); i += 2 {
		if err := set(obj, pairs[i].(string), pairs[i+1].(goja.Value)); err != nil {
			return nil, err
		}
	}
	return obj, nil
}

// result makes what a script gets of a value, its metadata and the status of the cache.
type result func(js *isolate.JS, value, metadata, cacheStatus goja.Value) (goja.Value, error)

// read reads one key or several. What is wrong with a key goes to early, unless that is nil.
func (n *Namespace) read(c *bind.Call, span string, withMetadata bool, res result, early *error) (any, error) {
	if c.Len() == 0 {
		if withMetadata {
			return nil, c.BadArg(1, "Array or string")
		}
		return nil, c.BadArg(1, "string or Array")
	}
	names, isArray, err := c.Texts(c.Arg(0), func(v goja.Value) (string, error) { return c.String(1, v) })
	if err != nil {
		return nil, err
	}
	var name string
	if !isArray {
		if name, err = c.String(1, c.Arg(0)); err != nil {
			return nil, err
		}
	}
	o, err := readGetOptions(c)
	if err != nil {
		return nil, err
	}
	ioc, err := c.Context()
	if err != nil {
		return nil, err
	}
	return n.traced(c.JS(), span, "get", func(s *trace.Span) (any, error) {
		if isArray {
			return n.getBulk(c.JS(), ioc, s, names, o, withMetadata)
		}
		v, err := n.getOne(c.JS(), ioc, s, name, o, res)
		if err != nil && early != nil && !isolate.Uncatchable(err) {
			*early, err = err, nil
		}
		return v, err
	})
}

// getOne gets one key.
func (n *Namespace) getOne(js *isolate.JS, ioc *iocontext.Context, s *trace.Span, name string, o getOptions, res result) (any, error) {
	if err := checkKey("GET", name); err != nil {
		return nil, err
	}
	setKeys(s, name)
	o.describe(s)
	var q query
	q.add("urlencoded", "true")
	q.addInt("cache_ttl", o.cacheTTL)
	req := request(http.MethodGet, host+"/"+pathOf(name)+q.b.String())
	return fetch.Send(js, ioc, n.Service, req, func(js *isolate.JS, resp *event.Response) (goja.Value, error) {
		status := cacheStatus(js, resp)
		if v, ok := fetch.Header(resp, "Cf-Cache-Status"); ok {
			s.Set("cloudflare.kv.response.cache_status", v)
		}
		if resp.Status == http.StatusNotFound || resp.Status == http.StatusGone {
			fetch.CloseLater(ioc, resp.Body)
			return res(js, goja.Null(), goja.Null(), status)
		}
		if err := checkStatus("GET", resp); err != nil {
			return nil, err
		}
		text, hasMetadata := fetch.Header(resp, "Cf-Kv-Metadata")
		if hasMetadata {
			s.Set("cloudflare.kv.response.metadata", true)
		}
		describe(s, resp)
		s.Set("cloudflare.kv.response.returned_rows", int64(1))
		return value(js, ioc, o.typ, resp, func(js *isolate.JS, v goja.Value) (goja.Value, error) {
			metadata := goja.Null()
			if hasMetadata {
				var err error
				if metadata, err = fetch.PlainJSON(js, []byte(text)); err != nil {
					return nil, err
				}
			}
			return res(js, v, metadata, status)
		})
	}), nil
}

func cacheStatus(js *isolate.JS, resp *event.Response) goja.Value {
	if s, ok := fetch.Header(resp, "Cf-Cache-Status"); ok {
		return js.Runtime().ToValue(s)
	}
	return goja.Null()
}

// value reads an answer as a script wants it.
func value(js *isolate.JS, ioc *iocontext.Context, typ *string, resp *event.Response, then func(js *isolate.JS, v goja.Value) (goja.Value, error)) (goja.Value, error) {
	name := "text"
	if typ != nil {
		name = *typ
	}
	var conv func(js *isolate.JS, data []byte) (goja.Value, error)
	switch name {
	case "text":
		conv = fetch.PlainText
	case "json":
		conv = fetch.PlainJSON
	case "arrayBuffer":
		conv = func(js *isolate.JS, data []byte) (goja.Value, error) {
			return bind.Value(js, append([]byte{}, data...)), nil
		}
	case "stream":
		if resp.Body.IsNull() {
			resp.Body = event.BytesBody(nil)
		}
		s, err := fetch.AnswerStream(js, ioc, resp)
		if err != nil {
			return nil, err
		}
		return then(js, s.Object(js))
	default:
		return nil, exception.TypeErrorf("Unknown response type. Possible types are \"text\", \"arrayBuffer\", \"json\", and \"stream\".")
	}
	return fetch.ReadAnswer(js, ioc, resp, func(js *isolate.JS, data []byte) (goja.Value, error) {
		v, err := conv(js, data)
		if err != nil {
			return nil, err
		}
		return then(js, v)
	})
}

// getBulk gets several keys at once.
func (n *Namespace) getBulk(js *isolate.JS, ioc *iocontext.Context, s *trace.Span, names []string, o getOptions, withMetadata bool) (any, error) {
	setKeys(s, names...)
	o.describe(s)
	body, err := bulkBody(names, o, withMetadata)
	if err != nil {
		return nil, err
	}
	req := request(http.MethodPost, host+"/bulk/get")
	req.Header["Content-Type"] = []string{"application/json"}
	req.Body = event.BytesBody(body)
	fetch.Frame(req)
	return fetch.Send(js, ioc, n.Service, req, func(js *isolate.JS, resp *event.Response) (goja.Value, error) {
		if err := checkStatus("GET_BULK", resp); err != nil {
			return nil, err
		}
		return fetch.ReadAnswer(js, ioc, resp, func(js *isolate.JS, data []byte) (goja.Value, error) {
			s.Set("cloudflare.kv.response.size", int64(len(data)))
			v, err := fetch.PlainJSON(js, data)
			if err != nil {
				return nil, err
			}
			return toMap(js, s, v)
		})
	}), nil
}

// list is list().
func (n *Namespace) list(c *bind.Call) (any, error) {
	var limit *int32
	var prefix, cursor *string
	text := func(to **string) func(*bind.Call, goja.Value) error {
		return func(f *bind.Call, v goja.Value) error {
			if goja.IsNull(v) {
				return nil
			}
			s, err := f.String(1, v)
			*to = &s
			return err
		}
	}
	if err := c.Options(1, "ListOptions", "limit", &limit, "prefix", text(&prefix), "cursor", text(&cursor)); err != nil {
		return nil, err
	}
	ioc, err := c.Context()
	if err != nil {
		return nil, err
	}
	return n.traced(c.JS(), "kv_list", "list", func(s *trace.Span) (any, error) {
		setInt(s, "limit", limit)
		var q query
		if limit != nil && *limit > 0 {
			q.addInt("key_count_limit", limit)
		}
		if prefix != nil {
			s.Set("cloudflare.kv.query.prefix", *prefix)
			q.add("prefix", *prefix)
		}
		if cursor != nil {
			s.Set("cloudflare.kv.query.cursor", *cursor)
			q.add("cursor", *cursor)
		}
		return n.listed(c.JS(), ioc, s, q), nil
	})
}

func (n *Namespace) listed(js *isolate.JS, ioc *iocontext.Context, s *trace.Span, q query) *goja.Object {
	return fetch.Send(js, ioc, n.Service, request(http.MethodGet, host+q.b.String()), func(js *isolate.JS, resp *event.Response) (goja.Value, error) {
		if err := checkStatus("GET", resp); err != nil {
			return nil, err
		}
		status := cacheStatus(js, resp)
		describe(s, resp)
		return fetch.ReadAnswer(js, ioc, resp, func(js *isolate.JS, data []byte) (goja.Value, error) {
			v, err := fetch.PlainJSON(js, data)
			if err != nil {
				return nil, err
			}
			return listing(js, s, v, status)
		})
	})
}

// put is put().
func (n *Namespace) put(c *bind.Call) (any, error) {
	var name string
	if err := c.Unpack("name", &name); err != nil {
		return nil, err
	}
	v := c.Arg(1)
	if c.Len() < 2 {
		return nil, c.BadArg(2, "string or Object")
	}
	var text *string
	obj, isObj := v.(*goja.Object)
	if !isObj {
		s, err := c.String(2, v)
		if err != nil {
			return nil, err
		}
		text = &s
	}
	var expiration, ttl *int32
	var metadata goja.Value
	if err := c.Options(3, "PutOptions", "expiration", &expiration, "expirationTtl", &ttl, "metadata", &metadata); err != nil {
		return nil, err
	}
	if err := checkKey("PUT", name); err != nil {
		return nil, err
	}
	ioc, err := c.Context()
	if err != nil {
		return nil, err
	}
	return n.traced(c.JS(), "kv_put", "put", func(s *trace.Span) (any, error) {
		return n.putOne(c.JS(), ioc, s, name, text, obj, expiration, ttl, metadata)
	})
}

// putOne puts a value, which is a text or an object.
func (n *Namespace) putOne(js *isolate.JS, ioc *iocontext.Context, s *trace.Span, name string, text *string, obj *goja.Object, expiration, ttl *int32, metadata goja.Value) (_ any, err error) {
	setKeys(s, name)
	setInt(s, "expiration", expiration)
	setInt(s, "expiration_ttl", ttl)
	var q query
	q.add("urlencoded", "true")
	q.addInt("expiration", expiration)
	q.addInt("expiration_ttl", ttl)
	req := request(http.MethodPut, host+"/"+pathOf(name)+q.b.String())
	if metadata != nil && !goja.IsNull(metadata) {
		json, err := fetch.Stringify(js, metadata)
		if err != nil {
			return nil, err
		}
		req.Header["Cf-Kv-Metadata"] = []string{json}
		s.Set("cloudflare.kv.query.metadata", true)
	}
	typ := "text"
	if text != nil {
		req.Header["Content-Type"] = []string{"text/plain;charset=UTF-8"}
		req.Body = event.BytesBody([]byte(*text))
	} else if req.Body, typ, err = body(js, ioc, obj); err != nil {
		return nil, err
	}
	s.Set("cloudflare.kv.query.value_type", typ)
	if size := req.Body.Size(); size >= 0 {
		s.Set("cloudflare.kv.query.payload.size", size)
	}
	if req.Body.Size() != 0 {
		fetch.Frame(req)
	}
	// What the service says to a put is wanted to its end.
	return n.done(js, ioc, fetch.Whole(n.Service), "PUT", req), nil
}

var errBody = exception.TypeErrorf("KV put() accepts only strings, ArrayBuffers, ArrayBufferViews, and ReadableStreams as values.")

// body is an object as a value, and what it is called.
func body(js *isolate.JS, ioc *iocontext.Context, obj *goja.Object) (b event.Body, typ string, err error) {
	if host, _, ok := bind.ValueOf(js, obj); ok {
		if s, ok := host.(*streams.Readable); ok {
			b, err = s.Rest(js, ioc)
			return b, "ReadableStream", err
		}
		return event.NoBody, "", errBody
	}
	data, ok := bind.Bytes(js, obj)
	if !ok {
		return event.NoBody, "", errBody
	}
	return event.BytesBody(append([]byte{}, data...)), "ArrayBuffer", nil
}

// remove is delete().
func (n *Namespace) remove(c *bind.Call) (any, error) {
	var name string
	if err := c.Unpack("name", &name); err != nil {
		return nil, err
	}
	if err := checkKey("DELETE", name); err != nil {
		return nil, err
	}
	ioc, err := c.Context()
	if err != nil {
		return nil, err
	}
	return n.traced(c.JS(), "kv_delete", "delete", func(s *trace.Span) (any, error) {
		setKeys(s, name)
		return n.done(c.JS(), ioc, n.Service, "DELETE", request(http.MethodDelete, host+"/"+componentOf(name)+"?urlencoded=true")), nil
	})
}

// removeBulk is deleteBulk(), whatever its arguments are.
func (n *Namespace) removeBulk(c *bind.Call) (any, error) {
	m := fetch.RPCMethod(c.JS(), n.Service, "delete")
	if m == nil {
		return nil, exception.Errorf("missing delete method")
	}
	return c.JS().Call(m, goja.Undefined(), c.Args()...)
}

// done sends a request whose answer says only that it was done.
func (n *Namespace) done(js *isolate.JS, ioc *iocontext.Context, svc event.Service, method string, req *event.Request) *goja.Object {
	return fetch.Send(js, ioc, svc, req, func(_ *isolate.JS, resp *event.Response) (goja.Value, error) {
		if err := checkStatus(method, resp); err != nil {
			return nil, err
		}
		fetch.CloseLater(ioc, resp.Body)
		return goja.Undefined(), nil
	})
}
