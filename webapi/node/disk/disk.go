// Package disk is node:fs of programs: the files of the machine.
//
// Relative paths are below the program's own working directory (glue.Machine), and
// what is made has the modes that its own umask leaves. A descriptor is a number of
// the program's, from 3; 0, 1 and 2 are its standard streams. The number of those that
// are open is bounded, and all are closed when the program ends.
//
// An operation reads its arguments on the loop and then works, without the realm: at
// once for the synchronous form, on a goroutine of iocontext.Background for the other,
// which keeps the program alive until its callback ran. A number of them work at a
// time; the others wait for their turn.
//
// # Concurrency
//
// Everything belongs to the isolate's goroutine but the table of descriptors, which
// has a lock, and the work of operations, which uses only what it was given.
package disk

import (
	"context"
	"embed"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/dop251/goja"

	"workerd.local/internal/limits"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/node/core"
	"workerd.local/webapi/node/glue"
)

//go:embed all:js
var sources embed.FS

// Modules are node:fs of programs and what it is made of.
func Modules() []glue.Module {
	return glue.Files(sources, func(name string) map[string]bind.Static {
		if name == "machine/internal/fs" {
			return natives()
		}
		return nil
	}, nil)
}

// Disk is the files of one realm.
type Disk struct {
	machine glue.Machine
	host    isolate.Host
	tied    bool // to the end of the program
	slots   chan struct{}
	waiting int // operations that have begun and not ended
	most    int

	mu     sync.Mutex // guards the rest
	open   map[int]*File
	bound  int
	closed bool
}

// File is an open descriptor.
type File struct {
	// File is nil for standard streams that are no files.
	*os.File
	in     io.Reader
	out    io.Writer
	append bool
	std    bool // never closed: it is not the program's alone
}

// Writer is what a standard stream that is no file writes to; nil for others.
func (f *File) Writer() io.Writer { return f.out }

// Of is the disk of a realm with a machine.
func Of(js *isolate.JS) *Disk {
	d := disks.Get(js)
	if !d.tied {
		if ioc, err := iocontext.Current(js); err == nil {
			ioc.OnEnd(d.closeAll)
			d.tied = true
		}
	}
	return d
}

var disks = isolate.NewSlot(func(js *isolate.JS) *Disk {
	m := glue.MachineOf(js)
	d := &Disk{
		machine: m, host: js.Host(), open: map[int]*File{}, bound: limits.ProgramOpen.In(js.Bounds()),
		slots: make(chan struct{}, limits.ProgramCalls.In(js.Bounds())), most: limits.ProgramWaiting.In(js.Bounds()),
	}
	stream := func(fd int, in io.Reader, out io.Writer) {
		f := &File{in: in, out: out, std: true}
		if f.File = fileOf(in); f.File == nil {
			f.File = fileOf(out)
		}
		d.open[fd] = f
	}
	stream(0, m.Stdin(), nil)
	stream(1, nil, m.Stdout())
	stream(2, nil, m.Stderr())
	return d
})

// fileOf is the file that a standard stream is, or is a face of; nil for others.
func fileOf(stream any) *os.File {
	switch s := stream.(type) {
	case *os.File:
		return s
	case interface{ File() *os.File }:
		return s.File()
	}
	return nil
}

// Path is where a path of the program leads.
func (d *Disk) Path(p string) string {
	if filepath.IsAbs(p) {
		return p
	}
	if p == "" {
		return "" // which names nothing
	}
	// Not cleaned: what is behind a symbolic link and ".." is the system's to say.
	return strings.TrimSuffix(d.machine.Dir(), string(filepath.Separator)) + string(filepath.Separator) + p
}

// Lookup is an open descriptor, or the error EBADF of a call.
func (d *Disk) Lookup(fd int, call string) (*File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if f := d.open[fd]; f != nil {
		return f, nil
	}
	return nil, glue.NewSystemError("EBADF", call, "")
}

