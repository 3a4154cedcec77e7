package serialize

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/node"
)

// contextsProgram is aworker.js on top of node:vm: what checks its arguments is JavaScript,
// as in the original, and what runs code is the vm's.
//
// Code that scripts may have patched is not used: the vm's classes are nobody else's here.
// Each Context has a proxy of its object, as the vm knows one context per object and two of
// Aworker's may have the same. Cached data is a checksum of the code: the engine has nothing
// to keep, and what it says is whether the data belong to the code.
var contextsProgram = goja.MustCompile("aworker:js", `((vm, fixed, getter, checksum, belongs, isBytes) => {
	const { Script: VMScript, createContext } = vm;
	const whole = new VMScript('globalThis');
	const read = (options, name, otherwise) => options === undefined || options === null || options[name] === undefined ? otherwise : options[name];
	let unnamed = 0;
	class Script {
		#code;
		#script;
		constructor(code, options) {
			const filename = read(options, 'filename', ''), lineOffset = read(options, 'lineOffset', 0);
			const columnOffset = read(options, 'columnOffset', 0), cachedData = read(options, 'cachedData', null);
			if (typeof filename !== 'string') throw new TypeError('options.filename should be a string');
			if (typeof lineOffset !== 'number' || lineOffset !== lineOffset) throw new TypeError('options.lineOffset should be a valid number');
			if (typeof columnOffset !== 'number' || columnOffset !== columnOffset) throw new TypeError('options.columnOffset should be a valid number');
			if (cachedData !== null && !isBytes(cachedData)) throw new TypeError('options.cachedData should be a Uint8Array');
			this.#code = `+"`${code}`"+`;
			const name = filename === '' ? 'aworker.js.<anonymous>' : filename;
			this.#script = new VMScript(this.#code, { __proto__: null, filename: name, lineOffset: lineOffset | 0, columnOffset: columnOffset | 0 });
			fixed(this, 'filename', name);
			fixed(this, 'lineOffset', lineOffset);
			fixed(this, 'columnOffset', columnOffset);
			fixed(this, 'cachedDataConsumed', cachedData !== null && belongs(cachedData, this.#code));
		}
		createCachedData() { return checksum(this.#code); }
		static vmScript(script) { return #script in script ? script.#script : undefined; }
	}
	const vmScript = Script.vmScript;
	delete Script.vmScript;
	class Context {
		#object;
		#global;
		constructor(sandbox, options) {
			if (sandbox === null || typeof sandbox !== 'object') throw new TypeError('Sandbox should not be `+"`null` or `undefined`"+`');
			let name = read(options, 'name', null);
			if (name === null) name = 'unnamed ' + unnamed++;
			this.#object = createContext(new Proxy(sandbox, { __proto__: null }));
			this.#global = whole.runInContext(this.#object);
			fixed(this, 'name', name);
			getter(this, 'globalThis', () => this.#global);
		}
		execute(script, options) {
			if (typeof script === 'string') script = new Script(script);
			const own = typeof script === 'object' && script !== null ? vmScript(script) : undefined;
			if (own === undefined) throw new TypeError('script should be a string or a Script instance');
			let timeout = read(options, 'timeout', 0);
			if (timeout === null) timeout = 0;
			if (typeof timeout !== 'number') throw new TypeError('options.timeout should be a number');
			if (!(timeout >= 0)) throw new RangeError('options.timeout should be greater than or equal to 0');
			try {
				return own.runInContext(this.#object, timeout >= 1 ? { __proto__: null, timeout: timeout < 4294967295 ? timeout - timeout % 1 : 4294967295 } : undefined);
			} catch (e) {
				if (typeof e === 'object' && e !== null && e.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw new Error('Script execution timed out');
				throw e;
			}
		}
	}
	return { Context, Script };
})`, true)

// contextsNamespace is aworker.js.
func contextsNamespace(js *isolate.JS) (goja.Value, error) {
	vm, err := node.Contexts(js)
	if err != nil {
		return nil, err
	}
	make, err := js.Runtime().RunProgram(contextsProgram)
	if err != nil {
		return nil, err
	}
	checksum := bind.NewFunction(js, "checksum", 1, func(c *bind.Call) (any, error) {
		return bind.NewUint8Array(c.JS(), codeSum(c.Arg(0).String())), nil
	})
	belongs := bind.NewFunction(js, "belongs", 2, func(c *bind.Call) (any, error) {
		b, err := bytesOf(c, 0)
		return err == nil && bytes.Equal(b, codeSum(c.Arg(1).String())), nil
	})
	isBytes := bind.NewFunction(js, "isBytes", 1, func(c *bind.Call) (any, error) {
		_, err := bytesOf(c, 0)
		return err == nil, nil
	})
	fixed := bind.NewFunction(js, "fixed", 3, func(c *bind.Call) (any, error) {
		return nil, c.Arg(0).(*goja.Object).DefineDataProperty(c.Arg(1).String(), c.Arg(2), goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_TRUE)
	})
	getter := bind.NewFunction(js, "getter", 3, func(c *bind.Call) (any, error) {
		return nil, c.Arg(0).(*goja.Object).DefineAccessorProperty(c.Arg(1).String(), c.Arg(2), nil, goja.FLAG_FALSE, goja.FLAG_TRUE)
	})
	return js.Call(make, nil, vm, fixed, getter, checksum, belongs, isBytes)
}

// codeSum is what cached data of a script are.
func codeSum(code string) []byte {
	sum := sha256.Sum256([]byte(code))
	return []byte("aworker.js:" + hex.EncodeToString(sum[:]))
}

// inspectorNamespace is aworker.inspector where nobody inspects.
func inspectorNamespace(js *isolate.JS) (goja.Value, error) {
	obj := js.Runtime().NewObject()
	for _, m := range []struct {
		name   string
		length int
		call   bind.Static
	}{
		{"isActive", 0, func(*bind.Call) (any, error) { return false, nil }},
		{"callAndPauseOnFirstStatement", 2, func(c *bind.Call) (any, error) {
			if c.Len() < 2 {
				return nil, exception.TypeErrorf("Expect more than 1 argument")
			}
			if _, ok := goja.AssertFunction(c.Arg(0)); !ok {
				return nil, c.BadArg(1, "function")
			}
			return nil, exception.TypeErrorf("Inspector is not active")
		}},
	} {
		if err := obj.Set(m.name, bind.NewFunction(js, m.name, m.length, m.call)); err != nil {
			return nil, err
		}
	}
	return obj, nil
}
