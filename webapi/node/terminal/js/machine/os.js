
// node:os on the machine.
const { constants, EOL } = require("internal/os_constants");
const { validateInteger, validateInt32, validateObject } = require("internal/validators");
const { Buffer } = require("node:buffer");
const { freeze, defineProperty } = primordials;

const names = () => native.names();
const env = () => require("node:process").env;
const windows = native.platform() === "win32";
const os = {
  EOL: windows ? "\r\n" : EOL, devNull: windows ? "\\\\.\\nul" : "/dev/null", constants,
  availableParallelism: () => native.parallel(), arch: () => native.arch(), endianness: () => "LE", platform: () => native.platform(),
  hostname: () => native.hostname(), machine: () => names()[3], release: () => names()[1], type: () => names()[0], version: () => names()[2],
  cpus: () => native.cpus().map(([model, speed, user, nice, sys, idle, irq]) => ({ model, speed, times: { user, nice, sys, idle, irq } })),
  freemem: () => native.memory()[0], totalmem: () => native.memory()[1], loadavg: () => native.load(), uptime: () => native.uptime(),
  getPriority(pid) {
    if (pid === undefined) pid = 0;
    else validateInt32(pid, "pid");
    return native.getPriority(pid);
  },
  setPriority(pid, priority) {
    if (priority === undefined) [pid, priority] = [0, pid];
    validateInt32(pid, "pid");
    validateInt32(priority, "priority", -20, 19);
    native.setPriority(pid, priority);
  },
  homedir: () => (windows ? env().USERPROFILE : env().HOME) ?? native.user()[3],
  tmpdir() {
    const e = env(), path = windows ? e.TEMP || e.TMP || `${e.SystemRoot || e.windir}\\temp` : e.TMPDIR || e.TMP || e.TEMP || "/tmp";
    return path.length > 1 && path.endsWith(windows ? "\\" : "/") && !path.endsWith(":\\") ? path.slice(0, -1) : path;
  },
  networkInterfaces() {
    const out = {};
    for (const [name, address, netmask, family, mac, internal, cidr, scopeid] of native.interfaces()) {
      (out[name] ??= []).push({ address, netmask: family === "IPv6" ? require("internal/os_constants").mask6(cidr) : netmask, family, mac, internal, cidr, ...(family === "IPv6" && { scopeid }) });
    }
    return out;
  },
  userInfo(options) {
    if (options !== undefined && options !== null) validateObject(options, "options");
    const [uid, gid, username, homedir, shell] = native.user(), raw = options?.encoding === "buffer";
    const text = (v) => (v === null ? null : raw ? Buffer.from(v) : v);
    return { uid, gid, username: text(username), homedir: text(homedir), shell: text(shell) };
  },
};
for (const name of ["arch", "hostname", "platform", "machine", "release", "type", "version", "homedir", "tmpdir", "endianness", "freemem", "totalmem", "uptime", "availableParallelism"]) {
  defineProperty(os[name], Symbol.toPrimitive, { value: os[name], configurable: true });
}
freeze(os.constants);
return os;
