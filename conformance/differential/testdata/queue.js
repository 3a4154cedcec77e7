// Queues: what producers ask for and make of the answers, and what a consumer's events come to.
import { serve, sleep } from "probe.js";
import { net, raw, statuses, broken, encodings, product, requests, refused, ways, workerProduct, workerRequests, abandoned, wrong } from "services.js";
export { Fake, Abandoned } from "services.js";

const bytes = (...list) => new Uint8Array(list);
const good = '{"metadata":{"metrics":{"backlogCount":1,"backlogBytes":2,"oldestMessageTimestamp":3}}}';
const plain = '{"backlogCount":1,"backlogBytes":2,"oldestMessageTimestamp":3}';
const methods = {
  "send": (q) => q.send("v"),
  "send bytes": (q) => q.send(bytes(1), { contentType: "bytes" }),
  "sendBatch": (q) => q.sendBatch([{ body: "v" }]),
  "metrics": (q) => q.metrics(),
};
const errors = {};
for (const [name, headers] of Object.entries({
  "a code": { "CF-Queues-Error-Code": "10250" }, "a cause": { "CF-Queues-Error-Cause": "The cause." }, "both": { "CF-Queues-Error-Code": "10250", "CF-Queues-Error-Cause": "The cause." }, "empty ones": { "CF-Queues-Error-Code": "", "CF-Queues-Error-Cause": "" }, "two causes": { "CF-Queues-Error-Cause": ["a", "b"] }, "UTF-8": { "CF-Queues-Error-Cause": "\xc3\xa9" },
})) for (const status of ["400 Bad Request", "413 Content Too Large", "429 Too Many Requests", "500 Odd Words", "201 Created", "200 OK"]) errors[`${status} with ${name}`] = net(status, headers, status.startsWith("200") ? good : "");

