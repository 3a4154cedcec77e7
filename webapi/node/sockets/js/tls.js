
// node:tls: names and certificates; its sockets are those of node:net.
const { isIP } = require("node:net");
const { Buffer } = require("node:buffer");
const { TLSSocket, connect, createServer, Server, _native } = require("node:_tls_wrap");
const { createSecureContext, SecureContext } = require("node:_tls_common");
const { ERR_METHOD_NOT_IMPLEMENTED, make } = require("internal/codes");
const { isArray, isView, stringSplit, stringSlice, stringStartsWith, stringEndsWith, stringIndexOf, stringReplace, stringToLowerCase, regExpExec, regExpTest, hasFlag } = primordials;

const labels = (host) => stringSplit(stringToLowerCase(stringReplace(host, /\.$/, "")), ".");

// matches is whether a pattern of a certificate, with at most one "*" in its first label, names the host.
function matches(host, pattern) {
  if (!pattern) return false;
  const want = labels(pattern);
  if (host.length !== want.length) return false;
  for (let i = 0; i < want.length; i++) {
    if (want[i] === "" || regExpTest(/[^\u0021-\u007f]/, want[i]) || (i > 0 && host[i] !== want[i])) return false;
  }
  const around = stringSplit(want[0], "*");
  if (around.length === 1 || stringIndexOf(want[0], "xn--") >= 0) return host[0] === want[0];
  return around.length === 2 && want.length > 2 && around[0].length + around[1].length <= host[0].length &&
    stringStartsWith(host[0], around[0]) && stringEndsWith(host[0], around[1]);
}

// alternatives takes the list of names of a certificate apart; names in quotes are JSON.
function alternatives(text) {
  const list = [];
  let item = "", at = 0;
  while (at < text.length) {
    const comma = stringIndexOf(text, ", ", at), quote = stringIndexOf(text, '"', at);
    if (quote >= 0 && (comma < 0 || quote < comma)) {
      item += stringSlice(text, at, quote);
      const m = regExpExec(/^"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/, stringSlice(text, quote));
      if (!m) throw make(SyntaxError, "ERR_TLS_CERT_ALTNAME_FORMAT", "Invalid subject alternative name string");
      item += JSON.parse(m[0]);
      at = quote + m[0].length;
    } else if (comma >= 0) {
      list[list.length] = item + stringSlice(text, at, comma);
      item = "";
      at = comma + 2;
    } else {
      item += stringSlice(text, at);
      at = text.length;
    }
  }
  list[list.length] = item;
  return list;
}

const canonical = (address) => {
  if (isIP(address) !== 6) return address;
  return URL.parse(`http://[${address}]`)?.hostname.slice(1, -1) ?? address;
};

function checkServerIdentity(hostname, cert) {
  hostname = stringReplace(`${hostname}`, /\.$/, "");
  const names = [], addresses = [];
  for (const name of cert.subjectaltname ? alternatives(cert.subjectaltname) : []) {
    if (stringStartsWith(name, "DNS:")) names[names.length] = stringSlice(name, 4);
    else if (stringStartsWith(name, "IP Address:")) addresses[addresses.length] = canonical(stringSlice(name, 11));
  }
  const host = labels(hostname);
  let reason;
  if (isIP(hostname)) {
    const want = canonical(hostname);
    if (addresses.some((a) => a === want)) return undefined;
    reason = `IP: ${hostname} is not in the cert's list: ${addresses.join(", ")}`;
  } else if (names.length > 0) {
    if (names.some((n) => matches(host, n))) return undefined;
    reason = `Host: ${hostname}. is not in the cert's altnames: ${cert.subjectaltname}`;
  } else if (cert.subject?.CN) {
    const cn = cert.subject.CN;
    if (isArray(cn) ? cn.some((n) => matches(host, n)) : matches(host, cn)) return undefined;
    reason = `Host: ${hostname}. is not cert's CN: ${cn}`;
  } else {
    reason = "Cert does not contain a DNS name";
  }
  return make(Error, "ERR_TLS_CERT_ALTNAME_INVALID", _native ? `Hostname/IP does not match certificate's altnames: ${reason}` : reason, { reason, host: hostname, cert });
}

function convertALPNProtocols(protocols, out) {
  if (isArray(protocols)) {
    const list = protocols.map((p, i) => {
      const b = Buffer.from(p);
      if (b.length > 255) {
        throw make(RangeError, "ERR_OUT_OF_RANGE", `The byte length of the protocol at index ${i} exceeds the maximum length. It must be <= 255. Received ${b.length}`);
      }
      return Buffer.concat([Buffer.from([b.length]), b]);
    });
    out.ALPNProtocols = Buffer.concat(list);
  } else if (isView(protocols)) {
    out.ALPNProtocols = Buffer.from(new Uint8Array(protocols.buffer, protocols.byteOffset, protocols.byteLength));
  }
}
const getCiphers = () => _native.ciphers().map((n) => stringToLowerCase(n));
const absent = (name) => ({ [name]() { throw new Error("Not implemented"); } })[name];
return {
  CLIENT_RENEG_LIMIT: 3, CLIENT_RENEG_WINDOW: 600, DEFAULT_CIPHERS: _native ? getCiphers().join(":").toUpperCase() : "", DEFAULT_ECDH_CURVE: "auto", DEFAULT_MIN_VERSION: "TLSv1.2", DEFAULT_MAX_VERSION: "TLSv1.3",
  rootCertificates: [], SecureContext, Server: Server ?? function Server() { throw new Error("Not implemented"); }, TLSSocket, connect, createSecureContext,
  createServer: createServer ?? absent("createServer"), checkServerIdentity, convertALPNProtocols, getCiphers: _native ? getCiphers : absent("getCiphers"),
  createSecurePair: hasFlag("remove_nodejs_compat_eol_v24") ? undefined : function createSecurePair() { throw new ERR_METHOD_NOT_IMPLEMENTED("createSecurePair"); },
};
