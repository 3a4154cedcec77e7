package differential

// accepted are the probes whose answers may differ, each with the reason.
var accepted = reasons(acceptedFor)

// reasons tells for each probe why it may differ. A probe that is named for two reasons is a mistake.
func reasons(probesFor map[string][]string) map[string]string {
	all := map[string]string{}
	for reason, probes := range probesFor {
		for _, name := range probes {
			if _, twice := all[name]; twice {
				panic(name + " is accepted for two reasons")
			}
			all[name] = reason
		}
	}
	return all
}

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
	"half a surrogate pair goes out as U+FFFD here, not as bytes that are no UTF-8": {
		"websocket/message of odd text",
		"websocket-old/message of odd text",
		"rpc/values: lone",
		"rpc-old/values: lone",
	},
	"a stub is no constructor; workerd calls it": {
		"rpc/members: new",
		"rpc-old/members: new",
	},
	"the engine does not name the class": {
		"rpc/callbacks: cls",
		"rpc-old/callbacks: cls",
	},
	"the global object is described by its tag": {
		"rpc/values: global",
		"rpc-old/values: global",
	},
	"a call has no span of its own at its receiver: workerd has them since a later version": {
		"tails/call",
		"tails/call that throws",
	},
	"workerd has an internal error": {
		"rpc/stubs: disposedDup",
		"rpc-old/stubs: disposedDup",
	},
	"an object that is thrown and no Error has the message that it says": {
		"rpc-old/errors: object",
	},
	"no error follows a close that both sides agreed on; workerd tells of one when the pair is taken down": {
		"websocket/close",
		"websocket/close without a code",
		"websocket/close behind messages",
		"websocket/close that is answered",
		"websocket-old/close that is answered",
	},
	"the other end of a pair is told of a listener that threw by a close event alone, and not by an error before it": {
		"websocket/listener that throws",
		"websocket-old/listener that throws",
	},
	"classes have Symbol.toStringTag at every date": {
		"websocket-old/pair: properties",
		"websocket-old/pair: attributes",
		"websocket-old/message of a Blob",
		"rpc-old/arguments: kinds",
		"rpc-old/members: toString",
		"rpc-old/members: property",
		"rpc-old/members: kinds",
		"rpc-old/results: cls",
	},
	"net/http refuses an escape that is none": {
		"http/PUT /a%20b/%zz?q=%20+ x",
	},
	"request.url is a parsed URL here, so that its text is normalized": {
		"http/GET /a/../b//c/.",
		`http/GET /?a="b"|`,
	},
	"keys and values on disk have the limits of the platform, which workerd itself does not apply there": {
		"disk/put: key size",
		"disk/put: value size",
		"disk/transaction: key size",
		"state-disk/limits: key of one byte too much",
		"state-disk/limits: value",
		"state-disk/limits: 2 MB",
		"state-disk/limits: 4 MB",
		"state-disk/limits: where values end",
		"state-disk/limits: put of several",
		"state-disk/limits: transaction",
		"state-sql/limits: 2 MB",
		"state-sql/limits: 4 MB",
		"state-sql/limits: put of several",
		"state-sql/limits: transaction",
		"state-sql/limits: kv",
		"state-old/limits: 2 MB",
		"state-old/limits: 4 MB",
		"state-old/limits: put of several",
		"state-old/limits: transaction",
		"state-old/limits: kv",
		"state-new/limits: 2 MB",
		"state-new/limits: 4 MB",
		"state-new/limits: put of several",
		"state-new/limits: transaction",
		"state-new/limits: kv",
	},
	"workerd writes the name of its C++ type, mangled": {
		"crypto/nothing",
	},
	"the class is made at its first use, by a getter": {
		"crypto/shape: class",
	},
	"the prototype of a class that is no global cannot be replaced either": {
		"crypto/shape: crypto",
	},
	"this does as node does, and workerd does not": {
		"node-crypto/hmac: key",
		"node-crypto/cipher: known",
		"node-crypto/cipher: sizes",
		"node-crypto/cipher: order",
		"node-crypto/sign: encoding",
		"node-crypto/keys: about",
		"node-crypto/keys: secret",
		"node-crypto/keys: equals",
		"node-crypto/keys: generate",
		"node-crypto/agree: groups",
		"node-crypto/agree: ecdh",
		"node-crypto/random: int",
		"node-crypto/random: fill",
		"node-crypto/random: unequal",
	},
	"the constants of node:crypto can be listed here, as in node": {
		"node-crypto/lists",
	},
	"the text names what BoringSSL said": {
		"node-crypto/derive: pbkdf2",
		"node-crypto/derive: late",
	},
	"a curve that BoringSSL knows and does not offer": {
		"node-crypto/agree: curves",
	},
	"an internal error there": {
		"node-crypto/agree: stateless",
	},
	"what workerd's library refuses without a word for it is an internal error there": {
		"crypto/ec: md5",
	},
	"is not there yet": {
		"memory/values: streams",
		"disk/values: streams",
		"state-new/members",
		"web/ctx",
		"web/visit: passThroughOnException",
		"web/URL: wrong: createObject",
		"web/compression: wrong",
		"web/navigator",
	},
	"the engine's own behaviour": {
		"memory/values: uncloneable",
		"memory/values: shared buffer",
		"disk/values: uncloneable",
		"disk/values: shared buffer",
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
	"in memory, workerd's facets keep all with their instances, and nothing of it is copied, deleted or refused": {
		"state-memory/facets: cloned",
		"state-memory/facets: deleteAll of the parent",
		"state-memory/facets: alarm",
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
		"web/streams: wrong: pipeThrough",
		"web/events: prevent",
		"web/events: throws",
		"web/DOMException: forms",
	},
	"only the text of the error differs": {
		"web/ctx: wrong",
		"web/Request: bodies: used",
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
		"web/module: waitUntil",
		"web/request",
		"web/entry: class",
	},
}
