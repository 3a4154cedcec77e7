package natives

import (
	"github.com/dop251/goja"

	"workerd.local/internal/limits"
)

// joinEnter notes that o is being turned into a string. It reports false when it
// already is: then the result is the empty string, as in every engine.
func (e *env) joinEnter(o *goja.Object) bool {
	for _, j := range e.joining {
		if j == o {
			return false
		}
	}
	// Each level costs Go stack in join, in goja's ToPrimitive and in toString.
	if len(e.joining) >= limits.JoinDepth.In(e.lim.Bounds) {
		e.throwStack()
	}
	e.joining = append(e.joining, o)
	return true
}

func (e *env) joinLeave() {
	e.joining[len(e.joining)-1] = nil
	e.joining = e.joining[:len(e.joining)-1]
}

// joiner writes elements with a separator and keeps the text below the limit.
type joiner struct {
	e     *env
	b     goja.StringBuilder
	sep   goja.String
	size  int64
	known int64 // size up to which was charged
}

func (j *joiner) write(s goja.String) {
	n := int64(s.Length())
	if n == 0 {
		return
	}
	if j.size += n; j.size > int64(j.e.lim.MaxStringBytes) {
		j.e.throwStringLength()
	}
	if j.size > j.known {
		j.known = max(2*j.size, chargeFloor)
		j.e.charge(j.size)
	}
	j.e.pollN(int(n >> 6))
	j.b.WriteString(s)
}

func arrayJoin(e *env, o *goja.Object, call goja.FunctionCall) goja.Value {
	if !e.joinEnter(o) {
		return emptyStr
	}
	defer e.joinLeave()
	n := e.lengthOf(o)
	j := joiner{e: e, sep: commaStr}
	if s := call.Argument(0); s != undefined {
		j.sep = e.toStr(s)
	}
	if n > 1 && int64(j.sep.Length()) > int64(e.lim.MaxStringBytes)/(n-1) {
		e.throwStringLength()
	}
	i := int64(0)
	if n > 0 && n <= e.small() && isPlainArray(o) {
		i = j.primitives(e.view(o), n)
	}
	for ; i < n; i++ {
		e.poll()
		if i > 0 {
			j.write(j.sep)
		}
		if v := e.getIdx(o, i); !isNullish(v) {
			j.write(e.toStr(v))
		}
	}
	return j.b.String()
}

// primitives writes elements up to the first that may run script.
func (j *joiner) primitives(vals []goja.Value, n int64) int64 {
	for i, v := range vals {
		if int64(i) >= n {
			break
		}
		switch v.(type) {
		case *goja.Object, *goja.Symbol:
			return int64(i)
		}
		j.e.poll()
		if i > 0 {
			j.write(j.sep)
		}
		if !isNullish(v) {
			j.write(j.e.toStr(v))
		}
	}
	return min(n, int64(len(vals)))
}

var commaStr = asciiValue(",")

func arrayToLocaleString(e *env, o *goja.Object, call goja.FunctionCall) goja.Value {
	if !e.joinEnter(o) {
		return emptyStr
	}
	defer e.joinLeave()
	n := e.lengthOf(o)
	if n-1 > int64(e.lim.MaxStringBytes) {
		e.throwStringLength()
	}
	j := joiner{e: e}
	for i := int64(0); i < n; i++ {
		e.poll()
		if i > 0 {
			j.write(commaStr)
		}
		v := e.getIdx(o, i)
		if isNullish(v) {
			continue
		}
		f := e.needCallable(e.getOf(v, "toLocaleString"))
		j.write(e.toStr(orUndefined(f(goja.FunctionCall{This: v, Arguments: call.Arguments}))))
	}
	return j.b.String()
}

// getOf is GetV: a property of any value but null and undefined.
func (e *env) getOf(v goja.Value, name string) goja.Value {
	if o, ok := v.(*goja.Object); ok {
		return orUndefined(o.Get(name))
	}
	return orUndefined(e.get(goja.FunctionCall{Arguments: []goja.Value{v.ToObject(e.rt), e.rt.ToValue(name), v}}))
}
