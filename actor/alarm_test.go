package actor_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"workerd.local/actorid"
	"workerd.local/event"
	"workerd.local/storage"
	"workerd.local/storage/fault"
	"workerd.local/storage/mem"
)

// ringing is a class whose handler does what the query of its last request says.
const ringing = `
	const all = globalThis.log ??= [];
	export class Obj extends DurableObject {
		constructor(ctx, env) {
			super(ctx, env);
			if (globalThis.refuse === "throw") throw new Error("not today");
			if (globalThis.refuse === "block") ctx.blockConcurrencyWhile(async () => { await ctx.storage.get("k"); throw new Error("not today"); });
		}
		async fetch(request) {
			const u = new URL(request.url), s = this.ctx.storage;
			if (u.searchParams.has("do")) globalThis.todo = u.searchParams.get("do");
			if (u.searchParams.has("refuse")) globalThis.refuse = u.searchParams.get("refuse");
			if (u.searchParams.has("put")) await s.put("k", u.searchParams.get("put"));
			if (u.searchParams.has("set")) await s.setAlarm(Date.now() + Number(u.searchParams.get("set")));
			return new Response(JSON.stringify([all, await s.getAlarm()]));
		}
		async alarm(info) {
			const s = this.ctx.storage;
			all.push(info.retryCount);
			switch (globalThis.todo) {
			case "throw": throw new Error("bad day");
			case "hang": await new Promise(() => {}); break;
			case "slow": while (globalThis.todo === "slow") await new Promise(done => setTimeout(done, 5)); break;
			case "later": await s.setAlarm(4e12); break;
			case "later and throw": s.setAlarm(4e12); throw new Error("bad day");
			case "clear and throw": s.deleteAlarm(); throw new Error("bad day");
			case "abort": this.ctx.abort("enough");
			case "abort for good": this.ctx.abort("enough", { retryAlarm: false });
			case "write": await s.put("big", "x"); break;
			}
		}
	}`

// storedAlarm reads the alarm past the actor.
func storedAlarm(t *testing.T, k *kit, s storage.Store, id actorid.ID) storage.Due {
	t.Helper()
	d, err := s.Alarm(t.Context(), storage.Token{Shard: id.Shard(), Epoch: epochOf(t, s)}, id)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// seed stores an alarm that is overdue, as if a server had ended before it ran.
func seed(t *testing.T, s storage.Store, id actorid.ID, retries int) {
	t.Helper()
	tok := storage.Token{Shard: id.Shard(), Epoch: epochOf(t, s)}
	w := storage.Write{Actor: id, Alarm: storage.AlarmChange{Op: storage.AlarmSet, Time: time.UnixMilli(1_700_000_000_000), Retries: retries}}
	if _, err := s.Commit(t.Context(), map[storage.Token][]storage.Write{tok: {w}}); err != nil {
		t.Fatal(err)
	}
}

func (k *kit) eventually(what string, ok func() bool) {
	k.t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			k.t.Fatalf("%s did not happen\n%s", what, k.log)
		}
	}
}

