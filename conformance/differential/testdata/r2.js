// R2 buckets: what they ask for, and what they make of the answers.
import { serve } from "probe.js";
import { net, raw, statuses, broken, encodings, product, requests, refused, ways, workerProduct, workerRequests, abandoned, wrong } from "services.js";
export { Fake, Abandoned } from "services.js";

const bytes = (...list) => new Uint8Array(list);
const stream = (s) => new Blob([s]).stream();
const open = (...chunks) => new ReadableStream({ start(c) { for (const x of chunks) c.enqueue(x); c.close(); } });
const fixed = (n, s) => { const f = new FixedLengthStream(n); const w = f.writable.getWriter(); w.write(new TextEncoder().encode(s)).then(() => w.close()).catch(() => {}); return f.readable; };

// tell is all that can be seen of an object, and its body as a text.
async function tell(p) {
  const o = await p;
  if (o === null || typeof o !== "object") return o;
  if (o.uploadId !== undefined) return { class: o.constructor.name, key: o.key, uploadId: o.uploadId };
  if (Array.isArray(o.objects)) return { objects: await Promise.all(o.objects.map(tell)), truncated: o.truncated, cursor: "cursor" in o ? o.cursor : "none", prefixes: o.delimitedPrefixes, keys: Object.keys(o) };
  if (o.version === undefined) return o;
  const out = { class: o.constructor.name };
  for (const k of ["key", "version", "size", "etag", "httpEtag", "uploaded", "httpMetadata", "customMetadata", "range", "storageClass", "ssecKeyMd5"]) out[k] = o[k];
  out.checksums = o.checksums.toJSON();
  if ("body" in o) {
    out.bodyUsed = o.bodyUsed;
    out.body = o.body instanceof ReadableStream;
    try { out.text = await o.text(); } catch (e) { out.text = `${e.name}: ${e.message}`; }
  }
  return out;
}

const object = {
  name: "key", version: "v1", size: "5", etag: "e1", uploaded: "1700000000000", storageClass: "Standard",
  httpFields: { contentType: "text/x", cacheExpiry: "1700000000000" }, customFields: [{ k: "a", v: "b" }], checksums: { 0: "00112233445566778899aabbccddeeff" },
};
const json = (v) => typeof v === "string" ? v : JSON.stringify(v);
const good = (v = object, body = "value", headers = {}) => net("200 OK", { "CF-R2-Metadata-Size": json(v).length, ...headers }, json(v) + body);
const plain = (v) => net("200 OK", {}, json(v));

const resume = (b) => b.resumeMultipartUpload("key", "upload");
const reads = {
  "head": (b) => tell(b.head("key")),
  "get": (b) => tell(b.get("key")),
  "list": (b) => tell(b.list()),
};
const writes = {
  "put": (b) => tell(b.put("key", "value")),
  "put null": (b) => tell(b.put("key", null)),
  "put stream": (b) => tell(b.put("key", stream("value"))),
  "delete": (b) => b.delete("key"),
  "delete several": (b) => b.delete(["a", "b"]),
  "createMultipartUpload": (b) => tell(b.createMultipartUpload("key")),
  "uploadPart": (b) => resume(b).uploadPart(1, "value"),
  "complete": (b) => tell(resume(b).complete([{ partNumber: 1, etag: "e" }])),
  "abort": (b) => resume(b).abort(),
};
const methods = { ...reads, ...writes };

