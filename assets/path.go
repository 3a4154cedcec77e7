package assets

import (
	"io/fs"
	"net/url"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

func join(dir, name string) string { return filepath.Join(dir, name) }

// pathOf is the path of a URL as scripts see it: escaped, and without dots.
func pathOf(u *url.URL) string {
	escaped := u.EscapedPath()
	if !strings.Contains(escaped, "/.") && !strings.Contains(escaped, "/%2") && !strings.Contains(escaped, `\`) && strings.HasPrefix(escaped, "/") {
		return escaped
	}
	parts := strings.Split(strings.ReplaceAll(strings.TrimPrefix(escaped, "/"), `\`, "/"), "/")
	kept := parts[:0]
	for i, part := range parts {
		last := i == len(parts)-1
		switch strings.ToLower(strings.ReplaceAll(strings.ReplaceAll(part, "%2e", "."), "%2E", ".")) {
		case ".":
			if last {
				kept = append(kept, "")
			}
		case "..":
			kept = kept[:max(0, len(kept)-1)]
			if last {
				kept = append(kept, "")
			}
		default:
			kept = append(kept, part)
		}
	}
	return "/" + strings.Join(kept, "/")
}

// decodePath decodes what is between the slashes of an escaped path, and drops slashes that follow others. A part that is not
// UTF-8 stays as it is.
func decodePath(path string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if d, err := url.PathUnescape(part); err == nil && utf8.ValidString(d) {
			parts[i] = d
		}
	}
	var b strings.Builder
	slash := false
	for _, c := range []byte(strings.Join(parts, "/")) {
		if c == '/' && slash {
			continue
		}
		slash = c == '/'
		b.WriteByte(c)
	}
	return b.String()
}

// encodePath is the one spelling of a decoded path: every part as encodeURIComponent writes it.
func encodePath(path string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for _, c := range []byte(path) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("/-_.!~*'()", c) >= 0:
			b.WriteByte(c)
		default:
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		}
	}
	return b.String()
}

// diskName is a decoded path as a name within the directory; "" where it cannot be one.
func diskName(path string) string {
	name, ok := strings.CutPrefix(path, "/")
	if !ok || !fs.ValidPath(name) || name == "." || strings.ContainsAny(name, "\\\x00") {
		return ""
	}
	return name
}
