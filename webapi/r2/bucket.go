// Package r2 is R2 buckets: what an r2Bucket binding is.
//
// A bucket keeps nothing. It asks a service with HTTP, as workerd's does: GET with the
// request as JSON in the header CF-R2-Request for what may have a body, PUT with the request
// as JSON in front of the value for the rest. An answer has JSON in front of its body; the
// header CF-R2-Metadata-Size says how much. An error is JSON in the header CF-R2-Error.
//
// Everything belongs to the isolate's goroutine; the service runs on others.
package r2

import (
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

// Bucket is an R2 bucket, behind a service.
type Bucket struct {
	Service event.Service
	// Binding and Name are the names of the binding and of the bucket, for tails.
	Binding, Name string
}

// Class is the class of bindings; scripts do not see its name.
var Class = &bind.Class[Bucket]{
	Name: "R2Bucket",
	Async: map[string]bind.Method[Bucket]{
		"head":                  (*Bucket).jsHead,
		"get":                   (*Bucket).jsGet,
		"put":                   (*Bucket).jsPut,
		"delete":                (*Bucket).jsDelete,
		"list":                  (*Bucket).jsList,
		"createMultipartUpload": (*Bucket).createMultipartUpload,
	},
	Methods: map[string]bind.Method[Bucket]{
		"resumeMultipartUpload": (*Bucket).resumeMultipartUpload,
	},
}

func newRequest(method string, key *string) *request {
	return &request{Version: 1, Method: method, Object: key}
}

func (b *Bucket) jsHead(c *bind.Call) (any, error) {
	var key string
	if err := c.Unpack("key", &key); err != nil {
		return nil, err
	}
	ioc, err := c.Context()
	if err != nil {
		return nil, err
	}
	r := newRequest("head", &key)
	return b.traced(c.JS(), r, func(s *trace.Span) (any, error) { return b.head(c.JS(), ioc, s, r) })
}

func (b *Bucket) head(js *isolate.JS, ioc *iocontext.Context, s *trace.Span, r *request) (any, error) {
	return b.get(js, ioc, s, r, func(js *isolate.JS, a *answer) (goja.Value, error) {
		fetch.CloseLater(ioc, a.body)
		switch {
		case a.notFound():
			return goja.Null(), nil
		case a.failed != nil && !a.preconditionFailed():
			return nil, a.failed.error("head")
		}
		h, err := a.head()
		if err != nil {
			return nil, err
		}
		h.describe(s)
		return h.newObject(js, all, nil), nil
	})
}

func (b *Bucket) jsGet(c *bind.Call) (any, error) {
	var key string
	if err := c.Unpack("key", &key); err != nil {
		return nil, err
	}
	r := newRequest("get", &key)
	return b.traced(c.JS(), r, func(s *trace.Span) (any, error) { return b.getObject(c, s, r) })
}

func (b *Bucket) getObject(c *bind.Call, s *trace.Span, r *request) (any, error) {
	if err := c.Options(2, "GetOptions", "onlyIf", readOnlyIf(r), "range", readRange(r), "ssecKey", readSSEC(r)); err != nil {
		return nil, err
	}
	ioc, err := c.Context()
	if err != nil {
		return nil, err
	}
	return b.get(c.JS(), ioc, s, r, func(js *isolate.JS, a *answer) (goja.Value, error) {
		switch {
		case a.notFound():
			fetch.CloseLater(ioc, a.body)
			return goja.Null(), nil
		case a.failed != nil && !a.preconditionFailed():
			return nil, a.failed.error("get")
		}
		h, err := a.head()
		if err != nil {
			return nil, err
		}
		h.describe(s)
		if a.failed != nil {
			fetch.CloseLater(ioc, a.body)
			return h.newObject(js, all, nil), nil
		}
		body, err := streams.NewBody(js, ioc, a.body)
		if err != nil {
			return nil, err
		}
		return h.newObject(js, all, body), nil
	})
}

func (b *Bucket) jsPut(c *bind.Call) (any, error) {
	var key string
	if err := c.Unpack("key", &key); err != nil {
		return nil, err
	}
	value := func(ioc *iocontext.Context) (event.Body, error) { return event.NoBody, nil }
	var stream *streams.Readable
	if v := c.Arg(1); !goja.IsNull(v) && (c.Len() < 2 || !goja.IsUndefined(v)) {
		var err error
		if value, stream, err = valueOf(c, 2); err != nil {
			return nil, err
		}
	}
	r := newRequest("put", &key)
	return b.traced(c.JS(), r, func(s *trace.Span) (any, error) { return b.putObject(c, s, r, value, stream) })
}

// putObject puts a value, of which stream is the stream where it is one.
func (b *Bucket) putObject(c *bind.Call, s *trace.Span, r *request, value func(*iocontext.Context) (event.Body, error), stream *streams.Readable) (any, error) {
	js := c.JS()
	if err := putOptions(c, r); err != nil {
		if stream != nil && !stream.Locked() {
			stream.Cancel(js, js.Error(exception.Errorf("Stream cancelled because the associated put operation encountered an error.")))
		}
		return nil, err
	}
	ioc, err := c.Context()
	if err != nil {
		return nil, err
	}
	body, err := value(ioc)
	if err != nil {
		return nil, err
	}
	return b.put(js, ioc, s, r, body, func(js *isolate.JS, a *answer) (goja.Value, error) {
		switch {
		case a.preconditionFailed(), a.notFound():
			return goja.Null(), nil
		case a.failed != nil:
			return nil, a.failed.error("put")
		}
		h, err := a.head()
		if err != nil {
			return nil, err
		}
		// What was sent is what is there.
		h.HTTPFields, h.CustomFields = r.HTTPFields, r.CustomFields
		h.describe(s)
		return h.newObject(js, all, nil), nil
	})
}

func (b *Bucket) jsDelete(c *bind.Call) (any, error) {
	if c.Len() == 0 {
		return nil, c.BadArg(1, "string or Array")
	}
	r := newRequest("delete", nil)
	keys, isArray, err := texts(c, c.Arg(0), func(v goja.Value) (string, error) { return c.String(1, v) })
	if err != nil {
		return nil, err
	}
	if isArray {
		r.Objects = &keys
	} else {
		key, err := c.String(1, c.Arg(0))
		if err != nil {
			return nil, err
		}
		r.Object = &key
	}
	ioc, err := c.Context()
	if err != nil {
		return nil, err
	}
	return b.traced(c.JS(), r, func(s *trace.Span) (any, error) {
		return b.put(c.JS(), ioc, s, r, event.NoBody, func(_ *isolate.JS, a *answer) (goja.Value, error) {
			if a.failed != nil && !a.notFound() {
				return nil, a.failed.error("delete")
			}
			return goja.Undefined(), nil
		})
	})
}

// texts is an Array's elements as conv makes them strings; an empty Array is an empty
// list, which the wire tells from none.
func texts(c *bind.Call, v goja.Value, conv func(goja.Value) (string, error)) (list []string, ok bool, err error) {
	list, ok, err = c.Texts(v, conv)
	if ok && list == nil {
		list = []string{}
	}
	return list, ok, err
}

func (b *Bucket) jsList(c *bind.Call) (any, error) {
	r := newRequest("list", nil)
	return b.traced(c.JS(), r, func(s *trace.Span) (any, error) { return b.listObjects(c, s, r) })
}

func (b *Bucket) listObjects(c *bind.Call, s *trace.Span, r *request) (any, error) {
	w := wanted{}
	var limit *int32
	err := c.Options(1, "ListOptions", "cursor", text(&r.Cursor), "delimiter", text(&r.Delimiter), "include", func(f *bind.Call, v goja.Value) error {
		seen := -1
		names, ok, err := texts(f, v, func(v goja.Value) (string, error) {
			seen++
			if s, ok := v.(goja.String); ok {
				return s.String(), nil
			}
			return "", exception.TypeErrorf("Incorrect type for array element %d: the provided value is not of type 'string'.", seen)
		})
		if err == nil && !ok {
			err = f.BadArg(1, "Array")
		}
		if err != nil {
			return err
		}
		include := []int{}
		for _, name := range names {
			switch name {
			case "httpMetadata":
				w.http = true
				include = append(include, 0)
			case "customMetadata":
				w.custom = true
				include = append(include, 1)
			default:
				return exception.RangeErrorf("Unsupported include value %s", name)
			}
		}
		r.Include = &include
		return nil
	}, "limit", &limit, "prefix", text(&r.Prefix), "startAfter", text(&r.StartAfter))
	if err != nil {
		return nil, err
	}
	if limit != nil && *limit != -1 {
		// -1 is how the wire has none.
		n := uint32(*limit)
		r.Limit = &n
	}
	ioc, err := c.Context()
	if err != nil {
		return nil, err
	}
	if w.http {
		s.Set("cloudflare.r2.request.include.http_metadata", true)
	}
	if w.custom {
		s.Set("cloudflare.r2.request.include.custom_metadata", true)
	}
	r.NewRuntime = true
	if !c.JS().Compat().Has("r2_list_honor_include") {
		r.Include, w = &[]int{0, 1}, all
	} else if r.Include == nil && c.Len() > 0 && !goja.IsUndefined(c.Arg(0)) {
		r.Include = &[]int{}
	}
	return b.get(c.JS(), ioc, s, r, func(js *isolate.JS, a *answer) (goja.Value, error) {
		fetch.CloseLater(ioc, a.body)
		if a.failed != nil {
			return nil, a.failed.error("list")
		}
		if a.metadata == nil {
			return nil, errNoMetadata
		}
		var l listing
		if err := read(a.metadata, &l); err != nil {
			return nil, err
		}
		objects := make([]any, len(l.Objects))
		for i := range l.Objects {
			objects[i] = l.Objects[i].newObject(js, w, nil)
		}
		cursor := goja.Undefined()
		setText(s, "cloudflare.r2.response.cursor", l.Cursor)
		s.Set("cloudflare.r2.response.returned_objects", int64(len(l.Objects)))
		s.Set("cloudflare.r2.response.delimited_prefixes", int64(len(l.DelimitedPrefixes)))
		s.Set("cloudflare.r2.response.truncated", l.Truncated)
		if l.Cursor != nil {
			cursor = js.Runtime().ToValue(*l.Cursor)
		}
		return record(js, "objects", js.Runtime().NewArray(objects...), "truncated", l.Truncated, "cursor", cursor, "delimitedPrefixes", append([]string{}, l.DelimitedPrefixes...)), nil
	})
}
