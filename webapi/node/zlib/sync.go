package zlib

import (
	"hash/crc32"
	"strconv"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/internal/limits"
	"workerd.local/webapi/bind"
)

// mostInput is the longest value that is coded as a whole, workerd's.
const mostInput = 128 << 20

// source is the input of a function of workerd's ZlibUtil: a string or bytes.
func source(c *bind.Call, function string, n int) ([]byte, error) {
	v := c.Arg(n)
	if s, ok := v.(goja.String); ok {
		return []byte(s.String()), nil
	}
	b, ok := bind.Bytes(c.JS(), v)
	if !ok {
		return nil, exception.TypeErrorf("Failed to execute '%s' on 'ZlibUtil': parameter 1 is not of type 'string or ArrayBuffer or ArrayBufferView'.", function)
	}
	if len(b) >= mostInput {
		return nil, exception.RangeErrorf("Memory limit exceeded")
	}
	return b, nil
}

// jsCRC32 is crc32(data, value).
func jsCRC32(c *bind.Call) (any, error) {
	b, err := source(c, "crc32", 0)
	if err != nil {
		return nil, err
	}
	return int64(crc32.Update(uint32(c.Arg(1).ToInteger()), crc32.IEEETable, b)), nil
}

// tooLarge is what a whole value that has no room fails with.
var tooLarge = &failure{0, "ERR_BUFFER_TOO_LARGE", "Memory limit exceeded"}

// jsWhole is whole(function, mode, data, flush, most, level, windowBits, memLevel,
// strategy, dictionary, params, size): an ArrayBuffer, or an array of errno, code and
// message. The numbers are checked by js/internal/zlib.js.
func jsWhole(c *bind.Call) (any, error) {
	js := c.JS()
	number := func(n int) int { return int(c.Arg(n).ToInteger()) }
	o := options{level: number(5), windowBits: number(6), memLevel: number(7), strategy: number(8), size: -1}
	m := mode(number(1))
	if b, ok := bind.Bytes(js, c.Arg(9)); ok && len(b) > 0 {
		o.dictionary = b // nothing of the script runs until the end
	}
	if params, ok := c.Arg(10).(*goja.Object); ok {
		o.params = map[int]int{}
		for i := int64(0); i+1 < params.Get("length").ToInteger(); i += 2 {
			o.params[int(params.Get(indexName(i)).ToInteger())] = int(params.Get(indexName(i + 1)).ToInteger())
		}
	}
	if v := c.Arg(11); !goja.IsUndefined(v) {
		o.size = max(v.ToInteger(), 0)
	}
	in, err := source(c, c.Arg(0).String(), 2)
	if err != nil {
		return nil, err
	}
	coder, f := newCoder(m, o, limits.ZstdWindow.In(js.Bounds()))
	if f == nil {
		var out []byte
		if out, f = whole(coder, in, number(3), min(number(4), js.Isolate().Limits().BufferBytes), js.Realm().Interrupted); f == nil {
			return out, nil
		}
	}
	return []any{f.errno, f.code, f.message}, nil
}

// firstChunk is how much room a whole value has first; it doubles.
const firstChunk = 40 << 10

// oneStep is how much of the output is made between two looks at stop.
const oneStep = 1 << 20

// whole codes all of in, into most bytes at most.
func whole(c coder, in []byte, flush, most int, stop func() bool) ([]byte, *failure) {
	out := make([]byte, 0, min(firstChunk, most))
	for !stop() {
		room := out[len(out):min(cap(out), len(out)+oneStep)]
		if len(out) == most {
			room = make([]byte, 1) // is it complete?
		}
		read, written, f := c.work(in, room, flush)
		if f != nil {
			return nil, f
		}
		in = in[read:]
		if written < len(room) {
			return out[:len(out)+written], nil
		}
		if len(out) == most {
			return nil, tooLarge
		}
		if out = out[:len(out)+written]; len(out) == cap(out) && len(out) < most {
			grown := make([]byte, len(out), min(2*cap(out), most))
			copy(grown, out)
			out = grown
		}
	}
	return nil, tooLarge // the turn was stopped; nobody sees it
}

func indexName(i int64) string { return strconv.FormatInt(i, 10) }
