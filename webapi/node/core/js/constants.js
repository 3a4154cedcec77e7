
// node:constants: those of os, fs and crypto in one object.
const { assign, freeze } = primordials;
const os = require("node:os").constants;
// The first three are those of other systems.
const out = assign({ SIGINFO: 29, O_SYMLINK: 2097152, OPENSSL_VERSION_NUMBER: 805306624 }, os.dlopen, os.errno, os.priority, os.signals, require("internal/fs_constants"), require("internal/crypto_constants"));
return freeze(out);
