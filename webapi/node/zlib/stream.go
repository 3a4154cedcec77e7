package zlib

import (
	"encoding/binary"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/internal/limits"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// handle is what a class of js/internal/zlib.js drives: workerd's _handle.
type handle struct {
	mode  mode
	coder coder // nil before initialize
	// state is where a call leaves how much room and how much input there is after it:
	// two numbers of 32 bits. callback runs after a write, onError at a failure.
	state, callback, onError goja.Value
	closed                   bool
}

// handleClass makes the class of handles for modes from first to last.
func handleClass(name string, first, last mode, initialize bind.Method[handle], more map[string]bind.Method[handle]) *bind.Class[handle] {
	cl := &bind.Class[handle]{
		Name:   name,
		Length: 1,
		New: func(c *bind.Call) (*handle, error) {
			n, err := integer(c, 0)
			if err != nil {
				return nil, err
			}
			if m := mode(n); m < first || m > last {
				return nil, exception.TypeErrorf("Invalid zlib mode")
			}
			return &handle{mode: mode(n)}, nil
		},
		Methods: map[string]bind.Method[handle]{
			"initialize":      initialize,
			"write":           func(h *handle, c *bind.Call) (any, error) { return h.write(c, true) },
			"writeSync":       func(h *handle, c *bind.Call) (any, error) { return h.write(c, false) },
			"reset":           jsReset,
			"close":           jsClose,
			"setErrorHandler": jsSetErrorHandler,
		},
	}
	for name, m := range more {
		cl.Methods[name] = m
	}
	return cl
}

var (
	zlibHandle          = handleClass("ZlibStream", modeDeflate, modeUnzip, jsInitialize, map[string]bind.Method[handle]{"params": jsParams})
	brotliEncoderHandle = handleClass("BrotliEncoder", modeBrotliEncode, modeBrotliEncode, jsInitializeParams, nil)
	brotliDecoderHandle = handleClass("BrotliDecoder", modeBrotliDecode, modeBrotliDecode, jsInitializeParams, nil)
	zstdEncoderHandle   = handleClass("ZstdEncoder", modeZstdEncode, modeZstdEncode, jsInitializeParams, nil)
	zstdDecoderHandle   = handleClass("ZstdDecoder", modeZstdDecode, modeZstdDecode, jsInitializeParams, nil)
)

// jsHandles gives the classes, which are no globals.
func jsHandles(c *bind.Call) (any, error) {
	out := c.JS().Runtime().NewObject()
	for _, cl := range []*bind.Class[handle]{zlibHandle, brotliEncoderHandle, brotliDecoderHandle, zstdEncoderHandle, zstdDecoderHandle} {
		if err := out.Set(cl.Name, cl.Constructor(c.JS())); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// integer is an argument as a number of 32 bits. It may run code of a script.
func integer(c *bind.Call, n int) (v int, err error) {
	err = c.JS().Try(func() { v = int(int32(c.Arg(n).ToNumber().ToInteger())) })
	return v, err
}

// unsigned is one that is not negative.
func unsigned(c *bind.Call, n int) (v int, err error) {
	err = c.JS().Try(func() { v = int(uint32(c.Arg(n).ToNumber().ToInteger())) })
	return v, err
}

func outOfRange(name string, least, most, got int) error {
	return exception.RangeErrorf("The value of \"options.%s\" is out of range. It must be >= %d and <= %d. Received %d", name, least, most, got)
}

// jsInitialize is initialize(windowBits, level, memLevel, strategy, state, callback, dictionary).
func jsInitialize(h *handle, c *bind.Call) (any, error) {
	var v [4]int
	for i := range v {
		var err error
		if v[i], err = integer(c, i); err != nil {
			return nil, err
		}
	}
	o := options{windowBits: v[0], level: v[1], memLevel: v[2], strategy: v[3]}
	if err := o.check(h.mode); err != nil {
		return nil, err
	}
	if d := c.Arg(6); !goja.IsUndefined(d) {
		b, ok := bind.Bytes(c.JS(), d)
		if !ok {
			return nil, c.BadArg(7, "ArrayBuffer or ArrayBufferView")
		}
		// A copy: the script may change or detach it. An empty one is none.
		if len(b) > 0 {
			o.dictionary = append([]byte(nil), b...)
		}
	}
	f, err := h.begin(c, o, c.Arg(4), c.Arg(5))
	if err != nil || f == nil {
		return nil, err
	}
	return nil, h.fail(c.JS(), f)
}

// check is what workerd checks again below its JavaScript.
func (o options) check(m mode) error {
	anyWindow := o.windowBits == 0 && (m == modeInflate || m == modeGunzip || m == modeUnzip)
	switch {
	case !anyWindow && (o.windowBits < 8 || o.windowBits > 15):
		return outOfRange("windowBits", 8, 15, o.windowBits)
	case o.level < -1 || o.level > 9:
		return outOfRange("level", -1, 9, o.level)
	case o.memLevel < 1 || o.memLevel > 9:
		return outOfRange("memLevel", 1, 9, o.memLevel)
	case o.strategy < 0 || o.strategy > 4:
		return exception.Errorf("invalid strategy")
	}
	return nil
}

// jsInitializeParams is initialize(params, state, callback, size): params has the
// value of parameter n at n, and -1 for those that are not given. It reports success.
func jsInitializeParams(h *handle, c *bind.Call) (any, error) {
	b, ok := bind.Bytes(c.JS(), c.Arg(0))
	if !ok {
		return nil, c.BadArg(1, "ArrayBufferView")
	}
	o := options{params: map[int]int{}, size: -1}
	for i := 0; i+4 <= len(b); i += 4 {
		if v := int32(binary.LittleEndian.Uint32(b[i:])); v != -1 {
			o.params[i/4] = int(v)
		}
	}
	if v := c.Arg(3); !goja.IsUndefined(v) {
		var size int64
		if err := c.JS().Try(func() { size = v.ToNumber().ToInteger() }); err != nil {
			return nil, err
		}
		o.size = max(size, 0)
	}
	f, err := h.begin(c, o, c.Arg(1), c.Arg(2))
	if err != nil {
		return nil, err
	}
	if f != nil {
		return false, h.fail(c.JS(), f)
	}
	return true, nil
}

func (h *handle) begin(c *bind.Call, o options, state, callback goja.Value) (*failure, error) {
	if bind.ViewName(c.JS(), state) == "" {
		return nil, exception.TypeErrorf("%s: the state is not of type 'ArrayBufferView'.", c.Where())
	}
	if _, ok := goja.AssertFunction(callback); !ok {
		return nil, exception.TypeErrorf("%s: the callback is not of type 'function'.", c.Where())
	}
	coder, f := newCoder(h.mode, o, limits.ZstdWindow.In(c.JS().Bounds()))
	if f != nil {
		return f, nil
	}
	h.coder, h.state, h.callback = coder, state, callback
	return nil, nil
}

// write is write(flush, input, inputOffset, inputLength, output, outputOffset, outputLength).
func (h *handle) write(c *bind.Call, calls bool) (any, error) {
	js := c.JS()
	flush, err := integer(c, 0)
	if err != nil {
		return nil, err
	}
	var at [4]int
	for i, n := range []int{2, 3, 5, 6} {
		if at[i], err = unsigned(c, n); err != nil {
			return nil, err
		}
	}
	if flush < 0 || flush > 5 {
		return nil, exception.Errorf("Invalid flush value")
	}
	// From here on no code of the script runs until the bytes are done with.
	var in []byte
	if v := c.Arg(1); goja.IsUndefined(v) {
		at[0], at[1] = 0, 0
	} else if b, ok := bind.Bytes(js, v); ok {
		in = b
	} else {
		return nil, c.BadArg(2, "ArrayBuffer or ArrayBufferView")
	}
	out, ok := bind.Bytes(js, c.Arg(4))
	if !ok {
		return nil, c.BadArg(5, "ArrayBuffer or ArrayBufferView")
	}
	switch {
	case at[0]+at[1] > len(in):
		return nil, exception.Errorf("Input access is not within bounds")
	case at[2]+at[3] > len(out):
		return nil, exception.Errorf("Output access is not within bounds")
	case h.coder == nil:
		return nil, exception.Errorf("Writing before initializing")
	case h.closed:
		return nil, exception.Errorf("Already finalized")
	}
	in, out = in[at[0]:at[0]+at[1]], out[at[2]:at[2]+at[3]]
	read, written, f := h.coder.work(in, out, flush)
	if f != nil {
		return nil, h.fail(js, f)
	}
	state, _ := bind.Bytes(js, h.state)
	if len(state) < 8 {
		return nil, exception.Errorf("Invalid write result buffer")
	}
	binary.LittleEndian.PutUint32(state, uint32(len(out)-written))
	binary.LittleEndian.PutUint32(state[4:], uint32(len(in)-read))
	if !calls {
		return nil, nil
	}
	_, err = js.Call(h.callback, goja.Undefined())
	return nil, err
}

// fail tells the class what went wrong.
func (h *handle) fail(js *isolate.JS, f *failure) error {
	if h.onError == nil {
		return nil
	}
	rt := js.Runtime()
	_, err := js.Call(h.onError, goja.Undefined(), rt.ToValue(f.errno), rt.ToValue(f.code), rt.ToValue(f.message))
	return err
}

// jsParams is params(level, strategy).
func jsParams(h *handle, c *bind.Call) (any, error) {
	level, err := integer(c, 0)
	if err != nil {
		return nil, err
	}
	strategy, err := integer(c, 1)
	if err != nil {
		return nil, err
	}
	if h.coder == nil || strategy < 0 {
		return nil, exception.Errorf("Failed to set parameters")
	}
	// Decompression has none to change.
	if d, ok := h.coder.(*deflater); ok {
		if f := d.params(level, strategy); f != nil {
			return nil, h.fail(c.JS(), f)
		}
	}
	return nil, nil
}

func jsReset(h *handle, c *bind.Call) (any, error) {
	if h.coder == nil {
		return nil, exception.Errorf("Writing before initializing")
	}
	if f := h.coder.reset(); f != nil {
		return nil, h.fail(c.JS(), f)
	}
	return nil, nil
}

// jsClose lets everything go.
func jsClose(h *handle, _ *bind.Call) (any, error) {
	h.closed = true
	if h.coder != nil {
		h.coder = closed{}
		h.state, h.callback, h.onError = nil, nil, nil
	}
	return nil, nil
}

// closed is the coder of a handle that was closed.
type closed struct{}

func (closed) work([]byte, []byte, int) (int, int, *failure) { return 0, 0, nil }
func (closed) reset() *failure                               { return nil }

func jsSetErrorHandler(h *handle, c *bind.Call) (any, error) {
	if _, ok := goja.AssertFunction(c.Arg(0)); !ok {
		return nil, c.BadArg(1, "function")
	}
	h.onError = c.Arg(0)
	return nil, nil
}
