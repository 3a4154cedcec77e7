package serialize

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// Look is what a worker is doing.
type Look struct {
	// Busy says that it does not come to an end of its turn; then the rest is not known.
	Busy  bool
	State State
	// Alive says that it waits for something.
	Alive bool
	// Timers are those that may still fire: for each whether it is an interval.
	Timers []bool
	// Requests are those of a run that is recorded.
	Requests []string
}

const (
	lookEvery = 20 * time.Millisecond // the turn that runs is looked at
	// lookMost is for what is no turn and does not end, such as a wait for other threads.
	lookMost = 10 * time.Second
)

// Look waits for the end of the turn that runs, until that has had so much more of a
// processor, or ctx ends; any goroutine. A worker to which a machine that is busy gives no
// processor is not a busy worker.
func (w *Worker) Look(ctx context.Context, turn time.Duration) Look {
	found := make(chan Look, 1)
	if w.iso.Loop().Post(func() {
		l := Look{State: w.state, Alive: !w.ioc.Quiet() || w.waits > 0, Requests: w.net.UnderWay()}
		for _, id := range slices.Sorted(maps.Keys(w.timers)) {
			l.Timers = append(l.Timers, w.timers[id].repeat)
		}
		found <- l
	}) != nil {
		return Look{} // it has ended
	}
	ctx, cancel := context.WithTimeout(ctx, lookMost)
	defer cancel()
	ticks := time.NewTicker(lookEvery)
	defer ticks.Stop()
	before, seen := w.iso.TurnTime()
	for {
		select {
		case l := <-found:
			return l
		case <-ctx.Done():
			return Look{Busy: true}
		case <-ticks.C:
		}
		used, runs := w.iso.TurnTime()
		switch {
		case !runs:
			seen = false
		case !seen || used < before: // another turn
			before, seen = used, true
		case used-before >= turn:
			return Look{Busy: true}
		}
	}
}

// Failure is what a worker dies of.
type Failure struct {
	// Trigger is UncaughtException or FatalError.
	Trigger string
	// Message is the first line of a stack, or what was thrown as text; Stack is the others.
	Message string
	Stack   []string
	// Properties are those of an error beside these.
	Properties map[string]string
}

// mostProperties is how many properties of an error are told.
const mostProperties = 100

// failing tells Options.OnFailure what the worker dies of.
func (w *Worker) failing(js *isolate.JS, err error) {
	if w.o.OnFailure == nil || !w.tape.IsLive() && !w.tape.IsRecording() {
		return // nobody wants to know, or it is said of the run that is repeated
	}
	f := Failure{Trigger: "UncaughtException", Properties: map[string]string{}}
	lines := strings.Split(describe(js, err), "\n")
	f.Message = lines[0]
	for _, l := range lines[1:] {
		f.Stack = append(f.Stack, strings.TrimSpace(l))
	}
	if obj, ok := js.Error(err).(*goja.Object); ok {
		// What throws while it is read is not told.
		_ = js.Try(func() {
			entries, err := bind.Record(js, obj)
			if err != nil {
				js.Panic(err)
			}
			for _, e := range entries {
				if e.Name != "stack" && e.Name != "message" && len(f.Properties) < mostProperties {
					f.Properties[e.Name] = e.Value.String()
				}
			}
		})
	}
	w.o.OnFailure(f)
}

// dying is failing for what is no exception.
func (w *Worker) dying(message string) {
	if w.o.OnFailure != nil && (w.tape.IsLive() || w.tape.IsRecording()) {
		w.o.OnFailure(Failure{Trigger: "FatalError", Message: message, Properties: map[string]string{}})
	}
}
