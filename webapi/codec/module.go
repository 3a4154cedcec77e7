package codec

import (
	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/encoding"
	"workerd.local/webapi/streams"
)

// Module is the four classes.
var Module = bind.Module{Name: "codec", Globals: []bind.Global{
	compressionClass,
	decompressionClass,
	encoderClass,
	decoderClass,
}}

// Constructors are CompressionStream and DecompressionStream, whether or not they are globals.
func Constructors(js *isolate.JS) (compress, decompress *goja.Object) {
	return compressionClass.Constructor(js), decompressionClass.Constructor(js)
}

type compression struct{ *streams.Identity }

type decompression struct{ *streams.Identity }

var compressionClass = &bind.Class[compression]{
	Name:    "CompressionStream",
	Lengths: map[string]int{"constructor": 1},
	Parent:  bind.Extends(streams.TransformClass, func(s *compression) *streams.Transform { return s.Transform() }),
	Length:  1,
	New: func(c *bind.Call) (*compression, error) {
		f, err := formatOf(c)
		if err != nil {
			return nil, err
		}
		return &compression{streams.NewCoded(c.JS(), newCompressor(f))}, nil
	},
}

var decompressionClass = &bind.Class[decompression]{
	Name:    "DecompressionStream",
	Lengths: map[string]int{"constructor": 1},
	Parent:  bind.Extends(streams.TransformClass, func(s *decompression) *streams.Transform { return s.Transform() }),
	Length:  1,
	New: func(c *bind.Call) (*decompression, error) {
		f, err := formatOf(c)
		if err != nil {
			return nil, err
		}
		strict := !streams.FlagsOf(c.JS()).LaxCompression
		return &decompression{streams.NewCoded(c.JS(), newDecompressor(f, strict))}, nil
	},
}

// formatOf is the format argument. Such a stream belongs to a request, as in workerd.
func formatOf(c *bind.Call) (format, error) {
	var name string
	if err := c.Unpack("format", &name); err != nil {
		return "", err
	}
	f := format(name)
	if writers[f] == nil {
		return "", exception.TypeErrorf("The compression format must be either 'deflate', 'deflate-raw', 'gzip' or 'brotli'.")
	}
	_, err := c.Context()
	return f, err
}

// textEncoder is a TextEncoderStream.
type textEncoder struct {
	*streams.Transform
	lead uint16 // a lead surrogate whose other half may come; 0 for none
}

var encoderClass = &bind.Class[textEncoder]{
	Name:   "TextEncoderStream",
	Parent: bind.Extends(streams.TransformClass, func(s *textEncoder) *streams.Transform { return s.Transform }),
	New: func(c *bind.Call) (*textEncoder, error) {
		e := &textEncoder{}
		e.Transform = streams.NewTransform(c.JS(), readAhead(c.JS()), e.transform, e.flush)
		return e, nil
	},
	Getters: map[string]bind.Getter[textEncoder]{
		"encoding": func(*textEncoder, *bind.Call) (any, error) { return "utf-8", nil },
	},
}

// readAhead is the high water mark of the side that is read from.
func readAhead(js *isolate.JS) float64 {
	if streams.FlagsOf(js).EncoderReadsAhead {
		return 1
	}
	return 0
}

func (e *textEncoder) transform(js *isolate.JS, v goja.Value, emit func(goja.Value) error) error {
	if _, ok := v.(*goja.Symbol); ok {
		return exception.TypeErrorf("Cannot convert a Symbol value to a string")
	}
	s, ok := v.(goja.String)
	if !ok {
		if err := js.Try(func() { s = js.Runtime().ToValue(v.String()).(goja.String) }); err != nil {
			return err
		}
	}
	n := s.Length()
	if n == 0 {
		return nil
	}
	var out []byte
	if e.lead != 0 {
		lead, next := rune(e.lead), rune(s.CharAt(0))
		e.lead = 0
		if isTrail(next) {
			out = append(out, string((lead-0xD800)<<10|(next-0xDC00)+0x10000)...)
			s = s.Substring(1, n)
		} else {
			out = append(out, "\uFFFD"...)
		}
		n = s.Length()
	}
	if n > 0 {
		if last := s.CharAt(n - 1); isLead(rune(last)) {
			e.lead = last
			s = s.Substring(0, n-1)
		}
	}
	out = append(out, s.String()...)
	if len(out) == 0 {
		return nil
	}
	return emit(bind.NewUint8Array(js, out))
}

func isLead(u rune) bool { return u >= 0xD800 && u < 0xDC00 }

func isTrail(u rune) bool { return u >= 0xDC00 && u < 0xE000 }

func (e *textEncoder) flush(js *isolate.JS, emit func(goja.Value) error) error {
	if e.lead == 0 {
		return nil
	}
	e.lead = 0
	return emit(bind.NewUint8Array(js, []byte("\uFFFD")))
}

// textDecoder is a TextDecoderStream.
type textDecoder struct {
	*streams.Transform
	dec *encoding.Decoder
}

var decoderClass = &bind.Class[textDecoder]{
	Name:   "TextDecoderStream",
	Parent: bind.Extends(streams.TransformClass, func(s *textDecoder) *streams.Transform { return s.Transform }),
	New: func(c *bind.Call) (*textDecoder, error) {
		label := "utf-8"
		if err := c.Unpack("label?", &label); err != nil {
			return nil, err
		}
		var o encoding.Options
		// As in workerd, options that do not say it mean fatal; no options mean it is not.
		o.Fatal = c.Len() > 1 && !goja.IsUndefined(c.Arg(1)) && !streams.FlagsOf(c.JS()).Pedantic
		if err := c.Options(2, "TextDecoderStreamInit", "fatal", &o.Fatal, "ignoreBOM", &o.IgnoreBOM); err != nil {
			return nil, err
		}
		dec, err := encoding.NewDecoder(label, o)
		if err != nil {
			return nil, err
		}
		d := &textDecoder{dec: dec}
		d.Transform = streams.NewTransform(c.JS(), readAhead(c.JS()), d.transform, d.flush)
		return d, nil
	},
	Getters: map[string]bind.Getter[textDecoder]{
		"encoding":  func(d *textDecoder, _ *bind.Call) (any, error) { return d.dec.Name(), nil },
		"fatal":     func(d *textDecoder, _ *bind.Call) (any, error) { return d.dec.Fatal(), nil },
		"ignoreBOM": func(d *textDecoder, _ *bind.Call) (any, error) { return d.dec.IgnoreBOM(), nil },
	},
}

func (d *textDecoder) transform(js *isolate.JS, v goja.Value, emit func(goja.Value) error) error {
	b, ok := bind.Bytes(js, v)
	if !ok {
		return exception.TypeErrorf("This TransformStream is being used as a byte stream, but received a value that is not a BufferSource.")
	}
	return d.emit(js, b, true, emit)
}

func (d *textDecoder) flush(js *isolate.JS, emit func(goja.Value) error) error {
	return d.emit(js, nil, false, emit)
}

func (d *textDecoder) emit(js *isolate.JS, b []byte, more bool, emit func(goja.Value) error) error {
	s, err := d.dec.Decode(b, more)
	if err != nil || s == "" {
		return err
	}
	return emit(js.Runtime().ToValue(s))
}
