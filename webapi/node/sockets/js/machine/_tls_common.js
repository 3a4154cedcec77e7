
// node:_tls_common of programs: contexts of TLS.
const { Buffer } = require("node:buffer");
const { ERR_INVALID_ARG_TYPE, ERR_OPTION_NOT_IMPLEMENTED, make } = require("internal/codes");
const { validateInteger, validateBuffer, validateString, validateInt32 } = require("internal/validators");
const { translatePeerCertificate } = require("internal/tls_certificates");
const { defineProperty, isArray, isView } = primordials;

const methods = { TLS_method: [], TLS_client_method: [], TLS_server_method: [], SSLv23_method: [], SSLv23_client_method: [], SSLv23_server_method: [] };
for (const [word, version] of [["TLSv1", "TLSv1"], ["TLSv1_1", "TLSv1.1"], ["TLSv1_2", "TLSv1.2"], ["TLSv1_3", "TLSv1.3"]]) {
  for (const side of ["", "_client", "_server"]) methods[`${word}${side}_method`] = [version, version];
}
const known = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];

const material = (value, name) => {
  if (typeof value === "string") return Buffer.from(value);
  if (isView(value) || value instanceof ArrayBuffer) return Buffer.from(value);
  throw new ERR_INVALID_ARG_TYPE(name, ["string", "Buffer", "TypedArray", "DataView"], value);
};
const list = (value, name) => (value === undefined || value === null || value === false || value === "" ? [] : isArray(value) ? value.flat() : [value]);

function checkKeys(keys, name) {
  validateBuffer(keys, name);
  if (keys.byteLength !== 48) throw make(TypeError, "ERR_INVALID_ARG_VALUE", `The property '${name}' must be exactly 48 bytes. Received ${keys.byteLength}`);
}

// SecureContext keeps what there is to show and to trust.
function SecureContext(secureProtocol, flags, minVersion, maxVersion) {
  if (!(this instanceof SecureContext)) return new SecureContext(secureProtocol, flags, minVersion, maxVersion);
  if (flags !== undefined && flags !== null) validateInteger(flags, "secureOptions");
  let versions = [];
  if (secureProtocol) {
    validateString(secureProtocol, "secureProtocol");
    for (const v of [minVersion, maxVersion]) {
      if (v !== undefined && v !== null) throw make(TypeError, "ERR_TLS_PROTOCOL_VERSION_CONFLICT", `TLS protocol version ${JSON.stringify(v)} conflicts with secureProtocol ${JSON.stringify(secureProtocol)}`);
    }
    if (/^SSLv[23]_/.test(secureProtocol)) throw make(TypeError, "ERR_TLS_INVALID_PROTOCOL_METHOD", `${secureProtocol.slice(0, 5)} methods disabled`);
    versions = methods[secureProtocol];
    if (versions === undefined) throw make(TypeError, "ERR_TLS_INVALID_PROTOCOL_METHOD", `Unknown method: ${secureProtocol}`);
  } else {
    for (const [v, word] of [[minVersion, "minimum"], [maxVersion, "maximum"]]) {
      if (v !== undefined && v !== null && !known.includes(v)) throw make(TypeError, "ERR_TLS_INVALID_PROTOCOL_VERSION", `${typeof v === "string" ? JSON.stringify(v) : String(v)} is not a valid ${word} TLS protocol version`);
    }
    versions = [minVersion, maxVersion];
  }
  defineProperty(this, "_versions", { value: versions });
  this.context = undefined;
}

function createSecureContext(options) {
  options ??= {};
  const { secureProtocol, secureOptions, minVersion, maxVersion, passphrase, ciphers, ecdhCurve, sessionTimeout } = options;
  if (options.clientCertEngine || options.privateKeyEngine) throw new ERR_OPTION_NOT_IMPLEMENTED("options.privateKeyEngine");
  const context = new SecureContext(secureProtocol, secureOptions, minVersion, maxVersion);
  const keys = [], words = [];
  if (passphrase !== undefined && passphrase !== null && list(options.key).length > 0) validateString(passphrase, "options.passphrase");
  if (options.sessionIdContext !== undefined && options.sessionIdContext !== null) validateString(options.sessionIdContext, "options.sessionIdContext");
  if (options.ticketKeys !== undefined && options.ticketKeys !== null) checkKeys(options.ticketKeys, "options.ticketKeys");
  // An object with a passphrase of its own stands in a list.
  for (const k of isArray(options.key) ? options.key.flat() : list(options.key)) {
    const nested = isArray(options.key) && k !== null && typeof k === "object" && !isView(k) && !(k instanceof ArrayBuffer) && k.pem !== undefined;
    keys.push(material(nested ? k.pem : k, "options.key"));
    words.push(Buffer.from((nested ? k.passphrase : undefined) ?? passphrase ?? ""));
  }
  const files = [], fileWords = [];
  if (options.pfx !== undefined && options.pfx !== null) {
    for (const f of isArray(options.pfx) ? options.pfx : [options.pfx]) {
      const nested = isArray(options.pfx) && typeof f === "object" && f !== null && f.buf !== undefined, file = nested ? f.buf : f, word = (nested ? f.passphrase : undefined) ?? passphrase;
      if (typeof file !== "string" && !isView(file) && !(file instanceof ArrayBuffer)) throw make(Error, "ERR_CRYPTO_OPERATION_FAILED", "Unable to load PFX certificate");
      if (word !== undefined && word !== null && typeof word !== "string" && !isView(word)) throw make(TypeError, "ERR_INVALID_ARG_TYPE", "Pass phrase must be a buffer");
      files.push(Buffer.from(file));
      fileWords.push(Buffer.from(word ?? ""));
    }
  }
  const certs = list(options.cert).map((c) => material(c, "options.cert"));
  const ca = options.ca === undefined || options.ca === null || options.ca === false || options.ca === "" ? undefined : list(options.ca).map((c) => material(c, "options.ca"));
  if (ciphers !== undefined && ciphers !== null) validateString(ciphers, "options.ciphers");
  if (ecdhCurve !== undefined && ecdhCurve !== null) validateString(ecdhCurve, "options.ecdhCurve");
  if (sessionTimeout !== undefined && sessionTimeout !== null) validateInt32(sessionTimeout, "options.sessionTimeout", 0);
  const [min, max] = context._versions;
  // node speaks TLS 1.2 and 1.3 unless it is told otherwise.
  context.context = require("node:_tls_wrap")._native.context(keys, words, certs, ca, min ?? (max !== undefined && max !== null && known.indexOf(max) < 2 ? max : "TLSv1.2"), max ?? "TLSv1.3", ciphers || undefined, ecdhCurve || undefined,
    files, fileWords);
  return context;
}
return { createSecureContext, SecureContext, translatePeerCertificate, checkKeys };
