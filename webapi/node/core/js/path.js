
// node:path: posix and win32. What is relative is so to the root: paths know of no
// process.
const { validateString, validateObject } = require("internal/validators");
const { stringCharCodeAt: at, stringSlice: cut, stringLastIndexOf, stringToLowerCase, join: joinList, regExpTest, forEach, defineProperty } = primordials;
const SLASH = 47, BACK = 92, DOT = 46, COLON = 58;
const isSlash = (c) => c === SLASH;
const isEither = (c) => c === SLASH || c === BACK;
const isLetter = (c) => (c >= 65 && c <= 90) || (c >= 97 && c <= 122);
const cwd = () => native.cwd();

// collapse resolves "." and ".." of a path without its root.
function collapse(path, aboveRoot, separator, isSeparator) {
  const parts = [];
  let start = 0;
  for (let i = 0; i <= path.length; i++) {
    if (i < path.length && !isSeparator(at(path, i))) continue;
    const part = cut(path, start, i);
    start = i + 1;
    if (part === "" || part === ".") continue;
    if (part === "..") {
      if (parts.length > 0 && parts[parts.length - 1] !== "..") parts.length--;
      else if (aboveRoot) parts[parts.length] = "..";
      continue;
    }
    parts[parts.length] = part;
  }
  return joinList(parts, separator);
}

function formatWith(separator, o) {
  validateObject(o, "pathObject");
  const dir = o.dir || o.root;
  const base = o.base || `${o.name || ""}${o.ext ? `${o.ext[0] === "." ? "" : "."}${o.ext}` : ""}`;
  if (!dir) return base;
  return dir === o.root ? `${dir}${base}` : `${dir}${separator}${base}`;
}

// lastPart is where the last part of a path begins and ends, not before start.
function lastPart(path, start, isSeparator) {
  let end = path.length;
  while (end > start && isSeparator(at(path, end - 1))) end--;
  let begin = end;
  while (begin > start && !isSeparator(at(path, begin - 1))) begin--;
  return [begin, end];
}

function extensionOf(base) {
  const dot = stringLastIndexOf(base, ".");
  return dot <= 0 || base === ".." ? "" : cut(base, dot);
}

function baseWithout(base, path, suffix) {
  if (suffix === undefined) return base;
  if (suffix === path) return "";
  return suffix.length > 0 && base.length > suffix.length && base.endsWith(suffix) ? cut(base, 0, base.length - suffix.length) : base;
}

