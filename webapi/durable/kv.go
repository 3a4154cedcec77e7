package durable

import (
	"workerd.local/cache"
	"workerd.local/exception"
	"workerd.local/loop"
	"workerd.local/storage"
	"workerd.local/trace"
	"workerd.local/webapi/bind"
)

// syncKV is a SyncKvStorage, storage.kv: the same keys and values, answered at once.
//
// It reads what the cache does not know from the store within the turn, and so needs
// one whose reads do not wait (storage.InstantReader). With any other it works as far
// as the cache knows the answer, and throws errNotInstant where it does not.
type syncKV struct {
	s    *Storage
	span *trace.Span // of the operation that runs, where tails are told
}

var syncKVClass = &bind.Class[syncKV]{
	Name: "SyncKvStorage",
	Methods: map[string]bind.Method[syncKV]{
		"get":    kvSpanned("get", (*syncKV).get),
		"put":    kvSpanned("put", (*syncKV).put),
		"delete": kvSpanned("delete", (*syncKV).delete),
		"list":   kvSpanned("list", (*syncKV).list),
	},
}

var errNotInstant = exception.Errorf("storage.kv cannot wait for this server's store, whose reads take time. Use the methods of `storage` itself, such as `await storage.get()`.")

var errKVNotEnabled = exception.Errorf("The storage.kv (synchronous KV) API is only available for SQLite-backed Durable " +
	"Objects, but this object's namespace is not declared to use SQLite. You can use " +
	"the older, asyncronous interface via methods of `storage` itself (e.g. " +
	"`storage.get()`). Alternatively, to enable SQLite, change `new_classes` to " +
	"`new_sqlite_classes` within the 'migrations' field in your wrangler.jsonc or " +
	"wrangler.toml file. If using workerd directly, set `enableSql = true` in your workerd " +
	"config for the class. Note that this change cannot be made after the class is " +
	"already deployed to production.")

var errKVNotSQLite = exception.Errorf("The storage.kv (synchronous KV) API is only available for SQLite-backed Durable " +
	"Objects, but this object's namespace is not declared to use SQLite. You can use " +
	"the older, asyncronous interface via methods of `storage` itself (e.g. " +
	"`storage.get()`). SQLite can be enabled on a new Durable Object class by using the " +
	"`new_sqlite_classes` instead of `new_classes` under `migrations` in your " +
	"wrangler.jsonc or wrangler.toml, but an already-deployed class cannot be converted " +
	"to SQLite (except by deleting the existing data).")

// target is what an operation works on.
func (k *syncKV) target(c *bind.Call, op string) (cache.Ops, error) {
	ops, err := k.s.target(c, op)
	switch o := k.s.a.o; {
	case err != nil:
		return nil, err
	case !o.SQLite:
		return nil, errKVNotSQLite
	case !o.SQL:
		return nil, errKVNotEnabled
	}
	return ops, nil
}

func (k *syncKV) get(c *bind.Call) (any, error) {
	var key string
	if err := c.Unpack("key", &key); err != nil {
		return nil, err
	}
	ops, err := k.target(c, opGet)
	if err != nil {
		return nil, err
	}
	b, err := settled(ops.Get(key, cache.ReadOptions{}))
	if b == nil || err != nil {
		return nil, err
	}
	return decode(c.JS(), b)
}

// put stores undefined too, unlike the asynchronous one.
func (k *syncKV) put(c *bind.Call) (any, error) {
	var key string
	if err := c.Unpack("key", &key); err != nil {
		return nil, err
	}
	if c.Len() < 2 {
		return nil, c.BadArg(2, "Value")
	}
	ops, err := k.target(c, opPut)
	if err != nil {
		return nil, err
	}
	b, err := encode(c.JS(), c.Arg(1))
	if err != nil {
		return nil, err
	}
	k.s.a.changed()
	return nil, failure(ops.Put([]storage.KV{{Key: key, Value: b}}, cache.WriteOptions{}))
}

func (k *syncKV) delete(c *bind.Call) (any, error) {
	var key string
	if err := c.Unpack("key", &key); err != nil {
		return nil, err
	}
	ops, err := k.target(c, opDelete)
	if err != nil {
		return nil, err
	}
	// Whether it exists is asked first: the count of the delete itself may have to wait
	// until there is room for more writes.
	b, err := settled(ops.Get(key, cache.ReadOptions{}))
	if err != nil {
		return nil, err
	}
	k.s.a.changed()
	return b != nil, failure(ops.Delete([]string{key}, cache.WriteOptions{}))
}

// failure is how a write failed. One that has to wait only waits for room.
func failure[T any](r loop.Result[T]) error {
	_, err, ready := r.Ready()
	if !ready {
		return nil
	}
	return err
}

func (k *syncKV) list(c *bind.Call) (any, error) {
	b, err := readBounds(c)
	if err != nil {
		return nil, err
	}
	b.attributes(k.span)
	ops, err := k.target(c, opList)
	if err != nil {
		return nil, err
	}
	r, empty, err := b.compile()
	if err != nil {
		return nil, err
	}
	a := k.s.a
	cur := &cursor{s: k.s, left: r, over: empty}
	if !empty {
		a.cursor.cancel()
		a.cursor = cur
		if err := cur.read(ops, c.JS().Bounds()); err != nil {
			return nil, err
		}
	}
	return cursorClass.Wrap(c.JS(), cur), nil
}
