
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
    if (native.isTTY(fd)) {
      require("node:tty")._extend(this, fd);
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
}
return {
  stdin() {
    const given = native.given();
    if (given !== undefined) return given;
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
    if (native.isTTY(0)) {
      stdin.isTTY = true;
      stdin.isRaw = false;
      stdin.setRawMode = function (mode) {
        require("node:tty")._setRaw(0, Boolean(mode));
        this.isRaw = Boolean(mode);
        return this;
      };
    }
    return stdin;
  },
  stdout: () => new Output(1),
  stderr: () => new Output(2),
};
