package crypto

import (
	"fmt"
	"strings"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/internal/crypt"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// KeyType is secret, public or private.
type KeyType string

// The types of keys.
const (
	Secret  KeyType = "secret"
	Public  KeyType = "public"
	Private KeyType = "private"
)

// Algorithm is what a key says of itself. Fields that its kind does not have are
// zero.
type Algorithm struct {
	Name           string
	Hash           string
	Length         int
	ModulusLength  int
	PublicExponent []byte
	NamedCurve     string
}

// Key is a CryptoKey. It never changes, and may be used from any goroutine.
type Key struct {
	Type        KeyType
	Extractable bool
	Algorithm   Algorithm
	Usages      Usages
	material    material
}

// material is the key itself, with the operations that its algorithm has: it also is
// a cipherer, a signer, a deriver or a wrapper.
type material interface {
	// export is the key in that format: bytes, or a *JWK without key_ops and ext.
	export(k *Key, format string) (any, error)
}

type cipherer interface {
	encrypt(k *Key, random crypt.Random, p *Params, data []byte) ([]byte, error)
	decrypt(k *Key, random crypt.Random, p *Params, data []byte) ([]byte, error)
}

type signer interface {
	sign(k *Key, random crypt.Random, p *Params, data []byte) ([]byte, error)
	verify(k *Key, p *Params, signature, data []byte) (bool, error)
}

// deriver derives bits; a nil length is as many as the algorithm gives.
type deriver interface {
	derive(k *Key, p *Params, length *int) (*derivation, error)
}

// wrapper wraps keys in a way of its own, not by encrypting them.
type wrapper interface {
	wrap(data []byte) ([]byte, error)
	unwrap(data []byte) ([]byte, error)
}

// Material is the key of Go's library behind an asymmetric key: a *rsa.PublicKey, an
// *ecdsa.PrivateKey, an ed25519.PublicKey, an *ecdh.PrivateKey and so on; for a
// secret key its bytes.
func (k *Key) Material() any {
	switch m := k.material.(type) {
	case *rsaKey:
		if m.private != nil {
			return m.private
		}
		return m.public
	case *ecKey:
		if m.private != nil {
			return m.private
		}
		return m.public
	case *okpKey:
		return m.goKey()
	case genericKey:
		return m.key
	case interface{ secret() []byte }:
		return m.secret()
	}
	return nil
}

// check reports whether the operation that needs usage may be done with the key.
func (k *Key) check(name string, usage Usages) error {
	if !strings.EqualFold(name, k.Algorithm.Name) {
		return exception.DOM("InvalidAccessError", fmt.Sprintf("Requested algorithm %q does not match this CryptoKey's algorithm %q.", name, k.Algorithm.Name))
	}
	if k.Usages&usage == 0 {
		return exception.DOM("InvalidAccessError", fmt.Sprintf("Requested key usage %q does not match any usage listed in this CryptoKey.", usage.Names()[0]))
	}
	return nil
}

func (k *Key) notImplemented(operation string) error {
	return exception.DOM("NotSupportedError", fmt.Sprintf("The %s operation is not implemented for %q.", operation, k.Algorithm.Name))
}

// Export is the key in a format: bytes, or a *JWK.
func (k *Key) Export(format string) (any, error) {
	if !k.Extractable {
		return nil, exception.DOM("InvalidAccessError", fmt.Sprintf("Attempt to export non-extractable %s key.", k.Algorithm.Name))
	}
	out, err := k.material.export(k, format)
	if jwk, ok := out.(*JWK); ok && err == nil {
		yes, ops := true, k.Usages.Names()
		jwk.Ext, jwk.KeyOps = &yes, &ops
	}
	return out, err
}

// KeyClass is CryptoKey.
var KeyClass = &bind.Class[Key]{Name: "CryptoKey"}

// Object makes the CryptoKey of k. What it says of itself is a copy: no script can
// change what the key is.
func (k *Key) Object(js *isolate.JS) *goja.Object {
	obj := KeyClass.Wrap(js, k)
	own := func(name string, v any) {
		// A new object takes any property.
		_ = obj.DefineDataProperty(name, bind.Value(js, v), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_TRUE)
	}
	own("usages", k.Usages.Names())
	own("algorithm", k.Algorithm.object(js))
	own("extractable", k.Extractable)
	own("type", string(k.Type))
	return obj
}

func (a *Algorithm) object(js *isolate.JS) *goja.Object {
	obj := js.Runtime().NewObject()
	put := func(obj *goja.Object, name string, v any) {
		_ = obj.DefineDataProperty(name, bind.Value(js, v), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
	}
	hash := func() {
		if a.Hash != "" {
			h := js.Runtime().NewObject()
			put(h, "name", a.Hash)
			put(obj, "hash", h)
		}
	}
	put(obj, "name", a.Name)
	switch {
	case a.ModulusLength != 0:
		put(obj, "modulusLength", a.ModulusLength)
		exponent := append([]byte(nil), a.PublicExponent...)
		if !flagsOf.Get(js).ExponentIsBuffer {
			put(obj, "publicExponent", bind.NewUint8Array(js, exponent))
		} else {
			put(obj, "publicExponent", exponent)
		}
		hash()
	case a.NamedCurve != "":
		put(obj, "namedCurve", a.NamedCurve)
	default:
		hash()
		if a.Length != 0 {
			put(obj, "length", a.Length)
		}
	}
	return obj
}

// generated are the key or the two keys that generateKey made.
type generated struct{ secret, public, private *Key }

func (g *generated) value(js *isolate.JS) goja.Value {
	if g.secret != nil {
		return g.secret.Object(js)
	}
	obj := js.Runtime().NewObject()
	for _, e := range [...]struct {
		name string
		key  *Key
	}{{"publicKey", g.public}, {"privateKey", g.private}} {
		_ = obj.DefineDataProperty(e.name, e.key.Object(js), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
	}
	return obj
}
