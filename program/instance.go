package program

import (
	"sync"

	"github.com/dop251/goja"

	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/napa"
	"workerd.local/threads"
	"workerd.local/threads/face"
	"workerd.local/threads/ports"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/console"
	"workerd.local/webapi/crypto"
	"workerd.local/webapi/events"
	"workerd.local/webapi/fetch"
	"workerd.local/webapi/global"
	"workerd.local/webapi/node/core"
	"workerd.local/webapi/node/glue"
	"workerd.local/webapi/sockets"
	"workerd.local/webapi/websockets"
)

// bodyOptions say what an instance runs.
type bodyOptions struct {
	// File is the path of the entry, relative to the program's working directory.
	File string
	// Source is the entry's text where there is no file; File names it then.
	Source string
	Eval   bool // there is a Source
	// Argv0 stands before the file in process.argv, ExecArgv is process.execArgv.
	Argv0          string
	Args, ExecArgv []string
	// ReadOnly says that the instance sees what belongs to the process, and changes none of
	// it.
	ReadOnly bool
	// NoStdin says that process.stdin is null.
	NoStdin bool
	// Thread says that the instance must not change what belongs to the process.
	Thread bool

	env    *environment // nil for the program's
	output func(fd int, b []byte) (alone bool, err error)
	stdin  func(js *isolate.JS) (goja.Value, error)
}

// Instance is one isolate of a program, with an entry that it runs. It is the body of a
// thread.
type Instance struct {
	program *Program
	o       bodyOptions
	main    bool
	thread  *threads.Thread

	iso    *isolate.Isolate
	realm  *isolate.Realm
	ioc    *iocontext.Context
	ticks  ticks
	timers int // that are armed
	loader *loader
	zone   *napa.Worker // what it is in its zone; nil until it asks for napajs

	// streams are process.stdout and stderr where they were made, and writes their methods.
	streams [3]*goja.Object
	writes  [3]goja.Value
	caught  map[string]*caught // by the name of the signal
	waits   sync.WaitGroup     // of the goroutines that wait for them

	process *goja.Object  // of the script; nil until somebody asked for it
	hook    goja.Value    // what js/machine/process.js gives; nil until somebody asked for process
	entry   *goja.Promise // settles when the entry has run; nil where it has, or does at once
	at      place         // where the exception was thrown that is looked at
	origin  string        // what node calls the way it came
	reason  string        // how the reason of a rejection that is no error is told
	code    *int          // with which the script has asked to end
}

var (
	_ threads.Body    = (*Instance)(nil)
	_ threads.Ender   = (*Instance)(nil)
	_ threads.Catcher = (*Instance)(nil)
)

// instances finds the instance of a realm.
var instances = isolate.NewSlot(func(*isolate.JS) *held { return &held{} })

type held struct{ i *Instance }

// instanceOf is the instance that the realm belongs to; nil where it is none of a
// program.
func instanceOf(js *isolate.JS) *Instance { return instances.Get(js).i }

// newBody is what a thread runs: a file of the program, in a realm of its own; any
// goroutine.
func (p *Program) newBody(o bodyOptions) *Instance {
	if o.env == nil {
		o.env = p.env
	}
	return &Instance{program: p, o: o}
}

// Prepare is threads.Body's.
func (i *Instance) Prepare(iso *isolate.Isolate, t *threads.Thread) (*isolate.Realm, error) {
	i.iso, i.thread = iso, t
	p := i.program
	_, globals := p.modules()
	realm, err := iso.NewRealm(isolate.RealmOptions{
		Name:   iso.Name(),
		Compat: p.compat,
		Setup: []func(js *isolate.JS) error{
			func(js *isolate.JS) error {
				instances.Get(js).i = i
				glue.SetMachine(js, machine{p, i})
				return globals.Install(js)
			},
			func(js *isolate.JS) error { return i.setup(js) },
		},
		Ticks:       i.ticks.run,
		Ticking:     i.ticks.wait,
		OnRejection: i.rejected,
	})
	i.realm = realm
	return realm, err
}

