package sockets

import (
	"bytes"
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/internal/crypt"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/node/glue"
)

type ctx = context.Context

// Secrets is what a SecureContext of a script stands for: keys, certificates, whom to
// trust, and what may be spoken. It does not change.
type Secrets struct {
	certificates []tls.Certificate
	trusted      *x509.CertPool      // nil: the machine's
	beside       []*x509.Certificate // who is trusted beside those, for a file of PKCS #12 had them
	min, max     uint16
	suites       []uint16
	curves       []tls.CurveID
}

// secretsClass is the class of what SecureContext has as context.
var secretsClass = &bind.Class[Secrets]{Name: "SecretsHandle"}

// secretsOf is the Secrets that a script's value is; empty ones where it is none.
func secretsOf(js *isolate.JS, v goja.Value) *Secrets {
	if s, ok := secretsClass.Unwrap(js, v); ok {
		return s
	}
	return &Secrets{}
}

// openssl is an error of OpenSSL as node shows it.
func openssl(code, number, library, function, reason string) *glue.SystemError {
	return &glue.SystemError{
		Code: code, Bare: true, Text: "error:" + number + ":" + library + ":" + function + ":" + reason, More: []any{"library", library, "reason", reason},
	}
}

func ssl(number int, function, reason string) *glue.SystemError {
	code := "ERR_SSL_" + strings.ToUpper(strings.ReplaceAll(reason, " ", "_"))
	return openssl(code, fmt.Sprintf("0A%06X", number), "SSL routines", function, reason)
}

// texts are the elements of an array, as bytes.
func texts(js *isolate.JS, v goja.Value) (list [][]byte) {
	o, ok := v.(*goja.Object)
	if !ok {
		return nil
	}
	for i := range int(o.Get("length").ToInteger()) {
		b, _ := bind.Bytes(js, o.Get(js.Runtime().ToValue(i).String()))
		list = append(list, append([]byte(nil), b...))
	}
	return list
}

// certificatesOf are those of a text, PEM or DER.
func certificatesOf(text []byte) (list []*x509.Certificate, err error) {
	found := false
	for rest := text; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" && block.Type != "X509 CERTIFICATE" && block.Type != "TRUSTED CERTIFICATE" {
			continue
		}
		found = true
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, openssl("ERR_OSSL_ASN1_WRONG_TAG", "068000A8", "asn1 encoding routines", "", "wrong tag")
		}
		list = append(list, c)
	}
	if found {
		return list, nil
	}
	return nil, openssl("ERR_OSSL_PEM_NO_START_LINE", "0480006C", "PEM routines", "", "no start line")
}

// samePublic reports whether two public keys are one.
func samePublic(a, b any) bool {
	k, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.Equal(b)
}

// newSecrets is context(keys, passphrases, certs, ca, min, max, suites, curves, files, passphrases of these): each a list
// or undefined, min and max names of protocols. files are of PKCS #12.
func newSecrets(c *bind.Call) (any, error) {
	js, s := c.JS(), &Secrets{}
	// Which mistake is told first is OpenSSL's order: certificates, then keys.
	var chains [][]*x509.Certificate
	for _, text := range texts(js, c.Arg(2)) {
		chain, err := certificatesOf(text)
		if err != nil {
			return nil, glue.Thrown(js, err)
		}
		chains = append(chains, chain)
	}
	var keys []crypto.Signer
	passphrases := texts(js, c.Arg(1))
	for i, text := range texts(js, c.Arg(0)) {
		k, err := crypt.ParsePrivate(text, crypt.KeyForm{PEM: true, Passphrase: passphrases[i]})
		if err != nil {
			k, err = crypt.ParsePrivate(text, crypt.KeyForm{Type: "pkcs8", Passphrase: passphrases[i]})
		}
		signer, ok := k.(crypto.Signer)
		if (err != nil || !ok) && bytes.Contains(text, []byte("ENCRYPTED")) {
			return nil, glue.Thrown(js, openssl("ERR_OSSL_BAD_DECRYPT", "1C800064", "Provider routines", "", "bad decrypt"))
		}
		if err != nil || !ok {
			return nil, glue.Thrown(js, openssl("ERR_OSSL_UNSUPPORTED", "1E08010C", "DECODER routines", "", "unsupported"))
		}
		keys = append(keys, signer)
	}
	for _, chain := range chains {
		at := slices.IndexFunc(keys, func(k crypto.Signer) bool { return samePublic(k.Public(), chain[0].PublicKey) })
		if at < 0 {
			if len(keys) == 0 {
				continue // a certificate alone proves nothing
			}
			return nil, glue.Thrown(js, openssl("ERR_OSSL_X509_KEY_VALUES_MISMATCH", "05800074", "x509 certificate routines", "", "key values mismatch"))
		}
		own := tls.Certificate{PrivateKey: keys[at], Leaf: chain[0]}
		for _, x := range chain {
			own.Certificate = append(own.Certificate, x.Raw)
		}
		s.certificates = append(s.certificates, own)
	}
	words := texts(js, c.Arg(9))
	for i, file := range texts(js, c.Arg(8)) {
		if err := s.addPFX(file, string(words[i])); err != nil {
			return nil, glue.Thrown(js, err)
		}
	}
	if list := c.Arg(3); !goja.IsUndefined(list) {
		s.trusted = x509.NewCertPool()
		for _, text := range texts(js, list) {
			// What is no certificate is passed over, as in node.
			all, _ := certificatesOf(text)
			for _, x := range all {
				s.trusted.AddCert(x)
			}
		}
		for _, x := range s.beside {
			s.trusted.AddCert(x)
		}
	}
	s.min, s.max = versions[c.Arg(4).String()], versions[c.Arg(5).String()]
	if names, ok := c.Arg(6).(goja.String); ok {
		var known bool
		if s.suites, known = suitesOf(names.String()); !known {
			return nil, glue.Thrown(js, ssl(0xB9, "", "no cipher match"))
		}
	}
	if names, ok := c.Arg(7).(goja.String); ok && names.String() != "auto" {
		for name := range strings.SplitSeq(names.String(), ":") {
			curve, ok := curves[strings.ToLower(name)]
			if !ok {
				return nil, glue.Thrown(js, &glue.SystemError{Code: "ERR_CRYPTO_OPERATION_FAILED", Bare: true, Text: "Failed to set ECDH curve"})
			}
			if curve != 0 {
				s.curves = append(s.curves, curve)
			}
		}
	}
	return secretsClass.Wrap(js, s), nil
}

