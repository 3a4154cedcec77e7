
// node:_stream_duplex.
return require("node:stream").Duplex;
