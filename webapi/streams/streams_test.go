package streams_test

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/internal/jstest"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/encoding"
	"workerd.local/webapi/events"
	"workerd.local/webapi/global"
	"workerd.local/webapi/streams"
)

// host is a module with what tests need from Go: host(text...) is a native stream
// with these reads, failing(text, message) one that fails after text, readAll(s)
// reads a stream as a body would.
var host = bind.Module{Name: "host", Globals: []bind.Global{
	bind.Func{Name: "host", Call: func(c *bind.Call) (any, error) {
		ioc, err := c.Context()
		if err != nil {
			return nil, err
		}
		r := &reads{}
		for _, a := range c.Args() {
			r.parts = append(r.parts, a.String())
		}
		return streams.NewHostReadable(c.JS(), ioc, r, -1), nil
	}},
	bind.Func{Name: "failing", Call: func(c *bind.Call) (any, error) {
		ioc, err := c.Context()
		if err != nil {
			return nil, err
		}
		r := &reads{parts: []string{c.Arg(0).String()}, err: exception.RangeErrorf("%s", c.Arg(1))}
		return streams.NewHostReadable(c.JS(), ioc, r, -1), nil
	}},
	bind.Func{Name: "bytesOf", Call: func(c *bind.Call) (any, error) {
		s, err := streams.NewBody(c.JS(), nil, event.BytesBody([]byte(c.Arg(0).String())))
		if err != nil {
			return nil, err
		}
		return s.Object(c.JS()), nil
	}},
	bind.Func{Name: "readAll", Call: func(c *bind.Call) (any, error) {
		s, ok := streams.Of(c.JS(), c.Arg(0))
		if !ok {
			return nil, c.BadArg(1, "ReadableStream")
		}
		p, err := s.ReadAll(c.JS(), 1<<20, func(js *isolate.JS, b []byte) (goja.Value, error) {
			return js.Runtime().ToValue(string(b)), nil
		})
		if err != nil {
			return c.JS().Rejected(err), nil
		}
		return p, nil
	}},
}}

// reads is a reader that gives one part per read.
type reads struct {
	mu     sync.Mutex // guards all
	parts  []string
	err    error
	closed bool
}

func (r *reads) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.closed:
		return 0, errors.New("read after close")
	case len(r.parts) > 0:
		n := copy(p, r.parts[0])
		if r.parts[0] = r.parts[0][n:]; r.parts[0] == "" {
			r.parts = r.parts[1:]
		}
		return n, nil
	case r.err != nil:
		return 0, r.err
	}
	return 0, io.EOF
}

func (r *reads) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	return nil
}

// helpers are put before each case.
const helpers = `
const enc = s => new TextEncoder().encode(s), dec = b => new TextDecoder().decode(b);
const all = async s => { const out = []; for await (const x of s) out.push(typeof x === 'object' ? dec(x) : x); return out };
const stream = (...xs) => new ReadableStream({ start(c) { xs.forEach(x => c.enqueue(x)); c.close() } });
const settled = async ps => (await Promise.allSettled(ps)).map(x => x.status === 'fulfilled' ? 'ok' : String(x.reason));
const tick = async (n = 20) => { while (n--) await 0 };
`

var statement = regexp.MustCompile(`^(const|let|class|try|for|await|new WritableStream\(\)\.) ?`)

type cases [][2]string

func (cs cases) run(t *testing.T) {
	t.Helper()
	cs.runWith(t, streams.Flags{})
}

func (cs cases) runWith(t *testing.T, f streams.Flags) {
	t.Helper()
	e := jstest.New(t, events.Module, encoding.Module, global.Module, streams.Module, host)
	e.OnLoop(func() {
		if err := e.Realm.Run(nil, func(js *isolate.JS) { streams.SetFlags(js, f) }); err != nil {
			t.Error(err)
		}
	})
	for _, c := range cs {
		src := c[0]
		if !statement.MatchString(src) {
			src = "return " + src
		}
		src = helpers + src
		if want, ok := strings.CutPrefix(c[1], "throws "); ok {
			e.WantError(src, want)
		} else {
			e.Want(src, c[1])
		}
	}
}

const (
	locked      = "throws TypeError: This ReadableStream is currently locked to a reader."
	released    = "throws TypeError: This ReadableStream reader has been released."
	writeLocked = "throws TypeError: This WritableStream is currently locked to a writer."
	writeClosed = "throws TypeError: This WritableStream has been closed."
	writeGone   = "throws TypeError: This WritableStream writer has been released."
)

