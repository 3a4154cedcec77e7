package clone_test

import (
	"encoding/hex"
	"errors"
	"testing"

	"github.com/dop251/goja"

	"workerd.local/internal/clone"
)

func TestSerializerKeepsItsBound(t *testing.T) {
	rt := goja.New()
	s, err := clone.NewSerializer(rt, clone.Options{MaxBytes: 10})
	if err != nil {
		t.Fatal(err)
	}
	var limit *clone.LimitError
	for name, write := range map[string]func() error{
		"double": func() error { return s.Double(1) },
		"raw":    func() error { return s.Raw(make([]byte, 9)) },
		"value":  func() error { return s.Value(rt.ToValue("a text that is too long")) },
	} {
		s.Release()
		if err := errors.Join(s.Header(), s.Uint32(1)); err != nil {
			t.Fatal(err)
		}
		if err := write(); !errors.As(err, &limit) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What reads is no worse off after an error in the midst of something.
func TestDeserializerGoesOnAfterAnError(t *testing.T) {
	rt := goja.New()
	for _, digits := range []string{"4102c8", "41026f220161c8", "3b41014102c8", "5cc8"} {
		b, err := hex.DecodeString(digits + "41015e00240001")
		if err != nil {
			t.Fatal(err)
		}
		d, err := clone.NewDeserializer(rt, b, clone.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Value(); err == nil {
			t.Errorf("%s: no error", digits)
		}
		if _, err := d.Value(); err == nil && digits[:2] == "41" {
			t.Errorf("%s: an array that was not completed can be referred to", digits)
		}
	}
}
