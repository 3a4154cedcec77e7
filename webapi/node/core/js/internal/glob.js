
// A glob as a regular expression over paths with slashes: *, **, ?, [...] and
// {a,b}.
const { stringReplaceAll } = primordials;
return function glob(pattern, windows) {
  if (windows) pattern = stringReplaceAll(pattern, "\\", "/");
  let out = "^", depth = 0;
  for (let i = 0; i < pattern.length; i++) {
    const c = pattern[i];
    if (c === "*") {
      if (pattern[i + 1] === "*") {
        const whole = (i === 0 || pattern[i - 1] === "/") && (i + 2 === pattern.length || pattern[i + 2] === "/");
        i++;
        if (whole && pattern[i + 1] === "/") {
          out += "(?:[^/]+/)*";
          i++;
        } else out += whole ? ".*" : "[^/]*";
      } else out += i === 0 || pattern[i - 1] === "/" ? "(?!\\.)[^/]*" : "[^/]*";
    } else if (c === "?") out += "[^/]";
    else if (c === "[") {
      let end = pattern.indexOf("]", i + 2);
      if (end < 0) out += "\\[";
      else {
        let set = pattern.slice(i + 1, end);
        if (set[0] === "!") set = "^" + set.slice(1);
        out += `[${set.replace(/\\/g, "\\\\")}]`;
        i = end;
      }
    } else if (c === "{") {
      out += "(?:";
      depth++;
    } else if (c === "}" && depth > 0) {
      out += ")";
      depth--;
    } else if (c === "," && depth > 0) out += "|";
    else if (c === "\\" && !windows && i + 1 < pattern.length) out += pattern[++i].replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
    else out += c.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  }
  while (depth-- > 0) out += ")";
  return new RegExp(out + "$", windows ? "i" : "");
};