func TestReadableStream(t *testing.T) {
	cases{
		{`new ReadableStream({type:'foo'})`, `throws TypeError: "foo" is not a valid type of ReadableStream.`},
		{`new ReadableStream(5)`, `throws TypeError: Failed to construct 'ReadableStream': constructor parameter 1 is not of type 'UnderlyingSource'.`},
		{`new ReadableStream({pull:5})`, `throws TypeError: Incorrect type for the 'pull' field on 'UnderlyingSource': the provided value is not of type 'function'.`},
		{`new ReadableStream(null).locked`, `false`},
		{`const s=new ReadableStream({start(){throw new EvalError('s')}}); return s.getReader().read()`, `throws EvalError: s`},
		{`new ReadableStream({}, {highWaterMark:-1})`, `throws TypeError: The value cannot be converted because it is negative and this API expects a positive bigint.`},
		{`new ReadableStream({}, {highWaterMark:Infinity})`, `throws TypeError: The value cannot be converted because it is not an integer.`},
		{`new ReadableStream({}, {highWaterMark:2n**70n})`, `throws TypeError: The value cannot be converted because it is either negative and this API expects a positive bigint, or the value would be truncated.`},
		{`let c; new ReadableStream({start(x){c=x}}, {highWaterMark:'2.5'}); return c.desiredSize`, `2`},
		{`new ReadableStream({}, 5)`, `throws TypeError: Failed to construct 'ReadableStream': constructor parameter 2 is not of type 'StreamQueuingStrategy'.`},
		{`new ReadableStream({}, {size:5})`, `throws TypeError: Incorrect type for the 'size' field on 'StreamQueuingStrategy': the provided value is not of type 'function'.`},
		{`new ReadableStream().getReader({mode:'x'})`, `throws TypeError: mode must be undefined or 'byob' in call to getReader().`},
		{`new ReadableStream().getReader({mode:'byob'})`, `throws TypeError: This ReadableStream does not support BYOB reads.`},
		{`const s=new ReadableStream(); s.getReader(); return s.getReader()`, locked},
		{`const s=new ReadableStream(); s.getReader(); return s.cancel()`, locked},
		{`const s=new ReadableStream(); s.getReader(); return s.tee()`, "throws TypeError: This ReadableStream is currently locked to a reader,"},
		{`const s=new ReadableStream(); s.getReader(); return s.values()`, locked},
		{`const s=new ReadableStream(); const r=s.getReader(); r.releaseLock(); return r.read()`, released},
		{`const s=new ReadableStream(); const r=s.getReader(); r.releaseLock(); return r.cancel()`, released},
		{`const s=new ReadableStream(); const r=s.getReader(); r.releaseLock(); return r.closed`, released},
		{`const s=new ReadableStream(); const r=s.getReader(); const p=r.read(); r.releaseLock(); return p`, released},
		{`new ReadableStreamDefaultReader(5)`, `throws TypeError: Failed to construct 'ReadableStreamDefaultReader': constructor parameter 1 is not of type 'ReadableStream'.`},
		{`let c; new ReadableStream({start(x){c=x}}); c.close(); c.close()`, `throws TypeError: This ReadableStream is closed.`},
		{`let c; new ReadableStream({start(x){c=x}}); c.close(); c.enqueue(1)`, `throws TypeError: Unable to enqueue`},
		{`let c; const s=new ReadableStream({start(x){c=x}}, {size(){ throw new EvalError('size') }}); c.enqueue(1); return s.getReader().closed`, `throws EvalError: size`},
		{`let called=0; new ReadableStream({pull(c){c.enqueue(1)}}, {size(){ called++; return 1 }}); return called`, `1`},
		{`let c; const s=new ReadableStream({start(x){c=x}}, {size(){ return -1 }}); c.enqueue(1); return s.getReader().read()`, `throws TypeError: The value cannot be converted because it is negative and this API expects a positive bigint.`},
		{`let c; const s=new ReadableStream({start(x){c=x}}, {async size(){ return 1 }}); c.enqueue(1); return s.getReader().read()`, `throws TypeError: The value cannot be converted because it is not an integer.`},
		{`new ReadableStream().getReader(5)`, `throws TypeError: Failed to execute 'getReader' on 'ReadableStream': parameter 1 is not of type 'GetReaderOptions'.`},
		{`all(stream('a', 1, 'b'))`, `["a",1,"b"]`},
		{`const r=stream('a').getReader(); return [await r.read(), await r.read(), await r.read(), await r.closed === undefined]`, `[{"value":"a","done":false},{"done":true},{"done":true},true]`},
		{`let n=0; const s=new ReadableStream({pull(c){ c.enqueue(n++) }}); await tick(); const first=n; const r=s.getReader(); await r.read(); await tick(); return [first, n]`, `[1,2]`},
		{`let n=0; const s=new ReadableStream({async pull(c){ await 0; if (n==3) c.close(); else c.enqueue(n++) }}, {highWaterMark:0}); await tick(); const first=n; return [first, await all(s)]`, `[0,[0,1,2]]`},
		{`const s=new ReadableStream({pull(){ throw new EvalError('p') }}); return s.getReader().read()`, `throws EvalError: p`},
		{`const s=new ReadableStream({start(c){c.error(new RangeError('boo'))}}); return all(s)`, `throws RangeError: boo`},
		{`const e={}; try { await new ReadableStream({start(c){c.error(e)}}).getReader().read() } catch (x) { return x===e }`, `true`},
		{`let why; const s=new ReadableStream({cancel(w){ why=w; return 5 }}); return [await s.cancel('q') === undefined, why, s.locked]`, `[true,"q",false]`},
		{`const s=new ReadableStream({cancel(w){ throw new EvalError('c') }}); return s.cancel()`, `throws EvalError: c`},
		{`let c; const s=new ReadableStream({start(x){c=x}},{highWaterMark:3}); const a=c.desiredSize; c.enqueue(1); const b=c.desiredSize; c.close(); return [a,b,c.desiredSize]`, `[3,2,2]`},
		{`let c; new ReadableStream({start(x){c=x}}, new ByteLengthQueuingStrategy({highWaterMark:10})); c.enqueue(enc('abc')); return c.desiredSize`, `7`},
		{`[new CountQueuingStrategy({highWaterMark:2}).size('abc'), new ByteLengthQueuingStrategy({highWaterMark:2}).size({byteLength:7})]`, `[1,7]`},
		{`new CountQueuingStrategy({})`, `throws TypeError: Failed to construct 'CountQueuingStrategy': required member highWaterMark is undefined.`},
		{`let c; const s=new ReadableStream({start(x){c=x}}); const r=s.getReader(); const p=[r.read(),r.read()]; c.enqueue('a'); c.close(); return Promise.all(p)`, `[{"value":"a","done":false},{"done":true}]`},
		{`const [a,b]=stream('x','y').tee(); return [await all(a), await all(b)]`, `[["x","y"],["x","y"]]`},
		{`let why; const s=new ReadableStream({cancel(w){why=w}}); const [a,b]=s.tee(); const p=a.cancel(1); await tick(); const early=why; await b.cancel(2); await p; return [early===undefined, why, s.locked]`, `[true,2,true]`},
		{`const [a,b]=new ReadableStream({pull(c){c.enqueue(1)}}).tee(); return [await a.cancel() === undefined, (await b.getReader().read()).value]`, `[true,1]`},
		// What a script has put on Object.prototype is not looked at.
		{`let c, looked=false; const r=new ReadableStream({start(x){c=x}}).getReader(); const p=r.read(); Object.defineProperty(Object.prototype,'then',{configurable:true,get(){ looked=true }}); c.enqueue(1); delete Object.prototype.then; const x=await p; return [looked, x.value, Object.getPrototypeOf(x)===Object.prototype]`, `[false,1,true]`},
		{`const [a,b]=new ReadableStream({start(c){c.error(new EvalError('t'))}}).tee(); return settled([all(a), all(b)])`, `["EvalError: t","EvalError: t"]`},
		{`let why='no'; const s=new ReadableStream({pull(c){c.enqueue(1)},cancel(){why='yes'}}); for await (const x of s) break; return [why, s.locked]`, `["yes",false]`},
		{`let why='no'; const s=new ReadableStream({pull(c){c.enqueue(1)},cancel(){why='yes'}}); for await (const x of s.values({preventCancel:true})) break; return [why, s.locked]`, `["no",false]`},
		{`const it=stream(1,2,3).values(); const p=[it.next(),it.next(),it.return('r'),it.next()]; return (await Promise.all(p)).map(x => [x.value ?? null, x.done])`, `[[1,false],[2,false],["r",true],[null,true]]`},
		{`all(ReadableStream.from(['a','b']))`, `["a","b"]`},
		{`all(ReadableStream.from((async function*(){ yield 1; yield 2 })()))`, `[1,2]`},
		{`all(ReadableStream.from([Promise.resolve(1)]))`, `[1]`},
		{`ReadableStream.from(5)`, `throws TypeError: Failed to execute 'from' on 'ReadableStream': parameter 1 is not of type 'AsyncGenerator'.`},
		{`let ret; const s=ReadableStream.from({[Symbol.iterator](){ return {next(){ return {value:1,done:false} }, return(v){ ret=v; return {} }} }}); await s.getReader().cancel('x'); return ret`, `x`},
		{`class S extends ReadableStream { x = 1 }; const s=new S({start(c){c.close()}}); return [s.x, s instanceof ReadableStream, String(s)]`, `[1,true,"[object ReadableStream]"]`},
		{`new ReadableStreamDefaultController()`, `throws TypeError: Illegal constructor`},
		{`structuredClone(new ReadableStream())`, `throws DataCloneError: ReadableStream can only be serialized for RPC.`},
		{`structuredClone({w:new WritableStream()})`, `throws DataCloneError: WritableStream can only be serialized for RPC.`},
		{`const s=new ReadableStream(); return structuredClone(s,{transfer:[s]})`, `throws TypeError: Object is not transferable`},
	}.run(t)
}

