
// The working directory, which belongs to the request.
const { make } = require("internal/codes");
function set(path) {
  if (path.length > 4096) throw make(Error, "ENAMETOOLONG", "name too long", { syscall: "chdir", path, errno: -36 });
  if (path === "") throw make(Error, "ENOENT", "no such file or directory, chdir ''", { syscall: "chdir", path, errno: -2 });
  path = require("node:path").posix.resolve(native.get(), path);
  const s = require("internal/fs").stat(path, true);
  if (s === undefined) throw make(Error, "ENOENT", `no such file or directory, chdir '${path}'`, { syscall: "chdir", path, errno: -2 });
  if (s[0] !== "directory") throw make(Error, "ENOTDIR", `not a directory, chdir '${path}'`, { syscall: "chdir", path, errno: -20 });
  native.set(path);
}
return { get: () => native.get(), set };
