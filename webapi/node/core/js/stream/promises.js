
// node:stream/promises.
return require("node:stream").promises;
