
// cloudflare:node: handlers that give requests to the servers of node:http.
const { ports } = require("internal/http");
const { make } = require("internal/codes");

function portOf(port) {
  if (typeof port !== "number" || !(port >= 0 && port <= 65535)) throw new Error("Failed to determine port for server");
  return port;
}
async function handleAsNodeRequest(server, request, env, ctx) {
  const port = portOf(typeof server === "number" ? server : server?.port);
  const found = ports.get(port);
  if (!found) {
    throw make(Error, "ERR_INVALID_ARG_VALUE", `Http server with port ${port} not found. This is likely a bug with your code. ` +
      `You should check if server.listen() was called with the same port (${port})`);
  }
  return await found.fetch(request, env, ctx);
}
function httpServerHandler(server) {
  if (server === undefined || server === null) throw new Error("Server descriptor cannot be null or undefined");
  let port = typeof server === "number" ? server : server.port;
  if ((port === undefined || port === null) && typeof server.listen === "function") {
    if (typeof server.address()?.port !== "number") server.listen();
    port = server.address()?.port;
  }
  port = portOf(port);
  return { fetch: (request, env, ctx) => handleAsNodeRequest(port, request, env, ctx) };
}
return { httpServerHandler, handleAsNodeRequest };
