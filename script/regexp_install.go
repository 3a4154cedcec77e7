package script

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/dlclark/regexp2/v2"
	"github.com/dop251/goja"

	"workerd.local/internal/limits"
)

// rewrittenKey is where a rewritten expression keeps what it was written as.
var rewrittenKey = goja.NewSymbol("workerd.regexp")

// rewritten is an expression that the engine runs in another form.
type rewritten struct {
	source  goja.Value
	extra   RegExpExtra
	flags   string          // the engine's
	matcher *regexp2.Regexp // for flag d
}

func (s *state) rewritten(v goja.Value) *rewritten {
	o, ok := v.(*goja.Object)
	if !ok || o.ClassName() != "RegExp" {
		return nil
	}
	x, ok := o.GetSymbol(rewrittenKey).(*goja.Object)
	if !ok {
		return nil
	}
	r, _ := x.Export().(*rewritten)
	return r
}

// patternText is a pattern with unpaired surrogates written as escapes.
func patternText(v goja.Value) string {
	str, ok := v.(goja.String)
	if !ok {
		return v.String()
	}
	text := v.String()
	if !strings.ContainsRune(text, '\uFFFD') {
		return text
	}
	var b strings.Builder
	for i := 0; i < str.Length(); i++ {
		c := rune(str.CharAt(i))
		if utf16.IsSurrogate(c) {
			if i+1 < str.Length() {
				if pair := utf16.DecodeRune(c, rune(str.CharAt(i+1))); pair != '\uFFFD' {
					b.WriteRune(pair)
					i++
					continue
				}
			}
			fmt.Fprintf(&b, `\u%04x`, c)
			continue
		}
		b.WriteRune(c)
	}
	return b.String()
}

// newRegExp makes an expression from a pattern that needs rewriting.
func (s *state) newRegExp(pattern, flags string) *goja.Object {
	rt := s.rt
	if s.nativeRegExp == nil {
		s.engine.Pristine("RegExp") // which adapts it
	}
	key := flags + "/" + pattern
	template := s.regexps[key]
	if template == nil {
		out, outFlags, extra, err := rewriteRegExp(pattern, flags, s.bounds)
		if err != nil {
			if strings.HasPrefix(err.Error(), "Invalid flags") {
				panic(s.syntaxError(err.Error()))
			}
			panic(s.syntaxError("Invalid regular expression: /" + pattern + "/" + flags + ": " + err.Error()))
		}
		template, err = rt.New(s.nativeRegExp, rt.ToValue(out), rt.ToValue(outFlags))
		if err != nil {
			rethrow(err)
		}
		info := &rewritten{source: rt.ToValue(escapeSource(pattern)), extra: extra, flags: outFlags}
		if extra.HasIndices {
			if info.matcher, err = matcherFor(pattern, flags, s.bounds); err != nil {
				panic(s.syntaxError("Invalid regular expression: /" + pattern + "/" + flags + ": " + err.Error()))
			}
		}
		s.mark(template, info)
		if len(s.regexps) >= limits.RegExpKept.In(s.bounds) {
			clear(s.regexps)
		}
		s.regexps[key] = template
	}
	// Made from another expression, the engine shares the compiled pattern.
	rx, err := rt.New(s.nativeRegExp, template)
	if err != nil {
		rethrow(err)
	}
	s.mark(rx, s.rewritten(template))
	return rx
}

// groups returns the names of an expression's groups as an array, or undefined
// if none has a name.
func (s *state) groups(v goja.Value) goja.Value {
	o, ok := v.(*goja.Object)
	if !ok || o.ClassName() != "RegExp" {
		return goja.Undefined()
	}
	var names []string
	if r := s.rewritten(o); r != nil {
		names = r.extra.Groups
	} else if source := s.source(o).String(); strings.Contains(source, "(?<") {
		names = groupNames(source, s.bounds)
	}
	if !slices.ContainsFunc(names, func(n string) bool { return n != "" }) {
		return goja.Undefined()
	}
	list := make([]any, len(names))
	for i, n := range names {
		list[i] = n
	}
	return s.rt.NewArray(list...)
}

// groupNames lists the groups of a valid pattern.
func groupNames(pattern string, bounds *limits.Set) []string {
	w := &rewriter{in: pattern, numbers: map[string][]int{}, maxDepth: limits.RegExpNesting.In(bounds), maxOut: limits.RegExpRewritten.In(bounds)}
	if w.attempt(w.survey) != nil {
		return nil
	}
	return w.extra.Groups
}