func TestNativeStream(t *testing.T) {
	cases{
		{`all(host('ab','cd'))`, `["ab","cd"]`},
		{`readAll(host('ab','cd'))`, `abcd`},
		{`readAll(bytesOf('abc'))`, `abc`},
		{`const s=host('ab'); await s.getReader().read(); return readAll(s)`, `throws TypeError: Body has already been used. It can only be used once. Use tee() first if you need to read it twice.`},
		{`const r=host('ab').getReader(); r.read(); return r.read()`, `throws TypeError: This ReadableStream only supports a single pending read request at a time.`},
		{`const r=host('ab').getReader(); r.read(); r.releaseLock()`, `throws TypeError: Cannot call releaseLock() on a reader with outstanding read promises.`},
		{`const s=host('ab'); await s.cancel('x'); return all(s)`, `[]`},
		{`const r=host('ab').getReader(); const p=r.read(); await r.cancel(); return (await p).done`, `true`},
		{`all(failing('ab','broken'))`, `throws RangeError: broken`},
		{`readAll(failing('ab','broken'))`, `throws RangeError: broken`},
		{`const [a,b]=host('ab','cd').tee(); return [await readAll(a), await all(b)]`, `["abcd",["ab","cd"]]`},
		{`const [a,b]=failing('ab','broken').tee(); return settled([readAll(a), all(b)])`, `["RangeError: broken","RangeError: broken"]`},
		{`const [a,b]=host('ab','cd').tee(); await a.cancel(); return readAll(b)`, `abcd`},
		{`const r=host('abcde').getReader({mode:'byob'}); const x=await r.read(new Uint8Array(2)), y=await r.read(new Uint8Array(10)), z=await r.read(new Uint8Array(10)); return [dec(x.value), dec(y.value), z.done, z.value.length]`, `["ab","cde",true,0]`},
		{`const r=host('ab','cd','e').getReader({mode:'byob'}); const x=await r.readAtLeast(3,new Uint8Array(4)), y=await r.read(new Uint8Array(9),{min:5}); return [dec(x.value), dec(y.value)]`, `["abcd","e"]`},
		{`const v=new Uint8Array(4); const r=host('ab').getReader({mode:'byob'}); const x=await r.read(v); return [v.length, x.value.buffer.byteLength]`, `[0,4]`},
		{`const r=host('abcd').getReader({mode:'byob'}); const x=await r.read(new Uint16Array(1)); return [x.value.constructor.name, x.value.length]`, `["Uint16Array",1]`},
		{`host('a').getReader({mode:'byob'}).read(5)`, `throws TypeError: Failed to execute 'read' on 'ReadableStreamBYOBReader': parameter 1 is not of type 'ArrayBufferView'.`},
		{`host('a').getReader({mode:'byob'}).read(new Uint8Array())`, `throws TypeError: You must call read() on a "byob" reader with a positive-sized TypedArray object.`},
		{`host('a').getReader({mode:'byob'}).readAtLeast(9, new Uint8Array(2))`, `throws TypeError: Minimum bytes to read (9) exceeds size of buffer (2).`},
		{`host('a').getReader({mode:'byob'}).readAtLeast(0, new Uint8Array(2))`, `throws TypeError: Requested invalid minimum number of bytes to read (0).`},
		{`host('a').getReader({mode:'byob'}).read(new Uint8Array(2), {min:-1})`, `throws TypeError: Minimum bytes to read (18446744073709551615) exceeds size of buffer (2).`},
	}.run(t)
}

func TestByteStream(t *testing.T) {
	cases{
		{`new ReadableStream({type:'bytes'}, {size(){ throw 1 }}).locked`, `false`},
		{`new ReadableStream({type:'bytes', autoAllocateChunkSize:0})`, `throws TypeError: The autoAllocateChunkSize option cannot be zero.`},
		{`let view; new ReadableStream({type:'bytes',pull(c){ view=c.byobRequest.view.length }}).getReader().read(); return view`, `4096`},
		{`let c; const s=new ReadableStream({type:'bytes',start(x){c=x}}); c.enqueue(new Uint8Array(5000)); const r=s.getReader(); return [(await r.read()).value.length, (await r.read()).value.length]`, `[4096,904]`},
		{`new ReadableStream({type:'bytes', autoAllocateChunkSize:2**40})`, `throws RangeError: autoAllocateChunkSize is 1099511627776, but a buffer cannot be larger than 134217728 bytes.`},
		{`let c; new ReadableStream({type:'bytes',start(x){c=x}}); c.enqueue(1)`, `throws TypeError: Failed to execute 'enqueue' on 'ReadableByteStreamController': parameter 1 is not of type 'BufferSource'.`},
		{`let c; new ReadableStream({type:'bytes',start(x){c=x}}); c.enqueue(new Uint8Array())`, `throws TypeError: Cannot enqueue a zero-length ArrayBuffer.`},
		{`let c; new ReadableStream({type:'bytes',start(x){c=x}}); c.close(); c.enqueue(enc('a'))`, `throws TypeError: Unable to enqueue`},
		{`let c; const s=new ReadableStream({type:'bytes',start(x){c=x}}); c.enqueue(enc('ab')); c.enqueue(enc('cd')); c.close(); return all(s)`, `["abcd"]`},
		{`let c; const s=new ReadableStream({type:'bytes',start(x){c=x}}); c.enqueue(enc('abc')); const r=s.getReader({mode:'byob'}); const x=await r.read(new Uint8Array(2)), y=await r.read(new Uint8Array(2)); c.close(); const z=await r.read(new Uint8Array(2)); return [dec(x.value),dec(y.value),z.done,z.value.length]`, `["ab","c",true,0]`},
		{`const s=new ReadableStream({type:'bytes',pull(c){ const q=c.byobRequest; q.view[0]=65; q.respond(1) }}); const r=s.getReader({mode:'byob'}); const x=await r.read(new Uint8Array(3)); return [dec(x.value), x.value.buffer.byteLength]`, `["A",3]`},
		{`let n=0; const s=new ReadableStream({type:'bytes',autoAllocateChunkSize:4,pull(c){ if (n++) return c.close(), c.byobRequest.respond(0); c.byobRequest.view.set(enc('hi')); c.byobRequest.respond(2) }}); return all(s)`, `["hi"]`},
		{`const s=new ReadableStream({type:'bytes',pull(c){ const q=c.byobRequest; q.respond(9) }}); return s.getReader({mode:'byob'}).read(new Uint8Array(3))`, `throws RangeError: Too many bytes [9] in response to a BYOB read request.`},
		{`const s=new ReadableStream({type:'bytes',pull(c){ const q=c.byobRequest; q.respond(1); q.respond(1) }}); const r=s.getReader({mode:'byob'}); await r.read(new Uint8Array(3)); await tick(); return r.closed`, `throws TypeError: This ReadableStreamBYOBRequest has been invalidated.`},
		{`const s=new ReadableStream({type:'bytes',pull(c){ const v=c.byobRequest.view; v[0]=66; c.byobRequest.respondWithNewView(new Uint8Array(v.buffer,v.byteOffset,1)) }}); return dec((await s.getReader({mode:'byob'}).read(new Uint8Array(3))).value)`, `B`},
		{`const s=new ReadableStream({type:'bytes',pull(c){ c.byobRequest.respondWithNewView(new Uint8Array(9)) }}); return s.getReader({mode:'byob'}).read(new Uint8Array(3))`, `throws RangeError: The underlying ArrayBuffer is not the correct length.`},
		{`let c; const s=new ReadableStream({type:'bytes',start(x){c=x}}); const r=s.getReader({mode:'byob'}); const p=r.read(new Uint16Array(2)); c.enqueue(enc('abc')); const x=await p; return [x.value.length, c.desiredSize]`, `[1,-1]`},
		{`let c; const s=new ReadableStream({type:'bytes',start(x){c=x}}); const r=s.getReader({mode:'byob'}); const p=r.read(new Uint8Array(2)); await r.cancel('x'); const x=await p; return [x.done, x.value===undefined]`, `[true,true]`},
		{`let c; const s=new ReadableStream({type:'bytes',start(x){c=x}}); const r=s.getReader(); const p=r.read(); c.error(new EvalError('e')); return p`, `throws EvalError: e`},
		{`let c; const s=new ReadableStream({type:'bytes',start(x){c=x}}); const [a,b]=s.tee(); c.enqueue(enc('ab')); c.close(); const x=(await a.getReader().read()).value, y=(await b.getReader().read()).value; return [dec(x), dec(y), x.buffer===y.buffer]`, `["ab","ab",false]`},
		{`readAll(new ReadableStream({type:'bytes',start(c){ c.enqueue(enc('a')); c.enqueue(enc('b')); c.close() }}))`, `ab`},
	}.run(t)
}

