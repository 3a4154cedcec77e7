package crypt

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
)

// Keys are those of Go's library (*rsa.PrivateKey, *ecdsa.PublicKey, ed25519.PublicKey,
// *ecdh.PrivateKey and so on) and *DSA.

// Sentinels of keys in their written form.
var (
	ErrKeyFormat = errors.New("no key of this form")
	// ErrPassphrase is an encrypted key without a passphrase, or with the wrong one.
	ErrPassphrase = errors.New("the key needs another passphrase")
	ErrKeyType    = errors.New("the key has no such form")
)

// KeyForm says how a key is written.
type KeyForm struct {
	// PEM is text around DER.
	PEM bool
	// Type is pkcs1, pkcs8, sec1 or spki; empty for any when reading.
	Type string
	// Cipher encrypts a private key with the passphrase; empty for none.
	Cipher     string
	Passphrase []byte
}

// DSA is a key that is read and written, but not used. X is nil for a public one.
type DSA struct{ P, Q, G, Y, X *big.Int }

// PublicOf is the public key of a private one; a public key is its own.
func PublicOf(key any) any {
	switch k := key.(type) {
	case *rsa.PrivateKey:
		return &k.PublicKey
	case *ecdsa.PrivateKey:
		return &k.PublicKey
	case ed25519.PrivateKey:
		return k.Public()
	case *ecdh.PrivateKey:
		return k.PublicKey()
	case *DSA:
		return &DSA{P: k.P, Q: k.Q, G: k.G, Y: k.Y}
	}
	return key
}

// IsPrivate reports whether the key is a private one.
func IsPrivate(key any) bool {
	switch k := key.(type) {
	case *rsa.PrivateKey, *ecdsa.PrivateKey, ed25519.PrivateKey, *ecdh.PrivateKey:
		return true
	case *DSA:
		return k.X != nil
	}
	return false
}

// ParsePrivate reads a private key.
func ParsePrivate(data []byte, f KeyForm) (any, error) {
	if !f.PEM {
		return parsePrivateDER(data, f.Type, f.Passphrase)
	}
	for rest := data; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return nil, ErrKeyFormat
		}
		der := block.Bytes
		if strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED") {
			var err error
			if der, err = decryptPEM(block, f.Passphrase); err != nil {
				return nil, err
			}
		}
		switch block.Type {
		case "PRIVATE KEY", "ENCRYPTED PRIVATE KEY":
			return parsePrivateDER(der, "pkcs8", f.Passphrase)
		case "RSA PRIVATE KEY":
			return parsePrivateDER(der, "pkcs1", nil)
		case "EC PRIVATE KEY":
			return parsePrivateDER(der, "sec1", nil)
		case "DSA PRIVATE KEY":
			return parseDSA(der)
		}
	}
}

// parsePrivateDER takes any form for PKCS #1 and SEC 1, as OpenSSL does.
func parsePrivateDER(der []byte, form string, passphrase []byte) (any, error) {
	if form == "pkcs1" || form == "sec1" {
		if k, err := x509.ParsePKCS1PrivateKey(der); err == nil {
			return k, nil
		}
		if k, err := x509.ParseECPrivateKey(der); err == nil {
			return k, nil
		}
		if k, err := parseDSA(der); err == nil {
			return k, nil
		}
	}
	if plain, err := decryptPKCS8(der, passphrase); err == nil {
		der = plain
	} else if !errors.Is(err, ErrKeyFormat) {
		return nil, err
	}
	if k, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		return k, nil
	}
	return parseDSA8(der)
}

func orFormat[T any](k T, err error) (any, error) {
	if err != nil {
		return nil, ErrKeyFormat
	}
	return k, nil
}

// ParsePublic reads a public key, also out of a certificate.
func ParsePublic(data []byte, f KeyForm) (any, error) {
	if !f.PEM {
		if f.Type == "pkcs1" {
			return orFormat(x509.ParsePKCS1PublicKey(data))
		}
		return parseSPKI(data)
	}
	for rest := data; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return nil, ErrKeyFormat
		}
		switch block.Type {
		case "PUBLIC KEY":
			return parseSPKI(block.Bytes)
		case "RSA PUBLIC KEY":
			return orFormat(x509.ParsePKCS1PublicKey(block.Bytes))
		case "CERTIFICATE", "X509 CERTIFICATE":
			c, err := x509.ParseCertificate(block.Bytes)
			if err != nil || c.PublicKey == nil {
				return nil, ErrKeyFormat
			}
			return c.PublicKey, nil
		}
	}
}

func parseSPKI(der []byte) (any, error) {
	if k, err := parseDSAPublic(der); err == nil {
		return k, nil
	}
	return orFormat(x509.ParsePKIXPublicKey(der))
}

// MarshalPublic writes a public key, or the public half of a private one.
func MarshalPublic(key any, f KeyForm) ([]byte, error) {
	key = PublicOf(key)
	var der []byte
	var err error
	label := "PUBLIC KEY"
	switch rsaKey, isRSA := key.(*rsa.PublicKey); {
	case f.Type == "pkcs1" && isRSA:
		der, label = x509.MarshalPKCS1PublicKey(rsaKey), "RSA PUBLIC KEY"
	case f.Type != "spki":
		return nil, ErrKeyType
	default:
		if d, ok := key.(*DSA); ok {
			der, err = d.spki()
		} else {
			der, err = x509.MarshalPKIXPublicKey(key)
		}
	}
	if err != nil {
		return nil, ErrKeyType
	}
	if f.PEM {
		return pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}), nil
	}
	return der, nil
}

