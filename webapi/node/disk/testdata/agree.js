// Every line of out is compared with what node says.
const out = [];
const say = (...v) => out.push(v.map((x) => (typeof x === "string" ? x : JSON.stringify(x))).join(" "));
const error = (e) => `${e.name} ${e.code} ${e.syscall} ${e.path} ${e.dest} ${e.errno} ${e.message} ${Object.keys(e)}`;
const sync = (name, fn) => {
  try {
    say(name, fn() ?? "undefined");
  } catch (e) {
    say(name, error(e));
  }
};
const later = async (name, fn) => {
  try {
    say(name, (await fn()) ?? "undefined");
  } catch (e) {
    say(name, error(e));
  }
};
fs.writeFileSync("f", "content");
fs.mkdirSync("d/e", { recursive: true });
fs.writeFileSync("d/e/x", "1");
fs.symlinkSync("nowhere", "dangling");
fs.symlinkSync("loop", "loop");
for (const [name, fn] of Object.entries({
  openNone: () => fs.openSync("none"), openDir: () => fs.openSync("d", "w"), dangling: () => fs.readFileSync("dangling"), loop: () => fs.statSync("loop"),
  realLoop: () => fs.realpathSync.native("loop"), statNone: () => fs.statSync("none/x"), quiet: () => fs.statSync("none", { throwIfNoEntry: false }), quietFile: () => fs.statSync("f/x", { throwIfNoEntry: false }),
  mkdir: () => fs.mkdirSync("d"), mkdirMode: () => fs.mkdirSync("m", 0o700), mkdirFile: () => fs.mkdirSync("f", { recursive: true }), mkdirBelow: () => fs.mkdirSync("f/a/b", { recursive: true }),
  rmdirFile: () => fs.rmdirSync("f"), rmdirNone: () => fs.rmdirSync("none"), rmdirFull: () => fs.rmdirSync("d"), unlinkDir: () => { try { fs.unlinkSync("d"); } catch (e) { return e.syscall; } },
  rename: () => fs.renameSync("d", "d/e/z"), renameFull: () => fs.renameSync("m", "d"), link: () => fs.linkSync("none", "x"), copy: () => fs.copyFileSync("d", "x"), copyTo: () => fs.copyFileSync("f", "d"),
  readlink: () => fs.readlinkSync("f"), dirNone: () => fs.readdirSync("none"), dirFile: () => fs.readdirSync("f"), truncate: () => fs.truncateSync("none"),
  exists: () => [fs.existsSync("f"), fs.existsSync("dangling"), fs.existsSync(), fs.existsSync(5)], access: () => fs.accessSync("none"), accessX: () => fs.accessSync("f", 1), list: () => fs.readdirSync(".", { recursive: true }),
  cpNone: () => fs.cpSync("none", "q"), rm: () => fs.rmSync("none"), rmForce: () => fs.rmSync("none", { force: true }), rmTree: () => fs.rmSync("d", { recursive: true }), badMode: () => fs.openSync("f", "r", "z"),
  badFlags: () => fs.openSync("f", 1.5), badFd: () => fs.readSync(1e9 | 0, Buffer.alloc(1)), negative: () => fs.closeSync(-1), noPath: () => fs.readFileSync(), badEncoding: () => fs.readFileSync("f", "x"), badData: () => fs.writeFileSync("f", {}),
  badBuffer: () => fs.readSync(fs.openSync("f"), "x"), badLength: () => fs.writeSync(fs.openSync("f", "r+"), Buffer.alloc(2), 0, 9), url: () => fs.readFileSync(new URL("http://x/")),
  position: () => fs.readSync(fs.openSync("f"), Buffer.alloc(1), 0, 1, "1"), uid: () => fs.chownSync("f", "a", 1), time: () => fs.utimesSync("f", "x", 1), view: () => fs.writevSync(1, [1]),
})) sync(name, fn);
const h = await fsp.open("f", "r+");
for (const [name, fn] of Object.entries({
  open: () => fsp.open("none"), read: () => fsp.readFile("none"), stat: () => fsp.stat("none"), dir: () => fsp.readdir("none"), mkdir: () => fsp.mkdir("none/x"), rm: () => fsp.rm("none"), realpath: () => fsp.realpath("none"), readDir: () => fsp.readFile("m"),
  handle: async () => (await h.read(Buffer.alloc(3), 0, 3, 2)).bytesRead, write: async () => (await h.write("zz", 0)).bytesWritten, all: () => h.readFile("utf8"), handleStat: async () => (await h.stat()).size, truncate: () => h.truncate(3), size: async () => (await h.stat()).size,
  close: () => h.close(), closed: () => h.read(Buffer.alloc(1)), lchmod: async () => { try { await fsp.lchmod("f", 1); } catch (e) { return e.code; } }, badPath: () => fsp.stat(5), badOpen: () => fsp.open("f", "zz"), mkdtemp: async () => (await fsp.mkdtemp("t-")).length,
})) await later(name, fn);
return out;
