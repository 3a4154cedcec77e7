// What a service gets and gives: its arguments, its request object, and what becomes of
// its result.
'use strict';

const { ArrayIsArray, ObjectCreate, ObjectKeys, ObjectDefineProperty } = (() => ({
  ArrayIsArray: Array.isArray,
  ObjectCreate: Object.create,
  ObjectKeys: Object.keys,
  ObjectDefineProperty: Object.defineProperty,
}))();
const { apply } = Reflect;
const { Response, Headers, URL, fetch } = globalThis;
const { parse, stringify } = JSON;

// A result that turns into another one this often never becomes an answer.
const mostTurns = 100;

// answer is what HTTPResponseString and its neighbours make.
class HTTPResponse {
  constructor(kind, value, options) {
    this.kind = kind;
    this.value = value;
    this.options = options === undefined || options === null ? {} : options;
  }
}

// head is the init of the Response of an answer.
function head(options, type, status = 200) {
  const headers = new Headers();
  if (options.header) for (const name of ObjectKeys(options.header)) headers.set(name, options.header[name]);
  let contentType = options.contentType || (headers.get('content-type') ?? type);
  if (options.charset && !/;\s*charset=/i.test(contentType)) contentType += `; charset=${options.charset}`;
  headers.set('content-type', contentType);
  let statusText;
  if (options.startLine !== undefined) {
    const line = /^HTTP\/\d(?:\.\d)?\s+(\d{3})(?:\s+(.*))?$/.exec(options.startLine);
    if (!line) throw new TypeError(`The start line of an answer is like "HTTP/1.0 404 Not found", and ${stringify(options.startLine)} is not.`);
    status = +line[1];
    statusText = line[2];
  }
  return { status, statusText, headers };
}

function failure(value) {
  if (value instanceof Error) return value;
  const e = new Error(typeof value === 'string' ? value : value && typeof value.message === 'string' ? value.message : stringify(value) ?? String(value));
  if (value !== null && typeof value === 'object') ObjectDefineProperty(e, 'cause', { value, writable: true, configurable: true });
  return e;
}

// whenSent is the value that the function given to HTTPResponseAsync is called with.
function whenSent(answer) {
  return new Promise((resolve, reject) => {
    const sender = answer.value;
    if (typeof sender !== 'function') throw new TypeError('HTTPResponseAsync is made of a function.');
    sender((v) => resolve(v), reject);
  });
}

const isThenable = (v) => v !== null && (typeof v === 'object' || typeof v === 'function') && typeof v.then === 'function';
const text = 'text/plain; charset=utf-8';

// respond makes a Response of a result, or a promise for one.
function respond(v, request, turns = 0) {
  if (turns > mostTurns) throw new TypeError('The result of the service never becomes an answer.');
  if (v instanceof Response) return v;
  if (isThenable(v)) return v.then((w) => respond(w, request, turns + 1));
  if (v instanceof HTTPResponse) {
    const { options, value } = v;
    switch (v.kind) {
      case 'String': return new Response(`${value}`, head(options, text));
      case 'Xml': return new Response(`${value}`, head(options, 'text/html; charset=utf-8'));
      case 'Hop':
      case 'Json': return new Response(stringify(value) ?? 'null', head(options, 'application/json'));
      case 'Error': return new Response(failure(value).message, head(options, text, 500));
      case 'Authentication':
        return new Response(`${value}`, head({ header: { 'www-authenticate': 'Basic realm="hop"' }, ...options }, text, 401));
      case 'File':
        return native.readFile(`${value}`).then((bytes) => new Response(bytes, head(options, native.mimeType(`${value}`))));
      case 'Proxy': return fetch(`${value}`);
      case 'Async':
        return whenSent(v).then((w) => {
          const plain = typeof w === 'string' && (options.contentType || options.header);
          return respond(plain ? new HTTPResponse('String', w, options) : w, request, turns + 1);
        });
    }
  }
  if (v === undefined) return new Response(null, { status: 204 });
  if (typeof v === 'string') return new Response(v, head({}, text));
  if (typeof v === 'object' && v !== null) {
    if (typeof v.toResponse === 'function') return respond(v.toResponse(request), request, turns + 1);
    if (v instanceof ArrayBuffer || ArrayBuffer.isView(v)) return new Response(v, head({}, 'application/octet-stream'));
  }
  const json = stringify(v);
  return json === undefined ? new Response(null, { status: 204 }) : new Response(json, head({}, 'application/json'));
}

// value is what a caller in the same program gets of a result, or a promise for it.
function value(v, request, turns = 0) {
  if (turns > mostTurns) throw new TypeError('The result of the service never becomes an answer.');
  if (v instanceof Response) return decode(v);
  if (isThenable(v)) return v.then((w) => value(w, request, turns + 1));
  if (v instanceof HTTPResponse) {
    switch (v.kind) {
      case 'String':
      case 'Xml': return `${v.value}`;
      case 'Hop':
      case 'Json': return v.value;
      case 'Error': throw failure(v.value);
      case 'Authentication': throw failure(`${v.value}`);
      case 'Async': return whenSent(v).then((w) => value(w, request, turns + 1));
    }
    return respond(v, request).then(decode);
  }
  if (v !== null && typeof v === 'object' && typeof v.toResponse === 'function') return value(v.toResponse(request), request, turns + 1);
  return v;
}

