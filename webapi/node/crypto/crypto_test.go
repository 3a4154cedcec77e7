package crypto_test

import (
	"embed"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"workerd.local/internal/machinetest"
	"workerd.local/internal/peer"
)

var update = flag.Bool("update", false, "write testdata/answers.json from node's answers")

//go:embed testdata
var testdata embed.FS

func file(t testing.TB, name string) string {
	t.Helper()
	b, err := testdata.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// source is agree.js, with the keys and certificates that it is about.
func source(t testing.TB) string {
	t.Helper()
	return file(t, "agree.js") + keys(t)
}

func keys(t testing.TB) string {
	t.Helper()
	files := map[string]string{"spkac": strings.TrimSpace(file(t, "spkac.txt")), "leaf": file(t, "leaf.crt"), "ca": file(t, "ca.crt")}
	for _, name := range []string{"rsa", "ec", "ed25519", "x25519"} {
		files[name] = file(t, name+".pem")
	}
	b, err := json.Marshal(files)
	if err != nil {
		t.Fatal(err)
	}
	return "\nconst files = " + string(b) + ";\n"
}

const imports = `const crypto = (await import("node:crypto")).default, { Buffer } = await import("node:buffer");
`

// inNode runs source in node; the test is skipped where there is none.
func inNode(t *testing.T, source, input string) string {
	t.Helper()
	path := peer.Node(t)
	cmd := exec.Command(path, "--input-type=module", "-e", `import crypto from "node:crypto"; import { Buffer } from "node:buffer"; import { readFileSync } from "node:fs";
`+source)
	cmd.Stdin, cmd.Stderr = strings.NewReader(input), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// asWorkerd are the answers of workerd, where it does not do as node does.
var asWorkerd = map[string]string{
	"chacha20-poly1305":          "throws Error ", // it takes its text at once
	"chacha20-poly1305, damaged": "throws OperationError 0",
	"ecdh with a bad point":      "throws Error ",
	"ed25519 jwk":                `[[["alg","EdDSA"],["crv","Ed25519"],["d","Vy8OX-Y1OEFsaCS9ncyoLOhMvj510iNP19WC-GIz-qI"],["kty","OKP"],["x","gy_nJuwy-E82LKCK3pORtrH9IQMe4iFR92GVNGvgFrc"]],[["alg","EdDSA"],["crv","Ed25519"],["kty","OKP"],["x","gy_nJuwy-E82LKCK3pORtrH9IQMe4iFR92GVNGvgFrc"]]]`,
	"leaf infoAccess":            "OCSP - URI:http://ocsp.garden.example/\nCA Issuers - URI:http://garden.example/ca.der\n",
	"no key":                     "throws Error ",
	"no such group":              "throws Error ",
	"no such hmac":               "throws Error ",
	"scrypt with odd costs":      "throws Error ",
	"scrypt with two names":      "throws TypeError ERR_INVALID_ARG_VALUE",
	"secret":                     `["secret",20,"00070e151c232a313940474e555c636a72798087",{"kty":"oct","k":"AAcOFRwjKjE5QEdOVVxjanJ5gIc","ext":true},true]`,
	"stateless of two kinds":     "throws TypeError ERR_INVALID_ARG_VALUE",
}

func kept(t *testing.T) map[string]string {
	t.Helper()
	var want map[string]string
	if err := json.Unmarshal([]byte(file(t, "answers.json")), &want); err != nil {
		t.Fatal(err)
	}
	return want
}

func same(t *testing.T, got, want map[string]string) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if g, ok := got[name]; !ok || g != want[name] {
			t.Errorf("%s:\n got %s\nwant %s", name, g, want[name])
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s is not among what is kept", name)
		}
	}
}

func TestAnswers(t *testing.T) {
	out, err := machinetest.NewWorker(t).Eval(imports + source(t) + `return await answers(crypto, Buffer, files)`)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]string
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	want := kept(t)
	for name, answer := range asWorkerd {
		if want[name] == answer {
			t.Errorf("%s is as in node, too", name)
		}
		want[name] = answer
	}
	for name := range want {
		if strings.HasSuffix(name, "with a short key") {
			want[name] = "throws Error "
		}
	}
	same(t, got, want)
}

