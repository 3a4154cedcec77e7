
// node:_http_client: a request is written whole and then sent with fetch().
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
  constructor(input, options, callback) {
    super({ autoDestroy: false }); // it ends with the answer
    if (typeof input === "string") input = urlToHttpOptions(new URL(input));
    else if (input instanceof URL) input = urlToHttpOptions(input);
    else [input, options, callback] = [null, input, options];
    if (typeof options === "function") [options, callback] = [{ ...input }, options];
    else options = { ...input, ...options };

    if (options.path) {
      if (regExpTest(/[^\u0021-\u00ff]/, options.path)) throw make(TypeError, "ERR_UNESCAPED_CHARACTERS", "Request path contains unescaped characters");
      if (namesServer(options.path)) throw badPath(options.path);
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
    const refused = [["maxHeaderSize", (v, n) => validateInteger(v, n, 0)], ["createConnection", validateFunction], ["lookup", validateFunction], ["socketPath", validateString]];
    for (const [name, check] of refused) {
      if (options[name] === undefined) continue;
      check(options[name], name === "maxHeaderSize" ? name : `options.${name}`);
      throw new ERR_OPTION_NOT_IMPLEMENTED(`options.${name}`);
    }
    if (options.insecureHTTPParser !== undefined) validateBoolean(options.insecureHTTPParser, "options.insecureHTTPParser");
    if (options.joinDuplicateHeaders !== undefined) validateBoolean(options.joinDuplicateHeaders, "options.joinDuplicateHeaders");
    this.joinDuplicateHeaders = options.joinDuplicateHeaders;
    this.path = options.path || "/";
    this.aborted = false;
    this.reusedSocket = false;
    this.maxHeadersCount = Infinity;
    this.res = null;
    if (callback) this.once("response", callback);
    this.#headers(options, defaultPort);
    if (options.signal) addAbortSignal(options.signal, this);
    this.once("finish", () => this.#send());
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
  _implicitHeader() { this._header = `${this.method} ${this.path} HTTP/1.1\r\n`; }
  _write(chunk, encoding, callback) {
    if (this._header === null) this._implicitHeader();
    if (this.method !== "GET" && this.method !== "HEAD") this.#body[this.#body.length] = chunk;
    callback();
  }
  _final(callback) {
    if (this._header === null) this._implicitHeader();
    callback();
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
    fetch(url, { method: this.method, headers: this._pairs(this.joinDuplicateHeaders), body, signal: this.#abort.signal, redirect: "manual", encodeResponseBody: "manual" }).then(
      (response) => this.#take(response),
      (e) => {
        this.#disarm();
        this.destroy(e);
      },
    );
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
    this.#arm();
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
    this.#disarm();
    this.#body = [];
    this.#abort.abort();
    if (this.#answer && !this.#answer.complete) this.#answer.destroy(error ?? undefined);
    callback(error);
  }
  onSocket() {}
  setNoDelay(on) {
    if (on !== undefined) validateBoolean(on, "noDelay");
  }
  setSocketKeepAlive(on, delay) {
    if (on !== undefined) validateBoolean(on, "enable");
    if (delay !== undefined) validateNumber(delay, "initialDelay");
  }
}
return { ClientRequest };
