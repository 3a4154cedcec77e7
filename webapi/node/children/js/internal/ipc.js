
// The channel between a program and a child that it forked: lines of JSON, or values in V8's format, each behind its length in
// four bytes, as node's.
const { Buffer } = require("node:buffer");
const { ERR_MISSING_ARGS, ERR_INVALID_ARG_TYPE, make } = require("internal/codes");

// mostLine is how long a message may be.
const mostLine = 64 * 1024 * 1024;

// Formats: bytes are what a message is in the channel, and parse reads them.
const json = {
  bytes: (value) => Buffer.from(`${JSON.stringify(value)}\n`),
  parse: (bytes) => JSON.parse(bytes.toString("utf8", 0, bytes.length - 1)),
};
let advanced;
function advancedFormat() {
  if (advanced !== undefined) return advanced;
  const { DefaultSerializer, DefaultDeserializer } = require("node:v8");
  const { isView } = primordials;
  class Serializer extends DefaultSerializer {
    _writeHostObject(object) {
      this.writeUint32(isView(object) ? 0 : 1);
      if (isView(object)) super._writeHostObject(object);
      else this.writeValue({ ...object });
    }
  }
  class Deserializer extends DefaultDeserializer {
    _readHostObject() { return this.readUint32() === 0 ? super._readHostObject() : this.readValue(); }
  }
  return advanced = {
    bytes: (value) => {
      const s = new Serializer();
      s.writeRawBytes(new Uint8Array(4));
      s.writeHeader();
      s.writeValue(value);
      const b = s.releaseBuffer();
      b.writeUInt32BE(b.length - 4, 0);
      return b;
    },
    parse: (bytes) => {
      const d = new Deserializer(bytes.subarray(4));
      d.readHeader();
      return d.readValue();
    },
  };
}

// channel gives target send, disconnect, connected and the events of messages.
function channel(target, pipe, referenced, advanced) {
  const format = advanced ? advancedFormat() : json;
  let parts = [], size = 0, waiting = 0, ending = false, over = false;
  const end = () => {
    if (over) return;
    over = true;
    target.connected = false;
    target.channel = null;
    target._channel = null;
    pipe.close();
    process.nextTick(() => target.emit("disconnect"));
    target._ipcEnd?.();
  };
  const message = (bytes) => {
    let value;
    try {
      value = format.parse(bytes);
    } catch (e) {
      target.emit("error", e);
      return;
    }
    if (value !== null && typeof value === "object" && typeof value.cmd === "string" && value.cmd.startsWith("NODE_")) {
      target.emit("internalMessage", value, undefined);
      return;
    }
    process.nextTick(() => target.emit("message", value, undefined));
  };
  // frame is where in a chunk, from an index on, the message under way ends; 0 while that is not known.
  let wanted = 0;
  const frame = (chunk, from) => {
    if (wanted === 0) {
      const head = size >= 4 ? Buffer.concat(parts) : Buffer.concat([...parts, chunk.subarray(from, from + 4 - size)]);
      if (head.length < 4) return 0;
      wanted = head.readUInt32BE(0) + 4;
    }
    return from + wanted - size;
  };
  const read = () => {
    pipe.read((error, chunk) => {
      if (over) return;
      if (error || chunk === null) {
        end();
        return;
      }
      let from = 0;
      while (from < chunk.length && size <= mostLine) {
        const at = advanced ? frame(chunk, from) : chunk.indexOf(10, from) + 1;
        const whole = at > 0 && at <= chunk.length, to = whole ? at : chunk.length;
        parts.push(chunk.subarray(from, to));
        size += to - from;
        from = to;
        if (!whole) break;
        const bytes = Buffer.concat(parts);
        parts = [];
        size = 0;
        wanted = 0;
        message(bytes);
        if (over) return;
      }
      if (size > mostLine || wanted > mostLine) {
        end();
        return;
      }
      read();
    });
  };
  // What does not fit into the channel at once waits here, in its order.
  const queue = [];
  const pump = () => {
    pipe.write(queue[0].bytes, (e) => {
      const { callback } = queue.shift();
      if (queue.length > 0) pump();
      callback(e);
    });
  };
  const write = (bytes, callback) => {
    const written = queue.length === 0 ? pipe.attempt(bytes) : 0;
    if (written === bytes.length) {
      process.nextTick(callback, null);
      return;
    }
    if (queue.push({ bytes: bytes.subarray(written), callback }) === 1) pump();
  };
  target.connected = true;
  target.channel = target._channel = {
    ref() { pipe.ref(); },
    unref() { pipe.unref(); },
    get fd() { return 0; },
  };
  target.send = (value, handle, options, callback) => {
    if (typeof handle === "function") [handle, callback] = [undefined, handle];
    else if (typeof options === "function") [options, callback] = [undefined, options];
    if (value === undefined) throw new ERR_MISSING_ARGS("message");
    if (typeof value !== "string" && typeof value !== "object" && typeof value !== "number" && typeof value !== "boolean") {
      throw new ERR_INVALID_ARG_TYPE("message", ["string", "object", "number", "boolean"], value);
    }
    if (handle !== undefined && handle !== null) throw make(TypeError, "ERR_INVALID_HANDLE_TYPE", "This handle type cannot be sent");
    if (over || ending) {
      const e = make(Error, "ERR_IPC_CHANNEL_CLOSED", "Channel closed");
      if (typeof callback === "function") process.nextTick(callback, e);
      else process.nextTick(() => target.emit("error", e));
      return false;
    }
    const bytes = format.bytes(value);
    waiting++;
    write(bytes, (e) => {
      waiting--;
      if (typeof callback === "function") callback(e);
      else if (e && !over) target.emit("error", e);
      if (ending && waiting === 0) end();
    });
    return waiting < 100;
  };
  target.disconnect = () => {
    if (over || ending) {
      target.emit("error", make(Error, "ERR_IPC_DISCONNECTED", "IPC channel is already disconnected"));
      return;
    }
    target.connected = false;
    ending = true;
    if (waiting === 0) end();
  };
  if (!referenced) pipe.unref();
  read();
  return end;
}

// adopt makes process the child of who forked it: the channel keeps the program alive
// while somebody listens to it.
function adopt(process, fd, advanced) {
  const end = channel(process, native.adopt(fd), false, advanced), names = new Set(["message", "disconnect"]);
  process.on("newListener", (name) => { if (names.has(name)) process.channel?.ref(); });
  process.on("removeListener", (name) => {
    if (names.has(name) && process.listenerCount("message") === 0 && process.listenerCount("disconnect") === 0) process.channel?.unref();
  });
  return end;
}
return { channel, adopt };
