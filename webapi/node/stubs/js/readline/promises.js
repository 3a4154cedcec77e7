
// node:readline/promises.
const { Interface: Base } = require("node:readline");
class Interface extends Base {
  question() { return Promise.resolve(""); }
}
class Readline {
  clearLine() { return this; }
  clearScreenDown() { return this; }
  commit() { return Promise.resolve(); }
  cursorTo() { return this; }
  moveCursor() { return this; }
  rollback() { return this; }
}
return { createInterface: () => new Interface(), Interface, Readline };
