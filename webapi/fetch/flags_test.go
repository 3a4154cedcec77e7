package fetch_test

import (
	"testing"

	"workerd.local/internal/compat"
	"workerd.local/internal/jstest"
)

// TestWhatFlagsChange runs each source with the newest date and its flags.
func TestWhatFlagsChange(t *testing.T) {
	const bytes = `const b = (s) => new TextEncoder().encode(s); const text = (v) => new Response(v).text();`
	const form = `const f = new FormData(); f.append('a', new File(['x'], 'n')); const g = await new Response(f).formData();`
	for _, c := range []struct {
		flags        []string
		source, want string
	}{
		{nil, bytes + `return text((async function* () { yield b('a'); yield b('b') })())`, "ab"},
		{nil, bytes + `return text([b('a'), b('b')])`, "ab"},
		{nil, bytes + `return text({ *[Symbol.iterator]() { yield b('x') } })`, "x"},
		{nil, bytes + `return text({ *[Symbol.iterator]() { yield b('x') }, toString() { return 'own' } })`, "own"},
		{nil, bytes + `return text({ *[Symbol.iterator]() { yield b('x') }, [Symbol.toPrimitive]() { return 'own' } })`, "own"},
		{nil, bytes + `return text({ async *[Symbol.asyncIterator]() { yield b('x') }, toString() { return 'own' } })`, "x"},
		{nil, bytes + `return text(new String('boxed'))`, "boxed"},
		{[]string{"no_fetch_iterable_type_support"}, bytes + `return text([1, 2])`, "1,2"},
		{nil, form + `return g.get('a') instanceof File`, "true"},
		{[]string{"formdata_parser_converts_files_to_strings"}, form + `return g.get('a')`, "x"},
		{nil, `try { new Request('') } catch (e) { return String(e) }`, "TypeError: Invalid URL: "},
		{[]string{"fetch_legacy_url"}, `return new Request('').url`, ""},
		{nil, `return (await new Response('x', { headers: { 'content-type': 'text/plain, text/html;a="b"' } }).blob()).type`, "text/html;a=b"},
		{[]string{"blob_legacy_mime_type"}, `return (await new Response('x', { headers: { 'content-type': 'text/plain, text/html' } }).blob()).type`, "text/plain, text/html"},
		{nil, `try { new Request('http://x', { cf: { cacheControl: 'a', cacheTtl: 1 } }) } catch (e) { return [e.name, e.message.includes('mutually exclusive')] }`, `["TypeError",true]`},
		{nil, `try { new Request('http://x', { cache: 'no-store', cf: { cacheControl: 'a' } }) } catch (e) { return [e.name, e.message.includes('cannot be used together')] }`, `["TypeError",true]`},
		{nil, `return new Request('http://x', { cf: { cacheControl: 'a', cacheTtl: undefined } }).cf.cacheControl`, "a"},
		{nil, `return [new Request('http://x', { cache: 'no-store' }).cache, new Request('http://x', { cache: 'no-cache' }).cache, new Request('http://x').cache === undefined]`, `["no-store","no-cache",true]`},
		{nil, `try { new Request('http://x', { cache: 'reload' }) } catch (e) { return String(e) }`, "TypeError: Unsupported cache mode: reload"},
		{nil, `try { new Request('http://x', { cache: 'NO-STORE' }) } catch (e) { return String(e) }`, "TypeError: Unsupported cache mode: NO-STORE"},
		{[]string{"cache_no_cache_disabled"}, `try { new Request('http://x', { cache: 'no-cache' }) } catch (e) { return [String(e), new Request('http://x', { cache: 'no-store' }).cache] }`, `["TypeError: Unsupported cache mode: no-cache","no-store"]`},
		{[]string{"cache_option_disabled"}, `try { new Request('http://x', { cache: 'no-store' }) } catch (e) { return [String(e), 'cache' in Request.prototype] }`, `["Error: The 'cache' field on 'RequestInitializerDict' is not implemented.",false]`},
		{[]string{"cache_reload_enabled"}, `return new Request('http://x', { cache: 'reload' }).cache`, "reload"},
		{nil, `const f = new FormData(); f.set('a', new File(['x'], 'n\\')); try { new Response(f) } catch (e) { return String(e) }`, "TypeError: Name or filename can't end with backslash"},
		{nil, `try { await new Response('a=b', { headers: { 'content-type': 'application/x-www-form-urlencoded; charset=big5' } }).formData() } catch (e) { return e.name }`, "TypeError"},
		{nil, `const f = new FormData(); const i = f.keys(); const was = i.next().done; f.append('k', 'v'); return [was, i.next().value, i.next().done]`, `[true,"k",true]`},
	} {
		flags, errs := compat.Parse(compat.Newest, c.flags, compat.Options{Experimental: true})
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		jstest.NewWith(t, jstest.Options{Modules: modules, Compat: flags}).Want(c.source, c.want)
	}
}