// addPFX adds what a file of PKCS #12 has: a key, its certificate, and others, which are shown and trusted.
func (s *Secrets) addPFX(file []byte, passphrase string) error {
	key, own, others, err := crypt.ParsePFX(file, passphrase)
	wrong := func(code, text string) error { return &glue.SystemError{Code: code, Bare: true, Text: text} }
	signer, ok := key.(crypto.Signer)
	switch {
	case errors.Is(err, crypt.ErrPFXForm):
		return wrong("", "not enough data")
	case errors.Is(err, crypt.ErrPFXMac):
		return wrong("", "mac verify failure")
	case errors.Is(err, crypt.ErrPFXNoMac):
		return wrong("", "mac absent")
	case errors.Is(err, crypt.ErrPFXKey):
		return wrong("ERR_CRYPTO_OPERATION_FAILED", "Unable to load private key from PFX data")
	case err != nil, !ok:
		return wrong("ERR_CRYPTO_UNSUPPORTED_OPERATION", "Unsupported PKCS12 PFX data")
	}
	pair := tls.Certificate{PrivateKey: signer, Leaf: own, Certificate: [][]byte{own.Raw}}
	for _, x := range others {
		pair.Certificate = append(pair.Certificate, x.Raw)
	}
	s.certificates, s.beside = append(s.certificates, pair), append(s.beside, others...)
	return nil
}

var versions = map[string]uint16{"TLSv1": tls.VersionTLS10, "TLSv1.1": tls.VersionTLS11, "TLSv1.2": tls.VersionTLS12, "TLSv1.3": tls.VersionTLS13}

func versionName(v uint16) string {
	for name, n := range versions {
		if n == v {
			return name
		}
	}
	return "unknown"
}

// curves are those that node knows; 0 is for what is not spoken here.
var curves = map[string]tls.CurveID{
	"p-256": tls.CurveP256, "prime256v1": tls.CurveP256, "secp256r1": tls.CurveP256, "p-384": tls.CurveP384, "secp384r1": tls.CurveP384,
	"p-521": tls.CurveP521, "secp521r1": tls.CurveP521, "x25519": tls.X25519, "x448": 0,
}

// cipherName is OpenSSL's name of a suite.
func cipherName(standard string) string {
	rest := strings.TrimPrefix(standard, "TLS_")
	exchange, cipher, ok := strings.Cut(rest, "_WITH_")
	if !ok {
		return standard // those of TLS 1.3 have one name
	}
	cipher = strings.NewReplacer("3DES_EDE_CBC", "DES-CBC3", "_CBC", "", "AES_128", "AES128", "AES_256", "AES256", "RC4_128", "RC4", "CHACHA20_POLY1305_SHA256", "CHACHA20-POLY1305", "_", "-").Replace(cipher)
	if exchange == "RSA" {
		return cipher
	}
	return strings.ReplaceAll(exchange, "_", "-") + "-" + cipher
}

func allSuites() []*tls.CipherSuite { return append(tls.CipherSuites(), tls.InsecureCipherSuites()...) }

