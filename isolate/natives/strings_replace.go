package natives

import (
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/dop251/goja"

	"workerd.local/internal/limits"
)

// maxSearch is the longest string in which goja may look for all matches at
// once: it keeps about 64 bytes for each.
func (e *env) maxSearch() int { return limits.SearchLength.In(e.lim.Bounds) }

// stringReplace is replace and replaceAll. goja finds the matches; where the
// result could become too long, the replacement goes through a function that
// adds up what it returns.
func stringReplace(name string, all bool) func(e *env, prev raw) raw {
	return func(e *env, prev raw) raw {
		return func(call goja.FunctionCall) goja.Value {
			search, repl := call.Argument(0), call.Argument(1)
			rx, isObject := search.(*goja.Object)
			if isNullish(call.This) {
				e.thisString(call.This, name) // throws
			}
			if isObject && !all {
				if method := e.regexpMethod(rx, goja.SymReplace, e.regexpReplace); method != nil {
					return method(goja.FunctionCall{This: rx, Arguments: []goja.Value{call.This, repl}})
				}
			}
			if isObject && (!e.usesNative(rx, goja.SymReplace) || rx.GetSymbol(goja.SymReplace) == e.regexpMethods[goja.SymReplace]) {
				return prev(call) // a script's, or ours, which is bounded
			}
			s := e.thisString(call.This, name)
			if isObject {
				if rx.ClassName() != "RegExp" {
					search = e.toStr(rx)
				} else if s.Length() > e.maxSearch() {
					e.throwStringLength()
				}
			} else {
				search = e.toStr(search)
			}
			if all {
				if p, ok := search.(goja.String); ok {
					e.needMatches(s, p)
				}
			}
			r := e.boundReplacement(s, repl)
			return prev(goja.FunctionCall{This: s, Arguments: []goja.Value{search, r}})
		}
	}
}

// regexpMethod is GetMethod(o, sym) where o is a RegExp: the way through the engine would
// look for it again. ours is what stands for our own method. Nil leaves it to the engine.
func (e *env) regexpMethod(o *goja.Object, sym *goja.Symbol, ours raw) raw {
	if !isRegExpObject(o) {
		return nil
	}
	found, ok := o.GetSymbol(sym).(*goja.Object)
	if !ok {
		return nil
	}
	if found == e.regexpMethods[sym] {
		return ours
	}
	method, _ := e.callable(found)
	return method
}

// usesNative reports whether o's method sym is missing or one of goja's own, so
// that nobody can see other arguments than those given.
func (e *env) usesNative(o *goja.Object, sym *goja.Symbol) bool {
	if o.ExportType() == typeProxy {
		return false
	}
	m := o.GetSymbol(sym)
	if isNullish(m) {
		return true
	}
	f, ok := m.(*goja.Object)
	if ok && f == e.regexpMethods[sym] {
		return true
	}
	if !ok || f.ExportType() != typeFunc {
		return false
	}
	fn, ok := f.Export().(func(goja.FunctionCall) goja.Value)
	if !ok {
		return false
	}
	pc := reflect.ValueOf(fn).Pointer()
	if native, ok := e.nativeCode[pc]; ok {
		return native
	}
	native := strings.Contains(runtime.FuncForPC(pc).Name(), "regexpproto_")
	if e.nativeCode == nil {
		e.nativeCode = make(map[uintptr]bool)
	}
	if len(e.nativeCode) < 64 {
		e.nativeCode[pc] = native
	}
	return native
}

// needMatches checks that the matches of p in s can be listed.
func (e *env) needMatches(s, p goja.String) {
	n := int64(s.Length()) / max(1, int64(p.Length()))
	if n <= e.small() {
		return
	}
	if a, ok := asciiOf(s); ok && p.Length() > 0 {
		n = int64(strings.Count(a, p.String()))
	}
	if n > int64(e.maxSearch()) {
		e.throwStringLength()
	}
	e.charge(n * 64)
}

// boundReplacement returns a replacement whose results cannot exceed the limit.
func (e *env) boundReplacement(s goja.String, repl goja.Value) goja.Value {
	total := int64(s.Length())
	count := func(r goja.String) goja.Value {
		if total += int64(r.Length()); total > int64(e.lim.MaxStringBytes) {
			e.throwStringLength()
		}
		e.poll()
		return r
	}
	if f, ok := e.callable(repl); ok {
		return e.rt.ToValue(func(c goja.FunctionCall) goja.Value {
			return count(e.toStr(orUndefined(f(c))))
		})
	}
	t := e.toStr(repl)
	if t.Length() == 0 {
		return t
	}
	matches := total + 1
	each := int64(t.Length())
	tmpl := wtf8(t)
	if strings.Contains(tmpl, "$") {
		each *= matches
	}
	if limit := int64(e.lim.MaxStringBytes); each <= limit && matches <= limit/each {
		return t
	}
	sub := parseSubstitution(tmpl)
	return e.rt.ToValue(func(c goja.FunctionCall) goja.Value {
		return count(sub.expand(e, c.Arguments, int64(e.lim.MaxStringBytes)-total))
	})
}

// substitution is a replacement template in parts (GetSubstitution).
type substitution []subPart

type subPart struct {
	kind  byte // 't' text, '&' match, '`' before, '\'' after, 'n' capture, '<' name
	text  goja.String
	digit [2]int // captures to try: two digits, then one; -1 for none
}

