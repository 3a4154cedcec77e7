package disk_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"workerd.local/internal/machinetest"
	"workerd.local/internal/peer"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/webapi/node/glue"
)

const begin = `const fs = (await import("node:fs")).default, fsp = (await import("node:fs/promises")).default, out = [];
	const caught = (fn) => { try { return fn() } catch (e) { return [e.name, e.code ?? "", e.message].join("|") } };
	const late = async (p) => { try { return await p } catch (e) { return [e.name, e.code ?? "", e.message].join("|") } };
	const told = (fn, ...args) => new Promise(r => fn(...args, (...got) => r(got)));
`

func TestFilesOfTheMachine(t *testing.T) {
	e, m := machinetest.New(t)
	want := func(code, want string) { t.Helper(); e.Want(begin+code, want) }
	want(`fs.writeFileSync("a", "one"); fs.appendFileSync("a", Buffer.from(" two")); return [fs.readFileSync("a", "utf8"), fs.readFileSync("./a").length, fs.existsSync("a"), fs.existsSync("b")]`, `["one two",7,true,false]`)
	if b, err := os.ReadFile(filepath.Join(m.Directory, "a")); err != nil || string(b) != "one two" {
		t.Errorf("the file on the disk: %q, %v", b, err)
	}
	want(`fs.mkdirSync("d/e/f", { recursive: true }); fs.renameSync("a", "d/e/b"); fs.symlinkSync("e", "d/l"); fs.linkSync("d/e/b", "d/hard"); return [fs.readFileSync("d/l/b", "latin1"), fs.lstatSync("d/l").isSymbolicLink(), fs.statSync("d/l").isDirectory(), fs.readlinkSync("d/l"), fs.statSync("d/hard").nlink, fs.readdirSync("d"), fs.readdirSync("d", { withFileTypes: true }).map(x => [x.name, x.isDirectory(), x.isSymbolicLink(), x.parentPath])]`,
		`["one two",true,true,"e",2,["e","hard","l"],[["e",true,false,"d"],["hard",false,false,"d"],["l",false,true,"d"]]]`)
	want(`return [fs.realpathSync("d/l/b") === process.cwd2 + "", fs.realpathSync("d/l/b").endsWith("/d/e/b"), fs.realpathSync.native("d/l").endsWith("/d/e"), (await fsp.realpath("d/l")).endsWith("/d/e")]`, `[false,true,true,true]`)
	want(`return [fs.readdirSync(".", { recursive: true }), fs.readdirSync("d", { recursive: true, withFileTypes: true }).map(x => x.parentPath + ":" + x.name)]`,
		`[["d","d/e","d/hard","d/l","d/e/b","d/e/f","d/l/b","d/l/f"],["d:e","d:hard","d:l","d/e:b","d/e:f"]]`)
	want(`return [fs.mkdirSync("x/y/z", { recursive: true }).endsWith("/x"), fs.mkdirSync("x/y", { recursive: true }) ?? null, fs.rmSync("x", { recursive: true }) ?? null, fs.existsSync("x"), fs.rmSync("x", { force: true }) ?? null]`, `[true,null,null,false,null]`)
	want(`fs.writeFileSync("t", "12345"); fs.truncateSync("t", 2); const s = fs.readFileSync("t", "utf8"); fs.utimesSync("t", 1.5, new Date(2500)); const st = fs.statSync("t"); fs.chmodSync("t", 0o640); return [s, st.atimeMs, st.mtimeMs, st.mtime.toISOString(), st.size, (fs.statSync("t").mode & 0o777).toString(8), st.isFile(), st instanceof fs.Stats, st.birthtimeMs > 0, st.uid === process.getuid?.() || true]`,
		`["12",1500,2500,"1970-01-01T00:00:02.500Z",2,"640",true,true,true,true]`)
	want(`const b = fs.statSync("t", { bigint: true }); return [typeof b.ino, typeof b.mtimeNs, b.mtimeNs === 2500000000n, b.size === 2n, b.isFile(), b.mtimeMs === 2500n]`, `["bigint","bigint",true,true,true,true]`)
	want(`const n = fs.mkdtempSync("tmp-"), f = fs.statfsSync("."); return [/^tmp-\w{6}$/.test(n), fs.statSync(n).isDirectory(), (fs.statSync(n).mode & 0o777).toString(8), f.bsize > 0, f.blocks > f.bfree, typeof fs.statfsSync(".", { bigint: true }).bsize]`, `[true,true,"700",true,true,"bigint"]`)
	want(`fs.copyFileSync("t", "u"); return [fs.readFileSync("u", "utf8"), (fs.statSync("u").mode & 0o777).toString(8), caught(() => fs.copyFileSync("t", "u", fs.constants.COPYFILE_EXCL))]`, `["12","640","Error|EEXIST|EEXIST: file already exists, copyfile 't' -> 'u'"]`)
	want(`fs.writeFileSync("bin", Buffer.from([1, 2, 3, 255])); return [[...fs.readFileSync("bin")], fs.readFileSync("bin", "hex"), fs.readFileSync("bin", { encoding: "base64" })]`, `[[1,2,3,255],"010203ff","AQID/w=="]`)
	want(`const fd = fs.openSync("rw", "w+"); const w = [fs.writeSync(fd, "hello"), fs.writeSync(fd, Buffer.from("XY"), 0, 1, 1), fs.writevSync(fd, [Buffer.from("!"), Buffer.from("?")])]; const b = Buffer.alloc(10); const r = [fs.readSync(fd, b, 0, 10, 0), fs.readSync(fd, b), fs.readvSync(fd, [Buffer.alloc(2)], 0)]; fs.fsyncSync(fd); fs.fdatasyncSync(fd); fs.ftruncateSync(fd, 3); const s = fs.fstatSync(fd).size; fs.closeSync(fd); return [w, r, b.toString("utf8", 0, 7), s, caught(() => fs.closeSync(fd))]`,
		`[[5,1,2],[7,0,2],"hXllo!?",3,"Error|EBADF|EBADF: bad file descriptor, close"]`)
	want(`return [fs.readFileSync(0, "utf8"), fs.writeSync(1, "out\n")]`, `["typed",4]`)
	if m.Out.String() != "out\n" {
		t.Errorf("stdout got %q", m.Out.String())
	}
	want(`fs.writeFileSync("ümläut €", "x"); return [fs.readdirSync(".").includes("ümläut €"), Buffer.isBuffer(fs.readdirSync(".", "buffer")[0]), fs.readFileSync(Buffer.from("ümläut €"), "utf8"), fs.readFileSync(require0("node:url").pathToFileURL(fs.realpathSync("ümläut €")), "utf8")]; function require0(n) { return process.getBuiltinModule(n) }`, `[true,true,"x","x"]`)
	want(`fs.mkdirSync("g/x", { recursive: true }); fs.writeFileSync("g/x/1.js", ""); fs.writeFileSync("g/2.ts", ""); return [fs.globSync("**/*.{js,ts}", { cwd: "g" }).sort(), (await Array.fromAsync(fsp.glob("*", { cwd: "g" }))).sort()]`, `[["2.ts","x/1.js"],["2.ts","x"]]`)
	want(`const b = await fs.openAsBlob("bin", { type: "x/y" }); return [(await b.arrayBuffer()).byteLength, b.type]`, `[4,"x/y"]`)
}

