package cache_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"workerd.local/actorid"
	"workerd.local/cache"
	"workerd.local/exception"
	"workerd.local/gates"
	"workerd.local/loop"
	"workerd.local/storage"
	"workerd.local/storage/bolt"
	"workerd.local/storage/fault"
	"workerd.local/storage/mem"
)

// TestEveryOperationFailsInTurn runs what actors do with storage, on a cache over a
// real store, with operation 1 of the store failing, then 2, 3 and so on, in every
// way in which stores fail. Whatever fails: what was acknowledged is durable, the
// store holds what some number of whole turns made, errors are the documented ones,
// and once the fault is gone the rest of the scenario works.
func TestEveryOperationFailsInTurn(t *testing.T) {
	before := runtime.NumGoroutine()
	for name, script := range faultScripts {
		for _, store := range faultStores {
			for _, kind := range fault.Kinds() {
				t.Run(name+"/"+store.name+"/"+kind.Name, func(t *testing.T) {
					failEach(t, script, store.open, store.waits, kind)
				})
			}
		}
	}
	wantGoroutines(t, before)
}

func failEach(t *testing.T, script []faultStep, open func(t *testing.T, dir string) storage.Store, waits bool, kind fault.Kind) {
	n := 0
	for ; ; n++ {
		plan := kind.Plan
		plan.N, plan.Waits = n, waits
		dir := t.TempDir()
		r := &faultRun{t: t, kind: kind, open: func() storage.Store { return open(t, dir) }}
		r.inner = r.open()
		r.store = fault.New(r.inner, plan)
		r.run(script)
		if t.Failed() {
			t.Fatalf("with operation %d failing; what happened:\n%s", n, strings.Join(r.log, "\n"))
		}
		if n > 0 && !r.store.Hit() {
			break
		}
		if n == 0 && r.store.Operations() == 0 {
			t.Fatal("the scenario does nothing")
		}
	}
	if n < 3 {
		t.Errorf("only %d operations were tried", n-1)
	}
}

// faultStores open, or open again, a store in a directory. The reads of one that
// waits are answered from another goroutine.
var faultStores = []struct {
	name  string
	waits bool
	open  func(t *testing.T, dir string) storage.Store
}{
	{"mem", false, openMem},
	{"mem that waits", true, openMem},
	{"bolt", false, openBolt},
}

// What is in memory ends with the process, so it is never opened again.
func openMem(*testing.T, string) storage.Store { return mem.New() }

func openBolt(t *testing.T, dir string) storage.Store {
	s, err := bolt.Open(filepath.Join(dir, bolt.FileName), bolt.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// wantGoroutines waits until there are no more goroutines than before.
func wantGoroutines(t *testing.T, before int) {
	t.Helper()
	for range 1000 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	stacks := make([]byte, 1<<20)
	t.Errorf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
}

// faultStep is a part of a scenario.
type faultStep func(r *faultRun)

// turn makes writes in one turn; they are durable together or not at all.
func turn(writes ...func(w *faultTurn)) faultStep {
	return func(r *faultRun) { r.turn(writes) }
}

// ack waits until what was written may be told.
func ack(r *faultRun) { r.ack() }

var faultScripts = map[string][]faultStep{
	"puts": {
		turn(put("a", "1")), ack, turn(put("a", "2")), turn(put("b", "1")), turn(put("a", "3", "b", "2", "c", "1")), ack,
		get("a"), turn(put("d", "1"), put("e", "1")), evict, get("a"), get("nothing"), list(storage.Range{}), ack,
	},
	"deletes": {
		turn(put("a", "1", "b", "1", "c", "1", "d", "1")), ack, evict, turn(del("a", "x"), del("b")), ack, get("a"),
		turn(del("b", "c"), put("c", "2")), turn(del("c")), evict, turn(del("d", "c", "y")), list(storage.Range{Reverse: true}), ack,
	},
	"deleteAll": {
		turn(put("a", "1", "b", "1"), alarm(5)), ack, turn(put("c", "1"), deleteAll(false), put("d", "1")), turn(deleteAll(true)), ack,
		evict, list(storage.Range{}), turn(put("e", "1")), ack, evict, turn(deleteAll(false)), turn(put("f", "1")), ack,
	},
	"lists": {
		turn(bulk(600)), ack, evict, list(storage.Range{Limit: 10}), list(storage.Range{Start: "k0100", Reverse: true, Limit: 30}),
		list(storage.Range{}), turn(del("k0001", "k0002"), put("k9999", "1")), list(storage.Range{Start: "k0500"}), evict, list(storage.Range{}), ack,
	},
	"alarms": {
		turn(put("a", "1"), alarm(5)), ack, turn(alarm(6)), evict, getAlarm, turn(alarm(0), put("a", "2")), ack, getAlarm,
		turn(alarm(7)), ack, evict, getAlarm, turn(ring(7, true), put("rung", "1")), ack, getAlarm,
		turn(alarm(8)), ack, restart, getAlarm, turn(ring(8, false)), ack, evict, getAlarm,
	},
	"transactions": {
		turn(put("a", "1")), ack, evict,
		turn(transaction(true, put("a", "2"), put("b", "1"), del("b"), alarm(5))), ack,
		turn(transaction(false, put("a", "3"), put("c", "1"), alarm(0))), ack, get("a"),
		turn(put("c", "2"), transaction(true, put("c", "3"), put("d", "1"))), get("c"), evict, list(storage.Range{}), getAlarm,
	},
	"restarts": {
		turn(put("a", "1")), restart, get("a"), turn(put("a", "2"), put("b", "1")), ack, turn(del("a")), restart, list(storage.Range{}),
		turn(deleteAll(true), put("c", "1")), restart, restart, turn(put("c", "2")), ack, get("c"),
	},
}

// faultState is what an actor has stored.
type faultState struct {
	keys  map[string]string
	alarm int64 // in ms, 0 for none
}

func (s faultState) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "alarm %d, %d keys:", s.alarm, len(s.keys))
	for i, k := range slices.Sorted(maps.Keys(s.keys)) {
		if i == 8 {
			return b.String() + " ..."
		}
		fmt.Fprintf(&b, " %s=%s", k, s.keys[k])
	}
	return b.String()
}

