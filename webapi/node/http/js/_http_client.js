
// node:_http_client: a request is written whole and then sent with fetch(). In a program
// those that ask for a socket have one: internal/http_sockets.
const { OutgoingMessage } = require("node:_http_outgoing");
const { IncomingMessage } = require("node:_http_incoming");
const { globalAgent } = require("node:_http_agent");
const { addAbortSignal } = require("node:stream");
const { Buffer } = require("node:buffer");
const { urlToHttpOptions } = require("node:url");
const codes = require("internal/codes");
const { validateBoolean, validateFunction, validateInteger, validateNumber, validateString } = require("internal/validators");
const { isToken, badToken, unimplemented } = require("internal/http");
const { isArray, regExpTest, stringToUpperCase, stringIncludes, stringIndexOf } = primordials;
const { ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OPTION_NOT_IMPLEMENTED, ERR_OUT_OF_RANGE, make } = codes;
const { URL } = globalThis;
const sockets = () => require("internal/http_sockets");

// mostSeen is of how many hosts, of the same options, the last handshake is known: as many as connections are kept.
const mostSeen = 1024;
// A path must not say which server it is on.
const namesServer = (path) => regExpTest(/^(?:[/\\]{2}|[^/\\]*:)/, path);
const badPath = (path) => new ERR_INVALID_ARG_VALUE("options.path", path, "must be a path-only request target");
const host = (value, name) => {
  if (value !== undefined && value !== null && typeof value !== "string") throw new ERR_INVALID_ARG_TYPE(`options.${name}`, ["string", "undefined", "null"], value);
  return value;
};
function duration(ms, name) {
  validateNumber(ms, name);
  if (ms < 0 || !Number.isFinite(ms)) throw new ERR_OUT_OF_RANGE(name, "a non-negative finite number", ms);
  return ms > 0x7fffffff ? 0x7fffffff : ms;
}

