package crypto_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/dop251/goja"

	"workerd.local/internal/compat"
	"workerd.local/internal/crypt"
	"workerd.local/internal/jstest"
	"workerd.local/internal/limits"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/crypto"
	"workerd.local/webapi/events"
	"workerd.local/webapi/global"
	"workerd.local/webapi/streams"
)

func newStreamsEnv(t testing.TB) *jstest.Env {
	return jstest.New(t, events.Module, global.Module, streams.Module, crypto.Module)
}

func TestKeysOfEveryAlgorithm(t *testing.T) {
	e := newEnv(t)
	for _, c := range []struct{ algorithm, usages string }{
		{`{ name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 1024, publicExponent: new Uint8Array([1, 0, 1]) }`, `['sign', 'verify']`},
		{`{ name: 'RSA-PSS', hash: 'SHA-1', modulusLength: 1024, publicExponent: new Uint8Array([3]) }`, `['sign', 'verify']`},
		{`{ name: 'RSA-PSS', hash: 'SHA-256', modulusLength: 640, publicExponent: new Uint8Array([3]) }`, `['sign', 'verify']`},
		{`{ name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-1', modulusLength: 512, publicExponent: new Uint8Array([1, 0, 1]) }`, `['sign', 'verify']`},
		{`{ name: 'ECDSA', namedCurve: 'P-256' }`, `['sign', 'verify']`},
		{`{ name: 'ECDSA', namedCurve: 'P-384' }`, `['sign', 'verify']`},
		{`{ name: 'ECDSA', namedCurve: 'P-521' }`, `['sign', 'verify']`},
		{`{ name: 'Ed25519' }`, `['sign', 'verify']`},
		{`{ name: 'NODE-ED25519', namedCurve: 'NODE-ED25519' }`, `['sign', 'verify']`},
	} {
		// The keys go out and come back in every format, and sign for each other.
		e.Want(tools+`const a = `+c.algorithm+`, pair = await s.generateKey(a, true, `+c.usages+`), data = text('signed'), use = { ...a, hash: a.hash ?? 'SHA-256', saltLength: 20 };
const privates = [pair.privateKey], publics = [pair.publicKey], out = [];
for (const f of ['pkcs8', 'jwk']) privates.push(await s.importKey(f, await s.exportKey(f, pair.privateKey), a, true, ['sign']));
for (const f of ['spki', 'jwk']) publics.push(await s.importKey(f, await s.exportKey(f, pair.publicKey), a, true, ['verify']));
if (!a.modulusLength) publics.push(await s.importKey('raw', await s.exportKey('raw', pair.publicKey), a, true, ['verify']));
for (const x of privates) { const sig = await s.sign(use, x, data); for (const y of publics) out.push(await s.verify(use, y, sig, data), !(await s.verify(use, y, sig, text('other')))) }
if (a.modulusLength) { const { p, q, dp, dq, qi, ...bare } = await s.exportKey('jwk', pair.privateKey); const again = await s.importKey('jwk', bare, a, true, ['sign']); out.push((await s.exportKey('jwk', again)).p === p) }
return out.every(x => x) && out.length >= 18`, `true`)
	}
}

func TestEncryptionWithRSA(t *testing.T) {
	e := newEnv(t)
	for _, size := range []string{"512", "1024"} {
		e.Want(tools+`const a = { name: 'RSA-OAEP', hash: 'SHA-1', modulusLength: `+size+`, publicExponent: new Uint8Array([1, 0, 1]) }, p = await s.generateKey(a, true, ['encrypt', 'decrypt']), out = [];
for (const label of [undefined, text('label')]) for (const n of [0, 1, `+size+` / 8 - 42]) {
	const c = new Uint8Array(await s.encrypt({ name: 'RSA-OAEP', label }, p.publicKey, new Uint8Array(n).fill(9)));
	out.push(hex(await s.decrypt({ name: 'RSA-OAEP', label }, p.privateKey, c)) === '09'.repeat(n));
	c[c.length - 1] ^= 1;
	out.push(await s.decrypt({ name: 'RSA-OAEP', label }, p.privateKey, c).catch(e => e.name === 'OperationError'));
	out.push(await s.decrypt({ name: 'RSA-OAEP', label: text('x') }, p.privateKey, c).catch(e => e.name === 'OperationError'));
}
out.push(await s.encrypt('RSA-OAEP', p.publicKey, new Uint8Array(`+size+` / 8 - 41)).catch(e => e.name === 'OperationError'));
return out.every(x => x === true)`, `true`)
	}
}