func TestCallbacksAndPromisesOfFiles(t *testing.T) {
	e, _ := machinetest.New(t)
	want := func(code, want string) { t.Helper(); e.Want(begin+code, want) }
	want(`return await new Promise(r => fs.writeFile("c", "cb", e => fs.readFile("c", "utf8", (e2, d) => fs.unlink("c", e3 => fs.access("c", e4 => r([e, e2, d, e3, e4.code, e4.message]))))))`, `[null,null,"cb",null,"ENOENT","ENOENT: no such file or directory, access 'c'"]`)
	want(`let sync = true; const p = told(fs.stat, "."); const q = new Promise(r => fs.stat(".", () => r(sync))); sync = false; return [(await p)[1].isDirectory(), await q]`, `[true,false]`)
	want(`await fsp.writeFile("p", "x"); const h = await fsp.open("p", "r+"); const w = await h.write("yz"); const r = await h.read(Buffer.alloc(5), 0, 5, 0); const st = await h.stat(); await h.truncate(1); const all = await h.readFile("utf8"); await h.close(); return [w.bytesWritten, w.buffer, r.bytesRead, String(r.buffer.subarray(0, 2)), st.size, all, await fsp.readFile("p", "utf8"), h.fd, await late(h.stat())]`,
		`[2,"yz",2,"yz",2,"","y",-1,"Error|EBADF|file closed"]`)
	want(`await fsp.writeFile("it", (async function* () { yield "a"; yield Buffer.from("b") })()); await fsp.appendFile("it", ["c", "d"]); return [await fsp.readFile("it", "utf8"), await late(fsp.writeFile("it", [1]))]`, `["abcd","TypeError|ERR_INVALID_ARG_TYPE|The \"data\" argument must be of type string or an instance of Buffer, TypedArray, or DataView. Received type number (1)"]`)
	want(`const r = await told(fs.read, fs.openSync("c2", "w+"), Buffer.alloc(3), 0, 3, 0); return [r[0], r[1], r[2].length]`, `[null,0,3]`)
	want(`const util = process.getBuiltinModule("node:util"); const { bytesRead, buffer } = await util.promisify(fs.read)(fs.openSync("p"), Buffer.alloc(3), 0, 3, 0); return [bytesRead, buffer.length, await util.promisify(fs.exists)("p")]`, `[1,3,true]`)
	want(`const c = new AbortController(); const p = fsp.readFile("p", { signal: c.signal }); c.abort(); return [await late(p)]`, `["AbortError|ABORT_ERR|The operation was aborted"]`)
	want(`fs.mkdirSync("dir"); for (let i = 0; i < 70; i++) fs.writeFileSync("dir/" + i, ""); let n = 0; for await (const x of await fsp.opendir("dir")) n += x.isFile(); const d = fs.opendirSync("dir"); const first = d.readSync(); const second = await d.read(); d.closeSync(); return [n, first.isFile(), second.name !== first.name, d.path, caught(() => d.readSync()), await late(d.close())]`,
		`[70,true,true,"dir","Error|ERR_DIR_CLOSED|Directory handle was closed","Error|ERR_DIR_CLOSED|Directory handle was closed"]`)
	want(`fs.mkdirSync("dir/below"); fs.writeFileSync("dir/below/z", ""); const names = []; for await (const x of await fsp.opendir("dir", { recursive: true })) names.push(x.parentPath + "/" + x.name); return [names.length, names.at(-1)]`, `[72,"dir/below/z"]`)
	want(`return (await Promise.all(Array.from({ length: 200 }, (_, i) => fsp.writeFile("dir/" + i, "" + i).then(() => fsp.readFile("dir/" + i, "utf8"))))).every((v, i) => v === "" + i)`, `true`)
}

