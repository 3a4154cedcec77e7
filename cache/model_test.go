package cache

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"workerd.local/exception"
	"workerd.local/gates"
	"workerd.local/internal/limits"
	"workerd.local/loop"
	"workerd.local/storage"
)

// state is what an actor has stored: the model of everything below.
type state struct {
	keys  map[string]string
	alarm time.Time
}

func (s state) clone() state { return state{keys: maps.Clone(s.keys), alarm: s.alarm} }

func (s state) equal(o state) bool { return maps.Equal(s.keys, o.keys) && s.alarm.Equal(o.alarm) }

func (s state) list(r storage.Range) []storage.KV {
	var out []storage.KV
	for _, k := range slices.Sorted(maps.Keys(s.keys)) {
		if k >= r.Start && (r.End == "" || k < r.End) {
			out = append(out, storage.KV{Key: k, Value: []byte(s.keys[k])})
		}
	}
	if r.Reverse {
		slices.Reverse(out)
	}
	if r.Limit > 0 && len(out) > r.Limit {
		out = out[:r.Limit]
	}
	return out
}

func (s *state) commit(b *Batch) CommitInfo {
	info := CommitInfo{Deleted: make([]int, len(b.Counted))}
	for i, keys := range b.Counted {
		for _, k := range keys {
			if _, ok := s.keys[k]; ok {
				info.Deleted[i]++
				delete(s.keys, k)
			}
		}
	}
	if b.DelAll {
		clear(s.keys)
	}
	for _, k := range b.Del {
		delete(s.keys, k)
	}
	for _, kv := range b.Put {
		s.keys[kv.Key] = string(kv.Value)
	}
	switch b.Alarm.Op {
	case storage.AlarmSet:
		s.alarm = b.Alarm.Time
	case storage.AlarmClear:
		s.alarm = time.Time{}
	case storage.AlarmClearIf:
		if s.alarm.Equal(b.Alarm.Time) {
			s.alarm, info.AlarmCleared = time.Time{}, true
		}
	}
	return info
}

// slowBackend answers when the test says so. When an operation takes place,
// between its call and its answer, is up to chance as well.
type slowBackend struct {
	t       *rapid.T
	l       *loop.Loop
	disk    state
	instant bool
	pending []func() // each answers a part of one operation
	commits int      // in flight
	gone    int      // commits in a row that did not get here
	harsh   bool     // commits may fail for good
	dead    bool
}

func (b *slowBackend) Instant() bool { return b.instant }

func (b *slowBackend) chance(n int, what string) bool {
	return rapid.IntRange(0, n-1).Draw(b.t, what) == 0
}

var (
	errGone = exception.Errorf("Network connection lost.").WithKind(exception.Disconnected)
	errDisk = errors.New("disk on fire")
	// errStopped is why a turn was rolled back.
	errStopped = errors.New("the turn was stopped")
)

// read runs a read once, early or late.
func read[T any](b *slowBackend, take func() T, answer func(T, error)) {
	early := b.chance(2, "read early")
	var v T
	if early {
		v = take()
	}
	b.pending = append(b.pending, func() {
		switch {
		case b.chance(12, "read gone"):
			answer(v, errGone)
			return
		case b.chance(30, "read fails"):
			answer(v, errDisk)
			return
		}
		if !early {
			v = take()
		}
		answer(v, nil)
	})
}

func (b *slowBackend) Get(keys []string, batch func([]storage.KV) error) loop.Result[struct{}] {
	if !slices.IsSorted(keys) || len(slices.Compact(slices.Clone(keys))) != len(keys) || len(keys) == 0 {
		b.t.Fatalf("get of keys that are not sorted and distinct: %q", keys)
	}
	take := func() []storage.KV {
		var out []storage.KV
		for _, k := range keys {
			if v, ok := b.disk.keys[k]; ok {
				out = append(out, storage.KV{Key: k, Value: []byte(v)})
			}
		}
		return out
	}
	if b.instant {
		return b.handNow(take(), batch)
	}
	f := loop.NewFuture[struct{}](b.l)
	read(b, take, func(kvs []storage.KV, err error) { b.hand(f, kvs, batch, err) })
	return loop.Later(f)
}

