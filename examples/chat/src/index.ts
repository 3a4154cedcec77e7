import page from "./page.html";
import type { Env } from "./types";

export { Room } from "./room";

// GET /                     the page
// GET /rooms/<room>?name=   a WebSocket: one person in the room
// GET /rooms/<room>         what the room knows of itself
export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const [first, room, rest] = new URL(request.url).pathname.slice(1).split("/");
    if (first === "") {
      return new Response(page, { headers: { "content-type": "text/html; charset=utf-8" } });
    }
    if (first === "rooms" && room && rest === undefined) {
      return env.ROOMS.getByName(decodeURIComponent(room)).fetch(request);
    }
    return new Response("Not found\n", { status: 404 });
  },
};
