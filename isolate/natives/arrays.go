package natives

import (
	"math"

	"github.com/dop251/goja"
)

// smallArray is the length up to which a plain array goes to goja's own native:
// even if all of it is holes the walk ends within some ten milliseconds.
const smallArray = 1 << 20

// small is the length up to which goja's natives serve.
func (e *env) small() int64 { return min(smallArray, int64(e.lim.MaxArrayLength)) }

type arrayNative = func(e *env, o *goja.Object, call goja.FunctionCall) goja.Value

// arrayMethod hands small plain arrays to goja and the others to generic.
func arrayMethod(name string, length int, generic arrayNative) entry {
	what := "Array.prototype." + name
	return entry{name: name, length: length, make: func(e *env, prev raw) raw {
		return func(call goja.FunctionCall) goja.Value {
			if o, ok := call.This.(*goja.Object); ok && isPlainArray(o) && e.lengthOf(o) <= e.small() {
				return prev(call)
			}
			return generic(e, e.toObject(call.This, what), call)
		}
	}}
}

// arrayOwn always runs our implementation.
func arrayOwn(name string, length int, own arrayNative) entry {
	what := "Array.prototype." + name
	if name == "join" {
		what = ""
	}
	return entry{name: name, length: length, make: func(e *env, _ raw) raw {
		return func(call goja.FunctionCall) goja.Value {
			return own(e, e.toObject(call.This, what), call)
		}
	}}
}

var arrayTable = table{path: "Array.prototype", funcs: []entry{
	arrayMethod("indexOf", 1, arrayIndexOf),
	arrayMethod("lastIndexOf", 1, arrayLastIndexOf),
	arrayMethod("includes", 1, arrayIncludes),
	arrayMethod("fill", 1, arrayFill),
	arrayMethod("reverse", 0, arrayReverse),
	arrayMethod("copyWithin", 2, arrayCopyWithin),
	arrayMethod("slice", 2, arraySlice),
	arrayMethod("splice", 2, arraySplice),
	arrayMethod("shift", 0, arrayShift),
	arrayMethod("unshift", 1, arrayUnshift),
	arrayMethod("with", 2, arrayWith),
	arrayMethod("toReversed", 0, arrayToReversed),
	arrayMethod("toSpliced", 2, arrayToSpliced),
	arrayMethod("forEach", 1, arrayForEach),
	arrayMethod("map", 1, arrayMap),
	arrayMethod("filter", 1, arrayFilter),
	arrayMethod("some", 1, arraySome),
	arrayMethod("every", 1, arrayEvery),
	arrayMethod("reduce", 1, arrayReduce),
	arrayMethod("reduceRight", 1, arrayReduceRight),
	{name: "concat", length: 1, make: arrayConcat},
	arrayOwn("join", 1, arrayJoin),
	arrayOwn("toLocaleString", 0, arrayToLocaleString),
	arrayOwn("sort", 1, arraySort),
	arrayOwn("toSorted", 1, arrayToSorted),
	arrayOwn("flat", 0, arrayFlat),
	arrayOwn("flatMap", 1, arrayFlatMap),
}}

func arrayIndexOf(e *env, o *goja.Object, call goja.FunctionCall) goja.Value {
	n := e.lengthOf(o)
	if n == 0 {
		return e.rt.ToValue(-1)
	}
	plain := isPlainArray(o)
	want := call.Argument(0)
	for i := relative(call.Argument(1), n, 0); i < n; i++ {
		e.poll()
		if v, ok := e.elem(o, i, plain); ok && want.StrictEquals(v) {
			return e.rt.ToValue(i)
		}
	}
	return e.rt.ToValue(-1)
}