func (b *slowBackend) handNow(kvs []storage.KV, batch func([]storage.KV) error) loop.Result[struct{}] {
	if len(kvs) > 0 {
		return now(struct{}{}, batch(kvs))
	}
	return loop.Now(struct{}{})
}

func (b *slowBackend) Alarm() loop.Result[storage.Due] {
	take := func() storage.Due { return storage.Due{Time: b.disk.alarm} }
	if b.instant {
		return loop.Now(take())
	}
	f := loop.NewFuture[storage.Due](b.l)
	read(b, take, func(d storage.Due, err error) { f.Settle(d, err) })
	return loop.Later(f)
}

func (b *slowBackend) List(r storage.Range, batch func([]storage.KV) error) loop.Result[struct{}] {
	if r.Limit < 0 || r.End != "" && r.End <= r.Start {
		b.t.Fatalf("list of an impossible range: %+v", r)
	}
	if b.instant {
		return b.handNow(b.disk.list(r), batch)
	}
	f := loop.NewFuture[struct{}](b.l)
	read(b, func() []storage.KV { return b.disk.list(r) }, func(kvs []storage.KV, err error) {
		b.hand(f, kvs, batch, err)
	})
	return loop.Later(f)
}

// hand gives out what a read found in parts, with turns between them.
func (b *slowBackend) hand(f *loop.Future[struct{}], kvs []storage.KV, batch func([]storage.KV) error, err error) {
	n := 0
	if len(kvs) > 0 {
		n = rapid.IntRange(0, len(kvs)).Draw(b.t, "batch")
	}
	if n > 0 {
		if failed := batch(kvs[:n]); (failed != nil) != settled(f) {
			b.t.Fatalf("a batch of a read that was canceled, %v: %v", settled(f), failed)
		}
	}
	if err != nil || n == len(kvs) {
		f.Settle(struct{}{}, err)
		return
	}
	if b.chance(10, "gone half way") {
		err = errGone
	}
	b.pending = append(b.pending, func() { b.hand(f, kvs[n:], batch, err) })
}

func settled[T any](f *loop.Future[T]) bool {
	_, _, ok := f.Settled()
	return ok
}

func (b *slowBackend) Commit(batch *Batch) loop.Result[CommitInfo] {
	if b.commits > 0 {
		b.t.Fatal("two commits in flight")
	}
	if batch.Empty() {
		b.t.Fatal("an empty commit")
	}
	b.commits++
	f := loop.NewFuture[CommitInfo](b.l)
	var info CommitInfo
	applied := false
	apply := func() {
		if !applied {
			applied, info = true, b.disk.commit(batch)
		}
	}
	if b.chance(2, "commit early") {
		apply()
	}
	b.pending = append(b.pending, func() {
		b.commits--
		switch {
		case b.gone < limits.CommitAttempts.In(nil)-1 && b.chance(10, "commit gone"):
			// Perhaps it came through, and only its answer is lost: then the counts were
			// told before.
			b.gone++
			if !applied && b.chance(2, "counted before") {
				disk := b.disk.clone()
				info = disk.commit(batch)
			}
			f.Settle(info, errGone)
		case b.harsh && b.chance(8, "commit fails"):
			b.dead = true
			f.Reject(errDisk)
		default:
			b.gone = 0
			apply()
			f.Resolve(info)
		}
	})
	return loop.Later(f)
}

func (b *slowBackend) answer() {
	i := rapid.IntRange(0, len(b.pending)-1).Draw(b.t, "answer")
	fn := b.pending[i]
	b.pending = slices.Delete(b.pending, i, i+1)
	fn()
}

// modelRun drives a cache and a plain map side by side.
type modelRun struct {
	t         *rapid.T
	l         *loop.Loop
	b         *slowBackend
	c         *Cache
	lru       *SharedLRU
	out       *gates.OutputGate
	want      state
	history   []state // at the end of each turn
	confirmed int     // the disk is at least as new as the end of this turn
	strict    bool    // no write is unconfirmed
	txns      []*modelTxn
	open      int // results not there yet
	drops     []func()
	now       time.Time
	// rolledBack are the turns that had written and were stopped.
	rolledBack map[int]bool
	stopped    bool // a turn was rolled back: the gate lets nobody through any more
}