const errors = {};
const failed = (status, text) => net(status, text === undefined ? {} : { "CF-R2-Error": text });
for (const [status, codes] of Object.entries({ "400 Bad Request": [10020, 10001], "401 Unauthorized": [10002], "403 Forbidden": [10003, 10004], "404 Not Found": [10006, 10007, 10024], "412 Precondition Failed": [10031, 10032, 10007], "413 Content Too Large": [100100], "416 Range Not Satisfiable": [10039], "429 Too Many Requests": [10058], "500 Internal Server Error": [10001, 10007, 0], "503 Service Unavailable": [10043, 10007] })) {
  for (const code of codes) errors[`${status} ${code}`] = failed(status, JSON.stringify({ version: 1, v4code: code, message: "The words." }));
}
for (const text of ["", "{}", "null", "[]", "5", '"text"', "odd", "{", '{"v4code":"10007","message":"text"}', '{"v4code":10007}', '{"message":"only"}', '{"v4code":-1,"message":"m"}', '{"v4code":1.5,"message":"m"}', '{"v4code":4294967296,"message":"m"}', '{"v4code":null,"message":null}', '{"v4code":true,"message":"m"}', '{"v4code":1,"message":5}', '{"v4code":1,"message":"m","more":{"x":1},"version":0}', '{"v4code":1,"v4code":2,"message":"m"}', '{"version":"x","v4code":1,"message":"m"}', '{"v4code":1,"message":"\\u00e9\\ud83d\\ude00"}', '{"v4code":1,"message":"\xc3\xa9"}', '{"v4code":1,"message":"m"} x', '{"V4Code":1,"Message":"m"}', '{"v4code":1e1,"message":"m"}', '{"v4code":"x","message":"m"}', '{"v4code":"5","message":""}', '{"v4code":"NaN","message":"m"}']) {
  errors[`400 ${text}`] = failed("400 Bad Request", text);
  errors[`404 ${text}`] = failed("404 Not Found", text);
}
errors["412 with an object"] = net("412 Precondition Failed", { "CF-R2-Error": '{"v4code":10031,"message":"pre"}', "CF-R2-Metadata-Size": json(object).length }, json(object));
errors["412 with an object and a body"] = net("412 Precondition Failed", { "CF-R2-Error": '{"v4code":10032,"message":"pre"}', "CF-R2-Metadata-Size": json(object).length }, json(object) + "more");
errors["412 without an error"] = net("412 Precondition Failed", { "CF-R2-Metadata-Size": json(object).length }, json(object));
errors["404 with an object"] = net("404 Not Found", { "CF-R2-Error": '{"v4code":10007,"message":"none"}', "CF-R2-Metadata-Size": json(object).length }, json(object));
errors["500 with metadata that is cut"] = net("500 Bad", { "CF-R2-Error": '{"v4code":1,"message":"m"}', "CF-R2-Metadata-Size": "99" }, "{}");
errors["two errors"] = net("500 Bad", { "CF-R2-Error": ['{"v4code":1,"message":"m"}', '{"v4code":2,"message":"n"}'] });
errors["200 with an error"] = net("200 OK", { "CF-R2-Error": '{"v4code":1,"message":"m"}', "CF-R2-Metadata-Size": json(object).length }, json(object) + "value");
errors["a long error"] = failed("400 Bad", JSON.stringify({ v4code: 1, message: "m".repeat(3000) }));

const sizes = {};
for (const size of ["0", "1", "-1", "x", "", " ", "5x", "+2", "0x2", "1e1", "1048576", "1048577", "99999999999999999999", "2147483648", "4294967298", "2.5"]) sizes[JSON.stringify(size)] = net("200 OK", { "CF-R2-Metadata-Size": size }, json(object) + "value");
sizes["longer than the body"] = net("200 OK", { "CF-R2-Metadata-Size": json(object).length + 6 }, json(object) + "value");
sizes["as long as the body"] = net("200 OK", { "CF-R2-Metadata-Size": json(object).length + 5 }, json(object) + "value");
sizes["twice"] = net("200 OK", { "CF-R2-Metadata-Size": [json(object).length, "1"] }, json(object) + "value");
sizes["none"] = net("200 OK", {}, json(object) + "value");
sizes["within a body that is cut"] = net("200 OK", { "CF-R2-Metadata-Size": json(object).length }, json(object).slice(0, 9), { length: 500, end: "close" });
sizes["in front of a body that is cut"] = net("200 OK", { "CF-R2-Metadata-Size": json(object).length }, json(object) + "va", { length: 500, end: "close" });
sizes["in front of no body"] = good(object, "");
sizes["in front of chunks that are cut"] = raw(`HTTP/1.1 200 OK\r\nCF-R2-Metadata-Size: ${json(object).length}\r\nTransfer-Encoding: chunked\r\n\r\n${json(object).length.toString(16)}\r\n${json(object)}\r\n9\r\nabc`);
sizes["in front of chunks"] = raw(`HTTP/1.1 200 OK\r\nCF-R2-Metadata-Size: ${json(object).length}\r\nTransfer-Encoding: chunked\r\n\r\n${(json(object).length + 2).toString(16)}\r\n${json(object)}va\r\n3\r\nlue\r\n0\r\n\r\n`);

const without = (k) => { const { [k]: _, ...rest } = object; return rest; };
const shapes = { "whole": object, "empty": "{}", "no JSON": "odd", "nothing": " ", "null": "null", "a list": "[]", "a number": "5", "a text": '"x"', "cut": json(object).slice(0, -3), "more behind": json(object) + "x", "a blank behind": json(object) + " \n" };
for (const k of Object.keys(object)) shapes[`no ${k}`] = without(k);
for (const [k, values] of Object.entries({
  name: [5, null, true, {}, "", "é\u2028"], size: [5, "x", null, -1, "-1", 1.5, "1e3", 1e30, "18446744073709551615", "18446744073709551616", true, "NaN"], etag: ['"q"', 5, null], uploaded: [0, "0", -5, "x", 1.9, "9007199254740993", "18446744073709551615", null], version: [5, null],
  httpFields: [{}, null, 5, [], { contentType: 5 }, { contentType: null }, { contentType: "" }, { cacheExpiry: 5 }, { cacheExpiry: "x" }, { cacheExpiry: "18446744073709551615" }, { odd: 1, contentLanguage: "de", contentDisposition: "d", contentEncoding: "e", cacheControl: "c" }],
  customFields: [[], null, {}, [{}], [{ k: "a" }], [{ v: "b" }], [5], [null], [{ k: "a", v: "1" }, { k: "a", v: "2" }], [{ k: "__proto__", v: "p" }], [{ k: "1", v: "one" }, { k: "0", v: "zero" }], [{ k: 5, v: 6 }]],
  range: [{}, null, { offset: "1", length: "2" }, { offset: 1 }, { length: 2 }, { suffix: 3 }, { offset: "x" }, { offset: -1 }, [], 5],
  checksums: [{}, null, { 0: "" }, { 0: "0" }, { 0: "zz" }, { 0: "AB" }, { 1: "01", 2: "02", 3: "03", 4: "04" }, { md5: "00" }, { 0: null }, { 0: 5 }, []], storageClass: ["", null, 5, "Odd"], ssec: [{}, null, { keyMd5: "m" }, { keyMd5: 5 }, { algorithm: "AES256", keyMd5: "m" }], odd: [1],
})) for (const v of values) shapes[`${k} ${JSON.stringify(v)}`] = { ...object, [k]: v };
const objectAnswers = Object.fromEntries(Object.entries(shapes).map(([k, v]) => [k, good(v)]));
const putAnswers = Object.fromEntries(Object.entries(shapes).filter(([k]) => !/^(range|checksums|customFields|httpFields) /.test(k)).map(([k, v]) => [k, plain(v)]));

