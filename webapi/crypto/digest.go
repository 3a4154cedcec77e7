package crypto

import (
	"crypto"
	_ "crypto/md5" // the hashes of digests
	_ "crypto/sha1"
	_ "crypto/sha256"
	_ "crypto/sha512"
	"crypto/subtle"
	"hash"
	"strings"

	"workerd.local/exception"
	"workerd.local/webapi/bind"
)

var errUnknownDigest = exception.DOM("NotSupportedError", "Unrecognized or unimplemented digest algorithm requested.")

// digest is a hash with the name that keys show.
type digest struct {
	name string
	hash crypto.Hash
}

func (d *digest) Size() int { return d.hash.Size() }

var digests = []*digest{{"SHA-1", crypto.SHA1}, {"SHA-256", crypto.SHA256}, {"SHA-384", crypto.SHA384}, {"SHA-512", crypto.SHA512}, {"MD5", crypto.MD5}}

func digestNamed(name string) (*digest, error) {
	for _, d := range digests {
		if strings.EqualFold(d.name, name) {
			return d, nil
		}
	}
	return nil, errUnknownDigest
}

// NewHash returns the hash of that name, in any case: SHA-1, SHA-256, SHA-384,
// SHA-512 or MD5.
func NewHash(name string) (hash.Hash, error) {
	d, err := digestNamed(name)
	if err != nil {
		return nil, err
	}
	return d.hash.New(), nil
}

// source reads a BufferSource argument; the bytes are the script's own memory.
func source(c *bind.Call, n int) ([]byte, error) {
	b, ok := bind.Bytes(c.JS(), c.Arg(n-1))
	if !ok {
		return nil, c.BadArg(n, "BufferSource")
	}
	return b, nil
}

// jsDigest hashes at once: a megabyte takes about as long as a few calls of small
// functions, less than sending it to another goroutine and back would disturb.
func jsDigest(_ *subtleCrypto, c *bind.Call) (any, error) {
	p, err := algorithm(c, 1, hashAlgorithm)
	if err != nil {
		return nil, err
	}
	data, err := source(c, 2)
	if err != nil {
		return nil, err
	}
	h, err := NewHash(p.Name)
	if err != nil {
		return nil, err
	}
	h.Write(data) // never fails (hash.Hash)
	return c.JS().Resolved(c.Value(h.Sum(nil))), nil
}

var errLengths = exception.TypeErrorf("Input buffers must have the same byte length.")

func jsTimingSafeEqual(_ *subtleCrypto, c *bind.Call) (any, error) {
	a, err := source(c, 1)
	if err != nil {
		return nil, err
	}
	b, err := source(c, 2)
	if err != nil {
		return nil, err
	}
	if len(a) != len(b) {
		return nil, errLengths
	}
	return subtle.ConstantTimeCompare(a, b) == 1, nil
}