func TestWhatAKeySaysOfItself(t *testing.T) {
	e := newStreamsEnv(t)
	e.Want(tools+`const k = await s.generateKey({ name: 'aes-gcm', length: 256 }, false, ['decrypt', 'encrypt', 'encrypt']);
return JSON.stringify([k, Object.keys(k), k instanceof CryptoKey, String(k)])`,
		`[{"usages":["encrypt","decrypt"],"algorithm":{"name":"AES-GCM","length":256},"extractable":false,"type":"secret"},["usages","algorithm","extractable","type"],true,"[object CryptoKey]"]`)
	// Scripts change their copy only.
	e.Want(tools+`'use strict'; const k = await s.generateKey({ name: 'HMAC', hash: 'SHA-1' }, false, ['sign']);
k.algorithm.name = 'AES-GCM'; k.usages.push('verify'); Object.defineProperty(k, 'extractable', { value: true });
return [await s.exportKey('raw', k).catch(e => e.message), (await s.sign('HMAC', k, text('x'))).byteLength, await s.verify('HMAC', k, text('x'), text('x')).catch(e => e.name)]`,
		`["Attempt to export non-extractable HMAC key.",20,"InvalidAccessError"]`)
	e.WantError(tools+`structuredClone(await s.generateKey('Ed25519', true, ['sign']).then(p => p.publicKey))`, `DataCloneError: Could not serialize object of type "CryptoKey". This type does not support serialization.`)
	e.WantError(`CryptoKey()`, `TypeError: Illegal constructor`)
	e.WantError(`await crypto.subtle.sign('HMAC', { type: 'secret', usages: ['sign'], algorithm: { name: 'HMAC' } }, new Uint8Array(1))`, `TypeError: Failed to execute 'sign' on 'SubtleCrypto': parameter 2 is not of type 'CryptoKey'.`)
}

