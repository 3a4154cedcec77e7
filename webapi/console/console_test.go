package console_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"workerd.local/internal/jstest"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/console"
)

// recorded is an Env whose console prints into lines.
func recorded(t *testing.T, host isolate.Host) (e *jstest.Env, lines func() string) {
	t.Helper()
	var got []string
	sink := bind.Module{Name: "sink", Setup: func(js *isolate.JS) error {
		console.SetSink(js, func(level, text string) { got = append(got, level+"|"+text) })
		return nil
	}}
	e = jstest.NewWith(t, jstest.Options{Host: host, Modules: []bind.Module{console.Module, sink}})
	return e, func() string {
		var s string
		e.OnLoop(func() { s, got = strings.Join(got, "\n"), nil })
		return s
	}
}

func TestMethods(t *testing.T) {
	e, lines := recorded(t, nil)
	for src, want := range map[string]string{
		`console.log('a', 1, { b: [2] })`:                                    `log|a 1 { b: [ 2 ] }`,
		`console.info('%s!', 'x', 'rest')`:                                   `info|x! rest`,
		`console.warn()`:                                                     `warn|`,
		`console.error(null)`:                                                `error|null`,
		`console.debug(undefined)`:                                           `debug|undefined`,
		`const { log } = console; log(1)`:                                    `log|1`,
		`console.dir({ a: { b: { c: { d: 1 } } } }, { depth: 0 })`:           `log|{ a: [Object] }`,
		`console.dir({ a: { b: { c: { d: { e: 1 } } } } }, { depth: null })`: "log|{\n  a: {\n    b: { c: { d: { e: 1 } } }\n  }\n}",
		`console.dir('%s', 1)`:                                               `log|'%s'`,
		`console.assert(true, 'no'); console.assert(1 > 2, 'yes %d', 5); console.assert(0); console.assert(false, { a: 1 }); console.assert()`:                                          "warn|Assertion failed: yes 5\nwarn|Assertion failed\nwarn|Assertion failed { a: 1 }\nwarn|Assertion failed",
		`console.count(); console.count('x'); console.count(); console.countReset(); console.count(); console.countReset('none')`:                                                       "log|default: 1\nlog|x: 1\nlog|default: 2\nlog|default: 1\nwarn|Count for 'none' does not exist",
		`console.group('G', 1); console.log('in'); console.group(); console.log({ a: 'x'.repeat(80) }); console.groupEnd(); console.groupEnd(); console.groupEnd(); console.log('out')`: "log|G 1\nlog|  in\nlog|    {\n      a: '" + strings.Repeat("x", 80) + "'\n    }\nlog|out",
		`console.clear(); console.profile(); console.profileEnd(); console.timeStamp()`:                                                                                                 ``,
		`console.timeEnd('t'); console.timeLog('t')`: "warn|No such label 't' for console.timeEnd()\nwarn|No such label 't' for console.timeLog()",
	} {
		e.Want(src, "undefined")
		if got := lines(); got != want {
			t.Errorf("%s\n got %s\nwant %s", src, got, want)
		}
	}
	e.Want(`console.countReset(); console.count({ toString() { throw 1 } }); console.time(Symbol())`, "undefined")
	if got := lines(); got != "log|default: 1" {
		t.Error(got)
	}
}

func TestTrace(t *testing.T) {
	e, lines := recorded(t, nil)
	e.Want(`function inner() { console.trace('at %s', 'x') } inner()`, "undefined")
	if got := lines(); !strings.HasPrefix(got, "error|Trace: at x\n    at ") || !strings.Contains(got, "inner (test.js:1:") {
		t.Error(got)
	}
}

// clock is a host whose time a test sets.
type clock struct {
	isolate.Host
	now time.Time
}

func (c *clock) Now() time.Time { return c.now }

