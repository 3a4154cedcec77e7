package main

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// echoRoom answers each message, or sends it to all where it begins with "all ".
func echoRoom(t *testing.T) string {
	var mu sync.Mutex
	all := map[net.Conn]bool{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") == "" || strings.Contains(r.URL.Path, "refuse") {
			http.Error(w, "no", http.StatusTeapot)
			return
		}
		nc, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer nc.Close()
		sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
		io.WriteString(nc, "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: "+base64.StdEncoding.EncodeToString(sum[:])+"\r\n\r\n")
		mu.Lock()
		all[nc] = true
		mu.Unlock()
		for {
			head := make([]byte, 2)
			if _, err := io.ReadFull(nc, head); err != nil {
				return
			}
			n := int(head[1] & 0x7f)
			if n == 126 {
				long := make([]byte, 2)
				io.ReadFull(nc, long)
				n = int(long[0])<<8 | int(long[1])
			}
			body := make([]byte, 4+n)
			if _, err := io.ReadFull(nc, body); err != nil {
				return
			}
			answer := frame(body[4:])
			answer[1] &^= 0x80 // without a mask
			answer = append(answer[:len(answer)-n-4:len(answer)-n-4], body[4:]...)
			if !bytes.HasPrefix(body[4:], []byte("all ")) {
				nc.Write(answer)
				continue
			}
			mu.Lock()
			for each := range all {
				each.Write(answer)
			}
			mu.Unlock()
		}
	}))
	t.Cleanup(srv.Close)
	t.Cleanup(srv.CloseClientConnections)
	return strings.TrimPrefix(srv.URL, "http://")
}

func TestDialer(t *testing.T) {
	addr := echoRoom(t)
	var in bytes.Buffer
	enc := json.NewEncoder(&in)
	for _, o := range []order{
		{Do: "open", Addr: addr, Path: "/%d", Count: 20, Rooms: 3},
		{Do: "echo", For: 50 * time.Millisecond, Size: 200},
		{Do: "broadcast", For: 50 * time.Millisecond, Size: 1024},
		{Do: "check"},
		{Do: "close"},
		{Do: "open", Addr: addr, Path: "/refuse%d", Count: 1},
		{Do: "dance"},
	} {
		if err := enc.Encode(o); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if err := dial(&in, &out); err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(&out)
	for i, want := range []struct {
		least, most int
		failure     string
	}{
		{20, 20, ""}, {20, 1 << 30, ""}, {20, 1 << 30, ""}, {20, 20, ""}, {20, 20, ""}, {0, 0, "418"}, {0, 0, "no order"},
	} {
		var r result
		if err := dec.Decode(&r); err != nil {
			t.Fatal(err)
		}
		if r.Count < want.least || r.Count > want.most || r.Elapsed <= 0 || !strings.Contains(r.Error, want.failure) || want.failure == "" && r.Error != "" {
			t.Errorf("order %d: %+v", i, r)
		}
		if i == 2 && r.Count%20 != 0 {
			t.Errorf("a broadcast ended within a round: %d", r.Count)
		}
	}
	if err := dial(strings.NewReader("{"), io.Discard); err == nil {
		t.Error("half an order is no error")
	}
}

func TestFloor(t *testing.T) {
	stop, in := io.Pipe()
	out, said := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- floor(stop, said) }()
	var addr string
	if err := json.NewDecoder(out).Decode(&addr); err != nil {
		t.Fatal(err)
	}
	if addr != "" {
		d := &dialer{}
		var r result
		if err := d.do(order{Do: "open", Addr: addr, Path: "/%d", Count: 100, Rooms: 1}, &r); err != nil || r.Count != 100 {
			t.Error(r, err)
		}
		if err := d.do(order{Do: "close"}, &r); err != nil {
			t.Error(err)
		}
	}
	in.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestAnswersToHandshakes(t *testing.T) {
	right := "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: " + handshakeAccept + "\r\n\r\n"
	for _, c := range []struct {
		read string
		size int
		err  string
	}{
		{right, len(right), ""},
		{right + "more", len(right), ""},
		{right[:len(right)-1], 0, ""},
		{"HTTP/1.1 200 OK\r\n\r\n", 0, "the server answered"},
		{strings.Replace(right, "=", "0", 1), 0, "not one to this handshake"},
		{strings.Repeat("x", headBytes), 0, "no end"},
	} {
		size, err := agreed([]byte(c.read))
		if size != c.size || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%q: %d, %v", c.read, size, err)
		}
	}
}

func TestSoakGoesWithSockets(t *testing.T) {
	for _, args := range [][]string{{"-soak", "1m"}, {"-sockets", "-soak", "-1m"}, {"-storage", "-soak", "1m"}} {
		if _, err := parseOptions(args, io.Discard); err == nil {
			t.Errorf("%v is taken", args)
		}
	}
	o, err := parseOptions([]string{"-sockets", "-soak", "1m"}, io.Discard)
	if err != nil || !o.oursOnly || o.section.flag != "sockets" {
		t.Error(o, err)
	}
}