func (s faultState) clone() faultState { return faultState{maps.Clone(s.keys), s.alarm} }

func (s faultState) equal(o faultState) bool { return s.alarm == o.alarm && maps.Equal(s.keys, o.keys) }

func (s faultState) list(r storage.Range) (out []string) {
	keys := slices.Sorted(maps.Keys(s.keys))
	if r.Reverse {
		slices.Reverse(keys)
	}
	for _, k := range keys {
		if k >= r.Start && (r.End == "" || k < r.End) && (r.Limit == 0 || len(out) < r.Limit) {
			out = append(out, k+"="+s.keys[k])
		}
	}
	return out
}

var faultActor = actorid.ID{Namespace: "N", Key: "actor"}

// faultRun is one run of a scenario: an actor's cache, and a model of it.
type faultRun struct {
	t     *testing.T
	kind  fault.Kind
	open  func() storage.Store
	store *fault.Store
	inner storage.Store
	log   []string

	l       *loop.Loop
	out     *gates.OutputGate
	c       *cache.Cache
	stop    context.CancelFunc
	noticed bool     // somebody was told of the fault
	logged  []string // references of internal errors

	now    faultState   // as the actor sees it
	states []faultState // after each turn since states[0] was durable
	acked  int          // the last of states that was acknowledged
}

func (r *faultRun) note(format string, args ...any) {
	r.log = append(r.log, fmt.Sprintf(format, args...))
}

func (r *faultRun) errorf(format string, args ...any) {
	r.t.Helper()
	r.note("WRONG: "+format, args...)
	r.t.Errorf(format, args...)
}

func (r *faultRun) run(script []faultStep) {
	r.l = loop.New(loop.Options{})
	ended := make(chan error)
	go func() { ended <- r.l.Run(context.Background()) }()
	r.now = faultState{keys: map[string]string{}}
	r.states = []faultState{r.now.clone()}
	r.activate()
	for i, step := range script {
		r.note("step %d", i)
		if step(r); r.t.Failed() {
			break
		}
	}
	if !r.t.Failed() {
		// The fault is over, or its time is: one more request must work.
		restart(r)
		turn(put("last", "1"))(r)
		r.ack()
		if r.acked != len(r.states)-1 && r.store.Hit() {
			// The fault was this one.
			restart(r)
			turn(put("last", "2"))(r)
			r.ack()
		}
		if r.acked != len(r.states)-1 {
			r.errorf("after the fault nothing is acknowledged")
		}
		if r.kind.Passing && r.noticed {
			r.errorf("a fault that passes was noticed")
		}
	}
	r.shut()
	r.l.Close()
	if err := <-ended; err != nil {
		r.errorf("loop: %v", err)
	}
	if err := r.store.Close(); err != nil {
		r.errorf("close: %v", err)
	}
}

