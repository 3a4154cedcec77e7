package crypt

import (
	"crypto"
	"crypto/md5"
	"crypto/sha1"
	_ "crypto/sha256" // registers its hashes
	_ "crypto/sha512" // registers its hashes
	"hash"
	"strings"

	//lint:ignore SA1019 node has it
	_ "golang.org/x/crypto/md4" // registers its hash
)

// Digest is a hash that node knows by name.
type Digest struct {
	Name string
	// Hash is 0 for md5-sha1, which is no hash of Go's.
	Hash crypto.Hash
}

// MD5SHA1 is the digest of old versions of TLS: MD5 and SHA-1 one after the other.
const MD5SHA1 = "md5-sha1"

// New starts the hash.
func (d *Digest) New() hash.Hash {
	if d.Name == MD5SHA1 {
		return &md5sha1{md5.New(), sha1.New()}
	}
	return d.Hash.New()
}

// Size is the number of bytes of a sum.
func (d *Digest) Size() int {
	if d.Name == MD5SHA1 {
		return md5.Size + sha1.Size
	}
	return d.Hash.Size()
}

var digests = map[string]*Digest{
	"md4": {"md4", crypto.MD4}, "md5": {"md5", crypto.MD5}, "sha1": {"sha1", crypto.SHA1}, "sha224": {"sha224", crypto.SHA224}, "sha256": {"sha256", crypto.SHA256},
	"sha384": {"sha384", crypto.SHA384}, "sha512": {"sha512", crypto.SHA512}, "sha512-256": {"sha512-256", crypto.SHA512_256}, MD5SHA1: {MD5SHA1, 0},
}

var aliases = map[string]string{
	"sha-1": "sha1", "sha-224": "sha224", "sha-256": "sha256", "sha-384": "sha384", "sha-512": "sha512", "sha512/256": "sha512-256",
	"rsa-md5": "md5", "rsa-sha1": "sha1", "rsa-sha224": "sha224", "rsa-sha256": "sha256", "rsa-sha384": "sha384", "rsa-sha512": "sha512",
	"dsa-sha": "sha1", "dsa-sha1": "sha1", "ecdsa-with-sha1": "sha1",
}

// DigestNamed finds a digest by its name in any case; nil where there is none.
func DigestNamed(name string) *Digest {
	name = strings.ToLower(name)
	if d := digests[name]; d != nil {
		return d
	}
	return digests[aliases[name]]
}

type md5sha1 struct{ md5, sha1 hash.Hash }

func (h *md5sha1) Write(p []byte) (int, error) {
	h.md5.Write(p)
	return h.sha1.Write(p)
}
func (h *md5sha1) Sum(b []byte) []byte { return h.sha1.Sum(h.md5.Sum(b)) }
func (h *md5sha1) Reset()              { h.md5.Reset(); h.sha1.Reset() }
func (h *md5sha1) Size() int           { return md5.Size + sha1.Size }
func (h *md5sha1) BlockSize() int      { return md5.BlockSize }

// CloneHash copies the state of a hash of this package or of Go's library; ok is false
// where that cannot be done.
func CloneHash(h hash.Hash) (copied hash.Hash, ok bool) {
	if m, isPair := h.(*md5sha1); isPair {
		a, okA := CloneHash(m.md5)
		b, okB := CloneHash(m.sha1)
		return &md5sha1{a, b}, okA && okB
	}
	c, ok := h.(hash.Cloner)
	if !ok {
		return nil, false
	}
	copied, err := c.Clone()
	return copied, err == nil
}
