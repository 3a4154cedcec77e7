package actor

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/dop251/goja"

	"workerd.local/actorid"
	"workerd.local/cache"
	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/gates"
	"workerd.local/internal/limits"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/loop"
	"workerd.local/storage"
	"workerd.local/trace"
	"workerd.local/webapi/durable"
)

// LoadAlarms schedules the alarms that are stored. Overdue ones run at once, in the
// order of their times and limits.AlarmStarting at a time on an isolate.
func (n *Namespace) LoadAlarms(ctx context.Context) error {
	if n.o.Store == nil {
		return nil
	}
	found := make([][]storage.Due, len(n.hosts))
	err := n.readAlarms(ctx, found)
	// What could be read rings, whatever became of the rest.
	for i, h := range n.hosts {
		slices.SortStableFunc(found[i], func(a, b storage.Due) int { return a.Time.Compare(b.Time) })
		for some := range slices.Chunk(found[i], 256) { // a short turn each
			perr := h.loop.Post(func() {
				for _, d := range some {
					h.alarms.load(d)
				}
			})
			if perr != nil {
				return cmp.Or(err, perr)
			}
		}
	}
	return err
}

// readAlarms adds what is stored to the list of each host.
func (n *Namespace) readAlarms(ctx context.Context, found [][]storage.Due) error {
	for shard := range uint32(actorid.Shards) {
		if err := ctx.Err(); err != nil {
			return err
		}
		dues, err := n.o.Store.Alarms(ctx, n.o.Token(shard), 0)
		if err != nil {
			return err
		}
		host := &found[int(shard)%len(n.hosts)]
		for _, d := range dues {
			if d.Actor.Namespace == n.o.UniqueKey {
				*host = append(*host, d)
			}
		}
	}
	return nil
}

func (h *host) newScheduler() *scheduler {
	return &scheduler{
		overdue: newOverdue(),
		l:       h.loop, run: h.ring, abandon: h.abandonAlarm, settle: h.settleAlarm, bounds: h.n.o.Bounds,
		refused: func(d storage.Due) time.Time { until, _ := h.n.o.Refused(d.Actor); return until },
		jitter: func() float64 {
			var r [2]byte
			h.w.Isolate().Host().Random(r[:])
			return float64(int(r[0])<<8|int(r[1])) / (1 << 16)
		},
		failed: func(d storage.Due, what string, err error) {
			h.n.o.Log.Error("alarm: "+what, "class", h.n.o.Class, "actor", d.Actor.String(), "due", d.Time, "error", err)
		},
		alarms: map[string]*scheduled{},
	}
}

// ring delivers an alarm to its actor, made where it is not in memory.
func (h *host) ring(d storage.Due, durable bool, done func(event.Outcome, bool)) {
	h.w.WhenReady(func() { h.ringNow(d, durable, done) })
}

func (h *host) ringNow(d storage.Due, durable bool, done func(event.Outcome, bool)) {
	var name *string
	if d.Name != "" {
		name = &d.Name
	}
	c := h.container(d.Actor, name)
	woken := c.actor == nil
	var v *invocation
	if woken || !c.actor.rings(d.Time) {
		v = h.follow(context.Background(), h.n.o.Class, d.Actor, func() trace.Info { return &trace.Alarm{Time: d.Time} })
	}
	h.opening = v
	a, err := c.activate()
	h.opening = nil
	if err != nil {
		v.fails(err)
		e, _ := exception.From(err)
		h.w.Report(e, h.n.o.Class+" "+d.Actor.String()+" alarm")
		done(event.Outcome{Status: event.Exception, Retry: true}, true)
		return
	}
	a.alarm(event.Alarm{Time: d.Time, Retries: d.Retries}, durable, v, func(o event.Outcome, err error, broke bool) {
		if woken && h.alarms.crowded() {
			h.loop.Defer(a.makeRoom)
		}
		done(o, broke)
	})
}

// makeRoom puts an actor away that an alarm alone has brought into memory, without the
// idle time, as others wait for their overdue alarms.
func (a *Actor) makeRoom() {
	if a.c.actor == a && !a.active() && !a.c.h.n.o.PreventEviction {
		a.evict(a.active, nil)
	}
}

// abandonAlarm deletes an alarm that is given up, unless another one is stored by
// now: through its actor where that is in memory, so that it knows.
func (h *host) abandonAlarm(d storage.Due, done func(error)) {
	tell := func() bool {
		c := h.containers[d.Actor.Key]
		if c == nil || c.actor == nil || c.actor.cache == nil || c.actor.cache.Err() != nil {
			return false
		}
		a := c.actor
		if next := a.cache.AbandonAlarm(d.Time, cache.WriteOptions{}); !next.IsZero() {
			a.alarmMoved(next, true)
		}
		a.cache.Sync().Then(func(_ struct{}, err error) { done(err) })
		return true
	}
	if tell() {
		return
	}
	h.changeAlarm(d, storage.AlarmClearIf).Then(func(_ storage.Due, err error) {
		// An actor that was made meanwhile may have read the alarm before it went.
		if err != nil || !tell() {
			done(err)
		}
	})
}