// suitesOf are those of a list in OpenSSL's words; nil where it names groups, which stand
// for the usual ones. known is false where it names nothing that there is.
func suitesOf(list string) (suites []uint16, known bool) {
	for word := range strings.FieldsFuncSeq(list, func(r rune) bool { return r == ':' || r == ',' || r == ' ' }) {
		if strings.ContainsAny(word[:1], "!-+@") {
			continue
		}
		found := false
		for _, s := range allSuites() {
			if cipherName(s.Name) == word {
				if found = true; !strings.HasPrefix(word, "TLS_") {
					suites = append(suites, s.ID)
				}
			}
		}
		switch {
		case found:
			known = true
		case strings.ContainsRune(word, '+') || strings.ToUpper(word) == word && !strings.ContainsAny(word, "0123456789-"):
			return nil, true // HIGH, DEFAULT, ECDHE+AESGCM
		}
	}
	return suites, known
}

// Config is a configuration of TLS with the secrets. The other side's certificate is
// looked at by the script (Secrets.problem), not by the handshake.
func (s *Secrets) Config(server bool) *tls.Config {
	c := &tls.Config{MinVersion: s.min, MaxVersion: s.max, CipherSuites: s.suites, CurvePreferences: s.curves, ClientCAs: s.trusted}
	if c.MinVersion == 0 && c.MaxVersion != 0 && c.MaxVersion < tls.VersionTLS12 {
		c.MinVersion = c.MaxVersion
	}
	if server {
		c.Certificates = s.certificates
		return c
	}
	c.InsecureSkipVerify = true
	if len(s.certificates) > 0 {
		// A client shows its certificate whoever asks.
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &s.certificates[0], nil }
	}
	return c
}

// machineRoots are the certificates that the machine trusts, and those of the file that
// NODE_EXTRA_CA_CERTS names.
func machineRoots(js *isolate.JS) *x509.CertPool {
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	for _, v := range glue.MachineOf(js).Environ() {
		if file, ok := strings.CutPrefix(v, "NODE_EXTRA_CA_CERTS="); ok && file != "" {
			if text, err := os.ReadFile(below(js, file)); err == nil {
				pool.AppendCertsFromPEM(text)
			}
		}
	}
	return pool
}

