package streams

import (
	"math"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// This file is how arguments are read with typescript_implemented_streams, with which
// streams are those of the standard in what scripts see: dictionaries member by member in
// the order of their names, before anything is made of them.

// standardStrategy reads the nth argument (from 1) as a QueuingStrategy. What it says is
// looked at by check, after the other arguments were read.
func standardStrategy(c *bind.Call, n int) (s strategy, err error) {
	s.hwm = math.NaN()
	s.unset = true
	s.anySize = true
	v := c.Arg(n - 1)
	if goja.IsUndefined(v) || goja.IsNull(v) {
		return s, nil
	}
	obj, ok := v.(*goja.Object)
	if !ok {
		return s, c.BadArg(n, "QueuingStrategy")
	}
	var size goja.Value
	err = c.JS().Try(func() {
		if hwm := obj.Get("highWaterMark"); hwm != nil && !goja.IsUndefined(hwm) {
			s.hwm, s.unset = hwm.ToNumber().ToFloat(), false
		}
		size = obj.Get("size")
	})
	if err != nil || size == nil || goja.IsUndefined(size) {
		return s, err
	}
	if _, ok := goja.AssertFunction(size); !ok {
		return s, badField("size", "QueuingStrategy", "function")
	}
	s.size = size
	return s, nil
}

// check is the strategy with def as its high water mark where it has none.
func (s strategy) check(def float64) (strategy, error) {
	switch {
	case s.unset:
		s.hwm = def
	case math.IsNaN(s.hwm) || s.hwm < 0:
		return s, exception.RangeErrorf("A highWaterMark must be a number that is not negative.")
	}
	return s, nil
}

// validSize is the standard's judgement of what a size function gave.
func validSize(f float64) error {
	if math.IsNaN(f) || f < 0 || math.IsInf(f, 1) {
		return exception.RangeErrorf("The size of a chunk must be a finite number that is not negative.")
	}
	return nil
}

// standardUnderlying reads an underlying source or sink or a transformer: the named
// members, which are functions but for type, autoAllocateChunkSize, readableType and
// writableType.
func standardUnderlying(c *bind.Call, v goja.Value, want string, names ...string) (*underlying, error) {
	u := &underlying{obj: v, fns: map[string]goja.Value{}, standard: true}
	if goja.IsUndefined(v) {
		return u, nil
	}
	obj, ok := v.(*goja.Object)
	if !ok {
		return nil, c.BadArg(1, want)
	}
	for _, name := range names {
		var m goja.Value
		if err := c.JS().Try(func() { m = obj.Get(name) }); err != nil {
			return nil, err
		}
		if m == nil || goja.IsUndefined(m) {
			continue
		}
		switch name {
		case "autoAllocateChunkSize":
			n, err := enforceRange(c.JS(), m)
			if err != nil {
				return nil, err
			}
			u.auto = c.JS().Runtime().ToValue(n)
		case "type":
			u.hasKind = true
			if want == "UnderlyingSource" {
				if err := c.JS().Try(func() { u.kind = m.ToString().String() }); err != nil {
					return nil, err
				}
				if u.kind != "bytes" {
					return nil, exception.TypeErrorf("\"%s\" is not a valid type of ReadableStream.", u.kind)
				}
			}
		case "readableType", "writableType":
			u.hasKind = true
		default:
			if _, ok := goja.AssertFunction(m); !ok {
				return nil, badField(name, want, "function")
			}
			u.fns[name] = m
		}
	}
	return u, nil
}

// enforceRange converts to an unsigned long long, or fails.
func enforceRange(js *isolate.JS, v goja.Value) (n int64, err error) {
	var f float64
	if err := js.Try(func() { f = math.Trunc(v.ToNumber().ToFloat()) }); err != nil {
		return 0, err
	}
	if math.IsNaN(f) || math.IsInf(f, 0) || f < 0 || f > 1<<53-1 {
		return 0, exception.TypeErrorf("The value is not an integer between 0 and 2^53 - 1.")
	}
	return int64(f), nil
}

// standardReadable is the constructor of ReadableStream.
func standardReadable(c *bind.Call, s *Readable) error {
	js := c.JS()
	st, err := standardStrategy(c, 2)
	if err != nil {
		return err
	}
	u, err := standardUnderlying(c, c.Arg(0), "UnderlyingSource", "autoAllocateChunkSize", "cancel", "pull", "start", "type")
	if err != nil {
		return err
	}
	if u.kind == "bytes" {
		if st.size != nil {
			return exception.RangeErrorf("The strategy of a stream of bytes has no size function.")
		}
		if st, err = st.check(0); err != nil {
			return err
		}
		return startBytes(js, s, u, st)
	}
	if st, err = st.check(1); err != nil {
		return err
	}
	return startDefault(js, s, u, st)
}

// standardWritable is what the constructor of WritableStream reads.
func standardWritable(c *bind.Call) (*underlying, strategy, error) {
	st, err := standardStrategy(c, 2)
	if err != nil {
		return nil, st, err
	}
	u, err := standardUnderlying(c, c.Arg(0), "UnderlyingSink", "abort", "close", "start", "type", "write")
	if err != nil {
		return nil, st, err
	}
	if u.hasKind {
		return nil, st, exception.RangeErrorf("Invalid type is specified: a WritableStream has none.")
	}
	st, err = st.check(1)
	return u, st, err
}

// standardTransform is what the constructor of TransformStream reads.
func standardTransform(c *bind.Call) (u *underlying, in, out strategy, err error) {
	if in, err = standardStrategy(c, 2); err != nil {
		return nil, in, out, err
	}
	if out, err = standardStrategy(c, 3); err != nil {
		return nil, in, out, err
	}
	if u, err = standardUnderlying(c, c.Arg(0), "Transformer", "cancel", "flush", "readableType", "start", "transform", "writableType"); err != nil {
		return nil, in, out, err
	}
	if u.hasKind {
		return nil, in, out, exception.RangeErrorf("A transformer has neither a readableType nor a writableType.")
	}
	if out, err = out.check(0); err != nil {
		return nil, in, out, err
	}
	in, err = in.check(1)
	return u, in, out, err
}

// hasMember reports whether a dictionary has a member.
func hasMember(js *isolate.JS, dictionary goja.Value, name string) (has bool, err error) {
	obj, ok := dictionary.(*goja.Object)
	if !ok {
		return false, nil
	}
	err = js.Try(func() {
		v := obj.Get(name)
		has = v != nil && !goja.IsUndefined(v)
	})
	return has, err
}
