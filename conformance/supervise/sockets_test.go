//go:build !windows

package supervise

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"workerd.local/conformance/process"
)

// certificate is a certificate for 127.0.0.1 and its key, as PEM.
func certificate(t *testing.T, serial int64) (cert, key string) {
	t.Helper()
	signer, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &signer.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(signer)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
}

// site is a configuration with one socket, in a directory of its own.
type site struct {
	dir string
	// client speaks to the socket, whatever a URL says.
	client *http.Client
	url    string
}

const secureHTTP = `https = ( options = (), tlsOptions = ( keypair = ( privateKey = embed "key.pem", certificateChain = embed "cert.pem" ) ) )`

// newSite writes the configuration: protocol is "http = ()" or secureHTTP.
func newSite(t *testing.T, address, protocol string) *site {
	t.Helper()
	s := &site{dir: t.TempDir()}
	cert, key := certificate(t, 1)
	write(t, s.dir, "cert.pem", cert)
	write(t, s.dir, "key.pem", key)
	s.answers(t, "one")
	write(t, s.dir, "config.capnp", `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [ (name = "main", worker = (modules = [ (name = "main.js", esModule = embed "main.js") ], compatibilityDate = "2024-09-23")) ],
  sockets = [ ( name = "s", address = "`+address+`", `+protocol+`, service = "main" ) ]
);
`)
	return s
}

// answers changes what the site answers, from its next reload on.
func (s *site) answers(t *testing.T, text string) {
	t.Helper()
	write(t, s.dir, "main.js", `export default { fetch: () => new Response("`+text+`") }`)
}

// at makes the site's client speak to an address.
func (s *site) at(network, address, protocol string) {
	s.client = &http.Client{Timeout: patience, Transport: &http.Transport{
		DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		},
	}}
	s.url = "http://site/"
	if protocol == secureHTTP {
		s.url = "https://site/"
	}
}

