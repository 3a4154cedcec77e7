// KV namespaces: what they ask for, and what they make of the answers.
import { serve } from "probe.js";
import { net, raw, statuses, broken, encodings, product, requests, refused, ways, workerProduct, workerRequests, abandoned, wrong } from "services.js";
export { Fake, Abandoned } from "services.js";

const text = async (p) => { const s = await p; return s instanceof ReadableStream ? "stream of " + await new Response(s).text() : s; };
const bytes = (...list) => new Uint8Array(list);
const stream = (s) => new Blob([s]).stream();
const open = (...chunks) => new ReadableStream({ start(c) { for (const x of chunks) c.enqueue(x); c.close(); } });
const failing = (...chunks) => { let i = 0; return new ReadableStream({ pull(c) { if (i < chunks.length) c.enqueue(chunks[i++]); else c.error(new RangeError("source failed")); } }); };
const fixed = (n, s) => { const f = new FixedLengthStream(n); const w = f.writable.getWriter(); w.write(new TextEncoder().encode(s)).then(() => w.close()).catch(() => {}); return f.readable; };

const methods = {
  "get": (kv) => kv.get("key"),
  "get json": (kv) => kv.get("key", "json"),
  "get arrayBuffer": (kv) => kv.get("key", { type: "arrayBuffer" }),
  "get stream": (kv) => text(kv.get("key", "stream")),
  "getWithMetadata": (kv) => kv.getWithMetadata("key"),
  "getWithMetadata stream": async (kv) => { const r = await kv.getWithMetadata("key", "stream"); return { ...r, value: await text(r.value) }; },
  "get several": (kv) => kv.get(["a", "b"]),
  "getWithMetadata several": (kv) => kv.getWithMetadata(["a"], "json"),
  "list": (kv) => kv.list(),
  "put": (kv) => kv.put("key", "value"),
  "put bytes": (kv) => kv.put("key", bytes(1, 2, 3)),
  "put stream": (kv) => kv.put("key", stream("value")),
  "put open stream": (kv) => kv.put("key", open(bytes(1), bytes(2))),
  "delete": (kv) => kv.delete("key"),
};
const few = Object.fromEntries(["get", "get stream", "getWithMetadata", "get several", "list", "put", "put stream", "delete"].map((k) => [k, methods[k]]));

const json = '{"a":[1,null],"__proto__":2,"keys":[{"name":"k","metadata":"{\\"m\\":1}"}],"list_complete":true}';
const ok = (body, headers = {}) => net("200 OK", headers, body);

const metadata = {};
for (const [name, value] of Object.entries({
  "an object": '{"m":[1,"é"]}', "a text": '"text"', "null": "null", "a number": "0", "an empty one": "", "a blank": " ", "cut JSON": '{"m":', "text that is no JSON": "odd", "UTF-8": '"\xc3\xa9"', "no UTF-8": '"\xe9"', "escaped": '"\\u00e9"',
})) metadata[name] = ok("v", { "CF-KV-Metadata": value });
metadata["twice"] = ok("v", { "CF-KV-Metadata": ["1", "2"] });
metadata["in lower case"] = ok("v", { "cf-kv-metadata": "1" });
metadata["a cache status"] = ok("v", { "CF-Cache-Status": "HIT", "CF-KV-Metadata": "1" });
metadata["an empty cache status"] = ok("v", { "CF-Cache-Status": "" });
metadata["two cache statuses"] = ok("v", { "CF-Cache-Status": ["HIT", "MISS"] });
metadata["404 with both"] = net("404 Not Found", { "CF-Cache-Status": "MISS", "CF-KV-Metadata": "1" });
metadata["500 with both"] = net("500 Bad", { "CF-Cache-Status": "MISS", "CF-KV-Metadata": "1" });
metadata["a BOM"] = ok("\xef\xbb\xbf\"v\"");
metadata["no UTF-8 as a value"] = ok('"\xff\xc3"');

