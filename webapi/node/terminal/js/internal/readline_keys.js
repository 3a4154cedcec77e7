
// The keys that bytes from a terminal mean.
const named = {
  __proto__: null,
  "[A": "up", "[B": "down", "[C": "right", "[D": "left", "[E": "clear", "[F": "end", "[H": "home", "OA": "up", "OB": "down", "OC": "right", "OD": "left", "OE": "clear", "OF": "end", "OH": "home",
  "OP": "f1", "OQ": "f2", "OR": "f3", "OS": "f4", "[P": "f1", "[Q": "f2", "[R": "f3", "[S": "f4", "[1~": "home", "[2~": "insert", "[3~": "delete", "[4~": "end", "[5~": "pageup", "[6~": "pagedown",
  "[7~": "home", "[8~": "end", "[11~": "f1", "[12~": "f2", "[13~": "f3", "[14~": "f4", "[15~": "f5", "[17~": "f6", "[18~": "f7", "[19~": "f8", "[20~": "f9", "[21~": "f10", "[23~": "f11", "[24~": "f12",
  "[200~": "paste-start", "[201~": "paste-end", "[Z": "tab",
};
// sequence is an escape sequence at the begin of text, null for none, "" for the part of one.
function sequence(text) {
  const m = /^\x1b\x1b?(?:O[A-Za-z]|\[\[[A-E]|\[[0-9;]*[A-Za-z~^$])/.exec(text);
  if (m) return m[0];
  return /^\x1b(?:\x1b)?(?:O|\[\[?[0-9;]*)?$/.test(text) ? "" : null;
}
// keys are [text, key] of what is whole in text, and the rest; last says that no more comes.
function keys(text, last) {
  const out = [];
  while (text !== "") {
    const key = { sequence: undefined, name: undefined, ctrl: false, meta: false, shift: false };
    let taken = String.fromCodePoint(text.codePointAt(0));
    if (taken === "\x1b") {
      const whole = sequence(text);
      if (whole === "" && !last) return [out, text];
      if (whole) {
        taken = whole;
        let code = whole.replace(/^\x1b+/, "");
        if (whole.startsWith("\x1b\x1b")) key.meta = true;
        const m = /^(\[|O)(\d*)(?:;(\d+))?([A-Za-z~^$])$/.exec(code);
        if (m) {
          const bits = (m[3] ? +m[3] : m[4] !== "~" && m[2] && m[1] === "O" ? +m[2] : 1) - 1;
          code = m[1] + (m[4] === "~" || m[4] === "^" || m[4] === "$" ? m[2] : "") + (m[4] === "^" || m[4] === "$" ? "~" : m[4]);
          key.ctrl = Boolean(bits & 4) || m[4] === "^";
          key.meta = key.meta || Boolean(bits & 10);
          key.shift = Boolean(bits & 1) || m[4] === "$" || code === "[Z";
        }
        key.code = code;
        key.name = named[code] ?? "undefined";
      } else if (text.length > 1) {
        const next = String.fromCodePoint(text.codePointAt(1));
        taken = "\x1b" + next;
        Object.assign(key, plain(next), { meta: true });
      } else {
        key.name = "escape";
        key.meta = true;
      }
    } else Object.assign(key, plain(taken));
    key.sequence = taken;
    out.push([taken.length === 1 || (taken[0] !== "\x1b" && key.name === undefined) ? (key.name === "escape" ? undefined : taken) : undefined, key]);
    if (out[out.length - 1][0] === undefined && taken[0] !== "\x1b") out[out.length - 1][0] = taken;
    text = text.slice(taken.length);
  }
  return [out, ""];
}
function plain(c) {
  switch (c) {
    case "\r": return { name: "return" };
    case "\n": return { name: "enter" };
    case "\t": return { name: "tab" };
    case "\b": case "\x7f": return { name: "backspace" };
    case "\x1b": return { name: "escape" };
    case " ": return { name: "space" };
  }
  if (c <= "\x1a") return { name: String.fromCharCode(c.charCodeAt(0) + 96), ctrl: true };
  if (c === "\x1f") return { name: "_", ctrl: true };
  if (/^[a-z]$/.test(c)) return { name: c };
  if (/^[A-Z]$/.test(c)) return { name: c.toLowerCase(), shift: true };
  if (/^[0-9]$/.test(c)) return { name: c };
  return {};
}
return { keys };
