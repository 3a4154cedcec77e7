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

type subtleCrypto struct{}

// subtleClass is SubtleCrypto. What takes longer than a call of a small function runs
// on another goroutine (Long); everything else is done at once, and its promise has
// settled when it is returned.
var subtleClass = &bind.Class[subtleCrypto]{
	Name:    "SubtleCrypto",
	Lengths: map[string]int{"encrypt": 3, "decrypt": 3, "sign": 3, "verify": 4, "digest": 2, "generateKey": 3, "deriveKey": 5, "deriveBits": 2, "importKey": 5, "exportKey": 2, "wrapKey": 4, "unwrapKey": 7, "timingSafeEqual": 2},
	Async: map[string]bind.Method[subtleCrypto]{
		"decrypt":     jsDecrypt,
		"deriveBits":  jsDeriveBits,
		"deriveKey":   jsDeriveKey,
		"digest":      jsDigest,
		"encrypt":     jsEncrypt,
		"exportKey":   jsExportKey,
		"generateKey": jsGenerateKey,
		"importKey":   jsImportKey,
		"sign":        jsSign,
		"unwrapKey":   jsUnwrapKey,
		"verify":      jsVerify,
		"wrapKey":     jsWrapKey,
	},
	Methods: map[string]bind.Method[subtleCrypto]{"timingSafeEqual": jsTimingSafeEqual},
}

// lookup finds an algorithm of keys, and how it is spelled.
func lookup(name string) (string, family) {
	if f, ok := algorithms[name]; ok {
		return name, f
	}
	for spelled, f := range algorithms {
		if strings.EqualFold(spelled, name) {
			return spelled, f
		}
	}
	return "", family{}
}

func key(c *bind.Call, n int) (*Key, error) {
	k, ok := KeyClass.Unwrap(c.JS(), c.Arg(n-1))
	if !ok {
		return nil, c.BadArg(n, "CryptoKey")
	}
	return k, nil
}

func textArg(c *bind.Call, n int) (string, error) {
	if n > c.Len() {
		return "", c.BadArg(n, "string")
	}
	return c.String(n, c.Arg(n-1))
}

// access reads extractable and the usages, the nth argument and the one after it.
func access(c *bind.Call, n int) (extractable bool, usages []string, err error) {
	if n > c.Len() {
		return false, nil, c.BadArg(n, "boolean")
	}
	usages, err = stringList(c, n+1, c.Arg(n))
	return c.Arg(n - 1).ToBoolean(), usages, err
}

func randomOf(js *isolate.JS) crypt.Random { return js.Host().Random }

func settled(c *bind.Call, v any, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return c.JS().Resolved(c.Value(v)), nil
}

func jsEncrypt(_ *subtleCrypto, c *bind.Call) (any, error) {
	return cipherCall(c, Encrypt, (*Key).encrypt)
}

func jsDecrypt(_ *subtleCrypto, c *bind.Call) (any, error) {
	return cipherCall(c, Decrypt, (*Key).decrypt)
}

func cipherCall(c *bind.Call, usage Usages, do func(*Key, crypt.Random, *Params, []byte) ([]byte, error)) (any, error) {
	p, err := algorithm(c, 1, encryptAlgorithm)
	if err != nil {
		return nil, err
	}
	k, err := key(c, 2)
	if err != nil {
		return nil, err
	}
	data, err := source(c, 3)
	if err != nil {
		return nil, err
	}
	if err := k.check(p.Name, usage); err != nil {
		return nil, err
	}
	out, err := do(k, randomOf(c.JS()), p, data)
	return settled(c, out, err)
}

func (k *Key) encrypt(random crypt.Random, p *Params, data []byte) ([]byte, error) {
	m, ok := k.material.(cipherer)
	if !ok {
		return nil, k.notImplemented("encrypt")
	}
	return m.encrypt(k, random, p, data)
}

func (k *Key) decrypt(random crypt.Random, p *Params, data []byte) ([]byte, error) {
	m, ok := k.material.(cipherer)
	if !ok {
		return nil, k.notImplemented("decrypt")
	}
	return m.decrypt(k, random, p, data)
}

