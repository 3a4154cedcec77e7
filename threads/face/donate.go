package face

import (
	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/internal/clone"
	"workerd.local/internal/limits"
	"workerd.local/isolate"
	"workerd.local/isolate/natives"
	"workerd.local/threads"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/global"
)

// Donate is the codec of messages of Hop: arrays and buffers are given away, and are
// empty afterwards where they came from; so are ports, which are detached; objects are copied without their prototypes;
// what cannot be given is undefined. Cycles and shared references stay what they are.
//
// The message is what the value is at the call. Where a getter or the trap of a proxy
// throws, nothing has been given away.
var Donate threads.Codec = donate{}

// Copied is the codec of arguments and results of Hop's services: what Donate makes of
// the value, while the sender keeps what it has.
var Copied threads.Codec = donate{keep: true}

// serviceClass is the class of the handles of services, which travel as such.
const serviceClass = "Service"

// Given gives the own enumerable properties of an object to one that is fresh, as Donate
// would, and takes nothing away.
func Given(js *isolate.JS, from *goja.Object) (*goja.Object, error) {
	d := newDonor(js)
	to := d.rt.CreateObject(nil)
	return to, d.own(from, to, 0)
}

type donate struct{ keep bool }

// Encode is threads.Codec's. What is in transfer would move anyway.
func (how donate) Encode(js *isolate.JS, v goja.Value, _ []goja.Value) (threads.Message, error) {
	if m := threads.Plain(js, v); m != nil {
		return m, nil // nothing of it can be given away
	}
	d := newDonor(js)
	d.keep = how.keep
	var what goja.Value
	var failed error
	if err := js.Try(func() { what, failed = d.give(v, 0) }); err != nil {
		return nil, err
	}
	if failed != nil {
		return nil, failed
	}
	if len(d.nodes) > 0 {
		what = d.rt.NewArray(what, d.rt.NewArray(d.nodes...))
	}
	moves := d.buffers
	if how.keep {
		moves = nil
	}
	m, err := threads.Structured.Encode(js, what, moves)
	if err != nil {
		return nil, err
	}
	if len(d.nodes) > 0 {
		m = withBuffers{m}
	}
	if how.keep {
		return m, nil
	}
	for _, a := range d.arrays {
		// One that is frozen, or whose length is, stays as it is: it was copied.
		_ = js.Try(func() { _ = a.Set("length", 0) })
	}
	return m, nil
}

// withBuffers is a message of an array of two: the value, and the Buffers of node in it, which travel as views.
type withBuffers struct{ threads.Message }

// Value is threads.Message's.
func (m withBuffers) Value(js *isolate.JS) (goja.Value, error) {
	v, err := m.Message.Value(js)
	if err != nil {
		return nil, err
	}
	pair := v.(*goja.Object)
	list := pair.Get("1").(*goja.Object)
	if proto := bufferPrototype(js); proto != nil {
		for _, i := range list.Keys() {
			if err := list.Get(i).(*goja.Object).SetPrototype(proto); err != nil {
				return nil, err
			}
		}
	}
	return pair.Get("0"), nil
}

// Ports is threads.Holder's.
func (m withBuffers) Ports() []*threads.Port {
	if h, ok := m.Message.(threads.Holder); ok {
		return h.Ports()
	}
	return nil
}

// bufferPrototype is what the Buffers of the realm inherit from; nil where it has none.
func bufferPrototype(js *isolate.JS) *goja.Object {
	builtin := bind.ProgramOf(js).Builtin
	if builtin == nil {
		return nil
	}
	v, err := builtin("node:buffer")
	module, ok := v.(*goja.Object)
	if err != nil || !ok {
		return nil // its scripts may not import it
	}
	class, ok := module.Get("Buffer").(*goja.Object)
	if !ok {
		return nil
	}
	proto, _ := class.Get("prototype").(*goja.Object)
	return proto
}

// donor makes of a value what is left of it when it is given.
type donor struct {
	js         *isolate.JS
	rt         *goja.Runtime
	given      map[*goja.Object]goja.Value
	arrays     []*goja.Object
	buffers    []goja.Value // and ports: what moves
	nodes      []any        // Buffers of node
	keep       bool
	maxDepth   int
	maxObjects int
}

func newDonor(js *isolate.JS) *donor {
	return &donor{
		js: js, rt: js.Runtime(), given: map[*goja.Object]goja.Value{},
		maxDepth: limits.CloneDepth.In(js.Bounds()), maxObjects: limits.CloneObjects.In(js.Bounds()),
	}
}

