package crypt

import (
	"crypto"
	"crypto/rsa"
	"crypto/subtle"
	"errors"
	"fmt"
	"hash"
	"math/big"
)

// Go's library refuses to work with keys below 1024 bits and gives no access to the
// bare operation; both are done here. Larger keys always go to Go's library, whose
// arithmetic takes the same time for all numbers.

// safeBits is the size from which Go's library works with a key.
const safeBits = 1024

// Sentinels of RSA.
var (
	// ErrRSA is a signature, a ciphertext or a padding that does not fit the key.
	ErrRSA = errors.New("RSA operation failed")
	// ErrRSALength is data that is too long for the key.
	ErrRSALength = errors.New("data too long for the RSA key")
)

var one = big.NewInt(1)

// RSAPublic is the bare operation: m to the public exponent. m is a number below the
// modulus, of the modulus's size or less; the result has the modulus's size.
func RSAPublic(k *rsa.PublicKey, m []byte) ([]byte, error) {
	x := new(big.Int).SetBytes(m)
	if x.Cmp(k.N) >= 0 {
		return nil, ErrRSALength
	}
	x.Exp(x, big.NewInt(int64(k.E)), k.N)
	return x.FillBytes(make([]byte, k.Size())), nil
}

// RSAPrivate is the bare operation with the private exponent. The number is blinded,
// so that the time that it takes says nothing about it.
func RSAPrivate(k *rsa.PrivateKey, random Random, m []byte) ([]byte, error) {
	x := new(big.Int).SetBytes(m)
	if x.Cmp(k.N) >= 0 {
		return nil, ErrRSALength
	}
	var blind, unblind *big.Int
	for unblind == nil {
		b := make([]byte, k.Size())
		random(b)
		blind = new(big.Int).SetBytes(b)
		blind.Mod(blind, k.N)
		unblind = new(big.Int).ModInverse(blind, k.N)
	}
	e := big.NewInt(int64(k.E))
	x.Mul(x, blind.Exp(blind, e, k.N)).Mod(x, k.N)
	y := rsaExp(k, x)
	// A fault in half of the computation would give the key away.
	if new(big.Int).Exp(y, e, k.N).Cmp(x) != 0 {
		return nil, ErrRSA
	}
	y.Mul(y, unblind).Mod(y, k.N)
	return y.FillBytes(make([]byte, k.Size())), nil
}

func rsaExp(k *rsa.PrivateKey, x *big.Int) *big.Int {
	if len(k.Primes) != 2 || k.Precomputed.Dp == nil {
		return new(big.Int).Exp(x, k.D, k.N)
	}
	p, q := k.Primes[0], k.Primes[1]
	a := new(big.Int).Exp(x, k.Precomputed.Dp, p)
	b := new(big.Int).Exp(x, k.Precomputed.Dq, q)
	a.Sub(a, b).Mul(a, k.Precomputed.Qinv).Mod(a, p)
	return a.Mul(a, q).Add(a, b)
}

// SignPKCS1 is RSASSA-PKCS1-v1_5.
func SignPKCS1(k *rsa.PrivateKey, random Random, h crypto.Hash, digest []byte) ([]byte, error) {
	if k.N.BitLen() >= safeBits {
		return rsa.SignPKCS1v15(nil, k, h, digest)
	}
	em, err := padPKCS1Sign(k.Size(), h, digest)
	if err != nil {
		return nil, err
	}
	return RSAPrivate(k, random, em)
}

// VerifyPKCS1 reports whether sig is a signature of the digest.
func VerifyPKCS1(k *rsa.PublicKey, h crypto.Hash, digest, sig []byte) bool {
	if k.N.BitLen() >= safeBits {
		return rsa.VerifyPKCS1v15(k, h, digest, sig) == nil
	}
	em, err := padPKCS1Sign(k.Size(), h, digest)
	if err != nil || len(sig) != k.Size() {
		return false
	}
	got, err := RSAPublic(k, sig)
	return err == nil && subtle.ConstantTimeCompare(em, got) == 1
}

