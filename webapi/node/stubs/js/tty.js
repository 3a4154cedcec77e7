
// node:tty: streams that are no terminals.
const { Socket } = require("node:net");
const { setPrototypeOf } = primordials;
function ReadStream(fd) {
  if (!(this instanceof ReadStream)) return new ReadStream(fd);
  this.fd = fd;
  this.isRaw = false;
  this.isTTY = false;
}
setPrototypeOf(ReadStream.prototype, Socket.prototype);
setPrototypeOf(ReadStream, Socket);
ReadStream.prototype.setRawMode = function (mode) {
  this.isRaw = mode;
  return this;
};
function WriteStream(fd) {
  if (!(this instanceof WriteStream)) return new WriteStream(fd);
  this.fd = fd;
  this.columns = 0;
  this.rows = 0;
}
setPrototypeOf(WriteStream.prototype, Socket.prototype);
setPrototypeOf(WriteStream, Socket);
const called = (...args) => {
  for (const a of args) {
    if (typeof a === "function") {
      a();
      break;
    }
  }
  return false;
};
Object.assign(WriteStream.prototype, {
  isTTY: true,
  getColorDepth() { return 8; },
  hasColors() { return false; },
  _refreshSize() {},
  cursorTo(x, y, callback) { return called(y, callback); },
  moveCursor(dx, dy, callback) { return called(callback); },
  clearLine(dir, callback) { return called(callback); },
  clearScreenDown(callback) { return called(callback); },
  getWindowSize() { return [this.columns ?? 0, this.rows ?? 0]; },
});
return { isatty: () => false, ReadStream, WriteStream };
