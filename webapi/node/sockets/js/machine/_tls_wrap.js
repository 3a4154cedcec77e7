
// node:_tls_wrap of programs: TLS over the connections of node:net.
const net = require("node:net");
const { wrapped } = require("internal/net_machine");
const EventEmitter = require("node:events");
const { Buffer } = require("node:buffer");
const { ERR_INVALID_ARG_TYPE, ERR_MISSING_ARGS, ERR_OPTION_NOT_IMPLEMENTED, make } = require("internal/codes");
const { validateBoolean, validateBuffer, validateFunction, validateInt32, validateNumber, validateObject, validateString, validateUint32 } = require("internal/validators");
const { isArray, isView, setPrototypeOf } = primordials;
const { Socket, _normalizeArgs } = net;

const secretsOf = (options) => require("node:_tls_common").createSecureContext(options);
const SecureContext = () => require("node:_tls_common").SecureContext;
const checkKeys = (keys, name) => require("node:_tls_common").checkKeys(keys, name);
const reset = (text) => make(Error, "ECONNRESET", text);

// protocolsOf are the names of a list for ALPN, which may be written as on the wire.
function protocolsOf(protocols) {
  if (!protocols) return [];
  if (isArray(protocols)) return protocols.map((p) => Buffer.from(p));
  if (!isView(protocols)) return [];
  const list = [], b = Buffer.from(protocols.buffer, protocols.byteOffset, protocols.byteLength);
  for (let at = 0; at < b.length; at += b[at] + 1) list.push(Buffer.from(b.subarray(at + 1, at + 1 + b[at])));
  return list;
}

// rejects is whether a client refuses who cannot be trusted: NODE_TLS_REJECT_UNAUTHORIZED=0 trusts everybody.
let warned = false;
function rejects(options) {
  if (options.rejectUnauthorized !== undefined) return options.rejectUnauthorized !== false;
  if (process.env.NODE_TLS_REJECT_UNAUTHORIZED !== "0") return true;
  if (!warned) {
    warned = true;
    process.emitWarning("Setting the NODE_TLS_REJECT_UNAUTHORIZED environment variable to '0' makes TLS connections and HTTPS requests insecure by disabling certificate verification.");
  }
  return false;
}

// greet answers a client's first words with a context, a protocol where self, who listens,
// chooses it, and the server's tickets. context is what there is without SNICallback, again is told that this has
// answered twice.
function greet(self, { SNICallback, ALPNCallback, context: own, again, tickets }, servername, protocols, answer) {
  const go = (error, context) => {
    if (error) return void answer(error);
    if (context === undefined || context === null) context = own;
    else if (context instanceof SecureContext() || context.context !== undefined) context = context.context ?? context;
    else return void answer(make(TypeError, "ERR_TLS_INVALID_CONTEXT", "context must be a SecureContext"));
    if (typeof ALPNCallback !== "function" || protocols.length === 0) return void answer(null, context, undefined, tickets);
    try {
      const chosen = ALPNCallback.call(self, { servername, protocols });
      if (chosen !== undefined && !protocols.includes(chosen)) throw make(TypeError, "ERR_TLS_ALPN_CALLBACK_INVALID_RESULT", `ALPN callback returned a value (${chosen}) that did not match any of the client's offered protocols (${protocols.join(", ")})`);
      answer(null, context, chosen ?? "\0", tickets); // which no client offers
    } catch (e) {
      answer(e);
    }
  };
  if (typeof SNICallback !== "function" || servername === "") return go(null);
  let called = false;
  try {
    SNICallback(servername, (error, context) => {
      if (called) return void again(make(Error, "ERR_MULTIPLE_CALLBACK", "Callback called multiple times"));
      called = true;
      go(error, context);
    });
  } catch (e) {
    answer(e);
  }
}

