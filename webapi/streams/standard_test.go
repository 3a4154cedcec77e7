package streams_test

import (
	"testing"

	"workerd.local/webapi/streams"
)

// What typescript_implemented_streams changes: each case is otherwise as workerd has it.
func TestStandardStreams(t *testing.T) {
	const readLog = `const log=[]; const spy=(name, o) => new Proxy(o, { get(t,k) { log.push(name+'.'+String(k)); return t[k] } }); `
	cases{
		// Arguments.
		{readLog + `new ReadableStream(spy('u', {}), spy('s', {})); return log`,
			`["s.highWaterMark","s.size","u.autoAllocateChunkSize","u.cancel","u.pull","u.start","u.type"]`},
		{readLog + `const w=new WritableStream(spy('u', {}), spy('s', {})); return log`, `["s.highWaterMark","s.size","u.abort","u.close","u.start","u.type","u.write"]`},
		{readLog + `new TransformStream(spy('u', {}), spy('w', {}), spy('r', {})); return log`,
			`["w.highWaterMark","w.size","r.highWaterMark","r.size","u.cancel","u.flush","u.readableType","u.start","u.transform","u.writableType"]`},
		{readLog + `const to=new WritableStream(); try { await stream().pipeTo(to, spy('o', {})) } catch {} return log`, `["o.preventAbort","o.preventCancel","o.preventClose","o.signal"]`},
		{`new ReadableStream(null)`, `throws TypeError: Failed to construct 'ReadableStream': constructor parameter 1 is not of type 'UnderlyingSource'.`},
		{`new ReadableStream({type:''})`, `throws TypeError: "" is not a valid type of ReadableStream.`},
		{`new ReadableStream({pull:1})`, `throws TypeError: Incorrect type for the 'pull' field on 'UnderlyingSource': the provided value is not of type 'function'.`},
		{`new ReadableStream({},{highWaterMark:-1})`, `throws RangeError: A highWaterMark must be a number that is not negative.`},
		{`new ReadableStream({},{highWaterMark:NaN})`, `throws RangeError: A highWaterMark must be a number that is not negative.`},
		{`new ReadableStream({},{size:1})`, `throws TypeError: Incorrect type for the 'size' field on 'QueuingStrategy': the provided value is not of type 'function'.`},
		{`new ReadableStream({type:'bytes'},{size(){}})`, `throws RangeError: The strategy of a stream of bytes has no size function.`},
		{`new ReadableStream({type:'bytes',autoAllocateChunkSize:-1})`, `throws TypeError: The value is not an integer between 0 and 2^53 - 1.`},
		{`const w=new WritableStream({type:1})`, `throws RangeError: Invalid type is specified: a WritableStream has none.`},
		{`new TransformStream({writableType:1})`, `throws RangeError: A transformer has neither a readableType nor a writableType.`},
		{`const s=stream(1); s.getReader(5)`, `throws TypeError: Failed to execute 'getReader' on 'ReadableStream': parameter 1 is not of type 'ReadableStreamGetReaderOptions'.`},
		{`const s=stream(1); s.getReader({mode:''})`, `throws TypeError: mode must be undefined or 'byob' in call to getReader().`},
		{`const r=new ReadableStream({type:'bytes'}).getReader({mode:'byob'}); return r.read(new Uint8Array(2),{min:3})`, `throws RangeError: The minimum (3) is more than the view has room for (2).`},
		{`new ByteLengthQueuingStrategy({highWaterMark:1}).size()`, `throws TypeError: Cannot read the byteLength of undefined or null.`},
		{`const log=[]; try { stream().pipeThrough({ readable: 1, get writable() { log.push('read') } }) } catch (e) { log.push(e.name) } return log`, `["TypeError"]`},

		// What throws, and where.
		{`new ReadableStream({start(){ throw new RangeError('x') }})`, `throws RangeError: x`},
		{`const w=new WritableStream({start(){ throw new RangeError('x') }})`, `throws RangeError: x`},
		{`new TransformStream({start(){ throw new RangeError('x') }})`, `throws RangeError: x`},
		{`let c; const s=new ReadableStream({start(x){c=x}},{size(){ throw new RangeError('sz') }}); let got; try { c.enqueue(1) } catch (e) { got=e.message } return [got, await settled([s.getReader().closed])]`, `["sz",["RangeError: sz"]]`},
		{`let c; const s=new ReadableStream({start(x){c=x}},{size(){ return -1 }}); let got; try { c.enqueue(1) } catch (e) { got=e.name } return got`, `RangeError`},
		{`const w=new WritableStream({},{size(){ return NaN }}).getWriter(); w.closed.catch(() => {}); return settled([w.write(1)])`, `["RangeError: The size of a chunk must be a finite number that is not negative."]`},
		{`const w=new WritableStream({start(c){ c.error(new RangeError('x')) }}).getWriter(); w.closed.catch(() => {}); await tick(); return settled([w.close()])`, `["TypeError: This WritableStream has failed."]`},
		{`const f=Object.getOwnPropertyDescriptor(ReadableStreamDefaultReader.prototype,'closed').get; return [ReadableStream.prototype.cancel.call({}), f.call({})].map(p => { p.catch(() => {}); return p instanceof Promise })`, `[true,true]`},

		// Numbers, moments, and identities.
		{`let c; const s=new ReadableStream({start(x){c=x}},{highWaterMark:1,size(){ return .25 }}); c.enqueue(1); c.enqueue(2); return c.desiredSize`, `0.5`},
		{`let n=0; new ReadableStream({pull(){ n++ }}); const now=n; await tick(); return [now, n]`, `[0,1]`},
		{`const s=stream(); return s.cancel() === s.cancel()`, `false`},
		{`const w=new WritableStream(); const a=w.abort(1); await a; return w.abort(1) === a`, `false`},
		{`const log=[]; const w=new WritableStream({write(v){ log.push(v) }}).getWriter(); const p=w.write(1); w.releaseLock(); await tick(); return [log, await settled([p])]`, `[[1],["ok"]]`},
		{`let c, inside=false; const log=[]; new ReadableStream({start(x){c=x}}).pipeTo(new WritableStream({write(){ log.push(inside) }})); await tick(); inside=true; c.enqueue(1); inside=false; await tick(); return log`, `[false]`},
		{`const out=[]; let c; const p=new ReadableStream({start(x){c=x}}).pipeTo(new WritableStream({write(v){ out.push(v) }})); await tick(); c.enqueue(1); c.close(); await p; return out`, `[1]`},
		{`let to; const s=new ReadableStream({cancel(){ return tick(5).then(() => { locked=s.locked }) }}); let locked; to=new WritableStream({start(c){ c.error('x') }}); await s.pipeTo(to).catch(() => {}); return [locked, s.locked]`, `[true,false]`},
		{`const p=Object.getPrototypeOf(stream()[Symbol.asyncIterator]()); return [Object.getOwnPropertyNames(p), Object.getPrototypeOf(p) === Object.getPrototypeOf(Object.getPrototypeOf(async function*(){}).prototype)]`, `[["next","return"],true]`},

		// Branches.
		{`let why; const [a,b]=new ReadableStream({cancel(r){ why=r }}).tee(); const p=a.cancel(1); await tick(); const early=why; await b.cancel(2); await p; return [early === undefined, why]`, `[true,[1,2]]`},
		{`let why; const [a,b]=new ReadableStream({type:'bytes',cancel(r){ why=r; throw 'no' }}).tee(); return [await settled([b.cancel(2), a.cancel(1)]), why]`, `[["no","no"],[1,2]]`},
		{`let c; const [a,b]=new ReadableStream({start(x){c=x}}).tee(); const p=a.cancel(); c.close(); await p; return all(b)`, `[]`},
		{`const e=new RangeError('x'); let c; const [a,b]=new ReadableStream({start(x){c=x}}).tee(); c.error(e); return settled([a.getReader().closed, b.getReader().read()])`, `["RangeError: x","RangeError: x"]`},
		{`let n=0; const [a,b]=new ReadableStream({pull(c){ c.enqueue(n++) }},{highWaterMark:0}).tee(); await tick(); return n`, `1`},
	}.runWith(t, streams.Flags{Standard: true})
}
