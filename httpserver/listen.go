package httpserver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
)

// Address is how Listen reads an address: with its port, and without a name for all
// hosts. Two that are equal name the same socket.
func Address(addr string, defaultPort int) string {
	if strings.HasPrefix(addr, "unix:") || strings.HasPrefix(addr, "unix-abstract:") {
		return addr
	}
	if addr == "*" || !strings.Contains(addr, ":") || strings.HasSuffix(addr, "]") { // an IPv6 address without a port
		addr = fmt.Sprintf("%s:%d", addr, defaultPort)
	}
	if rest, ok := strings.CutPrefix(addr, "*:"); ok {
		addr = ":" + rest
	}
	return addr
}

// Listen opens a socket: "host:port", "*:port", "host" or "*" with the default
// port, "unix:/path", or "unix-abstract:name". A socket file that no process
// listens on any more is replaced.
func Listen(addr string, defaultPort int) (net.Listener, error) {
	if path, ok := strings.CutPrefix(addr, "unix:"); ok {
		return listenUnix(path)
	}
	if name, ok := strings.CutPrefix(addr, "unix-abstract:"); ok {
		l, err := net.Listen("unix", "@"+name)
		return l, explain(addr, err)
	}
	// A socket of Multipath TCP, which is package net's own choice, costs every connection.
	var config net.ListenConfig
	config.SetMultipathTCP(false)
	l, err := config.Listen(context.Background(), "tcp", Address(addr, defaultPort))
	return l, explain(addr, err)
}

func listenUnix(path string) (net.Listener, error) {
	l, err := net.Listen("unix", path)
	if err == nil || !errors.Is(err, syscall.EADDRINUSE) {
		return l, explain("unix:"+path, err)
	}
	info, serr := os.Lstat(path)
	if serr != nil || info.Mode()&fs.ModeSocket == 0 {
		return nil, explain("unix:"+path, err)
	}
	if c, derr := net.Dial("unix", path); derr == nil {
		c.Close()
		return nil, explain("unix:"+path, err)
	}
	if rerr := os.Remove(path); rerr != nil {
		return nil, explain("unix:"+path, rerr)
	}
	l, err = net.Listen("unix", path)
	return l, explain("unix:"+path, err)
}

// explain says what to do about a socket that cannot be opened.
func explain(addr string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("cannot listen on %s: the address is in use; stop the program that uses it or choose another port", addr)
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return fmt.Errorf("cannot listen on %s: permission denied; ports below 1024 need privileges", addr)
	}
	return fmt.Errorf("cannot listen on %s: %w", addr, err)
}