// settleAlarm stores the retries of the alarm of an actor that broke, behind what
// that actor still had on its way, and tells what is stored.
func (h *host) settleAlarm(d storage.Due, done func(storage.Due, error)) {
	h.changeAlarm(d, storage.AlarmCountIf).Then(done)
}

// changeAlarm writes past the actor's cache, and reads what is stored then.
func (h *host) changeAlarm(d storage.Due, op storage.AlarmOp) *loop.Future[storage.Due] {
	// What is given up, or counted, stays so when the server ends meanwhile.
	return loop.Go(context.Background(), h.loop, func(ctx context.Context) (storage.Due, error) {
		t := h.n.o.Token(d.Actor.Shard())
		w := storage.Write{Actor: d.Actor, Alarm: storage.AlarmChange{Op: op, Time: d.Time, Retries: d.Retries}}
		fenced, err := h.n.o.Store.Commit(ctx, map[storage.Token][]storage.Write{t: {w}})
		if err == nil && len(fenced) > 0 {
			err = storage.ErrFenced
		}
		if err != nil {
			return storage.Due{}, err
		}
		return h.n.o.Store.Alarm(ctx, t, d.Actor)
	})
}

// alarmMoved is told that the actor's alarm has a new time, zero for none.
func (a *Actor) alarmMoved(t time.Time, stored bool) {
	d := storage.Due{Actor: a.c.id, Time: t}
	if a.c.name != nil {
		d.Name = *a.c.name
	}
	a.c.h.alarms.moved(d, stored)
}

// alarmDone is told how an alarm ended, and whether its actor broke.
type alarmDone func(o event.Outcome, err error, broke bool)

// alarmRun is one run of the alarm handler. It waits for the run before it, is
// started, has its handler called, and is over.
type alarmRun struct {
	a  *Actor
	v  *invocation
	ev event.Alarm
	// durable is scheduler.run's.
	durable bool
	run     *cache.AlarmRun
	done    []alarmDone
	timer   *loop.Timer
	called  bool
	over    bool
}

// alarm delivers an alarm behind everything that came before. One of the same time
// as an alarm that runs or waits shares its outcome; of others only the last one
// waits (workerd, "Alarms").
func (a *Actor) alarm(ev event.Alarm, durable bool, v *invocation, done alarmDone) {
	for _, r := range []*alarmRun{a.running, a.next} {
		if r != nil && r.ev.Time.Equal(ev.Time) {
			r.done = append(r.done, done)
			return
		}
	}
	r := &alarmRun{a: a, v: v, ev: ev, durable: durable, done: []alarmDone{done}}
	if a.running != nil {
		if old := a.next; old != nil {
			old.tell(event.Outcome{Status: event.Canceled}, nil, false)
		}
		a.next = r
		return
	}
	r.begin()
}

// rings reports whether an alarm of that time runs or waits.
func (a *Actor) rings(t time.Time) bool {
	return a.running != nil && a.running.ev.Time.Equal(t) || a.next != nil && a.next.ev.Time.Equal(t)
}

func (r *alarmRun) begin() {
	a := r.a
	a.running = r
	a.idle.Stop()
	a.ioc.RunIn(iocontext.Entry{}, r.start, r.failed)
}

func (r *alarmRun) start(*isolate.JS) {
	a := r.a
	if a.cache == nil {
		r.finish(event.Outcome{Status: event.NotFound}, nil)
		return
	}
	a.cache.Alarm(cache.ReadOptions{}).Then(func(t time.Time, err error) {
		if err != nil {
			r.failed(err)
			return
		}
		if !r.durable && !t.Equal(r.ev.Time) {
			// It was moved or cleared before it was stored; what is stored will be told.
			r.finish(event.Outcome{Status: event.Canceled}, nil)
			return
		}
		if r.run = a.cache.ArmAlarm(r.ev.Time); r.run == nil {
			// It was moved or cleared since it was scheduled.
			if !t.IsZero() {
				a.alarmMoved(t, true)
			}
			r.finish(event.Outcome{Status: event.Canceled}, nil)
			return
		}
		r.deliver()
	})
}

// deliver calls the handler behind what waits for the gate, and once there is room.
func (r *alarmRun) deliver() {
	a := r.a
	a.in.Wait().Then(func(k *gates.Lock, err error) {
		if err != nil {
			r.failed(err)
			return
		}
		a.room().Then(func(_ struct{}, err error) {
			if err != nil {
				k.Release()
				r.failed(err)
				return
			}
			a.ioc.RunIn(iocontext.Entry{Lock: k, Frame: a.enter(r.v)}, r.call, r.failed)
		})
	})
}

