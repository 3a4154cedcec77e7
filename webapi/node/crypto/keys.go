package crypto

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"fmt"
	"math/big"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/internal/crypt"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/crypto"
)

func jsIsCryptoKey(c *bind.Call) (any, error) {
	_, ok := crypto.KeyClass.Unwrap(c.JS(), c.Arg(0))
	return ok, nil
}

func jsCreateSecret(c *bind.Call) (any, error) {
	return crypto.NewSecret(copied(c, 0)).Object(c.JS()), nil
}

// secret is what a secret key holds, if it is one that encrypts or signs: what others are
// derived from is for nothing else.
func secret(k *crypto.Key) ([]byte, bool) {
	b, ok := k.Material().([]byte)
	return b, ok && k.Type == crypto.Secret && k.Algorithm.Name != "HKDF" && k.Algorithm.Name != "PBKDF2"
}

// noExport is the error for a key whose secret is not given.
func noExport(k *crypto.Key) error {
	return exception.DOM("NotSupportedError", fmt.Sprintf("Unrecognized or unsupported export of %q requested.", k.Algorithm.Name))
}

func jsSecretSize(c *bind.Call) (any, error) {
	k, err := key(c, 0)
	if err != nil {
		return nil, err
	}
	b, _ := k.Material().([]byte)
	return len(b), nil
}

// form reads format, type and passphrase, the arguments from the nth.
func form(c *bind.Call, n int) crypt.KeyForm {
	f := crypt.KeyForm{PEM: c.Arg(n).String() == "pem"}
	if isSet(c.Arg(n + 1)) {
		f.Type = c.Arg(n + 1).String()
	}
	if isSet(c.Arg(n + 2)) {
		f.Passphrase = copied(c, n+2)
	}
	return f
}

// createPrivate(bytes or JWK, format, type, passphrase)
func jsCreatePrivate(c *bind.Call) (any, error) {
	if c.Arg(1).String() == "jwk" {
		return fromJWK(c, true)
	}
	k, err := crypt.ParsePrivate(bytes(c, 0), form(c, 1))
	if err != nil {
		return nil, errorf("Failed to parse private key")
	}
	return generic(c, k, errorf("Failed to parse private key"))
}

// generic makes the CryptoKey of a key that was read; otherwise is the error for one
// that is of no use here.
func generic(c *bind.Call, k any, otherwise error) (any, error) {
	if crypto.GenericName(k) == "" || !usable(k) {
		return nil, otherwise
	}
	return crypto.NewGeneric(k).Object(c.JS()), nil
}

// maxRSABits is the largest modulus of a key that is read or made, as in workerd.
const maxRSABits = 16384

func usable(k any) bool {
	public, ok := crypt.PublicOf(k).(*rsa.PublicKey)
	return !ok || public.N.BitLen() <= maxRSABits
}

// createPublic(bytes, JWK or private CryptoKey, format, type, passphrase)
func jsCreatePublic(c *bind.Call) (any, error) {
	if k, ok := crypto.KeyClass.Unwrap(c.JS(), c.Arg(0)); ok {
		return generic(c, crypt.PublicOf(k.Material()), errorf("Failed to derive public key from private key"))
	}
	if c.Arg(1).String() == "jwk" {
		return fromJWK(c, false)
	}
	f := form(c, 1)
	k, err := crypt.ParsePublic(bytes(c, 0), f)
	if err != nil {
		// A private key has the public one in it.
		if k, err = crypt.ParsePrivate(bytes(c, 0), f); err != nil {
			return nil, errorf("Failed to parse public key")
		}
		k = crypt.PublicOf(k)
	}
	return generic(c, k, errorf("Failed to parse public key"))
}

func fromJWK(c *bind.Call, private bool) (any, error) {
	j, err := crypto.ReadJWK(c, c.Arg(0).(*goja.Object))
	if err != nil {
		return nil, err
	}
	k, err := crypto.FromJWK(j, private, random(c.JS()))
	if err != nil {
		return nil, err
	}
	return generic(c, k, errorf("JWK key import is not implemented for this key type"))
}

