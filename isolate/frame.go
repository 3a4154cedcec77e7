package isolate

// Frame is what asynchronous code inherits from the code that started it: who
// it works for, and the values of AsyncLocalStorage. Frames are immutable.
type Frame struct {
	// Owner is the I/O context, opaque to this package.
	Owner any
	// Vars is the innermost binding of AsyncLocalStorage values.
	Vars *Var
}

// Var is one binding in a chain; the innermost one wins.
type Var struct {
	Key    any
	Value  any
	Parent *Var
}

// Lookup returns the value bound to key.
func (v *Var) Lookup(key any) (any, bool) {
	for ; v != nil; v = v.Parent {
		if v.Key == key {
			return v.Value, true
		}
	}
	return nil, false
}

// Bind returns v with one more binding. An older one of the same key is taken out, so
// that a chain is never longer than there are keys.
func (v *Var) Bind(key, value any) *Var {
	if _, ok := v.Lookup(key); ok {
		var keep []*Var
		at := v
		for ; at.Key != key; at = at.Parent {
			keep = append(keep, at)
		}
		v = at.Parent
		for i := len(keep) - 1; i >= 0; i-- {
			v = &Var{Key: keep[i].Key, Value: keep[i].Value, Parent: v}
		}
	}
	return &Var{Key: key, Value: value, Parent: v}
}

// tracker carries the frame across await (goja.AsyncContextTracker). The job that
// calls a thenable's then runs without Resumed: there the frame is that of the code
// that queued it.
type tracker struct{ js *JS }

func (t tracker) Grab() any { return t.js.Frame() }
func (t tracker) Resumed(f any) {
	frame, _ := f.(*Frame)
	t.js.frame = frame
	if frame != nil {
		// What the job does beside calling its function is done for the same owner.
		t.js.turn = frame
	}
	if t.js.realm.resume(t.js.Frame()); t.js.realm.ending != nil {
		panic(unwinding)
	}
}
func (t tracker) Exited() { t.js.frame = nil }
