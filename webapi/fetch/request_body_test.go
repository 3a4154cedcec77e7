package fetch_test

import "testing"

// TestRequestsMadeOfRequests: a Request in the place of the options lends its body, one that is the input gives it away.
func TestRequestsMadeOfRequests(t *testing.T) {
	cases{
		{`const a=new Request('http://x',{method:'POST',body:'abc'}), b=new Request('http://y',a); return [a.bodyUsed, b.method, a.body===b.body, await a.text(), b.bodyUsed]`, `[false,"POST",true,"abc",true]`},
		{`const a=new Request('http://x',{method:'POST',body:'abc'}), b=new Request('http://y',a); return [await b.text(), a.bodyUsed]`, `["abc",true]`},
		{`const a=new Request('http://x',{method:'POST',body:new Blob(['q']).stream()}), b=new Request('http://y',a); return [a.bodyUsed, await b.text()]`, `[false,"q"]`},
		{`const a=new Request('http://x'), b=new Request('http://y',a); return [b.body, b.bodyUsed]`, `[null,false]`},
		{`const a=new Request('http://x',{method:'POST',body:'abc'}), b=new Request(a); return [a.bodyUsed, await b.text()]`, `[true,"abc"]`},
		{`const a=new Request('http://x',{method:'POST',body:'abc'}), b=new Request(a,{body:null}); return [a.bodyUsed, b.body, await a.text()]`, `[false,null,"abc"]`},
		{`const a=new Request('http://x',{method:'POST',body:'abc'}), b=new Request(a,{method:'GET',body:null}); return [b.method, b.body]`, `["GET",null]`},
		{`const a=new Request('http://x',{method:'POST',body:'abc'}); return new Request(a,{method:'GET'})`, `throws TypeError: Request with a GET or HEAD method cannot have a body.`},
		{`const a=new Request('http://x',{method:'POST',body:'abc'}); await a.text(); return new Request(a,{body:null}).body`, `null`},
	}.run(t, newEnv(t, echo))
}
