package outbound_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/outbound"
)

func network(t testing.TB, tlsConfig *tls.Config, allow ...string) *outbound.Network {
	t.Helper()
	p, err := outbound.NewPolicy(allow, nil)
	if err != nil {
		t.Fatal(err)
	}
	n := outbound.NewNetwork(p, tlsConfig, nil, nil)
	t.Cleanup(n.Close)
	return n
}

func external(t testing.TB, o outbound.ExternalOptions) *outbound.External {
	e := outbound.NewExternal(o)
	t.Cleanup(e.Close)
	return e
}

// raw is a server that answers every connection's first request with fixed bytes
// and closes it; it hands out what it was sent.
func raw(t testing.TB, answer string) (addr string, got <-chan string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String(), serveRaw(l, answer)
}

func serveRaw(l net.Listener, answer string) <-chan string {
	requests := make(chan string, 16)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				r := bufio.NewReader(c)
				var b strings.Builder
				for {
					line, err := r.ReadString('\n')
					b.WriteString(line)
					if err != nil || line == "\r\n" {
						break
					}
				}
				requests <- b.String()
				io.WriteString(c, answer)
			}()
		}
	}()
	return requests
}

func fetch(t testing.TB, s event.Service, method, url string, h http.Header, body event.Body) (*event.Response, string, error) {
	t.Helper()
	resp, err := s.Fetch(t.Context(), &event.Request{Method: method, URL: url, Header: h, Body: body})
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body.Reader())
	return resp, string(b), err
}

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"

