// Analytics Engine: what a data point becomes, and that what its service says is nothing to the caller.
import { serve, sleep, attempt, tries } from "probe.js";
import { net, raw, statuses, broken, ask, asked, ways, workerRequests } from "services.js";
export { Fake } from "services.js";

const bytes = (...list) => new Uint8Array(list);
const settledTime = (s) => s.replace(/("timestamp":\s*)"?\d+"?/g, "$1...").replace(/content-length: \d+/g, "content-length: ...");

// write writes a point and tells what was asked for it.
const write = (p) => async (env) => settledTime(await ask(env, net("200 OK"), async () => { const r = env.NET.writeDataPoint(p); await asked(env, 1); return r; }, true));
const points = {
  "nothing": undefined, "empty": {}, "blobs": { blobs: ["a", "ü", ""] }, "doubles": { doubles: [1, -0, 1.5, 1e21, 1e-7, 2 ** 53, NaN, Infinity] }, "an index": { indexes: ["i"] }, "all": { blobs: ["a"], doubles: [1], indexes: ["i"] }, "a blob of bytes": { blobs: [bytes(0, 255).buffer] }, "an index of bytes": { indexes: [bytes(1, 2).buffer] }, "null blobs": { blobs: [null, "b"] }, "a null index": { indexes: [null] }, "20 blobs": { blobs: Array.from({ length: 20 }, (_, i) => "b" + i) }, "20 doubles": { doubles: Array.from({ length: 20 }, (_, i) => i) }, "a long index": { indexes: ["i".repeat(96)] }, "numbers as blobs": { blobs: [5, true] }, "texts as doubles": { doubles: ["5", "x"] }, "empty lists": { blobs: [], doubles: [], indexes: [] }, "more": { odd: 1 }, "16384 bytes": { blobs: ["b".repeat(16384)] },
};
const wrongPoints = [
  null, 5, "text", { blobs: "text" }, { blobs: 5 }, { blobs: {} }, { blobs: [{}] }, { blobs: [Symbol("s")] }, { blobs: [bytes(1)] }, { doubles: 5 }, { doubles: [{}] }, { doubles: [Symbol("s")] }, { doubles: [5n] }, { indexes: "i" }, { indexes: [5] }, { indexes: ["a", "b"] }, { indexes: ["i".repeat(97)] }, { indexes: ["ü".repeat(49)] }, { blobs: Array.from({ length: 21 }, () => "b") }, { doubles: Array.from({ length: 21 }, () => 1) }, { blobs: ["b".repeat(16385)] }, { blobs: ["b".repeat(9000), "b".repeat(9000)] }, { blobs: [new ArrayBuffer(16385)] }, { blobs: null }, { doubles: null }, { indexes: null }, { blobs: [undefined] }, { doubles: [undefined] }, { blobs: new Set(["a"]) }, { get blobs() { throw new RangeError("own"); } }, { blobs: ["b".repeat(5120)] }, { blobs: ["b".repeat(5121)] },
];
const wrong = {};
for (const [i, p] of wrongPoints.entries()) wrong[String(i)] = async (env) => { const r = await attempt(() => env.WORKER.writeDataPoint(p)); await sleep(1); return r; };
const quiet = {};
for (const [name, answer] of Object.entries({ ...statuses("x"), ...broken("x") })) quiet[name] = (env) => ask(env, answer, async () => { const r = env.NET.writeDataPoint({ blobs: ["b"] }); await asked(env, 1); await sleep(1); return r; });
const behind = {};
for (const [name, a] of Object.entries(ways("x"))) behind[name] = async (env) => workerRequests(a, { x: async (b) => { const r = b.writeDataPoint({ doubles: [1] }); await sleep(5); return r; } }).x(env).then(settledTime);

export default serve({
  "shape": (env) => [Object.getPrototypeOf(env.NET).constructor.name, `writeDataPoint ${env.NET.writeDataPoint.length}`, Object.keys(env.NET).length],
  "point": Object.fromEntries(Object.entries(points).map(([k, p]) => [k, write(p)])),
  "wrong": wrong,
  "wrong calls": (env) => tries(() => env.WORKER.writeDataPoint.call({}, {}), () => new env.WORKER.writeDataPoint(), () => env.REFUSING.writeDataPoint({})),
  "two at once": (env) => ask(env, [net("200 OK"), net("200 OK")], async () => { env.NET.writeDataPoint({ blobs: ["a"] }); env.NET.writeDataPoint({ blobs: ["b"] }); await asked(env, 2); }),
  "quiet": quiet, "worker": behind,
});