func TestWritableStream(t *testing.T) {
	cases{
		{`new WritableStream({type:'x'}).locked`, `false`},
		{`new WritableStream({write:5})`, `throws TypeError: Incorrect type for the 'write' field on 'UnderlyingSink': the provided value is not of type 'function'.`},
		{`const s=new WritableStream(); s.getWriter(); return s.getWriter()`, writeLocked},
		{`const s=new WritableStream(); s.getWriter(); return s.abort()`, writeLocked},
		{`const s=new WritableStream(); s.getWriter(); return s.close()`, writeLocked},
		{`const w=new WritableStream().getWriter(); w.releaseLock(); return w.write(1)`, writeGone},
		{`const w=new WritableStream().getWriter(); w.releaseLock(); return w.closed`, writeGone},
		{`const w=new WritableStream().getWriter(); w.releaseLock(); return w.desiredSize`, writeGone},
		{`const w=new WritableStream().getWriter(); await w.close(); return w.write(1)`, writeClosed},
		{`const w=new WritableStream().getWriter(); await w.close(); return w.close()`, writeClosed},
		{`const w=new WritableStream().getWriter(); await w.abort(new Error('e')); return w.write(1)`, `throws Error: e`},
		{`const w=new WritableStream({write(){throw new Error('x')}}).getWriter(); return w.write(1)`, `throws Error: x`},
		{`const w=new WritableStream({start(){return Promise.reject(new Error('x'))}}).getWriter(); return w.closed`, `throws Error: x`},
		{`const w=new WritableStream({start(){throw new EvalError('s')}}); return w.getWriter().write(1)`, `throws EvalError: s`},
		{`const w=new WritableStream({write(){ return new Promise(() => {}) }}).getWriter(); w.write(1); const p=w.write(2); w.releaseLock(); return p`, `throws TypeError: This WritableStream writer has been released.`},
		{`const w=new WritableStream({close(){ return new Promise(() => {}) }}).getWriter(); w.close(); return w.close()`, `throws TypeError: Cannot close a writer that is already being closed`},
		{`const w=new WritableStream({abort(){throw new EvalError('a')}}).getWriter(); return settled([w.abort(), w.abort()])`, `["EvalError: a","EvalError: a"]`},
		{`const o=[]; const w=new WritableStream({write(x){o.push(x)},close(){o.push('c')}}).getWriter(); w.write(1); w.write(2); await w.close(); return [o, await w.closed === undefined, w.desiredSize]`, `[[1,2,"c"],true,0]`},
		{`const w=new WritableStream({},{highWaterMark:3}).getWriter(); const a=w.desiredSize; w.write(1); const b=w.desiredSize; const v=new WritableStream({write(){ return tick() }},{highWaterMark:3}).getWriter(); v.write(1); return [a, b, v.desiredSize]`, `[3,3,2]`},
		{`let go; const w=new WritableStream({write(){ return new Promise(r => go=r) }}).getWriter(); w.write(1); let ready=false; await tick(); w.ready.then(() => ready=true); await tick(); const before=ready; go(); await tick(); return [before, ready, w.desiredSize]`, `[false,true,1]`},
		{`let why; const w=new WritableStream({write(){ return new Promise(() => 0) },abort(r){why=r}}).getWriter(); const p=w.write(1); await tick(); w.abort('q'); await tick(); return why===undefined`, `true`},
		{`let why; const w=new WritableStream({abort(r){why=r}}).getWriter(); const c=w.closed; await w.abort('q'); return [why, await settled([c])]`, `["q",["q"]]`},
		{`let sig; const w=new WritableStream({start(c){sig=c.signal}}).getWriter(); await w.abort('q'); return [sig.aborted, sig.reason]`, `[true,"q"]`},
		{`let c; const s=new WritableStream({start(x){c=x}}); c.error(new EvalError('e')); return s.getWriter().ready`, `throws EvalError: e`},
		{`const w=new WritableStream({close(){throw new EvalError('c')}}).getWriter(); return settled([w.close(), w.closed])`, `["EvalError: c","EvalError: c"]`},
		{`const w=new WritableStream({},{size(){throw new EvalError('z')}}).getWriter(); return settled([w.write(1), w.closed])`, `["EvalError: z","EvalError: z"]`},
		{`const w=new WritableStream({abort(){throw new EvalError('a')}}).getWriter(); return w.abort()`, `throws EvalError: a`},
		{`new WritableStreamDefaultWriter(5)`, `throws TypeError: Failed to construct 'WritableStreamDefaultWriter': constructor parameter 1 is not of type 'WritableStream'.`},
	}.run(t)
}

func TestByteTee(t *testing.T) {
	const open = `let c; const s=new ReadableStream({type:'bytes',start(x){c=x}}); const [a,b]=s.tee(); const ra=a.getReader({mode:'byob'}); `
	cases{
		{`const s=new ReadableStream({type:'bytes',start(c){c.enqueue(enc('abc')); c.close()}}); const [a,b]=s.tee(); return [await all(a), await all(b)]`, `[["abc"],["abc"]]`},
		// A chunk goes to both views whole.
		{open + `const rb=b.getReader({mode:'byob'}); const p=[ra.read(new Uint8Array(2)), rb.read(new Uint8Array(3))]; c.enqueue(enc('hello')); const [x,y]=await Promise.all(p); return [dec(x.value), dec(y.value), dec((await ra.read(new Uint8Array(9))).value), dec((await rb.read(new Uint8Array(9))).value)]`, `["he","hel","llo","lo"]`},
		{open + `const rb=b.getReader(); const p=[ra.read(new Uint8Array(9)), rb.read()]; c.enqueue(enc('hello')); c.close(); const [x,y]=await Promise.all(p); return [dec(x.value), dec(y.value), (await rb.read()).done]`, `["hello","hello",true]`},
		// The source fills the view of a branch; the other one gets a copy.
		{open + `const p=[ra.read(new Uint8Array(8)), b.getReader().read()]; const q=c.byobRequest, n=q.view.length; q.view[0]=65; q.respond(1); const [x,y]=await Promise.all(p); return [n, dec(x.value), x.value.buffer.byteLength, dec(y.value), x.value.buffer===y.value.buffer]`, `[8,"A",8,"A",false]`},
		{open + `const rb=b.getReader(); const p=[ra.read(new Uint8Array(8)), rb.read()]; const q=c.byobRequest; q.view[0]=65; await ra.cancel(); q.respond(1); const [x,y]=await Promise.all(p); return [x.done, dec(y.value)]`, `[true,"A"]`},
		{open + `ra.read(new Uint8Array(8)); const q=c.byobRequest; ra.cancel(); q.respond(9)`, `throws RangeError: Too many bytes [9] in response to a BYOB read request.`},
		// What is not enough for one branch may be for the other.
		{open + `const rb=b.getReader({mode:'byob'}); const x=ra.readAtLeast(4,new Uint8Array(8)), y=rb.read(new Uint8Array(8)); c.byobRequest.view.set(enc('ab')); c.byobRequest.respond(2); const early=dec((await y).value), left=c.byobRequest.atLeast; c.byobRequest.view.set(enc('cd')); c.byobRequest.respond(2); return [early, left, dec((await x).value), dec((await rb.read(new Uint8Array(8))).value)]`, `["ab",2,"abcd","cd"]`},
		{open + `const rb=b.getReader(); const p=[ra.read(new Uint8Array(8)), rb.read()]; c.error(new EvalError('e')); return settled(p)`, `["EvalError: e","EvalError: e"]`},
		{`let why='no'; const s=new ReadableStream({type:'bytes',cancel(r){why=r}}); const [a,b]=s.tee(); await a.cancel(1); const first=why; await b.cancel(2); return [first, why]`, `["no",2]`},
		{`const s=new ReadableStream({type:'bytes',start(c){c.enqueue(enc('hello')); c.close()}}); const [a,b]=s.tee(); const f=async x => { const r=x.getReader({mode:'byob'}); const y=await r.readAtLeast(10,new Uint8Array(10)); return [dec(y.value), (await r.read(new Uint8Array(1))).done] }; return [await f(b), await f(a)]`, `[["hello",true],["hello",true]]`},
		{`const [a]=host('ab','cd').tee(); const r=a.getReader({mode:'byob'}); return dec((await r.readAtLeast(3,new Uint8Array(4))).value)`, `abcd`},
	}.run(t)
}