const shapes = {}, plainShapes = {};
const t = (x) => `{"metadata":{"metrics":${x}}}`;
for (const body of ["", " ", "null", "true", "0", '"text"', "[]", "[1]", "{}", "{", "odd", '{"metadata":null}', '{"metadata":{}}', '{"metadata":5}', '{"metadata":[]}', t("null"), t("{}"), t("5"), t("[]"), t('"x"'), t('{"backlogCount":1}'), t('{"backlogBytes":1}'), t('{"backlogCount":1,"backlogBytes":2}'), t('{"backlogCount":"1","backlogBytes":"2"}'), t('{"backlogCount":"x","backlogBytes":2}'), t('{"backlogCount":null,"backlogBytes":2}'), t('{"backlogCount":true,"backlogBytes":[]}'), t('{"backlogCount":{},"backlogBytes":2}'), t('{"backlogCount":-1.5,"backlogBytes":1e99}'),
  ...["0", "null", "-1", "1.5", '"3"', '"2020-01-01T00:00:00Z"', '"x"', "{}", "true", "1e20", "9e15"].map((x) => t(`{"backlogCount":1,"backlogBytes":2,"oldestMessageTimestamp":${x}}`)), good + "x", "\xef\xbb\xbf" + good, t('{"backlogCount":1,"backlogBytes":2,"more":3}')]) {
  shapes[body] = net("200 OK", {}, body);
  const inner = body.startsWith('{"metadata":{"metrics":') ? body.slice(23, -2) : body;
  plainShapes[inner] = net("200 OK", {}, inner);
}
const values = {
  "text": "välue\0😀", "empty": "", "number": 5.5, "null": null, "true": true, "object": { a: [1, undefined, { b: "x" }], d: new Date(5) }, "array": [1, , 3], "bytes": bytes(0, 255), "a buffer": bytes(1, 2).buffer, "a date": new Date(0), "a map": new Map([[1, { a: 2 }]]), "a set": new Set([1]), "a regexp": /a/gi, "a bigint": 2n ** 70n, "-0": -0, "NaN": NaN, "an error": new RangeError("e"), "a float array": new Float64Array([1.5]), "a view": new DataView(bytes(1, 2, 3).buffer, 1),
};
const sends = {};
for (const [name, v] of Object.entries(values)) {
  sends[`send ${name}`] = (q) => q.send(v);
  sends[`sendBatch of ${name}`] = (q) => q.sendBatch([{ body: v }]);
}
for (const type of ["text", "json", "bytes", "v8", "TEXT", "Json", "odd", ""]) {
  const v = () => type.toLowerCase() === "bytes" ? bytes(1, 2, 3) : "value"; // send() takes the buffer
  sends[`send as ${type}`] = (q) => q.send(v(), { contentType: type });
  sends[`sendBatch as ${type}`] = (q) => q.sendBatch([{ body: v(), contentType: type }]);
}
for (const delay of [0, 1, 43200, -1, 1.9, "5", 2 ** 31 - 1]) {
  sends[`send with a delay of ${JSON.stringify(delay)}`] = (q) => q.send("v", { delaySeconds: delay });
  sends[`sendBatch with delays of ${JSON.stringify(delay)}`] = (q) => q.sendBatch([{ body: "v", delaySeconds: delay }], { delaySeconds: delay });
}
Object.assign(sends, {
  "send a part of a buffer": (q) => q.send(bytes(1, 2, 3, 4).subarray(1, 3), { contentType: "bytes" }),
  "send floats as bytes": (q) => q.send(new Float32Array([1]), { contentType: "bytes" }),
  "send and look at the buffer": async (q) => { const b = bytes(1, 2); await q.send(b, { contentType: "bytes" }); return b.length; },
  "sendBatch and look at the buffer": async (q) => { const b = bytes(1, 2); await q.sendBatch([{ body: b, contentType: "bytes" }]); return b.length; },
  "send with null": (q) => q.send("v", null), "send with more": (q) => q.send("v", { odd: 1 }, 2), "send with undefined options": (q) => q.send("v", { contentType: undefined, delaySeconds: undefined }),
  "sendBatch of several": (q) => q.sendBatch([{ body: "a" }, { body: bytes(1), contentType: "bytes", delaySeconds: 5 }, { body: { x: 1 }, contentType: "json" }, { body: "é", contentType: "text" }, { body: [1], contentType: "v8" }]),
  "sendBatch of a Set": (q) => q.sendBatch(new Set([{ body: 1 }])), "sendBatch of a generator": (q) => q.sendBatch((function* () { yield { body: 1 }; yield { body: 2 }; })()),
  "sendBatch of 150": (q) => q.sendBatch(Array.from({ length: 150 }, (_, i) => ({ body: i }))),
  "sendBatch with more": (q) => q.sendBatch([{ body: 1, odd: 2 }], { odd: 3 }),
  "metrics": (q) => q.metrics(), "metrics with an argument": (q) => q.metrics(5),
});
const gone = () => { const b = bytes(1, 2); structuredClone(b.buffer, { transfer: [b.buffer] }); return b; };
const circular = () => { const o = {}; o.o = o; return o; };
const S = (v, o) => (q) => q.send(v, o).then(() => "sent");
const B = (v, o) => (q) => q.sendBatch(v, o).then(() => "sent");
const mistakes = {
  "of send": [(q) => q.send(), S(undefined), S(Symbol("s")), S(() => 1), S(circular()), ...[() => new Blob(["x"]), () => new Response("x"), () => Promise.resolve(1), () => new WeakMap(), () => new ReadableStream()].map((f) => (q) => q.send(f()).then(() => "sent")), S("v", 5), S("v", "text"), S("v", { contentType: 5 }), S("v", { contentType: null }), S("v", { contentType: Symbol("s") }), S("v", { delaySeconds: "x" }), S("v", { delaySeconds: null }), S("v", { delaySeconds: 2 ** 31 }), S("v", { delaySeconds: NaN }), S("v", { delaySeconds: 1n }), S("v", { delaySeconds: {} }), (q) => q.send.call({}, "v"), S({ get a() { throw new RangeError("own"); } })],
  "of send as text": [5, null, {}, bytes(1), true, 5n, () => 1, new String("s"), Symbol("s")].map((v) => S(v, { contentType: "text" })),
  "of send as bytes": ["text", 5, null, {}, new ArrayBuffer(2), [1], gone(), new SharedArrayBuffer(2)].map((v) => S(v, { contentType: "bytes" })),
  "of send as json": [undefined, () => 1, Symbol("s"), 5n, circular(), NaN, { toJSON: () => undefined }, { toJSON: () => 5n }].map((v) => S(v, { contentType: "json" })),
  "of send as v8": [() => () => 1, () => Symbol("s"), () => new Blob(["x"]), circular, gone].map((f) => (q) => q.send(f(), { contentType: "v8" }).then(() => "sent")),
  "of sendBatch": [(q) => q.sendBatch(), B([]), B(5), B("text"), B(null), B({}), B([5]), B([null]), B([{}]), B([{ body: undefined }]), B([{ body: 1 }, { body: undefined }]), B([[]]), B([{ body: "v", contentType: "odd" }]), B([{ body: 5, contentType: "text" }]), B([{ body: "v", contentType: "bytes" }]), B([{ body: () => 1 }]), B([{ body: 1, delaySeconds: "x" }]), B([{ body: 1, delaySeconds: 2 ** 40 }]), B([{ body: 1 }], 5), B([{ body: 1 }], { delaySeconds: "x" }), B([{ body: 1, contentType: 5 }]), B(new Map([[1, 2]])), B((function* () { throw new RangeError("own"); })()), B([{ get body() { throw new RangeError("own"); } }]), B([{ body: gone(), contentType: "bytes" }])],
};