func (r *alarmRun) call(js *isolate.JS) {
	a := r.a
	if a.ring == nil {
		a.c.h.n.o.Log.Warn("Attempted to run a scheduled alarm without a handler, did you remember to export an alarm() function?",
			"class", a.c.className(), "actor", a.c.id.String())
		r.succeeded(event.Outcome{Status: event.NotFound})
		return
	}
	r.called = true
	r.timer = a.c.h.loop.After(limits.AlarmTime.In(a.c.h.n.o.Bounds), func() {
		e := exception.Errorf("Alarm exceeded its allowed execution time").WithKind(exception.Overloaded).WithBroken(exception.Dropped)
		e.User = true
		r.giveReason(event.ExceededWallTime, e)
		a.ioc.Abort(e)
	})
	v, err := js.Call(a.ring, a.instance, durable.NewAlarmInfo(js, r.ev.Time, r.ev.Retries))
	if isolate.Uncatchable(err) {
		return // failed is told, when what the turn wrote is taken back
	}
	if err != nil {
		r.failed(js.Exception(err))
		return
	}
	js.OnSettled(v, func(js *isolate.JS, _ goja.Value, err error) {
		if err != nil {
			r.failed(js.Exception(err))
			return
		}
		if r.v != nil {
			r.v.t.Return(0)
		}
		r.succeeded(event.Outcome{Status: event.OK})
	})
}

// succeeded ends a run that went well; it counts once the deletion of the alarm is
// durable.
func (r *alarmRun) succeeded(o event.Outcome) {
	if r.over {
		return
	}
	r.run.Done(cache.WriteOptions{})
	r.a.out.Wait().Then(func(_ struct{}, err error) {
		if err != nil {
			return // the gate broke: the actor's end has answered
		}
		r.finish(o, nil)
	})
}

// failed ends a run that threw: its alarm stays.
func (r *alarmRun) failed(err error) {
	if r.over {
		return
	}
	a := r.a
	e, _ := exception.From(err)
	a.report(e, "alarm")
	if r.v != nil {
		iocontext.TraceException(r.v.t, e)
	}
	if a.c.broken != nil || a.out.Broken() != nil {
		r.broken(e)
		return
	}
	if r.run == nil {
		// It failed before the handler was reached.
		r.finish(event.Outcome{Status: event.Exception, Retry: true}, e)
		return
	}
	// The count is stored with the alarm, unless the handler has set another one.
	r.run.Keep(min(r.ev.Retries+1, limits.AlarmRetries.In(a.c.h.n.o.Bounds)), cache.WriteOptions{})
	a.out.Wait().Then(func(_ struct{}, broken error) {
		if broken == nil {
			r.finish(event.Outcome{Status: event.Exception, Retry: true, Counted: true}, e)
		}
	})
}

// broken ends a run whose actor broke for reason e.
func (r *alarmRun) broken(e *exception.Exception) {
	o := event.Outcome{Status: event.Exception, Retry: !e.NoAlarmRetry}
	switch {
	case e.Aborted:
		o.Status = event.Aborted
	case e.Broken == exception.ExceededCPU:
		o.Status = event.ExceededCPU
	case e.Broken == exception.ExceededMemory:
		o.Status = event.ExceededMemory
	}
	o.Counted = r.called && countsAgainstLimit(r.a.out.Broken() != nil, scriptsFault(e), limitExceeded(e))
	r.end(o, e, true)
}

// giveReason ends a run that ran out of time.
func (r *alarmRun) giveReason(s event.OutcomeStatus, e *exception.Exception) {
	r.a.report(e, "alarm")
	r.end(event.Outcome{Status: s, Retry: true, Counted: true}, e, true)
}

// countsAgainstLimit is workerd's policy: a failed run does not count only where
// the output gate broke for a reason that is not the script's.
func countsAgainstLimit(gateBroken, scriptsFault, limitExceeded bool) bool {
	return !gateBroken || scriptsFault || limitExceeded
}

// scriptsFault says whether the script is to blame: it threw, it blocked its own
// input, or the exception says so.
func scriptsFault(e *exception.Exception) bool {
	return e.User || e.Broken == exception.InputGateBroken || e.Internal == nil && !e.Reset()
}

func limitExceeded(e *exception.Exception) bool {
	return e.Broken == exception.ExceededCPU || e.Broken == exception.ExceededMemory
}

func (r *alarmRun) finish(o event.Outcome, err error) { r.end(o, err, false) }

func (r *alarmRun) end(o event.Outcome, err error, broke bool) {
	if r.over {
		return
	}
	a := r.a
	r.timer.Stop()
	a.running = nil
	next := a.next
	a.next = nil
	r.tell(o, err, broke)
	switch {
	case next == nil:
		a.checkIdle()
	case broke:
		next.tell(event.Outcome{Status: event.Exception, Retry: true}, err, true)
	default:
		next.begin()
	}
}

func (r *alarmRun) tell(o event.Outcome, err error, broke bool) {
	r.over = true
	if r.v != nil {
		r.v.outcome = o.Status
		r.a.answered(r.v, nil)
	}
	for _, done := range r.done {
		done(o, err, broke)
	}
	r.done = nil
}