// A byte stream's views change hands; nobody keeps one that another has.
func TestByteViews(t *testing.T) {
	const open = `let c; const s=new ReadableStream({type:'bytes',start(x){c=x}}); const r=s.getReader({mode:'byob'}); `
	cases{
		{open + `const p=r.read(new Uint8Array(4)); const v=c.byobRequest.view; c.byobRequest.respond(1); await p; return [v.length, v.buffer.byteLength]`, `[0,0]`},
		{open + `r.read(new Uint8Array(4)); const v=c.byobRequest.view; c.enqueue(enc('a')); return v.length`, `0`},
		{open + `r.read(new Uint8Array(4)); structuredClone(c.byobRequest.view.buffer,{transfer:[c.byobRequest.view.buffer]}); c.enqueue(enc('a'))`, `throws TypeError: The byobRequest.view is zero-length or was detached`},
		{open + `r.read(new Uint8Array(4)); structuredClone(c.byobRequest.view.buffer,{transfer:[c.byobRequest.view.buffer]}); c.byobRequest.respond(1)`, `throws TypeError: Cannot respond with a zero-length or detached view`},
		// Whoever takes the view away keeps nobody from ending the stream.
		{open + `const p=r.read(new Uint8Array(4)); structuredClone(c.byobRequest.view.buffer,{transfer:[c.byobRequest.view.buffer]}); c.close(); const x=await p; return [x.done, x.value.length]`, `[true,0]`},
		{open + `const p=r.readAtLeast(4,new Uint8Array(4)); c.byobRequest.respond(2); const v=c.byobRequest.view; structuredClone(v.buffer,{transfer:[v.buffer]}); c.close(); return (await p).value.length`, `0`},
		{open + `const p=r.read(new Uint8Array(4)); structuredClone(c.byobRequest.view.buffer,{transfer:[c.byobRequest.view.buffer]}); c.error(new EvalError('e')); return p`, `throws EvalError: e`},
		{open + `const p=r.read(new Uint8Array(4)); structuredClone(c.byobRequest.view.buffer,{transfer:[c.byobRequest.view.buffer]}); await r.cancel(); return (await p).done`, `true`},
		{open + `const p=r.read(new Uint8Array(4)); p.catch(() => {}); const q=c.byobRequest; q.view[0]=65; r.releaseLock(); const d=s.getReader().read(); q.respond(1); return dec((await d).value)`, `A`},
		{open + `r.read(new Uint8Array(4)); c.byobRequest.respondWithNewView(new Uint8Array(new SharedArrayBuffer(4)))`, `throws TypeError: Unable to use non-detachable ArrayBuffer.`},
		{`const s=new ReadableStream({type:'bytes',pull(c){ const q=c.byobRequest; c.close(); q.respondWithNewView(new Uint8Array(q.view?.buffer ?? 0,0,0)) }}); const x=await s.getReader({mode:'byob'}).read(new Uint8Array(5)); return [x.done, x.value.length, x.value.buffer.byteLength]`, `[true,0,5]`},
		// A view whose buffer is resized while its read waits.
		{`const t=new IdentityTransformStream(), w=t.writable.getWriter(); const b=new ArrayBuffer(8,{maxByteLength:16}); const p=t.readable.getReader({mode:'byob'}).read(new Uint8Array(b,2,4)); w.write(enc('abcd')); const x=await p; x.value.buffer.resize(16); return [dec(x.value), x.value.buffer.maxByteLength]`, `["abcd",16]`},
		// The end: a view that is filled in part is what its read gets.
		{open + `const p=r.readAtLeast(9,new Uint8Array(9)); c.enqueue(enc('abc')); c.close(); const x=await p; return [dec(x.value), x.done, (await r.read(new Uint8Array(1))).done]`, `["abc",false,true]`},
		{open + `const p=r.read(new Uint8Array([1,2,3])); c.close(); const q=c.byobRequest; const x=await p; return [q, x.done, x.value.length, [...new Uint8Array(x.value.buffer)]]`, `[null,true,0,[1,2,3]]`},
		{open + `const p=r.read(new Uint8Array(3)); const q=c.byobRequest; c.close(); q.respond(0); return (await p).done`, `true`},
		{open + `r.read(new Uint8Array(3)); const q=c.byobRequest; c.close(); q.respond(1)`, `throws TypeError: The bytesWritten must be zero after the stream is closed.`},
		{open + `const p=r.readAtLeast(2,new Uint16Array(2)); p.catch(() => {}); c.byobRequest.respond(2); c.close()`, `throws TypeError: This ReadableStream was closed with a partial read pending.`},
		// A view of another kind that the source answers with.
		{`const s=new ReadableStream({type:'bytes',pull(c){ const q=c.byobRequest; q.respondWithNewView(new Uint16Array(q.view.buffer,0,3)) }}); const x=await s.getReader({mode:'byob'}).read(new Uint32Array(2)); return [x.value.constructor.name, x.value.byteLength]`, `["Uint16Array",6]`},
		{`const s=new ReadableStream({type:'bytes',pull(c){ const q=c.byobRequest; q.respondWithNewView(new Uint8Array(q.view.buffer,1)) }}); return s.getReader({mode:'byob'}).read(new Uint8Array(2))`, `throws RangeError: The given view has an invalid byte offset.`},
		{`const s=new ReadableStream({type:'bytes',pull(c){ const q=c.byobRequest; q.respondWithNewView(new Uint8Array(q.view.buffer,0,0)) }}); return s.getReader({mode:'byob'}).read(new Uint8Array(2))`, `throws TypeError: The view byte length must be more than zero while the stream is open.`},
	}.run(t)
}

