package r2_test

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/internal/jstest"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/blob"
	"workerd.local/webapi/encoding"
	"workerd.local/webapi/events"
	"workerd.local/webapi/fetch"
	"workerd.local/webapi/r2"
	"workerd.local/webapi/streams"
	"workerd.local/webapi/url"
)

// backend is a service whose every answer is r.
func backend(r *event.Response) *jstest.Service {
	return &jstest.Service{Line: line, Answer: jstest.Always(r, nil)}
}

// line is a request's method and the request to R2 that it carries, in a header or in front of the body.
func line(req *event.Request, body []byte) string {
	asked := req.Method + " " + req.Header.Get("Cf-R2-Request")
	if n, err := strconv.Atoi(req.Header.Get("Cf-R2-Metadata-Size")); err == nil && n <= len(body) && req.Body.Size() == int64(len(body)) {
		asked += string(body[:n]) + " " + string(body[n:])
	}
	return strings.TrimSpace(asked)
}

const known = `"name":"k","version":"v","size":"5","etag":"e","uploaded":"1000","storageClass":"Standard"`

// got is an answer with metadata and a body; streamed is the same as a stream.
func got(metadata, body string) *event.Response {
	h := http.Header{"Cf-R2-Metadata-Size": {strconv.Itoa(len(metadata))}}
	return &event.Response{Status: 200, Header: h, Body: event.BytesBody([]byte(metadata + body))}
}

func streamed(r *event.Response) *event.Response {
	r.Body = event.StreamBody(io.NopCloser(strings.NewReader(string(r.Body.Bytes))), int64(len(r.Body.Bytes)))
	return r
}

func failed(status int, code, message string) *event.Response {
	return &event.Response{Status: status, Header: http.Header{"Cf-R2-Error": {`{"version":1,"v4code":` + code + `,"message":"` + message + `"}`}}}
}

func newEnv(t *testing.T, b *jstest.Service) *jstest.Env {
	vars := bind.Module{Name: "test", Globals: []bind.Global{bind.Var{Name: "R2", Make: func(js *isolate.JS) (goja.Value, error) {
		return r2.Class.Wrap(js, &r2.Bucket{Service: b}), nil
	}}}}
	return jstest.New(t, url.Module, encoding.Module, events.Module, blob.Module, streams.Module, fetch.Module, vars)
}

