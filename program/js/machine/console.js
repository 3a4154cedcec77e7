
// node:console of a program: the console of the global scope, and the class of others.
const { bind, defineProperty, keys } = primordials;
const { make } = require("internal/codes");
const { format, formatWithOptions, inspect } = require("node:util");
const console = globalThis.console;

// text is what a method of the global console prints of its arguments.
function text(name, args) {
  const lines = [];
  native.capture((line) => { lines.push(line); }, () => { console[name](...args); });
  return lines;
}

class Console {
  #out;
  #err;
  #depth = 0;
  #counts = new Map();
  #times = new Map();
  constructor(options, stderr, ignoreErrors = true) {
    if (!options || typeof options.write === "function") options = { stdout: options, stderr, ignoreErrors };
    const { stdout, stderr: err = stdout, groupIndentation = 2, inspectOptions } = options;
    for (const [name, stream] of [["stdout", stdout], ["stderr", err]]) {
      if (!stream || typeof stream.write !== "function") throw make(TypeError, "ERR_CONSOLE_WRITABLE_STREAM", `Console expects a writable stream instance for ${name}`);
    }
    this.#out = stdout;
    this.#err = err;
    this._stdout = stdout;
    this._stderr = err;
    this._indent = groupIndentation;
    this._inspect = inspectOptions;
    for (const name of Object.getOwnPropertyNames(Console.prototype)) {
      if (name !== "constructor") defineProperty(this, name, { value: bind(this[name], this), writable: true, enumerable: true, configurable: true });
    }
  }
  #print(stream, line) {
    if (this.#depth > 0) {
      const pad = " ".repeat(this._indent * this.#depth);
      line = pad + line.replaceAll("\n", `\n${pad}`);
    }
    stream.write(`${line}\n`);
  }
  #format(args) { return this._inspect ? formatWithOptions(this._inspect, ...args) : format(...args); }
  log(...args) { this.#print(this.#out, this.#format(args)); }
  error(...args) { this.#print(this.#err, this.#format(args)); }
  dir(value, options) { this.#print(this.#out, inspect(value, { customInspect: false, ...this._inspect, ...options })); }
  table(...args) { for (const line of text("table", args)) this.#print(this.#out, line); }
  assert(ok, ...args) {
    if (ok) return;
    if (typeof args[0] === "string") args[0] = `Assertion failed: ${args[0]}`;
    else args.unshift("Assertion failed");
    this.warn(...args);
  }
  trace(...args) {
    const e = { name: "Trace", message: this.#format(args) };
    Error.captureStackTrace(e, this.trace);
    this.error(e.stack);
  }
  count(label = "default") {
    label = `${label}`;
    const n = (this.#counts.get(label) ?? 0) + 1;
    this.#counts.set(label, n);
    this.log(`${label}: ${n}`);
  }
  countReset(label = "default") { this.#counts.delete(`${label}`); }
  group(...args) {
    if (args.length > 0) this.log(...args);
    this.#depth++;
  }
  groupEnd() { if (this.#depth > 0) this.#depth--; }
  time(label = "default") { this.#times.set(`${label}`, performance.now()); }
  timeLog(label = "default", ...args) {
    const began = this.#times.get(`${label}`);
    if (began !== undefined) this.log(`${label}: ${(performance.now() - began).toFixed(3)}ms`, ...args);
  }
  timeEnd(label = "default") {
    this.timeLog(label);
    this.#times.delete(`${label}`);
  }
  clear() {}
}
for (const [name, same] of [["warn", "error"], ["info", "log"], ["debug", "log"], ["dirxml", "log"], ["groupCollapsed", "group"]]) {
  defineProperty(Console.prototype, name, { value: Console.prototype[same], writable: true, configurable: true });
}
// Console() without new makes one, too.
const callable = new Proxy(Console, { apply: (_, _this, args) => new Console(...args) });
console.Console = callable;
for (const name of ["stdout", "stderr"]) defineProperty(console, `_${name}`, { get: () => globalThis.process?.[name], enumerable: false, configurable: true });
return console;
