// What every script of this directory is made of: a table of named probes, each run by
// a request of its own, and a text for whatever a probe gives.

const seen = new Set();

// show is a text that two runtimes agree on where they agree on the value.
export function show(v, depth = 0) {
  switch (typeof v) {
    case "string": return depth === 0 ? v : JSON.stringify(v);
    case "number": return Object.is(v, -0) ? "-0" : String(v);
    case "bigint": return `${v}n`;
    case "symbol": return v.toString();
    case "function": return `function ${v.name}/${v.length}`;
    case "object": break;
    default: return String(v);
  }
  if (v === null) return "null";
  if (seen.has(v)) return "[circular]";
  if (depth > 6) return "[deep]";
  seen.add(v);
  try {
    return showObject(v, depth + 1);
  } finally {
    seen.delete(v);
  }
}

function showObject(v, d) {
  const list = (a) => a.map((x) => show(x, d)).join(", ");
  const name = Object.getPrototypeOf(v) === null ? "null" : v.constructor?.name;
  if (v instanceof Error || v instanceof DOMException) return showError(v);
  if (Array.isArray(v)) {
    let out = [];
    for (let i = 0; i < v.length; i++) out.push(i in v ? show(v[i], d) : "hole");
    return `[${out.join(", ")}]`;
  }
  if (v instanceof Map) return `Map{${[...v].map(([k, x]) => `${show(k, d)} => ${show(x, d)}`).join(", ")}}`;
  if (v instanceof Set) return `Set{${list([...v])}}`;
  if (v instanceof Date) return `Date(${v.getTime()})`;
  if (v instanceof RegExp) return `RegExp(${v})#${v.lastIndex}`;
  if (v instanceof ArrayBuffer) return `ArrayBuffer[${list([...new Uint8Array(v)])}]`;
  if (v instanceof DataView) return `DataView(${v.byteOffset},${v.byteLength})`;
  if (ArrayBuffer.isView(v)) return `${name}[${list([...v])}]`;
  if (v instanceof Number || v instanceof String || v instanceof Boolean) return `${name}(${show(v.valueOf(), d)})`;
  if (v instanceof Promise) return "Promise";
  const own = Object.keys(v).map((k) => `${k}: ${show(v[k], d)}`).join(", ");
  return `${name === "Object" ? "" : name + " "}{${own}}`;
}

// showError names the class, the text, and what an error may carry for its caller.
export function showError(e) {
  const extra = [];
  for (const k of ["remote", "retryable", "overloaded", "durableObjectReset", "code", "cause"]) {
    if (e[k] !== undefined && !(k === "code" && e[k] === 0)) extra.push(`${k}: ${show(e[k], 1)}`);
  }
  const name = e.constructor?.name === e.name ? e.name : `${e.constructor?.name}/${e.name}`;
  return `${name}: ${e.message}${extra.length ? ` {${extra.join(", ")}}` : ""}`;
}

export function failure(e) {
  return e instanceof Error || e instanceof DOMException ? showError(e) : `thrown ${show(e, 1)}`;
}

const late = Symbol("late");

// attempt is what fn gives, or how it fails: at once, or as a promise.
export async function attempt(fn) {
  let v;
  try {
    v = fn();
  } catch (e) {
    return "throws " + failure(e);
  }
  if (!(v !== null && typeof v === "object" && typeof v.then === "function")) return show(v);
  let timer;
  const clock = new Promise((resolve) => { timer = setTimeout(resolve, 4000, late); });
  try {
    v = await Promise.race([v, clock]);
    return v === late ? "nothing within the time" : show(v);
  } catch (e) {
    return "rejects " + failure(e);
  } finally {
    clearTimeout(timer);
  }
}

// tries runs several functions, one after the other.
export async function tries(...fns) {
  const out = [];
  for (const fn of fns) out.push(await attempt(fn));
  return out.join("\n");
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// deferred is a promise with its functions.
export function deferred() {
  const d = {};
  d.promise = new Promise((resolve, reject) => Object.assign(d, { resolve, reject }));
  return d;
}

// describe is what can be seen of an object's properties, symbols and the constructor
// apart: those are the engine's.
export function describe(o) {
  const out = [];
  for (const k of Reflect.ownKeys(o)) {
    if (typeof k === "symbol" || k === "constructor") continue;
    const p = Object.getOwnPropertyDescriptor(o, k);
    const flags = (p.enumerable ? "e" : "-") + (p.configurable ? "c" : "-") + ("value" in p ? (p.writable ? "w" : "-") : (p.get ? "g" : "") + (p.set ? "s" : ""));
    out.push(`${String(k)}:${flags}`);
  }
  return out.sort().join(" ");
}

// serve is the handler of a table: GET / lists the names, GET /name runs one. An entry
// that is a table itself stands for the probes in it.
export function serve(table) {
  const probes = {};
  for (const [name, entry] of Object.entries(table)) {
    if (typeof entry === "function") probes[name] = entry;
    else for (const [sub, fn] of Object.entries(entry)) probes[`${name}: ${sub}`] = fn;
  }
  return {
    async fetch(request, env, ctx) {
      const name = decodeURIComponent(new URL(request.url).pathname.slice(1));
      if (name === "") return Response.json(Object.keys(probes));
      return new Response(await attempt(() => probes[name](env, ctx, request)));
    },
  };
}

// actors is the table of probes that runs each entry of table in an actor of its own.
export function actors(table, probes = {}) {
  for (const name of Object.keys(table)) {
    probes[name] = async (env) => {
      const stub = env.ACTOR.get(env.ACTOR.newUniqueId());
      return (await stub.fetch("http://actor/" + encodeURIComponent(name))).text();
    };
  }
  return probes;
}

// within runs an entry of a table in an actor.
export async function within(actor, table, request) {
  const name = decodeURIComponent(new URL(request.url).pathname.slice(1));
  return new Response(await attempt(() => table[name].call(actor, actor.ctx.storage, actor.ctx, request)));
}
