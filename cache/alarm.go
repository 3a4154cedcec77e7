package cache

import (
	"time"

	"workerd.local/loop"
	"workerd.local/storage"
)

var zeroTime time.Time

type alarmState uint8

const (
	alarmUnknown  alarmState = iota // not read yet
	alarmClean                      // time is what storage has
	alarmDirty                      // time is to be written
	alarmFlushing                   // time is in the commit that is in flight
	alarmWaiting                    // its handler runs; time is what to delete after that
	alarmReady                      // the handler is done: delete time with the next commit
	alarmDeleting                   // that commit is in flight
)

// alarm is what a cache knows of its actor's alarm. While the handler runs there
// is none to be seen, until it sets a new one.
type alarm struct {
	state   alarmState
	noCache bool
	unsaved bool // waiting: storage does not have it yet
	set     bool // dirty, flushing: by code, whose watcher is told when it is stored
	retries int
	time    time.Time // zero: none
	run     *AlarmRun // waiting: who may end it
}

// Alarm returns the time of the alarm, the zero time for none.
func (c *Cache) Alarm(o ReadOptions) loop.Result[time.Time] {
	if c.terminal != nil {
		return loop.Fail[time.Time](c.refuse())
	}
	switch c.alarm.state {
	case alarmUnknown:
		return c.loadAlarm(o)
	case alarmClean, alarmDirty, alarmFlushing:
		if !o.NoCache {
			c.alarm.noCache = false
		}
		return loop.Now(c.alarm.time)
	}
	return loop.Now(zeroTime)
}

// alarmReading is a read of the alarm that storage has to answer.
type alarmReading struct {
	c       *Cache
	noCache bool
	retried bool
	g       *generation // nil when it is over
	call    loop.Result[storage.Due]
	out     *loop.Future[time.Time]
}

func (c *Cache) loadAlarm(o ReadOptions) loop.Result[time.Time] {
	q := &alarmReading{c: c, noCache: o.NoCache, g: c.reads.begin(), out: loop.NewFuture[time.Time](c.l)}
	q.out.OnCancel(func() { q.cancel(errCanceled) })
	c.reads.add(q)
	q.send()
	return loop.Later(q.out)
}

func (q *alarmReading) send() {
	q.call = q.c.backend.Alarm()
	q.call.Then(q.answered)
}

func (q *alarmReading) answered(d storage.Due, err error) {
	c := q.c
	switch {
	case q.g == nil:
		return
	case temporary(err) && !q.retried:
		q.retried = true
		q.send()
		return
	case err == nil && c.alarm.state == alarmUnknown && c.terminal == nil && !q.noCache:
		c.alarm = alarm{state: alarmClean, time: d.Time, retries: d.Retries}
	}
	q.close()
	q.out.Settle(d.Time, err)
}

func (q *alarmReading) cancel(err error) {
	if q.g == nil {
		return
	}
	q.call.Cancel()
	q.close()
	q.out.Reject(err)
}

func (q *alarmReading) close() {
	delete(q.c.reads.open, q)
	g := q.g
	q.g = nil
	g.end()
}

// SetAlarm sets the alarm, or clears it where t is zero. It is written together
// with the keys of the same turn.
func (c *Cache) SetAlarm(t time.Time, o WriteOptions) loop.Result[struct{}] {
	if c.terminal != nil {
		return loop.Fail[struct{}](c.refuse())
	}
	c.setAlarm(t, o)
	return c.finishWrite()
}

func (c *Cache) setAlarm(t time.Time, o WriteOptions) {
	a := &c.alarm
	if a.state >= alarmClean && a.state <= alarmFlushing && a.time.Equal(t) && a.retries == 0 {
		switch {
		case o.AllowUnconfirmed || a.state == alarmClean || c.o.NeverFlush:
		case a.state == alarmDirty:
			c.confirm()
		case a.state == alarmFlushing:
			c.cur.confirm(c.out)
		}
		return
	}
	c.beginTurn()
	*a = alarm{state: alarmDirty, time: t, noCache: o.NoCache, set: true}
	c.schedule(o)
	c.tellAlarm(t, false)
}

func (c *Cache) tellAlarm(t time.Time, stored bool) {
	if fn := c.o.OnAlarm; fn != nil {
		fn(t, stored)
	}
}

// AlarmRun is one run of the alarm handler. Exactly one of Done and Keep ends it.
type AlarmRun struct {
	c *Cache
}

