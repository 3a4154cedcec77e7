package natives

import (
	"fmt"
	"math"
	"strings"

	"github.com/dop251/goja"
)

// The methods of RegExp.prototype that look for all matches. goja's own do so in
// one loop that no interrupt ends; where every match looks at the rest of the
// string that is quadratic. Ours ask for an interrupt before each match, and what
// a script's exec returns is bounded.

var regexpSymbols = []struct {
	symbol *goja.Symbol
	name   string
	length int
	make   func(e *env, prev raw) raw
}{
	{goja.SymMatch, "[Symbol.match]", 1, func(e *env, _ raw) raw { return e.regexpMatch }},
	{goja.SymMatchAll, "[Symbol.matchAll]", 1, func(e *env, prev raw) raw { return prev }},
	{goja.SymReplace, "[Symbol.replace]", 2, func(e *env, _ raw) raw { return e.regexpReplace }},
	{goja.SymSearch, "[Symbol.search]", 1, func(e *env, prev raw) raw {
		return func(c goja.FunctionCall) goja.Value { return orUndefined(prev(c)) }
	}},
	{goja.SymSplit, "[Symbol.split]", 2, func(e *env, _ raw) raw { return e.regexpSplit }},
}

func (e *env) installRegExps() error {
	var err error
	if e.regexpCtor, err = e.object("RegExp"); err != nil {
		return err
	}
	if e.regexpProto, err = e.object("RegExp.prototype"); err != nil {
		return err
	}
	e.regexpOwnCtor = e.regexpCtor
	e.regexpExecValue = e.regexpProto.Get("exec")
	var ok bool
	if e.regexpExec, ok = e.callable(e.regexpExecValue); !ok {
		return fmt.Errorf("install natives: RegExp.prototype.exec is not a function")
	}
	getter := func(name string) (raw, error) {
		if d, ok := e.ownDescriptor(goja.FunctionCall{Arguments: []goja.Value{e.regexpProto, asciiValue(name)}}).(*goja.Object); ok {
			if get, ok := e.callable(d.Get("get")); ok {
				return get, nil
			}
		}
		return nil, fmt.Errorf("install natives: RegExp.prototype.%s has no getter", name)
	}
	if e.regexpSource, err = getter("source"); err != nil {
		return err
	}
	for i, f := range flagLetters {
		if e.regexpFlags[i], err = getter(f.name); err != nil {
			return err
		}
	}
	e.matchers, e.regexpMethods = map[matcherKey]*matcher{}, map[*goja.Symbol]*goja.Object{}
	for _, m := range regexpSymbols {
		prev, ok := e.callable(e.regexpProto.GetSymbol(m.symbol))
		if !ok {
			return fmt.Errorf("install natives: RegExp.prototype%s is not a function", m.name)
		}
		fn, err := e.newFunc(m.name, m.length, m.make(e, prev))
		if err == nil {
			err = e.regexpProto.DefineDataPropertySymbol(m.symbol, fn, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
		}
		if err != nil {
			return fmt.Errorf("install natives: RegExp.prototype%s: %w", m.name, err)
		}
		e.regexpMethods[m.symbol] = fn
	}
	return nil
}

// regexpCompile is RegExp.prototype.compile, the only way to change an expression.
func regexpCompile(e *env, prev raw) raw {
	return func(c goja.FunctionCall) goja.Value {
		if m := e.lastMatch; m != nil && m.pending == c.This {
			e.settle(m)
		}
		e.lastRegExp, e.lastMatcher = nil, nil
		defer func() { e.lastRegExp, e.lastMatcher = nil, nil }()
		return prev(c)
	}
}

func isRegExpObject(o *goja.Object) bool {
	return o.ExportType() != typeProxy && o.ClassName() == "RegExp"
}

// regexpReceiver is the receiver of a method and the string to search.
func (e *env) regexpReceiver(c goja.FunctionCall, method string) (*goja.Object, goja.String) {
	rx, ok := c.This.(*goja.Object)
	if !ok {
		e.throwType("Method RegExp.prototype.%s called on incompatible receiver %s", method, e.toStr(c.This))
	}
	return rx, e.toStr(c.Argument(0))
}

// regexpFlagText is ToString(Get(rx, "flags")).
func (e *env) regexpFlagText(rx *goja.Object) string {
	return e.toStr(orUndefined(rx.Get("flags"))).String()
}

// usesExec reports whether RegExpExec of rx is the engine's own exec.
func (e *env) usesExec(rx *goja.Object) bool {
	return isRegExpObject(rx) && rx.Get("exec") == e.regexpExecValue
}

// execute is RegExpExec: nil when there is no match.
func (e *env) execute(rx *goja.Object, s goja.String) *goja.Object {
	e.checkInterrupt()
	call := goja.FunctionCall{This: rx, Arguments: []goja.Value{s}}
	exec, ok := e.callable(rx.Get("exec"))
	if !ok {
		if !isRegExpObject(rx) {
			e.throwType("Method RegExp.prototype.exec called on incompatible receiver %s", e.describe(rx))
		}
		exec = e.regexpExec
	}
	switch v := exec(call).(type) {
	case *goja.Object:
		return v
	default:
		if v != null {
			e.throwType("RegExp exec method returned something other than an Object or null")
		}
		return nil
	}
}

// regexpTest is RegExp.prototype.test: the engine's where exec is the engine's, and
// else that exec is asked.
func regexpTest(e *env, prev raw) raw {
	slow := e.guard(func(c goja.FunctionCall) goja.Value {
		if e.lastMatch != nil {
			return e.recorded(prev, c)
		}
		return prev(c)
	})
	ask := e.guard(func(c goja.FunctionCall) goja.Value {
		return e.rt.ToValue(e.execute(c.This.(*goja.Object), e.toStr(c.Argument(0))) != nil)
	})
	return func(c goja.FunctionCall) goja.Value {
		rx, ok := c.This.(*goja.Object)
		if !ok || e.usesExec(rx) {
			return slow(c)
		}
		return ask(c)
	}
}

func (e *env) setLastIndex(rx *goja.Object, v goja.Value) {
	if err := rx.Set("lastIndex", v); err != nil {
		panic(err)
	}
}

// eachResult calls step with what exec returns for every match of a global
// expression whose exec is a script's, and with the matched text.
func (e *env) eachResult(rx *goja.Object, s goja.String, unicodeMode bool, step func(result *goja.Object, match goja.String)) {
	for {
		result := e.execute(rx, s)
		if result == nil {
			return
		}
		match := e.toStr(orUndefined(result.Get("0")))
		step(result, match)
		if match.Length() == 0 {
			at := toLength(rx.Get("lastIndex"))
			next := at + 1
			if at < int64(s.Length()) {
				next = int64(advance(s, int(at), unicodeMode))
			}
			e.setLastIndex(rx, e.rt.ToValue(next))
		}
	}
}

func (e *env) regexpMatch(c goja.FunctionCall) goja.Value {
	rx, s := e.regexpReceiver(c, "@@match")
	flags := e.regexpFlagText(rx)
	if !strings.Contains(flags, "g") {
		if result := e.execute(rx, s); result != nil {
			return result
		}
		return null
	}
	e.setLastIndex(rx, e.rt.ToValue(0))
	out := collect{e: e, vals: make([]any, 0, 8)}
	if e.usesExec(rx) && e.matcherOf(rx).global {
		f := e.newFinder(e.matcherOf(rx), s)
		var last []int
		f.all(func(found []int) bool {
			out.add(s.Substring(found[0], found[1]))
			last = found
			return true
		})
		e.matched(s, last)
		e.doneWith(f)
	} else {
		e.eachResult(rx, s, strings.ContainsAny(flags, "uv"), func(_ *goja.Object, match goja.String) { out.add(match) })
	}
	if len(out.vals) == 0 {
		return null
	}
	return e.rt.NewArray(out.vals...)
}

// replacer puts a string together from what lies between the matches and their
// replacements.
type replacer struct {
	e     *env
	s     goja.String
	b     goja.StringBuilder
	total int64
	next  int // the end of the last match

	call raw          // a function, or
	sub  substitution // a template
	text goja.String  // a template without a $
}

func (r *replacer) write(part goja.String) {
	if r.total += int64(part.Length()); r.total > int64(r.e.lim.MaxStringBytes) {
		r.e.throwStringLength()
	}
	r.b.WriteString(part)
}

// between writes the source up to a match that ends at end.
func (r *replacer) between(start, end int) {
	if start > r.next {
		r.write(r.s.Substring(r.next, start))
	}
	r.next = end
}

func (r *replacer) done() goja.Value {
	if r.next < r.s.Length() {
		r.write(r.s.Substring(r.next, r.s.Length()))
	}
	return r.b.String()
}

func (e *env) regexpReplace(c goja.FunctionCall) goja.Value {
	rx, s := e.regexpReceiver(c, "@@replace")
	r := replacer{e: e, s: s}
	var ok bool
	if r.call, ok = e.callable(c.Argument(1)); !ok {
		r.text = e.toStr(c.Argument(1))
		if template := wtf8(r.text); strings.Contains(template, "$") {
			r.text, r.sub = nil, parseSubstitution(template)
		}
	}
	flags := e.regexpFlagText(rx)
	global := strings.Contains(flags, "g")
	if global {
		e.setLastIndex(rx, e.rt.ToValue(0))
	}
	if e.usesExec(rx) {
		m := e.matcherOf(rx)
		switch {
		case global && m.global:
			f := e.newFinder(m, s)
			if e.lastMatch != nil {
				r.recorded(f)
			} else {
				f.all(func(found []int) bool {
					r.found(f, found)
					return true
				})
			}
			e.doneWith(f)
			return r.done()
		case !global && !m.global && !m.sticky && (m.unicode || isASCII(s)):
			// The engine's exec forgets the names of groups under flag u.
			f := e.newFinder(m, s)
			if found := f.find(0); found != nil {
				e.matched(s, found)
				r.found(f, found)
			}
			e.doneWith(f)
			return r.done()
		}
	}
	var results []*goja.Object
	keep := func(result *goja.Object, _ goja.String) {
		if len(results) >= e.lim.MaxArrayLength {
			e.throwArrayLength()
		}
		results = append(results, result)
	}
	if global {
		e.eachResult(rx, s, strings.ContainsAny(flags, "uv"), keep)
	} else if result := e.execute(rx, s); result != nil {
		keep(result, nil)
	}
	for _, result := range results {
		r.result(result)
	}
	return r.done()
}

// recorded replaces all matches, of which the last is recorded before a function is told
// of the first.
func (r *replacer) recorded(f *finder) {
	var all [][]int
	f.all(func(found []int) bool {
		all = append(all, found)
		return true
	})
	if len(all) > 0 {
		r.e.matched(f.s, all[len(all)-1])
	}
	for _, found := range all {
		r.e.poll()
		r.found(f, found)
	}
}

// found replaces a match of our own finder.
func (r *replacer) found(f *finder, found []int) {
	start, end := found[0], found[1]
	if r.text != nil {
		r.between(start, end)
		r.write(r.text)
		return
	}
	count := len(found) / 2
	if r.call == nil && !r.sub.named() {
		r.between(start, end)
		r.sub.write(r.e, f.s, start, end, count-1, func(n int) goja.Value { return f.group(found, n) }, nil, r.write)
		return
	}
	groups := f.named(found)
	if r.call == nil {
		r.between(start, end)
		r.sub.write(r.e, f.s, start, end, count-1, func(n int) goja.Value { return f.group(found, n) }, groups, r.write)
		return
	}
	args := make([]goja.Value, count, count+3)
	for n := range args {
		args[n] = f.group(found, n)
	}
	text := r.replacement(args, start, groups)
	r.between(start, end)
	r.write(text)
}

// replacement calls the function.
func (r *replacer) replacement(captures []goja.Value, position int, groups goja.Value) goja.String {
	args := append(captures, r.e.rt.ToValue(position), r.s)
	if o, ok := groups.(*goja.Object); ok && o == nil {
		groups = nil
	}
	if groups != nil {
		args = append(args, groups)
	}
	return r.e.toStr(orUndefined(r.call(goja.FunctionCall{This: undefined, Arguments: args})))
}

// result replaces a match that exec of a script has found.
func (r *replacer) result(result *goja.Object) {
	e := r.e
	n := max(e.lengthOf(result)-1, 0)
	match := e.toStr(orUndefined(result.Get("0")))
	position := int(min(max(toInteger(result.Get("index")), 0), int64(r.s.Length())))
	if n > int64(e.lim.MaxArrayLength) {
		e.throwArrayLength()
	}
	captures := []goja.Value{match}
	for i := int64(1); i <= n; i++ {
		e.poll()
		v := orUndefined(e.getIdx(result, i))
		if v != undefined {
			v = e.toStr(v)
		}
		captures = append(captures, v)
	}
	groups := orUndefined(result.Get("groups"))
	var text goja.String
	if r.call != nil {
		if groups == undefined {
			groups = nil
		}
		text = r.replacement(captures, position, groups)
	} else if text = r.text; text == nil {
		var named *goja.Object
		if groups != undefined {
			named = e.toObject(groups, "")
		}
		var b goja.StringBuilder
		size := int64(0)
		r.sub.write(e, r.s, position, position+match.Length(), len(captures)-1, func(n int) goja.Value { return captures[n] }, named,
			func(part goja.String) {
				if size += int64(part.Length()); size > int64(e.lim.MaxStringBytes) {
					e.throwStringLength()
				}
				b.WriteString(part)
			})
		text = b.String()
	} else if groups != undefined {
		e.toObject(groups, "")
	}
	if position >= r.next {
		r.between(position, position+match.Length())
		r.write(text)
	}
}

// regexpSpecies is SpeciesConstructor(rx, %RegExp%).
func (e *env) regexpSpecies(rx *goja.Object) *goja.Object {
	c := orUndefined(rx.Get("constructor"))
	if c == undefined {
		return e.regexpCtor
	}
	o, ok := c.(*goja.Object)
	if !ok {
		e.throwType("The .constructor property is not an object")
	}
	switch s := orUndefined(o.GetSymbol(goja.SymSpecies)); {
	case isNullish(s):
		return e.regexpCtor
	default:
		ctor, ok := s.(*goja.Object)
		if ok {
			_, ok = goja.AssertConstructor(ctor)
		}
		if !ok {
			e.throwType("object.constructor[Symbol.species] is not a constructor")
		}
		return ctor
	}
}

func toUint32(v goja.Value) uint32 {
	f := v.ToNumber().ToFloat()
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return 0
	}
	return uint32(int64(math.Mod(math.Trunc(f), 1<<32)))
}

