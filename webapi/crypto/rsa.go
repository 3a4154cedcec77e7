package crypto

import (
	"crypto"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"workerd.local/exception"
	"workerd.local/internal/crypt"
)

var rsaFamily = family{importKey: importRSA, generate: generateRSA}

// maxRSABits is the largest modulus: work with larger ones takes seconds.
const maxRSABits = 16384

// minRSABits is the smallest modulus.
const minRSABits = 256

// rsaKey is an RSA key with what its algorithm does.
type rsaKey struct {
	public  *rsa.PublicKey
	private *rsa.PrivateKey // nil for a public key
	hash    crypto.Hash     // 0 for RSA-RAW
}

func newRSA(goKey any, h crypto.Hash) (*rsaKey, error) {
	switch k := goKey.(type) {
	case *rsa.PrivateKey:
		return &rsaKey{public: &k.PublicKey, private: k, hash: h}, nil
	case *rsa.PublicKey:
		return &rsaKey{public: k, hash: h}, nil
	}
	return nil, dataError("Input was not an RSA key.")
}

func rsaUsages(name string) Usages {
	if name == "RSA-OAEP" {
		return Encrypt | Decrypt | WrapKey | UnwrapKey
	}
	return signing
}

// checkRSA refuses sizes and exponents.
func checkRSA(modulusBits int, exponent []byte, imported bool, f Flags) error {
	if modulusBits%8 != 0 || modulusBits < minRSABits || modulusBits > maxRSABits {
		return operationError("The modulus length must be a multiple of 8 and between 256 and 16k, but %d was requested.", modulusBits)
	}
	e := new(big.Int).SetBytes(exponent)
	if e.BitLen() > 32 {
		return operationError("The \"publicExponent\" must be either 3 or 65537, but got a number larger than 2^32.")
	}
	switch v := e.Uint64(); {
	case v == 3, v == 65537, imported && (v == 17 || v == 37 || f.Lenient):
	case imported:
		return operationError("Imported RSA key has invalid publicExponent %d.", v)
	default:
		return operationError("The \"publicExponent\" must be either 3 or 65537, but got %d.", v)
	}
	return nil
}

func generateRSA(r *generateRequest) (*generation, error) {
	p := r.params
	if p.PublicExponent == nil {
		return nil, missing("publicExponent", inAlgorithm)
	}
	if p.Hash == nil {
		return nil, missing("hash", inAlgorithm)
	}
	if p.ModulusLength == nil {
		return nil, missing("modulusLength", inAlgorithm)
	}
	bits := *p.ModulusLength
	if bits <= 0 {
		return nil, operationError("modulusLength must be greater than zero (requested %d).", bits)
	}
	d, err := digestNamed(*p.Hash)
	if err != nil {
		return nil, err
	}
	u, err := usagesOf(r.name, toGenerate, r.usages, rsaUsages(r.name))
	if err != nil {
		return nil, err
	}
	exponent := append([]byte(nil), *p.PublicExponent...)
	if err := checkRSA(bits, exponent, false, r.flags); err != nil {
		return nil, err
	}
	if bits%128 != 0 {
		if !r.flags.Lenient {
			return nil, operationError("Can't generate key: RSA key size is required to be a multiple of 128")
		}
		bits -= bits % 128
	}
	if bits < minGeneratedRSA {
		return nil, operationError("RSA key size is too small.")
	}
	if u&privateUsages == 0 {
		return nil, errNoPrivateUsages
	}
	a := Algorithm{Name: r.name, Hash: d.name, ModulusLength: *p.ModulusLength, PublicExponent: exponent}
	e := int(new(big.Int).SetBytes(exponent).Int64())
	return &generation{work: func(stop crypt.Stop) (*generated, error) {
		k, err := crypt.GenerateRSA(bits, e, r.random, stop)
		if err != nil {
			return nil, err
		}
		return r.pair(a, &rsaKey{public: &k.PublicKey, private: k, hash: d.hash}, &rsaKey{public: &k.PublicKey, hash: d.hash}, u), nil
	}}, nil
}

// minGeneratedRSA is the smallest key that is made.
const minGeneratedRSA = 512

// rsaAlgs are the hashes that alg of a JWK names.
var rsaAlgs = map[string]crypto.Hash{
	"RS1": crypto.SHA1, "RS256": crypto.SHA256, "RS384": crypto.SHA384, "RS512": crypto.SHA512,
	"PS1": crypto.SHA1, "PS256": crypto.SHA256, "PS384": crypto.SHA384, "PS512": crypto.SHA512,
	"RSA-OAEP": crypto.SHA1, "RSA-OAEP-256": crypto.SHA256, "RSA-OAEP-384": crypto.SHA384, "RSA-OAEP-512": crypto.SHA512,
}