func TestWhatIsOnTheWire(t *testing.T) {
	addr, sent := raw(t, ok)
	n := network(t, nil, "local")
	base := external(t, outbound.ExternalOptions{Address: addr})
	full := external(t, outbound.ExternalOptions{Address: addr, ForwardedProto: "X-Proto", CF: "X-CF", RequestHeaders: []event.HeaderRule{
		{Name: "X-A", Value: "1"}, {Name: "X-B", Remove: true}, {Name: "User-Agent", Value: "me"}}})
	proxy := external(t, outbound.ExternalOptions{Address: addr, Proxy: true})
	renamed := external(t, outbound.ExternalOptions{Address: addr, RequestHeaders: []event.HeaderRule{{Name: "Host", Value: "inner"}}})
	for name, c := range map[string]struct {
		svc         event.Service
		method, url string
		header      string
		cf          string
		body        event.Body
		want        string
	}{
		"network": {svc: n, url: "http://" + addr + "/a/%2f?b=c d#e", want: "GET /a/%2f?b=c d HTTP/1.1\nHost: " + addr + "\n\n"},
		"headers of the connection": {svc: n, url: "http://" + addr, want: "GET / HTTP/1.1\nHost: " + addr + "\nUser-Agent: x\nX: y\n\n",
			header: "Host: other\nConnection: close\nKeep-Alive: 1\nTe: trailers\nTrailer: x\nTransfer-Encoding: gzip\nUpgrade: h2c\nContent-Length: 9\nUser-Agent: x\nX: y"},
		"post":           {svc: n, method: "POST", url: "http://" + addr, body: event.BytesBody([]byte("abc")), want: "POST / HTTP/1.1\nHost: " + addr + "\nContent-Length: 3\n\n"},
		"stream":         {svc: n, method: "POST", url: "http://" + addr, body: reader("abc", -1), want: "POST / HTTP/1.1\nHost: " + addr + "\nTransfer-Encoding: chunked\n\n"},
		"stream, length": {svc: n, method: "PUT", url: "http://" + addr, body: reader("abc", 3), want: "PUT / HTTP/1.1\nHost: " + addr + "\nContent-Length: 3\n\n"},
		"empty":          {svc: n, method: "POST", url: "http://" + addr, body: event.BytesBody(nil), want: "POST / HTTP/1.1\nHost: " + addr + "\nContent-Length: 0\n\n"},
		"null":           {svc: n, method: "POST", url: "http://" + addr, want: "POST / HTTP/1.1\nHost: " + addr + "\nContent-Length: 0\n\n"},
		"credentials":    {svc: n, url: "http://u:p@" + addr, want: "GET / HTTP/1.1\nHost: " + addr + "\n\n"},
		"external":       {svc: base, url: "https://foo.example:99/x?y", header: "Host: bar", want: "GET /x?y HTTP/1.1\nHost: foo.example:99\n\n"},
		"configured":     {svc: full, url: "https://foo/", header: "X-B: 1", cf: `{"a":1}`, want: "GET / HTTP/1.1\nHost: foo\nUser-Agent: me\nX-A: 1\nX-Cf: {\"a\":1}\nX-Proto: https\n\n"},
		"no cf":          {svc: full, url: "fake:///", want: ""},
		"cf is not set":  {svc: full, url: "http://foo/", header: "X-Cf: forged", want: "GET / HTTP/1.1\nHost: foo\nUser-Agent: me\nX-A: 1\nX-Proto: http\n\n"},
		"proxy":          {svc: proxy, url: "https://foo.example/x/%2F?y", header: "Host: bar", want: "GET https://foo.example/x/%2F?y HTTP/1.1\nHost: bar\n\n"},
		"proxy, no path": {svc: proxy, url: "http://foo.example", want: "GET http://foo.example/ HTTP/1.1\nHost: foo.example\n\n"},
		"host rule":      {svc: renamed, url: "http://foo/", want: "GET / HTTP/1.1\nHost: inner\n\n"},
	} {
		h := http.Header{}
		for line := range strings.SplitSeq(c.header, "\n") {
			if k, v, ok := strings.Cut(line, ": "); ok {
				h.Add(k, v)
			}
		}
		req := &event.Request{Method: c.method, URL: c.url, Header: h, Body: c.body}
		if req.Method == "" {
			req.Method = "GET"
		}
		if c.cf != "" {
			req.CF = []byte(c.cf)
		}
		resp, err := c.svc.Fetch(t.Context(), req)
		if c.want == "" {
			var e *exception.Exception
			if !errors.As(err, &e) || e.Class != "TypeError" || !strings.HasPrefix(e.Message, "Fetch API cannot load: ") {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		resp.Body.Close()
		if got := strings.ReplaceAll(<-sent, "\r", ""); got != c.want {
			t.Errorf("%s: sent\n%s\nwant\n%s", name, got, c.want)
		}
	}
}

func reader(s string, length int64) event.Body {
	return event.StreamBody(io.NopCloser(strings.NewReader(s)), length)
}

func TestResponses(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	io.WriteString(z, "hello")
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		answer, method string
		want           string // status, text, length, body
		null           bool
	}{
		"length":       {answer: ok, want: `200 "OK" 2 "hi"`},
		"until closed": {answer: "HTTP/1.1 200 Fine Really\r\n\r\nhi", want: `200 "Fine Really" -1 "hi"`},
		"chunked":      {answer: "HTTP/1.1 201 \r\nTransfer-Encoding: chunked\r\n\r\n1\r\nh\r\n1\r\ni\r\n0\r\n\r\n", want: `201 "" -1 "hi"`},
		"204":          {answer: "HTTP/1.1 204 No Content\r\n\r\n", want: `204 "No Content" 0 ""`, null: true},
		"304":          {answer: "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", want: `304 "Not Modified" 0 ""`, null: true},
		"head":         {answer: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", method: "HEAD", want: `200 "OK" 0 ""`, null: true},
		"after 103":    {answer: "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + ok, want: `200 "OK" 2 "hi"`},
		"redirect":     {answer: "HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", want: `302 "Found" 0 ""`},
		"gzip": {answer: fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", zipped.Len(), zipped.String()),
			want: fmt.Sprintf(`200 "OK" %d %q`, zipped.Len(), zipped.String())},
	} {
		addr, _ := raw(t, c.answer)
		if c.method == "" {
			c.method = "GET"
		}
		resp, body, err := fetch(t, network(t, nil, "local"), c.method, "http://"+addr, nil, event.NoBody)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := fmt.Sprintf("%d %q %d %q", resp.Status, resp.StatusText, resp.Body.Size(), body); got != c.want || resp.Body.IsNull() != c.null {
			t.Errorf("%s: %s, null %v; want %s", name, got, resp.Body.IsNull(), c.want)
		}
		if name == "gzip" && (!resp.Encoded || resp.Header.Get("Content-Encoding") != "gzip" || resp.Header.Get("Content-Length") == "") {
			t.Errorf("gzip: encoded %v, %v", resp.Encoded, resp.Header)
		}
	}
}

// A path goes out as the URL has it, and the length of a body that is not there is said.
func TestRequestsAsWritten(t *testing.T) {
	for path, want := range map[string]string{"/a|b[c]'(!)": "/a|b[c]'(!)", "/%7e/%2F?q=|": "/%7e/%2F?q=|", "": "/", "//a//b": "//a//b", "?x": "/?x"} {
		for _, method := range []string{"GET", "HEAD", "DELETE", "PURGE", "PUT"} {
			addr, sent := raw(t, ok)
			if _, _, err := fetch(t, network(t, nil, "local"), method, "http://"+addr+path, nil, event.NoBody); err != nil {
				t.Fatal(err)
			}
			got := <-sent
			if line := method + " " + want + " HTTP/1.1\r\n"; !strings.HasPrefix(got, line) {
				t.Errorf("%q, want %q", got, line)
			}
			if said := strings.Contains(got, "Content-Length: 0\r\n"); said != (method != "GET" && method != "HEAD") {
				t.Errorf("%q", got)
			}
		}
	}
}

func TestFailures(t *testing.T) {
	open, sent := raw(t, ok)
	_, port, _ := net.SplitHostPort(open)
	// The near end of a connection accepts none, and nobody else gets its address.
	c, err := net.Dial("tcp", open)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	closed := c.LocalAddr().String()
	local := network(t, nil, "local")
	public := network(t, nil, "public")
	thrown := exception.RangeErrorf("mine")
	patient := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) }))
	defer patient.Close()
	answer := func(s string) string { addr, _ := raw(t, s); return "http://" + addr }
	for name, c := range map[string]struct {
		svc  event.Service
		url  string
		body event.Body
		want string
		lost bool
	}{
		"refused":             {svc: local, url: "http://" + closed, want: "Network connection lost.", lost: true},
		"refused, external":   {svc: external(t, outbound.ExternalOptions{Address: closed}), url: "http://x", want: "Network connection lost.", lost: true},
		"forbidden":           {svc: public, url: "http://" + open, want: "does not allow the address"},
		"forbidden name":      {svc: public, url: "http://localhost:" + port, want: "does not allow the address"},
		"forbidden IPv6":      {svc: public, url: "http://[::ffff:127.0.0.1]:" + port, want: "does not allow the address"},
		"unspecified":         {svc: public, url: "http://0.0.0.0:" + port, want: "does not allow the address"},
		"scheme":              {svc: local, url: "ftp://" + open, want: "Fetch API cannot load: ftp://" + open},
		"no host":             {svc: local, url: "http:///x", want: "Fetch API cannot load: http:///x"},
		"not a URL":           {svc: local, url: "http://a b/", want: "Fetch API cannot load: http://a b/"},
		"no answer":           {svc: local, url: answer(""), want: "Network connection lost.", lost: true},
		"half a header":       {svc: local, url: answer("HTTP/1.1 200 OK\r\nConte"), want: "Network connection lost.", lost: true},
		"not HTTP":            {svc: local, url: answer("SSH-2.0\r\n"), want: "Network connection lost.", lost: true},
		"unasked 101":         {svc: local, url: answer("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"), want: "Network connection lost.", lost: true},
		"half a body":         {svc: local, url: answer("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"), want: "Network connection lost.", lost: true},
		"half a chunk":        {svc: local, url: answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"), want: "Network connection lost.", lost: true},
		"bad chunk":           {svc: local, url: answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab"), want: "Network connection lost.", lost: true},
		"endless header":      {svc: local, url: answer("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 1<<20)), want: "Network connection lost.", lost: true},
		"its own body throws": {svc: local, url: patient.URL, body: event.StreamBody(throws{thrown}, -1), want: "mine"},
	} {
		_, _, err := fetch(t, c.svc, "POST", c.url, nil, c.body)
		var e *exception.Exception
		if !errors.As(err, &e) || !strings.Contains(e.Message, c.want) || e.Retryable() != c.lost {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if strings.Contains(fmt.Sprint(err), "127.0.0.1") && !strings.Contains(c.url, "ftp") {
			t.Errorf("%s: the text shows an address: %v", name, err)
		}
	}
	for len(sent) > 0 {
		t.Errorf("a forbidden request arrived: %q", <-sent)
	}
}

type throws struct{ err error }

func (e throws) Read([]byte) (int, error) { return 0, e.err }
func (e throws) Close() error             { return nil }

func TestEveryRequestBodyIsClosed(t *testing.T) {
	addr, _ := raw(t, ok)
	local, public := network(t, nil, "local"), network(t, nil, "public")
	ext := external(t, outbound.ExternalOptions{Address: addr})
	for _, c := range []struct {
		svc event.Service
		url string
	}{{local, "http://" + addr}, {public, "http://" + addr}, {local, "bad:"}, {ext, "bad:"}, {ext, "http://x"}, {local, "http://" + addr + "/\x7f"}} {
		for _, length := range []int64{-1, 3, 0} {
			b := &closes{Reader: strings.NewReader("abc"[:max(0, min(3, length+4))%4]), closed: make(chan struct{})}
			resp, err := c.svc.Fetch(t.Context(), &event.Request{Method: "POST", URL: c.url, Header: http.Header{}, Body: event.StreamBody(b, length)})
			if err == nil {
				resp.Body.Close()
			}
			<-b.closed
		}
	}
}

type closes struct {
	io.Reader
	closed chan struct{}
	done   atomic.Bool
}

func (c *closes) Close() error {
	if !c.done.Swap(true) {
		close(c.closed)
	}
	return nil
}

func TestStreamsBothWays(t *testing.T) {
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		if err := rc.EnableFullDuplex(); err != nil {
			t.Error(err)
		}
		w.WriteHeader(200)
		rc.Flush()
		buf := make([]byte, 100)
		for {
			n, err := r.Body.Read(buf)
			w.Write(buf[:n])
			rc.Flush()
			if err != nil {
				return
			}
		}
	}))
	defer echo.Close()
	pr, pw := io.Pipe()
	resp, err := network(t, nil, "local").Fetch(t.Context(), &event.Request{Method: "POST", URL: echo.URL, Header: http.Header{}, Body: event.StreamBody(pr, -1)})
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 5)
	for i := range 50 {
		want := fmt.Sprintf("%05d", i)
		if _, err := io.WriteString(pw, want); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(resp.Body.Reader(), buf); err != nil || string(buf) != want {
			t.Fatalf("%q, %v", buf, err)
		}
	}
	pw.Close()
	if b, err := io.ReadAll(resp.Body.Reader()); err != nil || len(b) != 0 {
		t.Errorf("%q, %v", b, err)
	}
	resp.Body.Close()
}

