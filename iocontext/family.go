package iocontext

import (
	"context"

	"workerd.local/isolate"
)

// family is the contexts of one realm that have ties and a parent in common, for whose end
// they look together: a request would pay for looking alone. It belongs to the isolate's
// goroutine.
type family struct {
	parent  context.Context
	members map[*Context]struct{}
	stop    func() bool // forgets the parent
	over    bool        // the parent has ended, or was forgotten
}

// families has the family that the contexts of a realm have come to last. It stays where
// nobody is left in it, as the next request is about to come.
var families = isolate.NewSlot(func(js *isolate.JS) **family {
	last := new(*family)
	js.Realm().AlsoOnCondemned(func(error, *isolate.Frame) {
		if *last != nil && len((*last).members) == 0 {
			(*last).forget() // nobody comes here any more
		}
	})
	return last
})

// familyOf takes c into the family of its parent.
func familyOf(c *Context) *family {
	last := families.Of(c.realm)
	f := *last
	if f == nil || f.over || f.parent != c.o.Parent {
		if f != nil && len(f.members) == 0 {
			f.forget()
		}
		f = newFamily(c)
		*last = f
	}
	f.members[c] = struct{}{}
	return f
}

func newFamily(c *Context) *family {
	f := &family{parent: c.o.Parent, members: map[*Context]struct{}{}}
	l := c.Loop()
	f.stop = context.AfterFunc(f.parent, func() {
		// A closed loop has ended the contexts.
		_ = l.Post(f.end)
	})
	return f
}

// end ends the ties of all.
func (f *family) end() {
	f.over = true
	members := f.members
	f.members = nil
	for c := range members {
		c.family = nil
		c.endTies()
	}
}

// leave takes a context out that has ended.
func (f *family) leave(c *Context) {
	delete(f.members, c)
	if len(f.members) == 0 && *families.Of(c.realm) != f {
		f.forget()
	}
}

func (f *family) forget() {
	if !f.over {
		f.over = true
		f.stop()
	}
}
