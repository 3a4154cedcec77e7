package clone

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"strconv"

	"github.com/dop251/goja"
)

// valueBuilder builds goja values. It defines own properties and calls captured intrinsics only.
type valueBuilder struct {
	rm    *realm
	opts  *Options
	units []uint16 // scratch
}

func (b *valueBuilder) undefined() goja.Value        { return goja.Undefined() }
func (b *valueBuilder) null() goja.Value             { return goja.Null() }
func (b *valueBuilder) boolean(v bool) goja.Value    { return b.rm.rt.ToValue(v) }
func (b *valueBuilder) number(v float64) goja.Value  { return b.rm.rt.ToValue(v) }
func (b *valueBuilder) bigInt(v *big.Int) goja.Value { return b.rm.rt.ToValue(v) }

func (b *valueBuilder) integer(v int32) goja.Value {
	if i := uint32(v); i < uint32(len(b.rm.eng.integers)) {
		return b.rm.eng.integers[i]
	}
	return b.rm.rt.ToValue(int64(v))
}

func (b *valueBuilder) latin1(raw []byte) goja.Value {
	if isASCII(raw) {
		return b.rm.rt.ToValue(string(raw))
	}
	u := b.units[:0]
	for _, c := range raw {
		u = append(u, uint16(c))
	}
	return b.fromUnits(u)
}

func (b *valueBuilder) utf16le(raw []byte) goja.Value {
	u := b.units[:0]
	for i := 0; i+1 < len(raw); i += 2 {
		u = append(u, binary.LittleEndian.Uint16(raw[i:]))
	}
	return b.fromUnits(u)
}

func (b *valueBuilder) fromUnits(u []uint16) goja.Value {
	if cap(u) <= keepBytes {
		b.units = u
	}
	return goja.StringFromUTF16(u) // copies
}

func (b *valueBuilder) utf8(raw []byte) goja.Value {
	if isASCII(raw) {
		return b.rm.rt.ToValue(string(raw))
	}
	return goja.StringFromUTF16(wtf8ToUTF16(string(raw)))
}

func (b *valueBuilder) isString(v goja.Value) bool { return goja.IsString(v) }

func (b *valueBuilder) text(v goja.Value) string {
	s, ok := v.(goja.String)
	if !ok {
		return ""
	}
	units := make([]uint16, s.Length())
	for i := range units {
		units[i] = s.CharAt(i)
	}
	return string(utf16ToWTF8(nil, units))
}

func (b *valueBuilder) isNumber(v goja.Value) bool         { return goja.IsNumber(v) }
func (b *valueBuilder) float(v goja.Value) float64         { return v.ToFloat() }
func (b *valueBuilder) object() goja.Value                 { return b.rm.rt.NewObject() }
func (b *valueBuilder) asObject(v goja.Value) *goja.Object { return v.(*goja.Object) }

func (b *valueBuilder) array(elements []goja.Value) (goja.Value, error) {
	items := make([]any, len(elements))
	holes := false
	for i, v := range elements {
		if v == nil {
			holes = true
			continue
		}
		items[i] = v
	}
	arr := b.rm.rt.NewArray(items...)
	if holes {
		for i, v := range elements {
			if v == nil {
				if err := arr.Delete(strconv.Itoa(i)); err != nil {
					return nil, err
				}
			}
		}
	}
	return arr, nil
}

func (b *valueBuilder) setElement(arr goja.Value, i int, v goja.Value) error {
	return b.define(b.asObject(arr), strconv.Itoa(i), v)
}

func (b *valueBuilder) setLength(arr goja.Value, length uint32, _ bool) error {
	o := b.asObject(arr)
	if _, n, ok := b.rm.eng.ownElements(o); ok && n == length {
		return nil
	}
	return o.DefineDataProperty("length", b.rm.rt.ToValue(length), goja.FLAG_NOT_SET, goja.FLAG_NOT_SET, goja.FLAG_NOT_SET)
}

func (b *valueBuilder) setProperty(o goja.Value, key string, v goja.Value) error {
	return b.define(b.asObject(o), key, v)
}