function TLSSocket(socket, options) {
  if (!(this instanceof TLSSocket)) return new TLSSocket(socket, options);
  options = { ...options };
  if (options.ALPNProtocols) options.ALPNProtocols = protocolsOf(options.ALPNProtocols);
  if (options.secureContext !== undefined && options.secureContext !== null && !(options.secureContext instanceof SecureContext())) {
    throw make(TypeError, "ERR_TLS_INVALID_CONTEXT", "context must be a SecureContext");
  }
  if (options.enableTrace !== undefined) validateBoolean(options.enableTrace, "options.enableTrace");
  if (socket !== undefined && socket !== null && !(socket instanceof Socket)) throw new ERR_OPTION_NOT_IMPLEMENTED("options.socket");
  this._tlsOptions = options;
  this._secureEstablished = false;
  this._securePending = false;
  this._session = null;
  this._resume = null; // the session that a client asks to go on with
  this._arrived = null; // one that came before the connection was secure
  this._stop = null;
  this.secureConnecting = true;
  this.authorized = false;
  this.authorizationError = null;
  this.encrypted = true;
  this.servername = null;
  this.alpnProtocol = null;
  Socket.call(this, { allowHalfOpen: socket ? socket.allowHalfOpen : options.allowHalfOpen, highWaterMark: options.highWaterMark, signal: options.signal });
  this._parentWrap = socket ?? null;
  this.ssl = null;
  this.connecting = false;
  if (socket) this._below(socket);
}
setPrototypeOf(TLSSocket.prototype, Socket.prototype);
setPrototypeOf(TLSSocket, Socket);

