package crypt

import (
	"crypto/hmac"
	"encoding/binary"
	"errors"
	"hash"
)

// ErrLength is a derived key that is longer than the function can give.
var ErrLength = errors.New("the derived key is too long")

// HKDF derives length bytes (RFC 5869).
func HKDF(newHash func() hash.Hash, secret, salt, info []byte, length int) ([]byte, error) {
	size := newHash().Size()
	if length > 255*size {
		return nil, ErrLength
	}
	if len(salt) == 0 {
		salt = make([]byte, size)
	}
	extract := hmac.New(newHash, salt)
	extract.Write(secret)
	expand := hmac.New(newHash, extract.Sum(nil))
	out := make([]byte, 0, length+size)
	var block []byte
	for i := byte(1); len(out) < length; i++ {
		expand.Reset()
		expand.Write(block)
		expand.Write(info)
		expand.Write([]byte{i})
		out = expand.Sum(out)
		block = out[len(out)-size:]
	}
	return out[:length], nil
}

// checkEvery is how many iterations there are between two questions to stop.
const checkEvery = 1000

// PBKDF2 derives length bytes (RFC 8018).
func PBKDF2(newHash func() hash.Hash, password, salt []byte, iterations, length int, stop Stop) ([]byte, error) {
	mac := hmac.New(newHash, password)
	size := mac.Size()
	out := make([]byte, 0, length+size)
	u := make([]byte, 0, size)
	left := 0
	for block := uint32(1); len(out) < length; block++ {
		mac.Reset()
		mac.Write(salt)
		mac.Write(binary.BigEndian.AppendUint32(nil, block))
		out = mac.Sum(out)
		t := out[len(out)-size:]
		u = append(u[:0], t...)
		for range iterations - 1 {
			if left--; left < 0 {
				left = checkEvery
				if err := stop.err(); err != nil {
					return nil, err
				}
			}
			mac.Reset()
			mac.Write(u)
			u = mac.Sum(u[:0])
			for i, b := range u {
				t[i] ^= b
			}
		}
	}
	return out[:length], nil
}