func importRSA(r *ImportRequest) (*Key, error) {
	if r.Params.Hash == nil {
		return nil, missing("hash", inAlgorithm)
	}
	d, err := digestNamed(*r.Params.Hash)
	if err != nil {
		return nil, err
	}
	goKey, t, u, err := r.asymmetric(rsaUsages(r.name), func(j *JWK) (any, error) {
		if j.Kty != "RSA" {
			return nil, dataError(fmt.Sprintf("RSASSA-PKCS1-v1_5 \"jwk\" key import requires a JSON Web Key with Key Type parameter \"kty\" (%q) equal to \"RSA\".", j.Kty))
		}
		if j.Alg != nil {
			h, ok := rsaAlgs[*j.Alg]
			if !ok {
				return nil, unknownAlg(*j.Alg)
			}
			if h != d.hash {
				return nil, dataError(fmt.Sprintf("JSON Web Key Algorithm parameter \"alg\" (%q) does not match requested hash algorithm %q.", *j.Alg, *j.Alg))
			}
		}
		return rsaFromJWK(j, r.random)
	})
	if err != nil {
		return nil, err
	}
	return r.newRSA(goKey, t, u, d)
}

func unknownAlg(alg string) error {
	return exception.DOM("NotSupportedError", fmt.Sprintf("Unrecognized or unimplemented algorithm %q listed in JSON Web Key Algorithm parameter.", alg))
}

func (r *ImportRequest) newRSA(goKey any, t KeyType, u Usages, d *digest) (*Key, error) {
	k, err := newRSA(goKey, d.hash)
	if err != nil {
		return nil, err
	}
	exponent := big.NewInt(int64(k.public.E)).Bytes()
	bits := 8 * k.public.Size()
	if err := checkRSA(bits, exponent, true, r.flags); err != nil {
		return nil, err
	}
	return &Key{Type: t, Extractable: r.Extractable, Usages: u, material: k,
		Algorithm: Algorithm{Name: r.name, Hash: d.name, ModulusLength: bits, PublicExponent: exponent}}, nil
}

func importRSARaw(r *ImportRequest) (*Key, error) {
	goKey, t, u, err := r.asymmetric(signing, func(j *JWK) (any, error) {
		if j.Kty != "RSA" {
			return nil, dataError(fmt.Sprintf("RSA-RAW \"jwk\" key import requires a JSON Web Key with Key Type parameter \"kty\" (%q) equal to \"RSA\".", j.Kty))
		}
		if j.Alg != nil && !strings.HasPrefix(*j.Alg, "RS") || j.Alg != nil && rsaAlgs[*j.Alg] == 0 {
			return nil, unknownAlg(*j.Alg)
		}
		return rsaFromJWK(j, r.random)
	})
	if err != nil {
		return nil, err
	}
	if t != Private {
		return nil, dataError(fmt.Sprintf("RSA-RAW only supports private keys but requested %q.", string(t)))
	}
	return r.newRSA(goKey, t, u, &digest{})
}

const invalidRSA = "Invalid RSA key in JSON Web Key; "

