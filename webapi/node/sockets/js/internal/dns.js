
// The lookups of node:dns, as promises: DNS over HTTPS with fetch(), at the server that workerd asks.
const { isIP } = require("node:net");
const { ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OPTION_NOT_IMPLEMENTED, make } = require("internal/codes");
const { validateBoolean, validateFunction, validateNumber, validateOneOf, validateString } = require("internal/validators");
const { isArray, stringSlice, stringSplit, stringEndsWith, regExpExec } = primordials;
const { fetch, URL } = globalThis;

const constants = {
  NODATA: "ENODATA", FORMERR: "EFORMERR", SERVFAIL: "ESERVFAIL", NOTFOUND: "ENOTFOUND", NOTIMP: "ENOTIMP", REFUSED: "EREFUSED", BADQUERY: "EBADQUERY", BADNAME: "EBADNAME",
  BADFAMILY: "EBADFAMILY", BADRESP: "EBADRESP", CONNREFUSED: "ECONNREFUSED", TIMEOUT: "ETIMEOUT", EOF: "EOF", FILE: "EFILE", NOMEM: "ENOMEM", DESTRUCTION: "EDESTRUCTION",
  BADSTR: "EBADSTR", BADFLAGS: "EBADFLAGS", NONAME: "ENONAME", BADHINTS: "EBADHINTS", NOTINITIALIZED: "ENOTINITIALIZED", LOADIPHLPAPI: "ELOADIPHLPAPI",
  ADDRGETNETWORKPARAMS: "EADDRGETNETWORKPARAMS", CANCELLED: "ECANCELLED",
};
const failed = (hostname, code, syscall) => make(Error, code, `${syscall} ${code} ${hostname}`, { errno: undefined, hostname, syscall });
const mark = Symbol("dns");

// ask is the answers to a question; it fails when there are none.
async function ask(name, type, syscall = `query${type[0]}${stringSlice(type, 1).toLowerCase()}`) {
  const url = new URL("https://cloudflare-dns.com/dns-query");
  url.searchParams.set("name", name);
  url.searchParams.set("type", type);
  let json;
  try {
    const response = await fetch(url, { headers: { Accept: "application/dns-json" } });
    if (!response.ok) throw { [mark]: constants.BADRESP };
    json = await response.json();
  } catch (e) {
    throw failed(name, e?.[mark] ?? constants.BADQUERY, syscall);
  }
  if (typeof json !== "object" || json === null || "error" in json || !json.Question?.[0]) throw failed(name, constants.BADRESP, syscall);
  const answers = json.Answer;
  if (!isArray(answers) || answers[0]?.name === "") throw failed(name, constants.NOTFOUND, syscall);
  return answers;
}

const undot = (s) => (stringEndsWith(s, ".") ? stringSlice(s, 0, -1) : s);
const int = (s) => parseInt(s, 10);
// octets is the bytes of an answer of a type that the server leaves as it was, "\\# 7 00 05 ...".
function octets(name, text, syscall) {
  const m = regExpExec(/^\\# (\d+)((?: [0-9a-fA-F]{2})*)$/, text);
  if (!m) throw failed(name, constants.BADRESP, syscall);
  return m[2] === "" ? [] : stringSplit(stringSlice(m[2], 1), " ").map((h) => parseInt(h, 16));
}
const chars = (list) => String.fromCharCode(...list);

const readers = {
  CAA(name, { data }) {
    const b = octets(name, data, "queryCaa"), size = b[1];
    if (!(b.length >= 2 + size)) throw failed(name, constants.BADRESP, "queryCaa");
    const field = chars(b.slice(2, 2 + size)), out = { critical: b[0] };
    if (field !== "issue" && field !== "issuewild" && field !== "iodef") throw failed(name, constants.BADRESP, "queryCaa");
    out[field] = chars(b.slice(2 + size));
    return out;
  },
  NAPTR(name, { data }) {
    const b = octets(name, data, "queryNaptr");
    let at = 4;
    const text = () => {
      const size = b[at];
      if (!(at + size < b.length)) throw failed(name, constants.BADRESP, "queryNaptr");
      const s = chars(b.slice(at + 1, at + 1 + size));
      at += 1 + size;
      return s;
    };
    const flags = text(), service = text(), regexp = text(), labels = [];
    while (b[at] > 0) labels.push(text());
    return { flags, service, regexp, replacement: labels.join("."), order: b[0] * 256 + b[1], preference: b[2] * 256 + b[3] };
  },
  CNAME: (name, { data }) => undot(data),
  NS: (name, { data }) => undot(data),
  PTR: (name, { data }) => undot(data),
  MX(name, { data }) {
    const [priority, exchange] = stringSplit(data, " ");
    if (exchange === undefined) throw failed(name, constants.BADRESP, "queryMx");
    return { exchange: undot(exchange), priority: int(priority) };
  },
  SRV(name, { data }) {
    const [priority, weight, port, target] = stringSplit(data, " ");
    if (target === undefined) throw failed(name, constants.BADRESP, "querySrv");
    return { priority: int(priority), weight: int(weight), port: int(port), name: target };
  },
  TXT(name, { data }) {
    if (data[0] !== '"' || !stringEndsWith(data, '"')) return [data];
    return (data.match(/"([^"]|"(?!"))*"/g) ?? []).map((s) => stringSlice(s, 1, -1));
  },
  SOA(name, { data }) {
    const [nsname, hostmaster, serial, refresh, retry, expire, minttl] = stringSplit(data, " ");
    if (minttl === undefined) throw failed(name, constants.BADRESP, "querySoa");
    return { nsname, hostmaster, serial: int(serial), refresh: int(refresh), retry: int(retry), expire: int(expire), minttl: int(minttl) };
  },
};
// records is the function that asks for the records of a type.
const records = (type) => (name) => {
  validateString(name, "name");
  return ask(name, type).then((list) => list.map((a) => readers[type](name, a)));
};
const addresses = (type) => (name, options) => {
  validateString(name, "name");
  return ask(name, type).then((list) => list.map((a) => (options?.ttl ? { ttl: a.TTL, address: a.data } : a.data)));
};
const absent = (name) => ({ async [name]() { throw new Error("Not implemented"); } })[name];

