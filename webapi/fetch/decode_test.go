package fetch_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"

	"workerd.local/event"
	"workerd.local/isolate"
)

const plain = "hello hello hello hello"

func encoded(t testing.TB, encoding, text string) []byte {
	t.Helper()
	var buf bytes.Buffer
	var w io.WriteCloser = gzip.NewWriter(&buf)
	if encoding == "br" {
		w = brotli.NewWriter(&buf)
	}
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// encodedService answers with data under the encoding of the request's path.
func encodedService(data func(encoding string) []byte) service {
	return func(_ context.Context, req *event.Request) (*event.Response, error) {
		encoding := req.URL[strings.LastIndexByte(req.URL, '/')+1:]
		b := data(encoding)
		return &event.Response{Status: 200, Encoded: true, Header: http.Header{"Content-Encoding": {encoding}},
			Body: event.StreamBody(track(bytes.NewReader(b)), int64(len(b)))}, nil
	}
}

func TestEncodedAnswerIsDecodedForScripts(t *testing.T) {
	e := newEnv(t, encodedService(func(enc string) []byte { return encoded(t, enc, plain) }))
	for _, enc := range []string{"gzip", "br"} {
		e.Want(`return (await fetch('http://x/`+enc+`')).text()`, plain)
		e.Want(`const r=await fetch('http://x/`+enc+`'); const q=r.clone(); return (await r.text()) + (await q.text()).length + r.headers.get('content-encoding')`, plain+"23"+enc)
		e.Want(`let n=0; for await (const c of (await fetch('http://x/`+enc+`')).body) n+=c.length; return n`, "23")
	}
}

func TestEncodedAnswerIsHandedOnAsItCame(t *testing.T) {
	e := newEnv(t, encodedService(func(enc string) []byte { return encoded(t, enc, plain) }))
	for _, enc := range []string{"gzip", "br"} {
		for _, c := range []struct {
			src     string
			encoded bool
		}{
			{`async () => fetch('http://x/` + enc + `')`, true},
			{`async () => { const r = await fetch('http://x/` + enc + `'); return new Response(r.body, r) }`, true},
			{`async () => { const r = await fetch('http://x/` + enc + `'); const q = new Response(r.body, r); q.headers.delete('content-encoding'); return q }`, false},
			{`async () => { const r = await fetch('http://x/` + enc + `'); return new Response(r.body) }`, false},
			{`async () => { const r = await fetch('http://x/` + enc + `'); r.clone(); return r }`, false},
		} {
			resp, err := newHandler(t, e, c.src).serve(e.Context(), get())
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(resp.Body.Stream)
			want := []byte(plain)
			if c.encoded {
				want = encoded(t, enc, plain)
			}
			if err != nil || !bytes.Equal(got, want) || resp.Encoded != c.encoded || (resp.Body.Length >= 0) != c.encoded {
				t.Errorf("%s: %d bytes of length %d, encoded %v, %v", c.src, len(got), resp.Body.Length, resp.Encoded, err)
			}
			if err := resp.Body.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestBrokenEncoding(t *testing.T) {
	for name, data := range map[string]func(string) []byte{
		"garbage":  func(string) []byte { return []byte("this is neither the one nor the other, at length") },
		"cut off":  func(enc string) []byte { b := encoded(t, enc, strings.Repeat(plain, 100)); return b[:len(b)-3] },
		"too long": func(enc string) []byte { return encoded(t, enc, strings.Repeat("x", 2<<20)) },
	} {
		e := newEnvWith(t, encodedService(data), isolate.Limits{BodyBytes: 1 << 20})
		for _, enc := range []string{"gzip", "br"} {
			lib := map[string]string{"gzip": "Gzip", "br": "Brotli"}[enc]
			want := "TypeError: " + lib + " decompression failed."
			if name == "cut off" {
				want = "TypeError: " + lib + " compressed stream ended prematurely."
			}
			if name == "too long" {
				want = "RangeError: The body is larger than 1048576 bytes, the most that can be read into memory at once. Read it as a stream instead."
			}
			_, err := e.Eval(`return (await fetch('http://x/` + enc + `')).text()`)
			if err == nil || err.Error() != want {
				t.Errorf("%s %s: %v, want %s", name, enc, err, want)
			}
		}
	}
	empty := newEnv(t, encodedService(func(string) []byte { return nil }))
	empty.Want(`return (await fetch('http://x/gzip')).text()`, "")
}
