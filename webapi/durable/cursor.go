package durable

import (
	"github.com/dop251/goja"

	"workerd.local/cache"
	"workerd.local/exception"
	"workerd.local/internal/limits"
	"workerd.local/isolate"
	"workerd.local/storage"
	"workerd.local/webapi/bind"
)

// cursor is a ListIterator, the result of storage.kv.list(). It moves over the keys as
// they are when it gets to them, whatever was written since it began.
//
// It ends in one of three ways: behind the last key, at the limit, or because another
// list began, which its next step tells.
type cursor struct {
	s        *Storage
	left     storage.Range // what was not handed out
	over     bool
	canceled bool

	// What was read ahead holds as long as nothing is written.
	ahead   []storage.KV
	changes uint64 // the storage's when ahead was read
	reach   int    // how many keys are read ahead next time
}

var errCursorCanceled = exception.Errorf("kv.list() iterator was invalidated because a new call to kv.list() was started. Only one kv.list() iterator can exist at a time.")

var cursorClass = &bind.Class[cursor]{
	Name:    "ListIterator",
	Methods: map[string]bind.Method[cursor]{"next": (*cursor).next},
	Init: func(js *isolate.JS, _, proto *goja.Object) error {
		parent, err := bind.IteratorPrototype(js)
		if err != nil {
			return err
		}
		return proto.SetPrototype(parent)
	},
}

// cancel ends a cursor that is not over; nil is none.
func (cur *cursor) cancel() {
	if cur != nil && !cur.over {
		cur.over, cur.canceled, cur.ahead = true, true, nil
	}
}

func (cur *cursor) next(c *bind.Call) (any, error) {
	ops, err := cur.s.target(c, opList)
	if err != nil {
		return nil, err
	}
	if cur.canceled {
		return nil, errCursorCanceled
	}
	if !cur.over && (len(cur.ahead) == 0 || cur.changes != cur.s.a.changes) {
		if err := cur.read(ops, c.JS().Bounds()); err != nil {
			return nil, err
		}
		cur.over = len(cur.ahead) == 0
	}
	if cur.over {
		return bind.IteratorResult(c.JS(), nil), nil
	}
	kv := cur.ahead[0]
	cur.pass(kv.Key)
	v, err := decode(c.JS(), kv.Value)
	if err != nil {
		return nil, err
	}
	return bind.IteratorResult(c.JS(), c.JS().Runtime().NewArray(kv.Key, v)), nil
}

// read reads ahead: more from time to time, up to limits.CursorKeys and CursorBytes.
func (cur *cursor) read(ops cache.Ops, bounds *limits.Set) error {
	r := cur.left
	cur.reach = min(max(1, 2*cur.reach), limits.CursorKeys.In(bounds))
	if r.Limit == 0 || r.Limit > cur.reach {
		r.Limit = cur.reach
	}
	kvs, err := settled(ops.List(r, cache.ReadOptions{}))
	if err != nil {
		return err
	}
	size := 0
	for _, kv := range kvs {
		size += len(kv.Value)
	}
	if size > limits.CursorBytes.In(bounds) {
		cur.reach = 0
	}
	cur.ahead, cur.changes = kvs, cur.s.a.changes
	return nil
}

// pass moves what is left behind a key that is handed out.
func (cur *cursor) pass(key string) {
	cur.ahead = cur.ahead[1:]
	if cur.left.Reverse {
		cur.left.End = key
	} else {
		cur.left.Start = key + "\x00"
	}
	if cur.left.Limit > 0 {
		cur.left.Limit--
		cur.over = cur.left.Limit == 0
	}
	// The empty key is the first one, and an empty End is none.
	cur.over = cur.over || cur.left.Reverse && key <= cur.left.Start
	cur.over = cur.over || !cur.left.Reverse && cur.left.End != "" && cur.left.Start >= cur.left.End
}
