package sockets

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"syscall"

	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/node/core"
	"workerd.local/webapi/node/glue"
)

// Session is what is known of a connection of TLS.
type Session struct {
	tls.ConnectionState
	Secrets *Secrets
	Server  bool
	trusted []*x509.Certificate // what problem has found
	resume  *resumption         // of a client of node:tls
}

// SessionClass is the class of Sessions that scripts ask.
var SessionClass = &bind.Class[Session]{
	Name: "SessionHandle",
	Getters: map[string]bind.Getter[Session]{
		"protocol":   func(s *Session, _ *bind.Call) (any, error) { return versionName(s.Version), nil },
		"alpn":       func(s *Session, _ *bind.Call) (any, error) { return s.NegotiatedProtocol, nil },
		"servername": func(s *Session, _ *bind.Call) (any, error) { return s.ServerName, nil },
		"reused":     func(s *Session, _ *bind.Call) (any, error) { return s.DidResume, nil },
		// latest is the last session that the server has given; undefined where it has not.
		"latest": func(s *Session, c *bind.Call) (any, error) {
			b := s.resume.last()
			if b == nil {
				return nil, nil
			}
			return core.NewBuffer(c.JS(), append([]byte(nil), b...))
		},
		// cipher is [name, standard name, version].
		"cipher": func(s *Session, _ *bind.Call) (any, error) {
			name := tls.CipherSuiteName(s.CipherSuite)
			return []any{cipherName(name), name, versionName(max(s.Version, tls.VersionTLS12))}, nil
		},
		// curve is [name, bits]; undefined for an exchange without one.
		"curve": func(s *Session, _ *bind.Call) (any, error) {
			switch s.CurveID {
			case tls.CurveP256:
				return []any{"prime256v1", 256}, nil
			case tls.CurveP384:
				return []any{"secp384r1", 384}, nil
			case tls.CurveP521:
				return []any{"secp521r1", 521}, nil
			case tls.X25519:
				return []any{"X25519", 253}, nil
			case 0:
				return nil, nil
			}
			return []any{s.CurveID.String(), 0}, nil
		},
		// peer is the chain of the other side, trusted what it is trusted for, own the first of
		// this side's certificates.
		"peer":    func(s *Session, c *bind.Call) (any, error) { return buffers(c.JS(), s.PeerCertificates) },
		"trusted": func(s *Session, c *bind.Call) (any, error) { return buffers(c.JS(), s.trusted) },
		"own": func(s *Session, c *bind.Call) (any, error) {
			if len(s.Secrets.certificates) == 0 {
				return nil, nil
			}
			return core.NewBuffer(c.JS(), append([]byte(nil), s.Secrets.certificates[0].Certificate[0]...))
		},
	},
	Methods: map[string]bind.Method[Session]{
		// problem is the error of the other side's certificate; undefined where there is none.
		"problem": func(s *Session, c *bind.Call) (any, error) {
			trusted, e := s.Secrets.problem(c.JS(), s.PeerCertificates, s.Server)
			if e != nil {
				return glue.Failure(c.JS(), e), nil
			}
			s.trusted = trusted
			return nil, nil
		},
		// export(length, label, context)
		"export": func(s *Session, c *bind.Call) (any, error) {
			context, given := bind.Bytes(c.JS(), c.Arg(2))
			if given {
				context = append([]byte{}, context...)
			}
			b, err := s.ExportKeyingMaterial(c.Arg(1).String(), context, int(c.Arg(0).ToInteger()))
			if err != nil {
				return nil, err
			}
			return core.NewBuffer(c.JS(), b)
		},
	},
}

