package program

import (
	"os"
	"os/signal"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/iocontext"
	"workerd.local/isolate"
)

// caught is a signal that process has a listener of. It does not keep the program going.
type caught struct {
	ch   chan os.Signal
	done chan struct{}
}

// catchSignal calls fn for each signal of a name from now on.
func (i *Instance) catchSignal(js *isolate.JS, name string, fn goja.Value) error {
	number, ok := signals[name]
	if name == "SIGKILL" || name == "SIGSTOP" {
		return exception.Errorf("uv_signal_start EINVAL")
	}
	if !ok || i.caught[name] != nil || i.ioc.Ended() {
		return nil // a signal that never comes here
	}
	ioc, err := iocontext.Current(js)
	if err != nil {
		return err
	}
	entry := ioc.Capture(js)
	c := &caught{ch: make(chan os.Signal, 8), done: make(chan struct{})}
	if i.caught == nil {
		i.caught = map[string]*caught{}
	}
	i.caught[name] = c
	i.program.hold(name)
	signal.Notify(c.ch, number)
	i.waits.Go(func() {
		for {
			select {
			case <-c.done:
				return
			case <-c.ch:
				// A closed loop has nobody left to tell.
				_ = i.iso.Loop().Post(func() {
					if i.caught[name] != c || i.ioc.Ended() {
						return
					}
					i.ioc.RunIn(entry, func(js *isolate.JS) {
						i.guarded(js, func(js *isolate.JS) error {
							_, err := js.Call(fn, nil, js.Runtime().ToValue(int(number)))
							return err
						})
					}, nil)
				})
			}
		}
	})
	return nil
}

func (i *Instance) releaseSignal(name string) {
	c := i.caught[name]
	if c == nil {
		return
	}
	delete(i.caught, name)
	signal.Stop(c.ch)
	close(c.done)
	i.program.release(name)
}

// releaseSignals ends all that wait for one.
func (i *Instance) releaseSignals() {
	for name := range i.caught {
		i.releaseSignal(name)
	}
}

// hold and release count who has a listener of a signal.
func (p *Program) hold(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listened == nil {
		p.listened = map[string]int{}
	}
	p.listened[name]++
}

func (p *Program) release(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.listened[name]--
}

// Listened reports whether the program has a listener of the signal, which then does not
// end it; any goroutine.
func (p *Program) Listened(s os.Signal) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, number := range signals {
		if number == s {
			return p.listened[name] > 0
		}
	}
	return false
}

// exitSignal and the number of a signal is what a shell says of a process that it ended.
const exitSignal = 128