const dns = {
  resolve4: addresses("A"), resolve6: addresses("AAAA"), resolveAny: absent("resolveAny"), lookupService: absent("lookupService"),
  resolveCaa: records("CAA"), resolveCname: records("CNAME"), resolveMx: records("MX"), resolveNaptr: records("NAPTR"), resolveNs: records("NS"), resolvePtr: records("PTR"),
  resolveSrv: records("SRV"), resolveTxt: records("TXT"), reverse: records("PTR"),
  resolveSoa: (name) => records("SOA")(name).then((list) => {
    if (list.length === 0) throw failed(name, constants.NOTFOUND, "querySoa");
    return list[0];
  }),
  resolve(name, type = "A") {
    validateString(name, "name");
    if (type === "A") return dns.resolve4(name);
    if (type === "AAAA") return dns.resolve6(name);
    if (type === "ANY") return dns.resolveAny();
    if (type === "SOA") return dns.resolveSoa(name);
    if (typeof type !== "string" || !Object.hasOwn(readers, type)) throw new ERR_INVALID_ARG_VALUE("rrtype", type);
    return records(type)(name);
  },
};

let order = "verbatim";
const orders = ["verbatim", "ipv4first", "ipv6first"], families = [0, 4, 6];
const shared = {
  getServers: () => ["1.1.1.1", "2606:4700:4700::1111", "1.0.0.1", "2606:4700:4700::1001"],
  setServers() { throw new Error("Not implemented"); },
  getDefaultResultOrder: () => order,
  setDefaultResultOrder(value) {
    validateOneOf(value, "dnsOrder", orders);
    order = value;
  },
};

// find is the addresses of a host, of the family wanted and in the order wanted.
async function find(hostname, family, wanted) {
  const kind = isIP(hostname);
  if (kind) return [{ address: hostname, family: kind }];
  if (native.machine()) {
    // A program asks its machine, which has names of its own.
    const list = await new Promise((resolve, reject) => native.lookup(hostname, family, (e, list) => (e ? reject(e) : resolve(list))));
    const v4 = list.filter(([, f]) => f === 4), v6 = list.filter(([, f]) => f === 6);
    return (wanted === "ipv4first" ? [...v4, ...v6] : wanted === "ipv6first" ? [...v6, ...v4] : list).map(([address, family]) => ({ address, family }));
  }
  const of = (list, f) => list.map((a) => ({ address: a.data, family: f }));
  if (family === 4) return of(await ask(hostname, "A", "queryA"), 4);
  if (family === 6) return of(await ask(hostname, "AAAA", "queryAAAA"), 6);
  const [v4, v6] = await Promise.all([ask(hostname, "A").catch(() => []), ask(hostname, "AAAA").catch(() => [])]);
  if (v4.length + v6.length === 0) throw failed(hostname, constants.NOTFOUND, "queryA");
  return wanted === "ipv6first" ? [...of(v6, 6), ...of(v4, 4)] : [...of(v4, 4), ...of(v6, 6)];
}

function lookup(hostname, options, callback) {
  let family = 0, all = false, wanted = order;
  if (hostname) validateString(hostname, "hostname");
  if (typeof options === "function") {
    callback = options;
  } else if (typeof options === "number") {
    validateFunction(callback, "callback");
    validateOneOf(options, "family", families);
    family = options;
  } else if (options !== undefined && typeof options !== "object") {
    validateFunction(arguments.length === 2 ? options : callback, "callback");
    throw new ERR_INVALID_ARG_TYPE("options", ["integer", "object"], options);
  } else {
    validateFunction(callback, "callback");
    const given = (x) => x !== undefined && x !== null;
    if (given(options?.hints)) {
      validateNumber(options.hints, "options.hints");
      throw new ERR_OPTION_NOT_IMPLEMENTED("options.hints");
    }
    if (given(options?.family)) {
      family = options.family === "IPv4" ? 4 : options.family === "IPv6" ? 6 : options.family;
      validateOneOf(family, "options.family", families);
    }
    if (given(options?.all)) {
      validateBoolean(options.all, "options.all");
      all = options.all;
    }
    if (given(options?.verbatim)) {
      validateBoolean(options.verbatim, "options.verbatim");
      wanted = options.verbatim ? "verbatim" : "ipv4first";
    }
    if (given(options?.order)) {
      validateOneOf(options.order, "options.order", orders);
      wanted = options.order;
    }
  }
  if (!hostname) return void process.nextTick(callback, null, all ? [] : null, all ? undefined : family === 6 ? 6 : 4);
  find(hostname, family, wanted).then(
    (list) => process.nextTick(callback, null, ...(all ? [list] : [list[0].address, list[0].family])),
    (e) => process.nextTick(callback, e),
  );
}
return { constants, promised: dns, shared, lookup };
