package differential

// accepted are the probes whose answers may differ, each with the reason.
var accepted = func() map[string]string {
	all := map[string]string{}
	for reason, probes := range acceptedFor {
		for _, name := range probes {
			all[name] = reason
		}
	}
	return all
}()

var acceptedFor = map[string][]string{
	"an answer of the server itself has a Content-Type here, and words of its own": {
		"http/ODD /",
		"http/GET /throw",
		"http/GET /throw text",
		"http/GET /undefined",
		"http/GET /hang",
		"http/GET /pass",
		"http/POST /used echo",
		"http/GET /self",
		"http/GET /101",
		"http/GET /error response",
	},
	"net/http refuses an escape that is none": {
		"http/PUT /a%20b/%zz?q=%20+ x",
	},
	"request.url is a parsed URL here, so that its text is normalized": {
		"http/GET /a/../b//c/.",
		`http/GET /?a="b"|`,
	},
	"is not there yet": {
		"memory/values: Headers",
		"memory/values: Request",
		"memory/values: Response",
		"memory/values: Blob",
		"memory/values: streams",
		"disk/values: Headers",
		"disk/values: Request",
		"disk/values: Response",
		"disk/values: Blob",
		"disk/values: streams",
		"durable/namespace: globals",
		"state-new/members",
		"durable/ctx: members",
		"durable/ctx: own",
		"durable/ctx: exports of the class",
		"web/language: Intl",
		"web/globals: enumerable",
		"web/WebAssembly",
		"web/ctx",
		"web/visit: passThroughOnException",
		"web/URL: wrong: createObject",
		"web/streams: writing: encoderStream",
		"web/streams: writing: decoderStream",
		"web/compression: round",
		"web/compression: wrong",
		"web/compression: bad",
		"web/compression: cut",
		"web/crypto: constructors",
		"web/navigator",
		"web/global: CompressionStream",
		"web/global: CryptoKey",
		"web/global: DecompressionStream",
		"web/global: ExtendableEvent",
		"web/global: TextDecoderStream",
		"web/global: TextEncoderStream",
		"web/global: caches",
		"web/top level: key",
		"web/top level: caches",
	},
	"the engine's own behaviour": {
		"memory/values: uncloneable",
		"memory/values: shared buffer",
		"memory/values: resizable",
		"disk/values: uncloneable",
		"disk/values: shared buffer",
		"disk/values: resizable",
		"durable/stub: deleted members",
		"durable/throw: object",
		"web/errors: stack frames",
	},
	"esbuild prints functions anew": {
		"memory/values: uncloneable functions",
		"disk/values: uncloneable functions",
	},
	"a promise for what is there already is settled at once here, and some microtasks later in workerd": {
		"memory/microtasks",
		"disk/microtasks",
	},
	"lone surrogates are replaced here, as in every other text that leaves JavaScript": {
		"memory/list: lone surrogates",
		"disk/list: lone surrogates",
		"durable/id: surrogate name",
	},
	"storage in memory outlives a reset of its object here": {
		"state-memory/abort: writes are lost",
		"state-memory/abort: in transaction",
		"state-memory/block: failure loses writes",
	},
	"an id of another namespace is refused here, as in production": {
		"durable/id: of another namespace",
		"durable/id: of another namespace, used",
	},
	"workerd makes its own AbortErrors of a lost connection, and so retryable": {
		"durable/cancel: before",
		"durable/cancel: during",
		"web/abort: basic",
		"web/abort: statics",
		"web/abort: timeout",
		"web/abort: fetch",
	},
	"the base classes of cloudflare:workers take any arguments here": {
		"durable/subclass: without super",
	},
	"time stands still in workerd's global scope": {
		"web/top level: now",
		"web/top level: date",
		"web/top level: performance",
	},
	"a Response can be made in the global scope here": {
		"web/top level: response",
		"web/top level: text",
	},
	"this follows the standard, and workerd does not": {
		"web/Headers: wrong: empty",
		"web/Response: readers: bom",
		"web/Response: readers: blob",
		"web/FormData: round",
		"web/streams: wrong: nul",
		"web/streams: wrong: start",
		"web/streams: wrong: hwm",
		"web/streams: wrong: hwmNaN",
		"web/streams: wrong: startThrows",
		"web/streams: wrong: sink",
		"web/streams: wrong: pipeThrough",
		"web/events: prevent",
		"web/events: throws",
		"web/DOMException: forms",
		"web/global: Performance",
	},
	"only the text of the error differs": {
		"durable/throw: named error",
		"web/ctx: wrong",
		"web/Request: bodies: used",
		"web/Response: wrong: webSocket",
		"web/TextDecoder: wrong",
		"web/base64: btoa",
		"web/crypto: digestNames",
	},
	"an error within a body is not marked as remote here": {
		"durable/stub: stream error",
		"web/visit: stream error",
	},
	"known, and to be mended outside this test": {
		"web/globals: require",
		"web/module: env",
		"web/module: waitUntil",
		"web/request",
		"web/entry: class",
		"web/visit: bodies",
		"web/visit: headers",
	},
}