type modelTxn struct {
	x    *Txn
	want state
}

var modelKeys = []string{"", "a", "a\x00", "b", "bb", "c", "d", "e\xff"}

func (m *modelRun) key() string { return rapid.SampledFrom(modelKeys).Draw(m.t, "key") }

func (m *modelRun) value() []byte {
	return []byte(rapid.SampledFrom([]string{"", "1", "2", "three"}).Draw(m.t, "value"))
}

func (m *modelRun) keyList() []string {
	var ks []string
	for range rapid.IntRange(1, 4).Draw(m.t, "keys") {
		ks = append(ks, m.key())
	}
	return ks
}

func (m *modelRun) reading() ReadOptions {
	return ReadOptions{NoCache: rapid.IntRange(0, 4).Draw(m.t, "noCache read") == 0}
}

func (m *modelRun) writing() WriteOptions {
	return WriteOptions{
		NoCache:          rapid.IntRange(0, 4).Draw(m.t, "noCache write") == 0,
		AllowUnconfirmed: !m.strict && rapid.Bool().Draw(m.t, "unconfirmed"),
	}
}

// expect checks a result when it comes, against what the model said at the call.
func expect[T any](m *modelRun, what string, r loop.Result[T], want T, equal func(a, b T) bool) {
	m.open++
	m.drops = append(m.drops, r.Cancel)
	r.Then(func(got T, err error) {
		m.open--
		switch {
		case errors.Is(err, loop.ErrCanceled):
		case err != nil && m.stopped && errors.Is(err, errStopped): // a counted delete of the turn that was stopped
		case err != nil && (errors.Is(err, errDisk) || errors.Is(err, errGone) || m.c.Err() != nil):
		case err != nil:
			m.t.Fatalf("%s: %v", what, err)
		case !equal(got, want):
			m.t.Fatalf("%s: got %v, want %v", what, got, want)
		}
	})
}

func equalKVs(a, b []storage.KV) bool {
	return slices.EqualFunc(a, b, func(x, y storage.KV) bool {
		return x.Key == y.Key && string(x.Value) == string(y.Value) && x.Value != nil
	})
}

func equalValue(a, b []byte) bool { return (a == nil) == (b == nil) && string(a) == string(b) }

// top is the innermost transaction, or the cache itself.
func (m *modelRun) top() (Ops, *state) {
	if n := len(m.txns); n > 0 {
		return m.txns[n-1].x, &m.txns[n-1].want
	}
	return m.c, &m.want
}

