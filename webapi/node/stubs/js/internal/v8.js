
// What node:v8 has where there is no V8.
const { ERR_METHOD_NOT_IMPLEMENTED, ERR_INVALID_ARG_VALUE } = require("internal/codes");
const { validateObject, validateFunction, validateBoolean, validateString, validateUint32, validateOneOf } = require("internal/validators");
const unimplemented = require("internal/unimplemented")("");
const fail = (name) => { throw new ERR_METHOD_NOT_IMPLEMENTED(name); };
const zeros = (names) => {
  const out = {};
  for (const name of names.split(" ")) out[name] = 0;
  return out;
};
function snapshotOptions(options = {}) {
  validateObject(options, "options");
  const { exposeInternals = false, exposeNumericValues = false } = options;
  validateBoolean(exposeInternals, "options.exposeInternals");
  validateBoolean(exposeNumericValues, "options.exposeNumericValues");
}
const members = (Class, names) => { for (const name of names.split(" ")) primordials.defineProperty(Class.prototype, name, { value: unimplemented(name), writable: true, configurable: true }); };
class Serializer {
  constructor() { fail("Serializer"); }
}
members(Serializer, "writeHeader writeValue releaseBuffer transferArrayBuffer writeUint32 writeUint64 writeDouble writeRawBytes _getDataCloneError _getSharedArrayBufferId " +
  "_setTreatArrayBufferViewsAsHostObjects _writeHostObject");
class Deserializer {
  constructor() { fail("Deserializer"); }
}
members(Deserializer, "readHeader readValue transferArrayBuffer getWireFormatVersion readUint32 readUint64 readDouble readRawBytes _readHostObject");
class DefaultSerializer extends Serializer {}
class DefaultDeserializer extends Deserializer {}
class GCProfiler {
  start() { fail("GCProfiler.start"); }
  stop() { fail("GCProfiler.stop"); }
}
const group = (prefix, names) => {
  const out = {};
  for (const name of names.split(" ")) out[name] = function () { fail(`${prefix}.${name}`); };
  return out;
};
return {
  cachedDataVersionTag: () => 0,
  getHeapSnapshot(options) {
    snapshotOptions(options);
    fail("getHeapSnapshot");
  },
  getHeapStatistics: () => zeros("total_heap_size total_heap_size_executable total_physical_size total_available_size used_heap_size heap_size_limit malloced_memory " +
    "peak_malloced_memory does_zap_garbage number_of_native_contexts number_of_detached_contexts total_global_handles_size used_global_handles_size external_memory total_allocated_bytes"),
  getHeapSpaceStatistics: () => [],
  getHeapCodeStatistics: () => zeros("code_and_metadata_size bytecode_and_metadata_size external_script_source_size cpu_profiler_metadata_size"),
  getCppHeapStatistics(type = "detailed") {
    validateOneOf(type, "type", ["brief", "detailed"]);
    return { committed_size_bytes: 0, resident_size_bytes: 0, used_size_bytes: 0, space_statistics: [], type_names: [], detail_level: type };
  },
  setFlagsFromString(flags) {
    validateString(flags, "flags");
    fail("setFlagsFromString");
  },
  Serializer, Deserializer, DefaultSerializer, DefaultDeserializer,
  deserialize: unimplemented("deserialize"), takeCoverage: unimplemented("takeCoverage"), stopCoverage: unimplemented("stopCoverage"), serialize: unimplemented("serialize"),
  writeHeapSnapshot(filename, options) {
    if (filename !== undefined) validateString(filename, "filename");
    snapshotOptions(options);
    fail("writeHeapSnapshot");
  },
  promiseHooks: group("promiseHooks", "createHook onInit onBefore onAfter onSettled"),
  queryObjects(ctor, options = {}) {
    validateFunction(ctor, "constructor");
    validateObject(options, "options");
    const format = options.format || "count";
    if (format !== "count" && format !== "summary") throw new ERR_INVALID_ARG_VALUE("options.format", format);
    fail("queryObjects");
  },
  startupSnapshot: { ...group("startupSnapshot", "addSerializeCallback addDeserializeCallback setDeserializeMainFunction"), isBuildingSnapshot: () => false },
  setHeapSnapshotNearHeapLimit(limit) {
    validateUint32(limit, "limit", true);
    fail("setHeapSnapshotNearHeapLimit");
  },
  GCProfiler,
  isStringOneByteRepresentation(content) {
    validateString(content, "content");
    fail("isStringOneByteRepresentation");
  },
};
