
// node:https.
const { Agent, client } = require("internal/https");
const { Server: HTTPServer } = require("internal/http_server");
const { ERR_METHOD_NOT_IMPLEMENTED } = require("internal/codes");
const { unimplemented } = require("internal/http");
const { hasFlag } = primordials;

class Server extends HTTPServer {}
for (const name of ["addContext", "getTicketKeys", "setSecureContext", "setTicketKeys"]) Server.prototype[name] = unimplemented(name);

function createServer(options, handler) {
  if (!hasFlag("enable_nodejs_http_server_modules")) throw new ERR_METHOD_NOT_IMPLEMENTED("createServer");
  return new Server(options, handler);
}
return { ...client(Agent), createServer, Server };