class ClientRequest extends OutgoingMessage {
  #body = [];
  #abort = new AbortController();
  #timer;
  #answer;
  #options; // of TLS, in a program
  #wire = null; // where the request has a socket of its own
  #given; // the options, for a request that asks for one late
  constructor(input, options, callback) {
    super({ autoDestroy: false }); // it ends with the answer
    if (typeof input === "string") input = urlToHttpOptions(new URL(input));
    else if (input instanceof URL) input = urlToHttpOptions(input);
    else [input, options, callback] = [null, input, options];
    if (typeof options === "function") [options, callback] = [{ ...input }, options];
    else options = { ...input, ...options };

    const machine = native.machine();
    if (options.path) {
      if (regExpTest(/[^\u0021-\u00ff]/, options.path)) throw make(TypeError, "ERR_UNESCAPED_CHARACTERS", "Request path contains unescaped characters");
      if (!machine && namesServer(options.path)) throw badPath(options.path);
    }
    const standard = options._defaultAgent || globalAgent;
    let agent = options.agent;
    if (agent === false) agent = new standard.constructor();
    else if (agent === undefined || agent === null) agent = typeof options.createConnection === "function" ? undefined : standard;
    else if (typeof agent.addRequest !== "function") throw new ERR_INVALID_ARG_TYPE("options.agent", ["Agent-like Object", "undefined", "false"], agent);
    this.agent = agent;
    const expected = agent?.protocol || standard.protocol;
    const protocol = options.protocol || expected;
    if (protocol !== expected) throw make(TypeError, "ERR_INVALID_PROTOCOL", `Protocol "${protocol}" not supported. Expected "${expected}"`);
    const defaultPort = options.defaultPort || agent?.defaultPort || 80;
    this.protocol = protocol;
    this.port = `${options.port || defaultPort}`;
    this.host = host(options.hostname, "hostname") || host(options.host, "host") || "localhost";
    if (options.timeout !== undefined) this.timeout = duration(options.timeout, "timeout");
    const { method } = options;
    if (method !== undefined && method !== null && typeof method !== "string") throw new ERR_INVALID_ARG_TYPE("options.method", "string", method);
    if (method && !isToken(method)) throw badToken("Method", method);
    this.method = method ? stringToUpperCase(method) : "GET";
    const wired = machine && sockets().asked(options, agent, this.method);
    if (machine && options.path && !wired && namesServer(options.path)) throw badPath(options.path);
    const refused = machine ? [] : [["maxHeaderSize", (v, n) => validateInteger(v, n, 0)], ["createConnection", validateFunction], ["lookup", validateFunction], ["socketPath", validateString]];
    for (const [name, check] of refused) {
      if (options[name] === undefined) continue;
      check(options[name], name === "maxHeaderSize" ? name : `options.${name}`);
      throw new ERR_OPTION_NOT_IMPLEMENTED(`options.${name}`);
    }
    if (machine && options.maxHeaderSize !== undefined) validateInteger(options.maxHeaderSize, "maxHeaderSize", 0);
    if (options.insecureHTTPParser !== undefined) validateBoolean(options.insecureHTTPParser, "options.insecureHTTPParser");
    if (options.joinDuplicateHeaders !== undefined) validateBoolean(options.joinDuplicateHeaders, "options.joinDuplicateHeaders");
    this.joinDuplicateHeaders = options.joinDuplicateHeaders;
    this.path = options.path || "/";
    this.aborted = false;
    this.reusedSocket = false;
    this.maxHeadersCount = Infinity;
    this.res = null;
    this.#options = machine && protocol === "https:" ? { ...agent?.options, ...options } : undefined;
    if (callback) this.once("response", callback);
    this.#headers(options, defaultPort);
    if (options.signal) addAbortSignal(options.signal, this);
    this.once("finish", () => {
      if (this.#wire === null) this.#send();
    });
    if (!machine) return;
    this.#given = options;
    if (wired) this.#connect();
  }
  #connect() {
    this.#wire = new (sockets().Wire)(this, this.#given);
    this.#wire.begin();
  }
  #headers(options, defaultPort) {
    const { headers } = options;
    if (isArray(headers)) {
      if (headers.length % 2 !== 0) throw new ERR_INVALID_ARG_VALUE("headers", headers);
      for (let i = 0; i < headers.length; i += 2) this.setHeader(headers[i], headers[i + 1]);
      return;
    }
    if (headers) {
      if ("host" in headers) validateString(headers.host, "host");
      for (const name of Object.keys(headers)) this.setHeader(name, headers[name]);
    }
    const setHost = options.setHost !== undefined ? Boolean(options.setHost) : options.setDefaultHeaders !== false;
    if (setHost && !this.getHeader("host")) {
      let name = this.host;
      const colon = stringIndexOf(name, ":");
      if (colon >= 0 && stringIncludes(name, ":", colon + 1) && name[0] !== "[") name = `[${name}]`;
      this.setHeader("Host", +this.port === defaultPort ? name : `${name}:${this.port}`);
    }
    if (options.auth && !this.getHeader("Authorization")) this.setHeader("Authorization", `Basic ${Buffer.from(options.auth).toString("base64")}`);
  }
  _implicitHeader() {
    if (this.#wire === null && this.#given !== undefined && sockets().switches(this.getHeaders())) this.#connect();
    if (this.#wire !== null) this.#wire.head();
    else this._header = `${this.method} ${this.path} HTTP/1.1\r\n`;
  }
  flushHeaders() {
    super.flushHeaders();
    this.#wire?.flush();
  }
  end(chunk, encoding, callback) {
    if (this._header === null && this.#given !== undefined && !this.finished) {
      if (typeof chunk === "string") this._contentLength = Buffer.byteLength(chunk, typeof encoding === "string" ? encoding : undefined);
      else this._contentLength = ArrayBuffer.isView(chunk) ? chunk.byteLength : 0;
      if (this.#wire !== null && (chunk === undefined || chunk === null || typeof chunk === "function")) this._implicitHeader(); // it throws here
    }
    return super.end(chunk, encoding, callback);
  }
  _write(chunk, encoding, callback) {
    if (this._header === null) this._implicitHeader();
    if (this.#wire !== null) return void this.#wire.write(chunk, callback);
    if (this.method !== "GET" && this.method !== "HEAD") this.#body[this.#body.length] = chunk;
    callback();
  }
  _final(callback) {
    if (this._header === null) this._implicitHeader();
    if (this.#wire !== null) this.#wire.finish(callback);
    else callback();
  }
  #send() {
    if (this.destroyed) return;
    let name = this.host;
    if (stringIncludes(name, ":") && name[0] !== "[") name = `[${name}]`;
    let url;
    try {
      if (namesServer(this.path)) throw badPath(this.path);
      const base = new URL(`${this.protocol}//${name}:${this.port}/`);
      url = this.path === "/" ? base : new URL(this.path, base);
      if (url.host !== base.host) throw badPath(this.path);
    } catch (e) {
      return void this.destroy(e);
    }
    this.#arm();
    const body = this.#body.length > 0 ? Buffer.concat(this.#body) : null;
    this.#body = [];
    this.#exchange(url, { method: this.method, headers: this._pairs(this.joinDuplicateHeaders), body, signal: this.#abort.signal, redirect: "manual", encodeResponseBody: "manual" }).then(
      (response) => this.#take(response),
      (e) => {
        this.#disarm();
        this.destroy(e);
      },
    );
  }
  // #exchange is fetch(); programs have their own way to servers of TLS.
  async #exchange(url, init) {
    if (!native.machine()) return await fetch(url, init);
    const options = this.#options;
    if (options === undefined) return await native.exchange(url.href, init);
    const { secretsOf, rejects } = require("node:_tls_wrap")._parts;
    const { checkServerIdentity, servername } = options, reject = rejects(options), name = servername || undefined;
    // The handshake has no name for a server that is known by its address.
    const host = name ?? url.hostname.replace(/^\[|\]$/g, ""), address = name === undefined && require("node:net").isIP(host) !== 0 ? host : "";
    const make = () => {
      const seen = new Map();
      const network = native.network((options.secureContext ?? secretsOf(options)).context, name, (session) => {
        const host = name ?? (session.servername || address);
        let problem = session.problem();
        try {
          problem ??= (checkServerIdentity ?? require("node:tls").checkServerIdentity)(host, require("node:_tls_wrap")._parts.legacy(session.peer, true));
        } catch (e) {
          problem = e;
        }
        seen.delete(host);
        seen.set(host, { session, problem });
        if (seen.size > mostSeen) seen.delete(seen.keys().next().value);
        return problem === undefined || !reject;
      }, this.agent?.maxCachedSessions ?? 0);
      return { network, seen, close: () => network.close() };
    };
    // What asks a function of its own shares no connections.
    const shared = checkServerIdentity === undefined && typeof this.agent?._network === "function";
    const own = shared ? this.agent._network(`${this.agent.getName({ ...options, host: "", port: "" })}:${reject}:${address}`, make) : make();
    try {
      const response = await native.exchange(url.href, init, own.network);
      if (own.seen.has(host)) {
        const { session, problem } = own.seen.get(host);
        this.socket ??= require("internal/https_sockets").describe(new (require("node:events"))(), session, true, problem);
      }
      return response;
    } catch (e) {
      const seen = own.seen.get(host), problem = seen?.problem;
      own.seen.delete(host);
      if (seen === undefined && e?.code === "ECONNRESET") e.message = "Client network socket disconnected before secure TLS connection was established";
      throw problem !== undefined && reject && !this.destroyed ? problem : e;
    } finally {
      if (!shared) own.close();
    }
  }
  #take(response) {
    if (this.destroyed) return;
    const incoming = new IncomingMessage();
    incoming.joinDuplicateHeaders = Boolean(this.joinDuplicateHeaders);
    const raw = [];
    for (const [name, value] of response.headers) raw.push(name, value);
    incoming._take(raw, response.body, this.socket ?? undefined);
    incoming.url = response.url;
    incoming.statusCode = response.status;
    incoming.statusMessage = response.statusText;
    incoming.req = this;
    incoming.on("error", (e) => {
      if (!this.destroyed) this.emit("error", e);
    });
    incoming.once("end", () => this.#disarm());
    incoming.once("close", () => {
      this.#disarm();
      if (!this.destroyed) this.destroy();
    });
    this.#answer = this.res = incoming;
    if (!this.emit("response", incoming)) incoming._dump();
  }
  #arm() {
    this.#disarm();
    if (!this.timeout) return;
    this.#timer = setTimeout(() => {
      this.emit("timeout");
      this.#answer?.emit("timeout");
      this.#abort.abort();
    }, this.timeout);
  }
  #disarm() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
  setTimeout(ms, callback) {
    this.timeout = duration(ms, "msecs");
    if (this.#wire !== null) this.#wire.limit();
    else this.#arm();
    if (callback) this.once("timeout", callback);
    return this;
  }
  clearTimeout(callback) { return this.setTimeout(0, callback); }
  abort() {
    if (this.aborted) return;
    this.aborted = true;
    process.nextTick(() => this.emit("abort"));
    this.destroy();
  }
  _destroy(error, callback) {
    if (this.#wire !== null) return void this.#wire.destroy(error, callback);
    this.#disarm();
    this.#body = [];
    this.#abort.abort();
    if (this.#answer && !this.#answer.complete) this.#answer.destroy(error ?? undefined);
    callback(error);
  }
  onSocket(socket, error) { this.#wire?.onSocket(socket, error); }
  addTrailers(headers) {
    if (this.#wire === null) return void unimplemented("addTrailers")();
    this.#wire.addTrailers(headers);
  }
  setNoDelay(on) {
    if (on !== undefined) validateBoolean(on, "noDelay");
    this.#wire?.each((socket) => socket.setNoDelay?.(on));
  }
  setSocketKeepAlive(on, delay) {
    if (on !== undefined) validateBoolean(on, "enable");
    if (delay !== undefined) validateNumber(delay, "initialDelay");
    this.#wire?.each((socket) => socket.setKeepAlive?.(on, delay));
  }
}
return { ClientRequest };
