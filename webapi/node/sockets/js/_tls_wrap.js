
// node:_tls_wrap: sockets of node:net whose connections are TLS.
const { Socket, _normalizeArgs } = require("node:net");
const { SecureContext } = require("node:_tls_common");
const { ERR_OPTION_NOT_IMPLEMENTED, make } = require("internal/codes");
const { validateBuffer, validateFunction, validateInt32, validateNumber, validateObject, validateString, validateUint32 } = require("internal/validators");
const { setPrototypeOf, hasFlag } = primordials;

// refuse throws for options that would change whom a connection trusts and that nothing here heeds.
function refuse(options) {
  if (options.rejectUnauthorized === false) throw new ERR_OPTION_NOT_IMPLEMENTED("options.rejectUnauthorized");
  if (options.pskCallback !== undefined) throw new ERR_OPTION_NOT_IMPLEMENTED("options.pskCallback");
  if (options.checkServerIdentity === undefined) return;
  validateFunction(options.checkServerIdentity, "options.checkServerIdentity");
  if (hasFlag("throw_on_not_implemented_tls_options")) throw new ERR_OPTION_NOT_IMPLEMENTED("options.checkServerIdentity");
}

function TLSSocket(socket, options) {
  if (!(this instanceof TLSSocket)) return new TLSSocket(socket, options);
  options = { ...options };
  for (const name of ["enableTrace", "isServer", "server", "requestCert", "requestOCSP"]) {
    if (options[name]) throw new ERR_OPTION_NOT_IMPLEMENTED(`options.${name}`);
  }
  for (const name of ["ALPNProtocols", "SNICallback"]) {
    if (options[name] !== undefined) throw new ERR_OPTION_NOT_IMPLEMENTED(`options.${name}`);
  }
  if (options.secureContext !== undefined && !(options.secureContext instanceof SecureContext)) {
    throw make(TypeError, "ERR_TLS_INVALID_CONTEXT", "context must be a SecureContext");
  }
  refuse(options);
  this._tlsOptions = options;
  this._secureEstablished = false;
  this.secureConnecting = true;
  this.servername = options.servername ?? null;
  this.authorized = false;
  this.encrypted = true;
  Socket.call(this, { allowHalfOpen: socket ? socket.allowHalfOpen : options.allowHalfOpen, highWaterMark: options.highWaterMark, signal: options.signal });
  this._parentWrap = socket ?? null;
  this.ssl = this._handle;
  this.once("connect", () => {
    this._secureEstablished = this.authorized = true;
    this.secureConnecting = false;
    this.emit("secure");
    this.emit("secureConnect");
  });
  if (socket) socket.once("close", () => this.destroy());
}
setPrototypeOf(TLSSocket.prototype, Socket.prototype);
setPrototypeOf(TLSSocket, Socket);
const fail = (name) => { throw new Error(`${name} is not implemented`); };
Object.assign(TLSSocket.prototype, {
  // _start begins TLS on the connection of the socket below.
  _start() {
    const below = this._parentWrap;
    if (below.connecting) return void below.once("connect", () => this._start());
    const handle = below._handle;
    if (!handle) return void process.nextTick(() => this.destroy(make(Error, "ERR_METHOD_NOT_IMPLEMENTED", "The tls.connect method over streams is not implemented")));
    this.connecting = true;
    try {
      handle.writer.releaseLock();
      handle.reader.releaseLock();
      this._attach(handle.socket.startTls(), (e) => this.destroy(e));
      below._handle = null;
    } catch (e) {
      process.nextTick(() => this.destroy(e));
    }
  },
  _handleTimeout() { this.destroy(make(Error, "ERR_TLS_HANDSHAKE_TIMEOUT", "TLS handshake timeout")); },
  disableRenegotiation() {},
  renegotiate(options, callback) {
    validateObject(options, "options");
    if (callback !== undefined) validateFunction(callback, "callback");
    return false;
  },
  exportKeyingMaterial(length, label, context) {
    validateUint32(length, "length", true);
    validateString(label, "label");
    if (context !== undefined) validateBuffer(context, "context");
    fail("exportKeyingMaterial");
  },
  setMaxSendFragment(size) {
    validateInt32(size, "size");
    return false;
  },
  setServername(name) {
    validateString(name, "name");
    this.servername = name;
  },
  setSession() {},
  getPeerCertificate() { fail("getPeerCertificate"); },
  getCertificate() { fail("TLSSocket.getCertificate"); },
  getPeerX509Certificate() { fail("TLSSocket.getPeerX509Certificate"); },
  getX509Certificate() { fail("TLSSocket.getX509Certificate"); },
  setKeyCert() { fail("TLSSocket.setKeyCert"); },
});
for (const name of ["getCipher", "getSharedSigalgs", "getEphemeralKeyInfo", "getFinished", "getPeerFinished", "getProtocol", "getSession", "getTLSTicket", "isSessionReused", "enableTrace"]) {
  TLSSocket.prototype[name] = () => null;
}

function connect(...list) {
  const [given, callback] = _normalizeArgs(list);
  const options = { ...given };
  for (const extra of [list[1], list[2]]) {
    if (typeof extra !== "object" || extra === null) continue;
    Object.assign(options, extra);
    break;
  }
  if (options.minDHSize !== undefined) {
    validateNumber(options.minDHSize, "options.minDHSize", 1);
    throw new ERR_OPTION_NOT_IMPLEMENTED("options.minDHSize");
  }
  refuse(options);
  const { allowHalfOpen, ALPNProtocols, enableTrace, highWaterMark, secureContext, signal, servername } = options;
  const socket = new TLSSocket(options.socket, { allowHalfOpen, ALPNProtocols, enableTrace, highWaterMark, secureContext, signal, servername });
  if (callback) socket.once("secureConnect", callback);
  if (options.socket) {
    socket._start();
    return socket;
  }
  if (options.timeout) socket.setTimeout(options.timeout);
  socket.connect(options);
  return socket;
}
return { connect, TLSSocket };
