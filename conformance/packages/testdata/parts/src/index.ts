import { AutoRouter, error, text } from "itty-router";
import { dates } from "./dates";
import { check } from "./check";
import { ids } from "./ids";
import { lists } from "./lists";
import { page } from "./page";
import { library } from "./library";
import { issue, verify, seal } from "./tokens";
import { extra } from "./more";

export interface Env {
  SECRET: string;
}

const router = AutoRouter({ catch: (e) => error(e) });

router
  .get("/", () => "parts")
  .get("/dates/:day", ({ day }) => dates(day))
  .post("/check", async (request) => check(await request.json()))
  .get("/ids", () => ids())
  .post("/lists", async (request) => lists(await request.json()))
  .get("/page/:name", ({ name, query }) => page(name, Number(query.n ?? 0)))
  .post("/library", async (request) => library(await request.json()))
  .get("/token/:name", async ({ name }, env: Env) => text(await issue(env.SECRET, name)))
  .post("/token", async (request, env: Env) => verify(env.SECRET, await request.text()))
  .get("/sealed/:word", ({ word }) => seal(word))
  .get("/more/:name/:id?", (request) => extra(request, request.name))
  .get("/fail", () => error(418, "short and stout"))
  .get("/throw", () => { throw new Error("thrown"); });

export default { fetch: router.fetch };
