package httpserver_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/httpserver"
)

// pieces is a stream that hands out one piece per Read and then err.
type pieces struct {
	list []string
	err  error
	shut chan struct{}
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.list) == 0 {
		return 0, p.err
	}
	n := copy(b, p.list[0])
	if p.list[0] = p.list[0][n:]; p.list[0] == "" {
		p.list = p.list[1:]
	}
	return n, nil
}

func (p *pieces) Close() error {
	if p.shut != nil {
		close(p.shut)
	}
	return nil
}

func stream(length int64, list ...string) event.Body {
	return event.StreamBody(&pieces{list: list, err: io.EOF}, length)
}

// respondWith serves one response, made anew for each request.
func respondWith(t testing.TB, o httpserver.Options, resp func() *event.Response) string {
	_, addr := start(t, o, service(func(_ context.Context, req *event.Request) (*event.Response, error) {
		req.Body.Close()
		return resp(), nil
	}))
	return addr
}

func TestResponses(t *testing.T) {
	long := strings.Repeat("0123456789", 50_000)
	for name, c := range map[string]struct {
		method, header string
		status         int
		body           event.Body
		want           string // status, length (-1: chunked or until the end), header, body
	}{
		"bytes":               {"GET", "", 200, event.BytesBody([]byte("hi")), "200 2 map[Content-Length:[2]] hi"},
		"bytes, wrong length": {"GET", "Content-Length: 99", 200, event.BytesBody([]byte("hi")), "200 2 map[Content-Length:[2]] hi"},
		"empty":               {"GET", "", 200, event.BytesBody(nil), "200 0 map[Content-Length:[0]] "},
		"null":                {"GET", "Content-Length: 7", 200, event.NoBody, "200 0 map[Content-Length:[0]] "},
		"long":                {"GET", "", 200, event.BytesBody([]byte(long)), "200 500000 map[Content-Length:[500000]] " + long},
		"stream":              {"GET", "Content-Length: 2", 200, stream(-1, "a", "b", "cd"), "200 -1 map[] abcd"},
		"long stream":         {"GET", "", 200, stream(-1, long), "200 -1 map[] " + long},
		"stream with length":  {"GET", "", 200, stream(4, "a", "b", "cd"), "200 4 map[Content-Length:[4]] abcd"},
		"head of bytes":       {"HEAD", "", 200, event.BytesBody([]byte("hi")), "200 2 map[Content-Length:[2]] "},
		"head, length given":  {"HEAD", "Content-Length: 7", 200, event.NoBody, "200 7 map[Content-Length:[7]] "},
		"head of a stream":    {"HEAD", "", 200, stream(-1, "a"), "200 -1 map[] "},
		"204":                 {"GET", "Content-Length: 5", 204, event.NoBody, "204 0 map[] "},
		"204 with a body":     {"GET", "", 204, event.BytesBody([]byte("hi")), "204 0 map[] "},
		"304":                 {"GET", "Content-Length: 5\nEtag: e", 304, event.NoBody, "304 0 map[Etag:[e]] "},
		"304 with a stream":   {"GET", "", 304, stream(-1, "a"), "304 0 map[] "},
		"599":                 {"GET", "", 599, event.BytesBody([]byte("x")), "599 1 map[Content-Length:[1]] x"},
		"type and cookies":    {"GET", "Content-Type: a/b\nSet-Cookie: 1\nSet-Cookie: 2", 200, event.BytesBody([]byte("x")), "200 1 map[Content-Length:[1] Content-Type:[a/b] Set-Cookie:[1 2]] x"},
		"date of the script":  {"GET", "Date: now", 200, event.BytesBody([]byte("x")), "200 1 map[Content-Length:[1] Date:[now]] x"},
		"of the connection":   {"GET", "Connection: close\nKeep-Alive: x\nTe: x\nTrailer: x\nTransfer-Encoding: gzip\nUpgrade: x", 200, event.BytesBody([]byte("x")), "200 1 map[Content-Length:[1]] x"},
		"status too low":      {"GET", "", 101, event.BytesBody([]byte("x")), "500 21 map[Content-Length:[21] Content-Type:[text/plain; charset=utf-8]] Internal Server Error"},
		"status too high":     {"GET", "", 1000, event.BytesBody([]byte("x")), "500 21 map[Content-Length:[21] Content-Type:[text/plain; charset=utf-8]] Internal Server Error"},
	} {
		addr := respondWith(t, httpserver.Options{}, func() *event.Response {
			h := http.Header{}
			for line := range strings.SplitSeq(c.header, "\n") {
				if name, value, ok := strings.Cut(line, ": "); ok {
					h.Add(name, value)
				}
			}
			return &event.Response{Status: c.status, Header: h, Body: c.body}
		})
		conn := dial(t, addr)
		fmt.Fprintf(conn, "%s / HTTP/1.1\r\nHost: a\r\n\r\n", c.method)
		resp, body := answer(t, bufio.NewReader(conn), c.method)
		got := fmt.Sprintf("%d %d %v %s", resp.StatusCode, resp.ContentLength, resp.Header, body)
		if c.want != "" && got != c.want {
			t.Errorf("%s: got %.200s\nwant %.200s", name, got, c.want)
		}
		if resp.Close {
			t.Errorf("%s: the connection ends", name)
		}
	}
}