func (e *env) regexpSplit(c goja.FunctionCall) goja.Value {
	rx, s := e.regexpReceiver(c, "@@split")
	ctor := e.regexpSpecies(rx)
	flags := e.regexpFlagText(rx)
	var m *matcher
	splitter := rx
	if (ctor == e.regexpCtor || ctor == e.regexpOwnCtor) && isRegExpObject(rx) && e.regexpProto.Get("exec") == e.regexpExecValue {
		if m = e.matcherOf(rx); m.flags != flags {
			m = nil
		}
	}
	if m == nil {
		with := flags
		if !strings.Contains(flags, "y") {
			with += "y"
		}
		splitter = e.new(ctor, rx, asciiValue(with))
		if e.usesExec(splitter) {
			m = e.matcherOf(splitter)
			if !m.sticky {
				m = nil
			}
		}
	}
	limit := int64(math.MaxUint32)
	if l := c.Argument(1); l != undefined {
		limit = int64(toUint32(l))
	}
	if limit == 0 {
		return e.rt.NewArray()
	}
	out := collect{e: e, vals: make([]any, 0, 8)}
	if m != nil {
		f := e.newFinder(m, s)
		e.splitFound(&out, f, limit)
		e.doneWith(f)
	} else {
		e.splitResults(&out, splitter, s, strings.ContainsAny(flags, "uv"), limit)
	}
	return e.rt.NewArray(out.vals...)
}

