package napa

import (
	"strings"
	"testing"
)

func TestMemoryAndHandles(t *testing.T) {
	both(t, nil, `
		const m = napa.memory;
		const d = m.debugAllocator(m.defaultAllocator);
		const h = d.allocate(10);
		d.deallocate(h, 10);
		const c = m.crtAllocator.allocate(4);
		m.defaultAllocator.deallocate(c, 0);
		return JSON.stringify([m.isEmpty([0, 0]), m.isEmpty(null), m.isEmpty([1, 2]), m.isEmpty(m.EMPTY_HANDLE), m.isEmpty(h),
			m.getTypeHash([1, 2]), m.getTypeHash([1, 2, 3]),
			m.isShareable(m.crtAllocator), m.isShareable(d), m.isShareable("x"), m.isShareable(1), m.isShareable({ a: 1 }), m.isShareable(null),
			m.crtAllocator.type, m.defaultAllocator.type, d.type, JSON.parse(d.getDebugInfo()), d.isNull(), h.length]);`,
		`[true,true,false,true,false,0,3,true,true,false,false,false,false,"CrtAllocator","DefaultAllocator","SimpleAllocatorDebugger<DefaultAllocator>",{"allocate":1,"allocatedSize":10,"deallocate":1,"deallocatedSize":10},false,2]`)
}

func TestMemoryRefuses(t *testing.T) {
	k := newKit(t, nil, "napa.memory=100", "napa.shared=2")
	for source, want := range map[string]string{
		`napa.memory.crtAllocator.allocate(-1)`:          `TypeError: Failed to execute 'allocate' on 'AllocatorWrap': parameter 1 is not of type 'uint32'.`,
		`napa.memory.crtAllocator.allocate(101)`:         `RangeError: Out of memory: allocators hold 0 bytes of at most 100.`,
		`napa.memory.crtAllocator.deallocate([1, 0], 4)`: `Error: The handle [1,0] is not that of allocated memory.`,
		`napa.memory.crtAllocator.deallocate("x", 4)`:    `TypeError: Failed to execute 'deallocate' on 'AllocatorWrap': parameter 1 is not of type 'Handle'.`,
		`const a = napa.memory.crtAllocator; const h = a.allocate(9); a.deallocate(h, 9); a.deallocate([h[0], h[1] + 1], 9)`: `Error: The handle [`,
		`napa.memory.debugAllocator({})`: `TypeError: Failed to execute 'debugAllocator' on 'ServiceWorkerGlobalScope': parameter 1 is not of type 'Allocator'.`,
		`let a = napa.memory.crtAllocator; for (let i = 0; i < 99; i++) a = napa.memory.debugAllocator(a)`: `RangeError: Allocators that watch each other cannot be more than 16 deep.`,
		`napa.memory.getTypeHash(1)`: `TypeError: Failed to execute 'getTypeHash' on 'ServiceWorkerGlobalScope': parameter 1 is not of type 'Handle'.`,
		`const c = napa.transport.createTransportContext(); for (let i = 0; i < 3; i++) c.saveShared(napa.sync.createLock())`:                                                                                `RangeError: A transport context cannot hold more than 2 objects.`,
		`const lost = napa.transport.unmarshall('{"_cid":"<AllocatorWrap>","handle":[8,8]}', napa.transport.createTransportContext()); if (!lost.isNull() || lost.refCount !== 0) throw 1; lost.allocate(1)`: `Error: AllocatorWrap is not attached with any allocator.`,
	} {
		got, err := k.node.eval(source)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s\n\tgave %s, %v\n\twant %s", source, got, err, want)
		}
	}
}