// digestInfo are the beginnings of DigestInfo by hash (RFC 8017, 9.2).
var digestInfo = map[crypto.Hash]string{
	crypto.MD5:    "\x30\x20\x30\x0c\x06\x08\x2a\x86\x48\x86\xf7\x0d\x02\x05\x05\x00\x04\x10",
	crypto.SHA1:   "\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14",
	crypto.SHA224: "\x30\x2d\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x04\x05\x00\x04\x1c",
	crypto.SHA256: "\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20",
	crypto.SHA384: "\x30\x41\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x30",
	crypto.SHA512: "\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40",
}

func padPKCS1Sign(size int, h crypto.Hash, digest []byte) ([]byte, error) {
	prefix, ok := digestInfo[h]
	if !ok {
		return nil, fmt.Errorf("no signature with hash %v", h)
	}
	return PadPKCS1(size, 1, nil, append([]byte(prefix), digest...))
}

// PadPKCS1 is the padding of PKCS #1 v1.5: block type 1 for signatures, 2, which
// needs random bytes, for encryption.
func PadPKCS1(size int, kind byte, random Random, data []byte) ([]byte, error) {
	if len(data) > size-11 {
		return nil, ErrRSALength
	}
	em := make([]byte, size)
	em[1] = kind
	fill := em[2 : size-len(data)-1]
	if kind == 1 {
		for i := range fill {
			fill[i] = 0xFF
		}
	} else {
		random(fill)
		for i := range fill {
			for fill[i] == 0 {
				random(fill[i : i+1])
			}
		}
	}
	copy(em[size-len(data):], data)
	return em, nil
}

// UnpadPKCS1 takes the padding off again.
func UnpadPKCS1(em []byte, kind byte) ([]byte, error) {
	good := 1
	if len(em) < 11 {
		return nil, ErrRSA
	}
	good &= subtle.ConstantTimeByteEq(em[0], 0) & subtle.ConstantTimeByteEq(em[1], kind)
	at, found := 0, 0
	for i := 2; i < len(em); i++ {
		zero := subtle.ConstantTimeByteEq(em[i], 0)
		at = subtle.ConstantTimeSelect(zero&(1-found), i, at)
		found |= zero
		if kind == 1 {
			good &= found | subtle.ConstantTimeByteEq(em[i], 0xFF)
		}
	}
	good &= found & subtle.ConstantTimeLessOrEq(10, at)
	if good != 1 {
		return nil, ErrRSA
	}
	return em[at+1:], nil
}

// SignPSS is RSASSA-PSS with a salt of that many bytes.
func SignPSS(k *rsa.PrivateKey, random Random, h crypto.Hash, digest []byte, saltSize int) ([]byte, error) {
	if k.N.BitLen() >= safeBits && saltSize > 0 {
		return rsa.SignPSS(random, k, h, digest, &rsa.PSSOptions{SaltLength: saltSize})
	}
	// Go has no word for a salt of no bytes.
	salt := make([]byte, saltSize)
	random(salt)
	em, err := encodePSS(h, digest, salt, k.N.BitLen()-1)
	if err != nil {
		return nil, err
	}
	return RSAPrivate(k, random, em)
}

// VerifyPSS reports whether sig is a signature of the digest with a salt of that
// many bytes; a negative size stands for any.
func VerifyPSS(k *rsa.PublicKey, h crypto.Hash, digest, sig []byte, saltSize int) bool {
	if len(sig) != k.Size() {
		return false
	}
	em, err := RSAPublic(k, sig)
	if err != nil {
		return false
	}
	bits := k.N.BitLen() - 1
	return verifyPSS(h, digest, em[len(em)-(bits+7)/8:], bits, saltSize)
}

// mgf1 xors out with the mask that seed gives (RFC 8017, B.2.1).
func mgf1(h hash.Hash, out, seed []byte) {
	var counter [4]byte
	for len(out) > 0 {
		h.Reset()
		h.Write(seed)
		h.Write(counter[:])
		mask := h.Sum(nil)
		n := subtle.XORBytes(out, out, mask)
		out = out[n:]
		for i := 3; i >= 0; i-- {
			if counter[i]++; counter[i] != 0 {
				break
			}
		}
	}
}

