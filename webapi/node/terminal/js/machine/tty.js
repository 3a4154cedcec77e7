
// node:tty on the machine's terminals.
const { Readable, Writable } = require("node:stream");
const { Buffer } = require("node:buffer");
const fs = require("node:fs");
const readline = require("internal/readline_control");
const { make } = require("internal/codes");
const { validateInteger } = require("internal/validators");
const { setPrototypeOf, isInteger } = primordials;

const isatty = (fd) => isInteger(fd) && fd >= 0 && fd <= 2147483647 && native.isTTY(fd);
const checked = (fd) => {
  if (fd >> 0 !== fd || fd < 0) throw make(RangeError, "ERR_INVALID_FD", `"fd" must be a positive integer: ${fd}`);
  if (!native.isTTY(fd)) throw make(Error, "ERR_TTY_INIT_FAILED", "TTY initialization failed: uv_tty_init returned EINVAL (invalid argument)", { errno: -22, syscall: "uv_tty_init" });
};

function ReadStream(fd, options) {
  if (!(this instanceof ReadStream)) return new ReadStream(fd, options);
  checked(fd);
  Readable.call(this, {
    highWaterMark: 0, ...options,
    read() {
      const buffer = Buffer.allocUnsafe(65536);
      fs.read(fd, buffer, 0, buffer.length, null, (e, n) => {
        if (this.destroyed) return;
        if (e) this.destroy(e);
        else this.push(n === 0 ? null : buffer.subarray(0, n));
      });
    },
  });
  this.fd = fd;
  this.isRaw = false;
  this.isTTY = true;
}
setPrototypeOf(ReadStream.prototype, Readable.prototype);
setPrototypeOf(ReadStream, Readable);
ReadStream.prototype.setRawMode = function (mode) {
  mode = Boolean(mode);
  native.setRaw(this.fd, mode);
  this.isRaw = mode;
  return this;
};

function WriteStream(fd) {
  if (!(this instanceof WriteStream)) return new WriteStream(fd);
  checked(fd);
  Writable.call(this, {
    decodeStrings: true,
    write(chunk, encoding, callback) {
      try {
        fs.writeSync(fd, chunk);
      } catch (e) {
        callback(e);
        return;
      }
      callback();
    },
  });
  this.fd = fd;
  extend(this, fd);
}
setPrototypeOf(WriteStream.prototype, Writable.prototype);
setPrototypeOf(WriteStream, Writable);

// extend makes a stream of a descriptor a terminal: its size follows the window's.
function extend(stream, fd) {
  stream.isTTY = true;
  stream._type = "tty";
  [stream.columns, stream.rows] = native.size(fd) ?? [80, 24];
  if (!(stream instanceof WriteStream)) for (const name of Object.keys(methods)) stream[name] ??= methods[name];
  stream.getColorDepth = methods.getColorDepth;
  stream.hasColors = methods.hasColors;
  const changed = () => stream._refreshSize();
  stream.on("newListener", (name) => {
    if (name === "resize" && stream.listenerCount("resize") === 0) process.on("SIGWINCH", changed);
  });
  stream.on("removeListener", (name) => {
    if (name === "resize" && stream.listenerCount("resize") === 0) process.removeListener("SIGWINCH", changed);
  });
  return stream;
}

const sixteen = 4, many = 8, all = 24;
const colored = { __proto__: null, eterm: 4, cons25: 4, console: 4, cygwin: 4, dtterm: 4, gnome: 4, hurd: 4, jfbterm: 4, konsole: 4, kterm: 4, mlterm: 4, mosh: 24, putty: 4, st: 4, "rxvt-unicode-24bit": 24, terminator: 24, "xterm-kitty": 24 };
function getColorDepth(env = process.env) {
  if (env.FORCE_COLOR !== undefined) {
    switch (env.FORCE_COLOR) {
      case "": case "1": case "true": return sixteen;
      case "2": return many;
      case "3": return all;
      default: return 1;
    }
  }
  if ((env.NODE_DISABLE_COLORS !== undefined && env.NODE_DISABLE_COLORS !== "") || (env.NO_COLOR !== undefined && env.NO_COLOR !== "") || env.TERM === "dumb") return 1;
  if (process.platform === "win32") return all;
  if (env.TMUX) return all;
  if ("TF_BUILD" in env && "AGENT_NAME" in env) return sixteen;
  if (env.CI !== undefined) {
    for (const [name, depth] of [["GITEA_ACTIONS", all], ["GITHUB_ACTIONS", all], ["CIRCLECI", all], ["APPVEYOR", many], ["BUILDKITE", many], ["DRONE", many], ["GITLAB_CI", many], ["TRAVIS", many]]) if (name in env) return depth;
    return env.CI_NAME === "codeship" ? many : 1;
  }
  if ("TEAMCITY_VERSION" in env) return /^(9\.(0*[1-9]\d*)\.|\d{2,}\.)/.test(env.TEAMCITY_VERSION) ? sixteen : 1;
  switch (env.TERM_PROGRAM) {
    case "iTerm.app": return !env.TERM_PROGRAM_VERSION || /^[0-2]\./.test(env.TERM_PROGRAM_VERSION) ? many : all;
    case "HyperTerm": case "MacTerm": return all;
    case "Apple_Terminal": return many;
  }
  if (env.COLORTERM === "truecolor" || env.COLORTERM === "24bit") return all;
  if (env.TERM) {
    if (/truecolor/.test(env.TERM)) return all;
    if (/^xterm-256/.test(env.TERM)) return many;
    const term = env.TERM.toLowerCase();
    if (colored[term]) return colored[term];
    if (/ansi|color|linux|direct|^con\d*x\d|^rxvt|^screen|^xterm|^vt100|^vt220/i.test(term)) return sixteen;
  }
  return env.COLORTERM ? sixteen : 1;
}
const methods = {
  getColorDepth,
  hasColors(count, env) {
    if (env === undefined && (count === undefined || (typeof count === "object" && count !== null))) {
      env = count;
      count = 16;
    } else validateInteger(count, "count", 2);
    return count <= 2 ** this.getColorDepth(env);
  },
  _refreshSize() {
    const [columns, rows] = native.size(this.fd) ?? [this.columns, this.rows];
    if (columns === this.columns && rows === this.rows) return;
    this.columns = columns;
    this.rows = rows;
    this.emit("resize");
  },
  cursorTo(x, y, callback) { return readline.cursorTo(this, x, y, callback); },
  moveCursor(dx, dy, callback) { return readline.moveCursor(this, dx, dy, callback); },
  clearLine(dir, callback) { return readline.clearLine(this, dir, callback); },
  clearScreenDown(callback) { return readline.clearScreenDown(this, callback); },
  getWindowSize() { return [this.columns, this.rows]; },
};
Object.assign(WriteStream.prototype, methods, { isTTY: true });
const tty = { isatty, ReadStream, WriteStream };
primordials.defineProperty(tty, "_extend", { value: extend });
primordials.defineProperty(tty, "_setRaw", { value: native.setRaw });
return tty;
