
// node:dgram: sockets that send and receive nothing.
const EventEmitter = require("node:events");
const { validateObject, validateFunction } = require("internal/validators");
const { setPrototypeOf } = primordials;
function Socket(type, callback) {
  EventEmitter.call(this);
  if (typeof type === "string") type = { type };
  validateObject(type, "type");
  if (callback !== undefined) validateFunction(callback, "callback");
}
setPrototypeOf(Socket.prototype, EventEmitter.prototype);
setPrototypeOf(Socket, EventEmitter);
for (const name of ["bind", "close", "ref", "unref"]) Socket.prototype[name] = function () { return this; };
for (const name of ["connect", "disconnect", "sendto", "send", "setBroadcast", "setTTL", "setMulticastTTL", "setMulticastLoopback", "setMulticastInterface", "addMembership",
  "dropMembership", "addSourceSpecificMembership", "dropSourceSpecificMembership", "setRecvBufferSize", "setSendBufferSize"]) {
  Socket.prototype[name] = function () {};
}
for (const name of ["address", "remoteAddress"]) Socket.prototype[name] = function () { return {}; };
for (const name of ["getRecvBufferSize", "getSendBufferSize", "getSendQueueSize", "getSendQueueCount"]) Socket.prototype[name] = function () { return 0; };
Socket.prototype[Symbol.asyncDispose] = function () { return Promise.resolve(); };
return { createSocket: (type, callback) => new Socket(type, callback), Socket };