// The compatibility flags, as the zero value of Flags has the new behaviour.
func TestFlags(t *testing.T) {
	const constructors = "throws Error: To use the new %s() constructor, enable the streams_enable_constructors compatibility flag. Refer to the docs for more information: https://developers.cloudflare.com/workers/platform/compatibility-dates/#compatibility-flags"
	for _, c := range []struct {
		name  string
		flags streams.Flags
		cases cases
	}{
		{"constructors", streams.Flags{NoConstructors: true}, cases{
			{`new ReadableStream()`, fmt.Sprintf(constructors, "ReadableStream")},
			{`const w=new WritableStream()`, fmt.Sprintf(constructors, "WritableStream")},
		}},
		{"transform", streams.Flags{IdentityTransform: true}, cases{
			{`const t=new TransformStream({transform(){}}); t.writable.getWriter().write('a'); return dec((await t.readable.getReader().read()).value)`, `a`},
		}},
		{"auto allocate", streams.Flags{NoAutoAllocate: true}, cases{
			{`let q; new ReadableStream({type:'bytes',pull(c){ q=c.byobRequest }}).getReader().read(); return q`, `null`},
			{`let c; const s=new ReadableStream({type:'bytes',start(x){c=x}}); c.enqueue(enc('ab')); c.enqueue(enc('cd')); c.close(); return all(s)`, `["ab","cd"]`},
		}},
		{"BYOB", streams.Flags{KeepBuffer: true, NoViewAtEnd: true}, cases{
			{`const v=new Uint8Array(2), r=host('a').getReader({mode:'byob'}); const x=await r.read(v); return [v[0], x.value.buffer===v.buffer, (await r.read(v)).value === undefined]`, `[97,true,true]`},
			{`const v=new Uint8Array(2), r=host('a').getReader({mode:'byob'}); const p=r.read(v); structuredClone(v,{transfer:[v.buffer]}); const x=await p; return [x.value.length, x.done]`, `[0,false]`},
		}},
		{"abort", streams.Flags{LazyAbort: true}, cases{
			{`const {readable,writable}=new IdentityTransformStream(); const w=writable.getWriter(); const p=w.write(enc('a')); await tick(); const a=w.abort('x'); let done=false; a.then(() => { done=true }); await tick(); const early=done; const x=await readable.getReader().read(); return [early, dec(x.value), await settled([p, a])]`, `[false,"a",["ok","ok"]]`},
		}},
		{"backpressure", streams.Flags{OldTransform: true}, cases{
			{`let n=0; const t=new TransformStream({transform(c,k){n++; k.enqueue(c)}}); const w=t.writable.getWriter(); w.write(1); w.write(2); t.readable.getReader().read(); await tick(); return n`, `2`},
		}},
		{"pedantic", streams.Flags{Pedantic: true}, cases{
			{`const w=new WritableStream({type:'x'})`, `throws RangeError: Invalid type is specified: a WritableStream has none.`},
			{`let why; const w=new WritableStream({start(c){ c.signal.onabort=() => { why=c.signal.reason.name } }}); await w.abort(); return why`, `AbortError`},
			{`const w=new WritableStream({},{highWaterMark:3}).getWriter(); await tick(); w.write(1); return w.desiredSize`, `2`},
		}},
	} {
		t.Run(c.name, func(t *testing.T) { c.cases.runWith(t, c.flags) })
	}
}

