package htmlrewriter

import (
	"strings"
	"testing"
)

func TestSelectors(t *testing.T) {
	const doc = "<div id=D class='a B\tc'><p lang=EN data-q=Zed title='x y'><i></i><b></b><i></i></p><p></p></div><xé></xé>"
	for sel, want := range map[string]string{
		"*": "div p i b i p xé", "div": "div", "DIV": "div", "xé": "xé", "p, div": "div p p", "#D": "div", "#d": "", ".a": "div", ".B.c": "div", ".b": "",
		"div i": "i i", "div > i": "", "div > p > i": "i i", "div>p": "p p", "p p": "", "div p b": "b",
		"[lang]": "p", "[LANG=en]": "p", "[lang=en s]": "", "[data-q=zed]": "", "[data-q=zed i]": "p", "[data-q^=Z]": "p", "[data-q$=ed]": "p",
		"[data-q*=e]": "p", "[title~=y]": "p", "[title~='x y']": "", "[lang|=EN]": "p", "[data-q='']": "", "[data-q^='']": "",
		":first-child": "div p i", "i:nth-child(3)": "i", "i:nth-of-type(2)": "i", "i:first-of-type": "i", ":nth-child(2n)": "b p xé",
		":nth-child(odd)": "div p i i", ":nth-child(-n+1)": "div p i", ":nth-child(n + 2)": "b i p xé", "p:not(:first-child)": "p",
		":not(i, b, p)": "div xé", ":not(:not(b))": "b", "div :not(p)": "i b i", "*|b": "b", "/* c */ b": "b", "\\62": "b", "b /* */": "b",
		"[data-q=\"Ze\\64\"]": "p", "[data-q='Zed": "p", "[lang": "p",
	} {
		s, err := parseSelector(sel)
		if err != nil {
			t.Errorf("%s: %v", sel, err)
			continue
		}
		m := newMachine([]registration{{selector: s, element: true}}, charset{}, 1<<20, false)
		var got []string
		if _, _, err := drive(m, [][]byte{[]byte(doc)}, func(c *call) { got = append(got, c.unit.(*element).tagName()) }); err != nil {
			t.Fatal(err)
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%s matches %q, want %q", sel, s, want)
		}
	}
}

func TestSelectorErrors(t *testing.T) {
	for want, sels := range map[string][]string{
		"The selector is empty.":                                  {"", " ", "> a", "a,", ":not()", "#", ".1", "a(", "!", "\"a\"", "@a", "##a"},
		"Dangling combinator in selector.":                        {"a >", "a > "},
		"Unexpected end of selector.":                             {".", "a.", "[", "[]", "[a=]", ":nth-child()", ":"},
		"Unexpected token in selector.":                           {"a&", ":nth-child(x)", ":nth-child(2 of a)", "[a=b x]", "[a!b]", ":nth-child(1+)"},
		"Unsupported combinator `+` in selector.":                 {"a + b"},
		"Unsupported combinator `~` in selector.":                 {"a~b"},
		"Unsupported pseudo-class or pseudo-element in selector.": {"a:hover", "a::before", ":last-child", ":is(a)", ":not(a b)", ":has(a)"},
		"Selectors with explicit namespaces are not supported.":   {"a|b", "|b", "a||b"},
		"Invalid or unescaped class name in selector.":            {"..a"},
		"Nested negation in selector.":                            {strings.Repeat(":not(", 100)},
		"The selector is too long.":                               {strings.Repeat("a ", 40_000)},
	} {
		for _, s := range sels {
			if _, err := parseSelector(s); err == nil || err.Error() != "TypeError: Parser error: "+want {
				t.Errorf("%.20q: %v, want %s", s, err, want)
			}
		}
	}
}
