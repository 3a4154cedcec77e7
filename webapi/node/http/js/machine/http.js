
// node:http of programs.
const { validateHeaderName, validateHeaderValue, METHODS, STATUS_CODES } = require("internal/http");
const { ClientRequest } = require("node:_http_client");
const { OutgoingMessage } = require("node:_http_outgoing");
const { IncomingMessage } = require("node:_http_incoming");
const agents = require("node:_http_agent");
const { Server, ServerResponse, _connectionListener } = require("internal/http_server");
const { validateInteger } = require("internal/validators");
const { defineProperty } = primordials;

function request(url, options, callback) { return new ClientRequest(url, options, callback); }
function get(url, options, callback) {
  const r = request(url, options, callback);
  r.end();
  return r;
}
function createServer(options, listener) { return new Server(options, listener); }
const exports = {
  _connectionListener, METHODS, STATUS_CODES, Agent: agents.Agent, ClientRequest, IncomingMessage, OutgoingMessage, Server, ServerResponse, createServer, validateHeaderName,
  validateHeaderValue, get, request,
  // Parsers are not kept: each connection has its own.
  setMaxIdleHTTPParsers(max) { validateInteger(max, "max", 1); },
};
defineProperty(exports, "maxHeaderSize", { get: () => 16384, configurable: true, enumerable: true });
// Who sets another agent means all requests.
defineProperty(exports, "globalAgent", { get: () => agents.globalAgent, set(agent) { agents.globalAgent = agent; }, configurable: true, enumerable: true });
return exports;