func TestTimersUseTheHostsClock(t *testing.T) {
	c := &clock{isolate.SystemHost(), time.UnixMilli(1000)}
	e, lines := recorded(t, c)
	e.Want(`console.time(); console.time(); console.time('t')`, "undefined")
	var want []string
	want = append(want, "warn|Label 'default' already exists for console.time()")
	for _, step := range []struct {
		add  time.Duration
		text string
	}{{1500 * time.Microsecond, "1.5ms"}, {time.Second, "1.002s"}, {time.Minute, "1:01.001 (m:ss.mmm)"}, {time.Hour, "1:01:01 (h:mm:ss)"}} {
		e.OnLoop(func() { c.now = c.now.Add(step.add) })
		e.Want(`console.timeLog('t', 'more', { a: 1 })`, "undefined")
		want = append(want, "log|t: "+step.text+" more { a: 1 }")
	}
	e.Want(`console.timeEnd('t'); console.timeEnd('t')`, "undefined")
	want = append(want, "log|t: 1:01:01 (h:mm:ss)", "warn|No such label 't' for console.timeEnd()")
	if got := lines(); got != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

func TestTable(t *testing.T) {
	e, lines := recorded(t, nil)
	for src, want := range map[string]string{
		`[{ a: 1, b: 'x' }, { a: 2, c: true }]`: `
┌─────────┬───┬─────┬──────┐
│ (index) │ a │ b   │ c    │
├─────────┼───┼─────┼──────┤
│ 0       │ 1 │ 'x' │      │
│ 1       │ 2 │     │ true │
└─────────┴───┴─────┴──────┘`,
		`new Map([['k', 1]])`: `
┌───────────────────┬─────┬────────┐
│ (iteration index) │ Key │ Values │
├───────────────────┼─────┼────────┤
│ 0                 │ 'k' │ 1      │
└───────────────────┴─────┴────────┘`,
		`new Set([1])`: `
┌───────────────────┬────────┐
│ (iteration index) │ Values │
├───────────────────┼────────┤
│ 0                 │ 1      │
└───────────────────┴────────┘`,
		`[{ a: 1, b: 2 }], ['b']`: `
┌─────────┬───┐
│ (index) │ b │
├─────────┼───┤
│ 0       │ 2 │
└─────────┴───┘`,
		`{ x: { a: { b: {} } }, y: 5 }`: `
┌─────────┬───────────┬────────┐
│ (index) │ a         │ Values │
├─────────┼───────────┼────────┤
│ x       │ { b: {} } │        │
│ y       │           │ 5      │
└─────────┴───────────┴────────┘`,
		`5`:            `5`,
		`'%s', 'text'`: `text`,
	} {
		e.Want(`console.table(`+src+`)`, "undefined")
		got := strings.TrimPrefix(lines(), "log|")
		want = strings.TrimPrefix(want, "\n")
		if got != want {
			t.Errorf("%s\ngot\n%s\nwant\n%s", src, got, want)
		}
	}
	e.Want(`console.table(Array.from({ length: 5000 }, (_, i) => ({ ['c' + i]: i })), 7); console.table(new Proxy([], { get() { throw 1 } })); console.table([1], { [Symbol.iterator]() { throw 1 } })`, "undefined")
	if got := lines(); len(got) > 300<<10 {
		t.Errorf("%d bytes", len(got))
	}
}

func TestLabelsAreBounded(t *testing.T) {
	e, lines := recorded(t, nil)
	e.Want(`for (let i = 0; i < 1002; i++) { console.count('c' + i); console.time('t' + i) }`, "undefined")
	got := lines()
	for _, want := range []string{"warn|console.count() has 1000 labels already; c1000 is not counted", "warn|console.time() has 1000 labels already; t1001 is not measured"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q", want)
		}
	}
}

func TestDefaultSinkIsTheLog(t *testing.T) {
	e := jstest.New(t, console.Module)
	e.Want(`console.log('to the log'); console.warn('careful'); console.error('bad'); console.debug('quiet')`, "undefined")
	log := e.Log.String()
	for level, text := range map[string]string{"INFO": `"to the log"`, "WARN": "careful", "ERROR": "bad"} {
		if !strings.Contains(log, fmt.Sprintf("level=%s msg=%s", level, text)) {
			t.Errorf("no %s %s in %s", level, text, log)
		}
	}
	if strings.Contains(log, "quiet") {
		t.Error("debug lines are shown at the default level")
	}
}