// problem is what is wrong with the chain that the other side has shown: the code that
// OpenSSL has for it, and its text; nil where it can be trusted, and then trusted is the
// chain up to whom that is for.
func (s *Secrets) problem(js *isolate.JS, chain []*x509.Certificate, server bool) (trusted []*x509.Certificate, _ *glue.SystemError) {
	wrong := func(code, text string) ([]*x509.Certificate, *glue.SystemError) {
		return nil, &glue.SystemError{Code: code, Bare: true, Text: text}
	}
	if len(chain) == 0 {
		return wrong("UNABLE_TO_GET_ISSUER_CERT", "unable to get issuer certificate")
	}
	o := x509.VerifyOptions{Roots: s.trusted, Intermediates: x509.NewCertPool(), CurrentTime: js.Host().Now(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	if o.Roots == nil {
		o.Roots = machineRoots(js)
		for _, x := range s.beside {
			o.Roots.AddCert(x)
		}
	}
	if server {
		o.KeyUsages = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	}
	for _, x := range chain[1:] {
		o.Intermediates.AddCert(x)
	}
	found, err := chain[0].Verify(o)
	var invalid x509.CertificateInvalidError
	switch {
	case err == nil:
		return found[0], nil
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && invalid.Cert != nil && o.CurrentTime.Before(invalid.Cert.NotBefore):
		return wrong("CERT_NOT_YET_VALID", "certificate is not yet valid")
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return wrong("CERT_HAS_EXPIRED", "certificate has expired")
	case errors.As(err, &invalid) && invalid.Reason == x509.IncompatibleUsage:
		return wrong("INVALID_PURPOSE", "unsuitable certificate purpose")
	case errors.As(err, &invalid) && invalid.Reason == x509.NotAuthorizedToSign:
		return wrong("INVALID_CA", "invalid CA certificate")
	case errors.As(err, &invalid) && invalid.Reason == x509.TooManyIntermediates:
		return wrong("PATH_LENGTH_EXCEEDED", "path length constraint exceeded")
	}
	last := chain[len(chain)-1]
	self := string(last.RawSubject) == string(last.RawIssuer)
	switch {
	case self && len(chain) == 1:
		return wrong("DEPTH_ZERO_SELF_SIGNED_CERT", "self-signed certificate")
	case self:
		return wrong("SELF_SIGNED_CERT_IN_CHAIN", "self-signed certificate in certificate chain")
	case len(chain) == 1:
		return wrong("UNABLE_TO_VERIFY_LEAF_SIGNATURE", "unable to verify the first certificate")
	}
	return wrong("UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "unable to get local issuer certificate")
}

// alerts are the texts of package tls for what the other side complains of, and OpenSSL's.
var alerts = map[string]struct {
	number int
	text   string
}{
	"unexpected message": {10, "sslv3 alert unexpected message"}, "bad record MAC": {20, "sslv3 alert bad record mac"}, "record overflow": {22, "tlsv1 alert record overflow"},
	"handshake failure": {40, "sslv3 alert handshake failure"}, "bad certificate": {42, "sslv3 alert bad certificate"}, "unsupported certificate": {43, "sslv3 alert unsupported certificate"},
	"revoked certificate": {44, "sslv3 alert certificate revoked"}, "expired certificate": {45, "sslv3 alert certificate expired"}, "unknown certificate": {46, "sslv3 alert certificate unknown"},
	"illegal parameter": {47, "sslv3 alert illegal parameter"}, "unknown certificate authority": {48, "tlsv1 alert unknown ca"}, "access denied": {49, "tlsv1 alert access denied"},
	"error decoding message": {50, "tlsv1 alert decode error"}, "error decrypting message": {51, "tlsv1 alert decrypt error"}, "protocol version not supported": {70, "tlsv1 alert protocol version"},
	"insufficient security level": {71, "tlsv1 alert insufficient security"}, "internal error": {80, "tlsv1 alert internal error"}, "inappropriate fallback": {86, "tlsv1 alert inappropriate fallback"},
	"user canceled": {90, "tlsv1 alert user cancelled"}, "no renegotiation": {100, "tlsv1 alert no renegotiation"}, "missing extension": {109, "tlsv13 alert missing extension"},
	"unsupported extension": {110, "tlsv1 unsupported extension"}, "unrecognized name": {112, "tlsv1 unrecognized name"}, "unknown PSK identity": {115, "tlsv1 alert unknown psk identity"},
	"certificate required": {116, "tlsv13 alert certificate required"}, "no application protocol": {120, "tlsv1 alert no application protocol"},
}

// ours are the texts of package tls for what this side complains of.
var ours = []struct {
	text             string
	number           int
	function, reason string
}{
	{"client offered only unsupported versions", 0x102, "tls_early_post_process_client_hello", "unsupported protocol"},
	{"server selected unsupported protocol version", 0x102, "tls_process_server_hello", "unsupported protocol"},
	{"no supported versions satisfy", 0xBF, "tls_construct_client_hello", "no protocols available"},
	{"unsupported application protocols", 0xEB, "tls_handle_alpn", "no application protocol"},
	{"no cipher suite supported by both", 0xC1, "tls_post_process_client_hello", "no shared cipher"},
	{"client didn't provide a certificate", 0xC7, "tls_process_client_certificate", "peer did not return a certificate"},
	{"no certificates configured", 0x76, "tls_choose_sigalg", "no suitable signature algorithm"},
	{"peer doesn't support any of the certificate's signature algorithms", 0x76, "tls_choose_sigalg", "no suitable signature algorithm"},
	{"peer doesn't support the certificate custom signature algorithms", 0x76, "tls_choose_sigalg", "no suitable signature algorithm"},
	{"bad record MAC", 0x119, "ssl3_get_record", "decryption failed or bad record mac"},
}

// Problem is an error of package tls as node tells of it; others stay as they are.
func Problem(err error, call string) error {
	var done *glue.SystemError
	var own *exception.Exception
	var record tls.RecordHeaderError
	var number syscall.Errno
	switch {
	case err == nil || err == io.EOF || errors.As(err, &done) || errors.As(err, &own):
		return err
	case errors.As(err, &record):
		if text := string(record.RecordHeader[:]); slices.Contains([]string{"GET ", "POST", "HEAD", "PUT "}, text[:4]) {
			return ssl(0x9C, "ssl3_get_record", "http request")
		}
		return ssl(0x10B, "ssl3_get_record", "wrong version number")
	case errors.As(err, &number):
		return err
	}
	text := err.Error()
	if _, alert, ok := strings.Cut(text, "remote error: tls: "); ok {
		if a, ok := alerts[alert]; ok {
			return ssl(0x3E8+a.number, "ssl3_read_bytes", a.text)
		}
	}
	for _, o := range ours {
		if strings.Contains(text, o.text) {
			return ssl(o.number, o.function, o.reason)
		}
	}
	if strings.Contains(text, "tls: ") {
		_, reason, _ := strings.Cut(text, "tls: ")
		return &glue.SystemError{Code: "EPROTO", Bare: true, Text: call + " EPROTO " + reason, More: []any{"errno", glue.ErrnoOf("EPROTO"), "syscall", call}}
	}
	return err
}
