package actor_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"workerd.local/actor"
	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/internal/clone"
	"workerd.local/internal/jstest"
	"workerd.local/storage"
	"workerd.local/storage/bolt"
	"workerd.local/storage/fault"
	"workerd.local/storage/mem"
)

// faultySource is an actor that does to its storage what a request says, all of it in
// one turn, and answers with the results.
const faultySource = `
	export class Obj extends DurableObject {
		async fetch(request) {
			const ops = JSON.parse(decodeURIComponent(new URL(request.url).pathname.slice(1)));
			return Response.json(await Promise.all(ops.map(op => this.run(this.ctx.storage, ...op))));
		}
		async run(s, op, arg, options) {
			switch (op) {
			case "list": return Object.fromEntries(await s.list(arg));
			case "get": return await s.get(arg) ?? null;
			case "getAlarm": return await s.getAlarm();
			case "put": return await s.put(arg, options);
			case "delete": return await s.delete(arg);
			case "deleteAll": return await s.deleteAll();
			case "setAlarm": return await s.setAlarm(arg);
			case "sync": return await s.sync();
			case "transaction": return await s.transaction(async txn => {
				for (const op of arg) await this.run(txn, ...op);
				if (options === "roll back") txn.rollback();
			});
			case "block": return await this.ctx.blockConcurrencyWhile(async () => {
				for (const op of arg) await this.run(s, ...op);
			});
			}
			throw new Error("unknown: " + op);
		}
		async alarm() {
			const rung = (await this.ctx.storage.get("rung") ?? 0) + 1;
			await this.ctx.storage.put({ rung, ["rung" + rung]: true });
		}
	}`

type op = []any

type object = map[string]any

// faultScripts are what clients ask, one request after the other. A request's effect
// is that of one turn.
var faultScripts = map[string][]func(*faultRun){
	"writes": {
		ask1(op{"put", object{"a": 1.0, "b": 1.0}}), ask1(op{"put", object{"a": 2.0}}), reads, evict,
		ask1(op{"put", object{"a": 3.0}}, op{"put", object{"c": 1.0}}), ask1(op{"delete", []any{"a", "x"}}), reads, evict,
		ask1(op{"delete", []any{"b"}}), ask1(op{"setAlarm", 4e12}), ask1(op{"deleteAll"}), reads, evict, reads,
		ask1(op{"put", object{"d": 1.0}}), restart, reads,
	},
	"transactions": {
		ask1(op{"put", object{"a": 1.0}}), evict,
		ask1(op{"transaction", []any{op{"get", "a"}, op{"put", object{"a": 2.0, "b": 1.0}}, op{"delete", []any{"a"}}, op{"setAlarm", 4e12}}}),
		ask1(op{"transaction", []any{op{"put", object{"a": 9.0}}}, "roll back"}), reads, evict,
		ask1(op{"block", []any{op{"get", "b"}, op{"put", object{"b": 2.0}}}}), reads, restart, reads,
	},
	"unconfirmed": {
		ask1(op{"put", object{"a": 1.0}}), ask1(op{"put", object{"a": 2.0}, object{"allowUnconfirmed": true}}), reads,
		ask1(op{"put", object{"b": 1.0}, object{"allowUnconfirmed": true}}), ask1(op{"put", object{"c": 1.0}}), reads, evict, reads,
		ask1(op{"put", object{"d": 1.0}, object{"allowUnconfirmed": true}}), ask1(op{"sync"}), reads, restart, reads,
	},
	"alarms": {
		ask1(op{"put", object{"a": 1.0}}), ask1(op{"setAlarm", 4e12}), ring(4e12), reads, ask1(op{"setAlarm", 4e12 + 1}), evict,
		ring(4e12 + 1), reads, ask1(op{"setAlarm", 4e12 + 2}), restart, ring(4e12 + 2), reads, ring(5e12), reads,
	},
}

