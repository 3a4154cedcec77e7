package actor_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"workerd.local/internal/clone"
	"workerd.local/storage"
	"workerd.local/storage/mem"
)

const replaceable = `export class Obj extends DurableObject {
	async fetch(request) {
		const path = new URL(request.url).pathname;
		if (path === "/put") this.ctx.storage.put("k", "old");
		if (path === "/hang") await new Promise(() => {});
		if (path === "/alarm") return new Response(String(await this.ctx.storage.getAlarm()));
		return new Response(String(await this.ctx.storage.get("k")));
	}
	alarm() { this.ctx.storage.put("k", "rang"); }
}`

// replacement stores a value, with an alarm where at is set.
func (k *kit) replacement(store storage.Store, name, value string, at time.Time) func() error {
	id := k.ns.IDs().FromName(name)
	b, err := clone.Encode(value, clone.Options{})
	if err != nil {
		k.t.Fatal(err)
	}
	w := storage.Write{Actor: id, DelAll: true, Put: []storage.KV{{Key: "k", Value: b}}}
	if !at.IsZero() {
		w.Alarm = storage.AlarmChange{Op: storage.AlarmSet, Time: at}
	}
	return func() error {
		_, err := store.Commit(k.t.Context(), map[storage.Token][]storage.Write{{Shard: id.Shard(), Epoch: epochOf(k.t, store)}: {w}})
		return err
	}
}

func TestReplaceResetsALiveActor(t *testing.T) {
	store := mem.New()
	k := newKit(t, replaceable, kitOptions{store: store})
	old := k.stub("a")
	k.want(old, "/put", "old")
	if err := k.ns.Replace(t.Context(), k.ns.IDs().FromName("a"), k.replacement(store, "a", "new", time.Time{})); err != nil {
		t.Fatal(err)
	}
	if got := ask(t, old, "/"); !strings.Contains(got, "its storage was replaced") {
		t.Errorf("the stub that held the actor: %s", got)
	}
	k.want(k.stub("a"), "/", "new")
	// Nobody is live: nothing to reset.
	if err := k.ns.Replace(t.Context(), k.ns.IDs().FromName("b"), k.replacement(store, "b", "other", time.Time{})); err != nil {
		t.Fatal(err)
	}
	k.want(k.stub("b"), "/", "other")
}

func TestNobodyIsLetInWhileStorageIsReplaced(t *testing.T) {
	store := mem.New()
	k := newKit(t, replaceable, kitOptions{store: store})
	id := k.ns.IDs().FromName("a")
	commit := k.replacement(store, "a", "new", time.Time{})
	failed := errors.New("disk full")
	err := k.ns.Replace(t.Context(), id, func() error {
		if got := ask(t, k.stub("a"), "/"); !strings.Contains(got, "is being replaced; try again") {
			t.Errorf("meanwhile: %s", got)
		}
		if err := k.ns.Replace(t.Context(), id, commit); err == nil {
			t.Error("two at a time")
		}
		k.want(k.stub("other"), "/", "undefined")
		return failed
	})
	if !errors.Is(err, failed) {
		t.Errorf("%v", err)
	}
	k.want(k.stub("a"), "/", "undefined")
}

func TestReplacedAlarmRings(t *testing.T) {
	store := mem.New()
	k := newKit(t, replaceable, kitOptions{store: store})
	id := k.ns.IDs().FromName("a")
	if err := k.ns.Replace(t.Context(), id, k.replacement(store, "a", "new", time.Now().Add(-time.Second))); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); ask(t, k.stub("a"), "/") != "rang"; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the alarm does not ring")
		}
	}
	// One that is taken away does not.
	if err := k.ns.Replace(t.Context(), id, k.replacement(store, "a", "new", time.Now().Add(time.Hour))); err != nil {
		t.Fatal(err)
	}
	if got := ask(t, k.stub("a"), "/alarm"); got == "null" {
		t.Error("no alarm is set")
	}
}
