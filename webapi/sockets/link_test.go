package sockets

import (
	"errors"
	"testing"

	"workerd.local/event"
)

// idle is a connection on which nothing happens.
type idle struct {
	event.Conn
	closed int
}

func (*idle) Gone() <-chan struct{} { return nil }
func (c *idle) Close() error {
	c.closed++
	return nil
}

// A connection that was taken out belongs to whoever has it: whoever looks at the link
// then, even for the first time, finds it over.
func TestReleasedLinkIsOver(t *testing.T) {
	for range 100 { // what is ready at once is chosen at random
		l, conn := newLink(), &idle{}
		l.settle(conn, nil)
		if got, err := l.release(); got != event.Conn(conn) || err != nil {
			t.Fatal(got, err)
		}
		if c, err := l.wait(); c != nil || !errors.Is(err, errGone) {
			t.Fatalf("wait: %v, %v", c, err)
		}
		if err := l.gone(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n, err := (&readHalf{link: l}).Read(make([]byte, 1)); n != 0 || !errors.Is(err, errGone) {
			t.Fatalf("read: %d, %v", n, err)
		}
		if c, err := l.release(); c != nil || !errors.Is(err, errGone) {
			t.Fatalf("release: %v, %v", c, err)
		}
		if err := l.cut(); err != nil || conn.closed != 0 {
			t.Fatalf("cut: %v, closed %d times", err, conn.closed)
		}
	}
}
