package global

import (
	"errors"
	"fmt"
	"strings"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/internal/clone"
	"workerd.local/isolate"
	"workerd.local/isolate/natives"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/events"
)

// Cloneable says how the instances of one class of host objects are cloned.
type Cloneable struct {
	// Class is the name of the class.
	Class string
	// Tag is what the class is known by in serialized data.
	Tag uint32
	// Write writes an instance's Go value, Read makes the object from that.
	Write func(js *isolate.JS, w *clone.Writer, value any) error
	// WriteObject takes the place of Write where the object has properties that count.
	WriteObject func(js *isolate.JS, w *clone.Writer, obj *goja.Object, value any) error
	Read        func(js *isolate.JS, r *clone.Reader) (*goja.Object, error)
}

type cloneables struct {
	js      *isolate.JS
	byClass map[string]Cloneable
	byTag   map[uint32]Cloneable
}

var cloneTable = isolate.NewSlot(func(js *isolate.JS) *cloneables {
	t := &cloneables{js: js, byClass: map[string]Cloneable{}, byTag: map[uint32]Cloneable{}}
	t.add(cloneableException)
	t.byTag[oldException.Tag] = oldException
	return t
})

func (t *cloneables) add(c Cloneable) { t.byClass[c.Class], t.byTag[c.Tag] = c, c }

// AddCloneable makes a class cloneable in the realm; modules call it from Setup.
func AddCloneable(js *isolate.JS, c Cloneable) error {
	t := cloneTable.Get(js)
	if old, dup := t.byTag[c.Tag]; dup {
		return fmt.Errorf("class %s: the clone tag %d is taken by %s", c.Class, c.Tag, old.Class)
	}
	t.add(c)
	return nil
}

// HostObjects is what internal/clone needs to know of host objects: those of the
// classes that were added are cloned, others are refused.
func HostObjects(js *isolate.JS) clone.HostObjects { return cloneTable.Get(js) }

type movables struct{ m clone.Movables }

var movableSlot = isolate.NewSlot(func(*isolate.JS) *movables { return &movables{} })

// SetMovables says what of the realm can be transferred beside buffers.
func SetMovables(js *isolate.JS, m clone.Movables) { movableSlot.Get(js).m = m }

// Movables is what SetMovables was told; nil where it was not.
func Movables(js *isolate.JS) clone.Movables { return movableSlot.Get(js).m }

// WriteHost is clone.HostObjects's.
func (t *cloneables) WriteHost(w *clone.Writer, obj *goja.Object) (bool, error) {
	value, class, ok := bind.ValueOf(t.js, obj)
	if ok {
		return true, WriteHost(t.js, w, obj, value, class)
	}
	if IsError(obj) {
		return true, WriteError(t.js, w, obj)
	}
	return false, nil
}

// WriteHost writes an instance of a class that can be cloned.
func WriteHost(js *isolate.JS, w *clone.Writer, obj *goja.Object, value any, class string) error {
	t := cloneTable.Get(js)
	c, ok := t.byClass[class]
	switch {
	case !ok && needsTransfer(js, obj):
		return &clone.DataCloneError{Message: NeedsTransfer}
	case !ok && (class == "ReadableStream" || class == "WritableStream"):
		return &clone.DataCloneError{Message: class + " can only be serialized for RPC."}
	case !ok && class == "JsRpcTarget":
		return &clone.DataCloneError{Message: "Remote RPC references can only be serialized for RPC."}
	case !ok && strings.HasPrefix(class, "JsRpc"):
		return &clone.DataCloneError{Message: "#<" + strings.TrimPrefix(class, "Js") + "> could not be cloned."}
	case !ok && class == "DurableObjectClass":
		return &clone.DataCloneError{Message: "DurableObjectClass cannot be serialized in this context."}
	case !ok && (class == "Fetcher" || class == "DurableObject"):
		if m, ok := value.(event.Kept); ok {
			if err := m.CheckTransfer(); err != nil {
				return err
			}
		}
		return &clone.DataCloneError{Message: "ServiceStub cannot be serialized in this context."}
	case !ok:
		return &clone.DataCloneError{Message: fmt.Sprintf("Could not serialize object of type %q. This type does not support serialization.", class)}
	}
	w.Uint32(c.Tag)
	if c.WriteObject != nil {
		return c.WriteObject(js, w, obj, value)
	}
	return c.Write(js, w, value)
}

// NeedsTransfer is the text about an object that moves, and is in no transfer list.
const NeedsTransfer = "Object that needs transfer was found in message but not listed in transferList"

// needsTransfer reports whether an object moves, and is never copied.
func needsTransfer(js *isolate.JS, obj *goja.Object) bool {
	m := Movables(js)
	if m == nil {
		return false
	}
	movable, err := m.Movable(obj)
	return movable || err != nil
}