func TestStreamsOfFiles(t *testing.T) {
	e, _ := machinetest.New(t)
	want := func(code, want string) { t.Helper(); e.Want(begin+code, want) }
	want(`const w = fs.createWriteStream("s"); w.write("ab"); w.end("cd"); await new Promise(r => w.on("close", r)); let s = ""; for await (const c of fs.createReadStream("s", { encoding: "utf8", start: 1, end: 2 })) s += c; return [s, w.bytesWritten, w.path]`, `["bc",4,"s"]`)
	want(`const big = Buffer.alloc(300000, "x"); fs.writeFileSync("big", big); const { pipeline } = process.getBuiltinModule("node:stream/promises"); await pipeline(fs.createReadStream("big"), fs.createWriteStream("big2")); return [fs.statSync("big2").size, fs.readFileSync("big2").equals(big)]`, `[300000,true]`)
	want(`const w = fs.createWriteStream("s", { flags: "a" }); w.end("ef"); await new Promise(r => w.on("close", r)); const v = fs.createWriteStream("s", { flags: "r+", start: 1 }); v.end("X"); await new Promise(r => v.on("close", r)); return fs.readFileSync("s", "utf8")`, `aXcdef`)
	want(`return await new Promise(r => fs.createReadStream("none").on("error", e => r(e.message)))`, `ENOENT: no such file or directory, open 'none'`)
	want(`const h = await fsp.open("s"); let s = ""; for await (const c of h.createReadStream({ encoding: "utf8" })) s += c; return [s, h.fd]`, `["aXcdef",-1]`)
	want(`const h = await fsp.open("s"); const t = await new Response(h.readableWebStream()).text(); await h.close(); return t`, `aXcdef`)
	want(`fs.writeFileSync("l", "a\nb\r\nc"); const h = await fsp.open("l"); const l = []; for await (const x of h.readLines()) l.push(x); return l`, `["a","b","c"]`)
	want(`let s = ""; for await (const c of fs.createReadStream(null, { fd: 0, encoding: "utf8" })) s += c; return s`, `typed`)
}

