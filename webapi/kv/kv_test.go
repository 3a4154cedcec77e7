package kv_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/internal/jstest"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/encoding"
	"workerd.local/webapi/events"
	"workerd.local/webapi/fetch"
	"workerd.local/webapi/kv"
	"workerd.local/webapi/streams"
	"workerd.local/webapi/url"
)

// backend is a service with an answer to each request; behind the last one they are empty.
func backend(answers ...*event.Response) *jstest.Service {
	return &jstest.Service{Line: line, Answer: func(*event.Request) (*event.Response, error) {
		if len(answers) == 0 {
			return jstest.Response(200, "{}"), nil
		}
		a := answers[0]
		answers = answers[1:]
		return a, nil
	}}
}

func failing(err error) *jstest.Service { return &jstest.Service{Answer: jstest.Always(nil, err)} }

// line leaves out the header that repeats the address.
func line(req *event.Request, body []byte) string {
	h := req.Header.Clone()
	if h.Get("Cf-Kv-Flprod-405") == req.URL {
		h.Del("Cf-Kv-Flprod-405")
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s %s %s", req.Method, strings.TrimPrefix(req.URL, "https://fake-host"), jstest.Headers(h), body))
}

func newEnv(t *testing.T, svc event.Service) *jstest.Env {
	global := bind.Module{Name: "test", Globals: []bind.Global{bind.Var{Name: "KV", Make: func(js *isolate.JS) (goja.Value, error) {
		return kv.Class.Wrap(js, &kv.Namespace{Service: svc}), nil
	}}}}
	return jstest.New(t, url.Module, encoding.Module, events.Module, streams.Module, fetch.Module, global)
}

func TestNamespaceAsksItsService(t *testing.T) {
	for source, want := range map[string]string{
		`KV.get("a/b =@%é?")`:                                 `GET /a%2Fb%20=@%25%C3%A9%3F?urlencoded=true`,
		`KV.get("a", { type: "text", cacheTtl: 60.9 })`:       `GET /a?urlencoded=true&cache_ttl=60`,
		`KV.get(5, null)`:                                     `GET /5?urlencoded=true`,
		`KV.get(["a", 1, "<"], "json")`:                       `POST /bulk/get Content-Length=36 Content-Type=application/json {"keys":["a","1","<"],"type":"json"}`,
		`KV.getWithMetadata([], {cacheTtl: 5})`:               `POST /bulk/get Content-Length=46 Content-Type=application/json {"keys":[],"withMetadata":true,"cacheTtl":"5"}`,
		`KV.delete("a/b c&d")`:                                `DELETE /a%2Fb%20c%26d?urlencoded=true`,
		`KV.list()`:                                           `GET`,
		`KV.list({ limit: 3, prefix: "a b", cursor: "x=&" })`: `GET ?key_count_limit=3&prefix=a+b&cursor=x%3D%26`,
		`KV.list({ limit: 0, prefix: null, cursor: null })`:   `GET`,
		`KV.put("k", "v", { expiration: 10, expirationTtl: "60", metadata: { a: [1] } })`: `PUT /k?urlencoded=true&expiration=10&expiration_ttl=60 Cf-Kv-Metadata={"a":[1]} Content-Length=1 Content-Type=text/plain;charset=UTF-8 v`,
		`KV.put("k", undefined)`: `PUT /k?urlencoded=true Content-Length=9 Content-Type=text/plain;charset=UTF-8 undefined`,
		`KV.put("k", "")`:        `PUT /k?urlencoded=true Content-Type=text/plain;charset=UTF-8`,
		`(async () => { const s = new ReadableStream({ start(c) { c.enqueue(new Uint8Array([65])); c.enqueue(new Uint8Array([66])); c.close() } }); const r = s.getReader(); await r.read(); r.releaseLock(); await KV.put("k", s) })()`: `PUT /k?urlencoded=true Transfer-Encoding=chunked B`,
		`KV.put("k", null, { metadata: null })`:                                                                 `PUT /k?urlencoded=true Content-Length=4 Content-Type=text/plain;charset=UTF-8 null`,
		`KV.put("k", new Uint8Array([65, 66]).subarray(1))`:                                                     `PUT /k?urlencoded=true Content-Length=1 B`,
		`KV.put("k", new Response("body").body)`:                                                                `PUT /k?urlencoded=true Content-Length=4 body`,
		`KV.put("k", new ReadableStream({ start(c) { c.enqueue(new TextEncoder().encode("x")); c.close() } }))`: `PUT /k?urlencoded=true Transfer-Encoding=chunked x`,
	} {
		b := backend()
		if _, err := newEnv(t, b).Eval("await " + source); err != nil {
			t.Errorf("%s: %v", source, err)
		}
		if got := strings.Join(b.Asked(), "\n"); strings.ReplaceAll(got, "  ", " ") != want {
			t.Errorf("%s\n got %s\nwant %s", source, got, want)
		}
	}
}

func TestNamespaceAnswers(t *testing.T) {
	for _, c := range []struct {
		answer       *event.Response
		source, want string
	}{
		{jstest.Response(200, "text"), `await KV.get("a")`, `"text"`},
		{jstest.Response(200, `{"a":1}`), `await KV.get("a", "json")`, `{"a":1}`},
		{jstest.Response(200, "abc"), `(await KV.get("a", "arrayBuffer")).byteLength`, `3`},
		{jstest.Response(200, "abc"), `await new Response(await KV.get("a", { type: "stream" })).text()`, `"abc"`},
		{&event.Response{Status: 200, Header: http.Header{}}, `await new Response(await KV.get("a", { type: "stream" })).text()`, `""`},
		{jstest.Response(404, "no"), `await KV.get("a", "json")`, `null`},
		{jstest.Response(410, "no"), `await KV.getWithMetadata("a")`, `{"value":null,"metadata":null,"cacheStatus":null}`},
		{jstest.Response(200, "v", "CF-KV-Metadata", `{"m":[1]}`, "CF-Cache-Status", "HIT"), `await KV.getWithMetadata("a")`, `{"value":"v","metadata":{"m":[1]},"cacheStatus":"HIT"}`},
		{jstest.Response(200, `{"b":null,"1":{"value":"x"},"__proto__":2}`), `[...await KV.get(["a"])]`, `[["1",{"value":"x"}],["b",null],["__proto__",2]]`},
		{jstest.Response(200, `7`), `[...await KV.get(["a"])]`, `[]`},
		{jstest.Response(200, `{"keys":[{"name":"a","metadata":"{\"x\":1}"},{"name":"b","metadata":[2]},3],"list_complete":false,"cursor":"c"}`), `await KV.list()`,
			`{"keys":[{"name":"a","metadata":{"x":1}},{"name":"b","metadata":[2]},3],"list_complete":false,"cursor":"c","cacheStatus":null}`},
		{jstest.Response(200, "\ufeffv", "CF-KV-Metadata", ""), `await KV.getWithMetadata("a")`, "{\"value\":\"\ufeffv\",\"metadata\":null,\"cacheStatus\":null}"},
		{jstest.Response(204, ""), `await KV.put("a", "b") === undefined`, `true`},
		{jstest.Response(200, "v"), `[() => KV.get(), () => KV.get("a", Symbol()), () => KV.getWithMetadata("")].map((f) => { try { f(); return "gave" } catch (e) { return e.message } })`,
			`["Failed to execute 'get' on 'KvNamespace': parameter 1 is not of type 'string or Array'.","Cannot convert a Symbol value to a string","Key name cannot be empty."]`},
		{jstest.Response(200, "v"), `await KV.get("").catch((e) => e.message)`, `"Key name cannot be empty."`},
		{jstest.Response(200, "done"), `await KV.delete("a") === undefined`, `true`},
	} {
		newEnv(t, backend(c.answer)).Want("return JSON.stringify("+c.source+")", c.want)
	}
}

// broken is a body that ends before its end.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
func (broken) Close() error             { return nil }

func TestNamespaceOfAServiceThatFails(t *testing.T) {
	for _, c := range []struct {
		b            *jstest.Service
		source, want string
	}{
		{backend(jstest.Response(500, "")), `await KV.get("a")`, "Error: KV GET failed: 500 Internal Server Error"},
		{backend(&event.Response{Status: 429, StatusText: "Slow Down"}), `await KV.put("a", "")`, "Error: KV PUT failed: 429 Slow Down"},
		{backend(jstest.Response(302, "")), `await KV.delete("a")`, "Error: KV DELETE failed: 302 Found"},
		{backend(jstest.Response(400, "")), `await KV.get([])`, "Error: KV GET_BULK failed: 400 Bad Request"},
		{backend(jstest.Response(503, "")), `await KV.list()`, "Error: KV GET failed: 503 Service Unavailable"},
		{backend(jstest.Response(200, "v")), `await KV.get("a", "json")`, `SyntaxError: Unexpected token 'v', "v" is not valid JSON`},
		{backend(jstest.Response(200, "v", "CF-KV-Metadata", "m")), `await KV.getWithMetadata("a")`, `SyntaxError: Unexpected token 'm', "m" is not valid JSON`},
		{backend(jstest.Response(200, "v")), `await KV.get("a", "blob")`, `TypeError: Unknown response type. Possible types are "text", "arrayBuffer", "json", and "stream".`},
		{backend(&event.Response{Status: 200, Header: http.Header{}, Body: event.StreamBody(broken{}, 9)}), `await KV.get("a")`, "Error: Network connection lost."},
		{backend(&event.Response{Status: 200, Header: http.Header{}, Body: event.StreamBody(broken{}, 9)}), `await KV.put("a", "b")`, "Error: Network connection lost."},
		{backend(), `const s = new Response("x").body; s.getReader(); await KV.put("a", s)`, "TypeError: The ReadableStream has been locked to a reader."},
		{failing(io.EOF), `await KV.get("a")`, "Error: Network connection lost."},
		{failing(exception.TypeErrorf("worse")), `await KV.list()`, "TypeError: worse"},
		{backend(), `await KV.put("a", new ReadableStream({ pull() { throw new RangeError("src") } }))`, "RangeError: src"},
	} {
		newEnv(t, c.b).WantError(c.source, c.want)
	}
	if _, err := newEnv(t, failing(errors.New("secret"))).Eval(`await KV.get("a")`); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("the script sees %v", err)
	}
	if _, err := newEnv(t, backend(jstest.Response(200, "7"))).Eval(`await KV.list()`); err == nil || !strings.HasPrefix(err.Error(), "Error: internal error; reference = ") {
		t.Errorf("a list that is no object: %v", err)
	}
}

