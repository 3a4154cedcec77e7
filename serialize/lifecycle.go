package serialize

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/script"
	"workerd.local/webapi/console"
	"workerd.local/webapi/events"
)

// The flows, each in one function: what comes after what.

// startNormal is the life of a worker without a seed.
func (w *Worker) startNormal(js *isolate.JS) {
	w.run(js, w.o.Preload, func(js *isolate.JS) { w.run(js, w.o.Program, w.install) })
}

// startSeed runs the script up to where it parks.
func (w *Worker) startSeed(js *isolate.JS) {
	w.run(js, w.o.Preload, func(js *isolate.JS) { w.run(js, w.o.Program, w.serialize) })
}

// startBuild is startSeed for a snapshot, which has no preload.
func (w *Worker) startBuild(js *isolate.JS) { w.run(js, w.o.Program, w.serialize) }

// goOn is what a worker does that was parked.
func (w *Worker) goOn(js *isolate.JS) {
	w.run(js, w.o.Preload, func(js *isolate.JS) {
		w.loaded = w.tape.Now()
		w.fire(js, "deserialize", func(js *isolate.JS) {
			next := Deserialized
			if w.forkable {
				next = ForkPrepared
			}
			w.state.become(next)
			w.install(js)
		})
	})
}

// goOnAsSeed is goOn for a worker of a snapshot that parks once more.
func (w *Worker) goOnAsSeed(js *isolate.JS) {
	w.run(js, w.o.Preload, func(js *isolate.JS) {
		w.fire(js, "deserialize", func(js *isolate.JS) {
			w.state.become(Deserialized)
			w.serialize(js)
		})
	})
}

// run evaluates a program, nil for none, and goes on when its top level has run.
func (w *Worker) run(js *isolate.JS, p *Program, then func(js *isolate.JS)) {
	if p == nil {
		then(js)
		return
	}
	ev, err := p.script.Evaluate(js.Runtime(), script.Host{
		ImportMeta: func(m script.ModuleInfo, meta *goja.Object) error { return meta.Set("url", p.url(m.Name)) },
	})
	if err != nil {
		w.uncaught(js, err)
		return
	}
	js.OnSettled(ev.Value, func(js *isolate.JS, _ goja.Value, err error) {
		if p == w.o.Program {
			w.loaded = w.tape.Now()
		}
		if err != nil && p.Module {
			// Nobody handles the promise of a module.
			js.Rejected(err)
			return
		}
		if err != nil {
			w.uncaught(js, err)
		}
		js.Later(then)
	})
}

// fire dispatches an event of the worker's life, and goes on when it is over. Where a
// listener throws or the event fails, nothing follows.
func (w *Worker) fire(js *isolate.JS, typ string, then func(js *isolate.JS)) {
	e := newExtendable(typ)
	if _, err := events.Deliver(js, events.Global(js), extendableClass, e); err != nil {
		w.uncaught(js, err)
		return
	}
	e.end(js)
	e.whenSettled(js, func(js *isolate.JS, err error) {
		if err != nil {
			js.Rejected(err)
			return
		}
		js.Later(then)
	})
}

func (w *Worker) serialize(js *isolate.JS) {
	w.fire(js, "serialize", func(js *isolate.JS) {
		w.state.become(Serialized)
		w.parked = true
	})
}

func (w *Worker) install(js *isolate.JS) {
	w.fire(js, "install", func(js *isolate.JS) {
		w.state.become(Installed)
		w.installed = true
		w.armed.Store(true)
		waiting := w.onInstall
		w.onInstall = nil
		for _, fn := range waiting {
			fn(js)
		}
	})
}

// afterInstall calls fn in a turn once the worker is installed.
func (w *Worker) afterInstall(js *isolate.JS, fn func(js *isolate.JS)) {
	if w.installed {
		fn(js)
		return
	}
	w.onInstall = append(w.onInstall, fn)
}

// activate is what the init request of a control plane does.
func (w *Worker) activate(js *isolate.JS) {
	w.afterInstall(js, func(js *isolate.JS) {
		if w.activated {
			return
		}
		w.activated = true
		w.fire(js, "activate", func(*isolate.JS) { w.state.become(Activated) })
	})
}

// Terminate is SIGTERM; any goroutine. A worker that is installed is told `uninstall`
// and dies when that event is over, any other one dies at once.
func (w *Worker) Terminate() {
	if !w.armed.Swap(false) {
		w.kill(Exit{Code: ExitTerminated, Terminated: true})
		return
	}
	dying := func(*isolate.JS) { w.end(Exit{Code: ExitTerminated, Terminated: true}) }
	// A closed loop has ended already.
	_ = w.post(func(js *isolate.JS) { w.fire(js, "uninstall", dying) })
}

