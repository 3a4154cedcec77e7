package crypto

import (
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"strings"

	"workerd.local/internal/crypt"
	"workerd.local/webapi/bind"
)

// spkac is a signed public key and challenge, as browsers once sent it.
type spkac struct {
	Content   spkacContent
	Algorithm pkix.AlgorithmIdentifier
	Signature asn1.BitString
}

type spkacContent struct {
	Raw       asn1.RawContent
	Key       asn1.RawValue
	Challenge string `asn1:"ia5"`
}

func readSpkac(c *bind.Call) (*spkac, bool) {
	text := strings.Map(func(r rune) rune {
		if strings.ContainsRune(" \n\r\t", r) {
			return -1
		}
		return r
	}, string(bytes(c, 0)))
	der, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, false
	}
	s := &spkac{}
	rest, err := asn1.Unmarshal(der, s)
	return s, err == nil && len(rest) == 0
}

// spkacHashes are the hashes of the signatures with RSA.
var spkacHashes = map[string]string{"1.2.840.113549.1.1.4": "md5", "1.2.840.113549.1.1.5": "sha1", "1.2.840.113549.1.1.11": "sha256", "1.2.840.113549.1.1.12": "sha384", "1.2.840.113549.1.1.13": "sha512"}

func jsVerifySpkac(c *bind.Call) (any, error) {
	s, ok := readSpkac(c)
	if !ok {
		return false, nil
	}
	k, err := x509.ParsePKIXPublicKey(s.Content.Key.FullBytes)
	public, isRSA := k.(*rsa.PublicKey)
	d := crypt.DigestNamed(spkacHashes[s.Algorithm.Algorithm.String()])
	if err != nil || !isRSA || d == nil {
		return false, nil
	}
	h := d.New()
	h.Write(s.Content.Raw)
	return crypt.VerifyPKCS1(public, d.Hash, h.Sum(nil), s.Signature.Bytes), nil
}

// publicKey(spkac) is the key as PEM; empty where there is none.
func jsSpkacPublicKey(c *bind.Call) (any, error) {
	s, ok := readSpkac(c)
	if !ok {
		return bufferOf(c, nil, nil)
	}
	k, err := x509.ParsePKIXPublicKey(s.Content.Key.FullBytes)
	if err != nil {
		return bufferOf(c, nil, nil)
	}
	out, err := crypt.MarshalPublic(k, crypt.KeyForm{PEM: true, Type: "spki"})
	if err != nil {
		return bufferOf(c, nil, nil)
	}
	return bufferOf(c, out, nil)
}

func jsSpkacChallenge(c *bind.Call) (any, error) {
	s, ok := readSpkac(c)
	if !ok {
		return bufferOf(c, nil, nil)
	}
	return bufferOf(c, []byte(s.Content.Challenge), nil)
}
