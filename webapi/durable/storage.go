package durable

import (
	"strings"
	"time"

	"github.com/dop251/goja"

	"workerd.local/cache"
	"workerd.local/exception"
	"workerd.local/internal/clone"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/loop"
	"workerd.local/storage"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/global"
)

// Storage is a DurableObjectStorage, and the core of a transaction object.
type Storage struct {
	ops   cache.Ops
	cache *cache.Cache
	o     *Options
	txns  []cache.Ops // the transactions that are open, innermost last
}

var storageClass = &bind.Class[Storage]{
	Name: "DurableObjectStorage",
	Async: map[string]bind.Method[Storage]{
		"get":         (*Storage).get,
		"put":         (*Storage).put,
		"delete":      (*Storage).delete,
		"list":        (*Storage).list,
		"deleteAll":   (*Storage).deleteAll,
		"sync":        (*Storage).sync,
		"getAlarm":    (*Storage).getAlarm,
		"setAlarm":    (*Storage).setAlarm,
		"deleteAlarm": (*Storage).deleteAlarm,
		"transaction": (*Storage).transaction,
	},
}

// now is what direct calls go to: the innermost open transaction, else the cache
// (workerd: while an explicit transaction is open, calls on storage are part of
// it).
func (s *Storage) now() cache.Ops {
	if n := len(s.txns); n > 0 {
		return s.txns[n-1]
	}
	return s.ops
}

// options are the options that any operation may have.
type options struct {
	read        cache.ReadOptions
	write       cache.WriteOptions
	concurrency bool
}

func readOptions(c *bind.Call, v goja.Value) (o options, err error) {
	obj, ok := v.(*goja.Object)
	if !ok {
		return o, nil
	}
	flag := func(name string) bool {
		p := obj.Get(name)
		return p != nil && p.ToBoolean()
	}
	err = c.JS().Try(func() {
		o.concurrency = flag("allowConcurrency")
		noCache := flag("noCache")
		o.read.NoCache, o.write.NoCache = noCache, noCache
		o.write.AllowUnconfirmed = flag("allowUnconfirmed")
	})
	return o, err
}

// promise hands a result to JavaScript: with the input lock held unless the caller
// allowed other events in between.
func promise[T any](c *bind.Call, o options, r loop.Result[T], conv func(js *isolate.JS, v T) (goja.Value, error)) (any, error) {
	ioc, err := c.Context()
	if err != nil {
		return nil, err
	}
	if o.concurrency {
		return iocontext.Await(c.JS(), ioc, r, conv), nil
	}
	return iocontext.AwaitLocked(c.JS(), ioc, r, conv), nil
}

func nothing(*isolate.JS, struct{}) (goja.Value, error) { return goja.Undefined(), nil }

// keyList is an array of strings, or ok is false where v is not an array.
func keyList(c *bind.Call, v goja.Value) (keys []string, ok bool, err error) {
	obj, isObj := v.(*goja.Object)
	if !isObj || obj.ClassName() != "Array" {
		return nil, false, nil
	}
	terr := c.JS().Try(func() {
		n := int(obj.Get("length").ToInteger())
		for i := range n {
			var s string
			if s, err = c.String(1, obj.Get(itoa(i))); err != nil {
				return
			}
			keys = append(keys, s)
		}
	})
	if terr != nil {
		err = terr
	}
	return keys, true, err
}

func itoa(i int) string {
	if i < 10 {
		return string(rune('0' + i))
	}
	return itoa(i/10) + string(rune('0'+i%10))
}

func decode(js *isolate.JS, b []byte) (goja.Value, error) {
	v, err := clone.Deserialize(js.Runtime(), b, clone.Options{Host: global.HostObjects(js)})
	return v, global.CloneError(err)
}

// encode serializes a value; what cannot be cloned is a DataCloneError.
func encode(js *isolate.JS, v goja.Value) ([]byte, error) {
	b, err := clone.Serialize(js.Runtime(), v, clone.Options{Host: global.HostObjects(js)})
	return b, global.CloneError(err)
}

func (s *Storage) get(c *bind.Call) (any, error) {
	o, err := readOptions(c, c.Arg(1))
	if err != nil {
		return nil, err
	}
	keys, many, err := keyList(c, c.Arg(0))
	if err != nil {
		return nil, err
	}
	if many {
		return promise(c, o, s.now().GetMany(keys, o.read), toMap)
	}
	var key string
	if err := c.Unpack("key", &key); err != nil {
		return nil, err
	}
	return promise(c, o, s.now().Get(key, o.read), func(js *isolate.JS, b []byte) (goja.Value, error) {
		if b == nil {
			return goja.Undefined(), nil
		}
		return decode(js, b)
	})
}

