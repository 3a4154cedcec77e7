package r2

import (
	"encoding/hex"
	"math"
	"net/http"
	"time"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/blob"
	"workerd.local/webapi/fetch"
	"workerd.local/webapi/streams"
)

// object is an R2Object: what is known of an object.
type object struct {
	key  string
	http *httpFields // nil where it was not asked for
}

// objectBody is an R2ObjectBody.
type objectBody struct {
	object
	body *streams.Readable
}

var objectClass = &bind.Class[object]{
	Name: "HeadResult",
	Methods: map[string]bind.Method[object]{
		"writeHttpMetadata": (*object).writeHTTPMetadata,
	},
}

var bodyClass = &bind.Class[objectBody]{
	Name:   "GetResult",
	Parent: bind.Extends(objectClass, func(o *objectBody) *object { return &o.object }),
	Getters: map[string]bind.Getter[objectBody]{
		"body":     func(o *objectBody, c *bind.Call) (any, error) { return o.body.Object(c.JS()), nil },
		"bodyUsed": func(o *objectBody, _ *bind.Call) (any, error) { return o.body.Disturbed(), nil },
	},
	Async: map[string]bind.Method[objectBody]{
		"text": reading(func(_ *objectBody, js *isolate.JS, data []byte) (goja.Value, error) { return fetch.Text(js, data) }),
		"json": reading(func(_ *objectBody, js *isolate.JS, data []byte) (goja.Value, error) { return fetch.JSON(js, data) }),
		"arrayBuffer": reading(func(_ *objectBody, js *isolate.JS, data []byte) (goja.Value, error) {
			return bind.Value(js, append([]byte{}, data...)), nil
		}),
		"bytes": reading(func(_ *objectBody, js *isolate.JS, data []byte) (goja.Value, error) {
			return bind.NewUint8Array(js, append([]byte{}, data...)), nil
		}),
		"blob": reading(func(o *objectBody, js *isolate.JS, data []byte) (goja.Value, error) {
			typ := ""
			if o.http.ContentType != nil {
				typ = *o.http.ContentType
			}
			return blob.Class.Wrap(js, blob.New(append([]byte{}, data...), typ)), nil
		}),
	},
}

// reading is a method that reads the whole body.
func reading(conv func(o *objectBody, js *isolate.JS, data []byte) (goja.Value, error)) bind.Method[objectBody] {
	return func(o *objectBody, c *bind.Call) (any, error) {
		switch {
		case o.body.Disturbed():
			return nil, exception.TypeErrorf("%s", streams.UsedText)
		case o.body.Locked():
			return nil, exception.TypeErrorf("This ReadableStream is currently locked to a reader.")
		}
		return o.body.ReadAll(c.JS(), c.JS().Isolate().Limits().BodyBytes, func(js *isolate.JS, data []byte) (goja.Value, error) {
			return conv(o, js, data)
		})
	}
}

func (o *object) writeHTTPMetadata(c *bind.Call) (any, error) {
	h, ok := fetch.HeadersClass.Unwrap(c.JS(), c.Arg(0))
	if !ok {
		return nil, c.BadArg(1, "Headers")
	}
	if o.http == nil {
		return nil, exception.TypeErrorf("HTTP metadata unknown for key `%s`. Did you forget to add 'httpMetadata' to `include` when listing?", o.key)
	}
	for _, f := range o.http.fields() {
		if *f.value != nil {
			if err := h.Set(f.header, **f.value); err != nil {
				return nil, err
			}
		}
	}
	if e := o.http.CacheExpiry; e != nil && *e != noTime {
		return nil, h.Set("expires", time.UnixMilli(int64(*e)).UTC().Format(http.TimeFormat))
	}
	return nil, nil
}

// noTime is how the wire has no time, which is the millisecond before 1970.
const noTime = number(math.MaxUint64)

// Metadata that an answer may have left out: asked for, it is there and empty.
type wanted struct{ http, custom bool }

var all = wanted{true, true}

