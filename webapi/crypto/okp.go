package crypto

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/x509"
	"fmt"

	"workerd.local/exception"
	"workerd.local/internal/crypt"
)

var okpFamily = family{importKey: importOKP, generate: generateOKP}

// okpKey is a key of curve 25519: 32 bytes, and 32 more for a private one.
type okpKey struct {
	x       bool // X25519
	public  []byte
	private []byte // nil for a public key
}

const okpSize = 32

func okpAllowed(name string) Usages {
	if name == "X25519" {
		return deriving
	}
	return signing
}

func okpAlgorithm(name string) Algorithm {
	a := Algorithm{Name: name}
	if name == "NODE-ED25519" {
		a.NamedCurve = name
	}
	return a
}

func checkNodeCurve(name string, p *Params) error {
	switch {
	case name != "NODE-ED25519":
		return nil
	case p.NamedCurve == nil:
		return missing("namedCurve", inAlgorithm)
	case *p.NamedCurve != name:
		return exception.DOM("NotSupportedError", fmt.Sprintf("EDDSA curve %q isn't supported.", *p.NamedCurve))
	}
	return nil
}

func newOKP(x bool, private []byte) (*okpKey, error) {
	o := &okpKey{x: x, private: private}
	if x {
		k, err := ecdh.X25519().NewPrivateKey(private)
		if err != nil {
			return nil, err
		}
		o.public = k.PublicKey().Bytes()
	} else {
		o.public = ed25519.NewKeyFromSeed(private)[okpSize:]
	}
	return o, nil
}

func (o *okpKey) publicHalf() *okpKey { return &okpKey{x: o.x, public: o.public} }

// goKey is the key of Go's library.
func (o *okpKey) goKey() any {
	switch {
	case !o.x && o.private != nil:
		return ed25519.NewKeyFromSeed(o.private)
	case !o.x:
		return ed25519.PublicKey(o.public)
	case o.private != nil:
		// The sizes are right: these functions check nothing else.
		k, _ := ecdh.X25519().NewPrivateKey(o.private)
		return k
	}
	k, _ := ecdh.X25519().NewPublicKey(o.public)
	return k
}

// okpFrom is the inverse of goKey; ok is false for a key of another kind.
func okpFrom(k any) (o *okpKey, ok bool) {
	switch k := k.(type) {
	case ed25519.PrivateKey:
		return &okpKey{private: k.Seed(), public: k[okpSize:]}, true
	case ed25519.PublicKey:
		return &okpKey{public: k}, true
	case *ecdh.PrivateKey:
		return &okpKey{x: true, private: k.Bytes(), public: k.PublicKey().Bytes()}, k.Curve() == ecdh.X25519()
	case *ecdh.PublicKey:
		return &okpKey{x: true, public: k.Bytes()}, k.Curve() == ecdh.X25519()
	}
	return nil, false
}

func generateOKP(r *generateRequest) (*generation, error) {
	u, err := usagesOf(r.name, toGenerate, r.usages, okpAllowed(r.name))
	if err != nil {
		return nil, err
	}
	if err := checkNodeCurve(r.name, r.params); err != nil {
		return nil, err
	}
	seed := make([]byte, okpSize)
	r.random(seed)
	private, err := newOKP(r.name == "X25519", seed)
	if err != nil {
		return nil, err
	}
	return ready(r.pair(okpAlgorithm(r.name), private, private.publicHalf(), u)), nil
}