// TestStorageFaultsAtEveryOperation sends requests to an actor with operation 1 of its
// store failing, then 2, 3 and so on, in every way in which stores fail: no answer is
// taken back, no half of a turn is kept, clients are told what happened, and once the
// fault is gone the next request works.
func TestStorageFaultsAtEveryOperation(t *testing.T) {
	before := runtime.NumGoroutine()
	t.Run("scripts", func(t *testing.T) {
		k := newKit(t, faultySource, kitOptions{})
		for name, script := range faultScripts {
			for store, open := range map[string]func(*testing.T, string) storage.Store{"mem": openMem, "bolt": openBolt} {
				for i, kind := range fault.Kinds() {
					// Each kind on bolt takes a second; one of each sort will do but for CI.
					if store == "bolt" && i%3 != 0 && os.Getenv("CI") != "true" {
						continue
					}
					t.Run(name+"/"+store+"/"+kind.Name, func(t *testing.T) { failEach(t, k, script, open, kind) })
				}
			}
		}
	})
	for range 6000 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	stacks := make([]byte, 1<<20)
	t.Errorf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
}

func openMem(*testing.T, string) storage.Store { return mem.New() }

func openBolt(t *testing.T, dir string) storage.Store {
	s, err := bolt.Open(filepath.Join(dir, bolt.FileName), bolt.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func failEach(t *testing.T, k *kit, script []func(*faultRun), open func(*testing.T, string) storage.Store, kind fault.Kind) {
	n := 0
	for ; ; n++ {
		plan := kind.Plan
		plan.N = n
		dir := t.TempDir()
		r := &faultRun{t: t, k: k, kind: kind, open: func() storage.Store { return open(t, dir) }}
		r.inner = r.open()
		r.store = fault.New(r.inner, plan)
		r.run(script)
		if t.Failed() {
			t.Fatalf("with operation %d failing; what happened:\n%s", n, strings.Join(r.log, "\n"))
		}
		if n > 0 && !r.store.Hit() {
			break
		}
	}
	if n < 4 {
		t.Errorf("only %d operations were tried", n-1)
	}
}

// faultState is what the actor has stored.
type faultState struct {
	keys  object
	alarm float64 // in ms, 0 for none
}

func (s faultState) clone() faultState { return faultState{maps.Clone(s.keys), s.alarm} }

func (s faultState) String() string {
	return fmt.Sprint(s.keys, " alarm ", s.alarm)
}

// faultRun is one run of a script.
type faultRun struct {
	t     *testing.T
	k     *kit
	kind  fault.Kind
	open  func() storage.Store
	inner storage.Store
	store *fault.Store
	ns    *actor.Namespace
	stub  *actor.Stub
	logs  *jstest.Log
	log   []string

	noticed bool
	// states are those that the store may have, the last one being what the actor
	// shows; all but the first are not acknowledged.
	states []faultState
}

func (r *faultRun) note(format string, args ...any) {
	r.log = append(r.log, fmt.Sprintf(format, args...))
}

func (r *faultRun) errorf(format string, args ...any) {
	r.t.Helper()
	r.note("WRONG: "+format, args...)
	r.t.Errorf(format, args...)
}

func (r *faultRun) now() faultState { return r.states[len(r.states)-1] }

func (r *faultRun) run(script []func(*faultRun)) {
	r.states = []faultState{{keys: object{}}}
	r.start()
	for i, step := range script {
		r.note("step %d", i)
		if step(r); r.t.Failed() {
			break
		}
	}
	if !r.t.Failed() {
		restart(r)
		for _, last := range []float64{1, 2} {
			over := r.store.Hit()
			ask1(op{"put", object{"last": last}})(r)
			if r.now().keys["last"] == last {
				break
			}
			if over {
				r.errorf("after the fault the actor does not work: %v", r.states)
			}
		}
		if r.kind.Passing && r.noticed {
			r.errorf("a fault that passes was noticed")
		}
	}
	r.end()
	if err := r.inner.Close(); err != nil {
		r.errorf("close: %v", err)
	}
}

func (r *faultRun) start() {
	r.logs = &jstest.Log{}
	var err error
	r.ns, err = actor.New(actor.Options{
		Class: "Obj", UniqueKey: "key", Pool: r.k.pool, Store: r.store, Log: slog.New(slog.NewTextHandler(r.logs, nil)),
		Token: func(shard uint32) storage.Token { return storage.Token{Shard: shard, Epoch: epochOf(r.t, r.store)} },
	})
	if err != nil {
		r.t.Fatal(err)
	}
	r.newStub()
}

func (r *faultRun) newStub() {
	name := "a"
	r.stub = r.ns.Stub(r.ns.IDs().FromName(name), &name, false).(*actor.Stub)
}

func (r *faultRun) end() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := r.ns.Close(ctx, io.EOF); err != nil {
		r.errorf("close: %v", err)
	}
}

// restart ends the namespace and the store, and opens them again.
func restart(r *faultRun) {
	r.end()
	if _, inMemory := r.inner.(*mem.Store); !inMemory {
		if err := r.inner.Close(); err != nil {
			r.errorf("close: %v", err)
		}
		r.inner = r.open()
	}
	r.store.Restart(r.inner)
	r.settle()
	r.start()
}

// settle finds out which of the possible states the store has.
func (r *faultRun) settle() {
	r.t.Helper()
	got := r.durable()
	for i := len(r.states) - 1; i >= 0; i-- {
		if s := r.states[i]; s.String() == got.String() {
			r.states = []faultState{s}
			r.note("the store has %v", got)
			return
		}
	}
	r.errorf("the store has %v, which is none of %v", got, r.states)
}

// durable is what the store holds, whatever the fault.
func (r *faultRun) durable() faultState {
	r.t.Helper()
	s := faultState{keys: object{}}
	id := r.ns.IDs().FromName("a")
	token := storage.Token{Shard: id.Shard(), Epoch: epochOf(r.t, r.inner)}
	for kv, err := range r.inner.Scan(context.Background(), token, id, storage.Range{}) {
		if err != nil {
			r.t.Fatal(err)
		}
		if s.keys[kv.Key], err = clone.Decode(kv.Value, clone.Options{}); err != nil {
			r.t.Fatal(err)
		}
	}
	due, err := r.inner.Alarm(context.Background(), token, id)
	if err != nil {
		r.t.Fatal(err)
	}
	if !due.Time.IsZero() {
		s.alarm = float64(due.Time.UnixMilli())
	}
	return s
}

func (r *faultRun) request(ops ...op) ([]any, error) {
	r.t.Helper()
	text, err := json.Marshal(ops)
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	resp, err := r.stub.Fetch(ctx, request("/"+url.PathEscape(string(text))))
	if err != nil {
		return nil, err
	}
	var results []any
	if text := answer(resp, nil); json.Unmarshal([]byte(text), &results) != nil || len(results) != len(ops) {
		r.t.Fatalf("%v: %s", ops, text)
	}
	return results, nil
}

// ask1 is one request, with its effect on the model.
func ask1(ops ...op) func(*faultRun) {
	return func(r *faultRun) {
		next := r.now().clone()
		confirmed := true
		var want []any
		for _, o := range ops {
			result, c := next.apply(o)
			want = append(want, result)
			confirmed = confirmed && c
		}
		got, err := r.request(ops...)
		r.note("%v: %v, %v", ops, got, err)
		if err != nil {
			r.states = append(r.states, next)
			r.failed(err)
			return
		}
		if !slices.EqualFunc(got, want, func(a, b any) bool { return fmt.Sprint(a) == fmt.Sprint(b) }) {
			r.errorf("%v: %v, want %v", ops, got, want)
		}
		if !confirmed {
			r.states = append(r.states, next)
			return
		}
		r.states = []faultState{next}
		r.settle() // what was answered is durable
	}
}

// reads are requests that change nothing; they tell what is written.
func reads(r *faultRun) {
	now := r.now()
	for _, c := range []struct {
		op   op
		want any
	}{{op{"get", "a"}, now.keys["a"]}, {op{"list"}, now.keys}, {op{"getAlarm"}, map[bool]any{true: nil, false: now.alarm}[now.alarm == 0]}} {
		got, err := r.request(c.op)
		r.note("%v: %v, %v", c.op, got, err)
		if err != nil {
			r.failed(err)
			return
		}
		if fmt.Sprint(got[0]) != fmt.Sprint(c.want) {
			r.errorf("%v: %v, want %v", c.op, got[0], c.want)
		}
	}
}

// apply is what an operation does and returns, and whether its answer waits until it
// is durable.
func (s *faultState) apply(o op) (result any, confirmed bool) {
	switch o[0] {
	case "put":
		maps.Copy(s.keys, o[1].(object))
		return nil, len(o) == 2
	case "delete":
		n := 0.0
		for _, k := range o[1].([]any) {
			if _, ok := s.keys[k.(string)]; ok {
				n++
			}
			delete(s.keys, k.(string))
		}
		return n, true
	case "deleteAll":
		clear(s.keys) // not the alarm, at the kit's compatibility date
	case "setAlarm":
		s.alarm = o[1].(float64)
	case "transaction", "block":
		if len(o) == 2 {
			for _, inner := range o[1].([]any) {
				s.apply(inner.(op))
			}
		}
	}
	return nil, true
}

var (
	resetText  = regexp.MustCompile(`^Internal error in Durable Object storage (write|deleteAll\(\)) caused object to be reset; reference = ([a-z0-9]{24})$`)
	hiddenText = regexp.MustCompile(`^internal error; reference = ([a-z0-9]{24})$`)
)

// failed checks what a client was told, and mends the fault.
func (r *faultRun) failed(err error) {
	r.t.Helper()
	r.noticed = true
	var e, cause *exception.Exception
	if !errors.As(err, &e) || !e.Remote && !e.Reset() || e.ClassName() != "Error" {
		r.errorf("the client was told %v", err)
		return
	}
	m := resetText.FindStringSubmatch(e.Message)
	reference := ""
	switch {
	case errors.As(r.kind.Plan.Err, &cause):
		if e.Message != cause.Message || !e.Retryable() {
			r.errorf("the client was told %q, retryable %v; the store said %q", e.Message, e.Retryable(), cause.Message)
		}
	case m != nil:
		reference = m[2]
		if !e.Reset() || e.Retryable() || e.Overloaded() {
			r.errorf("the client was told %q with the properties reset %v, retryable %v, overloaded %v", e.Message, e.Reset(), e.Retryable(), e.Overloaded())
		}
	case hiddenText.MatchString(e.Message):
		// A read failed, and the request with it. In blockConcurrencyWhile that resets
		// the actor too.
		reference = hiddenText.FindStringSubmatch(e.Message)[1]
	default:
		r.errorf("the client was told %q", e.Message)
	}
	if reference != "" && !strings.Contains(r.logs.String()+r.k.log.String(), reference) {
		r.errorf("the log does not have %s:\n%s", reference, r.logs)
	}
	if e.Reset() {
		if _, again := r.request(op{"get", "a"}); again == nil || again.Error() != err.Error() {
			r.errorf("the old stub says %v, the reset was %v", again, err)
		}
	}
	if r.kind.Plan.Once {
		// Nothing but a new stub is needed.
		r.newStub()
		if _, err := r.request(op{"list"}); err != nil {
			r.errorf("the next request: %v", err)
		}
	}
	restart(r)
}

// evict puts the actor away; unconfirmed writes are durable then, or it is broken.
func evict(r *faultRun) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	away, err := r.stub.Hibernate(ctx)
	r.note("evicted: %v, %v", away, err)
	if err != nil || !away {
		r.errorf("evict: %v, %v", away, err)
	}
}

