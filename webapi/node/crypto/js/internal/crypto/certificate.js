
// Certificate (SPKAC) and X509Certificate.
const { isView } = primordials;
const { ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE } = require("internal/codes");
const { validateBoolean, validateObject, validateString } = require("internal/validators");
const { Buffer } = require("node:buffer");
const { kHandle, bytesOf } = require("internal/crypto/util");
const { KeyObject, PublicKeyObject, PrivateKeyObject } = require("internal/crypto/keys");
const customInspect = Symbol.for("nodejs.util.inspect.custom");

function Certificate() {
  if (!(this instanceof Certificate)) return new Certificate();
}
const spkac = {
  verifySpkac(value, encoding) { return native.verify(bytesOf(value, "spkac", encoding)); },
  exportPublicKey(value, encoding) { return native.publicKey(bytesOf(value, "spkac", encoding)); },
  exportChallenge(value, encoding) { return native.challenge(bytesOf(value, "spkac", encoding)); },
};
for (const name of Object.keys(spkac)) {
  for (const object of [Certificate, Certificate.prototype]) Object.defineProperty(object, name, { value: spkac[name], writable: true, enumerable: true, configurable: true });
}

function checkOptions(options) {
  if (options === undefined || options === null) return {};
  validateObject(options, "options");
  for (const name of ["multiLabelWildcards", "partialWildcards", "singleLabelSubdomains", "wildcards"]) {
    if (options[name] !== undefined) validateBoolean(options[name], `options.${name}`);
  }
  if (options.subject !== undefined) validateString(options.subject, "options.subject");
  return options;
}

// infoObject is the text of infoAccess as an object of lists.
function infoObject(text) {
  if (text === undefined) return undefined;
  const out = {};
  for (const line of text.split("\n")) {
    const at = line.indexOf(":");
    if (at < 0) continue;
    const key = line.slice(0, at);
    (out[key] ??= []).push(line[at + 1] === '"' ? JSON.parse(line.slice(at + 1)) : line.slice(at + 1));
  }
  return out;
}

class X509Certificate {
  #handle;
  #known = new Map();
  constructor(buffer) {
    const bytes = typeof buffer === "string" ? Buffer.from(buffer) : buffer;
    if (!isView(bytes)) throw new ERR_INVALID_ARG_TYPE("buffer", ["string", "Buffer", "TypedArray", "DataView"], buffer);
    this.#handle = native.parse(bytes);
    if (this.#handle === undefined) throw new ERR_INVALID_ARG_VALUE("buffer", bytes, "is not a valid certificate");
  }
  #field(name, make = (v) => v) {
    if (!this.#known.has(name)) this.#known.set(name, make(this.#handle.field(name)));
    return this.#known.get(name);
  }
  get subject() { return this.#field("subject"); }
  get subjectAltName() { return this.#field("subjectAltName"); }
  get issuer() { return this.#field("issuer"); }
  get issuerCertificate() { return undefined; }
  get infoAccess() { return this.#field("infoAccess"); }
  get validFrom() { return this.#field("validFrom"); }
  get validTo() { return this.#field("validTo"); }
  get validFromDate() { return new Date(this.validFrom); }
  get validToDate() { return new Date(this.validTo); }
  get fingerprint() { return this.#field("fingerprint"); }
  get fingerprint256() { return this.#field("fingerprint256"); }
  get fingerprint512() { return this.#field("fingerprint512"); }
  get keyUsage() { return this.#field("keyUsage"); }
  get extKeyUsage() { return this.#field("keyUsage"); }
  get serialNumber() { return this.#field("serialNumber"); }
  get raw() { return this.#field("raw"); }
  get publicKey() { return this.#field("publicKey", (key) => KeyObject.from(key)); }
  get ca() { return this.#field("ca"); }
  toString() { return this.#field("pem"); }
  toJSON() { return this.toString(); }
  checkHost(name, options) {
    validateString(name, "name");
    const o = checkOptions(options);
    return this.#handle.checkHost(name, o.subject, o.wildcards, o.partialWildcards, o.multiLabelWildcards, o.singleLabelSubdomains);
  }
  checkEmail(email, options) {
    validateString(email, "email");
    return this.#handle.checkEmail(email, checkOptions(options).subject);
  }
  checkIP(ip, options) {
    validateString(ip, "ip");
    checkOptions(options);
    return this.#handle.checkIP(ip);
  }
  checkIssued(other) {
    if (!(other instanceof X509Certificate)) throw new ERR_INVALID_ARG_TYPE("otherCert", "X509Certificate", other);
    return this.#handle.checkIssued(other.#handle);
  }
  checkPrivateKey(key) {
    if (!(key instanceof PrivateKeyObject)) throw new ERR_INVALID_ARG_TYPE("pkey", "KeyObject", key);
    return this.#handle.checkPrivateKey(key[kHandle]);
  }
  verify(key) {
    if (!(key instanceof PublicKeyObject)) throw new ERR_INVALID_ARG_TYPE("pkey", "KeyObject", key);
    return this.#handle.verify(key[kHandle]);
  }
  toLegacyObject() {
    const at = (name) => this.#handle.field(name);
    const fields = {
      subject: at("subjectObject"), issuer: at("issuerObject"), subjectaltname: at("subjectAltName"), infoAccess: infoObject(at("infoAccess")), ca: at("ca"),
      modulus: at("modulus"), bits: at("bits"), exponent: at("exponent"), pubkey: at("pubkey"), asn1Curve: at("asn1Curve"), nistCurve: at("nistCurve"),
      valid_from: at("validFrom"), valid_to: at("validTo"), fingerprint: at("fingerprint"), fingerprint256: at("fingerprint256"), fingerprint512: at("fingerprint512"),
      ext_key_usage: at("keyUsage"), serialNumber: at("serialNumber"), raw: at("raw"),
    };
    for (const name of Object.keys(fields)) if (fields[name] === undefined) delete fields[name];
    return fields;
  }
  [customInspect]() {
    const { subject, subjectAltName, issuer, infoAccess, validFrom, validTo, fingerprint, fingerprint256, fingerprint512, keyUsage, serialNumber } = this;
    return `X509Certificate ${primordials.inspect({ subject, subjectAltName, issuer, infoAccess, validFrom, validTo, fingerprint, fingerprint256, fingerprint512, keyUsage, serialNumber })}`;
  }
}

return { Certificate, X509Certificate };
