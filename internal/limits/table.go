package limits

import "time"

// Knobs, with their names, numbers and ranges. What keeps the Go stack from an overflow,
// which would end the process, cannot be raised beyond what was measured to be safe.
var (
	SocketWrite       = size("socket.write", 64<<10, 1<<10, 16<<20)
	SocketConnections = count("socket.connections", 10_000, 1, 1_000_000)
	SocketRest        = size("socket.rest", 256<<10, 0, 64<<20)

	WebSocketMessage     = size("websocket.message", 128<<20, 1, 1<<30)
	WebSocketReceived    = size("websocket.received", 32<<20, 1, 1<<30)
	WebSocketQueue       = size("websocket.queue", 32<<20, 1<<10, 1<<30)
	ParkedMessage        = size("websocket.parked-message", 32<<20, 1, 1<<30)
	SocketsPerActor      = count("websocket.actor", 32<<10, 1, 1_000_000)
	SocketTags           = count("websocket.tags", 10, 0, 1000)
	SocketTag            = size("websocket.tag", 256, 0, 64<<10)
	SocketAutoResponse   = size("websocket.auto-response", 2048, 0, 1<<20)
	WebSocketQueues      = size("websocket.queues", 256<<20, 1<<10, 1<<36)
	WebSocketParts       = size("websocket.parts", 256<<20, 1<<10, 1<<36)
	WebSocketClose       = span("websocket.close", 10*time.Second, 10*time.Millisecond, time.Hour)
	WebSocketConnections = count("websocket.connections", 200_000, 1, 10_000_000)

	ReloadDrain  = span("reload.drain", 10*time.Second, 0, time.Hour)
	ReloadLinger = span("reload.linger", 60*time.Second, 0, 24*time.Hour)
	ReloadGrace  = span("reload.grace", 5*time.Second, 0, 5*time.Minute)
	StopFlush    = span("stop.flush", 30*time.Second, time.Second, time.Hour)

	SuperviseCrashes        = count("supervise.crashes", 3, 1, 1000)
	SuperviseWorkerCrashes  = count("supervise.worker-crashes", 9, 1, 10_000)
	SuperviseWindow         = span("supervise.window", time.Minute, time.Second, 24*time.Hour)
	SuperviseQuarantine     = span("supervise.quarantine", 10*time.Second, 10*time.Millisecond, 24*time.Hour)
	SuperviseQuarantineMost = span("supervise.quarantine-most", 10*time.Minute, 10*time.Millisecond, 24*time.Hour)
	SupervisePause          = span("supervise.pause", 100*time.Millisecond, time.Millisecond, time.Hour)
	SupervisePauseMost      = span("supervise.pause-most", 30*time.Second, time.Millisecond, time.Hour)

	TimerDelay         = span("timer.delay", 36500*24*time.Hour, time.Second, 36500*24*time.Hour)
	CallArguments      = count("call.arguments", 1<<19, 1<<10, 1<<22)
	NativeDepth        = count("native.depth", 3000, 100, 3000)
	GeneratorDepth     = count("generator.depth", 700, 10, 1000)
	ProxyDepth         = count("proxy.depth", 1000, 10, 1000)
	ProxyWalk          = count("proxy.walk", 100_000, 1000, 1_000_000)
	RegExpMethods      = count("regexp.methods", 1000, 100, 1000)
	FlatDepth          = count("flat.depth", 2000, 10, 2000)
	JoinDepth          = count("join.depth", 1000, 10, 1000)
	BigIntText         = count("bigint.text", 1<<22, 64, 1<<24)
	BigIntBits         = count("bigint.bits", 1<<24, 64, 1<<27)
	SearchLength       = count("search.length", 32<<20, 1<<10, 128<<20)
	ErrorFrames        = count("error.frames", 200, 1, 10_000)
	RegExpTime         = span("regexp.time", time.Second, time.Millisecond, time.Minute)
	RegExpPattern      = size("regexp.pattern", 1<<20, 16, 16<<20)
	RegExpRewritten    = size("regexp.rewritten", 1<<20, 128, 16<<20)
	RegExpNesting      = count("regexp.nesting", 500, 10, 500)
	RegExpKept         = count("regexp.kept", 500, 1, 100_000)
	RejectionsKept     = count("rejections.kept", 256, 0, 100_000)
	PerformanceEntries = count("performance.entries", 10_000, 1, 1_000_000)
	FormParts          = count("form.parts", 10_000, 1, 1_000_000)
	FormHeaders        = size("form.headers", 16<<10, 128, 1<<20)
	CodecAhead         = size("codec.ahead", 1<<20, 1<<10, 64<<20)
	ZstdWindow         = size("zstd.window", 8<<20, 1<<10, 128<<20)
	HTMLMemory         = size("html.memory", 3<<20, 1<<10, 1<<30)
	PortMessages       = count("port.messages", 10_000, 1, 1_000_000)
	EventBytes         = size("eventsource.event", 16<<20, 16, 1<<30)
	FilesBytes         = size("files.bytes", 64<<20, 1<<10, 1<<30)
	FilesNodes         = count("files.nodes", 10_000, 10, 1_000_000)
	FilesOpen          = count("files.open", 1000, 1, 100_000)
	ProgramOpen        = count("program.open", 4096, 1, 1_000_000)
	ProgramCalls       = count("program.calls", 32, 1, 10_000)
	ProgramWaiting     = count("program.waiting", 1_000_000, 1, 100_000_000)
	ProgramSockets     = count("program.sockets", 10_000, 1, 1_000_000)
	ProgramChildren    = count("program.children", 256, 1, 100_000)
	ProgramTimers      = count("program.timers", 1_000_000, 1, 100_000_000)
	CloneDepth         = count("clone.depth", 10_000, 10, 10_000)
	CloneObjects       = count("clone.objects", 1<<24, 100, 1<<28)

	LoaderCode    = size("loader.code", 64<<20, 1<<10, 1<<30)
	LoaderEnv     = size("loader.env", 1<<20, 1<<10, 1<<30)
	LoaderWorkers = count("loader.workers", 1000, 1, 1_000_000)

	NapaZones       = count("napa.zones", 64, 0, 10_000)
	NapaWorkers     = count("napa.workers", 64, 1, 1000)
	NapaCalls       = count("napa.calls", 100_000, 1, 10_000_000)
	NapaTold        = size("napa.told", 16<<20, 0, 1<<36)
	NapaStores      = count("napa.stores", 10_000, 1, 1_000_000)
	NapaStored      = size("napa.stored", 256<<20, 1<<10, 1<<36)
	NapaShared      = count("napa.shared", 100_000, 1, 10_000_000)
	NapaMemory      = size("napa.memory", 256<<20, 0, 1<<36)
	NapaAllocations = count("napa.allocations", 100_000, 1, 10_000_000)
	NapaMetrics     = count("napa.metrics", 10_000, 1, 1_000_000)

	RPCMessage   = size("rpc.message", 32<<20, 1<<10, 1<<30)
	RPCStubs     = count("rpc.stubs", 100_000, 1, 10_000_000)
	VirtualHosts = count("connect.virtual-hosts", 10_000, 1, 1_000_000)
	RPCPipelined = count("rpc.pipelined", 10_000, 1, 1_000_000)

	ThreadsAlive    = count("threads.alive", 20_000, 1, 1_000_000)
	ThreadsDeployed = count("threads.deployed", 64, 1, 1_000_000)
	ThreadsChildren = count("threads.children", 20_000, 1, 1_000_000)
	ThreadsMessages = count("threads.messages", 1<<18, 1, 1<<26)
	ThreadsPorts    = count("threads.ports", 10_000, 1, 1_000_000)
	ThreadsWaiters  = count("threads.waiters", 1<<20, 1, 1<<26)
	ThreadsBytes    = size("threads.bytes", 256<<20, 1<<10, 1<<36)

	HopServices = count("hop.services", 100_000, 1, 10_000_000)
	HopCalls    = count("hop.calls", 10_000, 1, 1_000_000)
	HopGrace    = span("hop.grace", time.Second, time.Millisecond, time.Hour)

	CronLate    = span("cron.late", time.Minute, time.Second, 24*time.Hour)
	CronRunning = count("cron.running", 10, 1, 10_000)

	TraceBytes   = size("trace.bytes", 256<<10, 1<<10, 16<<20)
	TraceQueue   = size("trace.queue", 2<<20, 1<<10, 64<<20)
	TracePending = count("trace.pending", 1000, 1, 100_000)
	TraceHeld    = size("trace.held", 64<<20, 1<<10, 1<<30)
	TraceSpans   = count("trace.spans", 10_000, 1, 1_000_000)
	SpanBytes    = size("span.bytes", 64<<10, 64, 16<<20)
	TraceDrain   = span("trace.drain", 5*time.Second, 0, time.Minute)

	WasmMemory     = size("wasm.memory", 128<<20, 64<<10, 4<<30-64<<10)
	WasmTable      = count("wasm.table", 1_000_000, 1, 10_000_000)
	WasmStack      = size("wasm.stack", 8<<20, 64<<10, 256<<20)
	WasmDepth      = count("wasm.depth", 200, 1, 500)
	WasmReferences = count("wasm.references", 1_000_000, 16, 1<<26)

	ConsoleText    = size("console.text", 256<<10, 256, 16<<20)
	ConsoleValues  = count("console.values", 20_000, 10, 1_000_000)
	ConsoleDepth   = count("console.depth", 100, 1, 1000)
	ConsoleEntries = count("console.entries", 100, 1, 100_000)
	ConsoleString  = count("console.string", 10_000, 16, 10_000_000)
	ConsoleBuffer  = size("console.buffer", 50, 1, 1<<20)
	ConsoleRows    = count("console.rows", 1000, 1, 100_000)
	ConsoleColumns = count("console.columns", 100, 1, 10_000)
	ConsoleLabels  = count("console.labels", 1000, 1, 1_000_000)
	ConsoleGroups  = count("console.groups", 100, 0, 1000)

	FetchConnect  = span("fetch.connect", 30*time.Second, 10*time.Millisecond, 10*time.Minute)
	FetchPing     = span("fetch.ping", 30*time.Second, 100*time.Millisecond, time.Hour)
	FetchHeaders  = size("fetch.headers", 256<<10, 1<<10, 64<<20)
	FetchKept     = count("fetch.kept", 1024, 1, 100_000)
	FetchKeptHost = count("fetch.kept-host", 256, 1, 100_000)
	FetchKeptTime = span("fetch.kept-time", 90*time.Second, time.Second, time.Hour)

	SnapshotLog     = size("snapshot.log", 64<<20, 1<<10, 1<<30)
	SnapshotBody    = size("snapshot.body", 32<<20, 1<<10, 1<<30)
	SnapshotBytes   = size("snapshot.bytes", 512<<20, 1<<10, 1<<31)
	SnapshotStart   = span("snapshot.start", 30*time.Second, 10*time.Millisecond, time.Hour)
	SnapshotWaiting = count("snapshot.waiting", 10_000, 1, 10_000_000)
	SnapshotTwins   = count("snapshot.twins", 1, 0, 64)
	SeedTwins       = count("seed.twins", 4, 0, 1000)
	SeedChildren    = count("seed.children", 1000, 1, 100_000)
	SeedMessage     = size("seed.message", 1<<20, 1<<10, 64<<20)
	AworkerRequests = count("aworker.requests", 1000, 1, 1_000_000)
	KVStorageBytes  = size("aworker.kv", 64<<20, 1<<10, 1<<30)
	KVStorageSpaces = count("aworker.kv-namespaces", 8, 1, 10_000)

	CacheStorageBytes = size("aworker.caches", 64<<20, 1<<10, 1<<30)

	CryptoIterations = count("crypto.iterations", 10_000_000, 1, 1<<31-1)
	CryptoWaiting    = count("crypto.waiting", 1000, 0, 100_000)

	AssetHeaders   = count("assets.headers", 100, 0, 100_000)
	AssetRedirects = count("assets.redirects", 2000, 0, 1_000_000)
	AssetPatterns  = count("assets.patterns", 100, 0, 100_000)
	AssetRuleLine  = size("assets.rule-line", 2000, 16, 64<<10)
	AssetRuleBytes = size("assets.rule-bytes", 8<<20, 0, 256<<20)

	HTTPCacheBytes = size("webcache.bytes", 64<<20, 1<<10, 1<<34)
	HTTPCacheEntry = size("webcache.entry", 16<<20, 1<<10, 1<<30)

	BlockDepth     = count("block.depth", 64, 1, 1000)
	BlockTime      = span("block.time", 30*time.Second, 10*time.Millisecond, time.Hour)
	OutputTime     = span("output.time", 30*time.Second, 10*time.Millisecond, time.Hour)
	AlarmTime      = span("alarm.time", 15*time.Minute, 10*time.Millisecond, 24*time.Hour)
	AlarmRetries   = count("alarm.retries", 6, 0, 1000)
	AlarmPause     = span("alarm.pause", 2*time.Second, time.Millisecond, time.Hour)
	AlarmDoublings = count("alarm.doublings", 9, 0, 16)
	AlarmStarting  = count("alarm.starting", 128, 1, 1_000_000)
	Facets         = count("facet.count", 65535, 1, 1_000_000)
	FacetCopy      = size("facet.copy", 256<<20, 1<<10, 1<<34)
	ActorName      = size("actor.name", 1<<10, 0, 1<<10)
	ActorKey       = size("actor.key", 2048, 1, 16<<10)
	ActorValue     = size("actor.value", 128<<10, 1, 128<<20)
	ActorPair      = size("actor.pair", 2<<20, 1, 128<<20)
	ActorEphemeral = size("actor.ephemeral", 2048, 1, 64<<10)

	CursorKeys     = count("cursor.keys", 64, 1, 100_000)
	CursorBytes    = size("cursor.bytes", 256<<10, 1, 256<<20)
	CommitKeys     = count("commit.keys", 128, 1, 1_000_000)
	CommitBytes    = size("commit.bytes", 16<<20, 1, 1<<30)
	CommitAttempts = count("commit.attempts", 5, 1, 1000)

	StorageValue      = size("storage.value", 256<<20, 128<<10, 256<<20)
	StorageOpen       = span("storage.open", time.Second, time.Millisecond, 10*time.Minute)
	StorageQueue      = count("storage.queue", 1024, 1, 1_000_000)
	StorageGroup      = count("storage.group", 4096, 1, 1_000_000)
	StorageGroupBytes = size("storage.group-bytes", 16<<20, 1, 1<<30)
	StorageDelete     = count("storage.delete", 256, 0, 1_000_000)
	StorageSweep      = count("storage.sweep", 2000, 1, 1_000_000)
	StorageScan       = size("storage.scan", 256<<10, 1, 256<<20)
	StorageFindings   = count("storage.findings", 20, 1, 100_000)
	StorageLosses     = count("storage.losses", 100, 1, 100_000)
	StorageLostLines  = count("storage.lost-lines", 50, 1, 100_000)
	ControlRequests   = count("control.requests", 16, 1, 10_000)
	ControlStall      = span("control.stall", time.Minute, 10*time.Millisecond, 24*time.Hour)
	ImportActor       = size("import.actor", 1<<30, 1<<10, 1<<34)
	ImportActors      = count("import.actors", 1000, 1, 1_000_000)
	ImportBytes       = size("import.bytes", 8<<20, 1, 1<<30)
	ImportReplace     = count("import.replace", 64, 1, 10_000)
	CheckValues       = count("check.values", 100, 1, 1_000_000)
	ExportValue       = size("export.value", 16<<20, 0, 256<<20)
	ListKeys          = count("list.keys", 256, 1, 100_000)
	ListBytes         = size("list.bytes", 1<<20, 1, 256<<20)
	ListAhead         = count("list.ahead", 2, 1, 1000)

	ScriptSource    = size("script.source", 64<<20, 1<<10, 512<<20)
	ScriptAssets    = size("script.assets", 256<<20, 0, 1<<30)
	ScriptModules   = count("script.modules", 20_000, 1, 1_000_000)
	ScriptBrackets  = count("script.brackets", 1500, 50, 1500)
	ScriptChain     = count("script.chain", 20_000, 100, 20_000)
	ScriptWritten   = count("script.written", 100_000, 100, 100_000)
	ScriptErrors    = count("script.errors", 10, 1, 10_000)
	ScriptPrograms  = count("script.programs", 64, 1, 100_000)
	ScriptUnits     = count("script.units", 4000, 16, 1_000_000)
	ScriptKept      = count("script.kept", 256, 1, 100_000)
	ScriptKeptBytes = size("script.kept-bytes", 512<<20, 1<<20, 1<<36)

	ConfigFile   = size("config.file", 16<<20, 1<<10, 256<<20)
	ConfigEmbed  = size("config.embed", 256<<20, 1<<10, 1<<30)
	ConfigFiles  = count("config.files", 256, 1, 100_000)
	ConfigDepth  = count("config.depth", 64, 8, 64)
	ConfigChain  = count("config.chain", 200, 1, 200)
	ConfigValues = count("config.values", 1<<20, 10, 1<<26)
	ConfigErrors = count("config.errors", 100, 1, 100_000)
)

