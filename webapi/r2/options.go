package r2

import (
	"encoding/hex"
	"math"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/fetch"
)

// Readers of options. Each is a target of bind's Options.
type reader = func(f *bind.Call, v goja.Value) error

// text reads a string, and converts nothing.
func text(to **string) reader {
	return func(f *bind.Call, v goja.Value) error {
		s, ok := v.(goja.String)
		if !ok {
			return f.BadArg(1, "string")
		}
		t := s.String()
		*to = &t
		return nil
	}
}

// headersOr reads a Headers object, or a dictionary.
func headersOr(dictionary string, headers func(h *fetch.Headers) error, other func(f *bind.Call, obj *goja.Object) error, f *bind.Call, v goja.Value) error {
	obj, ok := v.(*goja.Object)
	if !ok {
		return f.BadArg(1, dictionary+" or Headers")
	}
	if h, ok := fetch.HeadersClass.Unwrap(f.JS(), obj); ok {
		return headers(h)
	}
	return other(f, obj)
}

func headerOf(h *fetch.Headers, name string, to **string) error {
	v, err := h.Get(name)
	*to = v
	return err
}

// dateOf is a header that is a date; one that cannot be read is the beginning of 1970.
func dateOf(f *bind.Call, h *fetch.Headers, name string, to **number) error {
	var v *string
	if err := headerOf(h, name, &v); err != nil || v == nil {
		return err
	}
	ms, _ := bind.ParseDate(f.JS(), *v)
	n := number(ms)
	*to = &n
	return nil
}

func milliseconds(to **number) reader {
	return func(f *bind.Call, v goja.Value) error {
		ms, err := f.Date(1, v)
		if err != nil {
			return err
		}
		n := number(ms)
		*to = &n
		return nil
	}
}

func readOnlyIf(r *request) reader {
	return func(f *bind.Call, v goja.Value) error {
		c := &conditional{}
		r.OnlyIf = c
		return headersOr("Conditional", func(h *fetch.Headers) error { return c.fromHeaders(f, h) }, func(f *bind.Call, obj *goja.Object) error {
			var matches, not *string
			err := f.Dictionary(obj, "Conditional", "etagDoesNotMatch", text(&not), "etagMatches", text(&matches),
				"secondsGranularity", &c.SecondsGranularity, "uploadedAfter", milliseconds(&c.UploadedAfter), "uploadedBefore", milliseconds(&c.UploadedBefore))
			if err == nil && matches != nil {
				c.Matches, err = oneETag(*matches)
			}
			if err == nil && not != nil {
				c.DoesNotMatch, err = oneETag(*not)
			}
			c.SecondsGranularity = c.SecondsGranularity && (c.UploadedAfter != nil || c.UploadedBefore != nil)
			return err
		}, f, v)
	}
}

func (c *conditional) fromHeaders(f *bind.Call, h *fetch.Headers) error {
	for _, m := range []struct {
		name string
		to   **[]etag
	}{{"if-match", &c.Matches}, {"if-none-match", &c.DoesNotMatch}} {
		var v *string
		if err := headerOf(h, m.name, &v); err != nil {
			return err
		}
		if v == nil {
			continue
		}
		tags, err := parseETags(*v)
		if err != nil {
			return err
		}
		if len(tags) == 0 {
			return exception.Errorf("Invalid ETag in %s header", m.name)
		}
		*m.to = &tags
	}
	if err := dateOf(f, h, "if-modified-since", &c.UploadedAfter); err != nil {
		return err
	}
	err := dateOf(f, h, "if-unmodified-since", &c.UploadedBefore)
	c.SecondsGranularity = c.UploadedAfter != nil || c.UploadedBefore != nil
	return err
}

func readRange(r *request) reader {
	return func(f *bind.Call, v goja.Value) error {
		return headersOr("Range", func(h *fetch.Headers) error { return headerOf(h, "range", &r.RangeHeader) }, func(f *bind.Call, obj *goja.Object) error {
			vals := map[string]*float64{}
			take := func(name string) reader {
				return func(f *bind.Call, v goja.Value) (err error) {
					var x float64
					err = f.JS().Try(func() { x = v.ToNumber().ToFloat() })
					vals[name] = &x
					return err
				}
			}
			if err := f.Dictionary(obj, "Range", "length", take("length"), "offset", take("offset"), "suffix", take("suffix")); err != nil {
				return err
			}
			r.Range = &byteRange{}
			for _, m := range []struct {
				name, negative, fraction string
				to                       **number
			}{
				{"offset", "Invalid range. Starting offset", "Invalid range. Starting offset", &r.Range.Offset},
				{"length", "Invalid range. Length", "Invalid range. Length", &r.Range.Length},
				{"suffix", "Invalid suffix. Suffix", "Invalid range. Suffix", &r.Range.Suffix},
			} {
				x := vals[m.name]
				if x == nil {
					continue
				}
				if m.name == "suffix" {
					for _, other := range []string{"offset", "length"} {
						if vals[other] != nil {
							return exception.TypeErrorf("Suffix is incompatible with %s.", other)
						}
					}
				}
				shown := bind.Double(*x)
				if !(*x >= 0) {
					return exception.RangeErrorf("%s (%s) must be greater than or equal to 0.", m.negative, shown)
				}
				if *x != math.Trunc(*x) || math.IsInf(*x, 0) {
					return exception.RangeErrorf("%s (%s) must be an integer, not floating point.", m.fraction, shown)
				}
				n := number(min(*x, 1<<63))
				*m.to = &n
			}
			return nil
		}, f, v)
	}
}