// ReadHost is clone.HostObjects's.
func (t *cloneables) ReadHost(r *clone.Reader) (*goja.Object, error) {
	tag, err := r.Uint32()
	if err != nil {
		return nil, err
	}
	if tag == ErrorTag {
		return ReadError(t.js, r, true)
	}
	return ReadHost(t.js, tag, r)
}

// ReadHost reads what WriteHost wrote behind the tag.
func ReadHost(js *isolate.JS, tag uint32, r *clone.Reader) (*goja.Object, error) {
	c, ok := cloneTable.Get(js).byTag[tag]
	if !ok {
		return nil, &clone.DataCloneError{Message: fmt.Sprintf("Unknown serialization tag %d.", tag)}
	}
	return c.Read(js, r)
}

// cloneableException keeps name, message and stack.
var cloneableException = Cloneable{
	Class: "DOMException",
	Tag:   8,
	WriteObject: func(js *isolate.JS, w *clone.Writer, obj *goja.Object, value any) error {
		e := value.(*events.DOMException)
		stack := ""
		err := js.Try(func() {
			if s, ok := obj.Get("stack").(goja.String); ok {
				stack = s.String()
			}
		})
		w.String(e.Name())
		w.String(e.Message())
		w.String(stack)
		return err
	},
	Read: func(js *isolate.JS, r *clone.Reader) (*goja.Object, error) {
		var texts [3]string
		for i := range texts {
			s, err := r.String()
			if err != nil {
				return nil, err
			}
			texts[i] = s
		}
		return exceptionOf(js, texts[0], texts[1], texts[2])
	},
}

// oldException is how workerd wrote a DOMException for a few weeks: the name, and an Error
// with message and stack.
var oldException = Cloneable{
	Tag: 7,
	Read: func(js *isolate.JS, r *clone.Reader) (*goja.Object, error) {
		name, err := r.String()
		if err != nil {
			return nil, err
		}
		v, err := r.Value()
		if err != nil {
			return nil, err
		}
		o, ok := v.(*goja.Object)
		if !ok {
			return nil, &clone.DataCloneError{Message: "Deserialization failed: DOMException payload is not an object"}
		}
		texts := map[string]string{}
		for _, key := range []string{"message", "stack"} {
			var s goja.String
			if err := js.Try(func() { s, ok = o.Get(key).(goja.String) }); err != nil {
				return nil, err
			}
			if !ok {
				return nil, &clone.DataCloneError{Message: "Deserialization failed: DOMException " + key + " is not a string"}
			}
			texts[key] = s.String()
		}
		return exceptionOf(js, name, texts["message"], texts["stack"])
	},
}

func exceptionOf(js *isolate.JS, name, message, stack string) (*goja.Object, error) {
	o := events.NewDOMException(js, name, message)
	if stack == "" {
		return o, nil
	}
	return o, o.DefineDataProperty("stack", js.Runtime().ToValue(stack), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
}

// CloneError turns an error of internal/clone into what scripts see.
func CloneError(err error) error {
	var refused *clone.DataCloneError
	var transfer *clone.TransferError
	var limit *clone.LimitError
	switch {
	case errors.As(err, &refused):
		return exception.DOM("DataCloneError", refused.Message)
	case errors.As(err, &transfer):
		return exception.TypeErrorf("%s", transfer.Message).WithCause(err)
	case errors.As(err, &limit):
		return exception.RangeErrorf("%s", limit.Message)
	}
	return err
}

// TransferList is what an iterable lists to be transferred. It has a bound, for an iterable need not end.
func TransferList(js *isolate.JS, list *goja.Object) (all []goja.Value, err error) {
	most := js.Isolate().Limits().ArrayLength
	err = js.Try(func() {
		js.Runtime().ForOf(list, func(v goja.Value) bool { all = append(all, v); return len(all) <= most })
	})
	if err == nil && len(all) > most {
		err = exception.RangeErrorf("The transfer list has more than %d elements.", most)
	}
	return all, err
}

func jsStructuredClone(c *bind.Call) (any, error) {
	var v goja.Value
	if err := c.Unpack("value", &v); err != nil {
		return nil, err
	}
	js := c.JS()
	var transfer []goja.Value
	err := c.Options(2, "StructuredCloneOptions", "transfer", func(c *bind.Call, list goja.Value) error {
		obj, ok := list.(*goja.Object)
		if !ok {
			return c.BadArg(0, "Array")
		}
		var err error
		transfer, err = TransferList(js, obj)
		return err
	})
	if err != nil {
		return nil, err
	}
	copied, err := clone.StructuredClone(js.Runtime(), v, transfer, clone.Options{
		Bounds:    js.Bounds(),
		MaxBytes:  js.Isolate().Limits().BufferBytes,
		Host:      HostObjects(js),
		Half:      natives.Float16Bits,
		Share:     js.Library().Share,
		Movable:   Movables(js),
		Resizable: js.Library(),
		// Errors keep their properties.
		ErrorsAsHost: js.Compat().Has("enhanced_error_serialization"),
	})
	if err != nil {
		return nil, CloneError(err)
	}
	return copied, nil
}
