package files_test

import (
	"testing"

	"workerd.local/internal/jstest"
	"workerd.local/internal/limits"
	"workerd.local/internal/machinetest"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// newEnv makes a worker of two files.
func newEnv(t testing.TB, l isolate.Limits) *jstest.Env {
	t.Helper()
	files := bind.Module{Name: "files", Setup: func(js *isolate.JS) error {
		bind.ProgramOf(js).Files = func() map[string][]byte {
			return map[string][]byte{"main.js": []byte("export default {}"), "lib/a.txt": []byte("text")}
		}
		return nil
	}}
	return machinetest.NewWorkerWith(t, jstest.Options{Limits: l, Modules: []bind.Module{files}})
}

const begin = `const fs = (await import("node:fs")).default, fsp = (await import("node:fs/promises")).default, out = [];`

func TestFiles(t *testing.T) {
	e := newEnv(t, isolate.Limits{})
	want := func(code, want string) { t.Helper(); e.Want(begin+code, want) }
	want(`return [fs.readdirSync("/"), fs.readFileSync("/bundle/lib/a.txt", "utf8"), fs.readdirSync("/bundle", { recursive: true }), fs.statSync("/bundle").isDirectory(), fs.existsSync("/etc/passwd")]`, `[["bundle","tmp","dev"],"text",["bundle/lib","bundle/lib/a.txt","bundle/main.js"],true,false]`)
	want(`fs.writeFileSync("/tmp/a", "one"); fs.appendFileSync("/tmp/a", Buffer.from(" two")); fs.mkdirSync("/tmp/d/e", { recursive: true }); fs.renameSync("/tmp/a", "/tmp/d/e/b"); fs.symlinkSync("/tmp/d", "/tmp/l"); return [fs.readFileSync("/tmp/l/e/b", "latin1"), fs.lstatSync("/tmp/l").isSymbolicLink(), fs.readlinkSync("/tmp/l"), fs.statSync("/tmp/d/e/b").size, fs.readdirSync("/tmp", { withFileTypes: true }).map(x => [x.name, x.isDirectory()])]`, `["one two",true,"/tmp/d",7,[["d",true],["l",false]]]`)
	want(`await fsp.writeFile("/tmp/p", "x"); const h = await fsp.open("/tmp/p", "r+"); await h.write("yz"); const r = await h.read(Buffer.alloc(5), 0, 5, 0); await h.close(); return [r.bytesRead, String(r.buffer.subarray(0, 2)), await fsp.readFile("/tmp/p", "utf8"), (await fsp.stat("/tmp/p")).isFile()]`, `[2,"yz","yz",true]`)
	want(`return await new Promise(r => fs.writeFile("/tmp/c", "cb", e => fs.readFile("/tmp/c", "utf8", (e2, d) => fs.unlink("/tmp/c", e3 => fs.access("/tmp/c", e4 => r([e, d, e3, e4.code]))))))`, `[null,"cb",null,"ENOENT"]`)
	want(`const w = fs.createWriteStream("/tmp/s"); w.write("ab"); w.end("cd"); await new Promise(r => w.on("close", r)); let s = ""; for await (const c of fs.createReadStream("/tmp/s", { encoding: "utf8", start: 1, end: 2 })) s += c; return [s, w.bytesWritten]`, `["bc",4]`)
	want(`fs.mkdirSync("/tmp/g/x", { recursive: true }); fs.writeFileSync("/tmp/g/x/1.js", ""); fs.writeFileSync("/tmp/g/2.ts", ""); return [fs.globSync("**/*.{js,ts}", { cwd: "/tmp/g" }).sort(), fs.globSync("*", { cwd: "/tmp/g", exclude: ["x"] })]`, `[["2.ts","x/1.js"],["2.ts"]]`)
	want(`process.chdir("/tmp"); fs.writeFileSync("rel", "r"); return [fs.readFileSync("/tmp/rel", "utf8"), fs.realpathSync("./rel"), fs.mkdtempSync("/tmp/t-").startsWith("/tmp/t-")]`, `["r","/tmp/rel",true]`)
	want(`const b = Buffer.alloc(4, 7); const z = fs.openSync("/dev/zero"); fs.readSync(z, b); fs.writeFileSync("/dev/null", "x"); try { fs.writeFileSync("/dev/full", "x") } catch (x) { out.push(x.code) } return [[...b], out]`, `[[0,0,0,0],["EPERM"]]`)
	want(`const b = fs.openAsBlob("/bundle/lib/a.txt", { type: "text/plain" }); fs.cpSync("/bundle/lib", "/tmp/lib", { recursive: true }); return [await b.text(), b.type, fs.readdirSync("/tmp/lib")]`, `["text","text/plain",["a.txt"]]`)
}

// Files of one request are not those of another.
func TestFilesOfARequestEndWithIt(t *testing.T) {
	e := newEnv(t, isolate.Limits{})
	e.Want(begin+`fs.writeFileSync("/tmp/mine", "1"); globalThis.fd = fs.openSync("/tmp/mine"); return fs.readdirSync("/tmp")`, `["mine"]`)
	e.Want(begin+`try { fs.readSync(fd, Buffer.alloc(1)) } catch (x) { return [x.code, fs.readdirSync("/tmp")] }`, `["EBADF",[]]`)
}

func TestFileErrors(t *testing.T) {
	e := newEnv(t, isolate.Limits{})
	for call, want := range map[string]string{
		`fs.readFileSync("/tmp/none")`:      "ENOENT readAll /tmp/none -2: no such file or directory, readAll '/tmp/none'",
		`fs.writeFileSync("/bundle/x", "")`: "EPERM writeAll  -1: operation not permitted",
		`fs.mkdirSync("/tmp/a/b")`:          "ENOENT mkdir b -2: no such file or directory, mkdir 'b'",
		`fs.rmdirSync("/tmp/a")`:            "ENOENT rm a -2: no such file or directory, rm 'a'",
		`fs.readdirSync("/bundle/main.js")`: "ENOTDIR readdir /bundle/main.js -20: not a directory, readdir '/bundle/main.js'",
		`fs.statSync("/none")`:              "ENOENT stat /none -2: no such file or directory, stat '/none'",
		`fs.closeSync("1")`:                 "ERR_INVALID_ARG_TYPE   : The \"fd\" argument must be of type number. Received type string ('1')",
		`fs.readFileSync(5.5)`:              "ERR_OUT_OF_RANGE   : The value of \"fd\" is out of range. It must be an integer. Received 5.5",
		`fs.readFileSync("a\0b")`:           "ERR_INVALID_ARG_VALUE   : The argument 'path' must not contain null bytes. Received 'a\\x00b'",
		`fs.readFileSync("/a", "nope")`:     "ERR_INVALID_ARG_VALUE   : The property 'options.encoding' is invalid. Received 'nope'",
		`fs.readFile("/a")`:                 "ERR_INVALID_ARG_TYPE   : The \"callback\" argument must be of type function. Received undefined",
		`fs.writeFileSync("/tmp/x", 5)`:     "ERR_INVALID_ARG_TYPE   : The \"data\" argument must be of type string or an instance of Buffer, TypedArray, or DataView. Received type number (5)",
		`fs.openSync("/tmp/none", "r")`:     "ENOENT open /tmp/none -2: no such file or directory, open '/tmp/none'",
		`fs.openSync("/tmp/x", "q")`:        "ERR_INVALID_ARG_VALUE   : The argument 'flags' is invalid. Received 'q'",
		`fs.readSync(99, Buffer.alloc(1))`:  "EBADF read  -9: bad file descriptor",
		`fs.readFileSync("/` + "a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a" + `")`: "   : File path has too many segments",
	} {
		e.Want(begin+`try { `+call+`; return "no error" } catch (e) { return [e.code, e.syscall, e.path, e.errno].map(v => v ?? "").join(" ") + ": " + e.message }`, want)
	}
}

func TestFilesAreBounded(t *testing.T) {
	bounds, err := limits.Parse("files.bytes=1024", "files.nodes=10")
	if err != nil {
		t.Fatal(err)
	}
	e := newEnv(t, isolate.Limits{Bounds: bounds})
	e.Want(begin+`try { fs.writeFileSync("/tmp/big", Buffer.alloc(2000)) } catch (x) { out.push(x.code) } try { for (let i = 0; ; i++) fs.writeFileSync("/tmp/" + i, "") } catch (x) { out.push(x.code) } return out`, `["EPERM","ENOSPC"]`)
}