func encodePSS(h crypto.Hash, digest, salt []byte, bits int) ([]byte, error) {
	size, n := (bits+7)/8, h.Size()
	if size < n+len(salt)+2 {
		return nil, ErrRSALength
	}
	em := make([]byte, size)
	db, sum := em[:size-n-1], em[size-n-1:size-1]
	hash := h.New()
	hash.Write(make([]byte, 8))
	hash.Write(digest)
	hash.Write(salt)
	hash.Sum(sum[:0])
	db[len(db)-len(salt)-1] = 1
	copy(db[len(db)-len(salt):], salt)
	mgf1(hash, db, sum)
	db[0] &= 0xFF >> (8*size - bits)
	em[size-1] = 0xBC
	return em, nil
}

func verifyPSS(h crypto.Hash, digest, em []byte, bits, saltSize int) bool {
	size, n := len(em), h.Size()
	if size < n+max(saltSize, 0)+2 || em[size-1] != 0xBC || em[0]&^(0xFF>>(8*size-bits)) != 0 {
		return false
	}
	db, sum := append([]byte(nil), em[:size-n-1]...), em[size-n-1:size-1]
	hash := h.New()
	mgf1(hash, db, sum)
	db[0] &= 0xFF >> (8*size - bits)
	start := 0
	for start < len(db) && db[start] == 0 {
		start++
	}
	if start == len(db) || db[start] != 1 || saltSize >= 0 && len(db)-start-1 != saltSize {
		return false
	}
	hash.Reset()
	hash.Write(make([]byte, 8))
	hash.Write(digest)
	hash.Write(db[start+1:])
	return subtle.ConstantTimeCompare(hash.Sum(nil), sum) == 1
}

// EncryptOAEP is RSAES-OAEP; the mask is made with mgf.
func EncryptOAEP(k *rsa.PublicKey, random Random, h, mgf crypto.Hash, plain, label []byte) ([]byte, error) {
	size, n := k.Size(), h.Size()
	if len(plain) > size-2*n-2 {
		return nil, ErrRSALength
	}
	em := make([]byte, size)
	seed, db := em[1:1+n], em[1+n:]
	hash := h.New()
	hash.Write(label)
	hash.Sum(db[:0])
	db[len(db)-len(plain)-1] = 1
	copy(db[len(db)-len(plain):], plain)
	random(seed)
	m := mgf.New()
	mgf1(m, db, seed)
	mgf1(m, seed, db)
	return RSAPublic(k, em)
}

// DecryptOAEP is the inverse of EncryptOAEP.
func DecryptOAEP(k *rsa.PrivateKey, random Random, h, mgf crypto.Hash, text, label []byte) ([]byte, error) {
	size, n := k.Size(), h.Size()
	if len(text) != size || size < 2*n+2 {
		return nil, ErrRSA
	}
	if k.N.BitLen() >= safeBits {
		plain, err := k.Decrypt(nil, text, &rsa.OAEPOptions{Hash: h, MGFHash: mgf, Label: label})
		if err != nil {
			return nil, ErrRSA
		}
		return plain, nil
	}
	em, err := RSAPrivate(k, random, text)
	if err != nil {
		return nil, err
	}
	seed, db := em[1:1+n], em[1+n:]
	m := mgf.New()
	mgf1(m, seed, db)
	mgf1(m, db, seed)
	hash := h.New()
	hash.Write(label)
	good := subtle.ConstantTimeByteEq(em[0], 0) & subtle.ConstantTimeCompare(hash.Sum(nil), db[:n])
	at, found := 0, 0
	for i := n; i < len(db); i++ {
		isOne := subtle.ConstantTimeByteEq(db[i], 1)
		isZero := subtle.ConstantTimeByteEq(db[i], 0)
		at = subtle.ConstantTimeSelect(isOne&(1-found), i, at)
		good &= found | isOne | isZero
		found |= isOne
	}
	if good&found != 1 {
		return nil, ErrRSA
	}
	return db[at+1:], nil
}

// DecryptPKCS1 takes text apart that was encrypted with the padding of PKCS #1 v1.5.
func DecryptPKCS1(k *rsa.PrivateKey, random Random, text []byte) ([]byte, error) {
	if len(text) != k.Size() {
		return nil, ErrRSA
	}
	em, err := RSAPrivate(k, random, text)
	if err != nil {
		return nil, err
	}
	return UnpadPKCS1(em, 2)
}
