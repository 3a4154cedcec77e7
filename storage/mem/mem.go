// Package mem is a storage.Store in memory: everything a store does, except that
// it ends with the process.
//
// The whole content is one immutable version behind an atomic pointer. A reader
// takes the version and needs no lock, so scans are consistent for free and their
// loop bodies may do anything; writers take a mutex, build the next version, which
// shares nearly everything with the last one, and publish it. Any goroutine may
// call any method.
package mem

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"workerd.local/actorid"
	"workerd.local/storage"
)

// epoch is that of every token: a store in memory is opened once.
const epoch = 1

// Store implements storage.Store.
type Store struct {
	// now is the current version, nil after Close.
	now atomic.Pointer[version]
	// writing is held from reading the version to publishing the next one.
	writing   sync.Mutex
	placement *storage.Local
}

var (
	_ storage.Store          = (*Store)(nil)
	_ storage.AsyncCommitter = (*Store)(nil)
	_ storage.InstantReader  = (*Store)(nil)
)

type version struct {
	actors tree[actorid.ID, actor]
	due    tree[dueKey, struct{}]
	meta   tree[string, []byte]
}

type actor struct {
	entries tree[string, []byte]
	alarm   storage.Due
}

type dueKey struct {
	shard uint32
	time  time.Time
	actor actorid.ID
}

// New returns an empty store.
func New() *Store {
	s := &Store{}
	s.now.Store(newVersion())
	s.placement = storage.NewLocal(epoch, func() bool { return s.now.Load() != nil })
	return s
}

func newVersion() *version {
	return &version{
		actors: newTree[actorid.ID, actor](compareActors),
		due:    newTree[dueKey, struct{}](compareDue),
		meta:   newTree[string, []byte](cmp.Compare[string]),
	}
}

// Placement says that this process owns every shard until Close.
func (s *Store) Placement() storage.Placement { return s.placement }

func (s *Store) Get(ctx context.Context, t storage.Token, a actorid.ID, keys []string) ([]storage.KV, error) {
	v, err := s.read(ctx, t, a)
	if err != nil {
		return nil, fmt.Errorf("get: %w", err)
	}
	entries := v.actor(a).entries
	var found []storage.KV
	for _, k := range keys {
		if value, ok := entries.get(k); ok {
			found = append(found, storage.KV{Key: k, Value: value})
		}
	}
	return found, nil
}

func (s *Store) Scan(ctx context.Context, t storage.Token, a actorid.ID, r storage.Range) iter.Seq2[storage.KV, error] {
	return func(yield func(storage.KV, error) bool) {
		v, err := s.read(ctx, t, a)
		if err == nil {
			err = storage.CheckRange(r)
		}
		if err != nil {
			yield(storage.KV{}, fmt.Errorf("scan: %w", err))
			return
		}
		entries := v.actor(a).entries
		if entries.empty() || r.End != "" && r.End <= r.Start {
			return
		}
		var seq iter.Seq2[string, []byte]
		switch {
		case !r.Reverse:
			seq = entries.from(&r.Start)
		case r.End == "":
			seq = entries.before(nil)
		default:
			seq = entries.before(&r.End)
		}
		n := 0
		for k, value := range seq {
			if !r.Reverse && r.End != "" && k >= r.End || r.Reverse && k < r.Start {
				return
			}
			if err := ctx.Err(); err != nil {
				yield(storage.KV{}, fmt.Errorf("scan: %w", err))
				return
			}
			if !yield(storage.KV{Key: k, Value: value}, nil) {
				return
			}
			if n++; n == r.Limit {
				return
			}
		}
	}
}

func (s *Store) Commit(ctx context.Context, batch map[storage.Token][]storage.Write) ([]storage.Token, error) {
	if err := storage.CheckBatch(batch); err != nil {
		return nil, err
	}
	fenced, current := storage.Fence(batch, epoch)
	err := s.update(ctx, func(v *version) {
		for _, writes := range current {
			for i := range writes {
				v.apply(&writes[i])
			}
		}
	})
	if err != nil {
		return nil, fmt.Errorf("commit: %w", err)
	}
	return fenced, nil
}

// CommitAsync commits at once and calls done before it returns.
func (s *Store) CommitAsync(t storage.Token, writes []storage.Write, done func(fenced bool, err error)) {
	fenced, err := s.Commit(context.Background(), map[storage.Token][]storage.Write{t: writes})
	done(len(fenced) > 0, err)
}

