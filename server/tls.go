package server

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"

	"workerd.local/config"
)

// serverTLS is the TLS of a listening socket.
func serverTLS(c *config.TLSOptions) (*tls.Config, error) {
	if c == nil || c.Keypair == nil {
		return nil, errors.New("an https socket needs a keypair with a private key and a certificate chain")
	}
	t, err := commonTLS(c)
	if err != nil {
		return nil, err
	}
	if c.RequireClientCerts {
		t.ClientAuth = tls.RequireAndVerifyClientCert
		if t.ClientCAs, err = trusted(c); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// clientTLS is the TLS of outbound connections; nil means the defaults.
func clientTLS(c *config.TLSOptions) (*tls.Config, error) {
	if c == nil {
		return nil, nil
	}
	t, err := commonTLS(c)
	if err != nil {
		return nil, err
	}
	t.RootCAs, err = trusted(c)
	return t, err
}

func commonTLS(c *config.TLSOptions) (*tls.Config, error) {
	t := &tls.Config{MinVersion: tls.VersionTLS12}
	switch c.MinVersion {
	case config.TLS10:
		t.MinVersion = tls.VersionTLS10
	case config.TLS11:
		t.MinVersion = tls.VersionTLS11
	case config.TLS13:
		t.MinVersion = tls.VersionTLS13
	case config.TLSSSL3:
		return nil, errors.New("SSL 3 is not supported; the lowest minVersion is tls1Dot0")
	}
	if c.CipherList != "" {
		suites, err := cipherSuites(c.CipherList)
		if err != nil {
			return nil, err
		}
		t.CipherSuites = suites
	}
	if c.Keypair != nil {
		pair, err := tls.X509KeyPair([]byte(c.Keypair.CertificateChain), []byte(c.Keypair.PrivateKey))
		if err != nil {
			return nil, fmt.Errorf("keypair: %w", err)
		}
		t.Certificates = []tls.Certificate{pair}
	}
	return t, nil
}

func trusted(c *config.TLSOptions) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	if c.TrustBrowserCAs {
		sys, err := x509.SystemCertPool()
		if err != nil {
			return nil, fmt.Errorf("the system's certificate authorities: %w", err)
		}
		pool = sys
	}
	for i, pem := range c.TrustedCertificates {
		if !pool.AppendCertsFromPEM([]byte(pem.Value)) {
			return nil, fmt.Errorf("trustedCertificates[%d] holds no PEM certificate", i)
		}
	}
	return pool, nil
}
