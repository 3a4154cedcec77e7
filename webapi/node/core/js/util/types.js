
// node:util/types: what the engine made a value as.
const { kind, hostClass, isHalf, typedArrayTag, isView, functionToString, stringStartsWith, regExpTest, objectToString, uncurry } = primordials;
const isObject = (v) => v !== null && typeof v === "object";
const of = (name) => (v) => isObject(v) && kind(v) === name;
const typed = (name) => (v) => isObject(v) && isView(v) && typedArrayTag(v) === name;
const boxed = (name) => (v) => isObject(v) && kind(v) === name;
const asyncText = /^(?:async\b|(?:static\s+)?async\b)/;
const generatorText = /^(?:async\s+)?(?:function\s*\*|\*)/;

// A method of the class takes only what is of the class.
const asks = (has, v) => {
  try {
    has(v, types);
    return true;
  } catch {
    return false;
  }
};
const weakMapHas = uncurry(WeakMap.prototype.has), weakSetHas = uncurry(WeakSet.prototype.has);
const tagged = (tag) => (v) => isObject(v) && objectToString(v) === `[object ${tag}]`;
const isArrayBuffer = of("ArrayBuffer");
const isSharedArrayBuffer = of("SharedArrayBuffer");
const isNumberObject = boxed("Number"), isStringObject = boxed("String"), isBooleanObject = boxed("Boolean"), isSymbolObject = boxed("Symbol"), isBigIntObject = boxed("BigInt");
const types = {
  isExternal: () => false,
  isDate: of("Date"),
  isArgumentsObject: of("Arguments"),
  isBigIntObject, isBooleanObject, isNumberObject, isStringObject, isSymbolObject,
  isBoxedPrimitive: (v) => isNumberObject(v) || isStringObject(v) || isBooleanObject(v) || isBigIntObject(v) || isSymbolObject(v),
  isNativeError: (v) => isObject(v) && (kind(v) === "Error" || hostClass(v) === "DOMException"),
  isRegExp: of("RegExp"),
  isAsyncFunction: (v) => typeof v === "function" && regExpTest(asyncText, functionToString(v)),
  isGeneratorFunction: (v) => typeof v === "function" && (regExpTest(generatorText, functionToString(v)) || native.isGeneratorFunction(v)),
  isGeneratorObject: (v) => isObject(v) && (objectToString(v) === "[object Generator]" || objectToString(v) === "[object AsyncGenerator]"),
  isPromise: of("Promise"),
  isMap: of("Map"), isSet: of("Set"),
  isMapIterator: tagged("Map Iterator"), isSetIterator: tagged("Set Iterator"),
  isWeakMap: (v) => isObject(v) && asks(weakMapHas, v), isWeakSet: (v) => isObject(v) && asks(weakSetHas, v),
  isArrayBuffer,
  isDataView: of("DataView"),
  isSharedArrayBuffer,
  isProxy: (v) => (isObject(v) || typeof v === "function") && kind(v) === "Proxy",
  isModuleNamespaceObject: () => false,
  isAnyArrayBuffer: (v) => isArrayBuffer(v) || isSharedArrayBuffer(v),
  isCryptoKey: (v) => isObject(v) && hostClass(v) === "CryptoKey",
  isFloat16Array: (v) => isObject(v) && isHalf(v),
  isKeyObject: (v) => isObject(v) && v instanceof require("node:crypto").KeyObject,
  isEventTarget: (v) => isObject(v) && v instanceof EventTarget,
  isArrayBufferView: (v) => isView(v),
  isTypedArray: (v) => isObject(v) && isView(v) && typedArrayTag(v) !== undefined,
};
for (const name of ["Uint8Array", "Uint8ClampedArray", "Uint16Array", "Uint32Array", "Int8Array", "Int16Array", "Int32Array", "Float32Array", "Float64Array", "BigInt64Array", "BigUint64Array"]) {
  types[`is${name}`] = typed(name);
}
return types;