const posix = {
  resolve(...args) {
    let resolved = "", absolute = false;
    for (let i = args.length - 1; i >= -1 && !absolute; i--) {
      const path = i >= 0 ? args[i] : cwd();
      validateString(path, `paths[${i}]`);
      if (path.length === 0) continue;
      resolved = `${path}/${resolved}`;
      absolute = at(path, 0) === SLASH;
    }
    resolved = collapse(resolved, !absolute, "/", isSlash);
    if (absolute) return `/${resolved}`;
    return resolved.length > 0 ? resolved : ".";
  },
  normalize(path) {
    validateString(path, "path");
    if (path.length === 0) return ".";
    const absolute = at(path, 0) === SLASH, trailing = at(path, path.length - 1) === SLASH;
    path = collapse(path, !absolute, "/", isSlash);
    if (path.length === 0) {
      if (absolute) return "/";
      return trailing ? "./" : ".";
    }
    if (trailing) path += "/";
    return absolute ? `/${path}` : path;
  },
  isAbsolute(path) {
    validateString(path, "path");
    return path.length > 0 && at(path, 0) === SLASH;
  },
  join(...args) {
    if (args.length === 0) return ".";
    const parts = [];
    for (const arg of args) {
      validateString(arg, "path");
      if (arg.length > 0) parts[parts.length] = arg;
    }
    return parts.length === 0 ? "." : posix.normalize(joinList(parts, "/"));
  },
  relative(from, to) {
    validateString(from, "from");
    validateString(to, "to");
    if (from === to) return "";
    from = posix.resolve(from);
    to = posix.resolve(to);
    return from === to ? "" : relation(cut(from, 1), cut(to, 1), cut(from, 1), cut(to, 1), "/", SLASH);
  },
  toNamespacedPath(path) { return path; },
  dirname(path) {
    validateString(path, "path");
    if (path.length === 0) return ".";
    const [begin] = lastPart(path, 0, isSlash);
    if (begin === 0) return at(path, 0) === SLASH ? "/" : ".";
    let end = begin;
    if (end === 1) return "/";
    // One separator belongs to the last part; more stay.
    end--;
    if (end === 1 && at(path, 0) === SLASH && at(path, 1) !== SLASH) return cut(path, 0, 1) === "/" && end === 1 ? "/" : cut(path, 0, end);
    if (end === 1 && at(path, 0) === SLASH) return "//";
    return end === 0 ? "/" : cut(path, 0, end);
  },
  basename(path, suffix) {
    if (suffix !== undefined) validateString(suffix, "suffix");
    validateString(path, "path");
    const [begin, end] = lastPart(path, 0, isSlash);
    return baseWithout(cut(path, begin, end), path, suffix);
  },
  extname(path) {
    validateString(path, "path");
    const [begin, end] = lastPart(path, 0, isSlash);
    return extensionOf(cut(path, begin, end));
  },
  format: (o) => formatWith("/", o),
  parse(path) {
    validateString(path, "path");
    const out = { root: "", dir: "", base: "", ext: "", name: "" };
    if (path.length === 0) return out;
    const absolute = at(path, 0) === SLASH;
    if (absolute) out.root = "/";
    const [begin, end] = lastPart(path, absolute ? 1 : 0, isSlash);
    out.base = cut(path, begin, end);
    out.ext = extensionOf(out.base);
    out.name = out.ext ? cut(out.base, 0, out.base.length - out.ext.length) : out.base;
    if (begin > (absolute ? 1 : 0)) out.dir = cut(path, 0, begin - 1);
    else if (absolute) out.dir = "/";
    return out;
  },
  sep: "/",
  delimiter: ":",
  win32: null,
  posix: null,
};

// relation is the way from one absolute path to another, both without their root;
// the first two are what is compared, the last two what is printed.
function relation(from, to, shownFrom, shownTo, separator, code) {
  const a = from === "" ? [] : from.split(separator), b = to === "" ? [] : to.split(separator);
  const shown = shownTo === "" ? [] : shownTo.split(separator);
  let i = 0;
  while (i < a.length && i < b.length && a[i] === b[i]) i++;
  const out = [];
  for (let k = i; k < a.length; k++) if (a[k] !== "") out[out.length] = "..";
  for (let k = i; k < shown.length; k++) out[out.length] = shown[k];
  return joinList(out, separator);
}

// winRoot takes a Windows path apart: the device ("C:" or "\\\\host\\share"), how
// long the root is, and whether the path is absolute.
function winRoot(path) {
  const n = path.length;
  if (n === 0) return { device: "", end: 0, absolute: false, unc: false };
  const first = at(path, 0);
  if (isEither(first)) {
    if (n > 1 && isEither(at(path, 1))) {
      let i = 2, last = 2;
      while (i < n && !isEither(at(path, i))) i++;
      if (i < n && i !== last) {
        const host = cut(path, last, i);
        last = i;
        while (i < n && isEither(at(path, i))) i++;
        if (i < n && i !== last) {
          last = i;
          while (i < n && !isEither(at(path, i))) i++;
          if (host !== "." && host !== "?") {
            if (i === n || i !== last) return { device: `\\\\${host}\\${cut(path, last, i)}`, end: i, absolute: true, unc: true, whole: i === n };
          } else return { device: `\\\\${host}`, end: 4, absolute: true, unc: true, namespace: true };
        }
      }
    }
    return { device: "", end: 1, absolute: true, unc: false };
  }
  if (isLetter(first) && n > 1 && at(path, 1) === COLON) {
    const absolute = n > 2 && isEither(at(path, 2));
    return { device: cut(path, 0, 2), end: absolute ? 3 : 2, absolute, unc: false };
  }
  return { device: "", end: 0, absolute: false, unc: false };
}

