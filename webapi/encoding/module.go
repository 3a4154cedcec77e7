package encoding

import (
	"unicode/utf8"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// Module is TextEncoder, TextDecoder, atob and btoa.
var Module = bind.Module{Name: "encoding", Globals: []bind.Global{
	EncoderClass,
	DecoderClass,
	bind.Func{Name: "atob", Length: 1, Call: jsAtob},
	bind.Func{Name: "btoa", Length: 1, Call: jsBtoa},
}}

// Encoder is a TextEncoder; it has no state.
type Encoder struct{}

// EncoderClass is TextEncoder.
var EncoderClass = &bind.Class[Encoder]{
	Name:    "TextEncoder",
	Lengths: map[string]int{"encodeInto": 2},
	New:     func(*bind.Call) (*Encoder, error) { return &Encoder{}, nil },
	Getters: map[string]bind.Getter[Encoder]{
		"encoding": func(*Encoder, *bind.Call) (any, error) { return "utf-8", nil },
	},
	Methods: map[string]bind.Method[Encoder]{
		"encode": func(_ *Encoder, c *bind.Call) (any, error) {
			tooLong := func(n int) error {
				if max := c.JS().Isolate().Limits().BufferBytes; n > max {
					return exception.RangeErrorf("TextEncoder.encode(): the text takes %d bytes, the largest ArrayBuffer has %d.", n, max)
				}
				return nil
			}
			if units, ok := bind.Units(c.Arg(0)); ok {
				n := bind.UTF8Len(units)
				if err := tooLong(n); err != nil {
					return nil, err
				}
				return bind.NewUint8Array(c.JS(), bind.AppendUTF8(make([]byte, 0, n), units)), nil
			}
			var s string
			if err := c.Unpack("input?", &s); err != nil {
				return nil, err
			}
			if err := tooLong(len(s)); err != nil {
				return nil, err
			}
			return bind.NewUint8Array(c.JS(), []byte(s)), nil
		},
		"encodeInto": func(_ *Encoder, c *bind.Call) (any, error) {
			var s string
			units, wide := bind.Units(c.Arg(0))
			if !wide {
				if err := c.Unpack("source", &s); err != nil {
					return nil, err
				}
			}
			if bind.ViewName(c.JS(), c.Arg(1)) != "Uint8Array" {
				return nil, c.BadArg(2, "Uint8Array")
			}
			dst, ok := bind.Bytes(c.JS(), c.Arg(1))
			if !ok {
				return nil, c.BadArg(2, "Uint8Array")
			}
			var read, written int
			if wide {
				read, written = encodeUnitsInto(dst, units)
			} else {
				read, written = encodeInto(dst, s)
			}
			return record(c.JS(), "read", read, "written", written), nil
		},
	},
}

// encodeInto copies as many whole characters of s as fit; read counts UTF-16 code
// units.
func encodeInto(dst []byte, s string) (read, written int) {
	if len(s) > len(dst) {
		n := len(dst)
		for n > 0 && !utf8.RuneStart(s[n]) {
			n--
		}
		s = s[:n]
	}
	for i := 0; i < len(s); i++ {
		if utf8.RuneStart(s[i]) {
			read++
			if s[i] >= 0xF0 {
				read++
			}
		}
	}
	return read, copy(dst, s)
}

// encodeUnitsInto is encodeInto for UTF-16.
func encodeUnitsInto(dst []byte, units []uint16) (read, written int) {
	// What fits for certain is converted at once: a unit takes three bytes at most.
	for len(dst)-written >= 3 && read < len(units) {
		end := min(len(units), read+(len(dst)-written)/3)
		if end > read+1 && units[end-1]&0xFC00 == 0xD800 {
			end-- // its other half may come
		} else if end == read+1 && end < len(units) && units[read]&0xFC00 == 0xD800 && units[end]&0xFC00 == 0xDC00 {
			break
		}
		written = len(bind.AppendUTF8(dst[:written], units[read:end]))
		read = end
	}
	for read < len(units) {
		end := read + 1
		if units[read]&0xFC00 == 0xD800 && end < len(units) && units[end]&0xFC00 == 0xDC00 {
			end++
		}
		n := bind.UTF8Len(units[read:end])
		if n > len(dst)-written {
			break
		}
		written = len(bind.AppendUTF8(dst[:written], units[read:end]))
		read = end
	}
	return read, written
}

func record(js *isolate.JS, pairs ...any) *goja.Object {
	obj := js.Runtime().NewObject()
	for i := 0; i < len(pairs); i += 2 {
		// A new object takes any property.
		_ = obj.DefineDataProperty(pairs[i].(string), bind.Value(js, pairs[i+1]), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
	}
	return obj
}

// DecoderClass is TextDecoder.
var DecoderClass = &bind.Class[Decoder]{
	Name: "TextDecoder",
	New: func(c *bind.Call) (*Decoder, error) {
		label := "utf-8"
		if err := c.Unpack("label?", &label); err != nil {
			return nil, err
		}
		var o Options
		if err := c.Options(2, "ConstructorOptions", "fatal", &o.Fatal, "ignoreBOM", &o.IgnoreBOM); err != nil {
			return nil, err
		}
		return NewDecoder(label, o)
	},
	Getters: map[string]bind.Getter[Decoder]{
		"encoding":  func(d *Decoder, _ *bind.Call) (any, error) { return d.name, nil },
		"fatal":     func(d *Decoder, _ *bind.Call) (any, error) { return d.fatal, nil },
		"ignoreBOM": func(d *Decoder, _ *bind.Call) (any, error) { return d.ignoreBOM, nil },
	},
	Methods: map[string]bind.Method[Decoder]{
		"decode": func(d *Decoder, c *bind.Call) (any, error) {
			var in []byte
			if v := c.Arg(0); !goja.IsUndefined(v) {
				var ok bool
				if in, ok = bind.Bytes(c.JS(), v); !ok {
					return nil, c.BadArg(1, "ArrayBuffer or ArrayBufferView")
				}
			}
			stream := false
			if err := c.Options(2, "DecodeOptions", "stream", &stream); err != nil {
				return nil, err
			}
			return d.Decode(in, stream)
		},
	},
}

func jsAtob(c *bind.Call) (any, error) {
	var s string
	if err := c.Unpack("data", &s); err != nil {
		return nil, err
	}
	b, err := DecodeBase64(s)
	if err != nil {
		return nil, err
	}
	return ToBinary(b), nil
}

func jsBtoa(c *bind.Call) (any, error) {
	var s string
	if err := c.Unpack("data", &s); err != nil {
		return nil, err
	}
	return EncodeBase64(s)
}
