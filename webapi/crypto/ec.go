package crypto

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"workerd.local/exception"
	"workerd.local/internal/crypt"
)

var ecFamily = family{importKey: importEC, generate: generateEC}

// ecKey is a key of ECDSA or ECDH.
type ecKey struct {
	curve   elliptic.Curve
	public  *ecdsa.PublicKey
	private *ecdsa.PrivateKey // nil for a public key
}

func ecFrom(goKey any) (*ecKey, bool) {
	switch k := goKey.(type) {
	case *ecdsa.PrivateKey:
		return &ecKey{k.Curve, &k.PublicKey, k}, true
	case *ecdsa.PublicKey:
		return &ecKey{k.Curve, k, nil}, true
	}
	return nil, false
}

var curves = []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()}

func curveOf(p *Params) (elliptic.Curve, error) {
	if p.NamedCurve == nil {
		return nil, missing("namedCurve", inAlgorithm)
	}
	for _, c := range curves {
		if strings.EqualFold(c.Params().Name, *p.NamedCurve) {
			return c, nil
		}
	}
	return nil, exception.DOM("NotSupportedError", fmt.Sprintf("Unrecognized or unimplemented EC curve %q requested.", *p.NamedCurve))
}

func curveBytes(c elliptic.Curve) int { return (c.Params().BitSize + 7) / 8 }

// GenerateEC makes a key from random bytes: Go's own functions ask the system.
func GenerateEC(c elliptic.Curve, random crypt.Random) *ecdsa.PrivateKey {
	b := make([]byte, curveBytes(c))
	for {
		random(b)
		if rest := c.Params().BitSize % 8; rest != 0 {
			b[0] &= 1<<rest - 1
		}
		// It refuses what is not a number from 1 to below the order of the curve.
		if k, err := ecdsa.ParseRawPrivateKey(c, b); err == nil {
			return k
		}
	}
}

func ecUsages(name string) Usages {
	if name == "ECDH" {
		return deriving
	}
	return signing
}

func generateEC(r *generateRequest) (*generation, error) {
	u, err := usagesOf(r.name, toGenerate, r.usages, ecUsages(r.name))
	if err != nil {
		return nil, err
	}
	curve, err := curveOf(r.params)
	if err != nil {
		return nil, err
	}
	k := GenerateEC(curve, r.random)
	a := Algorithm{Name: r.name, NamedCurve: curve.Params().Name}
	return ready(r.pair(a, &ecKey{curve, &k.PublicKey, k}, &ecKey{curve, &k.PublicKey, nil}, u)), nil
}

func importEC(r *ImportRequest) (*Key, error) {
	curve, err := curveOf(r.Params)
	if err != nil {
		return nil, err
	}
	a := Algorithm{Name: r.name, NamedCurve: curve.Params().Name}
	if r.Format == "raw" {
		allowed := Verify
		if r.name == "ECDH" {
			allowed = 0
			if r.flags.Lenient {
				allowed = deriving
			}
		}
		u, err := usagesOf(r.name, toImportPublic, r.Usages, allowed)
		if err != nil {
			return nil, err
		}
		public, err := ParsePoint(curve, r.Data)
		if err != nil {
			return nil, dataError("Failed to import raw EC key data" + err.Error() + ".")
		}
		return &Key{Type: Public, Extractable: r.Extractable, Usages: u, Algorithm: a, material: &ecKey{curve, public, nil}}, nil
	}
	goKey, t, u, err := r.asymmetric(ecUsages(r.name), func(j *JWK) (any, error) { return ecFromJWK(r.name, curve, j) })
	if err != nil {
		return nil, err
	}
	k, ok := ecFrom(goKey)
	if !ok {
		if r.name == "ECDH" {
			return nil, dataError("Input was not an EC public key nor a DH key.")
		}
		return nil, dataError("Input was not an EC key.")
	}
	if k.curve != curve {
		comma := ""
		if r.name == "ECDH" {
			comma = ","
		}
		return nil, dataError(fmt.Sprintf("\"algorithm.namedCurve\" %q%s does not match the curve specified by the input key data.", *r.Params.NamedCurve, comma))
	}
	return &Key{Type: t, Extractable: r.Extractable, Usages: u, Algorithm: a, material: k}, nil
}

