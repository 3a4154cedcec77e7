package storagetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"workerd.local/actorid"
	"workerd.local/storage"
)

var lifeTests = []test{
	{"Meta", func(k *kit) {
		want := func(name string, value []byte) {
			k.Helper()
			got, err := k.store.Meta(k.ctx, name)
			if err != nil || !bytes.Equal(got, value) || (got == nil) != (value == nil) {
				k.Fatalf("meta %q: %q, %v; want %q", name, got, err, value)
			}
		}
		set := func(name, value string) {
			k.Helper()
			if err := k.store.SetMeta(k.ctx, name, []byte(value)); err != nil {
				k.Fatal(err)
			}
		}
		want("m", nil)
		set("m", "1")
		set("mm", "2")
		want("m", []byte("1"))
		set("m", "")
		want("m", []byte{})
		for name, value := range map[string]string{"": "v", strings.Repeat("m", storage.MaxKeyBytes+1): "v"} {
			if err := k.store.SetMeta(k.ctx, name, []byte(value)); err == nil {
				k.Errorf("meta with a name of %d bytes was set", len(name))
			}
		}
		if got := k.namespaces(); len(got) != 0 {
			k.Fatalf("meta made namespaces %q", got)
		}
		k.reopen()
		want("m", []byte{})
		want("mm", []byte("2"))
		want("n", nil)
	}},
	{"WhatWasCommittedLasts", func(k *kit) {
		want := map[int]string{}
		for round := range 4 {
			for i := range 50 {
				value := fmt.Sprintf("%d-%d", round, i)
				k.put(Actor("ns", i), "k", value)
				want[i] = value
			}
			k.reopen()
			for i, value := range want {
				k.wantKVs("get", k.get(Actor("ns", i), "k"), "k", value)
			}
			k.check()
		}
	}},
	{"AfterCloseEverythingFails", func(k *kit) {
		a := Actor("ns", 1)
		k.put(a, "k", "v")
		t := k.token(a)
		batch := k.batch(storage.Write{Actor: a, Put: kvs("k", "w")})
		if err := k.store.Close(); err != nil {
			k.Fatalf("close: %v", err)
		}
		want := func(what string, err error) {
			k.Helper()
			if !errors.Is(err, storage.ErrClosed) {
				k.Errorf("%s: %v, want %v", what, err, storage.ErrClosed)
			}
		}
		_, err := k.store.Commit(k.ctx, batch)
		want("commit", err)
		_, err = k.store.Commit(k.ctx, nil)
		want("empty commit", err)
		_, err = k.store.Get(k.ctx, t, a, []string{"k"})
		want("get", err)
		_, err = k.store.Alarm(k.ctx, t, a)
		want("alarm", err)
		_, err = k.store.Alarms(k.ctx, t, 1)
		want("alarms", err)
		_, err = k.store.Meta(k.ctx, "m")
		want("meta", err)
		want("set meta", k.store.SetMeta(k.ctx, "m", nil))
		want("delete namespace", k.store.DeleteNamespace(k.ctx, "ns"))
		want("backup", k.store.Backup(k.ctx, io.Discard))
		want("check", k.store.Check(k.ctx))
		n := 0
		for _, err := range k.store.Scan(k.ctx, t, a, storage.Range{}) {
			want("scan", err)
			n++
		}
		for _, err := range k.store.Actors(k.ctx, "ns", actorid.ID{}) {
			want("actors", err)
			n++
		}
		for _, err := range k.store.Namespaces(k.ctx) {
			want("namespaces", err)
			n++
		}
		if n != 3 {
			k.Errorf("3 sequences of a closed store yielded %d times", n)
		}
		want("close again", k.store.Close())
	}},
	{"Backup", func(k *kit) {
		if k.o.Restore == nil {
			k.Skip("Options.Restore is not set")
		}
		for i := range 300 {
			w := setAlarm(Actor("ns", i), at(i), fmt.Sprint("name", i), i)
			w.Put = kvs("k", fmt.Sprint(i), "", strings.Repeat("x", i))
			k.commit(w, storage.Write{Actor: Actor("other", i), Put: kvs("k", "v")})
		}
		if err := k.store.SetMeta(k.ctx, "m", []byte("value")); err != nil {
			k.Fatal(err)
		}
		if err := k.store.DeleteNamespace(k.ctx, "other"); err != nil {
			k.Fatal(err)
		}
		before := dump(k)
		var backup bytes.Buffer
		if err := k.store.Backup(k.ctx, &backup); err != nil {
			k.Fatal(err)
		}
		k.put(Actor("ns", 1), "later", "not in the backup")
		copied := *k
		copied.store = k.o.Restore(k, backup.Bytes())
		defer copied.store.Close()
		if after := dump(&copied); after != before {
			k.Fatalf("the restored content differs: %d and %d bytes of dump", len(after), len(before))
		}
		copied.check()
		copied.put(Actor("ns", 1), "k", "the copy can be written")
	}},
	{"BackupReportsItsWritersError", func(k *kit) {
		k.put(Actor("ns", 1), "k", strings.Repeat("v", 1<<20))
		for _, room := range []int{0, 10, 5000, 100_000} {
			broken := errors.New("no more paper")
			if err := k.store.Backup(k.ctx, &shortWriter{room: room, err: broken}); !errors.Is(err, broken) {
				k.Errorf("room for %d bytes: %v", room, err)
			}
		}
		k.put(Actor("ns", 1), "k", "the store goes on")
	}},
	{"PlacementOwnsEveryShard", func(k *kit) {
		p, ok := k.store.(interface{ Placement() storage.Placement })
		if !ok {
			k.Skip("the store has no placement of its own")
		}
		self := storage.Node{ID: "node", Addr: "127.0.0.1:1"}
		session, err := p.Placement().Join(k.ctx, self)
		if err != nil || !session.Valid() {
			k.Fatalf("join: %v", err)
		}
		gained := map[uint32]storage.Token{}
		for range actorid.Shards {
			t := <-session.Gained()
			gained[t.Shard] = t
		}
		for shard := range uint32(actorid.Shards) {
			node, token, err := p.Placement().Owner(k.ctx, shard)
			if err != nil || node != self || token != gained[shard] {
				k.Fatalf("shard %d: %v %v %v, gained %v", shard, node, token, err, gained[shard])
			}
		}
		if _, _, err := p.Placement().Owner(k.ctx, actorid.Shards); err == nil {
			k.Error("a shard that does not exist has an owner")
		}
		if err := session.Drain(context.Background()); err != nil || session.Valid() {
			k.Errorf("after drain: valid %v, %v", session.Valid(), err)
		}
		again, err := p.Placement().Join(k.ctx, self)
		if err != nil {
			k.Fatal(err)
		}
		if err := k.store.Close(); err != nil {
			k.Fatal(err)
		}
		if again.Valid() {
			k.Error("a session outlived its store")
		}
	}},
}

type shortWriter struct {
	room int
	err  error
}

func (w *shortWriter) Write(p []byte) (int, error) {
	if w.room -= len(p); w.room < 0 {
		return 0, w.err
	}
	return len(p), nil
}

// dump writes out everything that a store holds.
func dump(k *kit) string {
	k.Helper()
	var b strings.Builder
	for _, ns := range k.namespaces() {
		for _, info := range k.actors(ns, actorid.ID{}) {
			d := k.alarm(info.Actor)
			fmt.Fprintf(&b, "%q %s %d %d alarm %v %q %d\n", ns, info.Actor, info.Keys, info.Bytes, d.Time.UnixNano(), d.Name, d.Retries)
			for _, kv := range k.scan(info.Actor, storage.Range{}) {
				fmt.Fprintf(&b, "  %q = %q\n", kv.Key, kv.Value)
			}
		}
	}
	for shard := range uint32(actorid.Shards) {
		for _, d := range k.alarms(shard, 0) {
			fmt.Fprintf(&b, "shard %d: %s %v\n", shard, d.Actor, d.Time.UnixNano())
		}
	}
	m, err := k.store.Meta(k.ctx, "m")
	fmt.Fprintf(&b, "meta %q %v\n", m, err)
	return b.String()
}
