package fetch

import (
	"bytes"
	"encoding/hex"
	"mime"
	"net/textproto"
	"slices"
	"strings"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/internal/limits"
	"workerd.local/isolate"
	"workerd.local/webapi/blob"
	"workerd.local/webapi/encoding"
	"workerd.local/webapi/url"
)

// FormData is a list of names with texts or files.
type FormData struct{ entries []formEntry }

type formEntry struct {
	name string
	text string
	file *blob.File // nil for a text
	obj  *goja.Object
}

// AppendText adds a text.
func (f *FormData) AppendText(name, text string) {
	f.entries = append(f.entries, formEntry{name: name, text: text})
}

// Len is the number of entries.
func (f *FormData) Len() int { return len(f.entries) }

func (f *FormData) delete(name string) {
	f.entries = slices.DeleteFunc(f.entries, func(e formEntry) bool { return e.name == name })
}

// set replaces the first entry of the name and removes the others.
func (f *FormData) set(e formEntry) {
	i := slices.IndexFunc(f.entries, func(x formEntry) bool { return x.name == e.name })
	if i < 0 {
		f.entries = append(f.entries, e)
		return
	}
	rest := slices.DeleteFunc(slices.Clone(f.entries[i+1:]), func(x formEntry) bool { return x.name == e.name })
	f.entries = append(append(f.entries[:i:i], e), rest...)
}

// boundary is a new boundary for multipart bodies.
func boundary(js *isolate.JS) string {
	var b [16]byte
	js.Host().Random(b[:])
	return "----formdata-" + hex.EncodeToString(b[:])
}

