package program

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/console"
	"workerd.local/webapi/node/glue"
)

// stdioNatives are what js/machine/internal/stdio.js gets.
func stdioNatives() map[string]bind.Static {
	return map[string]bind.Static{
		"write": func(c *bind.Call) (any, error) {
			b, ok := bind.Bytes(c.JS(), c.Arg(1))
			if !ok {
				return nil, c.BadArg(2, "Uint8Array")
			}
			if err := instanceOf(c.JS()).write(int(c.Arg(0).ToInteger()), b); err != nil {
				return nil, glue.Thrown(c.JS(), glue.SystemErrorOf(err, "write", "", ""))
			}
			return nil, nil
		},
		"isTTY": func(c *bind.Call) (any, error) {
			i := instanceOf(c.JS())
			o := i.program.o
			if i.o.Thread {
				return false, nil
			}
			f, ok := []any{o.Stdin, o.Stdout, o.Stderr}[c.Arg(0).ToInteger()].(*os.File)
			if !ok {
				return false, nil
			}
			info, err := f.Stat()
			return err == nil && info.Mode()&os.ModeCharDevice != 0 && info.Name() != "null", nil
		},
		// given is process.stdin where the instance's owner makes it.
		"given": func(c *bind.Call) (any, error) {
			if stdin := instanceOf(c.JS()).o.stdin; stdin != nil {
				return stdin(c.JS())
			}
			return nil, nil
		},
		// read(fn) calls fn(error, chunk) with what comes next on stdin, null at its end.
		"read": func(c *bind.Call) (any, error) {
			i, fn := instanceOf(c.JS()), c.Arg(0)
			in := i.program.o.Stdin
			return nil, glue.Later(c.JS(), func(context.Context) ([]byte, error) {
				b := make([]byte, 64<<10)
				n, err := in.Read(b)
				if n > 0 || err == nil {
					return b[:n], nil
				}
				if errors.Is(err, io.EOF) {
					err = nil
				}
				return nil, err
			}, func(js *isolate.JS, b []byte, err error) {
				switch {
				case err != nil:
					glue.Tell(js, fn, glue.Failure(js, glue.SystemErrorOf(err, "read", "", "")))
				case b == nil:
					glue.Tell(js, fn, goja.Null(), goja.Null())
				default:
					glue.Tell(js, fn, goja.Null(), js.Runtime().ToValue(js.Runtime().NewArrayBuffer(b)))
				}
			})
		},
	}
}

// consoleNatives are what js/machine/console.js gets.
func consoleNatives() map[string]bind.Static {
	return map[string]bind.Static{
		// capture(line, fn) gives line what fn prints on the console.
		"capture": func(c *bind.Call) (any, error) {
			js, i, line := c.JS(), instanceOf(c.JS()), c.Arg(0)
			var failed error
			console.SetSink(js, func(_, text string) {
				if _, err := js.Call(line, nil, js.Runtime().ToValue(text)); err != nil {
					failed = err
				}
			})
			_, err := js.Call(c.Arg(1), nil)
			console.SetSink(js, i.sink(js))
			return nil, errors.Join(err, failed)
		},
	}
}

// sink is where the console prints.
func (i *Instance) sink(js *isolate.JS) console.Sink {
	return func(level, text string) {
		fd := 1
		if level == console.Warn || level == console.Error {
			fd = 2
		}
		i.print(js, fd, text+"\n")
	}
}