func parseSubstitution(t string) substitution {
	var out substitution
	text := func(s string) {
		if s != "" {
			out = append(out, subPart{kind: 't', text: fromWTF8(s)})
		}
	}
	from := 0
	for i := 0; i+1 < len(t); i++ {
		if t[i] != '$' {
			continue
		}
		n := 2
		part := subPart{kind: t[i+1], digit: [2]int{-1, -1}}
		switch c := t[i+1]; {
		case c == '$':
			part = subPart{kind: 't', text: asciiValue("$")}
		case c == '&' || c == '`' || c == '\'':
		case c >= '0' && c <= '9':
			part.kind = 'n'
			part.digit[1] = int(c - '0')
			if i+2 < len(t) && t[i+2] >= '0' && t[i+2] <= '9' {
				part.digit[0] = part.digit[1]*10 + int(t[i+2]-'0')
				n = 3
			}
			part.text = asciiValue(t[i : i+n])
		case c == '<':
			end := strings.IndexByte(t[i:], '>')
			if end < 0 {
				continue
			}
			n = end + 1
			part.text = fromWTF8(t[i+2 : i+end])
		default:
			continue
		}
		text(t[from:i])
		out = append(out, part)
		from = i + n
		i = from - 1
	}
	text(t[from:])
	return out
}

// expand builds the text for one match; args are those of a replace function:
// match, captures, position, string and, if there are names, the groups.
func (sub substitution) expand(e *env, args []goja.Value, limit int64) goja.String {
	n := len(args)
	var groups *goja.Object
	if o, ok := args[n-1].(*goja.Object); ok {
		groups = o
		n--
	}
	s := args[n-1].(goja.String)
	pos := int(args[n-2].ToInteger())
	var b goja.StringBuilder
	size := int64(0)
	sub.write(e, s, pos, pos+args[0].(goja.String).Length(), n-3, func(i int) goja.Value { return args[i] }, groups, func(part goja.String) {
		if size += int64(part.Length()); size > limit {
			e.throwStringLength()
		}
		b.WriteString(part)
	})
	return b.String()
}

// named reports whether the template asks for groups by their names.
func (sub substitution) named() bool {
	return slices.ContainsFunc(sub, func(p subPart) bool { return p.kind == '<' })
}

// write adds the text for the match at s[start:end]; capture returns the text of
// the groups, of which there are captures beside the whole match, number 0.
func (sub substitution) write(e *env, s goja.String, start, end, captures int, capture func(int) goja.Value, groups *goja.Object, add func(goja.String)) {
	for _, p := range sub {
		switch p.kind {
		case 't':
			add(p.text)
		case '&':
			add(e.toStr(capture(0)))
		case '`':
			add(s.Substring(0, start))
		case '\'':
			add(s.Substring(min(end, s.Length()), s.Length()))
		case 'n':
			p.capture(capture, captures, add)
		case '<':
			if groups == nil {
				add(asciiValue("$<"))
				add(p.text)
				add(asciiValue(">"))
				continue
			}
			v := orUndefined(e.get(goja.FunctionCall{Arguments: []goja.Value{groups, p.text}}))
			if v != undefined {
				add(e.toStr(v))
			}
		}
	}
}

func (p subPart) capture(capture func(int) goja.Value, captures int, add func(goja.String)) {
	for k, d := range p.digit {
		if d < 1 || d > captures {
			continue
		}
		if c, ok := capture(d).(goja.String); ok {
			add(c)
		}
		if k == 1 && p.digit[0] >= 0 { // one digit was used, the second is text
			add(asciiValue(strconv.Itoa(p.digit[0] % 10)))
		}
		return
	}
	add(p.text)
}

func stringSplit(e *env, prev raw) raw {
	return func(call goja.FunctionCall) goja.Value {
		s, ok := call.This.(goja.String)
		sep := call.Argument(0)
		if o, isObject := sep.(*goja.Object); ok && isObject {
			if method := e.regexpMethod(o, goja.SymSplit, e.regexpSplit); method != nil {
				return method(goja.FunctionCall{This: o, Arguments: []goja.Value{s, call.Argument(1)}})
			}
		}
		if !ok || int64(s.Length()) <= e.small() {
			return prev(call)
		}
		if o, ok := sep.(*goja.Object); ok {
			if o.ExportType() != typeProxy && o.ClassName() == "RegExp" && s.Length() > e.maxSearch() {
				e.throwStringLength()
			}
			return prev(call)
		}
		if sep == undefined {
			return prev(call)
		}
		p := e.toStr(sep)
		n := int64(s.Length())
		if p.Length() > 0 {
			n = n/int64(p.Length()) + 1
			if a, ok := asciiOf(s); ok {
				n = int64(strings.Count(a, p.String())) + 1
			}
		}
		limit := call.Argument(1)
		if limit != undefined {
			u := uint32(toInteger(limit))
			n = min(n, int64(u))
			limit = e.rt.ToValue(u)
		}
		e.needArray(n)
		e.charge(n * 32)
		return prev(goja.FunctionCall{This: s, Arguments: []goja.Value{p, limit}})
	}
}

// stringMatch bounds the text in which a global RegExp looks for all matches.
func stringMatch(e *env, prev raw) raw {
	return func(call goja.FunctionCall) goja.Value {
		s, ok := call.This.(goja.String)
		if ok && s.Length() > e.maxSearch() {
			e.throwStringLength()
		}
		if o, isObject := call.Argument(0).(*goja.Object); ok && isObject {
			if method := e.regexpMethod(o, goja.SymMatch, e.regexpMatch); method != nil {
				return method(goja.FunctionCall{This: o, Arguments: []goja.Value{s}})
			}
		}
		return prev(call)
	}
}