// A consumer is called by its service binding, as the service of a queue does.
let consume;
const batch = (env, fn, messages = [{ id: "a", timestamp: new Date(1000), body: "A", attempts: 1 }, { id: "b", timestamp: new Date(2000), body: { b: 1 }, attempts: 2 }], ...more) => { consume = fn; return env.CONSUMER.queue("queue-name", messages, ...more); };
const consumers = {
  "nothing": (b) => {}, "ackAll": (b) => b.ackAll(), "retryAll": (b) => b.retryAll(), "retryAll with a delay": (b) => b.retryAll({ delaySeconds: 5 }), "retryAll with null": (b) => b.retryAll(null), "retryAll with -1": (b) => b.retryAll({ delaySeconds: -1 }),
  "ack one": (b) => b.messages[0].ack(), "retry one": (b) => b.messages[1].retry(), "retry with a delay": (b) => b.messages[0].retry({ delaySeconds: 7 }), "ack and retry": (b) => { b.messages[0].ack(); b.messages[0].retry({ delaySeconds: 1 }); }, "retry and ack": (b) => { b.messages[0].retry(); b.messages[0].ack(); }, "retry twice": (b) => { b.messages[0].retry({ delaySeconds: 1 }); b.messages[0].retry(); }, "ack twice": (b) => { b.messages[0].ack(); b.messages[0].ack(); },
  "ackAll and retry": (b) => { b.ackAll(); b.messages[0].retry(); }, "retry and ackAll": (b) => { b.messages[0].retry(); b.ackAll(); }, "retryAll and ack": (b) => { b.retryAll(); b.messages[0].ack(); }, "ack and retryAll": (b) => { b.messages[0].ack(); b.retryAll(); }, "ackAll and retryAll": (b) => { b.ackAll(); b.retryAll(); }, "retryAll and ackAll": (b) => { b.retryAll(); b.ackAll(); }, "retryAll twice": (b) => { b.retryAll({ delaySeconds: 1 }); b.retryAll({ delaySeconds: 2 }); },
  "throws": () => { throw new RangeError("consumer"); }, "rejects": async () => { await sleep(1); throw new TypeError("later"); }, "throws behind a retry": (b) => { b.messages[0].retry(); throw new Error("consumer"); }, "throws a text": () => { throw "text"; }, "late retry": async (b) => { await sleep(1); b.messages[0].retry(); }, "retry in waitUntil": (b, ctx) => { ctx.waitUntil(sleep(5).then(() => b.messages[0].retry())); }, "waitUntil that rejects": (b, ctx) => { ctx.waitUntil(Promise.reject(new Error("w"))); }, "a value": () => 5,
  "retry with a text": (b) => b.messages[0].retry({ delaySeconds: "x" }), "retry with a number": (b) => b.messages[0].retry(5), "retry with a large delay": (b) => b.messages[0].retry({ delaySeconds: 2 ** 31 }), "retryAll with a text": (b) => b.retryAll("x"), "a wrong receiver": (b) => b.messages[0].ack.call({}),
};
const consumed = {};
for (const [name, fn] of Object.entries(consumers)) consumed[name] = (env) => batch(env, fn);
let looked;
const look = (fn) => async (env) => { looked = undefined; const r = await batch(env, (b) => { looked = fn(b); }); return [looked, r]; };
const views = {
  "batch": look((b) => [b.constructor.name, Object.keys(b), b.queue, Array.isArray(b.messages), b.messages.length, b.messages === b.messages, Object.isFrozen(b.messages), b.metadata]),
  "message": look((b) => b.messages.map((m) => [m.constructor.name, Object.keys(m), m.id, m.timestamp, m.body, m.attempts, m.body === m.body])),
  "writes": look((b) => { const m = b.messages[0]; try { m.id = "x"; m.body = 5; b.queue = "y"; } catch (e) { return e.message; } return [m.id, m.body, b.queue]; }),
};
const given = {
  "bytes": (env) => batch(env, (b) => { looked = b.messages.map((m) => m.body); }, [{ id: "a", timestamp: new Date(1), serializedBody: new Uint8Array([0xff, 0x0f, 0x22, 1, 0x41]), attempts: 1 }]).then((r) => [looked, r]),
  "a wrong serialized body": (env) => batch(env, () => {}, [{ id: "a", timestamp: new Date(1), serializedBody: new Uint8Array([1, 2, 3]), attempts: 1 }]),
  "no body": (env) => batch(env, () => {}, [{ id: "a", timestamp: new Date(1), attempts: 1 }]), "no id": (env) => batch(env, () => {}, [{ timestamp: new Date(1), body: 1, attempts: 1 }]), "no timestamp": (env) => batch(env, () => {}, [{ id: "a", body: 1, attempts: 1 }]), "no attempts": (env) => batch(env, () => {}, [{ id: "a", timestamp: new Date(1), body: 1 }]),
  "both bodies": (env) => batch(env, () => {}, [{ id: "a", timestamp: new Date(1), body: 1, serializedBody: new Uint8Array([0xff, 0x0f, 0x22, 1, 0x41]), attempts: 1 }]), "no messages": (env) => batch(env, () => {}, []), "a text": (env) => batch(env, () => {}, "text"), "nothing": (env) => env.CONSUMER.queue(), "a name alone": (env) => env.CONSUMER.queue("q"), "an odd message": (env) => batch(env, () => {}, [5]), "a wrong timestamp": (env) => batch(env, () => {}, [{ id: "a", timestamp: "x", body: 1, attempts: 1 }]), "negative attempts": (env) => batch(env, () => {}, [{ id: "a", timestamp: new Date(1), body: 1, attempts: -1 }]), "an uncloneable body": (env) => batch(env, () => {}, [{ id: "a", timestamp: new Date(1), body: () => 1, attempts: 1 }]),
};

