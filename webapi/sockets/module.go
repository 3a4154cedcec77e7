package sockets

import (
	"context"
	"encoding/hex"
	"io"
	"strconv"
	"strings"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/internal/limits"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/loop"
	"workerd.local/webapi/bind"
)

// Module is cloudflare:sockets.
var Module = bind.Module{Name: "sockets", Builtins: map[string]func(js *isolate.JS) (goja.Value, error){
	"cloudflare:sockets": func(js *isolate.JS) (goja.Value, error) {
		o := js.Runtime().NewObject()
		return o, o.Set("connect", bind.NewFunction(js, "connect", 1, func(c *bind.Call) (any, error) {
			return connectOut(c)
		}))
	},
}}

type outbound struct {
	svc event.Service
	// redirects are addresses that connect() reaches through another service.
	redirects map[string]event.Service
}

var outboundOf = isolate.NewSlot(func(*isolate.JS) *outbound { return &outbound{} })

// Redirect has connect() of the realm, to an address, go through a service, in plain
// text. It reports false where the address is redirected already.
func Redirect(js *isolate.JS, address string, svc event.Service) bool {
	o := outboundOf.Get(js)
	if o.redirects[address] != nil {
		return false
	}
	if o.redirects == nil {
		o.redirects = map[string]event.Service{}
	}
	o.redirects[address] = svc
	return true
}

// SetOutbound says where connect() of the realm goes.
func SetOutbound(js *isolate.JS, svc event.Service) { outboundOf.Get(js).svc = svc }

// virtual are host names that stand for services.
type virtual struct{ hosts map[string]event.Service }

var virtualOf = isolate.NewSlot(func(*isolate.JS) *virtual { return &virtual{hosts: map[string]event.Service{}} })

// MapHost makes a name that connect() of the realm reaches a service by. A binding has one
// name, whoever asks for it; so many names are made as there are bindings.
func MapHost(js *isolate.JS, svc event.Service) (string, error) {
	v := virtualOf.Get(js)
	if most := limits.VirtualHosts.In(js.Bounds()); len(v.hosts) >= most {
		return "", exception.Errorf("Too many virtual hosts: one worker may map %d.", most)
	}
	var b [16]byte
	js.Host().Random(b[:])
	name := hex.EncodeToString(b[:]) + ".workers.alt"
	v.hosts[name] = svc
	return name, nil
}

// errDetached is what a reader finds once the connection is another socket's.
var errDetached error = io.EOF

// errNeutered is for a connection whose handler has returned.
var errNeutered = exception.TypeErrorf("Can't read from request stream because client disconnected.")

// class is filled in by define: startTls makes an instance of it.
var class = &bind.Class[socket]{Name: "Socket"}

func define() *bind.Class[socket] {
	*class = bind.Class[socket]{
		Name: class.Name,
		Getters: map[string]bind.Getter[socket]{
			"readable":        func(s *socket, _ *bind.Call) (any, error) { return s.readable, nil },
			"writable":        func(s *socket, _ *bind.Call) (any, error) { return s.writable, nil },
			"opened":          func(s *socket, _ *bind.Call) (any, error) { return s.opened.object, nil },
			"closed":          func(s *socket, _ *bind.Call) (any, error) { return s.closed.object, nil },
			"upgraded":        func(s *socket, _ *bind.Call) (any, error) { return s.upgraded, nil },
			"secureTransport": func(s *socket, _ *bind.Call) (any, error) { return s.secure, nil },
		},
		Async: map[string]bind.Method[socket]{
			"close": func(s *socket, c *bind.Call) (any, error) { return s.close(c.JS()) },
		},
		Methods: map[string]bind.Method[socket]{
			"startTls": func(s *socket, c *bind.Call) (any, error) {
				var host *string
				if err := c.Options(1, "TlsOptions", "expectedServerHostname", &host); err != nil {
					return nil, err
				}
				if host != nil {
					return nil, exception.TypeErrorf("The expectedServerHostname option is not currently supported in startTls.")
				}
				n, err := s.startTLS(c.JS())
				if err != nil {
					return nil, err
				}
				return class.Wrap(c.JS(), n), nil
			},
		},
	}
	return class
}

var socketClass = define()

// connectOut is connect(address, options) through where the realm's goes.
func connectOut(c *bind.Call) (any, error) {
	out := outboundOf.Get(c.JS())
	if len(out.redirects) > 0 {
		ioc, err := c.Context()
		if err != nil {
			return nil, err
		}
		address, host, port, err := addressOf(c)
		if err != nil {
			return nil, err
		}
		if svc := out.redirects[address]; svc != nil {
			return open(c.JS(), ioc, svc, options{secure: "off"}, address, host, port), nil
		}
	}
	return Connect(c, out.svc)
}

// ConnectTo is connect() to an address through a service, in plain text.
func ConnectTo(js *isolate.JS, ioc *iocontext.Context, svc event.Service, host string, port int) *goja.Object {
	return open(js, ioc, svc, options{secure: "off"}, host+":"+strconv.Itoa(port), host, port)
}

