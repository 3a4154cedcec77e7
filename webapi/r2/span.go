package r2

import (
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/dop251/goja"

	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/trace"
)

// operations are the names of spans and of what they do, by method.
var operations = map[string][2]string{
	"head":                    {"r2_head", "HeadObject"},
	"get":                     {"r2_get", "GetObject"},
	"put":                     {"r2_put", "PutObject"},
	"delete":                  {"r2_delete", "DeleteObject"},
	"list":                    {"r2_list", "ListObjects"},
	"createMultipartUpload":   {"r2_createMultipartUpload", "CreateMultipartUpload"},
	"uploadPart":              {"r2_uploadPart", "UploadPart"},
	"completeMultipartUpload": {"r2_completeMultipartUpload", "CompleteMultipartUpload"},
	"abortMultipartUpload":    {"r2_abortMultipartUpload", "AbortMultipartUpload"},
}

// traced runs a method within a span, which ends with the promise that it returns.
func (b *Bucket) traced(js *isolate.JS, r *request, do func(s *trace.Span) (any, error)) (any, error) {
	op := operations[r.Method]
	s := iocontext.Span(js).Open(op[0])
	if s.Traced() {
		s.Set("cloudflare.binding.type", "r2")
		s.Set("cloudflare.binding.name", b.Binding)
		s.Set("cloudflare.r2.operation", op[1])
		s.Set("cloudflare.r2.bucket", b.Name)
		setText(s, "cloudflare.r2.request.upload_id", r.UploadID)
		if r.Method != "delete" {
			setText(s, "cloudflare.r2.request.key", r.Object)
		}
	}
	v, err := do(s)
	if p, ok := v.(*goja.Object); ok && err == nil && s.Traced() {
		js.OnSettled(p, func(*isolate.JS, goja.Value, error) { s.End() })
	} else {
		s.End()
	}
	return v, err
}

func setText(s *trace.Span, name string, v *string) {
	if v != nil {
		s.Set(name, *v)
	}
}

func setNumber(s *trace.Span, name string, v *number) {
	if v != nil {
		s.Set(name, int64(*v))
	}
}

func isoTime(n number) string {
	return time.UnixMilli(int64(n)).UTC().Format("2006-01-02T15:04:05.000Z")
}

func setTime(s *trace.Span, name string, v *number) {
	if v != nil {
		s.Set(name, isoTime(*v))
	}
}

// describe says in a span what is asked for; size is that of the value, -1 for none.
func (r *request) describe(s *trace.Span, size int64) {
	if !s.Traced() {
		return
	}
	const p = "cloudflare.r2.request."
	if r.Method == "delete" {
		if r.Object != nil {
			s.Set(p+"keys", *r.Object)
		} else {
			s.Set(p+"keys", strings.Join(*r.Objects, ", "))
		}
	}
	if r.PartNumber != 0 {
		s.Set(p+"part_number", int64(r.PartNumber))
	}
	if r.Parts != nil {
		numbers := make([]string, len(*r.Parts))
		for i, x := range *r.Parts {
			numbers[i] = strconv.Itoa(int(x.Part))
		}
		s.Set(p+"uploaded_parts", strings.Join(numbers, ", "))
	}
	if c := r.OnlyIf; c != nil {
		setTags(s, p+"only_if.etag_matches", c.Matches)
		setTags(s, p+"only_if.etag_does_not_match", c.DoesNotMatch)
		setTime(s, p+"only_if.uploaded_before", c.UploadedBefore)
		setTime(s, p+"only_if.uploaded_after", c.UploadedAfter)
	}
	if x := r.Range; x != nil {
		setNumber(s, p+"range.offset", x.Offset)
		setNumber(s, p+"range.length", x.Length)
		setNumber(s, p+"range.suffix", x.Suffix)
	}
	setText(s, p+"range", r.RangeHeader)
	if r.CustomFields != nil {
		s.Set(p+"custom_metadata", true)
	}
	if m := r.HTTPFields; m != nil {
		setText(s, p+"http_metadata.content_type", m.ContentType)
		setText(s, p+"http_metadata.content_encoding", m.ContentEncoding)
		setText(s, p+"http_metadata.content_disposition", m.ContentDisposition)
		setText(s, p+"http_metadata.content_language", m.ContentLanguage)
		setText(s, p+"http_metadata.cache_control", m.CacheControl)
		setNumber(s, p+"http_metadata.cache_expiry", m.CacheExpiry)
	}
	for _, h := range []struct {
		name string
		sum  []byte
	}{{"md5", r.MD5}, {"sha1", r.SHA1}, {"sha256", r.SHA256}, {"sha384", r.SHA384}, {"sha512", r.SHA512}} {
		if h.sum != nil {
			s.Set(p+"checksum.type", h.name)
			s.Set(p+"checksum.value", hex.EncodeToString(h.sum))
		}
	}
	setText(s, p+"storage_class", r.StorageClass)
	if r.SSEC != nil {
		s.Set(p+"ssec_key", true)
	}
	if size >= 0 {
		s.Set(p+"size", size)
	}
	if r.Limit != nil {
		s.Set(p+"limit", int64(*r.Limit))
	}
	setText(s, p+"prefix", r.Prefix)
	setText(s, p+"cursor", r.Cursor)
	setText(s, p+"delimiter", r.Delimiter)
	setText(s, p+"start_after", r.StartAfter)
}

func setTags(s *trace.Span, name string, tags *[]etag) {
	if tags == nil {
		return
	}
	list := make([]string, len(*tags))
	for i, t := range *tags {
		list[i] = "*"
		if t.Value != nil {
			list[i] = *t.Value
		}
	}
	s.Set(name, strings.Join(list, ", "))
}

// describe says in a span how it went.
func (a *answer) describe(s *trace.Span) {
	s.Set("cloudflare.r2.response.success", a.status >= 200 && a.status < 400)
	if a.failed != nil {
		s.Set("error.type", a.failed.Message)
		s.Set("cloudflare.r2.error.message", a.failed.Message)
		s.Set("cloudflare.r2.error.code", int64(a.failed.V4Code))
	}
}

// describe says in a span what an object is.
func (h *head) describe(s *trace.Span) {
	if !s.Traced() {
		return
	}
	const p = "cloudflare.r2.response."
	s.Set(p+"etag", h.ETag)
	s.Set(p+"size", float64(h.Size))
	s.Set(p+"uploaded", isoTime(h.Uploaded))
	if h.Checksums != nil {
		for _, c := range h.Checksums.list() {
			if c.sum != nil {
				s.Set(p+"checksum."+c.name, hex.EncodeToString(c.sum))
			}
		}
	}
	s.Set(p+"storage_class", h.StorageClass)
	if h.SSEC != nil {
		s.Set(p+"ssec_key", true)
	}
	if m := h.HTTPFields; m != nil {
		setText(s, p+"content_type", m.ContentType)
		setText(s, p+"content_encoding", m.ContentEncoding)
		setText(s, p+"content_disposition", m.ContentDisposition)
		setText(s, p+"content_language", m.ContentLanguage)
		setText(s, p+"cache_control", m.CacheControl)
		setTime(s, p+"cache_expiry", m.CacheExpiry)
	}
	s.Set(p+"custom_metadata", true)
}
