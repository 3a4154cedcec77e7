package crypto_test

import (
	"testing"
)

// tools are functions that the sources of the tests use.
const tools = `const s = crypto.subtle;
const hex = (b) => [...new Uint8Array(b)].map(x => x.toString(16).padStart(2, '0')).join('');
const un = (t) => Uint8Array.from(t.replace(/\s/g, '').match(/../g) ?? [], x => parseInt(x, 16));
const text = (t) => Uint8Array.from(t, c => c.charCodeAt(0));
const raw = (key, alg, ...usages) => s.importKey('raw', key, alg, !/KDF/.test(alg.name ?? alg), usages);
const url = (h) => un(h).toBase64({ alphabet: 'base64url', omitPadding: true });
`

// TestPublishedVectors checks against numbers of the standards themselves.
func TestPublishedVectors(t *testing.T) {
	e := newEnv(t)
	for _, v := range map[string]struct{ source, want string }{
		"HMAC of RFC 4231, case 2": {`hex(await s.sign('HMAC', await raw(text('Jefe'), { name: 'HMAC', hash: 'SHA-256' }, 'sign'), text('what do ya want for nothing?')))`,
			"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
		"HMAC of RFC 4231, case 6": {`hex(await s.sign('HMAC', await raw(new Uint8Array(131).fill(0xaa), { name: 'HMAC', hash: 'SHA-512' }, 'sign'), text('Test Using Larger Than Block-Size Key - Hash Key First')))`,
			"80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f3526b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598"},
		"AES-CBC of SP 800-38A, F.2.1": {`hex(await s.encrypt({ name: 'AES-CBC', iv: un('000102030405060708090a0b0c0d0e0f') }, await raw(un('2b7e151628aed2a6abf7158809cf4f3c'), 'AES-CBC', 'encrypt'), un('6bc1bee22e409f96e93d7e117393172a'))).slice(0, 32)`,
			"7649abac8119b246cee98e9b12e9197d"},
		"AES-CTR of SP 800-38A, F.5.5": {`hex(await s.encrypt({ name: 'AES-CTR', counter: un('f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff'), length: 64 }, await raw(un('603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4'), 'AES-CTR', 'encrypt'), un('6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51')))`,
			"601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5"},
		"AES-GCM, test case 4": {`hex(await s.encrypt({ name: 'AES-GCM', iv: un('cafebabefacedbaddecaf888'), additionalData: un('feedfacedeadbeeffeedfacedeadbeefabaddad2') }, await raw(un('feffe9928665731c6d6a8f9467308308'), 'AES-GCM', 'encrypt'), un('d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39')))`,
			"42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e0915bc94fbc3221a5db94fae95ae7121a47"},
		"AES-GCM, test case 6": {`hex(await s.encrypt({ name: 'AES-GCM', iv: un('9313225df88406e555909c5aff5269aa6a7a9538534f7da1e4c303d2a318a728c3c0c95156809539fcf0e2429a6b525416aedbf5a0de6a57a637b39b'), additionalData: un('feedfacedeadbeeffeedfacedeadbeefabaddad2') }, await raw(un('feffe9928665731c6d6a8f9467308308'), 'AES-GCM', 'encrypt'), un('d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39'))).slice(-32)`,
			"619cc5aefffe0bfa462af43c1699d050"},
		"AES-KW of RFC 3394, 4.1": {`hex(await s.wrapKey('raw', await raw(un('00112233445566778899aabbccddeeff'), 'AES-GCM', 'encrypt'), await raw(un('000102030405060708090a0b0c0d0e0f'), 'AES-KW', 'wrapKey'), 'AES-KW'))`,
			"1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5"},
		"AES-KW of RFC 3394, 4.6": {`hex(await s.exportKey('raw', await s.unwrapKey('raw', un('28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21'), await raw(un('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f'), 'AES-KW', 'unwrapKey'), 'AES-KW', 'AES-GCM', true, ['encrypt'])))`,
			"00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f"},
		"HKDF of RFC 5869, A.1": {`hex(await s.deriveBits({ name: 'HKDF', hash: 'SHA-256', salt: un('000102030405060708090a0b0c'), info: un('f0f1f2f3f4f5f6f7f8f9') }, await raw(new Uint8Array(22).fill(11), 'HKDF', 'deriveBits'), 336))`,
			"3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
		"HKDF of RFC 5869, A.7": {`hex(await s.deriveBits({ name: 'HKDF', hash: 'SHA-1', salt: un(''), info: un('') }, await raw(new Uint8Array(22).fill(12), 'HKDF', 'deriveBits'), 336))`,
			"2c91117204d745f3500d636a62f64f0ab3bae548aa53d423b0d1f27ebba6f5e5673a081d70cce7acfc48"},
		"PBKDF2 of RFC 6070": {`hex(await s.deriveBits({ name: 'PBKDF2', hash: 'SHA-1', salt: text('saltSALTsaltSALTsaltSALTsaltSALTsalt'), iterations: 4096 }, await raw(text('passwordPASSWORDpassword'), 'PBKDF2', 'deriveBits'), 200))`,
			"3d2eec4fe41c849b80c8d83662c0e44a8b291a964cf2f07038"},
		"PBKDF2 of RFC 7914": {`hex(await s.deriveBits({ name: 'PBKDF2', hash: 'SHA-256', salt: text('salt'), iterations: 1 }, await raw(text('passwd'), 'PBKDF2', 'deriveBits'), 512))`,
			"55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783"},
		"Ed25519 of RFC 8032, test 3": {`hex(await s.sign('Ed25519', await s.importKey('jwk', { kty: 'OKP', crv: 'Ed25519', x: url('fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025'), d: url('c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7') }, 'Ed25519', false, ['sign']), un('af82')))`,
			"6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"},
		"X25519 of RFC 7748, 6.1": {`hex(await s.deriveBits({ name: 'X25519', public: await s.importKey('raw', un('de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f'), 'X25519', true, []) }, await s.importKey('jwk', { kty: 'OKP', crv: 'X25519', x: url('8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a'), d: url('77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a') }, 'X25519', false, ['deriveBits']), 256))`,
			"4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"},
		"ECDSA of RFC 6979, A.2.5": {`hex(await s.sign({ name: 'ECDSA', hash: 'SHA-256' }, await s.importKey('jwk', { kty: 'EC', crv: 'P-256', x: url('60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6'), y: url('7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299'), d: url('c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721') }, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']), text('sample')))`,
			"efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"},
		"ECDH of RFC 5903, 8.1": {`hex(await s.deriveBits({ name: 'ECDH', public: await s.importKey('raw', un('04d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf6356fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab'), { name: 'ECDH', namedCurve: 'P-256' }, true, []) }, await s.importKey('jwk', { kty: 'EC', crv: 'P-256', x: url('dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180'), y: url('5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3'), d: url('c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433') }, { name: 'ECDH', namedCurve: 'P-256' }, false, ['deriveBits']), 256))`,
			"d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de"},
	} {
		e.Want(tools+`return `+v.source, v.want)
	}
}

func TestCountersWrapAround(t *testing.T) {
	e := newEnv(t)
	// Every length is compared with what single blocks give.
	e.Want(tools+`const k = await raw(new Uint8Array(16), 'AES-CTR', 'encrypt', 'decrypt'), blocks = 5, data = new Uint8Array(16 * blocks - 3);
const wrong = [];
for (const length of [3, 7, 8, 9, 63, 64, 65, 72, 127, 128]) {
	const counter = new Uint8Array(16).fill(0xff);
	counter[15] = 0xfd;
	const got = hex(await s.encrypt({ name: 'AES-CTR', counter, length }, k, data));
	let want = '', c = counter.slice();
	for (let i = 0; i < blocks; i++) {
		want += hex(await s.encrypt({ name: 'AES-CTR', counter: c, length: 128 }, k, new Uint8Array(16)));
		let n = BigInt('0x' + hex(c)), mask = (1n << BigInt(length)) - 1n;
		n = (n & ~mask) | ((n + 1n) & mask);
		c = un(n.toString(16).padStart(32, '0'));
	}
	if (got !== want.slice(0, got.length)) wrong.push(length);
	if (counter[15] !== 0xfd) wrong.push('counter changed');
}
return wrong`, `[]`)
}

func TestShortTagsOfGCM(t *testing.T) {
	e := newEnv(t)
	e.Want(tools+`const k = await raw(new Uint8Array(16), 'AES-GCM', 'encrypt', 'decrypt'), out = [];
for (const tagLength of [32, 64, 96, 104, 112, 120, 128]) for (const ivSize of [1, 12, 16]) for (const size of [0, 5, 16, 33]) {
	const a = { name: 'AES-GCM', iv: new Uint8Array(ivSize).fill(3), tagLength, additionalData: text('aad') }, data = new Uint8Array(size).fill(7);
	const c = new Uint8Array(await s.encrypt(a, k, data));
	if (c.length !== size + tagLength / 8 || hex(await s.decrypt(a, k, c)) !== hex(data)) out.push([tagLength, ivSize, size]);
	c[c.length - 1] ^= 1;
	try { await s.decrypt(a, k, c); out.push('accepted') } catch (e) { if (e.name !== 'OperationError') out.push(e.name) }
}
return out`, `[]`)
}