func TestCopiesOfTrees(t *testing.T) {
	e, _ := machinetest.New(t)
	want := func(code, want string) { t.Helper(); e.Want(begin+code, want) }
	want(`fs.mkdirSync("a/b", { recursive: true }); fs.writeFileSync("a/1", "1"); fs.writeFileSync("a/b/2", "2"); fs.symlinkSync("1", "a/l"); fs.cpSync("a", "c", { recursive: true }); await fsp.cp("a", "d", { recursive: true, verbatimSymlinks: true, filter: async (s) => !s.endsWith("2") }); return [fs.readdirSync("c", { recursive: true }), fs.readlinkSync("c/l").endsWith("/a/1"), fs.readdirSync("d", { recursive: true }), fs.readlinkSync("d/l")]`,
		`[["1","b","l","b/2"],true,["1","b","l"],"1"]`)
	want(`fs.writeFileSync("c/1", "changed"); fs.cpSync("a", "c", { recursive: true, force: false }); const kept = fs.readFileSync("c/1", "utf8"); fs.cpSync("a", "c", { recursive: true }); return [kept, fs.readFileSync("c/1", "utf8")]`, `["changed","1"]`)
	want(`return [caught(() => fs.cpSync("a", "x")), caught(() => fs.cpSync("a", "a/b/c", { recursive: true })).split(" ")[0], caught(() => fs.cpSync("none", "x")), await late(fsp.cp("a/1", "c/1", { force: false, errorOnExist: true })), caught(() => fs.cpSync("a", "c/1", { recursive: true })).split("|")[1], caught(() => fs.cpSync("a", "x", { recursive: 1 }))]`,
		`["SystemError|ERR_FS_EISDIR|Recursive option not enabled, cannot copy a directory: cp returned EISDIR (a is a directory (not copied)) a","SystemError|ERR_FS_CP_EINVAL|Invalid","Error|ENOENT|ENOENT: no such file or directory, lstat 'none'","SystemError|ERR_FS_CP_EEXIST|Target already exists: cp returned EEXIST (c/1 already exists) c/1","ERR_FS_CP_DIR_TO_NON_DIR","TypeError|ERR_INVALID_ARG_TYPE|The \"options.recursive\" property must be of type boolean. Received type number (1)"]`)
}

