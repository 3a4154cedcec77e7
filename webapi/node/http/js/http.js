
// node:http.
const { validateHeaderName, validateHeaderValue, METHODS, STATUS_CODES } = require("internal/http");
const { ClientRequest } = require("node:_http_client");
const { OutgoingMessage } = require("node:_http_outgoing");
const { IncomingMessage } = require("node:_http_incoming");
const { Agent, globalAgent } = require("node:_http_agent");
const { Server, ServerResponse, _connectionListener } = require("internal/http_server");
const { ERR_METHOD_NOT_IMPLEMENTED } = require("internal/codes");
const { validateInteger } = require("internal/validators");
const { hasFlag } = primordials;

const request = (url, options, callback) => new ClientRequest(url, options, callback);
function get(url, options, callback) {
  const r = request(url, options, callback);
  r.end();
  return r;
}
function createServer(options, handler) {
  if (!hasFlag("enable_nodejs_http_server_modules")) throw new ERR_METHOD_NOT_IMPLEMENTED("createServer");
  return new Server(options, handler);
}
const { WebSocket, CloseEvent, MessageEvent } = globalThis;
return {
  validateHeaderName, validateHeaderValue, METHODS, STATUS_CODES, ClientRequest, request, get, OutgoingMessage, Agent, globalAgent, IncomingMessage, Server, ServerResponse,
  createServer, maxHeaderSize: 16384,
  setMaxIdleHTTPParsers(max) {
    validateInteger(max, "max", 1);
    throw new ERR_METHOD_NOT_IMPLEMENTED("setMaxIdleHTTPParsers");
  },
  _connectionListener, WebSocket, CloseEvent, MessageEvent,
};