// What is wrong with a point, as it follows a text.
var (
	errPointEncoding = errors.New(": Invalid point encoding.")
	errPointOffCurve = errors.New(": Point is not on curve.")
	errPoint         = errors.New("")
)

// ParsePoint reads a point, compressed or not (SEC 1, 2.3.4).
func ParsePoint(curve elliptic.Curve, b []byte) (*ecdsa.PublicKey, error) {
	n := curveBytes(curve)
	switch {
	case len(b) == 0:
		return nil, errPoint
	case b[0] == 4 && len(b) == 1+2*n:
		k, err := ecdsa.ParseUncompressedPublicKey(curve, b)
		if err != nil {
			return nil, errPointOffCurve
		}
		return k, nil
	case (b[0] == 2 || b[0] == 3) && len(b) == 1+n:
		x, y := elliptic.UnmarshalCompressed(curve, b)
		if x == nil {
			return nil, errPoint
		}
		return fromCoordinates(curve, x, y)
	}
	return nil, errPointEncoding
}

func fromCoordinates(curve elliptic.Curve, x, y *big.Int) (*ecdsa.PublicKey, error) {
	n := curveBytes(curve)
	if x.BitLen() > 8*n || y.BitLen() > 8*n {
		return nil, errPointOffCurve
	}
	b := make([]byte, 1+2*n)
	b[0] = 4
	x.FillBytes(b[1 : 1+n])
	y.FillBytes(b[1+n:])
	k, err := ecdsa.ParseUncompressedPublicKey(curve, b)
	if err != nil {
		return nil, errPointOffCurve
	}
	return k, nil
}

