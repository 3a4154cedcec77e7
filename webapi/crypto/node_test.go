package crypto_test

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"workerd.local/internal/peer"
)

// crossCheck runs in node and in a script of ours. Without answers it makes keys and
// what they sign, encrypt and derive; with the other's answers it says what of them
// is wrong.
const crossCheck = `
const s = crypto.subtle, data = new Uint8Array(77).map((_, i) => i * 7), label = data.slice(0, 9), exponent = new Uint8Array([1, 0, 1]);
const hex = (b) => [...new Uint8Array(b)].map(x => x.toString(16).padStart(2, '0')).join('');
const un = (t) => Uint8Array.from(t.match(/../g) ?? [], x => parseInt(x, 16));
const hashes = ['SHA-1', 'SHA-256', 'SHA-384', 'SHA-512'];
const signatures = [
	...hashes.map(hash => ({ name: 'RSASSA-PKCS1-v1_5', hash, modulusLength: 1024, publicExponent: exponent })),
	...hashes.slice(0, 3).map((hash, i) => ({ name: 'RSA-PSS', hash, modulusLength: 1024, publicExponent: exponent, saltLength: i * 10 })),
	...['P-256', 'P-384', 'P-521'].flatMap(namedCurve => hashes.map(hash => ({ name: 'ECDSA', namedCurve, hash }))),
	{ name: 'Ed25519' },
	...hashes.map(hash => ({ name: 'HMAC', hash })),
];
const ciphers = [
	...[128, 192, 256].flatMap(length => [{ name: 'AES-CBC', length, iv: data.slice(0, 16) }, { name: 'AES-GCM', length, iv: data.slice(0, 12), additionalData: label }]),
	{ name: 'AES-GCM', length: 128, iv: data.slice(0, 31), tagLength: 96 },
	{ name: 'AES-GCM', length: 256, iv: data.slice(0, 12), tagLength: 32 },
	...hashes.slice(0, 2).map(hash => ({ name: 'RSA-OAEP', hash, modulusLength: 1024, publicExponent: exponent, label, size: 20 })),
];
const formats = (a) => a.name === 'HMAC' || a.name.startsWith('AES') ? [['raw', 'jwk'], null] : [['spki', 'jwk', ...(a.namedCurve || /25519/.test(a.name) ? ['raw'] : [])], ['pkcs8', 'jwk']];
const out = async (f, k) => { const x = await s.exportKey(f, k); return f === 'jwk' ? JSON.stringify(x) : hex(x); };
const into = (f, x, a, usages) => s.importKey(f, f === 'jwk' ? JSON.parse(x) : un(x), a, true, usages);
const exported = async (a, k) => { const [pub, priv] = formats(a); return priv ? { public: await Promise.all(pub.map(f => out(f, k.publicKey))), private: await Promise.all(priv.map(f => out(f, k.privateKey))) } : { secret: await Promise.all(pub.map(f => out(f, k))) }; };
const counters = [[8, 250], [3, 0xfe], [64, 255], [128, 255], [13, 255]].map(([length, last]) => { const counter = new Uint8Array(16).fill(0xff); counter[15] = last; return { name: 'AES-CTR', length, counter }; });
async function make() {
	const r = { sign: [], cipher: [], other: [] };
	for (const a of signatures) {
		const k = await s.generateKey(a, true, ['sign', 'verify']);
		r.sign.push({ key: await exported(a, k), signature: hex(await s.sign(a, k.privateKey ?? k, data)) });
	}
	for (const a of ciphers) {
		const k = await s.generateKey(a, true, ['encrypt', 'decrypt']);
		r.cipher.push({ key: await exported(a, k), text: hex(await s.encrypt(a, k.publicKey ?? k, data.slice(0, a.size ?? 77))) });
	}
	// What every implementation must give.
	const raw = (name, usages, n = 16, ext = true) => s.importKey('raw', data.slice(0, n), name, ext, usages);
	for (const c of counters) r.other.push(hex(await s.encrypt(c, await raw('AES-CTR', ['encrypt']), data.slice(0, 70))));
	for (const hash of hashes) for (const n of [8, 256, 1000]) {
		r.other.push(hex(await s.deriveBits({ name: 'HKDF', hash, salt: data, info: label }, await raw('HKDF', ['deriveBits'], 20, false), n)));
		r.other.push(hex(await s.deriveBits({ name: 'PBKDF2', hash, salt: data, iterations: 700 }, await raw('PBKDF2', ['deriveBits'], 20, false), n)));
		r.other.push(hex(await s.digest(hash, data.slice(0, n / 8))));
	}
	r.other.push(hex(await s.wrapKey('raw', await raw({ name: 'HMAC', hash: 'SHA-1' }, ['sign'], 24), await raw('AES-KW', ['wrapKey'], 32), 'AES-KW')));
	return r;
}
async function check(theirs) {
	const wrong = [];
	const expect = (ok, ...what) => { if (!ok) wrong.push(what.join(' ')); };
	for (const [i, a] of signatures.entries()) {
		const { key, signature } = theirs.sign[i], [pub, priv] = formats(a);
		if (priv === null) for (const [j, f] of pub.entries()) expect(await s.verify(a, await into(f, key.secret[j], a, ['verify']), un(signature), data), a.name, a.hash, f);
		else {
			for (const [j, f] of pub.entries()) expect(await s.verify(a, await into(f, key.public[j], a, ['verify']), un(signature), data), a.name, a.hash, a.namedCurve, f);
			for (const [j, f] of priv.entries()) { const k = await into(f, key.private[j], a, ['sign']); expect((await s.sign(a, k, data)).byteLength === signature.length / 2, a.name, 'size', f); expect(await out('pkcs8', k) === key.private[0], a.name, a.namedCurve, 'pkcs8 of', f); }
		}
	}
	for (const [i, a] of ciphers.entries()) {
		const { key, text } = theirs.cipher[i], [pub, priv] = formats(a), list = priv ? key.private : key.secret;
		for (const [j, f] of (priv ?? pub).entries()) expect(hex(await s.decrypt(a, await into(f, list[j], a, ['decrypt']), un(text))) === hex(data.slice(0, a.size ?? 77)), a.name, a.length, a.hash, f);
	}
	const ours = (await make()).other;
	for (const [i, x] of ours.entries()) expect(x === theirs.other[i], 'value', i);
	return wrong;
}
`

// node runs source in node; the test is skipped where there is none.
func node(t *testing.T, source, input string) string {
	t.Helper()
	path := peer.Node(t)
	cmd := exec.Command(path, "--input-type=module", "-e", source)
	cmd.Stdin = strings.NewReader(input)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// TestNodeAgrees lets node check what scripts here make, and scripts here what node
// makes, in all formats of keys.
func TestNodeAgrees(t *testing.T) {
	theirs := node(t, crossCheck+`console.log(JSON.stringify(await make()))`, "")
	e := newEnv(t)
	e.Want(crossCheck+`return check(JSON.parse(`+strconv.Quote(strings.TrimSpace(theirs))+`))`, `[]`)
	ours, err := e.Eval(crossCheck + `return JSON.stringify(await make())`)
	if err != nil {
		t.Fatal(err)
	}
	got := node(t, `import { readFileSync } from 'node:fs';`+crossCheck+`console.log(JSON.stringify(await check(JSON.parse(readFileSync(0)))))`, ours)
	if strings.TrimSpace(got) != `[]` {
		t.Errorf("node says: %s", got)
	}
}