const lists = {};
for (const v of ['{}', '{"objects":[]}', '{"objects":null}', '{"objects":{}}', '{"objects":[null]}', '{"objects":[5]}', '{"objects":[{}]}', { objects: [object, { name: "b", size: 1 }], truncated: true, cursor: "c", delimitedPrefixes: ["p/", ""] }, '{"objects":[],"truncated":"yes"}', '{"truncated":true}', '{"objects":[],"truncated":1}', '{"objects":[],"cursor":5}', '{"objects":[],"cursor":""}', '{"objects":[],"cursor":null}', '{"objects":[],"delimitedPrefixes":[5]}', '{"objects":[],"delimitedPrefixes":[]}', '{"objects":[],"delimitedPrefixes":null}', '{"objects":[],"delimitedPrefixes":"p"}', "odd", "null", "[]", ""]) lists[json(v).slice(0, 80)] = good(v, "");

const uploads = {};
for (const v of ['{"uploadId":"u"}', "{}", '{"uploadId":5}', '{"uploadId":null}', '{"uploadId":""}', "null", "[]", "odd", "", " ", '{"uploadId":"u"', '{"uploadId":"u"}x', '{"etag":"e"}', '{"etag":5}', '{"etag":null}', '{"etag":"e","more":1}', '"x"', "5"]) uploads[v] = plain(v);

const hash = (n) => "0123456789abcdef".repeat(20).slice(0, 2 * n);
const key32 = bytes(...Array.from({ length: 32 }, (_, i) => i));
const H = (o) => new Headers(o);