type mapIntrinsics struct {
	ctor, set goja.Value
}

var mapSlot = isolate.NewSlot(func(js *isolate.JS) *mapIntrinsics {
	ctor := js.Runtime().GlobalObject().Get("Map").(*goja.Object)
	return &mapIntrinsics{ctor, ctor.Get("prototype").(*goja.Object).Get("set")}
})

// toMap is a Map in the order of the entries.
func toMap(js *isolate.JS, kvs []storage.KV) (goja.Value, error) {
	in := mapSlot.Get(js)
	m, err := js.Construct(in.ctor)
	if err != nil {
		return nil, err
	}
	for _, kv := range kvs {
		v, err := decode(js, kv.Value)
		if err != nil {
			return nil, err
		}
		if _, err := js.Call(in.set, m, js.Runtime().ToValue(kv.Key), v); err != nil {
			return nil, err
		}
	}
	return m, nil
}

const putText = "put() may only be called with a single key-value pair and optional options as put(key, value, options) or with multiple key-value pairs and optional options as put(entries, options)"

func (s *Storage) put(c *bind.Call) (any, error) {
	if obj, ok := c.Arg(0).(*goja.Object); ok && obj.ClassName() != "String" {
		return s.putMany(c, obj)
	}
	var key string
	if err := c.Unpack("key", &key); err != nil {
		return nil, err
	}
	if goja.IsUndefined(c.Arg(1)) {
		return nil, exception.TypeErrorf("put() called with undefined value.")
	}
	o, err := readOptions(c, c.Arg(2))
	if err != nil {
		return nil, err
	}
	b, err := encode(c.JS(), c.Arg(1))
	if err != nil {
		return nil, err
	}
	return promise(c, o, s.now().Put([]storage.KV{{Key: key, Value: b}}, o.write), nothing)
}

func (s *Storage) putMany(c *bind.Call, obj *goja.Object) (any, error) {
	if v := c.Arg(1); !goja.IsUndefined(v) {
		if _, isObj := v.(*goja.Object); !isObj {
			return nil, exception.TypeErrorf(putText)
		}
	}
	o, err := readOptions(c, c.Arg(1))
	if err != nil {
		return nil, err
	}
	var kvs []storage.KV
	terr := c.JS().Try(func() {
		for _, key := range obj.Keys() {
			v := obj.Get(key)
			if v == nil || goja.IsUndefined(v) {
				continue // skipped, as workerd does
			}
			var b []byte
			if b, err = encode(c.JS(), v); err != nil {
				return
			}
			kvs = append(kvs, storage.KV{Key: key, Value: b})
		}
	})
	if err == nil {
		err = terr
	}
	if err != nil {
		return nil, err
	}
	return promise(c, o, s.now().Put(kvs, o.write), nothing)
}

func (s *Storage) delete(c *bind.Call) (any, error) {
	o, err := readOptions(c, c.Arg(1))
	if err != nil {
		return nil, err
	}
	keys, many, err := keyList(c, c.Arg(0))
	if err != nil {
		return nil, err
	}
	if !many {
		var key string
		if err := c.Unpack("key", &key); err != nil {
			return nil, err
		}
		keys = []string{key}
	}
	return promise(c, o, s.now().Delete(keys, o.write), func(js *isolate.JS, n int) (goja.Value, error) {
		if many {
			return js.Runtime().ToValue(n), nil
		}
		return js.Runtime().ToValue(n > 0), nil
	})
}

func (s *Storage) list(c *bind.Call) (any, error) {
	o, err := readOptions(c, c.Arg(0))
	if err != nil {
		return nil, err
	}
	r, empty, err := listRange(c, c.Arg(0))
	if err != nil {
		return nil, err
	}
	if empty {
		return promise(c, o, loop.Now[[]storage.KV](nil), toMap)
	}
	return promise(c, o, s.now().List(r, o.read), toMap)
}

