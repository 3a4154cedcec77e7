// Package storage is the seam between actors and durable bytes.
//
// A Store keeps, for every actor, an ordered map of keys to values and at most
// one alarm. It blocks, may be called from any goroutine, and knows nothing of
// JavaScript, caches or gates. One process on one file (package bolt), memory
// (package mem) and a store written by somebody else stand behind the same
// interface; package storagetest is its contract as tests.
//
// Words: a shard is a fixed hash slot of actors; a token is the right to write
// one shard, with an epoch that grows by one at every change of the shard's
// owner; a commit whose token is no longer current is fenced: nothing of it is
// applied.
package storage

import (
	"context"
	"errors"
	"io"
	"iter"
	"strings"
	"time"

	"workerd.local/actorid"
)

// Errors when opening.
var (
	// ErrLocked means another process has the storage open.
	ErrLocked = errors.New("storage is locked by another process")
	// ErrVersion means the file was written by a newer format.
	ErrVersion = errors.New("storage has an unknown format version")
	// ErrDamaged means the bytes on disk are not what was written.
	ErrDamaged = errors.New("storage is damaged")
)

// Errors in use.
var (
	// ErrClosed is returned by every method after Close.
	ErrClosed = errors.New("storage is closed")
	// ErrFenced is returned by reads whose token is no longer current.
	ErrFenced = errors.New("storage token is no longer current")
	// ErrFailed is returned by every method after a write to the file failed:
	// what the file holds is unknown until it is opened again, so no later
	// success could be believed. The first error is wrapped with it.
	ErrFailed = errors.New("storage failed and must be opened again")
)

// Limits that every Store keeps. Batches beyond them are refused whole.
const (
	// MaxKeyBytes is the length of the longest key. Scripts are held to less by
	// most calls, but not by all of them (workerd, "Storage cache").
	MaxKeyBytes = 16 << 10
	// MaxValueBytes is the length of the longest value.
	MaxValueBytes = 256 << 20
	// MaxNamespaceBytes is the length of the longest namespace.
	MaxNamespaceBytes = 1 << 10
	// MaxActorKeyBytes is the length of the longest actorid.ID.Key.
	MaxActorKeyBytes = 1 << 10
)

// The namespaces of KV namespaces and R2 buckets begin with these.
const (
	KVPrefix = "kv:"
	R2Prefix = "r2:"
)

// Opaque reports whether the values of a namespace are not those of a script, and so may be
// any bytes.
func Opaque(namespace string) bool {
	return strings.HasPrefix(namespace, KVPrefix) || strings.HasPrefix(namespace, R2Prefix)
}

// Token is the right to write one shard.
type Token struct {
	Shard uint32
	Epoch uint64
}

// KV is one key with its value. Above a Store both slices are immutable and may
// be shared and kept; a Store hands out copies of whatever it does not own.
type KV struct {
	Key   string
	Value []byte
}

// Range is a set of keys in bytewise order, from Start (included) to End
// (excluded).
type Range struct {
	Start string
	// End bounds the range; the empty string means no upper bound.
	End string
	// Limit is the greatest number of entries; 0 means all.
	Limit int
	// Reverse lists from the end.
	Reverse bool
}

// AlarmOp says what a Write does with the actor's alarm.
type AlarmOp uint8

const (
	AlarmKeep AlarmOp = iota
	AlarmSet
	AlarmClear
	// AlarmClearIf removes the alarm only where its time is still Time.
	AlarmClearIf
	// AlarmCountIf sets the number of retries only where the time is still Time.
	AlarmCountIf
)

// AlarmChange is the alarm part of a Write.
type AlarmChange struct {
	Op   AlarmOp
	Time time.Time
	// Name is the actor's name, kept so that ctx.id.name is there when the alarm
	// re-creates the actor. An empty name keeps the one that is stored.
	Name string
	// Retries is the number of counted retries so far.
	Retries int
}

