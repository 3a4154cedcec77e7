package storagetest

import (
	"fmt"
	"strings"

	"workerd.local/actorid"
	"workerd.local/storage"
)

var facetTests = []test{
	{"DeletingFacetsLeavesTheActorAndItsNeighbours", func(k *kit) {
		root, other := Actor("ns", 1), Actor("ns", 2)
		a, aa := root.Facet("a"), root.Facet("aa")
		ab := a.Facet("b")
		for _, id := range []actorid.ID{root, other, a, aa, ab, other.Facet("a")} {
			k.put(id, "k", id.String())
		}
		k.commit(setAlarm(ab, at(1), "", 0))
		k.commit(storage.Write{Actor: a, DelFacets: true, DelAll: true})
		k.wantStored("ns", root, aa, other, other.Facet("a"))
		if list := k.alarms(ab.Shard(), 0); len(list) != 0 {
			k.Fatalf("alarms %v", list)
		}
		k.commit(storage.Write{Actor: root, DelFacets: true, DelAll: true, Put: kvs("k", "new")})
		k.wantStored("ns", root, other, other.Facet("a"))
		k.wantKVs("root", k.get(root, "k"), "k", "new")
		k.check()
	}},
	{"DeletingFacetsThatAreMany", func(k *kit) {
		root := Actor("ns", 1)
		for i := range 300 {
			k.put(root.Facet(fmt.Sprint("f", i)), "k", strings.Repeat("v", 100))
		}
		big := root.Facet("big")
		for i := range 5 {
			w := storage.Write{Actor: big}
			for j := range 200 {
				w.Put = append(w.Put, storage.KV{Key: fmt.Sprintf("%d.%03d", i, j), Value: []byte("v")})
			}
			k.commit(w)
		}
		k.commit(storage.Write{Actor: root, DelFacets: true})
		k.wantStored("ns")
		k.put(big, "k", "new")
		k.wantKVs("a facet that was deleted", k.scan(big, storage.Range{}), "k", "new")
		k.check()
	}},
	{"CopyingAFacetCopiesItsFacets", func(k *kit) {
		root := Actor("ns", 1)
		from, to := root.Facet("from"), root.Facet("a longer name")
		k.put(from, "k", "1", "l", "2")
		k.put(from.Facet("x").Facet("y"), "k", "deep")
		w := storage.Write{Actor: from.Facet("x")}
		for i := range 2500 {
			w.Put = append(w.Put, storage.KV{Key: fmt.Sprintf("%04d", i), Value: []byte{byte(i)}})
		}
		k.commit(w)
		k.put(to, "old", "1")
		k.put(to.Facet("z"), "old", "1")
		k.commit(storage.Write{Actor: to, DelFacets: true, DelAll: true, Copy: from, Put: kvs("l", "3")})
		k.wantKVs("the copy", k.scan(to, storage.Range{}), "k", "1", "l", "3")
		k.wantKVs("what it was copied from", k.scan(from, storage.Range{}), "k", "1", "l", "2")
		k.wantKVs("a facet of a facet", k.scan(to.Facet("x").Facet("y"), storage.Range{}), "k", "deep")
		if got := k.scan(to.Facet("x"), storage.Range{}); !equalKVs(got, w.Put) {
			k.Fatalf("a large facet: %s", show(got))
		}
		k.wantKVs("what was there", k.scan(to.Facet("z"), storage.Range{}))
		// What is copied is independent from then on.
		k.commit(storage.Write{Actor: from, DelFacets: true, DelAll: true})
		k.wantStored("ns", to, to.Facet("x"), to.Facet("x").Facet("y"))
		k.commit(storage.Write{Actor: to, DelFacets: true, DelAll: true, Copy: from})
		k.wantStored("ns")
		k.check()
	}},
	{"CopiesThatMakeNoSense", func(k *kit) {
		root := Actor("ns", 1)
		for _, w := range []storage.Write{
			{Actor: root, Copy: root},
			{Actor: root, Copy: root.Facet("a")},
			{Actor: root.Facet("a"), Copy: root},
			{Actor: root.Facet("a"), Copy: Actor("ns", 2).Facet("a")},
			{Actor: root.Facet("a"), Copy: actorid.ID{Namespace: "other", Key: root.Facet("b").Key}},
		} {
			if _, err := k.store.Commit(k.ctx, k.batch(w)); err == nil {
				k.Errorf("%s into %s: no error", w.Copy, w.Actor)
			}
		}
		k.put(root, "k", "v") // the store goes on
	}},
	{"FacetsLast", func(k *kit) {
		root := Actor("ns", 1)
		k.put(root.Facet("a"), "k", "v")
		k.commit(storage.Write{Actor: root.Facet("b"), Copy: root.Facet("a")})
		k.commit(storage.Write{Actor: root.Facet("a"), DelFacets: true, DelAll: true})
		k.reopen()
		k.wantStored("ns", root.Facet("b"))
		k.wantKVs("the copy", k.get(root.Facet("b"), "k"), "k", "v")
	}},
}

// wantStored compares the actors of a namespace.
func (k *kit) wantStored(namespace string, want ...actorid.ID) {
	k.Helper()
	wanted := map[actorid.ID]bool{}
	for _, id := range want {
		wanted[id] = true
	}
	got := k.actors(namespace, actorid.ID{})
	for _, info := range got {
		if !wanted[info.Actor] {
			k.Errorf("%s is stored", info.Actor)
		}
	}
	if len(got) != len(want) {
		k.Fatalf("%d actors are stored, want %d", len(got), len(want))
	}
}
