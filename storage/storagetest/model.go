package storagetest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"workerd.local/actorid"
	"workerd.local/storage"
)

// model is what a store should hold, in the plainest form.
type model struct {
	entries map[actorid.ID]map[string]string
	alarms  map[actorid.ID]storage.Due
}

func (m *model) apply(w storage.Write) {
	if w.DelFacets {
		for a := range m.entries {
			if w.Actor.Contains(a) {
				delete(m.entries, a)
				delete(m.alarms, a)
			}
		}
	}
	e := m.entries[w.Actor]
	if e == nil || w.DelAll {
		e = map[string]string{}
	}
	if c := w.Copy; !c.IsZero() {
		copied := map[actorid.ID]map[string]string{}
		for a, from := range m.entries {
			if a == c || c.Contains(a) {
				to := actorid.ID{Namespace: a.Namespace, Key: w.Actor.Key + a.Key[len(c.Key):]}
				copied[to] = from
			}
		}
		for to, from := range copied {
			into := e
			if to != w.Actor {
				if into = m.entries[to]; into == nil {
					into = map[string]string{}
				}
				m.entries[to] = into
			}
			maps.Copy(into, from)
		}
	}
	for _, k := range w.Del {
		delete(e, k)
	}
	for _, kv := range w.Put {
		e[kv.Key] = string(kv.Value)
	}
	m.entries[w.Actor] = e
	old := m.alarms[w.Actor]
	switch c := w.Alarm; c.Op {
	case storage.AlarmSet:
		name := c.Name
		if name == "" {
			name = old.Name
		}
		m.alarms[w.Actor] = storage.Due{Actor: w.Actor, Time: c.Time, Name: name, Retries: c.Retries}
	case storage.AlarmClear:
		delete(m.alarms, w.Actor)
	case storage.AlarmClearIf:
		if old.Time.Equal(c.Time) {
			delete(m.alarms, w.Actor)
		}
	case storage.AlarmCountIf:
		if _, ok := m.alarms[w.Actor]; ok && old.Time.Equal(c.Time) {
			old.Retries = c.Retries
			m.alarms[w.Actor] = old
		}
	}
}

func (m *model) scan(a actorid.ID, r storage.Range) (list []storage.KV) {
	keys := slices.Sorted(maps.Keys(m.entries[a]))
	if r.Reverse {
		slices.Reverse(keys)
	}
	for _, k := range keys {
		if k >= r.Start && (r.End == "" || k < r.End) && (r.Limit == 0 || len(list) < r.Limit) {
			list = append(list, storage.KV{Key: k, Value: []byte(m.entries[a][k])})
		}
	}
	return list
}

func (m *model) stored(a actorid.ID) bool {
	_, alarm := m.alarms[a]
	return alarm || len(m.entries[a]) > 0
}