Object.assign(TLSSocket.prototype, {
  // _below makes a socket the one that carries this one; TLS begins when it is connected.
  _below(raw) {
    this._parentWrap = raw;
    raw.on("error", (e) => { if (!this.destroyed) this.destroy(e); });
    raw.once("close", () => {
      if (this.destroyed) return;
      if (this._secureEstablished) this.destroy();
      else this._lost();
    });
    this.once("close", () => raw.destroy());
    if (raw.connecting) {
      this.connecting = true;
      raw.once("connect", () => {
        this.connecting = false;
        this._begin();
      });
    } else this._begin();
  },
  _begin() {
    const raw = this._parentWrap, below = raw._handle?.socket, options = this._tlsOptions;
    if (this.destroyed) return;
    if (below?.pipe?.conn === undefined) {
      process.nextTick(() => this._lost());
      return;
    }
    const head = raw.readableLength > 0 ? raw.read() : Buffer.alloc(0);
    this._addresses = { local: below.pipe.local, remote: below.pipe.remote };
    let { secureContext } = options;
    try {
      secureContext ??= secretsOf(options);
    } catch (e) {
      process.nextTick(() => this.destroy(e));
      return;
    }
    this._secrets = secureContext;
    const server = Boolean(options.isServer), name = options.servername;
    raw._handle = null; // nobody reads it any more
    const release = () => below.pipe.close();
    this.once("close", release);
    this._stop = native.secure(below.pipe.conn, head, {
      server, context: secureContext.context, servername: typeof name === "string" && name !== "" && net.isIP(name) === 0 ? name : undefined,
      protocols: options.ALPNProtocols, request: server && options.requestCert === true, reject: server && options.rejectUnauthorized !== false, hello: server ? this._hello(options) : undefined, verify: this._trusts,
      session: this._resume ?? undefined, ticket: server ? undefined : (session) => this._resumable(session), ...(server && options.server ? ticketsOf(options.server) : undefined),
    }, (error, pipe, session) => {
      this._stop = null;
      if (this.destroyed) {
        pipe?.close();
        return;
      }
      if (error) return void this._failed(error);
      if (pipe === undefined) return void this._lost();
      this._secured(pipe, session);
    });
  },
  // _hello answers what a client's first words are.
  _hello(options) {
    const { SNICallback, ALPNCallback } = options;
    if (typeof SNICallback !== "function" && typeof ALPNCallback !== "function") return undefined;
    return (servername, protocols, answer) => {
      this.servername = servername || false;
      greet(this, { SNICallback, ALPNCallback, again: (e) => this.destroy(e) }, servername, protocols, answer);
    };
  },
  _secured(pipe, session) {
    const options = this._tlsOptions;
    this._attach(wrapped(pipe), (e) => this.destroy(e), true);
    this.ssl = this._handle;
    if (this._session !== null) session.problem(); // it knows the chain, too
    this._session = session;
    this._secureEstablished = true;
    this.alpnProtocol = session.alpn || false;
    if (options.isServer) this.servername = session.servername || false;
    else this.servername ??= typeof options.servername === "string" && options.servername !== "" && net.isIP(options.servername) === 0 ? options.servername : false;
    this.emit("secure");
    if (this._arrived !== null) this._resumable(this._arrived);
    if (this._handle) Socket.prototype._read.call(this);
  },
  // _resumable tells of a session that the server has given.
  _resumable(session) {
    this._arrived = session;
    if (!this._secureEstablished || this.secureConnecting || this.destroyed) return;
    this._arrived = null;
    this.emit("session", session);
  },
  // _failed is a handshake that did not come about; _lost one whose other side went away.
  _failed(error) { this.destroy(error); },
  _lost() {
    if (this.destroyed) return;
    const options = this._tlsOptions;
    if (options.isServer) return void this._failed(reset("socket hang up"));
    const e = reset("Client network socket disconnected before secure TLS connection was established");
    const { path, host, port, localAddress } = this._connectOptions ?? {};
    this._failed(Object.assign(e, { path, host, port, localAddress }));
  },
  connect(...args) {
    const [options, callback] = isArray(args[0]) && args.length === 1 ? _normalizeArgs(args[0]) : _normalizeArgs(args);
    if (callback !== null) this.once("connect", callback);
    const raw = new Socket({ allowHalfOpen: this.allowHalfOpen });
    for (const name of ["lookup", "connectionAttempt", "connectionAttemptFailed", "connectionAttemptTimeout", "connect", "ready"]) raw.on(name, (...list) => this.emit(name, ...list));
    this._connectOptions ??= options;
    if (this._refed === false) raw.unref();
    raw.connect(options);
    this._below(raw);
    this.autoSelectFamilyAttemptedAddresses = raw.autoSelectFamilyAttemptedAddresses;
    return this;
  },
  // What is written waits for the handshake.
  _writeGeneric(chunk, encoding, callback) {
    if (this._secureEstablished || this.destroyed) return Socket.prototype._writeGeneric.call(this, chunk, encoding, callback);
    const early = () => callback(make(Error, "ERR_SOCKET_CLOSED_BEFORE_CONNECTION", "Socket closed before connection established"));
    this.once("close", early);
    this.once("secure", () => {
      this.off("close", early);
      this._writeGeneric(chunk, encoding, callback);
    });
  },
  _final(callback) {
    if (this._secureEstablished || this.destroyed) return Socket.prototype._final.call(this, callback);
    this.once("secure", () => this._final(callback));
  },
  _read() {
    if (this._secureEstablished) Socket.prototype._read.call(this);
  },
  _destroy(error, callback) {
    this._stop?.();
    this._stop = null;
    Socket.prototype._destroy.call(this, error, callback);
  },
  _getpeername() { return ends(this, "remote"); },
  _getsockname() { return ends(this, "local"); },
  ref() {
    this._refed = true;
    if (!this._secureEstablished) this._parentWrap?.ref();
    return Socket.prototype.ref.call(this);
  },
  unref() {
    this._refed = false;
    if (!this._secureEstablished) this._parentWrap?.unref();
    return Socket.prototype.unref.call(this);
  },
  _handleTimeout() { this._failed(make(Error, "ERR_TLS_HANDSHAKE_TIMEOUT", "TLS handshake timeout")); },
  disableRenegotiation() {},
  enableTrace() {},
  renegotiate(options, callback) {
    if (options !== null) validateObject(options, "options");
    if (callback !== undefined) validateFunction(callback, "callback");
    if (this.destroyed) return undefined;
    // TLS 1.3 has none, and what is spoken here never has.
    if (callback) process.nextTick(callback, make(Error, "ERR_SSL_WRONG_SSL_VERSION", "error:0A00010A:SSL routines:SSL_renegotiate:wrong ssl version"));
    return false;
  },
  exportKeyingMaterial(length, label, context) {
    validateUint32(length, "length", true);
    validateString(label, "label");
    if (context !== undefined) validateBuffer(context, "context");
    if (!this._secureEstablished) throw make(Error, "ERR_TLS_INVALID_STATE", "TLS socket connection must be securely established");
    return this._session.export(length, label, context);
  },
  setMaxSendFragment(size) {
    validateInt32(size, "size");
    return size >= 512 && size <= 16384;
  },
  setServername(name) {
    validateString(name, "name");
    if (this._tlsOptions.isServer) throw make(Error, "ERR_TLS_SNI_FROM_SERVER", "Cannot issue SNI from a TLS server-side socket");
    if (!this._stop && !this._secureEstablished) this._tlsOptions.servername = name;
  },
  setSession(session) {
    if (typeof session === "string") session = Buffer.from(session, "latin1");
    if (!isView(session)) throw make(TypeError, "ERR_INVALID_ARG_TYPE", "Session must be a buffer");
    this._resume = session;
  },
  setKeyCert(context) {
    if (!this._stop && !this._secureEstablished) this._tlsOptions.secureContext = context instanceof SecureContext() ? context : secretsOf(context);
  },
  getPeerCertificate(detailed) {
    const chain = this._session?.peer ?? [];
    if (this._session === null) return null;
    if (chain.length === 0) return {};
    return legacy(detailed === true && this._session.trusted.length > 0 ? this._session.trusted : chain, detailed === true);
  },
  getCertificate() {
    if (this._session === null) return null;
    const own = this._session.own;
    return own === undefined ? {} : legacy([own], false);
  },
  getPeerX509Certificate() {
    const chain = this._session?.peer;
    return chain?.length ? new (require("node:crypto").X509Certificate)(chain[0]) : undefined;
  },
  getX509Certificate() {
    const own = this._session?.own;
    return own === undefined ? undefined : new (require("node:crypto").X509Certificate)(own);
  },
  getCipher() {
    if (this._session === null) return null;
    const [name, standardName, version] = this._session.cipher;
    return { name, standardName, version };
  },
  getProtocol() { return this._session?.protocol ?? null; },
  getEphemeralKeyInfo() {
    if (this._session === null) return null;
    if (this._tlsOptions.isServer) return null;
    const curve = this._session.curve;
    return curve === undefined ? {} : { type: "ECDH", name: curve[0], size: curve[1] };
  },
  getSharedSigalgs() { return []; },
  getFinished() { return undefined; },
  getPeerFinished() { return undefined; },
  getSession() { return this._session?.latest; },
  getTLSTicket() {
    const session = this._session?.latest;
    return session === undefined ? undefined : native.ticket(session);
  },
  isSessionReused() { return this._session?.reused ?? false; },
});
function ends(socket, side) {
  const end = (socket._handle?.socket.pipe ?? socket._addresses)?.[side];
  if (end === undefined) return (side === "remote" ? socket._parentWrap?._getpeername() : socket._parentWrap?._getsockname()) ?? {};
  return end[2] === undefined ? {} : { address: end[0], port: end[1], family: end[2] };
}

