package program_test

import (
	"strings"
	"testing"
)

// What scripts see of modules is the same before and after they have come near node:module.
func TestModuleObjects(t *testing.T) {
	want(t, `
-- main.js --
const late = require("./late");
console.log(module.children.length, late.parent === module, module.parent, late.again === late, require.main === module, module.id, late.path === __dirname);
const p = Object.getPrototypeOf(module);
console.log(Object.keys(p).includes("_compile"), Object.getOwnPropertyDescriptor(p, "constructor").enumerable, typeof Object.getOwnPropertyDescriptor(p, "parent").get);
const keys = [];
for (const k in module) keys.push(k);
console.log(Object.keys(module).join(), keys.includes("require"), keys.includes("constructor"));
const Module = require("module");
console.log(module.constructor === Module, module instanceof Module, Module.prototype === p, require.cache === Module._cache, require.extensions === Module._extensions, p.require === Module.prototype.require);
console.log(Object.keys(require).join(), require.name, require.length, require.resolve("./late") === late.filename, require.resolve.paths("x")[0] === __dirname + "/node_modules");
console.log(new Module("/a/b").path, new Module("c", module).parent === module, module.children.length, Module.prototype.parent, require("./late") === late);
-- late.js --
module.exports = module;
module.again = require("./late");
`, `
1 true null true true . true
true false function
id,path,exports,filename,loaded,children,paths true false
true true true true true true
resolve,main,extensions,cache require 1 true true
/a true 2 undefined true`)
}

// A script that changes a part of how modules are loaded changes it for what comes.
func TestChangedLoading(t *testing.T) {
	for _, c := range []struct{ name, text, out string }{
		{"an extension", `require.extensions[".txt"] = (m, file) => { m.exports = require("fs").readFileSync(file, "utf8").trim(); };
console.log(require("./a.txt"), require("./b"));`, "text of a b"},
		{"the extension of scripts", `const old = require.extensions[".js"];
require.extensions[".js"] = (m, file) => { console.log("loads", file.slice(-4)); old(m, file); };
console.log(require("./b"));`, "loads b.js\nb"},
		{"the method of one module", `module.require = (id) => "own " + id;
console.log(require("./b"));`, "own ./b"},
		{"the method of all", `Object.getPrototypeOf(module).require = (id) => "all " + id;
console.log(require("./b"));`, "all ./b"},
		{"the cache", `require.cache[require.resolve("./b")] = { exports: "cached" };
console.log(require("./b"));
delete require.cache[require.resolve("./b")];
console.log(require("./b"));`, "cached\nb"},
		{"_load", `const Module = module.constructor, old = Module._load;
Module._load = function (request, parent, isMain) { return request === "virtual" ? "made up" : old.call(this, request, parent, isMain); };
console.log(require("virtual"), require("./b"), module.require("virtual"));`, "made up b made up"},
		{"_resolveFilename", `const Module = require("module"), old = Module._resolveFilename;
Module._resolveFilename = (request, ...rest) => old(request === "virtual" ? "./b" : request, ...rest);
console.log(require("virtual"), require.resolve("virtual").slice(-4));`, "b b.js"},
		{"_compile", `const { prototype } = require("module"), old = prototype._compile;
prototype._compile = function (text, file) { return old.call(this, text + "; module.exports += '!'", file); };
console.log(require("./b"));`, "b!"},
		{"what it is made with", `const kept = [Array.prototype, "includes", Array.prototype, "push", JSON, "parse", Object, "assign"];
const old = kept.map((v, i) => i % 2 && kept[i - 1][v]);
for (let i = 0; i < kept.length; i += 2) kept[i][kept[i + 1]] = () => { throw new Error("patched"); };
const load = module.constructor._load, c = require("./c.json").c;
for (let i = 0; i < kept.length; i += 2) kept[i][kept[i + 1]] = old[i + 1];
console.log(typeof load, c);`, "function 7"},
	} {
		t.Run(c.name, func(t *testing.T) {
			want(t, "\n-- main.js --\n"+c.text+"\n-- a.txt --\ntext of a\n-- b.js --\nmodule.exports = 'b';\n-- c.json --\n{\"c\": 7}\n", "\n"+c.out)
		})
	}
}

// The exception of a module is told of with the line that threw it, and no stack shows what
// has loaded it.
func TestPlaceOfWhatAModuleThrows(t *testing.T) {
	dir := write(t, "\n-- main.js --\nconst tell = (f) => { try { f(); } catch (e) { console.log(e.stack); } };\ntell(() => require('./none'));\n"+
		"tell(() => [1].map(() => module.require('./none')));\nrequire('./fails');\n-- fails.js --\n\nthrow new TypeError('here');\n")
	r := run(t, dir, "main.js")
	const none = "Error: Cannot find module './none'\nRequire stack:\n- DIR/main.js\n"
	out := none + "    at DIR/main.js:2:19\n    at tell (DIR/main.js:1:30)\n    at Object.<anonymous> (DIR/main.js:2:5)\n" +
		none + "    at DIR/main.js:3:40\n    at map (native)\n    at DIR/main.js:3:19\n    at tell (DIR/main.js:1:30)\n    at Object.<anonymous> (DIR/main.js:3:5)\n"
	errs := "DIR/fails.js:2\nthrow new TypeError('here');\n      ^\n\nTypeError: here\n    at Object.<anonymous> (DIR/fails.js:2:7)\n    at Object.<anonymous> (DIR/main.js:4:8)\n"
	if r.code != 1 || r.out != out || !strings.HasPrefix(r.err, errs) {
		t.Errorf("code %d\n%s\n%s\nwant\n%s\n%s", r.code, r.out, r.err, out, errs)
	}
}
