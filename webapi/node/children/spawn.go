package children

import (
	"context"
	"errors"
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
			open := newPipe
			if o.stdio[i].kind == "ipc" {
				open = newChannel
			}
			if pipes[i], err = open(js, f); err != nil {
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

// newPipe is our end of a stream of a child.
func newPipe(js *isolate.JS, f *os.File) (*goja.Object, error) {
	return core.NewPipe(js, f, func() error { return shut(f) }, nil)
}

// newChannel is our end of a channel: a pipe with attempt(bytes), which writes what fits at
// once and says how many bytes these were. What a program sends before it exits has
// left then, as in node.
func newChannel(js *isolate.JS, f *os.File) (*goja.Object, error) {
	pipe, err := newPipe(js, f)
	if err != nil {
		return nil, err
	}
	return pipe, pipe.Set("attempt", bind.NewFunction(js, "attempt", 1, func(c *bind.Call) (any, error) {
		b, _ := bind.Bytes(c.JS(), c.Arg(0))
		return attempt(f, b), nil
	}))
}

// jsAdopt is adopt(fd): the pipe to who started this program with a channel, which it
// found in its environment.
func jsAdopt(c *bind.Call) (any, error) {
	f, err := adopt(int(c.Arg(0).ToInteger()))
	if err != nil {
		return nil, glue.Thrown(c.JS(), glue.SystemErrorOf(err, "open", "", ""))
	}
	return newChannel(c.JS(), f)
}
