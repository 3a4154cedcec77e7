// Package outbound is the services that lead out of the process: networks, and
// servers at a fixed address.
//
// They make one exchange and follow no redirects: that is for whoever calls fetch.
// Values are immutable; any goroutine.
package outbound

import (
	"fmt"
	"net/netip"
	"strings"
)

// Policy says which addresses may be connected to.
type Policy struct{ allow, deny []rule }

type rule struct {
	prefix netip.Prefix // where word is empty
	word   string
}

// The words for groups of addresses (workerd, Network).
const (
	wordPublic  = "public"
	wordPrivate = "private"
	wordLocal   = "local"
	wordNetwork = "network"
	wordUnix    = "unix"
	wordUnixAbs = "unix-abstract"
)

// NewPolicy reads the lists of a network: CIDR blocks or the words public, private,
// local, network, unix, unix-abstract.
func NewPolicy(allow, deny []string) (Policy, error) {
	var p Policy
	for _, l := range []struct {
		in  []string
		out *[]rule
	}{{allow, &p.allow}, {deny, &p.deny}} {
		for _, s := range l.in {
			r, err := parseRule(s)
			if err != nil {
				return Policy{}, err
			}
			*l.out = append(*l.out, r)
		}
	}
	return p, nil
}

func parseRule(s string) (rule, error) {
	switch s {
	case wordPublic, wordPrivate, wordLocal, wordNetwork, wordUnix, wordUnixAbs:
		return rule{word: s}, nil
	}
	if prefix, err := netip.ParsePrefix(s); err == nil {
		return rule{prefix: prefix.Masked()}, nil
	}
	if addr, err := netip.ParseAddr(s); err == nil {
		return rule{prefix: netip.PrefixFrom(addr, addr.BitLen())}, nil
	}
	return rule{}, fmt.Errorf("%q is neither a CIDR block nor one of public, private, local, network, unix, unix-abstract", s)
}

// Allows reports whether an address may be connected to. The most specific rule
// decides; deny wins a draw.
func (p Policy) Allows(addr netip.Addr) bool {
	addr = addr.Unmap()
	return best(p.allow, addr) > best(p.deny, addr)
}

// AllowsUnix reports whether a socket file (or an abstract name) may be connected to.
func (p Policy) AllowsUnix(abstract bool) bool {
	word := wordUnix
	if abstract {
		word = wordUnixAbs
	}
	has := func(rs []rule) bool {
		for _, r := range rs {
			if r.word == word {
				return true
			}
		}
		return false
	}
	return has(p.allow) && !has(p.deny)
}

// best is how specific the best matching rule is; 0 for none.
func best(rules []rule, addr netip.Addr) int {
	n := 0
	for _, r := range rules {
		switch {
		case r.word == "" && r.prefix.Contains(addr):
			n = max(n, 3+r.prefix.Bits())
		case r.word == wordNetwork && !addr.IsLoopback() || r.word == wordPublic && !isPrivate(addr):
			n = max(n, 1)
		case r.word == wordLocal && addr.IsLoopback() || r.word == wordPrivate && isPrivate(addr):
			n = max(n, 2)
		}
	}
	return n
}

// special are the blocks that are not public, beyond what netip names (RFC 6890).
var special = func() []netip.Prefix {
	var list []netip.Prefix
	for s := range strings.FieldsSeq("0.0.0.0/8 100.64.0.0/10 192.0.0.0/24 198.18.0.0/15 240.0.0.0/4 64:ff9b:1::/48 100::/64") {
		list = append(list, netip.MustParsePrefix(s))
	}
	return list
}()

func isPrivate(a netip.Addr) bool {
	if a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified() {
		return true
	}
	for _, p := range special {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
