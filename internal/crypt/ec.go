package crypt

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/asn1"
	"errors"
	"math/big"
)

// ErrSignature is a signature that is no pair of numbers.
var ErrSignature = errors.New("no signature")

type ecdsaSignature struct{ R, S *big.Int }

// ECDSAToRaw turns a signature in DER into r and s of size bytes each (IEEE P1363).
func ECDSAToRaw(der []byte, size int) ([]byte, error) {
	var sig ecdsaSignature
	rest, err := asn1.Unmarshal(der, &sig)
	if err != nil || len(rest) > 0 || sig.R.Sign() < 0 || sig.S.Sign() < 0 || sig.R.BitLen() > 8*size || sig.S.BitLen() > 8*size {
		return nil, ErrSignature
	}
	out := make([]byte, 2*size)
	sig.R.FillBytes(out[:size])
	sig.S.FillBytes(out[size:])
	return out, nil
}

// ECDSAFromRaw is the inverse of ECDSAToRaw.
func ECDSAFromRaw(raw []byte, size int) ([]byte, error) {
	if len(raw) != 2*size {
		return nil, ErrSignature
	}
	return asn1.Marshal(ecdsaSignature{new(big.Int).SetBytes(raw[:size]), new(big.Int).SetBytes(raw[size:])})
}

// ECDH is the secret that two keys of the same curve share.
func ECDH(private *ecdsa.PrivateKey, public *ecdsa.PublicKey) ([]byte, error) {
	a, err := private.ECDH()
	if err != nil {
		return nil, err
	}
	b, err := public.ECDH()
	if err != nil {
		return nil, err
	}
	return a.ECDH(b)
}

// ECDH224 is ECDH on P-224, which Go's own function does not have; d is the private
// key. Its time depends on the key.
func ECDH224(d []byte, public *ecdsa.PublicKey) ([]byte, error) {
	if public.Curve != elliptic.P224() {
		return nil, ErrSignature
	}
	b, err := public.Bytes()
	if err != nil {
		return nil, err
	}
	n := (len(b) - 1) / 2
	x := multiply224(new(big.Int).SetBytes(d), new(big.Int).SetBytes(b[1:1+n]), new(big.Int).SetBytes(b[1+n:]))
	return x.FillBytes(make([]byte, n)), nil
}

// multiply224 is the first coordinate of k times a point of P-224, by doubling and
// adding.
func multiply224(k, x, y *big.Int) *big.Int {
	p := elliptic.P224().Params().P
	type point struct{ x, y *big.Int } // nil coordinates are the point at infinity
	add := func(a, b point) point {
		if a.x == nil {
			return b
		}
		if b.x == nil {
			return a
		}
		slope := new(big.Int)
		if a.x.Cmp(b.x) == 0 {
			if a.y.Cmp(b.y) != 0 || a.y.Sign() == 0 {
				return point{}
			}
			slope.Mul(a.x, a.x).Sub(slope, one).Mul(slope, big.NewInt(3)) // the curve has a = -3
			slope.Mul(slope, new(big.Int).ModInverse(new(big.Int).Lsh(a.y, 1), p))
		} else {
			run := new(big.Int).Sub(b.x, a.x)
			slope.Sub(b.y, a.y).Mul(slope, run.ModInverse(run.Mod(run, p), p))
		}
		slope.Mod(slope, p)
		x := new(big.Int).Mul(slope, slope)
		x.Sub(x, a.x).Sub(x, b.x).Mod(x, p)
		y := new(big.Int).Sub(a.x, x)
		y.Mul(y, slope).Sub(y, a.y).Mod(y, p)
		return point{x, y}
	}
	var sum point
	for i := k.BitLen() - 1; i >= 0; i-- {
		sum = add(sum, sum)
		if k.Bit(i) == 1 {
			sum = add(sum, point{x, y})
		}
	}
	if sum.x == nil {
		return new(big.Int)
	}
	return sum.x
}