func TestExpectedLength(t *testing.T) {
	e := jstest.New(t, events.Module, encoding.Module, streams.Module, host)
	for src, want := range map[string]int64{
		`new ReadableStream({expectedLength: 3})`:            3,
		`new ReadableStream({})`:                             -1,
		`new TransformStream({expectedLength: 4n}).readable`: 4,
		`new FixedLengthStream(5).readable`:                  5,
	} {
		e.In(func(js *isolate.JS, c *iocontext.Context) {
			v, err := js.Runtime().RunString(src)
			if err != nil {
				t.Errorf("%s: %v", src, err)
				return
			}
			s, _ := streams.Of(js, v)
			b, err := s.Body(js, c)
			if err != nil || b.Size() != want {
				t.Errorf("%s: %d bytes, %v", src, b.Size(), err)
			}
			if err := b.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	e.WantError(`new ReadableStream({expectedLength: -1})`, "TypeError: The value cannot be converted because it is negative and this API expects a positive bigint.")
}

func TestPipe(t *testing.T) {
	cases{
		{`const s=new ReadableStream(); s.getReader(); return s.pipeTo(new WritableStream())`, locked},
		{`const w=new WritableStream(); w.getWriter(); return new ReadableStream().pipeTo(w)`, writeLocked},
		{`new ReadableStream().pipeTo(5)`, `throws TypeError: Failed to execute 'pipeTo' on 'ReadableStream': parameter 1 is not of type 'WritableStream'.`},
		{`new ReadableStream().pipeThrough(5)`, `throws TypeError: Failed to execute 'pipeThrough' on 'ReadableStream': parameter 1 is not of type 'Transform'.`},
		{`new ReadableStream().pipeTo(new WritableStream(),{signal:5})`, `throws TypeError: Incorrect type for the 'signal' field on 'PipeToOptions': the provided value is not of type 'AbortSignal'.`},
		{`new ReadableStream({start(c){c.error(new Error('q'))}}).pipeTo(new WritableStream())`, `throws Error: q`},
		{`const o=[]; const s=stream(1,2,3), w=new WritableStream({write(x){o.push(x)},close(){o.push('c')}}); await s.pipeTo(w); return [o, s.locked, w.locked]`, `[[1,2,3,"c"],false,false]`},
		{`const o=[]; await host('ab','cd').pipeTo(new WritableStream({write(x){o.push(dec(x))},close(){o.push('c')}})); return o`, `["ab","cd","c"]`},
		{`const o=[]; const w=new WritableStream({write(x){o.push(x)},close(){o.push('c')}}); await stream(1).pipeTo(w,{preventClose:true}); await stream(2).pipeTo(w); return o`, `[1,2,"c"]`},
		{`let why; const w=new WritableStream({abort(r){why=String(r)}}); const p=failing('a','broken').pipeTo(w); return [await settled([p]), why]`, `[["RangeError: broken"],"RangeError: broken"]`},
		{`let why; const w=new WritableStream({abort(r){why=String(r)}}); const p=failing('a','broken').pipeTo(w,{preventAbort:true}); return [await settled([p]), why===undefined, w.locked]`, `[["RangeError: broken"],true,false]`},
		{`let why; const s=new ReadableStream({pull(c){c.enqueue(1)},cancel(r){why=String(r)}}); const p=s.pipeTo(new WritableStream({write(){throw new EvalError('w')}})); return [await settled([p]), why]`, `[["EvalError: w"],"EvalError: w"]`},
		{`let why; const s=new ReadableStream({pull(c){c.enqueue(1)},cancel(r){why=String(r)}}); const p=s.pipeTo(new WritableStream({write(){throw new EvalError('w')}}),{preventCancel:true}); return [await settled([p]), why===undefined]`, `[["EvalError: w"],true]`},
		{`new ReadableStream().pipeTo(new WritableStream(),{signal:AbortSignal.abort()})`, `throws AbortError: The operation was aborted`},
		{`const o=[]; const c=new AbortController(); const p=new ReadableStream({cancel(r){o.push('cancel',String(r))}}).pipeTo(new WritableStream({abort(r){o.push('abort',String(r))}}),{signal:c.signal}); await tick(); c.abort(new EvalError('s')); return [await settled([p]), o]`, `[["EvalError: s"],["cancel","EvalError: s","abort","EvalError: s"]]`},
		{`const w=new WritableStream(); await w.close(); return stream(1).pipeTo(w)`, "throws TypeError: This destination writable stream is closed."},
		// A destination that closes under the pipe ends it well.
		{`let why, open; const w=new WritableStream({close(){ return new Promise(r => open=r) }}); const closed=w.close(); const s=new ReadableStream({cancel(r){why=r.message}}); const p=s.pipeTo(w); await tick(); const held=s.locked; open(); await closed; return [held, s.locked, w.locked, why, await p === undefined]`, `[true,false,false,"This destination writable stream is closed.",true]`},
		// The source is free before the destination hears of the signal.
		{`let free, s=new ReadableStream(); const w=new WritableStream({start(c){ c.signal.onabort=() => { free=!s.locked } }}); await tick(); return [await settled([s.pipeTo(w,{signal:AbortSignal.abort(),preventCancel:true})]), free]`, `[["AbortError: The operation was aborted"],true]`},
		// What was read when the signal came is left out.
		{`const o=[], a=new AbortController(); let n=0; const s=new ReadableStream({pull(c){ if (n++) a.abort(new EvalError('s')); c.enqueue(n) }}); return [await settled([s.pipeTo(new WritableStream({write(x){o.push(x)}}),{signal:a.signal})]), o]`, `[["EvalError: s"],[]]`},
		{`let n=0, open; const s=new ReadableStream({pull(c){ c.enqueue(n++) }},{highWaterMark:0}); s.pipeTo(new WritableStream({write(){ return new Promise(r => open=r) }})); await tick(40); return n < 4`, `true`},
	}.run(t)
}

func TestTransform(t *testing.T) {
	cases{
		{`new TransformStream({readableType:'bytes'})`, `throws TypeError: transformer.readableType must be undefined.`},
		{`new TransformStream({transform:1})`, `throws TypeError: Incorrect type for the 'transform' field on 'Transformer': the provided value is not of type 'function'.`},
		{`const t=new TransformStream({start(){throw new EvalError('s')}}); return settled([t.readable.getReader().read(), t.writable.getWriter().write(1)])`, `["EvalError: s","EvalError: s"]`},
		{`const t=new TransformStream(); t.writable.getWriter().write('foo'); return (await t.readable.getReader().read()).value`, `foo`},
		{`all(stream(1,2,3).pipeThrough(new TransformStream({transform(c,k){k.enqueue(c*2)},flush(k){k.enqueue('end')}})))`, `[2,4,6,"end"]`},
		{`all(host('ab','c').pipeThrough(new TransformStream({transform(c,k){k.enqueue(dec(c).toUpperCase())}})))`, `["AB","C"]`},
		{`const t=new TransformStream({start(c){c.terminate()}}); return t.writable.getWriter().write(1)`, `throws TypeError: The transform stream has been terminated`},
		{`const t=new TransformStream({start(c){c.error(new Error('z'))}}); return t.writable.getWriter().write(1)`, `throws Error: z`},
		{`all(stream(1).pipeThrough(new TransformStream({transform(){throw new EvalError('t')}})))`, `throws EvalError: t`},
		{`all(stream(1).pipeThrough(new TransformStream({flush(){throw new EvalError('f')}})))`, `throws EvalError: f`},
		{`let why; const t=new TransformStream({cancel(r){why=r}}); await t.readable.cancel('q'); return [why, await settled([t.writable.getWriter().write(1)])]`, `["q",["q"]]`},
		{`let why; const t=new TransformStream({cancel(r){why=r}}); await t.writable.abort('q'); return [why, await settled([t.readable.getReader().read()])]`, `["q",["q"]]`},
		{`let n=0; const t=new TransformStream({transform(c,k){n++; k.enqueue(c)}}); const w=t.writable.getWriter(); w.write(1); w.write(2); await tick(); const before=n; t.readable.getReader().read(); await tick(); return [before, n]`, `[0,1]`},
		{`all(stream(1,2).pipeThrough(new TransformStream({transform(c,k){ k.enqueue(c); k.terminate() }})))`, `[1]`},
	}.run(t)
}

func TestIdentity(t *testing.T) {
	const many = "TypeError: Attempt to write too many bytes through a FixedLengthStream."
	const few = "TypeError: FixedLengthStream did not see all expected bytes before close()."
	cases{
		{`new FixedLengthStream()`, `throws TypeError: Failed to construct 'FixedLengthStream': constructor parameter 1 is not of type 'bigint'.`},
		{`new FixedLengthStream(-1)`, `throws TypeError: The value cannot be converted because it is negative and this API expects a positive bigint.`},
		{`new FixedLengthStream('x')`, `throws TypeError: The value cannot be converted because it is not an integer.`},
		{`const t=new FixedLengthStream(3n); return [t instanceof IdentityTransformStream, t instanceof TransformStream, t.readable===t.readable]`, `[true,true,true]`},
		{`new IdentityTransformStream().writable.getWriter().write(5)`, `throws TypeError: This TransformStream is being used as a byte stream, but received an object of non-ArrayBuffer/ArrayBufferView type on its writable side.`},
		{`const {readable,writable}=new IdentityTransformStream(); const w=writable.getWriter(); w.write(enc('ab')); w.write(enc('c')); w.close(); return all(readable)`, `["ab","c"]`},
		{`const {readable,writable}=new IdentityTransformStream(); const w=writable.getWriter(); let ok=false; w.write(enc('ab')).then(() => ok=true); await tick(); const before=ok; await readable.getReader().read(); await tick(); return [before, ok]`, `[false,true]`},
		{`const {readable,writable}=new IdentityTransformStream(); const w=writable.getWriter(); const r=readable.getReader({mode:'byob'}); w.write(enc('abc')); const x=await r.read(new Uint8Array(2)), y=await r.readAtLeast(1,new Uint8Array(2)); return [dec(x.value),dec(y.value)]`, `["ab","c"]`},
		{`const {readable,writable}=new IdentityTransformStream(); readable.cancel(new Error('no')); return writable.getWriter().write(enc('a'))`, `throws Error: no`},
		{`const {readable,writable}=new IdentityTransformStream(); writable.abort(new Error('no')); return readable.getReader().read()`, `throws Error: no`},
		{`const {readable,writable}=new IdentityTransformStream(); writable.getWriter().close(); return (await readable.getReader().read()).done`, `true`},
		{`const t=new IdentityTransformStream({highWaterMark:10}), w=t.writable.getWriter(); const a=w.desiredSize; w.write(enc('abc')); const b=w.desiredSize; await t.readable.getReader().read(); await tick(); return [a, b, w.desiredSize]`, `[10,7,10]`},
		{`const w=new IdentityTransformStream().writable.getWriter(); w.write(enc('abc')); return w.desiredSize`, `1`},
		{`new FixedLengthStream(5,{highWaterMark:10}).writable.getWriter().desiredSize`, `5`},
		{`new FixedLengthStream(2**53)`, `throws TypeError: FixedLengthStream requires an integer expected length less than 2^53.`},
		{`const w=new IdentityTransformStream().writable.getWriter(); const p=w.write(enc('a')); await w.abort('x'); return settled([p, w.closed])`, `["x","x"]`},
		{`const {readable,writable}=new IdentityTransformStream(); const w=writable.getWriter(); const p=[w.write(enc('a')), w.close()]; await readable.cancel(); return settled(p)`, `["Error: Stream was cancelled.","Error: Stream was cancelled."]`},
		{`const {readable,writable}=new IdentityTransformStream(); const w=writable.getWriter(); const p=w.write(enc('a')); await readable.cancel('text'); return p`, `throws Error: text`},
		{`all(stream(enc('a'),'b',5).pipeThrough(new IdentityTransformStream()))`, `throws TypeError: This WritableStream only supports writing byte types.`},
		{`const {readable,writable}=new FixedLengthStream(2); const w=writable.getWriter(); return settled([w.write(enc('abc')), readAll(readable)])`, `["` + many + `","` + many + `"]`},
		{`const {readable,writable}=new FixedLengthStream(5); const w=writable.getWriter(); return settled([w.write(enc('abc')), w.close(), readAll(readable)])`, `["ok","` + few + `","` + few + `"]`},
		{`const {readable,writable}=new FixedLengthStream(3); const w=writable.getWriter(); w.write(enc('abc')); w.close(); return readAll(readable)`, `abc`},
		// Pipes into it.
		{`const {readable,writable}=new IdentityTransformStream(); const p=host('ab','cd').pipeTo(writable); return [await all(readable), await p === undefined, writable.locked]`, `[["ab","cd"],true,false]`},
		{`const {readable,writable}=new IdentityTransformStream(); const p=host('ab','cd').pipeTo(writable); return [await readAll(readable), await p === undefined]`, `["abcd",true]`},
		{`const {readable,writable}=new IdentityTransformStream(); const r=readable.getReader(); const first=r.read(); await tick(); host('ab').pipeTo(writable); return [dec((await first).value), (await r.read()).done]`, `["ab",true]`},
		{`const {readable,writable}=new IdentityTransformStream(); const p=stream(enc('ab'),enc('cd')).pipeTo(writable); return [await all(readable), await p === undefined]`, `[["ab","cd"],true]`},
		{`const {readable,writable}=new IdentityTransformStream(); const p=failing('ab','broken').pipeTo(writable); return settled([p, all(readable)])`, `["RangeError: broken","RangeError: broken"]`},
		{`const {readable,writable}=new IdentityTransformStream(); const p=host('ab').pipeTo(writable); const q=readable.cancel(new EvalError('c')); return settled([p,q])`, `["EvalError: c","ok"]`},
		{`const {readable,writable}=new FixedLengthStream(3); const p=host('ab').pipeTo(writable); return settled([p, all(readable)])`, `["` + few + `","` + few + `"]`},
		{`const {readable,writable}=new FixedLengthStream(1); const p=host('ab').pipeTo(writable); return settled([p, all(readable)])`, `["` + many + `","` + many + `"]`},
		{`const {readable,writable}=new IdentityTransformStream(); const s=host('ab'); s.pipeTo(writable,{preventClose:true}).then(() => writable.close()); return readAll(readable)`, `ab`},
		{`readAll(host('ab').pipeThrough(new IdentityTransformStream()).pipeThrough(new IdentityTransformStream()))`, `ab`},
	}.run(t)
}

// TestSplicedBodyLeavesTheLoop checks that a pipe through an Identity moves no
// bytes over the loop, and that it settles when the other goroutine is done.
func TestSplicedBodyLeavesTheLoop(t *testing.T) {
	for _, end := range []struct {
		name string
		read func(b event.Body) error
		want string
	}{
		{"read", func(b event.Body) error { _, err := io.ReadAll(b.Stream); return err }, "piped"},
		{"copied", func(b event.Body) error { _, err := io.Copy(io.Discard, b.Stream); return err }, "piped"},
		{"closed", func(b event.Body) error { return b.Close() }, "Error: Network connection lost."},
	} {
		t.Run(end.name, func(t *testing.T) {
			e := jstest.New(t, events.Module, encoding.Module, streams.Module, host)
			c := e.Context()
			var body event.Body
			outcome := make(chan string, 1)
			e.OnLoop(func() {
				c.RunIn(iocontext.Entry{}, func(js *isolate.JS) {
					v, err := js.Runtime().RunString(`(() => { const t = new FixedLengthStream(4); const p = host('ab', 'cd').pipeTo(t.writable); return [t.readable, p] })()`)
					if err != nil {
						t.Error(err)
						return
					}
					pair := v.(*goja.Object)
					s, _ := streams.Of(js, pair.Get("0"))
					if body, err = s.Body(js, c); err != nil {
						t.Error(err)
					}
					js.OnSettled(pair.Get("1"), func(_ *isolate.JS, _ goja.Value, err error) {
						if err != nil {
							outcome <- err.Error()
							return
						}
						outcome <- "piped"
					})
				}, nil)
			})
			if body.Length != 4 {
				t.Errorf("the length is %d", body.Length)
			}
			if err := end.read(body); err != nil {
				t.Error(err)
			}
			if got := <-outcome; got != end.want {
				t.Errorf("the pipe ended with %s, want %s", got, end.want)
			}
		})
	}
}

func TestTeeLimit(t *testing.T) {
	src := &reads{parts: []string{"0123456789", "0123456789"}}
	a, b := streams.Tee(src, 15)
	if got, err := io.ReadAll(a); err != nil || len(got) != 20 {
		t.Errorf("the fast half read %q, %v", got, err)
	}
	if _, err := io.ReadAll(b); err == nil || !strings.HasPrefix(err.Error(), "TypeError: ReadableStream.tee() buffer limit exceeded.") {
		t.Errorf("the slow half: %v", err)
	}
	if err := errors.Join(a.Close(), a.Close()); err != nil || src.closed {
		t.Errorf("closing one half: %v, closed %v", err, src.closed)
	}
	if err := b.Close(); err != nil || !src.closed {
		t.Errorf("closing both halves: %v, closed %v", err, src.closed)
	}
}

func TestTeeConcurrently(t *testing.T) {
	var parts []string
	for range 200 {
		parts = append(parts, "abcdefghij")
	}
	a, b := streams.Tee(&reads{parts: parts}, 1<<20)
	var wg sync.WaitGroup
	for _, r := range []io.ReadCloser{a, b} {
		wg.Go(func() {
			if got, err := io.ReadAll(r); err != nil || len(got) != 2000 {
				t.Errorf("read %d bytes, %v", len(got), err)
			}
		})
	}
	wg.Wait()
}

func TestReadBodyLies(t *testing.T) {
	e := jstest.New(t)
	for _, c := range []struct {
		body event.Body
		want string
	}{
		{event.StreamBody(io.NopCloser(strings.NewReader("abc")), 10), "Error: Network connection lost."},
		{event.StreamBody(io.NopCloser(strings.NewReader("abc")), 1<<60), "RangeError: The body is larger than 100 bytes, the most that can be read into memory at once. Read it as a stream instead."},
		{event.StreamBody(io.NopCloser(strings.NewReader(strings.Repeat("x", 101))), 5), "RangeError: The body is larger than 100 bytes, the most that can be read into memory at once. Read it as a stream instead."},
		{event.StreamBody(io.NopCloser(strings.NewReader("abc")), 2), "Error: Network connection lost."},
	} {
		out := make(chan error, 1)
		ioc := e.Context()
		e.OnLoop(func() {
			streams.ReadBody(ioc, c.body, 100).Then(func(_ []byte, err error) { out <- err })
		})
		if err := <-out; err == nil || err.Error() != c.want {
			t.Errorf("length %d: %v, want %s", c.body.Length, err, c.want)
		}
	}
}

func BenchmarkScriptReads(b *testing.B) {
	benchEval(b, `const r = new ReadableStream({ pull(c) { c.enqueue(1) } }).getReader(); for (let i = 0; i < 1000; i++) await r.read()`)
}

func BenchmarkScriptTransform(b *testing.B) {
	benchEval(b, `let n = 0; const s = new ReadableStream({ pull(c) { n++ < 1000 ? c.enqueue(n) : c.close() } }).pipeThrough(new TransformStream()); for await (const x of s);`)
}

// benchEval runs 1000 chunks per iteration.
func benchEval(b *testing.B, src string) {
	e := jstest.New(b, events.Module, encoding.Module, streams.Module)
	for b.Loop() {
		if _, err := e.Eval(src); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/chunk")
}
