package actor_test

import (
	"testing"
	"time"
)

// TestSQLiteStorage has what workerd's storage in SQLite is tested for and what only
// the actor shows; the rest is in package cache.
func TestSQLiteStorage(t *testing.T) {
	t.Run("deleteAll within a transaction is refused", func(t *testing.T) {
		const refused = "Error: Cannot call deleteAll() within a transaction"
		checkCalls(t, kitOptions{sqlite: true}, []callRow{
			{`s.put("a", 1)`, "undefined"},
			{`s.transaction(t => s.deleteAll())`, "rejects " + refused},
			{`s.transaction(t => t.deleteAll())`, "rejects " + refused},
			{`s.transaction(t => s.transaction(() => s.deleteAll()))`, "rejects " + refused},
			{`s.get("a")`, "1"},
			{`s.deleteAll().then(() => s.get("a"))`, "undefined"},
		})
	})
	t.Run("a put of several values that fails writes none", func(t *testing.T) {
		checkCalls(t, kitOptions{sqlite: true}, []callRow{
			{`s.put({ a: 1, b: () => 1, c: 1 })`, "rejects DataCloneError: () => 1 could not be cloned."},
			{`s.put({ a: 1, get b() { throw new RangeError("getter"); } })`, "rejects RangeError: getter"},
			{`s.transaction(t => t.put({ a: 1, b: () => 1 }))`, "rejects DataCloneError: () => 1 could not be cloned."},
			{`s.transaction(async t => { await t.put("d", 1); await t.put({ a: 1, b: () => 1 }).catch(() => {}); })`, "undefined"},
			{`s.list()`, "Map d,1"},
		})
	})
	const writer = `
		export class Obj extends DurableObject {
			async fetch(request) {
				const s = this.ctx.storage;
				switch (new URL(request.url).pathname) {
				case "/kv": s.kv.put("a", 1, { allowUnconfirmed: true }); break;
				case "/deleteAll": s.deleteAll({ allowUnconfirmed: true }); break;
				case "/unconfirmed": s.put("a", 1, { allowUnconfirmed: true }); break;
				}
				return new Response("replied");
			}
		}`
	for name, path := range map[string]string{
		"a write of storage.kv holds the reply":            "/kv",
		"deleteAll holds the reply, whatever is asked for": "/deleteAll",
	} {
		t.Run(name, func(t *testing.T) {
			store := instantHeldStore{newHeldStore()}
			k := newKit(t, writer, kitOptions{store: store, sqlite: true, sql: true})
			s := k.stub("a")
			got := make(chan string, 1)
			go func() { got <- ask(t, s, path) }()
			<-store.begun
			select {
			case r := <-got:
				t.Errorf("%q left before its commit", r)
				store.outcome <- nil
				return
			case <-time.After(200 * time.Millisecond):
			}
			store.outcome <- nil
			if r := <-got; r != "replied" {
				t.Errorf("reply %q", r)
			}
		})
	}
	t.Run("an unconfirmed write does not hold the reply", func(t *testing.T) {
		store := newHeldStore()
		k := newKit(t, writer, kitOptions{store: store, sqlite: true})
		k.want(k.stub("a"), "/unconfirmed", "replied") // nothing lets the commit go yet
		<-store.begun
		store.outcome <- nil
	})
}

// instantHeldStore is a heldStore whose reads do not wait.
type instantHeldStore struct{ *heldStore }

func (instantHeldStore) InstantReads() bool { return true }