const shapes = {};
for (const body of ["", " ", "null", "true", "0", '"text"', "[]", "[1,2]", "{}", '{"a":1}', '{"a":', "{'a':1}", "{\"a\":1}x", '{"1":"one","a":"b","0":"zero"}', '{"a":{"value":1,"metadata":{"m":1}}}', '{"__proto__":{"x":1},"constructor":2}', '{"a":1,"a":2}', "NaN", '{"keys":null}', '{"keys":{}}', '{"keys":"abc"}', '{"keys":[]}', '{"keys":[null,1,"x",[],{}]}',
  '{"keys":[{"name":"k"}]}', '{"keys":[{"name":"k","metadata":null}]}', '{"keys":[{"name":"k","metadata":""}]}', '{"keys":[{"name":"k","metadata":"odd"}]}', '{"keys":[{"name":"k","metadata":"{\\"a\\":1}"},{"name":"l","metadata":{"b":2}},{"name":"m","metadata":5}]}',
  '{"keys":[],"list_complete":"yes","cursor":5,"expiration":"x","cacheStatus":"own"}', '{"list_complete":false,"cursor":"c","keys":[{"name":1,"expiration":"x"}]}', '{"keys":[[{"metadata":"1"}]]}', "[{\"keys\":1}]", "\xef\xbb\xbf{}", "[".repeat(2000) + "]".repeat(2000)]) shapes[body.length > 99 ? "a deep one" : body] = ok(body, { "CF-Cache-Status": "HIT" });

const reading = Object.fromEntries(["get json", "get several", "getWithMetadata several", "list"].map((k) => [k, methods[k]]));
reading["get several as json"] = (kv) => kv.get(["a", "1"], { type: "json" });

const keys = ["k", "a b", "a/b", "a//b", "/", "//", "?a=b", "a#b", "a%20b", "%", "ü", "😀", "\ud800", "...", "./x", "a/../b", "a/./b", ".", "..", "", "\n", "\0", "a+b", "a&b=c", "~!@$^*()_-=[]{}|\\;:'\",<>`", "x".repeat(512), "x".repeat(513), "ü".repeat(256), "ü".repeat(257), "\x7f", "%2e", "%2e%2e", "*"];
const byKey = {};
for (const k of keys) {
  const name = k.length > 50 ? `${k.length} ${k[0]}` : JSON.stringify(k);
  byKey[`get ${name}`] = (kv) => kv.get(k);
  byKey[`put ${name}`] = (kv) => kv.put(k, "v");
  byKey[`delete ${name}`] = (kv) => kv.delete(k);
}

