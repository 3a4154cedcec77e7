package encoding

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/htmlindex"

	"workerd.local/exception"
)

// Decoder turns bytes of one encoding into text, in as many pieces as come.
type Decoder struct {
	name      string
	fatal     bool
	ignoreBOM bool

	codec   codec
	started bool // the place of the BOM is past
}

// codec decodes; at the end of the input last is set, and the codec is then as
// new. ok is false when something was malformed.
type codec interface {
	decode(in []byte, last bool) (text string, ok bool)
}

// Options of NewDecoder.
type Options struct {
	// Fatal makes malformed input an error instead of U+FFFD.
	Fatal bool
	// IgnoreBOM keeps a byte order mark as text.
	IgnoreBOM bool
}

// errDecode is what a fatal decoder throws (workerd's text).
var errDecode = exception.TypeErrorf("Failed to decode input.")

// NewDecoder returns a decoder for a label (WHATWG Encoding, "Names and labels");
// an unknown one is a RangeError.
func NewDecoder(label string, o Options) (*Decoder, error) {
	name, c, err := lookup(label)
	if err != nil {
		return nil, exception.RangeErrorf("%q is not a valid encoding.", label)
	}
	return &Decoder{name: name, fatal: o.Fatal, ignoreBOM: o.IgnoreBOM, codec: c}, nil
}

var errLabel = errors.New("no encoding has this label")

func lookup(label string) (string, codec, error) {
	label = strings.Trim(label, "\t\n\f\r ")
	for i := 0; i < len(label); i++ {
		// The index folds case by Unicode's rules, labels by ASCII's.
		if label[i] <= ' ' || label[i] >= utf8.RuneSelf {
			return "", nil, errLabel
		}
	}
	enc, err := htmlindex.Get(label)
	if err != nil {
		return "", nil, err
	}
	name, err := htmlindex.Name(enc)
	if err != nil {
		return "", nil, err
	}
	switch name {
	case "utf-8":
		return name, &utf8Codec{}, nil
	case "utf-16le":
		return name, &utf16Codec{}, nil
	case "utf-16be":
		return name, &utf16Codec{bigEndian: true}, nil
	case "replacement":
		return "", nil, fmt.Errorf("%s cannot be decoded", label)
	}
	if name == "iso-2022-jp" {
		return name, &iso2022Codec{}, nil
	}
	if st := steps[name]; st != nil {
		return name, &multiByteCodec{step: st}, nil
	}
	return name, &singleByteCodec{tableOf(name, enc)}, nil
}

// Name is the encoding's name in lower case.
func (d *Decoder) Name() string { return d.name }

// Fatal is the option of that name.
func (d *Decoder) Fatal() bool { return d.fatal }

// IgnoreBOM is the option of that name.
func (d *Decoder) IgnoreBOM() bool { return d.ignoreBOM }

// Decode decodes a piece. stream says that more will come, so that an incomplete
// sequence at the end waits; without it the decoder is as new afterwards, as it
// is after an error.
func (d *Decoder) Decode(in []byte, stream bool) (string, error) {
	text, ok := d.codec.decode(in, !stream)
	if !ok && d.fatal {
		d.codec.decode(nil, true)
		d.started = false
		return "", errDecode
	}
	if !d.started && text != "" {
		d.started = true
		if strings.HasPrefix(d.name, "utf-") && !d.ignoreBOM {
			text = strings.TrimPrefix(text, "\uFEFF")
		}
	}
	if !stream {
		d.started = false
	}
	return text, nil
}

type utf8Codec struct{ held []byte }

func (c *utf8Codec) decode(in []byte, last bool) (string, bool) {
	s := string(append(c.held, in...))
	c.held = c.held[:0]
	if utf8.ValidString(s) {
		return s, true
	}
	if !last {
		// What the next piece may complete is among the last three bytes.
		for n := 1; n <= 3 && n <= len(s); n++ {
			tail := s[len(s)-n:]
			if tail[0] >= 0xC0 {
				if bad, partial := brokenPrefix(tail); partial && bad == n && !utf8.FullRuneInString(tail) {
					c.held = append(c.held, tail...)
					s = s[:len(s)-n]
				}
				break
			}
		}
	}
	return DecodeUTF8(s), utf8.ValidString(s)
}

type utf16Codec struct {
	bigEndian bool
	held      []byte // an odd byte, a lead surrogate, or both
}

func (c *utf16Codec) decode(in []byte, last bool) (string, bool) {
	if len(c.held) > 0 {
		in = append(c.held, in...)
		c.held = nil
	}
	ok := true
	var out strings.Builder
	out.Grow(len(in))
	unit := func(i int) rune {
		if c.bigEndian {
			return rune(in[i])<<8 | rune(in[i+1])
		}
		return rune(in[i+1])<<8 | rune(in[i])
	}
	i := 0
	for ; i+1 < len(in); i += 2 {
		u := unit(i)
		if !utf16.IsSurrogate(u) {
			out.WriteRune(u)
			continue
		}
		if u < 0xDC00 {
			if i+3 >= len(in) {
				break // it waits for its other half
			}
			if r := utf16.DecodeRune(u, unit(i+2)); r != utf8.RuneError {
				out.WriteRune(r)
				i += 2
				continue
			}
		}
		ok = false
		out.WriteString(replacement)
	}
	if rest := in[i:]; len(rest) > 0 {
		if last {
			// A lead surrogate and an odd byte end the input as one error.
			ok = false
			out.WriteString(replacement)
		} else {
			c.held = append([]byte(nil), rest...)
		}
	}
	return out.String(), ok
}
