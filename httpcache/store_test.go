package httpcache_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"workerd.local/event"
	"workerd.local/httpcache"
	"workerd.local/internal/limits"
)

// kit is a store with a clock of the test's.
type kit struct {
	testing.TB
	store *httpcache.Store
	view  event.Service
	now   time.Time
}

func newKit(t testing.TB, settings ...string) *kit {
	t.Helper()
	bounds, err := limits.Parse(settings...)
	if err != nil {
		t.Fatal(err)
	}
	k := &kit{TB: t, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	k.store = httpcache.New(httpcache.Options{Bounds: bounds, Now: func() time.Time { return k.now }})
	k.view = k.store.View("worker")
	return k
}

// do sends a request to the view; header alternates names and values.
func (k *kit) do(view event.Service, method, url, body string, header ...string) (*event.Response, string) {
	k.Helper()
	h := http.Header{}
	for i := 0; i < len(header); i += 2 {
		h.Add(header[i], header[i+1])
	}
	resp, err := view.Fetch(k.Context(), &event.Request{Method: method, URL: url, Header: h, Body: event.StreamBody(io.NopCloser(strings.NewReader(body)), -1)})
	if err != nil {
		k.Fatal(err)
	}
	b, err := io.ReadAll(resp.Body.Reader())
	if err != nil {
		k.Fatal(err)
	}
	return resp, string(b)
}

// put stores a response and reports the status of the answer; its headers are lines.
func (k *kit) put(url string, status int, headers, body string) int {
	k.Helper()
	if headers != "" {
		headers += "\r\n"
	}
	resp, _ := k.do(k.view, "PUT", url, fmt.Sprintf("HTTP/1.1 %d %s\r\n%sContent-Length: %d\r\n\r\n%s", status, "Text", headers, len(body), body))
	return resp.Status
}

// get is the status, CF-Cache-Status and the body of a lookup.
func (k *kit) get(url string, header ...string) string {
	k.Helper()
	resp, body := k.do(k.view, "GET", url, "", header...)
	return strings.TrimSpace(fmt.Sprint(resp.Status, " ", resp.Header.Get("Cf-Cache-Status"), " ", body))
}

func TestStoredResponsesAreFound(t *testing.T) {
	k := newKit(t)
	if got := k.get("http://a/"); got != "504 MISS" {
		t.Error(got)
	}
	if got := k.put("http://a/", 203, "Cache-Control: max-age=60\r\nX-A: b", "hello"); got != 204 {
		t.Error(got)
	}
	resp, body := k.do(k.view, "GET", "http://a/", "")
	if resp.Status != 203 || resp.StatusText != "Text" || body != "hello" || resp.Header.Get("X-A") != "b" {
		t.Errorf("%+v %s", resp, body)
	}
	if got := k.get("http://a/?q"); got != "504 MISS" {
		t.Error(got)
	}
	if resp, _ := k.do(k.view, "PURGE", "http://a/", ""); resp.Status != 200 {
		t.Error(resp.Status)
	}
	if resp, _ := k.do(k.view, "PURGE", "http://a/", ""); resp.Status != 404 {
		t.Error(resp.Status)
	}
	if got := k.get("http://a/"); got != "504 MISS" {
		t.Error(got)
	}
	if resp, _ := k.do(k.view, "POST", "http://a/", "x"); resp.Status != 405 {
		t.Error(resp.Status)
	}
}

func TestCachesAreApart(t *testing.T) {
	k := newKit(t)
	k.put("http://a/", 200, "", "mine")
	if resp, _ := k.do(k.view, "GET", "http://a/", "", "CF-Cache-Namespace", "n"); resp.Status != 504 {
		t.Error("another name sees it")
	}
	if resp, _ := k.do(k.store.View("other"), "GET", "http://a/", ""); resp.Status != 504 {
		t.Error("another worker sees it")
	}
	if got := k.get("http://a/"); got != "200 HIT mine" {
		t.Error(got)
	}
}

func TestWhatMayBeKept(t *testing.T) {
	const no = 0 * time.Second
	for _, c := range []struct {
		status  int
		headers string
		ttl     time.Duration
	}{
		{200, "", 120 * time.Minute}, {301, "", 120 * time.Minute}, {302, "", 20 * time.Minute}, {404, "", 3 * time.Minute}, {500, "", no}, {201, "", no},
		{500, "Cache-Control: max-age=10", 10 * time.Second},
		{200, "Cache-Control: max-age=10, S-MaxAge = 20", 20 * time.Second},
		{200, "Cache-Control: max-age=10\r\nCache-Control: s-maxage=\"30\"", 30 * time.Second},
		{200, "Cache-Control: max-age=99999999999999", 365 * 24 * time.Hour},
		{200, "Cache-Control: max-age=0", no}, {200, "Cache-Control: max-age=-1", no}, {200, "Cache-Control: max-age=x", no},
		{200, "Cache-Control: no-store, max-age=10", no}, {200, "Cache-Control: no-cache", no}, {200, "Cache-Control: private", no},
		{200, "Expires: Sun, 01 Mar 2026 12:00:05 GMT", 5 * time.Second}, {200, "Expires: Sun, 01 Mar 2026 11:00:00 GMT", no}, {200, "Expires: 0", no},
		{200, "Expires: Sun, 01 Mar 2026 12:00:05 GMT\r\nCache-Control: max-age=60", time.Minute},
		{200, "Set-Cookie: a=b", no},
		{200, "Set-Cookie: a=b\r\nCache-Control: private=\"Set-Cookie\", max-age=7", 7 * time.Second},
	} {
		k := newKit(t)
		want := 204
		if c.ttl == no {
			want = 413
		}
		if got := k.put("http://a/", c.status, c.headers, "x"); got != want {
			t.Errorf("%d %q: answered %d, want %d", c.status, c.headers, got, want)
			continue
		}
		if c.ttl == no {
			continue
		}
		k.now = k.now.Add(c.ttl - time.Millisecond)
		if resp, _ := k.do(k.view, "GET", "http://a/", ""); resp.Header.Get("Cf-Cache-Status") != "HIT" || resp.Header.Get("Set-Cookie") != "" {
			t.Errorf("%d %q: %v just before its end", c.status, c.headers, resp.Header)
		}
		k.now = k.now.Add(time.Millisecond)
		if got := k.get("http://a/"); got != "504 MISS" {
			t.Errorf("%d %q: %s at its end", c.status, c.headers, got)
		}
		if n, size := k.store.Size(); n != 0 || size != 0 {
			t.Errorf("%d entries and %d bytes are left", n, size)
		}
	}
}

func TestRangesAndConditions(t *testing.T) {
	k := newKit(t)
	k.put("http://a/", 200, "Etag: W/\"v1\"\r\nLast-Modified: Sun, 01 Mar 2026 00:00:00 GMT", "0123456789")
	k.put("http://e/", 404, "Etag: \"v1\"", "0123456789")
	for _, c := range []struct{ url, header, value, want string }{
		{"http://a/", "Range", "bytes=2-4", "206 HIT 234"}, {"http://a/", "Range", "bytes=7-", "206 HIT 789"}, {"http://a/", "Range", "bytes=-3", "206 HIT 789"},
		{"http://a/", "Range", "bytes=8-100", "206 HIT 89"}, {"http://a/", "Range", "bytes=-100", "206 HIT 0123456789"}, {"http://a/", "Range", "bytes=10-", "416 HIT"},
		{"http://a/", "Range", "bytes=-0", "416 HIT"}, {"http://a/", "Range", "bytes=1-2,4-5", "200 HIT 0123456789"}, {"http://a/", "Range", "bytes=4-2", "200 HIT 0123456789"},
		{"http://a/", "Range", "lines=1-2", "200 HIT 0123456789"}, {"http://a/", "Range", "bytes=x", "200 HIT 0123456789"},
		{"http://a/", "If-None-Match", `"v0", "v1"`, "304 HIT"}, {"http://a/", "If-None-Match", "*", "304 HIT"}, {"http://a/", "If-None-Match", `"v2"`, "200 HIT 0123456789"},
		{"http://a/", "If-Modified-Since", "Sun, 01 Mar 2026 00:00:00 GMT", "304 HIT"}, {"http://a/", "If-Modified-Since", "Sat, 28 Feb 2026 23:59:59 GMT", "200 HIT 0123456789"},
		{"http://a/", "If-Modified-Since", "yesterday", "200 HIT 0123456789"},
		{"http://e/", "Range", "bytes=1-2", "404 HIT 0123456789"}, {"http://e/", "If-None-Match", `"v1"`, "404 HIT 0123456789"},
	} {
		if got := k.get(c.url, c.header, c.value); got != c.want {
			t.Errorf("%s %s: %s: %s, want %s", c.url, c.header, c.value, got, c.want)
		}
	}
	resp, _ := k.do(k.view, "GET", "http://a/", "", "Range", "bytes=2-4")
	if resp.Header.Get("Content-Range") != "bytes 2-4/10" || resp.Header.Get("Content-Length") != "3" {
		t.Error(resp.Header)
	}
	if resp, _ = k.do(k.view, "GET", "http://a/", ""); resp.Header.Get("Content-Length") != "10" {
		t.Error("a part changed the entry")
	}
}

func TestStoreIsBounded(t *testing.T) {
	k := newKit(t, "webcache.bytes=10000", "webcache.entry=4000")
	big := strings.Repeat("x", 3000)
	for _, u := range []string{"http://a/", "http://b/"} {
		if got := k.put(u, 200, "", big); got != 204 {
			t.Error(got)
		}
	}
	k.get("http://a/")
	k.put("http://c/", 200, "", big)
	for u, want := range map[string]string{"http://a/": "200", "http://b/": "504", "http://c/": "200"} {
		if got := k.get(u); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %.20s", u, got)
		}
	}
	if got := k.put("http://a/", 200, "", strings.Repeat("x", 4000)); got != 413 {
		t.Error(got)
	}
	if got := k.put("http://d/", 200, "X: "+strings.Repeat("x", 5000), ""); got != 413 {
		t.Error(got)
	}
	if n, size := k.store.Size(); n > 2 || size > 10_000 {
		t.Errorf("%d entries, %d bytes", n, size)
	}
}