func TestAlarmOutcomes(t *testing.T) {
	for _, c := range []struct {
		name, do string
		retries  int // before the run
		bounds   []string
		want     storage.Due // only the time (zero: none) and the retries
		log      string
	}{
		{name: "an alarm that went well is gone", do: "write"},
		{name: "an alarm set by its handler stays", do: "later", want: storage.Due{Time: time.UnixMilli(4e12)}},
		{name: "a failed alarm stays and its retry is counted", do: "throw", want: storage.Due{Time: time.UnixMilli(1_700_000_000_000), Retries: 1}, log: "bad day"},
		{name: "the count goes on from what is stored", do: "throw", retries: 4, want: storage.Due{Time: time.UnixMilli(1_700_000_000_000), Retries: 5}},
		{name: "after six counted retries the alarm is given up", do: "throw", retries: 6},
		{name: "a handler that fails after it set another alarm", do: "later and throw", want: storage.Due{Time: time.UnixMilli(4e12)}, log: "bad day"},
		{name: "a handler that fails after it cleared the alarm", do: "clear and throw", log: "bad day"},
		{name: "a handler that takes too long is stopped and counted", do: "hang", bounds: []string{"alarm.time=50ms"},
			want: storage.Due{Time: time.UnixMilli(1_700_000_000_000), Retries: 1}, log: "Alarm exceeded its allowed execution time"},
		{name: "a handler that takes too long for the last time", do: "hang", bounds: []string{"alarm.time=50ms"}, retries: 6, log: "Alarm exceeded its allowed execution time"},
		{name: "a handler that aborts its actor is tried again and counted", do: "abort", want: storage.Due{Time: time.UnixMilli(1_700_000_000_000), Retries: 1}},
		{name: "a handler that aborts its actor and wants no retry", do: "abort for good"},
	} {
		t.Run(c.name, func(t *testing.T) {
			store := mem.New()
			k := newKit(t, ringing, kitOptions{store: store, bounds: append(c.bounds, "alarm.pause=1h")})
			id := k.ns.IDs().FromName("a")
			k.want(k.stub("other"), "/?do="+strings.ReplaceAll(c.do, " ", "%20"), "[[],null]")
			seed(t, store, id, c.retries)
			if err := k.ns.LoadAlarms(t.Context()); err != nil {
				t.Fatal(err)
			}
			k.eventually("the outcome", func() bool {
				d := storedAlarm(t, k, store, id)
				return d.Time.Equal(c.want.Time) && d.Retries == c.want.Retries
			})
			if !strings.Contains(k.log.String(), c.log) {
				t.Errorf("no %q in the log:\n%s", c.log, k.log)
			}
			if got := ask(t, k.stub("other"), "/"); !strings.HasPrefix(got, fmt.Sprintf("[[%d],", c.retries)) {
				t.Errorf("the handler did not run once, told of %d retries: %s", c.retries, got)
			}
		})
	}
}

func TestAlarmWithoutHandlerIsDropped(t *testing.T) {
	store := mem.New()
	k := newKit(t, `export class Obj extends DurableObject {}`, kitOptions{store: store})
	id := k.ns.IDs().FromName("a")
	seed(t, store, id, 0)
	if err := k.ns.LoadAlarms(t.Context()); err != nil {
		t.Fatal(err)
	}
	k.eventually("the deletion", func() bool { return storedAlarm(t, k, store, id).Time.IsZero() })
	if want := "Attempted to run a scheduled alarm without a handler, did you remember to export an alarm() function?"; !strings.Contains(k.log.String(), want) {
		t.Errorf("no warning in the log:\n%s", k.log)
	}
}

// A failure before the handler is reached is not the handler's: it is tried again
// without being counted.
func TestAlarmWhoseConstructorFailsIsNotCounted(t *testing.T) {
	for _, how := range []string{"throw", "block"} {
		t.Run(how, func(t *testing.T) {
			store := mem.New()
			k := newKit(t, ringing, kitOptions{store: store, bounds: []string{"alarm.pause=1ms"}})
			id := k.ns.IDs().FromName("a")
			k.want(k.stub("other"), "/?refuse="+how, "[[],null]")
			seed(t, store, id, 2)
			if err := k.ns.LoadAlarms(t.Context()); err != nil {
				t.Fatal(err)
			}
			// With two retries counted before, six failures that count would be the end of it.
			k.eventually("enough tries", func() bool { return strings.Count(k.log.String(), "not today") >= 18 })
			if d := storedAlarm(t, k, store, id); d.Retries != 2 || d.Time.IsZero() {
				t.Errorf("stored: %+v", d)
			}
		})
	}
}

// The handler does not go on after its time: its actor is reset.
func TestAlarmThatTakesTooLongResetsItsActor(t *testing.T) {
	store := mem.New()
	k := newKit(t, ringing, kitOptions{store: store, bounds: []string{"alarm.time=50ms", "alarm.pause=1h"}})
	s := k.stub("a")
	seed(t, store, k.ns.IDs().FromName("a"), 0)
	k.want(s, "/?do=hang", "[[],1700000000000]")
	if err := k.ns.LoadAlarms(t.Context()); err != nil {
		t.Fatal(err)
	}
	k.eventually("the reset", func() bool { return ask(t, s, "/") == "Error: Alarm exceeded its allowed execution time" })
	k.want(k.stub("a"), "/", "[[0],1700000000000]")
}

