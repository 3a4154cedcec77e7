package httpserver

import (
	"bufio"
	"bytes"
	"net/http"
	"reflect"
	"strings"
	"testing"
)

const usual = "GET /room/1?x=%20 HTTP/1.1\r\nHost: a.example:80\r\nConnection: keep-alive, Upgrade\r\nPragma: no-cache\r\nCache-Control: no-cache\r\nUser-Agent: Browser/1.0 (X; Y)\r\nUpgrade: websocket\r\nOrigin: http://a\r\nSec-WebSocket-Version: 13\r\ncookie: a=\"%b\"; c=d\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"

// sameAsNetHTTP fails where the door would read a request in another way than net/http.
func sameAsNetHTTP(t *testing.T, b []byte) (taken bool) {
	t.Helper()
	got, head := usualHandshake(b)
	if got == nil {
		return false
	}
	br := bufio.NewReaderSize(bytes.NewReader(b), 1<<20)
	want, err := http.ReadRequest(br)
	if err != nil {
		t.Fatalf("%q: net/http says %v", b, err)
	}
	if left := len(b) - len(head); left != br.Buffered() {
		t.Errorf("%q: %d bytes are left, want %d", b, left, br.Buffered())
	}
	if want.ContentLength != 0 || want.TransferEncoding != nil || want.Trailer != nil {
		t.Errorf("%q: it has a body", b)
	}
	for _, x := range []struct {
		name      string
		got, want any
	}{
		{"method", got.Method, want.Method}, {"URI", got.RequestURI, want.RequestURI}, {"URL", *got.URL, *want.URL}, {"host", got.Host, want.Host},
		{"proto", got.Proto, want.Proto}, {"major", got.ProtoMajor, want.ProtoMajor}, {"minor", got.ProtoMinor, want.ProtoMinor},
		{"header", got.Header, want.Header},
	} {
		if !reflect.DeepEqual(x.got, x.want) {
			t.Errorf("%q: %s %q, want %q", b, x.name, x.got, x.want)
		}
	}
	return true
}

func TestUsualHandshakesReadAsNetHTTPReadsThem(t *testing.T) {
	change := func(old, new string) string {
		if !strings.Contains(usual, old) {
			t.Fatalf("%q is not in it", old)
		}
		return strings.Replace(usual, old, new, 1)
	}
	for _, s := range []string{
		usual,
		usual + "frames \r\n\r\n",
		change("/room/1?x=%20", "/"),
		change("/room/1?x=%20", "//b/c?d?e"),
		change("Origin: http://a", "X-A:\t b \t\r\nx-a: c\r\nX-A:"),
		change("a.example:80", "[::1]:80"),
		change("Upgrade: websocket", "uPGRADE:WebSocket"),
		change("keep-alive, Upgrade", "upgrade"),
	} {
		if !sameAsNetHTTP(t, []byte(s)) {
			t.Errorf("not taken: %q", s)
		}
	}
	for _, s := range []string{
		"", "GET / HTTP/1.1\r\n\r\n", usual[:len(usual)-1], "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\r\n" + usual,
		change("GET", "POST"), change("HTTP/1.1", "HTTP/1.0"), change("HTTP/1.1", "HTTP/1.10"), change("/room/1?x=%20", "http://b/"), change("/room/1?x=%20", "/a b"),
		change("/room/1?x=%20", "/%zz"), change("/room/1?x=%20", "/\xc3\xa4"), change("GET ", "GET  "), change("/room", "/a#b"), change(" HTTP", "  HTTP"),
		change("Host: a.example:80\r\n", ""), change("Origin: http://a", "Host: b"), change("a.example:80", "a b"), change("a.example:80", ""), change("a.example:80", "a/b"),
		change("Origin: http://a", "Content-Length: 3"), change("Origin: http://a", "content-length: 0"), change("Origin: http://a", "Transfer-Encoding: chunked"), change("Origin: http://a", "Expect: 100-continue"),
		change("Origin: http://a", "Origin : http://a"), change("Origin: http://a", "Origin"), change("Origin: http://a", ": x"), change("Origin: http://a", "A: b\r\n c"),
		change("Origin: http://a", "A: b\nContent-Length: 5"), change("Origin: http://a", "A: \x00"), change("Origin: http://a", "A: \xff"), change("Origin: http://a", "A\xc3: b"),
		change("Upgrade: websocket", "Upgrade: h2c"), change("Upgrade: websocket", "Upgrade: websocket\r\nUpgrade: websocket"), change("Upgrade: websocket\r\n", ""),
		change("Version: 13", "Version: 8"), change("AAAA", "A"), change("keep-alive, Upgrade", "close"), change("Cache-Control: no-cache\r\n", ""),
		change("Origin: http://a", strings.Repeat("A: b\r\n", 100)+"C: d"), change(" HTTP/1.1\r\n", " HTTP/1.1\n"),
	} {
		if sameAsNetHTTP(t, []byte(s)) {
			t.Errorf("taken: %q", s)
		}
	}
}

func FuzzUsualHandshake(f *testing.F) {
	f.Add([]byte(usual))
	f.Add([]byte(usual + "more"))
	f.Fuzz(func(t *testing.T, b []byte) { sameAsNetHTTP(t, b) })
}
