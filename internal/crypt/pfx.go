package crypt

import (
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"slices"
	"strings"

	"software.sslmate.com/src/go-pkcs12"
)

// What ParsePFX fails with.
var (
	ErrPFXForm        = errors.New("not PKCS #12")
	ErrPFXMac         = errors.New("the passphrase is wrong, or the data are damaged")
	ErrPFXNoMac       = errors.New("nothing says whether the passphrase is right")
	ErrPFXKey         = errors.New("there is no private key")
	ErrPFXUnsupported = errors.New("a form of PKCS #12 that is not known")
)

// ParsePFX reads a file of PKCS #12, encrypted in the ways of today or of old: its private key, the certificate of that key,
// and the others.
func ParsePFX(data []byte, passphrase string) (key any, own *x509.Certificate, others []*x509.Certificate, err error) {
	if !iterationsWithin(data, 0) {
		return nil, nil, nil, ErrPFXUnsupported
	}
	key, own, others, err = pkcs12.DecodeChain(data, passphrase)
	var unknown pkcs12.NotImplementedError
	switch {
	case err == nil:
	case errors.Is(err, pkcs12.ErrIncorrectPassword), errors.Is(err, pkcs12.ErrDecryption):
		return nil, nil, nil, ErrPFXMac
	case errors.As(err, &unknown):
		return nil, nil, nil, ErrPFXUnsupported
	case strings.Contains(err.Error(), "no MAC"):
		return nil, nil, nil, ErrPFXNoMac
	case strings.Contains(err.Error(), "private key missing"), strings.Contains(err.Error(), "certificate missing"):
		return nil, nil, nil, ErrPFXKey
	case strings.Contains(err.Error(), "reading P12 data"):
		return nil, nil, nil, ErrPFXForm
	default:
		return nil, nil, nil, ErrPFXUnsupported
	}
	// The library takes the first certificate for that of the key.
	all := append([]*x509.Certificate{own}, others...)
	at := 0
	if signer, ok := key.(crypto.Signer); ok {
		public, ok := signer.Public().(interface{ Equal(crypto.PublicKey) bool })
		at = max(0, slices.IndexFunc(all, func(c *x509.Certificate) bool { return ok && public.Equal(c.PublicKey) }))
	}
	own = all[at]
	return key, own, slices.Delete(all, at, at+1), nil
}

// iterationsWithin reports whether what can be seen of the data asks for no more iterations of a passphrase than keys may: an
// integer after a salt.
func iterationsWithin(der []byte, depth int) bool {
	if depth > 20 {
		return true // what asks stands in the seventeenth
	}
	salt := false
	for len(der) > 0 {
		var v asn1.RawValue
		rest, err := asn1.Unmarshal(der, &v)
		if err != nil {
			return true // it is something else, or will be refused
		}
		der = rest
		switch {
		case v.Class == asn1.ClassUniversal && v.Tag == asn1.TagInteger && salt:
			var n int
			if _, err := asn1.Unmarshal(v.FullBytes, &n); err != nil || n > maxKeyIterations {
				return false
			}
		case v.IsCompound || v.Class == asn1.ClassUniversal && v.Tag == asn1.TagOctetString:
			if !iterationsWithin(v.Bytes, depth+1) {
				return false
			}
		}
		salt = v.Class == asn1.ClassUniversal && v.Tag == asn1.TagOctetString
	}
	return true
}
