// Regular expressions. What it is given is the engine's own, whatever scripts have changed.
(function (hidden, NativeRegExp, matchSymbol, replaceSymbol, speciesSymbol, create, defineProperty, getOwnPropertyDescriptor, setPrototypeOf, apply, shift, includes, slice, indexOf) {
  "use strict";
  const define = (o, key, value, flags) =>
    defineProperty(o, key, { __proto__: null, value, writable: false, enumerable: false, configurable: true, ...flags });

  // The wrapper of RegExp: what the engine cannot read is rewritten first.
  const RegExpPrototype = NativeRegExp.prototype;
  function isRegExp(v) {
    if (v === null || (typeof v !== "object" && typeof v !== "function")) return false;
    const m = v[matchSymbol];
    return m === undefined ? hidden.isRegExp(v) : !!m;
  }
  const Wrapped = function RegExp(pattern, flags) {
    const like = isRegExp(pattern);
    const target = new.target;
    if (target === undefined && like && flags === undefined && pattern.constructor === Wrapped) return pattern;
    let p = pattern, f = flags;
    if (hidden.isRegExp(pattern)) {
      p = hidden.source(pattern);
      if (flags === undefined) f = hidden.flags(pattern);
    } else if (like) {
      p = pattern.source;
      if (flags === undefined) f = pattern.flags;
    }
    p = p === undefined ? "" : `${p}`;
    f = f === undefined ? "" : `${f}`;
    const rx = hidden.needsHelp(p, f) ? hidden.regexp(p, f) : new NativeRegExp(p, f);
    if (target !== undefined && target !== Wrapped) {
      const prototype = target.prototype;
      if (prototype !== null && (typeof prototype === "object" || typeof prototype === "function")) {
        setPrototypeOf(rx, prototype);
        hidden.inherit(rx);
      }
    }
    return rx;
  };
  define(Wrapped, "prototype", RegExpPrototype, { configurable: false });
  defineProperty(Wrapped, speciesSymbol, { __proto__: null, get: getOwnPropertyDescriptor(NativeRegExp, speciesSymbol).get, enumerable: false, configurable: true });
  define(RegExpPrototype, "constructor", Wrapped, { writable: true });
  // The engine overlooks named groups in replacements: it passes none to a
  // function, and leaves $<name> alone when the subject is not ASCII.
  const nativeReplace = RegExpPrototype[replaceSymbol];
  const substitute = (text, match, captures, position, string, groups) => {
    let out = "";
    for (let i = 0; i < text.length; i++) {
      const next = text[i] === "$" ? text[i + 1] : undefined;
      if (next === "$") { out += "$"; i++; }
      else if (next === "&") { out += match; i++; }
      else if (next === "`") { out += apply(slice, string, [0, position]); i++; }
      else if (next === "'") { out += apply(slice, string, [position + match.length]); i++; }
      else if (next >= "0" && next <= "9") {
        let digits = 2;
        const second = text[i + 2];
        let n = second >= "0" && second <= "9" ? +(next + second) : 0;
        if (n < 1 || n > captures.length) { n = +next; digits = 1; }
        if (n < 1 || n > captures.length) out += "$";
        else { out += captures[n - 1] ?? ""; i += digits; }
      } else if (next === "<") {
        const end = apply(indexOf, text, [">", i]);
        if (end < 0) out += "$";
        else {
          out += groups[apply(slice, text, [i + 2, end])] ?? "";
          i = end;
        }
      } else out += text[i];
    }
    return out;
  };
  const replace = {
    [replaceSymbol](string, value) {
      let names;
      const call = typeof value === "function";
      if ((call || (typeof value === "string" && apply(includes, value, ["$<"]))) && (names = hidden.groups(this)) !== undefined) {
        const given = value;
        value = (...args) => {
          const captures = names.length;
          const groups = create(null);
          for (let i = 0; i < captures; i++) {
            const name = names[i];
            if (name !== "" && (groups[name] === undefined)) groups[name] = args[i + 1];
          }
          if (call) {
            args[captures + 3] = groups;
            return apply(given, undefined, args);
          }
          const match = args[0], position = args[captures + 1], subject = args[captures + 2];
          args.length = captures + 1;
          apply(shift, args, []);
          return substitute(given, match, args, position, subject, groups);
        };
      }
      return apply(nativeReplace, this, [string, value]);
    },
  }[replaceSymbol];
  define(RegExpPrototype, replaceSymbol, replace, { writable: true });
  return Wrapped;
})