func TestBucketAsksItsService(t *testing.T) {
	for source, want := range map[string]string{
		`R2.head("k/é")`: `GET {"version":1,"method":"head","object":"k/é"}`,
		`R2.get("k", { range: { offset: 0, length: 3 }, onlyIf: { etagMatches: "a", etagDoesNotMatch: "*", uploadedBefore: new Date(5), secondsGranularity: true }, ssecKey: new Uint8Array(32) })`: `GET {"version":1,"method":"get","object":"k","range":{"offset":"0","length":"3"},"onlyIf":{"etagMatches":[{"value":"a","type":"strong"}],"etagDoesNotMatch":[{"type":"wildcard"}],"uploadedBefore":"5","secondsGranularity":true},"ssec":{"key":"` + strings.Repeat("0", 64) + `"}}`,
		`R2.get("k", { range: new Headers({ range: "bytes=1-2" }), onlyIf: new Headers({ "if-match": 'W/"a", "b"', "if-modified-since": "Thu, 01 Jan 1970 00:00:05 GMT" }) })`:                      `GET {"version":1,"method":"get","object":"k","onlyIf":{"etagMatches":[{"value":"a","type":"weak"},{"value":"b","type":"strong"}],"uploadedAfter":"5000","secondsGranularity":true},"rangeHeader":"bytes=1-2"}`,
		`R2.put("k", "v", { httpMetadata: { contentType: "a/b", cacheExpiry: new Date(1) }, customMetadata: { a: 1 }, md5: "` + strings.Repeat("00", 16) + `", storageClass: "S" })`:                `PUT {"version":1,"method":"put","object":"k","customFields":[{"k":"a","v":"1"}],"httpFields":{"contentType":"a/b","cacheExpiry":"1"},"md5":"AAAAAAAAAAAAAAAAAAAAAA==","storageClass":"S"} v`,
		`R2.put("k", new Blob(["b"]), { sha1: new Uint8Array(20), httpMetadata: new Headers({ "content-language": "l" }) })`:                                                                        `PUT {"version":1,"method":"put","object":"k","httpFields":{"contentLanguage":"l"},"sha1":"` + strings.Repeat("00", 20) + `"} b`,
		`R2.put("k", new Response("st").body)`:     `PUT {"version":1,"method":"put","object":"k"} st`,
		`R2.put("k", undefined)`:                   `PUT {"version":1,"method":"put","object":"k"}`,
		`R2.put("k", "v", { httpMetadata: null })`: `PUT {"version":1,"method":"put","object":"k","httpFields":{}} v`,
		`R2.list({ limit: -1 })`:                   `GET {"version":1,"method":"list","include":[0,1],"newRuntime":true}`,
		`R2.list({ limit: -2 })`:                   `GET {"version":1,"method":"list","limit":4294967294,"include":[0,1],"newRuntime":true}`,
		`R2.put("k", null)`:                        `PUT {"version":1,"method":"put","object":"k"}`,
		`R2.delete("k")`:                           `PUT {"version":1,"method":"delete","object":"k"}`,
		`R2.delete(["k", 5])`:                      `PUT {"version":1,"method":"delete","objects":["k","5"]}`,
		`R2.resumeMultipartUpload("k", "u").uploadPart(7, new DataView(new Uint8Array([65]).buffer))`: `PUT {"version":1,"method":"uploadPart","object":"k","uploadId":"u","partNumber":7} A`,
		`R2.resumeMultipartUpload("k", "u").complete([{ partNumber: 1, etag: "e" }])`:                 `PUT {"version":1,"method":"completeMultipartUpload","object":"k","uploadId":"u","parts":[{"etag":"e","part":1}]}`,
		`R2.resumeMultipartUpload("k", "u").abort()`:                                                  `PUT {"version":1,"method":"abortMultipartUpload","object":"k","uploadId":"u"}`,
		`R2.createMultipartUpload("k", { customMetadata: {} })`:                                       `PUT {"version":1,"method":"createMultipartUpload","object":"k","customFields":[]}`,
		`R2.list()`: `GET {"version":1,"method":"list","include":[0,1],"newRuntime":true}`,
		`R2.list({ limit: 1, prefix: "p", cursor: "c", delimiter: "/", startAfter: "s" })`: `GET {"version":1,"method":"list","limit":1,"prefix":"p","cursor":"c","delimiter":"/","startAfter":"s","include":[0,1],"newRuntime":true}`,
	} {
		b := backend(got(`{`+known+`,"objects":[]}`, ""))
		if !strings.HasPrefix(want, "GET") {
			b.Answer = jstest.Always(&event.Response{Status: 200, Body: event.BytesBody([]byte(`{` + known + `,"uploadId":"u"}`))}, nil)
		}
		if _, err := newEnv(t, b).Eval("await " + source); err != nil {
			t.Errorf("%s: %v", source, err)
		}
		if got := strings.Join(b.Asked(), "\n"); got != want {
			t.Errorf("%s\n got %s\nwant %s", source, got, want)
		}
	}
}