func TestArgumentsOfSubtle(t *testing.T) {
	e := newEnv(t)
	for source, want := range map[string]string{
		`s.encrypt()`: `TypeError: Failed to execute 'encrypt' on 'SubtleCrypto': parameter 1 is not of type 'string or EncryptAlgorithm'.`,
		`s.encrypt({ name: 'AES-GCM', iv: 'x' }, k, d)`:                                   `TypeError: Incorrect type for the 'iv' field on 'EncryptAlgorithm': the provided value is not of type 'BufferSource'.`,
		`s.encrypt({ name: 'AES-GCM', iv: d, tagLength: 2 ** 40 }, k, d)`:                 `TypeError: AES-GCM tagLength is outside the integer range.`,
		`s.encrypt({ name: 'AES-CBC', iv: d }, k, d)`:                                     `InvalidAccessError: Requested algorithm "AES-CBC" does not match this CryptoKey's algorithm "AES-GCM".`,
		`s.decrypt('AES-GCM', k, d)`:                                                      `InvalidAccessError: Requested key usage "decrypt" does not match any usage listed in this CryptoKey.`,
		`s.generateKey('AES-GCM', true, 'encrypt')`:                                       `TypeError: Failed to execute 'generateKey' on 'SubtleCrypto': parameter 3 is not of type 'Array'.`,
		`s.generateKey('x', true, [])`:                                                    `NotSupportedError: Unrecognized key generation algorithm "x" requested.`,
		`s.generateKey({ name: 'AES-GCM', length: 2 ** 31 }, true, [])`:                   `TypeError: Value out of range. Must be between -2147483648 and 2147483647 (inclusive).`,
		`s.generateKey({ name: 'HMAC', hash: 'SHA-1', length: 2 ** 30 }, true, ['sign'])`: `OperationError: HMAC key length must be at most 1048576 bits (requested 1073741824).`,
		`s.generateKey({ name: 'RSA-PSS', hash: 'SHA-1', modulusLength: 16512, publicExponent: new Uint8Array([3]) }, true, ['sign'])`:               `OperationError: The modulus length must be a multiple of 8 and between 256 and 16k, but 16512 was requested.`,
		`s.generateKey({ name: 'RSA-PSS', hash: 'SHA-1', modulusLength: 1024, publicExponent: new Uint8Array([5]) }, true, ['sign'])`:                `OperationError: The "publicExponent" must be either 3 or 65537, but got 5.`,
		`s.generateKey('AES-GCM', true, Array(2000).fill('encrypt'))`:                                                                                `RangeError: The list of usages is too long.`,
		`s.importKey('what', d, 'AES-GCM', true, ['encrypt'])`:                                                                                       `NotSupportedError: Unrecognized key import format "what".`,
		`s.importKey('raw', {}, 'AES-GCM', true, ['encrypt'])`:                                                                                       `TypeError: Import data provided for buffer-based import formats must be a buffer source.`,
		`s.importKey('raw', d, null, true, ['encrypt'])`:                                                                                             `TypeError: Cannot initialize ImportKeyAlgorithm with required members from an undefined or null value.`,
		`s.importKey('jwk', { kty: 'oct', k: 'AAEC', key_ops: 'x' }, 'AES-GCM', true, ['encrypt'])`:                                                  `TypeError: Incorrect type for the 'key_ops' field on 'JsonWebKey': the provided value is not of type 'Array'.`,
		`s.importKey('spki', d, { name: 'ECDSA', namedCurve: 'P-256' }, true, [])`:                                                                   `DataError: Invalid SPKI input.`,
		`s.importKey('jwk', { kty: 'RSA', n: 'AQAB', e: 'AQAB' }, { name: 'RSA-PSS', hash: 'SHA-1' }, true, [])`:                                     `OperationError: The modulus length must be a multiple of 8 and between 256 and 16k, but 24 was requested.`,
		`s.importKey('jwk', { kty: 'RSA', n: 'A'.repeat(4000), e: 'AQAB' }, { name: 'RSA-PSS', hash: 'SHA-1' }, true, [])`:                           `OperationError: The modulus length must be a multiple of 8 and between 256 and 16k, but 0 was requested.`,
		`s.importKey('jwk', { kty: 'RSA', n: '_'.repeat(4000), e: 'AQAB', d: 'AQAB' }, { name: 'RSA-PSS', hash: 'SHA-1' }, true, ['sign'])`:          `OperationError: The modulus length must be a multiple of 8 and between 256 and 16k, but 24000 was requested.`,
		`s.importKey('jwk', { kty: 'RSA', n: '_'.repeat(171) + 'w', e: 'AQABAQAB', d: 'AQAB' }, { name: 'RSA-PSS', hash: 'SHA-1' }, true, ['sign'])`: `OperationError: The "publicExponent" must be either 3 or 65537, but got a number larger than 2^32.`,
		`s.importKey('jwk', { kty: 'RSA', n: '_'.repeat(171) + 'w', e: 'AQAB', d: 'AQAB' }, { name: 'RSA-PSS', hash: 'SHA-1' }, true, ['sign'])`:     `DataError: Invalid RSA key in JSON Web Key.`,
		`s.exportKey('raw', {})`:          `TypeError: Failed to execute 'exportKey' on 'SubtleCrypto': parameter 2 is not of type 'CryptoKey'.`,
		`s.deriveBits('AES-GCM', k, 8)`:   `InvalidAccessError: Requested key usage "deriveBits" does not match any usage listed in this CryptoKey.`,
		`s.deriveBits('HKDF', h, -1)`:     `TypeError: deriveBits length must be an unsigned long integer.`,
		`s.deriveBits('HKDF', h, 2**40)`:  `TypeError: Value out of range. Must be between -2147483648 and 2147483647 (inclusive).`,
		`s.wrapKey('raw', k, k, 'AES-X')`: `InvalidAccessError: Requested algorithm "AES-X" does not match this CryptoKey's algorithm "AES-GCM".`,
		`s.unwrapKey('raw', 'x', k)`:      `TypeError: Failed to execute 'unwrapKey' on 'SubtleCrypto': parameter 2 is not of type 'BufferSource'.`,
	} {
		e.WantError(tools+`const d = new Uint8Array(16), k = await raw(d, 'AES-GCM', 'encrypt'), h = await raw(d, 'HKDF', 'deriveBits'); await `+source, want)
	}
	// They are rejected, never thrown.
	e.Want(tools+`const out = []; for (const name of Object.keys(SubtleCrypto.prototype)) { if (name === 'timingSafeEqual') continue; try { s[name]().catch(() => {}); } catch (e) { out.push(name) } } return out`, `[]`)
}

