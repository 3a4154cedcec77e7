
// node:inspector: nobody inspects.
const EventEmitter = require("node:events");
const { ERR_METHOD_NOT_IMPLEMENTED } = require("internal/codes");
const fail = (name) => { throw new ERR_METHOD_NOT_IMPLEMENTED(name); };
class Session extends EventEmitter {
  constructor() {
    super();
    fail("Session");
  }
  connect() { fail("Session.connect"); }
  connectToMainThread() { fail("Session.connectToMainThread"); }
  disconnect() { fail("Session.disconnect"); }
  post() { fail("Session.post"); }
}
const console = {};
for (const name of ("debug error info log warn dir dirxml table trace group groupCollapsed groupEnd clear count countReset assert profile profileEnd time timeLog timeStamp").split(" ")) console[name] = () => {};
const Network = {};
for (const name of ("requestWillBeSent dataReceived dataSent responseReceived loadingFinished loadingFailed webSocketCreated webSocketHandshakeResponseReceived webSocketClosed").split(" ")) {
  Network[name] = function () { fail(`Network.${name}`); };
}
return { Session, close() {}, console, open: () => ({ [Symbol.dispose]: () => Promise.resolve() }), url() {}, waitForDebugger() {}, Network };