// TestNodeAnswers says that the answers that are kept are node's.
func TestNodeAnswers(t *testing.T) {
	out := inNode(t, source(t)+`const out = await answers(crypto, Buffer, files); console.log(JSON.stringify(out, Object.keys(out).sort(), "\t"));`, "")
	if *update {
		if err := os.WriteFile("testdata/answers.json", []byte(out), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	var got map[string]string
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	same(t, got, kept(t))
}

// TestNodeAgrees has each of the two check what the other one made by chance.
func TestNodeAgrees(t *testing.T) {
	theirs := inNode(t, source(t)+`console.log(JSON.stringify(await make(crypto, Buffer, files)));`, "")
	e := machinetest.NewWorker(t)
	ours, err := e.Eval(imports + source(t) + `return await make(crypto, Buffer, files)`)
	if err != nil {
		t.Fatal(err)
	}
	e.Want(imports+source(t)+`return await check(crypto, Buffer, files, `+theirs+`)`, `[]`)
	e.Want(imports+source(t)+`return await check(crypto, Buffer, files, `+ours+`)`, `[]`)
	if wrong := inNode(t, source(t)+`console.log(JSON.stringify(await check(crypto, Buffer, files, JSON.parse(readFileSync(0)))));`, ours); strings.TrimSpace(wrong) != `[]` {
		t.Errorf("node finds wrong: %s", wrong)
	}
}

// TestErrors is about what is refused, and about what node has no answer to.
func TestErrors(t *testing.T) {
	e := machinetest.NewWorker(t)
	want := func(code, want string) {
		t.Helper()
		got, err := e.Eval(keys(t) + imports + `const tell = (f) => { try { return f() } catch (e) { return [e.name, e.code, e.message] } }, data = Buffer.alloc(40);
			return tell(() => ` + code + `)`)
		if err != nil || got != want {
			t.Errorf("%s:\n got %s %v\nwant %s", code, got, err, want)
		}
	}
	for code, text := range map[string]string{
		`crypto.createHash("rake")`:                                                 `["Error",null,"Digest method not supported"]`,
		`crypto.createHash(5)`:                                                      `["TypeError","ERR_INVALID_ARG_TYPE","The \"algorithm\" argument must be of type string. Received type number (5)"]`,
		`crypto.createHash("md5", { outputLength: 7 })`:                             `["Error",null,"invalid digest size"]`,
		`crypto.createHash("sha1").update()`:                                        `["TypeError","ERR_INVALID_ARG_TYPE","The \"data\" argument must be of type string or an instance of Buffer, TypedArray, or DataView. Received undefined"]`,
		`crypto.pbkdf2Sync("a", "b", 1, 8, "rake")`:                                 `["TypeError",null,"Invalid Pbkdf2 digest: rake: DIGEST UNKNOWN."]`,
		`crypto.pbkdf2Sync("a", "b", 1, 255 * 16 + 1, "md5")`:                       `["RangeError",null,"Pbkdf2 failed: derived key length exceeds maximum for this hash"]`,
		`crypto.pbkdf2Sync("a", "b", 2 ** 31 - 1, 8, "md5")`:                        `["NotSupportedError",9,"Pbkdf2 failed: iteration counts above 10000000 are not supported (requested 2147483647)."]`,
		`crypto.pbkdf2("a", "b", 1, 8, "md5")`:                                      `["TypeError","ERR_INVALID_ARG_TYPE","The \"callback\" argument must be of type function. Received undefined"]`,
		`crypto.hkdfSync("md5", "a", "", "", 255 * 16 + 1)`:                         `["RangeError",null,"Invalid Hkdf key length"]`,
		`crypto.scryptSync("a", "b", 8, { N: 2 ** 21 })`:                            `["RangeError",null,"Scrypt failed: cost exceeds maximum (1048576)."]`,
		`crypto.scryptSync("a", "b", 8, { N: 2 ** 17, maxmem: 2 ** 20 })`:           `["Error",null,"Scrypt failed"]`,
		`crypto.generatePrimeSync(8193)`:                                            `["RangeError",null,"generatePrime size exceeds maximum (8192 bits)"]`,
		`crypto.checkPrimeSync(Buffer.alloc(1025))`:                                 `["RangeError",null,"checkPrime candidate exceeds maximum size"]`,
		`crypto.checkPrimeSync(7n, { checks: 65 })`:                                 `["RangeError",null,"Invalid number of checks"]`,
		`crypto.checkPrimeSync(-7n)`:                                                `["RangeError","ERR_OUT_OF_RANGE","The value of \"candidate\" is out of range. It must be >= 0. Received -7n"]`,
		`crypto.generatePrimeSync(32, { add: 6n, rem: 3n })`:                        `["RangeError",null,"Invalid values for add and rem"]`,
		`crypto.createPrivateKey({ key: "x", format: "rake" })`:                     `["TypeError","ERR_INVALID_ARG_VALUE","The argument 'format' must be one of: 'pem', 'der'. Received 'rake'"]`,
		`crypto.createSecretKey(5)`:                                                 `["TypeError","ERR_INVALID_ARG_TYPE","The \"key\" argument must be of type string or an instance of ArrayBuffer, TypedArray, or DataView. Received type number (5)"]`,
		`new crypto.KeyObject("secret")`:                                            `["Error",null,"Illegal constructor"]`,
		`crypto.KeyObject.from({})`:                                                 `["TypeError","ERR_INVALID_ARG_TYPE","The \"key\" argument must be an instance of CryptoKey. Received an instance of Object"]`,
		`crypto.generateKeyPairSync("dh", { primeLength: 512 })`:                    `["Error",null,"Generating DH keys from a prime length is not yet implemented"]`,
		`crypto.generateKeyPairSync("rsa", { modulusLength: 16385 }).publicKey`:     `["RangeError",null,"RSA modulusLength exceeds maximum (16384)"]`,
		`crypto.createSign("sha256").update("x").sign(crypto.createSecretKey("k"))`: `["TypeError","ERR_INVALID_ARG_TYPE","The \"options\" argument must be an instance of PublicKeyObject, PrivateKeyObject, CryptoKey, or Object. Received type string ('secret')"]`,
		`crypto.createCipheriv("rake", data, data)`:                                 `["Error",null,"Unknown or unsupported cipher: rake"]`,
		`crypto.setFips(true)`:                                                      `["Error","ERR_METHOD_NOT_IMPLEMENTED","The setFips method is not implemented"]`,
		`crypto.privateDecrypt({ key: files.rsa, padding: 1 }, crypto.publicEncrypt(files.rsa, Buffer.from("rake"))).toString()`:                                                                       `rake`,
		`crypto.createPublicKey(files.leaf).equals(crypto.createPublicKey(files.rsa))`:                                                                                                                 `true`,
		`crypto.createHash("md4").update("abc").digest("hex")`:                                                                                                                                         `a448017aaf21d8525fc10ae87aa6729d`,
		`[crypto.getHashes().includes("sha256"), crypto.getCurves(), crypto.getCiphers().includes("aes-256-gcm"), crypto.getFips(), crypto.constants.RSA_PKCS1_OAEP_PADDING]`:                          `[true,["secp224r1","prime256v1","secp384r1","secp521r1"],true,true,4]`,
		`(async () => { const k = await crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, true, ["sign"]); return crypto.KeyObject.from(k).symmetricKeySize })()`:                           `64`,
		`(async () => { const k = await crypto.subtle.importKey("raw", data, "HKDF", false, ["deriveBits"]); try { crypto.KeyObject.from(k).export() } catch (e) { return [e.name, e.message] } })()`:  `["TypeError","Unable to export non-extractable key"]`,
		`(async () => { const k = await crypto.subtle.importKey("raw", data, "HKDF", false, ["deriveBits"]); try { crypto.createHmac("md5", k) } catch (e) { return [e.name, e.message] } })()`:        `["NotSupportedError","Unrecognized or unsupported export of \"HKDF\" requested."]`,
		`(async () => { const k = await crypto.subtle.importKey("raw", data, "PBKDF2", false, ["deriveBits"]); try { crypto.createCipheriv("aes-128-ecb", k, null) } catch (e) { return e.name } })()`: `NotSupportedError`,
		`crypto.createCipheriv("chacha20-poly1305", data.subarray(0, 32), data.subarray(0, 12)).update("rake").toString("hex")`:                                                                        `ed668cdb`,
	} {
		want(code, text)
	}
}

// TestPatched is about scripts that change what all objects share.
func TestPatched(t *testing.T) {
	e := machinetest.NewWorker(t)
	e.Want(imports+`
		for (const C of [Array, Uint8Array, Promise, Map]) for (const n of ["push", "then", "get", "set", "slice", "subarray"]) if (C.prototype[n]) C.prototype[n] = () => { throw new Error("patched"); };
		return [crypto.createHash("sha1").update("abc").digest("hex"), crypto.createHmac("md5", "k").update("abc").digest("base64"), crypto.randomBytes(4).length]`,
		`["a9993e364706816aba3e25717850c26c9cd0d89d","dZcsnGVp8vQHdS3bAqx53g==",4]`)
}

// TestLateErrors gives errors to callbacks, and ends with the request.
func TestLateErrors(t *testing.T) {
	e := machinetest.NewWorker(t)
	e.Want(imports+`const called = (f, ...args) => new Promise((ok) => { f(...args, (err, ...v) => ok(err ? err.message : v)); });
		return [await called(crypto.pbkdf2, "a", "b", 1, 8, "rake"), await called(crypto.scrypt, "a", "b", 8, { N: 3 }), await called(crypto.generateKeyPair, "ec", { namedCurve: "rake" }),
			(await called(crypto.generateKeyPair, "rsa", { modulusLength: 512, publicKeyEncoding: { type: "spki", format: "der" } })).map((k) => k.asymmetricKeyType ?? k.length)]`,
		`["Invalid Pbkdf2 digest: rake: DIGEST UNKNOWN.","Scrypt failed","Invalid or unsupported curve",[94,"rsa"]]`)
	e.Want(imports+`const { promisify } = await import("node:util");
		const { publicKey, privateKey } = await promisify(crypto.generateKeyPair)("ed25519"); return [publicKey.type, privateKey.type, (await promisify(crypto.scrypt)("a", "b", 4)).length, (await promisify(crypto.randomBytes)(3)).length]`,
		`["public","private",4,3]`)
}

func BenchmarkHash(b *testing.B) {
	e := machinetest.NewWorker(b)
	b.SetBytes(64 << 20)
	for b.Loop() {
		if _, err := e.Eval(imports + `const h = crypto.createHash("sha256"), chunk = Buffer.alloc(1 << 20); for (let i = 0; i < 64; i++) h.update(chunk); return h.digest("hex")`); err != nil {
			b.Fatal(err)
		}
	}
}
