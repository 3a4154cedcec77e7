package config

import (
	"math"
	"path/filepath"
	"strings"
)

// This file holds the typed accessors of the wrangler reader. Each reports a wrong type and then returns
// the zero value, so that reading goes on.

func (r *wranglerReader) wrongType(m *member, want string) {
	r.sink.errorf(m.value.pos, "%q must be %s, not %s.", m.key, want, m.value.kind)
}

func (r *wranglerReader) str(m *member) string {
	if m.value.kind != nodeString {
		r.wrongType(m, "a string")
		return ""
	}
	return m.value.text
}

// name is a string that must not be empty.
func (r *wranglerReader) filled(m *member) string {
	s := r.str(m)
	if s == "" && m.value.kind == nodeString {
		r.sink.errorf(m.value.pos, "%q must not be empty.", m.key)
	}
	return s
}

func (r *wranglerReader) flag(m *member, to *bool) {
	if m.value.kind != nodeBool {
		r.wrongType(m, "true or false")
		return
	}
	*to = m.value.bool
}

// path is a file name, relative to the directory of the configuration file.
func (r *wranglerReader) path(m *member) string {
	s := r.filled(m)
	if s == "" {
		return ""
	}
	if strings.ContainsRune(s, 0) {
		r.sink.errorf(m.value.pos, "%q is not a file name.", m.key)
		return ""
	}
	return r.join(s)
}

func (r *wranglerReader) join(path string) string {
	path = filepath.FromSlash(path)
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(r.dir, path)
}

// whole is an integer between low and high.
func (r *wranglerReader) whole(m *member, low, high int64) (int64, bool) {
	switch {
	case m.value.kind != nodeNumber:
		r.wrongType(m, "a number")
	case !m.value.integer || m.value.int < low || m.value.int > high:
		if high == math.MaxInt64 {
			r.sink.errorf(m.value.pos, "%q must be a whole number of at least %d.", m.key, low)
		} else {
			r.sink.errorf(m.value.pos, "%q must be a whole number between %d and %d.", m.key, low, high)
		}
	default:
		return m.value.int, true
	}
	return 0, false
}

// list returns the elements of a list as members that carry its key.
func (r *wranglerReader) list(m *member) []*member {
	if m.value.kind != nodeList {
		r.wrongType(m, "a list")
		return nil
	}
	out := make([]*member, len(m.value.items))
	for i, item := range m.value.items {
		out[i] = &member{key: m.key, pos: item.pos, value: item}
	}
	return out
}

// tables returns the elements of a list of tables.
func (r *wranglerReader) tables(m *member) []*member {
	var out []*member
	for _, item := range r.list(m) {
		if item.value.kind != nodeTable {
			r.sink.errorf(item.pos, "Each element of %q must be a table, not %s.", m.key, item.value.kind)
			continue
		}
		out = append(out, item)
	}
	return out
}

// texts returns the elements of a list of strings.
func (r *wranglerReader) texts(m *member) []Text {
	var out []Text
	for _, item := range r.list(m) {
		if item.value.kind != nodeString {
			r.sink.errorf(item.pos, "Each element of %q must be a string, not %s.", m.key, item.value.kind)
			continue
		}
		out = append(out, Text{Value: item.value.text, Pos: item.pos})
	}
	return out
}

// strings returns the elements of a list of strings without their places.
func (r *wranglerReader) strings(m *member) []string {
	if list := r.texts(m); list != nil {
		return Strings(list)
	}
	return nil
}

// table calls the reader of each member of a table, in file order. Members without a reader get a warning,
// unless they are among the skipped ones. It reports whether m is a table.
func (r *wranglerReader) table(m *member, readers map[string]func(*member), skipped ...string) bool {
	if m.value.kind != nodeTable {
		r.wrongType(m, "a table")
		return false
	}
members:
	for _, field := range m.value.members {
		for _, name := range skipped {
			if field.key == name {
				continue members
			}
		}
		read, ok := readers[field.key]
		if !ok {
			names := append([]string(nil), skipped...)
			for name := range readers {
				names = append(names, name)
			}
			r.sink.warnf(field.pos, didYouMean(field.key, sorted(names)), "Unknown field %q in %q is ignored.", field.key, m.key)
			continue
		}
		if field.value.kind != nodeNull {
			read(field)
		}
	}
	return true
}

// required reports the names that the table lacks and whether there were none.
func (r *wranglerReader) required(m *member, names ...string) bool {
	ok := true
	for _, name := range names {
		if m.value.get(name) == nil {
			r.sink.errorf(m.value.pos, "%q needs a %q.", m.key, name)
			ok = false
		}
	}
	return ok
}