// newObject makes the R2Object of an answer, with a body where that is not nil.
func (h *head) newObject(js *isolate.JS, w wanted, body *streams.Readable) *goja.Object {
	o := object{key: h.Name, http: h.HTTPFields}
	if o.http == nil && w.http {
		o.http = &httpFields{}
	}
	var obj *goja.Object
	if body != nil {
		obj = bodyClass.Wrap(js, &objectBody{o, body})
	} else {
		obj = objectClass.Wrap(js, &o)
	}
	custom, httpMetadata, ranged, ssec := goja.Undefined(), goja.Undefined(), goja.Undefined(), goja.Undefined()
	if h.CustomFields != nil || w.custom {
		c := js.Runtime().NewObject()
		if h.CustomFields != nil {
			for _, f := range *h.CustomFields {
				define(js, c, goja.FLAG_TRUE, f.K, f.V)
			}
		}
		custom = c
	}
	if o.http != nil {
		httpMetadata = o.http.object(js)
	}
	if r := h.Range; r != nil {
		// What is left out is the largest number, as in workerd.
		length := func(n *number) float64 {
			if n == nil {
				return math.MaxUint64
			}
			return float64(*n)
		}
		ranged = record(js, "offset", length(r.Offset), "length", length(r.Length), "suffix", goja.Undefined())
	}
	if h.SSEC != nil {
		ssec = js.Runtime().ToValue(h.SSEC.KeyMD5)
	}
	define(js, obj, goja.FLAG_FALSE, "ssecKeyMd5", ssec, "storageClass", h.StorageClass, "range", ranged, "customMetadata", custom, "httpMetadata", httpMetadata,
		"uploaded", bind.NewDate(js, int64(h.Uploaded)), "checksums", h.Checksums.object(js), "httpEtag", `"`+h.ETag+`"`, "etag", h.ETag, "size", float64(h.Size),
		"version", h.Version, "key", h.Name)
	return obj
}

func (m *httpFields) object(js *isolate.JS) *goja.Object {
	var pairs []any
	for _, f := range m.fields() {
		v := goja.Undefined()
		if *f.value != nil {
			v = js.Runtime().ToValue(**f.value)
		}
		pairs = append(pairs, f.name, v)
	}
	expiry := goja.Undefined()
	if m.CacheExpiry != nil && *m.CacheExpiry != noTime {
		expiry = bind.NewDate(js, int64(*m.CacheExpiry))
	}
	return record(js, append(pairs, "cacheExpiry", expiry)...)
}

// sums is a Checksums.
type sums struct{ c checksums }

func (c *checksums) list() []struct {
	name string
	sum  []byte
} {
	return []struct {
		name string
		sum  []byte
	}{{"md5", c.MD5}, {"sha1", c.SHA1}, {"sha256", c.SHA256}, {"sha384", c.SHA384}, {"sha512", c.SHA512}}
}

var sumsClass = &bind.Class[sums]{
	Name: "Checksums",
	Methods: map[string]bind.Method[sums]{
		"toJSON": func(s *sums, c *bind.Call) (any, error) {
			var pairs []any
			for _, h := range s.c.list() {
				if h.sum != nil {
					pairs = append(pairs, h.name, hex.EncodeToString(h.sum))
				} else {
					pairs = append(pairs, h.name, goja.Undefined())
				}
			}
			return record(c.JS(), pairs...), nil
		},
	},
}

func (c *checksums) object(js *isolate.JS) *goja.Object {
	if c == nil {
		c = &checksums{}
	}
	obj := sumsClass.Wrap(js, &sums{*c})
	list := c.list()
	for i := len(list) - 1; i >= 0; i-- {
		v := goja.Undefined()
		if list[i].sum != nil {
			v = bind.Value(js, append([]byte{}, list[i].sum...))
		}
		define(js, obj, goja.FLAG_FALSE, list[i].name, v)
	}
	return obj
}

// record is a dictionary as scripts get it: what is undefined is left out, unless the
// worker has enable_fast_jsg_struct.
func record(js *isolate.JS, pairs ...any) *goja.Object {
	obj := js.Runtime().NewObject()
	for i := 0; i < len(pairs); i += 2 {
		if v, ok := pairs[i+1].(goja.Value); ok && goja.IsUndefined(v) && !js.Compat().Has("enable_fast_jsg_struct") {
			continue
		}
		define(js, obj, goja.FLAG_TRUE, pairs[i].(string), pairs[i+1])
	}
	return obj
}

// define gives a new object properties of its own.
func define(js *isolate.JS, obj *goja.Object, writable goja.Flag, pairs ...any) {
	for i := 0; i < len(pairs); i += 2 {
		if err := obj.DefineDataProperty(pairs[i].(string), bind.Value(js, pairs[i+1]), writable, goja.FLAG_TRUE, goja.FLAG_TRUE); err != nil {
			js.Panic(err) // the object is new
		}
	}
}