func importOKP(r *ImportRequest) (*Key, error) {
	if err := checkNodeCurve(r.name, r.Params); err != nil {
		return nil, err
	}
	if r.Format == "raw" {
		allowed := okpAllowed(r.name) & publicUsages
		u, err := usagesOf(r.name, toImportPublic, r.Usages, allowed)
		if err != nil {
			return nil, err
		}
		curve := okpCurve(r.name)
		if len(r.Data) != okpSize {
			return nil, dataError(fmt.Sprintf("%s raw keys must be exactly 32-bytes (provided %d).", curve, len(r.Data)))
		}
		o := &okpKey{x: r.name == "X25519", public: r.Data}
		return &Key{Type: Public, Extractable: r.Extractable, Usages: u, Algorithm: okpAlgorithm(r.name), material: o}, nil
	}
	goKey, t, u, err := r.asymmetric(okpAllowed(r.name), func(j *JWK) (any, error) { return okpFromJWK(j, okpCurve(r.name)) })
	if err != nil {
		return nil, err
	}
	o, ok := goKey.(*okpKey)
	if !ok {
		o, ok = okpFrom(goKey)
	}
	if !ok || o.x != (r.name == "X25519") {
		return nil, dataError(fmt.Sprintf("Input was not an %s key.", okpCurve(r.name)))
	}
	return &Key{Type: t, Extractable: r.Extractable, Usages: u, Algorithm: okpAlgorithm(r.name), material: o}, nil
}

func okpCurve(name string) string {
	if name == "X25519" {
		return name
	}
	return "Ed25519"
}

func okpFromJWK(j *JWK, curve string) (any, error) {
	if j.Kty != "OKP" {
		return nil, dataError(fmt.Sprintf("%s \"jwk\" key imports requires a JSON Web Key with Key Type parameter \"kty\" (%q) equal to \"OKP\".", curve, j.Kty))
	}
	if j.Crv == nil {
		return nil, dataError(fmt.Sprintf("Missing field \"crv\" for %s key.", curve))
	}
	if *j.Crv != curve {
		return nil, exception.DOM("NotSupportedError", fmt.Sprintf("Only %s is supported but %q was requested.", curve, *j.Crv))
	}
	if curve == "Ed25519" && j.Alg != nil && *j.Alg != "EdDSA" && *j.Alg != curve {
		return nil, dataError(fmt.Sprintf("JSON Web Key Algorithm parameter \"alg\" (%q) does not match requested Ed25519 curve.", *j.Alg))
	}
	x, ok := decodeText(j.X)
	if !ok {
		return nil, dataError(fmt.Sprintf("Invalid %s key in JSON WebKey; missing or invalid public key component (\"x\").", curve))
	}
	if len(x) != okpSize {
		return nil, dataError(fmt.Sprintf("Invalid length %d for public key", len(x)))
	}
	if j.D == nil {
		return &okpKey{x: curve == "X25519", public: x}, nil
	}
	d, ok := decodeText(j.D)
	if !ok {
		return nil, dataError(fmt.Sprintf("Invalid %s key in JSON Web Key; missing or invalid private key component (\"d\").", curve))
	}
	if len(d) != okpSize {
		return nil, dataError(fmt.Sprintf("Invalid length %d for private key", len(d)))
	}
	return newOKP(curve == "X25519", d)
}

func (o *okpKey) export(k *Key, format string) (any, error) {
	switch format {
	case "raw", "raw-public":
		if k.Type != Public {
			return nil, exception.DOM("InvalidAccessError", fmt.Sprintf("Raw export of %s keys is only allowed for public keys.", k.Algorithm.Name))
		}
		return append([]byte(nil), o.public...), nil
	case "jwk":
		j := &JWK{Kty: "OKP", Crv: text(okpCurve(k.Algorithm.Name)), X: base64Text(o.public)}
		if k.Algorithm.Name == "Ed25519" {
			j.Alg = text("EdDSA")
		}
		if o.private != nil {
			j.D = base64Text(o.private)
		}
		return j, nil
	}
	return k.exportDER(o.goKey(), format)
}

func (o *okpKey) sign(k *Key, _ crypt.Random, _ *Params, data []byte) ([]byte, error) {
	if o.private == nil {
		return nil, errNeedsPrivate
	}
	return ed25519.Sign(ed25519.NewKeyFromSeed(o.private), data), nil
}

func (o *okpKey) verify(k *Key, _ *Params, signature, data []byte) (bool, error) {
	if o.private != nil {
		return false, errNeedsPublic
	}
	if len(signature) != ed25519.SignatureSize {
		return false, operationError("Invalid %s signature length %d", k.Algorithm.Name, len(signature))
	}
	return ed25519.Verify(o.public, data, signature), nil
}

