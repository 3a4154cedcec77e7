package threads_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"workerd.local/threads"
)

// shared are threads that have got one memory.
func (k *kit) shared(sources ...string) {
	k.Helper()
	r := newReader(k)
	for _, source := range sources {
		t := k.start("receive(s => { "+source+" })", func(s *threads.Spec) { s.Owner.Exit = nil }, stay)
		if err := t.Post(r.message(k, "globalThis.s ??= new SharedArrayBuffer(64)")); err != nil {
			k.Fatal(err)
		}
	}
}

func TestAtomicsCountRight(t *testing.T) {
	const threads, rounds = 4, 2003
	for _, array := range []string{"Int32Array", "BigInt64Array", "Uint16Array", "Int8Array"} {
		k := newKit(t)
		one, last := "1", "Atomics.load(a, 3) & 0x7f"
		if array == "BigInt64Array" {
			one, last = "1n", "Number(Atomics.load(a, 3)) & 0x7f"
		}
		source := fmt.Sprintf(`const a = new %[1]s(s), done = new Int32Array(s, 48);
			for (let i = 0; i < %[2]d; i++) Atomics.add(a, 3, %[3]s);
			if (Atomics.add(done, 0, 1) === %[4]d) post(%[5]s)`, array, rounds, one, threads-1, last)
		k.shared(source, source, source, source)
		k.want(fmt.Sprint(threads * rounds & 0x7f))
	}
}

// A lock of Atomics makes plain accesses safe: the race detector agrees.
func TestLockOfAtomics(t *testing.T) {
	k := newKit(t)
	source := `const a = new Int32Array(s);
		for (let i = 0; i < 300; i++) {
			while (Atomics.compareExchange(a, 0, 0, 1)) Atomics.wait(a, 0, 1);
			a[1]++;
			Atomics.store(a, 0, 0); Atomics.notify(a, 0, 1);
		}
		if (Atomics.add(a, 2, 1) === 2) post(a[1])`
	k.shared(source, source, source)
	k.want("900")
}

func TestAtomicsWaitAndNotify(t *testing.T) {
	k := newKit(t)
	k.shared(`const a = new Int32Array(s); const got = [Atomics.wait(a, 0, 5), Atomics.wait(a, 0, 0, 1), Atomics.wait(a, 0, 0, -7)];
		Atomics.store(a, 1, 1); got.push(Atomics.wait(a, 0, 0)); post(got)`,
		`const a = new Int32Array(s); while (!Atomics.load(a, 1)); let n = 0; while (!(n = Atomics.notify(a, 0)));`)
	k.want(`["not-equal","timed-out","timed-out","ok"]`)
}

func TestAtomicsWaitAsync(t *testing.T) {
	k := newKit(t)
	k.shared(`const a = new BigInt64Array(s), got = [Atomics.waitAsync(a, 0, 5n), Atomics.waitAsync(a, 0, 0n, 0)];
		const slow = Atomics.waitAsync(a, 0, 0n, 5); got.push(slow.async);
		slow.value.then(async v => { got.push(v); const w = Atomics.waitAsync(a, 0, 0n); Atomics.store(a, 1, 1n); got.push(await w.value); post(got) })`,
		`const a = new BigInt64Array(s); while (!Atomics.load(a, 1)); while (!Atomics.notify(a, 0, 1));`)
	k.want(`[{"async":false,"value":"not-equal"},{"async":false,"value":"timed-out"},true,"timed-out","ok"]`)
}

func TestKillWakesWhoWaits(t *testing.T) {
	k := newKit(t)
	th := k.start(`post(0); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)`)
	k.want("0")
	time.Sleep(5 * time.Millisecond)
	th.Kill()
	k.wait(th)
}

func TestWrongWaits(t *testing.T) {
	for source, want := range map[string]string{
		"Atomics.wait(new Int32Array(4), 0, 0)":                                                                      "TypeError: [object Array] is not a shared typed array.",
		"Atomics.wait(new Int16Array(new SharedArrayBuffer(4)), 0, 0)":                                               "TypeError: [object Array] is not an int32 or BigInt64 typed array.",
		"Atomics.waitAsync(new Int32Array(new SharedArrayBuffer(4)), 1, 0)":                                          "RangeError: Invalid atomic access index",
		"Atomics.waitAsync(new BigInt64Array(new SharedArrayBuffer(8)), 0, 0)":                                       "TypeError: Cannot convert 0 to a BigInt",
		"Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, Symbol())":                                        "TypeError: Cannot convert a Symbol value to a number",
		"post(new SharedArrayBuffer(4), [new SharedArrayBuffer(4)])":                                                 "TypeError: Object is not transferable",
		"const a = new Int32Array(new SharedArrayBuffer(4)); for (let i = 0; i < 3; i++) Atomics.waitAsync(a, 0, 0)": "RangeError: There are 2 agents that wait for this element already.",
	} {
		k := newKit(t, "threads.waiters=2")
		k.wait(k.start("try { " + source + " } catch (e) { post(`${e}`) }"))
		k.want(`"` + want + `"; exit 0`)
	}
}

// What is transferred is not copied: 64 MiB cost less than one of them.
func TestTransferTakesNoTime(t *testing.T) {
	k := newKit(t)
	var before, after runtime.MemStats
	reader := newReader(t)
	th := k.start(`const b = new Uint8Array(64 << 20); b[5] = 7; const was = b.buffer;
		receive(() => { post(was, [was]); post(was.byteLength); try { post(was) } catch (e) { post(e.name) } }); post("ready")`, func(s *threads.Spec) {
		s.Owner.Message = func(m threads.Message) {
			if m.Size() < 1<<20 {
				k.say(reader.text(m))
				return
			}
			runtime.ReadMemStats(&after)
			k.say("moved")
		}
	}, stay)
	k.want(`"ready"`)
	m := k.message("1")
	runtime.ReadMemStats(&before)
	if err := th.Post(m); err != nil {
		t.Fatal(err)
	}
	k.want(`"ready"; moved; 0; "DataCloneError"`)
	if n := after.TotalAlloc - before.TotalAlloc; n > 16<<20 {
		t.Errorf("%d bytes were allocated", n)
	}
	th.Stop()
	k.wait(th)
}