// activate makes the cache of an actor that comes to life.
func (r *faultRun) activate() {
	_, token, err := r.store.Placement().Owner(context.Background(), faultActor.Shard())
	if err != nil {
		r.t.Fatal(err)
	}
	var ctx context.Context
	ctx, r.stop = context.WithCancel(context.Background())
	r.do(func() {
		r.out = gates.NewOutputGate(r.l)
		b := cache.NewStoreBackend(ctx, r.l, r.store, token, faultActor, cache.StoreOptions{})
		r.c = cache.New(r.l, b, cache.NewSharedLRU(cache.LRUOptions{}), r.out, cache.Options{
			OnInternalError: func(reference string, err error) {
				if !errors.Is(err, r.kind.Plan.Err) {
					r.errorf("the log has %v, which is not the fault", err)
				}
				r.logged = append(r.logged, reference)
			},
		})
	})
}

func (r *faultRun) shut() {
	r.do(func() { r.c.Shutdown(nil) })
	r.stop()
}

func (r *faultRun) do(fn func()) {
	r.t.Helper()
	if err := loop.Do(context.Background(), r.l, fn); err != nil {
		r.t.Fatal(err)
	}
}

// await runs an operation in a turn and waits for its result.
func await[T any](r *faultRun, op func() loop.Result[T]) (v T, err error) {
	done := make(chan struct{})
	r.do(func() { op().Then(func(got T, e error) { v, err = got, e; close(done) }) })
	<-done
	return v, err
}

// durable is what the store holds, whatever the fault.
func (r *faultRun) durable() faultState {
	r.t.Helper()
	s := faultState{keys: map[string]string{}}
	_, token, err := r.inner.(interface{ Placement() storage.Placement }).Placement().Owner(context.Background(), faultActor.Shard())
	if err != nil {
		r.t.Fatal(err)
	}
	for kv, err := range r.inner.Scan(context.Background(), token, faultActor, storage.Range{}) {
		if err != nil {
			r.t.Fatal(err)
		}
		s.keys[kv.Key] = string(kv.Value)
	}
	due, err := r.inner.Alarm(context.Background(), token, faultActor)
	if err != nil {
		r.t.Fatal(err)
	}
	if !due.Time.IsZero() {
		s.alarm = due.Time.UnixMilli()
	}
	return s
}

// checkDurable wants the store to hold what a number of whole turns made, at least
// those that were acknowledged, and makes that the beginning of what is next.
func (r *faultRun) checkDurable() (turns int) {
	r.t.Helper()
	got := r.durable()
	for i := len(r.states) - 1; i >= r.acked; i-- {
		if r.states[i].equal(got) {
			return i
		}
	}
	r.errorf("the store has %v, which is the state after none of the turns %d (acknowledged) to %d:\n%v", got, r.acked, len(r.states)-1, r.states[r.acked:])
	return r.acked
}

func (r *faultRun) ack() {
	r.t.Helper()
	last := len(r.states) - 1
	_, err := await(r, func() loop.Result[struct{}] { return r.out.Wait() })
	if err != nil {
		r.note("not acknowledged: %v", err)
		r.broken(err)
		return
	}
	r.acked = last
	if turns := r.checkDurable(); turns != last {
		r.errorf("turn %d was acknowledged; durable is turn %d", last, turns)
	}
	r.note("acknowledged %d", last)
}

var resetText = regexp.MustCompile(`^Internal error in Durable Object storage (write|deleteAll\(\)) caused object to be reset; reference = ([a-z0-9]{24})$`)

