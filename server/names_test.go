package server_test

import "testing"

// Bundling renames what collides; keep_names, which is on unless a project turns it off,
// keeps the names that scripts see.
func TestKeepNames(t *testing.T) {
	files := map[string]string{
		"main.js": `import { foo as other, K as Other } from './other.js';
import anonymous from './default.js';
function foo() {}
class K { static own = K.name }
const arrow = () => {};
export default { fetch() { return new Response([foo.name, other.name, K.name, K.own, Other.name, arrow.name, anonymous.name].join()) } }`,
		"other.js":   "export function foo() {}\nexport class K { static s = 1 }",
		"default.js": "export default function () {}",
	}
	project := func(more string) *running {
		files["wrangler.json"] = `{ "name": "names", "main": "main.js", "compatibility_date": "2026-01-01", "dev": { "port": 0 }` + more + ` }`
		return newProject(t, files).start()
	}
	project("").want("/", "foo,foo,K,K,K,arrow,default")
	project(`, "keep_names": true`).want("/", "foo,foo,K,K,K,arrow,default")
	if _, got := project(`, "keep_names": false`).get("/"); got == "foo,foo,K,K,K,arrow,default" {
		t.Errorf("keep_names has no effect: %s", got)
	}
}