// TestLongWorkRunsBesideTheLoop: the loop goes on while a key is being derived.
func TestLongWorkRunsBesideTheLoop(t *testing.T) {
	e := newEnv(t)
	e.Want(tools+`const k = await raw(new Uint8Array(1), 'PBKDF2', 'deriveBits', 'deriveKey'), a = { name: 'PBKDF2', hash: 'SHA-256', salt: new Uint8Array(8), iterations: 20000 };
const order = [], bits = s.deriveBits(a, k, 256).then(b => order.push(b.byteLength)), made = s.deriveKey(a, k, { name: 'AES-GCM', length: 128 }, true, ['encrypt']).then(k => order.push(k.algorithm.length));
a.salt.fill(1);
for (let i = 0; i < 5; i++) await null;
order.push('turn'); await bits; await made;
return [order[0], ...order.slice(1).sort((a, b) => a - b)].join()`, `turn,32,128`) // which derivation ends first is chance
}

func TestDerivationStopsWithItsContext(t *testing.T) {
	e := newEnv(t)
	c := e.Context()
	begun, done := make(chan struct{}), make(chan error, 1)
	e.OnLoop(func() {
		c.Run(func(js *isolate.JS) {
			_, err := crypto.Long(js, func(stop crypt.Stop) (int, error) {
				close(begun)
				for {
					if err := stop(); err != nil {
						done <- err
						return 0, err
					}
				}
			}, nil)
			if err != nil {
				t.Error(err)
			}
		})
	})
	<-begun // work that has not begun when its context goes never does
	e.OnLoop(func() { c.Abort(errors.New("gone")) })
	if err := <-done; err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

func TestIterationsAreBounded(t *testing.T) {
	set, err := limits.Parse("crypto.iterations=100000")
	if err != nil {
		t.Fatal(err)
	}
	e := jstest.NewWith(t, jstest.Options{Limits: isolate.Limits{Bounds: set}, Modules: []bind.Module{events.Module, crypto.Module}})
	e.WantError(tools+`await s.deriveBits({ name: 'PBKDF2', hash: 'SHA-1', salt: new Uint8Array(1), iterations: 100001 }, await raw(new Uint8Array(1), 'PBKDF2', 'deriveBits'), 8)`,
		`NotSupportedError: Pbkdf2 failed: iteration counts above 100000 are not supported (requested 100001).`)
	e.WantError(tools+`await s.deriveBits({ name: 'PBKDF2', hash: 'SHA-1', salt: new Uint8Array(1), iterations: 1 }, await raw(new Uint8Array(1), 'PBKDF2', 'deriveBits'), 255 * 160 + 8)`,
		`OperationError: Pbkdf2 failed: derived key length exceeds maximum for this hash`)
}

// TestKeysComeFromTheHost: the same random bytes make the same keys, so that a run can
// be repeated.
func TestKeysComeFromTheHost(t *testing.T) {
	for _, algorithm := range []string{
		`{ name: 'ECDSA', namedCurve: 'P-521' }`, `'Ed25519'`, `{ name: 'RSA-PSS', hash: 'SHA-1', modulusLength: 512, publicExponent: new Uint8Array([3]) }`,
		`{ name: 'HMAC', hash: 'SHA-1' }`,
	} {
		var keys [2]string
		for i := range keys {
			e := jstest.NewWith(t, jstest.Options{Host: newSeeded(), Modules: []bind.Module{events.Module, crypto.Module}})
			var err error
			keys[i], err = e.Eval(tools + `const k = await s.generateKey(` + algorithm + `, true, ['sign']); return JSON.stringify(await s.exportKey('jwk', k.privateKey ?? k))`)
			if err != nil {
				t.Fatal(err)
			}
		}
		if keys[0] != keys[1] {
			t.Errorf("%s: %s and %s", algorithm, keys[0], keys[1])
		}
	}
}

func TestGlobalScopeHasKeysThatNeedNoContext(t *testing.T) {
	e := newEnv(t)
	for source, want := range map[string]string{
		`crypto.subtle.generateKey('Ed25519', true, ['sign'])`: "",
		`crypto.subtle.generateKey({ name: 'RSA-PSS', hash: 'SHA-1', modulusLength: 512, publicExponent: new Uint8Array([3]) }, true, ['sign'])`:             "",
		`crypto.subtle.generateKey({ name: 'AES-GCM', length: 128 }, true, ['encrypt'])`:                                                                     "Disallowed operation called within global scope.",
		`crypto.subtle.importKey('raw', new Uint8Array(1), 'PBKDF2', false, ['deriveBits'])`:                                                                 "",
		`new Promise((_, no) => no(new Error('Disallowed operation called within global scope. Not really: this shows that the test looks at rejections')))`: "Disallowed operation called within global scope.",
	} {
		got := ""
		e.OnLoop(func() {
			err := e.Realm.Run(nil, func(js *isolate.JS) {
				v, err := js.Runtime().RunString(source)
				if err != nil {
					t.Error(err)
					return
				}
				js.OnSettled(v, func(_ *isolate.JS, _ goja.Value, err error) {
					if err != nil {
						got = err.Error()
					}
				})
			})
			if err != nil {
				t.Error(err)
			}
		})
		if (want == "") != (got == "") || want != "" && !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", source, got, want)
		}
	}
}

