package htmlrewriter

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// everything wants all events, of elements and of the document.
func everything(t testing.TB) []registration {
	all, err := parseSelector("*")
	if err != nil {
		t.Fatal(err)
	}
	return []registration{
		{selector: all, element: true, comments: true, text: true},
		{comments: true, text: true, doctype: true, end: true},
	}
}

// drive runs a machine over pieces of input and returns the output, and what was
// called.
func drive(m *machine, pieces [][]byte, do func(c *call)) (out []byte, log []string, err error) {
	take := func() {
		for _, p := range m.takeOut() {
			out = append(out, p.b...)
		}
	}
	for {
		status, c, err := m.step()
		switch {
		case err != nil:
			return out, log, err
		case status == wantCall:
			log = append(log, describe(c))
			if do != nil {
				do(c)
			}
		case status == wantInput:
			take()
			if len(pieces) == 0 {
				m.close()
				continue
			}
			m.feed(bytes.Clone(pieces[0]))
			pieces = pieces[1:]
		case status == finished:
			take()
			return out, log, nil
		}
	}
}

func describe(c *call) string {
	switch u := c.unit.(type) {
	case *element:
		var attrs []string
		u.readAttrs()
		for _, a := range u.attrs {
			attrs = append(attrs, fmt.Sprintf("%s=%q", a.name, a.value))
		}
		return fmt.Sprintf("%d <%s %s> %s", c.reg, u.tagName(), strings.Join(attrs, " "), u.ns)
	case *commentUnit:
		return fmt.Sprintf("%d comment %q", c.reg, u.text)
	case *chunk:
		return fmt.Sprintf("%d text %q %t", c.reg, u.text, u.last)
	case *doctypeUnit:
		show := func(s *string) string {
			if s == nil {
				return "-"
			}
			return *s
		}
		return fmt.Sprintf("%d doctype %s %s %s", c.reg, show(u.name), show(u.public), show(u.system))
	case *endTagUnit:
		return "</" + u.getName() + ">"
	}
	return fmt.Sprintf("%d end", c.reg)
}

// cut makes pieces of n bytes.
func cut(in []byte, n int) (pieces [][]byte) {
	for len(in) > n {
		pieces = append(pieces, in[:n])
		in = in[n:]
	}
	return append(pieces, in)
}

// merge joins the pieces of a text, which depend on how the input was cut.
func merge(log []string) (out []string) {
	texts := map[string]string{}
	for _, l := range log {
		var reg int
		var s string
		var last bool
		if n, _ := fmt.Sscanf(l, "%d text %q %t", &reg, &s, &last); n != 3 {
			out = append(out, l)
			continue
		}
		key := fmt.Sprint(reg)
		if texts[key] += s; last {
			out = append(out, fmt.Sprintf("%d text %q", reg, texts[key]))
			delete(texts, key)
		}
	}
	return out
}

const page = "<!DOCTYPE html PUBLIC \"a\" 'b'>\n<!-- hello --><html lang=en><head><title>x < <b>y</title>" +
	"<script>if (a<b) { '<!-- <script>' } '</script>' --></script><style>a>b{}</style></head>" +
	"<body Class='A b'  data-x = \"1>2\" hidden/><p>é €\U0001F600<br/>x &amp; y < z <1</p>" +
	"<svg viewBox='0'><a/><![CDATA[x<y]]></svg></ bogus><?pi?><!x></br><textarea>\n</textareax></textarea>" +
	"<!----><!--->a<!--b--!>c<a href=x/y>z</a ><plaintext></p>"

func TestUntouchedBytesStay(t *testing.T) {
	for n := 1; n < len(page); n++ {
		out, _, err := drive(newMachine(everything(t), charset{}, 1<<20, false), cut([]byte(page), n), nil)
		if err != nil || string(out) != page {
			t.Fatalf("in pieces of %d: %v\n%s", n, err, out)
		}
	}
}

