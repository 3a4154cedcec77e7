package core

import (
	"bytes"
	"errors"
	"math"

	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/encoding"
	"workerd.local/webapi/node/octets"
)

// bufferNatives are what lib/buffer.js gets.
func bufferNatives() map[string]bind.Static {
	return map[string]bind.Static{
		"encoding":        jsEncoding,
		"byteLength":      jsByteLength,
		"fromString":      jsFromString,
		"toText":          jsToText,
		"write":           jsWrite,
		"compare":         jsCompare,
		"copy":            jsCopy,
		"indexOf":         jsIndexOf,
		"fill":            jsFill,
		"swap":            jsSwap,
		"isUtf8":          jsIsUTF8,
		"isAscii":         jsIsASCII,
		"transcode":       jsTranscode,
		"setPrototype":    jsSetPrototype,
		"adopt":           func(c *bind.Call) (any, error) { return adopt(c.JS(), c.Arg(0)) },
		"hexSlice":        sliceOf(octets.Hex),
		"utf8Slice":       sliceOf(octets.UTF8),
		"asciiSlice":      sliceOf(octets.ASCII),
		"latin1Slice":     sliceOf(octets.Latin1),
		"ucs2Slice":       sliceOf(octets.UTF16LE),
		"base64Slice":     sliceOf(octets.Base64),
		"base64urlSlice":  sliceOf(octets.Base64URL),
		"readVariable":    jsReadVariable,
		"writeVariable":   jsWriteVariable,
		"numberFunctions": jsNumberFunctions,
	}
}

// bufferState is Buffer.prototype in one realm.
type bufferState struct{ proto *goja.Object }

var bufferStates = isolate.NewSlot(func(*isolate.JS) *bufferState { return &bufferState{} })

func jsSetPrototype(c *bind.Call) (any, error) {
	bufferStates.Get(c.JS()).proto = c.Arg(0).(*goja.Object)
	return nil, nil
}

// adopt makes a Uint8Array a Buffer.
func adopt(js *isolate.JS, v goja.Value) (goja.Value, error) {
	obj := v.(*goja.Object)
	return obj, obj.SetPrototype(bufferStates.Get(js).proto)
}

// NewBuffer makes a Buffer that owns b. The module that calls the native has to
// require node:buffer.
func NewBuffer(js *isolate.JS, b []byte) (*goja.Object, error) {
	proto := bufferStates.Get(js).proto
	if proto == nil {
		return nil, errors.New("node: a Buffer before node:buffer")
	}
	obj := bind.NewUint8Array(js, b)
	return obj, obj.SetPrototype(proto)
}

// text is a string argument as UTF-16; anything else is its string.
func text(v goja.Value) octets.Text {
	if s, ok := v.(goja.String); ok {
		return s
	}
	return v.ToString().(goja.String)
}

// memory is an argument's bytes; no view has none.
func memory(c *bind.Call, n int) []byte {
	b, _ := bind.Bytes(c.JS(), c.Arg(n))
	return b
}

// jsEncoding is the canonical name of an encoding, or undefined.
func jsEncoding(c *bind.Call) (any, error) {
	e := octets.ParseEncoding(c.Arg(0).String())
	if e == octets.Unknown {
		return nil, nil
	}
	return octets.Names[e], nil
}

func jsByteLength(c *bind.Call) (any, error) {
	return octets.Len(text(c.Arg(0)), octets.ParseEncoding(c.Arg(1).String())), nil
}

func jsFromString(c *bind.Call) (any, error) {
	e := octets.ParseEncoding(c.Arg(1).String())
	if e == octets.Unknown {
		return nil, Error(c.JS(), "ERR_UNKNOWN_ENCODING", c.Arg(1))
	}
	return NewBuffer(c.JS(), octets.Encode(text(c.Arg(0)), e))
}

// toString makes the string of bytes.
func toString(js *isolate.JS, b []byte, e octets.Encoding) goja.Value {
	ascii, wide := octets.Decode(b, e)
	if wide != nil {
		return goja.StringFromUTF16(wide)
	}
	if e == octets.UTF8 && ascii == "" && len(b) > 0 {
		ascii = encoding.DecodeUTF8(string(b))
	}
	return js.Runtime().ToValue(ascii)
}

// jsToText is toText(buffer, encoding, start, end), with the bounds checked.
func jsToText(c *bind.Call) (any, error) {
	b := memory(c, 0)
	e := octets.UTF8
	if v := c.Arg(1); !goja.IsUndefined(v) {
		if e = octets.ParseEncoding(v.String()); e == octets.Unknown {
			return nil, Error(c.JS(), "ERR_UNKNOWN_ENCODING", v)
		}
	}
	start, end := bounds(c.Arg(2), c.Arg(3), len(b))
	return toString(c.JS(), b[start:end], e), nil
}

// bounds are two optional integers within 0..n.
func bounds(from, to goja.Value, n int) (int, int) {
	end := n
	if !goja.IsUndefined(to) {
		end = clamp(to, 0, n)
	}
	start := 0
	if !goja.IsUndefined(from) {
		start = clamp(from, 0, n)
	}
	return min(start, end), end
}

func clamp(v goja.Value, low, high int) int {
	f := v.ToFloat()
	switch {
	case math.IsNaN(f) || f <= float64(low):
		return low
	case f >= float64(high):
		return high
	}
	return int(f)
}

// sliceOf is the method that older programs call, such as buffer.hexSlice(0, 4).
func sliceOf(e octets.Encoding) bind.Static {
	return func(c *bind.Call) (any, error) {
		b, _ := bind.Bytes(c.JS(), c.This())
		start, end := bounds(c.Arg(0), c.Arg(1), len(b))
		return toString(c.JS(), b[start:end], e), nil
	}
}

