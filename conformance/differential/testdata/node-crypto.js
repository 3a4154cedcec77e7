import crypto from "node:crypto";
import { keys } from "keys.js";
import { serve, show, tries as every } from "probe.js";

const data = Buffer.from(Array.from({ length: 99 }, (_, i) => i * 5 & 255));
const k16 = data.subarray(0, 16), k32 = data.subarray(0, 32);
const hex = (b) => Buffer.from(b).toString("hex");
const late = (f, ...args) => new Promise((ok, no) => { f(...args, (err, ...v) => (err ? no(err) : ok(v.length > 1 ? v : v[0]))); });
const secret = () => crypto.createPrivateKey({ key: keys.rsa, format: "jwk" });
const open = () => crypto.createPublicKey({ key: keys.rsa, format: "jwk" });
const ec = () => crypto.createPrivateKey({ key: keys.p256, format: "jwk" });
const ed = () => crypto.createPrivateKey({ key: keys.ed, format: "jwk" });
const x = () => crypto.createPrivateKey({ key: keys.x, format: "jwk" });
// The class of an error with a code is not what these probes are about.
const plain = (e) => `throws ${e.name}: ${e.message} ${e.code ?? ""}`;
const tries = (...fns) => every(...fns.map((f) => async () => { try { return await f(); } catch (e) { return plain(e); } }));
const bad = [undefined, null, 5, {}, [], "rake", Symbol("a"), true];

