
// Servers of node:http in programs: those of node:net, whose connections speak HTTP.
const net = require("node:net");
const { IncomingMessage } = require("node:_http_incoming");
const { joinedNames } = require("internal/http_sending");
const { ServerResponse } = require("internal/http_response");
const { build, kConnections, kJoined } = require("internal/http_connection");
const { ERR_OUT_OF_RANGE } = require("internal/codes");
const { validateBoolean, validateInteger, validateObject } = require("internal/validators");
const { STATUS_CODES, kIncomingMessage, kServerResponse } = require("internal/http");
const { kConnected } = require("internal/http_symbols");
const { setPrototypeOf } = primordials;
const { setInterval, clearInterval } = require("node:timers");
const hand = require("internal/http_hand");

const kConnectionsCheckingInterval = Symbol("http.server.connectionsCheckingInterval");
const _connectionListener = build(native.requests, native.mostRequests());

// storeHTTPOptions checks the options of a server and keeps them on this.
function storeHTTPOptions(options) {
  this[kIncomingMessage] = options.IncomingMessage || IncomingMessage;
  this[kServerResponse] = options.ServerResponse || ServerResponse;
  if (options.maxHeaderSize !== undefined) validateInteger(options.maxHeaderSize, "maxHeaderSize", 0);
  this.maxHeaderSize = options.maxHeaderSize;
  if (options.insecureHTTPParser !== undefined) validateBoolean(options.insecureHTTPParser, "options.insecureHTTPParser");
  this.insecureHTTPParser = options.insecureHTTPParser;
  if (options.requestTimeout !== undefined) validateInteger(options.requestTimeout, "requestTimeout", 0);
  this.requestTimeout = options.requestTimeout ?? 300_000;
  if (options.headersTimeout !== undefined) validateInteger(options.headersTimeout, "headersTimeout", 0);
  this.headersTimeout = options.headersTimeout ?? Math.min(60_000, this.requestTimeout);
  if (this.requestTimeout > 0 && this.headersTimeout > 0 && this.headersTimeout > this.requestTimeout) throw new ERR_OUT_OF_RANGE("headersTimeout", "<= requestTimeout", options.headersTimeout);
  if (options.keepAliveTimeout !== undefined) validateInteger(options.keepAliveTimeout, "keepAliveTimeout", 0);
  this.keepAliveTimeout = options.keepAliveTimeout ?? 5_000;
  if (options.connectionsCheckingInterval !== undefined) validateInteger(options.connectionsCheckingInterval, "connectionsCheckingInterval", 0);
  this.connectionsCheckingInterval = options.connectionsCheckingInterval ?? 30_000;
  for (const [name, value] of [["requireHostHeader", true], ["joinDuplicateHeaders", undefined], ["rejectNonStandardBodyWrites", false]]) {
    if (options[name] !== undefined) validateBoolean(options[name], `options.${name}`);
    this[name] = options[name] ?? value;
  }
}

// setupConnectionsTracking looks now and then for requests that take too long.
function setupConnectionsTracking() {
  if (this[kConnectionsCheckingInterval]) clearInterval(this[kConnectionsCheckingInterval]);
  this[kConnectionsCheckingInterval] = setInterval(() => {
    for (const connection of this[kConnections]) if (connection.late(this.headersTimeout, this.requestTimeout)) connection.expire();
  }, this.connectionsCheckingInterval).unref();
}
function httpServerPreClose(server) {
  hand.close(server);
  server.closeIdleConnections();
  clearInterval(server[kConnectionsCheckingInterval]);
}

// begin gives a server what all servers of HTTP have; connected is the event of its sockets.
function begin(server, options, connected) {
  server[kConnected] = connected;
  storeHTTPOptions.call(server, options);
  server.httpAllowHalfOpen = false;
  server.timeout = 0;
  server.maxHeadersCount = null;
  server.maxRequestsPerSocket = 0;
  server[kJoined] = joinedNames(options.uniqueHeaders);
  server[kConnections] = new Set();
  server.on("listening", setupConnectionsTracking);
}

function Server(options, listener) {
  if (!(this instanceof Server)) return new Server(options, listener);
  if (typeof options === "function") [options, listener] = [{}, options];
  else if (options === undefined || options === null) options = {};
  else {
    validateObject(options, "options");
    options = { ...options };
  }
  storeHTTPOptions.call(this, options); // what is wrong with them comes first
  net.Server.call(this, {
    allowHalfOpen: true, noDelay: options.noDelay ?? true, keepAlive: options.keepAlive, keepAliveInitialDelay: options.keepAliveInitialDelay, highWaterMark: options.highWaterMark,
  });
  if (listener) this.on("request", listener);
  this.on("connection", _connectionListener);
  begin(this, options, "connection");
}
setPrototypeOf(Server.prototype, net.Server.prototype);
setPrototypeOf(Server, net.Server);

const members = {
  listen(...args) {
    net.Server.prototype.listen.apply(this, args);
    hand.open(this);
    return this;
  },
  close(callback) {
    httpServerPreClose(this);
    net.Server.prototype.close.call(this, callback);
    return this;
  },
  closeAllConnections() {
    for (const connection of [...this[kConnections]]) connection.socket.destroy();
  },
  closeIdleConnections() {
    for (const connection of [...this[kConnections]]) if (connection.idle) connection.socket.destroy();
  },
  setTimeout(ms, callback) {
    this.timeout = ms;
    if (callback) this.on("timeout", callback);
    return this;
  },
};
Object.assign(Server.prototype, members);
Server.prototype[Symbol.asyncDispose] = async function () {
  await new Promise((resolve, reject) => this.close((e) => (e ? reject(e) : resolve())));
};
Server.prototype[Symbol.for("nodejs.rejection")] = function (error, event, ...args) {
  if (event !== "request") return void net.Server.prototype[Symbol.for("nodejs.rejection")]?.call(this, error, event, ...args);
  const { 1: res } = args;
  if (res.headersSent || res.writableEnded) return void res.destroy();
  for (const name of res.getHeaderNames()) res.removeHeader(name);
  res.statusCode = 500;
  res.end(STATUS_CODES[500]);
};
return { Server, ServerResponse, STATUS_CODES, storeHTTPOptions, _connectionListener, setupConnectionsTracking, httpServerPreClose, kConnectionsCheckingInterval, _parts: { begin, members } };