// decode is the value in a Response.
async function decode(response) {
  const type = response.headers.get('content-type') || '';
  if (!response.ok && response.status >= 400) {
    throw new Error((await response.text()).trimEnd() || `${response.status} ${response.statusText}`);
  }
  if (response.status === 204) return undefined;
  if (/^application\/(?:[^;]*\+)?json\b/i.test(type)) return response.json();
  if (/^application\/octet-stream\b/i.test(type)) return response.arrayBuffer();
  return response.text();
}

// fields are the entries of a form or of a query as one object; names that come again
// have a list.
function fields(entries) {
  let out;
  for (const [name, v] of entries) {
    out ??= {};
    const old = Object.hasOwn(out, name) ? out[name] : undefined;
    const now = old === undefined ? v : ArrayIsArray(old) ? [...old, v] : [old, v];
    ObjectDefineProperty(out, name, { value: now, writable: true, enumerable: true, configurable: true });
  }
  return out;
}

// positions are the arguments that a value stands for.
const positions = (v) => (ArrayIsArray(v) ? v : v === undefined ? [] : [v]);

// argumentsOf reads the arguments of a request: a list in JSON, alone or as the field
// "args", or the fields of a form or of the query as one object.
async function argumentsOf(request, url) {
  if (request.method === 'POST' || request.method === 'PUT') {
    const type = request.headers.get('content-type') || '';
    if (/^application\/(?:[^;]*\+)?json\b/i.test(type)) return positions(await request.json());
    if (/^(?:multipart\/form-data|application\/x-www-form-urlencoded)\b/i.test(type)) {
      const form = fields(await request.formData());
      if (form) return argumentsIn(form);
    }
  }
  const query = fields(url.searchParams);
  return query ? argumentsIn(query) : [];
}

function argumentsIn(form) {
  if (typeof form.args === 'string' && ObjectKeys(form).length === 1) {
    const list = parse(form.args);
    if (ArrayIsArray(list)) return list;
  }
  return [form];
}

// requestObject is what a service knows as this.
function requestObject(method, url, headers) {
  const header = ObjectCreate(null);
  for (const [name, v] of headers) header[name] = v;
  return {
    host: url.hostname,
    port: +url.port || (url.protocol === 'https:' ? 443 : 80),
    path: url.pathname,
    abspath: url.pathname,
    query: url.search.slice(1),
    method,
    http: 'HTTP/1.1',
    scheme: url.protocol.slice(0, -1),
    header,
    connection: header.connection || 'keep-alive',
    'connection-timeout': -1,
    seconds: Math.floor(Date.now() / 1000),
  };
}

// handle answers an HTTP request with a service.
async function handle(fn, request, local) {
  const url = new URL(request.url);
  const self = requestObject(request.method, url, request.headers);
  ObjectDefineProperty(self, 'isLocal', { value: local });
  let args;
  try {
    args = await argumentsOf(request, url);
  } catch (e) {
    return new Response(`The arguments of the service cannot be read: ${e && e.message}`, { status: 400, headers: { 'content-type': text } });
  }
  try {
    return await respond(apply(fn, self, args), self);
  } catch (e) {
    console.error(`${url.pathname}:`, e);
    return respond(new HTTPResponse('Error', e), self);
  }
}

// call runs a service for a caller in the same program.
function call(fn, base, path, args, headers) {
  const self = requestObject('POST', new URL(path, base), new Headers(headers));
  ObjectDefineProperty(self, 'isLocal', { value: true });
  return value(apply(fn, self, args), self);
}

// post calls a service of another server.
async function post(url, args, headers, options) {
  const all = new Headers(headers);
  all.set('content-type', 'application/json');
  if (options && options.user !== undefined) all.set('authorization', `Basic ${btoa(`${options.user}:${options.password ?? ''}`)}`);
  return decode(await fetch(url, { method: 'POST', headers: all, body: stringify(args) }));
}

// address is the URL of a frame.
function address(base, args) {
  if (args.length === 0) return base;
  const [only] = args;
  const query = new URLSearchParams();
  const named = args.length === 1 && only !== null && typeof only === 'object' && !ArrayIsArray(only) && ObjectKeys(only).length > 0;
  if (named && !('args' in only) && ObjectKeys(only).every((k) => typeof only[k] === 'string')) {
    for (const k of ObjectKeys(only)) query.append(k, only[k]);
  } else {
    query.append('args', stringify(args));
  }
  return `${base}?${query}`;
}

// complain prints an error that nobody handled.
function complain(head, error) {
  console.error(head, error);
}

module.exports = { HTTPResponse, handle, call, post, address, complain };