// Connect is connect(address, options) through a service.
func Connect(c *bind.Call, svc event.Service) (any, error) {
	js := c.JS()
	ioc, err := c.Context()
	if err != nil {
		return nil, err
	}
	address, host, port, err := addressOf(c)
	if err != nil {
		return nil, err
	}
	o := options{secure: "off"}
	var mark float64 // the streams keep one chunk, whatever it is
	if err := c.Options(2, "SocketOptions", "secureTransport", &o.secure, "allowHalfOpen", &o.halfOpen, "highWaterMark", &mark); err != nil {
		return nil, err
	}
	switch o.secure {
	case "off", "on", "starttls":
	default:
		return nil, exception.TypeErrorf("Unsupported value in secureTransport socket option: %s", o.secure)
	}
	if v := virtualOf.Get(js).hosts[host]; v != nil {
		svc = v
	}
	if svc == nil {
		return nil, exception.Errorf("There is no service that connect() could reach: the worker has no globalOutbound.")
	}
	// It ends with the invocation, of which the connection is a part.
	iocontext.Span(js).Open("connect")
	return open(js, ioc, svc, o, address, host, port), nil
}

// open makes the Socket of a connection that is made now.
func open(js *isolate.JS, ioc *iocontext.Context, svc event.Service, o options, address, host string, port int) *goja.Object {
	l := newLink()
	s := newSocket(js, ioc, l, o)
	s.remote, s.domain, s.httpPort = address, host, port == 80 || port == 443
	done := loop.NewFuture[event.Conn](ioc.Loop())
	ioc.WaitForOutput().Then(func(_ struct{}, err error) {
		if err == nil {
			err = event.Refusal(ioc.Context())
		}
		if err != nil {
			done.Reject(err)
			return
		}
		iocontext.Background(ioc, func(ctx context.Context) (event.Conn, error) {
			conn, err := event.Connect(ctx, svc, address, event.ConnectOptions{TLS: o.secure == "on"})
			if err == nil && ctx.Err() != nil {
				_ = conn.Close() // nobody is left to be told
				return nil, ctx.Err()
			}
			return conn, err
		}).Then(func(conn event.Conn, err error) {
			l.settle(conn, err)
			done.Settle(conn, err)
		})
	})
	s.follow(js, ioc, l, loop.Later(done))
	return socketClass.Wrap(js, s)
}

// Accept makes the Socket for a connection that a worker was given, in the current
// context c. neuter, which must be called when the handler has settled, closes the
// connection: the streams are of no use from then on.
func Accept(js *isolate.JS, c *iocontext.Context, e event.Connection) (object *goja.Object, neuter func(err error)) {
	l := newLink()
	s := newSocket(js, c, l, options{secure: "off"})
	s.local = e.Address
	l.settle(e.Conn, nil)
	s.follow(js, c, l, loop.Now(e.Conn))
	return socketClass.Wrap(js, s), func(err error) {
		l.detach(errNeutered, errNeutered)
		loop.Go(context.Background(), c.Loop(), func(context.Context) (struct{}, error) {
			if p, ok := e.Conn.(*event.PipeEnd); ok && err != nil {
				_ = p.CloseWithError(err) // closing a pipe cannot fail
			}
			return struct{}{}, l.cut()
		})
	}
}

// addressOf reads an address: "host:port", or an object with both.
func addressOf(c *bind.Call) (address, host string, port int, err error) {
	if o, ok := c.Arg(0).(*goja.Object); ok {
		n := -1
		var name *string
		if err := c.Dictionary(o, "SocketAddress", "hostname", &name, "port", &n); err != nil {
			return "", "", 0, err
		}
		if name == nil {
			return "", "", 0, exception.TypeErrorf("Failed to execute 'connect': the 'hostname' field of the address is missing.")
		}
		if n < 0 || n > 65535 {
			return "", "", 0, exception.TypeErrorf("Failed to execute 'connect': the 'port' field of the address is missing or not a port.")
		}
		address, host, port = *name+":"+strconv.Itoa(n), *name, n
	} else {
		if err := c.Unpack("address", &address); err != nil {
			return "", "", 0, err
		}
		if host, port, err = splitAddress(address); err != nil {
			return "", "", 0, err
		}
	}
	if !validAddress(address) {
		return "", "", 0, exception.TypeErrorf("Specified address is empty string, contains unsupported characters or is too long.")
	}
	return address, strings.Trim(host, "[]"), port, nil
}

// splitAddress splits "host:port", where host may be an IPv6 address in brackets.
func splitAddress(address string) (host string, port int, err error) {
	end := strings.LastIndexByte(address, ']')
	colon := strings.LastIndexByte(address, ':')
	if strings.HasPrefix(address, "[") != (end > 0) || end < 0 && strings.Count(address, ":") > 1 {
		return "", 0, exception.TypeErrorf("Specified address could not be parsed.")
	}
	if colon <= end {
		if address == "" {
			return "", 0, exception.TypeErrorf("Specified address is missing hostname.")
		}
		return "", 0, exception.TypeErrorf("Specified address is missing port.")
	}
	host, text := address[:colon], address[colon+1:]
	switch {
	case host == "":
		return "", 0, exception.TypeErrorf("Specified address could not be parsed.")
	case text == "":
		return "", 0, exception.TypeErrorf("Specified address is missing port.")
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return "", 0, exception.TypeErrorf("Specified address could not be parsed.")
	}
	return host, int(n), nil
}

// validAddress refuses what cannot be a host's name, so that nothing else is made of it.
func validAddress(s string) bool {
	if s == "" || len(s) > 255 {
		return false
	}
	for _, c := range []byte(s) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-._[]:", c) >= 0:
		default:
			return false
		}
	}
	return true
}