// ArmAlarm says that the handler is about to run for the alarm of time t. It
// returns nil where the alarm is not that one any more: then the handler must
// not run. Where a newer alarm is about to be written the handler runs, and the
// newer alarm stays.
func (c *Cache) ArmAlarm(t time.Time) *AlarmRun {
	a := &c.alarm
	run := &AlarmRun{c: c}
	if a.state >= alarmClean && a.state <= alarmFlushing && !a.time.Equal(t) {
		if a.state == alarmClean {
			return nil
		}
		return run
	}
	*a = alarm{state: alarmWaiting, time: t, run: run, unsaved: a.state == alarmDirty, retries: a.retries}
	return run
}

// Done ends a run that went well: the alarm is deleted by the next commit,
// unless the handler has set another one.
func (r *AlarmRun) Done(o WriteOptions) {
	c := r.c
	if c.alarm.run != r || c.terminal != nil {
		return
	}
	c.beginTurn()
	c.alarm.run = nil
	c.alarm.state, c.alarm.noCache = alarmReady, o.NoCache
	c.schedule(o)
}

// Keep ends a run that failed and will be tried again: the alarm stays, unless
// the handler has set another one. retries is the number of counted retries,
// stored with it.
func (r *AlarmRun) Keep(retries int, o WriteOptions) {
	c := r.c
	a := &c.alarm
	if a.run != r || c.terminal != nil {
		return
	}
	if !a.unsaved && a.retries == retries {
		a.run, a.state = nil, alarmClean
		return
	}
	c.beginTurn()
	a.run = nil
	a.state, a.retries, a.unsaved = alarmDirty, retries, false
	c.schedule(o)
}

// AbandonAlarm says that the alarm of time t will not be tried again. It is
// deleted, unless there is a newer one; that one's time is returned where it is
// durable, so that it can be scheduled.
func (c *Cache) AbandonAlarm(t time.Time, o WriteOptions) time.Time {
	a := &c.alarm
	if c.terminal != nil {
		return zeroTime
	}
	switch {
	case a.state == alarmClean && !a.time.IsZero() && !a.time.Equal(t):
		return a.time
	case a.state == alarmUnknown, a.state == alarmClean && !a.time.IsZero():
		c.beginTurn()
		*a = alarm{state: alarmReady, time: t}
		c.schedule(o)
	}
	return zeroTime
}

// flush is what the next commit does with the alarm.
func (a *alarm) flush(name string) storage.AlarmChange {
	set := storage.AlarmChange{Op: storage.AlarmSet, Time: a.time, Name: name, Retries: a.retries}
	switch {
	case a.state == alarmDirty && a.time.IsZero():
		a.state = alarmFlushing
		return storage.AlarmChange{Op: storage.AlarmClear}
	case a.state == alarmDirty:
		a.state = alarmFlushing
		return set
	case a.state == alarmWaiting && a.unsaved:
		a.unsaved = false
		return set
	case a.state == alarmReady && a.unsaved: // storage has an older one, if any
		a.state, a.unsaved = alarmFlushing, false
		a.time = zeroTime
		return storage.AlarmChange{Op: storage.AlarmClear}
	case a.state == alarmReady:
		a.state = alarmDeleting
		return storage.AlarmChange{Op: storage.AlarmClearIf, Time: a.time}
	}
	return storage.AlarmChange{}
}

// unflush is told that the commit with that change did not reach storage.
func (a *alarm) unflush(change storage.AlarmChange) {
	switch {
	case a.state == alarmFlushing:
		a.state = alarmDirty
	case a.state == alarmDeleting:
		a.state = alarmReady
	case change.Op == storage.AlarmSet && (a.state == alarmWaiting || a.state == alarmReady):
		a.unsaved = true
	}
}

// keepInMemory makes all there is of what was just set, where nothing is written.
func (a *alarm) keepInMemory() {
	switch a.state {
	case alarmDirty:
		a.state, a.noCache = alarmClean, false
	case alarmReady:
		*a = alarm{state: alarmClean}
	}
}

// flushed is told that the commit is durable.
func (a *alarm) flushed(info CommitInfo) {
	switch a.state {
	case alarmFlushing:
		a.state, a.set = alarmClean, false
		if a.noCache {
			*a = alarm{}
		}
	case alarmDeleting:
		if !info.AlarmCleared || a.noCache {
			*a = alarm{}
			return
		}
		*a = alarm{state: alarmClean}
	}
}