// jsWrite is write(buffer, string, offset, length, encoding): how many bytes it
// wrote. No character is written in part.
func jsWrite(c *bind.Call) (any, error) {
	b := memory(c, 0)
	e := octets.ParseEncoding(c.Arg(4).String())
	offset := clamp(c.Arg(2), 0, len(b))
	room := clamp(c.Arg(3), 0, len(b)-offset)
	data := octets.Encode(text(c.Arg(1)), e)
	n := min(len(data), room)
	switch e {
	case octets.UTF8:
		n = octets.FitUTF8(data, room)
	case octets.UTF16LE:
		n &^= 1
	}
	copy(b[offset:offset+n], data)
	return n, nil
}

func jsCompare(c *bind.Call) (any, error) { return bytes.Compare(memory(c, 0), memory(c, 1)), nil }

// jsCopy is copy(source, target, targetStart, sourceStart, sourceEnd).
func jsCopy(c *bind.Call) (any, error) {
	src, dst := memory(c, 0), memory(c, 1)
	at := clamp(c.Arg(2), 0, len(dst))
	from, to := bounds(c.Arg(3), c.Arg(4), len(src))
	return copy(dst[at:], src[from:to]), nil
}

// jsIndexOf is indexOf(buffer, value, offset, encoding, forward); value is bytes, a
// string or a number.
func jsIndexOf(c *bind.Call) (any, error) {
	b := memory(c, 0)
	e := octets.ParseEncoding(c.Arg(3).String())
	var needle []byte
	switch v := c.Arg(1).(type) {
	case goja.String:
		needle = octets.Encode(v, e)
	case *goja.Object:
		needle = memory(c, 1)
	default:
		needle, e = []byte{byte(v.ToInteger())}, octets.Latin1
	}
	return indexOf(b, needle, c.Arg(2).ToFloat(), e == octets.UTF16LE, c.Arg(4).ToBoolean()), nil
}

func indexOf(b, needle []byte, offset float64, wide, forward bool) int {
	n, size := float64(len(b)), float64(len(needle))
	var at float64
	switch {
	case offset < 0 && offset+n >= 0:
		at = n + offset
	case offset < 0 && (forward || size == 0):
		at = 0
	case offset < 0:
		return -1
	case offset+size <= n:
		at = offset
	case size == 0:
		at = n
	case forward:
		return -1
	default:
		at = n - 1
	}
	start := int(at)
	if len(needle) == 0 {
		return start
	}
	if len(b) == 0 || forward && start+len(needle) > len(b) || len(needle) > len(b) {
		return -1
	}
	if wide {
		if len(b) < 2 || len(needle) < 2 {
			return -1
		}
		start &^= 1
	}
	if forward {
		for i := start; i < len(b); {
			j := bytes.Index(b[i:], needle)
			if j < 0 {
				return -1
			}
			if i += j; !wide || i&1 == 0 {
				return i
			}
			i++
		}
		return -1
	}
	end := min(start+len(needle), len(b))
	for end >= len(needle) {
		i := bytes.LastIndex(b[:end], needle)
		if i < 0 {
			return -1
		}
		if !wide || i&1 == 0 {
			return i
		}
		end = i + len(needle) - 1
	}
	return -1
}

// jsFill is fill(buffer, value, start, end, encoding): false where the value has no
// bytes.
func jsFill(c *bind.Call) (any, error) {
	b := memory(c, 0)
	start, end := bounds(c.Arg(2), c.Arg(3), len(b))
	var pattern []byte
	switch v := c.Arg(1).(type) {
	case goja.String:
		pattern = octets.Encode(v, octets.ParseEncoding(c.Arg(4).String()))
	case *goja.Object:
		pattern = bytes.Clone(memory(c, 1))
	default:
		pattern = []byte{byte(int64(v.ToInteger()))}
	}
	if len(pattern) == 0 {
		return false, nil
	}
	dst := b[start:end]
	for n := copy(dst, pattern); n < len(dst); n *= 2 {
		copy(dst[n:], dst[:n])
	}
	return true, nil
}

// jsSwap reverses every group of size bytes.
func jsSwap(c *bind.Call) (any, error) {
	b, size := memory(c, 0), int(c.Arg(1).ToInteger())
	for i := 0; i+size <= len(b); i += size {
		for l, r := i, i+size-1; l < r; l, r = l+1, r-1 {
			b[l], b[r] = b[r], b[l]
		}
	}
	return c.Arg(0), nil
}

// jsTranscode is transcode(buffer, from, to): bytes of another encoding, with "?"
// for what has no place there.
func jsTranscode(c *bind.Call) (any, error) {
	from, to := octets.ParseEncoding(c.Arg(1).String()), octets.ParseEncoding(c.Arg(2).String())
	units := octets.Units(memory(c, 0), from, func(b []byte) string { return encoding.DecodeUTF8(string(b)) })
	if to == octets.Latin1 || to == octets.ASCII {
		most := uint16(0xFF)
		if to == octets.ASCII {
			most = 0x7F
		}
		out := make([]byte, 0, len(units))
		for i, u := range units {
			switch {
			case u >= 0xDC00 && u < 0xE000 && i > 0 && units[i-1] >= 0xD800 && units[i-1] < 0xDC00:
				continue // the second half of a character
			case u > most:
				u = '?'
			}
			out = append(out, byte(u))
		}
		return NewBuffer(c.JS(), out)
	}
	return NewBuffer(c.JS(), octets.Encode(goja.StringFromUTF16(units), to))
}
