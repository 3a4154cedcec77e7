// What node:crypto must give wherever it runs: answers(crypto, Buffer, files) is an object
// of texts. make and check are for what has chance in it: the one makes, the other checks.

const digests = ["md5", "sha1", "sha224", "sha256", "sha384", "sha512", "RSA-SHA256", "SHA-512"];
const ciphers = ["aes-128-cbc", "aes-192-cbc", "aes-256-cbc", "aes-128-ctr", "aes-256-ctr", "aes-128-ecb", "aes-256-ecb", "aes-128-ofb", "aes-256-ofb", "des-ede3-cbc"];
const aeads = ["aes-128-gcm", "aes-192-gcm", "aes-256-gcm", "chacha20-poly1305"];

async function answers(crypto, Buffer, files) {
	const out = {};
	const data = Buffer.from(Array.from({ length: 300 }, (_, i) => (i * 7 + (i >> 3)) & 255));
	const say = (v) => Buffer.isBuffer(v) || v instanceof Uint8Array ? Buffer.from(v).toString("hex") : v instanceof ArrayBuffer ? "ab " + Buffer.from(v).toString("hex")
		: v instanceof Error ? `${v.name} ${v.code}` : typeof v === "string" ? v : typeof v === "bigint" ? `${v}n` : JSON.stringify(v, (_, x) => typeof x === "bigint" ? `${x}n` : x);
	const tell = (name, f) => { try { out[name] = say(f()); } catch (e) { out[name] = `throws ${e.name} ${e.code ?? ""}`; } };
	const called = (f, ...args) => new Promise((ok) => { f(...args, (err, ...v) => ok(err ? `error ${err.name}` : v.length > 1 ? v : v[0])); });

	// Hashes.
	for (const d of digests) {
		tell(`hash ${d}`, () => crypto.createHash(d).update("rake ").update(data).update(data.subarray(3, 77)).digest());
		tell(`hmac ${d}`, () => crypto.createHmac(d, data.subarray(0, 70)).update(data).digest("base64"));
		tell(`hmac of a long key ${d}`, () => crypto.createHmac(d, data).update("x").digest("base64url"));
	}
	tell("hash encodings", () => ["hex", "base64", "latin1", "base64url"].map((e) => crypto.createHash("sha1").update("616263", "hex").digest(e)));
	tell("copy", () => { const a = crypto.createHash("sha256").update("a"), b = a.copy(); a.update("b"); return [a.digest("hex"), b.digest("hex")]; });
	tell("no such hash", () => crypto.createHash("sha257"));
	tell("no such hmac", () => crypto.createHmac("sha257", "k"));
	tell("digest twice", () => { const h = crypto.createHash("md5"); h.digest(); h.digest(); });
	tell("update after digest", () => { const h = crypto.createHash("md5"); h.digest(); h.update("x"); });
	tell("hmac digest twice", () => { const h = crypto.createHmac("md5", ""); h.digest(); return h.digest("hex"); });
	tell("update with a number", () => crypto.createHash("md5").update(5));
	tell("hmac with a number", () => crypto.createHmac("md5", 5));
	if (crypto.hash) tell("hash at once", () => [crypto.hash("sha1", "abc"), crypto.hash("md5", data, "base64")]);
	out["hash as a stream"] = await new Promise((ok) => {
		const h = crypto.createHash("sha256");
		h.on("readable", () => { const v = h.read(); if (v) ok(v.toString("hex")); });
		h.write("rake"); h.write(data); h.end(" hoe");
	});

	// Keys from secrets.
	for (const d of ["sha1", "sha256", "sha512"]) {
		tell(`pbkdf2 ${d}`, () => crypto.pbkdf2Sync("spade", data.subarray(0, 20), 77, 100, d));
		tell(`hkdf ${d}`, () => crypto.hkdfSync(d, data.subarray(0, 33), "salt", "info", 90));
	}
	tell("scrypt", () => crypto.scryptSync("spade", "NaCl", 64));
	tell("scrypt with parameters", () => crypto.scryptSync("spade", data, 33, { N: 1024, r: 3, p: 4 }));
	tell("scrypt with odd costs", () => crypto.scryptSync("a", "b", 8, { N: 3 }));
	tell("scrypt with two names", () => crypto.scryptSync("a", "b", 8, { N: 4, cost: 4 }));
	tell("pbkdf2 without a digest", () => crypto.pbkdf2Sync("a", "b", 1, 8));
	tell("pbkdf2 of no iterations", () => crypto.pbkdf2Sync("a", "b", 0, 8, "md5"));
	tell("hkdf of a long info", () => crypto.hkdfSync("md5", "a", "", Buffer.alloc(1025), 8));
	tell("hkdf with a key", () => crypto.hkdfSync("sha256", crypto.createSecretKey(data), "", "", 8));
	out["pbkdf2 late"] = say(await called(crypto.pbkdf2, "spade", "salt", 3, 20, "sha256"));
	out["hkdf late"] = say(await called(crypto.hkdf, "sha256", "spade", "salt", "", 20));
	out["scrypt late"] = say(await called(crypto.scrypt, "spade", "salt", 20));
	out["scrypt late with costs"] = say(await called(crypto.scrypt, "spade", "salt", 20, { cost: 2, blockSize: 1, parallelization: 2 }));

	// Ciphers.
	for (const name of ciphers) {
		const { keyLength, ivLength = 0 } = crypto.getCipherInfo(name);
		const key = data.subarray(9, 9 + keyLength), iv = ivLength ? data.subarray(50, 50 + ivLength) : null;
		tell(`${name} info`, () => { const { mode, blockSize = 0 } = crypto.getCipherInfo(name); return [mode, blockSize, keyLength, ivLength]; });
		tell(name, () => { const c = crypto.createCipheriv(name, key, iv); return Buffer.concat([c.update(data.subarray(0, 5)), c.update(data.subarray(5, 77)), c.update(""), c.update("more", "utf8"), c.final()]); });
		tell(`${name} there and back`, () => {
			const c = crypto.createCipheriv(name, key, iv), d = crypto.createDecipheriv(name, key, iv);
			const text = c.update(data, null, "base64") + c.final("base64");
			return Buffer.concat([d.update(text, "base64"), d.final()]).equals(data);
		});
		tell(`${name} without padding`, () => { const c = crypto.createCipheriv(name, key, iv).setAutoPadding(false); return Buffer.concat([c.update(data.subarray(0, 48)), c.final()]); });
	}
	tell("cbc, part of a block", () => { const c = crypto.createCipheriv("aes-128-cbc", data.subarray(0, 16), data.subarray(0, 16)).setAutoPadding(false); c.update("x"); try { c.final(); return "none"; } catch { return "thrown"; } });
	tell("cbc, damaged", () => { const c = crypto.createDecipheriv("aes-128-cbc", data.subarray(0, 16), data.subarray(0, 16)); c.update(data.subarray(0, 32)); try { c.final(); return "none"; } catch { return "thrown"; } });
	for (const name of aeads) {
		const key = data.subarray(9, 9 + crypto.getCipherInfo(name).keyLength), iv = data.subarray(100, 112);
		tell(name, () => {
			const c = crypto.createCipheriv(name, key, iv, { authTagLength: 16 });
			c.setAAD(data.subarray(0, 21));
			const text = Buffer.concat([c.update(data.subarray(0, 5)), c.update(data.subarray(5)), c.final()]), tag = c.getAuthTag();
			const d = crypto.createDecipheriv(name, key, iv, { authTagLength: 16 });
			d.setAAD(data.subarray(0, 21)); d.setAuthTag(tag);
			const back = Buffer.concat([d.update(text), d.final()]);
			return [text.toString("base64"), tag.toString("hex"), back.equals(data)];
		});
		tell(`${name}, damaged`, () => {
			const d = crypto.createDecipheriv(name, key, iv, { authTagLength: 16 });
			d.setAuthTag(Buffer.alloc(16)); d.update(data);
			try { d.final(); return "none"; } catch { return "thrown"; }
		});
	}
	tell("text of several parts", () => {
		const key = data.subarray(0, 16), c = crypto.createCipheriv("aes-128-ctr", key, key), d = crypto.createDecipheriv("aes-128-ctr", key, key);
		const parts = [c.update("žluťoučký", "utf8", "base64"), c.update("kůň", "utf8", "base64"), c.final("base64")], bytes = Buffer.from(parts.join(""), "base64");
		return [parts, d.update(bytes.subarray(0, 1), null, "utf8"), d.update(bytes.subarray(1), null, "utf8"), d.final("utf8")];
	});
	tell("another encoding on the way", () => { const c = crypto.createCipheriv("aes-128-ctr", data.subarray(0, 16), data.subarray(0, 16)); c.update("x", "utf8", "hex"); try { c.final("base64"); return "none"; } catch { return "thrown"; } });
	tell("gcm with another iv", () => { const c = crypto.createCipheriv("aes-128-gcm", data.subarray(0, 16), data.subarray(0, 50)); return [c.update("x", "utf8", "hex"), c.final("hex"), c.getAuthTag().toString("hex")]; });
	tell("gcm with a short tag", () => { const c = crypto.createCipheriv("aes-128-gcm", data.subarray(0, 16), data.subarray(0, 12), { authTagLength: 12 }); c.final(); return c.getAuthTag(); });
	out["cipher as a stream"] = await new Promise((ok) => {
		const c = crypto.createCipheriv("aes-256-cbc", data.subarray(0, 32), data.subarray(0, 16)), parts = [];
		c.on("data", (b) => parts.push(b)); c.on("end", () => ok(Buffer.concat(parts).toString("hex")));
		c.write("rake"); c.end(data);
	});
	tell("info of an id", () => { const { name, nid, mode } = crypto.getCipherInfo("aes-256-gcm"); return [name.toLowerCase(), nid, mode]; });
	tell("info of nothing", () => typeof crypto.getCipherInfo("rake"));
	tell("a cipher without a vector", () => { try { crypto.createCipheriv("aes-128-cbc", data.subarray(0, 16), null); return "none"; } catch { return "thrown"; } });

	// Keys.
	const privates = ["rsa", "ec", "ed25519", "x25519"], key = {};
	for (const n of privates) {
		const k = key[n] = crypto.createPrivateKey(files[n]), p = crypto.createPublicKey(files[n]);
		tell(`${n} key`, () => [k.type, p.type, k.asymmetricKeyType, k.asymmetricKeyDetails, p.equals(crypto.createPublicKey(k))]);
		tell(`${n} pem`, () => [k.export({ type: "pkcs8", format: "pem" }), p.export({ type: "spki", format: "pem" })]);
		tell(`${n} der`, () => [k.export({ type: "pkcs8", format: "der" }).toString("base64"), p.export({ type: "spki", format: "der" }).toString("base64")]);
		tell(`${n} jwk`, () => [k.export({ format: "jwk" }), p.export({ format: "jwk" })].map((j) => Object.keys(j).sort().map((f) => [f, j[f]])));
		tell(`${n} back from jwk`, () => [crypto.createPrivateKey({ key: k.export({ format: "jwk" }), format: "jwk" }).equals(k), crypto.createPublicKey({ key: p.export({ format: "jwk" }), format: "jwk" }).equals(p)]);
		tell(`${n} back from der`, () => [crypto.createPrivateKey({ key: k.export({ type: "pkcs8", format: "der" }), format: "der", type: "pkcs8" }).equals(k), crypto.createPublicKey({ key: p.export({ type: "spki", format: "der" }), format: "der", type: "spki" }).equals(p)]);
	}
	tell("pkcs1", () => [key.rsa.export({ type: "pkcs1", format: "pem" }), crypto.createPublicKey(files.rsa).export({ type: "pkcs1", format: "pem" })]);
	tell("pkcs1 back", () => crypto.createPrivateKey(key.rsa.export({ type: "pkcs1", format: "pem" })).equals(key.rsa));
	tell("sec1", () => key.ec.export({ type: "sec1", format: "pem" }));
	tell("sec1 back", () => crypto.createPrivateKey(key.ec.export({ type: "sec1", format: "pem" })).equals(key.ec));
	tell("keys of several kinds", () => key.ec.equals(key.rsa));
	tell("secret", () => { const k = crypto.createSecretKey(data.subarray(0, 20)); return [k.type, k.symmetricKeySize, k.export().toString("hex"), k.export({ format: "jwk" }), k.equals(crypto.createSecretKey(data.subarray(0, 20)))]; });
	tell("no key", () => crypto.createPrivateKey("rake").type);
	tell("public for private", () => { try { return crypto.createPrivateKey(crypto.createPublicKey(files.rsa).export({ type: "spki", format: "pem" })).type; } catch { return "thrown"; } });
	for (const [k, t] of [["hmac", 264], ["aes", 192]]) tell(`generateKeySync ${k}`, () => crypto.generateKeySync(k, { length: t }).symmetricKeySize);
	tell("aes of 100 bits", () => crypto.generateKeySync("aes", { length: 100 }));
	tell("a pair of what", () => crypto.generateKeyPairSync("rake"));
	tell("ec of what", () => { try { crypto.generateKeyPairSync("ec", { namedCurve: "rake" }); return "none"; } catch { return "thrown"; } });

	// Signatures without chance.
	for (const d of ["sha1", "sha256", "sha512"]) {
		tell(`sign rsa ${d}`, () => crypto.createSign(d).update(data).update("x").sign(files.rsa, "base64"));
		tell(`sign rsa ${d} at once`, () => crypto.sign(d, data, key.rsa));
		tell(`verify rsa ${d}`, () => [crypto.createVerify(d).update(data).verify(files.leaf, crypto.sign(d, data, key.rsa)), crypto.verify(d, Buffer.from("x"), key.rsa, crypto.sign(d, data, key.rsa))]);
	}
	tell("sign ed25519", () => crypto.sign(null, data, key.ed25519));
	tell("verify ed25519", () => [crypto.verify(null, data, crypto.createPublicKey(key.ed25519), crypto.sign(null, data, key.ed25519)), crypto.verify(null, data, key.ed25519, Buffer.alloc(64))]);
	tell("pss without salt", () => crypto.createSign("sha256").update("x").sign({ key: files.rsa, padding: crypto.constants.RSA_PKCS1_PSS_PADDING, saltLength: 0 }) instanceof Uint8Array);
	tell("ecdsa sizes", () => { const s = crypto.sign("sha256", data, { key: key.ec, dsaEncoding: "ieee-p1363" }); return [s.length, crypto.verify("sha256", data, { key: key.ec, dsaEncoding: "ieee-p1363" }, s)]; });
	tell("sign with nothing", () => crypto.createSign("sha256").sign());
	tell("sign with no such hash", () => { try { crypto.createSign("sha257"); return "none"; } catch { return "thrown"; } });
	tell("dsaEncoding of what", () => crypto.createSign("sha256").sign({ key: files.ec, dsaEncoding: "rake" }));
	out["sign late"] = say(await called(crypto.sign, null, data, key.ed25519));
	out["verify late"] = say(await called(crypto.verify, null, data, key.ed25519, crypto.sign(null, data, key.ed25519)));
	tell("privateEncrypt", () => crypto.privateEncrypt(key.rsa, data.subarray(0, 20)));
	tell("publicDecrypt", () => crypto.publicDecrypt(files.rsa, crypto.privateEncrypt(key.rsa, data.subarray(0, 20))));
	tell("raw rsa", () => crypto.publicEncrypt({ key: files.rsa, padding: crypto.constants.RSA_NO_PADDING }, data.subarray(1, 129)));

	// Diffie and Hellman.
	for (const g of ["modp14", "modp18"]) tell(g, () => { const d = crypto.getDiffieHellman(g); return [d.getPrime("base64"), d.getGenerator("hex"), d.verifyError]; });
	tell("a dh of one's own", () => {
		const a = crypto.createDiffieHellman(crypto.getDiffieHellman("modp14").getPrime(), 2), b = crypto.createDiffieHellman(a.getPrime("hex"), "hex", a.getGenerator("hex"), "hex");
		a.setPrivateKey(data.subarray(0, 40)); b.setPrivateKey(data.subarray(3, 50));
		const keys = [a.generateKeys("base64"), b.generateKeys("base64")];
		return [keys, a.computeSecret(keys[1], "base64", "hex"), a.computeSecret(keys[1], "base64").equals(b.computeSecret(keys[0], "base64")), a.getPrivateKey("hex"), a.verifyError];
	});
	tell("no such group", () => crypto.getDiffieHellman("modp4"));
	for (const [c, n] of [["prime256v1", 32], ["secp384r1", 48], ["secp521r1", 66]]) tell(`ecdh ${c}`, () => {
		const a = crypto.createECDH(c), b = crypto.createECDH(c), secret = Buffer.concat([Buffer.alloc(2), data]).subarray(0, n);
		a.setPrivateKey(secret); b.setPrivateKey(Buffer.concat([Buffer.from([0, 1]), data]).subarray(0, n));
		return [a.getPublicKey("base64"), a.getPublicKey("hex", "compressed"), a.getPublicKey("hex", "hybrid"), a.computeSecret(b.getPublicKey()).toString("base64"), a.getPrivateKey("hex"),
			crypto.ECDH.convertKey(a.getPublicKey("hex", "compressed"), c, "hex", "base64", "uncompressed") === a.getPublicKey("base64")];
	});
	tell("ecdh with a bad point", () => { const a = crypto.createECDH("prime256v1"); a.generateKeys(); a.computeSecret(data.subarray(0, 65)); });
	tell("stateless x25519", () => crypto.diffieHellman({ privateKey: key.x25519, publicKey: crypto.createPublicKey(files.x25519) }));
	tell("stateless ec", () => crypto.diffieHellman({ privateKey: key.ec, publicKey: crypto.createPublicKey(files.ec) }));
	tell("stateless of two kinds", () => crypto.diffieHellman({ privateKey: key.ec, publicKey: crypto.createPublicKey(files.x25519) }));

	// Certificates.
	const leaf = new crypto.X509Certificate(files.leaf), ca = new crypto.X509Certificate(Buffer.from(files.ca));
	for (const f of ["subject", "issuer", "subjectAltName", "infoAccess", "validFrom", "validTo", "fingerprint", "fingerprint256", "fingerprint512", "serialNumber", "keyUsage", "ca", "raw"]) tell(`leaf ${f}`, () => leaf[f] ?? "none");
	tell("ca", () => [ca.ca, ca.subject, ca.subjectAltName ?? null, ca.publicKey.asymmetricKeyType]);
	tell("leaf pem", () => leaf.toString() === leaf.toJSON() && leaf.toString());
	tell("leaf hosts", () => ["garden.example", "GARDEN.example", "a.shed.example", "a.b.shed.example", "shed.example", "hoe.example", ".garden.example"].map((h) => leaf.checkHost(h) ?? null));
	tell("leaf hosts without wildcards", () => leaf.checkHost("a.shed.example", { wildcards: false }) ?? null);
	tell("leaf emails", () => ["rake@garden.example", "RAKE@garden.example", "rake@GARDEN.example", "root@garden.example"].map((h) => leaf.checkEmail(h) ?? null));
	tell("leaf addresses", () => ["192.0.2.7", "192.0.2.8", "2001:db8::7", "2001:db8:0::7", "rake"].map((h) => { try { return leaf.checkIP(h) ?? null; } catch { return "thrown"; } }));
	tell("leaf keys", () => [leaf.checkPrivateKey(key.rsa), leaf.checkPrivateKey(key.ec), leaf.verify(ca.publicKey), leaf.verify(leaf.publicKey), ca.verify(ca.publicKey), leaf.checkIssued(ca), ca.checkIssued(ca), ca.checkIssued(leaf)]);
	tell("leaf as an object", () => { const { raw, pubkey, ...o } = leaf.toLegacyObject(); return Object.keys(o).sort().map((k) => [k, o[k]]); });
	tell("no certificate", () => { try { new crypto.X509Certificate("rake"); return "none"; } catch { return "thrown"; } });
	const { Certificate } = crypto;
	tell("spkac", () => [Certificate.verifySpkac(files.spkac), Certificate.exportChallenge(files.spkac).toString(), Certificate.exportPublicKey(files.spkac).toString(), Certificate.verifySpkac("rake")]);

	// Numbers.
	tell("primes", () => [crypto.checkPrimeSync(97n), crypto.checkPrimeSync(Buffer.from([99])), crypto.checkPrimeSync(2n ** 521n - 1n, { checks: 5 }), crypto.checkPrimeSync((2n ** 61n - 1n) * (2n ** 89n - 1n), { checks: 3 })]);
	tell("made primes", () => { const p = crypto.generatePrimeSync(64, { bigint: true }), s = crypto.generatePrimeSync(48, { safe: true, bigint: true }); return [p >> 63n, crypto.checkPrimeSync(p), crypto.checkPrimeSync((s - 1n) / 2n), crypto.generatePrimeSync(32, { add: 12n, rem: 11n, bigint: true }) % 12n, crypto.generatePrimeSync(64) instanceof ArrayBuffer]; });
	out["prime late"] = say(await called(crypto.checkPrime, 97n));
	out["made prime late"] = say((await called(crypto.generatePrime, 40)).byteLength);
	tell("prime of no bits", () => crypto.generatePrimeSync(0));
	tell("random", () => [crypto.randomBytes(7).length, crypto.randomInt(1), crypto.randomInt(5, 6), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(crypto.randomUUID()), crypto.randomFillSync(new Uint16Array(9)).length, crypto.randomFillSync(new ArrayBuffer(3)).byteLength]);
	tell("random parts", () => { const b = crypto.randomFillSync(Buffer.alloc(100), 20, 60); return [b.subarray(0, 20).every((x) => x === 0), b.subarray(20, 80).some((x) => x), b.subarray(80).every((x) => x === 0)]; });
	for (const bad of [-1, 2 ** 40, "3"]) tell(`randomBytes(${JSON.stringify(bad)})`, () => crypto.randomBytes(bad));
	for (const bad of [[0], [3, 3], [0, 2 ** 49], ["x"]]) tell(`randomInt(${bad})`, () => crypto.randomInt(...bad));
	tell("randomFillSync beyond the end", () => crypto.randomFillSync(new Uint8Array(4), 3, 2));
	tell("randomFillSync of text", () => crypto.randomFillSync("x"));
	out["random late"] = say([(await called(crypto.randomBytes, 3)).length, await called(crypto.randomInt, 1), (await called(crypto.randomFill, new Uint8Array(5), 2)).length]);
	tell("timingSafeEqual", () => [crypto.timingSafeEqual(data, Buffer.from(data)), crypto.timingSafeEqual(new Uint8Array(2), new Uint16Array(1)), crypto.timingSafeEqual(Buffer.from("a"), Buffer.from("b"))]);
	tell("timingSafeEqual of lengths", () => crypto.timingSafeEqual(data, data.subarray(1)));
	tell("timingSafeEqual of text", () => crypto.timingSafeEqual("a", "a"));
	tell("constants", () => Object.keys(crypto.constants).filter((k) => /^(RSA|POINT|DH|TLS1|ENGINE)/.test(k)).sort().map((k) => [k, crypto.constants[k]]));
	tell("webcrypto", () => [crypto.webcrypto.subtle === crypto.subtle, typeof crypto.getRandomValues]);
	// The last ones: what node's library says of them is still there when a key is read.
	tell("info with the wrong length", () => typeof crypto.getCipherInfo("aes-128-cbc", { keyLength: 3 }));
	for (const name of ciphers) {
		const { keyLength, ivLength = 0 } = crypto.getCipherInfo(name);
		tell(`${name} with a short key`, () => { crypto.createCipheriv(name, Buffer.alloc(keyLength - 1), ivLength ? Buffer.alloc(ivLength) : null); });
	}
	return out;
}

