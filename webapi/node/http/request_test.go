package http

import (
	"strings"
	"testing"
)

func TestRequestsAreParsed(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", `head 1.1 GET "/" ["Host" "a"] true; end []`},
		{"\r\n\nM-SEARCH  * HTTP/1.0\r\n\r\n", `head 1.0 M-SEARCH "*" [] false; end []`},
		{"POST http://u@h:1/p?q=?#f? HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET /2 HTTP/1.1\r\n\r\n", `head 1.1 POST "http://u@h:1/p?q=?#f?" ["Content-Length" "3"] true; abc; end []; head 1.1 GET "/2" [] true; end []`},
		{"PUT /a HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nab\r\n0\r\nT: u\r\n\r\n", `head 1.1 PUT "/a" ["Transfer-Encoding" "gzip, chunked"] true; ab; end ["T" "u"]`},
		{"GET /old\r\n\r\n", `head 0.9 GET "/old" [] false; end []`},
		{"SOURCE /s ICE/1.0\r\n\r\n", `head 1.0 SOURCE "/s" [] false; end []`},
		{"PLAY /s RTSP/1.0\r\nConnection: keep-alive\r\n\r\n", `head 1.0 PLAY "/s" ["Connection" "keep-alive"] true; end []`},
		{"PLAY /s HTTP/1.1\r\n\r\n", "HPE_INVALID_CONSTANT Invalid method for HTTP/x.x request"},
		{"GET / HTTP/1.1\r\nConnection: x, Upgrade\r\nUpgrade: own\r\n\r\nrest", `upgraded 1.1 GET "/" ["Connection" "x, Upgrade" "Upgrade" "own"] true`},
		{"CONNECT h:1 HTTP/1.1\r\n\r\nrest", `upgraded 1.1 CONNECT "h:1" [] true`},
		{"GET / HTTP/1.1\r\nConnection: close\r\n\r\nGET", `head 1.1 GET "/" ["Connection" "close"] false; end []; HPE_CLOSED_CONNECTION Data after ` + "`Connection: close`"},
		{"GETT / HTTP/1.1\r\n", "HPE_INVALID_METHOD Expected space after method"},
		{"GEX", "HPE_INVALID_METHOD Invalid method encountered"},
		{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HPE_PAUSED_H2_UPGRADE Pause on PRI/Upgrade"},
		{"GET 1 HTTP/1.1\r\n", "HPE_INVALID_URL Unexpected start char in url"},
		{"GET h: HTTP/1.1\r\n", "HPE_INVALID_URL Invalid characters in url"},
		{"GET h:// HTTP/1.1\r\n\r\n", `head 1.1 GET "h://" [] true; end []`},
		{"GET h://a\"b HTTP/1.1\r\n", "HPE_INVALID_URL Unexpected char in url server"},
		{"GET /?\x80 HTTP/1.1\r\n", "HPE_INVALID_URL Invalid char in url query"},
		{"GET /#\x01 HTTP/1.1\r\n", "HPE_INVALID_URL Invalid char in url fragment"},
		{"GET / FTP/1.1\r\n", "HPE_INVALID_CONSTANT Expected HTTP/, RTSP/ or ICE/"},
		{"GET / HTTP/1.1\n", "HPE_INVALID_VERSION Expected CRLF after version"},
		{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked, gzip\r\n", "HPE_INVALID_TRANSFER_ENCODING Invalid `Transfer-Encoding` header value"},
		{"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", `head 1.1 POST "/" ["Transfer-Encoding" "gzip"] true; HPE_INVALID_TRANSFER_ENCODING Request has invalid ` + "`Transfer-Encoding`"},
		{"GET / HTTP/1.1\r\nA", "HPE_INVALID_EOF_STATE Invalid EOF state"},
		{"", ""},
	} {
		if got := said(newRequests(1000, false), c.text); got != c.want {
			t.Errorf("%q:\n got %s\nwant %s", c.text, got, c.want)
		}
		if got := said(newRequests(1000, false), strings.Split(c.text, "")...); got != c.want {
			t.Errorf("%q in single bytes:\n got %s\nwant %s", c.text, got, c.want)
		}
	}
}

// TestRequestsThatStay is an upgrade that nobody takes: it is a request like others.
func TestRequestsThatStay(t *testing.T) {
	r := newRequests(1000, false)
	text := "POST / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: own\r\nContent-Length: 2\r\n\r\nabGET /2 HTTP/1.1\r\n\r\n"
	parts := r.Feed([]byte(text))
	if len(parts) != 2 || parts[0].kind != upgraded || parts[1].kind != rest {
		t.Fatal(parts)
	}
	if got := r.Ordinary(); len(got) != 0 {
		t.Fatal(got)
	}
	if got, want := said(r, text[parts[1].from:]), `ab; end []; head 1.1 GET "/2" [] true; end []`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := r.Ordinary(); got != nil {
		t.Error(got)
	}
}

func TestLenientRequests(t *testing.T) {
	for text, want := range map[string]string{
		"GET / HTTP/1.1\r\nA: b\x01c\r\n\r\n":                                                 `head 1.1 GET "/" ["A" "b\x01c"] true; end []`,
		"GET / HTTP/1.1\r\nA: b\x00c\r\n\r\n":                                                 "HPE_INVALID_HEADER_TOKEN Invalid header value char",
		"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n": `head 1.1 POST "/" ["Content-Length" "1" "Transfer-Encoding" "chunked"] true; end []`,
	} {
		if got := said(newRequests(1000, true), text); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func TestHeadsOfRequestsAreBounded(t *testing.T) {
	long := strings.Repeat("x", 200)
	for _, text := range []string{"GET /" + long, "GET h://" + long, "GET / HTTP/1.1\r\n" + long, "GET / HTTP/1.1\r\nA: " + long, "GET / HTTP/1.1\r\n" + strings.Repeat("A: b\r\n", 100)} {
		for _, pieces := range [][]string{{text}, strings.Split(text, "")} {
			r := newRequests(100, false)
			if got := said(r, pieces...); !strings.HasSuffix(got, "HPE_HEADER_OVERFLOW Header overflow") {
				t.Errorf("%.60q: %s", text, got)
			}
			if len(r.text) > 0 {
				t.Errorf("%.60q: %d bytes are kept", text, len(r.text))
			}
		}
	}
}
