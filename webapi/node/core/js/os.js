
// node:os: a machine that says nothing of itself.
const { validateNumber, validateObject } = require("internal/validators");
const { ERR_INVALID_ARG_VALUE } = require("internal/codes");
const { Buffer } = require("node:buffer");
const { constants, EOL } = require("internal/os_constants");
const os = {
  EOL, devNull: "/dev/null", constants,
  availableParallelism: () => 1, arch: () => "x64", cpus: () => [], endianness: () => "LE", freemem: () => 0,
  getPriority(pid) {
    if (pid !== undefined) validateNumber(pid, "pid");
    return 0;
  },
  homedir: () => "/tmp/", hostname: () => "localhost", loadavg: () => [0, 0, 0], machine: () => "x86_64", networkInterfaces: () => ({}), platform: () => "linux", release: () => "",
  setPriority(pid, priority) {
    validateNumber(pid, "pid");
    validateNumber(priority, "priority");
  },
  tmpdir: () => "/tmp/", totalmem: () => 0, type: () => "Linux", uptime: () => 0,
  userInfo(options = {}) {
    validateObject(options, "options");
    const { encoding = null } = options;
    if (encoding !== null && encoding !== "buffer" && !Buffer.isEncoding(encoding)) throw new ERR_INVALID_ARG_VALUE("options.encoding", encoding, "must be a valid encoding");
    return {};
  },
  version: () => "",
};
return os;