// broken checks the error of an actor that is reset, and activates it again.
func (r *faultRun) broken(err error) {
	r.t.Helper()
	r.noticed = true
	var e, cause *exception.Exception
	if !errors.As(err, &e) || e.ClassName() != "Error" || !e.Reset() || !errors.Is(err, r.kind.Plan.Err) && e.Message != "Network connection lost." {
		r.errorf("the reset is told as %v", err)
		return
	}
	if errors.As(r.kind.Plan.Err, &cause) {
		if e.Message != cause.Message || !e.Retryable() {
			r.errorf("the reset is told as %v, retryable %v; the store said %v", e, e.Retryable(), cause)
		}
	} else if m := resetText.FindStringSubmatch(e.Message); m == nil || !slices.Contains(r.logged, m[2]) || e.Retryable() {
		r.errorf("the reset is told as %q; the log has the references %v", e.Message, r.logged)
	}
	// Whoever still uses it is told the same.
	_, again := await(r, func() loop.Result[[]byte] { return r.c.Get("a", cache.ReadOptions{}) })
	if again == nil || again.Error() != err.Error() {
		r.errorf("a use after the reset: %v; the reset was %v", again, err)
	}
	r.restart()
}

// restart is a process that starts again with the same store.
func (r *faultRun) restart() {
	r.shut()
	if _, inMemory := r.inner.(*mem.Store); !inMemory {
		if err := r.inner.Close(); err != nil {
			r.errorf("close: %v", err)
		}
		r.inner = r.open()
	}
	r.store.Restart(r.inner)
	turns := r.checkDurable()
	r.note("restarted with turn %d of %d", turns, len(r.states)-1)
	r.now = r.states[turns].clone()
	r.states, r.acked = []faultState{r.now.clone()}, 0
	r.activate()
}

// flushed ends the actor's life in order, as before an eviction.
func (r *faultRun) flushed() bool {
	if _, err := await(r, func() loop.Result[struct{}] { return r.c.Sync() }); err != nil {
		r.note("flush: %v", err)
		r.broken(err)
		return false
	}
	r.acked = len(r.states) - 1
	return true
}

func evict(r *faultRun) {
	if r.flushed() {
		r.shut()
		r.activate()
	}
}

func restart(r *faultRun) {
	if r.flushed() {
		r.restart()
	}
}

// failed checks the error of a read, or of an operation on a cache that has ended.
func (r *faultRun) failed(err error) {
	r.t.Helper()
	r.noticed = true
	var broken error
	r.do(func() { broken = r.out.Broken() })
	if broken != nil && err.Error() == broken.Error() {
		return
	}
	if !errors.Is(err, r.kind.Plan.Err) && !errors.Is(err, r.kind.Plan.Later) {
		r.errorf("a read failed with %v, which is not the fault; the actor: %v", err, broken)
	}
}

func get(key string) faultStep {
	return func(r *faultRun) {
		v, err := await(r, func() loop.Result[[]byte] { return r.c.Get(key, cache.ReadOptions{}) })
		if err != nil {
			r.failed(err)
			return
		}
		if want, ok := r.now.keys[key]; string(v) != want || (v != nil) != ok {
			r.errorf("get %q: %q, want %q", key, v, want)
		}
	}
}

func list(g storage.Range) faultStep {
	return func(r *faultRun) {
		kvs, err := await(r, func() loop.Result[[]storage.KV] { return r.c.List(g, cache.ReadOptions{}) })
		if err != nil {
			r.failed(err)
			return
		}
		var got []string
		for _, kv := range kvs {
			got = append(got, kv.Key+"="+string(kv.Value))
		}
		if want := r.now.list(g); !slices.Equal(got, want) {
			r.errorf("list %+v: %d entries %.200v, want %d: %.200v", g, len(got), got, len(want), want)
		}
	}
}

func getAlarm(r *faultRun) {
	at, err := await(r, func() loop.Result[time.Time] { return r.c.Alarm(cache.ReadOptions{}) })
	if err != nil {
		r.failed(err)
		return
	}
	if at.IsZero() && r.now.alarm != 0 || !at.IsZero() && at.UnixMilli() != r.now.alarm {
		r.errorf("alarm %v, want %d", at, r.now.alarm)
	}
}

// faultTurn is one turn that writes.
type faultTurn struct {
	r     *faultRun
	ops   cache.Ops
	model faultState
	later []func() // what to wait for when the turn is over
	ended error    // the actor had ended before the turn
}

func (r *faultRun) turn(writes []func(w *faultTurn)) {
	r.t.Helper()
	w := &faultTurn{r: r, model: r.now.clone()}
	r.do(func() {
		w.ops = r.c
		for _, write := range writes {
			write(w)
		}
	})
	if w.ended != nil {
		r.broken(w.ended)
		return
	}
	r.now = w.model
	r.states = append(r.states, r.now.clone())
	r.note("turn %d: %v", len(r.states)-1, r.now)
	for _, wait := range w.later {
		wait()
	}
}

