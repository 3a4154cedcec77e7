using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [(name = "main", worker = .mainWorker)],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);

const mainWorker :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js")],
  compatibilityDate = "2025-01-01",
  durableObjectNamespaces = [(className = "Adder", uniqueKey = "bench-rpc-actor")],
  durableObjectStorage = (inMemory = void),
  bindings = [(name = "ACTORS", durableObjectNamespace = "Adder")],
);
