package program

import (
	"errors"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// resolver finds the files of specifiers, as node does. Any goroutine.
type resolver struct {
	packages manifests
	// builtin is the whole name of a module without a file.
	builtin func(specifier string) (name string, ok bool)
}

// found is where a specifier leads: to a file, or to a module without one.
type found struct{ file, builtin string }

// errNotFound is what require turns into its own error.
var errNotFound = errors.New("not found")

// Conditions of package.json, beside default.
var (
	requireConditions = []string{"node", "require", "module-sync", "node-addons"}
	importConditions  = []string{"node", "import", "module-sync", "node-addons"}
)

// extensions that require tries, those of node first.
var extensions = []string{".js", ".json", ".node", ".ts", ".cts", ".mts", ".tsx", ".jsx"}

// require finds what require(request) means in dir. more are further directories of
// packages.
func (r *resolver) require(request, dir, from string, more []string) (found, error) {
	if name, ok := r.builtin(request); ok {
		return found{builtin: name}, nil
	}
	if strings.HasPrefix(request, "node:") {
		return found{}, failure("ERR_UNKNOWN_BUILTIN_MODULE", "No such built-in module: %s", request)
	}
	if request == "" {
		return found{}, errNotFound
	}
	if filepath.IsAbs(request) || isRelative(request) {
		at := request
		if !filepath.IsAbs(at) {
			at = filepath.Join(dir, at)
		}
		at = filepath.Clean(at)
		slash := strings.HasSuffix(request, "/") || strings.HasSuffix(request, "/.") || strings.HasSuffix(request, "/..") || request == "." || request == ".."
		if !slash {
			if f, ok := r.asFile(at, from); ok {
				return real(f)
			}
		}
		return r.asDirectory(at)
	}
	if strings.HasPrefix(request, "#") {
		m, err := r.packages.scope(filepath.Join(dir, "x"))
		if err != nil {
			return found{}, err
		}
		if m != nil && m.imports != nil {
			return r.imports(request, m, from, requireConditions)
		}
	}
	name, sub, ok := packageName(request)
	if ok {
		// A package may name itself.
		m, err := r.packages.scope(filepath.Join(dir, "x"))
		if err != nil {
			return found{}, err
		}
		if m != nil && m.exports != nil && m.name == name {
			return r.exports(m, sub, from, requireConditions)
		}
	}
	for _, modules := range append(modulePaths(dir), more...) {
		if info, err := os.Stat(modules); err != nil || !info.IsDir() {
			continue
		}
		if ok {
			m, err := r.packages.in(filepath.Join(modules, filepath.FromSlash(name)))
			if err != nil {
				return found{}, err
			}
			if m != nil && m.exports != nil {
				return r.exports(m, sub, from, requireConditions)
			}
		}
		at := filepath.Join(modules, filepath.FromSlash(request))
		if !strings.HasSuffix(request, "/") {
			if f, ok := r.asFile(at, from); ok {
				return real(f)
			}
		}
		if f, err := r.asDirectory(at); !errors.Is(err, errNotFound) {
			return f, err
		}
	}
	return found{}, errNotFound
}

// modulePaths are the directories of packages that a directory sees.
func modulePaths(dir string) (list []string) {
	for {
		if filepath.Base(dir) != "node_modules" {
			list = append(list, filepath.Join(dir, "node_modules"))
		}
		up := filepath.Dir(dir)
		if up == dir {
			return list
		}
		dir = up
	}
}

func isRelative(s string) bool {
	return s == "." || s == ".." || strings.HasPrefix(s, "./") || strings.HasPrefix(s, "../")
}

func isFile(p string) bool {
	info, err := os.Stat(p)
	return err == nil && !info.IsDir()
}

func isDir(p string) bool {
	info, err := os.Stat(p)
	return err == nil && info.IsDir()
}

// asFile tries a path as it is and with the extensions.
func (r *resolver) asFile(p, from string) (string, bool) {
	if isFile(p) {
		return p, true
	}
	for _, ext := range extensions {
		if isFile(p + ext) {
			return p + ext, true
		}
	}
	return typed(p, from)
}

// typed is the TypeScript file that another one means when it names the JavaScript that
// a compiler would make of it.
func typed(p, from string) (string, bool) {
	if !isTypeScript(from) {
		return "", false
	}
	ext := filepath.Ext(p)
	for _, other := range map[string][]string{".js": {".ts", ".tsx"}, ".mjs": {".mts"}, ".cjs": {".cts"}, ".jsx": {".tsx"}}[ext] {
		if f := strings.TrimSuffix(p, ext) + other; isFile(f) {
			return f, true
		}
	}
	return "", false
}

func isTypeScript(file string) bool {
	switch filepath.Ext(file) {
	case ".ts", ".mts", ".cts", ".tsx":
		return true
	}
	return false
}

func (r *resolver) asDirectory(p string) (found, error) {
	if !isDir(p) {
		return found{}, errNotFound
	}
	m, err := r.packages.in(p)
	if err != nil {
		return found{}, err
	}
	if m != nil && m.main != "" {
		at := filepath.Join(p, filepath.FromSlash(m.main))
		if f, ok := r.asFile(at, ""); ok {
			return real(f)
		}
		if f, ok := r.asIndex(at); ok {
			return real(f)
		}
	}
	if f, ok := r.asIndex(p); ok {
		return real(f)
	}
	if m != nil && m.main != "" {
		return found{}, failure("MODULE_NOT_FOUND", "Cannot find module '%s'. Please verify that the package.json has a valid \"main\" entry", filepath.Join(p, m.main))
	}
	return found{}, errNotFound
}

func (r *resolver) asIndex(p string) (string, bool) {
	for _, ext := range extensions {
		if f := filepath.Join(p, "index"+ext); isFile(f) {
			return f, true
		}
	}
	return "", false
}

// real follows links, so that a file is one module whatever leads to it.
func real(p string) (found, error) {
	f, err := filepath.EvalSymlinks(p)
	if err != nil {
		return found{}, errNotFound
	}
	return found{file: f}, nil
}

// packageName splits a bare specifier: "@a/b/c" is the package "@a/b" and "./c".
func packageName(specifier string) (name, sub string, ok bool) {
	parts := strings.SplitN(specifier, "/", 3)
	n := 1
	if strings.HasPrefix(specifier, "@") {
		n = 2
	}
	if len(parts) < n {
		return "", "", false
	}
	name = strings.Join(parts[:n], "/")
	if name == "" || strings.HasPrefix(name, ".") || strings.ContainsAny(name, "\\%") {
		return "", "", false
	}
	return name, "." + strings.TrimPrefix(specifier, name), true
}

// imported finds what import of a specifier means in a file.
func (r *resolver) imported(specifier, from string) (found, error) {
	if name, ok := r.builtin(specifier); ok {
		return found{builtin: name}, nil
	}
	switch {
	case strings.HasPrefix(specifier, "node:"):
		return found{}, failure("ERR_UNKNOWN_BUILTIN_MODULE", "No such built-in module: %s", specifier)
	case isRelative(specifier) || strings.HasPrefix(specifier, "/"):
		u, err := url.Parse(urlOfPath(from))
		if err != nil {
			return found{}, invalidSpecifier(specifier, "is not a valid URL", from)
		}
		at, err := u.Parse(escapeSpecifier(specifier))
		if err != nil {
			return found{}, invalidSpecifier(specifier, "is not a valid URL", from)
		}
		return r.url(at, from, specifier)
	case strings.HasPrefix(specifier, "#"):
		m, err := r.packages.scope(from)
		if err != nil {
			return found{}, err
		}
		if specifier == "#" || strings.HasPrefix(specifier, "#/") {
			return found{}, invalidSpecifier(specifier, "is not a valid internal imports specifier name", from)
		}
		if m == nil || m.imports == nil {
			return found{}, notImported(specifier, m, from)
		}
		return r.imports(specifier, m, from, importConditions)
	}
	if u, err := url.Parse(specifier); err == nil && u.Scheme != "" && !strings.HasPrefix(specifier, "@") {
		if u.Scheme != "file" {
			return found{}, &failed{class: "Error", code: "ERR_UNSUPPORTED_ESM_URL_SCHEME", text: "Only URLs with a scheme in: file, data, and node are supported by the default ESM loader. Received protocol '" + u.Scheme + ":'"}
		}
		return r.url(u, from, specifier)
	}
	name, sub, ok := packageName(specifier)
	if !ok {
		return found{}, invalidSpecifier(specifier, "is not a valid package name", from)
	}
	if m, err := r.packages.scope(from); err != nil {
		return found{}, err
	} else if m != nil && m.exports != nil && m.name == name {
		return r.exports(m, sub, from, importConditions)
	}
	for _, modules := range modulePaths(filepath.Dir(from)) {
		dir := filepath.Join(modules, filepath.FromSlash(name))
		if !isDir(dir) {
			continue
		}
		m, err := r.packages.in(dir)
		if err != nil {
			return found{}, err
		}
		if m != nil && m.exports != nil {
			return r.exports(m, sub, from, importConditions)
		}
		if sub != "." {
			return r.exact(filepath.Join(dir, filepath.FromSlash(sub)), from, specifier)
		}
		f, err := r.asDirectory(dir)
		if errors.Is(err, errNotFound) {
			return found{}, notFoundFrom("package", dir, from)
		}
		return f, err
	}
	return found{}, notFoundFrom("package", name, from)
}

// escapeSpecifier keeps characters that a URL would take for something else.
func escapeSpecifier(s string) string { return strings.ReplaceAll(s, "\\", "/") }

func (r *resolver) url(u *url.URL, from, specifier string) (found, error) {
	if low := strings.ToLower(u.EscapedPath()); strings.Contains(low, "%2f") || strings.Contains(low, "%5c") {
		return found{}, invalidSpecifier(specifier, `must not include encoded "/" or "\" characters`, from)
	}
	if u.Host != "" && u.Host != "localhost" {
		return found{}, &failed{class: "TypeError", code: "ERR_INVALID_FILE_URL_HOST", text: "File URL host must be \"localhost\" or empty on " + platform()}
	}
	return r.exact(filepath.FromSlash(u.Path), from, specifier)
}

// exact is a file that an import names whole.
func (r *resolver) exact(p, from, _ string) (found, error) {
	switch info, err := os.Stat(p); {
	case err == nil && info.IsDir():
		return found{}, failure("ERR_UNSUPPORTED_DIR_IMPORT", "Directory import '%s' is not supported resolving ES modules imported from %s", filepath.Clean(p), from)
	case err == nil:
		return real(p)
	}
	if f, ok := typed(p, from); ok {
		return real(f)
	}
	return found{}, notFoundFrom("module", p, from)
}

func notFoundFrom(what, name, from string) error {
	return failure("ERR_MODULE_NOT_FOUND", "Cannot find %s '%s' imported from %s", what, name, from)
}

func invalidSpecifier(specifier, why, from string) error {
	return &failed{class: "TypeError", code: "ERR_INVALID_MODULE_SPECIFIER", text: "Invalid module \"" + specifier + "\" " + why + " imported from " + from}
}

func notImported(specifier string, m *manifest, from string) error {
	in := ""
	if m != nil {
		in = " in package " + m.path
	}
	return &failed{class: "TypeError", code: "ERR_PACKAGE_IMPORT_NOT_DEFINED", text: "Package import specifier \"" + specifier + "\" is not defined" + in + " imported from " + from}
}

// exports finds a subpath of a package that says what it exports.
func (r *resolver) exports(m *manifest, sub, from string, conditions []string) (found, error) {
	e := m.exports
	plain := !e.isObject() || len(e.keys) > 0 && !strings.HasPrefix(e.keys[0], ".")
	if e.isObject() {
		for _, k := range e.keys {
			if strings.HasPrefix(k, ".") == plain {
				return found{}, failure("ERR_INVALID_PACKAGE_CONFIG", "Invalid package config %s. \"exports\" cannot contain some keys starting with '.' and some not. "+
					"The exports object must either be an object of package subpath keys or an object of main entry condition name keys only.", m.path)
			}
		}
	}
	missing := func() (found, error) {
		by := ""
		if from != "" {
			by = " imported from " + from
		}
		if slices.Equal(conditions, requireConditions) {
			by = ""
		}
		if sub == "." {
			return found{}, failure("ERR_PACKAGE_PATH_NOT_EXPORTED", "No \"exports\" main defined in %s%s", m.path, by)
		}
		return found{}, failure("ERR_PACKAGE_PATH_NOT_EXPORTED", "Package subpath '%s' is not defined by \"exports\" in %s%s", sub, m.path, by)
	}
	var f found
	var ok bool
	var err error
	if plain {
		if sub != "." {
			return missing()
		}
		f, ok, err = r.target(m, e, "", false, false, from, conditions)
	} else {
		f, ok, err = r.match(m, e, sub, false, from, conditions)
	}
	if err != nil {
		return found{}, err
	}
	if !ok {
		return missing()
	}
	return f, nil
}

// imports finds a specifier that begins with #.
func (r *resolver) imports(specifier string, m *manifest, from string, conditions []string) (found, error) {
	f, ok, err := r.match(m, m.imports, specifier, true, from, conditions)
	if err == nil && !ok {
		err = notImported(specifier, m, from)
	}
	return f, err
}

// match looks for a key among subpaths and patterns.
func (r *resolver) match(m *manifest, of *value, key string, internal bool, from string, conditions []string) (found, bool, error) {
	if v := of.of[key]; v != nil && !strings.Contains(key, "*") && !strings.HasSuffix(key, "/") {
		return r.target(m, v, "", false, internal, from, conditions)
	}
	best, star := "", ""
	for _, k := range of.keys {
		before, after, ok := strings.Cut(k, "*")
		if !ok || strings.Contains(after, "*") || !strings.HasPrefix(key, before) || key == before {
			continue
		}
		if len(key) >= len(k) && strings.HasSuffix(key, after) && longer(k, best) {
			best, star = k, key[len(before):len(key)-len(after)]
		}
	}
	if best == "" {
		return found{}, false, nil
	}
	return r.target(m, of.of[best], star, true, internal, from, conditions)
}

// longer reports whether a pattern is more special than another.
func longer(a, b string) bool {
	if b == "" {
		return true
	}
	x, y := strings.Index(a, "*"), strings.Index(b, "*")
	if x != y {
		return x > y
	}
	return len(a) > len(b)
}

// target follows one target of exports or imports. ok is false where it leads nowhere.
func (r *resolver) target(m *manifest, v *value, star string, pattern, internal bool, from string, conditions []string) (f found, ok bool, err error) {
	switch {
	case v.isText:
		f, err = r.targetText(m, v.text, star, pattern, internal, from, conditions)
		return f, err == nil, err
	case v.list != nil:
		var last error
		for _, e := range v.list {
			f, ok, err := r.target(m, e, star, pattern, internal, from, conditions)
			var bad *failed
			if errors.As(err, &bad) && bad.code == "ERR_INVALID_PACKAGE_TARGET" {
				last = err
				continue
			}
			if err != nil || ok {
				return f, ok, err
			}
			last = nil
		}
		return found{}, false, last
	case v.isObject():
		for _, k := range v.keys {
			if k == "default" || slices.Contains(conditions, k) {
				f, ok, err := r.target(m, v.of[k], star, pattern, internal, from, conditions)
				if err != nil || ok || v.of[k].null {
					return f, ok, err
				}
			}
		}
		return found{}, false, nil
	case v.null:
		return found{}, false, nil
	}
	return found{}, false, invalidTarget(m, "", internal, from)
}

func invalidTarget(m *manifest, target string, internal bool, from string) error {
	field := "exports"
	if internal {
		field = "imports"
	}
	return failure("ERR_INVALID_PACKAGE_TARGET", "Invalid %q target %q defined in the package config %s imported from %s", field, target, m.path, from)
}

func (r *resolver) targetText(m *manifest, target, star string, pattern, internal bool, from string, conditions []string) (found, error) {
	if !strings.HasPrefix(target, "./") {
		if internal && !strings.HasPrefix(target, "../") && !strings.HasPrefix(target, "/") && !strings.Contains(target, ":") || internal && strings.HasPrefix(target, "node:") {
			if pattern {
				target = strings.ReplaceAll(target, "*", star)
			}
			if slices.Equal(conditions, requireConditions) {
				return r.require(target, m.dir, from, nil)
			}
			return r.imported(target, filepath.Join(m.dir, "package.json"))
		}
		return found{}, invalidTarget(m, target, internal, from)
	}
	for _, part := range strings.FieldsFunc(target[2:], func(c rune) bool { return c == '/' || c == '\\' }) {
		if part == "." || part == ".." || part == "node_modules" {
			return found{}, invalidTarget(m, target, internal, from)
		}
	}
	if pattern {
		for _, part := range strings.FieldsFunc(star, func(c rune) bool { return c == '/' || c == '\\' }) {
			if part == "." || part == ".." || part == "node_modules" {
				return found{}, &failed{class: "TypeError", code: "ERR_INVALID_MODULE_SPECIFIER", text: "Invalid module \"" + star + "\" request is not a valid match in pattern for the \"exports\" resolution of " + m.path}
			}
		}
		target = strings.ReplaceAll(target, "*", star)
	}
	at := filepath.Join(m.dir, filepath.FromSlash(path.Clean(target)))
	if slices.Equal(conditions, requireConditions) {
		if !isFile(at) {
			return found{}, failure("MODULE_NOT_FOUND", "Cannot find module '%s'", at)
		}
		return real(at)
	}
	return r.exact(at, from, target)
}

// urlOfPath and pathOfURL are between paths and file: URLs.
func urlOfPath(p string) string {
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(p)}
	return brackets.Replace(u.String())
}

// brackets stand in a path as they are, for the web and not for Go.
var brackets = strings.NewReplacer("%5B", "[", "%5D", "]")

func pathOfURL(s string) (string, bool) {
	if !strings.HasPrefix(s, "file:") {
		return "", false
	}
	u, err := url.Parse(s)
	if err != nil {
		return "", false
	}
	return filepath.FromSlash(u.Path), true
}
