
// process.stdout and stderr of a program: what is written is written at once.
const { Writable } = require("node:stream");
const { Buffer } = require("node:buffer");
const { defineProperty } = primordials;

class Output extends Writable {
  constructor(fd) {
    super({ decodeStrings: false, autoDestroy: false, emitClose: false });
    this.fd = fd;
    this._type = "pipe";
    this._isStdio = true;
    const tty = native.isTTY(fd);
    if (tty) {
      this.isTTY = true;
      this._type = "tty";
      [this.columns, this.rows] = native.size(fd);
    }
  }
  _write(chunk, encoding, cb) {
    try {
      native.write(this.fd, typeof chunk === "string" ? Buffer.from(chunk, encoding) : chunk);
    } catch (e) {
      cb(e);
      return;
    }
    cb();
  }
  // Nothing closes the streams of a process.
  _destroy(error, cb) { cb(error); }
  getColorDepth() { return 1; }
  hasColors() { return false; }
  getWindowSize() { return [this.columns ?? 80, this.rows ?? 24]; }
}
return {
  stdin() {
    const { Readable } = require("node:stream");
    const stdin = new Readable({
      highWaterMark: 65536,
      read() {
        native.read((error, chunk) => {
          if (error) this.destroy(error);
          else this.push(chunk === null ? null : Buffer.from(chunk));
        });
      },
    });
    stdin.fd = 0;
    if (native.isTTY(0)) stdin.isTTY = true;
    return stdin;
  },
  stdout: () => new Output(1),
  stderr: () => new Output(2),
};
