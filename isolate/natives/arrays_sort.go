package natives

import (
	"github.com/dop251/goja"
)

// sorter is a stable merge sort of values with a script comparator, or by their
// strings. It polls once per comparison.
type sorter struct {
	e    *env
	cmp  raw
	args []goja.Value
}

type sortItem struct {
	v   goja.Value
	key goja.String
}

func (e *env) comparator(v goja.Value) raw {
	if v == undefined {
		return nil
	}
	f, ok := e.callable(v)
	if !ok {
		e.throwType("The comparison function must be either a function or undefined")
	}
	return f
}

// sorted sorts vals, undefined last, and returns them.
func (e *env) sorted(vals []goja.Value, cmp raw) []goja.Value {
	s := &sorter{e: e, cmp: cmp, args: make([]goja.Value, 2)}
	items := make([]sortItem, 0, len(vals))
	undef := 0
	for _, v := range vals {
		e.poll()
		if v == nil || v == undefined {
			undef++
			continue
		}
		it := sortItem{v: v}
		if cmp == nil {
			it.key = e.toStr(v)
		}
		items = append(items, it)
	}
	s.sort(items, make([]sortItem, len(items)))
	out := vals[:0]
	for i := range items {
		out = append(out, items[i].v)
	}
	for range undef {
		out = append(out, undefined)
	}
	return out
}

func (s *sorter) sort(a, tmp []sortItem) {
	const run = 8
	if len(a) <= run {
		for i := 1; i < len(a); i++ {
			it := a[i]
			j := i
			for ; j > 0 && s.less(&it, &a[j-1]); j-- {
				a[j] = a[j-1]
			}
			a[j] = it
		}
		return
	}
	m := len(a) / 2
	s.sort(a[:m], tmp[:m])
	s.sort(a[m:], tmp[m:])
	if !s.less(&a[m], &a[m-1]) {
		return
	}
	left := tmp[:m]
	copy(left, a[:m])
	i, j, k := 0, m, 0
	for i < len(left) && j < len(a) {
		if s.less(&a[j], &left[i]) {
			a[k] = a[j]
			j++
		} else {
			a[k] = left[i]
			i++
		}
		k++
	}
	copy(a[k:], left[i:])
}

func (s *sorter) less(x, y *sortItem) bool {
	if s.cmp == nil {
		s.e.pollN(1 + min(x.key.Length(), y.key.Length())>>6)
		return x.key.CompareTo(y.key) < 0
	}
	s.e.poll()
	s.args[0], s.args[1] = x.v, y.v
	r := s.cmp(goja.FunctionCall{This: undefined, Arguments: s.args})
	return r != nil && r.ToFloat() < 0
}

func arraySort(e *env, o *goja.Object, call goja.FunctionCall) goja.Value {
	cmp := e.comparator(call.Argument(0))
	n := e.lengthOf(o)
	if n < 2 {
		return o
	}
	plain := isPlainArray(o)
	var vals []goja.Value
	for i := int64(0); i < n; i++ {
		e.poll()
		if v, ok := e.elem(o, i, plain); ok {
			if len(vals) >= e.lim.MaxArrayLength {
				e.throwArrayLength()
			}
			if len(vals) == cap(vals) {
				e.charge(int64(len(vals)) * 64)
			}
			vals = append(vals, v)
		}
	}
	vals = e.sorted(vals, cmp)
	for i, v := range vals {
		e.poll()
		e.setIdx(o, int64(i), v)
	}
	for i := int64(len(vals)); i < n; i++ {
		e.poll()
		if !plain || e.getIdx(o, i) != nil {
			e.deleteIdx(o, i)
		}
	}
	return o
}

func arrayToSorted(e *env, o *goja.Object, call goja.FunctionCall) goja.Value {
	cmp := e.comparator(call.Argument(0))
	n := e.lengthOf(o)
	e.needCopy(n)
	vals := e.sorted(e.values(o, n), cmp)
	return e.list(vals)
}