// listRange reads the options of list() (workerd, "Async KV", list bounds).
func listRange(c *bind.Call, v goja.Value) (r storage.Range, empty bool, err error) {
	obj, ok := v.(*goja.Object)
	if !ok {
		return r, false, nil
	}
	var start, startAfter, end, prefix *string
	text := func(name string) (*string, error) {
		v := obj.Get(name)
		if v == nil || goja.IsUndefined(v) || goja.IsNull(v) {
			return nil, nil
		}
		s, err := c.String(1, v)
		return &s, err
	}
	terr := c.JS().Try(func() {
		for _, f := range []struct {
			name string
			into **string
		}{{"start", &start}, {"startAfter", &startAfter}, {"end", &end}, {"prefix", &prefix}} {
			if *f.into, err = text(f.name); err != nil {
				return
			}
		}
		if v := obj.Get("reverse"); v != nil {
			r.Reverse = v.ToBoolean()
		}
		if v := obj.Get("limit"); v != nil && !goja.IsUndefined(v) && !goja.IsNull(v) {
			n := v.ToInteger()
			if n <= 0 {
				err = exception.TypeErrorf("List limit must be positive.")
				return
			}
			r.Limit = int(min(n, 1<<31-1))
		}
	})
	if err == nil {
		err = terr
	}
	if err != nil {
		return r, false, err
	}
	if start != nil && startAfter != nil {
		return r, false, exception.TypeErrorf("list() cannot be called with both start and startAfter values.")
	}
	if start != nil {
		r.Start = *start
	}
	if startAfter != nil {
		r.Start = *startAfter + "\x00"
	}
	if end != nil {
		if *end == "" {
			return r, true, nil
		}
		r.End = *end
	}
	if prefix != nil && *prefix != "" {
		p := *prefix
		switch {
		case r.Start < p:
			r.Start = p
		case !strings.HasPrefix(r.Start, p):
			return r, true, nil
		}
		switch {
		case r.End == "":
			r.End = afterPrefix(p)
		case r.End <= p:
			return r, true, nil
		case !strings.HasPrefix(r.End, p):
			r.End = afterPrefix(p)
		}
	}
	return r, r.End != "" && r.End <= r.Start, nil
}

// afterPrefix is the first key after all that begin with p; empty where there is
// none.
func afterPrefix(p string) string {
	b := []byte(p)
	for len(b) > 0 && b[len(b)-1] == 0xff {
		b = b[:len(b)-1]
	}
	if len(b) == 0 {
		return ""
	}
	b[len(b)-1]++
	return string(b)
}

func (s *Storage) deleteAll(c *bind.Call) (any, error) {
	if len(s.txns) > 0 {
		return nil, exception.Errorf("Cannot call deleteAll() within a transaction")
	}
	o, err := readOptions(c, c.Arg(0))
	if err != nil {
		return nil, err
	}
	return promise(c, o, s.cache.DeleteAll(cache.DeleteAllOptions{WriteOptions: o.write, DeleteAlarm: s.o.DeleteAllDeletesAlarm}), nothing)
}

func (s *Storage) sync(c *bind.Call) (any, error) {
	return promise(c, options{concurrency: true}, s.cache.Sync(), nothing)
}

func (s *Storage) getAlarm(c *bind.Call) (any, error) {
	o, err := readOptions(c, c.Arg(0))
	if err != nil {
		return nil, err
	}
	return promise(c, o, s.now().Alarm(o.read), func(js *isolate.JS, t time.Time) (goja.Value, error) {
		if t.IsZero() {
			return goja.Null(), nil
		}
		return js.Runtime().ToValue(t.UnixMilli()), nil
	})
}

func (s *Storage) setAlarm(c *bind.Call) (any, error) {
	when, err := alarmTime(c)
	if err != nil {
		return nil, err
	}
	if !s.o.HasAlarm() {
		return nil, exception.TypeErrorf("Your Durable Object class must have an alarm() handler in order to call setAlarm()")
	}
	o, err := readOptions(c, c.Arg(1))
	if err != nil {
		return nil, err
	}
	if now := c.JS().Host().Now().Truncate(time.Millisecond); when.Before(now) {
		when = now
	}
	return s.moveAlarm(c, o, when)
}

// alarmTime is a Date or a number of milliseconds.
func alarmTime(c *bind.Call) (time.Time, error) {
	var ms float64
	if err := c.Unpack("scheduledTime", &ms); err != nil {
		return time.Time{}, err
	}
	if !(ms > 0) {
		return time.Time{}, exception.TypeErrorf("setAlarm() cannot be called with an alarm time <= 0")
	}
	return time.UnixMilli(int64(min(ms, 8.64e15))), nil
}

func (s *Storage) deleteAlarm(c *bind.Call) (any, error) {
	o, err := readOptions(c, c.Arg(0))
	if err != nil {
		return nil, err
	}
	return s.moveAlarm(c, o, time.Time{})
}

func (s *Storage) moveAlarm(c *bind.Call, o options, when time.Time) (any, error) {
	r := s.now().SetAlarm(when, o.write)
	if _, err, ready := r.Ready(); err == nil || !ready {
		s.o.AlarmSet(when)
	}
	return promise(c, o, r, nothing)
}