func readSSEC(r *request) reader {
	return func(f *bind.Call, v goja.Value) error {
		if b, ok := bind.Bytes(f.JS(), v); ok {
			if len(b) != 32 {
				return errKeyLength
			}
			r.SSEC = &ssecOptions{hex.EncodeToString(b)}
			return nil
		}
		s, err := f.String(1, v)
		if err != nil {
			return err
		}
		for i := range len(s) {
			if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
				return errKeyFormat
			}
		}
		switch {
		case s == "":
			return errKeyFormat
		case len(s) != 64:
			return errKeyLength
		}
		r.SSEC = &ssecOptions{s}
		return nil
	}
}

var (
	errKeyFormat = exception.Errorf("SSE-C Key has invalid format")
	errKeyLength = exception.Errorf("SSE-C Key must be 32 bytes in length")
)

func readHTTPMetadata(r *request) reader {
	return func(f *bind.Call, v goja.Value) error {
		m := &httpFields{}
		r.HTTPFields = m
		if goja.IsNull(v) {
			return nil
		}
		return headersOr("HttpMetadata", func(h *fetch.Headers) error {
			for _, x := range m.fields() {
				if err := headerOf(h, x.header, x.value); err != nil {
					return err
				}
			}
			return dateOf(f, h, "expires", &m.CacheExpiry)
		}, func(f *bind.Call, obj *goja.Object) error {
			return f.Dictionary(obj, "HttpMetadata", "cacheControl", &m.CacheControl, "cacheExpiry", milliseconds(&m.CacheExpiry), "contentDisposition", &m.ContentDisposition,
				"contentEncoding", &m.ContentEncoding, "contentLanguage", &m.ContentLanguage, "contentType", &m.ContentType)
		}, f, v)
	}
}

// httpField is a text of the metadata: its property, its header, and its value.
type httpField struct {
	name, header string
	value        **string
}

func (m *httpFields) fields() []httpField {
	return []httpField{
		{"contentType", "content-type", &m.ContentType},
		{"contentLanguage", "content-language", &m.ContentLanguage},
		{"contentDisposition", "content-disposition", &m.ContentDisposition},
		{"contentEncoding", "content-encoding", &m.ContentEncoding},
		{"cacheControl", "cache-control", &m.CacheControl},
	}
}

func readCustomMetadata(r *request) reader {
	return func(f *bind.Call, v goja.Value) error {
		obj, ok := v.(*goja.Object)
		if !ok || obj.ClassName() == "Array" {
			return f.BadArg(1, "object")
		}
		fields := each[field]{}
		var bad error
		err := f.JS().Try(func() {
			for _, k := range obj.Keys() {
				var s string
				if s, bad = f.String(1, obj.Get(k)); bad != nil {
					return
				}
				fields = append(fields, field{k, s})
			}
		})
		if err == nil {
			err = bad
		}
		r.CustomFields = &fields
		return err
	}
}

// readHash reads a checksum of a number of bytes.
func readHash(name string, size int, to *[]byte, r *request) reader {
	return func(f *bind.Call, v goja.Value) error {
		for _, h := range [][]byte{r.MD5, r.SHA1, r.SHA256, r.SHA384, r.SHA512} {
			if h != nil {
				return exception.TypeErrorf("You cannot specify multiple hashing algorithms.")
			}
		}
		if b, ok := bind.Bytes(f.JS(), v); ok {
			if len(b) != size {
				return exception.TypeErrorf("%s is %d bytes, not %d", name, size, len(b))
			}
			*to = append([]byte{}, b...)
			return nil
		}
		s, ok := v.(goja.String)
		if !ok {
			return f.BadArg(1, "BufferSource or string")
		}
		if n := len(s.String()); n != 2*size {
			return exception.TypeErrorf("%s is %d hex characters, not %d", name, 2*size, n)
		}
		b, err := hex.DecodeString(s.String())
		if err != nil {
			return exception.TypeErrorf("Provided %s wasn't a valid hex string", name)
		}
		*to = b
		return nil
	}
}

// putOptions reads the options of put().
func putOptions(c *bind.Call, r *request) error {
	return c.Options(3, "PutOptions", "customMetadata", readCustomMetadata(r), "httpMetadata", readHTTPMetadata(r),
		"md5", readHash("MD5", 16, (*[]byte)(&r.MD5), r), "onlyIf", readOnlyIf(r), "sha1", readHash("SHA-1", 20, (*[]byte)(&r.SHA1), r),
		"sha256", readHash("SHA-256", 32, (*[]byte)(&r.SHA256), r), "sha384", readHash("SHA-384", 48, (*[]byte)(&r.SHA384), r),
		"sha512", readHash("SHA-512", 64, (*[]byte)(&r.SHA512), r), "ssecKey", readSSEC(r), "storageClass", &r.StorageClass)
}