func TestErrorsOfFiles(t *testing.T) {
	e, m := machinetest.New(t)
	if err := os.WriteFile(filepath.Join(m.Directory, "file"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(m.Directory, "full", "in"), 0o755); err != nil {
		t.Fatal(err)
	}
	for call, want := range map[string]string{
		`fs.readFileSync("none")`:                        "ENOENT|open|none|-2|ENOENT: no such file or directory, open 'none'",
		`fs.readFileSync("file/x")`:                      "ENOTDIR|open|file/x|-20|ENOTDIR: not a directory, open 'file/x'",
		`fs.readFileSync("full")`:                        "EISDIR|read||-21|EISDIR: illegal operation on a directory, read",
		`fs.writeFileSync("full", "")`:                   "EISDIR|open|full|-21|EISDIR: illegal operation on a directory, open 'full'",
		`fs.mkdirSync("none/b")`:                         "ENOENT|mkdir|none/b|-2|ENOENT: no such file or directory, mkdir 'none/b'",
		`fs.mkdirSync("full")`:                           "EEXIST|mkdir|full|-17|EEXIST: file already exists, mkdir 'full'",
		`fs.mkdirSync("file/x", { recursive: true })`:    "ENOTDIR|mkdir|file/x|-20|ENOTDIR: not a directory, mkdir 'file/x'",
		`fs.rmdirSync("full")`:                           "ENOTEMPTY|rmdir|full|-39|ENOTEMPTY: directory not empty, rmdir 'full'",
		`fs.unlinkSync("none")`:                          "ENOENT|unlink|none|-2|ENOENT: no such file or directory, unlink 'none'",
		`fs.readdirSync("file")`:                         "ENOTDIR|scandir|file|-20|ENOTDIR: not a directory, scandir 'file'",
		`fs.opendirSync("file")`:                         "ENOTDIR|opendir|file|-20|ENOTDIR: not a directory, opendir 'file'",
		`fs.statSync("none")`:                            "ENOENT|stat|none|-2|ENOENT: no such file or directory, stat 'none'",
		`fs.rmSync("none")`:                              "ENOENT|lstat|none|-2|ENOENT: no such file or directory, lstat 'none'",
		`fs.rmSync("full")`:                              "ERR_FS_EISDIR|rm|full|21|Path is a directory: rm returned EISDIR (is a directory) full",
		`fs.renameSync("none", "b")`:                     "ENOENT|rename|none|-2|ENOENT: no such file or directory, rename 'none' -> 'b'",
		`fs.linkSync("none", "b")`:                       "ENOENT|link|none|-2|ENOENT: no such file or directory, link 'none' -> 'b'",
		`fs.symlinkSync("x", "file")`:                    "EEXIST|symlink|x|-17|EEXIST: file already exists, symlink 'x' -> 'file'",
		`fs.readlinkSync("file")`:                        "EINVAL|readlink|file|-22|EINVAL: invalid argument, readlink 'file'",
		`fs.realpathSync.native("none")`:                 "ENOENT|realpath|none|-2|ENOENT: no such file or directory, realpath 'none'",
		`fs.copyFileSync("none", "b")`:                   "ENOENT|copyfile|none|-2|ENOENT: no such file or directory, copyfile 'none' -> 'b'",
		`fs.mkdtempSync("none/x-")`:                      "ENOENT|mkdtemp|none/x-XXXXXX|-2|ENOENT: no such file or directory, mkdtemp 'none/x-XXXXXX'",
		`fs.accessSync("file", fs.constants.X_OK)`:       "EACCES|access|file|-13|EACCES: permission denied, access 'file'",
		`fs.openSync("file", "wx")`:                      "EEXIST|open|file|-17|EEXIST: file already exists, open 'file'",
		`fs.openSync("x".repeat(300), "w")`:              "ENAMETOOLONG|open|" + strings.Repeat("x", 300) + "|-36|ENAMETOOLONG: name too long, open '" + strings.Repeat("x", 300) + "'",
		`fs.readSync(99, Buffer.alloc(1))`:               "EBADF|read||-9|EBADF: bad file descriptor, read",
		`fs.writeSync(fs.openSync("file"), "x")`:         "EBADF|write||-9|EBADF: bad file descriptor, write",
		`fs.writeFileSync("/dev/full", "x")`:             "ENOSPC|write||-28|ENOSPC: no space left on device, write",
		`fs.truncateSync("none", 1)`:                     "ENOENT|open|none|-2|ENOENT: no such file or directory, open 'none'",
		`fs.utimesSync("none", 1, 1)`:                    "ENOENT|utime|none|-2|ENOENT: no such file or directory, utime 'none'",
		`fs.chmodSync("none", 0)`:                        "ENOENT|chmod|none|-2|ENOENT: no such file or directory, chmod 'none'",
		`fs.statfsSync("none")`:                          "ENOENT|statfs|none|-2|ENOENT: no such file or directory, statfs 'none'",
		`fs.watch("none")`:                               "ENOENT|watch|none|-2|ENOENT: no such file or directory, watch 'none'",
		`fs.closeSync("1")`:                              `ERR_INVALID_ARG_TYPE||||The "fd" argument must be of type number. Received type string ('1')`,
		`fs.readFileSync("a\0b")`:                        `ERR_INVALID_ARG_VALUE||||The argument 'path' must be a string, Uint8Array, or URL without null bytes. Received 'a\x00b'`,
		`fs.readFileSync(true)`:                          `ERR_INVALID_ARG_TYPE||||The "path" argument must be of type string or an instance of Buffer or URL. Received type boolean (true)`,
		`fs.readFileSync("/a", "nope")`:                  `ERR_INVALID_ARG_VALUE||||The argument 'encoding' is invalid encoding. Received 'nope'`,
		`fs.readFile("/a")`:                              `ERR_INVALID_ARG_TYPE||||The "cb" argument must be of type function. Received undefined`,
		`fs.writeFileSync("x", 5)`:                       `ERR_INVALID_ARG_TYPE||||The "data" argument must be of type string or an instance of Buffer, TypedArray, or DataView. Received type number (5)`,
		`fs.openSync("x", "q")`:                          `ERR_INVALID_ARG_VALUE||||The argument 'flags' is invalid. Received 'q'`,
		`fs.readSync(0, Buffer.alloc(2), 1, 5)`:          `ERR_OUT_OF_RANGE||||The value of "length" is out of range. It must be <= 1. Received 5`,
		`fs.readSync(0, Buffer.alloc(0), 0, 1)`:          `ERR_INVALID_ARG_VALUE||||The argument 'buffer' is empty and cannot be written. Received <Buffer >`,
		`fs.mkdirSync("x", { recursive: 1 })`:            `ERR_INVALID_ARG_TYPE||||The "options.recursive" property must be of type boolean. Received type number (1)`,
		`fs.utimesSync("file", {}, 1)`:                   `ERR_INVALID_ARG_TYPE||||The "time" argument must be an instance of Date or an Time in seconds. Received an instance of Object`,
		`fs.chmodSync("file", "9")`:                      `ERR_INVALID_ARG_VALUE||||The argument 'mode' must be a 32-bit unsigned integer or an octal string. Received '9'`,
		`fs.createReadStream("x", { start: 2, end: 1 })`: `ERR_OUT_OF_RANGE||||The value of "start" is out of range. It must be <= "end" (here: 1). Received 2`,
		`fs.readdirSync("full", { recursive: 2 })`:       `ERR_INVALID_ARG_TYPE||||The "options.recursive" property must be of type boolean. Received type number (2)`,
	} {
		if runtime.GOOS != "linux" && strings.Contains(call, "/dev/full") {
			continue
		}
		if os.Getuid() == 0 && strings.Contains(want, "ENOENT: never") {
			continue
		}
		e.Want(begin+`try { `+call+`; return "no error" } catch (e) { return [e.code, e.syscall, e.path, e.errno].map(v => v ?? "").join("|") + "|" + e.message }`, want)
	}
}

// The umask is the program's: what it makes has the modes that it says, whatever the
// process's own umask takes away.
func TestUmaskIsThePrograms(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no modes")
	}
	e, m := machinetest.New(t)
	m.Mask = 0
	e.Want(begin+`fs.writeFileSync("open", "", { mode: 0o666 }); fs.mkdirSync("wide"); fs.closeSync(fs.openSync("wx", "wx", 0o777)); return ["open", "wide", "wx"].map(n => (fs.statSync(n).mode & 0o777).toString(8))`, `["666","777","777"]`)
	m.Mask = 0o077
	e.Want(begin+`fs.writeFileSync("open", ""); fs.writeFileSync("shut", ""); fs.mkdirSync("narrow"); return ["open", "shut", "narrow"].map(n => (fs.statSync(n).mode & 0o777).toString(8))`, `["666","600","700"]`)
}