const readCalls = {
  "head": (b) => b.head("k"),
  "head of an odd key": (b) => b.head("ü/ \"\\\n\u2028<&>😀\x7f\0"),
  "head of an empty key": (b) => b.head(""),
  "head of a long key": (b) => b.head("k".repeat(2000)),
  "head of a number": (b) => b.head(5),
  "head of undefined": (b) => b.head(undefined),
  "head of null": (b) => b.head(null),
  "get": (b) => tell(b.get("k")),
  "get with empty options": (b) => tell(b.get("k", {})),
  "get with null": (b) => tell(b.get("k", null)),
  "get etagMatches": (b) => tell(b.get("k", { onlyIf: { etagMatches: "e" } })),
  "get etagMatches *": (b) => tell(b.get("k", { onlyIf: { etagMatches: "*" } })),
  "get etagMatches empty": (b) => tell(b.get("k", { onlyIf: { etagMatches: "" } })),
  "get etagDoesNotMatch": (b) => tell(b.get("k", { onlyIf: { etagDoesNotMatch: "e\"f" } })),
  "get both etags": (b) => tell(b.get("k", { onlyIf: { etagDoesNotMatch: "a", etagMatches: "b" } })),
  "get W/ as an etag": (b) => tell(b.get("k", { onlyIf: { etagMatches: 'W/"e"' } })),
  "get uploaded": (b) => tell(b.get("k", { onlyIf: { uploadedBefore: new Date(1700000000123), uploadedAfter: new Date(5) } })),
  "get uploaded, seconds": (b) => tell(b.get("k", { onlyIf: { uploadedBefore: new Date(1700000000123), secondsGranularity: true } })),
  "get uploaded before 1970": (b) => tell(b.get("k", { onlyIf: { uploadedBefore: new Date(-5) } })),
  "get uploaded as a number": (b) => tell(b.get("k", { onlyIf: { uploadedBefore: 5.9 } })),
  "get uploaded as a text": (b) => tell(b.get("k", { onlyIf: { uploadedAfter: "2020-01-01" } })),
  "get seconds alone": (b) => tell(b.get("k", { onlyIf: { secondsGranularity: true } })),
  "get an empty condition": (b) => tell(b.get("k", { onlyIf: {} })),
  "get with headers": (b) => tell(b.get("k", { onlyIf: H({ "if-match": '"a", W/"b" ,,"c"', "if-none-match": "*", "if-modified-since": "Tue, 14 Nov 2023 22:13:20 GMT", "if-unmodified-since": "Tue, 14 Nov 2023 22:13:21 GMT" }) })),
  "get with empty headers": (b) => tell(b.get("k", { onlyIf: H({}) })),
  "get with a bad date in headers": (b) => tell(b.get("k", { onlyIf: H({ "if-modified-since": "odd" }) })),
  "get with an ISO date in headers": (b) => tell(b.get("k", { onlyIf: H({ "if-unmodified-since": "2020-01-01T00:00:00.5Z" }) })),
  "get with * among others": (b) => tell(b.get("k", { onlyIf: H({ "if-match": '"a", *, "b"' }) })),
  "get with an etag and odd": (b) => tell(b.get("k", { onlyIf: H({ "if-match": '"a" odd "b"' }) })),
  "get range": (b) => tell(b.get("k", { range: { offset: 1, length: 2 } })),
  "get range from": (b) => tell(b.get("k", { range: { offset: 0 } })),
  "get range length": (b) => tell(b.get("k", { range: { length: 0 } })),
  "get range suffix": (b) => tell(b.get("k", { range: { suffix: 5 } })),
  "get range suffix 0": (b) => tell(b.get("k", { range: { suffix: 0 } })),
  "get an empty range": (b) => tell(b.get("k", { range: {} })),
  "get a large range": (b) => tell(b.get("k", { range: { offset: 2 ** 53, length: 1e21 } })),
  "get a range of texts": (b) => tell(b.get("k", { range: { offset: "3", length: "4" } })),
  "get a range of -0": (b) => tell(b.get("k", { range: { offset: -0 } })),
  "get with a range header": (b) => tell(b.get("k", { range: H({ range: "bytes=1-2" }) })),
  "get with an odd range header": (b) => tell(b.get("k", { range: H({ range: "odd" }) })),
  "get without a range header": (b) => tell(b.get("k", { range: H({}) })),
  "get ssec text": (b) => tell(b.get("k", { ssecKey: hash(32) })),
  "get ssec bytes": (b) => tell(b.get("k", { ssecKey: key32 })),
  "get all": (b) => tell(b.get("k", { range: { offset: 1 }, onlyIf: { etagMatches: "e" }, ssecKey: key32.buffer, odd: 1 })),
  "list": (b) => tell(b.list()),
  "list with all": (b) => tell(b.list({ limit: 5, prefix: "p", cursor: "c", delimiter: "/", startAfter: "s", include: ["httpMetadata", "customMetadata"] })),
  "list with empty texts": (b) => tell(b.list({ prefix: "", cursor: "", delimiter: "", startAfter: "" })),
  "list with include of none": (b) => tell(b.list({ include: [] })),
  "list with include twice": (b) => tell(b.list({ include: ["customMetadata", "customMetadata"] })),
  "list with limit 0": (b) => tell(b.list({ limit: 0 })),
  "list with limit -1": (b) => tell(b.list({ limit: -1 })),
  "list with limit 5000": (b) => tell(b.list({ limit: 5000 })),
  "list with a limit of a text": (b) => tell(b.list({ limit: "5" })),
  "list with null": (b) => tell(b.list(null)),
  "list with undefined": (b) => tell(b.list({ limit: undefined, prefix: undefined })),
};
const writeCalls = {
  "put text": (b) => tell(b.put("k", "välue\0")),
  "put an empty text": (b) => tell(b.put("k", "")),
  "put null": (b) => tell(b.put("k", null)),
  "put bytes": (b) => tell(b.put("k", bytes(0, 255, 128).subarray(1))),
  "put a buffer": (b) => tell(b.put("k", bytes(1, 2).buffer)),
  "put floats": (b) => tell(b.put("k", new Float32Array([1]))),
  "put a Blob": (b) => tell(b.put("k", new Blob(["blob"], { type: "text/plain" }))),
  "put a File": (b) => tell(b.put("k", new File(["file"], "f.txt", { type: "text/plain" }))),
  "put a stream": (b) => tell(b.put("k", stream("value"))),
  "put a fixed stream": (b) => tell(b.put("k", fixed(5, "value"))),
  "put an empty stream": (b) => tell(b.put("k", stream(""))),
  "put a body": (b) => tell(b.put("k", new Response("body").body)),
  "put with all": (b) => tell(b.put("k", "v", { httpMetadata: { contentType: "t", contentLanguage: "l", contentDisposition: "d", contentEncoding: "e", cacheControl: "c", cacheExpiry: new Date(1700000000123) }, customMetadata: { a: "1", b: "é\"", 5: "n" }, storageClass: "InfrequentAccess", onlyIf: { etagMatches: "x" }, ssecKey: key32, sha256: hash(32) })),
  "put with empty metadata": (b) => tell(b.put("k", "v", { httpMetadata: {}, customMetadata: {} })),
  "put with headers": (b) => tell(b.put("k", "v", { httpMetadata: H({ "content-type": "t", "content-language": "l", "content-disposition": "d", "content-encoding": "e", "cache-control": "c", expires: "Tue, 14 Nov 2023 22:13:20 GMT" }), onlyIf: H({ "if-none-match": "*" }) })),
  "put with headers and a bad date": (b) => tell(b.put("k", "v", { httpMetadata: H({ expires: "odd" }) })),
  "put with empty headers": (b) => tell(b.put("k", "v", { httpMetadata: H({}) })),
  "put with custom metadata of others": (b) => tell(b.put("k", "v", { customMetadata: { n: 5, u: undefined, x: null, o: {} } })),
  "put with metadata of empty texts": (b) => tell(b.put("k", "v", { httpMetadata: { contentType: "" }, customMetadata: { "": "" }, storageClass: "" })),
  "put with a storage class of a number": (b) => tell(b.put("k", "v", { storageClass: 5 })),
  "put md5": (b) => tell(b.put("k", "v", { md5: hash(16) })),
  "put md5 in upper case": (b) => tell(b.put("k", "v", { md5: hash(16).toUpperCase() })),
  "put md5 bytes": (b) => tell(b.put("k", "v", { md5: key32.subarray(0, 16) })),
  "put sha1": (b) => tell(b.put("k", "v", { sha1: hash(20) })),
  "put sha1 bytes": (b) => tell(b.put("k", "v", { sha1: key32.slice(0, 20).buffer })),
  "put sha256": (b) => tell(b.put("k", "v", { sha256: key32 })),
  "put sha384": (b) => tell(b.put("k", "v", { sha384: hash(48) })),
  "put sha512": (b) => tell(b.put("k", "v", { sha512: hash(64) })),
  "put with null": (b) => tell(b.put("k", "v", null)),
  "put an expiry before 1970": (b) => tell(b.put("k", "v", { httpMetadata: { cacheExpiry: new Date(-1) } })),
  "delete": (b) => b.delete("k"),
  "delete several": (b) => b.delete(["a", "ü", ""]),
  "delete none": (b) => b.delete([]),
  "delete of a number": (b) => b.delete(5),
  "delete of numbers": (b) => b.delete([1, null]),
  "delete of 1001": (b) => b.delete(Array.from({ length: 1001 }, (_, i) => String(i))),
  "complete": (b) => tell(resume(b).complete([{ partNumber: 1, etag: "a" }, { partNumber: 10000, etag: "é\"" }])),
  "complete of none": (b) => tell(resume(b).complete([])),
  "complete of an odd order": (b) => tell(resume(b).complete([{ partNumber: 2, etag: "a" }, { partNumber: 1, etag: "" }, { partNumber: 2, etag: "a" }])),
  "abort": (b) => resume(b).abort(),
  "abort of an odd upload": (b) => b.resumeMultipartUpload("ü\n", "\"<").abort(),
};
const createCalls = {
  "create": (b) => tell(b.createMultipartUpload("k")),
  "create with all": (b) => tell(b.createMultipartUpload("k", { httpMetadata: { contentType: "t", cacheExpiry: new Date(5) }, customMetadata: { a: "1" }, storageClass: "Standard", ssecKey: hash(32) })),
  "create with headers": (b) => tell(b.createMultipartUpload("k", { httpMetadata: H({ "content-type": "t" }) })),
  "create with empty options": (b) => tell(b.createMultipartUpload("k", {})),
  "uploadPart": (b) => resume(b).uploadPart(1, "part"),
  "uploadPart 10000": (b) => resume(b).uploadPart(10000, bytes(1)),
  "uploadPart stream": (b) => resume(b).uploadPart(2, stream("part")),
  "uploadPart Blob": (b) => resume(b).uploadPart(2, new Blob(["part"])),
  "uploadPart ssec": (b) => resume(b).uploadPart("3", "part", { ssecKey: hash(32) }),
  "uploadPart ssec bytes": (b) => resume(b).uploadPart(3.7, "part", { ssecKey: key32 }),
  "uploadPart empty": (b) => resume(b).uploadPart(3, ""),
};