// mark attaches what an expression was written as. Defining a property that is
// no part of the protocol keeps the engine on its fast path.
func (s *state) mark(rx *goja.Object, info *rewritten) {
	rt := s.rt
	no, yes := goja.FLAG_FALSE, goja.FLAG_TRUE
	_ = rx.DefineDataPropertySymbol(rewrittenKey, rt.ToValue(info), no, no, no) // new and extensible
	for _, f := range []struct {
		flag, name string
	}{{"i", "ignoreCase"}, {"m", "multiline"}, {"s", "dotAll"}} {
		if strings.Contains(info.extra.Flags, f.flag) != strings.Contains(info.flags, f.flag) {
			_ = rx.DefineDataProperty(f.name, rt.ToValue(true), no, yes, no)
		}
	}
	if info.matcher != nil {
		_ = rx.DefineDataProperty("exec", rt.ToValue(func(c goja.FunctionCall) goja.Value {
			return s.execIndices(c.This, c.Argument(0))
		}), yes, yes, no)
	}
}

// inherit makes an expression of a class of a script's own find exec where the class
// has it. What it finds at RegExp.prototype then knows flag d, for all expressions:
// that is slower, so it is there only where somebody needs it.
func (s *state) inherit(rx *goja.Object) {
	info := s.rewritten(rx)
	if info == nil || info.matcher == nil {
		return
	}
	_ = rx.Delete("exec") // which is configurable
	proto, _ := s.nativeRegExp.Get("prototype").(*goja.Object)
	if s.inherited != nil || proto == nil {
		return
	}
	if own := proto.Get("exec"); own != s.engine.Pristine("RegExp.prototype.exec") {
		return // a script has put its own there
	}
	s.inheritExec(proto)
}

