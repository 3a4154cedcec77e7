
// node:_stream_wrap: a socket over another stream.
const { Socket } = require("node:net");
const { make } = require("internal/codes");
const { setPrototypeOf } = primordials;
// JSStreamSocket hands on what the stream brings, and writes to it.
function JSStreamSocket(stream) {
  if (!(this instanceof JSStreamSocket)) return new JSStreamSocket(stream);
  const refuse = () => make(Error, "ERR_STREAM_WRAP", "Stream has StringDecoder set or is in objectMode");
  if (stream.readableEncoding || stream.readableObjectMode || stream.writableObjectMode) throw refuse();
  Socket.call(this, { allowHalfOpen: true });
  this.stream = stream;
  stream.pause?.();
  stream.on("error", (e) => this.destroy(e));
  stream.once("end", () => this.push(null));
  stream.once("close", () => this.destroy());
  stream.on("data", (chunk) => {
    if (typeof chunk === "string") this.destroy(refuse());
    else if (!this.push(chunk)) stream.pause();
  });
}
setPrototypeOf(JSStreamSocket.prototype, Socket.prototype);
setPrototypeOf(JSStreamSocket, Socket);
Object.assign(JSStreamSocket.prototype, {
  _read() { this.stream.resume(); },
  _write(chunk, encoding, callback) {
    if (this.stream.write(chunk, encoding)) callback();
    else this.stream.once("drain", () => callback());
  },
  _writev: null,
  _final(callback) { this.stream.end(() => callback()); },
});
JSStreamSocket.StreamWrap = JSStreamSocket;
return JSStreamSocket;
