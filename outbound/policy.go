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
		if prefix.Addr().Is4In6() && prefix.Bits() >= 96 {
			prefix = netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()-96)
		}
		return rule{prefix: prefix.Masked()}, nil
	}
	if addr, err := netip.ParseAddr(s); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return rule{prefix: netip.PrefixFrom(addr, addr.BitLen())}, nil
	}
	return rule{}, fmt.Errorf("%q is neither a CIDR block nor one of public, private, local, network, unix, unix-abstract", s)
}

// Allows reports whether an address may be connected to. The most specific rule
// decides; deny wins a draw.
func (p Policy) Allows(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	return best(p.allow, addr) > best(p.deny, addr)
}

// best is how specific the best matching rule is; 0 for none.
func best(rules []rule, addr netip.Addr) int {
	n := 0
	for _, r := range rules {
		switch {
		case r.word == "" && r.prefix.Contains(addr):
			n = max(n, 3+r.prefix.Bits())
		case r.word == wordNetwork && !isLocal(addr) || r.word == wordPublic && !isPrivate(addr):
			n = max(n, 1)
		case r.word == wordLocal && isLocal(addr) || r.word == wordPrivate && isPrivate(addr):
			n = max(n, 2)
		}
	}
	return n
}

// special are the blocks that are not public, beyond what netip names (RFC 6890).
var special = prefixes("0.0.0.0/8 100.64.0.0/10 192.0.0.0/24 198.18.0.0/15 240.0.0.0/4 64:ff9b:1::/48 100::/64 fec0::/10")

func prefixes(list string) (ps []netip.Prefix) {
	for s := range strings.FieldsSeq(list) {
		ps = append(ps, netip.MustParsePrefix(s))
	}
	return ps
}

// isLocal reports whether an address leads to this machine: where nothing else is
// said, systems take the unspecified address for that.
func isLocal(a netip.Addr) bool { return a.IsLoopback() || a.IsUnspecified() }

func isPrivate(a netip.Addr) bool {
	if isLocal(a) || a.IsPrivate() || a.IsLinkLocalUnicast() || a.IsMulticast() {
		return true
	}
	for _, p := range special {
		if p.Contains(a) {
			return true
		}
	}
	v4, ok := embedded(a)
	return ok && isPrivate(v4)
}

// embedded is the IPv4 address to which a translator would lead: NAT64 (RFC 6052)
// and 6to4 (RFC 3056).
func embedded(a netip.Addr) (netip.Addr, bool) {
	b := a.As16()
	switch {
	case !a.Is6():
	case nat64.Contains(a):
		return netip.AddrFrom4([4]byte(b[12:16])), true
	case sixToFour.Contains(a):
		return netip.AddrFrom4([4]byte(b[2:6])), true
	}
	return netip.Addr{}, false
}

var (
	nat64     = netip.MustParsePrefix("64:ff9b::/96")
	sixToFour = netip.MustParsePrefix("2002::/16")
)