async function make(crypto, Buffer, files) {
	const out = { pairs: [], signatures: [], texts: [] }, data = Buffer.from("what the gardener said, twice over");
	const kinds = [["rsa", { modulusLength: 1024 }], ...["prime256v1", "secp384r1", "secp521r1", "P-256"].map((namedCurve) => ["ec", { namedCurve }]), ["ed25519", {}], ["x25519", {}]];
	for (const [kind, options] of kinds) {
		const { publicKey, privateKey } = await new Promise((ok, no) => crypto.generateKeyPair(kind, options, (e, publicKey, privateKey) => e ? no(e) : ok({ publicKey, privateKey })));
		const forms = [privateKey.export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "trowel" }), privateKey.export({ type: "pkcs8", format: "pem", cipher: "aes-128-cbc", passphrase: "trowel" })];
		if (kind === "rsa") forms.push(privateKey.export({ type: "pkcs1", format: "pem", cipher: "aes-256-cbc", passphrase: "trowel" }));
		if (kind === "ec") forms.push(privateKey.export({ type: "sec1", format: "pem", cipher: "aes-128-cbc", passphrase: "trowel" }));
		const encoded = crypto.generateKeyPairSync(kind, { ...options, publicKeyEncoding: { type: "spki", format: "pem" }, privateKeyEncoding: { type: "pkcs8", format: "der" } });
		out.pairs.push({ kind, forms, public: publicKey.export({ type: "spki", format: "pem" }), plain: encoded.privateKey.toString("base64"), plainPublic: encoded.publicKey });
	}
	const sign = (name, digest, options) => out.signatures.push({ name, digest, options, signature: crypto.createSign(digest).update(data).sign({ key: files[name], ...options }, "base64") });
	for (const d of ["sha1", "sha224", "sha256", "sha384"]) {
		for (const dsaEncoding of ["der", "ieee-p1363"]) sign("ec", d, { dsaEncoding });
		for (const saltLength of [0, 13, -1, -2, undefined]) sign("rsa", d, { padding: crypto.constants.RSA_PKCS1_PSS_PADDING, saltLength });
	}
	for (const o of [{ oaepHash: "sha256", padding: 4 }, { oaepHash: "sha1", padding: 4, oaepLabel: "label" }]) {
		out.texts.push({ o, text: crypto.publicEncrypt({ key: files.rsa, ...o, oaepLabel: o.oaepLabel && Buffer.from(o.oaepLabel) }, data).toString("base64") });
	}
	return out;
}