func arrayLastIndexOf(e *env, o *goja.Object, call goja.FunctionCall) goja.Value {
	n := e.lengthOf(o)
	if n == 0 {
		return e.rt.ToValue(-1)
	}
	from := n - 1
	if len(call.Arguments) > 1 {
		if from = toInteger(call.Argument(1)); from < 0 {
			from += n
		} else {
			from = min(from, n-1)
		}
	}
	plain := isPlainArray(o)
	want := call.Argument(0)
	for i := from; i >= 0; i-- {
		e.poll()
		if v, ok := e.elem(o, i, plain); ok && want.StrictEquals(v) {
			return e.rt.ToValue(i)
		}
	}
	return e.rt.ToValue(-1)
}

// sameValueZero is the equality of includes, Map and Set.
func sameValueZero(a, b goja.Value) bool {
	return a.SameAs(b) || goja.IsNumber(a) && goja.IsNumber(b) && a.ToFloat() == 0 && b.ToFloat() == 0
}

func arrayIncludes(e *env, o *goja.Object, call goja.FunctionCall) goja.Value {
	n := e.lengthOf(o)
	if n == 0 {
		return valFalse
	}
	want := call.Argument(0)
	for i := relative(call.Argument(1), n, 0); i < n; i++ {
		e.poll()
		if sameValueZero(want, orUndefined(e.getIdx(o, i))) {
			return valTrue
		}
	}
	return valFalse
}

func arrayFill(e *env, o *goja.Object, call goja.FunctionCall) goja.Value {
	n := e.lengthOf(o)
	from := relative(call.Argument(1), n, 0)
	to := relative(call.Argument(2), n, n)
	if isPlainArray(o) {
		e.needArray(to - from)
	}
	v := call.Argument(0)
	for i := from; i < to; i++ {
		e.poll()
		e.setIdx(o, i, v)
	}
	return o
}

func arrayReverse(e *env, o *goja.Object, _ goja.FunctionCall) goja.Value {
	n := e.lengthOf(o)
	plain := isPlainArray(o)
	for lo := int64(0); lo < n/2; lo++ {
		e.poll()
		hi := n - 1 - lo
		a, hasA := e.elem(o, lo, plain)
		b, hasB := e.elem(o, hi, plain)
		switch {
		case hasA && hasB:
			e.setIdx(o, lo, b)
			e.setIdx(o, hi, a)
		case hasB:
			e.setIdx(o, lo, b)
			e.deleteIdx(o, hi)
		case hasA:
			e.deleteIdx(o, lo)
			e.setIdx(o, hi, a)
		}
	}
	return o
}

func arrayCopyWithin(e *env, o *goja.Object, call goja.FunctionCall) goja.Value {
	n := e.lengthOf(o)
	to := relative(call.Argument(0), n, 0)
	from := relative(call.Argument(1), n, 0)
	end := relative(call.Argument(2), n, n)
	count := min(end-from, n-to)
	step := int64(1)
	if from < to && to < from+count {
		step = -1
		from += count - 1
		to += count - 1
	}
	plain := isPlainArray(o)
	for ; count > 0; count-- {
		e.poll()
		e.move(o, from, to, plain)
		from += step
		to += step
	}
	return o
}

func arraySlice(e *env, o *goja.Object, call goja.FunctionCall) goja.Value {
	n := e.lengthOf(o)
	from := relative(call.Argument(0), n, 0)
	to := relative(call.Argument(1), n, n)
	count := max(to-from, 0)
	a, _ := e.species(o, count)
	plain := isPlainArray(o)
	i := int64(0)
	for ; from < to; from++ {
		e.poll()
		if v, ok := e.elem(o, from, plain); ok {
			e.put(a, i, v)
		}
		i++
	}
	e.setLength(a, i)
	return a
}

// spliceRange resolves the first two arguments of splice and toSpliced.
func spliceRange(call goja.FunctionCall, n int64) (start, del int64, items []goja.Value) {
	start = relative(call.Argument(0), n, 0)
	switch len(call.Arguments) {
	case 0:
	case 1:
		del = n - start
	default:
		del = min(max(toInteger(call.Argument(1)), 0), n-start)
		items = call.Arguments[2:]
	}
	return start, del, items
}

