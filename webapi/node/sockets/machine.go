package sockets

import (
	"context"
	"errors"
	"net"
	"strconv"
	"syscall"

	"github.com/dop251/goja"

	"workerd.local/internal/limits"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/node/core"
	"workerd.local/webapi/node/glue"
)

// open is how many sockets a program has.
type open struct{ sockets int }

var openOf = isolate.NewSlot(func(*isolate.JS) *open { return &open{} })

// full says that the program has too many sockets.
func (o *open) full(js *isolate.JS) bool {
	return o.sockets >= limits.ProgramSockets.In(js.Bounds())
}

// address is [address, port, family] of one end; those of local sockets have a path only.
func address(a net.Addr) any {
	switch a := a.(type) {
	case *net.TCPAddr:
		family := "IPv6"
		if a.IP.To4() != nil {
			family = "IPv4"
		}
		ip := a.IP.String()
		if a.Zone != "" {
			ip += "%" + a.Zone
		}
		return []any{ip, a.Port, family}
	case *net.UnixAddr:
		return []any{a.Name, goja.Undefined(), goja.Undefined()}
	}
	return []any{goja.Undefined(), goja.Undefined(), goja.Undefined()}
}

// connection is a connection as js/net.js has it: a pipe with addresses.
func connection(js *isolate.JS, c net.Conn) (*goja.Object, error) {
	all := openOf.Get(js)
	all.sockets++
	end := func() error {
		if h, ok := c.(interface{ CloseWrite() error }); ok {
			_ = h.CloseWrite() // who is gone needs no end
		}
		return nil
	}
	s := &seam{Conn: c}
	pipe, err := core.NewPipe(js, s, end, func() { all.sockets-- })
	if err != nil {
		return nil, err
	}
	return pipe, errors.Join(pipe.Set("conn", seamClass.Wrap(js, s)), describe(js, pipe, c, c))
}

// describe gives a pipe what js/net.js reads of a connection; below is what carries it.
func describe(js *isolate.JS, pipe *goja.Object, c, below net.Conn) error {
	for {
		h, ok := below.(*headed)
		if !ok {
			break
		}
		below = h.Conn
	}
	tcp, _ := below.(*net.TCPConn)
	noDelay := bind.NewFunction(js, "setNoDelay", 1, func(call *bind.Call) (any, error) {
		if tcp != nil {
			_ = tcp.SetNoDelay(call.Arg(0).ToBoolean()) // a closed one has no delay
		}
		return nil, nil
	})
	// What is closed after it ends with a reset, not with an end.
	reset := bind.NewFunction(js, "reset", 0, func(*bind.Call) (any, error) {
		if tcp != nil {
			_ = tcp.SetLinger(0) // a closed one has ended already
		}
		return tcp != nil, nil
	})
	return errors.Join(pipe.Set("reset", reset),
		pipe.Set("local", bind.Value(js, address(c.LocalAddr()))), pipe.Set("remote", bind.Value(js, address(c.RemoteAddr()))), pipe.Set("setNoDelay", noDelay))
}

// failedCall is the error of a call on an address.
func failedCall(err error, call, host string, port int, path string) *glue.SystemError {
	e := glue.SystemErrorOf(err, call, "", "")
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns):
		e = glue.NewSystemError("ENOTFOUND", "getaddrinfo", "")
		e.Short, e.Tail = true, host
		e.More = []any{"hostname", host}
		return e
	case path != "":
		e.Short, e.Tail = true, path
		e.More = []any{"address", path}
	default:
		e.Short, e.Tail = true, net.JoinHostPort(host, strconv.Itoa(port))
		if family := Family(host); family == 6 {
			e.Tail = host + ":" + strconv.Itoa(port)
		}
		e.More = []any{"address", host, "port", port}
	}
	if call == "listen" {
		e.Listen = true
	}
	return e
}

