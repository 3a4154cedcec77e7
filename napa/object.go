package napa

import (
	"math"
	"runtime"
	"sync/atomic"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// kind is what an object is; its text is the constructor id in payloads.
type kind string

const (
	kindAllocator kind = "<AllocatorWrap>"
	kindDebugger  kind = "<AllocatorDebugger>"
	kindMemory    kind = "<SharedPtrWrap>"
	kindLock      kind = "<LockWrap>"
)

// object is a Go value that many threads may hold.
type object struct {
	kind   kind
	handle uint64
	value  any
	// refs counts the wraps and the transport contexts that hold the object.
	refs atomic.Int64
}

func (s *System) newObject(k kind, value any) *object {
	return &object{kind: k, handle: s.nextHandle(), value: value}
}

// wrap is what one realm's scripts see of an object; nil object is a null pointer.
type wrap struct {
	kind   kind
	object *object
}

// hold makes w stand for o. The object's count goes down again when the wrap is garbage.
func (w *wrap) hold(o *object) {
	w.object = o
	o.refs.Add(1)
	runtime.AddCleanup(w, func(o *object) { o.refs.Add(-1) }, o)
}

// wrapClass is the class of the wraps of a kind; nil where that is none.
func wrapClass(k kind) *bind.Class[wrap] {
	switch k {
	case kindAllocator:
		return allocatorClass
	case kindDebugger:
		return debuggerClass
	case kindMemory:
		return bytesClass
	case kindLock:
		return lockClass
	}
	return nil
}

// unwrapShareable is the wrap that v is.
func unwrapShareable(js *isolate.JS, v goja.Value) (*wrap, bool) {
	obj, ok := v.(*goja.Object)
	if !ok {
		return nil, false
	}
	x, _, _ := bind.ValueOf(js, obj)
	w, ok := x.(*wrap)
	return w, ok
}

// shareableClass is what all wraps have: they are transportable.
var shareableClass = &bind.Class[wrap]{
	Name: "ShareableWrap",
	Methods: map[string]bind.Method[wrap]{
		"cid":    func(w *wrap, _ *bind.Call) (any, error) { return string(w.kind), nil },
		"isNull": func(w *wrap, _ *bind.Call) (any, error) { return w.object == nil, nil },
		"marshall": func(w *wrap, c *bind.Call) (any, error) {
			ctx, ok := unwrapContext(c.JS(), c.Arg(0))
			if !ok {
				return nil, c.BadArg(1, "TransportContext")
			}
			return w.payload(c.JS(), ctx)
		},
		"unmarshall": func(w *wrap, c *bind.Call) (any, error) {
			var payload *goja.Object
			if err := c.Unpack("payload", &payload); err != nil {
				return nil, err
			}
			ctx, ok := unwrapContext(c.JS(), c.Arg(1))
			if !ok {
				return nil, c.BadArg(2, "TransportContext")
			}
			return nil, w.load(c.JS(), payload, ctx)
		},
	},
}

var bytesClass = &bind.Class[wrap]{Name: "SharedPtrWrap", Parent: bind.Extends(shareableClass, same)}

func same(w *wrap) *wrap { return w }

// payload is what a payload says of the object, which the context keeps.
func (w *wrap) payload(js *isolate.JS, ctx *Context) (goja.Value, error) {
	h := uint64(0)
	if w.object != nil {
		if err := ctx.save(w.object); err != nil {
			return nil, err
		}
		h = w.object.handle
	}
	o := js.Runtime().NewObject()
	if err := o.Set("_cid", string(w.kind)); err != nil {
		return nil, err
	}
	return o, o.Set("handle", handleValue(js, h))
}

// load makes the wrap stand for what a payload names. What the context does not know is
// null.
func (w *wrap) load(js *isolate.JS, payload *goja.Object, ctx *Context) error {
	h, ok := handleOf(js, payload.Get("handle"))
	if !ok {
		return exception.TypeErrorf("Unable to cast \"handle\" to pointer. Please check if it's in valid handle format.")
	}
	o := ctx.load(h)
	switch {
	case o == nil:
	case w.object != nil:
		return exception.Errorf("The object is loaded already.")
	case o.kind != w.kind:
		return exception.TypeErrorf("The handle is that of %s, not of %s.", o.kind, w.kind)
	default:
		w.hold(o)
	}
	return nil
}

// newWrap makes the realm's object for o; nil makes a null one.
func newWrap(js *isolate.JS, k kind, o *object) (*goja.Object, error) {
	w := &wrap{kind: k}
	if o != nil {
		w.hold(o)
	}
	obj := wrapClass(k).Wrap(js, w)
	a := ownAccessors.Get(js)
	// Own properties, because memory.isShareable asks for them.
	err := obj.DefineAccessorProperty("handle", a.handle, nil, goja.FLAG_TRUE, goja.FLAG_TRUE)
	if err == nil {
		err = obj.DefineAccessorProperty("refCount", a.refCount, nil, goja.FLAG_TRUE, goja.FLAG_TRUE)
	}
	return obj, err
}

// accessors are the getters of the properties that every wrap has of its own.
type accessors struct{ handle, refCount goja.Value }

var ownAccessors = isolate.NewSlot(func(js *isolate.JS) *accessors {
	getter := func(name string, get func(js *isolate.JS, o *object) any) goja.Value {
		return bind.NewFunction(js, name, 0, func(c *bind.Call) (any, error) {
			w, ok := unwrapShareable(c.JS(), c.This())
			if !ok {
				return nil, exception.TypeErrorf("Illegal invocation")
			}
			return get(c.JS(), w.object), nil
		})
	}
	return &accessors{
		handle: getter("get handle", func(js *isolate.JS, o *object) any {
			if o == nil {
				return handleValue(js, 0)
			}
			return handleValue(js, o.handle)
		}),
		refCount: getter("get refCount", func(_ *isolate.JS, o *object) any {
			if o == nil {
				return 0
			}
			return o.refs.Load()
		}),
	}
})

// handleValue is a handle as scripts have it: [low 32 bits, high 32 bits].
func handleValue(js *isolate.JS, h uint64) goja.Value {
	return js.Runtime().NewArray(int64(uint32(h)), int64(h>>32))
}

// handleOf reads a handle, which may have a third number; nothing but numbers passes.
func handleOf(js *isolate.JS, v goja.Value) (h uint64, ok bool) {
	obj, isObj := v.(*goja.Object)
	if !isObj {
		return 0, false
	}
	var parts [2]uint64
	err := js.Try(func() {
		n := obj.Get("length")
		if n == nil || n.ToInteger() != 2 && n.ToInteger() != 3 {
			return
		}
		for i, name := range [...]string{"0", "1"} {
			p, isNumber := uint32Of(obj.Get(name))
			if !isNumber {
				return
			}
			parts[i] = uint64(p)
		}
		ok = true
	})
	return parts[0] | parts[1]<<32, ok && err == nil
}

// uint32Of is a number that is a whole one of 32 bits.
func uint32Of(v goja.Value) (uint32, bool) {
	if v == nil {
		return 0, false
	}
	switch n := v.Export().(type) {
	case int64:
		return uint32(n), n >= 0 && n <= math.MaxUint32
	case float64:
		return uint32(n), n >= 0 && n <= math.MaxUint32 && n == math.Trunc(n)
	}
	return 0, false
}
