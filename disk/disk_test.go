package disk_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"workerd.local/disk"
	"workerd.local/event"
	"workerd.local/exception"
)

// content of the directory that most tests serve; names that end in / are
// directories.
var content = map[string]string{
	"f": "0123456789", "empty": "", "d/": "", "d/g": "g", "d/e/": "", ".secret": "s", ".hid/x": "x", "ü %.txt": "name",
}

// open makes a directory with the content and serves it.
func open(t testing.TB, o disk.Options) (d *disk.Directory, dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "served")
	for name, text := range content {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if strings.HasSuffix(name, "/") {
			check(t, os.MkdirAll(p, 0o777))
			continue
		}
		check(t, os.MkdirAll(filepath.Dir(p), 0o777))
		check(t, os.WriteFile(p, []byte(text), 0o666))
	}
	check(t, os.WriteFile(filepath.Join(filepath.Dir(dir), "outside"), []byte("outside"), 0o666))
	d, err := disk.Open(dir, o)
	check(t, err)
	t.Cleanup(func() { check(t, d.Close()) })
	return d, dir
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// do makes a request; header is "Name: value" or empty.
func do(t testing.TB, d *disk.Directory, method, path, header string, body event.Body) (*event.Response, string) {
	t.Helper()
	h := http.Header{}
	if k, v, ok := strings.Cut(header, ": "); ok {
		h.Set(k, v)
	}
	resp, err := d.Fetch(t.Context(), &event.Request{Method: method, URL: "http://disk" + path, Header: h, Body: body})
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	if resp.Body.IsNull() {
		return resp, ""
	}
	b, err := io.ReadAll(resp.Body.Reader())
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	if n := resp.Body.Size(); n != int64(len(b)) {
		t.Errorf("%s %s: %d bytes of %d", method, path, len(b), n)
	}
	return resp, string(b)
}

func get(t testing.TB, d *disk.Directory, path string) string {
	t.Helper()
	resp, body := do(t, d, "GET", path, "", event.NoBody)
	return fmt.Sprint(resp.Status, " ", body)
}

func put(t testing.TB, d *disk.Directory, path, body string) string {
	t.Helper()
	resp, text := do(t, d, "PUT", path, "", event.BytesBody([]byte(body)))
	return strings.TrimSpace(fmt.Sprint(resp.Status, " ", text))
}

const (
	missing = "404 Not Found"
	dList   = `200 [{"name":"e","type":"directory"},{"name":"g","type":"file"}]`
	root    = `200 [{"name":"d","type":"directory"},{"name":"empty","type":"file"},{"name":"f","type":"file"},{"name":"ü %.txt","type":"file"}]`
)

func TestGet(t *testing.T) {
	d, _ := open(t, disk.Options{})
	for path, want := range map[string]string{
		"/f": "200 0123456789", "/f/": "200 0123456789", "/f?query=x#frag": "200 0123456789", "/empty": "200 ", "/d/g": "200 g",
		"/%66": "200 0123456789", "/%C3%BC%20%25.txt": "200 name",
		"": root, "/": root, "/d": dList, "/d/": dList, "/d/e": "200 []",
		"/./f": "200 0123456789", "/d/../f": "200 0123456789", "/d/./g": "200 g", "/d/%2e/g": "200 g", "/%2E%2e/f": "200 0123456789",
		"/..": root, "/../..": root, "/d/..": root, "/d/.": dList, "/%2e": root,
		"/../outside": missing, "/%2e%2e/outside": missing, "/d/../../outside": missing, "/..%2foutside": missing, "/..%5coutside": missing,
		"/d%2fg": missing, "/%2e%2e%2foutside": missing, "/d/..%2f..%2foutside": missing, "/%252e%252e/outside": missing,
		"/missing": missing, "/d/missing": missing, "/missing/x": missing, "/f/x": missing, "//f": missing, "/d//g": missing,
		"/.secret": missing, "/.hid": missing, "/.hid/x": missing, "/.missing": missing, "/d/../.secret": missing,
		"/%00": missing, "/f%00": missing, "/%zz": missing, "/%": missing, "/a%5Cb": missing, "/" + strings.Repeat("x", 5000): missing,
	} {
		if got := get(t, d, path); got != want {
			t.Errorf("%s: %.200s, want %s", path, got, want)
		}
	}
	all, _ := open(t, disk.Options{AllowDotfiles: true})
	for path, want := range map[string]string{
		"/.secret": "200 s", "/.hid/x": "200 x", "/.hid": `200 [{"name":"x","type":"file"}]`, "/../outside": missing,
		"/": `200 [{"name":".hid","type":"directory"},{"name":".secret","type":"file"},` + root[len("200 ["):],
	} {
		if got := get(t, all, path); got != want {
			t.Errorf("with dotfiles, %s: %s, want %s", path, got, want)
		}
	}
}