const locked = () => { const s = stream("v"); s.getReader(); return s; };
const gone = () => { const b = bytes(1, 2); structuredClone(b.buffer, { transfer: [b.buffer] }); return b; };
const G = (o) => (b) => tell(b.get("k", o));
const P = (o) => (b) => tell(b.put("k", "v", o));
const mistakes = {
  "of head": [(b) => b.head(), (b) => b.head(Symbol("s")), (b) => b.head({ toString() { throw new RangeError("own"); } }), (b) => b.head.call({}, "k"), (b) => b.head([])],
  "of get": [(b) => b.get(), (b) => b.get(Symbol("s")), (b) => b.get("k", 5), (b) => b.get("k", "x"), G({ onlyIf: 5 }), G({ onlyIf: null }), G({ onlyIf: "x" }), G({ onlyIf: [] }), G({ range: 5 }), G({ range: null }), G({ range: "bytes=1-2" }), G({ ssecKey: 5 }), G({ ssecKey: "" }), G({ ssecKey: "zz" }), G({ ssecKey: "ab" }), G({ ssecKey: hash(32).toUpperCase() }), G({ ssecKey: hash(33) }), G({ ssecKey: bytes(1) }), G({ ssecKey: null }), G({ ssecKey: {} }), G({ ssecKey: Symbol("s") }), (b) => b.get.call({}, "k"), G({ get range() { throw new RangeError("own"); } })],
  "of conditions": [G({ onlyIf: { etagMatches: 5 } }), G({ onlyIf: { etagMatches: null } }), G({ onlyIf: { etagMatches: '"q"' } }), G({ onlyIf: { etagDoesNotMatch: '"q"' } }), G({ onlyIf: { etagDoesNotMatch: '"' } }), G({ onlyIf: { etagDoesNotMatch: ["a"] } }), G({ onlyIf: { uploadedBefore: "odd" } }), G({ onlyIf: { uploadedBefore: new Date(NaN) } }), G({ onlyIf: { uploadedAfter: null } }), G({ onlyIf: { uploadedAfter: {} } }), G({ onlyIf: { uploadedAfter: NaN } }), G({ onlyIf: { uploadedAfter: 5n } }), G({ onlyIf: { secondsGranularity: "x", uploadedAfter: new Date(5) } }), G({ onlyIf: { secondsGranularity: Symbol("s") } }),
    ...["odd", "W", "W/", "W/x", 'W/"a', '"a', '"a""b"', '"a" W/"b"', '"a" *', ",", "", " ", '"a",', "a", "*", '* , "a"', 'w/"a"'].map((t) => G({ onlyIf: H({ "if-match": t }) })), G({ onlyIf: H({ "if-none-match": "odd" }) })],
  "of ranges": [G({ range: { offset: -1 } }), G({ range: { offset: 1.5 } }), G({ range: { offset: NaN } }), G({ range: { offset: Infinity } }), G({ range: { offset: "x" } }), G({ range: { offset: null } }), G({ range: { offset: 5n } }), G({ range: { offset: {} } }), G({ range: { offset: Symbol("s") } }), G({ range: { length: -1 } }), G({ range: { length: 0.5 } }), G({ range: { length: NaN } }), G({ range: { length: -Infinity } }), G({ range: { suffix: -1 } }), G({ range: { suffix: 1e-7 } }), G({ range: { suffix: NaN } }), G({ range: { suffix: 1, offset: 1 } }), G({ range: { suffix: 1, length: 1 } }), G({ range: { suffix: -1, offset: -1 } }), G({ range: { offset: 1.5, length: -1 } }), G({ range: { offset: -1e21 } }), G({ range: { offset: 123456789.5 } }), G({ range: { length: 1.23456789012345 } })],
  "of list": [(b) => b.list(5), (b) => b.list({ limit: "x" }), (b) => b.list({ limit: null }), (b) => b.list({ limit: 2 ** 31 }), (b) => b.list({ limit: 1n }), (b) => b.list({ prefix: 5 }), (b) => b.list({ prefix: null }), (b) => b.list({ cursor: 5 }), (b) => b.list({ delimiter: {} }), (b) => b.list({ startAfter: Symbol("s") }), (b) => b.list({ include: "httpMetadata" }), (b) => b.list({ include: ["odd"] }), (b) => b.list({ include: [5] }), (b) => b.list({ include: 5 }), (b) => b.list({ include: [undefined] }), (b) => b.list({ include: ["httpMetadata", "HTTPMETADATA"] }), (b) => b.list({ include: new Set(["httpMetadata"]) })],
  "of put": [(b) => b.put(), (b) => b.put("k"), (b) => b.put("k", undefined), (b) => b.put("k", 5), (b) => b.put("k", true), (b) => b.put("k", {}), (b) => b.put("k", []), (b) => b.put("k", new Response("v")), (b) => b.put("k", new String("v")), (b) => b.put("k", new URLSearchParams("a=b")), (b) => b.put("k", Promise.resolve("v")), (b) => b.put("k", Symbol("s")), (b) => b.put(Symbol("s"), "v"), (b) => b.put("k", () => 1), (b) => b.put("k", new SharedArrayBuffer(2)), P(5), P("x"), P({ httpMetadata: 5 }), P({ httpMetadata: null }), P({ httpMetadata: { contentType: Symbol("s") } }), P({ httpMetadata: { cacheExpiry: "odd" } }), P({ httpMetadata: { cacheExpiry: new Date(NaN) } }), P({ httpMetadata: { cacheExpiry: {} } }), P({ customMetadata: 5 }), P({ customMetadata: "ab" }), P({ customMetadata: null }), P({ customMetadata: ["a", "b"] }), P({ customMetadata: new Map([["a", "b"]]) }), P({ customMetadata: { a: Symbol("s") } }), P({ customMetadata: { get a() { throw new RangeError("own"); } } }), P({ storageClass: Symbol("s") }), P({ onlyIf: { etagMatches: '"q"' } }), P({ onlyIf: 5 })],
  "of checksums": ["md5", "sha1", "sha256", "sha384", "sha512"].flatMap((h) => [P({ [h]: "" }), P({ [h]: "ab" }), P({ [h]: "z".repeat({ md5: 32, sha1: 40, sha256: 64, sha384: 96, sha512: 128 }[h]) }), P({ [h]: bytes(1) }), P({ [h]: bytes() }), P({ [h]: 5 }), P({ [h]: null }), P({ [h]: {} }), P({ [h]: "é".repeat(16) })]),
  "of two checksums": [P({ md5: hash(16), sha1: hash(20) }), P({ sha1: "ab", sha512: hash(64) }), P({ md5: hash(16), sha512: "ab" }), P({ md5: gone() })],
  "of put with streams": [(b) => b.put("k", locked()), (b) => b.put("k", open(bytes(1))), (b) => b.put("k", gone()), (b) => b.put("k", new ReadableStream({ type: "bytes" })), (b) => b.put("k", new WritableStream()), (b) => b.put("k", stream("v"), { md5: "ab" }), async (b) => { const s = open(bytes(1)); await b.put("k", s, { md5: "ab" }).catch(() => {}); return s.locked; }, async (b) => { let why; const s = new ReadableStream({ cancel(r) { why = r; } }); await b.put("k", s, { md5: "ab" }).catch(() => {}); return why; }, async (b) => { const r = new Response("v"); const s = r.body; await r.text(); return b.put("k", s); }],
  "of streams that have another length": [(b) => b.put("k", fixed(9, "short")).then(() => 0), (b) => b.put("k", fixed(2, "long")).then(() => 0)],
  "of delete": [(b) => b.delete(), (b) => b.delete(Symbol("s")), (b) => b.delete([Symbol("s")]), (b) => b.delete.call({}, "k"), (b) => b.delete(new Set(["a"])).then(() => "ok")],
  "of multipart": [(b) => b.createMultipartUpload(), (b) => b.createMultipartUpload("k", 5), (b) => b.createMultipartUpload("k", { httpMetadata: 5 }), (b) => b.createMultipartUpload("k", { ssecKey: "x" }), (b) => b.createMultipartUpload(Symbol("s")), (b) => b.resumeMultipartUpload(), (b) => b.resumeMultipartUpload("k"), (b) => b.resumeMultipartUpload("k", Symbol("s")), (b) => tell(b.resumeMultipartUpload(5, 6)), (b) => { const u = resume(b); u.key = "x"; return tell(u); }, (b) => Object.keys(resume(b)),
    (b) => resume(b).uploadPart(), (b) => resume(b).uploadPart(1), (b) => resume(b).uploadPart(0, "v"), (b) => resume(b).uploadPart(10001, "v"), (b) => resume(b).uploadPart(-1, "v"), (b) => resume(b).uploadPart("x", "v"), (b) => resume(b).uploadPart(NaN, "v"), (b) => resume(b).uploadPart(2 ** 31, "v"), (b) => resume(b).uploadPart(1, 5), (b) => resume(b).uploadPart(1, null), (b) => resume(b).uploadPart(1, undefined), (b) => resume(b).uploadPart(1, {}), (b) => resume(b).uploadPart(1, open(bytes(1))), (b) => resume(b).uploadPart(1, locked()), (b) => resume(b).uploadPart(1, "v", 5), (b) => resume(b).uploadPart(1, "v", { ssecKey: "x" }), (b) => resume(b).uploadPart(1, "v", { ssecKey: bytes(1) }), (b) => resume(b).uploadPart.call({}, 1, "v"),
    (b) => resume(b).complete(), (b) => resume(b).complete(5), (b) => resume(b).complete("x"), (b) => resume(b).complete({}), (b) => resume(b).complete([5]), (b) => resume(b).complete([{}]), (b) => resume(b).complete([{ partNumber: 1 }]), (b) => resume(b).complete([{ etag: "e" }]), (b) => resume(b).complete([{ partNumber: 0, etag: "e" }]), (b) => resume(b).complete([{ partNumber: 10001, etag: "e" }]), (b) => resume(b).complete([{ partNumber: "x", etag: "e" }]), (b) => resume(b).complete([{ partNumber: 1, etag: Symbol("s") }]), (b) => resume(b).complete([null]), (b) => resume(b).complete(new Set([{ partNumber: 1, etag: "e" }])), (b) => resume(b).complete([{ partNumber: 1, etag: 5 }, { partNumber: -1, etag: "e" }])],
};