// TestDigestStream uses the check values of the catalogues of checksums.
func TestDigestStream(t *testing.T) {
	e := newStreamsEnv(t)
	for name, want := range map[string]string{
		"md5":       "25f9e794323b453885f5181f1b624d0b",
		"SHA-256":   "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
		"crc32":     "cbf43926",
		"CRC32C":    "e3069283",
		"crc64nvme": "ae8b14860a799888",
	} {
		e.Want(tools+`const d = new crypto.DigestStream('`+name+`'), w = d.getWriter(); await w.write('12'); await w.write(text('34').buffer); await w.write(new DataView(text('xx56789').buffer, 2)); await w.write(''); await w.close(); return [hex(await d.digest), String(d.bytesWritten), typeof d.bytesWritten, d.digest === d.digest, d instanceof WritableStream]`,
			`["`+want+`","9","bigint",true,true]`)
	}
	e.Want(tools+`const d = new crypto.DigestStream('SHA-1'); await new ReadableStream({ start(c) { c.enqueue('a'); c.enqueue(text('bc')); c.close() } }).pipeTo(d); return hex(await d.digest)`, `a9993e364706816aba3e25717850c26c9cd0d89d`)
	e.WantError(`new crypto.DigestStream()`, `TypeError: Failed to construct 'DigestStream': constructor parameter 1 is not of type 'string or HashAlgorithm'.`)
	e.WantError(`new crypto.DigestStream('x')`, `NotSupportedError: Unrecognized or unimplemented digest algorithm requested.`)
	e.WantError(`const d = new crypto.DigestStream('md5'); d.digest.catch(() => {}); await d.getWriter().write(5)`, `TypeError: DigestStream is a byte stream but received an object of non-ArrayBuffer/ArrayBufferView/string type on its writable side.`)
	e.WantError(`const d = new crypto.DigestStream('md5'); await d.abort(new RangeError('mine')); await d.digest`, `RangeError: mine`)
	e.WantError(`const d = new crypto.DigestStream('md5'); d[Symbol.dispose](); d[Symbol.dispose](); await d.digest`, `TypeError: The DigestStream was disposed.`)
	e.WantError(`const d = new crypto.DigestStream('md5'); d.digest.catch(() => {}); d[Symbol.dispose](); await d.getWriter().write('x')`, `TypeError: The DigestStream was disposed.`)
	e.WantError(`Object.getPrototypeOf(new crypto.DigestStream('md5'))[Symbol.dispose].call({})`, "TypeError: Illegal invocation: function called with incorrect `this` reference.")
}

