package fetch_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/internal/jstest"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/blob"
	"workerd.local/webapi/encoding"
	"workerd.local/webapi/events"
	"workerd.local/webapi/fetch"
	"workerd.local/webapi/streams"
	"workerd.local/webapi/url"
)

var modules = []bind.Module{events.Module, url.Module, encoding.Module, streams.Module, blob.Module, fetch.Module}

// service is an event.Service made of a function.
type service func(ctx context.Context, req *event.Request) (*event.Response, error)

func (s service) Fetch(ctx context.Context, req *event.Request) (*event.Response, error) {
	return s(ctx, req)
}

func (s service) Deliver(context.Context, event.Event) (event.Outcome, error) {
	return event.Outcome{}, event.ErrUnsupported
}

// echo answers with what it was sent, as JSON.
var echo = service(func(_ context.Context, req *event.Request) (*event.Response, error) {
	data, err := io.ReadAll(req.Body.Reader())
	if err != nil {
		return nil, err
	}
	var headers [][2]string
	for k, v := range req.Header {
		headers = append(headers, [2]string{strings.ToLower(k), strings.Join(v, ", ")})
	}
	slices.SortFunc(headers, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	out, err := json.Marshal(map[string]any{"m": req.Method, "u": req.URL, "h": headers, "b": string(data), "n": req.Body.Size(), "cf": string(req.CF), "r": req.Redirect})
	if err != nil {
		return nil, err
	}
	return &event.Response{Status: 200, Header: http.Header{"Content-Type": {"application/json"}, "Set-Cookie": {"a=1", "b=2"}},
		Body: event.StreamBody(io.NopCloser(strings.NewReader(string(out))), int64(len(out)))}, nil
})

func newEnv(t testing.TB, svc event.Service) *jstest.Env {
	return newEnvWith(t, svc, isolate.Limits{})
}

func newEnvWith(t testing.TB, svc event.Service, l isolate.Limits) *jstest.Env {
	t.Helper()
	e := jstest.NewWith(t, jstest.Options{Modules: modules, Limits: l})
	e.In(func(js *isolate.JS, c *iocontext.Context) { fetch.SetOutbound(js, svc) })
	return e
}

// cases are expressions, each with what it gives or "throws Name: message".
type cases [][2]string

// statement tells a case that is more than an expression.
var statement = regexp.MustCompile(`^(const|let|class|try|for|await) `)

func (cs cases) run(t *testing.T, e *jstest.Env) {
	t.Helper()
	for _, c := range cs {
		src := c[0]
		if !statement.MatchString(src) {
			src = "return " + src
		}
		if want, ok := strings.CutPrefix(c[1], "throws "); ok {
			e.WantError(src, want)
		} else {
			e.Want(src, c[1])
		}
	}
}

func TestHeaders(t *testing.T) {
	cases{
		{`new Headers({'a b':'c'})`, `throws TypeError: Invalid header name.`},
		{`new Headers({'':'c'})`, `throws TypeError: Invalid header name.`},
		{`new Headers({'a':'c\nd'})`, `throws TypeError: Invalid header value.`},
		{`new Headers({'a':'c\0d'})`, `throws TypeError: Invalid header value.`},
		{`new Headers([['a']])`, `throws TypeError: To initialize a Headers object from a sequence, each inner sequence must have exactly two elements.`},
		{`new Headers([['a','b','c']])`, `throws TypeError: To initialize a Headers object from a sequence, each inner sequence must have exactly two elements.`},
		{`new Headers('x')`, `throws TypeError: Failed to construct 'Headers': constructor parameter 1 is not of type 'Headers or Sequence or object'.`},
		{`new Headers(null)`, `throws TypeError: Failed to construct 'Headers': constructor parameter 1 is not of type 'Headers or Sequence or object'.`},
		{`new Headers().append('a')`, `throws TypeError: Failed to execute 'append' on 'Headers': parameter 2 is not of type 'string'.`},
		{`new Headers().get('a b')`, `throws TypeError: Invalid header name.`},
		{`new Headers().getAll('b')`, `throws TypeError: getAll() can only be used with the header name "Set-Cookie".`},
		{`new Headers([[Symbol('x'),'a']])`, `throws TypeError: Cannot convert a Symbol value to a string`},
		{`new Headers({get a() { throw new RangeError('g') }})`, `throws RangeError: g`},
		{`new Headers((function*(){ throw new RangeError('it') })())`, `throws RangeError: it`},
		{`Headers.prototype.get.call({}, 'a')`, "throws TypeError: Illegal invocation: function called with incorrect `this` reference. See https://developers.cloudflare.com/workers/observability/errors/#illegal-invocation-errors for details."},
		{`const h=new Headers({b:'1',A:'2'}); h.append('set-cookie','x=1'); h.append('Set-Cookie','y=2'); h.append('b',' 3 '); return [[...h], h.get('set-cookie'), h.getSetCookie(), h.getAll('set-cookie')]`,
			`[[["a","2"],["b","1, 3"],["set-cookie","x=1"],["set-cookie","y=2"]],"x=1, y=2",["x=1","y=2"],["x=1","y=2"]]`},
		{`const h=new Headers({b:'1'}); const it=h.entries(); h.set('a','0'); return [...it]`, `[["b","1"]]`},
		{`new Headers([['a','b']].values()).get('a')`, `b`},
		{`new Headers(new Map([['a','b']])).get('A')`, `b`},
		{`new Headers(new Headers([['a','1'],['a','2']])).get('a')`, `1, 2`},
		{`new Headers({a:'x\u00e9y\u4f60'}).get('a')`, `xéy你`},
		{`const h=new Headers(); h.set('a','1'); h.delete('A'); return [h.has('a'), h.get('a')]`, `[false,null]`},
		{`let o=[]; new Headers({b:1,a:2}).forEach(function(v,k,h){o.push(v,k,this.x===5)},{x:5}); return o`, `["2","a",true,"1","b",true]`},
		{`const h=new Headers({b:1,a:2}); return [[...h.keys()],[...h.values()],String(h.entries()),h[Symbol.iterator]===h.entries]`, `[["a","b"],["2","1"],"[object Headers Iterator]",true]`},
		{`const log=[]; const t={b:'1',a:'2'}; new Headers(new Proxy(t, { get(t,k) { log.push(String(k)); return t[k] }, ownKeys(t) { log.push('keys'); return Reflect.ownKeys(t) },
			getOwnPropertyDescriptor(t,k) { log.push('has '+k); return Reflect.getOwnPropertyDescriptor(t,k) } })); return log`, `["Symbol(Symbol.iterator)","keys","has b","b","has a","a"]`},
		{`const h=new Headers({a:'b'}); h[Symbol.iterator]=function*() { yield ['c','d'] }; return [...new Headers(h).keys()]`, `["c"]`},
		{`new Headers({get [Symbol.iterator]() { throw new RangeError('si') }})`, `throws RangeError: si`},
		{`class H extends Headers { #x=1; x() { return this.#x + this.get('a') } }; return new H({a:'b'}).x()`, `1b`},
	}.run(t, newEnv(t, echo))
}

func TestRequest(t *testing.T) {
	const bodyless = `throws TypeError: Request with a GET or HEAD method cannot have a body.`
	const redirect = `throws TypeError: Invalid redirect value, must be one of "follow" or "manual" ("error" won't be implemented since it does not make sense at the edge; use "manual" and check the response status code).`
	cases{
		{`new Request()`, `throws TypeError: Failed to construct 'Request': constructor parameter 1 is not of type 'Request or string'.`},
		{`new Request('')`, `throws TypeError: Invalid URL: `},
		{`new Request('/foo')`, `throws TypeError: Invalid URL: /foo`},
		{`new Request('http://x',5)`, `throws TypeError: Failed to construct 'Request': constructor parameter 2 is not of type 'RequestInitializerDict or Request'.`},
		{`new Request('http://x.com', {method:'GET', body:'x'})`, bodyless},
		{`new Request('http://x.com', {method:'head', body:'x'})`, bodyless},
		{`const r=new Request('http://x',{method:'POST',body:'a'}); return new Request(r,{method:'GET'})`, bodyless},
		{`new Request('http://x.com', {method:'b ad'})`, `throws TypeError: Invalid HTTP method string: b ad`},
		{`new Request('http://x.com', {method:'CONNECT'})`, `throws TypeError: Invalid HTTP method string: CONNECT`},
		{`new Request('http://x.com', {method:null})`, `throws TypeError: Invalid HTTP method string: null`},
		{`new Request('http://x.com', {method:'patch'}).method`, `PATCH`},
		{`new Request('http://x.com', {redirect:'error'})`, redirect},
		{`new Request('http://x.com', {redirect:null})`, redirect},
		{`new Request('http://x.com', {cache:'no-store'}).cache`, `no-store`},
		{`new Request('http://x.com', {cache:'reload'})`, `throws TypeError: Unsupported cache mode: reload`},
		{`new Request('http://x.com', {signal:5})`, `throws TypeError: Incorrect type for the 'signal' field on 'RequestInitializerDict': the provided value is not of type 'AbortSignal'.`},
		{`new Request('http://x.com', {headers:5})`, `throws TypeError: Incorrect type for the 'headers' field on 'RequestInitializerDict': the provided value is not of type 'Headers or Sequence or object'.`},
		{`new Request('http://x.com', {cf:5})`, `throws TypeError: Incorrect type for the 'cf' field on 'RequestInitializerDict': the provided value is not of type 'Object'.`},
		{`new Request('http://x.com', {integrity:'abc'})`, `throws TypeError: Subrequest integrity checking is not implemented. The integrity option must be either undefined or an empty string.`},
		{`const r=new Request('http://x.com/a#b'); return [r.url, r.method, r.redirect, r.cf===undefined, r.cache===undefined, r.integrity, r.keepalive, r.body, r.bodyUsed, r.fetcher, r.signal.aborted, r.signal===r.signal]`,
			`["http://x.com/a#b","GET","follow",true,true,"",false,null,false,null,false,true]`},
		{`new Request(new URL('http://x.com/é')).url`, `http://x.com/%C3%A9`},
		{`new Request({toString(){return 'http://q/'}}).url`, `http://q/`},
		{`new Request({toString(){throw new RangeError('ts')}})`, `throws RangeError: ts`},
		{`const r=new Request('http://x',{method:'POST',body:'a',headers:{x:'y'}}); const q=new Request(r); return [r.bodyUsed, q.bodyUsed, q.headers.get('x'), await q.text()]`, `[true,false,"y","a"]`},
		{`const r=new Request('http://x',{method:'POST',body:'a',headers:{x:'y'}}); return [...new Request(r,{headers:{z:'1'}}).headers]`, `[["z","1"]]`},
		{`const r=new Request('http://x',{method:'POST',body:'a'}); const q=new Request('http://y',r); return [q.url,q.method,await q.text(),r.bodyUsed]`, `["http://y/","POST","a",true]`},
		{`const r=new Request('http://x',{method:'POST',body:'a'}); await r.text(); return new Request(r)`, `throws TypeError: Cannot reconstruct a Request with a used body.`},
		{`const r=new Request('http://x',{method:'POST',body:'a'}); r.body.getReader(); return new Request(r)`, `throws TypeError: The ReadableStream has been locked to a reader.`},
		{`const r=new Request('http://x',{method:'POST',body:new ReadableStream()}); return [new Request(r).body===r.body, r.bodyUsed, r.body.locked]`, `[false,true,true]`},
		{`const r=new Request('http://x',{method:'POST',body:new ReadableStream({start(c){c.enqueue(new Uint8Array([65]));c.close()}})}); return new Request(r).text()`, `A`},
		{`const r=new Request('http://x',{method:'POST',body:'abc'}); const q=r.clone(); return [await q.text(), r.bodyUsed, await r.text()]`, `["abc",false,"abc"]`},
		{`const r=new Request('http://x',{signal:AbortSignal.abort()}); return [r.signal.aborted, r.clone().signal.aborted]`, `[true,true]`},
		{`new Request('http://x', {cf:{a:1}}).cf`, `{"a":1}`},
		{`Object.prototype.toString.call(new Request('http://x'))`, `[object Request]`},
	}.run(t, newEnv(t, echo))
}

func TestResponse(t *testing.T) {
	const status = `throws RangeError: Responses may only be constructed with status codes in the range 200 to 599, inclusive.`
	const null = `throws TypeError: Response with null body status (101, 204, 205, or 304) cannot have a body.`
	const used = `throws TypeError: Body has already been used. It can only be used once. Use tee() first if you need to read it twice.`
	cases{
		{`new Response('x',{status:99})`, status},
		{`new Response('x',{status:600})`, status},
		{`new Response(null,{status:101})`, status},
		{`new Response('x',{status:NaN})`, status},
		{`new Response('x',{status:'abc'})`, status},
		{`new Response('x',{status:'201'}).status`, `201`},
		{`new Response('x',{status:200.7}).status`, `200`},
		{`new Response('x',{status:204})`, null},
		{`Response.json({a:1},{status:204})`, null},
		{`const r=new Response('',{status:204}); return [r.body, r.status]`, `[null,204]`},
		{`new Response('x',{statusText:'a\nb'})`, `throws TypeError: Invalid statusText`},
		{`new Response('x',5)`, `throws TypeError: Failed to construct 'Response': constructor parameter 2 is not of type 'InitializerDict or Response'.`},
		{`new Response('x',{encodeBody:'foo'})`, `throws TypeError: encodeBody: unexpected value: foo`},
		{`new Response('x',{get status() { throw new EvalError('st') }})`, `throws EvalError: st`},
		{`new Response(Symbol('x'))`, `throws TypeError: Cannot convert a Symbol value to a string`},
		{`const r=new Response('x'); return [[...r.headers], r.status, r.statusText, r.ok, r.url, r.redirected, r.type, r.cf===undefined, r.webSocket, r.bodyUsed, r.headers===r.headers]`,
			`[[["content-type","text/plain;charset=UTF-8"]],200,"",true,"",false,"default",true,null,false,true]`},
		{`[...new Response(new URLSearchParams('a=b')).headers]`, `[["content-type","application/x-www-form-urlencoded;charset=UTF-8"]]`},
		{`[...new Response(new Blob(['x'],{type:'Text/Foo'})).headers]`, `[["content-type","text/foo"]]`},
		{`[...new Response(new Blob(['x'])).headers, ...new Response(new Uint8Array(4)).headers]`, `[]`},
		{`[...Response.json({a:1}).headers]`, `[["content-type","application/json"]]`},
		{`Response.json({a:1},{headers:{'content-type':'x/y'}}).headers.get('content-type')`, `x/y`},
		{`Response.json()`, `throws TypeError: Failed to execute 'json' on 'Response': parameter 1 is not of type 'Value'.`},
		{`Response.json(undefined).text()`, `undefined`},
		{`Response.json({a:[1,'é']}).text()`, `{"a":[1,"é"]}`},
		{`Response.redirect('/foo')`, `throws TypeError: Unable to parse URL: /foo`},
		{`Response.redirect('http://x.com', 200)`, `throws RangeError: 200 is not a redirect status code. It must be one of: 301, 302, 303, 307, or 308.`},
		{`const r=Response.redirect('http://x.com/a b'); return [r.status,[...r.headers], r.body]`, `[302,[["location","http://x.com/a%20b"]],null]`},
		{`const r=Response.error(); return [r.status,r.type,r.body,r.statusText,[...r.headers]]`, `[0,"error",null,"",[]]`},
		{`const r=new Response('x'); await r.text(); return r.text()`, used},
		{`const r=new Response('x'); await r.text(); return r.clone()`, used},
		{`const r=new Response('x'); r.body.getReader(); return r.clone()`, `throws TypeError: This ReadableStream is currently locked to a reader,`},
		{`const r=new Response('x'); await r.text(); return new Response(r.body)`, `throws TypeError: This ReadableStream is disturbed (has already been read from), and cannot be used as a body.`},
		{`const r=new Response('x'); r.body.getReader(); return r.text()`, `throws TypeError: This ReadableStream is currently locked to a reader.`},
		{`const r=new Response('x'); r.body.getReader(); return new Response(r.body)`, `throws TypeError: This ReadableStream is locked to a reader, and cannot be used as a body.`},
		{`const r=new Response('x'); await r.text(); return [r.bodyUsed, r.body.locked]`, `[true,true]`},
		{`new Response('').json()`, `throws SyntaxError: Unexpected end of JSON input`},
		{`new Response('[1,{"a":"b"}]').json()`, `[1,{"a":"b"}]`},
		{`new Response('\ufeff{"a":1}').json()`, `{"a":1}`},
		{`const r=[null,undefined,''].map(x => new Response(x).body === null); return r`, `[true,true,false]`},
		{`const r=new Response(null); return [await r.text(), r.bodyUsed, await r.text()]`, `["",false,""]`},
		{`new Response({a:1}).text()`, `[object Object]`},
		{`new Response('\ufeffabc').text()`, `abc`},
		{`new Response(new Uint8Array([0xff,0x41,0xe2,0x82])).text()`, "\ufffdA\ufffd"},
		{`const b=new Uint8Array([104,105]); const r=new Response(b); b[0]=0; return r.text()`, `hi`},
		{`new Response(new DataView(new Uint8Array([104,105,106]).buffer,1)).text()`, `ij`},
		{`const r=new Response('abc'); return [...await r.bytes()]`, `[97,98,99]`},
		{`const a=await new Response('abc').arrayBuffer(); return [a.byteLength, a instanceof ArrayBuffer]`, `[3,true]`},
		{`const b=await new Response('x').blob(); return [b.type,b.size,await b.text()]`, `["text/plain;charset=utf-8",1,"x"]`},
		{`new Response(new ReadableStream({start(c){c.enqueue('str');c.close()}})).text()`, `throws TypeError: This ReadableStream did not return bytes.`},
		{`new Response(new ReadableStream({start(c){c.enqueue(5);c.close()}})).text()`, `throws TypeError: This ReadableStream did not return bytes.`},
		{`new Response(new ReadableStream({start(c){c.enqueue(new Uint8Array([104,105]).buffer);c.close()}})).text()`, `hi`},
		{`new Response(new ReadableStream({start(c){c.error(new RangeError('boo'))}})).text()`, `throws RangeError: boo`},
		{`const e=new RangeError('boo'); try { await new Response(new ReadableStream({start(c){c.error(e)}})).text() } catch (x) { return x===e }`, `true`},
		{`const a=new Response('abc',{status:201,headers:{x:'y'}}); const b=a.clone(); b.headers.set('x','z'); return [await a.text(), await b.text(), a.headers.get('x'), b.status]`, `["abc","abc","y",201]`},
		{`const out=[]; for (const v of [new Uint8Array([7,8]).buffer, new DataView(new Uint8Array([7,8]).buffer,1), new Uint16Array([7,8])]) {
			const a=new Response(new ReadableStream({start(c){c.enqueue(v);c.close()}})), b=a.clone();
			const x=(await a.body.getReader().read()).value, y=(await b.body.getReader().read()).value;
			out.push(x===v, y!==v, y.constructor===v.constructor, y.byteOffset===v.byteOffset, y.byteLength===v.byteLength);
		} return String(out)`, `true,true,true,true,true,true,true,true,true,true,true,true,true,true,true`},
		{`new Response('', new Response('',{status:201,headers:{a:'b'}})).headers.get('a')`, `b`},
		{`new Response('', {headers:[['set-cookie','a'],['set-cookie','b']]}).headers.getSetCookie()`, `["a","b"]`},
		{`class R extends Response { constructor(b) { super(b); this.x = 1 } }; const r=new R('q'); return [r.x, r instanceof Response, await r.text()]`, `[1,true,"q"]`},
	}.run(t, newEnv(t, echo))
}

func TestFetch(t *testing.T) {
	cases{
		{`fetch()`, `throws TypeError: Failed to execute 'fetch' on 'ServiceWorkerGlobalScope': parameter 1 is not of type 'Request or string'.`},
		{`fetch('/foo')`, `throws TypeError: Invalid URL: /foo`},
		{`fetch('foo://x')`, `throws TypeError: Fetch API cannot load: foo://x`},
		{`fetch('http://x',{signal:AbortSignal.abort()})`, `throws AbortError: The operation was aborted`},
		{`fetch('http://x',{signal:AbortSignal.abort(new Error('why'))})`, `throws Error: why`},
		{`(await fetch('http://u:p@x.com/a?b#c')).json()`, `{"b":"","cf":"","h":null,"m":"GET","n":0,"r":"manual","u":"http://x.com/a?b"}`},
		{`(await fetch('http://x.com/a',{cache:'no-store'})).json()`, `{"b":"","cf":"{\"cacheTtl\":-1,\"cacheLevel\":\"bypass\",\"cacheControl\":\"no-store\"}","h":[["cache-control","no-cache"],["pragma","no-cache"]],"m":"GET","n":0,"r":"manual","u":"http://x.com/a"}`},
		{`(await fetch('http://x.com/a',{cache:'no-cache',headers:{pragma:'p'},cf:{b:1}})).json()`, `{"b":"","cf":"{\"b\":1,\"cacheForceRevalidate\":true,\"cacheControl\":\"no-cache\"}","h":[["cache-control","no-cache"],["pragma","p"]],"m":"GET","n":0,"r":"manual","u":"http://x.com/a"}`},
		{`(await fetch('http://x.com/a',{cf:{cacheTtl:5}})).json().then((v) => v.cf)`, `{"cacheTtl":5,"cacheControl":"max-age=5"}`},
		{`(await fetch('http://x.com/a',{cf:{cacheTtl:-1}})).json().then((v) => v.cf)`, `{"cacheTtl":-1,"cacheControl":"no-store"}`},
		{`(await fetch('http://x.com/a',{cf:{cacheTtl:'x'}})).json().then((v) => v.cf)`, `{"cacheTtl":"x"}`},
		{`(await fetch('http://x.com/a',{cache:'no-store',cf:{cacheTtl:-1}})).json().then((v) => v.cf)`, `{"cacheTtl":-1,"cacheLevel":"bypass","cacheControl":"no-store"}`},
		{`fetch('http://x.com/a',{cache:'no-store',cf:{cacheTtl:300}})`, `throws TypeError: CacheTtl: 300, is not compatible with cache: no-store header.`},
		{`(await fetch('http://x.com/a',{method:'POST',body:'x',cf:{a:1}})).json()`, `{"b":"x","cf":"{\"a\":1}","h":[["content-length","1"],["content-type","text/plain;charset=UTF-8"]],"m":"POST","n":1,"r":"manual","u":"http://x.com/a"}`},
		{`(await fetch(new Request('http://x.com/a',{method:'PUT',body:new ReadableStream({start(c){c.enqueue(new Uint8Array([65]));c.close()}})}))).json()`, `{"b":"A","cf":"","h":[["transfer-encoding","chunked"]],"m":"PUT","n":-1,"r":"manual","u":"http://x.com/a"}`},
		{`const r=await fetch('http://x'); return [r.url, r.status, r.statusText, r.ok, r.redirected, r.type, r.headers.getSetCookie()]`, `["http://x/",200,"OK",true,false,"default",["a=1","b=2"]]`},
		{`const r=await fetch('http://x'); r.headers.set('a','b')`, `throws TypeError: Can't modify immutable headers.`},
		{`const r=await fetch('http://x'); return new Response(r.body, r).headers.get('content-type')`, `application/json`},
		{`const r=await fetch('http://x'); const q=new Response(r.body, r); q.headers.set('a','b'); return (await q.json()).u`, `http://x/`},
		{`const r=await fetch('http://x'); const [a,b]=r.body.tee(); return (await new Response(a).text()) === (await new Response(b).text())`, `true`},
		{`const r=await fetch('http://x'); const q=r.clone(); return (await r.text()) === (await q.text())`, `true`},
		{`const r=await fetch('http://x'); let n=0; for await (const c of r.body) n += c.length; return n > 20`, `true`},
		{`const r=await fetch('data:text/html;base64,aGVsbG8='); return [r.status, await r.text(), [...r.headers]]`, `[200,"hello",[["content-type","text/html"]]]`},
		{`const r=await fetch('data:,a%20b%2'); return [await r.text(), [...r.headers]]`, `["a b%2",[["content-type","text/plain;charset=US-ASCII"]]]`},
		{`fetch('data:foo')`, `throws TypeError: Fetch API cannot load: data:foo`},
	}.run(t, newEnv(t, echo))
}

// An answer without a body has an empty one, where its request and status let it have one.
func TestAnswersWithoutABody(t *testing.T) {
	e := newEnv(t, service(func(_ context.Context, req *event.Request) (*event.Response, error) {
		status, err := strconv.Atoi(strings.TrimPrefix(req.URL, "http://x/"))
		return &event.Response{Status: status, Header: http.Header{}}, err
	}))
	const look = `const r = await fetch('http://x/' + status, { method }); return [r.body?.constructor.name, r.bodyUsed, await r.text(), r.bodyUsed]`
	for _, c := range []struct{ method, status, want string }{
		{"GET", "200", `["ReadableStream",false,"",true]`},
		{"GET", "404", `["ReadableStream",false,"",true]`},
		{"POST", "500", `["ReadableStream",false,"",true]`},
		{"HEAD", "200", `[null,false,"",false]`},
		{"GET", "204", `[null,false,"",false]`},
		{"GET", "304", `[null,false,"",false]`},
	} {
		e.Want(fmt.Sprintf("const method = %q, status = %s; %s", c.method, c.status, look), c.want)
	}
}

func TestFetchNeedsContextAndService(t *testing.T) {
	e := newEnv(t, nil)
	e.WantError(`return fetch('http://x')`, "Error: There is no service that fetch() could send the request to: the worker has no globalOutbound.")
	e.OnLoop(func() {
		err := e.Realm.Run(nil, func(js *isolate.JS) {
			p, err := fetch.Fetch(js, echo, js.Runtime().ToValue("http://x"), goja.Undefined())
			if err != nil {
				t.Error(err)
				return
			}
			js.OnSettled(p.(*goja.Object), func(_ *isolate.JS, _ goja.Value, err error) {
				if err == nil || !strings.Contains(err.Error(), "Disallowed operation called within global scope") {
					t.Errorf("fetch in the global scope: %v", err)
				}
			})
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestFetchFailures(t *testing.T) {
	e := newEnv(t, service(func(_ context.Context, req *event.Request) (*event.Response, error) {
		switch {
		case strings.HasSuffix(req.URL, "/reset"):
			return nil, io.ErrUnexpectedEOF
		case strings.HasSuffix(req.URL, "/secret"):
			return nil, errors.New("the password is 1234")
		}
		// The body breaks off before its length.
		return &event.Response{Status: 200, Body: event.StreamBody(io.NopCloser(strings.NewReader("abc")), 10)}, nil
	}))
	e.WantError(`return fetch('http://x/reset')`, "Error: Network connection lost.")
	e.Want(`try { await fetch('http://x/reset') } catch (err) { return err.retryable }`, "true")
	e.WantError(`return (await fetch('http://x/short')).text()`, "Error: Network connection lost.")
	e.WantError(`const r = (await fetch('http://x/short')).body.getReader(); await r.read(); await r.read()`, "Error: Network connection lost.")
	_, err := e.Eval(`return fetch('http://x/secret')`)
	if err == nil || !strings.HasPrefix(err.Error(), "Error: internal error; reference = ") {
		t.Errorf("an internal error shows as %v", err)
	}
	if !strings.Contains(e.Log.String(), "1234") {
		t.Error("an internal error is not in the log")
	}
}

// blocked is a service whose answer, or whose body, waits for its context.
func blocked(inBody bool, ended chan<- error) service {
	return func(ctx context.Context, req *event.Request) (*event.Response, error) {
		if !inBody {
			<-ctx.Done()
			ended <- context.Cause(ctx)
			return nil, ctx.Err()
		}
		r, w := io.Pipe()
		go func() {
			<-ctx.Done()
			ended <- context.Cause(ctx)
			w.CloseWithError(ctx.Err())
		}()
		return &event.Response{Status: 200, Body: event.StreamBody(r, -1)}, nil
	}
}

func TestSignalEndsExchange(t *testing.T) {
	for _, inBody := range []bool{false, true} {
		ended := make(chan error, 1)
		e := newEnv(t, blocked(inBody, ended))
		src := `const c=new AbortController(); const p=fetch('http://x',{signal:c.signal}); await 0; c.abort(new RangeError('stop')); await p`
		if inBody {
			src = `const c=new AbortController(); const r=await fetch('http://x',{signal:c.signal}); const p=r.text(); c.abort(new RangeError('stop')); await p`
		}
		e.WantError(src, "RangeError: stop")
		if err := <-ended; err == nil || err.Error() != "RangeError: stop" {
			t.Errorf("the service's context ended with %v", err)
		}
	}
}

func TestEndOfContextEndsExchange(t *testing.T) {
	for _, inBody := range []bool{false, true} {
		ended := make(chan error, 1)
		e := newEnv(t, blocked(inBody, ended))
		started := make(chan struct{})
		c := e.Context()
		e.OnLoop(func() {
			c.RunIn(iocontext.Entry{}, func(js *isolate.JS) {
				p, err := fetch.Fetch(js, blocked(inBody, ended), js.Runtime().ToValue("http://x"), goja.Undefined())
				if err != nil {
					t.Error(err)
				}
				if !inBody {
					close(started)
					return
				}
				js.OnSettled(p.(*goja.Object), func(*isolate.JS, goja.Value, error) { close(started) })
			}, nil)
		})
		<-started
		e.OnLoop(c.End)
		if err := <-ended; err == nil {
			t.Error("the service's context did not end")
		}
	}
}

func TestRedirects(t *testing.T) {
	var mu sync.Mutex
	var seen []string
	e := newEnv(t, service(func(_ context.Context, req *event.Request) (*event.Response, error) {
		data, err := io.ReadAll(req.Body.Reader())
		if err != nil {
			return nil, err
		}
		mu.Lock()
		seen = append(seen, fmt.Sprintf("%s %s %s auth=%s", req.Method, req.URL, data, req.Header.Get("Authorization")))
		mu.Unlock()
		resp := &event.Response{Status: 200, Body: event.BytesBody([]byte("done"))}
		_, path, _ := strings.Cut(strings.TrimPrefix(req.URL, "http://"), "/")
		code, to, ok := strings.Cut(path, "-")
		if ok {
			fmt.Sscan(code, &resp.Status)
			resp.Header = http.Header{"Location": {strings.ReplaceAll(to, "_", "/")}}
		}
		return resp, nil
	}))
	for _, c := range []struct{ src, want, seen string }{
		{`const r=await fetch('http://a/302-end'); return [r.url, r.redirected, await r.text()]`, `["http://a/end",true,"done"]`, "GET http://a/302-end  auth=|GET http://a/end  auth="},
		{`const r=await fetch('http://a/302-end',{redirect:'manual'}); return [r.url, r.redirected, r.status, r.headers.get('location')]`, `["http://a/302-end",false,302,"end"]`, "GET http://a/302-end  auth="},
		{`const r=await fetch('http://a/303-end',{method:'POST',body:'x'}); return r.status`, `200`, "POST http://a/303-end x auth=|GET http://a/end  auth="},
		{`const r=await fetch('http://a/307-end',{method:'POST',body:'x'}); return r.status`, `200`, "POST http://a/307-end x auth=|POST http://a/end x auth="},
		{`const r=await fetch('http://a/302-http:__b_',{headers:{authorization:'s'}}); return r.url`, `http://b/`, "GET http://a/302-http:__b_  auth=s|GET http://b/  auth="},
		{`const r=await fetch('http://a/302-end',{headers:{authorization:'s'}}); return r.url`, `http://a/end`, "GET http://a/302-end  auth=s|GET http://a/end  auth=s"},
	} {
		seen = nil
		e.Want(c.src, c.want)
		if got := strings.Join(seen, "|"); got != c.seen {
			t.Errorf("%s\n\tsent %s\n\twant %s", c.src, got, c.seen)
		}
	}
	e.WantError(`return fetch('http://a/302-302-',{redirect:'follow'}).then(() => fetch('http://a/302-http:__['))`, "TypeError: Invalid Location header; unable to follow redirect.")
	e.WantError(`return fetch('http://a/302-ftp:__x')`, "TypeError: Invalid Location header; unable to follow redirect.")
	e.WantError(`return fetch('http://a/307-end',{method:'POST',body:new ReadableStream({start(c){c.close()}})})`, "TypeError: A request with a one-time-use body (it was initialized from a stream, not a buffer) encountered a redirect requiring the body to be retransmitted. To avoid this error in the future, construct this request from a buffer-like body initializer.")
	loop := newEnv(t, service(func(_ context.Context, req *event.Request) (*event.Response, error) {
		return &event.Response{Status: 302, Header: http.Header{"Location": {"http://a/"}}}, nil
	}))
	loop.WantError(`return fetch('http://a/')`, "TypeError: Too many redirects.")
}

func TestLimits(t *testing.T) {
	endless := service(func(context.Context, *event.Request) (*event.Response, error) {
		return &event.Response{Status: 200, Body: event.StreamBody(io.NopCloser(endlessReader{}), -1)}, nil
	})
	e := newEnvWith(t, endless, isolate.Limits{BodyBytes: 1 << 20})
	const want = "RangeError: The body is larger than 1048576 bytes, the most that can be read into memory at once. Read it as a stream instead."
	e.WantError(`return (await fetch('http://x')).text()`, want)
	e.WantError(`return (await fetch('http://x')).formData()`, "TypeError: Unrecognized Content-Type header value. FormData can only parse the following MIME types: multipart/form-data, application/x-www-form-urlencoded")
	e.WantError(`return new Response(new ReadableStream({pull(c){c.enqueue(new Uint8Array(65536))}})).text()`, want)
	e.WantError(`return new Response('x'.repeat(1048577))`, "RangeError: The body is 1048577 bytes, but a body that is held in memory cannot be larger than 1048576 bytes. Use a ReadableStream instead.")
	e.WantError(`const r=(await fetch('http://x')).clone(); return r.text()`, want)
	e.Want(`const r=(await fetch('http://x')).body.getReader(); const x=await r.read(); await r.cancel(); return x.value.length`, "65536")
	e.WantError(`return new Response('['.repeat(20000)).json()`, "RangeError: Maximum call stack size exceeded")
}

type endlessReader struct{}

func (endlessReader) Read(p []byte) (int, error) { return len(p), nil }
