// Package actorid names actors.
//
// An ID is 32 bytes: a 16-byte base and the first 16 bytes of an HMAC of that
// base under the namespace's key, so that an id of one namespace cannot be used
// in another (workerd, "Ids"). Namespaces that keep nothing use any string as an
// id; those are ephemeral ids. IDs are values: comparable, safe everywhere.
package actorid

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"hash/fnv"
	"io"
	"net/url"
	"sync"

	"workerd.local/exception"
)

// Size is the length in bytes of a durable actor's id.
const Size = 32

// ID names one actor of one namespace.
type ID struct {
	// Namespace is the storage key of the class (its uniqueKey).
	Namespace string
	// Key is the 32 raw bytes of a durable id, or the string of an ephemeral one; see Facet
	// for that of a facet.
	Key string
}

// String is 64 lower-case hex digits, or the string of an ephemeral id. The names that lead
// to a facet follow, each after a slash and escaped as in a URL.
func (id ID) String() string {
	if len(id.Key) == Size {
		return hex.EncodeToString([]byte(id.Key))
	}
	names, ok := id.path()
	if !ok {
		return id.Key
	}
	text := hex.EncodeToString([]byte(id.Key[:Size]))
	for _, name := range names {
		text += "/" + url.PathEscape(name)
	}
	return text
}

// IsZero reports whether id names nothing.
func (id ID) IsZero() bool { return id == ID{} }

// Shards is the number of fixed hash slots that actors are spread over. It is
// part of the on-disk and cluster contract: a shard is the unit of ownership.
const Shards = 1024

// Shard is the actor's fixed hash slot, 0 to Shards-1; that of its root for a facet.
func (id ID) Shard() uint32 {
	id = id.Root()
	h := fnv.New32a()
	io.WriteString(h, id.Namespace)
	h.Write([]byte{0})
	io.WriteString(h, id.Key)
	return h.Sum32() % Shards
}

// Factory makes and checks the ids of one namespace. Any goroutine.
type Factory struct {
	namespace string
	macs      sync.Pool // of *mac under the namespace's key: keying one costs more than using it
	random    func([]byte)
}

type mac struct {
	hash.Hash
	sum [sha256.Size]byte
}

// of is the HMAC of b; the result is valid until the mac is used again.
func (m *mac) of(b []byte) []byte {
	m.Reset()
	m.Write(b)
	return m.Sum(m.sum[:0])
}

// NewFactory returns the factory of the namespace whose storage key is
// uniqueKey. random fills a slice with random bytes.
func NewFactory(uniqueKey string, random func([]byte)) *Factory {
	key := sha256.Sum256([]byte(uniqueKey))
	f := &Factory{namespace: uniqueKey, random: random}
	f.macs.New = func() any { return &mac{Hash: hmac.New(sha256.New, key[:])} }
	return f
}

// Namespace is the storage key that the ids belong to.
func (f *Factory) Namespace() string { return f.namespace }

// FromName derives the id of a name: the same name always gives the same id.
func (f *Factory) FromName(name string) ID {
	m := f.macs.Get().(*mac)
	defer f.macs.Put(m)
	var base [16]byte
	copy(base[:], m.of([]byte(name)))
	return f.sealWith(m, base[:])
}

// Unique returns an id that no other call returns.
func (f *Factory) Unique() ID {
	var base [16]byte
	f.random(base[:])
	return f.seal(base[:])
}

// Parse reads the text form and checks that the id belongs to this namespace.
// Errors are TypeErrors with workerd's text.
func (f *Factory) Parse(s string) (ID, error) {
	raw, err := hex.DecodeString(s)
	if err != nil || len(raw) != Size {
		return ID{}, exception.TypeErrorf("Invalid Durable Object ID: must be 64 hex digits")
	}
	if id := f.seal(raw[:16]); hmac.Equal([]byte(id.Key), raw) {
		return id, nil
	}
	return ID{}, exception.TypeErrorf("Durable Object ID is not valid for this namespace.")
}

func (f *Factory) seal(base []byte) ID {
	m := f.macs.Get().(*mac)
	defer f.macs.Put(m)
	return f.sealWith(m, base)
}

func (f *Factory) sealWith(m *mac, base []byte) ID {
	var raw [Size]byte
	copy(raw[:16], base)
	copy(raw[16:], m.of(base))
	return ID{Namespace: f.namespace, Key: string(raw[:])}
}