// Sections are all bounds, in the order of a request's way through the runtime.
func Sections() []Section { return sections }

var sections = []Section{
	{"Sockets", []Row{
		knob("Open connections of a TCP socket", SocketConnections.Knob, "the connection is closed"),
		row("Request line and headers", "httpserver.DefaultLimits.HeaderBytes", Size, "", "`--limit-header`", "431"),
		row("Time for the headers to arrive", "httpserver.DefaultLimits.HeaderTimeout", Count, "", "`--limit-header-time`", "the connection is closed"),
		row("Time that a body may stand still, either way", "httpserver.DefaultLimits.BodyIdle", Count, "", "`--limit-body-idle`", "the connection is closed"),
		knob("What a client must take of a body in that time", SocketWrite.Knob, "the connection is closed"),
		knob("Rest of a request's body that nobody read", SocketRest.Knob, "the connection is closed instead of used again"),
		row("Time between requests on a connection", "httpserver.DefaultLimits.Idle", Count, "", "`--limit-idle`", "the connection is closed"),
		row("Requests under way after SIGTERM", "cmd/workerd.drainTime", Count, "", "`--limit-drain`", "they are cut off"),
		knob("Open WebSockets of the network, both directions", WebSocketConnections.Knob, "503; a connection of the server's own fails"),
		knob("Message of a WebSocket, whatever its receiver takes", WebSocketMessage.Knob, "the WebSocket ends with the code 1009"),
		knob("What waits to be sent on one WebSocket, with 64 bytes for each message; one message always may", WebSocketQueue.Knob, "the WebSocket ends with the code 1013"),
		knob("What waits to be sent on all of them", WebSocketQueues.Knob, "those on which something waits end with the code 1013"),
		knob("What has arrived of messages that are not complete, on all of them", WebSocketParts.Knob, "the WebSocket on which more arrives ends with the code 1013"),
		knob("Time for the other side to answer a close frame", WebSocketClose.Knob, "the connection is closed"),
		knob("Requests under way when the configuration is loaded again", ReloadDrain.Knob, "they are cut off"),
		knob("Answers that stream on after the configuration was loaded again", ReloadLinger.Knob, "they are cut off"),
		knob("Time for a request on a connection that a replaced socket accepted", ReloadGrace.Knob, "the connection is closed"),
		knob("Last commits after that", StopFlush.Knob, "the process ends; what was not acknowledged may be lost"),
	}},
	{"A server that is restarted (`--supervise`)", []Row{
		knob("Deaths of the server with a worker or an actor running", SuperviseCrashes.Knob, "it is quarantined: 503, its alarms wait"),
		knob("Deaths with any actor of a worker running", SuperviseWorkerCrashes.Knob, "the whole worker is quarantined"),
		knob("Time for which a death counts", SuperviseWindow.Knob, "it is forgotten"),
		knob("First quarantine; each one is twice as long", SuperviseQuarantine.Knob, "requests and alarms are let in again"),
		knob("Longest quarantine, and how long after its end the next one is not a first one", SuperviseQuarantineMost.Knob, "it gets no longer"),
		knob("Pause before the start after a second death; each one is twice as long", SupervisePause.Knob, "the server is started"),
		knob("Longest pause", SupervisePauseMost.Knob, "it gets no longer"),
		row("Name of a worker, in what is noted of a turn", "supervise.workerBytes", Size, "", "fixed by the size of a slot", "its beginning counts"),
		row("Name of a class, there", "supervise.classBytes", Size, "", "fixed by the size of a slot", "its beginning counts"),
		row("Name of an actor, there", "supervise.actorBytes", Size, "", "fixed by the size of a slot", "its beginning counts"),
		row("What the server tells its parent at a time", "supervise.maxMessage", Size, "", "fixed by what a parent believes of a damaged server", "the server is not restarted with its present sockets"),
	}},
	{"Scripts that run", []Row{
		row("One turn (a task and its microtasks), processor time", "isolate.DefaultLimits.Turn", Count, "", "`--limit-turn`, wrangler `limits.cpu_ms`", "the turn stops, the realm is made again, its actors are reset"),
		row("Top level of a script", "isolate.DefaultLimits.Startup", Count, "", "`--limit-startup`", "the script does not start"),
		row("Heap of the process", "isolate.DefaultMemoryLimit", Count, "75 % of the memory", "`--limit-memory`", "the turn that has run longest stops, as with the limit of a turn"),
		row("Isolates", "server.Options.Isolates", Count, "one per core", "`--isolates`", "they share the work"),
		row("Depth of JavaScript calls", "isolate.DefaultLimits.CallStack", Count, "", "`--limit-stack`", "RangeError"),
		row("String that a built-in function makes", "isolate.DefaultLimits.StringBytes", Size, "", "`--limit-string`", "RangeError"),
		row("Array that a built-in function makes or walks", "isolate.DefaultLimits.ArrayLength", Count, "", "`--limit-array`", "RangeError"),
		row("ArrayBuffer", "isolate.DefaultLimits.BufferBytes", Size, "", "`--limit-buffer`", "RangeError"),
		row("Nesting of JSON", "isolate.DefaultLimits.JSONDepth", Count, "", "`--limit-json-depth`", "RangeError"),
		row("Active timers of one request or actor", "isolate.DefaultLimits.Timers", Count, "", "`--limit-timers`", "QuotaExceededError"),
		knob("Delay of a timer", TimerDelay.Knob, "it is shortened to this"),
		row("Body that is buffered (`text()`, `json()`, ...); streamed bodies have none", "isolate.DefaultLimits.BodyBytes", Size, "", "`--limit-body`", "the promise rejects"),
		knob("Arguments that `apply` and `Reflect.construct` spread", CallArguments.Knob, "RangeError"),
		knob("Built-in functions that call each other", NativeDepth.Knob, "RangeError"),
		knob("Generators that run within each other", GeneratorDepth.Knob, "RangeError"),
		knob("Proxies of proxies, also through handlers and prototypes", ProxyDepth.Knob, "RangeError"),
		knob("Objects that are looked at to find that out", ProxyWalk.Knob, "RangeError"),
		knob("Methods of regular expressions that call each other", RegExpMethods.Knob, "RangeError"),
		knob("Recursion of `flat()`", FlatDepth.Knob, "RangeError"),
		knob("Arrays within arrays that become one string", JoinDepth.Knob, "RangeError"),
		knob("BigInt read from or turned into text, in bits", BigIntText.Knob, "RangeError"),
		knob("BigInt that `**`, `<<` or `>>` makes, or that is read from hexadecimal, octal or binary digits, in bits", BigIntBits.Knob, "RangeError"),
		knob("String searched for all matches", SearchLength.Knob, "RangeError"),
		knob("`Error.stackTraceLimit`", ErrorFrames.Knob, "it counts as this"),
		knob("One match of a regular expression that backtracks", RegExpTime.Knob, "it counts as no match"),
		knob("Pattern of a regular expression", RegExpPattern.Knob, "SyntaxError"),
		knob("Pattern once it is rewritten for the engine", RegExpRewritten.Knob, "SyntaxError"),
		knob("Groups and classes within each other in a pattern", RegExpNesting.Knob, "SyntaxError"),
		knob("Rewritten regular expressions that a realm remembers", RegExpKept.Knob, "all are made again when they are needed"),
		knob("Reported rejections that a realm remembers", RejectionsKept.Knob, "a late handler of an older one is not announced"),
		row("Bytes of one `crypto.getRandomValues()`", "webapi/crypto.maxRandomBytes", Count, "", "fixed by the Web Cryptography API", "QuotaExceededError"),
		row("Modulus of an RSA key, in bits", "webapi/crypto.maxRSABits", Count, "", "fixed by workerd", "OperationError"),
		row("Key that `generateKey()` makes for HMAC, in bits", "webapi/crypto.maxHMACBits", Count, "", "fixed by HMAC, which hashes a longer key first", "OperationError"),
		knob("Iterations of PBKDF2", CryptoIterations.Knob, "NotSupportedError"),
		knob("Keys that a realm makes or derives beside the loop at a time", CryptoWaiting.Knob, "they are made at once, in the turn"),
		row("Modulus of an RSA key that `node:crypto` reads or makes, in bits", "webapi/node/crypto.maxRSABits", Count, "", "fixed by workerd", "Error"),
		row("Prime of a `DiffieHellman`, in bits", "webapi/node/crypto.maxDHBits", Count, "", "fixed by workerd", "RangeError"),
		row("Prime that `generatePrime()` makes or `checkPrime()` looks at, in bits", "webapi/node/crypto.maxPrimeBits", Count, "", "fixed by workerd", "RangeError"),
		row("Rounds of `checkPrime()`", "webapi/node/crypto.maxPrimeChecks", Count, "", "fixed by workerd", "RangeError"),
		row("Cost N·r·p of `scrypt()`, and N·r, which is memory in units of 128 bytes", "webapi/node/crypto.maxScryptCost", Count, "", "fixed by workerd", "RangeError"),
		row("Iterations that an encrypted key may ask for", "internal/crypt.maxKeyIterations", Count, "", "fixed by what tools write, which is far less", "Error"),
		row("Memory that the scrypt of an encrypted key may ask for", "internal/crypt.maxScryptMemory", Size, "", "fixed by what tools write, which is 16 MiB", "Error"),
		row("Cost N·r·p of the scrypt of an encrypted key", "internal/crypt.maxScryptWork", Count, "", "fixed by what tools write, which is 2^17", "Error"),
		row("Sessions of TLS that an `Agent` of a program keeps, whatever `maxCachedSessions` says", "webapi/node/http.mostSessions", Count, "", "fixed by what one program talks to", "the oldest is forgotten"),
		row("Head of a request or an answer that `node:http` of a program reads, where `maxHeaderSize` does not say", "webapi/node/http.mostHead", Size, "", "fixed by node", "HPE_HEADER_OVERFLOW"),
		row("Requests of one connection to a server of `node:http` in a program that wait for their answers", "webapi/node/http.mostRequests", Count, "", "fixed by what pipelining is for", "the connection is read no more until one is answered"),
		row("Extensions of one chunk of their bodies", "webapi/node/http.mostExtensions", Size, "", "fixed by node", "HPE_CHUNK_EXTENSIONS_OVERFLOW"),
		row("Usages in the list of a call", "webapi/crypto.maxList", Count, "", "fixed by the API, which has eight usages", "RangeError"),
		row("Redirects that one `fetch()` follows", "webapi/fetch.maxRedirects", Count, "", "fixed by WHATWG fetch", "the promise rejects"),
		knob("Marks and measures of `performance` that are kept", PerformanceEntries.Knob, "the oldest is forgotten"),
		knob("Parts of a form", FormParts.Knob, "TypeError"),
		knob("Headers of one part of a form", FormHeaders.Knob, "TypeError"),
		knob("Bytes in the files of node:fs that a request writes", FilesBytes.Knob, "EPERM"),
		knob("Files and directories of node:fs that a request makes", FilesNodes.Knob, "ENOSPC"),
		row("Directories of one path of node:fs", "webapi/node/vfs.mostDepth", Count, "", "fixed by the depth of paths that workerd allows", "an error"),
		knob("Files of node:fs that a request has open", FilesOpen.Knob, "EMFILE"),
		knob("Files, directories and watchers that a program has open", ProgramOpen.Knob, "EMFILE"),
		knob("Operations of a program's node:fs that work at a time", ProgramCalls.Knob, "the others wait"),
		knob("Operations of a program's node:fs that have begun", ProgramWaiting.Knob, "EAGAIN"),
		knob("Sockets of node:net that a program has open, and servers", ProgramSockets.Knob, "EMFILE; who connects is closed"),
		knob("Child processes of a program", ProgramChildren.Knob, "EAGAIN"),
		knob("Active timers of one thread of a program", ProgramTimers.Knob, "RangeError"),
		row("A package.json that a program reads", "program.maxManifest", Size, "", "fixed by what programs need", "an error"),
		row("Nesting of a package.json that a program reads", "program.maxManifestDeep", Count, "", "fixed by the call stack of Go", "an error"),
		knob("Output of a CompressionStream or DecompressionStream that nobody has read", CodecAhead.Knob, "writes wait for a reader"),
		row("Bytes that one call of node:zlib is given as a whole", "webapi/node/zlib.mostInput", Size, "", "fixed by workerd", "RangeError"),
		knob("Window that a frame of Zstandard asks for, in node:zlib", ZstdWindow.Knob, "an error"),
		knob("Open elements, and the part of a tag or comment that has come, of an HTMLRewriter", HTMLMemory.Knob, "TypeError"),
		row("Sets of handlers of an HTMLRewriter", "webapi/htmlrewriter.maxHandlers", Count, "", "fixed by what a match may cost", "RangeError"),
		row("A selector of an HTMLRewriter", "webapi/htmlrewriter.maxSelector", Size, "", "fixed by what a match may cost", "TypeError"),
		row("Negations inside one another in it", "webapi/htmlrewriter.maxNot", Count, "", "fixed by the call stack of Go", "TypeError"),
		row("Types, imports, exports, functions, tables or globals of a WebAssembly module", "webapi/wasm.maxDeclared", Count, "", "fixed by what V8 accepts", "CompileError"),
		knob("A WebAssembly memory", WasmMemory.Knob, "memory.grow gives -1, `grow()` a RangeError"),
		knob("Elements of a WebAssembly table", WasmTable.Knob, "table.grow gives -1, `grow()` a RangeError"),
		knob("Call stack of WebAssembly code, as its locals and size estimate it", WasmStack.Knob, "RangeError"),
		knob("WebAssembly and JavaScript calling each other", WasmDepth.Knob, "RangeError"),
		knob("Values of scripts that WebAssembly code holds", WasmReferences.Knob, "RangeError"),
		knob("Messages that wait in a MessagePort without a listener", PortMessages.Knob, "QuotaExceededError"),
		knob("A message that a script gets from a WebSocket; with the flag increase_websocket_message_size that is websocket.message", WebSocketReceived.Knob, "the WebSocket ends with the code 1009 and an error event"),
		knob("A message of a WebSocket that an actor accepted with `ctx.acceptWebSocket()`", ParkedMessage.Knob, "the WebSocket ends with the code 1009; `webSocketError()`"),
		knob("WebSockets that an actor accepted so", SocketsPerActor.Knob, "Error"),
		knob("Tags of such a WebSocket", SocketTags.Knob, "Error"),
		knob("A tag", SocketTag.Knob, "Error"),
		knob("The request, and the response, of `setWebSocketAutoResponse()`", SocketAutoResponse.Knob, "RangeError"),
		row("Time that an event of a WebSocket may be given, in ms", "webapi/durable.maxEventTimeout", Count, "", "fixed by workerd", "Error"),
		row("The reason of a WebSocket's close frame", "webapi/websockets.reasonBytes", Size, "", "fixed by RFC 6455", "SyntaxError; before websocket_close_reason_byte_limit it is cut"),
		row("Bytes that a WebSocket which passes through hands on ahead", "event.spliceAhead", Size, "", "fixed by what keeps a connection busy", "the sender is held back"),
		row("The attachment of a WebSocket", "webapi/websockets.attachmentBytes", Size, "", "fixed by workerd", "Error"),
		knob("An event of an EventSource", EventBytes.Knob, "the EventSource fails"),
		knob("Nesting of a value that is cloned or stored", CloneDepth.Knob, "RangeError or DataCloneError"),
		knob("Objects in a value that is cloned or stored", CloneObjects.Knob, "RangeError"),
		knob("Modules of a worker that a script makes", LoaderCode.Knob, "Error"),
		knob("Its `env`", LoaderEnv.Knob, "Error"),
		knob("Workers that scripts made, at a time; of those with a name the one that nobody used for longest is ended and made again when it is needed", LoaderWorkers.Knob, "Error"),
		row("Items of a list in the code of such a worker", "webapi/loader.maxListed", Count, "", "fixed by what programs need", "Error"),
		knob("Zones of a program with `napajs`, at a time, beside the node zone", NapaZones.Knob, "RangeError"),
		knob("Workers of a zone", NapaWorkers.Knob, "RangeError"),
		knob("Calls that wait or run in a zone, and broadcasts that wait for one of its workers", NapaCalls.Knob, "the promise is rejected"),
		knob("What a zone remembers of its broadcasts, for workers that are started again", NapaTold.Knob, "later ones are not told to them"),
		knob("Stores of `napa.store`", NapaStores.Knob, "RangeError"),
		knob("What all stores hold: keys and payloads, those of transported functions too", NapaStored.Knob, "RangeError"),
		knob("Objects that a transport context holds", NapaShared.Knob, "RangeError"),
		knob("Memory of the allocators of `napa.memory`", NapaMemory.Knob, "RangeError"),
		knob("Pieces of such memory", NapaAllocations.Knob, "RangeError"),
		knob("Metrics of `napa.metric`, and their series", NapaMetrics.Knob, "RangeError"),
		row("Arguments of a call to a zone, or to a lock's `guardSync`", "napa.mostArguments", Count, "", "fixed by what calls need", "RangeError"),
		row("Functions of other threads that a thread remembers", "napa.mostFunctions", Count, "", "fixed by what programs need", "it begins anew, from the texts"),
		row("Allocators that watch each other", "napa.deepestDebugger", Count, "", "fixed by what programs need", "RangeError"),
		row("Values that a percentile of a metric is of", "napa.percentileValues", Count, "", "fixed by what percentiles need", "the oldest is forgotten"),
		knob("Arguments, or the result, of an RPC", RPCMessage.Knob, "Error"),
		knob("Stubs that a request or an actor holds, and as many that it hands out", RPCStubs.Knob, "Error"),
		knob("Names that a worker makes with mapVirtualHost()", VirtualHosts.Knob, "Error"),
		knob("Calls that wait for the result of one RPC, to be made on it", RPCPipelined.Knob, "Error"),
		row("Properties of an RPC that follow one another", "webapi/rpc.maxDepth", Count, "", "fixed by workerd", "TypeError"),
		row("Stubs that are stored within each other, as props or as what restores them", "event.MaxTokenDepth", Count, "", "fixed by the stack that reading takes", "DataCloneError"),
		row("Parameters of a handler that is called over RPC", "webapi/rpc.mostParameters", Count, "", "fixed by workerd", "TypeError"),
		row("Prototypes of an object that is passed over RPC", "webapi/rpc.longestChain", Count, "", "fixed by what classes need", "DataCloneError"),
	}},
	{"Threads of programs and workers", []Row{
		knob("Threads of one program that are alive", ThreadsAlive.Knob, "RangeError"),
		knob("Threads of one deployed worker that are alive, in each isolate", ThreadsDeployed.Knob, "RangeError"),
		knob("Threads that one of them has started", ThreadsChildren.Knob, "RangeError"),
		row("How long a thread that begins may keep others of its program or worker waiting; as many begin at a time as there are processors", "threads.startShare", Time, "", "fixed by what a start takes", "the next one begins beside it"),
		knob("Messages that wait for one thread, as many that it has sent and its owner has not heard, and as many for each MessagePort", ThreadsMessages.Knob, "an error to the sender"),
		knob("Their bytes", ThreadsBytes.Knob, "the same"),
		knob("Open ports whose other end is in another isolate, of one request or actor of a deployed worker, or thread of that", ThreadsPorts.Knob, "RangeError, a messageerror, or closed at once where one message has too many"),
		knob("Waits of Atomics for one element of shared memory", ThreadsWaiters.Knob, "RangeError"),
		knob("Services of Hop that one program has", HopServices.Knob, "RangeError"),
		knob("Calls of them within the program that wait for their answers", HopCalls.Knob, "the promise is rejected"),
		knob("How long a Worker of Hop may go on after terminate()", HopGrace.Knob, "it is killed"),
	}},
	{"Scripts that start from snapshots (`workerd aworker`, `snapshot = true`)", []Row{
		knob("Log of a run that is recorded", SnapshotLog.Knob, "no snapshot; children of a seed start cold"),
		knob("Body of a request or an answer, until the worker parks", SnapshotBody.Knob, "TypeError, and no snapshot"),
		knob("Snapshot file that is read", SnapshotBytes.Knob, "it is refused"),
		row("One `aworker.crypto.randomBytes()`", "serialize.mostRandom", Size, "", "fixed by what programs need", "RangeError"),
		row("Objects within objects that are searched for the name of what a snapshot cannot have", "serialize.pathDepth", Count, "", "fixed by what people name", "it is named without a path"),
		row("Objects that are searched", "serialize.pathObjects", Count, "", "fixed by what people name", "it is named without a path"),
		row("Computing beside the loop of a run that is repeated", "replay.completionTime", Count, "", "fixed by what a damaged log may ask for", "the start falls back to the script"),
		row("Delay of a timer of such a script, in ms", "serialize.longestDelay", Count, "", "fixed by Aworker", "it counts as 1, with a warning"),
		knob("Keys and values of a namespace of `aworker.kvStorages`", KVStorageBytes.Knob, "QuotaExceededError; with the strategy lru the oldest go"),
		knob("Namespaces of `aworker.kvStorages`", KVStorageSpaces.Knob, "QuotaExceededError"),
		knob("`caches` of a worker, or of the children of a seed", CacheStorageBytes.Knob, "QuotaExceededError"),
		row("How long a Dapr sidecar may take, in ms", "serialize.daprTime", Count, "", "fixed by Aworker", "Error"),
		row("How long a worker that is asked for a report may go on with its turn", "cmd/workerd.lookTime", Count, "200 ms", "fixed by what people wait for", "the report says that it is busy"),
		row("Properties of an error in a report", "serialize.mostProperties", Count, "", "fixed by what people read", "the others are left out"),
		row("Requests of one `cache.addAll()`", "serialize.mostAdded", Count, "", "fixed by what programs need", "RangeError"),
		knob("How long an isolate may take to start from a snapshot, or to make it (`snapshot = true`)", SnapshotStart.Knob, "the start fails"),
		knob("Events that wait for such an isolate", SnapshotWaiting.Knob, "an error of the kind overloaded"),
		knob("Isolates of one deployed worker that are ready before anybody needs them, unless half of the memory is in use", SnapshotTwins.Knob, "who needs one waits"),
		knob("Workers of a seed that wait for a fork", SeedTwins.Knob, "further forks wait until one is made"),
		row("What `--twins` may ask for", "cmd/workerd.mostTwins", Count, "", "fixed by the range of seed.twins", "exit code 4"),
		knob("Children of a seed, at a time", SeedChildren.Knob, "the fork is refused"),
		knob("What is said to a seed at a time", SeedMessage.Knob, "the connection is closed"),
		knob("Requests of a worker, at a time", AworkerRequests.Knob, "503"),
		row("A key there", "serialize.maxKeyBytes", Size, "", "fixed by Aworker", "TypeError"),
	}},
	{"Products", []Row{
		row("A key of a KV namespace", "webapi/kv.maxKey", Size, "", "fixed by workerd", "Error"),
		row("A key of a KV namespace of a project", "kvserver.maxKeyBytes", Size, "", "fixed by Cloudflare's service", "414"),
		row("Its value", "kvserver.maxValueBytes", Size, "", "fixed by Cloudflare's service", "413"),
		row("Its metadata", "kvserver.maxMetadataBytes", Size, "", "fixed by Cloudflare's service", "413"),
		row("Keys of one list", "kvserver.maxListKeys", Count, "", "fixed by Cloudflare's service", "400"),
		row("Keys that are asked for at once", "kvserver.maxBulkKeys", Count, "", "fixed by Cloudflare's service", "400"),
		row("Their values together", "kvserver.maxBulkBytes", Size, "", "fixed by Cloudflare's service", "413"),
		row("The request for them", "kvserver.maxAsk", Size, "", "fixed by the keys that are asked for", "400"),
		row("Seconds until a key may expire", "kvserver.minTTL", Count, "", "fixed by Cloudflare's service", "400"),
		row("Seconds of a `cacheTtl`", "kvserver.minCacheTTL", Count, "", "fixed by Cloudflare's service", "400"),
		row("Metadata of an answer to an R2 bucket", "webapi/r2.maxMetadata", Size, "", "fixed by workerd", "an internal error"),
		row("Number of a part of a multipart upload", "webapi/r2.maxPart", Count, "", "fixed by workerd", "TypeError"),
		row("A key of an R2 bucket of a project", "r2server.maxKeyBytes", Size, "", "fixed by Cloudflare's service", "400"),
		row("Its object, or a part of one", "r2server.maxObjectBytes", Size, "", "fixed by Cloudflare's service", "400"),
		row("Its metadata", "r2server.maxMetadataBytes", Size, "", "fixed by Cloudflare's service", "400"),
		row("A request without the object", "r2server.maxAskBytes", Size, "", "fixed by the lists that it may have", "400"),
		row("Objects of one list", "r2server.maxListObjects", Count, "", "fixed by Cloudflare's service", "400"),
		row("Objects that one call deletes", "r2server.maxDeleteObjects", Count, "", "fixed by Cloudflare's service", "400"),
		row("A part that is not the last, at least", "r2server.minPartBytes", Size, "", "fixed by Cloudflare's service", "400"),
		row("Its number", "r2server.maxPartNumber", Count, "", "fixed by Cloudflare's service", "400"),
		row("A key of a memory cache", "webapi/memorycache.maxKey", Size, "", "fixed by workerd", "RangeError"),
		row("Indexes of a data point of Analytics Engine", "webapi/analytics.maxIndexes", Count, "", "fixed by workerd", "the point is not written"),
		row("Its index", "webapi/analytics.maxIndexBytes", Size, "", "fixed by workerd", "the point is not written"),
		row("Its doubles, and its blobs", "webapi/analytics.maxMembers", Count, "", "fixed by workerd", "the point is not written"),
		row("Its blobs together", "webapi/analytics.maxBlobBytes", Size, "", "fixed by workerd", "the point is not written"),
	}},
	{"Console", []Row{
		knob("Text of one call; those of programs have any length", ConsoleText.Knob, "the rest is left out"),
		knob("Values that one call prints", ConsoleValues.Knob, "the rest is left out"),
		knob("Depth that `dir()` shows", ConsoleDepth.Knob, "it counts as this"),
		knob("Entries of a list", ConsoleEntries.Knob, "the rest is counted"),
		knob("Characters of a string within a value", ConsoleString.Knob, "the rest is counted"),
		knob("Bytes of a buffer", ConsoleBuffer.Knob, "the rest is counted"),
		knob("Rows of a table", ConsoleRows.Knob, "the rest is left out"),
		knob("Columns of a table", ConsoleColumns.Knob, "the rest is left out"),
		knob("Timers, and counters, of a realm", ConsoleLabels.Knob, "no more are kept"),
		knob("Groups within each other", ConsoleGroups.Knob, "the text is not indented further"),
	}},
	{"Cron triggers", []Row{
		knob("How late a trigger fires, when the clock was set or the machine slept", CronLate.Knob, "it is left out, and the log says so"),
		knob("Events of one trigger that run at a time", CronRunning.Knob, "the next one is left out, and the log says so"),
	}},
	{"Tail workers", []Row{
		knob("Bytes of one trace, and of one event for a streaming tail worker", TraceBytes.Knob, "the rest is left out, and the trace says so"),
		knob("Bytes of events of one invocation that wait for a streaming tail worker", TraceQueue.Knob, "events are dropped and counted"),
		knob("Bytes of traces that wait for one tail worker", TraceHeld.Knob, "traces or events are dropped, and the log says so"),
		knob("Deliveries to one tail worker that have not ended", TracePending.Knob, "traces are dropped, and the log says so"),
		knob("Spans of one invocation that are open", TraceSpans.Knob, "the next one is not recorded"),
		row("Name of a span that a script opens", "webapi/tail.maxName", Size, "", "fixed by workerd", "the rest is left out"),
		knob("Attributes of one span that a script opens", SpanBytes.Knob, "the span has a warning instead"),
		knob("Time for tail workers to end, at a stop or after tests", TraceDrain.Knob, "they are cut off"),
	}},
	{"Static assets", []Row{
		knob("Paths in `_headers`", AssetHeaders.Knob, "the rest is left out, with a warning"),
		knob("Rules in `_redirects` for one path each", AssetRedirects.Knob, "the same"),
		knob("Rules in `_redirects` from the first with `*` or `:names` on", AssetPatterns.Knob, "the same"),
		knob("Line of these files and of `.assetsignore`", AssetRuleLine.Knob, "the line is left out, with a warning"),
		knob("One of these files", AssetRuleBytes.Knob, "the server does not start"),
		row("Paths in `run_worker_first`", "config.assetRules", Count, "", "fixed by the documentation of Cloudflare", "the configuration is refused"),
		row("One of them", "config.assetRuleLength", Count, "", "fixed by the documentation of Cloudflare", "the same"),
	}},
	{"Networks", []Row{
		knob("Time to connect, and for the TLS handshake", FetchConnect.Knob, "\"Network connection lost.\""),
		knob("Silence on an HTTP/2 connection before a ping, and before that is lost", FetchPing.Knob, "the connection is closed"),
		knob("Headers of an answer", FetchHeaders.Knob, "\"Network connection lost.\""),
		knob("Responses that the Cache API of projects keeps in memory", HTTPCacheBytes.Knob, "those go that were not asked for longest"),
		knob("One of them", HTTPCacheEntry.Knob, "it is not kept"),
		row("Name of a cache", "webapi/caches.maxName", Size, "", "fixed by workerd", "TypeError"),
		knob("Connections that wait for reuse, of one network", FetchKept.Knob, "the oldest is closed"),
		knob("Connections that wait for reuse, to one host", FetchKeptHost.Knob, "the connection is closed after use"),
		knob("Time that they wait", FetchKeptTime.Knob, "they are closed"),
	}},
	{"Actors", []Row{
		row("Requests that wait for one actor", "actor.Options.MaxQueued", Count, "", "`--limit-queued`", "\"Durable Object is overloaded. Too many requests queued.\""),
		row("Idle time before an actor leaves memory", "actor.Options.IdleAfter", Count, "", "`--limit-actor-idle`, `preventEviction` of the namespace", "it is evicted; the next event makes it again"),
		knob("Nesting of `blockConcurrencyWhile()` and transactions", BlockDepth.Knob, "an error"),
		knob("Time of one `blockConcurrencyWhile()`", BlockTime.Knob, "the actor is reset"),
		knob("Time that a commit may hold the output gate", OutputTime.Knob, "the actor is reset"),
		knob("One run of an alarm", AlarmTime.Knob, "the actor is reset; the alarm is tried again"),
		knob("Counted retries of an alarm", AlarmRetries.Knob, "the alarm is given up"),
		knob("First pause before a retry; each one is twice as long", AlarmPause.Knob, "the alarm waits for it"),
		knob("Doublings of the pause", AlarmDoublings.Knob, "it stays as long"),
		knob("Overdue alarms that a start finds and runs at a time, of one class on one isolate", AlarmStarting.Knob, "the others wait, in the order of their times"),
		knob("Name of an actor", ActorName.Knob, "it is not kept for `ctx.id.name`"),
		row("Name of a facet", "webapi/durable.maxFacetName", Size, "", "fixed by workerd", "TypeError"),
		row("Actors within each other as facets", "webapi/durable.maxFacetDepth", Count, "", "fixed by workerd", "Error"),
		knob("Facets of one actor that are in use", Facets.Knob, "a call of the next one fails"),
		knob("What `ctx.facets.clone()` copies", FacetCopy.Knob, "the actor is reset"),
		knob("Name of an actor that keeps nothing", ActorEphemeral.Knob, "TypeError"),
	}},
	{"Storage, as scripts see it", []Row{
		knob("Key, of a class without `enableSql`", ActorKey.Knob, "RangeError"),
		knob("Value, of a class without `enableSql`, without the overhead of its encoding", ActorValue.Knob, "RangeError"),
		knob("Key and value together, of a class with `enableSql` on `localDisk`", ActorPair.Knob, "RangeError"),
		row("Overhead of the encoding, which does not count", "cache.valueSlack", Size, "", "fixed by the encoding", "RangeError"),
		row("Keys of one `get()`, in memory", "cache.ActorLimits.Pairs", Count, "", "`localDisk`: none", "RangeError"),
		knob("Keys that a `storage.kv.list()` reads ahead", CursorKeys.Knob, "they are read as they are asked for"),
		knob("Bytes after which it reads less ahead", CursorBytes.Knob, "the next ones are read one by one"),
		row("Unwritten bytes of one actor before its writes wait", "cache.LRUOptions.DirtyBytes", Size, "", "`--limit-unwritten`", "`put()` resolves, and the next event begins, when there is room again"),
		row("Cache of an isolate before it forgets the oldest", "cache.LRUOptions.SoftBytes", Size, "", "`--limit-cache`", "clean entries are read again when needed"),
		row("Cache of an isolate that cannot forget any more", "cache.LRUOptions.HardBytes", Size, "", "`--limit-cache-hard`", "the actor that needs more is reset"),
		row("Age of unused entries, once to twice", "cache.LRUOptions.StaleAfter", Count, "", "`--limit-cache-age`", "they are forgotten"),
		knob("Attempts of a commit while storage is out of reach", CommitAttempts.Knob, "the actor is reset"),
	}},
	{"Storage", []Row{
		row("Key", "storage.MaxKeyBytes", Size, "", "fixed by the layout of the file", "RangeError"),
		knob("Value", StorageValue.Knob, "RangeError"),
		row("Name of a namespace", "storage.MaxNamespaceBytes", Size, "", "fixed by the layout of the file", "the batch is refused"),
		row("Key of an actor", "storage.MaxActorKeyBytes", Size, "", "fixed by the layout of the file", "the batch is refused"),
		knob("Wait for another process to let go of the file", StorageOpen.Knob, "the start fails"),
		knob("Commits that wait for the writer", StorageQueue.Knob, "callers wait"),
		knob("Commits of one transaction", StorageGroup.Knob, "the next transaction takes the rest"),
		knob("Bytes of one transaction", StorageGroupBytes.Knob, "the next transaction takes the rest"),
		knob("Entries that a commit of `deleteAll()` removes itself", StorageDelete.Knob, "the rest is removed in the background"),
		knob("Keys that one step in the background removes", StorageSweep.Knob, "the next step goes on"),
		knob("Bytes that a list reads at a time", StorageScan.Knob, "it goes on in another transaction"),
		knob("Findings of one check", StorageFindings.Knob, "the rest is counted"),
		knob("Damaged pages that one check describes", StorageLosses.Knob, "the rest is counted"),
		knob("Lines about what one of them held", StorageLostLines.Knob, "the rest is counted"),
		knob("Damaged values that one check names", CheckValues.Knob, "the rest is counted"),
		knob("Storage commands that a server answers at a time", ControlRequests.Knob, "the command ends with an error"),
		knob("Time for which a storage command may stand still", ControlStall.Knob, "it is cut off"),
		row("Request line and headers of a storage command", "storage/admin.controlHeader", Size, "", "fixed by the longest keys", "the command ends with an error"),
		row("Path of the control socket", "storage/admin.maxSocketPath", Count, "", "fixed by the systems", "Linux goes around it; elsewhere there is no socket, and the log says so"),
		knob("One actor of an import", ImportActor.Knob, "the import ends with an error"),
		row("One line of an import", "storage/admin.maxLineBytes", Size, "", "fixed by the largest values", "the import ends with an error"),
		knob("Actors that an import commits at a time", ImportActors.Knob, "the next commit takes the rest"),
		knob("Bytes that an import commits at a time", ImportBytes.Knob, "the next commit takes the rest"),
		knob("Actors that an import replaces in a server at a time", ImportReplace.Knob, "the others wait"),
		knob("Value that an export shows in readable form", ExportValue.Knob, "it has the raw bytes only"),
		row("Nesting of such a value", "storage/admin.maxReadable", Count, "", "fixed by the stack that reading it back takes", "it has the raw bytes only"),
		row("Pages from the root to a leaf", "storage/bolt.maxTreeDepth", Count, "", "fixed by the layout of the file: no sound tree has a tenth of it", "the page counts as damaged"),
		knob("Keys that an actor's storage is handed at a time", CommitKeys.Knob, "the rest follows"),
		knob("Bytes that an actor's storage is handed at a time", CommitBytes.Knob, "the rest follows"),
		knob("Keys of one batch of a list", ListKeys.Knob, "the next batch"),
		knob("Bytes of one batch of a list", ListBytes.Knob, "the next batch"),
		knob("Batches of a list in memory", ListAhead.Knob, "the reader waits"),
	}},
	{"Sources", []Row{
		knob("Source text of one worker", ScriptSource.Knob, "the script is refused"),
		knob("Text, data and WebAssembly modules of one worker", ScriptAssets.Knob, "the script is refused"),
		knob("Modules of one worker", ScriptModules.Knob, "the script is refused"),
		knob("Brackets within each other", ScriptBrackets.Knob, "the script is refused"),
		knob("Operators and words of the statements open at one place", ScriptChain.Knob, "the script is refused"),
		knob("The same before bundling", ScriptWritten.Knob, "the script is refused"),
		knob("Errors of one compilation that are shown", ScriptErrors.Knob, "the rest is not shown"),
		knob("Compiled scripts in memory", ScriptPrograms.Knob, "the oldest is compiled again"),
		knob("Compiled files of programs that are kept", ScriptUnits.Knob, "the one used least recently is compiled again when it is next loaded"),
		knob("Bundled scripts on disk", ScriptKept.Knob, "the oldest is removed").also("`--no-compile-cache`"),
		knob("Bytes of bundled scripts on disk", ScriptKeptBytes.Knob, "the oldest is removed").also("`--no-compile-cache`"),
	}},
	{"Configuration", []Row{
		knob("One file", ConfigFile.Knob, "an error at the start"),
		knob("One embedded file", ConfigEmbed.Knob, "an error at the start"),
		knob("Files of one configuration", ConfigFiles.Knob, "an error at the start"),
		knob("Nesting of brackets", ConfigDepth.Knob, "an error at the start"),
		knob("Constants between a name and its value", ConfigChain.Knob, "an error at the start"),
		knob("Values once constants are expanded", ConfigValues.Knob, "an error at the start"),
		knob("Errors that are shown", ConfigErrors.Knob, "the rest is not shown"),
	}},
}