func (m *modelRun) step() {
	ops, want := m.top()
	switch op := rapid.IntRange(0, 20).Draw(m.t, "op"); op {
	case 0, 1, 2:
		k := m.key()
		var v []byte
		if s, ok := want.keys[k]; ok {
			v = []byte(s)
		}
		expect(m, fmt.Sprintf("get %q", k), ops.Get(k, m.reading()), v, equalValue)
	case 3:
		ks := m.keyList()
		var kvs []storage.KV
		for _, k := range slices.Sorted(maps.Keys(want.keys)) {
			if slices.Contains(ks, k) {
				kvs = append(kvs, storage.KV{Key: k, Value: []byte(want.keys[k])})
			}
		}
		expect(m, fmt.Sprintf("get %q", ks), ops.GetMany(ks, m.reading()), kvs, equalKVs)
	case 4, 5, 6, 7:
		r := storage.Range{
			Start: m.key(), End: m.key(),
			Limit:   rapid.IntRange(0, 4).Draw(m.t, "limit"),
			Reverse: rapid.Bool().Draw(m.t, "reverse"),
		}
		expect(m, fmt.Sprintf("list %+v", r), ops.List(r, m.reading()), want.list(r), equalKVs)
	case 8, 9, 10:
		var kvs []storage.KV
		for range rapid.IntRange(1, 3).Draw(m.t, "puts") {
			kv := storage.KV{Key: m.key(), Value: m.value()}
			kvs = append(kvs, kv)
			want.keys[kv.Key] = string(kv.Value)
		}
		expect(m, "put", ops.Put(kvs, m.writing()), struct{}{}, func(a, b struct{}) bool { return true })
	case 11, 12:
		ks := m.keyList()
		n := 0
		for _, k := range ks {
			if _, ok := want.keys[k]; ok {
				n++
				delete(want.keys, k)
			}
		}
		expect(m, fmt.Sprintf("delete %q", ks), ops.Delete(ks, m.writing()), n, func(a, b int) bool { return a == b })
	case 13:
		if len(m.txns) > 0 || rapid.IntRange(0, 2).Draw(m.t, "really") > 0 {
			return
		}
		o := DeleteAllOptions{WriteOptions: m.writing(), DeleteAlarm: rapid.Bool().Draw(m.t, "alarm too")}
		clear(m.want.keys)
		if o.DeleteAlarm {
			m.want.alarm = time.Time{}
		}
		expect(m, "deleteAll", m.c.DeleteAll(o), struct{}{}, func(a, b struct{}) bool { return true })
	case 14:
		at := time.UnixMilli(int64(rapid.IntRange(0, 3).Draw(m.t, "alarm")))
		if at.UnixMilli() == 0 {
			at = time.Time{}
		}
		want.alarm = at
		expect(m, "setAlarm", ops.SetAlarm(at, m.writing()), struct{}{}, func(a, b struct{}) bool { return true })
	case 15:
		expect(m, "getAlarm", ops.Alarm(m.reading()), want.alarm, time.Time.Equal)
	case 16:
		turn := len(m.history) // of which everything is covered
		if m.c.next == nil {
			turn-- // nothing was written in this turn yet
		}
		m.open++
		wrote := m.c.undo.open
		m.c.Sync().Then(func(_ struct{}, err error) {
			m.open--
			if err == nil && !m.c.o.NeverFlush {
				if wrote && m.rolledBack[turn] {
					m.t.Fatalf("turn %d was rolled back, and its writes are called durable", turn)
				}
				m.confirmed = max(m.confirmed, turn)
			}
		})
	case 17:
		m.now = m.now.Add(time.Duration(rapid.IntRange(0, 30).Draw(m.t, "seconds")) * time.Second)
		m.lru.EvictStale(m.now)
	case 18:
		if len(m.txns) < 3 {
			m.txns = append(m.txns, &modelTxn{x: ops.Begin(), want: want.clone()})
		}
	case 20: // nobody wants some result any more
		if n := len(m.drops); n > 0 {
			m.drops[rapid.IntRange(0, n-1).Draw(m.t, "drop")]()
		}
	case 19:
		n := len(m.txns)
		if n == 0 {
			return
		}
		x := m.txns[n-1]
		m.txns = m.txns[:n-1]
		if rapid.Bool().Draw(m.t, "commit") {
			_, below := m.top()
			*below = x.want
			expect(m, "commit", x.x.Commit(), struct{}{}, func(a, b struct{}) bool { return true })
		} else if err := x.x.Rollback(); err != nil {
			m.t.Fatal(err)
		}
	}
}

// interrupt stops the turn: all it did is as if it had not been.
func (m *modelRun) interrupt() {
	if m.c.Err() != nil {
		return
	}
	m.rolledBack[len(m.history)] = m.c.undo.open
	m.stopped = m.stopped || m.c.undo.open
	m.want = m.history[len(m.history)-1].clone()
	m.txns = nil
	m.c.Rollback(errStopped)
}

// act is one of the things that happen in a turn; the next one comes after what
// this one deferred.
func (m *modelRun) act(left int) {
	switch {
	case m.c.Err() != nil:
		return
	case left == 0:
		turn := len(m.history)
		m.out.Wait().Then(func(_ struct{}, err error) {
			switch {
			case err != nil || !m.strict:
			case m.rolledBack[turn]:
				m.t.Fatalf("turn %d was rolled back, and the gate let its answer through", turn)
			default:
				m.confirmed = max(m.confirmed, turn)
			}
		})
		if !m.c.o.NeverFlush && rapid.IntRange(0, 9).Draw(m.t, "interrupt") == 0 {
			m.interrupt()
		}
		return
	case len(m.b.pending) > 0 && rapid.IntRange(0, 3).Draw(m.t, "answer within the turn") == 0:
		m.b.answer()
	default:
		m.step()
	}
	m.l.Defer(func() { m.act(left - 1) })
}

