
// node:readline: nobody types.
const EventEmitter = require("node:events");
const AsyncIteratorPrototype = { [Symbol.asyncIterator]() { return this; } };
class Interface extends EventEmitter {
  terminal = false;
  line = "";
  cursor = 0;
  getPrompt() { return ""; }
  setPrompt() {}
  prompt() {}
  question(query, options, callback) {
    if (typeof options === "function") options("");
    else if (typeof callback === "function") callback("");
  }
  pause() { return this; }
  resume() { return this; }
  close() {}
  write() {}
  getCursorPos() { return { rows: 0, cols: 0 }; }
  [Symbol.dispose]() { this.close(); }
  [Symbol.asyncDispose]() {
    this.close();
    return Promise.resolve();
  }
  // One empty line.
  [Symbol.asyncIterator]() {
    let done = false;
    const end = (value) => {
      done = true;
      return Promise.resolve({ value, done: true });
    };
    return {
      __proto__: AsyncIteratorPrototype,
      next() {
        if (done) return end(undefined);
        done = true;
        return Promise.resolve({ value: "", done: false });
      },
      return: end,
    };
  }
}
const readline = {
  clearLine: () => false, clearScreenDown: () => false, createInterface: () => new Interface(), cursorTo: () => false, emitKeypressEvents() {}, moveCursor: () => false, Interface,
};
primordials.defineProperty(readline, "promises", { get: () => require("node:readline/promises"), enumerable: true, configurable: true });
return readline;
