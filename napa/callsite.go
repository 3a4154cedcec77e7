package napa

import (
	"net/url"
	"path/filepath"
	"strings"

	"workerd.local/isolate"
	"workerd.local/script"
)

// framesAbove is how many frames of the call stack are looked through for one of a script.
const framesAbove = 16

// callSite is the innermost place of a script of the program on the call stack; "" where
// there is none.
func callSite(js *isolate.JS) (file string, line int) {
	for _, f := range js.Runtime().CaptureCallStack(framesAbove, nil) {
		at := f.Position()
		name := at.Filename
		if !isFile(name) {
			name = f.SrcName()
		}
		if _, shown, ok := script.ShowFrame(f.FuncName(), name); ok && isFile(shown) {
			return filePath(shown), at.Line
		}
	}
	return "", 0
}

// isFile reports whether a source's name is that of a file.
func isFile(name string) bool { return filepath.IsAbs(name) || strings.HasPrefix(name, "file:") }

func filePath(name string) string {
	if rest, ok := strings.CutPrefix(name, "file://"); ok {
		if p, err := url.PathUnescape(rest); err == nil {
			return p
		}
	}
	return name
}

// moduleOf is the first part of the constructor ids of a file: its path
// without ".js", from its package or from the working directory on. The ends of other
// languages go, too, as their compilers would make files that end in ".js".
func moduleOf(file, cwd string) string {
	const packages = "node_modules/"
	file = filepath.ToSlash(file)
	switch ext := filepath.Ext(file); ext {
	case ".js", ".ts", ".tsx", ".jsx", ".mjs", ".mts", ".cjs", ".cts":
		file = strings.TrimSuffix(file, ext)
	}
	if i := strings.LastIndex(file, packages); i >= 0 {
		return file[i+len(packages):]
	}
	if rel, err := filepath.Rel(cwd, file); err == nil {
		return filepath.ToSlash(rel)
	}
	return file
}
