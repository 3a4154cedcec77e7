package url_test

import (
	"testing"

	"github.com/dop251/goja"

	"workerd.local/internal/jstest"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/webapi/url"
)

func TestURLClass(t *testing.T) {
	e := jstest.New(t, url.Module)
	e.Want(`const u = new URL('../x?a=1#h', 'https://u:p@h.com:8443/b/c'); return [u.href, u.origin, u.protocol, u.username, u.password, u.host, u.hostname, u.port, u.pathname, u.search, u.hash, String(u)]`,
		`["https://u:p@h.com:8443/x?a=1#h","https://h.com:8443","https:","u","p","h.com:8443","h.com","8443","/x","?a=1","#h","https://u:p@h.com:8443/x?a=1#h"]`)
	e.Want(`return JSON.stringify({u: new URL('http://a')})`, `{"u":"http://a/"}`)
	e.Want(`return new URL('http://a', undefined).href`, `http://a/`)
	e.Want(`return [URL.canParse('x'), URL.canParse('x', 'http://a'), URL.parse('x'), URL.parse('x', 'http://a').href]`, `[false,true,null,"http://a/x"]`)
	e.Want(`return new URL('http://a/\ud800').pathname`, `/%EF%BF%BD`)
	e.Want(`const u = new URL('http://a'); u.pathname = 'b c'; u.port = 81; u.hash = 'z'; return u.href`, `http://a:81/b%20c#z`)
	e.Want(`const u = new URL('http://a'); class My extends URL {} const m = new My('http://b');
		return [u instanceof URL, u instanceof My, m instanceof My, m instanceof URL, {} instanceof URL, 1 instanceof URL]`, `[true,false,true,true,false,false]`)
	e.Want(`class My extends URL { twice() { return this.href + this.href } } return new My('http://a').twice()`, `http://a/http://a/`)
	e.Want(`const u = new URL('http://a'); u.extra = 1; return [u.extra, u instanceof URL, Object.prototype.toString.call(u)]`, `[1,true,"[object URL]"]`)
}

func TestURLWrongInput(t *testing.T) {
	e := jstest.New(t, url.Module)
	e.WantError(`new URL('x')`, `TypeError: Invalid URL string.`)
	e.WantError(`new URL('http://a', null)`, `TypeError: Invalid URL string.`)
	e.WantError(`new URL()`, `TypeError: Failed to construct 'URL': constructor parameter 1 is not of type 'USVString'.`)
	e.WantError(`new URL(Symbol())`, `TypeError: Cannot convert a Symbol value to a string`)
	e.WantError(`URL('http://a')`, `TypeError: Failed to construct 'URL': Please use the 'new' operator, this object constructor cannot be called as a function.`)
	e.WantError(`new URL('http://a').href = 'bad'`, `TypeError: Failed to set the 'href' property on 'URL': the provided value is not of type 'valid URL string'.`)
	e.WantError(`URL.canParse()`, `TypeError: Failed to execute 'canParse' on 'URL': parameter 1 is not of type 'USVString'.`)
	e.WantError(`URL.prototype.href`, "TypeError: Illegal invocation: function called with incorrect `this` reference. See https://developers.cloudflare.com/workers/observability/errors/#illegal-invocation-errors for details.")
	e.WantError(`new URL({ toString() { throw new RangeError('mine') } })`, `RangeError: mine`)
}

func TestSearchParamsOfAURL(t *testing.T) {
	e := jstest.New(t, url.Module)
	e.Want(`const u = new URL('http://a?x=1'); const p = u.searchParams; p.append('y', '2 3'); const one = u.href; u.search = '?q'; return [one, p === u.searchParams, p.toString(), p.size]`,
		`["http://a/?x=1&y=2+3",true,"q=",1]`)
	e.Want(`const u = new URL('http://a?x=1'); u.searchParams.delete('x'); return u.href`, `http://a/`)
	e.Want(`const u = new URL('http://a?x=1'); const p = u.searchParams; u.href = 'http://b/?z=1'; return [p.get('z'), p.get('x')]`, `["1",null]`)
}

func TestSearchParamsConstructor(t *testing.T) {
	e := jstest.New(t, url.Module)
	for src, want := range map[string]string{
		`new URLSearchParams()`:                                            ``,
		`new URLSearchParams('?a=1&b')`:                                    `a=1&b=`,
		`new URLSearchParams([['a', 1], new Set(['b', 2])])`:               `a=1&b=2`,
		`new URLSearchParams({ a: 1, b: undefined, [Symbol()]: 1 })`:       `a=1&b=undefined`,
		`new URLSearchParams(new Map([['a', 1]]))`:                         `a=1`,
		`new URLSearchParams(new URLSearchParams('a=1&a=2'))`:              `a=1&a=2`,
		`new URLSearchParams(null)`:                                        `null=`,
		`new URLSearchParams(5)`:                                           `5=`,
		`new URLSearchParams(() => 1)`:                                     ``,
		`new URLSearchParams((function* () { yield ['a', 'b'] })())`:       `a=b`,
		`new URLSearchParams({ '\ud800': 1, '\ud801': 2 })`:                `%EF%BF%BD=2`,
		`new URLSearchParams(new (class extends URLSearchParams {})('a'))`: `a=`,
	} {
		e.Want(`return `+src+`.toString()`, want)
	}
	e.WantError(`new URLSearchParams([['a']])`, `TypeError: Invalid URL search params sequence.`)
	e.WantError(`new URLSearchParams([['a', 'b', 'c']])`, `TypeError: Invalid URL search params sequence.`)
	e.WantError(`new URLSearchParams([1])`, `TypeError: Incorrect type: the provided value is not of type 'Sequence'.`)
	e.WantError(`new URLSearchParams({ a: Symbol() })`, `TypeError: Cannot convert a Symbol value to a string`)
	e.WantError(`new URLSearchParams({ get a() { throw new Error('mine') } })`, `Error: mine`)
	e.WantError(`new URLSearchParams({ [Symbol.iterator]() { throw new Error('mine') } })`, `Error: mine`)
}

