package caches_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"workerd.local/event"
	"workerd.local/internal/jstest"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/caches"
	"workerd.local/webapi/encoding"
	"workerd.local/webapi/events"
	"workerd.local/webapi/fetch"
	"workerd.local/webapi/streams"
	"workerd.local/webapi/url"
)

// recorder is a service that answers as the query of a request asks.
func recorder() *jstest.Service { return &jstest.Service{Line: line, Answer: asTheQueryAsks} }

func line(req *event.Request, body []byte) string {
	return fmt.Sprintf("%s %s %s %d %q %s", req.Method, req.URL, jstest.Headers(req.Header), req.Body.Size(), body, req.CF)
}

func asTheQueryAsks(req *event.Request) (*event.Response, error) {
	r := jstest.Response(204, "body")
	if _, query, ok := strings.Cut(req.URL, "?"); ok {
		if _, err := fmt.Sscanf(query, "%d", &r.Status); err != nil {
			return nil, errors.New("boom")
		}
		if _, word, ok := strings.Cut(query, "="); ok {
			r.Header.Set("Cf-Cache-Status", word)
		}
	}
	return r, nil
}

func newEnv(t *testing.T, svc event.Service) *jstest.Env {
	set := bind.Module{Name: "set", Setup: func(js *isolate.JS) error { caches.SetService(js, svc); return nil }}
	return jstest.New(t, url.Module, encoding.Module, events.Module, streams.Module, fetch.Module, caches.Module, set)
}

func TestCacheAsksItsService(t *testing.T) {
	for source, want := range map[string]string{
		`caches.default.match(new Request("http://x/a b?200=HIT#frag", { headers: { "if-none-match": "q", "cache-control": "no-store" }, cf: { a: 1 } }))`: `GET http://x/a%20b?200=HIT Cache-Control=only-if-cached If-None-Match=q 0 "" {"a":1}`,
		`(await caches.open("ü/ n")).match("http://x/")`: `GET http://x/ Cache-Control=only-if-cached Cf-Cache-Namespace=%C3%BC%2F%20n 0 "" `,
		`caches.default.put("http://x/p", new Response("hello", { status: 203, statusText: "Hm", headers: { b: "c", "set-cookie": "q=1" } }))`:      `PUT http://x/p  106 "HTTP/1.1 203 Hm\r\nContent-Length: 5\r\nB: c\r\nContent-Type: text/plain;charset=UTF-8\r\nSet-Cookie: q=1\r\n\r\nhello" `,
		`caches.default.put("http://x/p", new Response(null))`:                                                                                      `PUT http://x/p  38 "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" `,
		`caches.default.put("http://x/p", new Response(new ReadableStream({ pull(c) { c.enqueue(new TextEncoder().encode("abc")); c.close() } })))`: `PUT http://x/p  -1 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nabc" `,
		`caches.default.delete(new Request("http://x/?200", { method: "POST" }), { ignoreMethod: true })`:                                           `PURGE http://x/?200 X-Real-Ip=127.0.0.1 0 "" `,
	} {
		r := recorder()
		if _, err := newEnv(t, r).Eval("await " + source); err != nil {
			t.Errorf("%s: %v", source, err)
		}
		if got := strings.Join(r.Asked(), "\n"); got != want {
			t.Errorf("%s\n got %s\nwant %s", source, got, want)
		}
	}
}

func TestEncodedResponsesAreStoredEncoded(t *testing.T) {
	for _, encoding := range []string{"gzip", "br"} {
		r := recorder()
		if _, err := newEnv(t, r).Eval(`await caches.default.put("http://x/", new Response("a".repeat(1000), { headers: { "content-encoding": "` + encoding + `" } }))`); err != nil {
			t.Fatal(err)
		}
		if len(r.Asked()) != 1 || len(r.Asked()[0]) > 600 || !strings.Contains(r.Asked()[0], "chunked") {
			t.Errorf("%s: %.200q", encoding, r.Asked())
		}
	}
}

