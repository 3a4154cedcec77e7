package fetch

import "strings"

// mimeType is a media type with its parameters in order (MIME Sniffing, "MIME type").
type mimeType struct {
	essence string // "type/subtype", lower case
	params  []mimeParam
}

type mimeParam struct{ name, value string }

// parseMIME reads a media type; what is wrong with a parameter leaves that one out.
func parseMIME(s string) (m mimeType, ok bool) {
	s = strings.Trim(s, "\t\n\r ")
	typ, rest, ok := strings.Cut(s, "/")
	if !ok || !isTokens(typ) {
		return m, false
	}
	sub, rest, more := strings.Cut(rest, ";")
	if sub = strings.TrimRight(sub, "\t\n\r "); !isTokens(sub) {
		return m, false
	}
	m.essence = strings.ToLower(typ + "/" + sub)
	for more {
		var p mimeParam
		if p, rest, more = cutParam(rest); isTokens(p.name) && isQuotable(p.value) && !m.has(p.name) {
			m.params = append(m.params, p)
		}
	}
	return m, true
}

// cutParam reads one parameter; it has no name where there is none.
func cutParam(s string) (p mimeParam, rest string, more bool) {
	s = strings.TrimLeft(s, "\t\n\r ")
	end := strings.IndexAny(s, ";=")
	if end < 0 || s[end] == ';' {
		_, rest, more = strings.Cut(s, ";")
		return p, rest, more
	}
	p.name = strings.ToLower(s[:end])
	if s = s[end+1:]; !strings.HasPrefix(s, `"`) {
		p.value, rest, more = strings.Cut(s, ";")
		if p.value = strings.TrimRight(p.value, "\t\n\r "); p.value == "" {
			p.name = ""
		}
		return p, rest, more
	}
	var value strings.Builder
	i := 1
	for ; i < len(s) && s[i] != '"'; i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		value.WriteByte(s[i])
	}
	p.value = value.String()
	_, rest, more = strings.Cut(s[min(i, len(s)):], ";")
	return p, rest, more
}

func (m mimeType) has(name string) bool {
	_, ok := m.param(name)
	return ok
}

func (m mimeType) param(name string) (string, bool) {
	for _, p := range m.params {
		if p.name == name {
			return p.value, true
		}
	}
	return "", false
}

// String is the type as it stands in a header.
func (m mimeType) String() string {
	s := m.essence
	for _, p := range m.params {
		v := p.value
		if !isTokens(v) {
			v = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(v) + `"`
		}
		s += ";" + p.name + "=" + v
	}
	return s
}

// extractMIME is the type that a Content-Type header means, which may be a list (Fetch,
// "extract a MIME type"): the last that is one.
func extractMIME(header string) (m mimeType, ok bool) {
	charset, essence := "", ""
	for _, part := range splitHeader(header) {
		one, good := parseMIME(part)
		if !good || one.essence == "*/*" {
			continue
		}
		m, ok = one, true
		given, has := m.param("charset")
		switch {
		case m.essence != essence:
			charset, essence = given, m.essence
		case has:
			charset = given
		case charset != "":
			m.params = append(m.params, mimeParam{"charset", charset})
		}
	}
	return m, ok
}

// splitHeader cuts a header at the commas outside of quotes.
func splitHeader(s string) (parts []string) {
	quoted, begin := false, 0
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && quoted:
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ',' && !quoted:
			parts = append(parts, s[begin:i])
			begin = i + 1
		}
	}
	return append(parts, s[begin:])
}

func isTokens(s string) bool {
	for i := 0; i < len(s); i++ {
		if !isToken(s[i]) {
			return false
		}
	}
	return s != ""
}

func isQuotable(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