func rsaFromJWK(j *JWK, random crypt.Random) (any, error) {
	n, ok := number(j.N)
	if !ok {
		return nil, dataError(invalidRSA + "missing or invalid Modulus parameter (\"n\").")
	}
	e, ok := number(j.E)
	if !ok {
		return nil, dataError(invalidRSA + "missing or invalid Exponent parameter (\"e\").")
	}
	// checkRSA says what is wrong with an exponent that Go has no type for.
	exponent := int(min(e.BitLen(), 33)) << 32
	if e.IsInt64() && e.BitLen() <= 32 {
		exponent = int(e.Int64())
	}
	public := rsa.PublicKey{N: n, E: exponent}
	if j.D == nil {
		return &public, nil
	}
	d, ok := number(j.D)
	if !ok {
		return nil, dataError(invalidRSA + "missing or invalid Private Exponent parameter (\"d\").")
	}
	crt := []struct {
		text *string
		name string
	}{{j.P, "First Prime Factor parameter (\"p\")"}, {j.Q, "Second Prime Factor parameter (\"q\")"},
		{j.DP, "First Factor CRT Exponent parameter (\"dp\")"}, {j.DQ, "Second Factor CRT Exponent parameter (\"dq\")"}, {j.QI, "First CRT Coefficient parameter (\"qi\")"}}
	var values []*big.Int
	for _, m := range crt {
		if m.text != nil {
			v, ok := number(m.text)
			if !ok {
				return nil, dataError(invalidRSA + "invalid " + m.name + ".")
			}
			values = append(values, v)
		}
	}
	k := &rsa.PrivateKey{PublicKey: public, D: d}
	switch len(values) {
	case 5:
		k.Primes = values[:2]
	case 0:
		if n.BitLen() > maxRSABits || n.BitLen() <= minRSABits-8 || exponent < 3 || e.BitLen() > 32 || d.Cmp(n) >= 0 {
			return k, nil // checkRSA says what is wrong
		}
		p, q, err := crypt.RecoverPrimes(n, exponent, d, random)
		if err != nil {
			return nil, dataError("Invalid RSA key in JSON Web Key.")
		}
		k.Primes = []*big.Int{p, q}
	default:
		return nil, dataError("Invalid RSA private key in JSON Web Key; if one Prime Factor or CRT Exponent/Coefficient parameter is present, then they must all be present (\"p\", \"q\", \"dp\", \"dq\", \"qi\").")
	}
	if n.BitLen() > maxRSABits || n.BitLen() <= minRSABits-8 || exponent < 3 || e.BitLen() > 32 {
		return k, nil
	}
	k.Precompute()
	if err := k.Validate(); err != nil {
		return nil, dataError("Invalid RSA key in JSON Web Key.")
	}
	if len(values) == 5 && (k.Precomputed.Dp.Cmp(values[2]) != 0 || k.Precomputed.Dq.Cmp(values[3]) != 0 || k.Precomputed.Qinv.Cmp(values[4]) != 0) {
		return nil, dataError("Invalid RSA key in JSON Web Key.")
	}
	return k, nil
}

func number(s *string) (*big.Int, bool) {
	b, ok := decodeText(s)
	return new(big.Int).SetBytes(b), ok
}

func (m *rsaKey) export(k *Key, format string) (any, error) {
	switch format {
	case "raw":
		return nil, exception.DOM("InvalidAccessError", fmt.Sprintf("Cannot export %q in \"raw\" format.", k.Algorithm.Name))
	case "jwk":
		return m.jwk(k)
	}
	if m.private != nil {
		return k.exportDER(m.private, format)
	}
	return k.exportDER(m.public, format)
}

func (m *rsaKey) jwk(k *Key) (*JWK, error) {
	size, sha := strings.CutPrefix(k.Algorithm.Hash, "SHA-")
	if !sha {
		return nil, exception.DOM("NotSupportedError", fmt.Sprintf("JWK export not supported for hash algorithm %q.", k.Algorithm.Hash))
	}
	var alg string
	switch {
	case k.Algorithm.Name == "RSA-PSS":
		alg = "PS" + size
	case k.Algorithm.Name != "RSA-OAEP":
		alg = "RS" + size
	case size == "1":
		alg = "RSA-OAEP"
	default:
		alg = "RSA-OAEP-" + size
	}
	j := RSAToJWK(m.public, m.private)
	j.Alg = &alg
	return j, nil
}

// RSAToJWK is the key without alg; private is nil for a public key.
func RSAToJWK(public *rsa.PublicKey, private *rsa.PrivateKey) *JWK {
	j := &JWK{Kty: "RSA", N: base64Text(public.N.Bytes()), E: base64Text(big.NewInt(int64(public.E)).Bytes())}
	if private != nil && len(private.Primes) == 2 && private.Precomputed.Dp != nil {
		p := private.Precomputed
		j.D = base64Text(private.D.Bytes())
		j.P, j.Q = base64Text(private.Primes[0].Bytes()), base64Text(private.Primes[1].Bytes())
		j.DP, j.DQ, j.QI = base64Text(p.Dp.Bytes()), base64Text(p.Dq.Bytes()), base64Text(p.Qinv.Bytes())
	}
	return j
}

func digestOf(h crypto.Hash, data []byte) []byte {
	hash := h.New()
	hash.Write(data)
	return hash.Sum(nil)
}

// saltLength reads saltLength; absent is the error where it is missing.
func saltLength(p *Params, absent func(text string) error) (int, error) {
	if p.SaltLength == nil {
		return 0, absent("Failed to provide salt for RSA-PSS key operation which requires a salt")
	}
	if *p.SaltLength < 0 {
		return 0, dataError(fmt.Sprintf("SaltLength for RSA-PSS must be non-negative (provided %d).", *p.SaltLength))
	}
	return *p.SaltLength, nil
}