// InstantReads is true: everything is in memory.
func (s *Store) InstantReads() bool { return true }

func (v *version) apply(w *storage.Write) {
	if w.DelFacets {
		v.deleteFacets(w.Actor)
	}
	a := v.actor(w.Actor)
	if w.DelAll {
		a.entries = newTree[string, []byte](cmp.Compare[string])
	}
	if !w.Copy.IsZero() {
		for k, value := range v.actor(w.Copy).entries.from(nil) {
			a.entries = a.entries.put(k, value)
		}
		v.copyFacets(w.Copy, w.Actor)
	}
	for _, k := range w.Del {
		a.entries = a.entries.del(k)
	}
	for _, kv := range w.Put {
		value := kv.Value
		if value == nil {
			value = []byte{}
		}
		a.entries = a.entries.put(kv.Key, value)
	}
	switch c := &w.Alarm; {
	case c.Op == storage.AlarmSet:
		v.clearAlarm(&a)
		if c.Name != "" {
			a.alarm.Name = c.Name
		}
		a.alarm.Actor, a.alarm.Time, a.alarm.Retries = w.Actor, c.Time.Round(0).UTC(), c.Retries
		v.due = v.due.put(dueKeyOf(a.alarm), struct{}{})
	case c.Op == storage.AlarmClear, c.Op == storage.AlarmClearIf && a.alarm.Time.Equal(c.Time):
		v.clearAlarm(&a)
		a.alarm = storage.Due{}
	case c.Op == storage.AlarmCountIf && !a.alarm.Time.IsZero() && a.alarm.Time.Equal(c.Time):
		a.alarm.Retries = c.Retries
	}
	if a.entries.empty() && a.alarm.Time.IsZero() {
		v.actors = v.actors.del(w.Actor)
	} else {
		v.actors = v.actors.put(w.Actor, a)
	}
}

// facetsOf yields the facets of an actor, and theirs, as they are now.
func (v *version) facetsOf(parent actorid.ID) iter.Seq2[actorid.ID, actor] {
	return func(yield func(actorid.ID, actor) bool) {
		for id, a := range v.actors.from(&parent) {
			switch {
			case id == parent:
			case !parent.Contains(id) || !yield(id, a):
				return
			}
		}
	}
}

func (v *version) deleteFacets(parent actorid.ID) {
	for id, a := range v.facetsOf(parent) {
		v.clearAlarm(&a)
		v.actors = v.actors.del(id)
	}
}

func (v *version) copyFacets(from, to actorid.ID) {
	for id, a := range v.facetsOf(from) {
		if a.entries.empty() {
			continue
		}
		at := actorid.ID{Namespace: to.Namespace, Key: to.Key + id.Key[len(from.Key):]}
		c := v.actor(at)
		for k, value := range a.entries.from(nil) {
			c.entries = c.entries.put(k, value)
		}
		v.actors = v.actors.put(at, c)
	}
}

// clearAlarm takes the alarm out of the order of time.
func (v *version) clearAlarm(a *actor) {
	if !a.alarm.Time.IsZero() {
		v.due = v.due.del(dueKeyOf(a.alarm))
	}
}

func (s *Store) Alarm(ctx context.Context, t storage.Token, a actorid.ID) (storage.Due, error) {
	v, err := s.read(ctx, t, a)
	if err != nil {
		return storage.Due{}, fmt.Errorf("read alarm: %w", err)
	}
	return v.actor(a).alarm, nil
}

func (s *Store) Alarms(ctx context.Context, t storage.Token, limit int) ([]storage.Due, error) {
	v, err := s.load(ctx)
	if err == nil && t.Epoch != epoch {
		err = storage.ErrFenced
	}
	if err != nil {
		return nil, fmt.Errorf("read alarms of shard %d: %w", t.Shard, err)
	}
	if limit < 0 {
		return nil, fmt.Errorf("read alarms of shard %d: the limit is %d, less than 0", t.Shard, limit)
	}
	var due []storage.Due
	for k := range v.due.from(&dueKey{shard: t.Shard, time: beginning}) {
		if k.shard != t.Shard {
			break
		}
		due = append(due, v.actor(k.actor).alarm)
		if len(due) == limit {
			break
		}
	}
	return due, nil
}

