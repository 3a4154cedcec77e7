// Async generators. What it is given is the engine's own, whatever scripts have changed.
(function (asyncIterator, toStringTag, create, defineProperty, setPrototypeOf, apply, PromiseCtor, resolvePromise, then, TypeError, Function, FunctionPrototype, generate) {
  "use strict";
  const promiseOf = (v) => apply(resolvePromise, PromiseCtor, [v]);
  const define = (o, key, value, flags) =>
    defineProperty(o, key, { __proto__: null, value, writable: false, enumerable: false, configurable: true, ...flags });

  // %AsyncIteratorPrototype% and the prototypes of async generators.
  const AsyncIteratorPrototype = {};
  define(AsyncIteratorPrototype, asyncIterator, { "[Symbol.asyncIterator]"() { return this; } }["[Symbol.asyncIterator]"], { writable: true });

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
  define(AsyncGeneratorPrototype, "next", methods.next, { writable: true });
  define(AsyncGeneratorPrototype, "return", methods.return, { writable: true });
  define(AsyncGeneratorPrototype, "throw", methods.throw, { writable: true });
  define(AsyncGeneratorPrototype, toStringTag, "AsyncGenerator");
  const AsyncGeneratorFunctionPrototype = create(FunctionPrototype);
  define(AsyncGeneratorFunctionPrototype, "prototype", AsyncGeneratorPrototype);
  define(AsyncGeneratorFunctionPrototype, toStringTag, "AsyncGeneratorFunction");
  define(AsyncGeneratorPrototype, "constructor", AsyncGeneratorFunctionPrototype);
  function AsyncGeneratorFunction() { return generate(arguments); }
  define(AsyncGeneratorFunction, "prototype", AsyncGeneratorFunctionPrototype, { configurable: false });
  define(AsyncGeneratorFunctionPrototype, "constructor", AsyncGeneratorFunction);
  setPrototypeOf(AsyncGeneratorFunction, Function);

  return [
    (isAwait) => (self, args, body) =>
      new Generator(apply(body, self, args ?? []), isAwait, AsyncGeneratorPrototype),
    (f) => {
      setPrototypeOf(f, AsyncGeneratorFunctionPrototype);
      f.prototype = create(AsyncGeneratorPrototype);
      return f;
    },
    AsyncIteratorPrototype,
  ];
})