func TestUnreadableDirectory(t *testing.T) {
	if runtime.GOOS == "windows" || os.Getuid() == 0 {
		t.Skip("nothing is forbidden to this user")
	}
	e, m := machinetest.New(t)
	if err := os.Mkdir(filepath.Join(m.Directory, "shut"), 0); err != nil {
		t.Fatal(err)
	}
	e.Want(begin+`return [caught(() => fs.readdirSync("shut")), await late(fsp.readFile("shut/x")), caught(() => fs.rmSync("shut/x", { force: true }))]`,
		`["Error|EACCES|EACCES: permission denied, scandir 'shut'","Error|EACCES|EACCES: permission denied, open 'shut/x'","Error|EACCES|EACCES: permission denied, lstat 'shut/x'"]`)
}

func TestDescriptorsAreBounded(t *testing.T) {
	e, _ := machinetest.New(t, "program.open=3")
	e.Want(begin+`fs.writeFileSync("f", ""); for (let i = 0; i < 3; i++) out.push(fs.openSync("f")); out.push(caught(() => fs.openSync("f")), caught(() => fs.opendirSync(".")), await late(fsp.open("f")), caught(() => fs.watch("."))); fs.closeSync(out[1]); out.push(fs.openSync("f")); return out`,
		`[3,4,5,"Error|EMFILE|EMFILE: too many open files, open 'f'","Error|EMFILE|EMFILE: too many open files, opendir '.'","Error|EMFILE|EMFILE: too many open files, open 'f'","Error|EMFILE|EMFILE: too many open files, watch '.'",4]`)
}