func TestHeaderValuesCannotMakeHeaders(t *testing.T) {
	addr := respondWith(t, httpserver.Options{}, func() *event.Response {
		return &event.Response{Status: 200, Header: http.Header{"X": {"a\r\nInjected: 1\r\n\r\nbody"}, "B\r\nInjected": {"1"}}, Body: event.BytesBody([]byte("x"))}
	})
	resp, body := ask(t, addr, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if resp.Header["Injected"] != nil || body != "x" {
		t.Errorf("%v %q", resp.Header, body)
	}
}

func TestContentEncoding(t *testing.T) {
	unzip := func(b []byte) (string, error) {
		r, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			return "", err
		}
		out, err := io.ReadAll(r)
		return string(out), err
	}
	long := strings.Repeat("a long text ", 30_000)
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	io.WriteString(z, "hello")
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		encoding string
		encoded  bool
		body     func() event.Body
		want     string
		zipped   bool
	}{
		"bytes":            {"gzip", false, func() event.Body { return event.BytesBody([]byte("hello")) }, "hello", true},
		"long":             {"gzip", false, func() event.Body { return event.BytesBody([]byte(long)) }, long, true},
		"stream":           {"gzip", false, func() event.Body { return stream(-1, "hel", "lo") }, "hello", true},
		"stream, length":   {"gzip", false, func() event.Body { return stream(5, "hel", "lo") }, "hello", true},
		"empty":            {"gzip", false, func() event.Body { return event.BytesBody(nil) }, "", true},
		"already encoded":  {"gzip", true, func() event.Body { return event.BytesBody(zipped.Bytes()) }, "hello", true},
		"unknown encoding": {"zip", false, func() event.Body { return event.BytesBody([]byte("hello")) }, "hello", false},
		"none":             {"identity", false, func() event.Body { return stream(-1, "hello") }, "hello", false},
	} {
		addr := respondWith(t, httpserver.Options{}, func() *event.Response {
			return &event.Response{Status: 200, Header: http.Header{"Content-Encoding": {c.encoding}, "Content-Length": {"5"}}, Body: c.body(), Encoded: c.encoded}
		})
		resp, body := ask(t, addr, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		got, err := body, error(nil)
		if c.zipped {
			got, err = unzip([]byte(body))
		}
		if err != nil || got != c.want || resp.Header.Get("Content-Encoding") != c.encoding {
			t.Errorf("%s: %.100q, %v, %v", name, got, err, resp.Header)
		}
		if resp, _ := ask(t, addr, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"); c.zipped && !c.encoded && resp.Header["Content-Length"] != nil {
			t.Errorf("%s: HEAD tells the length of what is not encoded: %v", name, resp.Header)
		}
	}
}

