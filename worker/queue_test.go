package worker_test

import (
	"encoding/json"
	"testing"
	"time"

	"workerd.local/event"
)

const consumers = `
	const log = [];
	export default {
		queue(b, env, ctx) {
			const [m, n, o, p] = b.messages;
			if (b.queue !== "q" || m.body !== "text" || n.body.x.get(1) !== 2 || o.body.a !== 1 || p.body[0] !== 65 || m.id !== "a" || +m.timestamp !== 7 || p.attempts !== 3) throw new Error("not what was sent");
			if (b.metadata.metrics.backlogCount !== 9 || "now" in b.metadata) throw new Error("other metrics");
			m.ack(); m.ack(); m.retry(); n.retry({ delaySeconds: 5 }); n.ack(); o.retry(); o.retry({ delaySeconds: 1 });
		},
		fetch() { return Response.json(log) },
	};
	export const all = { async queue(b) { b.ackAll(); b.retryAll({ delaySeconds: 3 }); b.messages[0].retry() } };
	export const again = { async queue(b) { b.retryAll({ delaySeconds: 3 }); b.retryAll(); b.ackAll(); b.messages[0].ack() } };
	export const throws = { async queue(b) { b.messages[0].ack(); throw new RangeError("no") } };
	export const left = { queue(b, env, ctx) { ctx.waitUntil(scheduler.wait(30).then(() => { log.push("late"); b.ackAll() })) } };
	export const broken = { queue(b, env, ctx) { ctx.waitUntil(Promise.reject(new Error("left"))) } };
	export const hangs = { queue() { return new Promise(() => {}) } };
	export const none = { fetch() {} };
`

func delivered(t *testing.T, k *kit, entry string, ev event.QueueBatch) string {
	t.Helper()
	o, _ := k.pool.Service(entry).Deliver(t.Context(), ev)
	b, err := json.Marshal(o.Queue)
	if err != nil {
		t.Fatal(err)
	}
	return o.Status.String() + " " + string(b)
}

func TestMessagesOfAQueue(t *testing.T) {
	ev := event.QueueBatch{Queue: "q", Metrics: event.QueueMetrics{BacklogCount: 9}, Messages: []event.QueueMessage{
		{ID: "a", Time: time.UnixMilli(7), Body: []byte("text"), ContentType: "text", Attempts: 1},
		{ID: "b", Body: []byte("\xff\x0fo\"\x01x;I\x02I\x04:\x02{\x01")},
		{ID: "c", Body: []byte(`{"a":1}`), ContentType: "json"},
		{ID: "d", Body: []byte("A"), ContentType: "bytes", Attempts: 3},
	}}
	const nothing = `{"AckAll":false,"RetryAll":false,"RetryDelay":null,"Acks":null,"Retries":null}`
	const acked = `{"AckAll":false,"RetryAll":false,"RetryDelay":null,"Acks":["a"],"Retries":null}`
	ackAll := `{"AckAll":true,"RetryAll":false,"RetryDelay":null,"Acks":null,"Retries":null}`
	for _, flags := range [][]string{nil, {"queue_consumer_no_wait_for_wait_until"}} {
		k := newKit(t, consumers, kitOptions{flags: flags})
		left, broken := `ok `+ackAll, `exception `+nothing
		if flags != nil {
			// The outcome is there before what was left behind.
			left, broken = `ok `+nothing, `ok `+nothing
		}
		for entry, want := range map[string]string{
			"":       `ok {"AckAll":false,"RetryAll":false,"RetryDelay":null,"Acks":["a"],"Retries":[{"ID":"b","Delay":5},{"ID":"c","Delay":1}]}`,
			"all":    `ok ` + ackAll,
			"again":  `ok {"AckAll":false,"RetryAll":true,"RetryDelay":3,"Acks":null,"Retries":null}`,
			"throws": `exception ` + acked,
			"left":   left,
			"broken": broken,
			"hangs":  `exception ` + nothing,
			"none":   `exception ` + nothing,
		} {
			if got := delivered(t, k, entry, ev); got != want {
				t.Errorf("%v %q\n got %s\nwant %s", flags, entry, got, want)
			}
		}
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
			if _, b := k.get("/"); b == `["late"]` {
				break
			} else if time.Now().After(deadline) {
				t.Fatalf("%v: what was left to waitUntil did not run: %s", flags, b)
			}
		}
		bad := event.QueueBatch{Queue: "q", Messages: []event.QueueMessage{{ID: "a", Body: []byte{0xff, 0x0f, 'o'}}}}
		if got := delivered(t, k, "all", bad); got != `exception `+nothing {
			t.Errorf("a body that cannot be read: %s", got)
		}
	}
}

func TestQueueListeners(t *testing.T) {
	k := newKit(t, `
		addEventListener("queue", (e) => {
			if (e.queue !== "q" || e.messages[0].body !== "text" || e.metadata.metrics.backlogCount !== 0) throw new Error("not what was sent");
			e.waitUntil(scheduler.wait(5).then(() => e.messages[0].retry()));
		});
		addEventListener("fetch", (e) => e.respondWith(new Response("x")));`, kitOptions{service: true, flags: []string{"queue_consumer_no_wait_for_wait_until"}})
	ev := event.QueueBatch{Queue: "q", Messages: []event.QueueMessage{{ID: "a", Body: []byte("text"), ContentType: "text"}}}
	if got, want := delivered(t, k, "", ev), `ok {"AckAll":false,"RetryAll":false,"RetryDelay":null,"Acks":null,"Retries":[{"ID":"a","Delay":null}]}`; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	k = newKit(t, `addEventListener("fetch", (e) => e.respondWith(new Response("x")));`, kitOptions{service: true})
	if got, want := delivered(t, k, "", ev), `exception {"AckAll":false,"RetryAll":false,"RetryDelay":null,"Acks":null,"Retries":null}`; got != want {
		t.Errorf("without a listener: got %s\nwant %s", got, want)
	}
}
