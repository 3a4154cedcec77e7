
// node:_stream_writable.
return require("node:stream").Writable;