// A commit that fails in the handler is not the script's fault, and the alarm stays.
func TestAlarmWhoseCommitFailsIsNotCounted(t *testing.T) {
	inner := mem.New()
	// The first write is the seed, the second one the put in the handler.
	store := fault.New(inner, fault.Plan{N: 2, Writes: true, Once: true})
	k := newKit(t, ringing, kitOptions{store: store})
	id := k.ns.IDs().FromName("a")
	k.want(k.stub("other"), "/?do=write", "[[],null]")
	seed(t, store, id, 1)
	if err := k.ns.LoadAlarms(t.Context()); err != nil {
		t.Fatal(err)
	}
	k.eventually("the failure", store.Hit)
	k.eventually("the retry", func() bool { return storedAlarm(t, k, inner, id).Time.IsZero() })
	if got := ask(t, k.stub("other"), "/"); got != "[[1,1],null]" {
		t.Errorf("the handler was told of the retries %s, want 1 and 1", got)
	}
}

func TestAlarmsOfOneActorComeOneByOne(t *testing.T) {
	store := mem.New()
	k := newKit(t, ringing, kitOptions{store: store})
	s := k.stub("a")
	k.want(s, "/?do=slow", "[[],null]")
	seed(t, store, k.ns.IDs().FromName("a"), 0)
	// The actor does not know of it yet.
	if away, err := s.Hibernate(t.Context()); err != nil || !away {
		t.Fatalf("hibernate: %v, %v", away, err)
	}
	type result struct {
		o   event.Outcome
		err error
	}
	deliver := func(ms int64) chan result {
		ch := make(chan result, 1)
		go func() {
			o, err := s.Deliver(t.Context(), event.Alarm{Time: time.UnixMilli(ms)})
			ch <- result{o, err}
		}()
		return ch
	}
	const stored = 1_700_000_000_000
	first := deliver(stored)
	k.eventually("the start", func() bool { return strings.HasPrefix(ask(t, k.stub("b"), "/"), "[[0]") })
	same := deliver(stored)
	other := deliver(stored + 1)
	k.eventually("that the others wait", func() bool {
		n, err := k.ns.AlarmsAsked(t.Context(), k.ns.IDs().FromName("a"))
		if err != nil {
			t.Fatal(err)
		}
		return n == 3
	})
	ask(t, k.stub("b"), "/?do=")
	for what, want := range map[string]struct {
		ch chan result
		s  event.OutcomeStatus
	}{"the first": {first, event.OK}, "one of the same time": {same, event.OK}, "one that is not stored": {other, event.Canceled}} {
		select {
		case r := <-want.ch:
			if r.err != nil || r.o.Status != want.s {
				t.Errorf("%s: %v, %v; want %v", what, r.o, r.err, want.s)
			}
		case <-time.After(patience):
			t.Fatalf("%s: no outcome\n%s", what, k.log)
		}
	}
	k.want(k.stub("b"), "/", "[[0],null]")
}

// recording is a store that keeps what is written to it, commit by commit.
type recording struct {
	*mem.Store
	mu      sync.Mutex // guards commits
	commits [][]storage.Write
}

func (r *recording) Commit(ctx context.Context, writes map[storage.Token][]storage.Write) ([]storage.Token, error) {
	r.mu.Lock()
	for _, w := range writes {
		r.commits = append(r.commits, w)
	}
	r.mu.Unlock()
	return r.Store.Commit(ctx, writes)
}

// The alarm and the state of one turn are one commit: storage never has one
// without the other.
func TestAlarmCommitsWithTheStateThatSetsIt(t *testing.T) {
	store := mem.New()
	record := &recording{Store: store}
	k := newKit(t, `
		export class Obj extends DurableObject {
			async fetch(request) {
				const s = this.ctx.storage;
				s.put("k", "v"); s.setAlarm(4e12); s.put("k2", "v");
				if (new URL(request.url).pathname === "/throw") throw new Error("oh");
				return new Response("set");
			}
			alarm() {}
		}`, kitOptions{store: fault.New(record, fault.Plan{N: 1, Writes: true, Once: true, Waits: true})})
	id := k.ns.IDs().FromName("a")
	if got := ask(t, k.stub("a"), "/"); !strings.Contains(got, "caused object to be reset") {
		t.Errorf("the answer to a failed commit: %s", got)
	}
	if d := storedAlarm(t, k, store, id); !d.Time.IsZero() {
		t.Errorf("the alarm of a failed commit is stored: %+v", d)
	}
	k.want(k.stub("a"), "/", "set")
	if d := storedAlarm(t, k, store, id); !d.Time.Equal(time.UnixMilli(4e12)) {
		t.Errorf("stored: %+v", d)
	}
	if err := k.ns.Close(t.Context(), errors.New("the end")); err != nil {
		t.Fatal(err)
	}
	if n := len(record.commits); n != 1 || len(record.commits[0]) != 1 || len(record.commits[0][0].Put) != 2 || record.commits[0][0].Alarm.Op != storage.AlarmSet {
		t.Errorf("%d commits, want one with both keys and the alarm: %+v", n, record.commits)
	}
}

