package durable

import (
	"fmt"
	"math"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/webapi/bind"
)

var errNoRecovery = exception.Errorf("This Durable Object's storage back-end does not implement point-in-time recovery.")

var errNoReplication = exception.Errorf("This Durable Object's storage back-end does not support replication.")

// checkBookmarks is why the actor has no bookmarks now, or nil.
func (s *Storage) checkBookmarks(c *bind.Call) error {
	root, err := s.a.cache.Get(c.JS())
	switch {
	case err != nil:
		return err
	case !s.a.o.SQLite:
		return errNoRecovery
	}
	return root.Err()
}

// getCurrentBookmark gives a name to the present state that sorts behind all names that
// the object was given before, also before it was last put away: workerd counts the calls
// and stores the count, here the name is the time, which needs no write. It has the form
// of production's bookmarks.
func (s *Storage) getCurrentBookmark(c *bind.Call) (any, error) {
	if err := s.checkBookmarks(c); err != nil {
		return nil, err
	}
	now := max(0, c.JS().Host().Now().UnixMilli())
	s.a.bookmark = max(s.a.bookmark+1, uint64(now))
	text := fmt.Sprintf("%08x-%08x-%08x-%032x", s.a.bookmark/math.MaxUint32, s.a.bookmark%math.MaxUint32, 0, 0)
	return c.JS().Resolved(c.Value(text)), nil
}

func (s *Storage) getBookmarkForTime(c *bind.Call) (any, error) {
	if _, err := date(c, c.Arg(0)); err != nil {
		return nil, err
	}
	return nil, s.refuse(c, errNoRecovery)
}

func (s *Storage) onNextSessionRestoreBookmark(c *bind.Call) (any, error) {
	var bookmark string
	if err := c.Unpack("bookmark", &bookmark); err != nil {
		return nil, err
	}
	return nil, s.refuse(c, errNoRecovery)
}

// waitForBookmark has nothing to wait for: there are no replicas.
func (s *Storage) waitForBookmark(c *bind.Call) (any, error) {
	var bookmark string
	if err := c.Unpack("bookmark", &bookmark); err != nil {
		return nil, err
	}
	if err := s.checkBookmarks(c); err != nil {
		return nil, err
	}
	return c.JS().Resolved(goja.Undefined()), nil
}

func (s *Storage) noReplicas(c *bind.Call) (any, error) { return nil, s.refuse(c, errNoReplication) }

// refuse is err, for whoever may ask at all.
func (s *Storage) refuse(c *bind.Call, err error) error {
	_, foreign := s.a.cache.Get(c.JS())
	return first(foreign, err)
}