func jsSign(_ *subtleCrypto, c *bind.Call) (any, error) {
	p, err := algorithm(c, 1, signAlgorithm)
	if err != nil {
		return nil, err
	}
	k, err := key(c, 2)
	if err != nil {
		return nil, err
	}
	data, err := source(c, 3)
	if err != nil {
		return nil, err
	}
	if err := k.check(p.Name, Sign); err != nil {
		return nil, err
	}
	m, ok := k.material.(signer)
	if !ok {
		return nil, k.notImplemented("sign")
	}
	out, err := m.sign(k, randomOf(c.JS()), p, data)
	return settled(c, out, err)
}

func jsVerify(_ *subtleCrypto, c *bind.Call) (any, error) {
	p, err := algorithm(c, 1, signAlgorithm)
	if err != nil {
		return nil, err
	}
	k, err := key(c, 2)
	if err != nil {
		return nil, err
	}
	signature, err := source(c, 3)
	if err != nil {
		return nil, err
	}
	data, err := source(c, 4)
	if err != nil {
		return nil, err
	}
	if err := k.check(p.Name, Verify); err != nil {
		return nil, err
	}
	m, ok := k.material.(signer)
	if !ok {
		return nil, k.notImplemented("verify")
	}
	good, err := m.verify(k, p, signature, data)
	return settled(c, good, err)
}

func jsGenerateKey(_ *subtleCrypto, c *bind.Call) (any, error) {
	p, err := algorithm(c, 1, generateAlgorithm)
	if err != nil {
		return nil, err
	}
	extractable, usages, err := access(c, 2)
	if err != nil {
		return nil, err
	}
	name, f := lookup(p.Name)
	if f.generate == nil {
		return nil, exception.DOM("NotSupportedError", fmt.Sprintf("Unrecognized key generation algorithm %q requested.", p.Name))
	}
	js := c.JS()
	random := randomOf(js)
	var refused error
	if f.drawsInTurn {
		if _, err := c.Context(); err != nil {
			random = func([]byte) { refused = err }
		}
	}
	g, err := f.generate(&generateRequest{params: p, extractable: extractable, usages: usages, random: random, flags: *flagsOf.Get(js), name: name})
	switch {
	case err != nil:
		return nil, err
	case refused != nil:
		return nil, refused
	case g.work != nil:
		return Long(js, g.work, func(js *isolate.JS, made *generated) (goja.Value, error) { return made.value(js), nil })
	}
	if err := g.done.check(); err != nil {
		return nil, err
	}
	return js.Resolved(g.done.value(js)), nil
}

func jsImportKey(_ *subtleCrypto, c *bind.Call) (any, error) {
	format, err := textArg(c, 1)
	if err != nil {
		return nil, err
	}
	r := &ImportRequest{Format: format}
	_, isBytes := bind.Bytes(c.JS(), c.Arg(1))
	switch obj, isObject := c.Arg(1).(*goja.Object); {
	case isBytes:
	case isObject:
		if r.JWK, err = readJWK(c, obj); err != nil {
			return nil, err
		}
	case c.Len() > 1 && (goja.IsNull(c.Arg(1)) || goja.IsUndefined(c.Arg(1))):
		return nil, exception.TypeErrorf("Cannot initialize %s with required members from an undefined or null value.", jsonWebKey)
	default:
		return nil, c.BadArg(2, "BufferSource or "+jsonWebKey)
	}
	if r.Params, err = algorithm(c, 3, importKeyAlgorithm); err != nil {
		return nil, err
	}
	if r.Extractable, r.Usages, err = access(c, 4); err != nil {
		return nil, err
	}
	if isBytes { // now: a getter of the algorithm may have detached or resized them
		data, _ := bind.Bytes(c.JS(), c.Arg(1))
		r.Data = append([]byte{}, data...)
	}
	k, err := r.in(c.JS())
	if err != nil {
		return nil, err
	}
	return c.JS().Resolved(k.Object(c.JS())), nil
}

