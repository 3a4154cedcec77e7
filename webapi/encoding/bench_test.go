package encoding_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/dop251/goja"

	"workerd.local/internal/jstest"
	"workerd.local/isolate"
	"workerd.local/webapi/encoding"
)

// The classes beside what cannot be spared: the conversion between UTF-16, which the
// engine's strings are where they are not ASCII, and UTF-8, and one copy.

var benchTexts = []struct{ name, text string }{
	{"ascii", strings.Repeat("The quick brown fox. ", 50_000)},
	{"greek", strings.Repeat("Ξεσκεπάζω τὴν ψυχοφθόρα βδελυγμία. ", 15_000)},
	{"emoji", strings.Repeat("\U0001F600 a \U0001F680 ", 70_000)},
}

// benchCall measures f(arg), a function of JavaScript.
func benchCall(b *testing.B, bytes int, f string, arg func(js *isolate.JS) goja.Value) {
	e := jstest.New(b, encoding.Module)
	e.OnLoop(func() {
		err := e.Realm.Run(nil, func(js *isolate.JS) {
			fn, err := js.Runtime().RunString("(" + f + ")")
			if err != nil {
				b.Error(err)
				return
			}
			v := arg(js)
			b.SetBytes(int64(bytes))
			for b.Loop() {
				if _, err := js.Call(fn, nil, v); err != nil {
					b.Error(err)
					return
				}
			}
		})
		if err != nil {
			b.Error(err)
		}
	})
}

// text is s as the engine keeps what a script has made: ASCII, or UTF-16.
func text(s string) func(js *isolate.JS) goja.Value {
	return func(*isolate.JS) goja.Value { return goja.StringFromUTF16(utf16.Encode([]rune(s))) }
}

var sinkBytes []byte

var sinkUnits []uint16

func BenchmarkTextEncoder(b *testing.B) {
	for _, t := range benchTexts {
		units := utf16.Encode([]rune(t.text))
		b.Run(t.name+"/floor", func(b *testing.B) {
			b.SetBytes(int64(len(t.text)))
			for b.Loop() {
				if len(units) == len(t.text) {
					sinkBytes = append([]byte(nil), t.text...)
					continue
				}
				out := make([]byte, 0, len(t.text))
				for i := 0; i < len(units); i++ {
					r := rune(units[i])
					if utf16.IsSurrogate(r) {
						i++
						r = utf16.DecodeRune(r, rune(units[i]))
					}
					out = utf8.AppendRune(out, r)
				}
				sinkBytes = append([]byte(nil), out...)
			}
		})
		b.Run(t.name+"/encode", func(b *testing.B) {
			benchCall(b, len(t.text), `(enc => s => enc.encode(s))(new TextEncoder())`, text(t.text))
		})
		b.Run(t.name+"/encodeInto", func(b *testing.B) {
			benchCall(b, len(t.text), fmt.Sprintf(`((enc, to) => s => enc.encodeInto(s, to))(new TextEncoder(), new Uint8Array(%d))`, len(t.text)), text(t.text))
		})
	}
}

func BenchmarkTextDecoder(b *testing.B) {
	for _, t := range benchTexts {
		b.Run(t.name+"/floor", func(b *testing.B) {
			b.SetBytes(int64(len(t.text)))
			data := []byte(t.text)
			for b.Loop() {
				s := string(data)
				units := make([]uint16, 0, len(s))
				for _, r := range s {
					units = utf16.AppendRune(units, r)
				}
				sinkUnits = units
			}
		})
		b.Run(t.name+"/decode", func(b *testing.B) {
			benchCall(b, len(t.text), `(dec => b => dec.decode(b))(new TextDecoder())`, func(js *isolate.JS) goja.Value {
				return js.Runtime().ToValue(js.Runtime().NewArrayBuffer([]byte(t.text)))
			})
		})
	}
}

func BenchmarkBase64(b *testing.B) {
	plain := benchTexts[0].text
	coded := base64.StdEncoding.EncodeToString([]byte(plain))
	b.Run("floor/encode", func(b *testing.B) {
		b.SetBytes(int64(len(plain)))
		data := []byte(plain)
		for b.Loop() {
			sinkBytes = []byte(base64.StdEncoding.EncodeToString(data))
		}
	})
	b.Run("btoa", func(b *testing.B) { benchCall(b, len(plain), `s => btoa(s)`, text(plain)) })
	b.Run("floor/decode", func(b *testing.B) {
		b.SetBytes(int64(len(plain)))
		for b.Loop() {
			sinkBytes, _ = base64.StdEncoding.DecodeString(coded)
		}
	})
	b.Run("atob", func(b *testing.B) { benchCall(b, len(plain), `s => atob(s)`, text(coded)) })
}
