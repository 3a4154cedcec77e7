# One server with every script of this directory, each on a socket of its own.
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "memory", worker = .memory),
    (name = "disk", worker = .disk),
    (name = "durable", worker = .durable),
    (name = "web", worker = .web),
    (name = "language", worker = .language),
    (name = "crypto", worker = .crypto),
    (name = "node-crypto", worker = .nodeCrypto),
    (name = "state-memory", worker = .stateMemory),
    (name = "state-disk", worker = .stateDisk),
    (name = "state-sql", worker = .stateSql),
    (name = "state-old", worker = .stateOld),
    (name = "state-new", worker = .stateNew),
    (name = "rpc", worker = .rpc),
    (name = "rpc-old", worker = .rpcOld),
    (name = "stubs", worker = .stubs),
    (name = "stubs-old", worker = .stubsOld),
    (name = "tails", worker = .tails),
    (name = "tailed", worker = .tailed),
    (name = "calls", worker = .calls),
    (name = "hibernation", worker = .hibernation),
    (name = "net", network = (allow = [])),
    (name = "websocket", worker = .websocket),
    (name = "websocket-old", worker = .websocketOld),
    (name = "data", disk = (path = "data", writable = true)),
  ],
  sockets = [
    (name = "memory", service = "memory", http = ()),
    (name = "disk", service = "disk", http = ()),
    (name = "durable", service = "durable", http = ()),
    (name = "web", service = "web", http = ()),
    (name = "language", service = "language", http = ()),
    (name = "crypto", service = "crypto", http = ()),
    (name = "node-crypto", service = "node-crypto", http = ()),
    (name = "state-memory", service = "state-memory", http = ()),
    (name = "state-disk", service = "state-disk", http = ()),
    (name = "state-sql", service = "state-sql", http = ()),
    (name = "state-old", service = "state-old", http = ()),
    (name = "state-new", service = "state-new", http = ()),
    (name = "websocket", service = "websocket", http = ()),
    (name = "websocket-old", service = "websocket-old", http = ()),
    (name = "rpc", service = "rpc", http = ()),
    (name = "rpc-old", service = "rpc-old", http = ()),
    (name = "stubs", service = "stubs", http = ()),
    (name = "tails", service = "tails", http = ()),
    (name = "calls", service = "calls", http = ()),
    (name = "hibernation", service = "hibernation", http = ()),
    (name = "http", service = (name = "web", entrypoint = "visitor"), http = ()),
  ],
);

const date :Text = "2026-01-01";

# The same probes with both kinds of storage.
const memory :Workerd.Worker = (
  modules = [
    (name = "storage.js", esModule = embed "storage.js"),
    (name = "probe.js", esModule = embed "probe.js"),
  ],
  compatibilityDate = .date,
  bindings = [(name = "ACTOR", durableObjectNamespace = "Actor")],
  durableObjectNamespaces = [(className = "Actor", uniqueKey = "memory-actor")],
  durableObjectStorage = (inMemory = void),
);

const disk :Workerd.Worker = (
  modules = [
    (name = "storage.js", esModule = embed "storage.js"),
    (name = "probe.js", esModule = embed "probe.js"),
  ],
  compatibilityDate = .date,
  bindings = [(name = "ACTOR", durableObjectNamespace = "Actor")],
  durableObjectNamespaces = [(className = "Actor", uniqueKey = "disk-actor")],
  durableObjectStorage = (localDisk = "data"),
);

const durable :Workerd.Worker = (
  modules = [
    (name = "durable.js", esModule = embed "durable.js"),
    (name = "probe.js", esModule = embed "probe.js"),
  ],
  compatibilityDate = .date,
  bindings = [
    (name = "ACTOR", durableObjectNamespace = "Actor"),
    (name = "FAILING", durableObjectNamespace = "Failing"),
    (name = "NOFETCH", durableObjectNamespace = "NoFetch"),
    (name = "BADFETCH", durableObjectNamespace = "BadFetch"),
    (name = "GETTERFETCH", durableObjectNamespace = "GetterFetch"),
    (name = "PLAIN", durableObjectNamespace = "Plain"),
    (name = "RINGING", durableObjectNamespace = "Ringing"),
    (name = "OTHER", service = (name = "durable", entrypoint = "Other")),
  ],
  durableObjectNamespaces = [
    (className = "Actor", uniqueKey = "actor"),
    (className = "Failing", uniqueKey = "failing"),
    (className = "NoFetch", uniqueKey = "no-fetch"),
    (className = "BadFetch", uniqueKey = "bad-fetch"),
    (className = "GetterFetch", uniqueKey = "getter-fetch"),
    (className = "Plain", uniqueKey = "plain"),
    (className = "Ringing", uniqueKey = "ringing"),
  ],
  durableObjectStorage = (localDisk = "data"),
);

