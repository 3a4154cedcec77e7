// Package face is what the faces of threads have in common: the options that all of them understand, the owner's side
// of a worker, and the port of a script that is a worker itself.
//
// Words: a *worker* is a thread that a script has started, seen from that script; the *port* is the same connection
// seen from within. Faces differ in the names that scripts use and in the defaults of Options.
//
// Everything that takes a *isolate.JS belongs to its isolate's goroutine.
package face

import (
	"errors"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/threads"
)

// Entry is what a worker is to run.
type Entry struct {
	// Path is as the script gave it; with Eval it is the source itself.
	Path string
	Eval bool
	// From is the file that asks, where Path is resolved against that; where it is empty, the working directory counts.
	From string
	// Argv is what follows the path in its arguments; ExecArgv replaces the owner's where it is not nil.
	Argv, ExecArgv []string
	// Env is an environment of its own, of NAME=value, and CopyEnv one like the owner's; without these it is the owner's.
	Env     []string
	CopyEnv bool
	// ReadOnly says that what belongs to the process can be read only, as in io.js; Thread that it cannot be changed, and
	// says so, as in node.
	ReadOnly, Thread bool
	// Output, which may be nil, is told what it writes to stdout (1) and stderr (2), on the worker's goroutine. Where it
	// is not alone the program's stream gets it too.
	Output func(fd int, b []byte) (alone bool, err error)
	// Stdin, which may be nil, makes its process.stdin.
	Stdin func(js *isolate.JS) (goja.Value, error)
}

// EvalName is the file of an entry that is a source text.
const EvalName = "[worker eval]"

// Loader makes what runs entries: a program's loader of modules.
type Loader interface {
	// Body returns what runs an entry in a new thread. A file that cannot be found is no error of the call but one of
	// Body.Start.
	Body(js *isolate.JS, e Entry) (threads.Body, error)
}

// Program is what the scripts of a realm need to start threads; who makes the realm sets it.
type Program struct {
	Root   *threads.Root
	Loader Loader
	// Env looks up a variable of the program's environment.
	Env func(name string) (string, bool)
	// Events, which may be nil, gives the module node:events where scripts may not import it.
	Events func(js *isolate.JS) (goja.Value, error)
}

// ProgramOf is the realm's program, whose Root is nil where scripts cannot start threads.
func ProgramOf(js *isolate.JS) *Program { return programs.Get(js) }

var programs = isolate.NewSlot(func(*isolate.JS) *Program { return &Program{} })

// Handlers are told what a worker says, in turns of the context that started it. What they return is an exception that
// nothing caught, in the owner's script.
type Handlers struct {
	// Online is told that the worker's script begins to run; nil does not want to know.
	Online  func(js *isolate.JS) error
	Message func(js *isolate.JS, v goja.Value) error
	// MessageError is told of a message that cannot be read here.
	MessageError func(js *isolate.JS, err error) error
	Failure      func(js *isolate.JS, f *threads.Failure) error
	Exit         func(js *isolate.JS, code int) error
}

// Worker is a thread as its owner sees it.
type Worker struct {
	*threads.Thread
	codec threads.Codec
	over  bool
}

// ErrUnavailable is for scripts that cannot start threads.
var ErrUnavailable = exception.Errorf("Workers are not available here.")

// Start starts a worker for the running script.
func Start(js *isolate.JS, e Entry, o Options, h Handlers) (*Worker, error) {
	p := ProgramOf(js)
	if p.Root == nil || p.Loader == nil {
		return nil, ErrUnavailable
	}
	ioc, err := iocontext.Current(js)
	if err != nil {
		return nil, err
	}
	what := o.Data
	if o.Extra != nil {
		what = js.Runtime().NewArray(o.Data, o.Extra)
	}
	data, err := o.Codec.Encode(js, what, o.Transfer)
	if err != nil {
		return nil, err
	}
	body, err := p.Loader.Body(js, e)
	if err != nil {
		threads.Drop(data)
		return nil, err
	}
	w := &Worker{codec: o.Codec}
	// Code that blocks an actor hears of the thread that it has started itself.
	entry := iocontext.Entry{Section: ioc.Capture(js).Section}
	// m, which may be nil, is what fn is to tell of.
	in := func(m threads.Message, fn func(js *isolate.JS) error) {
		told := false
		ioc.RunIn(entry, func(js *isolate.JS) {
			told = true
			if err := fn(js); err != nil {
				report(js, err)
			}
		}, func(err error) {
			if !told {
				threads.Drop(m)
			}
			ioc.Fail(err)
		})
	}
	w.Thread, err = p.Root.Start(threads.Spec{
		Name: o.Name, Parent: threads.Of(js), Stay: o.KeepAlive, DieOnFailure: o.Die, Late: o.Late, KillCode: o.KillCode, Limits: o.Limits,
		Body: &connected{Body: body, give: o.Port, online: h.Online != nil, port: &Port{codec: o.Codec, Data: data, Flavor: o.Flavor, pair: o.Extra != nil}},
		Owner: threads.Owner{
			Context: ioc, Entry: entry,
			Message: func(m threads.Message) {
				in(m, func(js *isolate.JS) error {
					if _, ok := m.(online); ok {
						return h.Online(js)
					}
					v, err := m.Value(js)
					if err != nil {
						if isolate.Uncatchable(err) {
							return err
						}
						return h.MessageError(js, err)
					}
					return h.Message(js, v)
				})
			},
			Failure: func(f *threads.Failure) { in(nil, func(js *isolate.JS) error { return h.Failure(js, f) }) },
			Exit: func(code int) {
				w.over = true
				in(nil, func(js *isolate.JS) error { return h.Exit(js, code) })
			},
		},
	})
	if err != nil {
		threads.Drop(data)
	}
	if errors.Is(err, threads.ErrDead) {
		return nil, exception.Errorf("A thread that is ending cannot start a worker.").WithCause(err)
	}
	if err != nil {
		return nil, err
	}
	return w, nil
}

// Post sends the worker a value.
func (w *Worker) Post(js *isolate.JS, v goja.Value, transfer []goja.Value) error {
	m, err := w.codec.Encode(js, v, transfer)
	if err != nil {
		return err
	}
	return refused(w.PostFrom(js, m))
}

// Over reports whether the owner's script has been told of the end.
func (w *Worker) Over() bool { return w.over }

// refused is what scripts see of a queue that does not take a message.
func refused(err error) error {
	if err == nil {
		return nil
	}
	return exception.RangeErrorf("%s", upper(err.Error())).WithCause(err)
}

func upper(s string) string { return string(s[0]-'a'+'A') + s[1:] + "." }
