package fetch_test

import (
	"strings"
	"testing"

	"workerd.local/webapi/fetch"
)

func TestFormData(t *testing.T) {
	const multi = `{headers:{'content-type':'multipart/form-data; boundary=abc'}}`
	part := func(head, body string) string {
		return `new Response('--abc\r\n` + head + `\r\n\r\n` + body + `',` + multi + `).formData().then(f => [...f])`
	}
	const noEnd = `throws TypeError: No subsequent boundary string after multipart message.`
	const badHead = `throws TypeError: No valid Content-Disposition header found in FormData part.`
	cases{
		{`const f=new FormData(); f.append('a')`, `throws TypeError: Failed to execute 'append' on 'FormData': parameter 2 is not of type 'File or Blob or string'.`},
		{`const f=new FormData(); f.set('a')`, `throws TypeError: Failed to execute 'set' on 'FormData': parameter 2 is not of type 'File or Blob or string'.`},
		{`const f=new FormData(); f.append('a',new Blob(['x']),'c'); f.append('b',new Blob(['x'])); const v=f.get('a'); return [v instanceof File, v.name, v.type, v.size, f.get('b').name]`, `[true,"c","",1,"b"]`},
		{`const f=new FormData(); f.append('a',5); f.append('a',{}); return [f.getAll('a'), f.get('b'), f.has('a'), f.has('b')]`, `[["5","[object Object]"],null,true,false]`},
		{`const f=new FormData(); f.append('a','1'); f.append('b','2'); f.append('a','3'); f.set('a','4'); f.delete('b'); f.set('c','5'); return [[...f], f.get('x')]`, `[[["a","4"],["c","5"]],null]`},
		{`const f=new FormData(); const x=new File(['x'],'n'); f.append('a',x); f.append('b',x,'m'); return [f.get('a')===x, f.get('b')===f.get('b'), f.get('b').name]`, `[true,true,"m"]`},
		{`const f=new FormData(); f.append('a','1'); const o=[]; f.forEach((v,k) => o.push(k,v)); return [o,[...f.keys()],[...f.values()],String(f.entries())]`, `[["a","1"],["a"],["1"],"[object FormData Iterator]"]`},
		{`const f=new FormData(); f.append('a"b\r\nc','v\nw'); f.append('f',new File(['xx'],'n"m.txt',{type:'text/plain'})); f.append('g',new File(['xx'],'n')); const r=new Response(f); const b=r.headers.get('content-type').split('boundary=')[1]; return (await r.text()).replaceAll(b,'B')`,
			"--B\r\nContent-Disposition: form-data; name=\"a%22b%0D%0Ac\"\r\n\r\nv\nw\r\n--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"n%22m.txt\"\r\nContent-Type: text/plain\r\n\r\nxx\r\n--B\r\nContent-Disposition: form-data; name=\"g\"; filename=\"n\"\r\nContent-Type: application/octet-stream\r\n\r\nxx\r\n--B--\r\n"},
		{`const f=new FormData(); f.append('a','b\r\n--x'); f.append('é',new File(['xx'],'n é.txt',{type:'text/plain'})); const g=await new Response(f).formData(); const x=g.get('é'); return [g.get('a'),x.name,x.type,await x.text(),x instanceof File]`, `["b\r\n--x","n é.txt","text/plain","xx",true]`},
		{`new Request('http://x',{method:'POST',body:new FormData()}).formData().then(f => [...f])`, `[]`},
		{`new Response('a=b&c=d%20e+f&c',{headers:{'content-type':'application/x-www-form-urlencoded'}}).formData().then(f => [...f])`, `[["a","b"],["c","d e f"],["c",""]]`},
		{`new Response('x').formData()`, `throws TypeError: Unrecognized Content-Type header value. FormData can only parse the following MIME types: multipart/form-data, application/x-www-form-urlencoded`},
		{`new Response('x',{headers:{'content-type':'multipart/form-data'}}).formData()`, `throws TypeError: No boundary string in Content-Type header. The multipart/form-data MIME type requires a boundary parameter, e.g. 'Content-Type: multipart/form-data; boundary="abcd"'. See RFC 7578, section 4.`},
		{`new Response('x',` + multi + `).formData()`, `throws TypeError: No initial boundary string (or you have a truncated message).`},
		{`new Response('',` + multi + `).formData()`, `throws TypeError: No initial boundary string (or you have a truncated message).`},
		{`new Response('--abc--\r\n',` + multi + `).formData().then(f => [...f])`, `[]`},
		{`new Response('pre\r\n--abc\r\nContent-Disposition: form-data; name="a"\r\n\r\nv\r\n--abc--',` + multi + `).formData().then(f => [...f])`, `[["a","v"]]`},
		{`new Response('--abc\nContent-Disposition: form-data; name="a"\n\nv\n--abc--',` + multi + `).formData().then(f => [...f])`, `[["a","v"]]`},
		{part(`Content-Disposition: form-data; name="a"`, `v\r\n--ab`), noEnd},
		{part(`Content-Disposition: form-data; name="a"`, ``), noEnd},
		{`new Response('--abc\r\nContent-Disposition: form-data; name="a"',` + multi + `).formData()`, noEnd},
		{`new Response('--abcX',` + multi + `).formData()`, `throws TypeError: No line break after the boundary string of a FormData part.`},
		{part(`Content-Disposition: form-data`, `v\r\n--abc--`), `throws TypeError: Content-Disposition header in FormData part is missing a name.`},
		{part(`Content-Type: x`, `v\r\n--abc--`), badHead},
		{part(`Content-Disposition: attachment; name="a"`, `v\r\n--abc--`), `throws TypeError: Content-Disposition header for FormData part must have the value "form-data", possibly followed by parameters. Got: "attachment"`},
		{part(`Content-Disposition: form-data; name="a`, `v\r\n--abc--`), `throws TypeError: Invalid Content-Disposition header found in FormData part.`},
		{part(`no colon`, `v\r\n--abc--`), badHead},
	}.run(t, newEnv(t, echo))
}

