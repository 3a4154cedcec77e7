// The module "hop".
'use strict';

const { HTTPResponse } = require('internal/hop_answers');

// kind makes a function that makes answers, with and without new.
function kind(name) {
  const make = function(value, options) { return new HTTPResponse(name, value, options); };
  Object.defineProperty(make, 'name', { value: `HTTPResponse${name}` });
  return make;
}

function HTTPResponseAsync(sender, request) {
  const r = request === undefined || request === null ? {} : request;
  const { contentType, charset, header } = r.currentRequest === undefined && r.scheme !== undefined ? {} : r;
  return new HTTPResponse('Async', sender, { contentType, charset, header });
}

function HTTPResponseAuthentication(message) {
  return new HTTPResponse('Authentication', message);
}

// webService makes frames for a URL of any server.
function webService(url) {
  return native.webService(`${url}`);
}

const hop = {
  engine: 'hop',
  debug: 0,
  isServer: true,
  isWorker: native.isWorker(),
  version: native.version(),
  arch: native.arch(),
  get port() { return native.port(); },
  get ports() { return { http: native.port() }; },
  get hostname() { return native.hostname(); },
  log(...args) { console.error(...args); },
  inspect(obj, message) { console.error(message === undefined ? '' : message, obj); },
  isLocalRequest(request) { return Boolean(request && request.isLocal); },
  Service: native.service(),
  Server: native.server(),
  HopFrame: native.frame(),
  HTTPResponse,
  HTTPResponseHop: kind('Hop'),
  HTTPResponseJson: kind('Json'),
  HTTPResponseString: kind('String'),
  HTTPResponseXml: kind('Xml'),
  HTTPResponseFile: kind('File'),
  HTTPResponseProxy: kind('Proxy'),
  HTTPResponseError: kind('Error'),
  HTTPResponseAsync,
  HTTPResponseAuthentication,
  webService,
};

module.exports = hop;