func TestHeaders(t *testing.T) {
	d, dir := open(t, disk.Options{})
	when := time.Date(2020, 2, 3, 4, 5, 6, 7, time.UTC)
	check(t, os.Chtimes(filepath.Join(dir, "f"), when, when))
	check(t, os.Chtimes(filepath.Join(dir, "d"), when, when))
	const modified = "Last-Modified:[Mon, 03 Feb 2020 04:05:06 GMT]"
	for _, c := range []struct{ method, path, header, want string }{
		{"GET", "/f", "", "200 map[Content-Length:[10] Content-Type:[application/octet-stream] " + modified + "] 0123456789"},
		{"HEAD", "/f", "", "200 map[Content-Length:[10] Content-Type:[application/octet-stream] " + modified + "] "},
		{"HEAD", "/f", "Range: bytes=0-3", "200 map[Content-Length:[10] Content-Type:[application/octet-stream] " + modified + "] "},
		{"GET", "/f", "Range: bytes=2-4", "206 map[Content-Length:[3] Content-Range:[bytes 2-4/10] Content-Type:[application/octet-stream] " + modified + "] 234"},
		{"GET", "/d/e/..", "", "200 map[Content-Type:[application/json] " + modified + "] " + dList[4:]},
		{"HEAD", "/d", "", "200 map[Content-Type:[application/json] " + modified + "] "},
		{"GET", "/d", "Range: bytes=0-1", "200 map[Content-Type:[application/json] " + modified + "] " + dList[4:]},
		{"GET", "/x", "", "404 map[] Not Found"},
		{"HEAD", "/x", "", "404 map[] Not Found"},
	} {
		resp, body := do(t, d, c.method, c.path, c.header, event.NoBody)
		if got := fmt.Sprint(resp.Status, " ", resp.Header, " ", body); got != c.want {
			t.Errorf("%s %s %s:\n%s\nwant\n%s", c.method, c.path, c.header, got, c.want)
		}
	}
}

// TestRanges has what workerd answers.
func TestRanges(t *testing.T) {
	d, _ := open(t, disk.Options{})
	const none = "416 bytes */10 Range Not Satisfiable"
	const all = "200 0123456789"
	for header, want := range map[string]string{
		"bytes=0-3": "206 bytes 0-3/10 0123", "bytes=5-": "206 bytes 5-9/10 56789", "bytes=-3": "206 bytes 7-9/10 789", "bytes=9-": "206 bytes 9-9/10 9",
		"bytes=9-99": "206 bytes 9-9/10 9", "bytes=3-3": "206 bytes 3-3/10 3", "BYTES=0-1": "206 bytes 0-1/10 01", "bytes = 0 - 1 ": "206 bytes 0-1/10 01",
		"bytes=0-": all, "bytes=0-9": all, "bytes=0-99": all, "bytes=-10": all, "bytes=-99": all,
		"bytes=0-1,3-4": all, "bytes=0-1,": all, "bytes=20-,30-": all, "bytes=x,y": all,
		"bytes=10-": none, "bytes=99-": none, "bytes=-0": none, "bytes=5-2": none, "bytes=": none, "bytes": none, "bytes=-": none, "bytes=a-b": none,
		"bytes=1-b": none, "foo=0-1": none, "bytes=0-99999999999999999999": none, "bytes=1--2": none, "bytes=--2": none, "bytes=1": none,
	} {
		resp, body := do(t, d, "GET", "/f", "Range: "+header, event.NoBody)
		got := fmt.Sprint(resp.Status, " ", body)
		if r := resp.Header.Get("Content-Range"); r != "" {
			got = fmt.Sprint(resp.Status, " ", r, " ", body)
		}
		if got != want {
			t.Errorf("%s: %s, want %s", header, got, want)
		}
	}
	for _, header := range []string{"bytes=0-", "bytes=0-0", "bytes=-1"} {
		resp, _ := do(t, d, "GET", "/empty", "Range: "+header, event.NoBody)
		if resp.Status != 416 || resp.Header.Get("Content-Range") != "bytes */0" {
			t.Errorf("%s of an empty file: %d %v", header, resp.Status, resp.Header)
		}
	}
}

