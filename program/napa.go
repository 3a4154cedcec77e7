package program

import (
	"fmt"
	"path/filepath"

	"github.com/dop251/goja"

	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/napa"
	"workerd.local/threads"
	"workerd.local/webapi/bind"
)

// napaModule is napajs for the instances of a program. What they share is made when one of
// them first asks for it.
func napaModule() bind.Module {
	return bind.Module{Name: "napa", Builtins: map[string]func(js *isolate.JS) (goja.Value, error){
		napa.Specifier: func(js *isolate.JS) (goja.Value, error) {
			if err := instanceOf(js).joinNapa(js); err != nil {
				return nil, err
			}
			return napa.Require(js)
		},
	}}
}

// napaSystem is what the threads of the program share; any goroutine.
func (p *Program) napaSystem() *napa.System {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.napa == nil {
		p.napa = napa.NewSystem(napa.Options{Bounds: p.o.Limits.Bounds, Log: stdoutOf{p}, Start: p.startWorker})
		// The node zone is the main instance, whoever asks first, and its calls find the global napa. A program that has
		// ended takes no calls.
		main := p.main
		_ = main.thread.Loop().Post(func() {
			if main.ioc != nil {
				main.ioc.Run(func(js *isolate.JS) {
					main.guarded(js, func(js *isolate.JS) error {
						_, err := napaModule().Builtins[napa.Specifier](js)
						return err
					})
				})
			}
		})
	}
	return p.napa
}

// closeNapa rejects what waits for zones; the threads end with the program's others.
func (p *Program) closeNapa() {
	p.mu.Lock()
	s := p.napa
	p.mu.Unlock()
	if s != nil {
		s.Close()
	}
}

// stdoutOf is the program's output, for napa.log.
type stdoutOf struct{ p *Program }

func (o stdoutOf) Write(b []byte) (int, error) { return len(b), o.p.write(1, b) }

// joinNapa says where the instance stands, once.
func (i *Instance) joinNapa(js *isolate.JS) error {
	if i.zone != nil {
		return nil
	}
	s := i.program.napaSystem()
	if i.zone != nil { // it is the main one, and was told
		return nil
	}
	c, err := iocontext.Current(js)
	if err != nil {
		return err
	}
	if i.zone = s.Outsider(); i.main {
		i.zone = s.Node()
	}
	if err := i.attachNapa(js, false); err != nil {
		return err
	}
	if i.main {
		i.zone.Ready(c)
	}
	return nil
}

// attachNapa says where the instance stands. require in a zone compiles the text that it is given after a name, as
// Napa.js's does.
func (i *Instance) attachNapa(js *isolate.JS, inZone bool) error {
	napa.Attach(js, napa.Place{System: i.program.napaSystem(), Worker: i.zone, Loader: &napaLoader{i: i}})
	return i.loader.common.napa(inZone)
}

// startWorker starts the thread of a worker of a zone.
func (p *Program) startWorker(w *napa.Worker) (napa.Thread, error) {
	b := &napaBody{Instance: p.newBody(bodyOptions{File: "[napa]", Eval: true, NoStdin: true}), worker: w}
	return p.root.Start(threads.Spec{
		Name: w.Name(), Body: b, Stay: true, Unref: true,
		Owner: threads.Owner{
			Failure: func(f *threads.Failure) {
				text := f.Error()
				if f.Stack != "" {
					text = f.Stack
				}
				p.complain(fmt.Sprintf("%s: Uncaught %s\n", w.Name(), text))
			},
			Exit: func(int) {
				if b.realm == nil || b.realm.Condemned() == nil {
					w.Ended(nil)
				} else {
					w.Lost(isolate.Stopped(b.realm.Condemned()))
				}
			},
		},
	})
}

// napaBody is an instance that runs the calls of a zone.
type napaBody struct {
	*Instance
	worker *napa.Worker
}

// Start is threads.Body's.
func (b *napaBody) Start(js *isolate.JS, t *threads.Thread) (goja.Value, error) {
	v, err := b.Instance.Start(js, t)
	if err != nil {
		return nil, err
	}
	c, err := iocontext.Current(js)
	if err != nil {
		return nil, err
	}
	b.zone = b.worker
	if err := b.attachNapa(js, true); err != nil {
		return nil, err
	}
	if _, err := napa.Require(js); err != nil {
		return nil, err
	}
	b.worker.Ready(c)
	return v, nil
}

// napaLoader loads modules for the calls of zones and for transported functions.
type napaLoader struct {
	i       *Instance
	require map[string]*goja.Object // by the file that it is for
}

// mostRequires bounds the functions that are kept; then they are made anew.
const mostRequires = 100

// Resolve is napa.Loader's.
func (l *napaLoader) Resolve(name, from string) (found string, ok bool) {
	f, err := l.i.program.resolver.require(name, filepath.Dir(from), from, l.i.loader.common.paths)
	switch {
	case err != nil:
		return "", false
	case f.builtin != "":
		return f.builtin, true
	}
	return f.file, true
}

// Require is napa.Loader's.
func (l *napaLoader) Require(js *isolate.JS, name, from string) (goja.Value, error) {
	require := l.require[from]
	if require == nil {
		c := &l.i.loader.common
		m, err := c.moduleOf(js, from, goja.Undefined())
		if err != nil {
			return nil, err
		}
		if require, err = c.requireOf(js, m); err != nil {
			return nil, err
		}
		if l.require == nil || len(l.require) >= mostRequires {
			l.require = map[string]*goja.Object{}
		}
		l.require[from] = require
	}
	return js.Call(require, nil, js.Runtime().ToValue(name))
}

// Compile is napa.Loader's.
func (l *napaLoader) Compile(js *isolate.JS, source, file string) (goja.Value, error) {
	return l.i.loader.compileOnce(js, file, source)
}

// Cwd is napa.Loader's.
func (l *napaLoader) Cwd() string { return l.i.program.Cwd() }
