// Package disk serves one directory as an event.Service: GET and HEAD read files
// and list directories, PUT and DELETE change them where that is allowed.
//
// Nothing outside of the directory can be reached, not even through symbolic links
// (os.Root). A Directory is immutable; any goroutine.
package disk

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"workerd.local/event"
	"workerd.local/exception"
)

// Options configure a Directory.
type Options struct {
	// Writable allows PUT and DELETE.
	Writable bool
	// AllowDotfiles shows names that begin with a dot.
	AllowDotfiles bool
}

// Directory serves one directory.
type Directory struct {
	root *os.Root
	path string
	o    Options
}

var _ event.Service = (*Directory)(nil)

// Open returns the service of a directory, which must exist.
func Open(dir string, o Options) (*Directory, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &Directory{root, dir, o}, nil
}

// Path is the directory.
func (d *Directory) Path() string { return d.path }

// Writable reports whether the directory may be changed.
func (d *Directory) Writable() bool { return d.o.Writable }

// Close releases the directory.
func (d *Directory) Close() error { return d.root.Close() }

// Deliver is event.Service's; a directory takes no events.
func (d *Directory) Deliver(context.Context, event.Event) (event.Outcome, error) {
	return event.Outcome{Status: event.NotFound}, event.ErrUnsupported
}

// Fetch is event.Service's (workerd, DiskDirectory).
func (d *Directory) Fetch(ctx context.Context, req *event.Request) (*event.Response, error) {
	defer req.Body.Close()
	name, ok := d.name(req.URL)
	switch req.Method {
	case http.MethodGet, http.MethodHead:
		if !ok {
			return status(http.StatusNotFound), nil
		}
		return d.get(req, name)
	case http.MethodPut:
		return d.change(name, ok, func() (*event.Response, error) { return d.put(ctx, req, name) })
	case http.MethodDelete:
		return d.change(name, ok, func() (*event.Response, error) { return d.delete(name) })
	}
	return status(http.StatusNotImplemented), nil
}

// name is the path of a URL within the directory; ok is false where it is not valid
// or hidden. Dots are resolved as the URL standard says, so they end at the root.
func (d *Directory) name(rawURL string) (name string, ok bool) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return "", false
	}
	escaped := strings.TrimSuffix(strings.TrimPrefix(u.EscapedPath(), "/"), "/")
	if escaped == "" {
		return ".", true
	}
	var parts []string
	for part := range strings.SplitSeq(escaped, "/") {
		part, err := url.PathUnescape(part)
		switch {
		case err != nil || part == "" || strings.ContainsAny(part, "/\\\x00"):
			return "", false
		case part == ".":
		case part == "..":
			parts = parts[:max(0, len(parts)-1)]
		default:
			parts = append(parts, part)
		}
	}
	for _, part := range parts {
		if !d.o.AllowDotfiles && strings.HasPrefix(part, ".") {
			return "", false
		}
	}
	return path.Join(append([]string{"."}, parts...)...), true
}

func status(code int) *event.Response {
	return &event.Response{Status: code, Header: http.Header{}, Body: event.BytesBody([]byte(http.StatusText(code)))}
}

// absent reports whether an error means that nothing is there, which includes
// whatever lies outside of the directory.
func absent(err error) bool {
	for _, e := range []error{fs.ErrNotExist, fs.ErrInvalid, syscall.ENOTDIR, syscall.ELOOP, syscall.ENAMETOOLONG} {
		if errors.Is(err, e) {
			return true
		}
	}
	return isBadName(err) || escapes(err)
}

// escapes reports whether os.Root refused to leave the directory. Its error has no
// name.
func escapes(err error) bool {
	var pe *fs.PathError
	return errors.As(err, &pe) && strings.Contains(pe.Err.Error(), "escapes")
}

func (d *Directory) fail(op, name string, err error) error {
	return fmt.Errorf("disk service %s: %s %s: %w", d.path, op, name, err)
}

func (d *Directory) get(req *event.Request, name string) (*event.Response, error) {
	// What is no file is not opened: that would wait for the other end of a pipe.
	info, err := d.root.Stat(name)
	var f *os.File
	if err == nil && (info.IsDir() || info.Mode().IsRegular()) {
		if f, err = d.root.OpenFile(name, os.O_RDONLY|nonBlocking, 0); err == nil {
			info, err = f.Stat()
		}
	}
	switch {
	case err != nil && absent(err):
		return status(http.StatusNotFound), nil
	case err != nil:
		return nil, errors.Join(d.fail("read", name, err), closeFile(f))
	case info.IsDir() && f != nil:
		defer f.Close()
		return d.list(req, f, info)
	case !info.Mode().IsRegular() || f == nil:
		return status(http.StatusNotAcceptable), closeFile(f)
	}
	return d.serveFile(req, name, f, info)
}

