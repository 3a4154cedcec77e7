
// What node:https has in workers and in programs alike: agents, and requests through them.
const { ClientRequest } = require("node:_http_client");
const http = require("node:_http_agent");
const { urlToHttpOptions } = require("node:url");
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

// client makes the half of node:https that asks, for a class of agents.
function client(Agent) {
  const globalAgent = new Agent({ keepAlive: true, scheduling: "lifo", timeout: 5000 });
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
  return { get, request, Agent, globalAgent };
}
return { Agent, client };