const web :Workerd.Worker = (
  modules = [
    (name = "web.js", esModule = embed "web.js"),
    (name = "probe.js", esModule = embed "probe.js"),
  ],
  compatibilityDate = .date,
  bindings = [
    (name = "TEXT", text = "text"),
    (name = "JSON", json = "{\"a\": [1, null]}"),
    (name = "DATA", data = "bytes"),
    (name = "ENTRY", service = (name = "web", entrypoint = "Entry")),
    (name = "ENTRY_NOFETCH", service = (name = "web", entrypoint = "NoFetch")),
    (name = "ENTRY_THROWS", service = (name = "web", entrypoint = "Throws")),
    (name = "ENTRY_OBJECT", service = (name = "web", entrypoint = "object")),
    (name = "VISITOR", service = (name = "web", entrypoint = "visitor")),
  ],
);

const nodeCrypto :Workerd.Worker = (
  modules = [
    (name = "node-crypto.js", esModule = embed "node-crypto.js"),
    (name = "keys.js", esModule = embed "keys.js"),
    (name = "probe.js", esModule = embed "probe.js"),
  ],
  compatibilityDate = .date,
  compatibilityFlags = ["nodejs_compat"],
);

const language :Workerd.Worker = (
  modules = [
    (name = "language.js", esModule = embed "language.js"),
    (name = "probe.js", esModule = embed "probe.js"),
  ],
  compatibilityDate = .date,
);

