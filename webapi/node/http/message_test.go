package http

import (
	"fmt"
	"strings"
	"testing"
)

// said is what the parts of a response say, with the bytes of bodies joined.
func said(r *message, pieces ...string) string {
	var out []string
	var bytes strings.Builder
	add := func(parts []part, piece string) {
		for _, p := range parts {
			if p.kind == body {
				bytes.WriteString(piece[p.from:p.to])
				continue
			}
			if bytes.Len() > 0 {
				out = append(out, bytes.String())
				bytes.Reset()
			}
			switch p.kind {
			case head, interim, upgraded:
				if r.requests {
					out = append(out, fmt.Sprintf("%s %d.%d %s %q %q %t", [...]string{"head", "interim", "upgraded"}[p.kind], p.major, p.minor, p.method, p.url, p.fields, p.keeps))
					continue
				}
				out = append(out, fmt.Sprintf("%s %d.%d %d %s %q %t", [...]string{"head", "interim", "upgraded"}[p.kind], p.major, p.minor, p.status, p.reason, p.fields, p.keeps))
			case end:
				out = append(out, fmt.Sprintf("end %q", p.fields))
			case fault:
				out = append(out, p.code+" "+p.text)
			}
		}
	}
	for _, piece := range pieces {
		add(r.Feed([]byte(piece)), piece)
	}
	add(r.Finish(), "")
	if bytes.Len() > 0 {
		out = append(out, bytes.String())
	}
	return strings.Join(out, "; ")
}

func TestResponsesAreParsed(t *testing.T) {
	for _, c := range []struct{ method, text, want string }{
		{"GET", "HTTP/1.1 200 Fine\r\nA: b \r\ncontent-length: 3\r\n\r\nabc", `head 1.1 200 Fine ["A" "b" "content-length" "3"] true; abc; end []`},
		{"GET", "HTTP/1.0 200 Fine\r\n\r\nabc", `head 1.0 200 Fine [] false; abc; end []`},
		{"GET", "HTTP/1.1 200 \r\nTransfer-Encoding: x, Chunked\r\n\r\n3;a=\"\\\"\";b\r\nabc\r\n0A\r\n0123456789\r\n0\r\nT: \xe9\r\n\r\n",
			`head 1.1 200  ["Transfer-Encoding" "x, Chunked"] true; abc0123456789; end ["T" "é"]`},
		{"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", `head 1.1 200 OK ["Content-Length" "3"] true; end []`},
		{"GET", "HTTP/1.1 204 No\r\nConnection: close\r\n\r\nx", `head 1.1 204 No ["Connection" "close"] false; end []; HPE_CLOSED_CONNECTION Data after ` + "`Connection: close`"},
		{"GET", "HTTP/1.1 103 Early\r\nA: b\r\n\r\nHTTP/1.1 304 Same\r\n\r\n", `interim 1.1 103 Early ["A" "b"] true; head 1.1 304 Same [] true; end []`},
		{"GET", "HTTP/1.1 101 Over\r\nConnection: a, Upgrade\r\nUpgrade: x\r\n\r\nHTTP/x", `upgraded 1.1 101 Over ["Connection" "a, Upgrade" "Upgrade" "x"] true`},
		{"CONNECT", "HTTP/1.1 503 No\r\nContent-Length: 1\r\n\r\nx", `upgraded 1.1 503 No ["Content-Length" "1"] true`},
		{"GET", "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\nab", `head 1.1 200 OK ["Content-Length" "18446744073709551615"] true; ab`},
		{"GET", "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\n", "HPE_INVALID_CONTENT_LENGTH Content-Length overflow"},
		{"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000000\r\n", `head 1.1 200 OK ["Transfer-Encoding" "chunked"] true; HPE_INVALID_CHUNK_SIZE Chunk size overflow`},
		{"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab", `head 1.1 200 OK ["Transfer-Encoding" "chunked"] true; a; HPE_STRICT Expected LF after chunk data`},
		{"GET", "HTTP/1.1 200 OK\r\nA: \x7f\r\n\r\n", "HPE_INVALID_HEADER_TOKEN Invalid header value char"},
		{"GET", "HTTP/1.1 200 OK\r\nA\r\n\r\n", "HPE_INVALID_HEADER_TOKEN Invalid header token"},
		{"GET", "SSH-2.0\r\n", "HPE_INVALID_CONSTANT Expected HTTP/, RTSP/ or ICE/"},
		{"GET", "", ""},
	} {
		if got := said(newResponse(c.method, 1000), c.text); got != c.want {
			t.Errorf("%s %q:\n got %s\nwant %s", c.method, c.text, got, c.want)
		}
		if got := said(newResponse(c.method, 1000), strings.Split(c.text, "")...); got != c.want {
			t.Errorf("%s %q in single bytes:\n got %s\nwant %s", c.method, c.text, got, c.want)
		}
	}
}

func TestHeadsOfResponsesAreBounded(t *testing.T) {
	long := strings.Repeat("x", 200)
	for _, text := range []string{
		"HTTP/1.1 200 " + long, "HTTP/1.1 200 OK\r\n" + long, "HTTP/1.1 200 OK\r\nA: " + long, "HTTP/1.1 200 OK\r\n" + strings.Repeat("A: b\r\n", 100),
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: " + long,
	} {
		for _, pieces := range [][]string{{text}, strings.Split(text, "")} {
			r := newResponse("GET", 100)
			if got := said(r, pieces...); !strings.HasSuffix(got, "HPE_HEADER_OVERFLOW Header overflow") {
				t.Errorf("%.60q: %s", text, got)
			}
			if len(r.text) > 0 {
				t.Errorf("%.60q: %d bytes are kept", text, len(r.text))
			}
		}
	}
	text := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" + strings.Repeat("x", 2*mostExtensions)
	for _, pieces := range [][]string{{text}, strings.Split(text, "")} {
		if got := said(newResponse("GET", 100), pieces...); !strings.HasSuffix(got, "HPE_CHUNK_EXTENSIONS_OVERFLOW Chunk extensions overflow") {
			t.Error(got)
		}
	}
}
