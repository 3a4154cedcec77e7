
// node:_stream_readable.
return require("node:stream").Readable;