func (i *Instance) setup(js *isolate.JS) error {
	p := i.program
	i.ticks.failed = i.uncaughtError
	i.loader = newLoader(i)
	// Scripts look here to know where they are.
	if err := global.Identify(js, "Node.js/"+core.Version[:2], "global"); err != nil {
		return err
	}
	crypto.Configure(js, crypto.Flags{})
	fetch.SetOutbound(js, p.o.Outbound)
	sockets.SetOutbound(js, p.o.Outbound)
	websockets.SetOutbound(js, p.o.Outbound)
	events.SetReporter(js, i.uncaughtError)
	console.SetSink(js, i.sink(js))
	console.SetWhole(js)
	*face.ProgramOf(js) = face.Program{Root: p.root, Loader: workers{p}, Env: i.o.env.get}
	ports.Setup(js, &p.hub)
	program := bind.ProgramOf(js)
	program.Builtin = func(specifier string) (goja.Value, error) {
		v, ok, err := i.builtin(js, specifier)
		if err == nil && !ok {
			v = goja.Undefined()
		}
		return v, err
	}
	return nil
}

// Start is threads.Body's: it runs the entry.
func (i *Instance) Start(js *isolate.JS, _ *threads.Thread) (goja.Value, error) {
	ioc, err := iocontext.Current(js)
	if err != nil {
		return nil, err
	}
	i.ioc = ioc
	ioc.OnEnd(i.releaseSignals)
	v, err := i.loader.run(js)
	if err != nil {
		i.uncaughtError(js, err)
		return goja.Undefined(), nil
	}
	i.entry, _ = v.Export().(*goja.Promise)
	if i.entry == nil {
		return v, nil
	}
	// What goes wrong later is told where all that nobody caught is.
	ran, resolve, _ := js.NewPromise()
	js.OnSettled(v, func(js *isolate.JS, _ goja.Value, err error) {
		if err != nil {
			i.uncaughtError(js, err)
		}
		resolve(goja.Undefined())
	})
	return ran, nil
}

// guarded runs fn, whose error is an uncaught exception.
func (i *Instance) guarded(js *isolate.JS, fn func(js *isolate.JS) error) {
	if err := fn(js); err != nil {
		i.uncaughtError(js, err)
	}
}

// Idle is threads.Body's: beforeExit may make something to do.
func (i *Instance) Idle(js *isolate.JS, _ *threads.Thread) bool {
	if i.hook != nil {
		i.guarded(js, func(js *isolate.JS) error {
			_, err := i.tell(js, "beforeExit")
			return err
		})
	}
	return false
}

// Exit codes of node.
const (
	exitUncaught  = 1
	exitHandler   = 7
	exitUnsettled = 13
	exitAbort     = 134
)

// End is threads.Ender's: the listeners of exit run.
func (i *Instance) End(js *isolate.JS, _ *threads.Thread, code int) int {
	if i.code != nil {
		code = *i.code
	} else if code == 0 && i.unsettled() {
		code = exitUnsettled
	}
	if i.hook != nil {
		v, err := i.tell(js, "exit", js.Runtime().ToValue(code))
		switch {
		case i.code != nil:
			return *i.code // a listener has ended the program
		case err != nil && isolate.Uncatchable(err):
			js.Panic(err)
		case err != nil && !i.main:
			i.thread.Fail(js, js.Error(err))
			return code
		case err != nil:
			i.complainOf(js, js.Error(err), placeOf(err))
			return exitUncaught
		}
		code = int(v.ToInteger())
	}
	if code == exitUnsettled && i.unsettled() && i.main {
		i.print(js, 2, "Warning: Detected unsettled top-level await at "+i.loader.im.stalledAt(js)+"\n")
	}
	return code
}

func (i *Instance) unsettled() bool {
	return i.entry != nil && i.entry.State() == goja.PromiseStatePending
}

// exit ends the instance at this line: it does not return.
func (i *Instance) exit(js *isolate.JS, code int) {
	if i.code == nil {
		i.code = &code
	}
	i.thread.Exit(js, code)
}

// tell tells js/machine/process.js of an event of that name.
func (i *Instance) tell(js *isolate.JS, name string, args ...goja.Value) (goja.Value, error) {
	return js.Call(i.hook, nil, append([]goja.Value{js.Runtime().ToValue(name)}, args...)...)
}

// builtin is a module that the program has without a file. ok is false where there is
// none of that name.
func (i *Instance) builtin(js *isolate.JS, specifier string) (v goja.Value, ok bool, err error) {
	name, ok := i.program.builtinName(specifier)
	if !ok {
		return nil, false, nil
	}
	v, err = i.program.maker(name)(js)
	return v, true, err
}
