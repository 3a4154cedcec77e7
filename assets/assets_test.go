package assets

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"workerd.local/event"
)

// open makes a directory of files, given as "name: text" lines or as names, and a site of it.
func open(t *testing.T, o Options, files ...string) (*Site, []Problem) {
	t.Helper()
	o.Directory = t.TempDir()
	for _, f := range files {
		name, text, ok := strings.Cut(f, ": ")
		if !ok {
			text = "it is " + name
		}
		path := filepath.Join(o.Directory, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	s, problems, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, problems
}

// ask sends a request, "GET /path" or a path, and says what came back in a few words.
func ask(t *testing.T, s *Site, request string, header ...string) (string, http.Header) {
	t.Helper()
	method, path, ok := strings.Cut(request, " ")
	if !ok {
		method, path = http.MethodGet, request
	}
	req := &event.Request{Method: method, URL: "http://site.test" + path, Header: http.Header{}}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := s.Fetch(context.Background(), req)
	if err != nil {
		t.Fatal(err)
	}
	body := ""
	if !resp.Body.IsNull() {
		r := resp.Body.Reader()
		b, err := io.ReadAll(r)
		if err != nil || r.Close() != nil {
			t.Fatal(err)
		}
		body = " " + string(b)
	}
	if to := resp.Header.Get("Location"); to != "" {
		body += " > " + to
	}
	return fmt.Sprint(resp.Status, body), resp.Header
}

func TestPagesLiveAtOnePath(t *testing.T) {
	files := []string{"index.html", "flat.html", "deep/index.html", "both.html", "both/index.html", "file", "file.html", "a/index", "style.css"}
	for _, c := range []struct {
		pages Pages
		asked string // requests and answers, in turn
	}{
		{AutoSlash, `
			/              200 it is index.html
			/index         307 > /
			/index.html?q  307 > /?q
			/flat          200 it is flat.html
			/flat/         307 > /flat
			/flat.html     307 > /flat
			/flat/index    307 > /flat
			/deep          307 > /deep/
			/deep/         200 it is deep/index.html
			/deep.html     307 > /deep/
			/deep/index    307 > /deep/
			/both          200 it is both.html
			/both/         200 it is both/index.html
			/file          200 it is file
			/file.html     200 it is file.html
			/a/index       200 it is a/index
			/style.css     200 it is style.css
			/style         404
			/none          404`},
		{ForceSlash, `
			/              200 it is index.html
			/flat          307 > /flat/
			/flat/         200 it is flat.html
			/flat.html     307 > /flat/
			/deep          307 > /deep/
			/deep/         200 it is deep/index.html
			/deep/index.html 307 > /deep/
			/both/         200 it is both/index.html
			/both.html     200 it is both.html
			/file          200 it is file
			/file/         200 it is file.html`},
		{DropSlash, `
			/              200 it is index.html
			/index         307 > /
			/index.html    307 > /
			/flat/         307 > /flat
			/flat          200 it is flat.html
			/deep          200 it is deep/index.html
			/deep/         307 > /deep
			/deep/index.html 307 > /deep
			/both          200 it is both.html
			/both/index.html 200 it is both/index.html`},
		{AsNamed, `
			/              404
			/index.html    200 it is index.html
			/flat          404
			/flat.html     200 it is flat.html`},
	} {
		s, problems := open(t, Options{Pages: c.pages}, files...)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		for line := range strings.Lines(strings.TrimSpace(c.asked)) {
			request, want, _ := strings.Cut(strings.TrimSpace(line), " ")
			if got, _ := ask(t, s, request); got != strings.TrimSpace(want) {
				t.Errorf("mode %d: %s is %q, want %q", c.pages, request, got, strings.TrimSpace(want))
			}
		}
	}
}

func TestWhatIsMissing(t *testing.T) {
	files := []string{"index.html", "404.html", "a/404.html", "a/b/c.txt"}
	for _, c := range []struct {
		missing       Missing
		request, want string
	}{
		{NotFound, "/a/b/x", "404"},
		{OnePage, "/a/b/x?q", "200 it is index.html"},
		{NearestPage, "/a/b/x", "404 it is a/404.html"},
		{NearestPage, "/x", "404 it is 404.html"},
	} {
		s, _ := open(t, Options{Missing: c.missing}, files...)
		if got, _ := ask(t, s, c.request); got != c.want {
			t.Errorf("%s is %q, want %q", c.request, got, c.want)
		}
	}
}

func TestOneSpellingOfAPath(t *testing.T) {
	s, _ := open(t, Options{}, "[id].html", "ü b.txt", "%41.txt", "a+b.txt", "dir/x.txt")
	for _, c := range [][2]string{
		{"/%5Bid%5D", "200 it is [id].html"},
		{"/[id]", "307 > /%5Bid%5D"},
		{"/%C3%BC%20b.txt", "200 it is ü b.txt"},
		{"/%c3%bc%20b.txt?x=1", "307 > /%C3%BC%20b.txt?x=1"},
		{"/%2541.txt", "200 it is %41.txt"},
		{"/A.txt", "404"},
		{"/a%2Bb.txt", "200 it is a+b.txt"},
		{"/dir//x.txt", "307 > /dir/x.txt"},
		{"//dir/x.txt", "307 > /dir/x.txt"},
		{"/dir%2Fx.txt", "307 > /dir/x.txt"},
		{"/y/../dir/./x.txt", "200 it is dir/x.txt"},
		{"/%2e%2e/dir/x.txt", "200 it is dir/x.txt"},
		{"/dir/%2e%2e%2f%2e%2e%2fetc%2fpasswd", "404"},
		{"/%ff", "404"},
		{"/dir", "404"},
		{"/dir/", "404"},
	} {
		if got, _ := ask(t, s, c[0]); got != c[1] {
			t.Errorf("%s is %q, want %q", c[0], got, c[1])
		}
	}
}

func TestNothingOutsideTheDirectory(t *testing.T) {
	s, _ := open(t, Options{}, "in.txt")
	secret := filepath.Join(t.TempDir(), "secret.txt")
	if err := os.WriteFile(secret, []byte("secret"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(secret, filepath.Join(s.o.Directory, "out.txt")); err != nil {
		t.Skip(err)
	}
	if got, _ := ask(t, s, "/out.txt"); got != "404" {
		t.Errorf("a link that leads out is %q", got)
	}
}

func TestHeadersOfFiles(t *testing.T) {
	s, _ := open(t, Options{}, "a.html", "b.bin: 123", "c.unknown", "D.PNG")
	_, h := ask(t, s, "/a")
	etag := h.Get("Etag")
	if h.Get("Content-Type") != "text/html; charset=utf-8" || h.Get("Cache-Control") != "public, max-age=0, must-revalidate" || etag == "" || h.Get("Content-Length") != "12" {
		t.Errorf("headers are %v", h)
	}
	for _, match := range []string{etag, "W/" + etag, `"x", ` + etag} {
		if got, h := ask(t, s, "/a", "If-None-Match", match); got != "304" || h.Get("Etag") != etag {
			t.Errorf("If-None-Match %s is %s %v", match, got, h)
		}
	}
	if got, _ := ask(t, s, "/a", "If-None-Match", `"x"`); got != "200 it is a.html" {
		t.Error(got)
	}
	if got, h := ask(t, s, "HEAD /b.bin"); got != "200" || h.Get("Content-Length") != "3" || h.Get("Content-Type") != "application/octet-stream" {
		t.Error(got, h)
	}
	for _, name := range []string{"Authorization", "Range"} {
		if _, h := ask(t, s, "/b.bin", name, "x"); h.Get("Cache-Control") != "" {
			t.Errorf("a request with %s may be cached: %v", name, h)
		}
	}
	if _, h := ask(t, s, "/c.unknown"); h.Get("Content-Type") != "" {
		t.Error(h)
	}
	if _, h := ask(t, s, "/D.PNG"); h.Get("Content-Type") != "image/png" {
		t.Error(h)
	}
	for _, request := range []string{"POST /a", "PUT /a.html"} {
		if got, _ := ask(t, s, request); got != "405" {
			t.Errorf("%s is %q", request, got)
		}
	}
	if got, _ := ask(t, s, "POST /none"); got != "404" {
		t.Error(got)
	}
}

func TestHeaderRules(t *testing.T) {
	s, problems := open(t, Options{}, "index.html", "x/y.txt", `_headers: # about everything
/*
  X-All: yes
  Cache-Control: no-store
  x-twice: one
  X-Twice: two
/x/:file
  ! Cache-Control
  X-All: also
  X-File: <:file> :other
https://site.test/x/*
  X-Host: :splat
https://:sub.test/*
  X-Sub: :sub
https://elsewhere.test/*
  X-Not: me
/nothing
X Y: z
lonely
/a/*/b/*
  X-Not: me
ftp//x: y
/last
  Bad Name: x
  Empty:
  X-Last: 1`)
	_, h := ask(t, s, "/")
	if h.Get("X-All") != "yes" || h.Get("Cache-Control") != "no-store" || h.Get("X-Twice") != "one, two" || h.Get("X-Sub") != "site" || h.Get("X-Not") != "" {
		t.Errorf("headers of / are %v", h)
	}
	_, h = ask(t, s, "/x/y.txt")
	if got := strings.Join(h.Values("X-All"), "+"); got != "yes+also" || h.Get("Cache-Control") != "" || h.Get("X-File") != "<y.txt> :other" || h.Get("X-Host") != "y.txt" {
		t.Errorf("headers of /x/y.txt are %v", h)
	}
	if got, h := ask(t, s, "/last"); got != "404" || h.Get("X-Last") != "1" {
		t.Error(got, h)
	}
	want := "18 19 20 24 25"
	var lines []string
	for _, p := range problems {
		lines = append(lines, fmt.Sprint(p.Line))
	}
	if got := strings.Join(lines, " "); got != want {
		t.Errorf("lines that are left out: %s, want %s\n%v", got, want, problems)
	}
	if got, _ := ask(t, s, "/_headers"); got != "404" {
		t.Errorf("the rules are served: %s", got)
	}
}

func TestRedirectRules(t *testing.T) {
	s, problems := open(t, Options{}, "index.html", "page.html", "id.html", `_redirects: # old paths
/old /page
/gone https://else.test/there?x=1 301 # for good
/hash /page#part
/user/:id/* /id?u=:id&rest=:splat 308
/any/* /:splat
/show/:id /id 200
/lost /nowhere 200
/old /twice
/a/* /index.html
/b /c 418
/d
https://x.test/e /f
/g /h i j
/i ftp://x
/j https://x.test/ 200
/k/*/* /l`)
	for _, c := range [][2]string{
		{"/old", "302 > /page"},
		{"/old?q=1", "302 > /page?q=1"},
		{"POST /old", "302 > /page"},
		{"/gone?y", "301 > https://else.test/there?x=1"},
		{"/hash", "302 > /page#part"},
		{"/user/7/a/b", "308 > /id?u=7&rest=a/b"},
		{"/any//else.test/x", "302 > /else.test/x"},
		{"/show/3", "200 it is id.html"},
		{"/lost", "404"},
		{"/page", "200 it is page.html"},
	} {
		if got, _ := ask(t, s, c[0]); got != c[1] {
			t.Errorf("%s is %q, want %q", c[0], got, c[1])
		}
	}
	for i, line := range []int{9, 10, 11, 12, 13, 14, 15, 16, 17} {
		if len(problems) != 9 || problems[i].Line != line {
			t.Fatalf("lines that are left out: %v", problems)
		}
	}
}

func TestIgnoredFilesAreNotServed(t *testing.T) {
	s, _ := open(t, Options{}, "a.txt", "a.map", "deep/b.map", "deep/keep.map", "_worker.js/index.js", "node_modules/x/y.js", "docs/a.md", "docs/sub/b.md", "n1.txt", "#x", ".well-known/ok",
		".assetsignore: # not for everybody\n*.map\n!keep.map\n_worker.js\nnode_modules/\n/docs/**/*.md\nn[0-9].txt\n\\#x\n")
	for _, c := range [][2]string{
		{"/a.txt", "200 it is a.txt"}, {"/a.map", "404"}, {"/deep/b.map", "404"}, {"/deep/keep.map", "200 it is deep/keep.map"},
		{"/_worker.js/index.js", "404"}, {"/node_modules/x/y.js", "404"}, {"/docs/a.md", "404"}, {"/docs/sub/b.md", "404"},
		{"/n1.txt", "404"}, {"/%23x", "404"}, {"/.assetsignore", "404"}, {"/.well-known/ok", "200 it is .well-known/ok"},
	} {
		if got, _ := ask(t, s, c[0]); got != c[1] {
			t.Errorf("%s is %q, want %q", c[0], got, c[1])
		}
	}
}

func TestRouterChoosesBetweenFilesAndWorker(t *testing.T) {
	s, _ := open(t, Options{Missing: OnePage}, "index.html", "a.html", "api/file.txt", "_redirects: /moved /a\n/lost /nowhere 200")
	for _, c := range []struct {
		r       Routing
		request string
		browser bool
		want    bool
	}{
		{Routing{}, "/a", false, true},
		{Routing{}, "/a.html", false, true},
		{Routing{}, "/moved", false, true},
		{Routing{}, "/lost", false, true},
		{Routing{}, "/other", false, false},
		{Routing{}, "/other", true, false},
		{Routing{Navigation: true}, "/other", true, true},
		{Routing{Navigation: true}, "/other", false, false},
		{Routing{First: true}, "/a", false, false},
		{Routing{Worker: []string{"/api/*"}}, "/api/file.txt", false, false},
		{Routing{Worker: []string{"/api/*"}, Assets: []string{"/api/f*"}}, "/api/file.txt", false, true},
		{Routing{Worker: []string{"/api/*"}}, "/other", false, true},
		{Routing{Worker: []string{"/api/*"}}, "/a", false, true},
	} {
		router, err := NewRouter(s, c.r)
		if err != nil {
			t.Fatal(err)
		}
		req := &event.Request{Method: http.MethodGet, URL: "http://site.test" + c.request, Header: http.Header{}}
		if c.browser {
			req.Header.Set("Sec-Fetch-Mode", "navigate")
		}
		if got, err := router.ToSite(req); got != c.want || err != nil {
			t.Errorf("%+v: %s (browser: %v) goes to the files: %v %v", c.r, c.request, c.browser, got, err)
		}
	}
}

func TestRulesAreBounded(t *testing.T) {
	var b strings.Builder
	for i := range 150 {
		fmt.Fprintf(&b, "/p%d/*\n  X: %d\n", i, i)
	}
	s, problems := open(t, Options{}, "_headers: "+b.String(), "_redirects: "+strings.Repeat("x", 2001)+"\n"+strings.ReplaceAll(b.String(), "\n  X: ", " /q"))
	if len(s.headers) != 100 || len(s.redirects.patterns) != 100 || len(problems) != 3 {
		t.Error(len(s.headers), len(s.redirects.patterns), problems)
	}
}