// runModel does random things to a store and to the model and compares them.
func runModel(t *testing.T, open func(t testing.TB) storage.Store, o Options) {
	namespaces := []string{"n", "nn", "m"}
	var ids []actorid.ID
	for _, ns := range namespaces {
		for i := range 3 {
			ids = append(ids, Actor(ns, i))
		}
		ids = append(ids, actorid.ID{Namespace: ns, Key: "x"}, actorid.ID{Namespace: ns, Key: "x\x00"})
		for _, name := range []string{"a", "b", "aa"} {
			facet := Actor(ns, 0).Facet(name)
			ids = append(ids, facet, facet.Facet("a"), facet.Facet("b"))
		}
	}
	key := rapid.OneOf(
		rapid.SampledFrom([]string{"", "a", "a\x00", "aa", "ab", "b", "\xff", "\xff\xff", strings.Repeat("k", 2048)}),
		rapid.StringN(0, 8, 24))
	value := rapid.OneOf(rapid.StringN(0, 40, -1),
		rapid.Map(rapid.IntRange(0, 12_000), func(n int) string { return strings.Repeat("v", n) }))
	moment := rapid.Map(rapid.IntRange(0, 5), func(n int) time.Time { return at(n) })

	rapid.Check(t, func(rt *rapid.T) {
		k := newModelKit(t, rt, open, o)
		m := &model{entries: map[actorid.ID]map[string]string{}, alarms: map[actorid.ID]storage.Due{}}
		defer func() { k.store.Close() }()
		actor := func() actorid.ID { return rapid.SampledFrom(ids).Draw(rt, "actor") }
		write := func(rt *rapid.T, a actorid.ID) storage.Write {
			w := storage.Write{Actor: a, DelAll: rapid.IntRange(0, 9).Draw(rt, "delall") == 0, DelFacets: rapid.IntRange(0, 9).Draw(rt, "delfacets") == 0 && len(a.Key) >= actorid.Size}
			if from := Actor(a.Namespace, 0).Facet("a"); a == Actor(a.Namespace, 0).Facet("b") {
				w.Copy = from
			}
			w.Del = rapid.SliceOfNDistinct(key, 0, 4, rapid.ID).Draw(rt, "del")
			for _, name := range rapid.SliceOfNDistinct(key, 0, 6, rapid.ID).Draw(rt, "put") {
				w.Put = append(w.Put, storage.KV{Key: name, Value: []byte(value.Draw(rt, "value"))})
			}
			// Now and then an actor grows far beyond one page.
			if rapid.IntRange(0, 19).Draw(rt, "bulk") == 0 {
				for i := range rapid.IntRange(200, 700).Draw(rt, "size") {
					w.Put = append(w.Put, storage.KV{Key: fmt.Sprintf("bulk%04d", i), Value: []byte("0123456789")})
				}
			}
			w.Alarm.Op = storage.AlarmOp(rapid.IntRange(0, 4).Draw(rt, "alarm"))
			if w.Alarm.Op == storage.AlarmSet || w.Alarm.Op >= storage.AlarmClearIf {
				w.Alarm.Time = moment.Draw(rt, "time")
				w.Alarm.Name = rapid.SampledFrom([]string{"", "bob"}).Draw(rt, "name")
				w.Alarm.Retries = rapid.IntRange(0, 6).Draw(rt, "retries")
			}
			return w
		}
		actions := map[string]func(*rapid.T){
			"commit": func(rt *rapid.T) {
				var writes []storage.Write
				for _, a := range rapid.SliceOfNDistinct(rapid.SampledFrom(ids), 1, 4, rapid.ID).Draw(rt, "actors") {
					w := write(rt, a)
					writes = append(writes, w)
					m.apply(w)
				}
				k.commit(writes...)
			},
			"scan": func(rt *rapid.T) {
				a := actor()
				r := storage.Range{
					Start: key.Draw(rt, "start"), End: key.Draw(rt, "end"),
					Limit: rapid.IntRange(0, 8).Draw(rt, "limit"), Reverse: rapid.Bool().Draw(rt, "reverse"),
				}
				if got, want := k.scan(a, r), m.scan(a, r); !equalKVs(got, want) {
					rt.Fatalf("scan %s %+v: got %s, want %s", a, r, show(got), show(want))
				}
			},
			"get": func(rt *rapid.T) {
				a := actor()
				keys := rapid.SliceOfN(key, 0, 5).Draw(rt, "keys")
				var want []storage.KV
				for _, name := range keys {
					if v, ok := m.entries[a][name]; ok {
						want = append(want, storage.KV{Key: name, Value: []byte(v)})
					}
				}
				if got := k.get(a, keys...); !equalKVs(got, want) {
					rt.Fatalf("get %q: got %s, want %s", keys, show(got), show(want))
				}
			},
			"delete namespace": func(rt *rapid.T) {
				if rapid.IntRange(0, 4).Draw(rt, "rarely") != 0 {
					return
				}
				ns := rapid.SampledFrom(namespaces).Draw(rt, "namespace")
				if err := k.store.DeleteNamespace(k.ctx, ns); err != nil {
					rt.Fatal(err)
				}
				for _, a := range ids {
					if a.Namespace == ns {
						delete(m.entries, a)
						delete(m.alarms, a)
					}
				}
			},
			"": func(rt *rapid.T) { m.compare(rt, k, ids) },
		}
		if o.Reopen != nil {
			actions["reopen"] = func(rt *rapid.T) {
				k.store = o.Reopen(t, k.store)
				k.check()
			}
		}
		rt.Repeat(actions)
		k.check()
	})
}

// compare checks what can be compared after every step at little cost.
func (m *model) compare(rt *rapid.T, k *kit, ids []actorid.ID) {
	got := map[actorid.ID]storage.ActorInfo{}
	for _, ns := range k.namespaces() {
		for _, info := range k.actors(ns, actorid.ID{}) {
			got[info.Actor] = info
		}
	}
	due := 0
	for _, a := range ids {
		info, stored := got[a]
		if stored != m.stored(a) {
			rt.Fatalf("actor %s of %q: stored %v, want %v", a, a.Namespace, stored, m.stored(a))
		}
		var bytes int64
		for name, v := range m.entries[a] {
			bytes += int64(len(name) + len(v))
		}
		if stored && (info.Keys != len(m.entries[a]) || info.Bytes != bytes) {
			rt.Fatalf("actor %s of %q: %+v, want %d keys, %d bytes", a, a.Namespace, info, len(m.entries[a]), bytes)
		}
		if d := k.alarm(a); !equalDue(d, m.alarms[a]) {
			rt.Fatalf("alarm of %s of %q: %+v, want %+v", a, a.Namespace, d, m.alarms[a])
		}
	}
	for _, shard := range shardsOf(ids) {
		list := k.alarms(shard, 0)
		due += len(list)
		if !slices.IsSortedFunc(list, func(a, b storage.Due) int { return a.Time.Compare(b.Time) }) {
			rt.Fatalf("alarms of shard %d are not in order: %v", shard, list)
		}
	}
	if due != len(m.alarms) {
		rt.Fatalf("%d alarms in all shards, want %d", due, len(m.alarms))
	}
}

func shardsOf(ids []actorid.ID) (list []uint32) {
	for _, a := range ids {
		if !slices.Contains(list, a.Shard()) {
			list = append(list, a.Shard())
		}
	}
	return list
}

// newModelKit reports through rapid, so that a failure shrinks.
func newModelKit(t *testing.T, rt *rapid.T, open func(t testing.TB) storage.Store, o Options) *kit {
	if o.Token == nil {
		o.Token = placementToken
	}
	return &kit{TB: rapidTB{t, rt}, t: t, ctx: t.Context(), open: open, o: o, store: open(t)}
}

// rapidTB is the test, except that failures are rapid's.
type rapidTB struct {
	testing.TB
	rt *rapid.T
}

func (b rapidTB) Helper()                      {}
func (b rapidTB) Fatal(args ...any)            { b.rt.Fatal(args...) }
func (b rapidTB) Fatalf(f string, args ...any) { b.rt.Fatalf(f, args...) }
func (b rapidTB) Error(args ...any)            { b.rt.Error(args...) }
func (b rapidTB) Errorf(f string, args ...any) { b.rt.Errorf(f, args...) }
