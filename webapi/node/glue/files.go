package glue

import (
	"io/fs"
	"strings"

	"workerd.local/webapi/bind"
)

// Files makes a module of every file below js/: the body of a function of require,
// native and primordials, which are those of internal/base, that returns the exports.
// The file js/path/posix.js is node:path/posix; those in js/internal are internal/
// and their name, those in js/cloudflare are cloudflare: and theirs, and those in
// js/machine are what realms with a Machine have instead. native and needs give the functions in Go and the flags of the
// files that have some, by name without node:.
func Files(files fs.FS, native func(name string) map[string]bind.Static, needs map[string][]string) []Module {
	var list []Module
	err := fs.WalkDir(files, "js", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name := strings.TrimSuffix(strings.TrimPrefix(path, "js/"), ".js")
		m := Module{Name: name, Native: native(name), Needs: needs[name], Bare: true}
		m.Read = func() string {
			src, err := fs.ReadFile(files, path)
			if err != nil {
				panic(err) // the files are part of the program
			}
			return "module.exports = ((primordials) => {" + string(src) + "\n})(require(\"internal/base\"));"
		}
		if rest, ok := strings.CutPrefix(name, "cloudflare/"); ok {
			m.Name = "cloudflare:" + rest
		} else if rest, ok := strings.CutPrefix(name, "machine/"); ok {
			m.Name = "machine:node:" + rest
			if strings.HasPrefix(rest, "internal/") {
				m.Name = "machine:" + rest
			}
		} else if !strings.HasPrefix(name, "internal/") {
			m.Name = "node:" + name
		}
		list = append(list, m)
		return nil
	})
	if err != nil {
		panic(err) // the files are part of the program
	}
	return list
}