// splitFound splits at the matches of our own finder.
func (e *env) splitFound(out *collect, f *finder, limit int64) {
	if f.length == 0 {
		if found := f.find(0); found == nil {
			out.add(f.s)
		} else {
			e.matched(f.s, found)
		}
		return
	}
	last := 0
	for q := 0; q < f.length; {
		found := f.find(q)
		if found == nil {
			break
		}
		if found[0] < f.length || !f.m.sticky { // the last is V8's, which searches ahead
			e.matched(f.s, found)
		}
		if found[0] >= f.length {
			break
		}
		if found[1] == last { // an empty match where the last one ended
			q = advance(f.s, max(q, found[0]), f.m.unicode)
			continue
		}
		out.add(f.s.Substring(last, found[0]))
		if int64(len(out.vals)) == limit {
			return
		}
		last = found[1]
		for n := 1; n < len(found)/2; n++ {
			out.add(f.group(found, n))
			if int64(len(out.vals)) == limit {
				return
			}
		}
		q = last
	}
	out.add(f.s.Substring(last, f.length))
}

// splitResults splits at what exec of a script returns.
func (e *env) splitResults(out *collect, splitter *goja.Object, s goja.String, unicodeMode bool, limit int64) {
	size := s.Length()
	if size == 0 {
		if e.execute(splitter, s) == nil {
			out.add(s)
		}
		return
	}
	last := 0
	for q := 0; q < size; {
		e.setLastIndex(splitter, e.rt.ToValue(q))
		result := e.execute(splitter, s)
		if result == nil {
			q = advance(s, q, unicodeMode)
			continue
		}
		end := int(min(toLength(splitter.Get("lastIndex")), int64(size)))
		if end == last {
			q = advance(s, q, unicodeMode)
			continue
		}
		out.add(s.Substring(last, q))
		if int64(len(out.vals)) == limit {
			return
		}
		last = end
		for i, n := int64(1), max(e.lengthOf(result)-1, 0); i <= n; i++ {
			e.poll()
			out.add(orUndefined(e.getIdx(result, i)))
			if int64(len(out.vals)) == limit {
				return
			}
		}
		q = last
	}
	out.add(s.Substring(last, size))
}
