package crypto

import (
	"crypto/hmac"
	"crypto/subtle"
	"hash"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/internal/crypt"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/crypto"
)

// hasher is the state of a Hash or a Hmac; its sum is kept once it was asked for.
type hasher struct {
	hash hash.Hash
	sum  []byte
	// class makes copies.
	class *bind.Class[hasher]
}

var hasherClass = &bind.Class[hasher]{
	Name: "HashHandle",
	Methods: map[string]bind.Method[hasher]{
		"update": (*hasher).jsUpdate,
		"digest": (*hasher).jsDigest,
		"copy":   (*hasher).jsCopy,
	},
}

// checkLength refuses the length of an output that the digest does not have: none here
// has outputs of any length.
func checkLength(h hash.Hash, v goja.Value) error {
	if isSet(v) && v.ToInteger() != int64(h.Size()) {
		return errorf("invalid digest size")
	}
	return nil
}

// newHash(algorithm, outputLength)
func jsNewHash(c *bind.Call) (any, error) {
	d := crypt.DigestNamed(c.Arg(0).String())
	if d == nil {
		return nil, errorf("Digest method not supported")
	}
	h := &hasher{hash: d.New(), class: hasherClass}
	if err := checkLength(h.hash, c.Arg(1)); err != nil {
		return nil, err
	}
	return hasherClass.Wrap(c.JS(), h), nil
}

// newHmac(algorithm, bytes or CryptoKey)
func jsNewHmac(c *bind.Call) (any, error) {
	d := crypt.DigestNamed(c.Arg(0).String())
	if d == nil {
		return nil, errorf("Digest method not supported")
	}
	b := bytes(c, 1)
	if k, ok := crypto.KeyClass.Unwrap(c.JS(), c.Arg(1)); ok {
		if b, ok = secret(k); !ok {
			return nil, noExport(k)
		}
	}
	return hasherClass.Wrap(c.JS(), &hasher{hash: hmac.New(d.New, b), class: hasherClass}), nil
}

var errFinalized = exception.DOM("OperationError", "Hash context has already been finalized.")

func (h *hasher) jsUpdate(c *bind.Call) (any, error) {
	if h.sum != nil {
		return nil, errFinalized
	}
	h.hash.Write(bytes(c, 0))
	return true, nil
}

func (h *hasher) jsDigest(c *bind.Call) (any, error) {
	if h.sum == nil {
		h.sum = h.hash.Sum(nil)
	}
	return buffer(c.JS(), append([]byte(nil), h.sum...))
}

// copy(outputLength)
func (h *hasher) jsCopy(c *bind.Call) (any, error) {
	if h.sum != nil {
		return nil, errFinalized
	}
	copied, ok := crypt.CloneHash(h.hash)
	if !ok {
		return nil, errorf("Digest method not supported")
	}
	if err := checkLength(copied, c.Arg(0)); err != nil {
		return nil, err
	}
	return h.class.Wrap(c.JS(), &hasher{hash: copied, class: h.class}), nil
}

// equal(a, b): the lengths are the same.
func jsEqual(c *bind.Call) (any, error) {
	return subtle.ConstantTimeCompare(bytes(c, 0), bytes(c, 1)) == 1, nil
}