const table = {
  "shape": (env) => [Object.getPrototypeOf(env.NET).constructor.name, ...["send", "sendBatch", "metrics"].map((m) => `${m} ${env.NET[m]?.length}`), Object.keys(env.NET).length],
  "answer": product(statuses(good), methods),
  "broken": product(broken(good), methods),
  "error": product(errors, methods),
  "shapes": product(shapes, { send: methods.send, sendBatch: methods.sendBatch }),
  "shapes of metrics": product(plainShapes, { metrics: methods.metrics }),
  "request": requests((n) => net("200 OK", {}, n.startsWith("metrics") ? plain : good), sends),
  "refused": refused(methods),
  "wrong": wrong(mistakes, net("200 OK", {}, good)),
  "worker": workerProduct(ways(good), methods),
  "worker asked": workerRequests(() => new Response(good), Object.fromEntries(["send text", "send as bytes", "sendBatch of several", "metrics"].map((k) => [k, sends[k]]))),
  "abandoned": abandoned(methods),
  "consumer": consumed,
  "consumer sees": views,
  "consumer is given": given,
};
for (const name of ["gzip", "gzip that is none", "identity", "an odd one"]) table["encoded: " + name] = async (env) => product({ x: (encodings(good))[name] }, methods).x(env);
export default { ...serve(table), queue(b, env, ctx) { return consume(b, ctx); } };
