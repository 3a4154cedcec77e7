package serialize

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

// The protocol of a control socket: frames of a kind, a length of four bytes (little
// endian), and that many bytes. The client says fork, and then may send signals; the seed
// says what the child prints, and how it ended. A connection is one child: when it closes,
// the child is killed.
const (
	frameFork   = 'F' // ForkRequest
	frameSignal = 'S' // the name of a signal: TERM
	frameOut    = '1' // to the client's standard output
	frameErr    = '2'
	frameExit   = 'E' // Exit
	frameRefuse = 'R' // why there is no child
)

// ForkRequest is what a client asks a seed for.
type ForkRequest struct {
	// Args are the child's command line: flags of Aworker, the script, its arguments.
	Args []string
	// Env are the child's variables, NAME=value, all of them.
	Env []string
}

// Forker runs the children of a control socket. out and err are the child's; serve is to be
// called with its worker, or another way to end it.
type Forker func(ctx context.Context, r ForkRequest, out, err io.Writer, control func(Controlled)) (Exit, error)

// Controlled is a child that can be told to end; any goroutine.
type Controlled interface {
	Terminate() // SIGTERM
	Kill()
}

// Kill ends the worker at once; any goroutine.
func (w *Worker) Kill() { w.kill(Exit{Code: 128 + 9}) }

var errFrame = errors.New("a message is too long (limit seed.message)")

// framed writes frames; any goroutine.
type framed struct {
	mu sync.Mutex // guards w
	w  io.Writer
}

func (f *framed) send(kind byte, b []byte) error {
	head := make([]byte, 5, 5+len(b))
	head[0] = kind
	binary.LittleEndian.PutUint32(head[1:], uint32(len(b)))
	f.mu.Lock()
	defer f.mu.Unlock()
	_, err := f.w.Write(append(head, b...))
	return err
}

// stream is one output of a child as frames.
type stream struct {
	f    *framed
	kind byte
}

// frameOutput is what one frame of output has at most.
const frameOutput = 64 << 10

func (s *stream) Write(p []byte) (n int, err error) {
	for len(p) > 0 {
		part := p[:min(len(p), frameOutput)]
		if err := s.f.send(s.kind, part); err != nil {
			return n, err
		}
		n, p = n+len(part), p[len(part):]
	}
	return n, nil
}

// readFrame reads one frame of at most most bytes.
func readFrame(r io.Reader, most int) (kind byte, b []byte, err error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	n := binary.LittleEndian.Uint32(head[1:])
	if n > uint32(most) {
		return 0, nil, errFrame
	}
	b = make([]byte, n)
	_, err = io.ReadFull(r, b)
	return head[0], b, err
}

// ServeControl takes forks from a socket until ctx ends; then it terminates the children,
// waits for them, and returns. most is the size of a message. It closes the listener.
func ServeControl(ctx context.Context, l net.Listener, most int, fork Forker) error {
	var children sync.WaitGroup
	defer children.Wait()
	stop := context.AfterFunc(ctx, func() { _ = l.Close() }) // Accept says that it is closed
	defer stop()
	for {
		conn, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			_ = l.Close() // it is of no use any more
			return err
		}
		children.Go(func() {
			c := &control{conn: conn, most: most, out: framed{w: conn}}
			c.serve(ctx, fork)
		})
	}
}

// control is one connection of a control socket.
type control struct {
	conn net.Conn
	most int
	out  framed

	mu     sync.Mutex // guards what follows
	child  Controlled
	term   bool // what the child is to be told when it is there
	killed bool
}

func (c *control) serve(ctx context.Context, fork Forker) {
	defer c.conn.Close() // what it returns says nothing that matters here
	r := bufio.NewReader(c.conn)
	// A client that says nothing must not keep the seed from its end.
	silent := context.AfterFunc(ctx, func() { _ = c.conn.Close() })
	kind, b, err := readFrame(r, c.most)
	if !silent() || err != nil {
		c.refuse(err)
		return
	}
	var req ForkRequest
	if kind != frameFork {
		c.refuse(errors.New("the first message is no fork"))
		return
	}
	if err := json.Unmarshal(b, &req); err != nil {
		c.refuse(err)
		return
	}
	ended := context.AfterFunc(ctx, c.terminate)
	defer ended()
	listening := make(chan struct{})
	go func() {
		defer close(listening)
		c.listen(r)
	}()
	exit, err := fork(ctx, req, &stream{&c.out, frameOut}, &stream{&c.out, frameErr}, c.control)
	if err != nil {
		c.refuse(err)
	} else if b, err = json.Marshal(exitMessage{Code: exit.Code, Terminated: exit.Terminated}); err == nil {
		// A client that has gone does not want to know.
		_ = c.out.send(frameExit, b)
	}
	_ = c.conn.Close() // ends listen
	<-listening
}

func (c *control) refuse(err error) {
	if err != nil && !errors.Is(err, io.EOF) {
		_ = c.out.send(frameRefuse, []byte(err.Error())) // a client that has gone does not want to know
	}
}

// listen takes signals until the connection closes, which kills the child.
func (c *control) listen(r io.Reader) {
	for {
		kind, b, err := readFrame(r, c.most)
		if err != nil {
			break
		}
		if kind == frameSignal && string(b) == "TERM" {
			c.terminate()
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.killed = true
	if c.child != nil {
		c.child.Kill()
	}
}

func (c *control) terminate() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.term = true
	if c.child != nil {
		c.child.Terminate()
	}
}

// control is told the child once it is there.
func (c *control) control(child Controlled) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.child = child
	switch {
	case c.killed:
		child.Kill()
	case c.term:
		child.Terminate()
	}
}

type exitMessage struct {
	Code       int
	Terminated bool
}

// ForkFrom asks the seed at a control socket for a child, and waits for its end. terminate,
// which may be nil, has a value for each SIGTERM that the child is to get.
func ForkFrom(ctx context.Context, path string, req ForkRequest, out, errs io.Writer, terminate <-chan struct{}) (Exit, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		return Exit{}, fmt.Errorf("there is no seed at %s: %w", path, err)
	}
	defer conn.Close() // it was only talked to
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	b, err := json.Marshal(req)
	if err != nil {
		return Exit{}, err
	}
	f := framed{w: conn}
	if err := f.send(frameFork, b); err != nil {
		return Exit{}, err
	}
	over, told := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(told)
		for {
			select {
			case <-terminate:
				_ = f.send(frameSignal, []byte("TERM")) // the read says that the seed has gone
			case <-over:
				return
			}
		}
	}()
	exit, err := listenToChild(bufio.NewReader(conn), out, errs)
	close(over)
	<-told
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	return exit, err
}

// listenToChild copies what a child prints up to its end.
func listenToChild(r io.Reader, out, errs io.Writer) (Exit, error) {
	for {
		kind, b, err := readFrame(r, frameOutput)
		if err != nil {
			return Exit{}, fmt.Errorf("the seed has gone: %w", err)
		}
		switch kind {
		case frameOut:
			_, err = out.Write(b)
		case frameErr:
			_, err = errs.Write(b)
		case frameExit:
			var m exitMessage
			if err := json.Unmarshal(b, &m); err != nil {
				return Exit{}, err
			}
			return Exit{Code: m.Code, Terminated: m.Terminated}, nil
		case frameRefuse:
			return Exit{}, fmt.Errorf("the seed refuses: %s", b)
		default:
			err = fmt.Errorf("the seed sends messages of an unknown kind %q", kind)
		}
		if err != nil {
			return Exit{}, err
		}
	}
}
