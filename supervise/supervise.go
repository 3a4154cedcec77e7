// Package supervise keeps a server alive: a parent process that holds the listening
// sockets, starts the serving process, its child, and starts another one when it dies.
//
// It promises that a death costs what the child had in hand and no more: connections
// that it had not accepted wait in the system's queue for the next child. Two children
// never run at a time, and none outlives its parent.
//
// Words: a subject is who code runs for, a worker or one actor of it; a slot is where an
// isolate notes its subject, in a page of memory that outlives the child; the suspects of
// a death are the subjects that were running; a subject that keeps being one is
// quarantined, which the child is told at its start, and refuses it until then.
//
// The child opens sockets itself and hands copies of them to the parent, each time that
// they change. So the parent reads no configuration, and a socket that a reload has
// closed is closed in the parent too.
//
// # Concurrency
//
// Run blocks. A Child may be used from any goroutine, a Slot by its isolate's, a History
// by one at a time.
package supervise

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"workerd.local/internal/limits"
)

// ErrUnsupported is what Run returns where a process cannot hand sockets to another.
var ErrUnsupported = errors.New("--supervise is not possible on this system, which cannot hand open sockets to another process: run the server without it, under a service manager")

// Subject is who code runs for: a worker, or where Class is not empty one actor of it.
type Subject struct {
	Worker string `json:"worker"`
	Class  string `json:"class,omitempty"`
	Actor  string `json:"actor,omitempty"` // its id, or its name where it has no id
}

func (s Subject) String() string {
	if s.Class == "" {
		return "worker " + s.Worker
	}
	return fmt.Sprintf("worker %s, actor %s/%s", s.Worker, s.Class, s.Actor)
}

// whole is the worker of a subject.
func (s Subject) whole() Subject { return Subject{Worker: s.Worker} }

// Suspect is a subject that was running when the child died.
type Suspect struct {
	Isolate int
	Subject
}

// Quarantine says until when a subject is refused.
type Quarantine struct {
	Subject
	Until time.Time
}

// Socket is an open listening socket, by its name and address in the configuration.
type Socket struct {
	Name, Address string
	Listener      net.Listener
}

// HeldSocket is a listening socket that the parent was started with.
type HeldSocket struct {
	Name, Address string
	File          *os.File
}

// Options say what Run runs.
type Options struct {
	// Args are the command line of the child, without the program's name.
	Args []string
	// Slots is the number of isolates that note what they run, and ThreadSlots that of threads, whose slots follow.
	Slots, ThreadSlots int
	// Sockets are handed to the first child; Run closes them.
	Sockets []HeldSocket
	// Stdout and Stderr are the child's.
	Stdout, Stderr *os.File
	// Reloads asks the child, each time, to read its configuration again.
	Reloads <-chan struct{}
	// Bounds are those of restarts and quarantines; nil means those of the table.
	Bounds *limits.Set
	// Log is told of every death; nil means slog.Default.
	Log *slog.Logger
}