// What can be done with an object once it is there.
const after = (fn) => (env) => product({ x: good() }, { it: async (b) => fn(await b.get("key")) }).x(env);
const uses = {
  "text": after((o) => o.text()), "json": after((o) => o.json()), "arrayBuffer": after((o) => o.arrayBuffer()), "bytes": after((o) => o.bytes()), "blob": after(async (o) => { const b = await o.blob(); return [b.type, b.size, await b.text()]; }),
  "text twice": after(async (o) => { await o.text(); return o.text(); }), "arrayBuffer twice": after(async (o) => { await o.text(); return o.arrayBuffer(); }), "json twice": after(async (o) => { await o.text(); return o.json(); }), "blob twice": after(async (o) => { await o.text(); return o.blob(); }), "bytes twice": after(async (o) => { await o.text(); return o.bytes(); }),
  "text when locked": after((o) => { o.body.getReader(); return o.text(); }), "bytes when locked": after((o) => { o.body.getReader(); return o.bytes(); }), "bodyUsed": after(async (o) => { const a = o.bodyUsed; await o.text(); return [a, o.bodyUsed, o.body.locked]; }),
  "as a response": after((o) => new Response(o.body).text()), "keys": after((o) => { o.body?.cancel(); return Object.keys(o); }), "JSON": after((o) => { o.body?.cancel(); return JSON.stringify(o); }), "checksums": after((o) => { o.body?.cancel(); return [Object.keys(o.checksums), o.checksums.md5, o.checksums.sha1, JSON.stringify(o.checksums), o.checksums.constructor.name]; }),
  "writeHttpMetadata": after((o) => { o.body?.cancel(); const h = new Headers(); o.writeHttpMetadata(h); return [...h]; }), "writeHttpMetadata of wrong": after((o) => { o.body?.cancel(); return o.writeHttpMetadata({}); }), "writeHttpMetadata of nothing": after((o) => { o.body?.cancel(); return o.writeHttpMetadata(); }),
  "wrong receivers": after((o) => { o.body?.cancel(); return o.text.call({}); }), "getters": after((o) => { o.body?.cancel(); const d = Object.getOwnPropertyDescriptor(o, "key"); return [d !== undefined, d?.writable, d?.enumerable]; }),
};