func (m *rsaKey) sign(k *Key, random crypt.Random, p *Params, data []byte) ([]byte, error) {
	if m.private == nil {
		return nil, errNeedsPrivate
	}
	size := m.public.Size()
	switch k.Algorithm.Name {
	case "RSA-RAW":
		return m.signRaw(random, data)
	case "RSA-PSS":
		salt, err := saltLength(p, dataError)
		if err != nil {
			return nil, err
		}
		if m.hash.Size()+2 > size {
			return nil, operationError("key too small for signing with given digest")
		}
		if salt > size-m.hash.Size()-2 {
			return nil, operationError("key too small for signing with given digest and salt length")
		}
		return failedRSA(crypt.SignPSS(m.private, random, m.hash, digestOf(m.hash, data), salt))
	case "RSASSA-PKCS1-v1_5":
		if m.hash.Size()+32 > size {
			return nil, operationError("key too small for signing with given digest, need at least %dbits.", 8*(m.hash.Size()+32))
		}
		return failedRSA(crypt.SignPKCS1(m.private, random, m.hash, digestOf(m.hash, data)))
	}
	return nil, exception.DOM("NotSupportedError", fmt.Sprintf("The sign and verify operations are not implemented for %q.", k.Algorithm.Name))
}

func failedRSA(b []byte, err error) ([]byte, error) {
	if err != nil {
		return nil, operationError("RSA operation failed.")
	}
	return b, nil
}

func (m *rsaKey) signRaw(random crypt.Random, data []byte) ([]byte, error) {
	size := m.public.Size()
	if len(data) > size {
		return nil, dataError(fmt.Sprintf("Blind Signing requires presigned data (%d bytes) to be smaller than the key (%d bytes).", len(data), size))
	}
	if len(data) < size {
		return nil, operationError("Invalid RSA signature.")
	}
	out, err := crypt.RSAPrivate(m.private, random, data)
	if errors.Is(err, crypt.ErrRSALength) {
		return nil, dataError("Blind Signing requires presigned data value to be strictly smaller than RSA keymodulus, consider using a larger key size.")
	}
	return failedRSA(out, err)
}

func (m *rsaKey) verify(k *Key, p *Params, signature, data []byte) (bool, error) {
	if m.private != nil {
		return false, errNeedsPublic
	}
	switch k.Algorithm.Name {
	case "RSA-PSS":
		salt, err := saltLength(p, func(text string) error { return exception.TypeErrorf("%s", text) })
		if err != nil {
			return false, err
		}
		return crypt.VerifyPSS(m.public, m.hash, digestOf(m.hash, data), signature, salt), nil
	case "RSASSA-PKCS1-v1_5":
		return crypt.VerifyPKCS1(m.public, m.hash, digestOf(m.hash, data), signature), nil
	}
	return false, exception.DOM("NotSupportedError", fmt.Sprintf("The sign and verify operations are not implemented for %q.", k.Algorithm.Name))
}

func (m *rsaKey) encrypt(k *Key, random crypt.Random, p *Params, data []byte) ([]byte, error) {
	if k.Algorithm.Name != "RSA-OAEP" {
		return nil, k.notImplemented("encrypt")
	}
	if m.private != nil {
		return nil, exception.DOM("InvalidAccessError", fmt.Sprintf("Encryption/key wrapping only works with public keys, not %q.", string(k.Type)))
	}
	out, err := crypt.EncryptOAEP(m.public, random, m.hash, m.hash, data, orNone(p.Label))
	if err != nil {
		return nil, operationError("RSA-OAEP failed encrypt/decrypt.")
	}
	return out, nil
}

func (m *rsaKey) decrypt(k *Key, random crypt.Random, p *Params, data []byte) ([]byte, error) {
	if k.Algorithm.Name != "RSA-OAEP" {
		return nil, k.notImplemented("decrypt")
	}
	if m.private == nil {
		return nil, exception.DOM("InvalidAccessError", fmt.Sprintf("Decryption/key unwrapping only works with private keys, not %q.", string(k.Type)))
	}
	if len(data) != m.public.Size() {
		return nil, operationError("RSA-OAEP failed encrypt/decrypt: Invalid RSA signature..")
	}
	out, err := crypt.DecryptOAEP(m.private, random, m.hash, m.hash, data, orNone(p.Label))
	if err != nil {
		return nil, operationError("RSA-OAEP failed encrypt/decrypt.")
	}
	return out, nil
}