func (s *site) get() string {
	resp, err := s.client.Get(s.url)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func (s *site) want(t *testing.T, want string) {
	t.Helper()
	if got := s.get(); got != want {
		t.Errorf("it answers %q, want %q", got, want)
	}
}

func file(t *testing.T, l net.Listener) *os.File {
	t.Helper()
	f, err := l.(interface{ File() (*os.File, error) }).File()
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil { // the server has it alone
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// Every kind of socket stays open through deaths and reloads of both kinds: connections
// wait for the next process, and what the server made is gone after the last one.
func TestEveryKindOfSocketOutlivesTheProcess(t *testing.T) {
	binary := process.Build(t)
	for name, c := range map[string]struct {
		protocol string
		// listen returns the address for the configuration, and the descriptor to hand over.
		listen func(t *testing.T, dir string) (network, address string, f *os.File)
	}{
		"TCP":                   {"http = ()", nil},
		"TLS":                   {secureHTTP, nil},
		"unix":                  {"http = ()", unix},
		"unix with TLS":         {secureHTTP, unix},
		"a descriptor":          {"http = ()", descriptor("tcp")},
		"a descriptor with TLS": {secureHTTP, descriptor("tcp")},
		"a unix descriptor":     {"http = ()", descriptor("unix")},
	} {
		t.Run(name, func(t *testing.T) {
			args := []string{"--supervise", "--verbose", "--limit", "supervise.pause=300ms", "config.capnp"}
			address, network := "127.0.0.1:0", "tcp"
			var files []*os.File
			var given *os.File
			var path string
			if c.listen != nil {
				network, address, given = c.listen(t, t.TempDir())
				if given != nil {
					files = []*os.File{given}
					args = append([]string{"--socket-fd", "s=3"}, args...)
				}
				if network == "unix" {
					path = address
				}
			}
			configured := address
			if path != "" {
				configured = "unix:" + path
			}
			site := newSite(t, configured, c.protocol)
			s := process.StartWith(t, files, binary, site.dir, args...)
			if err := s.Wait(1); err != nil {
				t.Fatal(err)
			}
			if given != nil {
				if err := given.Close(); err != nil { // this process keeps nothing open
					t.Fatal(err)
				}
			}
			if path == "" {
				address = strings.TrimPrefix(strings.TrimPrefix(s.URLs[0], "http://"), "https://")
			}
			site.at(network, address, c.protocol)
			site.want(t, "one")
			for death := 1; death <= 2; death++ {
				kill(t, serving(t, s, death), syscall.SIGKILL)
				eventually(t, s, death, `the server died`)
				site.want(t, "one") // while nobody serves yet: it waits
				serving(t, s, death+1)
			}
			site.answers(t, "two")
			if err := s.Hangup(); err != nil {
				t.Fatal(err)
			}
			eventually(t, s, 1, `(?m)^reloaded$`)
			site.want(t, "two")
			kill(t, serving(t, s, 3), syscall.SIGKILL)
			eventually(t, s, 3, `the server died`)
			site.want(t, "two")
			// The process that serves hears SIGHUP itself, too.
			site.answers(t, "three")
			kill(t, serving(t, s, 4), syscall.SIGHUP)
			eventually(t, s, 2, `(?m)^reloaded$`)
			site.want(t, "three")
			if n := strings.Count(s.Log(), "listening on "); n != 1 {
				t.Errorf("%d times it said where it listens", n)
			}
			if strings.Contains(s.Log(), "address already in use") {
				t.Error("it opened a socket anew")
			}
			if err := s.Stop(); err != nil {
				t.Error(err)
			}
			if path != "" {
				_, err := os.Stat(path)
				if gone := errors.Is(err, os.ErrNotExist); gone != (given == nil) {
					t.Errorf("the socket's file: %v", err)
				}
			}
			if got := site.get(); !strings.Contains(got, "refused") && !strings.Contains(got, "no such file") {
				t.Errorf("somebody still listens: %q", got)
			}
		})
	}
}

func unix(t *testing.T, dir string) (network, address string, f *os.File) {
	return "unix", filepath.Join(dir, "s.sock"), nil
}

// descriptor listens before the server does.
func descriptor(network string) func(t *testing.T, dir string) (string, string, *os.File) {
	return func(t *testing.T, dir string) (string, string, *os.File) {
		address := "127.0.0.1:0"
		if network == "unix" {
			address = filepath.Join(dir, "s.sock")
		}
		l, err := net.Listen(network, address)
		if err != nil {
			t.Fatal(err)
		}
		if u, ok := l.(*net.UnixListener); ok {
			u.SetUnlinkOnClose(false)
		}
		return network, l.Addr().String(), file(t, l)
	}
}

// A certificate that is renewed is served from the next reload on, on the same socket.
func TestRenewedCertificateIsServedAfterAReload(t *testing.T) {
	site := newSite(t, "127.0.0.1:0", secureHTTP)
	s := process.Serve(t, 1, process.Build(t), site.dir, "--supervise", "--verbose", "config.capnp")
	address := strings.TrimPrefix(s.URLs[0], "https://")
	serial := func() string {
		c, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			return err.Error()
		}
		defer c.Close()
		return c.ConnectionState().PeerCertificates[0].SerialNumber.String()
	}
	if got := serial(); got != "1" {
		t.Errorf("certificate %s", got)
	}
	cert, key := certificate(t, 2)
	write(t, site.dir, "cert.pem", cert)
	write(t, site.dir, "key.pem", key)
	if err := s.Hangup(); err != nil {
		t.Fatal(err)
	}
	eventually(t, s, 1, `(?m)^reloaded$`)
	if got := serial(); got != "2" {
		t.Errorf("certificate %s after the reload", got)
	}
	kill(t, serving(t, s, 1), syscall.SIGKILL)
	eventually(t, s, 1, `the server died`)
	if got := serial(); got != "2" {
		t.Errorf("certificate %s after the death", got)
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
}

func TestDescriptorsThatAreNotOpen(t *testing.T) {
	site := newSite(t, "127.0.0.1:0", "http = ()")
	s := process.Start(t, process.Build(t), site.dir, "--supervise", "--socket-fd", "s=77", "config.capnp")
	if err := s.Wait(1); err == nil || !strings.Contains(s.Log(), "bad file descriptor") || !strings.Contains(s.Log(), `"s"`) {
		t.Errorf("it ended with %v", err)
	}
}

// A reload that is asked for while no process serves is not lost.
func TestSighupBetweenTwoProcesses(t *testing.T) {
	site := newSite(t, "127.0.0.1:0", "http = ()")
	s := process.Serve(t, 1, process.Build(t), site.dir, "--supervise", "--verbose", "--limit", "supervise.pause=500ms", "config.capnp")
	site.at("tcp", strings.TrimPrefix(s.URLs[0], "http://"), "")
	site.want(t, "one")
	kill(t, serving(t, s, 1), syscall.SIGKILL)
	eventually(t, s, 1, `the server died`)
	site.answers(t, "two")
	if err := s.Hangup(); err != nil {
		t.Fatal(err)
	}
	site.want(t, "two")
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
}