func TestObjectsOfABucket(t *testing.T) {
	full := `{` + known + `,"httpFields":{"contentType":"a/b","cacheExpiry":"1000"},"customFields":[{"k":"x","v":"y"}],"range":{"offset":"1","length":3},"checksums":{"0":"00ff"},"ssec":{"keyMd5":"m"},"new":[]}`
	const shown = `"storageClass":"Standard",`
	for _, c := range []struct {
		answer       *event.Response
		source, want string
	}{
		{got(full, ""), `JSON.stringify(await R2.head("k"))`, `{"ssecKeyMd5":"m",` + shown + `"range":{"offset":1,"length":3},"customMetadata":{"x":"y"},"httpMetadata":{"contentType":"a/b","cacheExpiry":"1970-01-01T00:00:01.000Z"},"uploaded":"1970-01-01T00:00:01.000Z","checksums":{"md5":"00ff"},"httpEtag":"\"e\"","etag":"e","size":5,"version":"v","key":"k"}`},
		{failed(404, "10007", ""), `await R2.head("k")`, `null`},
		{failed(404, "10007", ""), `await R2.get("k")`, `null`},
		{failed(404, "10007", ""), `String(await R2.delete("k"))`, `undefined`},
		{failed(412, "10031", ""), `await R2.put("k", "")`, `null`},
		{got(full, "hello"), `await (await R2.get("k")).text()`, `hello`},
		{streamed(got(full, "[1]")), `JSON.stringify(await (await R2.get("k")).json())`, `[1]`},
		{streamed(got(full, "hello")), `(await (await R2.get("k")).arrayBuffer()).byteLength`, `5`},
		{got(full, "hello"), `(await (await R2.get("k")).bytes())[0]`, `104`},
		{got(full, "hello"), `(await (await R2.get("k")).blob()).type`, `a/b`},
		{got(full, "hello"), `(await R2.get("k").then(async (o) => [o.bodyUsed, await new Response(o.body).text(), o.bodyUsed])).join()`, `false,hello,true`},
		{got(`{`+known+`}`, ""), `await (await R2.get("k")).text()`, ``},
		{got(full, ""), `await R2.get("k").then((o) => { const h = new Headers(); o.writeHttpMetadata(h); return [...h].join() })`, `content-type,a/b,expires,Thu, 01 Jan 1970 00:00:01 GMT`},
		{&event.Response{Status: 412, Header: http.Header{"Cf-R2-Error": {`{"v4code":10031}`}, "Cf-R2-Metadata-Size": {"97"}}, Body: event.BytesBody([]byte(`{` + known + `}`))}, `String((await R2.get("k")).body)`, `undefined`},
		{got(`{"objects":[{`+known+`}],"truncated":true,"cursor":"c","delimitedPrefixes":["p/"]}`, ""), `await R2.list().then((l) => [l.objects[0].key, l.truncated, l.cursor, l.delimitedPrefixes, JSON.stringify(l.objects[0].httpMetadata)].join())`, `k,true,c,p/,{}`},
		{&event.Response{Status: 200, Body: event.BytesBody([]byte(`{"uploadId":"u"}`))}, `JSON.stringify(await R2.createMultipartUpload("k"))`, `{"uploadId":"u","key":"k"}`},
		{&event.Response{Status: 200, Body: event.BytesBody([]byte(`{"etag":"p"}`))}, `JSON.stringify(await R2.resumeMultipartUpload("k", "u").uploadPart(2, "x"))`, `{"partNumber":2,"etag":"p"}`},
	} {
		if c.answer.Status == 412 && len(c.answer.Body.Bytes) > 0 {
			c.answer.Header.Set("Cf-R2-Metadata-Size", strconv.Itoa(len(c.answer.Body.Bytes)))
		}
		newEnv(t, backend(c.answer)).Want("return "+c.source, c.want)
	}
}

// torn is a body that ends before its end.
type torn struct{ io.Reader }

func (torn) Close() error { return nil }

func TestBucketOfAServiceThatFails(t *testing.T) {
	for _, c := range []struct {
		b            *jstest.Service
		source, want string
	}{
		{backend(failed(500, "10001", "Oops")), `await R2.head("k")`, "Error: head: Oops (10001)"},
		{backend(failed(400, "10020", "bad name")), `await R2.put("k", "")`, "Error: put: bad name (10020)"},
		{backend(failed(412, "1", "other")), `await R2.get("k")`, "Error: get: other (1)"},
		{backend(&event.Response{Status: 404}), `await R2.get("k")`, "Error: get: Unspecified error (0)"},
		{backend(failed(404, "10024", "gone")), `await R2.resumeMultipartUpload("k", "u").abort()`, "Error: abortMultipartUpload: gone (10024)"},
		{backend(failed(500, `"7"`, "text")), `await R2.head("k")`, "Error: head: text (7)"},
		{backend(failed(500, `1e1`, "ten")), `await R2.head("k")`, "Error: head: ten (10)"},
		{backend(&event.Response{Status: 500, Header: http.Header{"Cf-R2-Error": {""}}}), `await R2.delete("k")`, "Error: delete: Unspecified error (0)"},
		{backend(failed(400, "10048", "parts")), `await R2.resumeMultipartUpload("k", "u").complete([])`, "Error: completeMultipartUpload: parts (10048)"},
		{&jstest.Service{Answer: jstest.Always(nil, io.ErrUnexpectedEOF)}, `await R2.list()`, "Error: Network connection lost."},
		{backend(&event.Response{Status: 200, Header: http.Header{"Cf-R2-Metadata-Size": {"99"}}, Body: event.StreamBody(torn{io.MultiReader(strings.NewReader("{"), iotest.ErrReader(io.ErrUnexpectedEOF))}, -1)}), `await R2.get("k")`, "Error: Network connection lost."},
	} {
		newEnv(t, c.b).WantError(c.source, c.want)
	}
	for source, answer := range map[string]*event.Response{
		`R2.head("k")`:     {Status: 200},
		`R2.head("cut")`:   {Status: 200, Header: http.Header{"Cf-R2-Metadata-Size": {"99"}}, Body: event.StreamBody(torn{strings.NewReader("{")}, -1)},
		`R2.get("k")`:      got("{", ""),
		`R2.list()`:        got(`{"objects":{}}`, ""),
		`R2.list({})`:      got(`{"objects":[null]}`, ""),
		`R2.head("null")`:  got("null", ""),
		`R2.head("field")`: got(`{`+known+`,"customFields":[null]}`, ""),
		`R2.head("sum")`:   got(`{`+known+`,"checksums":{"0":null}}`, ""),
		`R2.head("code")`:  failed(500, "4294967296", "m"),
		`R2.head("half")`:  failed(500, "1.5", "m"),
		`R2.head("two")`:   {Status: 500, Header: http.Header{"Cf-R2-Error": {`{"v4code":1,"message":"m"}`, `{"v4code":2,"message":"n"}`}}},
		`R2.get("k").then`: {Status: 200, Header: http.Header{"Cf-R2-Metadata-Size": {"99999999"}}},
		`R2.put("k", "")`:  {Status: 200, Body: event.BytesBody([]byte(strings.Repeat(" ", 1<<20+1)))},
		`R2.head("l")`:     {Status: 500, Header: http.Header{"Cf-R2-Error": {"?"}}},
	} {
		source = strings.TrimSuffix(source, ".then")
		if _, err := newEnv(t, backend(answer)).Eval("await " + source); err == nil || !strings.Contains(err.Error(), "internal error") {
			t.Errorf("%s: %v", source, err)
		}
	}
}

