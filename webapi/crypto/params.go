package crypto

import (
	"math"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/webapi/bind"
)

// Params is what a script says of an algorithm: its name and whatever the operation
// may need. What was left out is nil.
type Params struct {
	Name string
	// Buffers share the script's memory.
	IV, AdditionalData, Counter, Label, Salt, Info, PublicExponent *[]byte

	TagLength, Length, SaltLength, Iterations, ModulusLength *int
	Hash, NamedCurve                                         *string
	Public                                                   *Key
}

// The dictionaries of algorithms, as error texts name them, with their members in
// the order in which they are read.
const (
	encryptAlgorithm   = "EncryptAlgorithm"
	signAlgorithm      = "SignAlgorithm"
	hashAlgorithm      = "HashAlgorithm"
	generateAlgorithm  = "GenerateKeyAlgorithm"
	importKeyAlgorithm = "ImportKeyAlgorithm"
	deriveAlgorithm    = "DeriveKeyAlgorithm"
)

func (p *Params) members(dictionary string) []any {
	name := []any{"name", &p.Name}
	switch dictionary {
	case encryptAlgorithm:
		return append(name, "iv", buffer(&p.IV), "additionalData", buffer(&p.AdditionalData), "tagLength", octet("AES-GCM tagLength", &p.TagLength),
			"counter", buffer(&p.Counter), "length", integer(&p.Length), "label", buffer(&p.Label))
	case signAlgorithm:
		return append(name, "hash", hashName(&p.Hash), "saltLength", integer(&p.SaltLength))
	case generateAlgorithm:
		return append(name, "hash", hashName(&p.Hash), "modulusLength", integer(&p.ModulusLength), "publicExponent", buffer(&p.PublicExponent),
			"length", integer(&p.Length), "namedCurve", &p.NamedCurve)
	case importKeyAlgorithm:
		return append(name, "hash", hashName(&p.Hash), "length", integer(&p.Length), "namedCurve", &p.NamedCurve)
	case deriveAlgorithm:
		return append(name, "salt", buffer(&p.Salt), "iterations", integer(&p.Iterations), "hash", hashName(&p.Hash), "public", publicKey(&p.Public), "info", buffer(&p.Info))
	}
	return name
}

// algorithm reads the nth argument (from 1): a name, or a dictionary.
func algorithm(c *bind.Call, n int, dictionary string) (*Params, error) {
	if n > c.Len() {
		return nil, c.BadArg(n, "string or "+dictionary)
	}
	return readParams(c, n, c.Arg(n-1), dictionary)
}

func readParams(c *bind.Call, n int, v goja.Value, dictionary string) (*Params, error) {
	p := &Params{}
	switch v := v.(type) {
	case *goja.Object:
		p.Name = "undefined" // a missing name is converted to text, too
		return p, c.Dictionary(v, dictionary, p.members(dictionary)...)
	default:
		if goja.IsUndefined(v) || goja.IsNull(v) {
			return nil, exception.TypeErrorf("Cannot initialize %s with required members from an undefined or null value.", dictionary)
		}
		name, err := c.String(n, v)
		p.Name = name
		return p, err
	}
}

// buffer reads a BufferSource.
func buffer(target **[]byte) func(*bind.Call, goja.Value) error {
	return func(c *bind.Call, v goja.Value) error {
		b, ok := bind.Bytes(c.JS(), v)
		if !ok {
			return c.BadArg(0, "BufferSource")
		}
		*target = &b
		return nil
	}
}

// integer is WebIDL's long with [EnforceRange], but for NaN and infinities, which
// are 0.
func integer(target **int) func(*bind.Call, goja.Value) error {
	return func(c *bind.Call, v goja.Value) error {
		n, ok, err := long(c, v)
		if err == nil && !ok {
			err = exception.TypeErrorf("Value out of range. Must be between %d and %d (inclusive).", math.MinInt32, math.MaxInt32)
		}
		*target = &n
		return err
	}
}

// octet is integer for a member that the error about the range names.
func octet(name string, target **int) func(*bind.Call, goja.Value) error {
	return func(c *bind.Call, v goja.Value) error {
		n, ok, err := long(c, v)
		if err == nil && !ok {
			err = exception.TypeErrorf("%s is outside the integer range.", name)
		}
		*target = &n
		return err
	}
}

// long is the number that v is converted to; !ok where it has more than 32 bits.
func long(c *bind.Call, v goja.Value) (n int, ok bool, err error) {
	var f float64
	if err := c.JS().Try(func() { f = v.ToNumber().ToFloat() }); err != nil {
		return 0, false, err
	}
	switch {
	case math.IsNaN(f), math.IsInf(f, 0):
		return 0, true, nil
	case f > math.MaxInt32 || f < math.MinInt32:
		return 0, false, nil
	}
	return int(f), true, nil
}

// hashName reads the name of a hash: text, or a dictionary.
func hashName(target **string) func(*bind.Call, goja.Value) error {
	return func(c *bind.Call, v goja.Value) error {
		p, err := readParams(c, 0, v, hashAlgorithm)
		if err != nil {
			return err
		}
		*target = &p.Name
		return nil
	}
}

func publicKey(target **Key) func(*bind.Call, goja.Value) error {
	return func(c *bind.Call, v goja.Value) error {
		k, ok := KeyClass.Unwrap(c.JS(), v)
		if !ok {
			return c.BadArg(0, "CryptoKey")
		}
		*target = k
		return nil
	}
}

// missing is the error about a member that an algorithm needs.
func missing(field, of string) error {
	return exception.TypeErrorf("Missing field %q in %q.", field, of)
}

const (
	inAlgorithm = "algorithm"
	inDerived   = "derivedKeyParams"
)
