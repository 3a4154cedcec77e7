
// Stream, the base of all, with the pipe of old.
const EventEmitter = require("node:events");
const { setPrototypeOf, isArray } = primordials;
function Stream(options) { EventEmitter.call(this, options); }
setPrototypeOf(Stream.prototype, EventEmitter.prototype);
setPrototypeOf(Stream, EventEmitter);

// prependListener puts a listener before those of programs.
Stream.prependListener = function (emitter, event, fn) {
  if (typeof emitter.prependListener === "function") return emitter.prependListener(event, fn);
  if (!emitter._events || !emitter._events[event]) emitter.on(event, fn);
  else if (isArray(emitter._events[event])) emitter._events[event].unshift(fn);
  else emitter._events[event] = [fn, emitter._events[event]];
};

Stream.prototype.pipe = function pipe(dest, options) {
  const source = this;
  const ondata = (chunk) => { if (dest.writable && dest.write(chunk) === false && source.pause) source.pause(); };
  const ondrain = () => { if (source.readable && source.resume) source.resume(); };
  let over = false;
  const onend = () => {
    if (over) return;
    over = true;
    dest.end();
  };
  const onclose = () => {
    if (over) return;
    over = true;
    if (typeof dest.destroy === "function") dest.destroy();
  };
  function onerror(e) {
    cleanup();
    if (EventEmitter.listenerCount(this, "error") === 0) this.emit("error", e);
  }
  function cleanup() {
    source.removeListener("data", ondata);
    dest.removeListener("drain", ondrain);
    source.removeListener("end", onend);
    source.removeListener("close", onclose);
    source.removeListener("error", onerror);
    dest.removeListener("error", onerror);
    source.removeListener("end", cleanup);
    source.removeListener("close", cleanup);
    dest.removeListener("close", cleanup);
  }
  source.on("data", ondata);
  dest.on("drain", ondrain);
  if (!dest._isStdio && (!options || options.end !== false)) {
    source.on("end", onend);
    source.on("close", onclose);
  }
  Stream.prependListener(source, "error", onerror);
  Stream.prependListener(dest, "error", onerror);
  source.on("end", cleanup);
  source.on("close", cleanup);
  dest.on("close", cleanup);
  dest.emit("pipe", source);
  return dest;
};
Stream.prototype.eventNames = function eventNames() {
  return EventEmitter.prototype.eventNames.call(this).filter((name) => this.listenerCount(name) > 0);
};
return Stream;