func TestMessagesThatAreNone(t *testing.T) {
	k := newKit(t)
	for _, body := range []string{"nonsense\r\n\r\n", "HTTP/1.1 99 X\r\n\r\n", "HTTP/1.1 600 X\r\n\r\n", "HTTP/2 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nnonsense\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell"} {
		if resp, _ := k.do(k.view, "PUT", "http://a/", body); resp.Status != 400 {
			t.Errorf("%q: %d", body, resp.Status)
		}
	}
	for _, body := range []string{"", "HTTP/1.1 200 OK", "HTTP/1.1 200 OK\r\nX: y\r\n"} {
		_, err := k.view.Fetch(t.Context(), &event.Request{Method: "PUT", URL: "http://a/", Header: http.Header{}, Body: event.BytesBody([]byte(body))})
		if err == nil {
			t.Errorf("%q was taken", body)
		}
	}
	if got := k.get("http://a/"); got != "504 MISS" {
		t.Error(got)
	}
	// What says that it is chunked is not: the body is as it is.
	k.do(k.view, "PUT", "http://a/", "HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello")
	if got := k.get("http://a/"); got != "200 HIT 5\r\nhello" {
		t.Errorf("%q", got)
	}
	if _, err := k.view.Deliver(t.Context(), event.Scheduled{}); err != event.ErrUnsupported {
		t.Error(err)
	}
}
