package server

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
)

// suite is a cipher suite of TLS 1.2 under the name that OpenSSL and BoringSSL give
// it, with the words of a cipher list that stand for it.
type suite struct {
	name  string
	id    uint16
	kinds string
}

// suites are those that can be chosen. The suites of TLS 1.3 cannot: each side has all
// of them, as in BoringSSL.
var suites = []suite{
	{"ECDHE-ECDSA-AES128-GCM-SHA256", tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, "ECDSA aECDSA AES AESGCM AES128 SHA256"},
	{"ECDHE-RSA-AES128-GCM-SHA256", tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, "aRSA AES AESGCM AES128 SHA256"},
	{"ECDHE-ECDSA-AES256-GCM-SHA384", tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, "ECDSA aECDSA AES AESGCM AES256 SHA384"},
	{"ECDHE-RSA-AES256-GCM-SHA384", tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, "aRSA AES AESGCM AES256 SHA384"},
	{"ECDHE-ECDSA-CHACHA20-POLY1305", tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, "ECDSA aECDSA CHACHA20 SHA256"},
	{"ECDHE-RSA-CHACHA20-POLY1305", tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, "aRSA CHACHA20 SHA256"},
	{"ECDHE-ECDSA-AES128-SHA", tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, "ECDSA aECDSA AES AES128 SHA SHA1"},
	{"ECDHE-RSA-AES128-SHA", tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, "aRSA AES AES128 SHA SHA1"},
	{"ECDHE-ECDSA-AES256-SHA", tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA, "ECDSA aECDSA AES AES256 SHA SHA1"},
	{"ECDHE-RSA-AES256-SHA", tls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA, "aRSA AES AES256 SHA SHA1"},
}

// kindsOfAll are the words for what every suite above is.
const kindsOfAll = "ALL DEFAULT HIGH TLSv1.2 TLSv1 ECDHE EECDH kECDHE kEECDH"

// notOffered are the beginnings of names of suites, and words for kinds of them, that
// OpenSSL or BoringSSL know and Go does not, or holds to be insecure.
var notOffered = []string{
	"DHE-", "EDH-", "ADH-", "AECDH-", "DH-", "ECDH-", "PSK-", "ECDHE-PSK-", "DHE-PSK-", "RSA-PSK-", "SRP-", "KRB5-", "NULL-", "EXP-",
	"AES128-", "AES256-", "CAMELLIA", "SEED-", "IDEA-", "RC4-", "RC2-", "DES-", "ARIA", "GOST", "CHACHA20-",
	"ECDHE-ECDSA-", "ECDHE-RSA-", "TLS_",
	"aNULL", "eNULL", "NULL", "COMPLEMENTOF", "EXPORT", "LOW", "MEDIUM", "MD5", "RC4", "RC2", "DES", "3DES", "IDEA", "SEED", "DSS", "aDSS", "PSK", "aPSK", "kPSK",
	"SRP", "kSRP", "aSRP", "RSA", "kRSA", "DH", "kDH", "aDH", "DHE", "kDHE", "EDH", "kEDH", "ADH", "AECDH", "ECDH", "kECDH", "aECDH",
	"AESCCM", "FIPS", "CAMELLIA", "SSLv3", "ARIA", "GOST",
}

// cipherSuites reads a cipher list as OpenSSL and BoringSSL write it: names, and words
// for kinds, joined by "+", with colons, commas, semicolons or spaces between them. A
// "-" before one takes it out, a "!" for good. Order is left out of account, as Go
// chooses the best suite that both sides have. IANA names are known too. Suites that
// are known but not offered are passed over, as long as another one is left.
func cipherSuites(list string) ([]uint16, error) {
	var chosen, banned []uint16
	for item := range strings.FieldsFuncSeq(list, func(r rune) bool { return strings.ContainsRune(":,; []|", r) }) {
		switch item {
		case "@STRENGTH":
			continue
		}
		name := strings.TrimLeft(item, "!-+")
		found, known := suitesOf(name)
		if !known || strings.HasPrefix(item, "@") {
			return nil, fmt.Errorf("cipherList: there is no cipher suite %q; suites have names such as %s", name, suites[0].name)
		}
		switch item[0] {
		case '+': // to the end of the order
		case '!':
			banned = append(banned, found...)
			fallthrough
		case '-':
			chosen = slices.DeleteFunc(chosen, func(id uint16) bool { return slices.Contains(found, id) })
		default:
			for _, id := range found {
				if !slices.Contains(banned, id) && !slices.Contains(chosen, id) {
					chosen = append(chosen, id)
				}
			}
		}
	}
	if len(chosen) == 0 {
		var names []string
		for _, s := range suites {
			names = append(names, s.name)
		}
		return nil, fmt.Errorf("cipherList: %q leaves no cipher suite: those of TLS 1.3 are always there, and of the others, insecure ones apart, this server has %s", list, strings.Join(names, ", "))
	}
	return chosen, nil
}

// suitesOf are the suites that a name, or words joined by "+", stand for. The second
// result is whether it means anything.
func suitesOf(name string) (found []uint16, known bool) {
	for _, s := range suites {
		if name == s.name || name == tls.CipherSuiteName(s.id) {
			return []uint16{s.id}, true
		}
	}
	words := strings.Split(name, "+")
	for _, s := range suites {
		kinds := strings.Fields(s.kinds + " " + kindsOfAll)
		if !slices.ContainsFunc(words, func(w string) bool { return !slices.Contains(kinds, w) }) {
			found = append(found, s.id)
		}
	}
	return found, !slices.ContainsFunc(words, func(w string) bool { return !isCipherWord(w) })
}

func isCipherWord(w string) bool {
	for _, s := range suites {
		if slices.Contains(strings.Fields(s.kinds+" "+kindsOfAll), w) {
			return true
		}
	}
	return slices.ContainsFunc(notOffered, func(n string) bool {
		// A beginning has a name after it; a word stands alone.
		if strings.HasSuffix(n, "-") || strings.HasSuffix(n, "_") {
			return strings.HasPrefix(w, n) && len(w) > len(n) && isSuiteName(w)
		}
		return w == n
	})
}

// isSuiteName reports whether a name ends as those of suites do.
func isSuiteName(w string) bool {
	for _, end := range []string{"SHA", "SHA256", "SHA384", "MD5", "POLY1305", "CCM", "CCM8", "POLY1305_SHA256"} {
		if strings.HasSuffix(w, "-"+end) || strings.HasSuffix(w, "_"+end) {
			return true
		}
	}
	return false
}