const calls = {
  "get": (kv) => kv.get("k"),
  "get text": (kv) => kv.get("k", "text"),
  "get json": (kv) => kv.get("k", "json").catch(() => 0),
  "get arrayBuffer": (kv) => kv.get("k", "arrayBuffer"),
  "get stream": (kv) => text(kv.get("k", "stream")),
  "get of an unknown type": (kv) => kv.get("k", "odd"),
  "get of the type TEXT": (kv) => kv.get("k", "TEXT"),
  "get with cacheTtl": (kv) => kv.get("k", { cacheTtl: 60 }),
  "get with cacheTtl 0": (kv) => kv.get("k", { cacheTtl: 0 }),
  "get with cacheTtl -1": (kv) => kv.get("k", { cacheTtl: -1 }),
  "get with cacheTtl 1.9": (kv) => kv.get("k", { cacheTtl: 1.9 }),
  "get with cacheTtl as text": (kv) => kv.get("k", { cacheTtl: "61" }),
  "get with empty options": (kv) => kv.get("k", {}),
  "get with null": (kv) => kv.get("k", null),
  "get with an undefined type": (kv) => kv.get("k", { type: undefined, cacheTtl: undefined }),
  "get with type null": (kv) => kv.get("k", { type: null }),
  "get with a number as type": (kv) => kv.get("k", 5),
  "get with more": (kv) => kv.get("k", { odd: 1 }, 2, 3),
  "get of a number": (kv) => kv.get(5),
  "get of null": (kv) => kv.get(null),
  "get of undefined": (kv) => kv.get(undefined),
  "get of an object": (kv) => kv.get({}),
  "get of several": (kv) => kv.get(["a", "b", "a"]),
  "get of none": (kv) => kv.get([]),
  "get of several with a type": (kv) => kv.get(["a"], "json"),
  "get of several with options": (kv) => kv.get(["a"], { type: "text", cacheTtl: 60 }),
  "get of several with an odd type": (kv) => kv.get(["a"], "odd"),
  "get of several with an empty type": (kv) => kv.get(["a"], ""),
  "get of several odd ones": (kv) => kv.get(["", ".", 5, null, undefined, "é\"\\\n😀\u2028</script>", "\ud800"]),
  "get of 101": (kv) => kv.get(Array.from({ length: 101 }, (_, i) => "k" + i)),
  "get of a long one among several": (kv) => kv.get(["x".repeat(600)]),
  "get of a Set": (kv) => kv.get(new Set(["a"])),
  "getWithMetadata": (kv) => kv.getWithMetadata("k"),
  "getWithMetadata with options": (kv) => kv.getWithMetadata("k", { type: "text", cacheTtl: 77 }),
  "getWithMetadata of several": (kv) => kv.getWithMetadata(["a", "b"]),
  "list": (kv) => kv.list().catch(() => 0),
  "list with all": (kv) => kv.list({ limit: 5, prefix: "p/ü&=+ ", cursor: "c%+/=" }).catch(() => 0),
  "list with nulls": (kv) => kv.list({ prefix: null, cursor: null }).catch(() => 0),
  "list with empty texts": (kv) => kv.list({ prefix: "", cursor: "" }).catch(() => 0),
  "list with limit 0": (kv) => kv.list({ limit: 0 }).catch(() => 0),
  "list with limit -1": (kv) => kv.list({ limit: -1 }).catch(() => 0),
  "list with a limit as text": (kv) => kv.list({ limit: "7" }).catch(() => 0),
  "list with a large limit": (kv) => kv.list({ limit: 100000 }).catch(() => 0),
  "list with null": (kv) => kv.list(null).catch(() => 0),
  "list with more": (kv) => kv.list({ odd: 1, limit: undefined }, 5).catch(() => 0),
  "put text": (kv) => kv.put("k", "välue\0\ud800"),
  "put an empty text": (kv) => kv.put("k", ""),
  "put a number": (kv) => kv.put("k", 5.5),
  "put null": (kv) => kv.put("k", null),
  "put true": (kv) => kv.put("k", true),
  "put a bigint": (kv) => kv.put("k", 5n),
  "put a buffer": (kv) => kv.put("k", bytes(0, 128, 255).buffer),
  "put an empty buffer": (kv) => kv.put("k", new ArrayBuffer(0)),
  "put a view": (kv) => kv.put("k", new DataView(bytes(0, 1, 2, 3).buffer, 1, 2)),
  "put floats": (kv) => kv.put("k", new Float32Array([1])),
  "put a resizable buffer": (kv) => kv.put("k", new Uint8Array(new ArrayBuffer(2, { maxByteLength: 4 }))),
  "put a stream of a known length": (kv) => kv.put("k", fixed(5, "value")),
  "put a stream of a Blob": (kv) => kv.put("k", stream("value")),
  "put an empty stream": (kv) => kv.put("k", stream("")),
  "put an open stream": (kv) => kv.put("k", open(bytes(1), bytes(2, 3))),
  "put an open stream without a chunk": (kv) => kv.put("k", open()),
  "put a stream of bytes": (kv) => kv.put("k", new ReadableStream({ type: "bytes", start(c) { c.enqueue(bytes(9)); c.close(); } })),
  "put a body": (kv) => kv.put("k", new Response("value").body),
  "put the body of a request": (kv) => kv.put("k", new Request("http://x/", { method: "POST", body: bytes(7) }).body),
  "put an identity stream": (kv) => { const t = new IdentityTransformStream(); const w = t.writable.getWriter(); w.write(bytes(1)).then(() => w.close()).catch(() => {}); return kv.put("k", t.readable); },
  "put with expiration": (kv) => kv.put("k", "v", { expiration: 2000000000 }),
  "put with a large expiration": (kv) => kv.put("k", "v", { expiration: 3000000000 }),
  "put with expirationTtl": (kv) => kv.put("k", "v", { expirationTtl: 60 }),
  "put with both": (kv) => kv.put("k", "v", { expirationTtl: 60, expiration: 1 }),
  "put with expiration 0": (kv) => kv.put("k", "v", { expiration: 0, expirationTtl: -5 }),
  "put with metadata": (kv) => kv.put("k", "v", { metadata: { a: [1, "x"], b: undefined, d: new Date(0) } }),
  "put with odd metadata": (kv) => kv.put("k", "v", { metadata: "é\n\u2028" }),
  "put with metadata of a wide text": (kv) => kv.put("k", "v", { metadata: "😀" }),
  "put with metadata null": (kv) => kv.put("k", "v", { metadata: null }),
  "put with metadata undefined": (kv) => kv.put("k", "v", { metadata: undefined }),
  "put with metadata 0": (kv) => kv.put("k", "v", { metadata: 0 }),
  "put with metadata false": (kv) => kv.put("k", "v", { metadata: false }),
  "put with metadata with toJSON": (kv) => kv.put("k", "v", { metadata: { toJSON: () => 5 } }),
  "put with long metadata": (kv) => kv.put("k", "v", { metadata: "m".repeat(2000) }),
  "put with null options": (kv) => kv.put("k", "v", null),
  "delete": (kv) => kv.delete("k"),
  "delete of a number": (kv) => kv.delete(5),
};

