package actor

import (
	"context"
	"time"

	"github.com/dop251/goja"

	"workerd.local/actorid"
	"workerd.local/cache"
	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/internal/limits"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/storage"
	"workerd.local/webapi/durable"
)

// Alarms (workerd, "Alarms"): a failed run is tried again after 2 s, 4 s, ... with
// up to 25 % of jitter; after six counted retries the alarm is given up. The numbers
// are limits.AlarmPause, AlarmDoublings and AlarmRetries.

// LoadAlarms schedules the alarms that are stored. Overdue ones run at once.
func (n *Namespace) LoadAlarms(ctx context.Context) error {
	if n.o.Store == nil {
		return nil
	}
	for shard := range uint32(actorid.Shards) {
		if err := ctx.Err(); err != nil {
			return err
		}
		dues, err := n.o.Store.Alarms(ctx, n.o.Token(shard), 1<<30)
		if err != nil {
			return err
		}
		for _, d := range dues {
			if d.Actor.Namespace != n.o.UniqueKey {
				continue
			}
			h := n.hosts[int(d.Actor.Shard())%len(n.hosts)]
			if err := h.loop.Post(func() { h.schedule(d) }); err != nil {
				return err
			}
		}
	}
	return nil
}

// schedule wakes the actor at the time of its alarm.
func (h *host) schedule(d storage.Due) {
	if h.closed != nil {
		return
	}
	if t := h.alarms[d.Actor.Key]; t != nil {
		t.timer.Stop()
	}
	t := &alarmTimer{at: d.Time}
	t.timer = h.loop.At(d.Time, func() { h.ring(d, t) })
	h.alarms[d.Actor.Key] = t
}

func (h *host) ring(d storage.Due, t *alarmTimer) {
	if h.alarms[d.Actor.Key] != t || h.closed != nil {
		return
	}
	delete(h.alarms, d.Actor.Key)
	var name *string
	if d.Name != "" {
		name = &d.Name
	}
	a, err := h.container(d.Actor, name).activate()
	if err != nil {
		e, _ := exception.From(err)
		h.w.Report(e, h.n.o.Class+" "+d.Actor.String()+" alarm")
		h.retry(d, d.Retries)
		return
	}
	a.alarm(event.Alarm{Time: d.Time, Retries: d.Retries}, func(event.Outcome, error) {})
}

// retry schedules the alarm again, its counted retries being n.
func (h *host) retry(d storage.Due, n int) {
	delay := limits.AlarmPause.In(h.n.o.Bounds) << min(n, limits.AlarmDoublings.In(h.n.o.Bounds))
	var r [2]byte
	h.w.Isolate().Host().Random(r[:])
	delay += delay / 4 * time.Duration(int(r[0])<<8|int(r[1])) / (1 << 16)
	if h.closed != nil {
		return
	}
	t := &alarmTimer{at: d.Time}
	d.Retries = n
	t.timer = h.loop.After(delay, func() { h.ring(d, t) })
	if old := h.alarms[d.Actor.Key]; old != nil {
		old.timer.Stop()
	}
	h.alarms[d.Actor.Key] = t
}

// alarmSet is told that the actor's code set its alarm (the zero time: cleared it).
// The timer is only a reminder: what counts is what is stored when it fires.
func (a *Actor) alarmSet(t time.Time) {
	h := a.c.h
	if t.IsZero() {
		if old := h.alarms[a.c.id.Key]; old != nil {
			old.timer.Stop()
			delete(h.alarms, a.c.id.Key)
		}
		return
	}
	d := storage.Due{Actor: a.c.id, Time: t}
	if a.c.name != nil {
		d.Name = *a.c.name
	}
	h.schedule(d)
}

// alarmRun is one run of the alarm handler.
type alarmRun struct {
	a     *Actor
	ev    event.Alarm
	run   *cache.AlarmRun
	done  func(event.Outcome, error)
	timer interface{ Stop() bool }
	over  bool
}

