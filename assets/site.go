// Package assets serves the static files of a project as Cloudflare does: pages are found without
// their .html, a file may have headers and a path a redirect of its own (_headers and _redirects), and
// what is not there may be a page of the project's.
//
// A Site is one directory of files. A Router stands before a worker and says which requests are for
// the files and which are for the script. Both are immutable after they were made, apart from the
// files, which are read anew for each request; any goroutine.
//
// Words: a page is an HTML file; its home is the one path at which it is served, from which the others
// redirect; a rule is what a line of one of the two files asks for.
package assets

import (
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"workerd.local/disk"
	"workerd.local/event"
	"workerd.local/internal/limits"
)

// Pages says at which path an HTML file is served.
type Pages uint8

const (
	// AutoSlash serves a.html at /a and a/index.html at /a/.
	AutoSlash Pages = iota
	// ForceSlash serves both at /a/.
	ForceSlash
	// DropSlash serves both at /a.
	DropSlash
	// AsNamed serves files at their names only.
	AsNamed
)

// Missing says what becomes of a path that has no file.
type Missing uint8

const (
	// NotFound is an empty 404.
	NotFound Missing = iota
	// OnePage is /index.html, with the status 200.
	OnePage
	// NearestPage is the nearest 404.html, of the folder of the path or one above it.
	NearestPage
)

// Options configure a Site.
type Options struct {
	// Directory has the files.
	Directory string
	Pages     Pages
	Missing   Missing
	// Bounds are the limits of the rules.
	Bounds *limits.Set
}

// Site serves the files of one directory.
type Site struct {
	dir       *disk.Directory
	o         Options
	headers   []headerRule
	redirects redirects
	ignored   *ignoreRules
}

var _ event.Service = (*Site)(nil)

// Open reads the rules of a directory, which must exist. Problems are lines of the rules that say nothing
// that can be done; they are left out.
func Open(o Options) (_ *Site, problems []Problem, err error) {
	dir, err := disk.Open(o.Directory, disk.Options{AllowDotfiles: true})
	if err != nil {
		return nil, nil, err
	}
	s := &Site{dir: dir, o: o}
	r := &ruleReader{dir: dir, o: o}
	s.ignored, err = r.readIgnored()
	if err == nil {
		s.headers, err = r.readHeaders()
	}
	if err == nil {
		s.redirects, err = r.readRedirects()
	}
	if err != nil {
		_ = dir.Close() // it was only read
		return nil, nil, err
	}
	return s, r.problems, nil
}

// Rules are the files that hold the rules of a directory, whether they are there or not.
func Rules(dir string) []string {
	return []string{join(dir, headersFile), join(dir, redirectsFile), join(dir, ignoreFile)}
}

// Close releases the directory.
func (s *Site) Close() error { return s.dir.Close() }

// Deliver is event.Service's; files take no events.
func (s *Site) Deliver(context.Context, event.Event) (event.Outcome, error) {
	return event.Outcome{Status: event.NotFound}, event.ErrUnsupported
}

// Fetch is event.Service's.
func (s *Site) Fetch(_ context.Context, req *event.Request) (*event.Response, error) {
	defer req.Body.Close()
	u, err := url.Parse(req.URL)
	if err != nil {
		return nil, fmt.Errorf("static assets: %w", err)
	}
	a, err := s.resolve(u, s.o.Missing)
	if err != nil {
		return nil, err
	}
	resp, err := s.answer(req, a)
	if err != nil {
		return nil, err
	}
	s.addHeaders(u, resp.Header)
	return resp, nil
}

// answer is what a request gets.
type answer struct {
	status   int    // 0: there is nothing for it
	file     string // that is served, a path
	location string // of a redirect
	rule     bool   // the redirect is one of _redirects, which is there for every method
}