const locked = () => { const s = stream("v"); s.getReader(); return s; };
const used = async () => { const r = new Response("v"); const s = r.body; await r.text(); return s; };
const gone = () => { const b = bytes(1, 2); structuredClone(b.buffer, { transfer: [b.buffer] }); return b; };
const circular = () => { const o = {}; o.o = o; return o; };

const mistakes = {
  "of get": [
    (kv) => kv.get(), (kv) => kv.get(Symbol("s")), (kv) => kv.get({ toString() { throw new RangeError("own"); } }), (kv) => kv.get("k", Symbol("s")), (kv) => kv.get("k", () => 1), (kv) => kv.get("k", { type: Symbol("s") }), (kv) => kv.get("k", { cacheTtl: "x" }), (kv) => kv.get("k", { cacheTtl: NaN }), (kv) => kv.get("k", { cacheTtl: 2 ** 40 }), (kv) => kv.get("k", { cacheTtl: 5n }), (kv) => kv.get("k", { cacheTtl: Infinity }), (kv) => kv.get("k", { cacheTtl: {} }), (kv) => kv.get("k", { cacheTtl: null }), (kv) => kv.get("k", { get type() { throw new RangeError("own"); } }),
    (kv) => kv.get([Symbol("s")]), (kv) => kv.get(["a", { toString() { throw new RangeError("own"); } }]), (kv) => kv.get([["a"]]), (kv) => kv.get(""), (kv) => kv.get("."), (kv) => kv.get(".."), (kv) => kv.get("x".repeat(513)), (kv) => { const { get } = kv; return get("k"); }, (kv) => kv.get.call({}, "k"), (kv) => kv.get("k", [ ]), (kv) => kv.get("k", new Date(0)), (kv) => kv.getWithMetadata(), (kv) => kv.getWithMetadata(""), (kv) => kv.getWithMetadata("k", "odd"), (kv) => kv.getWithMetadata(Symbol("s")), (kv) => kv.getWithMetadata({}, {}), (kv) => kv.get(["k"], { cacheTtl: "x" }), (kv) => kv.get(["k"], Symbol("s")),
  ],
  "of list": [(kv) => kv.list(5), (kv) => kv.list("x"), (kv) => kv.list({ limit: "x" }), (kv) => kv.list({ limit: 1n }), (kv) => kv.list({ limit: null }), (kv) => kv.list({ limit: 2 ** 31 }), (kv) => kv.list({ prefix: Symbol("s") }), (kv) => kv.list({ prefix: {} }), (kv) => kv.list({ cursor: 5 }), (kv) => kv.list({ get cursor() { throw new RangeError("own"); } }), (kv) => kv.list(() => 1), (kv) => kv.list([])],
  "of put": [
    (kv) => kv.put(), (kv) => kv.put("k"), (kv) => kv.put("k", undefined), (kv) => kv.put("k", Symbol("s")), (kv) => kv.put("k", {}), (kv) => kv.put("k", []), (kv) => kv.put("k", () => 1), (kv) => kv.put("k", new Date(0)), (kv) => kv.put("k", new Blob(["v"])), (kv) => kv.put("k", new Response("v")), (kv) => kv.put("k", new URLSearchParams("a=b")), (kv) => kv.put("k", new FormData()), (kv) => kv.put("k", Promise.resolve("v")), (kv) => kv.put("k", new String("v")), (kv) => kv.put("k", new Map()), (kv) => kv.put("k", new SharedArrayBuffer(2)), (kv) => kv.put("k", new Error("e")), (kv) => kv.put("k", { toString: () => "v" }),
    (kv) => kv.put("", "v"), (kv) => kv.put(".", "v"), (kv) => kv.put("..", "v"), (kv) => kv.put("x".repeat(513), "v"), (kv) => kv.put(Symbol("s"), "v"), (kv) => kv.put("", {}), (kv) => kv.put("k", "v", 5), (kv) => kv.put("k", "v", "x"), (kv) => kv.put("k", "v", { expiration: "x" }), (kv) => kv.put("k", "v", { expiration: new Date(0) }), (kv) => kv.put("k", "v", { expiration: 1e12 }), (kv) => kv.put("k", "v", { expiration: -1e12 }), (kv) => kv.put("k", "v", { expirationTtl: NaN }), (kv) => kv.put("k", "v", { expirationTtl: null }), (kv) => kv.put("k", "v", { expirationTtl: 5n }), (kv) => kv.put("k", "v", { expirationTtl: "" }), (kv) => kv.put("k", "v", { expirationTtl: {} }), (kv) => kv.put("k", "v", { expiration: 1.5 }),
    (kv) => kv.put("k", "v", { metadata: circular() }), (kv) => kv.put("k", "v", { metadata: 5n }), (kv) => kv.put("k", "v", { metadata: () => 1 }), (kv) => kv.put("k", "v", { metadata: Symbol("s") }), (kv) => kv.put("k", "v", { metadata: { toJSON() { throw new RangeError("own"); } } }), (kv) => kv.put("k", "v", { get metadata() { throw new RangeError("own"); } }), (kv) => kv.put("k", "v", { metadata: { toJSON: () => undefined } }),
  ],
  "of put with streams": [(kv) => kv.put("k", locked()), async (kv) => kv.put("k", await used()), (kv) => kv.put("k", gone()), (kv) => kv.put("k", gone().buffer), (kv) => kv.put("k", open("text")), (kv) => kv.put("k", open(5)), (kv) => kv.put("k", failing()), (kv) => kv.put("k", failing(bytes(1))), (kv) => kv.put("k", fixed(9, "short")), (kv) => kv.put("k", fixed(2, "long")), (kv) => kv.put("", stream("v")), (kv) => kv.put("k", new WritableStream()), (kv) => kv.put("k", new TransformStream()), async (kv) => { const s = open(bytes(1), bytes(2)); const r = s.getReader(); await r.read(); r.releaseLock(); return kv.put("k", s); }, async (kv) => { const s = open(bytes(1)); const r = s.getReader(); await r.read(); await r.read(); r.releaseLock(); return kv.put("k", s); },],
  "of put with streams that were cancelled": [async (kv) => { const s = stream("ab"); await s.cancel(); return kv.put("k", s); }],
  "of put with streams that are looked at later": [async (kv) => { const s = stream("v"); const p = kv.put("k", s); const l = s.locked; await p; return l; }],
  "of put with streams that are tried twice": [async (kv) => { const s = stream("v"); await kv.put("k", s); return kv.put("k", s); }, async (kv) => { const b = bytes(1); await kv.put("k", b); return b; }],
  "of delete": [(kv) => kv.delete(), (kv) => kv.delete(""), (kv) => kv.delete("."), (kv) => kv.delete(".."), (kv) => kv.delete("x".repeat(513)), (kv) => kv.delete(Symbol("s")), (kv) => kv.delete([]), (kv) => kv.delete(["a", "b"]), (kv) => kv.delete.call(null, "k"), (kv) => kv.delete(undefined), (kv) => kv.deleteBulk],
};

