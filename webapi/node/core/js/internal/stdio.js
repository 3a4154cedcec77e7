
// process.stdin, stdout and stderr: what is written is logged, line by line.
const { Writable } = require("node:stream");
const { Buffer } = require("node:buffer");

class LogStream extends Writable {
  constructor(fd) {
    super({ autoDestroy: true });
    this.fd = fd;
    this._type = "fs";
    this._isStdio = true;
  }
  _write(chunk, encoding, cb) {
    try {
      native.write(this.fd, Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk, encoding));
    } catch (e) {
      cb(e);
      return;
    }
    cb();
  }
}
const socket = (stream) => Object.assign(stream, {
  allowHalfOpen: false, bufferSize: 0, bytesRead: 0, bytesWritten: 0, connecting: false, pending: false, readable: false, readableAborted: false, readableDidRead: false,
  readableEnded: false, readableHighWaterMark: 16384, readableLength: 0, readableObjectMode: false, readyState: "open",
});
return {
  stdin() {
    const { ReadStream } = require("node:fs");
    const stdin = new ReadStream(null, { fd: 0, autoClose: false });
    return Object.assign(stdin, { fd: 0, allowHalfOpen: false, bufferSize: 0, connecting: false, readyState: "open" });
  },
  stdout: () => socket(new LogStream(1)),
  stderr: () => socket(new LogStream(2)),
};