func arraySplice(e *env, o *goja.Object, call goja.FunctionCall) goja.Value {
	n := e.lengthOf(o)
	start, del, items := spliceRange(call, n)
	ins := int64(len(items))
	if n-del+ins > maxSafe {
		e.throwType("Invalid array length")
	}
	a, _ := e.species(o, del)
	plain := isPlainArray(o)
	for i := int64(0); i < del; i++ {
		e.poll()
		if v, ok := e.elem(o, start+i, plain); ok {
			e.put(a, i, v)
		}
	}
	e.setLength(a, del)
	if ins < del {
		for i := start; i < n-del; i++ {
			e.poll()
			e.move(o, i+del, i+ins, plain)
		}
		for i := n; i > n-del+ins; i-- {
			e.poll()
			e.deleteIdx(o, i-1)
		}
	} else if ins > del {
		for i := n - del; i > start; i-- {
			e.poll()
			e.move(o, i+del-1, i+ins-1, plain)
		}
	}
	for i, v := range items {
		e.setIdx(o, start+int64(i), v)
	}
	e.setLength(o, n-del+ins)
	return a
}

func arrayShift(e *env, o *goja.Object, _ goja.FunctionCall) goja.Value {
	n := e.lengthOf(o)
	if n == 0 {
		e.setLength(o, 0)
		return undefined
	}
	first := orUndefined(e.getIdx(o, 0))
	plain := isPlainArray(o)
	for i := int64(1); i < n; i++ {
		e.poll()
		e.move(o, i, i-1, plain)
	}
	e.deleteIdx(o, n-1)
	e.setLength(o, n-1)
	return first
}

func arrayUnshift(e *env, o *goja.Object, call goja.FunctionCall) goja.Value {
	n := e.lengthOf(o)
	add := int64(len(call.Arguments))
	if add > 0 {
		if n+add > maxSafe {
			e.throwType("Invalid array length")
		}
		plain := isPlainArray(o)
		for i := n; i > 0; i-- {
			e.poll()
			e.move(o, i-1, i+add-1, plain)
		}
		for i, v := range call.Arguments {
			e.setIdx(o, int64(i), v)
		}
	}
	e.setLength(o, n+add)
	return e.rt.ToValue(n + add)
}

// needCopy checks the length of a result that is as long as its source says.
func (e *env) needCopy(n int64) {
	if n > math.MaxUint32 {
		e.throwArrayLength()
	}
	e.needArray(n)
}

func arrayWith(e *env, o *goja.Object, call goja.FunctionCall) goja.Value {
	n := e.lengthOf(o)
	at := toInteger(call.Argument(0))
	if at < 0 {
		at += n
	}
	if at < 0 || at >= n {
		e.throwRange("Invalid index : %s", e.toStr(call.Argument(0)).String())
	}
	e.needCopy(n)
	c := collect{e: e}
	for i := int64(0); i < n; i++ {
		e.poll()
		if i == at {
			c.add(call.Argument(1))
		} else {
			c.add(e.getIdx(o, i))
		}
	}
	return e.rt.NewArray(c.vals...)
}

func arrayToReversed(e *env, o *goja.Object, _ goja.FunctionCall) goja.Value {
	n := e.lengthOf(o)
	e.needCopy(n)
	c := collect{e: e}
	for i := n - 1; i >= 0; i-- {
		e.poll()
		c.add(e.getIdx(o, i))
	}
	return e.rt.NewArray(c.vals...)
}

func arrayToSpliced(e *env, o *goja.Object, call goja.FunctionCall) goja.Value {
	n := e.lengthOf(o)
	start, del, items := spliceRange(call, n)
	total := n - del + int64(len(items))
	if total > maxSafe {
		e.throwType("Invalid array length")
	}
	e.needCopy(total)
	c := collect{e: e}
	for i := int64(0); i < start; i++ {
		e.poll()
		c.add(e.getIdx(o, i))
	}
	for _, v := range items {
		c.add(v)
	}
	for i := start + del; i < n; i++ {
		e.poll()
		c.add(e.getIdx(o, i))
	}
	return e.rt.NewArray(c.vals...)
}
