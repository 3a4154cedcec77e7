
// node:inspector/promises.
const inspector = require("node:inspector");
const unimplemented = require("internal/unimplemented")("Inspector.");
return {
  close: unimplemented("close"), console: inspector.console, Network: inspector.Network, open: unimplemented("open"), Session: inspector.Session, url: unimplemented("url"),
  waitForDebugger: unimplemented("waitForDebugger"),
};