// add gives a file a descriptor, the lowest that is free; any goroutine.
func (d *Disk) add(f *File, call, path string) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed || len(d.open) >= d.bound+3 {
		f.Close()
		return 0, glue.NewSystemError("EMFILE", call, path)
	}
	fd := 0
	for d.open[fd] != nil {
		fd++
	}
	d.open[fd] = f
	return fd, nil
}

// full says before a file is opened that it would be one too many.
func (d *Disk) full() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.closed || len(d.open) >= d.bound+3
}

func (d *Disk) take(fd int) (*File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.open[fd]
	if f == nil {
		return nil, glue.NewSystemError("EBADF", "close", "")
	}
	delete(d.open, fd)
	return f, nil
}

// closeAll is the program's end.
func (d *Disk) closeAll() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for fd, f := range d.open {
		if !f.std {
			f.Close() // nobody is left to be told
		}
		delete(d.open, fd)
	}
	d.closed = true
}

// work is an operation whose arguments have been read: it must not touch the realm.
type work func(ctx context.Context) (any, error)

// operation reads the arguments of a call, which begin at argument 1.
type operation func(c *bind.Call, d *Disk) (work, error)

// native is operation(callback, ...arguments): it returns what the work gave where
// callback is undefined, and else calls it with (error, value) when the work is done.
func native(op operation) bind.Static {
	return func(c *bind.Call) (any, error) {
		js := c.JS()
		d := Of(js)
		do, err := op(c, d)
		callback := c.Arg(0)
		if goja.IsUndefined(callback) {
			var v any
			if err == nil {
				v, err = do(context.Background())
			}
			if err != nil {
				return nil, glue.Thrown(js, err)
			}
			return value(js, v)
		}
		if d.waiting >= d.most && err == nil {
			err = glue.NewSystemError("EAGAIN", "fs", "")
		}
		d.waiting++
		return nil, glue.Later(js, func(ctx context.Context) (any, error) {
			if err != nil {
				return nil, err
			}
			select {
			case d.slots <- struct{}{}:
				defer func() { <-d.slots }()
			case <-ctx.Done():
				return nil, ctx.Err()
			}
			return do(ctx)
		}, func(js *isolate.JS, v any, err error) {
			d.waiting--
			var out goja.Value
			if err == nil {
				out, err = value(js, v)
			}
			if err != nil {
				glue.Tell(js, callback, glue.Failure(js, err))
				return
			}
			glue.Tell(js, callback, goja.Null(), out)
		})
	}
}

// value is a result as scripts get it: bytes are a Buffer of their own.
func value(js *isolate.JS, v any) (goja.Value, error) {
	switch v := v.(type) {
	case nil:
		return goja.Undefined(), nil
	case []byte:
		return core.NewBuffer(js, v)
	case name:
		if v.raw {
			return core.NewBuffer(js, []byte(v.text))
		}
		return js.Runtime().ToValue(v.text), nil
	case []entry:
		list := make([]any, len(v))
		for i, e := range v {
			shown, err := value(js, e.name)
			if err != nil {
				return nil, err
			}
			list[i] = []any{shown, e.parent, e.kind}
		}
		return bind.Value(js, list), nil
	case func(js *isolate.JS) (goja.Value, error):
		return v(js)
	}
	return bind.Value(js, v), nil
}

// name is the name of a file; raw ones are bytes that need not be text.
type name struct {
	text string
	raw  bool
}

// entry is one of a directory; kind is uv's number of its type.
type entry struct {
	name   name
	parent string
	kind   int
}

// Arguments, counted without the callback.

func text(c *bind.Call, n int) string {
	v := c.Arg(n + 1)
	if _, ok := v.(*goja.Object); ok {
		b, _ := bind.Bytes(c.JS(), v)
		return string(b)
	}
	return v.String()
}
func number(c *bind.Call, n int) int { return int(c.Arg(n + 1).ToInteger()) }
func flag(c *bind.Call, n int) bool  { return c.Arg(n + 1).ToBoolean() }
func isFD(c *bind.Call, n int) bool  { return goja.IsNumber(c.Arg(n + 1)) }
