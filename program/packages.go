package program

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
)

// manifest is a package.json, with what the resolution needs of it.
type manifest struct {
	path    string // of the file
	dir     string
	name    string
	main    string
	kind    string // its type: "module", "commonjs" or ""
	exports *value // nil where there are none
	imports *value
}

// value is a value of JSON whose members have an order.
type value struct {
	text   string
	isText bool
	null   bool
	list   []*value // of an array
	keys   []string // of an object
	of     map[string]*value
}

func (v *value) isObject() bool { return v.of != nil }

// maxManifest bounds a package.json, and its nesting.
const (
	maxManifest     = 16 << 20
	maxManifestDeep = 200
)

// manifests are the package.json files that were read; any goroutine. Like node it reads
// each once.
type manifests struct {
	mu sync.Mutex // guards of
	of map[string]manifestEntry
}

type manifestEntry struct {
	m   *manifest
	err error
}

// in is the package.json of a directory; nil where there is none.
func (ms *manifests) in(dir string) (*manifest, error) {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	if e, ok := ms.of[dir]; ok {
		return e.m, e.err
	}
	m, err := readManifest(dir)
	if ms.of == nil {
		ms.of = map[string]manifestEntry{}
	}
	ms.of[dir] = manifestEntry{m, err}
	return m, err
}

// scope is the package.json of the package that a file is in; nil where it is in none.
func (ms *manifests) scope(file string) (*manifest, error) {
	for dir := filepath.Dir(file); ; {
		if filepath.Base(dir) == "node_modules" {
			return nil, nil
		}
		if m, err := ms.in(dir); m != nil || err != nil {
			return m, err
		}
		up := filepath.Dir(dir)
		if up == dir {
			return nil, nil
		}
		dir = up
	}
}

func readManifest(dir string) (*manifest, error) {
	path := filepath.Join(dir, "package.json")
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return nil, nil // a directory without one is no mistake
	}
	if info.Size() > maxManifest {
		return nil, failure("ERR_INVALID_PACKAGE_CONFIG", "Invalid package config %s. It has %d bytes.", path, info.Size())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, nil
	}
	v, err := parseValue(text)
	if err != nil {
		return nil, failure("ERR_INVALID_PACKAGE_CONFIG", "Invalid package config %s.\n%s", path, err)
	}
	m := &manifest{path: path, dir: dir}
	if !v.isObject() {
		return m, nil
	}
	word := func(key string) string {
		if f := v.of[key]; f != nil && f.isText {
			return f.text
		}
		return ""
	}
	m.name, m.main = word("name"), word("main")
	if t := word("type"); t == "module" || t == "commonjs" {
		m.kind = t
	}
	if e := v.of["exports"]; e != nil && !e.null {
		m.exports = e
	}
	if im := v.of["imports"]; im != nil && im.isObject() {
		m.imports = im
	}
	return m, nil
}

func parseValue(text []byte) (*value, error) {
	d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))))
	v, err := nextValue(d, 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more after the value")
	}
	return v, nil
}

func nextValue(d *json.Decoder, depth int) (*value, error) {
	if depth > maxManifestDeep {
		return nil, fmt.Errorf("it is nested more than %d deep", maxManifestDeep)
	}
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t := t.(type) {
	case string:
		return &value{text: t, isText: true}, nil
	case nil:
		return &value{null: true}, nil
	case json.Delim:
		v := &value{}
		if t == '[' {
			v.list = []*value{}
			for d.More() {
				e, err := nextValue(d, depth+1)
				if err != nil {
					return nil, err
				}
				v.list = append(v.list, e)
			}
		} else {
			v.of = map[string]*value{}
			for d.More() {
				key, err := d.Token()
				if err != nil {
					return nil, err
				}
				name, ok := key.(string)
				if !ok {
					return nil, errors.New("a name is no string")
				}
				e, err := nextValue(d, depth+1)
				if err != nil {
					return nil, err
				}
				if v.of[name] == nil {
					v.keys = append(v.keys, name)
				}
				v.of[name] = e
			}
		}
		_, err := d.Token()
		return v, err
	}
	return &value{}, nil
}

// failed is an error that scripts see with a code.
type failed struct {
	class, code, text string
}

func (f *failed) Error() string { return f.text }

func failure(code, format string, args ...any) *failed {
	return &failed{class: "Error", code: code, text: fmt.Sprintf(format, args...)}
}
