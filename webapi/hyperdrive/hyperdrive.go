// Package hyperdrive is databases behind a service: what a hyperdrive binding is.
//
// A binding has the parts of a connection string, and connects to the service that the
// configuration names. Its host is a name that nobody else has; connect() to it, from
// whatever driver, reaches that service, too.
//
// Everything belongs to the isolate's goroutine; the service runs on others.
package hyperdrive

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/sockets"
)

// Database is a database, behind a service.
type Database struct {
	Service                          event.Service
	Scheme, User, Password, Database string

	host string
}

// Port is the usual one of the scheme.
func (d *Database) Port() int {
	if d.Scheme == "mysql" {
		return 3306
	}
	return 5432
}

// ConnectionString is the URL that drivers are given. As in workerd, nothing in it is
// escaped.
func (d *Database) ConnectionString() string {
	query := "?sslmode=disable"
	if d.Scheme == "mysql" {
		query = "?ssl-mode=disabled"
	}
	return fmt.Sprintf("%s://%s:%s@%s:%d/%s%s", d.Scheme, d.User, d.Password, d.host, d.Port(), d.Database, query)
}

var class = &bind.Class[Database]{
	Name: "Hyperdrive",
	Methods: map[string]bind.Method[Database]{
		"connect": func(d *Database, c *bind.Call) (any, error) {
			ioc, err := c.Context()
			if err != nil {
				return nil, err
			}
			return sockets.ConnectTo(c.JS(), ioc, d.Service, d.host, d.Port()), nil
		},
	},
}

// New makes the binding of a database, whose name is made up here.
func New(js *isolate.JS, d *Database) (*goja.Object, error) {
	var r [18]byte
	js.Host().Random(r[:])
	d.host = hex.EncodeToString(r[:16]) + ".hyperdrive.local"
	port := ":" + strconv.Itoa(d.Port())
	sockets.Redirect(js, d.host+port, d.Service)
	// An address that no machine has, and no other binding.
	ip, start := "", binary.BigEndian.Uint16(r[16:])
	for n := start; ; n++ {
		ip = fmt.Sprintf("240.0.%d.%d", n>>8, n&0xff)
		if sockets.Redirect(js, ip+port, d.Service) {
			break
		}
		if n+1 == start {
			return nil, fmt.Errorf("no address is left for a Hyperdrive binding")
		}
	}
	obj := class.Wrap(js, d)
	for _, p := range []struct {
		name  string
		value any
	}{
		{"database", d.Database}, {"user", d.User}, {"password", d.Password}, {"host", d.host}, {"ip", ip},
		{"port", d.Port()}, {"connectionString", d.ConnectionString()},
	} {
		if err := obj.DefineDataProperty(p.name, bind.Value(js, p.value), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_TRUE); err != nil {
			return nil, err
		}
	}
	return obj, nil
}
