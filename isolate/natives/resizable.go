package natives

import (
	"fmt"
	"unsafe"
	"weak"

	"github.com/dop251/goja"
)

// Resizable buffers. The engine has none: its buffers and the views of them have one
// length for ever. Here resize() changes the memory of the engine's buffer and
// then the length and offset of every view, so elements, lengths and natives of the engine
// see what the language says without a step more for other buffers. A view that is out
// of bounds has the length and the offset 0; its methods see an empty array where
// V8 throws.
//
// The memory of a buffer never gets smaller, so a native that was reading when a script
// resized the buffer stays within it. What a shrunk buffer gets back is cleared.

// symResizable is the key of a resizable buffer's *resizable. Scripts never see it.
var symResizable = goja.NewSymbol("workerd.resizable")

// resizable is what the engine does not know of a buffer.
type resizable struct {
	max   int
	views []bufferView
	swept int // views that the last sweep left
}

// bufferView is a view of a resizable buffer. It does not keep the view alive.
type bufferView struct {
	object   weak.Pointer[goja.Object]
	offset   int // in bytes
	length   int // in elements, of one that does not track
	tracking bool
}

// IsResizable reports whether a buffer is a resizable ArrayBuffer, and how long it may
// become.
func IsResizable(buffer *goja.Object) (maxBytes int, ok bool) {
	if r := resizableOf(buffer); r != nil {
		return r.max, true
	}
	return 0, false
}

func resizableOf(o *goja.Object) *resizable {
	if o.ExportType() != typeBuffer {
		return nil
	}
	v, ok := o.GetSymbol(symResizable).(*goja.Object)
	if !ok {
		return nil
	}
	r, _ := v.Export().(*resizable)
	return r
}

// NewResizable makes a resizable buffer on bytes, which it takes over.
func (l *Library) NewResizable(bytes []byte, maxBytes int) *goja.Object {
	o := l.e.rt.ToValue(l.e.rt.NewArrayBuffer(bytes)).(*goja.Object)
	l.e.makeResizable(o, maxBytes)
	return o
}

// MaxByteLength is IsResizable.
func (l *Library) MaxByteLength(buffer *goja.Object) (maxBytes int, ok bool) {
	return IsResizable(buffer)
}

// IsTracking reports whether the length of a view is that of the rest of its buffer.
func (l *Library) IsTracking(view *goja.Object) bool { return l.e.trackingOf(view) != nil }

// maxByteLength reads the option of new ArrayBuffer; ok says that there is one.
func (e *env) maxByteLength(args []goja.Value, length int64) (n int64, ok bool) {
	if len(args) < 2 {
		return 0, false
	}
	options, isObject := args[1].(*goja.Object)
	if !isObject {
		return 0, false
	}
	v := orUndefined(options.Get("maxByteLength"))
	if v == undefined {
		return 0, false
	}
	const msg = "Invalid array buffer max length"
	if n = e.toIndex(v, msg); n < length {
		e.throwRange(msg)
	}
	return n, true
}

// makeResizable makes a fresh buffer one that resize() can change.
func (e *env) makeResizable(o *goja.Object, maxBytes int) {
	if err := e.needLayout(); err != nil {
		panic(e.rt.NewGoError(err))
	}
	r := &resizable{max: maxBytes}
	if err := o.DefineDataPropertySymbol(symResizable, e.rt.ToValue(r), goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE); err != nil {
		panic(err)
	}
}

