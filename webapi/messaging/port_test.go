package messaging_test

import (
	"testing"

	"workerd.local/internal/compat"
	"workerd.local/internal/jstest"
	"workerd.local/internal/limits"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/events"
	"workerd.local/webapi/global"
	"workerd.local/webapi/messaging"
	"workerd.local/webapi/timers"
)

func env(t *testing.T, date string, l isolate.Limits) *jstest.Env {
	t.Helper()
	flags, errs := compat.Parse(date, nil, compat.Options{})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	return jstest.NewWith(t, jstest.Options{
		Modules: []bind.Module{events.Module, timers.Module, global.Module, messaging.Module}, Compat: flags, Limits: l,
	})
}

func TestMessagesAreDelivered(t *testing.T) {
	e := env(t, "2026-01-01", isolate.Limits{})
	for source, want := range map[string]string{
		// What comes before a listener waits for it, and delivery is never in the call.
		`const { port1, port2 } = new MessageChannel(); const seen = [];
		port1.postMessage({ a: [1n, new Date(5)] });
		port2.onmessage = e => seen.push(e.type, e.isTrusted, e.data.a[0] === 1n, +e.data.a[1], e.target === port2, e.source === port2, e.ports.length);
		seen.push("after"); await null; await null;
		port1.postMessage({ a: [0, 0] }); seen.push("posted"); await null; await null;
		return seen.join()`: "after,message,true,true,5,true,true,0,posted,message,true,false,0,true,true,0",
		`const { port1, port2 } = new MessageChannel(); const seen = [];
		port2.addEventListener("message", e => seen.push(e.data), { once: true });
		port1.postMessage(1); port1.postMessage(2);
		await scheduler.wait(1);
		port2.addEventListener("message", e => seen.push("late " + e.data));
		port1.postMessage(3);
		await scheduler.wait(1);
		return seen.join()`: "1,late 3",
		`const { port1, port2 } = new MessageChannel(); const seen = [];
		port1.onmessage = e => { seen.push(e.data); if (e.data < 3) port1.postMessage(e.data + 1) };
		port2.onmessage = e => { seen.push(-e.data); port2.postMessage(e.data + 1) };
		port2.postMessage(1);
		await scheduler.wait(1);
		return seen.join()`: "1,-2,3",
		`const { port1, port2 } = new MessageChannel(); const seen = [];
		port1.onclose = () => seen.push(1); port2.addEventListener("close", () => seen.push(2));
		port1.close(); port1.close();
		port2.onmessage = () => seen.push("no"); port1.postMessage(1); port2.postMessage(1); port2.start();
		await scheduler.wait(1);
		return seen.join()`: "2,1",
		`const { port1, port2 } = new MessageChannel(); let seen = 0;
		port2.onmessage = () => seen++; port2.onmessage = null;
		port1.postMessage({ get x() { port1.close(); return 1 } });
		await scheduler.wait(1);
		return seen`: "0",
		`const { port1, port2 } = new MessageChannel();
		port1.postMessage(1, []); port1.postMessage(1, { transfer: [] }); port1.postMessage(undefined, null);
		return [port1 instanceof EventTarget, String(port1), String(new MessageChannel()), port1.onmessage].join()`: "true,[object MessagePort],[object MessageChannel],",
	} {
		e.Want(source, want)
	}
}

func TestWrongMessages(t *testing.T) {
	e := env(t, "2026-01-01", isolate.Limits{})
	for source, want := range map[string]string{
		`new MessagePort()`: "TypeError: Illegal constructor",
		`MessageChannel()`:  "TypeError: Failed to construct 'MessageChannel': Please use the 'new' operator, this object constructor cannot be called as a function.",
		`new MessageChannel().port1.postMessage(1, [1])`:                                     "Error: Transfer list is not supported",
		`new MessageChannel().port1.postMessage(1, { transfer: [1] })`:                       "Error: Transfer list is not supported",
		`new MessageChannel().port1.postMessage(1, { transfer: 1 })`:                         "TypeError: Incorrect type for the 'transfer' field on 'PostMessageOptions': the provided value is not of type 'Array'.",
		`new MessageChannel().port1.postMessage(1, 1)`:                                       "TypeError: Failed to execute 'postMessage' on 'MessagePort': parameter 2 is not of type 'Array or PostMessageOptions'.",
		`const { port1 } = new MessageChannel(); port1.close(); port1.postMessage(() => {})`: "DataCloneError: () => {\n  } could not be cloned.",
	} {
		e.WantError(source, want)
	}
}

func TestWaitingMessagesAreBounded(t *testing.T) {
	bounds, err := limits.Parse("port.messages=2")
	if err != nil {
		t.Fatal(err)
	}
	env(t, "2026-01-01", isolate.Limits{Bounds: bounds}).WantError(`const { port1 } = new MessageChannel(); for (let i = 0; i < 3; i++) port1.postMessage(i)`,
		"QuotaExceededError: The port that this message is for has no listener and keeps 2 messages already.")
}

func TestChannelsNeedTheirFlag(t *testing.T) {
	env(t, "2025-08-14", isolate.Limits{}).Want(`return typeof MessageChannel + typeof MessagePort`, "undefinedundefined")
}
