package storage

import (
	"context"
	"fmt"
	"sync/atomic"

	"workerd.local/actorid"
)

// Local is the Placement of a store that one process holds alone: that process
// owns every shard, and a token's epoch is the number of times the store was
// opened. Any goroutine.
type Local struct {
	epoch uint64
	held  func() bool
	self  atomic.Pointer[Node]
}

// NewLocal returns the placement of a store in its given epoch. held reports
// whether the store is still open and trusted; it must not block.
func NewLocal(epoch uint64, held func() bool) *Local {
	l := &Local{epoch: epoch, held: held}
	l.self.Store(&Node{})
	return l
}

// Owner is this process, for every shard.
func (l *Local) Owner(_ context.Context, shard uint32) (Node, Token, error) {
	if shard >= actorid.Shards {
		return Node{}, Token{}, fmt.Errorf("shard %d does not exist: there are %d", shard, actorid.Shards)
	}
	return *l.self.Load(), Token{Shard: shard, Epoch: l.epoch}, nil
}

// Join gains every shard at once and never loses one. The session is valid until
// it is drained or the store is closed or fails.
func (l *Local) Join(_ context.Context, self Node) (Session, error) {
	l.self.Store(&self)
	s := &localSession{local: l, gained: make(chan Token, actorid.Shards), lost: make(chan Token)}
	for shard := range uint32(actorid.Shards) {
		s.gained <- Token{Shard: shard, Epoch: l.epoch}
	}
	return s, nil
}

type localSession struct {
	local   *Local
	drained atomic.Bool
	gained  chan Token
	lost    chan Token
}

func (s *localSession) Valid() bool          { return !s.drained.Load() && s.local.held() }
func (s *localSession) Gained() <-chan Token { return s.gained }
func (s *localSession) Lost() <-chan Token   { return s.lost }

func (s *localSession) Drain(context.Context) error {
	s.drained.Store(true)
	return nil
}
