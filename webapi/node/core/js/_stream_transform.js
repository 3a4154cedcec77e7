
// node:_stream_transform.
return require("node:stream").Transform;
