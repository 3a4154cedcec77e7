package bind

import (
	"reflect"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/dop251/goja"
)

// utf16Type is what the engine's strings are that are not ASCII; its slices begin with
// a byte order mark. The engine does not export it and has no way to the units that
// does not make a rune of each first, which takes four times as long.
var utf16Type = reflect.TypeOf(goja.StringFromUTF16([]uint16{0x3A9}))

var unitsType = reflect.TypeFor[[]uint16]()

const unitsMark = 0xFEFF

// Units are the UTF-16 code units of a string of the engine's that is kept as such;
// they must not be changed. ok is false for any other value: a string whose String()
// costs nothing, or where the engine has become another one.
func Units(v goja.Value) (units []uint16, ok bool) {
	s, isString := v.(goja.String)
	if !isString || reflect.TypeOf(v) != utf16Type || utf16Type.Kind() != reflect.Slice || utf16Type.Elem() != unitsType.Elem() {
		return nil, false
	}
	units = reflect.ValueOf(v).Convert(unitsType).Interface().([]uint16)
	if len(units) != s.Length()+1 || units[0] != unitsMark {
		return nil, false
	}
	return units[1:], true
}

// UTF8Len is how many bytes AppendUTF8 appends.
func UTF8Len(units []uint16) int {
	n := 0
	for i := 0; i < len(units); i++ {
		switch u := units[i]; {
		case u < 0x80:
			n++
		case u < 0x800:
			n += 2
		case isLead(u) && i+1 < len(units) && isTrail(units[i+1]):
			n += 4
			i++
		default:
			n += 3
		}
	}
	return n
}

// AppendUTF8 appends the units as UTF-8; halves of a pair become U+FFFD.
func AppendUTF8(b []byte, units []uint16) []byte {
	for i := 0; i < len(units); i++ {
		switch u := units[i]; {
		case u < 0x80:
			b = append(b, byte(u))
		case u < 0x800:
			b = append(b, 0xC0|byte(u>>6), 0x80|byte(u&0x3F))
		case !utf16.IsSurrogate(rune(u)):
			b = append(b, 0xE0|byte(u>>12), 0x80|byte(u>>6&0x3F), 0x80|byte(u&0x3F))
		case isLead(u) && i+1 < len(units) && isTrail(units[i+1]):
			i++
			b = utf8.AppendRune(b, utf16.DecodeRune(rune(u), rune(units[i])))
		default:
			b = append(b, 0xEF, 0xBF, 0xBD)
		}
	}
	return b
}

func isLead(u uint16) bool { return u&0xFC00 == 0xD800 }

func isTrail(u uint16) bool { return u&0xFC00 == 0xDC00 }