// legacy is a chain as getPeerCertificate shows it; detailed with the issuers.
function legacy(chain, detailed) {
  const { X509Certificate } = require("node:crypto");
  const all = chain.map((b) => new X509Certificate(b)), out = all[0].toLegacyObject();
  if (!detailed) return out;
  let last = out, at = all[0];
  for (let rest = all.slice(1); ;) {
    if (at.checkIssued(at)) {
      last.issuerCertificate = last;
      return out;
    }
    const i = rest.findIndex((x) => at.checkIssued(x));
    if (i < 0) return out;
    [at] = rest.splice(i, 1);
    last = last.issuerCertificate = at.toLegacyObject();
  }
}

// Servers: each connection of the server below becomes a TLSSocket.
class Server extends net.Server {
  constructor(options, listener) {
    if (typeof options === "function") [options, listener] = [undefined, options];
    else if (options !== undefined && options !== null && typeof options !== "object") throw new ERR_INVALID_ARG_TYPE("options", "Object", options);
    options = { ...options };
    super({ allowHalfOpen: options.allowHalfOpen, pauseOnConnect: true, highWaterMark: options.highWaterMark, noDelay: options.noDelay });
    prepare(this, options);
    if (listener !== undefined) {
      validateFunction(listener, "listener");
      this.on("secureConnection", listener);
    }
    this.on("connection", (raw) => accept(this, raw));
  }
}
// prepare gives a server its options, and checks them.
function prepare(server, options) {
  server._contexts = [];
  server._tlsOptions = options;
  server.requestCert = options.requestCert === true;
  server.rejectUnauthorized = options.rejectUnauthorized !== false;
  if (options.ALPNCallback !== undefined) validateFunction(options.ALPNCallback, "options.ALPNCallback");
  if (options.ALPNCallback && options.ALPNProtocols) throw make(TypeError, "ERR_TLS_ALPN_CALLBACK_WITH_PROTOCOLS", "The ALPNCallback and ALPNProtocols TLS options are mutually exclusive");
  server.ALPNCallback = options.ALPNCallback;
  server.ALPNProtocols = options.ALPNProtocols ? protocolsOf(options.ALPNProtocols) : undefined;
  if (options.SNICallback !== undefined && options.SNICallback !== null) validateFunction(options.SNICallback, "options.SNICallback");
  server._handshakeTimeout = options.handshakeTimeout ?? 120_000;
  validateNumber(server._handshakeTimeout, "options.handshakeTimeout");
  if (options.sessionTimeout !== undefined && options.sessionTimeout !== null) validateInt32(options.sessionTimeout, "options.sessionTimeout", 0);
  if (options.ticketKeys !== undefined && options.ticketKeys !== null) checkKeys(options.ticketKeys, "options.ticketKeys");
  server._ticketKeys = options.ticketKeys ? Buffer.from(options.ticketKeys) : null;
  if (options.sessionIdContext !== undefined && options.sessionIdContext !== null) validateString(options.sessionIdContext, "options.sessionIdContext");
  if (options.pskIdentityHint !== undefined && options.pskIdentityHint !== null) validateString(options.pskIdentityHint, "options.pskIdentityHint");
  withoutPSK(options.pskCallback, "options.pskCallback");
  server._sharedCreds = options.secureContext ?? secretsOf(options);
}
// withoutPSK refuses keys that both sides know before: package tls speaks of none.
function withoutPSK(callback, name) {
  if (callback === undefined || callback === null) return;
  validateFunction(callback, name);
  throw new ERR_OPTION_NOT_IMPLEMENTED("options.pskCallback");
}
// ticketsOf are the options of a server's tickets.
function ticketsOf(server) {
  const { sessionIdContext, sessionTimeout } = server._tlsOptions;
  return { tickets: server.getTicketKeys(), sessionContext: sessionIdContext ?? undefined, sessionTimeout: sessionTimeout ?? undefined };
}
// named is the SNICallback of a server: what it was given, else its contexts.
function named(server) {
  const { SNICallback } = server._tlsOptions;
  if (typeof SNICallback === "function") return SNICallback;
  if (server._contexts.length === 0) return undefined;
  return (servername, callback) => {
    for (let i = server._contexts.length - 1; i >= 0; i--) {
      const [pattern, context] = server._contexts[i];
      if (pattern.test(servername)) return void callback(null, context);
    }
    callback(null, undefined);
  };
}
function accept(server, raw) {
  const socket = new TLSSocket(raw, {
    isServer: true, server, secureContext: server._sharedCreds, requestCert: server.requestCert, rejectUnauthorized: server.rejectUnauthorized, ALPNProtocols: server.ALPNProtocols,
    ALPNCallback: server.ALPNCallback, SNICallback: named(server), highWaterMark: server._tlsOptions.highWaterMark, allowHalfOpen: server._tlsOptions.allowHalfOpen,
  });
  let told = false;
  socket._failed = (e) => {
    if (told) return;
    told = true;
    clearTimeout(timer);
    socket.destroy();
    server.emit("tlsClientError", e, socket);
  };
  socket.on("error", (e) => { if (!socket._secureEstablished) socket._failed(e); });
  const timer = server._handshakeTimeout > 0 ? setTimeout(() => socket._handleTimeout(), server._handshakeTimeout) : undefined;
  timer?.unref?.();
  socket.once("close", () => clearTimeout(timer));
  socket.once("secure", () => {
    clearTimeout(timer);
    socket.secureConnecting = false;
    socket.server = server;
    if (server.requestCert) {
      const problem = socket._session.problem();
      if (problem === undefined) socket.authorized = true;
      else {
        socket.authorizationError = problem.code;
        if (server.rejectUnauthorized) return void socket._failed(reset("socket hang up"));
      }
    }
    told = true;
    server.emit("secureConnection", socket);
  });
}
const contextMembers = {
  addContext(servername, context) {
    if (!servername) throw make(Error, "ERR_TLS_REQUIRED_SERVER_NAME", '"servername" is required parameter for Server.addContext');
    const pattern = new RegExp(`^${`${servername}`.replace(/([.^$+?\-\\[\]{}])/g, "\\$1").replace(/\*/g, "[^.]*")}$`);
    this._contexts.push([pattern, context instanceof SecureContext() ? context : secretsOf(context)]);
  },
  setSecureContext(options) {
    validateObject(options, "options");
    this._tlsOptions = { ...this._tlsOptions, ...options };
    this._sharedCreds = secretsOf(options);
  },
  getTicketKeys() { return this._ticketKeys ??= require("node:crypto").randomBytes(48); },
  setTicketKeys(keys) {
    checkKeys(keys, "keys");
    this._ticketKeys = Buffer.from(keys);
  },
};
Object.assign(Server.prototype, contextMembers);
function ServerFunction(options, listener) { return Reflect.construct(Server, [options, listener], new.target ?? Server); }
ServerFunction.prototype = Server.prototype;
Server.prototype.constructor = ServerFunction;
Object.setPrototypeOf(ServerFunction, net.Server);

