package script

import "testing"

func TestSourcePhaseImports(t *testing.T) {
	for text, want := range map[string]string{
		`import source m from "./m.wasm"; m`:                  `import        m from "./m.wasm"; m`,
		"import\nsource\nm from './m.wasm'":                   "import\n      \nm from './m.wasm'",
		`import source from from "a"`:                         `import        from from "a"`,
		`import source from "a"`:                              `import source from "a"`,
		`import source, { x } from "a"`:                       `import source, { x } from "a"`,
		`"import source m from"; // import source m from "b"`: `"import source m from"; // import source m from "b"`,
		"`import source m from`":                              "`import source m from`",
		`import { source } from "a"; source`:                  `import { source } from "a"; source`,
		`import a from "a"; import source b from "b"`:         `import a from "a"; import        b from "b"`,
	} {
		if got := withoutSourcePhase(text); got != want {
			t.Errorf("%s\nbecame %s\nwant   %s", text, got, want)
		}
	}
}
