package core

import (
	"context"
	"errors"
	"io"
	"net"
	"os"

	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/node/glue"
)

// PipeChunk is how much is read of a pipe at once.
const PipeChunk = 64 << 10

// Chunks is a stream that reads without a buffer of the caller, so that what only waits
// holds none: up to PipeChunk bytes, which are the caller's.
type Chunks interface{ ReadChunk() ([]byte, error) }

// Ready is a stream that writes what it can at once, on the loop; it never waits.
type Ready interface {
	WriteReady(b []byte) (n int, err error)
}

func readChunk(f io.Reader) ([]byte, error) {
	if c, ok := f.(Chunks); ok {
		return c.ReadChunk()
	}
	buf := make([]byte, PipeChunk)
	n, err := f.Read(buf)
	return append([]byte(nil), buf[:n]...), err
}

// NewPipe is a stream of bytes to elsewhere, of a child or of a connection, as the
// modules of a program have it: {read, write, end, close, ref, unref}. Each read, and each
// write that is not Ready, is a goroutine of its own, and keeps the program alive while the pipe is
// referenced. end ends the writing half; ended runs once when the pipe is closed, be it
// by the script or by the end of the program. The module has to require node:buffer.
func NewPipe(js *isolate.JS, f io.ReadWriteCloser, end func() error, ended func()) (*goja.Object, error) {
	closed := false
	shut := func() {
		if !closed {
			closed = true
			f.Close() // what was written has left; what is read ends
			if ended != nil {
				ended()
			}
		}
	}
	h, err := glue.NewHandle(js, shut)
	if err != nil {
		shut()
		return nil, err
	}
	// Until it is read or written it waits for nothing.
	referenced, busy, writing := true, 0, 0
	h.Unref()
	begin := func() {
		if busy++; referenced {
			h.Ref()
		}
	}
	over := func() {
		if busy--; busy == 0 {
			h.Unref()
		}
	}
	return bind.Object{Name: "Pipe", Methods: map[string]bind.Static{
		// read(callback): callback gets (error, bytes), and null at the end.
		"read": func(c *bind.Call) (any, error) {
			tell := c.Arg(0)
			begin()
			h.Go(func(context.Context) {
				got, err := readChunk(f)
				h.Post(func(js *isolate.JS) {
					over()
					switch {
					case len(got) > 0:
						b, berr := NewBuffer(js, got)
						if berr != nil {
							glue.Tell(js, tell, js.Error(berr))
							return
						}
						glue.Tell(js, tell, goja.Null(), b)
					case err == io.EOF || errors.Is(err, os.ErrClosed) || errors.Is(err, net.ErrClosed):
						glue.Tell(js, tell, goja.Null(), goja.Null())
					default:
						e := glue.SystemErrorOf(err, "read", "", "")
						e.Short = true
						glue.Tell(js, tell, glue.Failure(js, e))
					}
				})
			})
			return nil, nil
		},
		// write(bytes, callback): callback gets (error); true says that all is written, and it gets nothing.
		"write": func(c *bind.Call) (any, error) {
			b, _ := bind.Bytes(c.JS(), c.Arg(0))
			if r, ok := f.(Ready); ok && !closed && writing == 0 {
				n, err := r.WriteReady(b)
				if b = b[n:]; err == nil && len(b) == 0 {
					return true, nil
				}
			}
			data, tell := append([]byte(nil), b...), c.Arg(1)
			writing++
			begin()
			h.Go(func(context.Context) {
				_, err := f.Write(data)
				h.Post(func(js *isolate.JS) {
					writing--
					over()
					if err == nil {
						glue.Tell(js, tell, goja.Null())
						return
					}
					e := glue.SystemErrorOf(err, "write", "", "")
					if errors.Is(err, os.ErrClosed) || errors.Is(err, net.ErrClosed) {
						e = glue.NewSystemError("EPIPE", "write", "")
					}
					e.Short = true
					glue.Tell(js, tell, glue.Failure(js, e))
				})
			})
			return false, nil
		},
		"end": func(*bind.Call) (any, error) { return nil, end() },
		"close": func(*bind.Call) (any, error) {
			h.Close()
			shut()
			return nil, nil
		},
		"ref": func(*bind.Call) (any, error) {
			if referenced = true; busy > 0 {
				h.Ref()
			}
			return nil, nil
		},
		"unref": func(*bind.Call) (any, error) {
			referenced = false
			h.Unref()
			return nil, nil
		},
	}}.New(js), nil
}
