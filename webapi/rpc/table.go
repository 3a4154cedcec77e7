package rpc

import (
	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/internal/limits"
	"workerd.local/iocontext"
)

// table is what a context exports and holds, and which calls of others it answers. All
// of it ends with the context.
type table struct {
	ioc     *iocontext.Context
	exports map[*export]struct{}
	stubs   map[*stub]struct{}
	groups  map[*group]struct{} // that hold a pipeline
	calls   map[*incoming]struct{}
}

type tableKey struct{}

func tableOf(c *iocontext.Context) *table {
	return iocontext.Local(c, tableKey{}, func() *table {
		t := &table{
			ioc: c, exports: map[*export]struct{}{}, stubs: map[*stub]struct{}{},
			groups: map[*group]struct{}{}, calls: map[*incoming]struct{}{},
		}
		c.OnEnd(t.end)
		return t
	})
}

// errNotRunning is for calls of what a context exported that has ended.
var errNotRunning = exception.Errorf("The execution context which hosts this callback is no longer running.")

// end gives everything back.
func (t *table) end() {
	reason := t.ioc.Aborted()
	if reason == nil {
		reason = errNotRunning
	}
	for x := range t.exports {
		x.revoke()
	}
	calls, stubs, groups := t.calls, t.stubs, t.groups
	t.calls, t.stubs, t.groups = nil, nil, nil
	for c := range calls {
		c.answer(nil, reason)
	}
	for s := range stubs {
		s.drop()
	}
	for g := range groups {
		g.dropPipeline()
	}
}

// checkRoom refuses what would be too much.
func (t *table) checkRoom() error {
	most := limits.RPCStubs.In(t.ioc.Realm().Isolate().Limits().Bounds)
	if len(t.exports) >= most || len(t.stubs) >= most {
		return exception.Errorf("Too many RPC stubs are in use: one execution context may hold and hand out %d each.", most)
	}
	return nil
}

// incoming is a call that a context answers.
type incoming struct {
	t     *table
	reply func(*event.Result, error)
}

func (t *table) newIncoming(reply func(*event.Result, error)) *incoming {
	c := &incoming{t: t, reply: reply}
	if t.calls != nil {
		t.calls[c] = struct{}{}
	}
	return c
}

// answer answers once.
func (c *incoming) answer(r *event.Result, err error) {
	reply := c.reply
	if reply == nil {
		r.Release()
		return
	}
	c.reply = nil
	delete(c.t.calls, c)
	reply(r, err)
}
