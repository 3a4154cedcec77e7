package codec_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"testing"

	"workerd.local/event"
	"workerd.local/internal/jstest"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/blob"
	"workerd.local/webapi/codec"
	"workerd.local/webapi/encoding"
	"workerd.local/webapi/events"
	"workerd.local/webapi/streams"
	"workerd.local/webapi/timers"
	"workerd.local/webapi/url"
)

func newEnv(t testing.TB) *jstest.Env {
	return jstest.New(t, []bind.Module{url.Module, encoding.Module, events.Module, timers.Module, blob.Module, streams.Module, codec.Module}...)
}

// kit has all(stream), which reads a stream of bytes or text to its end.
const kit = `
	const all = async (stream) => {
		const parts = [];
		for await (const c of stream) parts.push(c);
		return parts.every((p) => typeof p === 'string') ? parts.join('') : await new Blob(parts).bytes();
	};
	const text = async (stream) => new TextDecoder().decode(await all(stream));
	const of = (...chunks) => ReadableStream.from(chunks);
	const name = (e) => e.name + ': ' + e.message;
`

func TestCompressionStream(t *testing.T) {
	e := newEnv(t)
	e.Want(kit+`
		const out = [];
		for (const f of ['gzip', 'deflate', 'deflate-raw', 'brotli']) {
			const small = of('one ', 'two ', 'three').pipeThrough(new CompressionStream(f));
			out.push(await text(small.pipeThrough(new DecompressionStream(f))));
		}
		return out.join();
	`, "one two three,one two three,one two three,one two three")
	e.Want(kit+`
		const c = new CompressionStream('gzip'), w = c.writable.getWriter();
		await w.write('x'.repeat(1000));
		await w.close();
		const { value } = await c.readable.getReader().read();
		return [c instanceof TransformStream, String(c), value[0], value[1], value.length < 50];
	`, `[true,"[object CompressionStream]",31,139,true]`)
	e.Want(kit+`
		const c = new CompressionStream('deflate'), r = c.readable.getReader({ mode: 'byob' });
		c.writable.getWriter().close();
		const { value } = await r.readAtLeast(2, new Uint8Array(100));
		return value[0];
	`, "120")
}

func TestCompressionStreamWrongInput(t *testing.T) {
	e := newEnv(t)
	const formats = "TypeError: The compression format must be either 'deflate', 'deflate-raw', 'gzip' or 'brotli'."
	e.WantError(`new CompressionStream('zip')`, formats)
	e.WantError(`new DecompressionStream('GZIP')`, formats)
	e.WantError(`new CompressionStream()`, "TypeError: Failed to construct 'CompressionStream': constructor parameter 1 is not of type 'string'.")
	e.WantError(`CompressionStream('gzip')`, "TypeError: Failed to construct 'CompressionStream': Please use the 'new' operator, this object constructor cannot be called as a function.")
	e.WantError(`await new CompressionStream('gzip').writable.getWriter().write(5)`,
		"TypeError: This TransformStream is being used as a byte stream, but received an object of non-ArrayBuffer/ArrayBufferView type on its writable side.")
	// Both sides hear of it, so nobody waits for ever.
	e.Want(kit+`
		const both = [];
		for (const s of [new CompressionStream('gzip'), new DecompressionStream('gzip')]) {
			const w = s.writable.getWriter(), r = s.readable.getReader();
			for (const p of await Promise.allSettled([r.read(), w.write({}), r.closed, w.closed])) both.push(p.reason?.name);
		}
		return both.join();
	`, "TypeError,TypeError,TypeError,TypeError,TypeError,TypeError,TypeError,TypeError")
	e.Want(kit+`
		const d = new DecompressionStream('gzip'), w = d.writable.getWriter(), r = d.readable.getReader();
		const got = await Promise.allSettled([r.read(), w.write(new Uint8Array([1, 2, 3, 4])), w.closed]);
		return [...got, ...await Promise.allSettled([r.read()])].map((x) => x.reason.message).join();
	`, "Decompression failed.,Decompression failed.,Decompression failed.,Decompression failed.")
	e.Want(kit+`
		const d = new DecompressionStream('deflate'), w = d.writable.getWriter();
		return await w.close().then(() => 'closed', name);
	`, "TypeError: Called close() on a decompression stream with incomplete data")
	e.Want(kit+`
		const bytes = await all(of('abc').pipeThrough(new CompressionStream('deflate')));
		return await all(of(bytes, bytes).pipeThrough(new DecompressionStream('deflate'))).then(() => 'read', name);
	`, "TypeError: Trailing bytes after end of compressed data")
	e.Want(kit+`
		const c = new CompressionStream('gzip'), r = c.readable.getReader();
		const read = r.read();
		await r.cancel(new Error('enough'));
		return await read.catch((x) => x.message) + ' ' + await c.writable.getWriter().closed.catch((x) => x.message);
	`, "enough enough")
	e.Want(kit+`
		const c = new CompressionStream('gzip'), read = c.readable.getReader().read();
		await c.writable.getWriter().abort(new Error('stop'));
		return await read.catch((x) => x.message);
	`, "stop")
}

func TestLaxDecompression(t *testing.T) {
	e := newEnv(t)
	e.OnLoop(func() {
		if err := e.Realm.Run(nil, func(js *isolate.JS) { streams.SetFlags(js, streams.Flags{LaxCompression: true}) }); err != nil {
			t.Error(err)
		}
	})
	e.Want(kit+`
		const bytes = await all(of('abc').pipeThrough(new CompressionStream('gzip')));
		const twice = await text(of(bytes, bytes).pipeThrough(new DecompressionStream('gzip')));
		return twice + ' ' + await text(of(bytes.slice(0, 12)).pipeThrough(new DecompressionStream('gzip')));
	`, "abc a")
}

