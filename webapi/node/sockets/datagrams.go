package sockets

import (
	"errors"
	"net"
	"strconv"
	"strings"
	"syscall"

	"github.com/dop251/goja"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"

	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/node/core"
	"workerd.local/webapi/node/glue"
)

// datagrams is a socket of UDP of a program. What is sent is handed to the system at once;
// of what comes, one waits for the loop and the others in the system's buffer.
type datagrams struct {
	conn   *net.UDPConn
	six    bool
	handle *glue.Handle
	closed bool
}

var datagramsClass = &bind.Class[datagrams]{
	Name: "DatagramsHandle",
	Methods: map[string]bind.Method[datagrams]{
		"address": func(d *datagrams, _ *bind.Call) (any, error) {
			a, _ := d.conn.LocalAddr().(*net.UDPAddr)
			return []any{d.text(a), a.Port, d.family()}, nil
		},
		// send(bytes, port, address) throws what went wrong.
		"send": func(d *datagrams, c *bind.Call) (any, error) {
			b, _ := bind.Bytes(c.JS(), c.Arg(0))
			port, host := int(c.Arg(1).ToInteger()), c.Arg(2).String()
			if _, err := d.conn.WriteToUDP(b, target(host, port)); err != nil {
				return nil, glue.Thrown(c.JS(), failedCall(err, "send", host, port, ""))
			}
			return nil, nil
		},
		"close": func(d *datagrams, c *bind.Call) (any, error) {
			d.close(openOf.Get(c.JS()))
			return nil, nil
		},
		"ref":   func(d *datagrams, _ *bind.Call) (any, error) { d.handle.Ref(); return nil, nil },
		"unref": func(d *datagrams, _ *bind.Call) (any, error) { d.handle.Unref(); return nil, nil },
		// set(what, value, address, interface) throws what went wrong.
		"set": func(d *datagrams, c *bind.Call) (any, error) {
			what := c.Arg(0).String()
			if err := d.set(what, int(c.Arg(1).ToInteger()), c.Arg(2).String(), c.Arg(3).String()); err != nil {
				e := glue.SystemErrorOf(err, what, "", "")
				e.Short = true
				return nil, glue.Thrown(c.JS(), e)
			}
			return nil, nil
		},
		// size(send, bytes) sets the size of a buffer where bytes is not 0, and says what it is.
		"size": func(d *datagrams, c *bind.Call) (any, error) {
			send, call := c.Arg(0).ToBoolean(), "uv_recv_buffer_size"
			if send {
				call = "uv_send_buffer_size"
			}
			n, err := d.bufferSize(send, int(c.Arg(1).ToInteger()))
			if err != nil {
				return nil, glue.Thrown(c.JS(), glue.SystemErrorOf(err, call, "", ""))
			}
			return n, nil
		},
	},
}

func (d *datagrams) family() string {
	if d.six {
		return "IPv6"
	}
	return "IPv4"
}

// text is an address in the words of the socket's family.
func (d *datagrams) text(a *net.UDPAddr) string {
	ip := a.IP
	if four := ip.To4(); four != nil && d.six {
		return "::ffff:" + four.String()
	}
	if a.Zone != "" {
		return ip.String() + "%" + a.Zone
	}
	return ip.String()
}

func target(host string, port int) *net.UDPAddr {
	host, zone, _ := strings.Cut(host, "%")
	return &net.UDPAddr{IP: net.ParseIP(host), Port: port, Zone: zone}
}

func (d *datagrams) close(all *open) {
	if !d.closed {
		d.closed = true
		all.sockets--
		d.handle.Close()
		d.conn.Close() // nobody is left to be told
	}
}

// set changes an option, in the words of js/machine/dgram.js.
func (d *datagrams) set(what string, value int, address, over string) error {
	four, six := ipv4.NewPacketConn(d.conn), ipv6.NewPacketConn(d.conn)
	var conn interface { // what both families have
		SetMulticastLoopback(on bool) error
		SetMulticastInterface(ifi *net.Interface) error
		JoinGroup(ifi *net.Interface, group net.Addr) error
		LeaveGroup(ifi *net.Interface, group net.Addr) error
	} = four
	setTTL, setMulticastTTL := four.SetTTL, four.SetMulticastTTL
	if d.six {
		conn, setTTL, setMulticastTTL = six, six.SetHopLimit, six.SetMulticastHopLimit
	}
	ifi, err := interfaceOf(over)
	if err != nil {
		return err
	}
	group := target(address, 0)
	if strings.HasSuffix(what, "Membership") && (group.IP == nil || !group.IP.IsMulticast()) {
		return syscall.EINVAL
	}
	switch what {
	case "setBroadcast":
		return d.setBroadcast(value)
	case "setTTL":
		return setTTL(value)
	case "setMulticastTTL":
		return setMulticastTTL(value)
	case "setMulticastLoopback":
		return conn.SetMulticastLoopback(value != 0)
	case "setMulticastInterface":
		if ifi == nil {
			return nil
		}
		return conn.SetMulticastInterface(ifi)
	case "addMembership":
		return conn.JoinGroup(ifi, group)
	case "dropMembership":
		return conn.LeaveGroup(ifi, group)
	}
	return syscall.EINVAL
}

