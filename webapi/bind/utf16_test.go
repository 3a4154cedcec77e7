package bind_test

import (
	"slices"
	"testing"
	"unicode/utf16"

	"github.com/dop251/goja"

	"workerd.local/webapi/bind"
)

// The engine's strings that are not ASCII are read as they are. A new version of the
// engine that keeps them otherwise makes this fail and nothing else but time.
func TestUnitsOfTheEnginesStrings(t *testing.T) {
	for _, units := range [][]uint16{{0x3A9}, {'a', 0xD83D, 0xDE00, 'b'}, {0xDE00, 0xD83D}, {0x7FF, 0x800, 0xFFFF, 0xE000}, {0xD800}, {0xFEFF, 0xFEFF}} {
		got, ok := bind.Units(goja.StringFromUTF16(units))
		if !ok || !slices.Equal(got, units) {
			t.Errorf("%x: %x, %v", units, got, ok)
		}
		want := string(utf16.Decode(units))
		if b := bind.AppendUTF8(nil, got); string(b) != want || len(b) != bind.UTF8Len(got) {
			t.Errorf("%x: % x, length %d; want % x", units, b, bind.UTF8Len(got), want)
		}
	}
	vm := goja.New()
	for _, v := range []goja.Value{vm.ToValue("ascii"), vm.ToValue(5), goja.Undefined(), vm.NewObject(), vm.ToValue([]uint16{1})} {
		if units, ok := bind.Units(v); ok {
			t.Errorf("%v has units %x", v, units)
		}
	}
}
