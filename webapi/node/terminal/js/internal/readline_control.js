
// The sequences that move a terminal's cursor.
const { ERR_INVALID_ARG_VALUE, make } = require("internal/codes");
const { validateFunction } = require("internal/validators");
const { isNaN } = Number;
const csi = (text) => `\x1b[${text}`;
function send(stream, text, callback) {
  if (callback !== undefined) validateFunction(callback, "callback");
  if (stream === null || stream === undefined || text === "") {
    if (typeof callback === "function") process.nextTick(callback, null);
    return true;
  }
  return stream.write(text, callback);
}
function cursorTo(stream, x, y, callback) {
  if (typeof y === "function") [y, callback] = [undefined, y];
  if (isNaN(x)) throw new ERR_INVALID_ARG_VALUE("x", x);
  if (isNaN(y)) throw new ERR_INVALID_ARG_VALUE("y", y);
  if (typeof x !== "number" && typeof y !== "number") return send(null, "", callback);
  if (typeof x !== "number") throw make(TypeError, "ERR_INVALID_CURSOR_POS", "Cannot set cursor row without setting its column");
  return send(stream, typeof y !== "number" ? csi(`${x + 1}G`) : csi(`${y + 1};${x + 1}H`), callback);
}
const moves = (dx, dy) => (dx < 0 ? csi(`${-dx}D`) : dx > 0 ? csi(`${dx}C`) : "") + (dy < 0 ? csi(`${-dy}A`) : dy > 0 ? csi(`${dy}B`) : "");
const moveCursor = (stream, dx, dy, callback) => send(stream, moves(dx, dy), callback);
const line = (dir) => csi(dir < 0 ? "1K" : dir > 0 ? "0K" : "2K");
const clearLine = (stream, dir, callback) => send(stream, line(dir), callback);
const clearScreenDown = (stream, callback) => send(stream, csi("0J"), callback);
return { cursorTo, moveCursor, clearLine, clearScreenDown, csi, moves, line };
