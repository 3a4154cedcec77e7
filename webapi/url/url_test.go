package url

import (
	"reflect"
	"strings"
	"testing"
)

func mustParse(t *testing.T, ref string) *URL {
	t.Helper()
	u, err := Parse(ref, nil)
	if err != nil {
		t.Fatalf("Parse(%q): %v", ref, err)
	}
	return u
}

func TestParseParts(t *testing.T) {
	for _, c := range []struct {
		in, base string
		want     URL
	}{
		{"https://example.com/a/b?q=1#f", "", URL{href: "https://example.com/a/b?q=1#f", protocol: "https:", host: "example.com", hostname: "example.com", pathname: "/a/b", search: "?q=1", hash: "#f"}},
		{"HTTP://User:Pa ss@EXAMPLE.com:080/../x y", "", URL{href: "http://User:Pa%20ss@example.com/x%20y", protocol: "http:", username: "User", password: "Pa%20ss", host: "example.com", hostname: "example.com", pathname: "/x%20y"}},
		{"http://h:8080/?#", "", URL{href: "http://h:8080/?#", protocol: "http:", host: "h:8080", hostname: "h", port: "8080", pathname: "/"}},
		{"../c?x", "http://h/a/b/d", URL{href: "http://h/a/c?x", protocol: "http:", host: "h", hostname: "h", pathname: "/a/c", search: "?x"}},
		{"http://0x7f.1/", "", URL{href: "http://127.0.0.1/", protocol: "http:", host: "127.0.0.1", hostname: "127.0.0.1", pathname: "/"}},
		{"http://[::1]:3/", "", URL{href: "http://[::1]:3/", protocol: "http:", host: "[::1]:3", hostname: "[::1]", port: "3", pathname: "/"}},
		{"http://bücher.de", "", URL{href: "http://xn--bcher-kva.de/", protocol: "http:", host: "xn--bcher-kva.de", hostname: "xn--bcher-kva.de", pathname: "/"}},
		{"mailto:a@b", "", URL{href: "mailto:a@b", protocol: "mailto:", pathname: "a@b"}},
		{"http://h/a^b?^#^", "", URL{href: "http://h/a%5Eb?^#^", protocol: "http:", host: "h", hostname: "h", pathname: "/a%5Eb", search: "?^", hash: "#^"}},
		{"data:a b  #f", "", URL{href: "data:a b %20#f", protocol: "data:", pathname: "a b %20", hash: "#f"}},
		{"data:a  ?", "", URL{href: "data:a %20?", protocol: "data:", pathname: "a %20"}},
		{"data:a b  ", "", URL{href: "data:a b", protocol: "data:", pathname: "a b"}},
		{"file:///C|/x", "", URL{href: "file:///C:/x", protocol: "file:", pathname: "/C:/x"}},
	} {
		var base *string
		if c.base != "" {
			base = &c.base
		}
		u, err := Parse(c.in, base)
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		if !reflect.DeepEqual(*u, c.want) {
			t.Errorf("%s\n got %+v\nwant %+v", c.in, *u, c.want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, in := range []string{"", "x", "http://", "http://a b/", "http://h:99999/", "http://h:x/", "//h/x", "http://[::1", "https://exa%23mple.org"} {
		if u, err := Parse(in, nil); err == nil {
			t.Errorf("%q parsed as %s", in, u)
		} else if err.Error() != "TypeError: Invalid URL string." {
			t.Errorf("%q: %v", in, err)
		}
	}
	bad := "y"
	if CanParse("x", &bad) {
		t.Error("a relative base was taken")
	}
}

func TestOrigin(t *testing.T) {
	for in, want := range map[string]string{
		"https://a.b:444/x": "https://a.b:444", "http://a:80/": "http://a", "wss://a/": "wss://a", "ftp://a/": "ftp://a",
		"blob:https://a.b/1": "https://a.b", "blob:x": "null", "blob:ftp://a/": "null", "data:,x": "null", "file:///x": "null",
	} {
		if got := mustParse(t, in).Origin(); got != want {
			t.Errorf("origin of %s is %s, want %s", in, got, want)
		}
	}
}

func TestSetters(t *testing.T) {
	for _, c := range []struct {
		in   string
		set  func(*URL)
		want string
	}{
		{"http://a/", func(u *URL) { u.SetProtocol("https") }, "https://a/"},
		{"http://a/", func(u *URL) { u.SetProtocol("mailto") }, "http://a/"},
		{"http://a/", func(u *URL) { u.SetUsername("x:y") }, "http://x%3Ay@a/"},
		{"http://a/", func(u *URL) { u.SetPassword("p") }, "http://:p@a/"},
		{"mailto:x", func(u *URL) { u.SetUsername("p") }, "mailto:x"},
		{"http://a:1/", func(u *URL) { u.SetHost("b:2") }, "http://b:2/"},
		{"http://a:1/", func(u *URL) { u.SetHostname("b") }, "http://b:1/"},
		{"http://a:1/", func(u *URL) { u.SetHost("") }, "http://a:1/"},
		{"http://a:1/", func(u *URL) { u.SetPort("80") }, "http://a/"},
		{"http://a/", func(u *URL) { u.SetPort("8x") }, "http://a:8/"},
		{"http://a/", func(u *URL) { u.SetPort("70000") }, "http://a/"},
		{"http://a/b?c", func(u *URL) { u.SetPathname("d e?") }, "http://a/d%20e%3F?c"},
		{"http://a/b", func(u *URL) { u.SetSearch("?x y") }, "http://a/b?x%20y"},
		{"http://a/b?x#y", func(u *URL) { u.SetSearch("") }, "http://a/b#y"},
		{"http://a/b", func(u *URL) { u.SetHash("z") }, "http://a/b#z"},
		{"http://a/b#q", func(u *URL) { u.SetHash("") }, "http://a/b"},
		{"http://a/b", func(u *URL) { u.SetPathname("^") }, "http://a/%5E"},
		{"data:a  ?q#f", func(u *URL) { u.SetSearch("") }, "data:a %20#f"},
		{"data:a  #f", func(u *URL) { u.SetHash("") }, "data:a %20"},
	} {
		u := mustParse(t, c.in)
		c.set(u)
		if u.Href() != c.want {
			t.Errorf("%s became %s, want %s", c.in, u.Href(), c.want)
		}
	}
}

func TestFailedSetHrefChangesNothing(t *testing.T) {
	u := mustParse(t, "http://a/?b=1")
	p := u.Params()
	if err := u.SetHref("bad"); err == nil {
		t.Fatal("a bad href was taken")
	}
	if u.Href() != "http://a/?b=1" || p.String() != "b=1" {
		t.Fatalf("%s %s", u.Href(), p)
	}
	if err := u.SetHref("http://c/?d=2"); err != nil {
		t.Fatal(err)
	}
	if u.Params() != p || p.String() != "d=2" {
		t.Fatalf("params are %s", p)
	}
}

func TestParamsAndURLFollowEachOther(t *testing.T) {
	u := mustParse(t, "http://a/?x=1&y=2")
	p := u.Params()
	p.Append("z", "ä &")
	if u.Href() != "http://a/?x=1&y=2&z=%C3%A4+%26" {
		t.Fatal(u.Href())
	}
	u.SetSearch("q")
	if p.String() != "q=" {
		t.Fatal(p)
	}
	p.Delete("q", nil)
	if u.Href() != "http://a/" {
		t.Fatal(u.Href())
	}
}

func TestForm(t *testing.T) {
	for in, want := range map[string][]Pair{
		"a=b&c=d":       {{"a", "b"}, {"c", "d"}},
		"a&&=x&":        {{"a", ""}, {"", "x"}},
		"a+b=%20%2B+%2": {{"a b", " + %2"}},
		"a==b":          {{"a", "=b"}},
		"%ff=%e2%82":    {{"\uFFFD", "\uFFFD"}},
		"%EF%BB%BFx=1":  {{"\uFEFFx", "1"}},
	} {
		if got := ParseForm(in); !reflect.DeepEqual(got, want) {
			t.Errorf("%s gave %q, want %q", in, got, want)
		}
	}
	if got := FormatForm([]Pair{{"a b*-._~", "ü'()"}, {"", ""}}); got != "a+b*-._%7E=%C3%BC%27%28%29&=" {
		t.Error(got)
	}
}

func TestParamsOperations(t *testing.T) {
	one := "1"
	p := ParseParams("?a=1&b=2&a=3&a=1")
	if !p.Has("a", &one) || p.Has("b", &one) || p.Has("c", nil) {
		t.Error("has")
	}
	p.Set("a", "9")
	if p.String() != "a=9&b=2" {
		t.Error(p)
	}
	p.Set("n", "0")
	p.Append("a", "1")
	p.Delete("a", &one)
	if p.String() != "a=9&b=2&n=0" {
		t.Error(p)
	}
	if v := p.All("zz"); v == nil || len(v) != 0 {
		t.Error("All of a missing name is not an empty list")
	}
}

func TestSortIsByUTF16AndStable(t *testing.T) {
	p := ParseParams("z=1&\uFFFD=2&😀=3&a=4&z=0&ab=5&\uE000=6")
	p.Sort()
	var got []string
	for _, q := range p.Pairs() {
		got = append(got, q.Name+q.Value)
	}
	if want := "a4 ab5 z1 z0 😀3 \uE0006 \uFFFD2"; strings.Join(got, " ") != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// full is what the standard's parser makes of s.
func full(s string) (*URL, bool) {
	f, err := parser.Parse(s)
	if err != nil {
		return nil, false
	}
	u := &URL{}
	u.take(f)
	return u, true
}

func checkSimple(t *testing.T, s string) {
	t.Helper()
	var u URL
	if !u.parseSimple(s) {
		if u != (URL{}) {
			t.Errorf("%q: refused, but changed to %+v", s, u)
		}
		return
	}
	want, ok := full(s)
	if !ok {
		t.Errorf("%q: taken by parseSimple, refused by the standard", s)
		return
	}
	if u != *want {
		t.Errorf("%q\n simple %+v\n   full %+v", s, u, *want)
	}
}

var simpleSeeds = []string{
	"http://127.0.0.1:28099/a?b", "http://127.0.0.01/", "http://1.2.3/", "http://1.2.3.256/", "http://1.2.3.4.5/", "http://0.0.0.0:65535/", "http://h:65536/", "http://h:0/", "http://h:00080/", "http://a.1.2.3.4/", "http://1.2.3.0x4/",
	"https://example.com/", "http://a.b.c:8080/x/y.z?q=a%20b#f!", "http://a/./b", "http://a/b/..", "http://a/%2e/b", "http://a/%2E%2e",
	"http://a/b/.c", "http://1.2.3/", "http://a.0x1/", "http://a.1/", "http://a:443/", "https://a:443/", "http://a:080/", "http://a/?'", "http://a/?\"",
	"http://a/{", "http://a/b?c?d#e#f", "http://a/#`", "http://a/ ", "http://-a-/", "http://a--b/", "http://xn--a/", "http://a../", "http://a./",
	"http://a/?", "http://a/#", "http://a/?#", "http://a//b", "http://a/\\b", "http://a:/", "http://a@b/", "http://a/|", "http://a/^", "https://h/~[]@:;,$&()*+=!'",
}

func TestSimpleAgreesWithTheStandard(t *testing.T) {
	for _, s := range simpleSeeds {
		checkSimple(t, s)
	}
}

func FuzzSimple(f *testing.F) {
	for _, s := range simpleSeeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		checkSimple(t, s)
		// Parsing what was written gives the same URL again.
		if u, err := Parse(s, nil); err == nil {
			again, err := Parse(u.href, nil)
			if err != nil {
				t.Fatalf("%q gave %q, which does not parse", s, u.href)
			}
			if again.href != u.href {
				t.Fatalf("%q gave %q, then %q", s, u.href, again.href)
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	for name, s := range map[string]string{
		"simple": "https://example.com/api/v1/users/42?expand=true&limit=10",
		"full":   "https://user@example.com/api/v1/users/42?expand=true&limit=10",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(s, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/nlnwa", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := parser.Parse(s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