async function check(crypto, Buffer, files, theirs) {
	const wrong = [], data = Buffer.from("what the gardener said, twice over");
	const expect = (what, f) => { try { if (!f()) wrong.push(what); } catch (e) { wrong.push(`${what}: ${e}`); } };
	for (const p of theirs.pairs) {
		for (const [i, form] of p.forms.entries()) {
			expect(`${p.kind} form ${i}`, () => crypto.createPublicKey(crypto.createPrivateKey({ key: form, passphrase: "trowel" })).equals(crypto.createPublicKey(p.public)));
			expect(`${p.kind} form ${i} with another passphrase`, () => { try { crypto.createPrivateKey({ key: form, passphrase: "fork" }); return false; } catch { return true; } });
			expect(`${p.kind} form ${i} without a passphrase`, () => { try { crypto.createPrivateKey(form); return false; } catch { return true; } });
		}
		expect(`${p.kind} plain`, () => crypto.createPublicKey(crypto.createPrivateKey({ key: Buffer.from(p.plain, "base64"), format: "der", type: "pkcs8" })).equals(crypto.createPublicKey(p.plainPublic)));
	}
	for (const s of theirs.signatures) {
		const verify = (text) => crypto.createVerify(s.digest).update(text).verify({ key: files[s.name], ...s.options, ...(s.name === "rsa" && s.options.saltLength === undefined ? { saltLength: -2 } : {}) }, s.signature, "base64");
		expect(`${s.name} ${s.digest} ${JSON.stringify(s.options)}`, () => verify(data) && !verify("x"));
	}
	for (const { o, text } of theirs.texts) {
		expect(`decrypt ${JSON.stringify(o)}`, () => crypto.privateDecrypt({ key: files.rsa, ...o, oaepLabel: o.oaepLabel && Buffer.from(o.oaepLabel) }, Buffer.from(text, "base64")).equals(data));
	}
	return wrong;
}