var ecAlgs = map[string]string{"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}

const invalidEC = "Invalid EC key in JSON Web Key; missing %q."

func ecFromJWK(name string, curve elliptic.Curve, j *JWK) (any, error) {
	if j.Kty != "EC" {
		return nil, dataError(fmt.Sprintf("Elliptic curve \"jwk\" key import requires a JSON Web Key with Key Type parameter \"kty\" (%q) equal to \"EC\".", j.Kty))
	}
	if name == "ECDSA" && j.Alg != nil {
		c, ok := ecAlgs[*j.Alg]
		if !ok {
			return nil, unknownAlg(*j.Alg)
		}
		if c != curve.Params().Name {
			return nil, dataError(fmt.Sprintf("JSON Web Key Algorithm parameter \"alg\" (%q) does not match requested curve.", *j.Alg))
		}
	}
	x, ok := number(j.X)
	if !ok {
		return nil, dataError(fmt.Sprintf(invalidEC, "x"))
	}
	y, ok := number(j.Y)
	if !ok {
		return nil, dataError(fmt.Sprintf(invalidEC, "y"))
	}
	public, err := fromCoordinates(curve, x, y)
	if err != nil {
		return nil, operationError("Invalid EC key; public key coordinates \"x\" and \"y\" are invalid%s.", err)
	}
	if j.D == nil {
		return public, nil
	}
	d, ok := number(j.D)
	if !ok {
		return nil, dataError("Invalid EC key in JSON Web Key; missing or invalid private key component (\"d\").")
	}
	if d.BitLen() > 8*curveBytes(curve) {
		return nil, operationError("Invalid EC key; private key component \"d\" is invalid.")
	}
	private, err := ecdsa.ParseRawPrivateKey(curve, d.FillBytes(make([]byte, curveBytes(curve))))
	if err != nil || !private.PublicKey.Equal(public) {
		return nil, operationError("Invalid EC key; private key component \"d\" is invalid.")
	}
	return private, nil
}

func (m *ecKey) export(k *Key, format string) (any, error) {
	switch format {
	case "raw", "raw-public":
		if k.Type != Public {
			return nil, exception.DOM("InvalidAccessError", "Raw export of elliptic curve keys is only allowed for public keys.")
		}
		return m.public.Bytes()
	case "jwk":
		return ECToJWK(m.public, m.private)
	}
	if m.private != nil {
		return k.exportDER(m.private, format)
	}
	return k.exportDER(m.public, format)
}

// ECToJWK is the key; private is nil for a public one.
func ECToJWK(public *ecdsa.PublicKey, private *ecdsa.PrivateKey) (*JWK, error) {
	point, err := public.Bytes()
	if err != nil {
		return nil, operationError("Public key export failed.")
	}
	n := (len(point) - 1) / 2
	j := &JWK{Kty: "EC", Crv: text(public.Curve.Params().Name), X: base64Text(point[1 : 1+n]), Y: base64Text(point[1+n:])}
	if private != nil {
		d, err := private.Bytes()
		if err != nil {
			return nil, operationError("Private key export failed.")
		}
		j.D = base64Text(d)
	}
	return j, nil
}

// callHash is the hash of a signature, which ECDSA wants with each call.
func (m *ecKey) callHash(k *Key, p *Params) (*digest, error) {
	if k.Algorithm.Name != "ECDSA" {
		return nil, exception.DOM("NotSupportedError", fmt.Sprintf("The sign and verify operations are not implemented for %q.", k.Algorithm.Name))
	}
	if p.Hash == nil {
		return nil, exception.TypeErrorf("Missing \"hash\" in AlgorithmIdentifier. (ECDSA requires that the hash algorithm be specified at call time rather than on the key. This differs from other WebCrypto algorithms for historical reasons.)")
	}
	d, err := digestNamed(*p.Hash)
	if err == nil && d.name == "MD5" {
		err = errUnknownDigest
	}
	return d, err
}

// sign makes the signature from the key and the data alone (RFC 6979): no random
// number can give the key away.
func (m *ecKey) sign(k *Key, _ crypt.Random, p *Params, data []byte) ([]byte, error) {
	if m.private == nil {
		return nil, errNeedsPrivate
	}
	d, err := m.callHash(k, p)
	if err != nil {
		return nil, err
	}
	der, err := m.private.Sign(nil, digestOf(d.hash, data), d.hash)
	if err != nil {
		return nil, operationError("ECDSA operation failed.")
	}
	return crypt.ECDSAToRaw(der, curveBytes(m.curve))
}

func (m *ecKey) verify(k *Key, p *Params, signature, data []byte) (bool, error) {
	if m.private != nil {
		return false, errNeedsPublic
	}
	d, err := m.callHash(k, p)
	if err != nil {
		return false, err
	}
	der, err := crypt.ECDSAFromRaw(signature, curveBytes(m.curve))
	return err == nil && ecdsa.VerifyASN1(m.public, digestOf(d.hash, data), der), nil
}

func (m *ecKey) derive(k *Key, p *Params, length *int) (*derivation, error) {
	if k.Algorithm.Name != "ECDH" {
		return nil, k.notImplemented("deriveBits")
	}
	peer, err := k.peer(p)
	if err != nil {
		return nil, err
	}
	other, ok := peer.material.(*ecKey)
	if !ok {
		return nil, k.wrongPeer(peer)
	}
	if peer.Algorithm.Name != k.Algorithm.Name {
		return nil, k.otherAlgorithm(peer)
	}
	if m.curve != other.curve {
		return nil, exception.DOM("InvalidAccessError", fmt.Sprintf("Private key for derivation is using curve %q while public key is using %q.", k.Algorithm.NamedCurve, peer.Algorithm.NamedCurve))
	}
	n := curveBytes(m.curve)
	if length != nil && *length > 8*n {
		return nil, tooLong(*length, n)
	}
	secret, err := crypt.ECDH(m.private, other.public)
	if err != nil {
		return nil, operationError("Failed to generate shared ECDH secret.")
	}
	return &derivation{bits: firstBits(secret, length)}, nil
}