// in imports the key in a realm.
func (r *ImportRequest) in(js *isolate.JS) (*Key, error) {
	r.random, r.flags = randomOf(js), *flagsOf.Get(js)
	return Import(r)
}

func jsExportKey(_ *subtleCrypto, c *bind.Call) (any, error) {
	format, err := textArg(c, 1)
	if err != nil {
		return nil, err
	}
	k, err := key(c, 2)
	if err != nil {
		return nil, err
	}
	out, err := k.Export(format)
	if jwk, ok := out.(*JWK); ok && err == nil {
		return c.JS().Resolved(jwk.Object(c.JS())), nil
	}
	return settled(c, out, err)
}

func (k *Key) derive(p *Params, length *int) (*derivation, error) {
	m, ok := k.material.(deriver)
	if !ok {
		return nil, k.notImplemented("deriveBits")
	}
	return m.derive(k, p, length)
}

// settle is a promise for what conv makes of the bits.
func (d *derivation) settle(js *isolate.JS, conv func(js *isolate.JS, bits []byte) (goja.Value, error)) (any, error) {
	if d.work != nil {
		return Long(js, d.work, conv)
	}
	v, err := conv(js, d.bits)
	if err != nil {
		return nil, err
	}
	return js.Resolved(v), nil
}

func jsDeriveBits(_ *subtleCrypto, c *bind.Call) (any, error) {
	p, err := algorithm(c, 1, deriveAlgorithm)
	if err != nil {
		return nil, err
	}
	k, err := key(c, 2)
	if err != nil {
		return nil, err
	}
	var length *int
	if v := c.Arg(2); !goja.IsUndefined(v) && !goja.IsNull(v) {
		if err := integer(&length)(c, v); err != nil {
			return nil, err
		}
		if *length < 0 {
			return nil, exception.TypeErrorf("deriveBits length must be an unsigned long integer.")
		}
	}
	if err := k.check(p.Name, DeriveBits); err != nil {
		return nil, err
	}
	d, err := k.derive(p, length)
	if err != nil {
		return nil, err
	}
	return d.settle(c.JS(), func(js *isolate.JS, bits []byte) (goja.Value, error) { return bind.Value(js, bits), nil })
}

func jsDeriveKey(_ *subtleCrypto, c *bind.Call) (any, error) {
	p, err := algorithm(c, 1, deriveAlgorithm)
	if err != nil {
		return nil, err
	}
	k, err := key(c, 2)
	if err != nil {
		return nil, err
	}
	r := &ImportRequest{Format: "raw"}
	if r.Params, err = algorithm(c, 3, importKeyAlgorithm); err != nil {
		return nil, err
	}
	if r.Extractable, r.Usages, err = access(c, 4); err != nil {
		return nil, err
	}
	if err := k.check(p.Name, DeriveKey); err != nil {
		return nil, err
	}
	length, err := keyLength(r.Params)
	if err != nil {
		return nil, err
	}
	d, err := k.derive(p, length)
	if err != nil {
		return nil, err
	}
	return d.settle(c.JS(), func(js *isolate.JS, bits []byte) (goja.Value, error) {
		r.Data = bits
		made, err := r.in(js)
		if err != nil {
			return nil, err
		}
		return made.Object(js), nil
	})
}

// keyLength is how many bits a key of that algorithm is derived from; nil stands for
// as many as there are.
func keyLength(p *Params) (*int, error) {
	name, _ := lookup(p.Name)
	switch name {
	case "AES-CTR", "AES-CBC", "AES-GCM", "AES-KW":
		if p.Length == nil {
			return nil, missing("length", inDerived)
		}
		if !aesSize(*p.Length) {
			return nil, operationError("Derived AES key must be 128, 192, or 256 bits in length but provided %d.", *p.Length)
		}
		return p.Length, nil
	case "HMAC":
		if p.Length != nil {
			if *p.Length <= 0 {
				return nil, exception.TypeErrorf("HMAC key length must be a non-zero unsigned long integer.")
			}
			return p.Length, nil
		}
		if p.Hash == nil {
			return nil, missing("hash", inDerived)
		}
		d, err := digestNamed(*p.Hash)
		if err != nil {
			return nil, err
		}
		bits := 8 * d.hash.New().BlockSize()
		return &bits, nil
	case "HKDF", "PBKDF2":
		return nil, nil
	}
	return nil, exception.DOM("NotSupportedError", fmt.Sprintf("Unrecognized derived key type %q requested.", p.Name))
}