// Interrupt is SIGINT: the worker dies at once; any goroutine.
func (w *Worker) Interrupt() { w.kill(Exit{Code: 128 + 2}) }

// kill ends the worker, in the middle of its code where it has to; any goroutine.
func (w *Worker) kill(e Exit) {
	w.killed.CompareAndSwap(nil, &e)
	w.rt.Interrupt(errExited)
	// A closed loop has ended already.
	_ = w.iso.Loop().Post(func() {})
}

// uncaught is told of an exception that nobody caught.
func (w *Worker) uncaught(js *isolate.JS, err error) {
	if isolate.Uncatchable(err) {
		js.Panic(err)
	}
	if w.exit != nil {
		return
	}
	t, e, text := events.Global(js), js.Exception(err), describe(js, err)
	if !t.Has("error") {
		w.printError("Uncaught " + text)
		w.failing(js, err)
		w.leave(js, Exit{Code: ExitFailed})
		return
	}
	ev := &events.ErrorEvent{Event: events.New("error", true), Message: e.Message, Error: js.Error(err)}
	if ev.Message == "" {
		ev.Message = e.Error()
	}
	ev.Filename, ev.Line, ev.Column = place(e.Stack)
	if _, err := events.Deliver(js, t, events.ErrorEventClass, ev); err != nil {
		w.fatal(js, `Uncaught Exception on "error"`, err)
	}
	if !ev.Prevented() {
		w.printError("Uncaught " + text)
	}
}

// fatal ends the worker because a listener for failures failed.
func (w *Worker) fatal(js *isolate.JS, reason string, err error) {
	if isolate.Uncatchable(err) {
		js.Panic(err)
	}
	w.printError(reason + ": " + describe(js, err))
	w.failing(js, err)
	w.leave(js, Exit{Code: ExitFailed})
}

// describe is an exception as people read it: the stack of an error, any other value as the
// console prints it.
func describe(js *isolate.JS, err error) string {
	e := js.Exception(err)
	if v := js.Error(err); v != nil {
		if o, ok := v.(*goja.Object); !ok || o.ClassName() != "Error" && e.Stack == "" {
			return console.Format(js, []goja.Value{v})
		}
	}
	if e.Stack == "" {
		return e.Error()
	}
	return e.Stack
}

// rejection is told of promises that were rejected and have no handler, and of those that
// have one after all.
func (w *Worker) rejection(js *isolate.JS, r isolate.Rejection) {
	if w.over() {
		return
	}
	js.In(w.ioc.Frame(), func() { w.tellRejection(js, r) })
}

func (w *Worker) tellRejection(js *isolate.JS, r isolate.Rejection) {
	typ := "unhandledrejection"
	if r.Handled {
		typ = "rejectionhandled"
	}
	ev := &events.PromiseRejectionEvent{Event: events.New(typ, !r.Handled), Promise: r.Promise, Reason: r.Reason}
	if _, err := events.Deliver(js, events.Global(js), events.PromiseRejectionEventClass, ev); err != nil {
		w.printError(`Uncaught Exception on "` + typ + `": ` + describe(js, err))
		w.failing(js, err)
		w.end(Exit{Code: ExitFailed})
		return
	}
	if r.Handled || ev.Prevented() {
		return
	}
	// Nothing of the script runs here that would have to stop.
	reason := js.Thrown(r.Reason)
	w.printError("Uncaught (in promise) " + describe(js, reason))
	w.failing(js, reason)
	w.end(Exit{Code: ExitFailed})
}

var stackLine = regexp.MustCompile(`^\s+at (?:.*\()?(.*?):(\d+):(\d+)\)?$`)

// place is where the first line of a stack points.
func place(stack string) (name string, line, column int) {
	for l := range strings.Lines(stack) {
		if m := stackLine.FindStringSubmatch(strings.TrimRight(l, "\n")); m != nil {
			line, _ = strconv.Atoi(m[2]) // a number beyond int is 0
			column, _ = strconv.Atoi(m[3])
			return m[1], line, column
		}
	}
	return "", 0, 0
}

// Child is what is new for a worker that goes on.
type Child struct {
	Args []string
	Env  []string
	// Preload replaces that of the parked worker, Location too where it is not empty.
	Preload  *Program
	Location string
}

// becomeChild makes a parked worker go on with an environment of its own. What runs from
// here on is no part of any log.
func (w *Worker) becomeChild(c Child, o Options) {
	w.tape.GoLive()
	w.origin, w.idle = w.tape.Now(), 0
	w.env.replace(c.Env)
	w.args, w.out, w.err = c.Args, o.Stdout, o.Stderr
	w.o.Preload = c.Preload
	w.parked = false
	if o.depot != nil {
		w.depot = o.depot
	}
	if c.Location != "" {
		w.location = c.Location
	}
	w.turn(w.begin)
	w.net.Fork()
}