export default serve({
  "shape": (env) => [Object.getPrototypeOf(env.NET).constructor.name, ...["get", "getWithMetadata", "list", "put", "delete", "deleteBulk"].map((m) => `${m} ${env.NET[m]?.length}`), JSON.stringify(env.NET), String(env.NET), Object.keys(env.NET).length],
  "answer": product(statuses(json), methods),
  "broken": product(broken(json), methods),
  "metadata": product(metadata, Object.fromEntries(["get", "get json", "get stream", "getWithMetadata", "getWithMetadata stream"].map((k) => [k, methods[k]]))),
  "shapes": product(shapes, reading),
  "key": requests(ok("v"), byKey),
  "request": requests((name) => ok(/several|none|101|odd ones|among/.test(name) ? "{}" : "v"), calls),
  "refused": refused(methods),
  "wrong": wrong(mistakes, ok("{}")),
  "worker": workerProduct({ ...ways(json), "metadata": () => new Response(json, { headers: { "CF-KV-Metadata": "{}", "CF-Cache-Status": "HIT" } }), "gzip": () => new Response(json, { headers: { "Content-Encoding": "gzip" } }), "gzip by hand": () => new Response(json, { headers: { "Content-Encoding": "gzip" }, encodeBody: "manual" }) }, methods),
  "worker asked": workerRequests(() => new Response("{}"), calls),
  "abandoned": abandoned(few),
  ...encoded(),
});

function encoded() {
  const table = {};
  for (const name of ["gzip", "gzip that is none", "gzip that is cut", "gzip with more behind", "gzip of nothing", "GZIP", "deflate", "br that is none", "identity", "two encodings", "an odd one"]) {
    table["encoded: " + name] = async (env) => product({ x: (encodings(json))[name] }, methods).x(env);
  }
  return table;
}