func TestParseMultipartLimits(t *testing.T) {
	const part = "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\r\n"
	if _, err := fetch.ParseMultipart([]byte(strings.Repeat(part, 10_001)+"--b--"), "b", 0, nil); err == nil || err.Error() != "TypeError: The FormData message has more than 10000 parts." {
		t.Errorf("too many parts: %v", err)
	}
	if f, err := fetch.ParseMultipart([]byte(strings.Repeat(part, 10_000)+"--b--"), "b", 0, nil); err != nil || f.Len() != 10_000 {
		t.Errorf("as many parts as may be: %v", err)
	}
	head := "--b\r\n" + strings.Repeat("X: "+strings.Repeat("y", 1000)+"\r\n", 20)
	if _, err := fetch.ParseMultipart([]byte(head), "b", 0, nil); err == nil || err.Error() != "TypeError: The headers of a FormData part are longer than 16384 bytes." {
		t.Errorf("too many headers: %v", err)
	}
}

// FuzzParseMultipart: no input panics, and what comes out survives a round trip.
func FuzzParseMultipart(f *testing.F) {
	for _, s := range []string{
		"", "--b", "--b--", "--b\r\n", "--b\r\n\r\n\r\n--b--",
		"--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nv\r\n--b--",
		"x\n--b\nContent-Disposition: form-data; name=a; filename=\"q\\\"\"\nContent-Type: t/p\n\nv\n--b \n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		first, err := fetch.ParseMultipart(data, "b", 0, nil)
		if err != nil {
			return
		}
		const boundary = "----round-trip-boundary"
		again, _ := first.Encode(boundary)
		second, err := fetch.ParseMultipart(again, boundary, 0, nil)
		if err != nil || second.Len() != first.Len() {
			t.Fatalf("%q came back as %q: %v", data, again, err)
		}
	})
}