const crypto :Workerd.Worker = (
  modules = [
    (name = "crypto.js", esModule = embed "crypto.js"),
    (name = "keys.js", esModule = embed "keys.js"),
    (name = "probe.js", esModule = embed "probe.js"),
  ],
  compatibilityDate = .date,
  bindings = [
    (name = "SECRET", cryptoKey = (base64 = "AAECAwQFBgcICQoLDA0ODw==", algorithm = (json = "{\"name\": \"HMAC\", \"hash\": \"SHA-256\"}"), usages = [sign, verify])),
    (name = "HEX", cryptoKey = (hex = "000102030405060708090a0b0c0d0e0f", algorithm = (name = "AES-GCM"), usages = [encrypt], extractable = true)),
    (name = "BASE", cryptoKey = (raw = "password", algorithm = (name = "PBKDF2"), usages = [deriveBits])),
    (name = "PUBLIC", cryptoKey = (spki = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEmkP+TYbEi2xBLHWt0ktQ3G5RAEqe\nQFyn/Nu0+7OZs257oHwsYtB8gHRvD7lCT1b6PdgJVXqikAXtR3iWv8UJFg==\n-----END PUBLIC KEY-----\n", algorithm = (json = "{\"name\": \"ECDSA\", \"namedCurve\": \"P-256\"}"), usages = [verify])),
    (name = "SIGNER", cryptoKey = (pkcs8 = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIHctCp2zQfa83XZtWUKVMWA9pYkC1zRBwP5+VFAm5oy+\n-----END PRIVATE KEY-----\n", algorithm = (name = "Ed25519"), usages = [sign])),
  ],
);

# The same probes with every kind of storage, and with dates that change its interface.
const stateModules :List(Workerd.Worker.Module) = [
  (name = "state.js", esModule = embed "state.js"),
  (name = "probe.js", esModule = embed "probe.js"),
];

const stateMemory :Workerd.Worker = (
  modules = .stateModules,
  compatibilityDate = .date,
  bindings = [(name = "ACTOR", durableObjectNamespace = "Actor")],
  durableObjectNamespaces = [(className = "Actor", uniqueKey = "state-memory", enableSql = true)],
  durableObjectStorage = (inMemory = void),
);

const stateDisk :Workerd.Worker = (
  modules = .stateModules,
  compatibilityDate = .date,
  bindings = [(name = "ACTOR", durableObjectNamespace = "Actor")],
  durableObjectNamespaces = [(className = "Actor", uniqueKey = "state-disk")],
  durableObjectStorage = (localDisk = "data"),
);

const stateSql :Workerd.Worker = (
  modules = .stateModules,
  compatibilityDate = .date,
  bindings = [(name = "ACTOR", durableObjectNamespace = "Actor")],
  durableObjectNamespaces = [(className = "Actor", uniqueKey = "state-sql", enableSql = true)],
  durableObjectStorage = (localDisk = "data"),
);

const stateOld :Workerd.Worker = (
  modules = .stateModules,
  compatibilityDate = "2022-10-30",
  bindings = [(name = "ACTOR", durableObjectNamespace = "Actor")],
  durableObjectNamespaces = [(className = "Actor", uniqueKey = "state-old", enableSql = true)],
  durableObjectStorage = (localDisk = "data"),
);

const stateNew :Workerd.Worker = (
  modules = .stateModules,
  compatibilityDate = "2026-03-01",
  compatibilityFlags = ["experimental"],
  bindings = [(name = "ACTOR", durableObjectNamespace = "Actor")],
  durableObjectNamespaces = [(className = "Actor", uniqueKey = "state-new", enableSql = true)],
  durableObjectStorage = (localDisk = "data"),
);

# The same probes with the flags about WebSockets, and before them.
const websocketModules :List(Workerd.Worker.Module) = [
  (name = "websocket.js", esModule = embed "websocket.js"),
  (name = "probe.js", esModule = embed "probe.js"),
];

const websocket :Workerd.Worker = (
  modules = .websocketModules,
  compatibilityDate = "2026-08-01",
  globalOutbound = "websocket",
  bindings = [(name = "ACTOR", durableObjectNamespace = "Actor")],
  durableObjectNamespaces = [(className = "Actor", uniqueKey = "websocket")],
  durableObjectStorage = (inMemory = void),
);

const websocketOld :Workerd.Worker = (
  modules = .websocketModules,
  compatibilityDate = "2023-06-01",
  globalOutbound = "websocket-old",
  bindings = [(name = "ACTOR", durableObjectNamespace = "Actor")],
  durableObjectNamespaces = [(className = "Actor", uniqueKey = "websocket-old")],
  durableObjectStorage = (inMemory = void),
);

const rpcModules :List(Workerd.Worker.Module) = [
  (name = "rpc.js", esModule = embed "rpc.js"),
  (name = "probe.js", esModule = embed "probe.js"),
];

const rpc :Workerd.Worker = (
  modules = .rpcModules,
  compatibilityDate = "2026-05-01",
  durableObjectNamespaces = [(className = "Actor", uniqueKey = "rpc"), (className = "Bare", uniqueKey = "rpc-bare")],
  durableObjectStorage = (inMemory = void),
  bindings = [
    (name = "SERVICE", service = (name = "rpc", entrypoint = "Service")),
    (name = "PROPS", service = (name = "rpc", entrypoint = "Service", props = (json = "{\"p\":[1]}"))),
    (name = "HANDLERS", service = (name = "rpc", entrypoint = "handlers")),
    (name = "ACTOR", durableObjectNamespace = "Actor"),
    (name = "BARE", durableObjectNamespace = "Bare"),
  ],
);

const rpcOld :Workerd.Worker = (
  modules = .rpcModules,
  compatibilityDate = "2024-04-03",
  compatibilityFlags = ["enable_ctx_exports"],
  durableObjectNamespaces = [(className = "Actor", uniqueKey = "rpc-old"), (className = "Bare", uniqueKey = "rpc-old-bare")],
  durableObjectStorage = (inMemory = void),
  bindings = [
    (name = "SERVICE", service = (name = "rpc-old", entrypoint = "Service")),
    (name = "PROPS", service = (name = "rpc-old", entrypoint = "Service", props = (json = "{\"p\":[1]}"))),
    (name = "HANDLERS", service = (name = "rpc-old", entrypoint = "handlers")),
    (name = "ACTOR", durableObjectNamespace = "Actor"),
    (name = "BARE", durableObjectNamespace = "Bare"),
  ],
);

# Stubs in storage, of workers that allow it and that do not.
const stubs :Workerd.Worker = (
  modules = [
    (name = "stubs.js", esModule = embed "stubs.js"),
    (name = "probe.js", esModule = embed "probe.js"),
  ],
  compatibilityDate = .date,
  compatibilityFlags = ["allow_irrevocable_stub_storage", "enable_ctx_exports"],
  bindings = [
    (name = "SHELF", durableObjectNamespace = "Shelf"),
    (name = "EPHEMERAL", durableObjectNamespace = "Fleeting"),
    (name = "OLD", durableObjectNamespace = (className = "Shelf", serviceName = "stubs-old")),
    (name = "LENT", service = (name = "stubs-old", entrypoint = "Lent")),
    (name = "PLAIN", service = (name = "stubs", entrypoint = "Named")),
    (name = "NET", service = "net"),
  ],
  durableObjectNamespaces = [
    (className = "Shelf", uniqueKey = "stubs-shelf", enableSql = true),
    (className = "Fleeting", ephemeralLocal = void),
  ],
  durableObjectStorage = (localDisk = "data"),
);

const stubsOld :Workerd.Worker = (
  modules = [
    (name = "stubs.js", esModule = embed "stubs.js"),
    (name = "probe.js", esModule = embed "probe.js"),
  ],
  compatibilityDate = .date,
  compatibilityFlags = ["enable_ctx_exports"],
  durableObjectNamespaces = [(className = "Shelf", uniqueKey = "stubs-old-shelf", enableSql = true)],
  durableObjectStorage = (localDisk = "data"),
);

# What tails are told: the probes and their collector, and the worker that is followed.
const tails :Workerd.Worker = (
  modules = [
    (name = "tails.js", esModule = embed "tails.js"),
    (name = "probe.js", esModule = embed "probe.js"),
  ],
  compatibilityDate = .date,
  compatibilityFlags = ["streaming_tail_worker", "experimental"],
  bindings = [
    (name = "COLLECTOR", service = (name = "tails", entrypoint = "Collector")),
    (name = "ROOM", durableObjectNamespace = (className = "Room", serviceName = "tailed")),
    (name = "SUDDEN", durableObjectNamespace = (className = "Sudden", serviceName = "tailed")),
    (name = "SILENT", durableObjectNamespace = (className = "Silent", serviceName = "tailed")),
  ],
);

const tailed :Workerd.Worker = (
  modules = [
    (name = "tails.js", esModule = embed "tails.js"),
    (name = "probe.js", esModule = embed "probe.js"),
  ],
  compatibilityDate = .date,
  durableObjectNamespaces = [(className = "Room", uniqueKey = "tailed-room"), (className = "Silent", uniqueKey = "tailed-silent"), (className = "Sudden", uniqueKey = "tailed-sudden")],
  durableObjectStorage = (inMemory = void),
  tails = [(name = "tails", entrypoint = "Collector")],
  streamingTails = [(name = "tails", entrypoint = "Collector")],
);

# How long stubs live, what errors carry, and what becomes of streams that are cancelled.
const calls :Workerd.Worker = (
  modules = [
    (name = "calls.js", esModule = embed "calls.js"),
    (name = "probe.js", esModule = embed "probe.js"),
  ],
  compatibilityDate = "2026-08-01",
  compatibilityFlags = ["unsafe_module", "experimental", "nodejs_compat"],
  bindings = [
    (name = "BROKEN", durableObjectNamespace = "Broken"),
    (name = "ROOM", durableObjectNamespace = "Room"),
    (name = "SVC", service = (name = "calls", entrypoint = "Svc")),
  ],
  durableObjectNamespaces = [(className = "Broken", uniqueKey = "calls-broken"), (className = "Room", uniqueKey = "calls-room", enableSql = true)],
  durableObjectStorage = (localDisk = "data"),
);

# WebSockets whose actors are put away.
const hibernation :Workerd.Worker = (
  modules = [
    (name = "hibernation.js", esModule = embed "hibernation.js"),
    (name = "probe.js", esModule = embed "probe.js"),
  ],
  compatibilityDate = "2026-08-01",
  compatibilityFlags = ["unsafe_module", "experimental", "nodejs_compat"],
  bindings = [
    (name = "ROOM", durableObjectNamespace = "Room"),
    (name = "BARE", durableObjectNamespace = "Bare"),
    (name = "FRAGILE", durableObjectNamespace = "Fragile"),
    (name = "SVC", service = (name = "hibernation", entrypoint = "Svc")),
  ],
  durableObjectNamespaces = [(className = "Room", uniqueKey = "hibernation-room"), (className = "Bare", uniqueKey = "hibernation-bare"), (className = "Fragile", uniqueKey = "hibernation-fragile")],
  durableObjectStorage = (localDisk = "data"),
);
