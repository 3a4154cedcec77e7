
// node:constants: those of os, fs and crypto in one object.
const { assign, freeze } = primordials;
const os = require("node:os").constants;
const out = assign({}, os.dlopen, os.errno, os.priority, os.signals, require("internal/fs_constants"), require("internal/crypto_constants"));
return out;