// Write is everything that one actor changed since its last commit, coalesced.
// DelFacets comes first, then DelAll, Copy, Del, Put. Keys within Del and Put are distinct.
type Write struct {
	Actor actorid.ID
	// DelFacets removes everything of the actor's facets, and of theirs.
	DelFacets bool
	DelAll    bool
	// Copy, where it is not zero, is an actor of the same root: its entries become the
	// actor's too, and those of its facets become those of the actor's facets of the same
	// names. Neither is a facet of the other.
	Copy  actorid.ID
	Del   []string
	Put   []KV
	Alarm AlarmChange
}

// Due is one actor's alarm.
type Due struct {
	Actor   actorid.ID
	Time    time.Time
	Name    string
	Retries int
}

// ActorInfo describes one stored actor.
type ActorInfo struct {
	Actor actorid.ID
	// Keys is the number of its entries, Bytes the sum of their key and value
	// lengths.
	Keys  int
	Bytes int64
}

// Store keeps the durable bytes of actors. All methods block and may be called
// from any goroutine, except that Close is called once. The token of a call is
// that of the actor's shard; a token of another shard is an error.
type Store interface {
	// Get returns the entries that exist among keys, in the order of the keys
	// given.
	Get(ctx context.Context, t Token, a actorid.ID, keys []string) ([]KV, error)
	// Scan yields a range in order, or in reverse order. It ends after the first
	// error. The sequence reads a consistent view; breaking out of it is allowed.
	// A long sequence keeps a snapshot open while the loop body runs, and a writer
	// may have to wait for it: the body must not call the same store, nor wait for
	// somebody who does.
	Scan(ctx context.Context, t Token, a actorid.ID, r Range) iter.Seq2[KV, error]
	// Commit applies a batch. Each token's writes are applied all or not at all;
	// when err is nil, everything but the fenced tokens' writes is durable; fenced
	// is in the order of shards. When err is not nil, nothing is promised to be
	// durable and a caller must treat its in-memory state as lost; only the error
	// of CheckBatch, ErrClosed and ctx's own error promise that nothing was
	// applied. The batch must not be changed afterwards: values may be kept.
	Commit(ctx context.Context, batch map[Token][]Write) (fenced []Token, err error)
	// Alarm returns the actor's alarm; a zero Time means none.
	Alarm(ctx context.Context, t Token, a actorid.ID) (Due, error)
	// Alarms returns the earliest alarms of the token's shard, soonest first, at
	// most limit of them; 0 means all.
	Alarms(ctx context.Context, t Token, limit int) ([]Due, error)
	// Actors yields the stored actors of a namespace in the order of their keys,
	// starting after the given one (the zero ID: from the first). An actor is
	// stored while it has an entry or an alarm. Actors that come or go meanwhile
	// may be missed; the loop body may call the store.
	Actors(ctx context.Context, namespace string, after actorid.ID) iter.Seq2[ActorInfo, error]
	// Namespaces yields the namespaces that hold at least one actor.
	Namespaces(ctx context.Context) iter.Seq2[string, error]
	// Meta and SetMeta keep small named values of the program itself beside the
	// actors' data, such as the last migration applied. Meta returns nil for a
	// name never set. SetMeta is durable when it returns.
	Meta(ctx context.Context, name string) ([]byte, error)
	SetMeta(ctx context.Context, name string, value []byte) error
	// DeleteNamespace removes every actor of a namespace and their alarms, at
	// once: a crash leaves all of them or none.
	DeleteNamespace(ctx context.Context, namespace string) error
	// Backup writes a consistent copy that the same kind of store can open.
	Backup(ctx context.Context, w io.Writer) error
	// Check walks everything and reports damage.
	Check(ctx context.Context) error
	// Close waits for the commits that were accepted, then releases the files.
	Close() error
}

// Node names one process of a deployment.
type Node struct {
	ID   string
	Addr string
}

// Placement says who owns a shard. On one machine it is always this process.
type Placement interface {
	Owner(ctx context.Context, shard uint32) (Node, Token, error)
	Join(ctx context.Context, self Node) (Session, error)
}

// Session is this process's membership.
type Session interface {
	// Valid is checked when an output gate opens.
	Valid() bool
	Gained() <-chan Token
	// Lost names tokens whose actors must be dropped now.
	Lost() <-chan Token
	Drain(ctx context.Context) error
}