func TestAnyCutGivesTheSameCalls(t *testing.T) {
	_, want, err := drive(newMachine(everything(t), charset{}, 1<<20, false), [][]byte{[]byte(page)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	whole := strings.Join(merge(want), "\n")
	for n := 1; n < 64; n++ {
		_, log, err := drive(newMachine(everything(t), charset{}, 1<<20, false), cut([]byte(page), n), nil)
		if got := strings.Join(merge(log), "\n"); err != nil || got != whole {
			t.Fatalf("in pieces of %d: %v\n%s\nwant\n%s", n, err, got, whole)
		}
	}
}

func TestTokensOfAPage(t *testing.T) {
	const html = "http://www.w3.org/1999/xhtml"
	for in, want := range map[string]string{
		"<A x=1  Y = \"2\"/ z x=3 =q>t</A>": `0 <a x="1" y="2" z="" x="3" =q=""> ` + html + `|0 text "t"|1 text "t"|1 end`,
		"</p><i>a</b></i>":                  `0 <i > ` + html + `|0 text "a"|1 text "a"|1 end`,
		"a<b c=\"":                          `1 text "a"|1 end`,
		"a<!-- x":                           `1 text "a"|1 comment " x"|1 end`,
		"a<!doc":                            `1 text "a"|1 comment "doc"|1 end`,
		"a</>b":                             `1 text "a"|1 text "b"|1 end`,
		"a</":                               `1 text "a</"|1 end`,
		"<!doctype SVG system 'x'":          `1 doctype svg - x|1 end`,
		"<!doctype>":                        `1 doctype - - -|1 end`,
		"<!-->a<!--->b<!---->c<!--d--!>":    `1 comment ""|1 text "a"|1 comment ""|1 text "b"|1 comment ""|1 text "c"|1 comment "d"|1 end`,
		"<![CDATA[a]]>":                     `1 comment "[CDATA[a]]"|1 end`,
		"<title>a</titlex></TITLE >b":       `0 <title > ` + html + `|0 text "a</titlex>"|1 text "a</titlex>"|1 text "b"|1 end`,
		"<svg/><b>x</b>":                    `0 <svg > http://www.w3.org/2000/svg|0 <b > ` + html + `|0 text "x"|1 text "x"|1 end`,
		"<math><mi><b></b></mi></math>":     `0 <math > http://www.w3.org/1998/Math/MathML|0 <mi > http://www.w3.org/1998/Math/MathML|0 <b > ` + html + `|1 end`,
	} {
		_, log, err := drive(newMachine(everything(t), charset{}, 1<<20, false), [][]byte{[]byte(in)}, nil)
		if s := strings.Join(merge(log), "|"); err != nil || s != want {
			t.Errorf("%s: %v\n got %s\nwant %s", in, err, s, want)
		}
	}
}

func TestAmbiguousTextTagsAreRefused(t *testing.T) {
	for in, bad := range map[string]bool{
		"<select><title>": true,
		"<select><script>x</script></select><title>": false,
		"<select><textarea>":                         false,
		"<select><template><style>":                  true,
		"<frameset><iframe>":                         true,
		"<frameset><noframes>":                       false,
	} {
		_, _, err := drive(newMachine(nil, charset{}, 1<<20, false), [][]byte{[]byte(in)}, nil)
		if (err != nil) != bad || err != nil && !strings.Contains(err.Error(), "ambiguous") {
			t.Errorf("%s: %v", in, err)
		}
	}
}

func TestMemoryOfAMachineIsBounded(t *testing.T) {
	for name, in := range map[string]string{
		"a tag that does not end":     "<a b='" + strings.Repeat("x", 20_000),
		"a comment that does not end": "<!--" + strings.Repeat("x", 20_000),
		"a doctype":                   "<!doctype " + strings.Repeat("x", 20_000),
		"open elements":               strings.Repeat("<a>", 1000),
	} {
		_, _, err := drive(newMachine(everything(t), charset{}, 10_000, false), cut([]byte(in), 100), nil)
		if err == nil || err.Error() != "TypeError: Parser error: The memory limit has been exceeded." {
			t.Errorf("%s: %v", name, err)
		}
	}
	in := strings.Repeat("<a><b></b></a>", 10_000) + strings.Repeat("x", 100_000) + strings.Repeat("</zz>", 1000)
	if _, _, err := drive(newMachine(nil, charset{}, 10_000, false), cut([]byte(in), 1000), nil); err != nil {
		t.Error(err)
	}
}

func TestMemoryIsGivenBack(t *testing.T) {
	s, err := parseSelector("a:nth-of-type(2) > b c, a b")
	if err != nil {
		t.Fatal(err)
	}
	m := newMachine([]registration{{selector: s, element: true}}, charset{}, 1<<20, false)
	if _, _, err := drive(m, [][]byte{[]byte("<div>" + strings.Repeat("<a><b><c></c></b></a><a><b></b></a>", 50) + "</div>")}, nil); err != nil {
		t.Fatal(err)
	}
	if m.used > 64 || len(m.open) != 0 || m.texts != 0 {
		t.Errorf("%d bytes, %d names, %d texts are left", m.used, len(m.open), m.texts)
	}
}

func TestLegacyCharsets(t *testing.T) {
	sjis := []byte("<p t='\x83\x5c'>\x83\x5c\x82\xa0x</p>\x83")
	cs, err := newCharset("Shift_JIS")
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n < len(sjis); n++ {
		out, log, err := drive(newMachine(everything(t), cs, 1<<20, false), cut(sjis, n), nil)
		if err != nil || !bytes.Equal(out, sjis) {
			t.Fatalf("in pieces of %d: %v %q", n, err, out)
		}
		if got := merge(log)[1]; got != `0 text "ソあx"` {
			t.Fatalf("in pieces of %d: %s", n, got)
		}
	}
	if got := string(cs.encode("ソ€<")); got != "\x83\x5c&#8364;<" {
		t.Errorf("%q", got)
	}
	for label, want := range map[string]string{
		"utf-16le": "Expected ASCII-compatible encoding.", "iso-2022-jp": "Expected ASCII-compatible encoding.",
		"nonsense": "Unknown character encoding has been provided.", "replacement": "Unknown character encoding has been provided.",
	} {
		if _, err := newCharset(label); err == nil || err.Error() != "TypeError: Parser error: "+want {
			t.Errorf("%s: %v", label, err)
		}
	}
}

func FuzzRewrite(f *testing.F) {
	f.Add([]byte(page), 7)
	f.Add([]byte("<svg><desc><b/></desc></svg><p>a<p>b</div>"), 1)
	f.Add([]byte("\xff<a \xe2\x82=\xe2>\xe2\x82</a>"), 2)
	f.Fuzz(func(t *testing.T, in []byte, n int) {
		n = max(1, n&0xff)
		regs := everything(t)
		_, _, whole := drive(newMachine(regs, charset{}, 1<<20, false), [][]byte{in}, nil)
		out, _, err := drive(newMachine(regs, charset{}, 1<<20, false), cut(in, n), nil)
		if (err == nil) != (whole == nil) {
			t.Fatalf("whole: %v, in pieces: %v", whole, err)
		}
		if err == nil && !bytes.Equal(out, in) {
			t.Fatalf("%q became %q", in, out)
		}
		// Handlers that change things may not break the machine.
		_, _, _ = drive(newMachine(regs, charset{}, 1<<20, false), cut(in, n), func(c *call) {
			if e, ok := c.unit.(*element); ok {
				switch len(e.name) % 4 {
				case 0:
					e.remove()
				case 1:
					e.setInner(content{text: "x"})
				case 2:
					e.putAppend(content{text: "<", html: true})
					_ = e.setTagName("b")
				}
				_ = e.onEnd(1)
			}
		})
	})
}

func FuzzSelector(f *testing.F) {
	for _, s := range []string{"a > b.c#d[e~='f' i]:not(g, :nth-child(2n+1))", "*|a", ".\\31 ", "[a", ":nth-of-type(-n + 3)"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		sel, err := parseSelector(s)
		if err != nil {
			return
		}
		m := newMachine([]registration{{selector: sel, element: true}}, charset{}, 1<<20, false)
		if out, _, err := drive(m, [][]byte{[]byte(page)}, nil); err != nil || string(out) != page {
			t.Fatalf("%v %s", err, out)
		}
	})
}

func BenchmarkRewrite(b *testing.B) {
	s, err := parseSelector("div.x > a[href]")
	if err != nil {
		b.Fatal(err)
	}
	in := []byte(strings.Repeat("<div class=x><a href='/y'>text of a link</a><p>and a bit more of it, so that it is a page</p></div>\n", 1000))
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		m := newMachine([]registration{{selector: s, element: true}}, charset{}, 1<<20, false)
		if _, _, err := drive(m, cut(in, 64<<10), nil); err != nil {
			b.Fatal(err)
		}
	}
}
