
// node:cluster: this is the primary, and it has no workers.
const EventEmitter = require("node:events");
const { ERR_METHOD_NOT_IMPLEMENTED } = require("internal/codes");
const fail = (name) => { throw new ERR_METHOD_NOT_IMPLEMENTED(`cluster.${name}`); };

class Worker extends EventEmitter {
  _connected = false;
  id = 0;
  get process() { return globalThis.process; }
  get exitedAfterDisconnect() { return this._connected; }
  isConnected() { return this._connected; }
  isDead() { return true; }
  send() { return false; }
  kill() { this._connected = false; }
  destroy() { this._connected = false; }
  disconnect() {
    this._connected = false;
    return this;
  }
}
class Cluster extends EventEmitter {
  Worker = Worker;
  isMaster = true;
  isPrimary = true;
  isWorker = false;
  SCHED_NONE = 1;
  SCHED_RR = 2;
  schedulingPolicy = 2;
  settings = {};
  workers = {};
  setupPrimary() { fail("setupPrimary"); }
  setupMaster() { fail("setupWorker"); }
  disconnect() { fail("disconnect"); }
  fork() { fail("fork"); }
}
const cluster = new Cluster();
cluster.Cluster = Cluster;
for (const name of ["setupPrimary", "setupMaster", "disconnect", "fork"]) primordials.defineProperty(cluster, name, { value: cluster[name], enumerable: false, writable: true, configurable: true });
return cluster;
