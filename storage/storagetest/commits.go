package storagetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"workerd.local/actorid"
	"workerd.local/storage"
)

var commitTests = []test{
	{"DelAllThenDelThenPut", func(k *kit) {
		a := Actor("ns", 1)
		k.put(a, "a", "1", "b", "2")
		k.commit(storage.Write{Actor: a, Del: []string{"a", "c", "missing"}, Put: kvs("c", "3")})
		k.wantKVs("del, put", k.scan(a, storage.Range{}), "b", "2", "c", "3")
		k.commit(storage.Write{Actor: a, DelAll: true, Del: []string{"b"}, Put: kvs("b", "4")})
		k.wantKVs("all three", k.scan(a, storage.Range{}), "b", "4")
		k.commit(storage.Write{Actor: a, DelAll: true})
		k.wantKVs("delete all", k.scan(a, storage.Range{}))
		k.commit(storage.Write{Actor: a, DelAll: true})
		k.put(a, "a", "5")
		k.wantKVs("put again", k.scan(a, storage.Range{}), "a", "5")
		k.check()
	}},
	{"OneBatchManyActors", func(k *kit) {
		var writes []storage.Write
		for i := range 200 {
			writes = append(writes, storage.Write{Actor: Actor(fmt.Sprintf("ns%d", i%3), i), Put: kvs("i", fmt.Sprint(i))})
		}
		k.commit(writes...)
		for i, w := range writes {
			k.wantKVs("get", k.get(w.Actor, "i"), "i", fmt.Sprint(i))
		}
	}},
	{"EmptyBatches", func(k *kit) {
		a := Actor("ns", 1)
		k.commit()
		k.commit(storage.Write{Actor: a})
		if fenced, err := k.store.Commit(k.ctx, map[storage.Token][]storage.Write{k.token(a): nil}); err != nil || fenced != nil {
			k.Fatalf("fenced %v, %v", fenced, err)
		}
		if got := k.actors("ns", actorid.ID{}); len(got) != 0 {
			k.Fatalf("an empty write made %v", got)
		}
	}},
	{"FencedTokensApplyNothingTheOthersAll", func(k *kit) {
		a, b := Actor("ns", 1), Actor("ns", 2)
		for i := 3; b.Shard() == a.Shard(); i++ {
			b = Actor("ns", i)
		}
		k.put(a, "k", "old")
		current := k.token(a)
		for _, epoch := range []uint64{current.Epoch + 1, current.Epoch - 1} {
			stale := storage.Token{Shard: a.Shard(), Epoch: epoch}
			batch := k.batch(storage.Write{Actor: b, Put: kvs("k", fmt.Sprint(epoch))})
			batch[stale] = []storage.Write{
				{Actor: a, Put: kvs("k", "stale")},
				{Actor: a, DelAll: true, Alarm: storage.AlarmChange{Op: storage.AlarmSet, Time: at(0)}},
			}
			fenced, err := k.store.Commit(k.ctx, batch)
			if err != nil || !slices.Equal(fenced, []storage.Token{stale}) {
				k.Fatalf("epoch %d: fenced %v, %v", epoch, fenced, err)
			}
			k.wantKVs("the fenced actor", k.scan(a, storage.Range{}), "k", "old")
			k.wantKVs("the other actor", k.scan(b, storage.Range{}), "k", fmt.Sprint(epoch))
			k.wantDue("alarm", k.alarm(a), storage.Due{})
			k.wantFenced(stale, a)
		}
	}},
	{"AReopenedStoreFencesItsOldTokens", func(k *kit) {
		a := Actor("ns", 1)
		k.put(a, "k", "v")
		old := k.token(a)
		k.reopen()
		if now := k.token(a); now.Epoch <= old.Epoch {
			k.Fatalf("epoch %d follows %d", now.Epoch, old.Epoch)
		}
		fenced, err := k.store.Commit(k.ctx, map[storage.Token][]storage.Write{old: {{Actor: a, DelAll: true}}})
		if err != nil || !slices.Equal(fenced, []storage.Token{old}) {
			k.Fatalf("fenced %v, %v", fenced, err)
		}
		k.wantFenced(old, a)
		k.wantKVs("scan", k.scan(a, storage.Range{}), "k", "v")
	}},
	{"BadBatchesAreRefusedWhole", func(k *kit) {
		a, good := Actor("ns", 1), Actor("ns", 2)
		k.put(a, "k", "v")
		w := func(change func(w *storage.Write)) storage.Write {
			bad := storage.Write{Actor: a}
			change(&bad)
			return bad
		}
		for name, bad := range map[string]storage.Write{
			"long key":        w(func(w *storage.Write) { w.Put = kvs(strings.Repeat("x", storage.MaxKeyBytes+1), "v") }),
			"long del":        w(func(w *storage.Write) { w.Del = []string{strings.Repeat("x", storage.MaxKeyBytes+1)} }),
			"no actor":        w(func(w *storage.Write) { w.Actor = actorid.ID{} }),
			"no actor key":    w(func(w *storage.Write) { w.Actor.Key = "" }),
			"no namespace":    w(func(w *storage.Write) { w.Actor.Namespace = "" }),
			"long namespace":  w(func(w *storage.Write) { w.Actor.Namespace = strings.Repeat("n", storage.MaxNamespaceBytes+1) }),
			"long actor key":  w(func(w *storage.Write) { w.Actor.Key = strings.Repeat("n", storage.MaxActorKeyBytes+1) }),
			"timeless alarm":  setAlarm(a, time.Time{}, "", 0),
			"timeless clear":  w(func(w *storage.Write) { w.Alarm.Op = storage.AlarmClearIf }),
			"negative retry":  setAlarm(a, at(0), "", -1),
			"least retry":     setAlarm(a, at(0), "", math.MinInt),
			"odd alarm":       w(func(w *storage.Write) { w.Alarm.Op = 99 }),
			"long alarm name": setAlarm(a, at(0), strings.Repeat("n", storage.MaxKeyBytes+1), 0),
		} {
			_, err := k.store.Commit(k.ctx, k.batch(storage.Write{Actor: good, Put: kvs("k", name)}, bad))
			if err == nil {
				k.Errorf("%s: it was committed", name)
			}
			if got := k.get(good, "k"); len(got) != 0 {
				k.Fatalf("%s: a part of the batch was applied", name)
			}
		}
		other := storage.Token{Shard: (a.Shard() + 1) % actorid.Shards, Epoch: k.token(a).Epoch}
		if _, err := k.store.Commit(k.ctx, map[storage.Token][]storage.Write{other: {{Actor: a, DelAll: true}}}); err == nil {
			k.Error("a write under the token of another shard was committed")
		}
		if _, err := k.store.Get(k.ctx, other, a, []string{"k"}); err == nil {
			k.Error("a read under the token of another shard was answered")
		}
		k.wantKVs("scan", k.scan(a, storage.Range{}), "k", "v")
		k.put(good, "k", "after bad batches")
	}},
	{"CancelledCallsDoNothing", func(k *kit) {
		a := Actor("ns", 1)
		k.put(a, "k", "v")
		ctx, cancel := context.WithCancel(k.ctx)
		cancel()
		want := func(what string, err error) {
			if !errors.Is(err, context.Canceled) {
				k.Errorf("%s: %v, want %v", what, err, context.Canceled)
			}
		}
		_, err := k.store.Commit(ctx, k.batch(storage.Write{Actor: a, DelAll: true}))
		want("commit", err)
		want("set meta", k.store.SetMeta(ctx, "m", []byte("v")))
		want("delete namespace", k.store.DeleteNamespace(ctx, "ns"))
		want("backup", k.store.Backup(ctx, new(bytes.Buffer)))
		want("check", k.store.Check(ctx))
		_, err = k.store.Get(ctx, k.token(a), a, []string{"k"})
		want("get", err)
		_, err = k.store.Alarm(ctx, k.token(a), a)
		want("alarm", err)
		_, err = k.store.Alarms(ctx, k.token(a), 1)
		want("alarms", err)
		_, err = k.store.Meta(ctx, "m")
		want("meta", err)
		for _, err := range k.store.Scan(ctx, k.token(a), a, storage.Range{}) {
			want("scan", err)
		}
		for _, err := range k.store.Actors(ctx, "ns", actorid.ID{}) {
			want("actors", err)
		}
		for _, err := range k.store.Namespaces(ctx) {
			want("namespaces", err)
		}
		k.wantKVs("scan", k.scan(a, storage.Range{}), "k", "v")
	}},
}

// wantFenced tries every read with a token.
func (k *kit) wantFenced(t storage.Token, a actorid.ID) {
	k.Helper()
	want := func(what string, err error) {
		k.Helper()
		if !errors.Is(err, storage.ErrFenced) {
			k.Errorf("%s with %v: %v, want %v", what, t, err, storage.ErrFenced)
		}
	}
	_, err := k.store.Get(k.ctx, t, a, []string{"k"})
	want("get", err)
	_, err = k.store.Alarm(k.ctx, t, a)
	want("alarm", err)
	_, err = k.store.Alarms(k.ctx, t, 1)
	want("alarms", err)
	n := 0
	for _, err := range k.store.Scan(k.ctx, t, a, storage.Range{}) {
		want("scan", err)
		n++
	}
	if n != 1 {
		k.Errorf("a fenced scan yielded %d times", n)
	}
}
