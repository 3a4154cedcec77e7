package script

import (
	"strings"
	"testing"
)

func TestFunctionTextIsComplete(t *testing.T) {
	for text, want := range map[string]string{
		"() => ({ a: 1 }":              "() => ({ a: 1 })",
		"(x) => ((x + \")\"":           "(x) => ((x + \")\"))",
		"x => x":                       "x => x",
		"function f(a) { return (a) }": "function f(a) { return (a) }",
		"() => (`${(1)}(`":             "() => (`${(1)}(`)",
		"async () => (await /[(]/":     "async () => (await /[(]/)",
	} {
		if got := FunctionText(text); got != want {
			t.Errorf("FunctionText(%s) = %s, want %s", text, got, want)
		}
	}
}

func TestHelpersForLoweredFunctions(t *testing.T) {
	if got := HelpersFor("function (a) { return a._b }"); got != "" {
		t.Errorf("a function without newer syntax needs %s", got)
	}
	for _, name := range []string{"__asyncGenerator", "__forAwait", "__yieldStar", "__using", "__callDispose", "__toESM", "__privateGet", "__privateAdd", "__privateIn", "__decorateElement"} {
		text := HelpersFor("() => " + name + "(1)")
		if !strings.Contains(text, "var "+name+" =") {
			t.Errorf("there is no %s", name)
		}
		if _, err := CompileFunction(UnitSource{File: "/a.js", Text: text + "module.exports = () => " + name + "(1);", Params: []string{"module"}}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if strings.Contains(HelpersFor("__using("), "import_users") {
		t.Error("the users of the helpers are in it")
	}
}