// alarm delivers an alarm behind everything that came before.
func (a *Actor) alarm(ev event.Alarm, done func(event.Outcome, error)) {
	if a.running != nil {
		// The one that runs decides what becomes of the alarm.
		done(event.Outcome{Status: event.Canceled}, nil)
		return
	}
	r := &alarmRun{a: a, ev: ev, done: done}
	a.running = r
	a.idle.Stop()
	a.c.h.forgetStale()
	a.ioc.RunIn(iocontext.Entry{}, r.start, func(err error) { r.failed(err) })
}

func (r *alarmRun) start(js *isolate.JS) {
	a := r.a
	if a.cache == nil {
		r.finish(event.Outcome{Status: event.NotFound}, nil)
		return
	}
	alarm := a.cache.Alarm(cache.ReadOptions{})
	alarm.Then(func(t time.Time, err error) {
		if err != nil {
			r.failed(err)
			return
		}
		if !t.Equal(r.ev.Time) {
			// It was moved or cleared since the timer was set.
			if !t.IsZero() {
				a.alarmSet(t)
			}
			r.finish(event.Outcome{Status: event.Canceled}, nil)
			return
		}
		if r.run = a.cache.ArmAlarm(t); r.run == nil {
			r.finish(event.Outcome{Status: event.Canceled}, nil)
			return
		}
		a.ioc.RunIn(iocontext.Entry{}, r.call, func(err error) { r.failed(err) })
	})
}

func (r *alarmRun) call(js *isolate.JS) {
	a := r.a
	if a.ring == nil {
		a.c.h.n.o.Log.Warn("Attempted to run a scheduled alarm without a handler, did you remember to export an alarm() function?",
			"class", a.c.h.n.o.Class, "actor", a.c.id.String())
		r.succeeded(event.Outcome{Status: event.NotFound})
		return
	}
	r.timer = a.c.h.loop.After(limits.AlarmTime.In(a.c.h.n.o.Bounds), func() {
		a.ioc.Abort(exception.Errorf("Alarm exceeded its allowed execution time").WithKind(exception.Overloaded).WithBroken(exception.Dropped))
	})
	info := durable.NewAlarmInfo(js, r.ev.Time, r.ev.Retries)
	v, err := js.Call(a.ring, a.instance, info)
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

// failed ends a run that threw: the alarm is tried again, or given up.
func (r *alarmRun) failed(err error) {
	if r.over {
		return
	}
	a := r.a
	e, _ := exception.From(err)
	a.report(e, "alarm")
	if r.run == nil || a.c.broken != nil {
		r.broken(e)
		return
	}
	if r.ev.Retries >= limits.AlarmRetries.In(a.c.h.n.o.Bounds) {
		r.run.Keep(r.ev.Retries, cache.WriteOptions{})
		if next := a.cache.AbandonAlarm(r.ev.Time, cache.WriteOptions{}); !next.IsZero() {
			a.alarmSet(next)
		}
		r.finish(event.Outcome{Status: event.Exception}, e)
		return
	}
	r.run.Keep(r.ev.Retries+1, cache.WriteOptions{})
	if a.c.h.alarms[a.c.id.Key] == nil {
		a.c.h.retry(r.due(), r.ev.Retries+1)
	}
	r.finish(event.Outcome{Status: event.Exception, Retry: true}, e)
}

func (r *alarmRun) due() storage.Due {
	d := storage.Due{Actor: r.a.c.id, Time: r.ev.Time, Retries: r.ev.Retries}
	if r.a.c.name != nil {
		d.Name = *r.a.c.name
	}
	return d
}

// broken ends a run whose actor broke: the stored alarm is still there.
func (r *alarmRun) broken(e *exception.Exception) {
	if r.over {
		return
	}
	h := r.a.c.h
	if h.closed == nil && h.alarms[r.a.c.id.Key] == nil {
		h.retry(r.due(), min(r.ev.Retries+1, limits.AlarmRetries.In(h.n.o.Bounds)))
	}
	r.finish(event.Outcome{Status: event.Exception, Retry: true}, e)
}

func (r *alarmRun) finish(o event.Outcome, err error) {
	if r.over {
		return
	}
	r.over = true
	if r.timer != nil {
		r.timer.Stop()
	}
	r.a.running = nil
	r.done(o, err)
	r.a.checkIdle()
}
