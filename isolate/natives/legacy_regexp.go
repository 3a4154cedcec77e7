package natives

import (
	"fmt"

	"github.com/dop251/goja"
)

// What RegExp remembers of the last match: RegExp.$1, RegExp.lastMatch and so on.
//
// A realm remembers nothing until Library.RecordMatches, which who finds these names in a
// script calls before the script runs. From then on every match leaves what it was of;
// where the groups were is looked for again when somebody asks. Like V8, the realm keeps
// the last string in which something was found until something is found in another one.

// lastMatch is the last match of a realm that records them.
type lastMatch struct {
	subject goja.String
	found   []int // as finder.find; nil until asked for, if pending is there
	input   goja.String

	pending *goja.Object // the expression that has matched
	from    int          // where it began to look, if it has flag g or y
}

// legacyMembers are the static properties of RegExp that tell of the last match, in V8's
// order, with what each says.
var legacyMembers = func() []legacyMember {
	input := func(m *lastMatch) goja.Value { return m.input }
	match := func(m *lastMatch) goja.Value { return m.subject.Substring(m.found[0], m.found[1]) }
	paren := func(m *lastMatch) goja.Value { return m.group(max(len(m.found)/2-1, 1)) }
	left := func(m *lastMatch) goja.Value { return m.subject.Substring(0, m.found[0]) }
	right := func(m *lastMatch) goja.Value { return m.subject.Substring(m.found[1], m.subject.Length()) }
	list := []legacyMember{
		{"input", input}, {"$_", input}, {"lastMatch", match}, {"$&", match}, {"lastParen", paren}, {"$+", paren},
		{"leftContext", left}, {"$`", left}, {"rightContext", right}, {"$'", right},
	}
	for n := 1; n <= 9; n++ {
		list = append(list, legacyMember{"$" + itoa(int64(n)), func(m *lastMatch) goja.Value { return m.group(n) }})
	}
	return list
}()

type legacyMember struct {
	name string
	get  func(m *lastMatch) goja.Value
}

// group is the text of a group, empty where there is none.
func (m *lastMatch) group(n int) goja.Value {
	if 2*n+1 >= len(m.found) || m.found[2*n] < 0 {
		return emptyStr
	}
	return m.subject.Substring(m.found[2*n], m.found[2*n+1])
}

// RecordMatches makes RegExp remember its last match from now on, and gives it the
// properties that tell of it. Doing so twice does nothing.
func (l *Library) RecordMatches() error {
	e := l.e
	if e.lastMatch != nil {
		return nil
	}
	e.global("RegExp") // prepares the part
	none := emptyStr.(goja.String)
	record := &lastMatch{subject: none, found: []int{0, 0}, input: none}
	for _, m := range legacyMembers {
		if err := e.defineLegacy(e.regexpCtor, record, m); err != nil {
			return fmt.Errorf("record matches: RegExp.%s: %w", m.name, err)
		}
	}
	native := e.regexpExec
	exec, err := e.function(&entry{name: "exec", length: 1, guarded: true, make: func(e *env, _ raw) raw {
		return func(c goja.FunctionCall) goja.Value { return e.recorded(native, c) }
	}}, nil)
	if err != nil {
		return fmt.Errorf("record matches: %w", err)
	}
	if e.regexpProto.Get("exec") == e.regexpExecValue { // and not a script's
		if err := e.regexpProto.DefineDataProperty("exec", exec, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE); err != nil {
			return fmt.Errorf("record matches: %w", err)
		}
	}
	if e.kept["RegExp.prototype.exec"] == e.regexpExecValue {
		e.kept["RegExp.prototype.exec"] = exec
	}
	e.regexpExecValue = exec
	e.regexpExec, _ = e.callable(exec)
	e.lastMatch = record
	return nil
}

func (e *env) defineLegacy(ctor *goja.Object, record *lastMatch, m legacyMember) error {
	get, err := e.newFunc("get "+m.name, 0, func(goja.FunctionCall) goja.Value {
		e.settle(record)
		return m.get(record)
	})
	if err != nil {
		return err
	}
	set, err := e.newFunc("set "+m.name, 1, func(c goja.FunctionCall) goja.Value {
		if m.name == "input" || m.name == "$_" {
			record.input = e.toStr(c.Argument(0))
		}
		return undefined
	})
	if err != nil {
		return err
	}
	return ctor.DefineAccessorProperty(m.name, get, set, goja.FLAG_TRUE, goja.FLAG_FALSE)
}

// recorded calls the engine's exec or test, and notes what matched.
func (e *env) recorded(native raw, c goja.FunctionCall) goja.Value {
	rx, ok := c.This.(*goja.Object)
	if !ok || !isRegExpObject(rx) {
		return native(c)
	}
	s := e.toStr(c.Argument(0))
	last := toLength(orUndefined(rx.Get("lastIndex")))
	if _, object := rx.Get("lastIndex").(*goja.Object); object { // which the engine must not ask again
		e.setLastIndex(rx, e.rt.ToValue(last))
	}
	result := native(goja.FunctionCall{This: rx, Arguments: []goja.Value{s}})
	if _, matched := result.(*goja.Object); matched || result == valTrue {
		m := e.lastMatch
		m.subject, m.input, m.found = s, s, nil
		m.pending, m.from = rx, int(min(last, int64(s.Length())))
	}
	return result
}

// settle looks for the groups of the last match.
func (e *env) settle(m *lastMatch) {
	if m.pending == nil {
		return
	}
	matcher, from := e.matcherOf(m.pending), 0
	if matcher.global || matcher.sticky {
		from = m.from
	}
	m.pending = nil
	f := e.newFinder(matcher, m.subject)
	if m.found = f.find(from); m.found == nil { // it took too long this time
		m.found = []int{0, 0}
	}
	e.doneWith(f)
}

// Matched notes a match that somebody else has made: the bounds of the whole and of each
// group, -1 for a group that took no part. It does nothing where matches are not recorded.
func (l *Library) Matched(s goja.String, found []int) { l.e.matched(s, found) }

func (e *env) matched(s goja.String, found []int) {
	if m := e.lastMatch; m != nil && found != nil {
		m.subject, m.input, m.found, m.pending = s, s, found, nil
	}
}
