package program

import (
	"context"
	"errors"
	"sync"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/console"
	"workerd.local/webapi/crypto"
	"workerd.local/webapi/events"
	"workerd.local/webapi/fetch"
	"workerd.local/webapi/node/glue"
	"workerd.local/webapi/sockets"
	"workerd.local/webapi/websockets"
)

// Instance is one isolate of a program, with an entry that it runs.
type Instance struct {
	program *Program
	main    bool
	thread  int      // its number; 0 is the main one
	file    string   // the entry's path
	args    []string // what follows it in argv
	// readOnly says that what belongs to the process can be read only.
	readOnly bool

	iso   *isolate.Isolate
	realm *isolate.Realm
	ioc   *iocontext.Context

	ticks ticks
	// streams are process.stdout and stderr where they were made, and writes their methods.
	streams [3]*goja.Object
	writes  [3]goja.Value
	caught  map[string]*caught // by the name of the signal
	waits   sync.WaitGroup     // of the goroutines that wait for them

	hooks  *goja.Object // what js/process.js gives; nil until somebody asked for process
	loader *loader

	entry    *goja.Promise // settles when the entry has run; nil before
	timers   int           // that are armed
	checking bool          // a task looks whether anything is left to do
	said     bool          // beforeExit was told, and nothing has happened since
	ended    bool          // the exit code is known
	code     int
	failed   error // why the instance cannot run at all
}

// instances finds the instance of a realm.
var instances = isolate.NewSlot(func(*isolate.JS) *held { return &held{} })

type held struct{ i *Instance }

// InstanceOf is the instance that the realm belongs to; nil where it is none of a
// program.
func InstanceOf(js *isolate.JS) *Instance { return instances.Get(js).i }

func (p *Program) newInstance(main bool) *Instance {
	return &Instance{program: p, main: main}
}

// Program is what the instance is a part of; any goroutine.
func (i *Instance) Program() *Program { return i.program }

// Main reports whether it is the main instance; any goroutine.
func (i *Instance) Main() bool { return i.main }

// begin makes the realm and runs the entry, as the first task of the loop.
func (i *Instance) begin(ctx context.Context) {
	if err := i.prepare(); err != nil {
		i.failed = err
		i.iso.Close()
		return
	}
	i.ioc = iocontext.New(i.realm, iocontext.Options{
		Parent:  ctx,
		OnHang:  func(error) { i.look() },
		OnIdle:  i.look,
		OnAbort: i.aborted,
	})
	i.ioc.Run(func(js *isolate.JS) { i.guarded(js, i.start) })
}

// prepare makes the realm.
func (i *Instance) prepare() error {
	p := i.program
	modules := append(webModules(), p.o.Modules...)
	realm, err := i.iso.NewRealm(isolate.RealmOptions{
		Name:   i.iso.Name(),
		Compat: p.compat,
		Setup: []func(js *isolate.JS) error{
			func(js *isolate.JS) error {
				instances.Get(js).i = i
				glue.SetMachine(js, machine{i.program})
				return bind.Install(js, modules)
			},
			func(js *isolate.JS) error { return i.setup(js) },
		},
		Ticks:       i.ticks.run,
		OnRejection: i.rejected,
		OnCondemned: i.condemned,
	})
	if err != nil {
		return err
	}
	i.realm = realm
	return nil
}

func (i *Instance) setup(js *isolate.JS) error {
	p := i.program
	i.ticks.failed = i.uncaughtError
	i.loader = newLoader(i)
	crypto.Configure(js, crypto.Flags{})
	fetch.SetOutbound(js, p.o.Outbound)
	sockets.SetOutbound(js, p.o.Outbound)
	websockets.SetOutbound(js, p.o.Outbound)
	events.SetReporter(js, i.uncaughtError)
	console.SetSink(js, func(level, text string) {
		fd := 1
		if level == console.Warn || level == console.Error {
			fd = 2
		}
		i.print(js, fd, text+"\n")
	})
	program := bind.ProgramOf(js)
	program.Builtin = func(specifier string) (goja.Value, error) {
		v, ok, err := i.builtin(js, specifier)
		if err == nil && !ok {
			v = goja.Undefined()
		}
		return v, err
	}
	for _, setup := range p.o.Setup {
		if err := setup(js, i); err != nil {
			return err
		}
	}
	return nil
}

// start runs the entry.
func (i *Instance) start(js *isolate.JS) error {
	v, err := i.loader.run(js)
	if err != nil || v == nil {
		return err
	}
	i.entry, _ = v.Export().(*goja.Promise)
	return nil
}