// exportKey(key, format, type, cipher, passphrase): a text, an ArrayBuffer or a JWK.
func jsExportKey(c *bind.Call) (any, error) {
	k, err := key(c, 0)
	if err != nil {
		return nil, err
	}
	if !k.Extractable {
		return nil, exception.TypeErrorf("Unable to export non-extractable key")
	}
	format := c.Arg(1).String()
	if b, ok := secret(k); ok {
		switch format {
		case "jwk":
			obj, err := k.ExportJWK(c.JS())
			if err != nil {
				return nil, err
			}
			return obj, obj.DefineDataProperty("ext", c.Value(true), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
		case "buffer":
			return buffer(c.JS(), append([]byte(nil), b...))
		}
		return nil, exception.TypeErrorf("Invalid format for secret key export: %s", format)
	}
	if format == "jwk" {
		return k.ExportJWK(c.JS())
	}
	if !isSet(c.Arg(2)) {
		return nil, exception.TypeErrorf("Missing type option")
	}
	if format != "pem" && format != "der" {
		return nil, errorf("Invalid key format")
	}
	f := crypt.KeyForm{PEM: format == "pem", Type: c.Arg(2).String()}
	name := crypto.GenericName(k.Material())
	switch {
	case f.Type != "pkcs1" && f.Type != "pkcs8" && f.Type != "sec1" && f.Type != "spki":
		return nil, errorf("Invalid key encoding")
	case f.Type == "pkcs1" && name != "rsa":
		return nil, errorf("PKCS1 can only be used for RSA keys")
	case f.Type == "sec1" && name != "ec":
		return nil, errorf("SEC1 can only be used for EC keys")
	}
	var out []byte
	if k.Type == crypto.Public {
		out, err = crypt.MarshalPublic(k.Material(), f)
	} else {
		if isSet(c.Arg(3)) {
			f.Cipher = c.Arg(3).String()
			if crypt.CipherNamed(f.Cipher) == nil {
				return nil, errorf("Unknown cipher: %s", f.Cipher)
			}
			f.Passphrase = copied(c, 4)
		}
		out, err = crypt.MarshalPrivate(k.Material(), f, random(c.JS()))
	}
	if err != nil {
		return nil, errorf("Failed to export key")
	}
	if f.PEM {
		return string(out), nil
	}
	return buffer(c.JS(), out)
}

func jsEquals(c *bind.Call) (any, error) {
	a, err := key(c, 0)
	if err != nil {
		return nil, err
	}
	b, err := key(c, 1)
	if err != nil {
		return nil, err
	}
	return a.Equal(b), nil
}

// type(key) is asymmetricKeyType.
func jsKeyType(c *bind.Call) (any, error) {
	k, err := key(c, 0)
	if err != nil {
		return nil, err
	}
	return crypto.GenericName(k.Material()), nil
}

// opensslCurves are the curves as OpenSSL names them.
var opensslCurves = map[string]elliptic.Curve{
	"secp224r1": elliptic.P224(), "prime256v1": elliptic.P256(), "secp384r1": elliptic.P384(), "secp521r1": elliptic.P521(),
}

// curveNamed finds a curve by OpenSSL's or by NIST's name.
func curveNamed(name string) elliptic.Curve {
	if c := opensslCurves[name]; c != nil {
		return c
	}
	for _, c := range opensslCurves {
		if c.Params().Name == name {
			return c
		}
	}
	return nil
}

// details(key) is asymmetricKeyDetails.
func jsDetails(c *bind.Call) (any, error) {
	k, err := key(c, 0)
	if err != nil {
		return nil, err
	}
	obj := c.JS().Runtime().NewObject()
	put := func(name string, v any) {
		_ = obj.DefineDataProperty(name, bind.Value(c.JS(), v), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
	}
	switch public := crypt.PublicOf(k.Material()).(type) {
	case *rsa.PublicKey:
		put("modulusLength", public.N.BitLen())
		put("publicExponent", c.JS().Runtime().ToValue(big.NewInt(int64(public.E))))
	case *ecdsa.PublicKey:
		for name, curve := range opensslCurves {
			if curve == public.Curve {
				put("namedCurve", name)
			}
		}
	case *crypt.DSA:
		put("modulusLength", public.P.BitLen())
		put("divisorLength", public.Q.BitLen())
	}
	return obj, nil
}

// generate(type, modulusLength or namedCurve, publicExponent, async) makes an array of
// the public and the private CryptoKey.
func jsGenerate(c *bind.Call) (any, error) {
	async := c.Arg(3).ToBoolean()
	pair := func(js *isolate.JS, k any) (goja.Value, error) {
		return bind.Value(js, []any{crypto.NewGeneric(crypt.PublicOf(k)).Object(js), crypto.NewGeneric(k).Object(js)}), nil
	}
	var made any
	switch kind := c.Arg(0).String(); kind {
	case "rsa":
		return generateRSA(c, async, pair)
	case "ec":
		curve := curveNamed(c.Arg(1).String())
		if curve == nil {
			return nil, errorf("Invalid or unsupported curve")
		}
		made = crypto.GenerateEC(curve, random(c.JS()))
	default:
		k, err := crypto.GenerateOKP(kind == "x25519", random(c.JS()))
		if err != nil {
			return nil, errorf("Failed to generate key")
		}
		made = k
	}
	v, err := pair(c.JS(), made)
	if err != nil || !async {
		return v, err
	}
	return c.JS().Resolved(v), nil
}

func generateRSA(c *bind.Call, async bool, pair func(*isolate.JS, any) (goja.Value, error)) (any, error) {
	bits, exponent := int(c.Arg(1).ToInteger()), int(c.Arg(2).ToInteger())
	if bits > maxRSABits {
		return nil, exception.RangeErrorf("RSA modulusLength exceeds maximum (%d)", maxRSABits)
	}
	// BoringSSL makes keys of whole 128 bits, from 512 on, with exponents that fit.
	bits -= bits % 128
	if bits < 512 || exponent < 3 || exponent%2 == 0 || exponent >= 1<<31 {
		return nil, errorf("Failed to generate key")
	}
	r := random(c.JS())
	work := func(stop crypt.Stop) (*rsa.PrivateKey, error) { return crypt.GenerateRSA(bits, exponent, r, stop) }
	conv := func(js *isolate.JS, k *rsa.PrivateKey) (goja.Value, error) { return pair(js, k) }
	if async {
		return crypto.Long(c.JS(), work, conv)
	}
	k, err := work(crypto.Stopper(c.JS()))
	if err != nil {
		return nil, err
	}
	return conv(c.JS(), k)
}
