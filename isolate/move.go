package isolate

import "workerd.local/internal/invariants"

// Alike returns an isolate with i's limits, log and memory guard on another Host and with
// another Recorder, nil for none, that nobody runs: who asks for it drives its loop, within
// Watched. Any goroutine.
func (i *Isolate) Alike(host Host, recorder Recorder) *Isolate {
	return New(Options{Name: i.name, Host: host, Limits: i.limits, Log: i.log, Guard: i.guard, Recorder: recorder})
}

// Watched runs fn, which drives the isolate's loop on the calling goroutine. Meanwhile the
// memory guard counts the isolate among those that it may stop.
func (i *Isolate) Watched(fn func()) {
	if i.guard != nil {
		i.guard.add(i)
		defer i.guard.remove(i)
	}
	fn()
}

// Pressed reports whether half of the memory is in use that scripts may have before the
// guard stops one: nothing should be made that nobody has asked for. Any goroutine.
func (i *Isolate) Pressed() bool { return i.guard != nil && i.guard.pressed() }

// Move puts the realm on another isolate, whose goroutine calls it. The isolate where it was
// made must be one of Alike that nobody drives any more, and the realm the only one there:
// it ends, and what the realm's objects remember of its loop is to's from here on.
func (r *Realm) Move(to *Isolate) {
	invariants.Check(!r.inTurn && r.iso != to, "a realm moves in the middle of a turn, or to where it is")
	from := r.iso
	r.iso = to
	from.loop.Move(to.loop)
	from.once.Do(func() { close(from.done) })
}