// done is told the result of a write that needs nothing of storage.
func (w *faultTurn) done(res loop.Result[struct{}]) bool {
	_, err, ready := res.Ready()
	if ready && err != nil {
		if w.r.c.Err() == nil {
			w.r.errorf("a write failed with %v", err)
		}
		w.ended = err
	}
	return w.ended == nil
}

func put(pairs ...string) func(*faultTurn) {
	return func(w *faultTurn) {
		var kvs []storage.KV
		for i := 0; i < len(pairs); i += 2 {
			kvs = append(kvs, storage.KV{Key: pairs[i], Value: []byte(pairs[i+1])})
		}
		if w.done(w.ops.Put(kvs, cache.WriteOptions{})) {
			for _, kv := range kvs {
				w.model.keys[kv.Key] = string(kv.Value)
			}
		}
	}
}

func bulk(n int) func(*faultTurn) {
	var pairs []string
	for i := range n {
		pairs = append(pairs, fmt.Sprintf("k%04d", i), fmt.Sprint(i))
	}
	return put(pairs...)
}

func del(keys ...string) func(*faultTurn) {
	return func(w *faultTurn) {
		r := w.r
		want := 0
		for _, k := range keys {
			if _, ok := w.model.keys[k]; ok {
				want++
			}
		}
		res := w.ops.Delete(keys, cache.WriteOptions{})
		n, err, ready := res.Ready()
		if ready && err != nil {
			if r.c.Err() != nil {
				w.ended = err
				return
			}
			// Storage was asked what exists, and did not say: nothing is deleted.
			r.noticed = true
			if !errors.Is(err, r.kind.Plan.Err) && !errors.Is(err, r.kind.Plan.Later) {
				r.errorf("delete failed with %v, which is not the fault", err)
			}
			return
		}
		for _, k := range keys {
			delete(w.model.keys, k)
		}
		if ready {
			if n != want {
				r.errorf("delete %q found %d, want %d", keys, n, want)
			}
			return
		}
		told := make(chan struct{})
		res.Then(func(got int, e error) { n, err = got, e; close(told) })
		w.later = append(w.later, func() {
			if <-told; err == nil && n != want {
				r.errorf("delete %q found %d, want %d", keys, n, want)
			}
		})
	}
}

func deleteAll(alarmToo bool) func(*faultTurn) {
	return func(w *faultTurn) {
		if w.done(w.r.c.DeleteAll(cache.DeleteAllOptions{DeleteAlarm: alarmToo})) {
			clear(w.model.keys)
			if alarmToo {
				w.model.alarm = 0
			}
		}
	}
}

func alarm(ms int64) func(*faultTurn) {
	return func(w *faultTurn) {
		var at time.Time
		if ms != 0 {
			at = time.UnixMilli(ms)
		}
		if w.done(w.ops.SetAlarm(at, cache.WriteOptions{})) {
			w.model.alarm = ms
		}
	}
}

// ring is a run of the alarm handler, as actors do it once the alarm is read.
func ring(ms int64, well bool) func(*faultTurn) {
	return func(w *faultTurn) {
		if w.model.alarm != ms || w.r.c.Err() != nil {
			return
		}
		// Where the read of the alarm has failed there is none to run.
		if _, err, ready := w.r.c.Alarm(cache.ReadOptions{}).Ready(); !ready || err != nil {
			return
		}
		run := w.r.c.ArmAlarm(time.UnixMilli(ms))
		switch {
		case run == nil:
			w.r.errorf("alarm %d is not armed", ms)
		case well:
			run.Done(cache.WriteOptions{})
			w.model.alarm = 0
		default:
			run.Keep(1, cache.WriteOptions{})
		}
	}
}

// transaction makes writes on a transaction, which is committed or rolled back. Its
// deletes are of keys that it has written: others would wait for storage.
func transaction(commit bool, writes ...func(*faultTurn)) func(*faultTurn) {
	return func(w *faultTurn) {
		txn := w.ops.Begin()
		inner := &faultTurn{r: w.r, ops: txn, model: w.model.clone()}
		for _, write := range writes {
			write(inner)
		}
		if !commit {
			if err := txn.Rollback(); err != nil {
				w.r.errorf("rollback: %v", err)
			}
			return
		}
		if w.done(txn.Commit()) {
			w.model = inner.model
		}
	}
}
