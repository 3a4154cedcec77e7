package isolate

// Recorder notes for whom an isolate runs code, in a place that outlives the process. It
// is called on the isolate's goroutine, at least twice in each turn.
type Recorder interface {
	// Running says that code of a realm runs from here on: the realm's name and, where an
	// actor owns the code, its class and id.
	Running(realm, class, actor string)
	// Idle says that no code runs.
	Idle()
}

// Identified is a Frame.Owner that says which actor it belongs to; both are empty where
// it belongs to none.
type Identified interface{ Identity() (class, actor string) }

// subject is who code runs for; the zero value is nobody.
type subject struct{ realm, class, actor string }

// record tells the recorder who runs from here on, and returns who ran before.
func (i *Isolate) record(who subject) (outer subject) {
	if i.recorder == nil {
		return outer
	}
	outer, i.running = i.running, who
	if who == (subject{}) {
		i.recorder.Idle()
	} else {
		i.recorder.Running(who.realm, who.class, who.actor)
	}
	return outer
}

// recordFrame is record for code of the realm in a frame.
func (r *Realm) recordFrame(f *Frame) (outer subject) {
	if r.iso.recorder == nil {
		return outer
	}
	who := subject{realm: r.o.Name}
	if f != nil {
		if o, ok := f.Owner.(Identified); ok {
			who.class, who.actor = o.Identity()
		}
	}
	return r.iso.record(who)
}
