package children

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/node/core"
	"workerd.local/webapi/node/glue"
)

// jsSpawn is spawn(options, exited): it returns {pid, pipes, kill, ref, unref}, or the
// code of the error. exited gets (code, signal).
func jsSpawn(c *bind.Call) (any, error) {
	js := c.JS()
	o, err := options(c)
	if err != nil {
		return nil, err
	}
	exited, all := c.Arg(1), families.Get(js)
	err = all.bounded(js)
	var s *started
	if err == nil {
		s, err = o.start()
	}
	if err != nil {
		return glue.SystemErrorOf(err, "spawn", "", "").Code, nil
	}
	all.running++
	h, err := glue.NewHandle(js, func() {}) // the child goes on, as in node
	if err != nil {
		return nil, errors.Join(err, s.process.Kill())
	}
	pipes := make([]any, len(s.ends))
	for i, f := range s.ends {
		pipes[i] = goja.Null()
		if f != nil {
			if pipes[i], err = newPipe(js, f); err != nil {
				return nil, errors.Join(err, s.process.Kill())
			}
		}
	}
	over := false
	h.Go(func(context.Context) {
		code, signal := s.wait()
		h.Post(func(js *isolate.JS) {
			over = true
			all.running--
			h.Close()
			if signal != "" {
				glue.Tell(js, exited, goja.Null(), signal)
			} else {
				glue.Tell(js, exited, code, goja.Null())
			}
		})
	})
	obj := bind.Object{Name: "Process", Methods: map[string]bind.Static{
		// kill is the code of the error, or undefined.
		"kill": func(c *bind.Call) (any, error) {
			if over {
				return "ESRCH", nil
			}
			if err := send(s.process, int(c.Arg(0).ToInteger())); err != nil {
				if errors.Is(err, os.ErrProcessDone) {
					return "ESRCH", nil
				}
				return glue.SystemErrorOf(err, "kill", "", "").Code, nil
			}
			return nil, nil
		},
		"ref":    func(*bind.Call) (any, error) { h.Ref(); return nil, nil },
		"unref":  func(*bind.Call) (any, error) { h.Unref(); return nil, nil },
		"hasRef": func(*bind.Call) (any, error) { return h.Referenced(), nil },
	}}.New(js)
	for name, v := range map[string]any{"pid": s.process.Pid, "pipes": pipes} {
		if err := obj.Set(name, bind.Value(js, v)); err != nil {
			return nil, err
		}
	}
	return obj, nil
}

// pipeChunk is how much is read of a pipe at once.
const pipeChunk = 64 << 10

// newPipe is our end of a stream of a child: {read, write, close, ref, unref}. It keeps
// the program alive while it is read or written, and referenced.
func newPipe(js *isolate.JS, f *os.File) (*goja.Object, error) {
	h, err := glue.NewHandle(js, func() { f.Close() })
	if err != nil {
		f.Close()
		return nil, err
	}
	// Until it is read or written it waits for nothing.
	referenced, busy := true, 0
	h.Unref()
	begin := func() {
		if busy++; referenced {
			h.Ref()
		}
	}
	end := func() {
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
				buf := make([]byte, pipeChunk)
				n, err := f.Read(buf)
				h.Post(func(js *isolate.JS) {
					end()
					switch {
					case n > 0:
						b, berr := core.NewBuffer(js, append([]byte(nil), buf[:n]...))
						if berr != nil {
							glue.Tell(js, tell, js.Error(berr))
							return
						}
						glue.Tell(js, tell, goja.Null(), b)
					case err == io.EOF || errors.Is(err, os.ErrClosed):
						glue.Tell(js, tell, goja.Null(), goja.Null())
					default:
						glue.Tell(js, tell, glue.Failure(js, glue.SystemErrorOf(err, "read", "", "")))
					}
				})
			})
			return nil, nil
		},
		// write(bytes, callback): callback gets (error).
		"write": func(c *bind.Call) (any, error) {
			b, _ := bind.Bytes(c.JS(), c.Arg(0))
			data, tell := append([]byte(nil), b...), c.Arg(1)
			begin()
			h.Go(func(context.Context) {
				_, err := f.Write(data)
				h.Post(func(js *isolate.JS) {
					end()
					if err != nil {
						e := glue.SystemErrorOf(err, "write", "", "")
						e.Short = true
						if errors.Is(err, os.ErrClosed) {
							e = glue.NewSystemError("EPIPE", "write", "")
							e.Short = true
						}
						glue.Tell(js, tell, glue.Failure(js, e))
						return
					}
					glue.Tell(js, tell, goja.Null())
				})
			})
			return nil, nil
		},
		// end says that no more will be written; what comes can still be read.
		"end": func(*bind.Call) (any, error) {
			return nil, shut(f)
		},
		"close": func(*bind.Call) (any, error) {
			h.Close()
			f.Close() // what was written has left; what is read ends
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

// jsAdopt is adopt(fd): the pipe to who started this program with a channel, which it
// found in its environment.
func jsAdopt(c *bind.Call) (any, error) {
	f, err := adopt(int(c.Arg(0).ToInteger()))
	if err != nil {
		return nil, glue.Thrown(c.JS(), glue.SystemErrorOf(err, "open", "", ""))
	}
	return newPipe(c.JS(), f)
}
