package core

import (
	"bytes"
	"fmt"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/console"
	"workerd.local/webapi/encoding"
)

// Version is the version of node that process.version names.
const Version = "22.19.0"

// processNatives are what js/process.js, js/module.js and js/internal/process.js get.
func processNatives() map[string]bind.Static {
	return map[string]bind.Static{
		"env": func(c *bind.Call) (any, error) {
			if p := bind.ProgramOf(c.JS()); p.Env != nil && c.JS().Compat().Has("nodejs_compat_populate_process_env") {
				return p.Env, nil
			}
			return c.JS().Runtime().NewObject(), nil
		},
		"builtin": func(c *bind.Call) (any, error) {
			if find := bind.ProgramOf(c.JS()).Builtin; find != nil {
				return find(c.Arg(0).String())
			}
			return nil, nil
		},
		"require": func(c *bind.Call) (any, error) {
			if load := bind.ProgramOf(c.JS()).Require; load != nil {
				v, err := load(c.Arg(0).String(), c.Arg(1).String())
				if err != nil {
					return nil, err
				}
				return required(c.JS(), v), nil
			}
			return nil, exception.Errorf("No such module %q.", c.Arg(0).String())
		},
		"platform": func(*bind.Call) (any, error) { return "linux", nil },
		"versions": func(c *bind.Call) (any, error) {
			o := c.JS().Runtime().NewObject()
			return o, o.DefineDataProperty("node", c.JS().Runtime().ToValue(Version), goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_TRUE)
		},
		"exit": jsExit,
	}
}

// required is what require gives of a module: that of an ES module which says so, or
// with the flag require_returns_default_export, is the default export.
func required(js *isolate.JS, v goja.Value) goja.Value {
	ns, ok := v.(*goja.Object)
	if !ok {
		return v
	}
	marked := func(name string) bool {
		m := ns.Get(name)
		return m != nil && m.ToBoolean()
	}
	if !marked("__cjsUnwrapDefault") && !(marked("__esModule") && js.Compat().Has("require_returns_default_export")) {
		return v
	}
	if d := ns.Get("default"); d != nil {
		return d
	}
	return v
}

// jsExit ends the request, or breaks the actor, that the running code works for.
func jsExit(c *bind.Call) (any, error) {
	js := c.JS()
	code := c.Arg(0).ToInteger()
	if _, err := iocontext.Current(js); err != nil {
		console.Print(js, "warn", "process.exit(...) called without a current request context. Ignoring.")
		return nil, nil
	}
	text := fmt.Sprintf("The Node.js process.exit(%d) API was called. Canceling the request.", code)
	console.Print(js, "error", text)
	return nil, iocontext.Terminate(js, exception.Errorf("%s", text))
}

// directories are the working directories of contexts; nil is the global scope.
type directories struct{ of map[*iocontext.Context]string }

var directoriesOf = isolate.NewSlot(func(*isolate.JS) *directories {
	return &directories{of: map[*iocontext.Context]string{}}
})

// directoryNatives are what js/internal/cwd.js gets.
func directoryNatives() map[string]bind.Static {
	return map[string]bind.Static{
		"get": func(c *bind.Call) (any, error) { return Directory(c.JS()), nil },
		"set": func(c *bind.Call) (any, error) {
			d := directoriesOf.Get(c.JS())
			ioc, err := iocontext.Current(c.JS())
			if err != nil {
				ioc = nil // the global scope
			}
			if _, known := d.of[ioc]; !known && ioc != nil {
				ioc.OnEnd(func() { delete(d.of, ioc) })
			}
			d.of[ioc] = c.Arg(0).String()
			return nil, nil
		},
	}
}

// Directory is the working directory of the running code.
func Directory(js *isolate.JS) string {
	d := directoriesOf.Get(js)
	ioc, err := iocontext.Current(js)
	if err != nil {
		ioc = nil // the global scope
	}
	if dir, ok := d.of[ioc]; ok {
		return dir
	}
	return "/bundle"
}

// stdio is what was written to stdout and stderr after their last line.
type stdio struct {
	rest    [3][]byte
	flushes [3]bool // a microtask is to come for it
}

var stdioOf = isolate.NewSlot(func(*isolate.JS) *stdio { return &stdio{} })

// longestLine is how much of a line is kept until its end comes.
const longestLine = 64 << 10

// WriteStdio gives what is written to stdout (1) or stderr (2) to the console.log that is
// there now, line by line, as workerd does. What has no end of a line is a line once the code
// that runs has written more to it, or has come to its next await.
func WriteStdio(js *isolate.JS, fd int, b []byte) error {
	if fd != 1 && fd != 2 {
		return nil
	}
	s := stdioOf.Get(js)
	b = append(s.rest[fd], b...)
	s.rest[fd] = nil
	for {
		at := bytes.IndexByte(b, '\n')
		if at < 0 && len(b) > longestLine {
			at = longestLine
		}
		if at < 0 {
			break
		}
		// Code of the script runs, and may write: what it writes is a text of its own.
		line := b[:at]
		if at < len(b) && b[at] == '\n' {
			at++
		}
		b = b[at:]
		if err := logLine(js, fd, line); err != nil {
			return err
		}
	}
	if s.rest[fd] = append(s.rest[fd], b...); len(s.rest[fd]) == 0 || s.flushes[fd] {
		return nil
	}
	s.flushes[fd] = true
	_, err := js.Call(js.Library().Pristine("Promise.prototype.then"), js.Resolved(goja.Undefined()), js.Job(func(js *isolate.JS, _ goja.Value) {
		s.flushes[fd] = false
		if rest := s.rest[fd]; len(rest) > 0 {
			s.rest[fd] = nil
			if err := logLine(js, fd, rest); err != nil {
				js.Panic(err) // it is a rejection that nobody handles
			}
		}
	}))
	return err
}

// logLine calls console.log.
func logLine(js *isolate.JS, fd int, line []byte) error {
	text := encoding.DecodeUTF8(string(line))
	if prefix := bind.ProgramOf(js).StdioPrefix[fd-1]; text == "" {
		text = prefix
	} else if prefix != "" {
		text = prefix + " " + text
	}
	var object, log goja.Value
	if err := js.Try(func() {
		if object = js.Runtime().GlobalObject().Get("console"); object != nil {
			if o, ok := object.(*goja.Object); ok {
				log = o.Get("log")
			}
		}
	}); err != nil {
		return err
	}
	if _, ok := goja.AssertFunction(log); !ok {
		console.Print(js, "log", text)
		return nil
	}
	_, err := js.Call(log, object, js.Runtime().ToValue(text))
	return err
}

// stdioNatives are what js/internal/stdio.js gets.
func stdioNatives() map[string]bind.Static {
	return map[string]bind.Static{
		"write": func(c *bind.Call) (any, error) {
			return nil, WriteStdio(c.JS(), int(c.Arg(0).ToInteger()), memory(c, 1))
		},
	}
}
