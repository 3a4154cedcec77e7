package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"
)

// dialerFlag makes the program a dialer: a process that has the client's ends of
// WebSockets, as the limit of open files is one of each process. It is told what to do
// by JSON on its input, one order after the other, and answers on its output.
const dialerFlag = "-dialer"

// floorFlag makes the program a floor.
const floorFlag = "-floor"

// order is what a dialer is to do.
type order struct {
	Do   string // open, echo, broadcast, check, close
	Addr string
	// Path has a %d for the room; sockets are spread over Rooms.
	Path  string
	Count int
	Rooms int
	// From is the last byte of the second source address, 127.0.0.From; each has PerSource
	// sockets. The first one, or all where it is 0, is what the system chooses.
	From, PerSource int
	For             time.Duration
	Size            int
}

// result answers an order.
type result struct {
	Count   int           // messages, or sockets
	Elapsed time.Duration // for them
	Error   string
}

// perSource is how many ports of one source address are used. There are some 28,000, but half
// of them are taken last, and to find a free one takes longer and longer.
const perSource = 6000

// dialer is the ends of sockets.
type dialer struct {
	socks []*sock
}

// stream is the connection of a sock.
type stream interface {
	io.ReadWriteCloser
	SetDeadline(time.Time) error
	SetReadDeadline(time.Time) error
}

// sock is one end, which writes masked frames and reads frames that are not.
type sock struct {
	stream
	buf  []byte
	r, w int // what was read and not used is buf[r:w]
}

// dial runs a dialer until its input ends.
func dial(in io.Reader, out io.Writer) error {
	d := &dialer{}
	dec, enc := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var o order
		if err := dec.Decode(&o); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		var r result
		err := d.do(o, &r)
		if err != nil {
			r.Error = err.Error()
		}
		if err := enc.Encode(r); err != nil {
			return err
		}
	}
}

func (d *dialer) do(o order, r *result) error {
	begin := time.Now()
	defer func() {
		if r.Elapsed == 0 {
			r.Elapsed = time.Since(begin)
		}
	}()
	switch o.Do {
	case "open":
		return d.open(o, r)
	case "echo":
		return d.echo(o, r)
	case "broadcast":
		return d.broadcast(o, r)
	case "check":
		return d.check(r)
	case "close":
		for _, s := range d.socks {
			s.Close()
		}
		r.Count, d.socks = len(d.socks), nil
		return nil
	}
	return fmt.Errorf("no order %q", o.Do)
}

// open opens sockets, as many at a time as a crowd would.
func (d *dialer) open(o order, r *result) error {
	socks, took, err := openAll(o)
	if err != nil {
		return err
	}
	d.socks = append(d.socks, socks...)
	r.Count, r.Elapsed = o.Count, took
	return nil
}

// crowd is how many sockets are being opened at a time: enough that no server has nothing to
// do while the client sleeps or looks at answers. crowdPatience is how long one may take.
const (
	crowd         = 256
	crowdPatience = 30 * time.Second
)

// path is that of socket i.
func (o order) path(i int) string { return fmt.Sprintf(o.Path, i%max(1, o.Rooms)) }

// source is the address from which socket i comes; nil leaves it to the system, which takes
// two calls less.
func (o order) source(i int) net.IP {
	n := i / max(1, o.PerSource)
	if o.From == 0 || n == 0 {
		return nil
	}
	return net.IPv4(127, 0, 0, byte(o.From+n-1))
}

// handshake asks for a WebSocket; handshakeKey is its key, and handshakeAccept what a
// server that speaks WebSocket makes of that.
func handshake(path string) []byte {
	return []byte("GET " + path + " HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + handshakeKey + "\r\n\r\n")
}

const (
	handshakeKey    = "AAAAAAAAAAAAAAAAAAAAAA=="
	handshakeAccept = "ICX+Yqv66kxgM0FcWaLWlFLwTAI="
)

// headBytes is how long the answer to a handshake may be.
const headBytes = 512

// agreed looks at what was read of the answer to a handshake, and says how long it is; 0
// is one that is not complete.
func agreed(read []byte) (size int, err error) {
	end := bytes.Index(read, []byte("\r\n\r\n"))
	switch {
	case end < 0 && len(read) >= headBytes:
		return 0, fmt.Errorf("the answer to the handshake has no end: %q", read)
	case end < 0:
		return 0, nil
	case !bytes.HasPrefix(read, []byte("HTTP/1.1 101 ")):
		return 0, fmt.Errorf("the server answered %q", read[:end])
	case !bytes.Contains(read[:end], []byte(": "+handshakeAccept)):
		return 0, fmt.Errorf("the answer is not one to this handshake: %q", read[:end])
	}
	return end + 4, nil
}

// frame is a message of text as a client sends it; the mask is zeros, which leaves the
// bytes as they are.
func frame(text []byte) []byte {
	b := []byte{0x81}
	switch n := len(text); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	default:
		b = append(b, 0x80|126, byte(n>>8), byte(n))
	}
	return append(append(b, 0, 0, 0, 0), text...)
}

