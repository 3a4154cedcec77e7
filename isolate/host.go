package isolate

import (
	"crypto/rand"
	"io/fs"
	"os"
	"time"
)

// Host is the only source of time, randomness, environment, files and the order
// in which background work completes: a program that records these can be
// replayed. Methods may be called from any goroutine.
type Host interface {
	// Now is the wall clock.
	Now() time.Time
	// Random fills p with cryptographically strong random bytes.
	Random(p []byte)
	// Getenv looks up an environment variable of the process.
	Getenv(name string) (string, bool)
	// Files opens a directory of the machine for reading.
	Files(dir string) fs.FS
	// Complete is called on the goroutine that finished a piece of background
	// work; deliver posts the outcome to the loop. The order of the calls to
	// deliver is the order that scripts observe.
	Complete(deliver func())
}

// Sequencer is a Host that knows which piece of background work completes, and so can
// bring the same ones back in the same order.
type Sequencer interface {
	// Begin is called on the isolate's goroutine when the work starts. What it returns takes
	// the place of Complete for this piece of work, and is called at most once.
	Begin() (complete func(deliver func()))
}

// Begin says that a piece of background work starts; isolate's goroutine. complete is what
// to call, on the goroutine that finished the work, as Host.Complete.
func Begin(h Host) (complete func(deliver func())) {
	if s, ok := h.(Sequencer); ok {
		return s.Begin()
	}
	return h.Complete
}

type systemHost struct{}

// SystemHost is the real machine.
func SystemHost() Host { return systemHost{} }

func (systemHost) Now() time.Time                    { return time.Now() }
func (systemHost) Random(p []byte)                   { rand.Read(p) }
func (systemHost) Getenv(name string) (string, bool) { return os.LookupEnv(name) }
func (systemHost) Files(dir string) fs.FS            { return os.DirFS(dir) }
func (systemHost) Complete(deliver func())           { deliver() }