// check refuses names that a receiver might take for the beginning of an escape.
func (f *FormData) check() error {
	for _, e := range f.entries {
		if strings.HasSuffix(e.name, `\`) || e.file != nil && strings.HasSuffix(e.file.Name(), `\`) {
			return exception.TypeErrorf("Name or filename can't end with backslash")
		}
	}
	return nil
}

var nameEscapes = strings.NewReplacer("\r\n", "%0D%0A", "\r", "%0D%0A", "\n", "%0D%0A", `"`, "%22")

// Encode is the data as multipart/form-data, and the Content-Type that goes with
// it (HTML, "multipart/form-data encoding algorithm").
func (f *FormData) Encode(boundary string) (data []byte, contentType string) {
	var buf bytes.Buffer
	for _, e := range f.entries {
		buf.WriteString("--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + nameEscapes.Replace(e.name) + "\"")
		if e.file == nil {
			buf.WriteString("\r\n\r\n" + e.text + "\r\n")
			continue
		}
		typ := e.file.Type()
		if typ == "" {
			typ = "application/octet-stream"
		}
		buf.WriteString("; filename=\"" + nameEscapes.Replace(e.file.Name()) + "\"\r\nContent-Type: " + typ + "\r\n\r\n")
		buf.Write(e.file.Bytes())
		buf.WriteString("\r\n")
	}
	buf.WriteString("--" + boundary + "--\r\n")
	return buf.Bytes(), "multipart/form-data; boundary=" + boundary
}

// formParser picks the parser for a Content-Type.
func formParser(contentType string) (func(js *isolate.JS, data []byte) (*FormData, error), error) {
	typ, _ := parseMIME(contentType)
	switch typ.essence {
	case "multipart/form-data":
		b, _ := typ.param("boundary")
		if b == "" {
			return nil, exception.TypeErrorf("No boundary string in Content-Type header. The multipart/form-data MIME type requires a boundary parameter, e.g. 'Content-Type: multipart/form-data; boundary=\"abcd\"'. See RFC 7578, section 4.")
		}
		return func(js *isolate.JS, data []byte) (*FormData, error) {
			f, err := ParseMultipart(data, b, js.Host().Now().UnixMilli(), js.Bounds())
			if flags := js.Compat(); err == nil && flags != nil && !flags.Has("formdata_parser_supports_files") {
				f.filesToTexts()
			}
			return f, err
		}, nil
	case "application/x-www-form-urlencoded":
		if charset, ok := typ.param("charset"); ok && !strings.EqualFold(charset, "utf-8") && !strings.EqualFold(charset, "utf8") {
			return nil, exception.TypeErrorf("Unsupported charset %q: a form can only be UTF-8.", charset)
		}
		return func(_ *isolate.JS, data []byte) (*FormData, error) {
			f := &FormData{}
			for _, p := range url.ParseForm(string(data)) {
				f.AppendText(p.Name, p.Value)
			}
			return f, nil
		}, nil
	}
	return nil, exception.TypeErrorf("Unrecognized Content-Type header value. FormData can only parse the following MIME types: multipart/form-data, application/x-www-form-urlencoded")
}

// filesToTexts is what became of files before the flag formdata_parser_supports_files.
func (f *FormData) filesToTexts() {
	for i, e := range f.entries {
		if e.file != nil {
			f.entries[i] = formEntry{name: e.name, text: encoding.DecodeUTF8(string(e.file.Bytes()))}
		}
	}
}

// ParseMultipart parses a multipart/form-data body (RFC 7578). Files share data's
// memory. now is their time, in milliseconds since 1970;
// bounds, which may be nil, is against bodies that are nothing but parts or headers.
func ParseMultipart(data []byte, boundary string, now int64, bounds *limits.Set) (*FormData, error) {
	f, maxParts, maxPartHeaders := &FormData{}, limits.FormParts.In(bounds), limits.FormHeaders.In(bounds)
	delim := []byte("--" + boundary)
	rest, ok := afterDelimiter(data, delim)
	if !ok {
		return nil, exception.TypeErrorf("No initial boundary string (or you have a truncated message).")
	}
	for !bytes.HasPrefix(rest, []byte("--")) {
		if f.Len() == maxParts {
			return nil, exception.TypeErrorf("The FormData message has more than %d parts.", maxParts)
		}
		rest = bytes.TrimPrefix(bytes.TrimLeft(rest, " \t"), []byte("\r"))
		if rest, ok = bytes.CutPrefix(rest, []byte("\n")); !ok {
			return nil, exception.TypeErrorf("No line break after the boundary string of a FormData part.")
		}
		e, body, err := partHeaders(rest, now, maxPartHeaders)
		if err != nil {
			return nil, err
		}
		end := bytes.Index(body, append([]byte("\r\n"), delim...))
		skip := 2
		if lf := bytes.Index(body, append([]byte("\n"), delim...)); end < 0 || lf >= 0 && lf < end {
			end, skip = lf, 1
		}
		if end < 0 {
			return nil, exception.TypeErrorf("No subsequent boundary string after multipart message.")
		}
		content := body[:end]
		if e.file != nil {
			e.file = blob.NewFile(blob.New(content, e.file.Type()), e.file.Name(), now)
		} else {
			e.text = encoding.DecodeUTF8(string(content))
		}
		f.entries = append(f.entries, e)
		rest = body[end+skip+len(delim):]
	}
	return f, nil
}

// afterDelimiter skips what comes before the first delimiter at the beginning of
// a line, and the delimiter.
func afterDelimiter(data, delim []byte) ([]byte, bool) {
	if bytes.HasPrefix(data, delim) {
		return data[len(delim):], true
	}
	i := bytes.Index(data, append([]byte("\n"), delim...))
	if i < 0 {
		return nil, false
	}
	return data[i+1+len(delim):], true
}

var errDisposition = exception.TypeErrorf("No valid Content-Disposition header found in FormData part.")

// partHeaders reads the headers of a part, of at most maxPartHeaders bytes, up to the
// empty line.
func partHeaders(data []byte, now int64, maxPartHeaders int) (e formEntry, body []byte, err error) {
	var disposition, typ string
	for read := 0; ; {
		line, rest, ok := bytes.Cut(data, []byte("\n"))
		if read += len(line) + 1; read > maxPartHeaders {
			return e, nil, exception.TypeErrorf("The headers of a FormData part are longer than %d bytes.", maxPartHeaders)
		}
		if !ok {
			return e, nil, exception.TypeErrorf("No subsequent boundary string after multipart message.")
		}
		data = rest
		line = bytes.TrimSuffix(line, []byte("\r"))
		if len(line) == 0 {
			break
		}
		name, value, ok := strings.Cut(string(line), ":")
		if !ok {
			return e, nil, errDisposition
		}
		switch textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(name)) {
		case "Content-Disposition":
			disposition = strings.TrimSpace(value)
		case "Content-Type":
			typ = strings.TrimSpace(value)
		}
	}
	kind, params, err := mime.ParseMediaType(disposition)
	switch {
	case disposition == "":
		return e, nil, errDisposition
	case err != nil:
		return e, nil, exception.TypeErrorf("Invalid Content-Disposition header found in FormData part.")
	case kind != "form-data":
		return e, nil, exception.TypeErrorf("Content-Disposition header for FormData part must have the value \"form-data\", possibly followed by parameters. Got: %q", kind)
	}
	name, ok := params["name"]
	if !ok {
		return e, nil, exception.TypeErrorf("Content-Disposition header in FormData part is missing a name.")
	}
	e.name = encoding.DecodeUTF8(name)
	if filename, ok := params["filename"]; ok {
		if typ == "" {
			typ = "application/octet-stream"
		}
		e.file = blob.NewFile(blob.New(nil, typ), encoding.DecodeUTF8(filename), now)
	}
	return e, data, nil
}
