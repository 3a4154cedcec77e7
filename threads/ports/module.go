package ports

import (
	"github.com/dop251/goja"

	"workerd.local/internal/clone"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/threads"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/global"
)

// Module is what scripts of programs see of the package. Setup must have been called in the realm.
var Module = bind.Module{
	Name:    "ports",
	Globals: []bind.Global{channelClass, portClass, broadcastClass},
}

// realm is what the package keeps of one.
type realm struct {
	hub     *Hub
	arrived *[]any // where the ports go that come with the message that is delivered; nil for who wants no list
}

var realms = isolate.NewSlot(func(*isolate.JS) *realm { return &realm{} })

func realmOf(js *isolate.JS) *realm { return realms.Get(js) }

// Setup says which hub a realm has, and makes its ports transferable.
func Setup(js *isolate.JS, h *Hub) {
	realmOf(js).hub = h
	global.SetMovables(js, movables{js})
}

// movables are the ports of a realm (clone.Movables).
type movables struct{ js *isolate.JS }

// Movable is clone.Movables's.
func (m movables) Movable(o *goja.Object) (bool, error) {
	p, ok := portClass.Unwrap(m.js, o)
	switch {
	case !ok || clone.IsPinned(o):
		return false, nil
	case p.core == nil || p.core.Closed():
		return true, errDetached
	}
	return true, nil
}

// Name is clone.Movables's.
func (movables) Name(*goja.Object) string { return "MessagePort" }

// Move is clone.Movables's.
func (m movables) Move(o *goja.Object) any {
	p, _ := portClass.Unwrap(m.js, o)
	core, loop, ioc := p.leave(), p.loop, p.ioc
	if p.Has("close") {
		// The object that is left behind has seen the last of its channel, as in node. A loop that is closed tells nobody.
		_ = loop.Post(func() {
			if !ioc.Ended() {
				ioc.RunIn(iocontext.Entry{}, func(js *isolate.JS) { p.Told(js, "close", nil, nil) }, nil)
			}
		})
	}
	return core
}

// Arrive is clone.Movables's.
func (m movables) Arrive(moved any) (*goja.Object, error) {
	p, err := newPort(m.js, moved.(*threads.Port))
	if err != nil {
		return nil, err
	}
	arrived(m.js, p.obj)
	return p.obj, nil
}

// arrived tells the message that is delivered of a port that has come with it.
func arrived(js *isolate.JS, port *goja.Object) {
	if list := realmOf(js).arrived; list != nil {
		*list = append(*list, port)
	}
}

// coded is an error as node makes it.
func coded(js *isolate.JS, class, code, message string) error {
	e, err := js.Construct(js.ErrorClass(class), js.Runtime().ToValue(message))
	if err != nil {
		return err
	}
	if err := e.Set("code", code); err != nil {
		return err
	}
	return js.Thrown(e)
}