func (s *Store) Actors(ctx context.Context, namespace string, after actorid.ID) iter.Seq2[storage.ActorInfo, error] {
	return func(yield func(storage.ActorInfo, error) bool) {
		v, err := s.load(ctx)
		if err != nil {
			yield(storage.ActorInfo{}, fmt.Errorf("list actors: %w", err))
			return
		}
		for id, a := range v.actors.from(&actorid.ID{Namespace: namespace, Key: after.Key}) {
			if id.Namespace != namespace {
				return
			}
			if id.Key == after.Key {
				continue
			}
			info := storage.ActorInfo{Actor: id}
			for k, value := range a.entries.from(nil) {
				info.Keys++
				info.Bytes += int64(len(k) + len(value))
			}
			err := ctx.Err()
			if err != nil {
				info, err = storage.ActorInfo{}, fmt.Errorf("list actors: %w", err)
			}
			if !yield(info, err) || err != nil {
				return
			}
		}
	}
}

func (s *Store) Namespaces(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		v, err := s.load(ctx)
		if err != nil {
			yield("", fmt.Errorf("list namespaces: %w", err))
			return
		}
		for id := (actorid.ID{}); ; {
			next := ""
			for found := range v.actors.from(&id) {
				next = found.Namespace
				break
			}
			if next == "" || !yield(next, nil) {
				return
			}
			id = actorid.ID{Namespace: next + "\x00"}
		}
	}
}

func (s *Store) Meta(ctx context.Context, name string) ([]byte, error) {
	v, err := s.load(ctx)
	if err != nil {
		return nil, fmt.Errorf("read meta %q: %w", name, err)
	}
	value, _ := v.meta.get(name)
	return value, nil
}

func (s *Store) SetMeta(ctx context.Context, name string, value []byte) error {
	if err := storage.CheckMeta(name, value); err != nil {
		return fmt.Errorf("set meta: %w", err)
	}
	err := s.update(ctx, func(v *version) { v.meta = v.meta.put(name, append([]byte{}, value...)) })
	if err != nil {
		return fmt.Errorf("set meta %q: %w", name, err)
	}
	return nil
}

func (s *Store) DeleteNamespace(ctx context.Context, namespace string) error {
	err := s.update(ctx, func(v *version) {
		for id, a := range v.actors.from(&actorid.ID{Namespace: namespace}) {
			if id.Namespace != namespace {
				return
			}
			v.clearAlarm(&a)
			v.actors = v.actors.del(id)
		}
	})
	if err != nil {
		return fmt.Errorf("delete namespace %q: %w", namespace, err)
	}
	return nil
}

// Check finds nothing: there are no bytes that could have changed on their own.
func (s *Store) Check(ctx context.Context) error {
	if _, err := s.load(ctx); err != nil {
		return fmt.Errorf("check: %w", err)
	}
	return nil
}

// Close lets go of everything. Sequences that are under way go on.
func (s *Store) Close() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.now.Swap(nil) == nil {
		return storage.ErrClosed
	}
	return nil
}

func (s *Store) load(ctx context.Context) (*version, error) {
	v := s.now.Load()
	if v == nil {
		return nil, storage.ErrClosed
	}
	return v, ctx.Err()
}

func (s *Store) read(ctx context.Context, t storage.Token, a actorid.ID) (*version, error) {
	v, err := s.load(ctx)
	if err == nil {
		err = storage.CheckActor(t, a)
	}
	if err == nil && t.Epoch != epoch {
		err = storage.ErrFenced
	}
	return v, err
}

func (s *Store) update(ctx context.Context, change func(*version)) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	v, err := s.load(ctx)
	if err != nil {
		return err
	}
	next := *v
	change(&next)
	s.now.Store(&next)
	return nil
}

func (v *version) actor(a actorid.ID) actor {
	got, ok := v.actors.get(a)
	if !ok {
		got.entries = newTree[string, []byte](cmp.Compare[string])
	}
	return got
}

// beginning is before every time that an alarm can have.
var beginning = time.Unix(-1<<62, 0)

func dueKeyOf(d storage.Due) dueKey {
	return dueKey{shard: d.Actor.Shard(), time: d.Time, actor: d.Actor}
}

func compareActors(a, b actorid.ID) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Key, b.Key))
}

func compareDue(a, b dueKey) int {
	return cmp.Or(cmp.Compare(a.shard, b.shard), a.time.Compare(b.time), compareActors(a.actor, b.actor))
}