const table = {
  "shape": (env) => [Object.getPrototypeOf(env.NET).constructor.name, ...["head", "get", "put", "delete", "list", "createMultipartUpload", "resumeMultipartUpload"].map((m) => `${m} ${env.NET[m]?.length}`), JSON.stringify(env.NET), Object.keys(env.NET).length],
  "answer": product(statuses(json(object)), methods),
  "broken read": product(broken(json(object) + "value", { "CF-R2-Metadata-Size": json(object).length }), reads),
  "broken write": product(broken(json(object)), writes),
  "error": product(errors, methods),
  "metadata size": product(sizes, { ...reads, put: writes.put }),
  "object": product(objectAnswers, { get: reads.get }),
  "object of put": product(putAnswers, { put: writes.put, complete: writes.complete }),
  "list": product(lists, { list: reads.list, "list of http": (b) => tell(b.list({ include: ["httpMetadata"] })) }),
  "upload": product(uploads, { createMultipartUpload: writes.createMultipartUpload, uploadPart: writes.uploadPart, abort: writes.abort, delete: writes.delete }),
  "use": uses,
  "request": { ...requests((n) => n.startsWith("list") ? good('{"objects":[]}', "") : good(), readCalls), ...requests(plain(object), writeCalls), ...requests((n) => n.startsWith("create") ? plain('{"uploadId":"u"}') : plain('{"etag":"e"}'), createCalls) },
  "refused": refused(methods),
  "wrong": wrong(mistakes, plain(object)),
  "worker": workerProduct(ways(json(object) + "value", { headers: { "CF-R2-Metadata-Size": String(json(object).length) } }), reads),
  "worker write": workerProduct(ways(json(object)), writes),
  "worker asked": { ...workerRequests(() => new Response(json(object) + "v", { headers: { "CF-R2-Metadata-Size": String(json(object).length) } }), { "head": readCalls.head, "get": readCalls.get }), ...workerRequests(() => new Response(json(object)), Object.fromEntries(["put text", "put an empty text", "put null", "put bytes", "put a stream", "put a Blob", "put with all", "delete", "delete several", "complete", "abort"].map((k) => [k, writeCalls[k]]))) },
  "abandoned": abandoned({ head: reads.head, get: reads.get, list: reads.list, put: writes.put, "put stream": writes["put stream"], delete: writes.delete, uploadPart: writes.uploadPart }),
};
for (const name of ["gzip", "gzip that is none", "gzip that is cut", "gzip of nothing", "GZIP", "br that is none", "identity", "an odd one"]) {
  table["encoded: " + name] = async (env) => product({ x: (encodings(json(object) + "value", { "CF-R2-Metadata-Size": json(object).length }))[name] }, reads).x(env);
  table["encoded write: " + name] = async (env) => product({ x: (encodings(json(object)))[name] }, { put: writes.put, delete: writes.delete }).x(env);
}
export default serve(table);