func TestNamespaceWrongInput(t *testing.T) {
	b := backend()
	e := newEnv(t, b)
	for source, want := range map[string]string{
		`await KV.get()`:                "TypeError: Failed to execute 'get' on 'KvNamespace': parameter 1 is not of type 'string or Array'.",
		`await KV.get("")`:              "TypeError: Key name cannot be empty.",
		`await KV.get(".")`:             `TypeError: "." is not allowed as a key name.`,
		`await KV.delete("..")`:         `TypeError: ".." is not allowed as a key name.`,
		`await KV.get("é".repeat(257))`: "Error: KV GET failed: 414 UTF-8 encoded length of 514 exceeds key length limit of 512.",
		`await KV.get(Symbol())`:        "TypeError: Cannot convert a Symbol value to a string",
		`await KV.get([{ toString() { throw new RangeError("x") } }])`: "RangeError: x",
		`await KV.list("x")`:                                             "TypeError: Failed to execute 'list' on 'KvNamespace': parameter 1 is not of type 'ListOptions'.",
		`await KV.list({ limit: 2 ** 31 })`:                              "TypeError: Value out of range. Must be between -2147483648 and 2147483647 (inclusive).",
		`await KV.put("a")`:                                              "TypeError: Failed to execute 'put' on 'KvNamespace': parameter 2 is not of type 'string or Object'.",
		`await KV.put("", "")`:                                           "TypeError: Key name cannot be empty.",
		`await KV.put("a", {})`:                                          "TypeError: KV put() accepts only strings, ArrayBuffers, ArrayBufferViews, and ReadableStreams as values.",
		`await KV.put("a", new Response("x"))`:                           "TypeError: KV put() accepts only strings, ArrayBuffers, ArrayBufferViews, and ReadableStreams as values.",
		`await KV.put("a", "b", 5)`:                                      "TypeError: Failed to execute 'put' on 'KvNamespace': parameter 3 is not of type 'PutOptions'.",
		`await KV.put("a", "b", { expiration: 1e20 })`:                   "TypeError: Value out of range. Must be between -2147483648 and 2147483647 (inclusive).",
		`const m = {}; m.m = m; await KV.put("a", "b", { metadata: m })`: "TypeError: Converting circular structure to JSON\n    --> starting at object with constructor 'Object'\n    --- property 'm' closes the circle",
		`new KV.constructor()`:                                           "TypeError: Illegal constructor",
	} {
		e.WantError(source, want)
	}
	if len(b.Asked()) > 0 {
		t.Errorf("the service was asked: %q", b.Asked())
	}
}