// MarshalPrivate writes a private key. PKCS #1 and SEC 1 are encrypted as text only.
func MarshalPrivate(key any, f KeyForm, random Random) ([]byte, error) {
	var der []byte
	var err error
	label := "PRIVATE KEY"
	switch k := key.(type) {
	case *rsa.PrivateKey:
		if f.Type == "pkcs1" {
			der, label = x509.MarshalPKCS1PrivateKey(k), "RSA PRIVATE KEY"
		}
	case *ecdsa.PrivateKey:
		if f.Type == "sec1" {
			der, err = x509.MarshalECPrivateKey(k)
			label = "EC PRIVATE KEY"
		}
	case *DSA:
		if f.Type == "pkcs8" {
			der, err = k.pkcs8()
		}
	}
	if der == nil && err == nil {
		if f.Type != "pkcs8" {
			return nil, ErrKeyType
		}
		der, err = x509.MarshalPKCS8PrivateKey(key)
	}
	if err != nil {
		return nil, ErrKeyType
	}
	block := &pem.Block{Type: label, Bytes: der}
	switch {
	case f.Cipher == "":
	case label == "PRIVATE KEY":
		if block.Bytes, err = encryptPKCS8(der, f.Cipher, f.Passphrase, random); err != nil {
			return nil, err
		}
		block.Type = "ENCRYPTED PRIVATE KEY"
	case f.PEM:
		if err := encryptPEM(block, f.Cipher, f.Passphrase, random); err != nil {
			return nil, err
		}
	}
	if f.PEM {
		return pem.EncodeToMemory(block), nil
	}
	return block.Bytes, nil
}

// The forms of DSA keys.
var oidDSA = asn1.ObjectIdentifier{1, 2, 840, 10040, 4, 1}

type dsaParameters struct{ P, Q, G *big.Int }

type dsaAlgorithm struct {
	Algorithm  asn1.ObjectIdentifier
	Parameters dsaParameters
}

type dsaSPKI struct {
	Algorithm dsaAlgorithm
	Key       asn1.BitString
}

type dsaPKCS8 struct {
	Version   int
	Algorithm dsaAlgorithm
	Key       []byte
}

type dsaPrivate struct {
	Version       int
	P, Q, G, Y, X *big.Int
}

func unmarshal(der []byte, v any) error {
	rest, err := asn1.Unmarshal(der, v)
	if err != nil || len(rest) > 0 {
		return ErrKeyFormat
	}
	return nil
}

func (d *DSA) check() (any, error) {
	for _, n := range []*big.Int{d.P, d.Q, d.G, d.Y} {
		if n.Sign() <= 0 || n.BitLen() > 10000 {
			return nil, ErrKeyFormat
		}
	}
	return d, nil
}

func parseDSA(der []byte) (any, error) {
	var k dsaPrivate
	if err := unmarshal(der, &k); err != nil {
		return nil, err
	}
	return (&DSA{P: k.P, Q: k.Q, G: k.G, Y: k.Y, X: k.X}).check()
}

func parseDSA8(der []byte) (any, error) {
	var k dsaPKCS8
	if err := unmarshal(der, &k); err != nil || !k.Algorithm.Algorithm.Equal(oidDSA) {
		return nil, ErrKeyFormat
	}
	x := new(big.Int)
	if err := unmarshal(k.Key, &x); err != nil {
		return nil, err
	}
	p := k.Algorithm.Parameters
	if p.P.Sign() <= 0 || p.P.BitLen() > 10000 || x.Sign() <= 0 || x.BitLen() > p.P.BitLen() {
		return nil, ErrKeyFormat
	}
	return (&DSA{P: p.P, Q: p.Q, G: p.G, Y: new(big.Int).Exp(p.G, x, p.P), X: x}).check()
}

func parseDSAPublic(der []byte) (any, error) {
	var k dsaSPKI
	if err := unmarshal(der, &k); err != nil || !k.Algorithm.Algorithm.Equal(oidDSA) {
		return nil, ErrKeyFormat
	}
	y := new(big.Int)
	if err := unmarshal(k.Key.Bytes, &y); err != nil {
		return nil, err
	}
	p := k.Algorithm.Parameters
	return (&DSA{P: p.P, Q: p.Q, G: p.G, Y: y}).check()
}

func (d *DSA) algorithm() dsaAlgorithm { return dsaAlgorithm{oidDSA, dsaParameters{d.P, d.Q, d.G}} }

func (d *DSA) spki() ([]byte, error) {
	y, err := asn1.Marshal(d.Y)
	if err != nil {
		return nil, err
	}
	return asn1.Marshal(dsaSPKI{d.algorithm(), asn1.BitString{Bytes: y, BitLength: 8 * len(y)}})
}

func (d *DSA) pkcs8() ([]byte, error) {
	x, err := asn1.Marshal(d.X)
	if err != nil {
		return nil, err
	}
	return asn1.Marshal(dsaPKCS8{0, d.algorithm(), x})
}
