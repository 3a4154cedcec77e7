package crypto

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/subtle"

	"workerd.local/exception"
	"workerd.local/internal/crypt"
)

// genericKey is a key of no WebCrypto algorithm: what node's KeyObjects hold. Its
// Material is the key of Go's library, or the bytes of a secret.
type genericKey struct{ key any }

// NewSecret makes a key of any bytes, which it owns.
func NewSecret(b []byte) *Key {
	return &Key{Type: Secret, Extractable: true, Usages: privateUsages | publicUsages,
		Algorithm: Algorithm{Name: "secret", Length: len(b)}, material: genericKey{b}}
}

// NewGeneric makes a key of one of Go's library, or of a *crypt.DSA.
func NewGeneric(goKey any) *Key {
	k := &Key{Type: Public, Extractable: true, Usages: privateUsages, material: genericKey{goKey}}
	if crypt.IsPrivate(goKey) {
		k.Type = Private
	}
	k.Algorithm.Name = GenericName(goKey)
	return k
}

// GenericName is what node calls the type of an asymmetric key.
func GenericName(goKey any) string {
	switch goKey.(type) {
	case *rsa.PublicKey, *rsa.PrivateKey:
		return "rsa"
	case *ecdsa.PublicKey, *ecdsa.PrivateKey:
		return "ec"
	case ed25519.PublicKey, ed25519.PrivateKey:
		return "ed25519"
	case *ecdh.PublicKey, *ecdh.PrivateKey:
		return "x25519"
	case *crypt.DSA:
		return "dsa"
	}
	return ""
}

var errNoJWK = exception.Errorf("Key type is invalid for JWK export")

func (g genericKey) export(_ *Key, format string) (any, error) {
	if b, ok := g.key.([]byte); ok {
		switch format {
		case "raw":
			return append([]byte(nil), b...), nil
		case "jwk":
			return &JWK{Kty: "oct", K: base64Text(b)}, nil
		}
		return nil, exception.DOM("NotSupportedError", "secret key only supports exporting \"raw\" & \"jwk\", not \""+format+"\".")
	}
	if format == "jwk" {
		return ToJWK(g.key)
	}
	form := crypt.KeyForm{Type: "pkcs8"}
	if !crypt.IsPrivate(g.key) {
		form.Type = "spki"
	}
	var out []byte
	var err error
	if form.Type == "spki" {
		out, err = crypt.MarshalPublic(g.key, form)
	} else {
		out, err = crypt.MarshalPrivate(g.key, form, nil)
	}
	if err != nil {
		return nil, exception.Errorf("Failed to export key")
	}
	return out, nil
}

// ToJWK is the key as a JWK without alg, use, key_ops and ext.
func ToJWK(goKey any) (*JWK, error) {
	switch k := goKey.(type) {
	case *rsa.PublicKey:
		return RSAToJWK(k, nil), nil
	case *rsa.PrivateKey:
		return RSAToJWK(&k.PublicKey, k), nil
	case *ecdsa.PublicKey:
		return ECToJWK(k, nil)
	case *ecdsa.PrivateKey:
		return ECToJWK(&k.PublicKey, k)
	}
	o, ok := okpFrom(goKey)
	if !ok {
		return nil, errNoJWK
	}
	name := okpCurve("Ed25519")
	if o.x {
		name = "X25519"
	}
	j := &JWK{Kty: "OKP", Crv: &name, X: base64Text(o.public)}
	if !o.x {
		j.Alg = text("EdDSA")
	}
	if o.private != nil {
		j.D = base64Text(o.private)
	}
	return j, nil
}

// FromJWK is the key of Go's library that a JWK stands for, the public one where only
// that is wanted. Errors are node's.
func FromJWK(j *JWK, private bool, random crypt.Random) (any, error) {
	if !private {
		public := *j
		public.D, public.P, public.Q, public.DP, public.DQ, public.QI = nil, nil, nil, nil, nil, nil
		j = &public
	}
	needed := func(kind string, pairs ...any) error {
		for i := 0; i < len(pairs); i += 2 {
			name, value := pairs[i].(string), pairs[i+1].(*string)
			if value == nil {
				return exception.Errorf("%s JWK missing %s parameter", kind, name)
			}
			if _, ok := decodeText(value); !ok {
				return exception.Errorf("%s JWK invalid %s parameter", kind, name)
			}
		}
		return nil
	}
	half := "public"
	if private {
		half = "private"
	}
	var key any
	var err error
	switch j.Kty {
	case "RSA":
		if err = needed(j.Kty, "n", j.N, "e", j.E); err == nil && private {
			err = needed(j.Kty, "d", j.D, "p", j.P, "q", j.Q, "dp", j.DP, "dq", j.DQ, "qi", j.QI)
		}
		if err != nil {
			return nil, err
		}
		key, err = rsaFromJWK(j, random)
	case "EC":
		if j.Crv == nil {
			return nil, exception.Errorf("EC JWK missing crv parameter")
		}
		curve, curveErr := curveOf(&Params{NamedCurve: j.Crv})
		if curveErr != nil {
			return nil, exception.Errorf("EC JWK unsupported crv parameter")
		}
		if err = needed(j.Kty, "x", j.X, "y", j.Y); err == nil && private {
			err = needed(j.Kty, "d", j.D)
		}
		if err != nil {
			return nil, err
		}
		key, err = ecFromJWK("", curve, j)
	case "OKP":
		switch {
		case j.Crv == nil:
			return nil, exception.Errorf("OKP JWK missing crv parameter")
		case *j.Crv != "Ed25519" && *j.Crv != "X25519":
			return nil, exception.Errorf("OKP JWK unsupported crv parameter")
		case private:
			err = needed(j.Kty, "d", j.D)
		}
		if err == nil {
			err = needed(j.Kty, "x", j.X)
		}
		if err != nil {
			return nil, err
		}
		if key, err = okpFromJWK(j, *j.Crv); err == nil {
			key = key.(*okpKey).goKey()
		}
	default:
		return nil, exception.Errorf("JWK %s key import is not implemented for this key type", half)
	}
	if err != nil {
		return nil, exception.Errorf("%s JWK invalid %s key", j.Kty, half)
	}
	return key, nil
}

// Equal reports whether two keys are the same; keys that must not leave never are.
func (k *Key) Equal(other *Key) bool {
	if !k.Extractable || !other.Extractable || k.Type != other.Type {
		return false
	}
	a, b := k.Material(), other.Material()
	if secret, ok := a.([]byte); ok {
		s, ok := b.([]byte)
		return ok && len(s) == len(secret) && subtle.ConstantTimeCompare(s, secret) == 1
	}
	x, errX := k.material.export(k, "jwk")
	y, errY := other.material.export(other, "jwk")
	if errX != nil || errY != nil {
		form := crypt.KeyForm{Type: "spki"}
		p, errP := crypt.MarshalPublic(a, form)
		q, errQ := crypt.MarshalPublic(b, form)
		return errP == nil && errQ == nil && bytes.Equal(p, q)
	}
	p, q := x.(*JWK), y.(*JWK)
	same := func(a, b *string) bool {
		return (a == nil) == (b == nil) && (a == nil || subtle.ConstantTimeCompare([]byte(*a), []byte(*b)) == 1)
	}
	equal := p.Kty == q.Kty
	s, t := p.texts(), q.texts()
	for i := 1; i < len(s); i += 2 {
		equal = same(*s[i].(**string), *t[i].(**string)) && equal
	}
	return equal
}