func closeFile(f *os.File) error {
	if f == nil {
		return nil
	}
	return f.Close()
}

// Stat describes what a name within the directory is; nil where nothing is there, or where it leads out of the directory.
func (d *Directory) Stat(name string) (fs.FileInfo, error) {
	info, err := d.root.Stat(name)
	switch {
	case err != nil && absent(err):
		return nil, nil
	case err != nil:
		return nil, d.fail("read", name, err)
	}
	return info, nil
}

// File opens a regular file; info is nil where there is none. The body is the caller's.
func (d *Directory) File(name string) (info fs.FileInfo, body event.Body, err error) {
	if info, err = d.Stat(name); err != nil || info == nil || !info.Mode().IsRegular() {
		return nil, event.NoBody, err
	}
	f, err := d.root.OpenFile(name, os.O_RDONLY|nonBlocking, 0)
	if err == nil {
		info, err = f.Stat()
	}
	switch {
	case err != nil && absent(err):
		return nil, event.NoBody, closeFile(f)
	case err != nil:
		return nil, event.NoBody, errors.Join(d.fail("read", name, err), closeFile(f))
	case !info.Mode().IsRegular():
		return nil, event.NoBody, f.Close()
	}
	return info, event.StreamBody(&section{f, info.Size()}, info.Size()), nil
}

func (d *Directory) serveFile(req *event.Request, name string, f *os.File, info fs.FileInfo) (*event.Response, error) {
	h := http.Header{
		"Content-Type":  {"application/octet-stream"},
		"Last-Modified": {info.ModTime().UTC().Format(http.TimeFormat)},
	}
	size := info.Size()
	if req.Method == http.MethodHead {
		h.Set("Content-Length", strconv.FormatInt(size, 10))
		return &event.Response{Status: http.StatusOK, Header: h}, f.Close()
	}
	code := http.StatusOK
	start, length, kind := parseRange(req.Header.Get("Range"), size)
	switch kind {
	case unsatisfiable:
		resp := status(http.StatusRequestedRangeNotSatisfiable)
		resp.StatusText = "Range Not Satisfiable" // RFC 9110; the name in Go is older
		resp.Body = event.BytesBody([]byte(resp.StatusText))
		resp.Header.Set("Content-Range", fmt.Sprintf("bytes */%d", size))
		return resp, f.Close()
	case partial:
		code = http.StatusPartialContent
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", start, start+length-1, size))
		if _, err := f.Seek(start, io.SeekStart); err != nil {
			return nil, errors.Join(d.fail("read", name, err), f.Close())
		}
	}
	h.Set("Content-Length", strconv.FormatInt(length, 10))
	return &event.Response{Status: code, Header: h, Body: event.StreamBody(&section{f, length}, length)}, nil
}

// section reads a number of bytes of a file; a file that became shorter meanwhile is
// an error and not a short body.
type section struct {
	f    *os.File
	left int64
}

func (s *section) Read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	n, err := s.f.Read(p[:min(int64(len(p)), s.left)])
	s.left -= int64(n)
	if err == io.EOF && s.left > 0 {
		err = fmt.Errorf("%s became shorter while it was read: %w", s.f.Name(), io.ErrUnexpectedEOF)
	}
	return n, err
}

func (s *section) Close() error { return s.f.Close() }

type rangeKind uint8

const (
	whole rangeKind = iota
	partial
	unsatisfiable
)

// parseRange reads a Range header. Several ranges, and one that covers everything,
// mean the whole file; what is not understood cannot be satisfied (workerd).
func parseRange(header string, size int64) (start, length int64, kind rangeKind) {
	if header == "" {
		return 0, size, whole
	}
	unit, spec, ok := strings.Cut(header, "=")
	first, last, dash := strings.Cut(spec, "-")
	first, last = strings.TrimSpace(first), strings.TrimSpace(last)
	switch {
	case !ok || !strings.EqualFold(strings.TrimSpace(unit), "bytes"):
		return 0, 0, unsatisfiable
	case strings.Contains(spec, ","):
		return 0, size, whole
	case !dash || first == "" && last == "":
		return 0, 0, unsatisfiable
	}
	end := size - 1
	if first == "" { // the last so many bytes
		n, err := number(last)
		if err != nil || n == 0 {
			return 0, 0, unsatisfiable
		}
		start = max(0, size-n)
	} else {
		var err error
		if start, err = number(first); err != nil {
			return 0, 0, unsatisfiable
		}
		if last != "" {
			e, err := number(last)
			if err != nil || e < start {
				return 0, 0, unsatisfiable
			}
			end = min(end, e)
		}
	}
	switch {
	case start > end:
		return 0, 0, unsatisfiable
	case start == 0 && end == size-1:
		return 0, size, whole
	}
	return start, end - start + 1, partial
}