const win32 = {
  resolve(...args) {
    let device = "", tail = "", absolute = false;
    for (let i = args.length - 1; i >= -1; i--) {
      let path;
      if (i >= 0) {
        path = args[i];
        validateString(path, `paths[${i}]`);
        if (path.length === 0) continue;
      } else if (device.length === 0) {
        path = cwd();
      } else {
        const env = globalThis.process?.env;
        path = env?.[`=${device}`] || cwd();
        if (path === undefined || (stringToLowerCase(cut(path, 0, 2)) !== stringToLowerCase(device) && at(path, 2) === BACK)) path = `${device}\\`;
      }
      const root = winRoot(path);
      if (root.device.length > 0) {
        if (device.length > 0) {
          if (stringToLowerCase(root.device) !== stringToLowerCase(device)) continue;
        } else device = root.device;
      }
      if (absolute) {
        if (device.length > 0) break;
      } else {
        tail = `${cut(path, root.end)}\\${tail}`;
        absolute = root.absolute;
        if (absolute && device.length > 0) break;
      }
    }
    tail = collapse(tail, !absolute, "\\", isEither);
    return absolute ? `${device}\\${tail}` : `${device}${tail}` || ".";
  },
  normalize(path) {
    validateString(path, "path");
    const n = path.length;
    if (n === 0) return ".";
    if (n === 1) return isEither(at(path, 0)) ? "\\" : path;
    const root = winRoot(path);
    if (root.unc && root.whole) return `${root.device}\\`;
    let tail = root.end < n ? collapse(cut(path, root.end), !root.absolute, "\\", isEither) : "";
    if (tail.length === 0 && !root.absolute) tail = ".";
    if (tail.length > 0 && isEither(at(path, n - 1))) tail += "\\";
    if (root.device === "") return root.absolute ? `\\${tail}` : tail;
    return root.absolute ? `${root.device}\\${tail}` : `${root.device}${tail}`;
  },
  isAbsolute(path) {
    validateString(path, "path");
    const n = path.length;
    if (n === 0) return false;
    return isEither(at(path, 0)) || (n > 2 && isLetter(at(path, 0)) && at(path, 1) === COLON && isEither(at(path, 2)));
  },
  join(...args) {
    if (args.length === 0) return ".";
    let joined, first;
    for (const arg of args) {
      validateString(arg, "path");
      if (arg.length === 0) continue;
      if (joined === undefined) joined = first = arg;
      else joined += `\\${arg}`;
    }
    if (joined === undefined) return ".";
    // Two separators at the begin would make a network share; that is only meant
    // where the first argument has exactly two.
    let needsReplace = true, slashes = 0;
    if (isEither(at(first, 0))) {
      ++slashes;
      if (first.length > 1 && isEither(at(first, 1))) {
        ++slashes;
        if (first.length > 2) {
          if (isEither(at(first, 2))) ++slashes;
          else needsReplace = false;
        }
      }
    }
    if (needsReplace) {
      while (slashes < joined.length && isEither(at(joined, slashes))) slashes++;
      if (slashes >= 2) joined = `\\${cut(joined, slashes)}`;
    }
    return win32.normalize(joined);
  },
  relative(from, to) {
    validateString(from, "from");
    validateString(to, "to");
    if (from === to) return "";
    const fromFull = win32.resolve(from), toFull = win32.resolve(to);
    if (fromFull === toFull) return "";
    from = stringToLowerCase(fromFull);
    to = stringToLowerCase(toFull);
    if (from === to) return "";
    const trim = (p) => {
      let start = 0, end = p.length;
      while (start < end && at(p, start) === BACK) start++;
      while (end - 1 > start && at(p, end - 1) === BACK) end--;
      return [start, end];
    };
    const [fs, fe] = trim(from), [ts, te] = trim(to);
    const a = cut(from, fs, fe).split("\\"), b = cut(to, ts, te).split("\\");
    if (a[0] !== b[0]) return toFull;
    // Shares on one host are as far apart as disks.
    if (ts >= 2 && (a[1] !== b[1])) return toFull;
    return relation(cut(from, fs, fe), cut(to, ts, te), cut(fromFull, fs, fe), cut(toFull, ts, te), "\\", BACK);
  },
  toNamespacedPath(path) {
    if (typeof path !== "string" || path.length === 0) return path;
    const resolved = win32.resolve(path);
    if (resolved.length <= 2) return path;
    if (at(resolved, 0) === BACK) {
      if (at(resolved, 1) === BACK) {
        const code = at(resolved, 2);
        if (code !== 63 && code !== DOT) return `\\\\?\\UNC\\${cut(resolved, 2)}`;
      }
    } else if (isLetter(at(resolved, 0)) && at(resolved, 1) === COLON && at(resolved, 2) === BACK) return `\\\\?\\${resolved}`;
    return resolved;
  },
  dirname(path) {
    validateString(path, "path");
    const n = path.length;
    if (n === 0) return ".";
    if (n === 1) return isEither(at(path, 0)) ? path : ".";
    const root = winRoot(path);
    let rootEnd = root.end, start = root.end;
    if (root.unc) {
      if (root.whole) return path;
      // The separator after the share belongs to the root.
      rootEnd = start = root.end + 1;
    } else if (root.device === "" && root.absolute) rootEnd = start = 1;
    const [begin, end] = lastPart(path, Math.min(start, n), isEither);
    if (begin <= start) {
      if (rootEnd === 0) return ".";
      return cut(path, 0, rootEnd);
    }
    let stop = begin - 1;
    if (stop < rootEnd) stop = rootEnd;
    return cut(path, 0, stop);
  },
  basename(path, suffix) {
    if (suffix !== undefined) validateString(suffix, "suffix");
    validateString(path, "path");
    const start = path.length >= 2 && isLetter(at(path, 0)) && at(path, 1) === COLON ? 2 : 0;
    const [begin, end] = lastPart(path, start, isEither);
    return baseWithout(cut(path, begin, end), path, suffix);
  },
  extname(path) {
    validateString(path, "path");
    const start = path.length >= 2 && isLetter(at(path, 0)) && at(path, 1) === COLON ? 2 : 0;
    const [begin, end] = lastPart(path, start, isEither);
    return extensionOf(cut(path, begin, end));
  },
  format: (o) => formatWith("\\", o),
  parse(path) {
    validateString(path, "path");
    const out = { root: "", dir: "", base: "", ext: "", name: "" };
    const n = path.length;
    if (n === 0) return out;
    const root = winRoot(path);
    let rootEnd = root.end;
    if (root.unc && !root.whole && !root.namespace) rootEnd = root.end + 1;
    if (root.namespace) rootEnd = root.end;
    out.root = cut(path, 0, rootEnd);
    const [begin, end] = lastPart(path, Math.min(rootEnd, n), isEither);
    out.base = cut(path, begin, end);
    out.ext = extensionOf(out.base);
    out.name = out.ext ? cut(out.base, 0, out.base.length - out.ext.length) : out.base;
    if (begin > 0 && begin !== rootEnd) out.dir = cut(path, 0, begin - 1);
    else out.dir = out.root;
    return out;
  },
  sep: "\\",
  delimiter: ";",
  win32: null,
  posix: null,
};
forEach([posix, win32], (p) => {
  forEach(["resolve", "normalize", "join", "relative", "dirname", "basename", "extname", "parse"], (name) => { defineProperty(p[name], "name", { __proto__: null, value: name }); });
  p._makeLong = p.toNamespacedPath;
  p.posix = posix;
  p.win32 = win32;
  p.matchesGlob = (path, pattern) => {
    validateString(path, "path");
    validateString(pattern, "pattern");
    return regExpTest(require("internal/glob")(pattern, p === win32), p === win32 ? path.replaceAll("\\", "/") : path);
  };
});
return posix;
