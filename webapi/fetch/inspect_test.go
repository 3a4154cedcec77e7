package fetch_test

import (
	"testing"

	"workerd.local/internal/jstest"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/webapi/console"
)

// TestWhatIsPrinted has the texts of workerd's util.inspect.
func TestWhatIsPrinted(t *testing.T) {
	e := jstest.NewWith(t, jstest.Options{Modules: modules})
	e.In(func(js *isolate.JS, _ *iocontext.Context) {
		for source, want := range map[string]string{
			`new Headers({ b: '1', a: '2' })`: "Headers(2) { 'a' => '2', 'b' => '1', [immutable]: false }",
			`new Headers()`:                   "Headers(0) { [immutable]: false }",
			`new File(['1'], 'n', { type: 'a/b', lastModified: 5 })`:                                                                      "File { name: 'n', lastModified: 5, size: 1, type: 'a/b' }",
			`(() => { const f = new FormData(); f.set('s', 't'); f.append('s', new File(['x'], 'n', { lastModified: 5 })); return f })()`: "FormData(2) {\n  's' => 't',\n  's' => File { name: 'n', lastModified: 5, size: 1, type: '' }\n}",
			`new Response('abc', { status: 201 })`:                                                                                        "Response {\n  status: 201,\n  statusText: '',\n  headers: Headers(1) { 'content-type' => 'text/plain;charset=UTF-8', [immutable]: false },\n  ok: true,\n  redirected: false,\n  url: '',\n  webSocket: null,\n  cf: undefined,\n  type: 'default',\n  body: ReadableStream {\n    locked: false,\n    [state]: 'readable',\n    [supportsBYOB]: true,\n    [length]: 3n\n  },\n  bodyUsed: false\n}",
			`new ReadableStream()`:                                                                                                        "ReadableStream {\n  locked: false,\n  [state]: 'readable',\n  [supportsBYOB]: false,\n  [length]: undefined\n}",
			`new WritableStream()`:                                                                                                        "WritableStream { locked: false, [state]: 'writable', [expectsBytes]: false }",
			`new IdentityTransformStream().writable`:                                                                                      "WritableStream { locked: false, [state]: 'writable', [expectsBytes]: true }",
		} {
			v, err := js.Runtime().RunString("(" + source + ")")
			if err != nil {
				t.Errorf("%s: %v", source, err)
				continue
			}
			if got := console.Inspect(js, v, 2); got != want {
				t.Errorf("%s\n got %s\nwant %s", source, got, want)
			}
		}
	})
}