func (m *modelRun) checkDisk(what string) {
	for i := len(m.history) - 1; i >= m.confirmed; i-- {
		if m.history[i].equal(m.b.disk) {
			return
		}
	}
	m.t.Fatalf("%s: the disk has %v, which no turn since %d ended with: %v", what, m.b.disk, m.confirmed, m.history)
}

func (m *modelRun) turn(fn func()) {
	m.l.Turn(fn)
	m.history = append(m.history, m.want.clone())
	m.checkDisk("at the end of a turn")
	if err := m.c.check(); err != nil {
		m.t.Fatal(err)
	}
}

func checkModel(t *rapid.T, harsh, never bool) {
	m := &modelRun{t: t, l: loop.New(loop.Options{}), now: time.Unix(1, 0), rolledBack: map[int]bool{}}
	m.want = state{keys: map[string]string{}}
	for _, k := range modelKeys {
		if rapid.Bool().Draw(t, "on disk") {
			m.want.keys[k] = "0"
		}
	}
	m.b = &slowBackend{t: t, l: m.l, disk: m.want.clone(), harsh: harsh, instant: rapid.IntRange(0, 3).Draw(t, "instant") == 0}
	m.out = gates.NewOutputGate(m.l)
	m.lru = NewSharedLRU(LRUOptions{
		SoftBytes:  rapid.SampledFrom([]int{1, 3 * entryBytes, 1 << 20}).Draw(t, "soft"),
		HardBytes:  1 << 30,
		DirtyBytes: rapid.SampledFrom([]int{1, 4 * entryBytes, 1 << 20}).Draw(t, "dirty"),
		StaleAfter: 10 * time.Second,
	})
	m.c = New(m.l, m.b, m.lru, m.out, Options{NeverFlush: never, BatchKeys: rapid.SampledFrom([]int{0, 1, 2}).Draw(t, "batch keys")})
	m.history = []state{m.want.clone()}
	m.strict = !never && rapid.Bool().Draw(t, "all writes confirmed")
	disk := m.want.clone()
	for range rapid.IntRange(1, 60).Draw(t, "turns") {
		m.turn(func() {
			if len(m.b.pending) > 0 && rapid.Bool().Draw(t, "let storage answer") {
				m.b.answer()
				return
			}
			m.act(rapid.IntRange(1, 3).Draw(t, "steps"))
		})
		if m.c.Err() != nil {
			break
		}
	}
	for len(m.b.pending) > 0 {
		m.turn(m.b.answer)
	}
	if m.c.Err() != nil {
		if !m.b.dead {
			t.Fatalf("the cache ended by itself: %v", m.c.Err())
		}
		if m.out.Broken() == nil {
			t.Fatal("the cache has ended, and the gate is not broken")
		}
		return
	}
	if m.open != 0 {
		t.Fatalf("%d results never came", m.open)
	}
	if never {
		if !m.b.disk.equal(disk) || m.out.Locked() {
			t.Fatalf("in the end the disk has %v, want %v as in the beginning; the gate is locked: %v", m.b.disk, disk, m.out.Locked())
		}
		return
	}
	if !m.b.disk.equal(m.want) {
		t.Fatalf("in the end the disk has %v, want %v", m.b.disk, m.want)
	}
	if m.out.Locked() != m.stopped || m.c.DirtyBytes() != 0 {
		t.Fatalf("in the end the gate is locked: %v, dirty bytes %d", m.out.Locked(), m.c.DirtyBytes())
	}
	m.turn(func() { m.c.Shutdown(nil) })
	if m.out.Locked() || m.stopped != (m.out.Broken() != nil) {
		t.Fatalf("after the end the gate is locked: %v, broken: %v", m.out.Locked(), m.out.Broken())
	}
	if n := m.lru.Bytes(); n != 0 {
		t.Fatalf("%d bytes are left in memory", n)
	}
}

func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { checkModel(t, false, false) })
}

func TestModelWithFailingCommits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { checkModel(t, true, false) })
}

func TestModelThatNeverWrites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { checkModel(t, false, true) })
}