// seeded is a host whose random bytes are the same each time.
type seeded struct {
	isolate.Host
	source *rand.ChaCha8
}

func newSeeded() isolate.Host { return &seeded{isolate.SystemHost(), rand.NewChaCha8([32]byte{})} }

func (h *seeded) Random(p []byte) { h.source.Read(p) }

func BenchmarkDigest(b *testing.B) {
	e := newEnv(b)
	if _, err := e.Eval(`globalThis.data = new Uint8Array(1 << 20)`); err != nil {
		b.Fatal(err)
	}
	b.Run("script", func(b *testing.B) {
		b.SetBytes(1 << 20)
		if _, err := e.Eval(fmt.Sprintf(`for (let i = 0; i < %d; i++) await crypto.subtle.digest('SHA-256', data)`, b.N)); err != nil {
			b.Fatal(err)
		}
	})
	b.Run("Go", func(b *testing.B) {
		b.SetBytes(1 << 20)
		data := make([]byte, 1<<20)
		for b.Loop() {
			sha256.Sum256(data)
		}
	})
}

// A SubjectPublicKeyInfo may have its point compressed.
func TestCompressedPointsInSPKI(t *testing.T) {
	e := newEnv(t)
	e.Want(tools+`
		const out = [];
		for (const [namedCurve, size] of [['P-256', 32], ['P-384', 48], ['P-521', 66]]) {
			const { publicKey } = await s.generateKey({ name: 'ECDSA', namedCurve }, true, ['sign']);
			const der = [...new Uint8Array(await s.exportKey('spki', publicKey))], at = der.length - 2 * size - 1;
			const last = der[der.length - 1] & 1, head = der.slice(0, at).map((b) => b);
			// The lengths of the bit string, before the byte that counts unused bits, and of all of it.
			const oid = head.slice(head.indexOf(0x30, 1), head.lastIndexOf(0x03));
			const bits = [0x03, size + 2, 0, 2 + last, ...der.slice(at + 1, at + 1 + size)];
			const body = [...oid, ...bits], short = new Uint8Array([0x30, body.length, ...body]);
			const key = await s.importKey('spki', short, { name: 'ECDSA', namedCurve }, true, ['verify']);
			out.push(String(new Uint8Array(await s.exportKey('spki', key))) === String(der));
			short[short.length - size - 1] = 5;
			out.push(await s.importKey('spki', short, { name: 'ECDSA', namedCurve }, true, []).catch((e) => e.name));
		}
		return out`, `[true,"DataError",true,"DataError",true,"DataError"]`)
}

// With enable_fast_jsg_struct a JsonWebKey has all members, without it those that say
// something.
func TestMembersOfJWK(t *testing.T) {
	const members = tools + `return Object.keys(await s.exportKey('jwk', await raw(new Uint8Array(16), 'AES-GCM', 'encrypt')))`
	for flag, want := range map[string]string{
		"enable_fast_jsg_struct":  `["kty","use","key_ops","alg","ext","crv","x","y","d","n","e","p","q","dp","dq","qi","oth","k","pub","priv"]`,
		"disable_fast_jsg_struct": `["kty","key_ops","alg","ext","k"]`,
	} {
		flags, errs := compat.Parse("2026-08-01", []string{flag}, compat.Options{})
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		jstest.NewWith(t, jstest.Options{Modules: []bind.Module{events.Module, crypto.Module}, Compat: flags}).Want(members, want)
	}
}
