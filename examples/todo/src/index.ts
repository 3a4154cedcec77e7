import { problem } from "./http";
import type { Env } from "./types";

export { TodoList } from "./list";

// The first part of the path names a list; the list does the rest. See list.ts.
export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const url = new URL(request.url);
    const [, list, ...rest] = url.pathname.split("/");
    if (!list) {
      return problem(404, "name a list, as in /home");
    }
    const id = env.LISTS.idFromName(list);
    return env.LISTS.get(id).fetch(new Request(new URL(`/${rest.join("/")}${url.search}`, url), request));
  },
} satisfies ExportedHandler<Env>;
