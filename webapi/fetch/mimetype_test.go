package fetch

import "testing"

func TestMediaTypes(t *testing.T) {
	for in, want := range map[string]string{
		"text/plain":                     "text/plain",
		" Text/HTML ; Charset=UTF-8 ":    "text/html;charset=UTF-8",
		`text/plain;a="b"`:               "text/plain;a=b",
		`text/plain;a="b c\"d"; x=1`:     `text/plain;a="b c\"d";x=1`,
		"text/plain;a=;b=2;a=3;a=4;=5;c": "text/plain;b=2;a=3",
		`text/plain;a="open`:             "text/plain;a=open",
		`text/plain;a="b"junk;c=d`:       "text/plain;a=b;c=d",
		"text/plain;a=b\x01":             "text/plain",
		"text":                           "",
		"text/":                          "",
		"/plain":                         "",
		"te xt/plain":                    "",
		"text/pl@in":                     "",
		"":                               "",
	} {
		m, ok := parseMIME(in)
		if got := m.String(); ok != (want != "") || ok && got != want {
			t.Errorf("%q is %q, %v, want %q", in, got, ok, want)
		}
	}
}

func TestTypeOfAHeaderThatIsAList(t *testing.T) {
	for in, want := range map[string]string{
		"text/plain, x/y, text/html":               "text/html",
		"text/html;charset=a, text/html":           "text/html;charset=a",
		"text/html;charset=a, text/html;charset=b": "text/html;charset=b",
		"text/html;charset=a, text/plain":          "text/plain",
		"text/html, */*":                           "text/html",
		"text/html, nonsense":                      "text/html",
		`text/html;a="x,y"`:                        `text/html;a="x,y"`,
		`text/html;a="x\",y", text/plain`:          "text/plain",
		"nonsense":                                 "",
		"":                                         "",
	} {
		m, ok := extractMIME(in)
		if got := m.String(); ok != (want != "") || ok && got != want {
			t.Errorf("%q is %q, %v, want %q", in, got, ok, want)
		}
	}
}
