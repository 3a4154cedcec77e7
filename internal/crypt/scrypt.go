package crypt

import (
	"errors"
	"math/bits"

	"golang.org/x/crypto/scrypt"
)

// ErrScrypt are parameters that scrypt does not have, or that need more memory than
// is allowed.
var ErrScrypt = errors.New("scrypt: wrong parameters")

// Scrypt derives length bytes (RFC 7914) with at most maxMemory bytes of memory.
func Scrypt(password, salt []byte, n, r, p, maxMemory, length int) ([]byte, error) {
	if n < 2 || bits.OnesCount(uint(n)) != 1 || r < 1 || p < 1 || r > (1<<30-1)/p || r < 4 && n >= 1<<(16*r) {
		return nil, ErrScrypt
	}
	if uint64(p)*128*uint64(r)+32*uint64(r)*4*(uint64(n)+2) > uint64(maxMemory) {
		return nil, ErrScrypt
	}
	if length == 0 {
		return []byte{}, nil
	}
	return scrypt.Key(password, salt, n, r, p, length)
}
