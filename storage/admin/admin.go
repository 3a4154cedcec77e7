// Package admin looks into a storage directory and changes it from outside of the
// actors: what the storage commands do.
//
// A directory that a server has open is reached through the server, on the unix
// socket control.sock beside the file; any other is opened here. Both are the same
// Storage to a command. The socket speaks HTTP; docs/FORMAT.md has its requests. Only
// the permissions of the socket and of its directory protect it.
//
// Words: a reference names an actor as <namespace>/<id or name>; an export is JSON, a
// line for each actor and each entry; readable is the form in which an export shows a
// value.
//
// # Concurrency
//
// A Storage may be used from any goroutine. All of its methods block, and a sequence
// that is not read keeps what it reads from open: read it to its end or break.
package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"workerd.local/actorid"
	"workerd.local/storage"
)

// Errors of all operations.
var (
	// ErrNoStorage means that a directory has no storage file.
	ErrNoStorage = errors.New("there is no storage")
	// ErrUnknown means that no such namespace, actor or key is stored.
	ErrUnknown = errors.New("it is not stored")
	// ErrExists means that an import would replace an actor, and may not.
	ErrExists = errors.New("the actor is stored already")
	// ErrServing means that an operation needs the file for itself.
	ErrServing = errors.New("a server is using the storage")
	// ErrFormat means that the input of an import is no export, or not whole.
	ErrFormat = errors.New("it is not a whole export")
)

// Storage is the operations on one directory.
type Storage interface {
	// Serving reports whether a server has the directory open.
	Serving() bool
	// Actors yields the actors of a namespace, or of all where it is empty, as they
	// were at one moment. ErrUnknown for a namespace that holds nothing.
	Actors(ctx context.Context, namespace string) iter.Seq2[Actor, error]
	// Entries yields what q asks for, in order. ErrUnknown for an actor that is not
	// stored.
	Entries(ctx context.Context, q Query) iter.Seq2[storage.KV, error]
	// Export writes actors as JSON lines, as of one moment; ref is the reference of
	// one, or empty for all.
	Export(ctx context.Context, w io.Writer, ref string) error
	// Import reads an export; each actor becomes durable as a whole.
	Import(ctx context.Context, r io.Reader, o ImportOptions) (Imported, error)
	// Backup writes a consistent copy of the file.
	Backup(ctx context.Context, w io.Writer) error
	// Check reads everything. A finding is a line or several; without any the storage
	// is sound.
	Check(ctx context.Context) (findings []string, err error)
	// Compact removes free pages; ErrServing where a server has the file. Sizes are in
	// bytes.
	Compact(ctx context.Context) (before, after int64, err error)
	Close() error
}

// Actor is one stored actor.
type Actor struct {
	ID actorid.ID
	// Keys and Bytes count its entries: the sum of the lengths of keys and values.
	Keys  int
	Bytes int64
	// Alarm is nil where none is set. An actor's name is stored with its alarm.
	Alarm *Alarm
}

// Name is the actor's name, as far as it is stored.
func (a *Actor) Name() string {
	if a.Alarm == nil {
		return ""
	}
	return a.Alarm.Name
}

// Alarm is a stored alarm.
type Alarm struct {
	Time    time.Time
	Retries int
	Name    string
}

// Query selects entries of one actor.
type Query struct {
	Ref   string
	Range storage.Range
	// Key selects this one entry instead of the range.
	Key    string
	HasKey bool
	// Prefix selects the keys of the range that begin with it.
	Prefix string
}

// bounds is the range that a query means.
func (q *Query) bounds() (r storage.Range, none bool) {
	r = q.Range
	if q.HasKey {
		// The first key after k is k with a zero byte.
		return storage.Range{Start: q.Key, End: q.Key + "\x00"}, false
	}
	if q.Prefix == "" {
		return r, r.End != "" && r.End <= r.Start
	}
	r.Start = max(r.Start, q.Prefix)
	if end := afterPrefix(q.Prefix); end != "" && (r.End == "" || end < r.End) {
		r.End = end
	}
	return r, r.End != "" && r.End <= r.Start
}

// afterPrefix is the first key that comes after all that begin with prefix; empty
// where there is none.
func afterPrefix(prefix string) string {
	b := []byte(prefix)
	for i := len(b) - 1; i >= 0; i-- {
		if b[i]++; b[i] != 0 {
			return string(b[:i+1])
		}
	}
	return ""
}

// ImportOptions say what an import may do.
type ImportOptions struct {
	// Replace lets it replace actors that are stored: everything of them, alarm
	// included.
	Replace bool
	// DryRun reads and checks everything, and writes nothing.
	DryRun bool
}

// Imported is what an import did until its end or its error.
type Imported struct {
	Actors  int   `json:"actors"`
	Entries int64 `json:"entries"`
	Bytes   int64 `json:"bytes"`
}

// Writer changes actors from outside: everything of each of them becomes what its
// write says, atomically for each. A server's first puts an actor away if it is live,
// and lets nobody in meanwhile.
type Writer func(ctx context.Context, writes []storage.Write) error

func describe(id actorid.ID) string { return fmt.Sprintf("%s/%s", id.Namespace, id) }