// guarded runs fn, whose error is an uncaught exception.
func (i *Instance) guarded(js *isolate.JS, fn func(js *isolate.JS) error) {
	if err := fn(js); err != nil {
		i.uncaughtError(js, err)
	}
}

// look finds out, once what is queued has run, whether anything is left to do.
func (i *Instance) look() {
	if i.checking || i.ended {
		return
	}
	i.checking = true
	// A closed loop looks for nothing.
	_ = i.iso.Loop().Post(func() {
		i.checking = false
		switch {
		case i.ended || !i.ioc.Quiet():
		case i.iso.Loop().Backlog() > 0:
			i.look()
		default:
			i.idle()
		}
	})
}

// idle is called when nothing is left to do: beforeExit may make something.
func (i *Instance) idle() {
	if i.said || i.hooks == nil {
		i.ioc.Run(func(js *isolate.JS) { i.guarded(js, i.end) })
		return
	}
	i.said = true
	i.ioc.Run(func(js *isolate.JS) {
		i.guarded(js, func(js *isolate.JS) error {
			_, err := i.hook(js, "beforeExit")
			return err
		})
		i.look()
	})
}

// Alive says that the instance has something to do again.
func (i *Instance) alive() { i.said = false }

// end is the end of a program that has nothing left to do.
func (i *Instance) end(js *isolate.JS) error {
	code := 0
	if i.entry != nil && i.entry.State() == goja.PromiseStatePending {
		code = exitUnsettled
	}
	if i.hooks != nil {
		v, err := i.hook(js, "exit", js.Runtime().ToValue(code))
		if err != nil {
			return err
		}
		code = int(v.ToInteger())
	}
	if code == exitUnsettled && i.entry != nil && i.entry.State() == goja.PromiseStatePending {
		i.print(js, 2, "Warning: Detected unsettled top-level await\n")
	}
	i.finish(code)
	return nil
}

// Exit codes of node.
const (
	exitUncaught  = 1
	exitHandler   = 7
	exitUnsettled = 13
)

// errEnded is the reason with which code is stopped that runs when the program ends.
var errEnded = errors.New("the program has ended")

// finish ends the instance with a code; the first one counts.
func (i *Instance) finish(code int) {
	if i.ended {
		return
	}
	i.ended, i.code = true, code
	i.ioc.Abort(exception.Errorf("%s", errEnded))
	i.iso.Close()
}

// exit ends the instance at this line: it does not return.
func (i *Instance) exit(js *isolate.JS, code int) error {
	i.finish(code)
	return iocontext.Terminate(js, exception.Errorf("%s", errEnded))
}

// aborted is told that the context can not go on: a turn that the engine lost, or one of
// the runtime's own that failed.
func (i *Instance) aborted(err error) {
	if i.ended {
		return
	}
	i.ended, i.code = true, exitUncaught
	text := err.Error()
	var e *exception.Exception
	if errors.As(err, &e) && e.Stack != "" {
		text = e.Stack
	}
	i.program.complain("Uncaught:\n" + text + "\n\n" + versionLine)
	i.iso.Close()
}

// condemned is told that the realm is lost.
func (i *Instance) condemned(cause error, _ *isolate.Frame) {
	if i.ended {
		return
	}
	e := isolate.Stopped(cause)
	i.ended, i.code = true, exitUncaught
	if errors.Is(cause, isolate.ErrMemoryLimit) {
		i.code = exitAbort
		i.program.complain("FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory\n")
	} else {
		i.program.complain("Uncaught " + e.Error() + "\n\n" + versionLine)
	}
	i.ioc.Abort(e)
	i.iso.Close()
}

// exitAbort is what a process says that SIGABRT ended.
const exitAbort = 134

// hook calls a function of js/process.js.
func (i *Instance) hook(js *isolate.JS, name string, args ...goja.Value) (goja.Value, error) {
	return js.Call(i.hooks.Get(name), nil, args...)
}

// builtin is a module that the program has without a file. ok is false where there is
// none of that name.
func (i *Instance) builtin(js *isolate.JS, specifier string) (v goja.Value, ok bool, err error) {
	name, ok := i.program.builtinName(specifier)
	if !ok {
		return nil, false, nil
	}
	for _, m := range i.program.o.Modules {
		if mk := m.Builtins[name]; mk != nil {
			v, err = mk(js)
			return v, true, err
		}
	}
	v, err = nodeModules().Load(js, name)
	return v, true, err
}