// ring is the alarm of a time. A failed run leaves the alarm to be tried again.
func ring(ms float64) func(*faultRun) {
	return func(r *faultRun) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		before := r.now()
		o, err := r.stub.Deliver(ctx, event.Alarm{Time: time.UnixMilli(int64(ms))})
		r.note("alarm %v: %+v, %v", ms, o, err)
		if before.alarm != ms {
			if o.Status == event.Canceled && err == nil || r.store.Hit() && o.Status == event.Exception && !r.kind.Passing {
				if err != nil {
					restart(r)
				}
				return
			}
			r.errorf("an alarm that is not set ran: %+v, %v", o, err)
			return
		}
		rung := before.clone()
		n, _ := before.keys["rung"].(float64)
		rung.keys["rung"], rung.keys[fmt.Sprintf("rung%v", n+1)] = n+1, true
		over := rung.clone()
		over.alarm = 0
		if o.Status == event.OK && err == nil {
			r.states = []faultState{over}
			r.settle()
			return
		}
		r.noticed = true
		if o.Status != event.Exception || !o.Retry || err == nil {
			r.errorf("a failed alarm: %+v, %v", o, err)
		}
		// The handler's writes may be durable without the end of the alarm: it runs
		// at least once.
		r.states = append(r.states, rung, over)
		restart(r)
	}
}
