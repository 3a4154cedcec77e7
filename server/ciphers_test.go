package server_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"workerd.local/server"
)

// keypair makes a key and a certificate for 127.0.0.1, as PEM.
func keypair(t *testing.T, kind string) (key, certificate string) {
	t.Helper()
	var signer any
	var public any
	if kind == "RSA" {
		k, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			t.Fatal(err)
		}
		signer, public = k, &k.PublicKey
	} else {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		signer, public = k, &k.PublicKey
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, public, signer)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(signer)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}))
}

// secure is a configuration with an https socket.
func secure(t *testing.T, kind, ciphers string) *project {
	t.Helper()
	key, cert := keypair(t, kind)
	return newProject(t, map[string]string{"key.pem": key, "cert.pem": cert, "config.capnp": fmt.Sprintf(`using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (serviceWorkerScript = "addEventListener('fetch', e => e.respondWith(new Response('hello')))", compatibilityDate = "2025-01-01"))],
  sockets = [(name = "s", address = "127.0.0.1:0", service = "main", https = (options = (), tlsOptions = (
    keypair = (privateKey = embed "key.pem", certificateChain = embed "cert.pem"), cipherList = %q)))]
);
`, ciphers)})
}

func TestCipherList(t *testing.T) {
	const (
		gcm128 = tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
		gcm256 = tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
		chacha = tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256
		cbc    = tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA
		rsa256 = tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384
	)
	all := []uint16{gcm128, gcm256, chacha, cbc}
	tests := []struct {
		kind, list string
		accepted   []uint16
	}{
		{"ECDSA", "ECDHE-ECDSA-AES128-GCM-SHA256", []uint16{gcm128}},
		{"ECDSA", "ECDHE-ECDSA-AES256-GCM-SHA384", []uint16{gcm256}},
		{"ECDSA", "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305", []uint16{gcm256, chacha}},
		{"ECDSA", "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", []uint16{cbc}},
		{"ECDSA", "HIGH:!aNULL:!MD5:!AESGCM", []uint16{chacha, cbc}},
		{"ECDSA", "ECDHE+AESGCM:-AES128", []uint16{gcm256}},
		{"ECDSA", "AES128:-SHA:DHE-RSA-AES128-GCM-SHA256:DES-CBC3-SHA:!DSS", []uint16{gcm128}},
		{"RSA", "ECDHE-RSA-AES256-GCM-SHA384, ECDHE-ECDSA-AES128-GCM-SHA256", []uint16{rsa256}},
	}
	for _, tt := range tests {
		t.Run(tt.list, func(t *testing.T) {
			p := secure(t, tt.kind, tt.list)
			s, err := server.New(t.Context(), p.config(), p.options())
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close(t.Context())
			list, err := s.Start()
			if err != nil {
				t.Fatal(err)
			}
			dial := func(id uint16) (*tls.Conn, error) {
				return tls.DialWithDialer(&net.Dialer{Timeout: 20 * time.Second}, "tcp", list[0].Addr.String(), &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{id}})
			}
			for _, id := range append(all, rsa256) {
				c, err := dial(id)
				wanted := false
				for _, a := range tt.accepted {
					wanted = wanted || a == id
				}
				if (err == nil) != wanted {
					t.Errorf("%s: accepted %v, want %v (%v)", tls.CipherSuiteName(id), err == nil, wanted, err)
				}
				if err != nil {
					continue
				}
				if got := c.ConnectionState().CipherSuite; got != id {
					t.Errorf("negotiated %s, want %s", tls.CipherSuiteName(got), tls.CipherSuiteName(id))
				}
				c.Close()
			}
			// Requests are answered, too, whichever protocol they come with.
			for _, http2 := range []bool{false, true} {
				tr := &http.Transport{ForceAttemptHTTP2: http2, TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12, CipherSuites: tt.accepted}}
				resp, err := (&http.Client{Transport: tr}).Get(list[0].URL)
				if err != nil {
					t.Fatal(err)
				}
				body, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				tr.CloseIdleConnections()
				if err != nil || string(body) != "hello" {
					t.Errorf("HTTP/2 %v: %q, %v", http2, body, err)
				}
			}
		})
	}
}

func TestCipherListRefuses(t *testing.T) {
	for list, want := range map[string]string{
		"ECDHE-ECDSA-AES128-GCM-SHA255":      `there is no cipher suite "ECDHE-ECDSA-AES128-GCM-SHA255"; suites have names such as ECDHE-ECDSA-AES128-GCM-SHA256`,
		"HIGH:SECRET":                        `there is no cipher suite "SECRET"`,
		"@SECLEVEL=2":                        `there is no cipher suite "@SECLEVEL=2"`,
		"DES-CBC3-SHA:AES128-SHA":            "leaves no cipher suite: those of TLS 1.3 are always there",
		"HIGH:!ALL":                          "leaves no cipher suite",
		"!ALL:ECDHE-ECDSA-AES128-GCM-SHA256": "leaves no cipher suite",
		"TLS_AES_128_GCM_SHA256":             "leaves no cipher suite",
		":":                                  "leaves no cipher suite",
	} {
		p := secure(t, "ECDSA", list)
		s, err := server.New(t.Context(), p.config(), p.options())
		if err == nil {
			_, err = s.Start()
			s.Close(t.Context())
		}
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), `config.capnp:4:`) || !strings.Contains(err.Error(), `socket "s"`) {
			t.Errorf("%s: %v", list, err)
		}
	}
}
