package script

import "testing"

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
