(function (Float16Array, prototype, Uint16Array, ArrayPrototype, call, bitsOf, encode, decode, kindOf, elements) {
  "use strict";
  const { defineProperty, getOwnPropertyDescriptor, setPrototypeOf, getPrototypeOf } = Object;
  const TypedArray = getPrototypeOf(Uint16Array), TypedPrototype = TypedArray.prototype;
  const { species, iterator, toStringTag } = Symbol;
  const nativeIsView = ArrayBuffer.isView;
  const getters = {};
  for (const name of ["buffer", "byteLength", "byteOffset", "length"]) getters[name] = getOwnPropertyDescriptor(TypedPrototype, name).get;
  const nativeSubarray = TypedPrototype.subarray, nativeSlice = TypedPrototype.slice, nativeSet = TypedPrototype.set;
  const nativeFill = TypedPrototype.fill, nativeSort = Float64Array.prototype.sort;
  const need = (v) => {
    const bits = bitsOf(v);
    if (bits === undefined) throw new TypeError("this is not a typed array.");
    return bits;
  };
  const lengthOf = (bits) => call(getters.length, bits);
  const define = (o, name, value) => defineProperty(o, name, { value, writable: true, enumerable: false, configurable: true });
  const create = (self, ...args) => {
    const C = self.constructor;
    const S = C === undefined ? Float16Array : C[species] ?? Float16Array;
    const made = new S(...args);
    if (bitsOf(made) === undefined && !nativeIsView(made)) throw new TypeError("this is not a typed array.");
    return made;
  };

  setPrototypeOf(Float16Array, TypedArray);
  setPrototypeOf(prototype, TypedPrototype);
  for (const o of [Float16Array, prototype]) defineProperty(o, "BYTES_PER_ELEMENT", { value: 2 });
  for (const name of ["buffer", "byteLength", "byteOffset", "length"]) {
    const get = getters[name];
    defineProperty(prototype, name, { get: { get() { return call(get, need(this)); } }.get, enumerable: false, configurable: true });
  }
  defineProperty(prototype, toStringTag, { get() { return bitsOf(this) === undefined ? undefined : "Float16Array"; }, enumerable: false, configurable: true });
  define(prototype, "toString", ArrayPrototype.toString);

  // What only reads and writes elements is what arrays have, on an object with a length.
  for (const name of ["at", "copyWithin", "entries", "every", "find", "findIndex", "findLast", "findLastIndex", "forEach", "includes",
    "indexOf", "join", "keys", "lastIndexOf", "reduce", "reduceRight", "reverse", "some", "toLocaleString", "values"]) {
    const generic = ArrayPrototype[name];
    const method = { [name](...args) { need(this); return call(generic, this, ...args); } }[name];
    defineProperty(method, "length", { value: generic.length, configurable: true });
    define(prototype, name, method);
  }
  define(prototype, iterator, prototype.values);

  const methods = {
    fill(value, start, end) {
      call(nativeFill, need(this), encode(value), start, end);
      return this;
    },
    filter(f, thisArg) {
      const n = lengthOf(need(this));
      if (typeof f !== "function") throw new TypeError(`${typeof f === "symbol" ? "value" : f} is not a function`);
      const kept = [];
      let count = 0;
      for (let i = 0; i < n; i++) {
        const v = this[i];
        if (call(f, thisArg, v, i, this)) defineProperty(kept, count++, { value: v, writable: true, enumerable: true, configurable: true });
      }
      const made = create(this, count);
      for (let i = 0; i < count; i++) made[i] = kept[i];
      return made;
    },
    map(f, thisArg) {
      const n = lengthOf(need(this));
      if (typeof f !== "function") throw new TypeError(`${typeof f === "symbol" ? "value" : f} is not a function`);
      const made = create(this, n);
      for (let i = 0; i < n; i++) made[i] = call(f, thisArg, this[i], i, this);
      return made;
    },
    set(source, offset = 0) {
      const bits = need(this);
      const from = bitsOf(source);
      if (from !== undefined) {
        call(nativeSet, bits, from, offset);
        return;
      }
      const at = Math.trunc(Number(offset)) || 0;
      if (at < 0) throw new RangeError("offset is out of bounds");
      const list = Object(source);
      const n = Math.min(Math.max(Math.trunc(Number(list.length)) || 0, 0), Number.MAX_SAFE_INTEGER);
      if (at + n > lengthOf(bits)) throw new RangeError("offset is out of bounds");
      for (let i = 0; i < n; i++) this[at + i] = list[i];
    },
    slice(start, end) {
      const part = call(nativeSlice, need(this), start, end);
      const n = lengthOf(part);
      const made = create(this, n);
      const to = bitsOf(made);
      if (to !== undefined) call(nativeSet, to, part);
      else for (let i = 0; i < n; i++) made[i] = decode(part[i]);
      return made;
    },
    sort(compare) {
      if (compare !== undefined && typeof compare !== "function") throw new TypeError("The comparison function must be either a function or undefined");
      const n = lengthOf(need(this));
      const sorted = new Float64Array(n);
      for (let i = 0; i < n; i++) sorted[i] = this[i];
      call(nativeSort, sorted, compare);
      for (let i = 0; i < n; i++) this[i] = sorted[i];
      return this;
    },
    subarray(begin, end) {
      const part = call(nativeSubarray, need(this), begin, end);
      return create(this, call(getters.buffer, part), call(getters.byteOffset, part), lengthOf(part));
    },
    toReversed() {
      const n = lengthOf(need(this));
      const made = new Float16Array(n);
      for (let i = 0; i < n; i++) made[i] = this[n - 1 - i];
      return made;
    },
    toSorted(compare) {
      if (compare !== undefined && typeof compare !== "function") throw new TypeError("The comparison function must be either a function or undefined");
      need(this);
      const made = new Float16Array(this);
      call(methods.sort, made, compare);
      return made;
    },
    with(index, value) {
      const n = lengthOf(need(this));
      const relative = Math.trunc(Number(index)) || 0;
      const at = relative < 0 ? n + relative : relative;
      const v = Number(value);
      if (at < 0 || at >= n) throw new RangeError("Invalid typed array index");
      const made = new Float16Array(this);
      made[at] = v;
      return made;
    },
  };
  const lengths = { fill: 1, filter: 1, map: 1, set: 1 };
  for (const name in methods) {
    if (name in lengths) defineProperty(methods[name], "length", { value: lengths[name], configurable: true });
    define(prototype, name, methods[name]);
  }
  const statics = {
    from(source, f, thisArg) {
      if (typeof this !== "function") throw new TypeError(`${typeof this} is not a constructor`);
      if (f !== undefined && typeof f !== "function") throw new TypeError(`${typeof f === "symbol" ? "value" : f} is not a function`);
      const list = elements(source);
      const n = list.length;
      const made = new this(n);
      for (let i = 0; i < n; i++) made[i] = f === undefined ? list[i] : call(f, thisArg, list[i], i);
      return made;
    },
    of(...items) {
      if (typeof this !== "function") throw new TypeError(`${typeof this} is not a constructor`);
      const n = items.length;
      const made = new this(n);
      for (let i = 0; i < n; i++) made[i] = items[i];
      return made;
    },
  };
  defineProperty(statics.from, "length", { value: 1, configurable: true });
  define(Float16Array, "from", statics.from);
  define(Float16Array, "of", statics.of);
  define(ArrayBuffer, "isView", { isView(v) { return nativeIsView(v) || bitsOf(v) !== undefined; } }.isView);

  // The bits of a new array.
  return (first, offset, length) => {
    switch (kindOf(first)) {
      case "length":
        return new Uint16Array(first);
      case "buffer": {
        const at = Math.trunc(Number(offset)) || 0;
        if (at % 2 !== 0) throw new RangeError("start offset of Float16Array should be a multiple of 2");
        if (length === undefined && first.byteLength % 2 !== 0) throw new RangeError("byte length of Float16Array should be a multiple of 2");
        return length === undefined ? new Uint16Array(first, at) : new Uint16Array(first, at, length);
      }
    }
    const from = bitsOf(first);
    if (from !== undefined) return new Uint16Array(from);
    const list = kindOf(first) === "array" ? first : elements(first);
    const n = list.length;
    const bits = new Uint16Array(n);
    for (let i = 0; i < n; i++) bits[i] = encode(list[i]);
    return bits;
  };
})
