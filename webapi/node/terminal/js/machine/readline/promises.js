
// node:readline/promises.
const base = require("node:readline");
const { csi, moves, line } = require("internal/readline_control");
const { ERR_INVALID_ARG_TYPE, AbortError } = require("internal/codes");
const { validateAbortSignal, validateInteger, validateBoolean } = require("internal/validators");

class Interface extends base.Interface {
  question(query, options = {}) {
    return new Promise((resolve, reject) => {
      let done = resolve;
      const { signal } = options;
      if (signal !== undefined) {
        validateAbortSignal(signal, "options.signal");
        const error = () => new AbortError(undefined, { cause: signal.reason });
        if (signal.aborted) {
          reject(error());
          return;
        }
        const abort = () => {
          this._cancelQuestion();
          reject(error());
        };
        signal.addEventListener("abort", abort, { once: true });
        done = (answer) => {
          signal.removeEventListener("abort", abort);
          resolve(answer);
        };
      }
      this._question(query, done);
    });
  }
}
// Readline collects what is written to a terminal.
class Readline {
  #stream;
  #auto;
  #todo = [];
  constructor(stream, options) {
    if (stream === null || typeof stream !== "object" || typeof stream.write !== "function") throw new ERR_INVALID_ARG_TYPE("stream", "Writable", stream);
    this.#stream = stream;
    if (options?.autoCommit !== undefined) validateBoolean(options.autoCommit, "options.autoCommit");
    this.#auto = Boolean(options?.autoCommit);
  }
  #add(text) {
    if (this.#auto) process.nextTick(() => this.#stream.write(text));
    else this.#todo.push(text);
    return this;
  }
  cursorTo(x, y) {
    validateInteger(x, "x");
    if (y !== undefined) validateInteger(y, "y");
    return this.#add(y === undefined ? csi(`${x + 1}G`) : csi(`${y + 1};${x + 1}H`));
  }
  moveCursor(dx, dy) {
    if (dx || dy) {
      validateInteger(dx, "dx");
      validateInteger(dy, "dy");
      this.#add(moves(dx, dy));
    }
    return this;
  }
  clearLine(dir) {
    validateInteger(dir, "dir", -1, 1);
    return this.#add(line(dir));
  }
  clearScreenDown() { return this.#add(csi("0J")); }
  commit() { return new Promise((resolve) => { this.#stream.write(this.#todo.splice(0).join(""), () => resolve()); }); }
  rollback() {
    this.#todo = [];
    return this;
  }
}
return { Interface, Readline, createInterface: (input, output, completer, terminal) => new Interface(input, output, completer, terminal) };