func TestMetricsAreCountedTogether(t *testing.T) {
	k := newKit(t, nil, "napa.metrics=4")
	k.want(`
		const { get, snapshot, MetricType } = napa.metric;
		const z = napa.zone.create("z", { workers: 2 });
		const hits = get("web", "hits", MetricType.Number, ["path"]);
		hits.set(5, ["/"]); hits.increment(["/a"]); hits.decrement(["/a"]); hits.increment(["/"]);
		await z.broadcast(() => { napa.metric.get("web", "hits", 0, ["path"]).increment(["/"]); });
		const time = get("web", "time", MetricType.Percentile);
		for (let i = 1; i <= 100; i++) time.set(i);
		get("web", "rate", MetricType.Rate).increment();
		return JSON.stringify([get("web", "hits", 0) === hits, hits.section, hits.name, MetricType[1], snapshot()]).replace(/"perSecond":[\d.]+/, '"perSecond":"some"');`,
		`[true,"web","hits","Rate",[`+
			`{"section":"web","name":"hits","type":"Number","dimensions":["path"],"series":[{"dimensions":["/"],"value":8},{"dimensions":["/a"],"value":0}]},`+
			`{"section":"web","name":"rate","type":"Rate","dimensions":[],"series":[{"dimensions":[],"value":1,"perSecond":"some"}]},`+
			`{"section":"web","name":"time","type":"Percentile","dimensions":[],"series":[{"dimensions":[],"count":100,"sum":5050,"p50":51,"p90":91,"p99":100,"max":100}]}]]`)
	for source, want := range map[string]string{
		`napa.metric.get("web", "hits", 0).increment()`:               `Error: the dimensions count does not match. expected: 1, received: 0`,
		`napa.metric.get("web", "hits", 0).increment("x")`:            `TypeError: Failed to execute 'increment' on 'MetricWrap': parameter 1 is not of type 'Array'.`,
		`napa.metric.get("web", "hits", 0).set(-1, ["/"])`:            `TypeError: Failed to execute 'set' on 'MetricWrap': parameter 1 is not of type 'uint32'.`,
		`napa.metric.get("web", "more", 9)`:                           `TypeError: Failed to execute 'get' on 'ServiceWorkerGlobalScope': parameter 3 is not of type 'MetricType'.`,
		`napa.metric.get(1)`:                                          `TypeError: Failed to execute 'get' on 'ServiceWorkerGlobalScope': parameter 1 is not of type 'string'.`,
		`for (let i = 0; i < 9; i++) napa.metric.get("m", "" + i, 0)`: `RangeError: A program cannot have more than 4 metrics.`,
		`napa.metric.get("web", "hits", 0).increment(["b"])`:          `RangeError: Metrics cannot have more than 4 series.`,
	} {
		k.wantError(source, want)
	}
}

func TestLogLinesNameTheirPlace(t *testing.T) {
	k := newKit(t, nil)
	k.want(`
		napa.log("plain"); napa.log("section", "text"); napa.log.err("section", "trace", "text");
		napa.log.warn("w"); napa.log.info("i"); napa.log.debug("d");
		napa.zone.create("z", { workers: 1 });
		await napa.zone.get("z").execute(() => { napa.log("there", "text"); });
		napa.runtime.setPlatformSettings({ loggingProvider: "nop" });
		return 1`, "1")
	got := k.log.String()
	for _, line := range []string{"plain [/program/main.js:2]\n", "[section] text [/program/main.js:2]\n", "[section] text {trace} [/program/main.js:2]\n",
		"w [/program/main.js:3]\n", "[there] text [/program/main.js:", "Cannot set platform settings after napa was already initialized\n"} {
		if !strings.Contains(got, line) {
			t.Errorf("the log has no %q:\n%s", line, got)
		}
	}
	k.wantError(`napa.log(1)`, `TypeError: Failed to execute 'log' on 'ServiceWorkerGlobalScope': parameter 1 is not of type 'string'.`)
}

func TestPlatformSettingsComeBeforeTheFirstZone(t *testing.T) {
	k := newKit(t, nil)
	k.wantError(`napa.runtime.setPlatformSettings({ loggingProvider: "bond" })`,
		`TypeError: Failed to execute 'setPlatformSettings' on 'ServiceWorkerGlobalScope': there is no provider "bond", only "console" and "nop".`)
	k.want(`napa.runtime.setPlatformSettings({ loggingProvider: "nop" }); napa.log("unheard"); return 1`, "1")
	if got := k.log.String(); got != "" {
		t.Errorf("the log has %q", got)
	}
}

func TestStackOfV8(t *testing.T) {
	both(t, nil, `
		function inner() { return napa.v8.currentStack(2); }
		const stack = inner();
		return [stack.length, stack[0].getFunctionName(), stack[0].getFileName(), stack[0].getLineNumber(),
			napa.v8.formatStackTrace(stack.slice(0, 1)), typeof Error.prepareStackTrace, Error.stackTraceLimit].join();`,
		"2,inner,/program/main.js,2,at inner(/program/main.js:2:49)\n,undefined,10")
}

func TestGlobalsOfTheModule(t *testing.T) {
	both(t, nil, `
		const outcome = await new Promise((resolve, reject) => __napa_zone_call__({ module: "", function: "Math.max", args: ["1", "5"],
			transportContext: napa.transport.createTransportContext(), resolve, reject }));
		const failed = await new Promise((resolve, reject) => __napa_zone_call__({ module: "", function: "nothing", args: [], transportContext: null, resolve, reject })).catch((e) => e.message);
		return JSON.stringify([globalThis.napa === napa, Object.keys(napa), outcome, failed, napa.zone.TransportOption, napa.zone.DEFAULT_SETTINGS, napa.zone.DEFAULT_CALL_OPTIONS]);`,
		`[true,["log","memory","metric","runtime","store","sync","transport","v8","zone"],"5","Cannot find function 'nothing' in module ''",{"0":"AUTO","1":"MANUAL","AUTO":0,"MANUAL":1},{"workers":2},{"timeout":0,"transport":0}]`)
}