func TestPut(t *testing.T) {
	d, dir := open(t, disk.Options{Writable: true})
	for _, c := range []struct{ path, file string }{
		{"/new", "new"}, {"/f", "f"}, {"/a/b/c", "a/b/c"}, {"/d/../e2", "e2"}, {"/../up", "up"}, {"/slash/", "slash"}, {"/%C3%A4%20b", "ä b"},
		{"/" + strings.Repeat("x", 200), strings.Repeat("x", 200)},
	} {
		if got := put(t, d, c.path, "text of "+c.path); got != "204" {
			t.Errorf("%s: %s", c.path, got)
		}
		if b, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(c.file))); err != nil || string(b) != "text of "+c.path {
			t.Errorf("%s: %q, %v", c.path, b, err)
		}
	}
	if resp, _ := do(t, d, "PUT", "/null", "", event.NoBody); resp.Status != 204 || get(t, d, "/null") != "200 " {
		t.Errorf("no body: %d", resp.Status)
	}
	for _, path := range []string{"/", "", "/..", "/.x", "/.hid/y", "/a/.x/b", "/a%2fb", "//a", "/%00", "/%zz"} {
		resp, body := do(t, d, "PUT", path, "", event.BytesBody([]byte("x")))
		if resp.Status != 403 || resp.StatusText != "Unauthorized" || body != "Unauthorized" {
			t.Errorf("%s: %d %s", path, resp.Status, body)
		}
	}
	for _, path := range []string{"/d", "/f/below"} {
		if _, err := d.Fetch(t.Context(), &event.Request{Method: "PUT", URL: "http://disk" + path, Body: event.BytesBody(nil)}); err == nil || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: %v", path, err)
		}
	}
	noLeftovers(t, dir)
	dots, dir := open(t, disk.Options{Writable: true, AllowDotfiles: true})
	if got := put(t, dots, "/.a/.b", "x"); got != "204" || get(t, dots, "/.a/.b") != "200 x" {
		t.Errorf("dotfiles: %s", got)
	}
	noLeftovers(t, dir)
}

// noLeftovers finds temporary files.
func noLeftovers(t testing.TB, dir string) {
	t.Helper()
	check(t, filepath.WalkDir(dir, func(p string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(p, ".tmp") {
			t.Errorf("%s was left behind", p)
		}
		return err
	}))
}

func TestAPutThatFailsChangesNothing(t *testing.T) {
	d, dir := open(t, disk.Options{Writable: true})
	mine := exception.TypeErrorf("mine")
	broken := errors.New("broken")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		ctx  context.Context
		body event.Body
		want error
	}{
		{t.Context(), event.StreamBody(&cut{text: "some", err: broken}, -1), broken},
		{t.Context(), event.StreamBody(&cut{err: broken}, 5), broken},
		{t.Context(), event.StreamBody(&cut{text: "some", err: mine}, -1), mine},
		{cancelled, event.StreamBody(&cut{text: "some", err: io.EOF}, -1), context.Canceled},
	} {
		_, err := d.Fetch(c.ctx, &event.Request{Method: "PUT", URL: "http://disk/f", Body: c.body})
		if !errors.Is(err, c.want) {
			t.Errorf("%v, want %v", err, c.want)
		}
		if !c.body.Stream.(*cut).closed {
			t.Errorf("%v: the body is not closed", c.want)
		}
		if got := get(t, d, "/f"); got != "200 0123456789" {
			t.Errorf("after %v: %s", c.want, got)
		}
		noLeftovers(t, dir)
	}
}

// cut is a body that ends in an error.
type cut struct {
	text   string
	err    error
	closed bool
}

func (c *cut) Read(p []byte) (int, error) {
	if c.text == "" {
		return 0, c.err
	}
	n := copy(p, c.text)
	c.text = c.text[n:]
	return n, nil
}

func (c *cut) Close() error { c.closed = true; return nil }

func TestReadersSeeOneVersion(t *testing.T) {
	d, dir := open(t, disk.Options{Writable: true})
	version := func(i int) string { return strings.Repeat(string(rune('a'+i%26)), 100_000+i) }
	if got := put(t, d, "/f", version(0)); got != "204" {
		t.Fatal(got)
	}
	stop := make(chan struct{})
	var readers, writers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				resp, body := do(t, d, "GET", "/f", "", event.NoBody)
				if resp.Status != 200 || strings.Trim(body, body[:1]) != "" || body != version(len(body)-100_000) {
					t.Errorf("%d, %d bytes of several versions", resp.Status, len(body))
					return
				}
			}
		})
	}
	for w := range 2 {
		writers.Go(func() {
			for i := range 20 {
				if got := put(t, d, "/f", version(2*i+w)); got != "204" {
					t.Error(got)
				}
			}
		})
	}
	writers.Wait()
	close(stop)
	readers.Wait()
	noLeftovers(t, dir)
}

func TestAFileThatBecomesShorterIsAnError(t *testing.T) {
	d, dir := open(t, disk.Options{})
	resp, err := d.Fetch(t.Context(), &event.Request{Method: "GET", URL: "http://disk/f"})
	check(t, err)
	defer resp.Body.Close()
	check(t, os.Truncate(filepath.Join(dir, "f"), 3))
	if b, err := io.ReadAll(resp.Body.Reader()); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%q, %v", b, err)
	}
}