// needLayout prepares the engine for the first resizable buffer of a realm: views are
// noticed when they are made, and subarray passes on that a view tracks its buffer.
func (e *env) needLayout() error {
	if e.layout != nil {
		return nil
	}
	e.hidden[symResizable] = true
	buffer := e.rt.ToValue(e.rt.NewArrayBuffer(make([]byte, 1)))
	bytesClass, err := e.object("Uint8Array")
	if err != nil {
		return err
	}
	typed, err := e.rt.New(bytesClass, buffer)
	if err != nil {
		return err
	}
	dataView, err := e.object("DataView")
	if err != nil {
		return err
	}
	view, err := e.rt.New(dataView, buffer)
	if err != nil {
		return err
	}
	l, err := newEngineLayout(typed, view, dataView)
	if err != nil {
		return fmt.Errorf("resizable buffers: %w", err)
	}
	ctor := at[construct](l.structOf(dataView, l.function), l.functionConstruct)
	makeView := *ctor
	*ctor = func(args []goja.Value, newTarget *goja.Object) *goja.Object {
		made := makeView(args, newTarget)
		e.noteView(made, args)
		return made
	}
	proto := typed.Prototype().Prototype()
	subarray, ok := proto.Get("subarray").(*goja.Object)
	if ok {
		if f := l.structOf(subarray, l.function); f != nil {
			e.wrapSubarray(at[raw](f, l.functionCall))
		}
	}
	e.layout = l
	return nil
}

// wrapSubarray makes the part up to the end of a tracking view a tracking view.
func (e *env) wrapSubarray(f *raw) {
	prev := *f
	*f = func(c goja.FunctionCall) goja.Value {
		v := prev(c)
		if c.Argument(1) != undefined {
			return v
		}
		if this, ok := c.This.(*goja.Object); ok && e.trackingOf(this) != nil {
			if part, ok := v.(*goja.Object); ok && part != this {
				if view := e.viewOf(part); view != nil {
					view.tracking = true
				}
			}
		}
		return v
	}
}

// noteView remembers a view that was just made with these arguments, if its buffer is
// resizable.
func (e *env) noteView(view *goja.Object, args []goja.Value) {
	if e.layout == nil || len(args) == 0 {
		return
	}
	buffer, ok := args[0].(*goja.Object)
	if !ok {
		return
	}
	r := resizableOf(buffer)
	if r == nil {
		return
	}
	v := bufferView{object: weak.Make(view), tracking: len(args) < 3 || args[2] == nil || args[2] == undefined}
	if p := e.layout.structOf(view, e.layout.typed); p != nil {
		v.offset = *at[int](p, e.layout.typedOffset) * *at[int](p, e.layout.typedElemSize)
		v.length = *at[int](p, e.layout.typedLength)
	} else if p := e.layout.structOf(view, e.layout.dataView); p != nil {
		v.offset, v.length = *at[int](p, e.layout.viewOffset), *at[int](p, e.layout.viewLength)
	} else {
		return
	}
	if len(r.views) > 2*r.swept+16 {
		r.sweep()
	}
	r.views = append(r.views, v)
}

// sweep forgets the views that are gone.
func (r *resizable) sweep() {
	kept := r.views[:0]
	for _, v := range r.views {
		if v.object.Value() != nil {
			kept = append(kept, v)
		}
	}
	clear(r.views[len(kept):])
	r.views, r.swept = kept, len(kept)
}

// viewOf is what is remembered of a view of a resizable buffer.
func (e *env) viewOf(view *goja.Object) *bufferView {
	if e.layout == nil {
		return nil
	}
	p := e.layout.structOf(view, e.layout.typed)
	if p == nil && e.layout.structOf(view, e.layout.dataView) == nil {
		return nil
	}
	buffer, ok := view.Get("buffer").(*goja.Object)
	if !ok {
		return nil
	}
	r := resizableOf(buffer)
	if r == nil {
		return nil
	}
	for i := range r.views {
		if r.views[i].object.Value() == view {
			return &r.views[i]
		}
	}
	return nil
}

// trackingOf is viewOf for a view whose length is that of the rest of its buffer.
func (e *env) trackingOf(view *goja.Object) *bufferView {
	if v := e.viewOf(view); v != nil && v.tracking {
		return v
	}
	return nil
}