// receive reads a message of text that has size bytes.
func (s *sock) receive(size int) error {
	head := 2
	if size >= 126 {
		head = 4
	}
	if need := head + size; len(s.buf) < need {
		s.buf = append(make([]byte, 0, 2*need), s.buf[:s.w]...)[:2*need]
	}
	for s.w-s.r < head+size {
		if s.r > 0 {
			copy(s.buf, s.buf[s.r:s.w])
			s.w -= s.r
			s.r = 0
		}
		n, err := s.Read(s.buf[s.w:])
		if s.w += n; err != nil {
			return err
		}
	}
	if s.buf[s.r] != 0x81 {
		return fmt.Errorf("a frame begins with %#x", s.buf[s.r])
	}
	s.r += head + size
	return nil
}

// each runs fn for every socket at once, and returns the first failure.
func (d *dialer) each(fn func(s *sock) error) error {
	var failure atomic.Pointer[error]
	var wg sync.WaitGroup
	for _, s := range d.socks {
		wg.Go(func() {
			if err := fn(s); err != nil {
				failure.Store(&err)
			}
		})
	}
	wg.Wait()
	if err := failure.Load(); err != nil {
		return *err
	}
	return nil
}

// echo sends a message on each socket, waits for its answer, and so on.
func (d *dialer) echo(o order, r *result) error {
	text := bytes.Repeat([]byte("e"), o.Size)
	out := frame(text)
	var count atomic.Int64
	begin := time.Now()
	until := begin.Add(o.For)
	err := d.each(func(s *sock) error {
		if err := s.SetDeadline(until.Add(20 * time.Second)); err != nil {
			return err
		}
		n := 0
		for n == 0 || time.Now().Before(until) {
			if _, err := s.Write(out); err != nil {
				return err
			}
			if err := s.receive(o.Size); err != nil {
				return err
			}
			n++
		}
		count.Add(int64(n))
		return s.SetDeadline(time.Time{})
	})
	r.Count, r.Elapsed = int(count.Load()), time.Since(begin)
	return err
}

// broadcast asks the first socket's room to send to all, again as soon as all have it.
func (d *dialer) broadcast(o order, r *result) error {
	text := append([]byte("all "), bytes.Repeat([]byte("b"), o.Size-4)...)
	out := frame(text)
	var count atomic.Int64
	begin := time.Now()
	until := begin.Add(o.For)
	n := int64(len(d.socks))
	err := d.each(func(s *sock) error {
		if err := s.SetDeadline(until.Add(20 * time.Second)); err != nil {
			return err
		}
		first := s == d.socks[0]
		if first {
			if _, err := s.Write(out); err != nil {
				return err
			}
		}
		for {
			err := s.receive(len(text))
			var ne net.Error
			if errors.As(err, &ne) && ne.Timeout() {
				return nil // woken, because the time is over
			}
			if err != nil {
				return err
			}
			if count.Add(1)%n != 0 {
				continue
			}
			// The last one of a round begins the next, or wakes everybody.
			if time.Now().Before(until) {
				if _, err := d.socks[0].Write(out); err != nil {
					return err
				}
				continue
			}
			r.Elapsed = time.Since(begin)
			for _, other := range d.socks {
				if err := other.SetReadDeadline(time.Unix(1, 0)); err != nil {
					return err
				}
			}
		}
	})
	r.Count = int(count.Load())
	for _, s := range d.socks {
		err = errors.Join(err, s.SetDeadline(time.Time{}))
	}
	return err
}

// check sends a message on every socket, a few at a time, and wants it back.
func (d *dialer) check(r *result) error {
	out := frame([]byte("here"))
	gate := make(chan struct{}, 32)
	var alive atomic.Int64
	err := d.each(func(s *sock) error {
		gate <- struct{}{}
		defer func() { <-gate }()
		if err := s.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
			return err
		}
		if _, err := s.Write(out); err != nil {
			return err
		}
		if err := s.receive(4); err != nil {
			return err
		}
		alive.Add(1)
		return s.SetDeadline(time.Time{})
	})
	r.Count = int(alive.Load())
	return err
}

// dialing is a dialer that runs, or a floor.
type dialing struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *json.Decoder
}

// startDialer runs this program as a dialer.
func startDialer(ctx context.Context) (*dialing, error) { return startHelper(ctx, dialerFlag) }

// startHelper runs this program in another role, in which it is told things on its input and
// answers JSON.
func startHelper(ctx context.Context, role string) (*dialing, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	d := &dialing{cmd: exec.CommandContext(ctx, exe, role)}
	d.cmd.Stderr = os.Stderr
	if d.in, err = d.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	d.out = json.NewDecoder(bufio.NewReader(out))
	return d, d.cmd.Start()
}

// do gives an order and waits for what came of it.
func (d *dialing) do(o order) (result, error) {
	var r result
	if err := json.NewEncoder(d.in).Encode(o); err != nil {
		return r, err
	}
	if err := d.out.Decode(&r); err != nil {
		return r, fmt.Errorf("the dialer ended: %w", err)
	}
	if r.Error != "" {
		return r, fmt.Errorf("%s: %s", o.Do, r.Error)
	}
	return r, nil
}

// end ends the dialer, and with it its sockets.
func (d *dialing) end() error {
	return errors.Join(d.in.Close(), d.cmd.Wait())
}
