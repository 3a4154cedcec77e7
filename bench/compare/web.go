package main

import "context"

// webBenches are the Go benchmarks of what scripts see of the web platform, each
// beside the same work in plain Go.
var webBenches = []goBench{
	{pkg: "isolate/natives", pattern: "^BenchmarkJSON$", benchtime: "100ms", most: 5, promises: []promise{
		{name: "JSON.parse of 1 MB, beside encoding/json into any", bench: "JSON/parse/ours", base: "JSON/parse/encoding_json", target: target{atMost: 2}},
		{name: "response.json() of 1 MB, beside the same", bench: "JSON/parse/ParseJSON", base: "JSON/parse/encoding_json", target: target{atMost: 2}},
	}},
	{pkg: "webapi/encoding", pattern: "^Benchmark(TextEncoder|TextDecoder|Base64)$", benchtime: "20ms", most: 5, promises: []promise{
		{name: "TextEncoder, ASCII, beside a conversion and a copy", bench: "TextEncoder/ascii/encode", base: "TextEncoder/ascii/floor", target: target{atMost: 2}},
		{name: "the same, Greek", bench: "TextEncoder/greek/encode", base: "TextEncoder/greek/floor", target: target{atMost: 2}},
		{name: "the same, half of it emoji", bench: "TextEncoder/emoji/encode", base: "TextEncoder/emoji/floor", target: target{atMost: 2}},
		{name: "TextDecoder, ASCII, beside a conversion and a copy", bench: "TextDecoder/ascii/decode", base: "TextDecoder/ascii/floor", target: target{atMost: 2}},
		{name: "the same, Greek", bench: "TextDecoder/greek/decode", base: "TextDecoder/greek/floor", target: target{atMost: 2}},
		{name: "the same, half of it emoji", bench: "TextDecoder/emoji/decode", base: "TextDecoder/emoji/floor", target: target{atMost: 2}},
		{name: "btoa, beside encoding/base64", bench: "Base64/btoa", base: "Base64/floor/encode", target: target{atMost: 1.5}},
		{name: "atob, beside encoding/base64", bench: "Base64/atob", base: "Base64/floor/decode", target: target{atMost: 1.5}},
	}},
	{pkg: "webapi/crypto", pattern: "^BenchmarkDigest$", benchtime: "50ms", most: 5, promises: []promise{
		{name: "crypto.subtle.digest of 1 MiB, beside crypto/sha256", bench: "Digest/script", base: "Digest/Go", target: target{atMost: 1.5}},
	}},
	{pkg: "webapi/url", pattern: "^Benchmark(NewURLPathname|Parse)$", benchtime: "50ms", most: 5, promises: []promise{
		{name: "new URL, and its pathname, beside nlnwa/whatwg-url's Parse", bench: "NewURLPathname", base: "Parse/simple/nlnwa", target: target{atMost: 2}},
	}},
	{pkg: "server", pattern: "^BenchmarkProxy$", benchtime: "1s", most: 5, promises: []promise{
		{name: "Time of a proxied body of 100 MiB, beside httputil.ReverseProxy", bench: "Proxy/body", base: "Proxy/go", target: target{atMost: 1 / 0.7}},
		{name: "the same through an IdentityTransformStream", bench: "Proxy/identity", base: "Proxy/go"},
	}},
	{pkg: "server", pattern: "^BenchmarkRealm$", benchtime: "200x", most: 5, promises: []promise{
		{name: "Memory of a realm whose script touched nothing", bench: "Realm", unit: "KiB/realm", shown: "KiB", target: target{atMost: 120}},
		{name: "Time to make it", bench: "Realm", shown: "ms", scale: 1e6, target: target{atMost: 0.5}},
	}},
}

func (b *bench) runWeb(ctx context.Context) ([]promiseRow, error) {
	return b.runGoAll(ctx, webBenches)
}