func (b *valueBuilder) define(o *goja.Object, key string, v goja.Value) error {
	if !hasSurrogate(key) {
		return o.DefineDataProperty(key, v, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
	}
	// The public API takes names as UTF-8 only; Reflect.defineProperty takes any. The descriptor has no prototype
	// that could add to it.
	rt := b.rm.rt
	desc := rt.CreateObject(nil)
	for _, p := range []struct {
		name string
		v    goja.Value
	}{{"value", v}, {"writable", rt.ToValue(true)}, {"enumerable", rt.ToValue(true)}, {"configurable", rt.ToValue(true)}} {
		if err := desc.Set(p.name, p.v); err != nil {
			return err
		}
	}
	ok, err := b.rm.defineProperty(goja.Undefined(), o, goja.StringFromUTF16(wtf8ToUTF16(key)), desc)
	if err == nil && !ok.ToBoolean() {
		err = errors.New("a property cannot be defined")
	}
	return err
}

func (b *valueBuilder) hidden(o goja.Value, key string, v goja.Value) error {
	return b.asObject(o).DefineDataProperty(key, v, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
}

func (b *valueBuilder) construct(ctor goja.Value, args ...goja.Value) (goja.Value, error) {
	o, err := b.rm.rt.New(ctor, args...)
	if err != nil {
		return nil, err
	}
	return o, nil
}

func (b *valueBuilder) date(ms float64) (goja.Value, error) {
	return b.construct(b.rm.class("Date"), b.rm.rt.ToValue(ms))
}

func (b *valueBuilder) primitive(v goja.Value) (goja.Value, error) { return v.ToObject(b.rm.rt), nil }

func (b *valueBuilder) regExp(source goja.Value, flags string) (goja.Value, error) {
	return b.construct(b.rm.class("RegExp"), source, b.rm.rt.ToValue(flags))
}

func (b *valueBuilder) newMap() (goja.Value, error) { return b.construct(b.rm.class("Map")) }

func (b *valueBuilder) mapSet(m, k, v goja.Value) error {
	_, err := b.rm.mapSet(m, k, v)
	return err
}

func (b *valueBuilder) newSet() (goja.Value, error) { return b.construct(b.rm.class("Set")) }

func (b *valueBuilder) setAdd(s, v goja.Value) error {
	_, err := b.rm.setAdd(s, v)
	return err
}

func (b *valueBuilder) buffer(raw []byte) goja.Value {
	return b.rm.rt.ToValue(b.rm.rt.NewArrayBuffer(append(make([]byte, 0, len(raw)), raw...)))
}

func (b *valueBuilder) resizable(raw []byte, maxBytes uint32) goja.Value {
	if b.opts.Resizable == nil {
		return b.buffer(raw)
	}
	return b.opts.Resizable.NewResizable(append(make([]byte, 0, len(raw)), raw...), int(maxBytes))
}

func (b *valueBuilder) view(buffer goja.Value, kind int, offset, length uint32, tracking bool) (goja.Value, error) {
	ctor := b.rm.class(viewKinds[kind].name)
	if viewKinds[kind].name == halfArray {
		if o, ok := b.rm.rt.GlobalObject().Get(halfArray).(*goja.Object); ok {
			ctor = o
		}
	}
	if ctor == nil {
		return nil, &DataCloneError{Message: viewKinds[kind].name + " is not supported."}
	}
	if tracking && b.opts.Resizable != nil {
		return b.construct(ctor, buffer, b.rm.rt.ToValue(offset))
	}
	return b.construct(ctor, buffer, b.rm.rt.ToValue(offset), b.rm.rt.ToValue(length/viewKinds[kind].size))
}

func (b *valueBuilder) newError(tag byte, message goja.Value) (goja.Value, error) {
	if message == nil {
		return b.construct(b.rm.errorClass(tag))
	}
	return b.construct(b.rm.errorClass(tag), message)
}

func (b *valueBuilder) errorType(e goja.Value, tag byte) error {
	proto, ok, err := b.rm.ownData(b.asObject(b.rm.errorClass(tag)), b.rm.rt.ToValue("prototype"))
	if err != nil || !ok {
		return fmt.Errorf("the prototype of an error type is missing: %w", err)
	}
	return b.asObject(e).SetPrototype(b.asObject(proto))
}

func (b *valueBuilder) errorCause(e, cause goja.Value) error { return b.hidden(e, "cause", cause) }

func (b *valueBuilder) errorStack(e, stack goja.Value) error {
	return b.hidden(e, "stack", orUndefined(stack))
}

func (b *valueBuilder) host(d *decoder[goja.Value]) (goja.Value, error) {
	if b.opts.Host == nil {
		return nil, errors.New("a host object, and there is nobody to read it")
	}
	o, err := b.opts.Host.ReadHost(&Reader{d})
	if err != nil {
		return nil, &hostError{err}
	}
	if o == nil {
		return nil, errors.New("the host did not read its object")
	}
	return o, nil
}

// hostError carries an error of the host unchanged past the decoder.
type hostError struct{ error }

func (e *hostError) Unwrap() error { return e.error }
