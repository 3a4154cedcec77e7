package r2

import (
	"strconv"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/trace"
	"workerd.local/webapi/bind"
)

// upload is an R2MultipartUpload.
type upload struct {
	b       *Bucket
	key, id string
}

var uploadClass = &bind.Class[upload]{
	Name: "R2MultipartUpload",
	Async: map[string]bind.Method[upload]{
		"uploadPart": (*upload).uploadPart,
		"complete":   (*upload).complete,
		"abort":      (*upload).abort,
	},
}

func (b *Bucket) newUpload(js *isolate.JS, key, id string) *goja.Object {
	obj := uploadClass.Wrap(js, &upload{b, key, id})
	define(js, obj, goja.FLAG_FALSE, "uploadId", id, "key", key)
	return obj
}

func (b *Bucket) createMultipartUpload(c *bind.Call) (any, error) {
	var key string
	if err := c.Unpack("key", &key); err != nil {
		return nil, err
	}
	r := newRequest("createMultipartUpload", &key)
	return b.traced(c.JS(), r, func(s *trace.Span) (any, error) { return b.createUpload(c, s, r) })
}

func (b *Bucket) createUpload(c *bind.Call, s *trace.Span, r *request) (any, error) {
	err := c.Options(2, "MultipartOptions", "customMetadata", readCustomMetadata(r), "httpMetadata", readHTTPMetadata(r), "ssecKey", readSSEC(r), "storageClass", &r.StorageClass)
	if err != nil {
		return nil, err
	}
	ioc, err := c.Context()
	if err != nil {
		return nil, err
	}
	return b.put(c.JS(), ioc, s, r, event.NoBody, func(js *isolate.JS, a *answer) (goja.Value, error) {
		if a.failed != nil {
			return nil, a.failed.error("createMultipartUpload")
		}
		var created struct {
			UploadID string `json:"uploadId"`
		}
		if err := read(a.metadata, &created); err != nil {
			return nil, err
		}
		s.Set("cloudflare.r2.response.upload_id", created.UploadID)
		return b.newUpload(js, *r.Object, created.UploadID), nil
	})
}

func (b *Bucket) resumeMultipartUpload(c *bind.Call) (any, error) {
	var key, id string
	if err := c.Unpack("key", &key, "uploadId", &id); err != nil {
		return nil, err
	}
	return b.newUpload(c.JS(), key, id), nil
}

// checkPart says whether a number can be that of a part.
func checkPart(n int32) error {
	if n < 1 || n > maxPart {
		return exception.TypeErrorf("Part number must be between 1 and %d (inclusive). Actual value was: %d", maxPart, n)
	}
	return nil
}

// maxPart is the last number of a part (workerd).
const maxPart = 10000

func (u *upload) request(method string) *request {
	r := newRequest(method, &u.key)
	r.UploadID = &u.id
	return r
}

func (u *upload) uploadPart(c *bind.Call) (any, error) {
	var n int32
	if err := c.Unpack("partNumber", &n); err != nil {
		return nil, err
	}
	value, _, err := valueOf(c, 2)
	if err != nil {
		return nil, err
	}
	r := u.request("uploadPart")
	r.PartNumber = n
	if err := c.Options(3, "UploadPartOptions", "ssecKey", readSSEC(r)); err != nil {
		return nil, err
	}
	if err := checkPart(n); err != nil {
		return nil, err
	}
	ioc, err := c.Context()
	if err != nil {
		return nil, err
	}
	return u.b.traced(c.JS(), r, func(s *trace.Span) (any, error) {
		body, err := value(ioc)
		if err != nil {
			return nil, err
		}
		return u.putPart(c.JS(), ioc, s, r, body)
	})
}

func (u *upload) putPart(js *isolate.JS, ioc *iocontext.Context, s *trace.Span, r *request, body event.Body) (any, error) {
	return u.b.put(js, ioc, s, r, body, func(js *isolate.JS, a *answer) (goja.Value, error) {
		if a.failed != nil {
			return nil, a.failed.error("uploadPart")
		}
		var uploaded struct {
			ETag string `json:"etag"`
		}
		if err := read(a.metadata, &uploaded); err != nil {
			return nil, err
		}
		s.Set("cloudflare.r2.response.etag", uploaded.ETag)
		return record(js, "partNumber", int(r.PartNumber), "etag", uploaded.ETag), nil
	})
}

func (u *upload) complete(c *bind.Call) (any, error) {
	parts, err := partsOf(c)
	if err != nil {
		return nil, err
	}
	ioc, err := c.Context()
	if err != nil {
		return nil, err
	}
	r := u.request("completeMultipartUpload")
	r.Parts = &parts
	return u.b.traced(c.JS(), r, func(s *trace.Span) (any, error) { return u.completeParts(c.JS(), ioc, s, r) })
}

func (u *upload) completeParts(js *isolate.JS, ioc *iocontext.Context, s *trace.Span, r *request) (any, error) {
	return u.b.put(js, ioc, s, r, event.NoBody, func(js *isolate.JS, a *answer) (goja.Value, error) {
		if a.failed != nil {
			return nil, a.failed.error("completeMultipartUpload")
		}
		h, err := a.head()
		if err != nil {
			return nil, err
		}
		h.describe(s)
		return h.newObject(js, all, nil), nil
	})
}

func partsOf(c *bind.Call) ([]part, error) {
	list, ok := c.Arg(0).(*goja.Object)
	if !ok || list.ClassName() != "Array" {
		return nil, c.BadArg(1, "Array")
	}
	parts := []part{}
	var bad error
	err := c.JS().Try(func() {
		n := list.Get("length").ToInteger()
		if n > maxPart {
			bad = exception.RangeErrorf("There are %d parts, but there cannot be more than %d.", n, maxPart)
		}
		for i := int64(0); i < n && bad == nil; i++ {
			v := list.Get(strconv.FormatInt(i, 10))
			obj, ok := v.(*goja.Object)
			if v == nil || goja.IsUndefined(v) || goja.IsNull(v) {
				bad = exception.TypeErrorf("Cannot initialize UploadedPart with required members from an undefined or null value.")
				return
			}
			if !ok {
				bad = exception.TypeErrorf("Incorrect type for array element %d: the provided value is not of type 'UploadedPart'.", i)
				return
			}
			p := part{ETag: "undefined"}
			if bad = c.Dictionary(obj, "UploadedPart", "etag", &p.ETag, "partNumber", &p.Part); bad == nil {
				bad = checkPart(p.Part)
			}
			parts = append(parts, p)
		}
	})
	if err == nil {
		err = bad
	}
	return parts, err
}

func (u *upload) abort(c *bind.Call) (any, error) {
	ioc, err := c.Context()
	if err != nil {
		return nil, err
	}
	r := u.request("abortMultipartUpload")
	return u.b.traced(c.JS(), r, func(s *trace.Span) (any, error) {
		return u.b.put(c.JS(), ioc, s, r, event.NoBody, func(_ *isolate.JS, a *answer) (goja.Value, error) {
			if a.failed != nil && !a.notFound() {
				return nil, a.failed.error("abortMultipartUpload")
			}
			return goja.Undefined(), nil
		})
	})
}
