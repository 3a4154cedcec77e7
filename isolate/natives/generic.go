package natives

import (
	"math"
	"strconv"

	"github.com/dop251/goja"
)

const maxSafe = 1<<53 - 1

// lengthOf is LengthOfArrayLike.
func (e *env) lengthOf(o *goja.Object) int64 { return toLength(o.Get("length")) }

func toLength(v goja.Value) int64 {
	if v == nil {
		return 0
	}
	return min(max(toInteger(v), 0), maxSafe)
}

// toInteger is ToIntegerOrInfinity, clamped to int64.
func toInteger(v goja.Value) int64 {
	if v == nil {
		return 0
	}
	if v.ExportType() == typeInt {
		return v.ToInteger()
	}
	if o, ok := v.(*goja.Object); ok {
		return toInteger(o.ToNumber())
	}
	f := v.ToFloat()
	switch {
	case math.IsNaN(f):
		return 0
	case f >= math.MaxInt64:
		return math.MaxInt64
	case f <= math.MinInt64:
		return math.MinInt64
	}
	return int64(f)
}

// createData is CreateDataProperty: a refusal is reported, not thrown.
func (e *env) createData(o *goja.Object, key, v goja.Value) bool {
	d := e.rt.NewObject()
	for _, name := range [...]string{"writable", "enumerable", "configurable"} {
		if err := d.DefineDataProperty(name, valTrue, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE); err != nil {
			panic(err)
		}
	}
	if err := d.DefineDataProperty("value", v, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE); err != nil {
		panic(err)
	}
	return e.defineProperty(goja.FunctionCall{Arguments: []goja.Value{o, key, d}}).ToBoolean()
}

// key is the property key of an array index.
func (e *env) key(i int64) goja.Value { return e.rt.ToValue(i) }

// getIdx is Get(o, i); nil means that the property does not exist.
func (e *env) getIdx(o *goja.Object, i int64) goja.Value { return o.Get(itoa(i)) }

// hasIdx is HasProperty(o, i).
func (e *env) hasIdx(o *goja.Object, i int64) bool {
	return e.has(goja.FunctionCall{Arguments: []goja.Value{o, e.key(i)}}).ToBoolean()
}

// setIdx is Set(o, i, v, true).
func (e *env) setIdx(o *goja.Object, i int64, v goja.Value) {
	if !e.set(goja.FunctionCall{Arguments: []goja.Value{o, e.key(i), v}}).ToBoolean() {
		e.throwType("Cannot assign to read only property '%d' of object '%s'", i, e.describe(o))
	}
}

// setLength is Set(o, "length", n, true).
func (e *env) setLength(o *goja.Object, n int64) {
	if err := o.Set("length", n); err != nil {
		panic(err)
	}
}

// deleteIdx is DeletePropertyOrThrow(o, i).
func (e *env) deleteIdx(o *goja.Object, i int64) {
	if err := o.Delete(itoa(i)); err != nil {
		panic(err)
	}
}

// createIdx is CreateDataPropertyOrThrow(o, i, v).
func (e *env) createIdx(o *goja.Object, i int64, v goja.Value) {
	if err := o.DefineDataProperty(itoa(i), v, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE); err != nil {
		panic(err)
	}
}

func itoa(i int64) string { return strconv.FormatInt(i, 10) }

// elem is HasProperty and Get in one: ok is false for a hole.
func (e *env) elem(o *goja.Object, i int64, plain bool) (v goja.Value, ok bool) {
	if !plain && !e.hasIdx(o, i) {
		return nil, false
	}
	v = e.getIdx(o, i)
	if plain {
		return v, v != nil
	}
	return orUndefined(v), true
}

// move copies the element at from to to, or deletes to when from is a hole.
func (e *env) move(o *goja.Object, from, to int64, plain bool) {
	if v, ok := e.elem(o, from, plain); ok {
		e.setIdx(o, to, v)
	} else {
		e.deleteIdx(o, to)
	}
}

// relative resolves an index argument that may count from the end.
func relative(v goja.Value, n, missing int64) int64 {
	if v == nil || v == undefined {
		return missing
	}
	i := toInteger(v)
	if i < 0 {
		return max(i+n, 0)
	}
	return min(i, n)
}

