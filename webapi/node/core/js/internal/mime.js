
// util.MIMEType and MIMEParams.
const { ERR_INVALID_MIME_SYNTAX } = require("internal/codes");
const { stringToLowerCase, stringSlice, stringIndexOf, regExpTest, uncurry } = primordials;
const notToken = /[^!#$%&'*+\-.^_`|~A-Za-z0-9]/g;
const notQuoted = /[^\t\u0020-~\u0080-\u00FF]/g;
const search = (text, pattern) => {
  pattern.lastIndex = 0;
  const m = pattern.exec(text);
  return m === null ? -1 : m.index;
};
const endTrim = (s) => s.replace(/[\r\n\t ]+$/, "");
const startTrim = (s) => s.replace(/^[\r\n\t ]+/, "");

function splitType(text) {
  let at = text.search(/[^\r\n\t ]/);
  if (at < 0) at = text.length;
  const slash = text.indexOf("/", at);
  const typeText = slash < 0 ? text.slice(at) : text.slice(at, slash);
  let bad = search(typeText, notToken);
  if (typeText === "" || bad !== -1 || slash < 0) throw new ERR_INVALID_MIME_SYNTAX("type", text, bad);
  let end = text.indexOf(";", slash + 1);
  const subtypeText = endTrim(end < 0 ? text.slice(slash + 1) : text.slice(slash + 1, end));
  bad = search(subtypeText, notToken);
  if (subtypeText === "" || bad !== -1) throw new ERR_INVALID_MIME_SYNTAX("subtype", text, bad);
  if (end < 0) end = text.length;
  return [stringToLowerCase(typeText), stringToLowerCase(subtypeText), text.slice(end + 1)];
}

const quote = (value) => {
  if (value.length === 0) return '""';
  if (search(value, notToken) === -1) return value;
  return `"${value.replace(/["\\]/g, "\\$&")}"`;
};

class MIMEParams {
  #map = new Map();
  delete(name) { this.#map.delete(stringToLowerCase(`${name}`)); }
  get(name) {
    name = `${name}`;
    return this.#map.has(name) ? this.#map.get(name) : null;
  }
  has(name) { return this.#map.has(`${name}`); }
  set(name, value) {
    name = stringToLowerCase(`${name}`);
    value = `${value}`;
    const badName = search(name, notToken);
    if (name.length === 0 || badName !== -1) throw new ERR_INVALID_MIME_SYNTAX("parameter name", name, badName);
    const badValue = search(value, notQuoted);
    if (badValue !== -1) throw new ERR_INVALID_MIME_SYNTAX("parameter value", value, badValue);
    this.#map.set(name, value);
  }
  entries() { return this.#map.entries(); }
  keys() { return this.#map.keys(); }
  values() { return this.#map.values(); }
  toString() {
    const out = [];
    for (const [name, value] of this.#map) out.push(`${name}=${quote(value)}`);
    return out.join("; ");
  }
  toJSON() { return this.toString(); }
  static read(params, text) {
    const map = params.#map;
    let at = 0;
    while (at < text.length) {
      while (at < text.length && /[\r\n\t ]/.test(text[at])) at++;
      let end = at;
      while (end < text.length && text[end] !== ";" && text[end] !== "=") end++;
      const name = stringToLowerCase(text.slice(at, end));
      at = end;
      if (text[at] === ";") {
        at++;
        continue;
      }
      if (at >= text.length) break;
      at++;
      let value = null;
      if (text[at] === '"') {
        value = "";
        at++;
        while (at < text.length && text[at] !== '"') {
          if (text[at] === "\\" && at + 1 < text.length) at++;
          value += text[at++];
        }
        at++;
        while (at < text.length && text[at] !== ";") at++;
      } else {
        end = text.indexOf(";", at);
        if (end < 0) end = text.length;
        value = endTrim(text.slice(at, end));
        at = end;
        if (value === "") {
          at++;
          continue;
        }
      }
      at++;
      if (name !== "" && search(name, notToken) === -1 && search(value, notQuoted) === -1 && !map.has(name)) map.set(name, value);
    }
  }
}
const { read } = MIMEParams;
delete MIMEParams.read;
Object.defineProperty(MIMEParams.prototype, Symbol.iterator, { value: MIMEParams.prototype.entries, writable: true, configurable: true });

class MIMEType {
  #type;
  #subtype;
  #params;
  constructor(text) {
    text = `${text}`;
    const [type, subtype, rest] = splitType(text);
    this.#type = type;
    this.#subtype = subtype;
    this.#params = new MIMEParams();
    read(this.#params, rest);
  }
  get type() { return this.#type; }
  set type(v) {
    v = `${v}`;
    const bad = search(v, notToken);
    if (v.length === 0 || bad !== -1) throw new ERR_INVALID_MIME_SYNTAX("type", v, bad);
    this.#type = stringToLowerCase(v);
  }
  get subtype() { return this.#subtype; }
  set subtype(v) {
    v = `${v}`;
    const bad = search(v, notToken);
    if (v.length === 0 || bad !== -1) throw new ERR_INVALID_MIME_SYNTAX("subtype", v, bad);
    this.#subtype = stringToLowerCase(v);
  }
  get essence() { return `${this.#type}/${this.#subtype}`; }
  get params() { return this.#params; }
  toString() {
    const params = this.#params.toString();
    return `${this.#type}/${this.#subtype}${params.length > 0 ? `;${params}` : ""}`;
  }
  toJSON() { return this.toString(); }
}
return { MIMEType, MIMEParams };
