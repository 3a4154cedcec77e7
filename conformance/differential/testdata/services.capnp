# One server whose bindings are clients of a service: of one that the test answers for, over
# the network, of one that is not there, and of workers.
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "kv", worker = .kv),
    (name = "r2", worker = .r2),
    (name = "queue", worker = .queue),
    (name = "queue-old", worker = .queueOld),
    (name = "cache", worker = .cache),
    (name = "cached-by-worker", worker = .cachedByWorker),
    (name = "cached-by-nobody", worker = .cachedByNobody),
    (name = "cached-by-refusal", worker = .cachedByRefusal),
    (name = "memory-cache", worker = .memoryCache),
    (name = "analytics", worker = .analytics),
    (name = "fake", external = (address = "127.0.0.1:1", http = ())),
    (name = "control", external = (address = "127.0.0.1:1", http = ())),
    (name = "refusing", external = (address = "127.0.0.1:1", http = ())),
  ],
  sockets = [
    (name = "kv", service = "kv", http = ()),
    (name = "r2", service = "r2", http = ()),
    (name = "queue", service = "queue", http = ()),
    (name = "queue-old", service = "queue-old", http = ()),
    (name = "cache", service = "cache", http = ()),
    (name = "memory-cache", service = "memory-cache", http = ()),
    (name = "analytics", service = "analytics", http = ()),
  ],
);

const date :Text = "2026-08-01";

const kv :Workerd.Worker = (
  modules = [
    (name = "kv.js", esModule = embed "kv.js"),
    (name = "services.js", esModule = embed "services.js"),
    (name = "probe.js", esModule = embed "probe.js"),
  ],
  compatibilityDate = .date,
  bindings = [
    (name = "NET", kvNamespace = "fake"),
    (name = "REFUSING", kvNamespace = "refusing"),
    (name = "WORKER", kvNamespace = (name = "kv", entrypoint = "Fake")),
    (name = "CONTROL", service = "control"),
    (name = "SELF", service = (name = "kv", entrypoint = "Abandoned")),
  ],
);

const r2 :Workerd.Worker = (
  modules = [
    (name = "r2.js", esModule = embed "r2.js"),
    (name = "services.js", esModule = embed "services.js"),
    (name = "probe.js", esModule = embed "probe.js"),
  ],
  compatibilityDate = .date,
  bindings = [
    (name = "NET", r2Bucket = "fake"),
    (name = "REFUSING", r2Bucket = "refusing"),
    (name = "WORKER", r2Bucket = (name = "r2", entrypoint = "Fake")),
    (name = "CONTROL", service = "control"),
    (name = "SELF", service = (name = "r2", entrypoint = "Abandoned")),
  ],
);

# The same probes with today's flags, and before them.
const queueModules :List(Workerd.Worker.Module) = [
  (name = "queue.js", esModule = embed "queue.js"),
  (name = "services.js", esModule = embed "services.js"),
  (name = "probe.js", esModule = embed "probe.js"),
];

const queue :Workerd.Worker = (
  modules = .queueModules,
  compatibilityDate = .date,
  bindings = [
    (name = "NET", queue = "fake"),
    (name = "REFUSING", queue = "refusing"),
    (name = "WORKER", queue = (name = "queue", entrypoint = "Fake")),
    (name = "CONTROL", service = "control"),
    (name = "SELF", service = (name = "queue", entrypoint = "Abandoned")),
    (name = "CONSUMER", service = "queue"),
  ],
);

const queueOld :Workerd.Worker = (
  modules = .queueModules,
  compatibilityDate = "2023-01-01",
  bindings = [
    (name = "NET", queue = "fake"),
    (name = "REFUSING", queue = "refusing"),
    (name = "WORKER", queue = (name = "queue-old", entrypoint = "Fake")),
    (name = "CONTROL", service = "control"),
    (name = "SELF", service = (name = "queue-old", entrypoint = "Abandoned")),
    (name = "CONSUMER", service = "queue-old"),
  ],
);

# The caches of a worker are those of its cacheApiOutbound, so that each kind of service has a worker.
const cacheModules :List(Workerd.Worker.Module) = [
  (name = "cache.js", esModule = embed "cache.js"),
  (name = "services.js", esModule = embed "services.js"),
  (name = "probe.js", esModule = embed "probe.js"),
];

const cache :Workerd.Worker = (
  modules = .cacheModules,
  compatibilityDate = .date,
  cacheApiOutbound = "fake",
  bindings = [
    (name = "CONTROL", service = "control"),
    (name = "SELF", service = (name = "cache", entrypoint = "Abandoned")),
    (name = "WORKER", service = (name = "cached-by-worker", entrypoint = "Runner")),
    (name = "NOBODY", service = (name = "cached-by-nobody", entrypoint = "Runner")),
    (name = "REFUSING", service = (name = "cached-by-refusal", entrypoint = "Runner")),
  ],
);

const cachedByWorker :Workerd.Worker = (
  modules = .cacheModules,
  compatibilityDate = .date,
  cacheApiOutbound = (name = "cached-by-worker", entrypoint = "Fake"),
);

const cachedByNobody :Workerd.Worker = (
  modules = .cacheModules,
  compatibilityDate = .date,
);

const cachedByRefusal :Workerd.Worker = (
  modules = .cacheModules,
  compatibilityDate = .date,
  cacheApiOutbound = "refusing",
);

const memoryCache :Workerd.Worker = (
  modules = [
    (name = "memory-cache.js", esModule = embed "memory-cache.js"),
    (name = "services.js", esModule = embed "services.js"),
    (name = "probe.js", esModule = embed "probe.js"),
  ],
  compatibilityDate = .date,
  compatibilityFlags = ["experimental", "memory_cache_delete"],
  bindings = [
    (name = "CACHE", memoryCache = (id = "probes", limits = (maxKeys = 10, maxValueSize = 1024, maxTotalValueSize = 4096))),
    (name = "SAME", memoryCache = (id = "probes", limits = (maxKeys = 10, maxValueSize = 1024, maxTotalValueSize = 4096))),
    (name = "SMALL", memoryCache = (id = "small", limits = (maxKeys = 2, maxValueSize = 32, maxTotalValueSize = 48))),
    (name = "NONE", memoryCache = (limits = (maxKeys = 10, maxValueSize = 1024, maxTotalValueSize = 4096))),
  ],
);

const analytics :Workerd.Worker = (
  modules = [
    (name = "analytics.js", esModule = embed "analytics.js"),
    (name = "services.js", esModule = embed "services.js"),
    (name = "probe.js", esModule = embed "probe.js"),
  ],
  compatibilityDate = .date,
  compatibilityFlags = ["experimental"],
  bindings = [
    (name = "NET", analyticsEngine = "fake"),
    (name = "REFUSING", analyticsEngine = "refusing"),
    (name = "WORKER", analyticsEngine = (name = "analytics", entrypoint = "Fake")),
    (name = "CONTROL", service = "control"),
  ],
);