// newArray makes an array of length n without elements.
func (e *env) newArray(n int64) *goja.Object {
	if n > math.MaxUint32 {
		e.throwArrayLength()
	}
	a := e.rt.NewArray()
	if n > 0 {
		e.setLength(a, n)
	}
	return a
}

// species is ArraySpeciesCreate. plain is true when the result is an ordinary
// new array of this runtime.
func (e *env) species(o *goja.Object, n int64) (a *goja.Object, plain bool) {
	if !e.isArrayValue(o) {
		return e.newArray(n), true
	}
	c := o.Get("constructor")
	if obj, ok := c.(*goja.Object); ok {
		if c = obj.GetSymbol(goja.SymSpecies); c == null {
			c = nil
		}
	}
	if c == nil || c == undefined || c == e.arrayCtor {
		return e.newArray(n), true
	}
	ctor, ok := c.(*goja.Object)
	if !ok {
		e.throwType("object.constructor[Symbol.species] is not a constructor")
	}
	return e.new(ctor, e.rt.ToValue(n)), false
}

// new is Construct.
func (e *env) new(ctor *goja.Object, args ...goja.Value) *goja.Object {
	if _, ok := goja.AssertConstructor(ctor); !ok {
		e.throwType("%s is not a constructor", e.describe(ctor))
	}
	o, err := e.rt.New(ctor, args...)
	if err != nil {
		panic(err)
	}
	return o
}

// put stores the next element of a result array and keeps it below the limit.
func (e *env) put(a *goja.Object, i int64, v goja.Value) {
	if i >= int64(e.lim.MaxArrayLength) {
		e.throwArrayLength()
	}
	if i&(1<<16-1) == 0 {
		e.charge((i/2 + 1<<16) * 16)
	}
	e.createIdx(a, i, v)
}

// collect keeps the elements of a result that is made in one go at the end.
type collect struct {
	e    *env
	vals []any
}

func (c *collect) add(v goja.Value) {
	if len(c.vals) == cap(c.vals) {
		c.e.charge(int64(len(c.vals)) * 32)
	}
	if len(c.vals) >= c.e.lim.MaxArrayLength {
		c.e.throwArrayLength()
	}
	c.vals = append(c.vals, orUndefined(v))
}

// values reads the elements of an array-like (CreateListFromArrayLike).
func (e *env) values(o *goja.Object, n int64) []goja.Value {
	e.needArray(n)
	vals := make([]goja.Value, n)
	for i := range vals {
		e.poll()
		vals[i] = orUndefined(e.getIdx(o, int64(i)))
	}
	return vals
}

// iteratorMethod is GetMethod(v, @@iterator): nil when it is missing, not ok when
// it is no function.
func (e *env) iteratorMethod(v goja.Value) (f raw, ok bool) {
	o, isObject := v.(*goja.Object)
	if !isObject {
		o = v.ToObject(e.rt)
	}
	m := o.GetSymbol(goja.SymIterator)
	if isNullish(m) {
		return nil, true
	}
	return e.callable(m)
}

// iterate walks an iterable. When step panics the iterator is closed first.
func (e *env) iterate(iterable goja.Value, method raw, step func(v goja.Value)) {
	iter, ok := method(goja.FunctionCall{This: iterable}).(*goja.Object)
	if !ok {
		e.throwType("Result of the Symbol.iterator method is not an object")
	}
	next := e.needCallable(iter.Get("next"))
	for {
		e.poll()
		res, ok := next(goja.FunctionCall{This: iter}).(*goja.Object)
		if !ok {
			e.throwType("Iterator result is not an object")
		}
		if done := res.Get("done"); done != nil && done.ToBoolean() {
			return
		}
		v := orUndefined(res.Get("value"))
		e.closing(iter, func() { step(v) })
	}
}

// closing runs f; if it throws, iter.return is called and the error goes on.
func (e *env) closing(iter *goja.Object, f func()) {
	done := false
	defer func() {
		if done {
			return
		}
		x := recover()
		switch x.(type) {
		case *goja.InterruptedError, *goja.StackOverflowError:
			panic(x)
		}
		_ = e.rt.Try(func() { // an error here loses to the first one
			if ret, ok := e.callable(iter.Get("return")); ok {
				ret(goja.FunctionCall{This: iter})
			}
		})
		panic(x)
	}()
	f()
	done = true
}
