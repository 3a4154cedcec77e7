package actorid

import (
	"encoding/binary"
	"encoding/hex"
	"net/url"
	"strings"
)

// A facet is an actor within another one: its key is that of its parent, then the length of
// its name in two bytes and the name. So the facets of an actor, theirs too, are all the
// keys that begin with its own, they follow it in the order of keys, and no name is mistaken
// for another. They are in the shard of the actor that all of them belong to.

// MaxFacetName is the length in bytes of the longest name of a facet (workerd).
const MaxFacetName = 256

// Facet is the id of an actor's facet of that name, which is not longer than MaxFacetName.
func (id ID) Facet(name string) ID {
	key := append(make([]byte, 0, len(id.Key)+2+len(name)), id.Key...)
	key = binary.BigEndian.AppendUint16(key, uint16(len(name)))
	id.Key = string(append(key, name...))
	return id
}

// Root is the actor that a facet belongs to in the end, itself where it is none.
func (id ID) Root() ID {
	if _, ok := id.path(); ok {
		id.Key = id.Key[:Size]
	}
	return id
}

// Contains reports whether other is a facet of id, or of one of its facets.
func (id ID) Contains(other ID) bool {
	return id.Namespace == other.Namespace && len(other.Key) > len(id.Key) && strings.HasPrefix(other.Key, id.Key)
}

// path are the names that lead from the root to a facet; ok is false for what is none.
func (id ID) path() (names []string, ok bool) {
	if id.Namespace == "" || len(id.Key) <= Size {
		return nil, false
	}
	rest := id.Key[Size:]
	for rest != "" {
		if len(rest) < 2 {
			return nil, false
		}
		n := int(rest[0])<<8 | int(rest[1])
		if len(rest) < 2+n {
			return nil, false
		}
		names, rest = append(names, rest[2:2+n]), rest[2+n:]
	}
	return names, true
}

// ParseKey reads what String has made of the id of a durable actor or of its facet, and does
// not ask whether the id belongs to the namespace.
func ParseKey(namespace, text string) (ID, bool) {
	parts := strings.Split(text, "/")
	raw, err := hex.DecodeString(parts[0])
	if err != nil || len(raw) != Size {
		return ID{}, false
	}
	id := ID{Namespace: namespace, Key: string(raw)}
	for _, p := range parts[1:] {
		name, err := url.PathUnescape(p)
		if err != nil || len(name) > MaxFacetName {
			return ID{}, false
		}
		id = id.Facet(name)
	}
	return id, true
}
