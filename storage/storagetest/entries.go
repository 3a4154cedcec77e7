package storagetest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"workerd.local/storage"
)

var entryTests = []test{
	{"EmptyActorHasNothing", func(k *kit) {
		a := Actor("ns", 1)
		k.wantKVs("get", k.get(a, "", "k"))
		k.wantKVs("scan", k.scan(a, storage.Range{}))
		k.wantKVs("reverse scan", k.scan(a, storage.Range{Reverse: true}))
	}},
	{"GetReturnsWhatExistsInTheOrderAsked", func(k *kit) {
		a := Actor("ns", 1)
		k.put(a, "a", "1", "b", "2", "c", "3")
		k.wantKVs("get", k.get(a, "c", "missing", "a", "c"), "c", "3", "a", "1", "c", "3")
		k.wantKVs("get of no keys", k.get(a))
	}},
	{"EmptyKeyAndEmptyValue", func(k *kit) {
		a := Actor("ns", 1)
		k.put(a, "", "", "x", "")
		got := k.get(a, "", "x", "y")
		k.wantKVs("get", got, "", "", "x", "")
		if got[0].Value == nil || got[1].Value == nil {
			k.Fatal("an empty value came back as nil")
		}
		k.wantKVs("scan", k.scan(a, storage.Range{}), "", "", "x", "")
		k.wantKVs("scan from x", k.scan(a, storage.Range{Start: "x"}), "x", "")
		k.commit(storage.Write{Actor: a, Del: []string{""}})
		k.wantKVs("scan", k.scan(a, storage.Range{}), "x", "")
	}},
	{"NilValueIsEmptyValue", func(k *kit) {
		a := Actor("ns", 1)
		k.commit(storage.Write{Actor: a, Put: []storage.KV{{Key: "k"}}})
		if got := k.get(a, "k"); len(got) != 1 || got[0].Value == nil || len(got[0].Value) != 0 {
			k.Fatalf("got %#v", got)
		}
	}},
	{"ScanOrdersByBytes", func(k *kit) {
		a := Actor("ns", 1)
		keys := []string{"", "\x00", "\x00\x00", "\x01", "A", "Z", "a", "a\x00", "a\x00b", "aa", "b", "é", "z", "\u2028", "\U0001F600", "\xff", "\xff\xff"}
		slices.Sort(keys)
		var pairs []string
		for _, key := range keys {
			pairs = append(pairs, key, "v"+key)
		}
		shuffled := kvs(pairs...)
		for i := range shuffled {
			j := (i * 7) % len(shuffled)
			shuffled[i], shuffled[j] = shuffled[j], shuffled[i]
		}
		k.commit(storage.Write{Actor: a, Put: shuffled})
		k.wantKVs("scan", k.scan(a, storage.Range{}), pairs...)
		backwards := kvs(pairs...)
		slices.Reverse(backwards)
		if got := k.scan(a, storage.Range{Reverse: true}); !equalKVs(got, backwards) {
			k.Fatalf("reverse scan: got %s", show(got))
		}
	}},
	{"ScanRangesAndLimits", func(k *kit) {
		a := Actor("ns", 1)
		k.put(a, "a", "1", "b", "2", "c", "3", "d", "4")
		for _, c := range []struct {
			r    storage.Range
			want string
		}{
			{storage.Range{}, "abcd"},
			{storage.Range{Start: "b"}, "bcd"},
			{storage.Range{Start: "b\x00"}, "cd"},
			{storage.Range{Start: "e"}, ""},
			{storage.Range{End: "c"}, "ab"},
			{storage.Range{End: "c\x00"}, "abc"},
			{storage.Range{End: "a"}, ""},
			{storage.Range{Start: "b", End: "d"}, "bc"},
			{storage.Range{Start: "b", End: "b"}, ""},
			{storage.Range{Start: "d", End: "b"}, ""},
			{storage.Range{Limit: 1}, "a"},
			{storage.Range{Limit: 4}, "abcd"},
			{storage.Range{Limit: 5}, "abcd"},
			{storage.Range{Start: "b", Limit: 2}, "bc"},
			{storage.Range{Reverse: true}, "dcba"},
			{storage.Range{Reverse: true, Limit: 2}, "dc"},
			{storage.Range{Reverse: true, Start: "b"}, "dcb"},
			{storage.Range{Reverse: true, End: "c"}, "ba"},
			{storage.Range{Reverse: true, End: "zz"}, "dcba"},
			{storage.Range{Reverse: true, End: "bb", Limit: 1}, "b"},
			{storage.Range{Reverse: true, Start: "b", End: "d", Limit: 5}, "cb"},
			{storage.Range{Reverse: true, Start: "d", End: "b"}, ""},
			{storage.Range{Reverse: true, End: "a"}, ""},
		} {
			got := ""
			for _, kv := range k.scan(a, c.r) {
				got += kv.Key
			}
			if got != c.want {
				k.Errorf("%+v: got %q, want %q", c.r, got, c.want)
			}
		}
		for _, err := range k.store.Scan(k.ctx, k.token(a), a, storage.Range{Limit: -1}) {
			if err == nil {
				k.Error("a negative limit was taken")
			}
		}
	}},
	{"NeighboursAreSeparate", func(k *kit) {
		// Keys, actors and namespaces that are prefixes of each other.
		ids := []struct{ ns, key string }{
			{"a", "x"}, {"a", "xx"}, {"a", "x\x00"}, {"a", "\xff"}, {"a", "\xff\xff"}, {"ax", "x"}, {"aa", "x"}, {"b", "x"},
		}
		for _, id := range ids {
			a := Actor(id.ns, 0)
			a.Key = id.key
			k.put(a, "", id.ns+id.key, "\xff", "last")
		}
		for i, id := range ids {
			a := Actor(id.ns, 0)
			a.Key = id.key
			k.wantKVs(fmt.Sprintf("scan %q", id), k.scan(a, storage.Range{}), "", id.ns+id.key, "\xff", "last")
			k.wantKVs(fmt.Sprintf("reverse %q", id), k.scan(a, storage.Range{Reverse: true}), "\xff", "last", "", id.ns+id.key)
			k.commit(storage.Write{Actor: a, DelAll: true})
			k.wantKVs("after deleting all", k.scan(a, storage.Range{}))
			for _, later := range ids[i+1:] {
				b := a
				b.Namespace, b.Key = later.ns, later.key
				if got := k.get(b, ""); len(got) != 1 {
					k.Fatalf("deleting %q emptied %q", id, later)
				}
			}
		}
		k.check()
	}},
	{"ManyEntries", func(k *kit) {
		a, b := Actor("ns", 1), Actor("ns", 2)
		const n = 5000
		w := storage.Write{Actor: a}
		for i := range n {
			w.Put = append(w.Put, storage.KV{Key: fmt.Sprintf("key%06d", i), Value: bytes.Repeat([]byte{byte(i)}, i%97)})
		}
		k.commit(w, storage.Write{Actor: b, Put: kvs("only", "b")})
		if got := k.scan(a, storage.Range{}); !equalKVs(got, w.Put) {
			k.Fatalf("scan: got %s", show(got))
		}
		slices.Reverse(w.Put)
		if got := k.scan(a, storage.Range{Reverse: true}); !equalKVs(got, w.Put) {
			k.Fatalf("reverse scan: got %s", show(got))
		}
		for _, limit := range []int{63, 64, 65, 1000, n - 1, n, n + 1} {
			for _, reverse := range []bool{false, true} {
				if got := k.scan(a, storage.Range{Limit: limit, Reverse: reverse}); len(got) != min(limit, n) {
					k.Errorf("limit %d, reverse %v: got %d entries", limit, reverse, len(got))
				}
			}
		}
		k.check()
		k.commit(storage.Write{Actor: a, DelAll: true, Put: kvs("key000007", "new")})
		k.wantKVs("after DelAll+Put", k.scan(a, storage.Range{}), "key000007", "new")
		k.wantKVs("the other actor", k.scan(b, storage.Range{}), "only", "b")
		k.check()
	}},
	{"BreakingOutOfAScan", func(k *kit) {
		a := Actor("ns", 1)
		w := storage.Write{Actor: a}
		for i := range 3000 {
			w.Put = append(w.Put, storage.KV{Key: fmt.Sprintf("%05d", i), Value: []byte("v")})
		}
		k.commit(w)
		for _, stop := range []int{1, 64, 65, 2000} {
			n := 0
			for _, err := range k.store.Scan(k.ctx, k.token(a), a, storage.Range{}) {
				if err != nil {
					k.Fatal(err)
				}
				if n++; n == stop {
					break
				}
			}
			k.put(a, "x", "a commit after the break") // hangs if the scan still holds something
		}
		func() {
			defer func() {
				if recover() != "out" {
					k.Error("a panic of the loop body did not pass")
				}
			}()
			for range k.store.Scan(k.ctx, k.token(a), a, storage.Range{}) {
				panic("out")
			}
		}()
		k.put(a, "x", "a commit after the panic")
		// A sequence may be used again, and shows what is there then.
		seq := k.store.Scan(k.ctx, k.token(a), a, storage.Range{Start: "x"})
		k.put(a, "x", "newest")
		for range 2 {
			for kv, err := range seq {
				if err != nil || string(kv.Value) != "newest" {
					k.Fatalf("got %q, %v", kv.Value, err)
				}
			}
		}
	}},
	{"LongKeysAndBigValues", func(k *kit) {
		a := Actor("ns", 1)
		long, longest := strings.Repeat("é", 1024), strings.Repeat("k", storage.MaxKeyBytes)
		big := bytes.Repeat([]byte("0123456789abcdef"), 5<<20/16)
		k.commit(storage.Write{Actor: a, Put: []storage.KV{{Key: long, Value: big}, {Key: longest, Value: []byte("v")}, {Key: "s", Value: []byte("small")}}})
		got := k.get(a, long, longest, "s")
		if len(got) != 3 || !bytes.Equal(got[0].Value, big) || string(got[1].Value) != "v" {
			k.Fatalf("got %s", show(got))
		}
		k.put(a, long, "short now")
		k.wantKVs("scan", k.scan(a, storage.Range{}), longest, "v", "s", "small", long, "short now")
		k.check()
	}},
	{"ValuesBelongToTheirReader", func(k *kit) {
		a := Actor("ns", 1)
		k.put(a, "k", "value", "l", "other")
		got, scanned := k.get(a, "k")[0], k.scan(a, storage.Range{})[0]
		for i := range 100 {
			k.put(a, "k", fmt.Sprint(i), "l", fmt.Sprint(i))
		}
		if string(got.Value) != "value" || string(scanned.Value) != "value" {
			k.Fatalf("values changed after they were read: %q, %q", got.Value, scanned.Value)
		}
	}},
}