// TestBrotliIsValid compares with bytes that node's decoder accepted, and asks node
// itself where it is there.
func TestBrotliIsValid(t *testing.T) {
	long := strings.Repeat("0123456789", 20_000)
	for _, c := range []struct {
		body event.Body
		text string
		hex  string
	}{
		{event.BytesBody([]byte("hello")), "hello", "40001068656c6c6f03"},
		{event.BytesBody(nil), "", "06"},
		{stream(-1, "ab", "c"), "abc", "100010616200000863" + "03"},
		{event.BytesBody([]byte(long)), long, ""},
	} {
		addr := respondWith(t, httpserver.Options{}, func() *event.Response {
			return &event.Response{Status: 200, Header: http.Header{"Content-Encoding": {"br"}}, Body: c.body}
		})
		_, body := ask(t, addr, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		if got := hex.EncodeToString([]byte(body)); c.hex != "" && got != c.hex {
			t.Errorf("%.20q: %s, want %s", c.text, got, c.hex)
		}
		node, err := exec.LookPath("node")
		if err != nil {
			if os.Getenv("CI") != "true" {
				t.Log("node is not installed: its decoder is not asked")
				continue
			}
			t.Fatal(err)
		}
		cmd := exec.Command(node, "-e", `process.stdout.write(require("zlib").brotliDecompressSync(require("fs").readFileSync(0)))`)
		cmd.Stdin = strings.NewReader(body)
		if out, err := cmd.Output(); err != nil || string(out) != c.text {
			t.Errorf("%.20q: node reads %.100q, %v", c.text, out, err)
		}
	}
}

func TestABrokenStreamNeverLooksWhole(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	broken := func(length int64, err error, list ...string) func() event.Body {
		return func() event.Body { return event.StreamBody(&pieces{list: slices.Clone(list), err: err}, length) }
	}
	boom := errors.New("boom")
	for name, c := range map[string]struct {
		body     func() event.Body
		encoding string
	}{
		"at once":                 {broken(-1, boom), ""},
		"after a piece":           {broken(-1, boom, "a"), ""},
		"after much":              {broken(-1, boom, long), ""},
		"with length":             {broken(3, boom, "a"), ""},
		"with length, after much": {broken(200_000, boom, long), ""},
		"shorter than said":       {broken(5, io.EOF, "abc"), ""},
		"much shorter":            {broken(200_000, io.EOF, long), ""},
		"longer than said":        {broken(2, io.EOF, "abc"), ""},
		"gzip":                    {broken(-1, boom, "abc"), "gzip"},
		"br":                      {broken(-1, boom, "abc"), "br"},
	} {
		addr := respondWith(t, httpserver.Options{}, func() *event.Response {
			h := http.Header{}
			if c.encoding != "" {
				h.Set("Content-Encoding", c.encoding)
			}
			return &event.Response{Status: 200, Header: h, Body: c.body()}
		})
		for _, client := range []*http.Client{h1Client(t), h2cClient(t)} {
			resp, err := client.Get("http://" + addr)
			if err == nil {
				var b []byte
				b, err = io.ReadAll(resp.Body)
				resp.Body.Close()
				if err == nil {
					t.Errorf("%s, %s: a whole body of %d bytes", name, resp.Proto, len(b))
				}
			}
		}
	}
}

func h1Client(t testing.TB) *http.Client {
	tr := &http.Transport{DisableCompression: true}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

func h2cClient(t testing.TB) *http.Client {
	p := new(http.Protocols)
	p.SetUnencryptedHTTP2(true)
	tr := &http.Transport{DisableCompression: true, Protocols: p}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

func TestFailures(t *testing.T) {
	fail := make(chan error, 1)
	_, addr := start(t, httpserver.Options{ResponseHeaders: []event.HeaderRule{{Name: "X-R", Value: "1"}}},
		service(func(context.Context, *event.Request) (*event.Response, error) { return nil, <-fail }))
	for _, c := range []struct {
		err    error
		status int
	}{
		{errors.New("secret"), 500},
		{exception.Errorf("secret"), 500},
		{fmt.Errorf("secret: %w", exception.Errorf("busy").WithKind(exception.Overloaded)), 503},
		{context.DeadlineExceeded, 503},
	} {
		fail <- c.err
		resp, body := ask(t, addr, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		if resp.StatusCode != c.status || body != http.StatusText(c.status) || resp.Header.Get("X-R") != "1" {
			t.Errorf("%v: %s %q %v", c.err, resp.Status, body, resp.Header)
		}
	}
}

func TestAClientThatLeavesCancels(t *testing.T) {
	cancelled, closed := make(chan struct{}), make(chan struct{})
	started := make(chan struct{})
	_, addr := start(t, httpserver.Options{}, service(func(ctx context.Context, req *event.Request) (*event.Response, error) {
		if strings.HasSuffix(req.URL, "/stream") {
			return &event.Response{Status: 200, Body: event.StreamBody(&forever{shut: closed}, -1)}, nil
		}
		close(started)
		<-ctx.Done()
		close(cancelled)
		return nil, ctx.Err()
	}))
	c := dial(t, addr)
	fmt.Fprint(c, "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
	<-started
	c.Close()
	<-cancelled
	// A response under way is closed.
	c = dial(t, addr)
	fmt.Fprint(c, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n")
	if _, err := c.Read(make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	c.Close()
	<-closed
}

// forever is a live stream.
type forever struct{ shut chan struct{} }

func (f *forever) Read(p []byte) (int, error) {
	time.Sleep(time.Millisecond)
	return copy(p, "tick\n"), nil
}

func (f *forever) Close() error { close(f.shut); return nil }

func TestLiveStreamsAreFlushed(t *testing.T) {
	for _, encoding := range []string{"", "gzip", "br"} {
		next := make(chan string)
		addr := respondWith(t, httpserver.Options{}, func() *event.Response {
			h := http.Header{}
			if encoding != "" {
				h.Set("Content-Encoding", encoding)
			}
			return &event.Response{Status: 200, Header: h, Body: event.StreamBody(live{next}, -1)}
		})
		for _, client := range []*http.Client{h1Client(t), h2cClient(t)} {
			answered := make(chan *http.Response, 1)
			go func() {
				resp, err := client.Get("http://" + addr)
				if err != nil {
					t.Error(err)
				}
				answered <- resp
			}()
			next <- "one"
			resp := <-answered
			if resp == nil {
				return
			}
			// It is there although the stream goes on.
			if n, err := resp.Body.Read(make([]byte, 100)); n == 0 || err != nil {
				t.Errorf("%q, %s: %d bytes, %v", encoding, resp.Proto, n, err)
			}
			next <- "two"
			next <- ""
			if _, err := io.ReadAll(resp.Body); err != nil {
				t.Errorf("%q, %s: %v", encoding, resp.Proto, err)
			}
			resp.Body.Close()
		}
	}
}

// live waits for its pieces; an empty one ends it.
type live struct{ next chan string }

func (l live) Read(p []byte) (int, error) {
	s := <-l.next
	if s == "" {
		return 0, io.EOF
	}
	return copy(p, s), nil
}

func (l live) Close() error { return nil }
