package crypto_test

import (
	"strings"
	"testing"

	"workerd.local/internal/jstest"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/crypto"
	"workerd.local/webapi/events"
)

// counting is a host whose random bytes count up.
type counting struct {
	isolate.Host
	next byte
}

func (h *counting) Random(p []byte) {
	for i := range p {
		p[i] = h.next
		h.next++
	}
}

func newEnv(t testing.TB) *jstest.Env { return jstest.New(t, events.Module, crypto.Module) }

func TestRandomComesFromTheHost(t *testing.T) {
	e := jstest.NewWith(t, jstest.Options{Host: &counting{Host: isolate.SystemHost()}, Modules: []bind.Module{events.Module, crypto.Module}})
	e.Want(`const b = new Uint8Array(6), v = b.subarray(2, 5), r = crypto.getRandomValues(v); return [r === v, ...b]`, `[true,0,0,0,1,2,0]`)
	e.Want(`return [...crypto.getRandomValues(new Uint16Array(1))]`, `[1027]`)
	e.Want(`return crypto.randomUUID()`, `05060708-090a-4b0c-8d0e-0f1011121314`)
}

func TestGetRandomValues(t *testing.T) {
	e := newEnv(t)
	for _, kind := range []string{"Int8", "Uint8", "Uint8Clamped", "Int16", "Uint16", "Int32", "Uint32", "BigInt64", "BigUint64"} {
		e.Want(`const a = new `+kind+`Array(16); crypto.getRandomValues(a); return a.some(x => x != 0)`, `true`)
	}
	e.Want(`return [crypto.getRandomValues(new Uint8Array(65536)).length, crypto.getRandomValues(new Uint8Array()).length]`, `[65536,0]`)
	e.WantError(`crypto.getRandomValues(new Uint8Array(65537))`, `QuotaExceededError: getRandomValues() only accepts buffers of size <= 64K but provided 65537 bytes.`)
	for _, bad := range []string{`new Float32Array(1)`, `new Float64Array(1)`, `new DataView(new ArrayBuffer(1))`} {
		e.WantError(`crypto.getRandomValues(`+bad+`)`, `TypeMismatchError: ArrayBufferView argument to getRandomValues() must be an integer-typed view.`)
	}
	for _, bad := range []string{``, `{}`, `[1]`, `new ArrayBuffer(4)`, `'x'`, `{ buffer: new ArrayBuffer(1), byteOffset: 0, byteLength: 1 }`} {
		e.WantError(`crypto.getRandomValues(`+bad+`)`, `TypeError: Failed to execute 'getRandomValues' on 'Crypto': parameter 1 is not of type 'ArrayBufferView'.`)
	}
}

func TestUUID(t *testing.T) {
	e := newEnv(t)
	e.Want(`const s = new Set(); for (let i = 0; i < 100; i++) { const u = crypto.randomUUID(); if (!/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(u)) return u; s.add(u) } return s.size`, `100`)
}

func TestGlobalScopeHasNoRandomness(t *testing.T) {
	e := newEnv(t)
	for _, src := range []string{`crypto.randomUUID()`, `crypto.getRandomValues(new Uint8Array(1))`} {
		var err error
		e.OnLoop(func() {
			_ = e.Realm.Run(nil, func(js *isolate.JS) { _, err = js.Runtime().RunString(src) })
		})
		if err == nil || !strings.Contains(err.Error(), "Error: Disallowed operation called within global scope. Asynchronous I/O") {
			t.Errorf("%s: %v", src, err)
		}
	}
}

const hexOf = `const hex = async (name, data) => [...new Uint8Array(await crypto.subtle.digest(name, data))].map(b => b.toString(16).padStart(2, '0')).join('');
const abc = new Uint8Array([97, 98, 99]);`

func TestDigest(t *testing.T) {
	e := newEnv(t)
	for name, want := range map[string]string{
		"SHA-1":   "a9993e364706816aba3e25717850c26c9cd0d89d",
		"sha-256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		"SHA-384": "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
		"SHA-512": "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
		"md5":     "900150983cd24fb0d6963f7d28e17f72",
	} {
		e.Want(hexOf+`return hex('`+name+`', abc)`, want)
		e.Want(hexOf+`return hex({ name: '`+name+`' }, new DataView(abc.buffer))`, want)
	}
	e.Want(hexOf+`return hex('SHA-1', new ArrayBuffer(0))`, `da39a3ee5e6b4b0d3255bfef95601890afd80709`)
	for _, bad := range []string{`'foo'`, `'SHA-224'`, `{}`, `''`, `{ name: 'SHA3-256' }`} {
		e.WantError(hexOf+`await hex(`+bad+`, abc)`, `NotSupportedError: Unrecognized or unimplemented digest algorithm requested.`)
	}
	e.WantError(`await crypto.subtle.digest()`, `TypeError: Failed to execute 'digest' on 'SubtleCrypto': parameter 1 is not of type 'string or HashAlgorithm'.`)
	e.WantError(`await crypto.subtle.digest('SHA-1')`, `TypeError: Failed to execute 'digest' on 'SubtleCrypto': parameter 2 is not of type 'BufferSource'.`)
	e.WantError(`await crypto.subtle.digest('SHA-1', 'abc')`, `TypeError: Failed to execute 'digest' on 'SubtleCrypto': parameter 2 is not of type 'BufferSource'.`)
	e.Want(`let r; try { crypto.subtle.digest().catch(() => {}); r = 'rejects' } catch { r = 'throws' } return r`, `rejects`)
}

func TestTimingSafeEqual(t *testing.T) {
	e := newEnv(t)
	e.Want(`const s = crypto.subtle, u = (...a) => new Uint8Array(a); return [s.timingSafeEqual(u(1, 2), u(1, 2)), s.timingSafeEqual(u(1, 2), u(1, 3)), s.timingSafeEqual(u(1, 2).buffer, new Uint16Array([513])), s.timingSafeEqual(u(), u())]`, `[true,false,true,true]`)
	e.WantError(`crypto.subtle.timingSafeEqual(new Uint8Array(2), new Uint8Array(3))`, `TypeError: Input buffers must have the same byte length.`)
	e.WantError(`crypto.subtle.timingSafeEqual('a', new Uint8Array(3))`, `TypeError: Failed to execute 'timingSafeEqual' on 'SubtleCrypto': parameter 1 is not of type 'BufferSource'.`)
	e.WantError(`crypto.subtle.timingSafeEqual(new Uint8Array(3))`, `TypeError: Failed to execute 'timingSafeEqual' on 'SubtleCrypto': parameter 2 is not of type 'BufferSource'.`)
}

func TestObjects(t *testing.T) {
	e := newEnv(t)
	e.Want(`return [String(crypto), crypto instanceof Crypto, crypto.subtle === crypto.subtle, crypto.subtle instanceof SubtleCrypto]`, `["[object Crypto]",true,true,true]`)
	e.WantError(`new Crypto()`, `TypeError: Illegal constructor`)
	e.WantError(`new SubtleCrypto()`, `TypeError: Illegal constructor`)
}
