package glue

import (
	"context"
	"io"

	"github.com/dop251/goja"

	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/loop"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/events"
)

// Machine is what a program's modules reach of the machine that it runs on. A realm
// with one has the modules whose name begins with "machine:" in place of those that
// deployed workers have; a realm without has no way to the machine. Methods belong to
// the isolate's goroutine.
type Machine interface {
	// Dir is the working directory, absolute: relative paths are below it.
	Dir() string
	// Umask is taken from the modes of what the program makes.
	Umask() int
	// Environ is what children inherit, as NAME=value.
	Environ() []string
	// Stdin, Stdout and Stderr are descriptors 0, 1 and 2. Children inherit those that
	// are a *os.File as they are; others are copied.
	Stdin() io.Reader
	Stdout() io.Writer
	Stderr() io.Writer
	// Self is the command, with its first arguments, that runs another script as this
	// one is run: what child_process.fork starts.
	Self() []string
}

// realmMachine is the machine of one realm, and what is open there.
type realmMachine struct{ m Machine }

var machines = isolate.NewSlot(func(*isolate.JS) *realmMachine { return &realmMachine{} })

// SetMachine gives the realm a machine, before its first module is loaded.
func SetMachine(js *isolate.JS, m Machine) { machines.Get(js).m = m }

// MachineOf is the realm's machine, nil for a deployed worker.
func MachineOf(js *isolate.JS) Machine { return machines.Get(js).m }

// Later runs work beside the loop, as an event that keeps the program alive, and then
// calls fn in a turn with what it gave. work must not touch the realm.
func Later[T any](js *isolate.JS, work func(ctx context.Context) (T, error), fn func(js *isolate.JS, v T, err error)) error {
	ioc, err := iocontext.Current(js)
	if err != nil {
		return err
	}
	done, at := ioc.AddPending(), ioc.Capture(js)
	iocontext.Background(ioc, work).Then(func(v T, err error) {
		ioc.RunIn(at, func(js *isolate.JS) { done(); fn(js, v, err) }, func(err error) { done(); ioc.Fail(err) })
	})
	return nil
}

// Tell calls a callback of a script at the begin of a turn. What it throws is reported
// as what a timer's throws is.
func Tell(js *isolate.JS, callback goja.Value, args ...any) {
	list := make([]goja.Value, len(args))
	for i, a := range args {
		list[i] = bind.Value(js, a)
	}
	if _, err := js.Call(callback, js.Runtime().GlobalObject(), list...); err != nil {
		events.Report(js, err)
	}
}

// Handle is something open that has events of its own, such as a child process or a
// server: while it is referenced it keeps the program alive.
type Handle struct {
	ioc    *iocontext.Context
	at     iocontext.Entry
	done   func() // nil while it is not referenced
	forget func()
	closed bool
}

// NewHandle makes a referenced handle; end runs when the program ends before Close.
func NewHandle(js *isolate.JS, end func()) (*Handle, error) {
	ioc, err := iocontext.Current(js)
	if err != nil {
		return nil, err
	}
	h := &Handle{ioc: ioc, at: ioc.Capture(js)}
	h.forget = ioc.OnEnd(end)
	h.Ref()
	return h, nil
}

// Ref makes the handle keep the program alive.
func (h *Handle) Ref() {
	if h.done == nil && !h.closed {
		h.done = h.ioc.AddPending()
	}
}

// Unref lets the program end while the handle is open.
func (h *Handle) Unref() {
	if h.done != nil {
		h.done()
		h.done = nil
	}
}

// Referenced says whether the handle keeps the program alive.
func (h *Handle) Referenced() bool { return h.done != nil }

// IO is the context of the handle; on the loop.
func (h *Handle) IO() *iocontext.Context { return h.ioc }

// Context is done when the program ends; any goroutine.
func (h *Handle) Context() context.Context { return h.ioc.Context() }

// Run runs fn as a turn; on the loop.
func (h *Handle) Run(fn func(js *isolate.JS)) {
	h.ioc.RunIn(h.at, fn, nil)
}

// Post runs fn as a turn once the loop comes to it; from any goroutine.
func (h *Handle) Post(fn func(js *isolate.JS)) {
	l := h.ioc.Loop()
	h.ioc.Realm().Isolate().Host().Complete(func() {
		// A closed loop has nobody left to tell.
		_ = l.Post(func() {
			if !h.ioc.Ended() {
				h.Run(fn)
			}
		})
	})
}

// Go runs fn on a goroutine of its own until the handle's end: ctx is done at the end
// of the program, and fn has to return when what it waits for was closed.
func (h *Handle) Go(fn func(ctx context.Context)) {
	ctx := h.ioc.Context()
	go func() {
		// Nobody asks for the outcome: what goes wrong is an event of the handle.
		_, _ = loop.Guarded(ctx, func(ctx context.Context) (struct{}, error) { fn(ctx); return struct{}{}, nil })
	}()
}

// Close is the end of the handle: it keeps nothing alive, and its end does not run.
func (h *Handle) Close() {
	h.closed = true
	h.Unref()
	h.forget()
}
