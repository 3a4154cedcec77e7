
// Arguments of node:fs, on either file system.
const { ERR_INVALID_ARG_VALUE } = require("internal/codes");
const { validateInt32, validateUint32 } = require("internal/validators");
const { O_RDONLY, O_WRONLY, O_RDWR, O_APPEND, O_CREAT, O_EXCL, O_SYNC, O_TRUNC } = require("internal/fs_constants");

function fdOf(fd, name = "fd") {
  if (Object.is(fd, -0)) return 0;
  validateInt32(fd, name, 0);
  return fd;
}

function fileMode(value, name, fallback) {
  if (fallback !== undefined) value ??= fallback;
  if (typeof value === "string") {
    if (!/^[0-7]+$/.test(value)) throw new ERR_INVALID_ARG_VALUE(name, value, "must be a 32-bit unsigned integer or an octal string");
    value = Number.parseInt(value, 8);
  }
  validateUint32(value, name);
  return value;
}

const flagTable = { __proto__: null };
for (const [names, flags] of [
  ["r", O_RDONLY], ["rs sr", O_RDONLY | O_SYNC], ["r+", O_RDWR], ["rs+ sr+", O_RDWR | O_SYNC], ["w", O_TRUNC | O_CREAT | O_WRONLY], ["wx xw", O_TRUNC | O_CREAT | O_WRONLY | O_EXCL],
  ["w+", O_TRUNC | O_CREAT | O_RDWR], ["wx+ xw+", O_TRUNC | O_CREAT | O_RDWR | O_EXCL], ["a", O_APPEND | O_CREAT | O_WRONLY], ["ax xa", O_APPEND | O_CREAT | O_WRONLY | O_EXCL],
  ["as sa", O_APPEND | O_CREAT | O_WRONLY | O_SYNC], ["a+", O_APPEND | O_CREAT | O_RDWR], ["ax+ xa+", O_APPEND | O_CREAT | O_RDWR | O_EXCL], ["as+ sa+", O_APPEND | O_CREAT | O_RDWR | O_SYNC],
]) {
  for (const name of names.split(" ")) flagTable[name] = flags;
}
function flagsOf(flags, name = "flags") {
  if (typeof flags === "number") {
    validateInt32(flags, name);
    return flags;
  }
  if (flags === undefined || flags === null) return O_RDONLY;
  const known = flagTable[flags];
  if (known === undefined) throw new ERR_INVALID_ARG_VALUE("flags", flags);
  return known;
}

return { fdOf, fileMode, flagsOf };
