//go:build !linux

package main

import (
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// openAll opens the sockets of an order, a goroutine each, and says how long that took.
func openAll(o order) ([]*sock, time.Duration, error) {
	begin := time.Now()
	socks := make([]*sock, o.Count)
	var next atomic.Int64
	var failure atomic.Pointer[error]
	var wg sync.WaitGroup
	for range crowd {
		wg.Go(func() {
			for failure.Load() == nil {
				i := int(next.Add(1)) - 1
				if i >= o.Count {
					return
				}
				s, err := connect(o, i)
				if err != nil {
					failure.Store(&err)
					return
				}
				socks[i] = s
			}
		})
	}
	wg.Wait()
	if err := failure.Load(); err != nil {
		return nil, 0, *err
	}
	return socks, time.Since(begin), nil
}

func connect(o order, i int) (*sock, error) {
	nd := net.Dialer{Timeout: crowdPatience, KeepAlive: -1}
	if ip := o.source(i); ip != nil {
		nd.LocalAddr = &net.TCPAddr{IP: ip}
	}
	c, err := nd.Dial("tcp", o.Addr)
	if err != nil {
		return nil, err
	}
	s := &sock{stream: c, buf: make([]byte, headBytes)}
	if err := s.agree(o.path(i)); err != nil {
		c.Close()
		return nil, err
	}
	return s, nil
}

func (s *sock) agree(path string) error {
	if err := s.SetDeadline(time.Now().Add(crowdPatience)); err != nil {
		return err
	}
	if _, err := s.Write(handshake(path)); err != nil {
		return err
	}
	for {
		n, err := s.Read(s.buf[s.w:])
		s.w += n
		size, wrong := agreed(s.buf[:s.w])
		if wrong != nil {
			return wrong
		}
		if s.r = size; size > 0 {
			return s.SetDeadline(time.Time{})
		}
		if err != nil {
			return fmt.Errorf("no answer to the handshake: %w", err)
		}
	}
}