func TestBucketWrongInput(t *testing.T) {
	b := backend(got(`{`+known+`}`, ""))
	e := newEnv(t, b)
	const value = "JsReadableStream or ArrayBuffer or ArrayBufferView or string or Blob"
	for source, want := range map[string]string{
		`await R2.head()`:                                                       "TypeError: Failed to execute 'head' on 'R2Bucket': parameter 1 is not of type 'string'.",
		`await R2.get("k", 5)`:                                                  "TypeError: Failed to execute 'get' on 'R2Bucket': parameter 2 is not of type 'GetOptions'.",
		`await R2.get("k", { range: 5 })`:                                       "TypeError: Incorrect type for the 'range' field on 'GetOptions': the provided value is not of type 'Range or Headers'.",
		`await R2.get("k", { range: { offset: -1 } })`:                          "RangeError: Invalid range. Starting offset (-1) must be greater than or equal to 0.",
		`await R2.get("k", { range: { length: 1.5 } })`:                         "RangeError: Invalid range. Length (1.5) must be an integer, not floating point.",
		`await R2.get("k", { range: { suffix: 1, offset: -1 } })`:               "RangeError: Invalid range. Starting offset (-1) must be greater than or equal to 0.",
		`await R2.get("k", { range: { length: -1e21 } })`:                       "RangeError: Invalid range. Length (-1e21) must be greater than or equal to 0.",
		`await R2.get("k", { onlyIf: { uploadedAfter: new Date(NaN) } })`:       "TypeError: The value cannot be converted because it is not a valid Date.",
		`await R2.get("k", { onlyIf: { uploadedAfter: 8e15 } })`:                "TypeError: This API doesn't support dates after 2189.",
		`await R2.get("k", { onlyIf: { uploadedAfter: -1e13 } })`:               "TypeError: This API doesn't support dates before 1687.",
		`await R2.get("k", { range: { suffix: 1, offset: 1 } })`:                "TypeError: Suffix is incompatible with offset.",
		`await R2.get("k", { onlyIf: { etagMatches: '"a"' } })`:                 `TypeError: Conditional ETag should not be wrapped in quotes ("a").`,
		`await R2.get("k", { onlyIf: { etagMatches: 5 } })`:                     "TypeError: Incorrect type for the 'etagMatches' field on 'Conditional': the provided value is not of type 'string'.",
		`await R2.get("k", { onlyIf: { uploadedAfter: "x" } })`:                 "TypeError: Incorrect type for the 'uploadedAfter' field on 'Conditional': the provided value is not of type 'date'.",
		`await R2.get("k", { onlyIf: new Headers({ "if-match": "a" }) })`:       "Error: Invalid ETag in if-match header",
		`await R2.get("k", { onlyIf: new Headers({ "if-none-match": '"a' }) })`: "Error: Unclosed double quote for Etag",
		`await R2.get("k", { onlyIf: new Headers({ "if-match": 'W"a' }) })`:     "Error: Weak etags must start with W/ and their value must be quoted",
		`await R2.get("k", { onlyIf: new Headers({ "if-match": '"a" *' }) })`:   "Error: Comma was expected to separate etags. Encountered a wildcard character '*' instead.",
		`await R2.get("k", { ssecKey: "AB" })`:                                  "Error: SSE-C Key has invalid format",
		`await R2.get("k", { ssecKey: new Uint8Array(31) })`:                    "Error: SSE-C Key must be 32 bytes in length",
		`await R2.put("k")`:                                                      "TypeError: Failed to execute 'put' on 'R2Bucket': parameter 2 is not of type '" + value + "'.",
		`await R2.put("k", 5)`:                                                   "TypeError: Failed to execute 'put' on 'R2Bucket': parameter 2 is not of type '" + value + "'.",
		`await R2.put("k", {})`:                                                  "TypeError: Failed to execute 'put' on 'R2Bucket': parameter 2 is not of type '" + value + "'.",
		`await R2.put("k", new ReadableStream())`:                                "TypeError: Provided readable stream must have a known length (request/response body or readable half of FixedLengthStream)",
		`await R2.put("k", "", { md5: "00" })`:                                   "TypeError: MD5 is 32 hex characters, not 2",
		`await R2.put("k", "", { sha256: new Uint8Array(1) })`:                   "TypeError: SHA-256 is 32 bytes, not 1",
		`await R2.put("k", "", { md5: 5 })`:                                      "TypeError: Incorrect type for the 'md5' field on 'PutOptions': the provided value is not of type 'BufferSource or string'.",
		`await R2.put("k", "", { md5: "zz".repeat(16) })`:                        "TypeError: Provided MD5 wasn't a valid hex string",
		`await R2.put("k", "", { md5: "00".repeat(16), sha1: "00".repeat(20) })`: "TypeError: You cannot specify multiple hashing algorithms.",
		`await R2.put("k", "", { md5: "00".repeat(16), sha512: "ab" })`:          "TypeError: You cannot specify multiple hashing algorithms.",
		`await R2.put("k", "", { customMetadata: ["a"] })`:                       "TypeError: Incorrect type for the 'customMetadata' field on 'PutOptions': the provided value is not of type 'object'.",
		`await R2.list({ include: ["httpMetadata", 5] })`:                        "TypeError: Incorrect type for array element 1: the provided value is not of type 'string'.",
		`await R2.resumeMultipartUpload("k", "u").complete([null])`:              "TypeError: Cannot initialize UploadedPart with required members from an undefined or null value.",
		`await R2.put("k", "", { customMetadata: 5 })`:                           "TypeError: Incorrect type for the 'customMetadata' field on 'PutOptions': the provided value is not of type 'object'.",
		`await R2.list({ prefix: 5 })`:                                           "TypeError: Incorrect type for the 'prefix' field on 'ListOptions': the provided value is not of type 'string'.",
		`await R2.list({ include: ["x"] })`:                                      "RangeError: Unsupported include value x",
		`await R2.delete()`:                                                      "TypeError: Failed to execute 'delete' on 'R2Bucket': parameter 1 is not of type 'string or Array'.",
		`R2.resumeMultipartUpload("k")`:                                          "TypeError: Failed to execute 'resumeMultipartUpload' on 'R2Bucket': parameter 2 is not of type 'string'.",
		`await R2.resumeMultipartUpload("k", "u").uploadPart(0, "")`:             "TypeError: Part number must be between 1 and 10000 (inclusive). Actual value was: 0",
		`await R2.resumeMultipartUpload("k", "u").complete([5])`:                 "TypeError: Incorrect type for array element 0: the provided value is not of type 'UploadedPart'.",
		`await R2.resumeMultipartUpload("k", "u").complete([{}])`:                "TypeError: Part number must be between 1 and 10000 (inclusive). Actual value was: 0",
	} {
		e.WantError(source, want)
	}
	if len(b.Asked()) > 0 {
		t.Errorf("the service was asked: %q", b.Asked())
	}
	e.Want(`let reason; const s = new ReadableStream({ cancel(r) { reason = r.message } }); await R2.put("k", s, { md5: "" }).catch(() => {}); return reason`, "Stream cancelled because the associated put operation encountered an error.")
	newEnv(t, backend(got(`{`+known+`,"httpFields":{"contentType":"a\r\nb"}}`, ""))).WantError(`(await R2.get("k")).writeHttpMetadata(new Headers())`, "TypeError: Invalid header value.")
}
