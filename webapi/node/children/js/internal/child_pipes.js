
// Streams of the pipes between a program and its children.
const { Readable, Writable, Duplex } = require("node:stream");
const { Buffer } = require("node:buffer");

const bytesOf = (chunk, encoding) => (typeof chunk === "string" ? Buffer.from(chunk, encoding) : chunk);
// pull asks the pipe for what comes next.
function pull(stream, pipe) {
  pipe.read((error, chunk) => {
    if (stream.destroyed) return;
    if (error) stream.destroy(error);
    else {
      if (chunk !== null) stream.bytesRead += chunk.length;
      stream.push(chunk);
    }
  });
}
const extend = (stream, pipe) => {
  stream._handle = pipe;
  stream.bytesRead = 0;
  stream.ref = () => {
    pipe.ref();
    return stream;
  };
  stream.unref = () => {
    pipe.unref();
    return stream;
  };
  return stream;
};
const destroy = (pipe) => function (error, callback) {
  pipe.close();
  this._handle = null;
  callback(error);
};

return {
  readable(pipe) {
    return extend(new Readable({ read() { pull(this, pipe); }, destroy: destroy(pipe) }), pipe);
  },
  writable(pipe) {
    return extend(new Writable({
      decodeStrings: true,
      write(chunk, encoding, callback) { pipe.write(bytesOf(chunk, encoding), callback); },
      destroy: destroy(pipe),
      // The child sees the end when all was written.
      final(callback) {
        pipe.close();
        callback();
      },
    }), pipe);
  },
  duplex(pipe) {
    return extend(new Duplex({
      allowHalfOpen: false,
      final(callback) {
        pipe.end();
        callback();
      },
      read() { pull(this, pipe); },
      write(chunk, encoding, callback) { pipe.write(bytesOf(chunk, encoding), callback); },
      destroy: destroy(pipe),
    }), pipe);
  },
};
