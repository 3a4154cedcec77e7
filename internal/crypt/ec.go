package crypt

import (
	"crypto/ecdsa"
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