func TestSearchParamsMembers(t *testing.T) {
	e := jstest.New(t, url.Module)
	e.Want(`const p = new URLSearchParams('a=1&b=2&a=3'); return [p.get('a'), p.get('z'), p.getAll('a'), p.getAll('z'), p.has('a'), p.has('a', '2'), p.has('a', undefined), p.size]`,
		`["1",null,["1","3"],[],true,false,true,3]`)
	e.Want(`const p = new URLSearchParams('a=1&a=2&b'); p.delete('a', 1); p.set('b', 'x'); p.set('c', 'y'); p.append('a', 'z'); return String(p)`, `a=2&b=x&c=y&a=z`)
	e.Want(`const p = new URLSearchParams('z=1&\uFFFD=2&\u{1F600}=3'); p.sort(); return [...p.values()]`, `["1","3","2"]`)
	e.Want(`const p = new URLSearchParams('a=1&b=2'); const r = []; for (const [k, v] of p) r.push(k + v); p.forEach(function (v, k, o) { r.push(v, k, o === p, this.t) }, { t: 7 }); return [...r, ...p.keys(), ...p.entries()]`,
		`["a1","b2","1","a",true,7,"2","b",true,7,"a","b",["a","1"],["b","2"]]`)
	e.Want(`const p = new URLSearchParams('a=1&b=2&c=3'); const r = []; for (const [k] of p) { r.push(k); p.delete(k) } return r`, `["a","c"]`)
	e.Want(`const p = new URLSearchParams('a'); let n = 0; p.forEach(() => { if (n++ < 3) p.append('x', 'y') }); return n`, `4`)
	e.Want(`return URLSearchParams.prototype[Symbol.iterator] === URLSearchParams.prototype.entries`, `true`)
	e.WantError(`new URLSearchParams().append('a')`, `TypeError: Failed to execute 'append' on 'URLSearchParams': parameter 2 is not of type 'USVString'.`)
	e.WantError(`new URLSearchParams().get()`, `TypeError: Failed to execute 'get' on 'URLSearchParams': parameter 1 is not of type 'USVString'.`)
	e.WantError(`new URLSearchParams().forEach(1)`, `TypeError: Failed to execute 'forEach' on 'URLSearchParams': parameter 1 is not of type 'function'.`)
	e.WantError(`new URLSearchParams('a').forEach(() => { throw new RangeError('mine') })`, `RangeError: mine`)
}

func TestIterator(t *testing.T) {
	e := jstest.New(t, url.Module)
	e.Want(`const it = new URLSearchParams('a').keys(); const p = Object.getPrototypeOf(it);
		return [it[Symbol.iterator]() === it, Object.prototype.toString.call(it), Object.getOwnPropertyNames(p), Object.getPrototypeOf(p) === Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]())), it.next(), it.next(), it.next()]`,
		`[true,"[object URLSearchParams Iterator]",["next"],true,{"value":"a","done":false},{"done":true},{"done":true}]`)
	e.WantError(`new URLSearchParams('a').keys().next.call({})`, "TypeError: Illegal invocation: function called with incorrect `this` reference. See https://developers.cloudflare.com/workers/observability/errors/#illegal-invocation-errors for details.")
}

func BenchmarkNewURLPathname(b *testing.B) {
	e := jstest.New(b, url.Module)
	e.In(func(js *isolate.JS, _ *iocontext.Context) {
		fn, err := js.Runtime().RunString(`(n) => { let x = 0; for (let i = 0; i < n; i++) x += new URL('https://example.com/api/v1/users/42?expand=true&limit=10').pathname.length; return x }`)
		if err != nil {
			b.Error(err)
			return
		}
		b.ReportAllocs()
		b.ResetTimer()
		if _, err := js.Call(fn, goja.Undefined(), js.Runtime().ToValue(b.N)); err != nil {
			b.Error(err)
		}
	})
}

func TestSearchParamsOfSearchParams(t *testing.T) {
	e := jstest.New(t, url.Module)
	e.Want(`const p = new URLSearchParams("a=b&c=d"); return String(new URLSearchParams(p))`, `a=b&c=d`)
	e.Want(`const p = new URLSearchParams("a=b"); p[Symbol.iterator] = function* () { yield ["y", "z"] }; return String(new URLSearchParams(p))`, `y=z`)
	e.Want(`const p = new URLSearchParams("a=b"); p[Symbol.iterator] = undefined; p.y = "z"; return String(new URLSearchParams(p))`, `y=z`)
}
