package performance_test

import (
	"testing"
	"time"

	"workerd.local/internal/compat"
	"workerd.local/internal/jstest"
	"workerd.local/internal/limits"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/events"
	"workerd.local/webapi/performance"
)

type stopped struct{ isolate.Host }

func (stopped) Now() time.Time { return time.UnixMilli(1234567890123) }

func env(t *testing.T, bounds *limits.Set, flags ...string) *jstest.Env {
	t.Helper()
	set, errs := compat.Parse("2024-01-01", flags, compat.Options{Experimental: true})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	return jstest.NewWith(t, jstest.Options{
		Host:    stopped{isolate.SystemHost()},
		Modules: append([]bind.Module{events.Module}, performance.Modules...),
		Compat:  set, Limits: isolate.Limits{Bounds: bounds},
	})
}

const timeline = "enable_global_performance_classes"

func TestPerformanceIsTheHostsClock(t *testing.T) {
	e := env(t, nil)
	e.Want(`return [performance.now(), performance.timeOrigin, performance.now() === Date.now(), performance.mark, typeof Performance, typeof PerformanceMark]`,
		`[1234567890123,0,true,null,"undefined","undefined"]`)
	e = env(t, nil, timeline)
	e.Want(`return [performance.now(), performance instanceof Performance, performance instanceof EventTarget, performance.nodeTiming]`, `[1234567890123,true,true,null]`)
	e.WantError(`new Performance()`, `TypeError: Illegal constructor`)
}

