package crypto

import (
	"fmt"

	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// Binding is a key that a configuration holds.
type Binding struct {
	// Format is that of ImportRequest. Data is the key; for jwk it is JSON text.
	Format string
	Data   []byte
	// Algorithm is a name, or JSON text where JSON is set.
	Algorithm   string
	JSON        bool
	Extractable bool
	Usages      []string
}

// Object imports the key and makes its CryptoKey.
func (b *Binding) Object(js *isolate.JS) (*goja.Object, error) {
	c := bind.NewCall(js, "SubtleCrypto", "importKey", goja.FunctionCall{This: goja.Undefined()})
	rt := js.Runtime()
	var v goja.Value = rt.ToValue(b.Algorithm)
	var err error
	if b.JSON {
		if v, err = js.Call(jsonOf.Get(js).parse, nil, v); err != nil {
			return nil, fmt.Errorf("algorithm: %w", js.Exception(err))
		}
	}
	r := &ImportRequest{Format: b.Format, Data: append([]byte{}, b.Data...), Extractable: b.Extractable, Usages: b.Usages}
	if r.Params, err = readParams(c, 3, v, importKeyAlgorithm); err != nil {
		return nil, err
	}
	if b.Format == "jwk" {
		if err := r.parseJWK(c, string(b.Data)); err != nil {
			return nil, js.Exception(err)
		}
	}
	k, err := r.in(js)
	if err != nil {
		return nil, err
	}
	return k.Object(js), nil
}
