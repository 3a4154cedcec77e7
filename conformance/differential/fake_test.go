package differential

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// fake is the service behind the bindings of services.capnp: it answers with the bytes
// that a probe has ordered, and tells which requests it got.
//
// A probe orders answers with POST /order at the control server, and takes the requests
// with GET /asked. Answers are used in the order in which they were ordered.
type fake struct {
	listener net.Listener
	control  *httptest.Server
	conns    sync.WaitGroup

	mu      sync.Mutex
	orders  []order
	asked   []string
	open    map[net.Conn]bool
	leaving int           // connections with their last answer that are not closed yet
	news    chan struct{} // closed and replaced when something happens
}

// order is one answer. Its bytes are the code units of Send.
type order struct {
	Send string
	// End says what becomes of the connection behind the answer: "keep", "close", or "hold",
	// which waits until the client closes it.
	End string
	// Early answers before the body of the request was read.
	Early bool
}

// newFake starts a fake service, which ends with the test.
func newFake(t *testing.T) *fake {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{listener: l, open: map[net.Conn]bool{}, news: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /order", f.takeOrders)
	mux.HandleFunc("GET /asked", f.tell)
	f.control = httptest.NewServer(mux)
	f.conns.Add(1)
	go f.accept()
	t.Cleanup(f.close)
	return f
}

// flags are those that put the fake in place of the external services of the configuration.
func (f *fake) flags() []string {
	return []string{"--external-addr", "fake=" + f.listener.Addr().String(), "--external-addr", "control=" + f.control.Listener.Addr().String()}
}

func (f *fake) close() {
	f.control.Close()
	if err := f.listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		panic(err)
	}
	f.mu.Lock()
	for c := range f.open {
		hangUp(c)
	}
	f.mu.Unlock()
	f.conns.Wait()
}

func hangUp(c net.Conn) {
	if err := c.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		panic(err)
	}
}

// changed wakes who waits for something to happen; mu is held.
func (f *fake) changed() {
	close(f.news)
	f.news = make(chan struct{})
}

// takeOrders replaces what was ordered and asked before. Connections that close behind an
// answer of before are closed then: nobody sends the next request to one of them.
func (f *fake) takeOrders(w http.ResponseWriter, r *http.Request) {
	var orders []order
	if err := json.NewDecoder(r.Body).Decode(&orders); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	timeout := time.After(patience / 3)
	f.mu.Lock()
	for f.leaving > 0 {
		news := f.news
		f.mu.Unlock()
		select {
		case <-news:
		case <-timeout:
			http.Error(w, "an answer is not taken", http.StatusGatewayTimeout)
			return
		case <-r.Context().Done():
			return
		}
		f.mu.Lock()
	}
	f.orders, f.asked = orders, nil
	f.mu.Unlock()
	w.WriteHeader(http.StatusNoContent)
}

// tell answers with the requests since the last order, once there are as many as "least" says,
// or gives up while the probe can still be asked again.
func (f *fake) tell(w http.ResponseWriter, r *http.Request) {
	least, _ := strconv.Atoi(r.URL.Query().Get("least"))
	ctx := r.Context()
	for timeout := time.After(patience / 3); ; {
		f.mu.Lock()
		asked, news := slices.Clone(f.asked), f.news
		f.mu.Unlock()
		if len(asked) >= least {
			if asked == nil {
				asked = []string{}
			}
			w.Header().Set("Content-Type", "application/json")
			if err := json.NewEncoder(w).Encode(asked); err != nil {
				return
			}
			return
		}
		select {
		case <-news:
		case <-timeout:
			http.Error(w, "nothing came", http.StatusGatewayTimeout)
			return
		case <-ctx.Done():
			return
		}
	}
}

func (f *fake) accept() {
	defer f.conns.Done()
	for {
		c, err := f.listener.Accept()
		if err != nil {
			return
		}
		f.mu.Lock()
		f.open[c] = true
		f.conns.Add(1)
		f.mu.Unlock()
		go f.serve(c)
	}
}

