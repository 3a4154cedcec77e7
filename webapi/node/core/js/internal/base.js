
// What the other files take from the engine, as it is when the first of them is
// loaded.
const isView = ArrayBuffer.isView;
const { apply, construct, ownKeys, getPrototypeOf, defineProperty, getOwnPropertyDescriptor } = Reflect;
const call = Function.prototype.call;
const uncurry = call.bind.bind(call);
const typedArray = getPrototypeOf(Uint8Array);
const getter = (proto, key) => uncurry(getOwnPropertyDescriptor(proto, key).get);
const { then } = Promise.prototype;

return {
  __proto__: native, // whose functions are made at their first use
  apply, construct, ownKeys, getPrototypeOf, setPrototypeOf: Object.setPrototypeOf, defineProperty, getOwnPropertyDescriptor, uncurry,
  objectToString: uncurry(Object.prototype.toString),
  hasOwn: Object.hasOwn,
  assign: Object.assign,
  create: Object.create,
  defineProperties: Object.defineProperties,
  freeze: Object.freeze,
  keys: Object.keys,
  entries: Object.entries,
  getOwnPropertyNames: Object.getOwnPropertyNames,
  getOwnPropertyDescriptors: Object.getOwnPropertyDescriptors,
  isArray: Array.isArray,
  arrayFrom: Array.from,
  isInteger: Number.isInteger,
  isSafeInteger: Number.isSafeInteger,
  push: uncurry(Array.prototype.push),
  slice: uncurry(Array.prototype.slice),
  splice: uncurry(Array.prototype.splice),
  shift: uncurry(Array.prototype.shift),
  unshift: uncurry(Array.prototype.unshift),
  join: uncurry(Array.prototype.join),
  indexOf: uncurry(Array.prototype.indexOf),
  includes: uncurry(Array.prototype.includes),
  map: uncurry(Array.prototype.map),
  forEach: uncurry(Array.prototype.forEach),
  filter: uncurry(Array.prototype.filter),
  some: uncurry(Array.prototype.some),
  stringSlice: uncurry(String.prototype.slice),
  stringCharCodeAt: uncurry(String.prototype.charCodeAt),
  stringIndexOf: uncurry(String.prototype.indexOf),
  stringLastIndexOf: uncurry(String.prototype.lastIndexOf),
  stringIncludes: uncurry(String.prototype.includes),
  stringStartsWith: uncurry(String.prototype.startsWith),
  stringEndsWith: uncurry(String.prototype.endsWith),
  stringSplit: uncurry(String.prototype.split),
  stringReplace: uncurry(String.prototype.replace),
  stringReplaceAll: uncurry(String.prototype.replaceAll),
  stringToLowerCase: uncurry(String.prototype.toLowerCase),
  stringToUpperCase: uncurry(String.prototype.toUpperCase),
  stringTrim: uncurry(String.prototype.trim),
  stringRepeat: uncurry(String.prototype.repeat),
  stringPadStart: uncurry(String.prototype.padStart),
  regExpTest: uncurry(RegExp.prototype.test),
  regExpExec: uncurry(RegExp.prototype.exec),
  bind: uncurry(Function.prototype.bind),
  functionToString: uncurry(Function.prototype.toString),
  promiseThen: uncurry(then),
  PromiseResolve: Promise.resolve.bind(Promise),
  PromiseReject: Promise.reject.bind(Promise),
  typedArrayLength: getter(typedArray.prototype, "length"),
  typedArrayTag: getter(typedArray.prototype, Symbol.toStringTag),
  typedArrayBuffer: getter(typedArray.prototype, "buffer"),
  typedArrayByteOffset: getter(typedArray.prototype, "byteOffset"),
  typedArrayByteLength: getter(typedArray.prototype, "byteLength"),
  typedArraySet: uncurry(typedArray.prototype.set),
  isView: (v) => isView(v) || native.isHalf(v), // a Float16Array is a proxy
};
