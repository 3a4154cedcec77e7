package outbound_test

import (
	"net/netip"
	"strings"
	"testing"

	"workerd.local/outbound"
)

func TestPolicy(t *testing.T) {
	for _, c := range []struct {
		allow, deny string
		yes, no     string
	}{
		{"", "", "", "1.1.1.1 10.0.0.1 127.0.0.1 ::1"},
		{"public", "", "1.1.1.1 8.8.8.8 2606:4700::1111 ::ffff:1.1.1.1 64:ff9b::101:101",
			"10.0.0.1 172.16.0.1 192.168.1.1 127.0.0.1 127.9.9.9 0.0.0.0 0.1.2.3 100.64.0.1 169.254.169.254 192.0.0.1 198.18.0.1 224.0.0.1 240.0.0.1 255.255.255.255 " +
				"::1 :: fe80::1 fe80::1%eth0 fc00::1 fec0::1 ff02::1 100::1 ::ffff:10.0.0.1 ::ffff:127.0.0.1 64:ff9b::10.0.0.1 64:ff9b::7f00:1 2002:7f00:1:: 2002:a00:1::1"},
		{"private", "", "10.0.0.1 127.0.0.1 ::1 fe80::1%eth0 ::ffff:192.168.0.1 0.0.0.0", "1.1.1.1 2606:4700::1111"},
		{"local", "", "127.0.0.1 127.0.0.2 ::1 ::ffff:127.0.0.1 0.0.0.0 ::", "10.0.0.1 1.1.1.1 fe80::1"},
		{"network", "", "10.0.0.1 1.1.1.1 fe80::1", "127.0.0.1 ::1 0.0.0.0 ::"},
		{"public private", "", "1.1.1.1 10.0.0.1 127.0.0.1", ""},
		{"public private", "local", "1.1.1.1 10.0.0.1", "127.0.0.1 ::1 0.0.0.0"},
		{"public", "1.1.0.0/16", "8.8.8.8 1.2.0.0", "1.1.1.1 ::ffff:1.1.1.1"},
		{"10.0.0.0/8", "10.1.0.0/16", "10.0.0.1", "10.1.0.1 11.0.0.1"},
		{"10.1.0.0/16", "10.0.0.0/8", "10.1.0.1", "10.0.0.1"},
		{"10.0.0.0/8", "10.0.0.0/8", "", "10.0.0.1"},
		{"10.0.0.1", "private", "10.0.0.1", "10.0.0.2"},
		{"private", "public", "10.0.0.1", "1.1.1.1"},
		{"0.0.0.0/0", "", "1.1.1.1 127.0.0.1 ::ffff:127.0.0.1", "::1 2606::1"},
		{"::/0", "", "::1 2606::1", "1.1.1.1"},
		{"::ffff:10.0.0.0/104", "", "10.0.0.1 ::ffff:10.2.0.1", "11.0.0.1"},
		{"::ffff:10.0.0.1", "", "10.0.0.1", "10.0.0.2"},
		{"fe80::/10", "", "fe80::1 fe80::1%eth0", "fd00::1"},
		{"10.0.0.77/8", "", "10.0.0.1", ""},
		{"unix unix-abstract", "", "", "127.0.0.1"},
	} {
		p, err := outbound.NewPolicy(strings.Fields(c.allow), strings.Fields(c.deny))
		if err != nil {
			t.Errorf("%q without %q: %v", c.allow, c.deny, err)
			continue
		}
		for want, list := range map[bool]string{true: c.yes, false: c.no} {
			for s := range strings.FieldsSeq(list) {
				if p.Allows(netip.MustParseAddr(s)) != want {
					t.Errorf("%q without %q: %s allowed is not %v", c.allow, c.deny, s, want)
				}
			}
		}
	}
	for _, bad := range []string{"", "Public", "everything", "10.0.0.0/33", "10.0.0", "fe80::1%eth0", "example.com"} {
		for _, lists := range [][2][]string{{{bad}, nil}, {nil, {bad}}} {
			if _, err := outbound.NewPolicy(lists[0], lists[1]); err == nil || !strings.Contains(err.Error(), "CIDR") {
				t.Errorf("%q: %v", bad, err)
			}
		}
	}
}
