
// node:https.
const { ClientRequest } = require("node:_http_client");
const http = require("node:_http_agent");
const { Server: HTTPServer } = require("internal/http_server");
const { urlToHttpOptions } = require("node:url");
const { ERR_METHOD_NOT_IMPLEMENTED } = require("internal/codes");
const { unimplemented } = require("internal/http");
const { hasFlag } = primordials;
const { URL } = globalThis;

class Agent extends http.Agent {
  constructor(options) {
    super({ ...options, defaultPort: options?.defaultPort || 443, protocol: options?.protocol || "https:" });
    this.maxCachedSessions = this.options.maxCachedSessions ?? 100;
  }
  getName(options = {}) {
    let name = super.getName(options);
    for (const key of ["ca", "cert", "clientCertEngine", "ciphers", "key", "pfx", "rejectUnauthorized", "servername", "minVersion", "maxVersion", "secureProtocol", "crl", "honorCipherOrder",
      "ecdhCurve", "dhparam", "secureOptions", "sessionIdContext", "sigalgs", "privateKeyIdentifier", "privateKeyEngine"]) {
      const v = options[key];
      name += `:${v === undefined || v === null || (key === "servername" && v === options.host) ? "" : v}`;
    }
    return name;
  }
}
const globalAgent = new Agent({ keepAlive: true, scheduling: "lifo", timeout: 5000 });
class Server extends HTTPServer {}
for (const name of ["addContext", "getTicketKeys", "setSecureContext", "setTicketKeys"]) Server.prototype[name] = unimplemented(name);

function request(...args) {
  let options = {};
  if (typeof args[0] === "string") options = urlToHttpOptions(new URL(args.shift()));
  else if (args[0] instanceof URL) options = urlToHttpOptions(args.shift());
  if (args.length > 0 && typeof args[0] !== "function") options = { ...options, ...args.shift() };
  options._defaultAgent = globalAgent;
  return new ClientRequest(options, ...args);
}
function get(...args) {
  const r = request(...args);
  r.end();
  return r;
}
function createServer(options, handler) {
  if (!hasFlag("enable_nodejs_http_server_modules")) throw new ERR_METHOD_NOT_IMPLEMENTED("createServer");
  return new Server(options, handler);
}
return { get, request, Agent, globalAgent, createServer, Server };
