import { newMessagePortRpcSession, RpcTarget } from "capnweb";
import { Effect, Schedule, Stream } from "effect";
import { Elysia, t } from "elysia";
import { CloudflareAdapter } from "elysia/adapter/cloudflare-worker";
import { gzipSync, gunzipSync, strFromU8, strToU8 } from "fflate";
import { produceWithPatches, enablePatches } from "immer";
import { DummyDriver, Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from "kysely";
import { marked } from "marked";
import { pack, unpack } from "msgpackr";
import { blake3 } from "@noble/hashes/blake3.js";
import { sha3_256 } from "@noble/hashes/sha3.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { interval, lastValueFrom, map, take, toArray } from "rxjs";
import superjson from "superjson";
import * as v from "valibot";

enablePatches();

class Adder extends RpcTarget {
  #sum = 0;
  add(n: number) { return (this.#sum += n); }
  async twice(f: (n: number) => Promise<number>) { return 2 * await f(this.#sum); }
}

const elysia = new Elysia({ adapter: CloudflareAdapter })
  .get("/more/elysia/:id", ({ params }) => ({ id: params.id }), { params: t.Object({ id: t.Numeric() }) })
  .get("/more/elysia/count", function* () { yield "one "; yield "two"; })
  .onError(({ code }) => ({ code }))
  .compile();

const books = new Kysely<{ book: { id: number; title: string } }>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
});

const person = v.object({ mail: v.pipe(v.string(), v.email()), born: v.pipe(v.string(), v.isoDate()), age: v.pipe(v.number(), v.minValue(18)) });

const more: Record<string, () => unknown> = {
  async capnweb() {
    const { port1, port2 } = new MessageChannel();
    newMessagePortRpcSession(port1 as never, new Adder());
    const far = newMessagePortRpcSession<Adder>(port2 as never);
    return [await far.add(2), await far.add(3), await far.twice(async (n) => n + 1)];
  },
  async effect() {
    let tries = 0;
    const tried = await Effect.runPromise(Effect.retry(Effect.suspend(() => (++tries < 3 ? Effect.fail("no") : Effect.succeed(tries))), Schedule.recurs(5)));
    const sums = await Effect.runPromise(Stream.range(1, 30).pipe(Stream.filter((n) => n % 7 === 0), Stream.mapEffect((n) => Effect.succeed(n * 2)), Stream.grouped(3), Stream.runCollect));
    return [tried, JSON.parse(JSON.stringify(sums))];
  },
  fflate() {
    const zip = gzipSync(strToU8("grüße ".repeat(100)), { mtime: 0 });
    return [zip.length < 100, strFromU8(gunzipSync(zip)).length];
  },
  immer() {
    const [next, patches] = produceWithPatches({ list: [{ n: 1 }], tag: "a" }, (d) => { d.list[0].n = 2; d.list.push({ n: 3 }); });
    return [next, patches, Object.isFrozen(next)];
  },
  kysely: () => books.selectFrom("book").select("title").where("id", "in", [1, 2]).orderBy("title", "desc").compile().sql,
  marked: () => marked.parse("# a *b*\n\n- [x] `c`\n- <d>\n\n| e | f |\n|---|:-:|\n| 1 | 2 |\n"),
  msgpackr: () => [bytesToHex(pack({ a: [1, -1.5, "ü", null], d: 2n ** 40n })), unpack(pack({ m: { x: true } }))],
  noble: () => [bytesToHex(blake3(strToU8("abc"))), bytesToHex(sha3_256(strToU8("abc")))],
  rxjs: () => lastValueFrom(interval(1).pipe(take(3), map((n) => n * n), toArray())),
  superjson: () => superjson.stringify({ at: new Date(0), set: new Set([1n]), none: undefined, re: /a/gi }),
  valibot: () => [v.safeParse(person, { mail: "a@b.example", born: "2000-01-02", age: 20 }).success, v.flatten(v.safeParse(person, { mail: "a", born: "2000", age: 2 }).issues!).nested],
};

export async function extra(request: Request, name: string) {
  if (name === "elysia") return elysia.fetch(request);
  return Response.json(await more[name]());
}
