package packages

import (
	"encoding/json"
	"strings"
	"testing"

	"workerd.local/conformance/process"
)

func TestPackages(t *testing.T) {
	dir := install(t, "parts")
	server := process.Serve(t, 1, process.Build(t), dir, "--socket-addr", "http=127.0.0.1:0", ".")
	url := server.URLs[0]

	t.Run("itty-router", func(t *testing.T) {
		a := &app{t, url}
		_, body := a.ask("GET", "/", "", 200)
		a.same(body, `"parts"`)
		_, body = a.ask("GET", "/none", "", 404)
		a.same(body, `{"status": 404, "error": "Not Found"}`)
		_, body = a.ask("GET", "/fail", "", 418)
		a.same(body, `{"status": 418, "error": "short and stout"}`)
		_, body = a.ask("GET", "/throw", "", 500)
		a.same(body, `{"status": 500, "error": "thrown"}`)
	})

	t.Run("date-fns", func(t *testing.T) {
		a := &app{t, url}
		_, body := a.ask("GET", "/dates/2024-01-31", "", 200)
		a.same(body, `{"long": "Wednesday, 31st January 2024", "german": "Mittwoch, 31. Januar 2024", "week": "2024-W05-1",
			"next": "2024-02-29", "days": 29, "distance": "in 29 days"}`)
		_, body = a.ask("GET", "/dates/nope", "", 200)
		a.same(body, `{"error": "nope is not a day"}`)
	})

	t.Run("ajv", func(t *testing.T) {
		a := &app{t, url}
		_, body := a.ask("POST", "/check", `{"name": "Jörg", "mail": "a@b.example", "born": "2020-02-29", "tags": ["a", "c"]}`, 200)
		a.same(body, `{"ok": true, "errors": []}`)
		_, body = a.ask("POST", "/check", `{"name": "J2", "mail": "a", "born": "2020-02-30", "tags": ["a", "a"], "home": {"zip": "1"}}`, 200)
		a.same(body, `{"ok": false, "errors": ["/name must match pattern \"^\\p{L}+$\"", "/mail must match format \"email\"", "/born must match format \"date\"",
			"/tags must NOT have duplicate items (items ## 0 and 1 are identical)", "/home/zip must match pattern \"^[0-9]{5}$\""]}`)
		_, body = a.ask("POST", "/check", `{"x": 1}`, 200)
		a.same(body, `{"ok": false, "errors": [" must have required property 'name'", " must have required property 'mail'", " must NOT have additional properties"]}`)
	})

	t.Run("nanoid and uuid", func(t *testing.T) {
		a := &app{t, url}
		_, body := a.ask("GET", "/ids", "", 200)
		a.same(body, `{"different": 200, "shape": true, "digits": true, "four": [true, 4, true], "seven": [true, true],
			"five": "aad03681-8b63-5304-89e0-8ca8f49461b5", "three": "04738bdf-b25a-3829-a801-b21a1d25095b", "bad": false}`)
	})

	t.Run("lodash", func(t *testing.T) {
		a := &app{t, url}
		_, body := a.ask("POST", "/lists", `[{"shop": "x<y", "items": [{"name": "ant", "price": 2}, {"name": "bee", "price": 5}]},
			{"shop": "a", "items": [{"name": "cat", "price": 1}]}]`, 200)
		a.same(body, `{"shops": [["a", 1], ["x<y", 7]], "dearest": "bee", "lines": ["x&lt;y: [ant][bee]", "a: [cat]"],
			"words": "Fred Barney And Pebbles", "merged": {"a": [{"b": 1, "c": 2}, 3]}, "deep": true, "pad": "···ü", "chunks": [[0, 1, 2], [3, 4, 5], [6]]}`)
	})

	t.Run("preact-render-to-string", func(t *testing.T) {
		a := &app{t, url}
		resp, body := a.ask("GET", "/page/ada?n=2", "", 200)
		a.text(body, `<main style="color:red;margin-top:4px;"><p data-count="3">Hello, ada!</p><p class="loud" data-count="3">Hello, ADA!</p>`+
			`<ul><li>0</li><li>1</li></ul><input disabled value="&quot;&amp;&quot;"/><div><b>raw</b></div></main>`)
		if got := resp.Header.Get("Content-Type"); !strings.HasPrefix(got, "text/html") {
			t.Errorf("Content-Type %q", got)
		}
	})

	t.Run("graphql", func(t *testing.T) {
		a := &app{t, url}
		query := func(q, variables string) string {
			body, err := json.Marshal(map[string]any{"query": q, "variables": json.RawMessage(variables)})
			if err != nil {
				t.Fatal(err)
			}
			_, answer := a.ask("POST", "/library", string(body), 200)
			return answer
		}
		a.same(query(`query($id: ID!) { book(id: $id) { title author { name } } books(longerThan: 200) { ...Short } } fragment Short on Book { id }`, `{"id": "1"}`),
			`{"data": {"book": {"title": "Silence", "author": {"name": "Ada"}}, "books": [{"id": "2"}]}}`)
		a.same(query(`{ broken }`, `null`),
			`{"errors": [{"message": "it is broken", "locations": [{"line": 1, "column": 3}], "path": ["broken"], "extensions": {"code": "BROKEN"}}], "data": {"broken": null}}`)
		a.same(query(`{ nothing }`, `null`), `{"errors": [{"message": "Cannot query field \"nothing\" on type \"Query\".", "locations": [{"line": 1, "column": 3}]}]}`)
		a.same(query(`{ book( }`, `null`), `{"errors": [{"message": "Syntax Error: Expected Name, found \"}\".", "locations": [{"line": 1, "column": 9}]}]}`)
	})

	t.Run("jose", func(t *testing.T) {
		a := &app{t, url}
		_, token := a.ask("GET", "/token/ada", "", 200)
		a.text(token, "eyJhbGciOiJIUzI1NiJ9.eyJuYW1lIjoiYWRhIiwiaWF0IjoxNzAwMDAwMDAwLCJpc3MiOiJwYXJ0cyJ9.n8mVPua3mH_N8OrCPAfNc4FdQPQTXKrEo7dkxy4pnE8")
		_, body := a.ask("POST", "/token", token, 200)
		a.same(body, `{"name": "ada", "iat": 1700000000, "iss": "parts"}`)
		_, body = a.ask("POST", "/token", strings.Replace(token, "n8mV", "n8mW", 1), 200)
		a.same(body, `{"error": "ERR_JWS_SIGNATURE_VERIFICATION_FAILED"}`)
		_, body = a.ask("POST", "/token", "no.token", 200)
		a.same(body, `{"error": "ERR_JWS_INVALID"}`)
		_, body = a.ask("GET", "/sealed/hello", "", 200)
		a.same(body, `{"text": "hello", "curve": "P-256", "plain": "hello", "parts": 5}`)
	})

	// Each of these has a route that says what the package made.
	for _, c := range [][2]string{
		{"capnweb", `[2, 5, 12]`},
		{"effect", `[3, [[14, 28, 42], [56]]]`},
		{"fflate", `[true, 600]`},
		{"immer", `[{"list": [{"n": 2}, {"n": 3}], "tag": "a"}, [{"op": "replace", "path": ["list", 0, "n"], "value": 2}, {"op": "add", "path": ["list", 1], "value": {"n": 3}}], true]`},
		{"kysely", `"select \"title\" from \"book\" where \"id\" in (?, ?) order by \"title\" desc"`},
		{"marked", `"<h1>a <em>b</em></h1>\n<ul>\n<li><input checked=\"\" disabled=\"\" type=\"checkbox\"> <code>c</code></li>\n<li><d></li>\n</ul>\n<table>\n<thead>\n<tr>\n<th>e</th>\n` +
			`<th align=\"center\">f</th>\n</tr>\n</thead>\n<tbody><tr>\n<td>1</td>\n<td align=\"center\">2</td>\n</tr>\n</tbody></table>\n"`},
		{"msgpackr", `["de0002a1619401cbbff8000000000000a2c3bcc0a164d30000010000000000", {"m": {"x": true}}]`},
		{"noble", `["6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85", "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"]`},
		{"rxjs", `[0, 1, 4]`},
		{"superjson", `"{\"json\":{\"at\":\"1970-01-01T00:00:00.000Z\",\"set\":[\"1\"],\"none\":null,\"re\":\"/a/gi\"},\"meta\":{\"values\":{\"at\":[\"Date\"],\"set\":[\"set\",{\"0\":[\"bigint\"]}],` +
			`\"none\":[\"undefined\"],\"re\":[\"regexp\"]},\"v\":1}}"`},
		{"valibot", `[true, {"mail": ["Invalid email: Received \"a\""], "born": ["Invalid date: Received \"2000\""], "age": ["Invalid value: Expected >=18 but received 2"]}]`},
	} {
		t.Run(c[0], func(t *testing.T) {
			a := &app{t, url}
			_, body := a.ask("GET", "/more/"+c[0], "", 200)
			a.same(body, c[1])
		})
	}

	t.Run("elysia", func(t *testing.T) {
		a := &app{t, url}
		_, body := a.ask("GET", "/more/elysia/7", "", 200)
		a.same(body, `{"id": 7}`)
		a.ask("GET", "/more/elysia/x", "", 422)
		_, body = a.ask("GET", "/more/elysia/count", "", 200)
		a.text(body, "one two")
	})

	if err := server.Stop(); err != nil {
		t.Error(err)
	}
	if strings.Contains(server.Log(), "uncaught") {
		t.Errorf("an exception was logged:\n%s", server.Log())
	}
}
