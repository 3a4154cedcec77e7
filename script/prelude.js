(function (hidden) {
  "use strict";
  const { create, defineProperty, setPrototypeOf } = Object;
  const { apply } = Reflect;
  const PromiseCtor = Promise;
  const resolvePromise = Promise.resolve;
  const then = Promise.prototype.then;
  const promiseOf = (v) => apply(resolvePromise, PromiseCtor, [v]);
  const define = (o, key, value, flags) =>
    defineProperty(o, key, { value, writable: false, enumerable: false, configurable: true, ...flags });

  for (const name of ["asyncIterator", "dispose", "asyncDispose"]) {
    if (Symbol[name] === undefined) define(Symbol, name, Symbol("Symbol." + name), { configurable: false });
  }

  // %AsyncIteratorPrototype% and the prototypes of async generators.
  const AsyncIteratorPrototype = {};
  define(AsyncIteratorPrototype, Symbol.asyncIterator, { "[Symbol.asyncIterator]"() { return this; } }["[Symbol.asyncIterator]"], { writable: true });

  // One request to a generator: next, return or throw, and the promise for it.
  // The queue is served in order; busy is true while the body runs or waits.
  class Generator {
    #body;
    #isAwait;
    #queue = [];
    #busy = false;
    #started = false;
    #done = false;

    constructor(body, isAwait, prototype) {
      this.#body = body;
      this.#isAwait = isAwait;
      setPrototypeOf(this, prototype);
    }

    static request(self, kind, value) {
      return new PromiseCtor((resolve, reject) => {
        if (typeof self !== "object" || self === null || !(#body in self)) {
          reject(new TypeError(kind + " method called on incompatible receiver"));
          return;
        }
        self.#queue.push({ kind, value, resolve, reject });
        if (!self.#busy) self.#serve();
      });
    }

    #serve() {
      const request = this.#queue[0];
      if (request === undefined) return;
      const { kind, value } = request;
      if (kind !== "next" && !this.#started) this.#done = true;
      this.#busy = true;
      if (kind === "return") {
        const finish = this.#done
          ? (v) => this.#settle(true, v, true)
          : (v) => this.#step("return", v);
        const fail = this.#done
          ? (e) => this.#settle(false, e)
          : (e) => this.#step("throw", e);
        let waiting;
        try {
          waiting = promiseOf(value);
        } catch (e) {
          fail(e);
          return;
        }
        apply(then, waiting, [finish, fail]);
        return;
      }
      if (this.#done) {
        if (kind === "next") this.#settle(true, undefined, true);
        else this.#settle(false, value);
        return;
      }
      this.#started = true;
      this.#step(kind, value);
    }

    #settle(ok, value, done) {
      const request = this.#queue.shift();
      if (ok) request.resolve({ value, done });
      else request.reject(value);
      this.#busy = false;
      this.#serve();
    }

    // Runs the body until it yields, ends, or waits.
    #step(kind, value) {
      let result;
      try {
        const body = this.#body;
        result = kind === "next" ? body.next(value) : kind === "throw" ? body.throw(value) : body.return(value);
        const given = result.value;
        if (!result.done && given instanceof this.#isAwait) {
          const delegated = given[1];
          apply(then, promiseOf(given[0]), [
            (v) => {
              // The second half of a delegated call ends it the way it began.
              if (delegated) this.#step(kind === "return" ? "return" : "next", { done: v.done, value: v.value });
              else this.#step("next", v);
            },
            (e) => this.#step("throw", e),
          ]);
          return;
        }
        const done = result.done;
        apply(then, promiseOf(given), [
          (v) => {
            if (done) this.#done = true;
            this.#settle(true, v, done);
          },
          (e) => this.#step("throw", e),
        ]);
      } catch (e) {
        this.#done = true;
        this.#settle(false, e);
      }
    }
  }

  const AsyncGeneratorPrototype = create(AsyncIteratorPrototype);
  const methods = {
    next(value) { return Generator.request(this, "next", value); },
    return(value) { return Generator.request(this, "return", value); },
    throw(value) { return Generator.request(this, "throw", value); },
  };
  for (const name of ["next", "return", "throw"]) define(AsyncGeneratorPrototype, name, methods[name], { writable: true });
  define(AsyncGeneratorPrototype, Symbol.toStringTag, "AsyncGenerator");
  const AsyncGeneratorFunctionPrototype = create(Function.prototype);
  define(AsyncGeneratorFunctionPrototype, "prototype", AsyncGeneratorPrototype);
  define(AsyncGeneratorFunctionPrototype, Symbol.toStringTag, "AsyncGeneratorFunction");
  define(AsyncGeneratorPrototype, "constructor", AsyncGeneratorFunctionPrototype);
  function AsyncGeneratorFunction() { return hidden.generate(arguments); }
  define(AsyncGeneratorFunction, "prototype", AsyncGeneratorFunctionPrototype, { configurable: false });
  define(AsyncGeneratorFunctionPrototype, "constructor", AsyncGeneratorFunction);
  setPrototypeOf(AsyncGeneratorFunction, Function);

  // The wrapper of RegExp: what the engine cannot read is rewritten first.
  const NativeRegExp = RegExp;
  const RegExpPrototype = RegExp.prototype;
  const matchSymbol = Symbol.match;
  function isRegExp(v) {
    if (v === null || (typeof v !== "object" && typeof v !== "function")) return false;
    const m = v[matchSymbol];
    return m === undefined ? hidden.isRegExp(v) : !!m;
  }
  const Wrapped = function RegExp(pattern, flags) {
    const like = isRegExp(pattern);
    const target = new.target;
    if (target === undefined && like && flags === undefined && pattern.constructor === Wrapped) return pattern;
    let p = pattern, f = flags;
    if (hidden.isRegExp(pattern)) {
      p = hidden.source(pattern);
      if (flags === undefined) f = hidden.flags(pattern);
    } else if (like) {
      p = pattern.source;
      if (flags === undefined) f = pattern.flags;
    }
    p = p === undefined ? "" : `${p}`;
    f = f === undefined ? "" : `${f}`;
    const rx = hidden.needsHelp(p, f) ? hidden.regexp(p, f) : new NativeRegExp(p, f);
    if (target !== undefined && target !== Wrapped) {
      const prototype = target.prototype;
      if (prototype !== null && (typeof prototype === "object" || typeof prototype === "function")) setPrototypeOf(rx, prototype);
    }
    return rx;
  };
  define(Wrapped, "prototype", RegExpPrototype, { configurable: false });
  for (const key of Reflect.ownKeys(NativeRegExp)) {
    if (key !== "prototype" && key !== "length" && key !== "name") {
      defineProperty(Wrapped, key, Object.getOwnPropertyDescriptor(NativeRegExp, key));
    }
  }
  define(RegExpPrototype, "constructor", Wrapped, { writable: true });
  // The engine overlooks named groups in replacements: it passes none to a
  // function, and leaves $<name> alone when the subject is not ASCII.
  const nativeReplace = RegExpPrototype[Symbol.replace];
  const { shift } = Array.prototype;
  const { includes, slice, indexOf } = String.prototype;
  const substitute = (text, match, captures, position, string, groups) => {
    let out = "";
    for (let i = 0; i < text.length; i++) {
      const next = text[i] === "$" ? text[i + 1] : undefined;
      if (next === "$") { out += "$"; i++; }
      else if (next === "&") { out += match; i++; }
      else if (next === "`") { out += apply(slice, string, [0, position]); i++; }
      else if (next === "'") { out += apply(slice, string, [position + match.length]); i++; }
      else if (next >= "0" && next <= "9") {
        let digits = 2;
        const second = text[i + 2];
        let n = second >= "0" && second <= "9" ? +(next + second) : 0;
        if (n < 1 || n > captures.length) { n = +next; digits = 1; }
        if (n < 1 || n > captures.length) out += "$";
        else { out += captures[n - 1] ?? ""; i += digits; }
      } else if (next === "<") {
        const end = apply(indexOf, text, [">", i]);
        if (end < 0) out += "$";
        else {
          out += groups[apply(slice, text, [i + 2, end])] ?? "";
          i = end;
        }
      } else out += text[i];
    }
    return out;
  };
  const replace = {
    [Symbol.replace](string, value) {
      let names;
      const call = typeof value === "function";
      if ((call || (typeof value === "string" && apply(includes, value, ["$<"]))) && (names = hidden.groups(this)) !== undefined) {
        const given = value;
        value = (...args) => {
          const captures = names.length;
          const groups = create(null);
          for (let i = 0; i < captures; i++) {
            const name = names[i];
            if (name !== "" && (groups[name] === undefined)) groups[name] = args[i + 1];
          }
          if (call) {
            args[captures + 3] = groups;
            return apply(given, undefined, args);
          }
          const match = args[0], position = args[captures + 1], subject = args[captures + 2];
          args.length = captures + 1;
          apply(shift, args, []);
          return substitute(given, match, args, position, subject, groups);
        };
      }
      return apply(nativeReplace, this, [string, value]);
    },
  }[Symbol.replace];
  define(RegExpPrototype, Symbol.replace, replace, { writable: true });
  define(globalThis, "RegExp", Wrapped, { writable: true });
  hidden.accessors(RegExpPrototype);

  const AsyncFunction = async function () {}.constructor;
  const GeneratorFunction = function* () {}.constructor;

  return {
    asyncGenerator: (isAwait) => (self, args, body) =>
      new Generator(apply(body, self, args ?? []), isAwait, AsyncGeneratorPrototype),
    asyncGeneratorFunction(f) {
      setPrototypeOf(f, AsyncGeneratorFunctionPrototype);
      f.prototype = create(AsyncGeneratorPrototype);
      return f;
    },
    numeric: (v) => - -v,
    Function,
    AsyncFunction,
    GeneratorFunction,
    AsyncGeneratorFunctionPrototype,
  };
})
