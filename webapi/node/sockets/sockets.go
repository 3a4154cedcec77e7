// Package sockets is node:net, node:tls and node:dns: addresses and lists of them in
// full, names resolved by DNS over HTTPS, and sockets over connect() of
// cloudflare:sockets. The sockets and servers of programs are those of their machine
// (glue.Machine), of TCP, local ones, and node:dgram; they are bounded, and closed at the
// end. TLS is crypto/tls over a connection that there was (seam); the script looks at the
// other side's certificate.
//
// Everything belongs to the isolate's goroutine.
package sockets

import (
	"embed"
	"maps"
	"net/netip"
	"strings"

	"github.com/dop251/goja"

	"workerd.local/webapi/bind"
	"workerd.local/webapi/node/glue"
)

//go:embed all:js
var files embed.FS

// Modules are the files of this package.
func Modules() []glue.Module {
	return glue.Files(files, func(name string) map[string]bind.Static {
		switch name {
		case "internal/dns":
			return lookupNatives
		case "machine/dgram":
			return datagramNatives
		case "machine/_tls_wrap":
			return tlsNatives
		case "net":
			all := maps.Clone(natives)
			maps.Copy(all, machineNatives)
			return all
		}
		return nil
	}, map[string][]string{"_stream_wrap": {"enable_nodejs_stream_wrap_module"}})
}

var natives = map[string]bind.Static{
	// connect is that of cloudflare:sockets, undefined where programs have none.
	"connect": func(c *bind.Call) (any, error) {
		find := bind.ProgramOf(c.JS()).Builtin
		if find == nil {
			return goja.Undefined(), nil
		}
		v, err := find("cloudflare:sockets")
		if err != nil {
			return nil, err
		}
		if o, ok := v.(*goja.Object); ok {
			return o.Get("connect"), nil
		}
		return goja.Undefined(), nil
	},
	// family is 4, 6, or 0 for what is no address.
	"family": func(c *bind.Call) (any, error) { return Family(c.Arg(0).String()), nil },
	// compare orders two addresses of one family.
	"compare": func(c *bind.Call) (any, error) {
		a, b := parse(c.Arg(0).String()), parse(c.Arg(1).String())
		return a.Compare(b), nil
	},
	// within is whether an address lies in first to last, or in first/bits when bits
	// is a number. An address of IPv4 written as one of IPv6 is in the lists of both.
	"within": func(c *bind.Call) (any, error) {
		bits := -1
		if v := c.Arg(3); v != nil && v.ToInteger() >= 0 && c.Arg(2).String() == "" {
			bits = int(v.ToInteger())
		}
		return Within(c.Arg(0).String(), c.Arg(1).String(), c.Arg(2).String(), bits), nil
	},
}

// Family is 4 or 6 for an address of IPv4 or IPv6, 0 for anything else.
func Family(text string) int {
	a := parse(text)
	switch {
	case a.Is4():
		return 4
	case a.Is6():
		return 6
	}
	return 0
}

// Within reports whether an address is one of a range, both ends in it, or of a
// network where bits is not negative.
func Within(address, first, last string, bits int) bool {
	a, f := parse(address), parse(first)
	if f.Is4() && a.Is4In6() {
		a = a.Unmap()
	}
	if a.BitLen() != f.BitLen() || !a.IsValid() {
		return false
	}
	if bits >= 0 {
		p := netip.PrefixFrom(f, bits)
		return p.IsValid() && p.Masked().Contains(a)
	}
	l := parse(last)
	return a.Compare(f) >= 0 && a.Compare(l) <= 0
}

// parse is the address, without its zone, or one that is not valid.
func parse(text string) netip.Addr {
	address, zone, zoned := strings.Cut(text, "%")
	a, err := netip.ParseAddr(address)
	if err != nil || zoned && (!a.Is6() || !zoneName(zone)) {
		return netip.Addr{}
	}
	return a
}

func zoneName(zone string) bool {
	return zone != "" && strings.Trim(zone, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-.:") == ""
}
