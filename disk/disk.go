// Package disk serves one directory as an event.Service: GET and HEAD read files
// and list directories, PUT and DELETE change them where that is allowed.
//
// Nothing outside of the directory can be reached, not even through symbolic links
// (os.Root). A Directory is immutable; any goroutine.
package disk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

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
	u, err := url.Parse(req.URL)
	if err != nil {
		return status(http.StatusNotFound), nil
	}
	name, ok := d.name(u)
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

// name is the path of a URL within the directory; ok is false where it is not
// valid or hidden.
func (d *Directory) name(u *url.URL) (name string, ok bool) {
	p := strings.TrimPrefix(u.EscapedPath(), "/")
	decoded, err := url.PathUnescape(p)
	if err != nil || strings.ContainsAny(decoded, "\x00\\") {
		return "", false
	}
	decoded = strings.TrimSuffix(decoded, "/")
	if decoded == "" {
		return ".", true
	}
	for part := range strings.SplitSeq(decoded, "/") {
		if part == "" || part == "." || part == ".." {
			return "", false
		}
		if !d.o.AllowDotfiles && strings.HasPrefix(part, ".") {
			return decoded, false
		}
	}
	return decoded, true
}

func status(code int) *event.Response {
	return &event.Response{Status: code, Header: http.Header{"Content-Type": {"text/plain"}}, Body: event.BytesBody([]byte(http.StatusText(code)))}
}

func (d *Directory) get(req *event.Request, name string) (*event.Response, error) {
	f, err := d.root.Open(name)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) || escapes(err) {
			return status(http.StatusNotFound), nil
		}
		return nil, fmt.Errorf("disk service %s: %w", d.path, err)
	}
	info, err := f.Stat()
	switch {
	case err != nil:
		f.Close()
		return nil, fmt.Errorf("disk service %s: %w", d.path, err)
	case info.IsDir():
		defer f.Close()
		return d.list(req, f, info)
	case !info.Mode().IsRegular():
		f.Close()
		return status(http.StatusNotAcceptable), nil
	}
	h := http.Header{
		"Content-Type":  {"application/octet-stream"},
		"Last-Modified": {info.ModTime().UTC().Format(http.TimeFormat)},
	}
	size := info.Size()
	start, length, kind := parseRange(req.Header.Get("Range"), size)
	if kind == unsatisfiable {
		f.Close()
		h.Set("Content-Range", fmt.Sprintf("bytes */%d", size))
		return &event.Response{Status: http.StatusRequestedRangeNotSatisfiable, Header: h}, nil
	}
	code := http.StatusOK
	if kind == partial {
		code = http.StatusPartialContent
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", start, start+length-1, size))
	}
	h.Set("Content-Length", strconv.FormatInt(length, 10))
	if req.Method == http.MethodHead {
		f.Close()
		return &event.Response{Status: code, Header: h}, nil
	}
	if _, err := f.Seek(start, io.SeekStart); err != nil {
		f.Close()
		return nil, fmt.Errorf("disk service %s: %w", d.path, err)
	}
	return &event.Response{Status: code, Header: h, Body: event.StreamBody(limited{io.LimitReader(f, length), f}, length)}, nil
}

// escapes reports whether os.Root refused to leave the directory.
func escapes(err error) bool {
	var pe *fs.PathError
	return errors.As(err, &pe) && strings.Contains(pe.Err.Error(), "escapes")
}

type limited struct {
	io.Reader
	io.Closer
}

type rangeKind uint8

const (
	whole rangeKind = iota
	partial
	unsatisfiable
)

// parseRange reads a Range header (RFC 9110, 14.2). Several ranges, and what is not
// understood, mean the whole file.
func parseRange(header string, size int64) (start, length int64, kind rangeKind) {
	spec, ok := strings.CutPrefix(strings.TrimSpace(header), "bytes=")
	if !ok || strings.Contains(spec, ",") {
		return 0, size, whole
	}
	first, last, ok := strings.Cut(strings.TrimSpace(spec), "-")
	if !ok {
		return 0, size, whole
	}
	if first == "" {
		n, err := strconv.ParseInt(last, 10, 64)
		if err != nil || n < 0 {
			return 0, size, whole
		}
		if n == 0 || size == 0 {
			return 0, 0, unsatisfiable
		}
		n = min(n, size)
		return size - n, n, partial
	}
	start, err := strconv.ParseInt(first, 10, 64)
	if err != nil || start < 0 {
		return 0, size, whole
	}
	if start >= size {
		return 0, 0, unsatisfiable
	}
	end := size - 1
	if last != "" {
		e, err := strconv.ParseInt(last, 10, 64)
		if err != nil || e < start {
			return 0, size, whole
		}
		end = min(e, end)
	}
	return start, end - start + 1, partial
}

type entry struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

func (d *Directory) list(req *event.Request, f *os.File, info fs.FileInfo) (*event.Response, error) {
	files, err := f.ReadDir(-1)
	if err != nil {
		return nil, fmt.Errorf("disk service %s: %w", d.path, err)
	}
	list := []entry{}
	for _, e := range files {
		if !d.o.AllowDotfiles && strings.HasPrefix(e.Name(), ".") {
			continue
		}
		list = append(list, entry{e.Name(), typeName(e.Type())})
	}
	b, err := json.Marshal(list)
	if err != nil {
		return nil, err
	}
	h := http.Header{"Content-Type": {"application/json"}, "Last-Modified": {info.ModTime().UTC().Format(http.TimeFormat)}}
	if req.Method == http.MethodHead {
		return &event.Response{Status: http.StatusOK, Header: h}, nil
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
		return &event.Response{Status: http.StatusForbidden, Header: http.Header{"Content-Type": {"text/plain"}}, Body: event.BytesBody([]byte("Unauthorized"))}, nil
	}
	return do()
}

// put replaces a file atomically: what a reader sees is the old one or the new one.
func (d *Directory) put(ctx context.Context, req *event.Request, name string) (*event.Response, error) {
	if err := d.mkdirs(path.Dir(name)); err != nil {
		return nil, err
	}
	tmp := path.Join(path.Dir(name), fmt.Sprintf(".%s.%d.tmp", path.Base(name), time.Now().UnixNano()))
	f, err := d.root.OpenFile(tmp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err != nil {
		return nil, fmt.Errorf("disk service %s: %w", d.path, err)
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
		rerr := d.root.Remove(tmp)
		var e *exception.Exception
		if errors.As(err, &e) {
			return nil, e
		}
		return nil, fmt.Errorf("disk service %s: put %s: %w", d.path, name, errors.Join(err, rerr))
	}
	return &event.Response{Status: http.StatusNoContent, Header: http.Header{}}, nil
}

func (d *Directory) mkdirs(dir string) error {
	if dir == "." {
		return nil
	}
	if err := d.root.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("disk service %s: %w", d.path, err)
	}
	return nil
}

func (d *Directory) delete(name string) (*event.Response, error) {
	// RemoveAll does not mind a name that is not there.
	if _, err := d.root.Lstat(name); err != nil {
		return status(http.StatusNotFound), nil
	}
	if err := d.root.RemoveAll(name); err != nil {
		return nil, fmt.Errorf("disk service %s: delete %s: %w", d.path, name, err)
	}
	return &event.Response{Status: http.StatusNoContent, Header: http.Header{}}, nil
}
