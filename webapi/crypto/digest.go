package crypto

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"hash"
	"strings"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/webapi/bind"
)

var errUnknownDigest = exception.DOM("NotSupportedError", "Unrecognized or unimplemented digest algorithm requested.")

// NewHash returns the hash of that name, in any case: SHA-1, SHA-256, SHA-384,
// SHA-512 or MD5.
func NewHash(name string) (hash.Hash, error) {
	switch strings.ToUpper(name) {
	case "SHA-1":
		return sha1.New(), nil
	case "SHA-256":
		return sha256.New(), nil
	case "SHA-384":
		return sha512.New384(), nil
	case "SHA-512":
		return sha512.New(), nil
	case "MD5":
		return md5.New(), nil
	}
	return nil, errUnknownDigest
}

// algorithmName reads an algorithm: a string, or an object with a name.
func algorithmName(c *bind.Call, n int) (name string, err error) {
	switch v := c.Arg(n - 1).(type) {
	case goja.String:
		return v.String(), nil
	case *goja.Object:
		err = c.Dictionary(v, "HashAlgorithm", "name", &name)
		return name, err
	}
	return "", c.BadArg(n, "string or HashAlgorithm")
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
	name, err := algorithmName(c, 1)
	if err != nil {
		return nil, err
	}
	data, err := source(c, 2)
	if err != nil {
		return nil, err
	}
	h, err := NewHash(name)
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