func (d *donor) give(v goja.Value, depth int) (goja.Value, error) {
	obj, ok := v.(*goja.Object)
	if !ok {
		if _, symbol := v.(*goja.Symbol); symbol || v == nil {
			return goja.Undefined(), nil
		}
		return v, nil
	}
	if done, ok := d.given[obj]; ok {
		return done, nil
	}
	switch {
	case depth >= d.maxDepth:
		return nil, exception.RangeErrorf("The message is nested too deep: more than %d levels.", d.maxDepth)
	case len(d.given) >= d.maxObjects:
		return nil, exception.RangeErrorf("The message has too many objects: more than %d.", d.maxObjects)
	}
	if _, class, ok := bind.ValueOf(d.js, obj); ok {
		if class == serviceClass {
			return obj, nil
		}
		if m := threads.Movables(d.js); m != nil {
			if is, err := m.Movable(obj); err != nil {
				return nil, global.CloneError(err)
			} else if is {
				d.given[obj] = obj
				if !d.keep {
					d.buffers = append(d.buffers, obj)
				}
				return obj, nil
			}
		}
		return goja.Undefined(), nil
	}
	switch clone.ClassOf(obj) {
	case "Object":
		if obj == d.js.Library().Pristine("Math") || obj == d.js.Library().Pristine("JSON") {
			return goja.Undefined(), nil
		}
		return d.object(obj, depth)
	case "Proxy":
		if _, callable := goja.AssertFunction(obj); callable {
			return goja.Undefined(), nil
		}
		return d.object(obj, depth)
	case "Array":
		return d.array(obj, depth)
	case "Map":
		return d.collection(obj, "Map", depth)
	case "Set":
		return d.collection(obj, "Set", depth)
	case "Date", "RegExp", "Primitive":
		d.given[obj] = obj
		return obj, nil
	case "ArrayBuffer":
		if !natives.IsShared(obj) {
			d.buffer(obj)
		}
		return obj, nil
	case "TypedArray", "DataView":
		if b, ok := obj.Get("buffer").(*goja.Object); ok && !natives.IsShared(b) {
			d.buffer(b)
		}
		if d.isNodes(obj) {
			d.given[obj] = obj
			d.nodes = append(d.nodes, obj)
		}
		return obj, nil
	}
	// Error, Promise, Math, JSON, Arguments and what else has state that cannot move.
	return goja.Undefined(), nil
}

// buffer notes one that moves with the message; one whose memory somebody else has is
// copied.
func (d *donor) buffer(b *goja.Object) {
	if _, seen := d.given[b]; seen {
		return
	}
	d.given[b] = b
	if !clone.IsPinned(b) {
		d.buffers = append(d.buffers, b)
	}
}

// isNodes reports whether a view is a Buffer.
func (d *donor) isNodes(view *goja.Object) bool {
	proto, plain := view.Prototype(), d.js.Library().Pristine("Uint8Array.prototype")
	return proto != nil && proto != plain && proto.Prototype() == plain && proto == bufferPrototype(d.js)
}

// own gives the own enumerable properties of from to an object that is fresh.
func (d *donor) own(from, to *goja.Object, depth int) error {
	for _, key := range from.Keys() {
		v, err := d.give(from.Get(key), depth+1)
		if err != nil {
			return err
		}
		if err := to.DefineDataProperty(key, v, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE); err != nil {
			return err
		}
	}
	return nil
}

func (d *donor) object(obj *goja.Object, depth int) (goja.Value, error) {
	to := d.rt.CreateObject(nil)
	d.given[obj] = to
	return to, d.own(obj, to, depth)
}

func (d *donor) array(obj *goja.Object, depth int) (goja.Value, error) {
	to := d.rt.NewArray()
	d.given[obj] = to
	length := obj.Get("length")
	if err := d.own(obj, to, depth); err != nil {
		return nil, err
	}
	d.arrays = append(d.arrays, obj)
	return to, to.Set("length", length)
}

func (d *donor) collection(obj *goja.Object, class string, depth int) (goja.Value, error) {
	to, err := d.rt.New(d.js.Library().Pristine(class))
	if err != nil {
		return nil, err
	}
	d.given[obj] = to
	add := "add"
	if class == "Map" {
		add = "set"
	}
	put, _ := goja.AssertFunction(d.js.Library().Pristine(class + ".prototype." + add))
	each, _ := goja.AssertFunction(d.js.Library().Pristine(class + ".prototype.forEach"))
	var failed error
	_, err = each(obj, d.rt.ToValue(func(fc goja.FunctionCall) goja.Value {
		if failed != nil {
			return nil
		}
		args := []goja.Value{fc.Argument(1), fc.Argument(0)} // the key, the value
		if class == "Set" {
			args = args[1:]
		}
		for i := range args {
			if args[i], failed = d.give(args[i], depth+1); failed != nil {
				return nil
			}
		}
		_, failed = put(to, args...)
		return nil
	}))
	if err == nil {
		err = failed
	}
	return to, err
}