// resolve decides what a URL is answered with.
func (s *Site) resolve(u *url.URL, missing Missing) (answer, error) {
	path := pathOf(u)
	to, status, found := s.redirects.match(path)
	switch {
	case found && status != http.StatusOK:
		return answer{status: status, location: location(u, to), rule: true}, nil
	case found:
		path = pathOf(&url.URL{Path: to.Path, RawPath: to.RawPath})
	}
	decoded := decodePath(path)
	a, err := s.find(decoded, missing)
	switch {
	case err != nil:
		return answer{}, err
	case a.status == 0 && found:
		return answer{status: http.StatusNotFound}, nil // a rule that leads nowhere is for no script
	case a.location != "":
		a.location = encodePath(a.location) + search(u)
	case a.file != "" && encodePath(decoded) != path:
		return answer{status: http.StatusTemporaryRedirect, location: encodePath(decoded) + search(u)}, nil
	}
	return a, nil
}

func search(u *url.URL) string {
	if u.RawQuery == "" && !u.ForceQuery {
		return ""
	}
	return "?" + u.RawQuery
}

// location is where a rule's redirect leads: the request's query stays where the rule has none.
func location(from, to *url.URL) string {
	u := from.ResolveReference(to)
	if u.RawQuery == "" {
		u.RawQuery = from.RawQuery
	}
	if u.Scheme == from.Scheme && u.Host == from.Host {
		u.Scheme, u.Host, u.User = "", "", nil
		if strings.HasPrefix(u.EscapedPath(), "//") { // else it would name another host
			u.Path, u.RawPath = "/"+strings.TrimLeft(u.Path, "/"), ""
		}
	}
	return u.String()
}

// answer makes the response.
func (s *Site) answer(req *event.Request, a answer) (*event.Response, error) {
	read := req.Method == http.MethodGet || req.Method == http.MethodHead
	switch {
	case a.status == 0 || a.file == "" && a.location == "":
		return empty(http.StatusNotFound), nil
	case !read && !a.rule:
		return empty(http.StatusMethodNotAllowed), nil
	case a.location != "":
		resp := empty(a.status)
		resp.Header.Set("Location", a.location)
		return resp, nil
	}
	info, body, err := s.dir.File(diskName(a.file))
	if err != nil {
		return nil, err
	}
	if info == nil { // it went away since it was found
		return empty(http.StatusNotFound), nil
	}
	etag := etag(a.file, info)
	h := http.Header{"Etag": {etag}}
	if t := contentType(a.file); t != "" {
		h.Set("Content-Type", t)
	}
	if req.Header.Get("Authorization") == "" && req.Header.Get("Range") == "" {
		h.Set("Cache-Control", "public, max-age=0, must-revalidate")
	}
	switch {
	case unchanged(req.Header.Get("If-None-Match"), etag):
		return &event.Response{Status: http.StatusNotModified, Header: h}, body.Close()
	case req.Method == http.MethodHead:
		h.Set("Content-Length", strconv.FormatInt(info.Size(), 10))
		return &event.Response{Status: a.status, Header: h}, body.Close()
	}
	h.Set("Content-Length", strconv.FormatInt(info.Size(), 10))
	return &event.Response{Status: a.status, Header: h, Body: body}, nil
}

func empty(status int) *event.Response {
	return &event.Response{Status: status, Header: http.Header{}}
}

// etag changes with the file.
func etag(file string, info fs.FileInfo) string {
	return fmt.Sprintf(`"%x-%x"`, info.ModTime().UnixNano(), info.Size())
}

// unchanged reports whether an If-None-Match header has etag among its own.
func unchanged(header, etag string) bool {
	for have := range strings.SplitSeq(header, ",") {
		if strings.TrimPrefix(strings.TrimSpace(have), "W/") == etag {
			return true
		}
	}
	return false
}

// addHeaders applies the rules of _headers. The first that names a header replaces it, others add to it.
func (s *Site) addHeaders(u *url.URL, h http.Header) {
	set := map[string]bool{}
	path := pathOf(u)
	for _, rule := range s.headers {
		values, ok := rule.match(u.Hostname(), path)
		if !ok {
			continue
		}
		for _, name := range rule.unset {
			h.Del(name)
		}
		for _, f := range rule.set {
			value := values.fill(f.value)
			if set[f.name] {
				h.Add(f.name, value)
				continue
			}
			h.Set(f.name, value)
			set[f.name] = true
		}
	}
}