func TestLargeUpload(t *testing.T) {
	const size = 32 << 20
	count := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, n, " ", r.ContentLength, " ", err)
	}))
	defer count.Close()
	n := network(t, nil, "local")
	for _, length := range []int64{-1, size} {
		body := event.StreamBody(io.NopCloser(io.LimitReader(zeros{}, size)), length)
		_, got, err := fetch(t, n, "POST", count.URL, nil, body)
		if want := fmt.Sprint(size, " ", length, " ", nil); err != nil || got != want {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
	}
	// A body that is shorter or longer than it says is not sent as a whole one.
	for _, length := range []int64{5, 2} {
		if _, got, err := fetch(t, n, "POST", count.URL, nil, reader("abc", length)); err == nil {
			t.Errorf("3 bytes that are said to be %d: %q", length, got)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestCancel(t *testing.T) {
	arrived, left := make(chan struct{}, 2), make(chan struct{}, 2)
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/body" {
			w.Write([]byte("abc"))
			http.NewResponseController(w).Flush()
		}
		arrived <- struct{}{}
		<-r.Context().Done()
		left <- struct{}{}
	}))
	defer slow.Close()
	n := network(t, nil, "local")
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() {
		_, err := n.Fetch(ctx, &event.Request{Method: "GET", URL: slow.URL})
		failed <- err
	}()
	<-arrived
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled before the answer: %v", err)
	}
	<-left
	ctx, cancel = context.WithCancel(t.Context())
	resp, err := n.Fetch(ctx, &event.Request{Method: "GET", URL: slow.URL + "/body"})
	if err != nil {
		t.Fatal(err)
	}
	<-arrived
	cancel()
	if _, err := io.ReadAll(resp.Body.Reader()); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled in the body: %v", err)
	}
	resp.Body.Close()
	<-left
}

