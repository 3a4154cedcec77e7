package blob_test

import (
	"strings"
	"testing"

	"workerd.local/internal/jstest"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/blob"
	"workerd.local/webapi/encoding"
	"workerd.local/webapi/events"
	"workerd.local/webapi/streams"
)

func newEnv(t *testing.T, l isolate.Limits) *jstest.Env {
	t.Helper()
	return jstest.NewWith(t, jstest.Options{Limits: l, Modules: []bind.Module{events.Module, encoding.Module, streams.Module, blob.Module}})
}

func TestBlob(t *testing.T) {
	const array = `throws TypeError: Failed to construct 'Blob': constructor parameter 1 is not of type 'Array'.`
	e := newEnv(t, isolate.Limits{})
	for _, c := range [][2]string{
		{`new Blob('x')`, array},
		{`new Blob(5)`, array},
		{`new Blob({})`, array},
		{`new Blob(null)`, array},
		{`new Blob(['a'],5)`, `throws TypeError: Failed to construct 'Blob': constructor parameter 2 is not of type 'Options'.`},
		{`new Blob(['a'],{endings:'native'})`, `throws Error: The 'endings' field on 'Options' is not implemented.`},
		{`new Blob([Symbol('x')])`, `throws TypeError: Cannot convert a Symbol value to a string`},
		{`new Blob((function*(){ throw new RangeError('it') })())`, `throws RangeError: it`},
		{`new Blob([{toString(){ throw new RangeError('ts') }}])`, `throws RangeError: ts`},
		{`[new Blob().size, new Blob(undefined).size]`, `[0,0]`},
		{`new Blob(['a',1,new Uint8Array([98]),{}]).text()`, `a1b[object Object]`},
		{`new Blob([new Blob(['a']), new Uint8Array([98]).buffer, new DataView(new ArrayBuffer(1)), new File(['c'],'n')]).size`, `4`},
		{`[new Blob(['a'],{type:'a\u00e9'}).type, new Blob(['a'],{type:'TEXT/Plain; Charset=UTF-8'}).type, new Blob(['a'],{type:5}).type]`, `["","text/plain; charset=utf-8","5"]`},
		{`Promise.all([[1,-2],[-3],[],[5,9],[2,1],[-99,99]].map(a => new Blob(['abcdef']).slice(...a).text()))`, `["bcd","def","abcdef","f","","abcdef"]`},
		{`[new Blob(['abcdef'],{type:'x/y'}).slice(1,2,'A/B').type, new Blob(['abcdef'],{type:'x/y'}).slice(1).type]`, `["a/b",""]`},
		{`const u=new Uint8Array([97]); const b=new Blob([u]); u[0]=98; new Uint8Array(await b.arrayBuffer())[0]=99; return b.text()`, `a`},
		{`const b=new ArrayBuffer(9,{maxByteLength:20}); const late=n => ({toString(){ b.resize(n); return '!' }}); return [(await new Blob([b,late(2)]).bytes()).length, (await new Blob([new Uint8Array(b),late(12)]).bytes()).length]`, `[3,13]`},
		{`new Blob([new Uint8Array([0xff,65])]).text()`, "\ufffdA"},
		{`const b=await new Blob(['ab']).bytes(); return [b instanceof Uint8Array, [...b]]`, `[true,[97,98]]`},
		{`const out=[]; for await (const c of new Blob(['ab']).stream()) out.push(...c); return out`, `[97,98]`},
		{`new File(['a'])`, `throws TypeError: Failed to construct 'File': constructor parameter 2 is not of type 'string'.`},
		{`new File('a','n')`, `throws TypeError: Failed to construct 'File': constructor parameter 1 is not of type 'Array'.`},
		{`const f=new File(['a'],'n',{lastModified:5,type:'A/b'}); return [f.name, f.lastModified, f.type, f.size, f instanceof Blob, String(f), await f.text()]`, `["n",5,"a/b",1,true,"[object File]","a"]`},
		{`new File(['a'],'n',{lastModified:'x'}).lastModified`, `0`},
		{`Math.abs(new File(['a'],'n').lastModified - Date.now()) < 60000`, `true`},
	} {
		src := c[0]
		if !strings.HasPrefix(src, "const ") {
			src = "return " + src
		}
		if want, ok := strings.CutPrefix(c[1], "throws "); ok {
			e.WantError(src, want)
		} else {
			e.Want(src, c[1])
		}
	}
}

func TestBlobLimit(t *testing.T) {
	e := newEnv(t, isolate.Limits{BufferBytes: 1000})
	e.WantError(`return new Blob((function*(){ for (;;) yield 'x'.repeat(100) })())`,
		"RangeError: Blob size 1100 exceeds limit 1000")
}

func TestSliceClamps(t *testing.T) {
	b := blob.New([]byte("abc"), "X/Y")
	if got := string(b.Slice(-1<<62, 1<<62, "").Bytes()); got != "abc" {
		t.Errorf("the widest slice is %q", got)
	}
	if b.Type() != "x/y" || b.Size() != 3 {
		t.Errorf("type %q, size %d", b.Type(), b.Size())
	}
}
