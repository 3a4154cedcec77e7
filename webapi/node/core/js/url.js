
// node:url: the older parser of node, and bridges to WHATWG URLs.
const { ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_INVALID_FILE_URL_HOST, ERR_INVALID_FILE_URL_PATH, ERR_INVALID_URL_SCHEME, ERR_INVALID_URL, ERR_MISSING_ARGS } = require("internal/codes");
const { validateString, validateObject, validateBoolean } = require("internal/validators");
const querystring = require("node:querystring");
const path = require("node:path");
const { URL, URLSearchParams } = globalThis;

const isURL = (v) => Boolean(v?.href && v.protocol && v.auth === undefined && v.path === undefined);

function domainToASCII(domain) {
  if (arguments.length < 1) throw new ERR_MISSING_ARGS("domain");
  return ascii(`${domain}`) ?? "";
}
// ascii is a host in the form of the DNS; undefined where it is none.
function ascii(domain) {
  if (/[\0\t\n\r #%/:<>?@\\^|]/.test(domain) && !/^\[[\d.a-f:]+\]$/i.test(domain)) return undefined;
  try {
    return new URL(`ws://${domain}`).hostname;
  } catch {
    return undefined;
  }
}
function unicode(host) {
  const { decode } = require("internal/punycode");
  return host.split(".").map((label) => {
    if (!/^xn--/i.test(label)) return label;
    try {
      return decode(label.slice(4).toLowerCase());
    } catch {
      return label;
    }
  }).join(".");
}
function domainToUnicode(domain) {
  if (arguments.length < 1) throw new ERR_MISSING_ARGS("domain");
  const host = ascii(`${domain}`);
  return host === undefined ? "" : unicode(host);
}

function fileURLToPath(input, options) {
  let url;
  if (typeof input === "string") url = new URL(input);
  else if (isURL(input)) url = input;
  else throw new ERR_INVALID_ARG_TYPE("path", ["string", "URL"], input);
  if (url.protocol !== "file:") throw new ERR_INVALID_URL_SCHEME("file");
  const { hostname, pathname } = url;
  if (!options?.windows) {
    if (hostname !== "") throw new ERR_INVALID_FILE_URL_HOST("linux");
    if (/%2f/i.test(pathname)) throw new ERR_INVALID_FILE_URL_PATH("must not include encoded / characters");
    return decodeURIComponent(pathname);
  }
  if (/%2f|%5c/i.test(pathname)) throw new ERR_INVALID_FILE_URL_PATH("must not include encoded \\ or / characters");
  const local = decodeURIComponent(pathname.replaceAll("/", "\\"));
  if (hostname !== "") return `\\\\${unicode(hostname)}${local}`;
  if (!/^\\[a-z]:/i.test(local)) throw new ERR_INVALID_FILE_URL_PATH("must be absolute");
  return local.slice(1);
}

const inFileURL = { "%": "%25", "\t": "%09", "\n": "%0A", "\r": "%0D", " ": "%20", '"': "%22", "#": "%23", "?": "%3F", "[": "%5B", "\\": "%5C", "]": "%5D", "^": "%5E", "|": "%7C", "~": "%7E" };
const encodePath = (p, windows) => p.replace(/[%\t\n\r "#?[\\\]^|~]/g, (c) => (windows && c === "\\" ? c : inFileURL[c]));

function pathToFileURL(file, options) {
  const windows = options?.windows;
  if (typeof file !== "string") throw new ERR_INVALID_ARG_TYPE("filepath", "string", file);
  if (windows && file.startsWith("\\\\")) {
    const start = file.startsWith("\\\\?\\UNC\\") ? 8 : 2;
    const end = file.indexOf("\\", start);
    if (end === -1) throw new ERR_INVALID_ARG_VALUE("path", file, "Missing UNC resource path");
    if (end === 2) throw new ERR_INVALID_ARG_VALUE("path", file, "Empty UNC servername");
    const out = new URL("file://");
    out.hostname = ascii(file.slice(start, end)) ?? "";
    out.pathname = encodePath(file.slice(end).replaceAll("\\", "/"), true);
    return out;
  }
  const p = windows ? path.win32 : path.posix;
  let resolved = p.resolve(file);
  const last = file[file.length - 1];
  if ((last === "/" || (windows && last === "\\")) && !resolved.endsWith(p.sep)) resolved += "/";
  return new URL(`file://${encodePath(resolved, windows)}`);
}

function urlToHttpOptions(url) {
  const { hostname, pathname, port, username, password, search } = url;
  const options = {
    __proto__: null, ...url,
    protocol: url.protocol, hostname: hostname && hostname[0] === "[" ? hostname.slice(1, -1) : hostname, hash: url.hash, search, pathname,
    path: `${pathname || ""}${search || ""}`, href: url.href,
  };
  if (port !== "") options.port = Number(port);
  if (username || password) options.auth = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return options;
}

// The older parser. It takes URLs apart without judging them.
const slashed = new Set(["http", "https", "ftp", "gopher", "file", "ws", "wss"].flatMap((p) => [p, `${p}:`]));
const isScript = (p) => p === "javascript" || p === "javascript:";
const fields = ["protocol", "slashes", "auth", "host", "port", "hostname", "hash", "search", "query", "pathname", "path", "href"];

function Url() { for (const f of fields) this[f] = null; }

const escapes = { "\t": "%09", "\n": "%0A", "\r": "%0D", " ": "%20", '"': "%22", "'": "%27", "<": "%3C", ">": "%3E", "\\": "%5C", "^": "%5E", "`": "%60", "{": "%7B", "|": "%7C", "}": "%7D" };
const autoEscape = (s) => s.replace(/[\t\n\r "'<>\\^`{|}]/g, (c) => escapes[c]);
const isIPv6 = (host) => host[0] === "[" && host[host.length - 1] === "]";

// tidy trims white space and turns backslashes before the first "?" or "#" around.
function tidy(text) {
  text = text.replace(/^[\0-\x20\u00a0\ufeff]+|[\0-\x20\u00a0\ufeff]+$/g, "");
  const stop = text.search(/[?#]/);
  return stop < 0 ? text.replaceAll("\\", "/") : text.slice(0, stop).replaceAll("\\", "/") + text.slice(stop);
}

Url.prototype.parse = function parse(url, parseQueryString, slashesDenoteHost) {
  validateString(url, "url");
  const rest0 = tidy(url);
  let rest = rest0;
  const hasHash = rest.includes("#"), hasAt = rest.includes("@");
  if (!slashesDenoteHost && !hasHash && !hasAt) {
    const simple = /^(\/\/?(?!\/)[^?\s]*)(\?[^\s]*)?$/.exec(rest);
    if (simple) {
      this.path = this.href = rest;
      this.pathname = simple[1];
      if (simple[2]) {
        this.search = simple[2];
        this.query = parseQueryString ? querystring.parse(simple[2].slice(1)) : simple[2].slice(1);
      } else if (parseQueryString) {
        this.search = null;
        this.query = { __proto__: null };
      }
      return this;
    }
  }
  const proto = /^[a-z0-9.+-]+:/i.exec(rest)?.[0];
  let lower;
  if (proto) {
    this.protocol = lower = proto.toLowerCase();
    rest = rest.slice(proto.length);
  }
  let slashes = false;
  if (slashesDenoteHost || proto || /^\/\/[^@/]+@[^@/]+/.test(rest)) {
    slashes = rest.startsWith("//");
    if (slashes && !(proto && isScript(lower))) {
      rest = rest.slice(2);
      this.slashes = true;
    }
  }
  if (!(lower && isScript(lower)) && (slashes || (proto && !slashed.has(proto)))) rest = takeHost(this, rest, url);
  if (!(lower && isScript(lower))) rest = autoEscape(rest);
  const hash = rest.indexOf("#");
  let question = rest.indexOf("?");
  if (hash >= 0) {
    this.hash = rest.slice(hash);
    if (question > hash) question = -1;
  }
  if (question >= 0) {
    this.search = rest.slice(question, hash < 0 ? undefined : hash);
    this.query = parseQueryString ? querystring.parse(this.search.slice(1)) : this.search.slice(1);
  } else if (parseQueryString) {
    this.search = null;
    this.query = { __proto__: null };
  }
  const end = question >= 0 ? question : hash >= 0 ? hash : rest.length;
  if (end > 0) this.pathname = rest.slice(0, end);
  if (slashed.has(lower) && this.hostname && !this.pathname) this.pathname = "/";
  if (this.pathname || this.search) this.path = (this.pathname || "") + (this.search || "");
  this.href = this.format();
  return this;
};

// takeHost reads user, host and port from the front and returns what follows.
function takeHost(u, rest, whole) {
  // The first of these ends the host; an "@" before it means that what is before the
  // last one is the user.
  let end = -1, at = -1, bad = -1;
  for (let i = 0; i < rest.length; i++) {
    const c = rest[i];
    if (c === "\t" || c === "\n" || c === "\r") {
      rest = rest.slice(0, i) + rest.slice(i + 1);
      i--;
      continue;
    }
    if (c === "/" || c === "?" || c === "#") {
      if (bad < 0) bad = i;
      end = i;
      break;
    }
    if (" \"%';<>\\^`{|}".includes(c)) {
      if (bad < 0) bad = i;
    } else if (c === "@") {
      at = i;
      bad = -1;
    }
  }
  let start = 0;
  if (at >= 0) {
    u.auth = decodeURIComponent(rest.slice(0, at));
    start = at + 1;
  }
  const stop = bad < 0 ? rest.length : bad;
  u.host = rest.slice(start, stop);
  rest = rest.slice(stop);
  const port = /:[0-9]*$/.exec(u.host)?.[0];
  let hostname = u.host;
  if (port) {
    if (port !== ":") u.port = port.slice(1);
    hostname = hostname.slice(0, hostname.length - port.length);
  }
  u.hostname = hostname;
  const v6 = isIPv6(hostname);
  if (!v6) {
    const cut = hostname.search(/[/\\#?:]/);
    if (cut >= 0) {
      u.hostname = hostname.slice(0, cut);
      rest = `/${hostname.slice(cut)}${rest}`;
    }
  }
  if (u.hostname.length > 255) u.hostname = "";
  else u.hostname = u.hostname.toLowerCase();
  if (u.hostname !== "") {
    if (v6) {
      if (/[\0\t\n\r #%/<>?@\\^|]/.test(u.hostname)) throw new ERR_INVALID_URL(whole);
    } else {
      let host = u.hostname;
      // What the DNS has no form for is an error; a plain name stays as it is.
      if (/[^\x21-\x7e]/.test(host) || /^xn--|\.xn--/.test(host)) host = ascii(host) ?? "";
      u.hostname = host;
      if (u.hostname === "" || /[\0\t\n\r #%/:<>?@[\\\]^|]/.test(u.hostname)) throw new ERR_INVALID_URL(whole);
    }
  }
  u.host = (u.hostname || "") + (u.port ? `:${u.port}` : "");
  if (v6) {
    u.hostname = u.hostname.slice(1, -1);
    if (rest[0] !== "/") rest = `/${rest}`;
  }
  return rest;
}

Url.prototype.format = function format() {
  let auth = this.auth || "";
  if (auth) auth = `${encodeAuth(auth)}@`;
  let protocol = this.protocol || "", pathname = this.pathname || "", hash = this.hash || "", host = "", query = "";
  if (this.host) host = auth + this.host;
  else if (this.hostname) {
    host = auth + (this.hostname.includes(":") && !isIPv6(this.hostname) ? `[${this.hostname}]` : this.hostname);
    if (this.port) host += `:${this.port}`;
  }
  if (this.query !== null && typeof this.query === "object") query = querystring.stringify(this.query);
  let search = this.search || (query && `?${query}`) || "";
  if (protocol && !protocol.endsWith(":")) protocol += ":";
  pathname = pathname.replace(/[#?]/g, (c) => (c === "#" ? "%23" : "%3F"));
  if (this.slashes || slashed.has(protocol)) {
    if (this.slashes || host) {
      if (pathname && pathname[0] !== "/") pathname = `/${pathname}`;
      host = `//${host}`;
    } else if (/^file/.test(protocol)) host = "//";
  }
  search = search.replaceAll("#", "%23");
  if (hash && hash[0] !== "#") hash = `#${hash}`;
  if (search && search[0] !== "?") search = `?${search}`;
  return protocol + host + pathname + search + hash;
};
// A user keeps its colon.
const encodeAuth = (s) => querystring.escape(s).replaceAll("%3A", ":");

Url.prototype.resolve = function resolve(relative) { return this.resolveObject(parse(relative, false, true)).format(); };

Url.prototype.resolveObject = function resolveObject(relative) {
  if (typeof relative === "string") relative = new Url().parse(relative, false, true);
  const out = new Url();
  Object.assign(out, this);
  out.hash = relative.hash;
  if (relative.href === "") {
    out.href = out.format();
    return out;
  }
  if (relative.slashes && !relative.protocol) {
    for (const key of Object.keys(relative)) if (key !== "protocol") out[key] = relative[key];
    if (slashed.has(out.protocol) && out.hostname && !out.pathname) out.path = out.pathname = "/";
    out.href = out.format();
    return out;
  }
  if (relative.protocol && relative.protocol !== out.protocol) {
    // A scheme that is not of the web replaces everything.
    if (!slashed.has(relative.protocol)) {
      Object.assign(out, relative);
      out.href = out.format();
      return out;
    }
    out.protocol = relative.protocol;
    if (!relative.host && !/^file:?$/.test(relative.protocol) && !isScript(relative.protocol)) {
      const parts = (relative.pathname || "").split("/");
      while (parts.length && !(relative.host = parts.shift()));
      relative.host ||= "";
      relative.hostname ||= "";
      if (parts[0] !== "") parts.unshift("");
      if (parts.length < 2) parts.unshift("");
      out.pathname = parts.join("/");
    } else out.pathname = relative.pathname;
    out.search = relative.search;
    out.query = relative.query;
    out.host = relative.host || "";
    out.auth = relative.auth;
    out.hostname = relative.hostname || relative.host;
    out.port = relative.port;
    if (out.pathname || out.search) out.path = (out.pathname || "") + (out.search || "");
    out.slashes = out.slashes || relative.slashes;
    out.href = out.format();
    return out;
  }
  const sourceAbs = out.pathname && out.pathname[0] === "/";
  const relAbs = relative.host || (relative.pathname && relative.pathname[0] === "/");
  let endAbs = relAbs || sourceAbs || (out.host && relative.pathname);
  const removeAllDots = endAbs;
  let source = (out.pathname && out.pathname.split("/")) || [];
  let parts = (relative.pathname && relative.pathname.split("/")) || [];
  const bare = out.protocol && !slashed.has(out.protocol);
  // Without "//" the host of the source is the begin of its path.
  if (bare) {
    out.hostname = "";
    out.port = null;
    if (out.host) {
      if (source[0] === "") source[0] = out.host;
      else source.unshift(out.host);
    }
    out.host = "";
    if (relative.protocol) {
      relative.hostname = null;
      relative.port = null;
      out.auth = null;
      if (relative.host) {
        if (parts[0] === "") parts[0] = relative.host;
        else parts.unshift(relative.host);
      }
      relative.host = null;
    }
    endAbs = endAbs && (parts[0] === "" || source[0] === "");
  }
  if (relAbs) {
    if (relative.host || relative.host === "") {
      if (out.host !== relative.host) out.auth = null;
      out.host = relative.host;
      out.port = relative.port;
    }
    if (relative.hostname || relative.hostname === "") {
      if (out.hostname !== relative.hostname) out.auth = null;
      out.hostname = relative.hostname;
    }
    out.search = relative.search;
    out.query = relative.query;
    source = parts;
  } else if (parts.length > 0) {
    source.pop();
    source = source.concat(parts);
    out.search = relative.search;
    out.query = relative.query;
  } else if (relative.search !== null && relative.search !== undefined) {
    if (bare) {
      out.hostname = out.host = source.shift();
      userOfHost(out);
    }
    out.search = relative.search;
    out.query = relative.query;
    if (out.pathname !== null || out.search !== null) out.path = (out.pathname || "") + (out.search || "");
    out.href = out.format();
    return out;
  }
  if (source.length === 0) {
    out.pathname = null;
    out.path = out.search ? `/${out.search}` : null;
    out.href = out.format();
    return out;
  }
  let last = source[source.length - 1];
  const trailing = ((out.host || relative.host || source.length > 1) && (last === "." || last === "..")) || last === "";
  let up = 0;
  for (let i = source.length - 1; i >= 0; i--) {
    last = source[i];
    if (last === ".") source.splice(i, 1);
    else if (last === "..") {
      source.splice(i, 1);
      up++;
    } else if (up) {
      source.splice(i, 1);
      up--;
    }
  }
  if (!endAbs && !removeAllDots) while (up--) source.unshift("..");
  if (endAbs && source[0] !== "" && (!source[0] || source[0][0] !== "/")) source.unshift("");
  if (trailing && !source.join("/").endsWith("/")) source.push("");
  const absolute = source[0] === "" || (source[0] && source[0][0] === "/");
  if (bare) {
    out.hostname = out.host = absolute ? "" : source.length ? source.shift() : "";
    userOfHost(out);
  }
  endAbs = endAbs || (out.host && source.length);
  if (endAbs && !absolute) source.unshift("");
  if (source.length === 0) {
    out.pathname = null;
    out.path = null;
  } else out.pathname = source.join("/");
  if (out.pathname !== null || out.search !== null) out.path = (out.pathname || "") + (out.search || "");
  out.auth = relative.auth || out.auth;
  out.slashes = out.slashes || relative.slashes;
  out.href = out.format();
  return out;
};
function userOfHost(u) {
  const at = u.host && u.host.indexOf("@") > 0 && u.host.split("@");
  if (at) {
    u.auth = at.shift();
    u.host = u.hostname = at.shift();
  }
}
Url.prototype.parseHost = function parseHost() {
  let host = this.host;
  const port = /:[0-9]*$/.exec(host)?.[0];
  if (port) {
    if (port !== ":") this.port = port.slice(1);
    host = host.slice(0, host.length - port.length);
  }
  if (host) this.hostname = host;
};

function parse(url, parseQueryString, slashesDenoteHost) {
  if (url instanceof Url) return url;
  return new Url().parse(url, parseQueryString, slashesDenoteHost);
}

function format(urlObject, options) {
  if (typeof urlObject === "string") urlObject = parse(urlObject);
  else if (typeof urlObject !== "object" || urlObject === null) throw new ERR_INVALID_ARG_TYPE("urlObject", ["Object", "string"], urlObject);
  else if (urlObject instanceof URL) {
    let fragment = true, unicodeHost = false, search = true, auth = true;
    if (options) {
      validateObject(options, "options");
      if (options.fragment !== undefined && options.fragment !== null) fragment = Boolean(options.fragment);
      if (options.unicode !== undefined && options.unicode !== null) unicodeHost = Boolean(options.unicode);
      if (options.search !== undefined && options.search !== null) search = Boolean(options.search);
      if (options.auth !== undefined && options.auth !== null) auth = Boolean(options.auth);
    }
    const u = urlObject;
    let out = u.protocol;
    if (u.host !== "" || u.protocol === "file:") {
      out += "//";
      if (auth && (u.username !== "" || u.password !== "")) out += `${u.username}${u.password !== "" ? `:${u.password}` : ""}@`;
      out += unicodeHost ? unicode(u.hostname) : u.hostname;
      if (u.port !== "") out += `:${u.port}`;
    }
    return out + u.pathname + (search ? u.search : "") + (fragment ? u.hash : "");
  }
  return Url.prototype.format.call(urlObject);
}
const resolve = (source, relative) => parse(source, false, true).resolve(relative);
const resolveObject = (source, relative) => (source ? parse(source, false, true).resolveObject(relative) : relative);

return {
  domainToASCII, domainToUnicode, URL, URLSearchParams, fileURLToPath, pathToFileURL, toPathIfFileURL: (v) => (isURL(v) ? fileURLToPath(v) : v), urlToHttpOptions,
  format, parse, resolve, resolveObject, Url,
};