func buffers(js *isolate.JS, list []*x509.Certificate) (any, error) {
	out := []any{}
	for _, x := range list {
		b, err := core.NewBuffer(js, append([]byte(nil), x.Raw...))
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}

// hello is what a server's script makes of a client's first words: Secrets and a
// protocol.
type hello struct {
	secrets  *Secrets
	protocol string   // of ALPN; empty where the script has no say
	tickets  *tickets // nil where the script says nothing of them
	err      error
}

// ask calls fn(servername, protocols, answer) on the loop, and waits for the answer:
// answer(error, secrets, protocol, options of tickets). Not on the loop.
func ask(ctx ctx, h *glue.Handle, fn goja.Value, in *tls.ClientHelloInfo) hello {
	got := make(chan hello, 1)
	tell := func(x hello) {
		select {
		case got <- x:
		default: // one answer counts
		}
	}
	h.Post(func(js *isolate.JS) {
		answer := bind.NewFunction(js, "", 3, func(c *bind.Call) (any, error) {
			x := hello{}
			if e := c.Arg(0); !goja.IsUndefined(e) && !goja.IsNull(e) {
				x.err = js.Thrown(e)
			}
			x.secrets, _ = secretsClass.Unwrap(js, c.Arg(1))
			if p, ok := c.Arg(2).(goja.String); ok {
				x.protocol = p.String()
			}
			if o, ok := c.Arg(3).(*goja.Object); ok {
				x.tickets = ticketsOf(c.JS(), Options{o})
			}
			tell(x)
			return nil, nil
		})
		protocols := []any{}
		for _, p := range in.SupportedProtos {
			protocols = append(protocols, p)
		}
		if _, err := js.Call(fn, nil, js.Runtime().ToValue(in.ServerName), bind.Value(js, protocols), answer); err != nil {
			tell(hello{err: js.Exception(err)})
		}
	})
	select {
	case x := <-got:
		return x
	case <-ctx.Done():
		return hello{err: ctx.Err()}
	}
}

// trusted asks fn(session) on the loop whether the other side is to be trusted; the error
// says that it is not. fn is one of h's realm. Not on the loop.
func trusted(h *glue.Handle, fn goja.Value, s *Session) error {
	got := make(chan bool, 1)
	h.Post(func(js *isolate.JS) {
		v, err := js.Call(fn, nil, SessionClass.Wrap(js, s))
		got <- err == nil && v.ToBoolean()
	})
	select {
	case trusted := <-got:
		if trusted {
			return nil
		}
	case <-h.Context().Done():
	}
	return net.ErrClosed
}

// Verify makes a client's configuration one that asks fn (trusted) before the other side
// hears that it is trusted. done, which may be nil, closes the connection that is not.
func (s *Secrets) Verify(cfg *tls.Config, h *glue.Handle, fn goja.Value, done func()) {
	cfg.VerifyConnection = func(cs tls.ConnectionState) error {
		err := trusted(h, fn, &Session{ConnectionState: cs, Secrets: s})
		if err != nil && done != nil {
			done()
		}
		return err
	}
}

// Options are what a script says of TLS. They belong to the loop, so who needs one of them
// in a handshake reads it before.
type Options struct{ *goja.Object }

// Is reports whether an option is true.
func (o Options) Is(name string) bool { v := o.Get(name); return v != nil && v.ToBoolean() }

// Function is an option that is called, nil where there is none.
func (o Options) Function(name string) goja.Value {
	if v := o.Get(name); v != nil && !goja.IsUndefined(v) {
		return v
	}
	return nil
}

// serverConfig is what a server of TLS with the options request, reject, hello and those of ticketsOf does; on the loop.
// hello, where there is one, is asked about each client (ask); it is one of h's realm. verify
// gets the session of each client, in its handshake, which fails with the error.
func serverConfig(js *isolate.JS, h *glue.Handle, own *Secrets, protocols []string, o Options, verify func(client net.Addr, s *Session) error) *tls.Config {
	request, reject, fn, resumes := o.Is("request"), o.Is("reject"), o.Function("hello"), ticketsOf(js, o)
	set := func(cfg *tls.Config, t *tickets) *tls.Config {
		cfg.NextProtos = protocols
		t.set(cfg)
		switch {
		case request && reject:
			cfg.ClientAuth = tls.RequireAnyClientCert
		case request:
			cfg.ClientAuth = tls.RequestClientCert
		}
		return cfg
	}
	cfg := set(own.Config(true), resumes)
	cfg.GetConfigForClient = func(in *tls.ClientHelloInfo) (*tls.Config, error) {
		x := hello{}
		if fn != nil {
			x = ask(in.Context(), h, fn, in)
		}
		if x.err != nil {
			return nil, x.err
		}
		if x.secrets == nil {
			x.secrets = own
		}
		to := set(x.secrets.Config(true), cmp.Or(x.tickets, resumes))
		if x.protocol != "" {
			to.NextProtos = []string{x.protocol}
		}
		to.VerifyConnection = func(cs tls.ConnectionState) error {
			return verify(in.Conn.RemoteAddr(), &Session{ConnectionState: cs, Secrets: x.secrets, Server: true})
		}
		return to, nil
	}
	return cfg
}

func stringsOf(js *isolate.JS, v goja.Value) (list []string) {
	for _, b := range texts(js, v) {
		list = append(list, string(b))
	}
	return list
}

// tlsNatives are what js/machine/_tls_wrap.js has.
var tlsNatives = map[string]bind.Static{
	"context": newSecrets,
	// ciphers are the names of all of them.
	"ciphers": func(*bind.Call) (any, error) {
		list := []any{}
		for _, s := range allSuites() {
			list = append(list, cipherName(s.Name))
		}
		return list, nil
	},
	// ticket is what the server knows a session by.
	"ticket": func(c *bind.Call) (any, error) {
		b, _ := bind.Bytes(c.JS(), c.Arg(0))
		ticket, _, ok := splitSession(b)
		if !ok {
			return nil, nil
		}
		return core.NewBuffer(c.JS(), append([]byte(nil), ticket...))
	},
	// secure(connection, head, options, done) begins TLS: options are {server, context, servername,
	// protocols, request, reject, hello, verify, session, ticket, tickets, sessionContext, sessionTimeout}. done gets (error, pipe, session). It returns a
	// function that gives it up.
	"secure": func(c *bind.Call) (any, error) {
		js := c.JS()
		s, ok := seamClass.Unwrap(js, c.Arg(0))
		given, isObject := c.Arg(2).(*goja.Object)
		if !ok || !isObject {
			return nil, errors.New("tls: no connection")
		}
		b, _ := bind.Bytes(js, c.Arg(1))
		head, done := append([]byte(nil), b...), c.Arg(3)
		o := Options{given}
		server, secrets, protocols := o.Is("server"), secretsOf(js, o.Get("context")), stringsOf(js, o.Get("protocols"))
		h, err := glue.NewHandle(js, func() { s.Conn.Close() })
		if err != nil {
			return nil, err
		}
		var cfg *tls.Config
		var resume *resumption
		if server {
			cfg = serverConfig(js, h, secrets, protocols, o, func(_ net.Addr, s *Session) error {
				secrets = s.Secrets // read when the handshake is over
				return nil
			})
		} else {
			cfg = secrets.Config(false)
			cfg.NextProtos = protocols
			resume = resumeClient(js, cfg, h, o)
			if name, ok := o.Get("servername").(goja.String); ok {
				cfg.ServerName = name.String()
			}
			if fn := o.Function("verify"); fn != nil {
				secrets.Verify(cfg, h, fn, func() { s.Conn.Close() })
			}
		}
		h.Go(func(ctx ctx) {
			var t *tls.Conn
			below, err := s.take(head)
			if err == nil {
				if t = tls.Client(below, cfg); server {
					t = tls.Server(below, cfg)
				}
				err = t.HandshakeContext(ctx)
			}
			h.Post(func(js *isolate.JS) {
				h.Close()
				if err != nil {
					s.Conn.Close()
					glue.Tell(js, done, handshakeFailure(js, err))
					return
				}
				pipe, err := securedPipe(js, t)
				if err != nil {
					glue.Tell(js, done, js.Error(err))
					return
				}
				glue.Tell(js, done, goja.Null(), pipe, SessionClass.Wrap(js, &Session{ConnectionState: t.ConnectionState(), Secrets: secrets, Server: server, resume: resume}))
			})
		})
		return bind.NewFunction(js, "", 0, func(*bind.Call) (any, error) {
			s.Conn.Close()
			return nil, nil
		}), nil
	},
}

// handshakeFailure is what scripts see of a handshake that failed; null where the other
// side is simply gone.
func handshakeFailure(js *isolate.JS, err error) goja.Value {
	if gone(err) {
		return goja.Null()
	}
	return glue.Failure(js, Problem(err, "write"))
}

// gone reports whether the other side went away, or this one did.
func gone(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}
