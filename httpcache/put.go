package httpcache

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
	"time"

	"workerd.local/event"
)

// store reads a response out of the body of a PUT and keeps it where its headers let.
func (s *Store) store(k key, body event.Body) (*event.Response, error) {
	r := body.Reader()
	defer r.Close()
	// Status line and headers count, too.
	in := &io.LimitedReader{R: r, N: s.entry + 1}
	e, err := readResponse(bufio.NewReader(in))
	switch {
	case in.N <= 0:
		return answer(http.StatusRequestEntityTooLarge), nil
	case errors.Is(err, errMessage):
		return answer(http.StatusBadRequest), nil
	case err != nil:
		return nil, err
	}
	ttl, ok := lifetime(e.status, e.header, s.now())
	if !ok {
		return answer(http.StatusRequestEntityTooLarge), nil
	}
	e.key, e.expires = k, s.now().Add(ttl)
	if !s.put(e) {
		return answer(http.StatusRequestEntityTooLarge), nil
	}
	return answer(http.StatusNoContent), nil
}

// errMessage is about a body that is not a whole response.
var errMessage = errors.New("the body is not an HTTP response")

// readResponse reads a message whose body is not chunked, whatever its headers say.
func readResponse(r *bufio.Reader) (*entry, error) {
	tp := textproto.NewReader(r)
	line, err := tp.ReadLine()
	if err != nil {
		return nil, err
	}
	proto, rest, _ := strings.Cut(line, " ")
	code, text, _ := strings.Cut(rest, " ")
	status, err := strconv.Atoi(code)
	if err != nil || !strings.HasPrefix(proto, "HTTP/1.") || status < 200 || status > 599 {
		return nil, errMessage
	}
	h, err := tp.ReadMIMEHeader()
	if err != nil {
		var bad textproto.ProtocolError
		if errors.As(err, &bad) {
			return nil, errMessage
		}
		return nil, err
	}
	header := http.Header(h)
	body, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	if n, err := strconv.Atoi(header.Get("Content-Length")); err == nil && n != len(body) {
		return nil, errMessage // it was cut off
	}
	header.Del("Transfer-Encoding")
	return &entry{status: status, text: text, header: header, body: body}, nil
}

// lifetime is how long a response may be kept; ok is false where it may not. h loses
// the cookies that its Cache-Control declares to be private.
func lifetime(status int, h http.Header, now time.Time) (ttl time.Duration, ok bool) {
	cc := parseCacheControl(h.Values("Cache-Control"))
	if fields, private := cc["private"]; private {
		if fields == "" {
			return 0, false
		}
		for _, name := range strings.Split(fields, ",") {
			h.Del(strings.TrimSpace(name))
		}
	}
	for _, never := range []string{"no-store", "no-cache"} {
		if _, set := cc[never]; set {
			return 0, false
		}
	}
	if len(h.Values("Set-Cookie")) > 0 {
		return 0, false
	}
	for _, name := range []string{"s-maxage", "max-age"} {
		if v, set := cc[name]; set {
			n, err := strconv.ParseInt(v, 10, 64)
			if err != nil || n <= 0 {
				return 0, false
			}
			return time.Duration(min(n, longestAge)) * time.Second, true
		}
	}
	if v := h.Get("Expires"); v != "" {
		at, err := http.ParseTime(v)
		if err != nil || !at.After(now) {
			return 0, false
		}
		return min(at.Sub(now), longestAge*time.Second), true
	}
	switch status {
	case 200, 203, 301:
		return 120 * time.Minute, true
	case 302, 303:
		return 20 * time.Minute, true
	case 404, 410:
		return 3 * time.Minute, true
	}
	return 0, false
}

// longestAge is the longest time that an entry is kept, in seconds.
const longestAge = 365 * 24 * 60 * 60

// parseCacheControl is the directives, in lower case, with their values.
func parseCacheControl(lines []string) map[string]string {
	out := map[string]string{}
	s := strings.Join(lines, ",")
	for s != "" {
		end := len(s)
		quoted := false
		for i := 0; i < len(s); i++ {
			if s[i] == '"' {
				quoted = !quoted
			}
			if s[i] == ',' && !quoted {
				end = i
				break
			}
		}
		name, value, _ := strings.Cut(s[:end], "=")
		if name = strings.ToLower(strings.TrimSpace(name)); name != "" {
			out[name] = strings.Trim(strings.TrimSpace(value), `"`)
		}
		s = s[min(end+1, len(s)):]
	}
	return out
}