// What decompresses to very much waits for its reader.
func TestDecompressionWaitsForItsReader(t *testing.T) {
	e := newEnv(t)
	e.Want(kit+`
		const c = new CompressionStream('gzip'), cw = c.writable.getWriter();
		const zeros = new Uint8Array(1 << 20);
		for (let i = 0; i < 20; i++) cw.write(zeros);
		cw.close();
		const bomb = await all(c.readable);
		const d = new DecompressionStream('gzip'), w = d.writable.getWriter(), r = d.readable.getReader();
		let written = false;
		w.write(bomb).then(() => { written = true; });
		await scheduler.wait(1);
		const before = written;
		let total = 0;
		while (total < 20 << 20) total += (await r.read()).value.length;
		await w.close();
		return [bomb.length < 30000, before, written, total >> 20, (await r.read()).done];
	`, "[true,false,true,20,true]")
}

// A body that is piped through stays outside the loop.
func TestBodyThroughCompression(t *testing.T) {
	e := newEnv(t)
	plain := bytes.Repeat([]byte("all of it "), 200_000)
	var body event.Body
	e.In(func(js *isolate.JS, c *iocontext.Context) {
		in := streams.NewHostReadable(js, c, io.NopCloser(bytes.NewReader(plain)), int64(len(plain)))
		if err := js.Runtime().GlobalObject().Set("input", in); err != nil {
			t.Error(err)
			return
		}
		out, err := js.Runtime().RunString(`input.pipeThrough(new CompressionStream('gzip'))`)
		if err != nil {
			t.Error(err)
			return
		}
		s, _ := streams.Of(js, out)
		var taken bool
		if body, taken, err = s.Take(js); err != nil || !taken {
			t.Errorf("not taken: %v", err)
		}
	})
	if body.Stream == nil {
		t.FailNow()
	}
	z, err := gzip.NewReader(body.Stream)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(z)
	if err != nil || !bytes.Equal(got, plain) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	if err := body.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestTextEncoderStream(t *testing.T) {
	e := newEnv(t)
	e.Want(kit+`
		const s = new TextEncoderStream();
		return [s.encoding, s instanceof TransformStream, await text(of('a', '', undefined, 1, { toString: () => 'é' }).pipeThrough(s))];
	`, `["utf-8",true,"aundefined1é"]`)
	// Halves of a character in two chunks, alone in the middle, and alone at the end.
	e.Want(kit+`
		const utf8 = async (...chunks) => Array.from(await all(of(...chunks).pipeThrough(new TextEncoderStream())), (b) => b.toString(16)).join(' ');
		return [await utf8('\uD83D', '\uDE00'), await utf8('\uD83D', 'x'), await utf8('x\uD83D'), await utf8('\uD83D', '', '\uDE00y'), await utf8('\uDE00')];
	`, `["f0 9f 98 80","ef bf bd 78","78 ef bf bd","f0 9f 98 80 79","ef bf bd"]`)
	e.Want(kit+`
		const s = new TextEncoderStream();
		s.readable.getReader().read().catch(() => {});
		return s.writable.getWriter().write(Symbol('s')).catch(name);
	`, "TypeError: Cannot convert a Symbol value to a string")
	e.Want(kit+`
		const s = new TextEncoderStream(), r = s.readable.getReader(), w = s.writable.getWriter();
		r.read();
		return w.write({ toString() { r.cancel('gone'); return 'text'; } }).catch(name);
	`, "TypeError: The readable side of this TransformStream is no longer readable.")
}

func TestTextDecoderStream(t *testing.T) {
	e := newEnv(t)
	e.Want(kit+`
		const s = new TextDecoderStream('latin1', { fatal: true, ignoreBOM: true });
		return [s.encoding, s.fatal, s.ignoreBOM, new TextDecoderStream().encoding];
	`, `["windows-1252",true,true,"utf-8"]`)
	e.Want(kit+`
		const bytes = [0xEF, 0xBB, 0xBF, 0xF0, 0x9F, 0x98, 0x80, 0x41, 0xC3];
		return all(of(...bytes.map((b) => new Uint8Array([b]))).pipeThrough(new TextDecoderStream()));
	`, "\U0001F600A\uFFFD")
	e.Want(kit+`
		return all(of(new Uint8Array([0x61, 0xC3])).pipeThrough(new TextDecoderStream('utf-8', { fatal: true }))).catch(name);
	`, "TypeError: Failed to decode input.")
	e.Want(kit+`
		const s = new TextDecoderStream(), w = s.writable.getWriter();
		s.readable.cancel().catch(() => {});
		const t = new TextDecoderStream();
		const got = await Promise.allSettled([t.readable.getReader().read(), t.writable.getWriter().write('text')]);
		return got.map((x) => x.reason.message).join();
	`, "This TransformStream is being used as a byte stream, but received a value that is not a BufferSource.,This TransformStream is being used as a byte stream, but received a value that is not a BufferSource.")
	e.Want(`return [undefined, {}, null, {fatal:false}].map((o) => new TextDecoderStream('utf-8', o).fatal)`, `[false,true,true,false]`)
	e.WantError(`new TextDecoderStream('no such')`, `RangeError: "no such" is not a valid encoding.`)
	e.WantError(`new TextDecoderStream('utf-8', 1)`, "TypeError: Failed to construct 'TextDecoderStream': constructor parameter 2 is not of type 'TextDecoderStreamInit'.")
}