func TestConnectionsAreKept(t *testing.T) {
	var conns atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) }))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			conns.Add(1)
		}
	}
	s.Start()
	defer s.Close()
	n := network(t, nil, "local")
	// net/http gives a connection up where its own goroutine was not back from writing the
	// request for 50 ms, which happens on a machine that stands still; not each time.
	for try := 1; ; try++ {
		before := conns.Load()
		for range 20 {
			if _, got, err := fetch(t, n, "POST", s.URL, nil, event.BytesBody([]byte("abc"))); err != nil || got != "abc" {
				t.Fatalf("%q, %v", got, err)
			}
		}
		if made := conns.Load() - before; made <= 1 {
			break
		} else if try == 10 {
			t.Fatalf("%d connections for 20 requests", made)
		}
	}
	// One that the server closed meanwhile is replaced.
	s.CloseClientConnections()
	if _, got, err := fetch(t, n, "GET", s.URL, nil, event.NoBody); err != nil || got != "" {
		t.Errorf("after the server closed: %q, %v", got, err)
	}
}

func TestTLS(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Proto, " ", r.Host, " ", r.TLS.ServerName)
	}))
	s.EnableHTTP2 = true
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that fail on purpose
	s.StartTLS()
	defer s.Close()
	addr := s.Listener.Addr().String()
	_, port, _ := net.SplitHostPort(addr)
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	trust := func(name string) *tls.Config { return &tls.Config{RootCAs: pool, ServerName: name} }
	for name, c := range map[string]struct {
		svc       event.Service
		url, want string
	}{
		"network":                {network(t, trust(""), "local"), "https://" + addr, "HTTP/2.0 " + addr + " "},
		"external":               {external(t, outbound.ExternalOptions{Address: addr, TLS: trust("")}), "http://other.test/", "HTTP/2.0 other.test "},
		"certificate host":       {external(t, outbound.ExternalOptions{Address: addr, TLS: trust("example.com")}), "https://other.test/", "HTTP/2.0 other.test example.com"},
		"proxy":                  {external(t, outbound.ExternalOptions{Address: addr, TLS: trust(""), Proxy: true}), "http://other.test/", "HTTP/1.1 other.test "},
		"unknown authority":      {network(t, nil, "local"), "https://" + addr, ""},
		"another name":           {network(t, trust(""), "local"), "https://localhost:" + port, ""},
		"another host":           {external(t, outbound.ExternalOptions{Address: "localhost:" + port, TLS: trust("")}), "https://example.com/", ""},
		"wrong certificate host": {external(t, outbound.ExternalOptions{Address: addr, TLS: trust("wrong.test")}), "https://example.com/", ""},
	} {
		_, got, err := fetch(t, c.svc, "GET", c.url, nil, event.NoBody)
		var e *exception.Exception
		if c.want == "" && (err == nil || errors.As(err, &e)) {
			t.Errorf("%s: %q, %v; want an internal error", name, got, err)
		}
		if c.want != "" && (err != nil || got != c.want) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	// TLS where there is none.
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	var e *exception.Exception
	if _, _, err := fetch(t, network(t, trust(""), "local"), "GET", "https://"+plain.Listener.Addr().String(), nil, event.NoBody); !errors.As(err, &e) || !e.Retryable() {
		t.Errorf("TLS to a plain server: %v", err)
	}
}

