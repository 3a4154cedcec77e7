package rpc

import (
	"sync/atomic"

	"workerd.local/loop"
)

// Session counts what the other side still holds of one session, and the calls that it
// has under way. Hold and Drop: any goroutine.
type Session struct {
	held atomic.Int64
	l    *loop.Loop
	idle func()
}

// NewSession returns a session of which nobody holds anything. idle is told, on the loop,
// whenever that is so again.
func NewSession(l *loop.Loop, idle func()) *Session { return &Session{l: l, idle: idle} }

// Held reports whether the other side holds something.
func (s *Session) Held() bool { return s.held.Load() > 0 }

// Hold counts one thing more; a nil session counts nothing.
func (s *Session) Hold() {
	if s != nil {
		s.held.Add(1)
	}
}

// Drop counts one thing less.
func (s *Session) Drop() {
	if s != nil && s.held.Add(-1) == 0 {
		// A closed loop has ended everything.
		_ = s.l.Post(func() {
			if !s.Held() {
				s.idle()
			}
		})
	}
}
