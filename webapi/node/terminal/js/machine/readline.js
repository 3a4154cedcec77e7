
// node:readline over any streams: lines as they come, or edited on a terminal.
const EventEmitter = require("node:events");
const { StringDecoder } = require("node:string_decoder");
const { cursorTo, moveCursor, clearLine, clearScreenDown } = require("internal/readline_control");
const { keys: keysOf } = require("internal/readline_keys");
const { ERR_INVALID_ARG_VALUE, ERR_INVALID_ARG_TYPE, AbortError, make } = require("internal/codes");
const { validateAbortSignal, validateArray } = require("internal/validators");
const { defineProperty } = primordials;
const AsyncIteratorPrototype = { [Symbol.asyncIterator]() { return this; } };

const { now } = Date;
const closed = () => make(Error, "ERR_USE_AFTER_CLOSE", "readline was closed");
// mostLine is how long a line may become before it is told without its end.
const mostLine = 256 * 1024 * 1024;
const lineEnd = /\r\n|\n|\r(?!\n)|\u2028|\u2029/g;

class Interface extends EventEmitter {
  terminal; line = ""; cursor = 0; history; historySize; input; output; closed = false; paused = false; crlfDelay; escapeCodeTimeout;
  #prompt = "> ";
  #oldPrompt;
  #question = null;
  #decoder;
  #rest = "";
  #sawReturn = 0;
  #historyAt = -1;
  #kept = "";
  #previousRows = 0;
  #removeDuplicates;
  #completer;
  #undo = [];
  #listeners;
  constructor(input, output, completer, terminal) {
    super();
    let options = {};
    if (input?.input) {
      options = input;
      ({ input, output, completer, terminal } = options);
    }
    const { history, historySize = 30, removeHistoryDuplicates = false, prompt, crlfDelay, escapeCodeTimeout = 500, signal } = options;
    if (input === undefined || input === null || typeof input.on !== "function") throw new ERR_INVALID_ARG_TYPE("input", "Stream", input);
    if (completer !== undefined && typeof completer !== "function") throw new ERR_INVALID_ARG_VALUE("completer", completer);
    if (history !== undefined) validateArray(history, "history");
    if (typeof historySize !== "number" || Number.isNaN(historySize) || historySize < 0) throw new ERR_INVALID_ARG_VALUE("historySize", historySize);
    if (signal !== undefined) validateAbortSignal(signal, "options.signal");
    this.input = input;
    this.output = output;
    this.terminal = terminal === undefined || output === null ? Boolean(output?.isTTY) : Boolean(terminal);
    this.historySize = historySize;
    this.history = history ?? [];
    this.crlfDelay = crlfDelay ? Math.max(100, crlfDelay) : 100;
    this.escapeCodeTimeout = escapeCodeTimeout;
    this.#removeDuplicates = Boolean(removeHistoryDuplicates);
    this.#completer = completer;
    if (prompt !== undefined) this.#prompt = String(prompt);
    this[Symbol.for("nodejs.readline")] = true;
    const onError = (e) => { this.emit("error", e); };
    const onEnd = () => {
      const rest = this.terminal ? this.line : this.#rest + (this.#decoder?.end() ?? "");
      this.#rest = "";
      if (rest.length > 0) this.#line(rest);
      this.close();
    };
    if (this.terminal) {
      emitKeypressEvents(input, this);
      const onKey = (s, key) => this.#key(s, key ?? {});
      const onResize = () => this.#refresh();
      input.on("keypress", onKey);
      input.on("end", onEnd);
      this._setRawMode(true);
      output?.on?.("resize", onResize);
      this.#listeners = [[input, "keypress", onKey], [input, "end", onEnd], [output, "resize", onResize]];
    } else {
      this.#decoder = new StringDecoder("utf8");
      const onData = (chunk) => this.#data(chunk);
      input.on("data", onData);
      input.on("end", onEnd);
      this.#listeners = [[input, "data", onData], [input, "end", onEnd]];
    }
    input.on("error", onError);
    this.#listeners.push([input, "error", onError]);
    if (signal) {
      const abort = () => this.close();
      if (signal.aborted) process.nextTick(abort);
      else {
        signal.addEventListener("abort", abort, { once: true });
        this.once("close", () => signal.removeEventListener("abort", abort));
      }
    }
    input.resume();
  }
  get columns() { return this.output?.columns ?? Infinity; }
  getPrompt() { return this.#prompt; }
  setPrompt(prompt) { this.#prompt = prompt; }
  _setRawMode(mode) {
    const was = this.input.isRaw;
    if (typeof this.input.setRawMode === "function") this.input.setRawMode(mode);
    return was;
  }
  prompt(preserveCursor) {
    if (this.paused) this.resume();
    if (this.terminal && process.env.TERM !== "dumb") {
      if (!preserveCursor) this.cursor = 0;
      this.#refresh();
    } else this.#write(this.#prompt);
  }
  question(query, options, callback) {
    if (typeof options === "function") [options, callback] = [{}, options];
    options ??= {};
    if (options.signal !== undefined) {
      validateAbortSignal(options.signal, "options.signal");
      if (options.signal.aborted) return;
      const abort = () => this._cancelQuestion();
      options.signal.addEventListener("abort", abort, { once: true });
      const original = callback;
      callback = typeof original === "function" ? (answer) => {
        options.signal.removeEventListener("abort", abort);
        return original(answer);
      } : original;
    }
    if (typeof callback === "function") this._question(query, callback);
  }
  _question(query, callback) {
    if (this.closed) throw closed();
    if (this.#question !== null) {
      this.prompt();
      return;
    }
    this.#oldPrompt = this.#prompt;
    this.setPrompt(query);
    this.#question = callback;
    this.prompt();
  }
  _cancelQuestion() {
    if (this.#question === null) return;
    this.#question = null;
    this.setPrompt(this.#oldPrompt);
    this.clearLine();
  }
  pause() {
    if (this.paused || this.closed) return this;
    this.input.pause();
    this.paused = true;
    this.emit("pause");
    return this;
  }
  resume() {
    if (!this.paused) return this;
    this.input.resume();
    this.paused = false;
    this.emit("resume");
    return this;
  }
  close() {
    if (this.closed) return;
    this.pause();
    if (this.terminal) this._setRawMode(false);
    this.closed = true;
    for (const [stream, name, fn] of this.#listeners) stream?.removeListener?.(name, fn);
    this.emit("close");
  }
  [Symbol.dispose]() { this.close(); }
  write(data, key) {
    if (this.closed) throw closed();
    if (this.paused) this.resume();
    if (this.terminal) this.#key(data, key ?? {});
    else this.#data(data);
  }
  clearLine() {
    this.#end();
    this.#write("\r\n");
    this.line = "";
    this.cursor = 0;
    this.#previousRows = 0;
  }
  #write(text) { if (this.output !== null && this.output !== undefined) this.output.write(text); }
  #line(line) {
    this.#undo = [];
    if (this.#question !== null) {
      const callback = this.#question;
      this.#question = null;
      this.setPrompt(this.#oldPrompt);
      callback(line);
    } else this.emit("line", line);
  }
  #data(chunk) {
    if (chunk === undefined || chunk === null) return;
    let text = typeof chunk === "string" ? chunk : this.#decoder.write(chunk);
    // A line feed that comes soon after a carriage return is its second half.
    if (this.#sawReturn && text.length > 0 && (now() - this.#sawReturn <= this.crlfDelay || this.crlfDelay === Infinity)) {
      if (text[0] === "\n") text = text.slice(1);
      this.#sawReturn = 0;
    }
    if (text.length === 0) return;
    this.#sawReturn = text.endsWith("\r") ? now() || 1 : 0;
    let from = 0;
    lineEnd.lastIndex = 0;
    const lines = [];
    for (let m = lineEnd.exec(text); m !== null; m = lineEnd.exec(text)) {
      lines.push(this.#rest + text.slice(from, m.index));
      this.#rest = "";
      from = m.index + m[0].length;
    }
    this.#rest += text.slice(from);
    if (this.#rest.length > mostLine) {
      lines.push(this.#rest);
      this.#rest = "";
    }
    for (const line of lines) this.#line(line);
  }

  // Editing: the line is shown behind the prompt, over as many rows as it takes.
  getCursorPos() { return this.#position(this.#prompt + this.line.slice(0, this.cursor)); }
  #position(text) {
    const { columns } = this;
    let rows = 0, cols = 0;
    for (const c of text.replace(/\x1b\[[0-9;]*m/g, "")) {
      if (c === "\n") {
        rows += columns === Infinity ? 1 : Math.ceil(cols / columns) || 1;
        cols = 0;
      } else cols++;
    }
    if (columns !== Infinity) {
      rows += Math.floor(cols / columns);
      cols %= columns;
    }
    return { cols, rows };
  }
  #refresh() {
    const shown = this.#prompt + this.line, end = this.#position(shown), at = this.getCursorPos();
    if (this.#previousRows > 0) moveCursor(this.output, 0, -this.#previousRows);
    cursorTo(this.output, 0);
    clearScreenDown(this.output);
    this.#write(shown);
    if (end.cols === 0) this.#write(" "); // so that the terminal is on the next row
    cursorTo(this.output, at.cols);
    if (end.rows > at.rows) moveCursor(this.output, 0, at.rows - end.rows);
    this.#previousRows = at.rows;
  }
  #end() {
    this.cursor = this.line.length;
    this.#refresh();
  }
  #edit(line, cursor) {
    this.#undo.push([this.line, this.cursor]);
    if (this.#undo.length > 2048) this.#undo.shift();
    this.line = line;
    this.cursor = cursor;
    this.#refresh();
  }
  #insert(text) {
    const { line, cursor } = this;
    this.line = line.slice(0, cursor) + text + line.slice(cursor);
    this.cursor += text.length;
    this.#undo.push([line, cursor]);
    if (cursor === line.length && this.getCursorPos().cols !== 0) this.#write(text);
    else this.#refresh();
  }
  #before() {
    const { line, cursor } = this;
    return cursor > 1 && /[\uDC00-\uDFFF]/.test(line[cursor - 1]) && /[\uD800-\uDBFF]/.test(line[cursor - 2]) ? 2 : Math.min(1, cursor);
  }
  #after() {
    const { line, cursor } = this;
    return /[\uD800-\uDBFF]/.test(line[cursor] ?? "") ? 2 : Math.min(1, line.length - cursor);
  }
  #wordLeft() {
    const m = /^\s*(?:[^\w\s]+|\w+)?/.exec([...this.line.slice(0, this.cursor)].reverse().join(""));
    return this.cursor - m[0].length;
  }
  #wordRight() {
    const m = /^(?:\s+|[^\w\s]+|\w+)\s*/.exec(this.line.slice(this.cursor));
    return this.cursor + (m?.[0].length ?? 0);
  }
  #addHistory() {
    const { line } = this;
    if (line.length === 0 || this.historySize === 0 || line.trim().length === 0) return;
    if (this.history[0] !== line) {
      if (this.#removeDuplicates) {
        const at = this.history.indexOf(line);
        if (at !== -1) this.history.splice(at, 1);
      }
      this.history.unshift(line);
      if (this.history.length > this.historySize) this.history.length = this.historySize;
      this.emit("history", this.history);
    }
    this.#historyAt = -1;
  }
  #fromHistory(step) {
    const at = this.#historyAt + step;
    if (at < -1 || at >= this.history.length) return;
    if (this.#historyAt === -1) this.#kept = this.line;
    this.#historyAt = at;
    this.line = at === -1 ? this.#kept : this.history[at];
    this.#end();
  }
  #enter() {
    const { line } = this;
    this.#addHistory();
    this.clearLine();
    this.#line(line);
  }
  #complete() {
    const before = this.line.slice(0, this.cursor);
    const show = (error, result) => {
      if (error || !result || result[0].length === 0) return;
      const [list, word] = result;
      let common = list.filter(Boolean)[0] ?? "";
      for (const v of list) if (v !== "") while (!v.startsWith(common)) common = common.slice(0, -1);
      if (common.startsWith(word) && common.length > word.length) this.#insert(common.slice(word.length));
      else if (list.length > 1) {
        this.#write(`\r\n${list.join("  ")}\r\n`);
        this.#previousRows = 0;
        this.#refresh();
      }
    };
    const fn = this.#completer;
    if (fn.length === 2) fn.call(this, before, show);
    else Promise.resolve(fn.call(this, before)).then((r) => show(null, r), (e) => show(e));
  }
  #key(text, key) {
    if (this.closed) return;
    const { line, cursor } = this, { name, ctrl, meta, shift } = key;
    if (ctrl && !meta) {
      switch (name) {
        case "c":
          if (this.listenerCount("SIGINT") > 0) this.emit("SIGINT");
          else this.close();
          return;
        case "d":
          if (cursor === 0 && line.length === 0) this.close();
          else if (cursor < line.length) this.#edit(line.slice(0, cursor) + line.slice(cursor + this.#after()), cursor);
          return;
        case "z":
          if (this.listenerCount("SIGTSTP") > 0) this.emit("SIGTSTP");
          return;
        case "a": this.cursor = 0; break;
        case "e": this.cursor = line.length; break;
        case "b": this.cursor -= this.#before(); break;
        case "f": this.cursor += this.#after(); break;
        case "h": this.#edit(line.slice(0, cursor - this.#before()) + line.slice(cursor), cursor - this.#before()); return;
        case "u": this.#edit(line.slice(cursor), 0); return;
        case "k": this.#edit(line.slice(0, cursor), cursor); return;
        case "w": case "backspace": { const at = this.#wordLeft(); this.#edit(line.slice(0, at) + line.slice(cursor), at); return; }
        case "delete": this.#edit(line.slice(0, cursor) + line.slice(this.#wordRight()), cursor); return;
        case "left": this.cursor = this.#wordLeft(); break;
        case "right": this.cursor = this.#wordRight(); break;
        case "n": this.#fromHistory(-1); return;
        case "p": this.#fromHistory(1); return;
        case "-": case "_": {
          const old = this.#undo.pop();
          if (old) [this.line, this.cursor] = old;
          break;
        }
        case "l":
          cursorTo(this.output, 0, 0);
          clearScreenDown(this.output);
          this.#previousRows = 0;
          break;
        default: return;
      }
      this.#refresh();
      return;
    }
    if (meta) {
      switch (name) {
        case "b": this.cursor = this.#wordLeft(); break;
        case "f": this.cursor = this.#wordRight(); break;
        case "d": this.#edit(line.slice(0, cursor) + line.slice(this.#wordRight()), cursor); return;
        case "backspace": { const at = this.#wordLeft(); this.#edit(line.slice(0, at) + line.slice(cursor), at); return; }
        default: return;
      }
      this.#refresh();
      return;
    }
    if (this.#sawReturn && name !== "enter") this.#sawReturn = 0;
    switch (name) {
      case "return":
        this.#sawReturn = now() || 1;
        this.#enter();
        return;
      case "enter":
        if (this.#sawReturn === 0 || now() - this.#sawReturn > this.crlfDelay) this.#enter();
        this.#sawReturn = 0;
        return;
      case "backspace": this.#edit(line.slice(0, cursor - this.#before()) + line.slice(cursor), cursor - this.#before()); return;
      case "delete": this.#edit(line.slice(0, cursor) + line.slice(cursor + this.#after()), cursor); return;
      case "left": this.cursor -= this.#before(); break;
      case "right": this.cursor += this.#after(); break;
      case "home": this.cursor = 0; break;
      case "end": this.cursor = line.length; break;
      case "up": this.#fromHistory(1); return;
      case "down": this.#fromHistory(-1); return;
      case "tab":
        if (typeof this.#completer === "function" && !shift) {
          this.#complete();
          return;
        }
      // falls through
      default: {
        if (typeof text !== "string" || text.length === 0) return;
        const parts = text.split(/\r\n|\n|\r/);
        for (let i = 0; i < parts.length; i++) {
          if (i > 0) this.#enter();
          const part = parts[i].replace(/\x1b/g, "");
          if (part !== "") this.#insert(part);
        }
        return;
      }
    }
    this.#refresh();
  }

  // Lines that nobody has asked for wait; a stream that is far ahead is held back.
  [Symbol.asyncIterator]() {
    const lines = [], waiting = [];
    let over = this.closed;
    const onLine = (line) => {
      if (waiting.length > 0) waiting.shift().resolve({ value: line, done: false });
      else if (lines.push(line) >= 1024) this.pause();
    };
    const end = () => {
      over = true;
      for (const w of waiting.splice(0)) w.resolve({ value: undefined, done: true });
    };
    const fail = (e) => {
      over = true;
      for (const w of waiting.splice(0)) w.reject(e);
    };
    this.on("line", onLine);
    this.on("close", end);
    this.on("error", fail);
    return {
      __proto__: AsyncIteratorPrototype,
      next: () => {
        if (lines.length > 0) {
          const value = lines.shift();
          if (lines.length === 0 && this.paused) this.resume();
          return Promise.resolve({ value, done: false });
        }
        if (over) return Promise.resolve({ value: undefined, done: true });
        return new Promise((resolve, reject) => { waiting.push({ resolve, reject }); });
      },
      return: (value) => {
        this.removeListener("line", onLine);
        this.removeListener("close", end);
        this.removeListener("error", fail);
        end();
        this.close();
        return Promise.resolve({ value, done: true });
      },
    };
  }
}

const kEmitting = Symbol("keypress");
// emitKeypressEvents makes what a stream reads events of keys.
function emitKeypressEvents(stream, iface) {
  if (stream[kEmitting]) return;
  stream[kEmitting] = true;
  const decoder = new StringDecoder("utf8");
  let rest = "", timer;
  const flush = (last) => {
    const [found, left] = keysOf(rest, last);
    rest = left;
    for (const [text, key] of found) stream.emit("keypress", text, key);
  };
  const onData = (chunk) => {
    if (stream.listenerCount("keypress") === 0) {
      stream.removeListener("data", onData);
      stream[kEmitting] = false;
      return;
    }
    clearTimeout(timer);
    rest += typeof chunk === "string" ? chunk : decoder.write(chunk);
    flush(false);
    // An escape that nothing follows is the key.
    if (rest !== "") timer = setTimeout(() => flush(true), iface?.escapeCodeTimeout ?? 500);
  };
  stream.on("data", onData);
}

const createInterface = (input, output, completer, terminal) => new Interface(input, output, completer, terminal);
defineProperty(Interface.prototype.question, Symbol.for("nodejs.util.promisify.custom"), {
  value(query, options) {
    options ??= {};
    if (options.signal?.aborted) return Promise.reject(new AbortError(undefined, { cause: options.signal.reason }));
    return new Promise((resolve, reject) => {
      options.signal?.addEventListener("abort", () => reject(new AbortError(undefined, { cause: options.signal.reason })), { once: true });
      this.question(query, options, resolve);
    });
  },
  configurable: true,
});
const readline = { Interface, clearLine, clearScreenDown, createInterface, cursorTo, emitKeypressEvents, moveCursor };
defineProperty(readline, "promises", { get: () => require("node:readline/promises"), enumerable: true, configurable: true });
return readline;