func TestMarksAndMeasures(t *testing.T) {
	for source, want := range map[string]string{
		`const m = performance.mark('a'); return [m instanceof PerformanceMark, m instanceof PerformanceEntry, m.name, m.entryType, m.startTime, m.duration, m.detail]`: `[true,true,"a","mark",1234567890123,0,null]`,
		`const detail = {}; const m = performance.mark('a', { startTime: '7', detail }); return [m.startTime, m.detail === detail]`:                                     `[7,true]`,
		`const m = new PerformanceMark('a', { startTime: 1 }); return [m.startTime, performance.getEntries().length]`:                                                   `[1,0]`,
		// The first mark of a name counts; a name that no mark has says nothing.
		`performance.mark('a', { startTime: 5 }); performance.mark('a', { startTime: 6 }); performance.mark('b', { startTime: 9 });
		const m = performance.measure('m', 'a', 'b'), n = performance.measure('n', 'a', 'none'), o = performance.measure('o', 'none');
		return [m instanceof PerformanceMeasure, m.entryType, m.startTime, m.duration, n.duration, o.startTime, o.duration, m.detail]`: `[true,"measure",5,4,1234567890118,0,1234567890123,null]`,
		`const of = (o) => { const m = performance.measure('m', o); return [m.startTime, m.duration] }; return [of({ start: 5, end: 8 }), of({ start: 5, duration: 1 }), of({ start: 8, end: 5 }), of({ end: 3, duration: 1 }), of({}), of()]`: `[[5,3],[5,1],[8,0],[0,3],[0,1234567890123],[0,1234567890123]]`,
		`const a = performance.mark('a'), b = performance.mark('b'), m = performance.measure('a');
		const list = performance.getEntries(), named = performance.getEntriesByName('a');
		return [list.length, list[0] === a, list[2] === m, named.length, performance.getEntriesByName('a', 'mark')[0] === a, performance.getEntriesByType('measure')[0] === m, performance.getEntriesByType('x').length, performance.getEntriesByName('').length]`: `[3,true,true,2,true,true,0,0]`,
		`for (const n of ['a', 'a', 'b']) { performance.mark(n); performance.measure(n) }
		const left = () => performance.getEntries().map(e => e.name + e.entryType[1]).join(); const seen = [left()];
		performance.clearMarks('a'); seen.push(left()); performance.clearMeasures(); seen.push(left()); performance.clearResourceTimings(); performance.clearMarks(); seen.push(left()); return seen`: `["aa,ae,aa,ae,ba,be","ba,be","ba",""]`,
		`const json = (e) => JSON.stringify(e); return [json(performance.mark('a', { startTime: 1 })), json(performance.measure('a', { start: 1, end: 2, detail: { x: 1 } })), json(performance), Object.getPrototypeOf(performance.mark('a').toJSON())]`: `["{\"name\":\"a\",\"entryType\":\"mark\",\"startTime\":1,\"duration\":0}","{\"name\":\"a\",\"entryType\":\"measure\",\"startTime\":1,\"duration\":1,\"detail\":{\"x\":1}}","{\"timeOrigin\":0}",null]`,
		`const o = new PerformanceObserver(() => {}); o.observe({ entryTypes: ['mark'] }); performance.mark('a'); const r = o.takeRecords(); o.disconnect(); return [r.length, PerformanceObserver.supportedEntryTypes]`:                                  `[0,["measure","mark"]]`,
		`const c = performance.eventCounts; return [c.size, c.has('x'), c.get('x'), [...c].length, [...c.keys()].length, c.set, c.forEach(() => {})]`:                                                                                                     `[0,false,null,0,0,null,null]`,
		`let seen = 0; performance.addEventListener('x', () => seen++); performance.dispatchEvent(new Event('x')); return seen`:                                                                                                                           `1`,
	} {
		env(t, nil, timeline).Want(source, want)
	}
	for source, want := range map[string]string{
		`performance.mark()`:                                           `TypeError: Failed to execute 'mark' on 'Performance': parameter 1 is not of type 'string'.`,
		`performance.mark('a', 1)`:                                     `TypeError: Failed to execute 'mark' on 'Performance': parameter 2 is not of type 'Options'.`,
		`performance.mark('a', { detail: 1 })`:                         `TypeError: Incorrect type for the 'detail' field on 'Options': the provided value is not of type 'object'.`,
		`performance.measure()`:                                        `TypeError: Failed to execute 'measure' on 'Performance': parameter 1 is not of type 'string'.`,
		`new PerformanceMark()`:                                        `TypeError: Failed to construct 'PerformanceMark': constructor parameter 1 is not of type 'string'.`,
		`new PerformanceMeasure('a')`:                                  `TypeError: Illegal constructor`,
		`new PerformanceEntry()`:                                       `TypeError: Illegal constructor`,
		`performance.getEntriesByName()`:                               `TypeError: Failed to execute 'getEntriesByName' on 'Performance': parameter 1 is not of type 'string'.`,
		`new PerformanceObserver(() => {}).observe({ entryTypes: 1 })`: `TypeError: Incorrect type for the 'entryTypes' field on 'ObserveOptions': the provided value is not of type 'Array'.`,
	} {
		env(t, nil, timeline).WantError(source, want)
	}
}

func TestPerformanceOfNode(t *testing.T) {
	e := env(t, nil, "enable_nodejs_perf_hooks_module")
	e.Want(`const n = performance.nodeTiming; return [n.name, n.entryType, n.duration, Object.keys(n).length, n.uvMetricsInfo, n.toJSON().loopExit]`, `["node","node",0,8,{"loopCount":0,"events":0,"eventsWaiting":0},0]`)
	e.Want(`const f = () => 1; return [performance.timerify(f) === f, performance.eventLoopUtilization(), performance.markResourceTiming()]`, `[true,{"idle":0,"active":0,"utilization":0},null]`)
	e.WantError(`performance.timerify(1)`, `TypeError: Failed to execute 'timerify' on 'Performance': parameter 1 is not of type 'function'.`)
}

func TestEntriesAreBounded(t *testing.T) {
	bounds, err := limits.Parse("performance.entries=3")
	if err != nil {
		t.Fatal(err)
	}
	env(t, bounds, timeline).Want(`for (let i = 0; i < 10; i++) performance.mark('m' + i); return performance.getEntries().map(e => e.name)`, `["m7","m8","m9"]`)
}