func (f *fake) serve(c net.Conn) {
	defer f.conns.Done()
	defer func() {
		hangUp(c)
		f.mu.Lock()
		delete(f.open, c)
		f.mu.Unlock()
	}()
	r := bufio.NewReader(c)
	for f.exchange(r, c) {
	}
}

// exchange serves one request, and tells whether there may be another one.
func (f *fake) exchange(r *bufio.Reader, c net.Conn) bool {
	head, err := readHead(r)
	if err != nil {
		return false
	}
	o := f.next()
	if o.Early {
		f.told(head.text + "(the body was not read)")
		again := f.answer(r, c, o)
		// A connection that is closed with something unread may take the answer with it.
		_, err := head.readBody(r)
		return err == nil && again
	}
	body, err := head.readBody(r)
	if err != nil {
		body += "(cut)"
	}
	f.told(head.text + body)
	return err == nil && f.answer(r, c, o)
}

func (f *fake) next() order {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.orders) == 0 {
		return order{Send: "HTTP/1.1 500 Nothing Ordered\r\nContent-Length: 0\r\n\r\n"}
	}
	o := f.orders[0]
	f.orders = f.orders[1:]
	return o
}

func (f *fake) told(text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, text)
	f.changed()
}

func (f *fake) answer(r *bufio.Reader, c net.Conn, o order) bool {
	if o.End == "close" && !o.Early {
		f.leave(1)
		defer func() {
			hangUp(c)
			f.leave(-1)
		}()
	}
	if _, err := c.Write(latin1(o.Send)); err != nil {
		return false
	}
	switch o.End {
	case "close":
		return false
	case "hold":
		if _, err := io.Copy(io.Discard, r); err == nil {
			f.told("(the client closed the connection)")
		}
		return false
	}
	return true
}

func (f *fake) leave(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.leaving += n
	f.changed()
}

func latin1(s string) []byte {
	var b bytes.Buffer
	for _, r := range s {
		b.WriteByte(byte(r))
	}
	return b.Bytes()
}

func fromLatin1(b []byte) string {
	var s strings.Builder
	for _, c := range b {
		s.WriteRune(rune(c))
	}
	return s.String()
}

// head is the head of a request: its text has the names of the headers in lower case and in order.
type head struct {
	text    string
	length  int64
	chunked bool
}

func readHead(r *bufio.Reader) (h head, err error) {
	tr := textproto.NewReader(r)
	line, err := tr.ReadLine()
	if err != nil {
		return h, err
	}
	header, err := tr.ReadMIMEHeader()
	if err != nil {
		return h, err
	}
	var lines []string
	for name, values := range header {
		for _, v := range values {
			lines = append(lines, strings.ToLower(name)+": "+fromLatin1([]byte(v))+"\n")
		}
	}
	slices.Sort(lines)
	h.text = fromLatin1([]byte(line)) + "\n" + strings.Join(lines, "") + "\n"
	h.chunked = strings.EqualFold(header.Get("Transfer-Encoding"), "chunked")
	if v := header.Get("Content-Length"); v != "" {
		if h.length, err = strconv.ParseInt(v, 10, 64); err != nil {
			return h, fmt.Errorf("Content-Length: %w", err)
		}
	}
	return h, nil
}

func (h head) readBody(r *bufio.Reader) (string, error) {
	if !h.chunked {
		b, err := io.ReadAll(io.LimitReader(r, h.length))
		if err == nil && int64(len(b)) < h.length {
			err = io.ErrUnexpectedEOF
		}
		return fromLatin1(b), err
	}
	var all bytes.Buffer
	tr := textproto.NewReader(r)
	for {
		line, err := tr.ReadLine()
		if err != nil {
			return fromLatin1(all.Bytes()), err
		}
		n, err := strconv.ParseInt(line, 16, 64)
		if err != nil {
			return fromLatin1(all.Bytes()), err
		}
		if _, err := io.CopyN(&all, r, n); err != nil {
			return fromLatin1(all.Bytes()), err
		}
		if line, err = tr.ReadLine(); err != nil || line != "" {
			return fromLatin1(all.Bytes()), errors.Join(err, fmt.Errorf("%q behind a chunk", line))
		}
		if n == 0 {
			return fromLatin1(all.Bytes()), nil
		}
	}
}