func TestAnswersOfTheService(t *testing.T) {
	e := newEnv(t, recorder())
	for source, want := range map[string]string{
		`const r = await caches.default.match("http://x/?201=HIT"); return [r.status, await r.text(), r.headers.get("cf-cache-status")].join()`:                             "201,body,HIT",
		`return (await caches.default.match("http://x/?200=HIT")).url`:                                                                                                      "",
		`return String(await caches.default.match("http://x/?200=MISS"))`:                                                                                                   "undefined",
		`return String(await caches.default.match("http://x/?200=EXPIRED"))`:                                                                                                "undefined",
		`return String(await caches.default.match("http://x/?200"))`:                                                                                                        "undefined",
		`return String(await caches.default.match(new Request("http://x/?200=HIT", { method: "POST" })))`:                                                                   "undefined",
		`return String(await caches.default.match(new Request("http://x/?200=HIT", { method: "POST" }), { ignoreMethod: true }))`:                                           "[object Response]",
		`return await caches.default.delete("http://x/?200")`:                                                                                                               "true",
		`return await caches.default.delete("http://x/?404")`:                                                                                                               "false",
		`return await caches.default.delete(new Request("http://x/", { method: "POST" }))`:                                                                                  "false",
		`return String(await caches.default.put("http://x/?413", new Response("x")))`:                                                                                       "undefined",
		`return String(await caches.default.put("http://x/?500", new Response("x")))`:                                                                                       "undefined",
		`return String(await caches.default.put("http://x/", new Response(null, { status: 304 })))`:                                                                         "undefined",
		`const r = new Response(new ReadableStream()); caches.default.put("http://x/", r).catch(() => {}); return r.bodyUsed`:                                               "true",
		`return [caches.default === caches.default, await caches.open("a") === await caches.open("a"), Object.keys(caches), String(caches), String(caches.default)].join()`: "true,false,default,[object CacheStorage],[object Cache]",
	} {
		e.Want(source, want)
	}
}

func TestCacheErrors(t *testing.T) {
	e := newEnv(t, recorder())
	for source, want := range map[string]string{
		`await caches.default.match()`:                                                                                        "TypeError: Failed to execute 'match' on 'Cache': parameter 1 is not of type 'Request or string'.",
		`await caches.default.match("nope")`:                                                                                  "TypeError: Invalid URL: nope",
		`await caches.default.match("http://u:p@x/")`:                                                                         "TypeError: Invalid URL. Cache API keys must be fully-qualified, valid URLs.",
		`await caches.default.match("data:,x")`:                                                                               "TypeError: Invalid URL. Cache API keys must be fully-qualified, valid URLs.",
		`await caches.default.match("http://x/", 1)`:                                                                          "TypeError: Failed to execute 'match' on 'Cache': parameter 2 is not of type 'CacheQueryOptions'.",
		`await caches.default.match("http://x/", { ignoreSearch: false })`:                                                    "Error: The 'ignoreSearch' field on 'CacheQueryOptions' is not implemented.",
		`await caches.default.delete("http://x/?429")`:                                                                        "Error: Unable to delete cached response. Subrequests are being rate-limited.",
		`await caches.default.delete("http://x/?500")`:                                                                        "Error: Unable to delete cached response.",
		`await caches.default.put()`:                                                                                          "TypeError: Failed to execute 'put' on 'Cache': parameter 1 is not of type 'Request or string'.",
		`await caches.default.put("http://x/")`:                                                                               "TypeError: Failed to execute 'put' on 'Cache': parameter 2 is not of type 'Response'.",
		`await caches.default.put(new Request("http://x/", { method: "POST" }), new Response(""))`:                            "TypeError: Cannot cache response to non-GET request.",
		`await caches.default.put("http://x/", new Response("", { status: 206 }))`:                                            "TypeError: Cannot cache response to a range request (206 Partial Content).",
		`await caches.default.put("http://x/", new Response("", { headers: { vary: "a, *" } }))`:                              "TypeError: Cannot cache response with 'Vary: *' header.",
		`await caches.default.put("http://x/", Response.error())`:                                                             "TypeError: Cache is unable to store an error response",
		`const r = new Response("x"); await r.text(); await caches.default.put("http://x/", r)`:                               "TypeError: Body has already been used. It can only be used once. Use tee() first if you need to read it twice.",
		`await caches.default.put("http://x/", new Response(new ReadableStream({ pull() { throw new RangeError("src") } })))`: "RangeError: src",
		`await caches.open()`:                 "TypeError: Failed to execute 'open' on 'CacheStorage': parameter 1 is not of type 'string'.",
		`await caches.open("x".repeat(1024))`: "TypeError: Cache name is too long.",
		`caches.match("http://x/")`:           "Error: Failed to execute 'match' on 'CacheStorage': the method is not implemented.",
		`caches.default.keys()`:               "Error: Failed to execute 'keys' on 'Cache': the method is not implemented.",
		`new Cache()`:                         "TypeError: Illegal constructor",
	} {
		e.WantError(source, want)
	}
	newEnv(t, nil).WantError(`await caches.default.match("http://x/")`, "Error: No Cache was configured")
}
