package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"syscall"
)

// floor is a server that does nothing but what every server must: it accepts, reads a
// handshake, and writes the same answer to all of them. What a socket costs it, and the
// client meanwhile, no server on this machine can be below. It says where it listens, as JSON,
// and ends with its input.
func floor(in io.Reader, out io.Writer) error {
	l, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	if err := syscall.Bind(l, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return fmt.Errorf("bind: %w", err)
	}
	if err := syscall.Listen(l, 4096); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	poll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return fmt.Errorf("epoll: %w", err)
	}
	watch := func(fd int) error {
		return syscall.EpollCtl(poll, syscall.EPOLL_CTL_ADD, fd, &syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(fd)})
	}
	if err := watch(l); err != nil {
		return fmt.Errorf("epoll: %w", err)
	}
	name, err := syscall.Getsockname(l)
	if err != nil {
		return fmt.Errorf("getsockname: %w", err)
	}
	if err := json.NewEncoder(out).Encode(fmt.Sprintf("127.0.0.1:%d", name.(*syscall.SockaddrInet4).Port)); err != nil {
		return err
	}
	served := make(chan error, 1)
	go func() { served <- serveFloor(l, poll, watch) }()
	_, err = io.Copy(io.Discard, in)
	// Which wakes it, and ends it.
	return errors.Join(err, syscall.Shutdown(l, syscall.SHUT_RD), <-served)
}

func serveFloor(l, poll int, watch func(fd int) error) error {
	answer := []byte("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + handshakeAccept + "\r\n\r\n")
	defer syscall.Close(poll)
	var conns []int
	defer func() {
		for _, fd := range append(conns, l) {
			syscall.Close(fd)
		}
	}()
	events := make([]syscall.EpollEvent, crowd)
	read := make([]byte, 4<<10)
	for {
		n, err := syscall.EpollWait(poll, events, -1)
		if err != nil && err != syscall.EINTR {
			return fmt.Errorf("epoll: %w", err)
		}
		for _, ev := range events[:max(n, 0)] {
			fd := int(ev.Fd)
			if fd == l {
				c, _, err := syscall.Accept4(l, syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK)
				switch err {
				case nil:
				case syscall.EAGAIN:
					continue
				case syscall.EINVAL:
					return nil // the end
				default:
					return fmt.Errorf("accept: %w", err)
				}
				conns = append(conns, c)
				if err := watch(c); err != nil {
					return fmt.Errorf("epoll: %w", err)
				}
				continue
			}
			// What ends says so again and again, unless nobody asks any more; and a client
			// that sends a handshake in pieces does not come here.
			n, err := syscall.Read(fd, read)
			switch {
			case n <= 0 && err != syscall.EAGAIN:
				if err := syscall.EpollCtl(poll, syscall.EPOLL_CTL_DEL, fd, nil); err != nil {
					return fmt.Errorf("epoll: %w", err)
				}
			case bytes.HasSuffix(read[:max(n, 0)], []byte("\r\n\r\n")):
				syscall.Write(fd, answer) // where it fails, so does the next read
			}
		}
	}
}
