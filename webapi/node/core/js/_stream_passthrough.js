
// node:_stream_passthrough.
return require("node:stream").PassThrough;
