package durable

import (
	"maps"
	"math"
	"reflect"
	"strconv"
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

// shared is what the storage of one actor, its transactions and its synchronous side
// have in common.
type shared struct {
	cache iocontext.Own[*cache.Cache]
	o     *Options
	txns  []*cache.Txn // that are open, innermost last
	// ended are the transactions that were rolled back in this turn.
	ended int
	// changes counts what may have changed the answer to a read.
	changes uint64
	cursor  *cursor // the list of storage.kv that may go on
	// bookmark is the last one that was given away.
	bookmark uint64
}

// Storage is a DurableObjectStorage, and the core of a transaction object.
type Storage struct {
	a *shared
	// txn is the transaction that the operations belong to; nil where they are called on
	// the storage itself.
	txn *Transaction
}

var storageAsync = map[string]bind.Method[Storage]{
	"get":         spanned("get", (*Storage).get),
	"put":         spanned("put", (*Storage).put),
	"list":        spanned("list", (*Storage).list),
	"deleteAll":   spanned("deleteAll", (*Storage).deleteAll),
	"sync":        spanned("sync", (*Storage).sync),
	"getAlarm":    spanned("getAlarm", (*Storage).getAlarm),
	"setAlarm":    spanned("setAlarm", (*Storage).setAlarm),
	"deleteAlarm": spanned("deleteAlarm", (*Storage).deleteAlarm),
	"transaction": spanned("transaction", (*Storage).transaction),

	"getCurrentBookmark":           spanned("getCurrentBookmark", (*Storage).getCurrentBookmark),
	"getBookmarkForTime":           (*Storage).getBookmarkForTime,
	"onNextSessionRestoreBookmark": (*Storage).onNextSessionRestoreBookmark,
}

// workerd's delete() throws: only functions that always return promises reject.
var storageMethods = map[string]bind.Method[Storage]{
	"delete":          spanned("delete", (*Storage).delete),
	"transactionSync": (*Storage).transactionSync,
}

// The class by the compatibility flags that add members.
var storageClass = [flagSets]*bind.Class[Storage]{
	plain:                   newStorageClass(plain),
	experimental:            newStorageClass(experimental),
	replicas:                newStorageClass(replicas),
	experimental | replicas: newStorageClass(experimental | replicas),
}

func newStorageClass(f flagSet) *bind.Class[Storage] {
	cl := &bind.Class[Storage]{Name: "DurableObjectStorage", Captured: true, Async: maps.Clone(storageAsync), Methods: maps.Clone(storageMethods)}
	if f&experimental != 0 {
		cl.Async["waitForBookmark"] = spanned("waitForBookmark", (*Storage).waitForBookmark)
	}
	if f&replicas != 0 {
		cl.Methods["ensureReplicas"], cl.Methods["disableReplicas"] = (*Storage).noReplicas, (*Storage).noReplicas
	}
	return cl
}

// The operations as the errors about transactions that are over call them.
const (
	opGet         = "get()"
	opGetAlarm    = "getAlarm()"
	opList        = "list()"
	opPut         = "put()"
	opSetAlarm    = "setAlarm()"
	opDelete      = "delete()"
	opDeleteAlarm = "deleteAlarm()"
	opRollback    = "rollback()"
)

// target is what an operation works on: with SQLite's transactions the innermost one
// that is open, whatever it was called on; otherwise a transaction takes part only in
// what is called on it.
func (s *Storage) target(c *bind.Call, op string) (cache.Ops, error) {
	if s.txn != nil {
		if err := s.txn.check(op); err != nil {
			return nil, err
		}
	}
	root, err := s.a.cache.Get(c.JS())
	switch {
	case err != nil:
		return nil, err
	case s.a.o.SQLite && len(s.a.txns) > 0:
		return s.a.txns[len(s.a.txns)-1], nil
	case !s.a.o.SQLite && s.txn != nil:
		return s.txn.txn, nil
	}
	return root, nil
}

// changed is told of every write, and of every end of a transaction.
func (a *shared) changed() { a.changes++ }

// options are the options that any operation may have.
type options struct {
	read        cache.ReadOptions
	write       cache.WriteOptions
	concurrency bool
}

// What the options of each operation are called in error texts.
const (
	getOptions      = "GetOptions"
	listOptions     = "ListOptions"
	putOptions      = "PutOptions"
	getAlarmOptions = "GetAlarmOptions"
	setAlarmOptions = "SetAlarmOptions"
)

// optionFields are the members that are read, in the order in which scripts can see
// them being read.
var optionFields = map[string][]string{
	getOptions:      {"allowConcurrency", "noCache"},
	listOptions:     {"allowConcurrency", "noCache"},
	putOptions:      {"allowConcurrency", "allowUnconfirmed", "noCache"},
	getAlarmOptions: {"allowConcurrency"},
	setAlarmOptions: {"allowConcurrency", "allowUnconfirmed"},
}

// dictionary is the nth argument (from 1) as an object; nil where it is left out.
func dictionary(c *bind.Call, n int, kind string) (*goja.Object, error) {
	v := c.Arg(n - 1)
	if goja.IsUndefined(v) || goja.IsNull(v) {
		return nil, nil
	}
	obj, ok := v.(*goja.Object)
	if !ok {
		return nil, c.BadArg(n, kind)
	}
	return obj, nil
}

// readOptions reads the nth argument (from 1).
func readOptions(c *bind.Call, n int, kind string) (o options, err error) {
	obj, err := dictionary(c, n, kind)
	if obj == nil || err != nil {
		return o, err
	}
	err = c.JS().Try(func() {
		for _, name := range optionFields[kind] {
			p := obj.Get(name)
			on := p != nil && p.ToBoolean()
			switch name {
			case "allowConcurrency":
				o.concurrency = on
			case "allowUnconfirmed":
				o.write.AllowUnconfirmed = on
			case "noCache":
				o.read.NoCache, o.write.NoCache = on, on
			}
		}
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

// keys are the first argument: a string, or an array of strings (many).
func keys(c *bind.Call) (keys []string, many bool, err error) {
	if c.Len() == 0 {
		return nil, false, c.BadArg(1, "string or Array")
	}
	obj, isObj := c.Arg(0).(*goja.Object)
	if !isObj || !isArray(obj) {
		key, err := c.String(1, c.Arg(0))
		return []string{key}, false, err
	}
	terr := c.JS().Try(func() {
		n := obj.Get("length").ToInteger()
		for i := range n {
			v := obj.Get(strconv.FormatInt(i, 10))
			if v == nil {
				v = goja.Undefined()
			}
			var s string
			if s, err = c.String(1, v); err != nil {
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

// isArray is false for a Proxy, which workerd takes for an object.
func isArray(obj *goja.Object) bool {
	return obj.ClassName() == "Array" && obj.ExportType() != proxyType
}

var proxyType = reflect.TypeFor[goja.Proxy]()

type hosts struct{ objects clone.HostObjects }

var hostsOf = isolate.NewSlot(func(js *isolate.JS) *hosts { return &hosts{global.HostObjects(js)} })

// SetHostObjects says how the objects of the runtime are stored; without it, those of
// package global can be.
func SetHostObjects(js *isolate.JS, h clone.HostObjects) { hostsOf.Get(js).objects = h }

func decode(js *isolate.JS, b []byte) (goja.Value, error) {
	v, err := clone.Deserialize(js.Runtime(), b, clone.Options{Bounds: js.Bounds(), Host: hostsOf.Get(js).objects, Resizable: js.Library()})
	return v, global.CloneError(err)
}

// encode serializes a value; what cannot be cloned is a DataCloneError.
func encode(js *isolate.JS, v goja.Value) ([]byte, error) {
	b, err := clone.Serialize(js.Runtime(), v, clone.Options{Bounds: js.Bounds(), Host: hostsOf.Get(js).objects, Resizable: js.Library(), ErrorsAsHost: js.Compat().Has("enhanced_error_serialization")})
	return b, global.CloneError(err)
}

func (s *Storage) get(c *bind.Call) (any, error) {
	keys, many, err := keys(c)
	if err != nil {
		return nil, err
	}
	o, err := readOptions(c, 2, getOptions)
	if err != nil {
		return nil, err
	}
	ops, err := s.target(c, opGet)
	if err != nil {
		return nil, err
	}
	if many {
		return promise(c, o, ops.GetMany(keys, o.read), toMap)
	}
	return promise(c, o, ops.Get(keys[0], o.read), func(js *isolate.JS, b []byte) (goja.Value, error) {
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
	if c.Len() == 0 {
		return nil, c.BadArg(1, "string or object")
	}
	if obj, ok := c.Arg(0).(*goja.Object); ok && !isArray(obj) {
		return s.putMany(c, obj)
	}
	key, err := c.String(1, c.Arg(0))
	if err != nil {
		return nil, err
	}
	o, err := readOptions(c, 3, putOptions)
	if err != nil {
		return nil, err
	}
	if goja.IsUndefined(c.Arg(1)) {
		return nil, exception.TypeErrorf("put() called with undefined value.")
	}
	b, err := encode(c.JS(), c.Arg(1))
	if err != nil {
		return nil, err
	}
	return s.putAll(c, []storage.KV{{Key: key, Value: b}}, o)
}

func (s *Storage) putMany(c *bind.Call, obj *goja.Object) (any, error) {
	if _, err := dictionary(c, 2, putOptions); err != nil {
		return nil, exception.TypeErrorf(putText)
	}
	o, err := readOptions(c, 2, putOptions)
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
	return s.putAll(c, kvs, o)
}

func (s *Storage) putAll(c *bind.Call, kvs []storage.KV, o options) (any, error) {
	ops, err := s.target(c, opPut)
	if err != nil {
		return nil, err
	}
	s.a.changed()
	return promise(c, o, ops.Put(kvs, o.write), nothing)
}

func (s *Storage) delete(c *bind.Call) (any, error) {
	keys, many, err := keys(c)
	if err != nil {
		return nil, err
	}
	o, err := readOptions(c, 2, putOptions)
	if err != nil {
		return nil, err
	}
	ops, err := s.target(c, opDelete)
	if err != nil {
		return nil, err
	}
	// An error of the storage itself is thrown too.
	s.a.changed()
	r := ops.Delete(keys, o.write)
	if _, err, ready := r.Ready(); ready && err != nil {
		return nil, err
	}
	return promise(c, o, r, func(js *isolate.JS, n int) (goja.Value, error) {
		if many {
			return js.Runtime().ToValue(n), nil
		}
		return js.Runtime().ToValue(n > 0), nil
	})
}

func (s *Storage) list(c *bind.Call) (any, error) {
	b, err := readBounds(c)
	if err != nil {
		return nil, err
	}
	o, err := readOptions(c, 1, listOptions)
	if err != nil {
		return nil, err
	}
	r, empty, err := b.compile()
	if err != nil {
		return nil, err
	}
	if empty {
		return promise(c, o, loop.Now[[]storage.KV](nil), toMap)
	}
	ops, err := s.target(c, opList)
	if err != nil {
		return nil, err
	}
	if s.a.o.SQLite {
		s.a.cursor.cancel()
	}
	return promise(c, o, ops.List(r, o.read), toMap)
}

func (s *Storage) deleteAll(c *bind.Call) (any, error) {
	o, err := readOptions(c, 1, putOptions)
	if err != nil {
		return nil, err
	}
	root, err := s.a.cache.Get(c.JS())
	if err != nil {
		return nil, err
	}
	if s.a.o.SQLite && len(s.a.txns)+s.a.ended > 0 {
		return nil, errDeleteAllWithin
	}
	s.a.changed()
	if s.a.o.Facets != nil {
		s.a.o.Facets.Emptied()
	}
	// Over SQLite this is never unconfirmed, whatever is asked for (workerd, ActorSqlite).
	o.write.AllowUnconfirmed = o.write.AllowUnconfirmed && !s.a.o.SQLite
	return promise(c, o, root.DeleteAll(cache.DeleteAllOptions{WriteOptions: o.write, DeleteAlarm: s.a.o.DeleteAllDeletesAlarm}), nothing)
}

func (s *Storage) sync(c *bind.Call) (any, error) {
	root, err := s.a.cache.Get(c.JS())
	if err != nil {
		return nil, err
	}
	return promise(c, options{concurrency: true}, root.Sync(), nothing)
}

func (s *Storage) getAlarm(c *bind.Call) (any, error) {
	o, err := readOptions(c, 1, getAlarmOptions)
	if err != nil {
		return nil, err
	}
	ops, err := s.target(c, opGetAlarm)
	if err != nil {
		return nil, err
	}
	return promise(c, o, ops.Alarm(o.read), func(js *isolate.JS, t time.Time) (goja.Value, error) {
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
	if !s.a.o.HasAlarm() {
		return nil, exception.TypeErrorf("Your Durable Object class must have an alarm() handler in order to call setAlarm()")
	}
	o, err := readOptions(c, 2, setAlarmOptions)
	if err != nil {
		return nil, err
	}
	if now := c.JS().Host().Now().Truncate(time.Millisecond); when.Before(now) {
		when = now
	}
	return s.moveAlarm(c, opSetAlarm, o, when)
}

// lastDate is the first moment that is too late for a date: nanoseconds since 1970
// have to fit in 63 bits, some of which are spared.
var lastDate = time.Date(2189, 1, 1, 0, 0, 0, 0, time.UTC)

// alarmTime is a date that is later than 1970.
func alarmTime(c *bind.Call) (time.Time, error) {
	ms, err := date(c, c.Arg(0))
	if err == nil && ms <= 0 {
		err = exception.TypeErrorf("setAlarm() cannot be called with an alarm time <= 0")
	}
	return time.UnixMilli(int64(ms)), err
}

// date is the first argument, a Date or a number, in milliseconds.
func date(c *bind.Call, v goja.Value) (ms float64, err error) {
	switch obj, isObj := v.(*goja.Object); {
	case isObj && obj.ClassName() == "Date":
		// The class of the object is what counts, not a valueOf of its own.
		d, ok := obj.Export().(time.Time)
		ms = math.NaN()
		if ok {
			ms = float64(d.UnixMilli())
		}
	case v.ExportType() != nil && (v.ExportType().Kind() == reflect.Int64 || v.ExportType().Kind() == reflect.Float64):
		ms = v.ToFloat()
	default:
		return 0, c.BadArg(1, "date")
	}
	switch {
	case math.IsNaN(ms) || math.IsInf(ms, 0):
		return 0, exception.TypeErrorf("The value cannot be converted because it is not a valid Date.")
	case ms >= float64(lastDate.UnixMilli()):
		return 0, exception.TypeErrorf("This API doesn't support dates after 2189.")
	}
	return ms, nil
}

func (s *Storage) deleteAlarm(c *bind.Call) (any, error) {
	o, err := readOptions(c, 1, setAlarmOptions)
	if err != nil {
		return nil, err
	}
	return s.moveAlarm(c, opDeleteAlarm, o, time.Time{})
}

func (s *Storage) moveAlarm(c *bind.Call, op string, o options, when time.Time) (any, error) {
	ops, err := s.target(c, op)
	if err != nil {
		return nil, err
	}
	if refuse := s.a.o.RefuseAlarm; refuse != nil {
		if !when.IsZero() {
			refuse()
		}
		return promise(c, o, loop.Now(struct{}{}), nothing)
	}
	return promise(c, o, ops.SetAlarm(when, o.write), nothing)
}