// fit gives the view the place that it has in a buffer of n bytes.
func (v *bufferView) fit(l *engineLayout, n int) {
	o := v.object.Value()
	if o == nil {
		return
	}
	p, size := l.structOf(o, l.typed), 1
	var length, offset *int
	if p != nil {
		size = *at[int](p, l.typedElemSize)
		length, offset = at[int](p, l.typedLength), at[int](p, l.typedOffset)
	} else {
		p = l.structOf(o, l.dataView)
		length, offset = at[int](p, l.viewLength), at[int](p, l.viewOffset)
	}
	count := v.length
	if v.tracking {
		count = (n - v.offset) / size
	}
	if v.offset > n || v.offset+count*size > n {
		*length, *offset = 0, 0
		return
	}
	*length, *offset = count, v.offset/size
}

// resize is ArrayBuffer.prototype.resize.
func (e *env) resize(c goja.FunctionCall) goja.Value {
	const method = "resize"
	o, b := e.bufferOf(c.This, method)
	r := resizableOf(o)
	if r == nil {
		e.throwType("Method ArrayBuffer.prototype.%s called on incompatible receiver #<ArrayBuffer>", method)
	}
	const msg = "ArrayBuffer.prototype.resize: Invalid length parameter"
	length := e.toIndex(c.Argument(0), msg)
	if b.Detached() {
		e.throwType("Cannot perform ArrayBuffer.prototype.%s on a detached ArrayBuffer", method)
	}
	if length > int64(r.max) {
		e.throwRange(msg)
	}
	if length > int64(e.lim.MaxBufferBytes) {
		e.throwRange("Array buffer allocation failed")
	}
	n := int(length)
	data := at[[]byte](bufferStruct(b), e.layout.bufferData)
	switch old := len(*data); {
	case n <= old:
		*data = (*data)[:n]
	case n <= cap(*data):
		*data = (*data)[:n]
		clear((*data)[old:])
	default:
		e.charge(length)
		grown := make([]byte, n, min(r.max, max(n, 2*cap(*data))))
		copy(grown, *data)
		*data = grown
	}
	for i := range r.views {
		r.views[i].fit(e.layout, n)
	}
	return undefined
}

// bufferStruct is the engine's struct behind a goja.ArrayBuffer, which is a pointer to it.
func bufferStruct(b goja.ArrayBuffer) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&b)) }

// resizableGetters are the accessors of ArrayBuffer.prototype that tell of it.
func (e *env) resizableGetters(proto *goja.Object) error {
	err := e.getter(proto, "resizable", func(c goja.FunctionCall) goja.Value {
		o, _ := e.bufferOf(c.This, "resizable")
		return e.rt.ToValue(resizableOf(o) != nil)
	})
	if err != nil {
		return err
	}
	return e.getter(proto, "maxByteLength", func(c goja.FunctionCall) goja.Value {
		o, b := e.bufferOf(c.This, "maxByteLength")
		if b.Detached() {
			return e.rt.ToValue(0)
		}
		if r := resizableOf(o); r != nil {
			return e.rt.ToValue(r.max)
		}
		return e.rt.ToValue(len(b.Bytes()))
	})
}

// trackingArguments are the arguments for the engine's constructor where a view shall have
// the length of the rest of a resizable buffer, which need not be a multiple of the
// element's.
func (e *env) trackingArguments(buffer *goja.Object, args []goja.Value, size int64) []goja.Value {
	if len(args) > 2 && args[2] != undefined || resizableOf(buffer) == nil {
		return args
	}
	offset := int64(0)
	if len(args) > 1 {
		offset = e.toIndex(args[1], "Start offset "+args[1].String()+" is outside the bounds of the buffer")
	}
	n := int64(len(buffer.Export().(goja.ArrayBuffer).Bytes()))
	if offset > n {
		e.throwRange("Start offset %d is outside the bounds of the buffer", offset)
	}
	return []goja.Value{buffer, e.rt.ToValue(offset), e.rt.ToValue((n - offset) / size)}
}
