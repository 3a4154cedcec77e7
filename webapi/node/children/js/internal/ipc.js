
// The channel between a program and a child that it forked: lines of JSON, as node's.
const { Buffer } = require("node:buffer");
const { ERR_MISSING_ARGS, ERR_INVALID_ARG_TYPE, make } = require("internal/codes");

// mostLine is how long a message may be.
const mostLine = 64 * 1024 * 1024;

// channel gives target send, disconnect, connected and the events of messages.
function channel(target, pipe, referenced) {
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
  const message = (line) => {
    let value;
    try {
      value = JSON.parse(line);
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
  const read = () => {
    pipe.read((error, chunk) => {
      if (over) return;
      if (error || chunk === null) {
        end();
        return;
      }
      let from = 0;
      for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, from)) {
        parts.push(chunk.subarray(from, at));
        message(Buffer.concat(parts).toString("utf8"));
        parts = [];
        size = 0;
        from = at + 1;
        if (over) return;
      }
      if (from < chunk.length) {
        parts.push(chunk.subarray(from));
        size += chunk.length - from;
      }
      if (size > mostLine) {
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
    waiting++;
    write(Buffer.from(`${JSON.stringify(value)}\n`), (e) => {
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
function adopt(process, fd) {
  const end = channel(process, native.adopt(fd), false), names = new Set(["message", "disconnect"]);
  process.on("newListener", (name) => { if (names.has(name)) process.channel?.ref(); });
  process.on("removeListener", (name) => {
    if (names.has(name) && process.listenerCount("message") === 0 && process.listenerCount("disconnect") === 0) process.channel?.unref();
  });
  return end;
}
return { channel, adopt };