var (
	errNeedsPrivate = exception.DOM("InvalidAccessError", "Asymmetric signing requires a private key.")
	errNeedsPublic  = exception.DOM("InvalidAccessError", "Asymmetric verification requires a public key.")
)

func (o *okpKey) derive(k *Key, p *Params, length *int) (*derivation, error) {
	if !o.x {
		return nil, k.notImplemented("deriveBits")
	}
	peer, err := k.peer(p)
	if err != nil {
		return nil, err
	}
	other, ok := peer.material.(*okpKey)
	if !ok {
		return nil, k.wrongPeer(peer)
	}
	if k.Algorithm.Name != peer.Algorithm.Name {
		return nil, k.otherAlgorithm(peer)
	}
	if length != nil && *length > 8*okpSize {
		return nil, tooLong(*length, okpSize)
	}
	secret, err := o.goKey().(*ecdh.PrivateKey).ECDH(other.goKey().(*ecdh.PublicKey))
	if err != nil {
		return nil, operationError("Failed to derive EDDH key: public key routines INVALID_PEER_KEY.")
	}
	return &derivation{bits: firstBits(secret, length)}, nil
}

// peer is the public key of the other side, and checks that k is a private one.
func (k *Key) peer(p *Params) (*Key, error) {
	switch {
	case k.Type != Private:
		return nil, exception.DOM("InvalidAccessError", fmt.Sprintf("The deriveBits operation is only valid for a private key, not %q.", string(k.Type)))
	case p.Public == nil:
		return nil, missing("public", inDerived)
	case p.Public.Type != Public:
		return nil, exception.DOM("InvalidAccessError", fmt.Sprintf("The provided key has type %q, not \"public\"", string(p.Public.Type)))
	}
	return p.Public, nil
}

func (k *Key) wrongPeer(peer *Key) error {
	return exception.DOM("InvalidAccessError", fmt.Sprintf("Base %s private key cannot be used to derive a key from a peer %s public key", k.Algorithm.Name, peer.Algorithm.Name))
}

func (k *Key) otherAlgorithm(peer *Key) error {
	return exception.DOM("InvalidAccessError", fmt.Sprintf("Private key for derivation is using %q while public key is using %q.", k.Algorithm.Name, peer.Algorithm.Name))
}

func tooLong(bits, bytes int) error {
	return operationError("Derived key length (%d bits) is too long (should be at most %d bits).", bits, 8*bytes)
}

// firstBits are the first bits of secret; the rest of the last byte is zero.
func firstBits(secret []byte, length *int) []byte {
	if length == nil {
		return secret
	}
	out := secret[:(*length+7)/8]
	clearTrailing(out, *length)
	return out
}

// exportDER is the key as SubjectPublicKeyInfo or PKCS #8; other formats are refused.
func (k *Key) exportDER(goKey any, format string) (any, error) {
	switch format {
	case "pkcs8":
		if k.Type != Private {
			return nil, exception.DOM("InvalidAccessError", fmt.Sprintf("Asymmetric pkcs8 export requires private key (not %q).", string(k.Type)))
		}
		der, err := x509.MarshalPKCS8PrivateKey(goKey)
		if err != nil {
			return nil, operationError("Private key export failed.")
		}
		return der, nil
	case "spki":
		if k.Type != Public {
			return nil, exception.DOM("InvalidAccessError", fmt.Sprintf("Asymmetric spki export requires public key (not %q).", string(k.Type)))
		}
		der, err := x509.MarshalPKIXPublicKey(goKey)
		if err != nil {
			return nil, operationError("Public key export failed.")
		}
		return der, nil
	}
	return nil, exception.DOM("InvalidAccessError", fmt.Sprintf("Cannot export %q in %q format.", k.Algorithm.Name, format))
}

// GenerateOKP makes a private key of Go's library for X25519 or Ed25519.
func GenerateOKP(x bool, random crypt.Random) (any, error) {
	seed := make([]byte, okpSize)
	random(seed)
	o, err := newOKP(x, seed)
	if err != nil {
		return nil, err
	}
	return o.goKey(), nil
}
