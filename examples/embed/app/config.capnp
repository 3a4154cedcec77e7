using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "main", worker = .main),
    (name = "state", disk = (writable = true)),
  ],
  # The embedding program serves this socket at an address of its own.
  sockets = [(name = "http", address = "localhost:0", http = (), service = "main")],
);

const main :Workerd.Worker = (
  modules = [(name = "main.js", esModule = embed "main.js")],
  compatibilityDate = "2024-09-23",
  bindings = [(name = "BOOK", durableObjectNamespace = "Book")],
  durableObjectNamespaces = [(className = "Book", uniqueKey = "book")],
  durableObjectStorage = (localDisk = "state"),
);