func jsWrapKey(_ *subtleCrypto, c *bind.Call) (any, error) {
	format, err := textArg(c, 1)
	if err != nil {
		return nil, err
	}
	k, err := key(c, 2)
	if err != nil {
		return nil, err
	}
	by, err := key(c, 3)
	if err != nil {
		return nil, err
	}
	p, err := algorithm(c, 4, encryptAlgorithm)
	if err != nil {
		return nil, err
	}
	if err := by.check(p.Name, WrapKey); err != nil {
		return nil, err
	}
	exported, err := k.Export(format)
	if err != nil {
		return nil, err
	}
	js := c.JS()
	var data []byte
	switch x := exported.(type) {
	case []byte:
		data = x
	case *JWK:
		if data, err = x.json(js); err != nil {
			return nil, err
		}
	}
	var out []byte
	if w, ok := by.material.(wrapper); ok {
		out, err = w.wrap(data)
	} else {
		out, err = by.encrypt(randomOf(js), p, data)
	}
	return settled(c, out, err)
}

func jsUnwrapKey(_ *subtleCrypto, c *bind.Call) (any, error) {
	r := &ImportRequest{}
	var err error
	if r.Format, err = textArg(c, 1); err != nil {
		return nil, err
	}
	if _, err = source(c, 2); err != nil {
		return nil, err
	}
	by, err := key(c, 3)
	if err != nil {
		return nil, err
	}
	p, err := algorithm(c, 4, encryptAlgorithm)
	if err != nil {
		return nil, err
	}
	if r.Params, err = algorithm(c, 5, importKeyAlgorithm); err != nil {
		return nil, err
	}
	if r.Extractable, r.Usages, err = access(c, 6); err != nil {
		return nil, err
	}
	if err := by.check(p.Name, UnwrapKey); err != nil {
		return nil, err
	}
	js := c.JS()
	data, err := source(c, 2) // as they are after the getters of the algorithms
	if err != nil {
		return nil, err
	}
	if w, ok := by.material.(wrapper); ok {
		r.Data, err = w.unwrap(data)
	} else {
		r.Data, err = by.decrypt(randomOf(js), p, data)
	}
	if err != nil {
		return nil, err
	}
	if r.Format == "jwk" {
		if err := r.parseJWK(c, string(r.Data)); err != nil {
			return nil, err
		}
	}
	k, err := r.in(js)
	if err != nil {
		return nil, err
	}
	return js.Resolved(k.Object(js)), nil
}

// parseJWK makes the JWK of JSON text.
func (r *ImportRequest) parseJWK(c *bind.Call, text string) error {
	js := c.JS()
	v, err := js.Call(jsonOf.Get(js).parse, nil, js.Runtime().ToValue(strings.ToValidUTF8(text, "\uFFFD")))
	if err != nil {
		return err
	}
	obj, ok := v.(*goja.Object)
	if !ok {
		return dataError("Missing \"kty\" field or corrupt JSON unwrapping key?")
	}
	r.Data = nil
	r.JWK, err = readJWK(c, obj)
	return err
}

// json is the key as JSON text.
func (j *JWK) json(js *isolate.JS) ([]byte, error) {
	v, err := js.Call(jsonOf.Get(js).stringify, nil, j.Object(js))
	if err != nil {
		return nil, err
	}
	return []byte(v.String()), nil
}

// jsonFunctions are JSON's, as they were when they were first needed.
type jsonFunctions struct{ parse, stringify goja.Value }

var jsonOf = isolate.NewSlot(func(js *isolate.JS) *jsonFunctions {
	json := js.Runtime().GlobalObject().Get("JSON").(*goja.Object)
	return &jsonFunctions{json.Get("parse"), json.Get("stringify")}
})