func TestUnixSocketsAndDefaultPorts(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("sockets in the file system are not used on Windows")
	}
	dir, err := os.MkdirTemp("", "sock") // t.TempDir's names are too long for some systems
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	sent := serveRaw(l, ok)
	e := external(t, outbound.ExternalOptions{Address: "unix:" + path, ResponseHeaders: []event.HeaderRule{{Name: "X-R", Value: "1"}, {Name: "Content-Length", Remove: true}}})
	resp, got, err := fetch(t, e, "GET", "http://inner/x", nil, event.NoBody)
	if err != nil || got != "hi" || resp.Header.Get("X-R") != "1" || resp.Header["Content-Length"] != nil {
		t.Errorf("%q, %v", got, err)
	}
	if got := <-sent; !strings.HasPrefix(got, "GET /x HTTP/1.1\r\nHost: inner\r\n") {
		t.Errorf("%q", got)
	}
	if runtime.GOOS == "linux" {
		name := filepath.Base(dir)
		l, err := net.Listen("unix", "@"+name)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		serveRaw(l, ok)
		if _, got, err := fetch(t, external(t, outbound.ExternalOptions{Address: "unix-abstract:" + name}), "GET", "http://x", nil, event.NoBody); err != nil || got != "hi" {
			t.Errorf("abstract: %q, %v", got, err)
		}
	}
}

func TestEventsAreNotTaken(t *testing.T) {
	for _, s := range []event.Service{network(t, nil), external(t, outbound.ExternalOptions{Address: "127.0.0.1:1"})} {
		if _, err := s.Deliver(t.Context(), event.Test{}); !errors.Is(err, event.ErrUnsupported) {
			t.Errorf("%T: %v", s, err)
		}
	}
}
