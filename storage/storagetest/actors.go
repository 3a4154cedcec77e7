package storagetest

import (
	"fmt"
	"slices"
	"strings"

	"workerd.local/actorid"
	"workerd.local/storage"
)

var actorTests = []test{
	{"ActorsInOrderWithTheirSizes", func(k *kit) {
		if got := k.actors("ns", actorid.ID{}); len(got) != 0 {
			k.Fatalf("an empty store has %v", got)
		}
		var want []storage.ActorInfo
		for i := range 600 {
			a := Actor("ns", i)
			k.put(a, "k", strings.Repeat("v", i), "", "x")
			want = append(want, storage.ActorInfo{Actor: a, Keys: 2, Bytes: int64(i) + 2})
		}
		k.put(Actor("another", 1), "k", "v")
		alarmed := Actor("ns", 600)
		k.commit(setAlarm(alarmed, at(1), "", 0))
		want = append(want, storage.ActorInfo{Actor: alarmed})
		slices.SortFunc(want, func(a, b storage.ActorInfo) int { return strings.Compare(a.Actor.Key, b.Actor.Key) })
		if got := k.actors("ns", actorid.ID{}); !slices.Equal(got, want) {
			k.Fatalf("got %d actors, want %d", len(got), len(want))
		}
		for _, i := range []int{0, 1, 255, 256, 599, 600} {
			if got := k.actors("ns", want[i].Actor); !slices.Equal(got, want[i+1:]) {
				k.Errorf("after number %d: %d actors, want %d", i, len(got), len(want)-i-1)
			}
		}
		between := actorid.ID{Namespace: "ns", Key: want[9].Actor.Key + "\x00"}
		if got := k.actors("ns", between); len(got) == 0 || got[0] != want[10] {
			k.Error("after a key that is not stored: not the next one")
		}
		for info, err := range k.store.Actors(k.ctx, "ns", actorid.ID{}) {
			if err != nil || info != want[0] {
				k.Fatalf("first: %v, %v", info, err)
			}
			k.put(info.Actor, "k", "") // a loop body may call the store
			break
		}
	}},
	{"AnEmptiedActorIsNotStored", func(k *kit) {
		a, b, c := Actor("ns", 1), Actor("ns", 2), Actor("ns", 3)
		k.put(a, "x", "1", "y", "2")
		k.put(b, "x", "1")
		k.commit(setAlarm(c, at(1), "", 0))
		k.commit(storage.Write{Actor: a, Del: []string{"x", "y"}})
		k.commit(storage.Write{Actor: b, DelAll: true})
		k.commit(storage.Write{Actor: c, Alarm: storage.AlarmChange{Op: storage.AlarmClear}})
		if got := k.actors("ns", actorid.ID{}); len(got) != 0 {
			k.Fatalf("got %v", got)
		}
		if got := k.namespaces(); len(got) != 0 {
			k.Fatalf("namespaces %q", got)
		}
		k.check()
	}},
	{"Namespaces", func(k *kit) {
		for _, name := range []string{"b", "a", "ab", "a\x00", "é"} {
			k.put(Actor(name, 1), "k", "v")
		}
		want := []string{"a", "a\x00", "ab", "b", "é"}
		if got := k.namespaces(); !slices.Equal(got, want) {
			k.Fatalf("got %q, want %q", got, want)
		}
		for name, err := range k.store.Namespaces(k.ctx) {
			if name != "a" || err != nil {
				k.Fatalf("first: %q, %v", name, err)
			}
			break
		}
	}},
	{"DeleteNamespace", func(k *kit) {
		const n = 300
		var writes []storage.Write
		for i := range n {
			for _, ns := range []string{"gone", "stays"} {
				w := setAlarm(Actor(ns, i), at(i), "", 0)
				w.Put = kvs("k", ns)
				writes = append(writes, w)
			}
		}
		big := storage.Write{Actor: Actor("gone", n)}
		for i := range 3000 {
			big.Put = append(big.Put, storage.KV{Key: fmt.Sprint(i), Value: []byte("v")})
		}
		k.commit(append(writes, big)...)
		gone := func() {
			k.Helper()
			if got := k.actors("gone", actorid.ID{}); len(got) != 0 {
				k.Fatalf("%d actors are left", len(got))
			}
			if got := k.namespaces(); !slices.Equal(got, []string{"stays"}) {
				k.Fatalf("namespaces: %q", got)
			}
			for i := range n {
				a, b := Actor("gone", i), Actor("stays", i)
				k.wantKVs("deleted actor", k.scan(a, storage.Range{}))
				k.wantDue("its alarm", k.alarm(a), storage.Due{})
				for _, d := range k.alarms(a.Shard(), 0) {
					if d.Actor.Namespace == "gone" {
						k.Fatalf("alarm of a deleted actor: %v", d)
					}
				}
				k.wantKVs("other actor", k.scan(b, storage.Range{}), "k", "stays")
				k.wantDue("its alarm", k.alarm(b), storage.Due{Actor: b, Time: at(i)})
			}
			k.check()
		}
		if err := k.store.DeleteNamespace(k.ctx, "gone"); err != nil {
			k.Fatal(err)
		}
		gone()
		if err := k.store.DeleteNamespace(k.ctx, "gone"); err != nil {
			k.Fatalf("again: %v", err)
		}
		if err := k.store.DeleteNamespace(k.ctx, "never was"); err != nil {
			k.Fatalf("unknown: %v", err)
		}
		k.put(Actor("gone", 5), "new", "life")
		k.wantKVs("re-created", k.scan(Actor("gone", 5), storage.Range{}), "new", "life")
		if got := k.actors("gone", actorid.ID{}); len(got) != 1 || got[0].Keys != 1 {
			k.Fatalf("re-created: %v", got)
		}
		if err := k.store.DeleteNamespace(k.ctx, "gone"); err != nil {
			k.Fatal(err)
		}
		k.reopen()
		gone()
	}},
}