// What a program has open is closed when it ends, and its numbers mean nothing then.
func TestDescriptorsEndWithTheProgram(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("counts descriptors in /proc")
	}
	e, _ := machinetest.New(t)
	count := func() int {
		list, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	before := count()
	c := e.Context()
	e.OnLoop(func() {
		c.Run(func(js *isolate.JS) {
			if _, err := js.Runtime().RunString(`const f = process.getBuiltinModule("node:fs"); f.writeFileSync("f", ""); for (let i = 0; i < 20; i++) f.openSync("f")`); err != nil {
				t.Error(err)
			}
		})
	})
	if now := count(); now < before+20 {
		t.Errorf("%d descriptors, then %d", before, now)
	}
	e.OnLoop(c.End)
	if now := count(); now >= before+20 {
		t.Errorf("%d descriptors, %d after the end", before, now)
	}
}

func TestWatchingFiles(t *testing.T) {
	e, _ := machinetest.New(t)
	e.Want(begin+`fs.mkdirSync("w"); const seen = new Promise(r => { const w = fs.watch("w", (event, name) => { w.close(); r([event, name]) }); w.on("close", () => out.push("closed")) }); fs.writeFileSync("w/new", "x"); return [await seen, (await new Promise(r => setTimeout(r, 1)), out)]`, `[["rename","new"],["closed"]]`)
	e.Want(begin+`const c = new AbortController(), got = []; setTimeout(() => fs.writeFileSync("w/more", ""), 20); try { for await (const x of fsp.watch("w", { signal: c.signal })) { got.push(x.filename); c.abort() } } catch (e) { got.push(e.name) } return got`, `["more","AbortError"]`)
	e.Want(begin+`fs.writeFileSync("polled", "1"); const seen = new Promise(r => fs.watchFile("polled", { interval: 10 }, (now, old) => { fs.unwatchFile("polled"); r([now.size > old.size, old.size > 0]) })), grows = setInterval(() => fs.appendFileSync("polled", "2"), 40); const r = await seen; clearInterval(grows); return r`, `[true,true]`)
}

// A deployed worker has its own files, whatever else runs in the process.
func TestWorkersDoNotReachTheMachine(t *testing.T) {
	e, m := machinetest.New(t)
	m2 := glue.Machine(nil)
	e.In(func(js *isolate.JS, _ *iocontext.Context) { glue.SetMachine(js, m2) })
	_ = m
	e.Want(begin+`return [fs.existsSync("/etc"), fs.readdirSync("/")]`, `[false,["bundle","tmp","dev"]]`)
}

// The same program says the same in node.
func TestNodeSaysTheSameOfFiles(t *testing.T) {
	bin := peer.Node(t)
	e, m := machinetest.New(t)
	code, err := os.ReadFile("testdata/agree.js")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "n")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin, "-e", `(async () => { const fs = require("fs"), fsp = require("fs/promises"); const r = await (async () => {`+string(code)+`})(); console.log(JSON.stringify(r)) })()`)
	cmd.Dir = dir
	theirs, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, theirs)
	}
	ours, err := e.Eval(`const fs = (await import("node:fs")).default, fsp = (await import("node:fs/promises")).default;` + string(code))
	if err != nil {
		t.Fatal(err)
	}
	_ = m
	if a, b := strings.Split(ours, `","`), strings.Split(strings.TrimSpace(string(theirs)), `","`); len(a) == len(b) {
		for i := range a {
			if a[i] != b[i] {
				t.Errorf("ours %s\nnode %s", a[i], b[i])
			}
		}
	} else {
		t.Errorf("ours %s\nnode %s", ours, theirs)
	}
}