// inheritExec gives the prototype an exec that knows flag d.
func (s *state) inheritExec(proto *goja.Object) {
	native, ok := goja.AssertFunction(s.engine.Pristine("RegExp.prototype.exec"))
	if !ok {
		return
	}
	exec := s.rt.ToValue(s.counted(func(c goja.FunctionCall) goja.Value {
		if r := s.rewritten(c.This); r != nil && r.matcher != nil {
			return s.execIndices(c.This, c.Argument(0))
		}
		v, err := native(c.This, c.Arguments...)
		if err != nil {
			rethrow(err)
		}
		return v
	})).(*goja.Object)
	_ = exec.DefineDataProperty("name", s.rt.ToValue("exec"), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	_ = exec.DefineDataProperty("length", s.rt.ToValue(1), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	_ = proto.DefineDataProperty("exec", exec, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	s.inherited = exec
}

// recordMatches makes the realm remember its last match, for a script that asks for it.
func (s *state) recordMatches() {
	if err := s.engine.RecordMatches(); err != nil {
		panic(s.rt.NewGoError(err))
	}
	if s.inherited == nil {
		return
	}
	if proto, ok := s.nativeRegExp.Get("prototype").(*goja.Object); ok && proto.Get("exec") == s.inherited {
		s.inheritExec(proto)
	}
}

// escapeSource is RegExp.prototype.source of a pattern.
func escapeSource(pattern string) string {
	if pattern == "" {
		return "(?:)"
	}
	var b strings.Builder
	class := false
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '\\' && i+1 < len(pattern):
			b.WriteByte(c)
			i++
			b.WriteByte(pattern[i])
			continue
		case c == '[':
			class = true
		case c == ']':
			class = false
		case c == '/' && !class:
			b.WriteByte('\\')
		case c == '\n':
			b.WriteString(`\n`)
			continue
		case c == '\r':
			b.WriteString(`\r`)
			continue
		}
		b.WriteByte(pattern[i])
	}
	return b.String()
}

// matcherFor compiles a pattern for matches that report positions.
func matcherFor(pattern, flags string, bounds *limits.Set) (*regexp2.Regexp, error) {
	w, err := rewrite(pattern, flags, true, bounds)
	if err != nil {
		return nil, err
	}
	options := regexp2.ECMAScript
	if w.unicode {
		options |= regexp2.Unicode
	}
	for f, o := range map[string]regexp2.RegexOptions{"i": regexp2.IgnoreCase, "m": regexp2.Multiline, "s": regexp2.Singleline} {
		spelled := f == "i" && w.explicit.i || f == "m" && w.explicit.m || f == "s" && w.explicit.s
		if strings.Contains(flags, f) && !spelled {
			options |= o
		}
	}
	return regexp2.Compile(w.out.String(), options)
}

// accessors replaces the accessors whose answers depend on how an expression
// was written. The engine's fast path does not depend on these.
func (s *state) accessors(proto *goja.Object) {
	rt := s.rt
	getter := func(name string, get func(this goja.Value) goja.Value) {
		fn := rt.ToValue(s.counted(func(c goja.FunctionCall) goja.Value {
			if _, ok := c.This.(*goja.Object); !ok {
				panic(rt.NewTypeError("RegExp.prototype." + name + " getter called on non-object"))
			}
			return get(c.This)
		})).(*goja.Object)
		_ = fn.DefineDataProperty("name", rt.ToValue("get "+name), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE)
		_ = proto.DefineAccessorProperty(name, fn, nil, goja.FLAG_TRUE, goja.FLAG_FALSE)
	}
	nativeSource := s.nativeGetter(proto, "source")
	flag := func(name string, has func(RegExpExtra) bool) {
		getter(name, func(this goja.Value) goja.Value {
			if r := s.rewritten(this); r != nil {
				return rt.ToValue(has(r.extra))
			}
			if this.(*goja.Object).ClassName() != "RegExp" {
				if this.SameAs(proto) {
					return goja.Undefined()
				}
				panic(rt.NewTypeError("RegExp.prototype." + name + " getter called on non-RegExp object"))
			}
			return rt.ToValue(false)
		})
	}
	flag("hasIndices", func(x RegExpExtra) bool { return x.HasIndices })
	flag("unicodeSets", func(x RegExpExtra) bool { return x.UnicodeSets })
	getter("source", func(this goja.Value) goja.Value {
		if r := s.rewritten(this); r != nil {
			return r.source
		}
		return nativeSource(this)
	})
	getter("flags", func(this goja.Value) goja.Value {
		if r := s.rewritten(this); r != nil {
			return rt.ToValue(r.extra.Flags)
		}
		var b strings.Builder
		o := this.(*goja.Object)
		for _, f := range []struct{ name, flag string }{
			{"hasIndices", "d"}, {"global", "g"}, {"ignoreCase", "i"}, {"multiline", "m"},
			{"dotAll", "s"}, {"unicode", "u"}, {"unicodeSets", "v"}, {"sticky", "y"},
		} {
			if v := o.Get(f.name); v != nil && v.ToBoolean() {
				b.WriteString(f.flag)
			}
		}
		return rt.ToValue(b.String())
	})
	s.source = func(v goja.Value) goja.Value {
		if r := s.rewritten(v); r != nil {
			return r.source
		}
		return nativeSource(v)
	}
	s.flags = func(v goja.Value) goja.Value {
		if r := s.rewritten(v); r != nil {
			return rt.ToValue(r.extra.Flags)
		}
		return v.(*goja.Object).Get("flags")
	}
	toString := rt.ToValue(s.counted(func(c goja.FunctionCall) goja.Value {
		o, ok := c.This.(*goja.Object)
		if !ok {
			panic(rt.NewTypeError("RegExp.prototype.toString requires that 'this' be an Object"))
		}
		return rt.ToValue("/" + orUndefined(o.Get("source")).String() + "/" + orUndefined(o.Get("flags")).String())
	})).(*goja.Object)
	_ = toString.DefineDataProperty("name", rt.ToValue("toString"), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	_ = proto.DefineDataProperty("toString", toString, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
}

// counted bounds the methods of regular expressions that call each other through
// what a script put into their way, which the engine does not count.
func (s *state) counted(fn func(goja.FunctionCall) goja.Value) func(goja.FunctionCall) goja.Value {
	return func(c goja.FunctionCall) goja.Value {
		if s.depth >= limits.RegExpMethods.In(s.bounds) {
			s.rangeError("Maximum call stack size exceeded")
		}
		s.depth++
		defer func() { s.depth-- }()
		return fn(c)
	}
}

// nativeGetter returns the engine's own getter of a property.
func (s *state) nativeGetter(proto *goja.Object, name string) func(this goja.Value) goja.Value {
	describe, _ := goja.AssertFunction(s.engine.Pristine("Object.getOwnPropertyDescriptor"))
	var get goja.Callable
	if describe != nil {
		if d, err := describe(goja.Undefined(), proto, s.rt.ToValue(name)); err == nil {
			if o, ok := d.(*goja.Object); ok {
				get, _ = goja.AssertFunction(o.Get("get"))
			}
		}
	}
	return func(this goja.Value) goja.Value {
		if get == nil {
			return goja.Undefined()
		}
		v, err := get(this)
		if err != nil {
			rethrow(err)
		}
		return v
	}
}

// execIndices is exec of an expression with flag d: the matches come with the
// positions of every group.
func (s *state) execIndices(this, arg goja.Value) goja.Value {
	rt := s.rt
	info := s.rewritten(this)
	if info == nil || info.matcher == nil {
		panic(rt.NewTypeError("Method RegExp.prototype.exec called on incompatible receiver"))
	}
	rx := this.(*goja.Object)
	str, ok := arg.ToString().(goja.String)
	if !ok {
		return goja.Null()
	}
	setLast := func(n int) {
		if err := rx.Set("lastIndex", n); err != nil {
			panic(rt.NewTypeError("Cannot assign to read only property 'lastIndex' of object"))
		}
	}
	moving := strings.ContainsAny(info.flags, "gy")
	last := orUndefined(rx.Get("lastIndex")).ToInteger()
	if !moving || last < 0 {
		last = 0
	}
	if last > int64(str.Length()) {
		setLast(0)
		return goja.Null()
	}
	runes, starts := matchRunes(str, strings.Contains(info.flags, "u"))
	at := 0
	for at < len(starts)-1 && starts[at] < int(last) {
		at++
	}
	m, err := info.matcher.FindRunesMatchStartingAt(runes, at)
	if err != nil || m == nil || strings.Contains(info.flags, "y") && m.RuneIndex != at {
		if moving {
			setLast(0)
		}
		return goja.Null()
	}
	values, pairs := []any{}, []any{}
	var groups, groupPairs *goja.Object
	for _, name := range info.extra.Groups {
		if name != "" && groups == nil {
			groups, groupPairs = rt.CreateObject(nil), rt.CreateObject(nil)
		}
	}
	var found []int
	for i, g := range m.Groups() {
		value, pair := goja.Undefined(), goja.Undefined()
		found = append(found, -1, -1)
		if len(g.Captures) > 0 {
			from, to := starts[g.RuneIndex], starts[g.RuneIndex+g.RuneLength]
			value, pair = str.Substring(from, to), rt.NewArray(from, to)
			found[2*i], found[2*i+1] = from, to
		}
		values, pairs = append(values, value), append(pairs, pair)
		if i > 0 && i <= len(info.extra.Groups) {
			if name := info.extra.Groups[i-1]; name != "" {
				if old := groups.Get(name); old == nil || goja.IsUndefined(old) {
					_ = groups.Set(name, value) // new ordinary objects
					_ = groupPairs.Set(name, pair)
				}
			}
		}
	}
	if moving {
		setLast(starts[m.RuneIndex+m.RuneLength])
	}
	s.engine.Matched(str, found)
	result, indices := rt.NewArray(values...), rt.NewArray(pairs...)
	groupsValue, groupPairsValue := goja.Undefined(), goja.Undefined()
	if groups != nil {
		groupsValue, groupPairsValue = groups, groupPairs
	}
	_ = indices.Set("groups", groupPairsValue)
	_ = result.Set("index", starts[m.RuneIndex])
	_ = result.Set("input", str)
	_ = result.Set("groups", groupsValue)
	_ = result.Set("indices", indices)
	return result
}

// matchRunes splits a string into what the matcher reads, code points or code
// units, and the position of each in the string, with one more for the end.
func matchRunes(str goja.String, unicodeMode bool) (runes []rune, starts []int) {
	n := str.Length()
	for i := 0; i < n; i++ {
		starts = append(starts, i)
		c := rune(str.CharAt(i))
		if unicodeMode && utf16.IsSurrogate(c) && i+1 < n {
			if pair := utf16.DecodeRune(c, rune(str.CharAt(i+1))); pair != '\uFFFD' {
				runes = append(runes, pair)
				i++
				continue
			}
		}
		runes = append(runes, c)
	}
	return runes, append(starts, n)
}
