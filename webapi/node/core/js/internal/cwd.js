
// The working directory, which belongs to the request.
return { get: () => native.get(), set: (path) => native.set(require("node:path").posix.resolve(native.get(), path)) };
