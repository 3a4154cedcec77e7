
// fs.glob: patterns of paths, walked part by part.
const { validateObject, validateString } = require("internal/validators");
const fs = require("internal/fs");

// braces are all patterns that {a,b} and {1..3} stand for.
function braces(pattern, budget = { left: 1000 }) {
  let depth = 0, start = -1, commas = [];
  for (let i = 0; i < pattern.length; i++) {
    const c = pattern[i];
    if (c === "\\") i++;
    else if (c === "{") {
      if (depth++ === 0) {
        start = i;
        commas = [];
      }
    } else if (c === "," && depth === 1) commas.push(i);
    else if (c === "}" && depth > 0 && --depth === 0) {
      const inner = pattern.slice(start + 1, i);
      let parts = null;
      const range = /^(-?\d+)\.\.(-?\d+)$/.exec(inner);
      if (commas.length > 0) {
        parts = [];
        let from = start + 1;
        for (const at of [...commas, i]) {
          parts.push(pattern.slice(from, at));
          from = at + 1;
        }
      } else if (range) {
        const a = +range[1], b = +range[2], step = a <= b ? 1 : -1;
        parts = [];
        for (let n = a; parts.length < 1000 && (step > 0 ? n <= b : n >= b); n += step) parts.push(String(n));
      }
      if (parts) {
        const out = [], head = pattern.slice(0, start), tail = pattern.slice(i + 1);
        for (const part of parts) {
          for (const p of braces(head + part + tail, budget)) {
            if (budget.left-- <= 0) return out;
            out.push(p);
          }
        }
        return out;
      }
    }
  }
  return [pattern];
}

const special = /[\\^$.*+?()[\]{}|]/;
// segment is one part of a pattern as a regular expression.
function segment(text) {
  let out = "";
  const close = [];
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if ("?*+@!".includes(c) && text[i + 1] === "(") {
      close.push(c);
      out += c === "!" ? "(?:(?!(?:" : "(?:";
      i++;
    } else if (c === ")" && close.length > 0) {
      const kind = close.pop();
      out += kind === "!" ? ")$)[^/]*)" : kind === "@" ? ")" : `)${kind}`;
    } else if (c === "|" && close.length > 0) out += "|";
    else if (c === "*") out += "[^/]*";
    else if (c === "?") out += "[^/]";
    else if (c === "[") {
      const end = text.indexOf("]", i + 2);
      if (end < 0) out += "\\[";
      else {
        let set = text.slice(i + 1, end);
        if (set[0] === "!" || set[0] === "^") set = `^${set.slice(1)}`;
        out += `[${set.replace(/\\/g, "\\\\")}]`;
        i = end;
      }
    } else if (c === "\\" && i + 1 < text.length) out += text[++i].replace(special, "\\$&");
    else out += special.test(c) ? `\\${c}` : c;
  }
  const pattern = new RegExp(`^${out}$`);
  // A leading dot is matched by a dot only.
  const dots = text[0] === "." || (/^[@+?*!]\(/.test(text) && text.includes("("));
  return (name) => (name[0] !== "." || dots ? pattern.test(name) : false);
}
const isPlain = (text) => !/[*?[\]()\\!+@|]/.test(text);

return function glob(pattern, options = {}) {
  const patterns = typeof pattern === "string" ? [pattern] : [...pattern];
  for (const p of patterns) validateString(p, "pattern");
  validateObject(options, "options");
  const cwd = options.cwd instanceof URL ? options.cwd.pathname : options.cwd ?? fs.cwd();
  validateString(cwd, "options.cwd");
  const { withFileTypes = false, exclude } = options;
  const lists = new Map();
  const list = (dir) => {
    let entries = lists.get(dir);
    if (entries === undefined) {
      try {
        entries = fs.readdir(fs.pathOf(dir), false);
      } catch {
        entries = [];
      }
      lists.set(dir, entries);
    }
    return entries;
  };
  const join = (dir, name) => (dir.endsWith("/") ? dir + name : `${dir}/${name}`);
  return () => {
    const found = new Map();
    const walk = (dir, shown, parts, at, type) => {
      if (at === parts.length) {
        if (shown !== "" && !found.has(shown)) found.set(shown, type);
        return;
      }
      const part = parts[at];
      if (part.text === "**") {
        walk(dir, shown, parts, at + 1, type);
        for (const [name, , kind] of list(dir)) {
          const path = shown === "" ? name : `${shown}/${name}`;
          if (kind === 2) walk(join(dir, name), path, parts, at, kind);
          else if (at === parts.length - 1) walk(dir, path, parts, parts.length, kind);
        }
        return;
      }
      if (part.text === ".") {
        if (at === parts.length - 1 && shown === "") {
          if (!found.has(".")) found.set(".", 2);
          return;
        }
        walk(dir, shown, parts, at + 1, type);
        return;
      }
      if (part.text === "..") {
        const up = shown.lastIndexOf("/");
        walk(join(dir, ".."), shown === "" || shown.endsWith("..") ? `${shown === "" ? "" : `${shown}/`}..` : shown.slice(0, Math.max(up, 0)), parts, at + 1, 2);
        return;
      }
      for (const [name, , kind] of list(dir)) {
        if (part.plain ? name !== part.text : !part.test(name)) continue;
        const path = shown === "" ? name : `${shown}/${name}`;
        if (at === parts.length - 1) walk(dir, path, parts, parts.length, kind);
        else if (kind === 2 || kind === 3) walk(join(dir, name), path, parts, at + 1, kind);
      }
    };
    for (const p of patterns) {
      for (const one of braces(p)) {
        const parts = [];
        for (const text of one.replace(/\/+/g, "/").split("/")) {
          if (text === "" || (text === "**" && parts.at(-1)?.text === "**")) continue;
          parts.push({ text, plain: isPlain(text), test: segment(text) });
        }
        if (parts.length > 0) walk(one[0] === "/" ? "/" : cwd, "", parts, 0, 2);
      }
    }
    let refuse = () => false;
    if (Array.isArray(exclude)) {
      const tests = exclude.flatMap((x) => braces(x)).map((x) => require("internal/glob")(x, false));
      refuse = (path) => tests.some((re) => re.test(path) || re.test(path.split("/").pop()));
    }
    const out = [];
    for (const [path, type] of found) {
      if (refuse(path)) continue;
      const parts = path.split("/"), name = parts.pop();
      const item = withFileTypes ? new fs.Dirent(name, type, cwd + (parts.length ? `/${parts.join("/")}` : "")) : path;
      if (typeof exclude === "function" && exclude(item)) continue;
      out.push(item);
    }
    return out;
  };
};