// number reads decimal digits.
func number(s string) (int64, error) {
	n, err := strconv.ParseUint(s, 10, 63)
	return int64(n), err
}

type entry struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

func (d *Directory) list(req *event.Request, f *os.File, info fs.FileInfo) (*event.Response, error) {
	h := http.Header{"Content-Type": {"application/json"}, "Last-Modified": {info.ModTime().UTC().Format(http.TimeFormat)}}
	if req.Method == http.MethodHead {
		return &event.Response{Status: http.StatusOK, Header: h}, nil
	}
	files, err := f.ReadDir(-1)
	if err != nil {
		return nil, d.fail("list", f.Name(), err)
	}
	list := []entry{}
	for _, e := range files {
		if d.o.AllowDotfiles || !strings.HasPrefix(e.Name(), ".") {
			list = append(list, entry{e.Name(), typeName(e.Type())})
		}
	}
	slices.SortFunc(list, func(a, b entry) int { return strings.Compare(a.Name, b.Name) })
	b, err := json.Marshal(list)
	if err != nil {
		return nil, d.fail("list", f.Name(), err)
	}
	return &event.Response{Status: http.StatusOK, Header: h, Body: event.BytesBody(b)}, nil
}

func typeName(m fs.FileMode) string {
	switch {
	case m.IsRegular():
		return "file"
	case m&fs.ModeDir != 0:
		return "directory"
	case m&fs.ModeSymlink != 0:
		return "symlink"
	case m&fs.ModeNamedPipe != 0:
		return "namedPipe"
	case m&fs.ModeSocket != 0:
		return "socket"
	case m&fs.ModeCharDevice != 0:
		return "characterDevice"
	case m&fs.ModeDevice != 0:
		return "blockDevice"
	}
	return "other"
}

// change guards PUT and DELETE.
func (d *Directory) change(name string, ok bool, do func() (*event.Response, error)) (*event.Response, error) {
	switch {
	case !d.o.Writable:
		return status(http.StatusMethodNotAllowed), nil
	case !ok || name == ".":
		return unauthorized(), nil
	}
	resp, err := do()
	if err != nil && escapes(err) {
		return unauthorized(), nil
	}
	return resp, err
}

func unauthorized() *event.Response {
	return &event.Response{Status: http.StatusForbidden, StatusText: "Unauthorized", Header: http.Header{}, Body: event.BytesBody([]byte("Unauthorized"))}
}

// put replaces a file atomically: what a reader sees is the old one or the new one.
func (d *Directory) put(ctx context.Context, req *event.Request, name string) (*event.Response, error) {
	dir := path.Dir(name)
	if err := d.root.MkdirAll(dir, 0o777); err != nil {
		return nil, d.fail("make the directory of", name, err)
	}
	tmp := path.Join(dir, "."+rand.Text()+".tmp")
	f, err := d.root.OpenFile(tmp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err != nil {
		return nil, d.fail("put", name, err)
	}
	_, err = io.Copy(f, req.Body.Reader())
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = d.root.Rename(tmp, name)
	}
	if err != nil {
		var e *exception.Exception
		if rerr := d.root.Remove(tmp); rerr != nil {
			return nil, d.fail("put", name, errors.Join(err, rerr))
		} else if errors.As(err, &e) {
			return nil, e // of the body: its sender may know
		}
		return nil, d.fail("put", name, err)
	}
	return &event.Response{Status: http.StatusNoContent, Header: http.Header{}}, nil
}

func (d *Directory) delete(name string) (*event.Response, error) {
	// RemoveAll does not mind a name that is not there.
	if _, err := d.root.Lstat(name); err != nil && absent(err) {
		return status(http.StatusNotFound), nil
	} else if err != nil {
		return nil, d.fail("delete", name, err)
	}
	if err := d.root.RemoveAll(name); err != nil {
		return nil, d.fail("delete", name, err)
	}
	return &event.Response{Status: http.StatusNoContent, Header: http.Header{}}, nil
}

var errStays = exception.DOM("DataCloneError", "DiskDirectoryService can't be passed over RPC.")

// Token is event.Named's: a directory is for who has the binding (workerd).
func (*Directory) Token() (*event.Token, error) { return nil, errStays }
