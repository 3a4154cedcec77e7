package crypto

import (
	"crypto/elliptic"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
)

// trailing is how many bytes follow the DER value at the beginning of b.
func trailing(b []byte) int {
	var v asn1.RawValue
	rest, err := asn1.Unmarshal(b, &v)
	if err != nil {
		return 0
	}
	return len(rest)
}

// parseSPKI reads a SubjectPublicKeyInfo.
func parseSPKI(b []byte) (any, error) {
	n := trailing(b)
	k, err := x509.ParsePKIXPublicKey(b[:len(b)-n])
	if err != nil {
		if k, err = compressedSPKI(b[:len(b)-n]); err != nil {
			return nil, dataError("Invalid SPKI input.")
		}
	}
	if n > 0 {
		return nil, dataError(fmt.Sprintf("Invalid %d trailing bytes after SPKI input.", n))
	}
	return k, nil
}

// curvesByOID are the curves that keys of elliptic curves name.
var curvesByOID = map[string]elliptic.Curve{
	"1.2.840.10045.3.1.7": elliptic.P256(), "1.3.132.0.34": elliptic.P384(), "1.3.132.0.35": elliptic.P521(),
}

// compressedSPKI reads a key whose point is compressed, which the library does not.
func compressedSPKI(b []byte) (any, error) {
	var info struct {
		Algorithm struct{ Algorithm, Curve asn1.ObjectIdentifier }
		Point     asn1.BitString
	}
	if _, err := asn1.Unmarshal(b, &info); err != nil {
		return nil, err
	}
	curve := curvesByOID[info.Algorithm.Curve.String()]
	if info.Algorithm.Algorithm.String() != "1.2.840.10045.2.1" || curve == nil {
		return nil, errPoint
	}
	return ParsePoint(curve, info.Point.RightAlign())
}

// parsePKCS8 reads a private key in the form of PKCS #8, of PKCS #1 or of SEC 1.
func parsePKCS8(b []byte) (any, error) {
	n := trailing(b)
	k, err := parsePrivate(b[:len(b)-n])
	if err != nil {
		return nil, dataError("Invalid PKCS8 input.")
	}
	if n > 0 {
		return nil, dataError(fmt.Sprintf("Invalid %d trailing bytes after PKCS8 input.", n))
	}
	return k, nil
}

func parsePrivate(b []byte) (any, error) {
	if k, err := x509.ParsePKCS8PrivateKey(b); err == nil {
		return k, nil
	}
	if k, err := x509.ParsePKCS1PrivateKey(b); err == nil {
		return k, nil
	}
	return x509.ParseECPrivateKey(b)
}