// What is set and cleared before a commit was never there.
func TestAlarmThatIsClearedBeforeItIsStoredDoesNotRun(t *testing.T) {
	k := newKit(t, `
		let runs = 0;
		export class Obj extends DurableObject {
			async fetch(request) {
				const s = this.ctx.storage;
				if (new URL(request.url).pathname === "/runs") return new Response(String(runs));
				await s.setAlarm(Date.now());
				await s.deleteAlarm();
				return new Response("cleared");
			}
			alarm() { runs++; }
		}`, kitOptions{})
	s := k.stub("a")
	for range 20 {
		k.want(s, "/", "cleared")
	}
	k.want(s, "/runs", "0")
}

// herd is a class whose alarms notice how many of them run at a time, and in which
// order they began.
const herd = `
	let running = 0, most = 0, made = 0;
	const order = [];
	export class Obj extends DurableObject {
		constructor(ctx, env) { super(ctx, env); made++; }
		async alarm({ scheduledTime }) {
			order.push(scheduledTime);
			most = Math.max(most, ++running);
			await this.ctx.storage.put("rung", (await this.ctx.storage.get("rung") ?? 0) + 1);
			await new Promise(done => setTimeout(done, 0));
			running--;
		}
		fetch() {
			const sorted = order.every((t, i) => i === 0 || order[i - 1] <= t);
			return Response.json({ rung: order.length, most, sorted });
		}
	}`

func TestThousandsOfOverdueAlarmsRunAFewAtATime(t *testing.T) {
	const actors, atATime = 3000, 16
	for name, open := range map[string]func(*testing.T, string) storage.Store{"mem": openMem, "bolt": openBolt} {
		t.Run(name, func(t *testing.T) {
			store := open(t, t.TempDir())
			k := newKit(t, herd, kitOptions{store: store, bounds: []string{fmt.Sprintf("alarm.starting=%d", atATime)}})
			batch := map[storage.Token][]storage.Write{}
			epoch := epochOf(t, store)
			for i := range actors {
				id := k.ns.IDs().FromName(fmt.Sprint(i))
				token := storage.Token{Shard: id.Shard(), Epoch: epoch}
				// Times that have nothing to do with the order in which storage lists them.
				at := time.UnixMilli(1_700_000_000_000 + int64(i*7919%actors)*1000)
				batch[token] = append(batch[token], storage.Write{Actor: id, Alarm: storage.AlarmChange{Op: storage.AlarmSet, Time: at}})
			}
			if fenced, err := store.Commit(t.Context(), batch); err != nil || len(fenced) > 0 {
				t.Fatalf("%v, %v", fenced, err)
			}
			if err := k.ns.LoadAlarms(t.Context()); err != nil {
				t.Fatal(err)
			}
			live := 0
			k.eventually("every alarm", func() bool {
				n, err := k.ns.Live(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				live = max(live, n)
				return strings.HasPrefix(ask(t, k.stub("other"), "/"), fmt.Sprintf(`{"rung":%d,`, actors))
			})
			k.want(k.stub("other"), "/", fmt.Sprintf(`{"rung":%d,"most":%d,"sorted":true}`, actors, atATime))
			// Those that are over leave memory while others wait: beside the ones that run
			// there are the last ones, the asker, and those that are on their way out.
			if live > 4*atATime {
				t.Errorf("%d actors were in memory at a time", live)
			}
			k.eventually("the deletion of the alarms", func() bool {
				for shard := range uint32(actorid.Shards) {
					dues, err := store.Alarms(t.Context(), storage.Token{Shard: shard, Epoch: epoch}, 0)
					if err != nil {
						t.Fatal(err)
					}
					if len(dues) > 0 {
						return false
					}
				}
				return true
			})
		})
	}
}