func TestDelete(t *testing.T) {
	d, dir := open(t, disk.Options{Writable: true})
	for _, c := range []struct {
		path string
		want int
	}{
		{"/missing", 404}, {"/f/x", 404}, {"/f", 204}, {"/f", 404}, {"/d/", 204}, {"/d/g", 404},
		{"/", 403}, {"/.secret", 403}, {"/.missing", 403}, {"/..", 403}, {"/../outside", 404}, {"/..%2foutside", 403},
	} {
		if resp, body := do(t, d, "DELETE", c.path, "", event.NoBody); resp.Status != c.want {
			t.Errorf("%s: %d %s, want %d", c.path, resp.Status, body, c.want)
		}
	}
	for _, name := range []string{".secret", "../outside", "empty"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
}

func TestMethods(t *testing.T) {
	d, dir := open(t, disk.Options{})
	for _, c := range []struct {
		method, path string
		want         int
	}{
		{"PUT", "/f", 405}, {"PUT", "/", 405}, {"PUT", "/.x", 405}, {"DELETE", "/f", 405}, {"DELETE", "/missing", 405},
		{"POST", "/f", 501}, {"PATCH", "/missing", 501}, {"OPTIONS", "/", 501}, {"PROPFIND", "/", 501},
	} {
		body := &cut{err: io.EOF}
		resp, text := do(t, d, c.method, c.path, "", event.StreamBody(body, -1))
		if resp.Status != c.want || text != http.StatusText(c.want) || !body.closed {
			t.Errorf("%s %s: %d %s, closed %v", c.method, c.path, resp.Status, text, body.closed)
		}
	}
	if got := get(t, d, "/f"); got != "200 0123456789" || d.Writable() || d.Path() != dir {
		t.Errorf("%s, writable %v, path %s", got, d.Writable(), d.Path())
	}
	if _, err := d.Deliver(t.Context(), event.Test{}); !errors.Is(err, event.ErrUnsupported) {
		t.Errorf("deliver: %v", err)
	}
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	if _, err := disk.Open(filepath.Join(dir, "missing"), disk.Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
	file := filepath.Join(dir, "file")
	check(t, os.WriteFile(file, nil, 0o666))
	if _, err := disk.Open(file, disk.Options{}); err == nil {
		t.Error("a file was opened as a directory")
	}
}

func TestSymbolicLinks(t *testing.T) {
	d, dir := open(t, disk.Options{Writable: true})
	outside := filepath.Join(filepath.Dir(dir), "outside")
	link := func(target, name string) {
		t.Helper()
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			if runtime.GOOS == "windows" {
				t.Skip("this user may not make symbolic links")
			}
			t.Fatal(err)
		}
	}
	link("f", "in")
	link("d", "dirin")
	link(outside, "abs")
	link("../outside", "rel")
	link("..", "dirout")
	link("nowhere", "dangling")
	link("loop", "loop")
	for path, want := range map[string]string{
		"/in": "200 0123456789", "/dirin": dList, "/dirin/g": "200 g",
		"/abs": missing, "/rel": missing, "/dirout": missing, "/dirout/outside": missing, "/dangling": missing, "/loop": missing,
	} {
		if got := get(t, d, path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	if got := get(t, d, "/"); !strings.Contains(got, `{"name":"abs","type":"symlink"},{"name":"d","type":"directory"},{"name":"dangling","type":"symlink"}`) {
		t.Errorf("list: %s", got)
	}
	// What is written is the link's own name.
	for _, path := range []string{"/abs", "/rel", "/in"} {
		if got := put(t, d, path, "put"); got != "204" || get(t, d, path) != "200 put" {
			t.Errorf("put %s: %s", path, got)
		}
	}
	for path, want := range map[string]int{"/dirout/new": 403, "/dirin/new": 204, "/dirout/sub/new": 403} {
		if resp, _ := do(t, d, "PUT", path, "", event.BytesBody([]byte("x"))); resp.Status != want {
			t.Errorf("put %s: %d, want %d", path, resp.Status, want)
		}
	}
	for path, want := range map[string]int{"/dirout/outside": 404, "/dirout": 204, "/dirin": 204, "/dangling": 204, "/loop": 204} {
		if resp, _ := do(t, d, "DELETE", path, "", event.NoBody); resp.Status != want {
			t.Errorf("delete %s: %d, want %d", path, resp.Status, want)
		}
	}
	if b, err := os.ReadFile(outside); err != nil || string(b) != "outside" {
		t.Errorf("the file outside: %q, %v", b, err)
	}
	if got := get(t, d, "/f") + get(t, d, "/d/new"); got != "200 0123456789200 x" {
		t.Errorf("what the links led to: %s", got)
	}
	if entries, err := os.ReadDir(filepath.Dir(dir)); err != nil || len(entries) != 2 {
		t.Errorf("beside the directory: %v, %v", entries, err)
	}
}