const createServer = (options, listener) => new Server(options, listener);

function connect(...list) {
  const [given, callback] = _normalizeArgs(list);
  let options = { ...given };
  for (const extra of [list[1], list[2]]) {
    if (typeof extra !== "object" || extra === null) continue;
    Object.assign(options, extra);
    break;
  }
  options = { checkServerIdentity: require("node:tls").checkServerIdentity, minDHSize: 1024, ...options };
  options.rejectUnauthorized = rejects(options);
  if (!options.keepAlive) options.singleUse = true;
  validateFunction(options.checkServerIdentity, "options.checkServerIdentity");
  validateNumber(options.minDHSize, "options.minDHSize", 1);
  withoutPSK(options.pskCallback, "pskCallback");
  const context = options.secureContext || secretsOf(options);
  const { host } = options, servername = options.servername ?? (host && net.isIP(host) === 0 ? host : options.socket?._host ?? "");
  if (options.port === undefined && (options.path === undefined || options.path === null) && !options.socket) throw new ERR_MISSING_ARGS(["options", "port", "path"]);
  const { allowHalfOpen, ALPNProtocols, enableTrace, highWaterMark, signal } = options;
  const socket = new TLSSocket(undefined, { allowHalfOpen, ALPNProtocols, enableTrace, highWaterMark, secureContext: context, signal, servername, isServer: false });
  socket._connectOptions = { path: options.path, host: options.host, port: options.port, localAddress: options.localAddress };
  const identity = options.servername || host || (options.socket ? options.socket._host : undefined) || "localhost";
  socket._trusts = (session) => {
    if (socket.destroyed) return false;
    socket._session = session;
    let problem = session.problem();
    try {
      if (problem === undefined) problem = options.checkServerIdentity(identity, socket.getPeerCertificate(true));
    } catch (e) {
      socket.destroy(e);
      return false;
    }
    if (problem) {
      socket.authorized = false;
      socket.authorizationError = problem.code || problem.message;
      if (options.rejectUnauthorized !== false) {
        socket.destroy(problem);
        return false;
      }
    } else socket.authorized = true;
    return true;
  };
  if (options.session) {
    if (!isView(options.session)) throw make(TypeError, "ERR_INVALID_ARG_TYPE", "Session must be a buffer");
    socket.setSession(options.session);
  }
  socket.once("secure", () => {
    socket.secureConnecting = false;
    socket.emit("secureConnect");
  });
  if (callback) socket.once("secureConnect", callback);
  if (options.socket) {
    if (!(options.socket instanceof Socket)) throw new ERR_OPTION_NOT_IMPLEMENTED("options.socket");
    socket._below(options.socket);
    return socket;
  }
  if (options.timeout) socket.setTimeout(options.timeout);
  socket.connect(options);
  return socket;
}
return { connect, createServer, Server: ServerFunction, TLSSocket, _native: native, _parts: { prepare, named, greet, contextMembers, protocolsOf, rejects, secretsOf, legacy, ticketsOf } };