// interfaceOf is the interface that has an address, or that ends one of IPv6 as "%name";
// nil where the system chooses.
func interfaceOf(text string) (*net.Interface, error) {
	address, zone, zoned := strings.Cut(text, "%")
	if zoned {
		if n, err := strconv.Atoi(zone); err == nil {
			return net.InterfaceByIndex(n)
		}
		return net.InterfaceByName(zone)
	}
	ip := net.ParseIP(address)
	if text == "" || ip != nil && ip.IsUnspecified() {
		return nil, nil
	}
	if ip == nil {
		return nil, syscall.EINVAL
	}
	list, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	for _, i := range list {
		addresses, err := i.Addrs()
		if err != nil {
			continue // one that is gone
		}
		for _, a := range addresses {
			if n, ok := a.(*net.IPNet); ok && n.IP.Equal(ip) {
				return &i, nil
			}
		}
	}
	return nil, syscall.EADDRNOTAVAIL
}

// datagramNatives are what js/machine/dgram.js has.
var datagramNatives = map[string]bind.Static{
	// bind(six, address, port, reuse, only6, received) is a socket, or throws. received gets
	// (error, bytes, address, port).
	"bind": func(c *bind.Call) (any, error) {
		js, all := c.JS(), openOf.Get(c.JS())
		six, host, port := c.Arg(0).ToBoolean(), c.Arg(1).String(), int(c.Arg(2).ToInteger())
		if all.full(js) {
			return nil, glue.Thrown(js, failedCall(syscall.EMFILE, "bind", host, port, ""))
		}
		network := "udp4"
		if six {
			if network = "udp6"; !c.Arg(4).ToBoolean() && net.ParseIP(host).IsUnspecified() {
				network = "udp" // both families
			}
		}
		lc := net.ListenConfig{}
		if c.Arg(3).ToBoolean() {
			lc.Control = reuseAddress
		}
		ioc, err := c.Context()
		if err != nil {
			return nil, err
		}
		pc, err := lc.ListenPacket(ioc.Context(), network, net.JoinHostPort(host, strconv.Itoa(port)))
		if err != nil {
			return nil, glue.Thrown(js, failedCall(err, "bind", host, port, ""))
		}
		conn, ok := pc.(*net.UDPConn)
		if !ok {
			return nil, errors.Join(errors.New("dgram: no socket of UDP"), pc.Close())
		}
		d := &datagrams{conn: conn, six: six}
		if d.handle, err = glue.NewHandle(js, func() { conn.Close() }); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		all.sockets++
		received := c.Arg(5)
		d.handle.Go(func(ctx ctx) { d.read(ctx, received) })
		return datagramsClass.Wrap(js, d), nil
	},
}

// mostDatagram is how large a datagram may be.
const mostDatagram = 64 << 10

func (d *datagrams) read(ctx ctx, received goja.Value) {
	buf := make([]byte, mostDatagram)
	for {
		n, from, err := d.conn.ReadFromUDP(buf)
		if errors.Is(err, net.ErrClosed) || ctx.Err() != nil {
			return
		}
		data := append([]byte{}, buf[:n]...)
		taken := make(chan struct{})
		d.handle.Post(func(js *isolate.JS) {
			defer close(taken)
			if d.closed {
				return
			}
			if err != nil {
				e := glue.SystemErrorOf(err, "recvmsg", "", "")
				e.Short = true
				glue.Tell(js, received, glue.Failure(js, e))
				return
			}
			b, err := core.NewBuffer(js, data)
			if err != nil {
				glue.Tell(js, received, js.Error(err))
				return
			}
			glue.Tell(js, received, goja.Null(), b, d.text(from), from.Port)
		})
		select {
		case <-taken:
		case <-ctx.Done():
			return
		}
	}
}