export default serve({
  names: () => show(Object.keys(crypto).sort()),
  lists: () => tries(() => crypto.getHashes(), () => crypto.getCurves(), () => crypto.getFips(), () => crypto.fips, () => crypto.secureHeapUsed(), () => Object.entries(crypto.constants).sort()),
  refused: () => tries(() => crypto.setFips(true), () => crypto.setEngine("x"), () => { crypto.fips = true; }),
  classes: () => tries(...["Hash", "Hmac", "Sign", "Verify", "DiffieHellman", "DiffieHellmanGroup", "ECDH", "KeyObject", "X509Certificate", "Certificate"].map((n) => () => [n, crypto[n].name, crypto[n].length])),
  hash: {
    known: () => tries(...["md4", "md5", "sha1", "SHA1", "sha224", "sha256", "sha384", "sha512", "md5-sha1", "RSA-SHA256", "RSA-MD5"].map((n) => () => crypto.createHash(n).update(data).digest("hex"))),
    unknown: () => tries(...["sha3-256", "blake2b512", "ripemd160", "", "rake", "sha512-256", "shake128", "whirlpool"].map((n) => () => crypto.createHash(n).update("a").digest("hex"))),
    algorithm: () => tries(...bad.map((b) => () => crypto.createHash(b))),
    update: () => tries(...bad.map((b) => () => crypto.createHash("md5").update(b).digest("hex")), () => crypto.createHash("md5").update(new ArrayBuffer(3)).digest("hex"), () => crypto.createHash("md5").update(new DataView(new ArrayBuffer(3))).digest("hex")),
    encodings: () => tries(...["hex", "base64", "base64url", "latin1", "buffer", "rake"].map((e) => () => crypto.createHash("md5").update("YWJj", e === "buffer" ? "base64" : "utf8").digest(e))),
    order: () => tries(() => { const h = crypto.createHash("md5"); h.digest(); return h.digest(); }, () => { const h = crypto.createHash("md5"); h.digest(); h.update("a"); }, () => { const h = crypto.createHash("md5"); h.digest(); h.copy(); }, () => crypto.createHash("md5").update("a").copy().digest("hex")),
    length: () => tries(...[0, 5, 16, 20, -1, 1.5, "16", null].map((outputLength) => () => crypto.createHash("md5", { outputLength }).digest("hex"))),
    once: () => tries(() => crypto.hash("sha1", "abc"), () => crypto.hash("sha1", data, "base64"), () => crypto.hash("rake", "a"), ...bad.map((b) => () => crypto.hash("md5", b)), ...bad.slice(1).map((b) => () => crypto.hash("md5", "a", b))),
  },
  hmac: {
    known: () => tries(...["md5", "sha1", "sha256", "sha512"].map((n) => () => crypto.createHmac(n, k32).update(data).digest("hex"))),
    key: () => tries(...bad.map((b) => () => crypto.createHmac("md5", b).digest("hex")), () => crypto.createHmac("md5", open()), () => crypto.createHmac("md5", crypto.createSecretKey(k16)).digest("hex"), () => crypto.createHmac("rake", "a")),
    order: () => tries(() => { const h = crypto.createHmac("md5", "a"); h.digest(); return h.digest("hex"); }, () => { const h = crypto.createHmac("md5", "a"); h.digest(); h.update("a"); }),
    derived: async () => { const k = await crypto.subtle.importKey("raw", k16, "HKDF", false, ["deriveBits"]); return tries(() => crypto.createHmac("md5", k).digest("hex"), () => crypto.KeyObject.from(k).export()); },
  },
  derive: {
    pbkdf2: () => tries(() => hex(crypto.pbkdf2Sync("a", "b", 10, 40, "sha256")), () => crypto.pbkdf2Sync("a", "b", 0, 8, "md5"), () => crypto.pbkdf2Sync("a", "b", 1, -1, "md5"), () => crypto.pbkdf2Sync("a", "b", 1, 8, "rake"), () => crypto.pbkdf2Sync("a", "b", 1, 8), () => crypto.pbkdf2Sync("a", "b", 1, 255 * 16 + 1, "md5"), ...bad.map((b) => () => hex(crypto.pbkdf2Sync(b, "b", 1, 4, "md5"))), ...bad.map((b) => () => hex(crypto.pbkdf2Sync("a", "b", b, 4, "md5")))),
    hkdf: () => tries(() => crypto.hkdfSync("sha256", "a", "b", "c", 40), () => crypto.hkdfSync("rake", "a", "b", "c", 4), () => crypto.hkdfSync("md5", "a", "b", Buffer.alloc(1025), 4), () => crypto.hkdfSync("md5", "a", "b", "c", 255 * 16 + 1), ...bad.map((b) => () => crypto.hkdfSync("md5", b, "b", "c", 4)), ...bad.map((b) => () => crypto.hkdfSync("md5", "a", b, "c", 4))),
    scrypt: () => tries(() => hex(crypto.scryptSync("a", "b", 20)), () => hex(crypto.scryptSync("a", "b", 20, { N: 16, r: 2, p: 3 })), () => crypto.scryptSync("a", "b", 20, { N: 3 }), () => crypto.scryptSync("a", "b", 20, { N: 2 ** 21 }), () => crypto.scryptSync("a", "b", 20, { N: 2 ** 15, maxmem: 1000 }), () => crypto.scryptSync("a", "b", 20, { N: 2, cost: 2 }), () => crypto.scryptSync("a", "b", -1), ...bad.map((b) => () => hex(crypto.scryptSync(b, "b", 4)))),
    late: () => tries(() => late(crypto.pbkdf2, "a", "b", 10, 8, "sha1"), () => late(crypto.hkdf, "sha1", "a", "b", "c", 8), () => late(crypto.scrypt, "a", "b", 8), () => late(crypto.scrypt, "a", "b", 8, { N: 3 }), () => late(crypto.pbkdf2, "a", "b", 1, 8, "rake"), () => crypto.pbkdf2("a", "b", 1, 8, "md5"), () => crypto.scrypt("a", "b", 8), () => crypto.hkdf("md5", "a", "b", "c", 8)),
  },
  cipher: {
    known: () => tries(...["aes-128-cbc", "aes-128-ctr", "aes-128-ecb", "aes-128-ofb", "aes-128-gcm", "AES-128-CBC", "id-aes128-GCM", "des-ede-cbc", "rake"].map((n) => () => { const c = crypto.createCipheriv(n, k16, n.endsWith("ecb") ? null : data.subarray(0, n.toLowerCase().endsWith("gcm") ? 12 : n.startsWith("des") ? 8 : 16)); return hex(Buffer.concat([c.update(data), c.final()])); })),
    sizes: () => tries(() => crypto.createCipheriv("aes-128-cbc", data.subarray(0, 15), k16), () => crypto.createCipheriv("aes-128-cbc", k16, data.subarray(0, 15)), () => crypto.createCipheriv("aes-128-cbc", k16, null), () => hex(crypto.createCipheriv("aes-128-ecb", k16, "").update(k16)), () => crypto.createCipheriv("aes-128-gcm", k16, ""), () => crypto.createCipheriv("aes-128-gcm", k16, k16, { authTagLength: 3 })),
    arguments: () => tries(...bad.map((b) => () => crypto.createCipheriv("aes-128-cbc", b, k16)), ...bad.slice(2).map((b) => () => crypto.createCipheriv("aes-128-cbc", k16, b)), ...bad.map((b) => () => crypto.createCipheriv(b, k16, k16)), () => crypto.createCipheriv("aes-128-cbc", open(), k16)),
    order: () => tries(() => { const c = crypto.createCipheriv("aes-128-cbc", k16, k16); c.final(); return c.final(); }, () => { const c = crypto.createCipheriv("aes-128-cbc", k16, k16); c.final(); c.update("a"); }, () => crypto.createCipheriv("aes-128-gcm", k16, k16).getAuthTag(), () => crypto.createDecipheriv("aes-128-gcm", k16, k16).final(), () => crypto.createDecipheriv("aes-128-gcm", k16, k16).setAuthTag(Buffer.alloc(3)), () => crypto.createCipheriv("aes-128-cbc", k16, k16).setAAD(k16), () => crypto.createCipheriv("aes-128-cbc", k16, k16).setAutoPadding(false).update("a").length),
    info: () => tries(...["aes-128-cbc", "aes-256-gcm", "chacha20-poly1305", "rake", 419, 0].map((n) => () => crypto.getCipherInfo(n)), () => crypto.getCipherInfo("aes-128-cbc", { keyLength: 15 }), () => crypto.getCipherInfo("aes-128-gcm", { ivLength: 20 }), ...bad.slice(0, 4).map((b) => () => crypto.getCipherInfo(b))),
    rsa: () => tries(() => hex(crypto.privateEncrypt(secret(), data.subarray(0, 9))), () => hex(crypto.publicDecrypt(open(), crypto.privateEncrypt(secret(), data.subarray(0, 9)))), () => hex(crypto.privateDecrypt(secret(), crypto.publicEncrypt(open(), data.subarray(0, 9)))), () => crypto.privateDecrypt(secret(), data), () => crypto.publicEncrypt(), () => crypto.publicEncrypt(open()), () => crypto.publicEncrypt(secret(), k16), () => crypto.privateDecrypt(open(), k16), () => crypto.privateDecrypt(ed(), k16)),
  },
  sign: {
    known: () => tries(() => hex(crypto.createSign("sha256").update(data).sign(secret())), () => hex(crypto.sign("sha1", data, secret())), () => hex(crypto.sign(null, data, ed())), () => crypto.sign("sha256", data, ec()).length > 60),
    verify: () => tries(() => crypto.verify("sha1", data, open(), crypto.sign("sha1", data, secret())), () => crypto.createVerify("sha1").update("a").verify(open(), "00", "hex"), () => crypto.verify("sha256", data, ec(), k32), () => crypto.verify(null, data, ed(), k32)),
    algorithm: () => tries(...bad.map((b) => () => crypto.createSign(b)), () => crypto.sign("rake", data, secret()), () => crypto.sign("sha256", data, ed())),
    key: () => tries(...bad.map((b) => () => crypto.createSign("sha1").sign(b)), () => crypto.createSign("sha1").sign(open()), () => crypto.createSign("sha1").sign(crypto.createSecretKey(k16))),
    encoding: () => tries(() => crypto.sign("sha1", data, { key: keys.p256, format: "jwk", dsaEncoding: "ieee-p1363" }).length, () => crypto.sign("sha1", data, { key: keys.p256, format: "jwk", dsaEncoding: "rake" }), () => crypto.sign("sha1", data, { key: keys.rsa, format: "jwk", padding: 99 }), () => crypto.sign("sha1", data, { key: keys.rsa, format: "jwk", padding: "a" }), () => hex(crypto.sign("sha1", data, { key: keys.rsa, format: "jwk", padding: 6, saltLength: 0 }))),
  },
  keys: {
    about: () => tries(...[secret, open, ec, ed, x, () => crypto.createSecretKey(k16)].map((k) => () => { const o = k(); return [o.constructor.name, o.type, o.asymmetricKeyType, o.asymmetricKeyDetails, o.symmetricKeySize, String(o)]; })),
    exports: () => tries(...[secret, ec, ed, x].flatMap((k) => [() => k().export({ type: "pkcs8", format: "pem" }), () => hex(k().export({ type: "pkcs8", format: "der" })), () => crypto.createPublicKey(k()).export({ type: "spki", format: "pem" })]), () => secret().export({ type: "pkcs1", format: "pem" }), () => open().export({ type: "pkcs1", format: "pem" }), () => ec().export({ type: "sec1", format: "pem" })),
    forms: () => tries(() => secret().export({ type: "sec1", format: "pem" }), () => ec().export({ type: "rake", format: "pem" }), () => ec().export({ type: "pkcs8", format: "rake" }), () => open().export(5), () => ec().export({ type: "pkcs8", format: "pem", cipher: "rake", passphrase: "a" }), () => ec().export({ type: "pkcs8", format: "pem", cipher: "aes-128-cbc" }), () => crypto.createSecretKey(k16).export({ format: "jwk" }).k),
    private: () => tries(...bad.map((b) => () => crypto.createPrivateKey(b)), ...bad.map((key) => () => crypto.createPrivateKey({ key, format: "der" })), () => crypto.createPrivateKey({ key: "a", format: "rake" }), () => crypto.createPrivateKey(crypto.createPublicKey(secret()).export({ type: "spki", format: "pem" }))),
    public: () => tries(...bad.map((b) => () => crypto.createPublicKey(b)), () => crypto.createPublicKey(open()), () => crypto.createPublicKey(crypto.createSecretKey(k16))),
    secret: () => tries(...bad.map((b) => () => crypto.createSecretKey(b).symmetricKeySize), () => crypto.createSecretKey("").symmetricKeySize, () => crypto.createSecretKey("6162", "hex").export()),
    equals: () => tries(() => secret().equals(secret()), () => secret().equals(open()), () => ec().equals(secret()), () => ed().equals(ed()), ...bad.map((b) => () => ec().equals(b))),
    generate: () => tries(() => crypto.generateKeySync("aes", { length: 192 }).symmetricKeySize, () => crypto.generateKeySync("aes", { length: 100 }), () => crypto.generateKeySync("hmac", { length: 7 }), () => crypto.generateKeySync("rake", {}), () => late(crypto.generateKey, "hmac", { length: 80 }).then((k) => k.symmetricKeySize), () => crypto.generateKey("aes", { length: 128 })),
    pairs: () => tries(...bad.map((b) => () => crypto.generateKeyPairSync(b)), () => crypto.generateKeyPairSync("rsa", { modulusLength: 16385 }), () => crypto.generateKeyPairSync("rsa", {}), () => crypto.generateKeyPairSync("ec", { namedCurve: "rake" }), () => crypto.generateKeyPairSync("ec", {}), () => crypto.generateKeyPairSync("dsa", {}), () => crypto.generateKeyPairSync("ed448", {}), () => Object.keys(crypto.generateKeyPairSync("ed25519")), () => late(crypto.generateKeyPair, "x25519", {}).then((p) => p.map((k) => k.type))),
  },
  agree: {
    groups: () => tries(...["modp1", "modp5", "modp14", "modp15", "rake", "", undefined].map((n) => () => { const d = crypto.getDiffieHellman(n); return [d.getPrime("hex").length, d.getGenerator("hex")]; })),
    own: () => tries(() => { const d = crypto.createDiffieHellman(crypto.getDiffieHellman("modp14").getPrime()); d.setPrivateKey(k32); return [hex(d.generateKeys()).slice(0, 40), hex(d.getPrivateKey()), hex(d.computeSecret(data)).slice(0, 40)]; }, () => crypto.createDiffieHellman(20000), () => crypto.createDiffieHellman(1), () => crypto.createDiffieHellman(5.5), () => crypto.createDiffieHellman(data, 1), () => crypto.createDiffieHellman(64).getPublicKey(), ...bad.map((b) => () => crypto.createDiffieHellman(b).constructor.name)),
    curves: () => tries(...["prime256v1", "secp384r1", "secp521r1", "P-256", "rake", "secp256k1", undefined].map((c) => () => { const e = crypto.createECDH(c); e.generateKeys(); return e.getPublicKey().length; })),
    ecdh: () => tries(() => { const e = crypto.createECDH("prime256v1"); e.setPrivateKey(k32); return [e.getPublicKey("hex"), e.getPublicKey("hex", "compressed"), e.getPublicKey("base64", "hybrid"), hex(e.computeSecret(e.getPublicKey()))]; }, () => crypto.createECDH("prime256v1").getPublicKey(), () => crypto.createECDH("prime256v1").getPrivateKey(), () => crypto.createECDH("prime256v1").setPrivateKey(Buffer.alloc(32)), () => { const e = crypto.createECDH("prime256v1"); e.generateKeys(); e.computeSecret(data.subarray(0, 65)); }, () => crypto.ECDH.convertKey("03", "prime256v1", "hex"), () => crypto.createECDH("prime256v1").getPublicKey("hex", "rake")),
    stateless: () => tries(() => hex(crypto.diffieHellman({ privateKey: x(), publicKey: crypto.createPublicKey(x()) })), () => crypto.diffieHellman({}), () => crypto.diffieHellman(), () => crypto.diffieHellman({ privateKey: x(), publicKey: crypto.createPublicKey(ec()) }), () => crypto.diffieHellman({ privateKey: ed(), publicKey: crypto.createPublicKey(ed()) })),
  },
  certificates: () => tries(...bad.map((b) => () => new crypto.X509Certificate(b)), () => crypto.Certificate.verifySpkac("x"), () => crypto.Certificate.exportChallenge("x"), () => crypto.Certificate.exportPublicKey("x"), ...bad.map((b) => () => crypto.Certificate().verifySpkac(b))),
  random: {
    bytes: () => tries(...[0, 3, -1, 2 ** 40, 1.5, "3", null, undefined].map((n) => () => crypto.randomBytes(n).length), () => late(crypto.randomBytes, 5).then((b) => b.length), () => crypto.randomBytes(3, 5)),
    int: () => tries(...[[1], [0], [5, 6], [6, 5], [0, 2 ** 49], ["a"], [1, "a"], [1.5]].map((a) => () => crypto.randomInt(...a)), () => late(crypto.randomInt, 1), () => crypto.randomInt(1, 2, 3)),
    fill: () => tries(...bad.map((b) => () => crypto.randomFillSync(b)), () => crypto.randomFillSync(new Uint8Array(4), 5), () => crypto.randomFillSync(new Uint8Array(4), 3, 2), () => crypto.randomFillSync(new ArrayBuffer(4)).byteLength, () => crypto.randomFill(new Uint8Array(4))),
    uuid: () => tries(() => crypto.randomUUID().length, () => crypto.randomUUID({ disableEntropyCache: true }).length, () => crypto.randomUUID({ disableEntropyCache: 5 }), () => crypto.randomUUID(5)),
    primes: () => tries(() => crypto.checkPrimeSync(97n), () => crypto.checkPrimeSync(data), () => crypto.checkPrimeSync(-7n), () => crypto.checkPrimeSync(7n, { checks: 65 }), () => crypto.checkPrimeSync(7n, { checks: -1 }), () => crypto.checkPrimeSync(Buffer.alloc(1025, 1)), () => crypto.generatePrimeSync(8193), () => crypto.generatePrimeSync(0), () => crypto.generatePrimeSync(1), () => crypto.generatePrimeSync(2, { bigint: true }) > 1n, () => crypto.generatePrimeSync(64, { add: 6n, rem: 3n }), () => crypto.generatePrimeSync(32).byteLength, ...bad.map((b) => () => crypto.checkPrimeSync(b)), ...bad.slice(1).map((b) => () => crypto.generatePrimeSync(32, { safe: b }).byteLength)),
    equal: () => tries(() => crypto.timingSafeEqual(k16, Buffer.from(k16)), () => crypto.timingSafeEqual(new Uint16Array(1), new Uint8Array(2))),
    unequal: () => tries(() => crypto.timingSafeEqual(k16, k32), ...bad.slice(0, 5).map((b) => () => crypto.timingSafeEqual(b, k16))),
  },
});