// machineNatives are what js/net.js has of a program's machine.
var machineNatives = map[string]bind.Static{
	"machine": func(c *bind.Call) (any, error) { return glue.MachineOf(c.JS()) != nil, nil },
	// dial(host, port, path, localAddress, localPort, family, done): done gets (error, connection).
	"dial": func(c *bind.Call) (any, error) {
		js := c.JS()
		host, port, path := c.Arg(0).String(), int(c.Arg(1).ToInteger()), c.Arg(2).String()
		network, target := "tcp", net.JoinHostPort(host, strconv.Itoa(port))
		switch c.Arg(5).ToInteger() {
		case 4:
			network = "tcp4"
		case 6:
			network = "tcp6"
		}
		if path != "" {
			network, target = "unix", below(js, path)
		}
		d := net.Dialer{}
		if a := c.Arg(3).String(); a != "" {
			d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(a), Port: int(c.Arg(4).ToInteger())}
		}
		done := c.Arg(6)
		tooMany := openOf.Get(js).full(js)
		return nil, glue.Later(js, func(ctx context.Context) (net.Conn, error) {
			if tooMany {
				return nil, failedCall(syscall.EMFILE, "connect", host, port, path)
			}
			conn, err := d.DialContext(ctx, network, target)
			if err != nil {
				var op *net.OpError
				at := host
				if errors.As(err, &op) {
					if a, ok := op.Addr.(*net.TCPAddr); ok && a != nil && a.IP != nil {
						at = a.IP.String()
					}
				}
				return nil, failedCall(err, "connect", at, port, path)
			}
			return conn, nil
		}, func(js *isolate.JS, conn net.Conn, err error) {
			if err != nil {
				glue.Tell(js, done, glue.Failure(js, err))
				return
			}
			pipe, err := connection(js, conn)
			if err != nil {
				glue.Tell(js, done, js.Error(err))
				return
			}
			glue.Tell(js, done, goja.Null(), pipe)
		})
	},
	// listen(host, port, path, accepted) is {address, close, ref, unref}, or throws.
	"listen": func(c *bind.Call) (any, error) {
		js, all := c.JS(), openOf.Get(c.JS())
		host, port, path := c.Arg(0).String(), int(c.Arg(1).ToInteger()), c.Arg(2).String()
		network, target := "tcp", net.JoinHostPort(host, strconv.Itoa(port))
		if path != "" {
			network, target = "unix", below(js, path)
		}
		shown := host
		if shown == "" {
			shown = "::"
		}
		if all.full(js) {
			return nil, glue.Thrown(js, failedCall(syscall.EMFILE, "listen", shown, port, path))
		}
		l, err := net.Listen(network, target)
		if err != nil {
			return nil, glue.Thrown(js, failedCall(err, "listen", shown, port, path))
		}
		h, err := glue.NewHandle(js, func() { l.Close() })
		if err != nil {
			return nil, errors.Join(err, l.Close())
		}
		all.sockets++
		accepted := c.Arg(3)
		h.Go(func(ctx context.Context) {
			for {
				conn, err := l.Accept()
				if errors.Is(err, net.ErrClosed) || ctx.Err() != nil {
					return
				}
				if err != nil {
					continue // who connected is gone again
				}
				// One waits for the loop at a time: the others wait in the system's queue.
				taken := make(chan struct{})
				h.Post(func(js *isolate.JS) {
					defer close(taken)
					if all.full(js) {
						conn.Close()
						return
					}
					if pipe, err := connection(js, conn); err == nil {
						glue.Tell(js, accepted, pipe)
					}
				})
				select {
				case <-taken:
				case <-ctx.Done():
					conn.Close()
					return
				}
			}
		})
		closed := false
		return bind.Object{Name: "Listener", Methods: map[string]bind.Static{
			"address": func(c *bind.Call) (any, error) { return address(l.Addr()), nil },
			"close": func(*bind.Call) (any, error) {
				if !closed {
					closed = true
					all.sockets--
					h.Close()
					l.Close() // nobody is left to be told
				}
				return nil, nil
			},
			"ref":   func(*bind.Call) (any, error) { h.Ref(); return nil, nil },
			"unref": func(*bind.Call) (any, error) { h.Unref(); return nil, nil },
		}}.New(js), nil
	},
}

// below is a path of the program.
func below(js *isolate.JS, path string) string {
	if path[0] == '/' || path[0] == '\\' || path[0] == 0 {
		return path
	}
	return glue.MachineOf(js).Dir() + "/" + path
}

// lookupNatives are what js/internal/dns.js has of a program's machine.
var lookupNatives = map[string]bind.Static{
	"machine": machineNatives["machine"],
	// lookup(host, family, done): done gets (error, [[address, family]]).
	"lookup": func(c *bind.Call) (any, error) {
		host, network, done := c.Arg(0).String(), "ip", c.Arg(2)
		if family := c.Arg(1).ToInteger(); family != 0 {
			network += strconv.Itoa(int(family))
		}
		return nil, glue.Later(c.JS(), func(ctx context.Context) ([]any, error) {
			found, err := net.DefaultResolver.LookupNetIP(ctx, network, host)
			if err != nil || len(found) == 0 {
				e := glue.NewSystemError("ENOTFOUND", "getaddrinfo", "")
				var dns *net.DNSError
				if errors.As(err, &dns) && dns.IsTemporary && !dns.IsNotFound {
					e = glue.NewSystemError("EAI_AGAIN", "getaddrinfo", "")
				}
				e.Short, e.Tail = true, host
				e.More = []any{"hostname", host}
				return nil, e
			}
			list := []any{}
			for _, a := range found {
				family := 6
				if a = a.Unmap(); a.Is4() {
					family = 4
				}
				list = append(list, []any{a.String(), family})
			}
			return list, nil
		}, func(js *isolate.JS, list []any, err error) {
			if err != nil {
				glue.Tell(js, done, glue.Failure(js, err))
				return
			}
			glue.Tell(js, done, goja.Null(), list)
		})
	},
}
