package script

import (
	"fmt"
	"path"
	"strings"

	"workerd.local/internal/limits"
)

// Kind says how a module's content is to be read.
type Kind uint8

// The module kinds of workerd's configuration.
const (
	ESModule Kind = iota // JavaScript; TypeScript or JSX when the name ends in .ts .mts .cts .tsx .jsx
	CommonJS             // JavaScript with require, module and exports
	Text                 // default export: the content as a string
	Data                 // default export: the content as an ArrayBuffer
	Wasm                 // default export: what Host.Wasm makes of the content
	JSON                 // default export: the parsed content
)

var kindNames = [...]string{"esModule", "commonJsModule", "text", "data", "wasm", "json"}

// String returns the name that workerd's configuration uses.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("Kind(%d)", k)
}

// Source is what to compile. Exactly one of Modules, ServiceWorker and Entry is
// set. Compile does not modify it and keeps no reference to its slices.
type Source struct {
	// Name is the worker's name. It appears in messages only.
	Name string
	// Modules are the worker's configured modules; the first is the main module.
	// A module's name is its specifier, relative to the bundle's root.
	Modules []Module
	// ServiceWorker is a classic script that registers its handlers with
	// addEventListener.
	ServiceWorker *Module
	// Entry is a project on disk.
	Entry *Entry

	// Extensions are modules that exist beside the worker's own. They are found by
	// exact name from every module, and only what is imported takes part.
	Extensions []Extension
	// Roots are specifiers that Evaluation.Import must be able to load although no
	// module imports them by a constant specifier.
	Roots []string

	// NodeCompat lets the bare names of Node.js modules ("buffer") stand for the
	// prefixed ones ("node:buffer").
	NodeCompat bool
	// Bare are builtin modules whose names have no prefix. They come before packages.
	Bare []string
	// KeepNames preserves Function.name where lowering would change it. It costs
	// speed and hides function names in stack traces.
	KeepNames bool
	// Builtin reports whether the host provides the builtin module with that
	// specifier. An import of an unknown one fails the compilation, naming the
	// place of the import. Nil accepts all; then Evaluate reports it.
	Builtin func(specifier string) bool

	// CacheDir is a directory for compiled bundles, shared by any number of
	// processes. Empty means no disk cache. A directory that cannot be read or
	// written slows compilation down but does not fail it.
	CacheDir string
	// Bounds are the numbers of what a compilation accepts; nil means those of the table.
	Bounds *limits.Set
}

// Module is one configured module.
type Module struct {
	Name    string // specifier, such as "worker.js" or "./lib/x.js"
	Kind    Kind
	Content []byte
	// TypeScript says that an ES module is TypeScript whatever its name.
	TypeScript bool
	// Path is the file the content was read from, if any. Script.Inputs lists it.
	Path string
	// NamedExports are the names a CommonJS module is declared to export. Named
	// imports of a CommonJS module are read from module.exports when they are used,
	// so the list is checked for syntax only; "default" is there anyway.
	NamedExports []string
}

// Extension is a module that the host adds to the worker's own.
type Extension struct {
	Module
	// Internal makes the module invisible to the worker's modules: only other
	// extensions and Roots may name it.
	Internal bool
}

// Entry is a project on disk, resolved as wrangler does: TypeScript, JSX,
// node_modules with the conditions of workerd, and rules for other files.
type Entry struct {
	Dir      string // absolute, or relative to the working directory; the root of the project
	Main     string // relative to Dir
	Tsconfig string // empty: the nearest tsconfig.json of each file

	// Rules say which files are text, data or WebAssembly. They are asked in order
	// before the default rules, which follow wrangler.
	Rules  []Rule
	Define map[string]string // identifier or member expression -> JavaScript expression
	Alias  map[string]string // package -> replacement

	// NoBundle loads relative imports only: every bare specifier must be a builtin
	// or a file found through Rules.
	NoBundle bool
	// FindAdditionalModules makes every file under BaseDir that a rule matches
	// importable through a specifier computed at run time.
	FindAdditionalModules bool
	// BaseDir is where FindAdditionalModules looks; empty means the directory of
	// Main.
	BaseDir string

	JSXFactory      string
	JSXFragment     string
	JSXImportSource string // non-empty selects the automatic JSX runtime
	Minify          bool   // simplify syntax; names are kept because nothing is uploaded
	Conditions      []string
	Environment     string // "production" or "development", for process.env.NODE_ENV; empty means production
}

// Rule assigns a kind to the files that match one of its globs. "**" matches any
// number of directories and "*" any run of characters without a slash.
type Rule struct {
	Kind  Kind
	Globs []string
}

// defaultRules are wrangler's rules for files that are not JavaScript.
var defaultRules = []Rule{
	{Kind: Text, Globs: []string{"**/*.txt", "**/*.html", "**/*.sql"}},
	{Kind: Data, Globs: []string{"**/*.bin"}},
	{Kind: Wasm, Globs: []string{"**/*.wasm"}},
}

func (s *Source) validate() error {
	set := 0
	if len(s.Modules) > 0 {
		set++
	}
	if s.ServiceWorker != nil {
		set++
	}
	if s.Entry != nil {
		set++
	}
	if set != 1 {
		return failf("", "a worker needs exactly one of modules, a service worker script and an entry file; got %d", set)
	}
	if n := len(s.Modules) + len(s.Extensions); n > limits.ScriptModules.In(s.Bounds) {
		return failf("", "the worker has %d modules; the limit is %d", n, limits.ScriptModules.In(s.Bounds))
	}
	if s.Entry != nil && s.Entry.Main == "" {
		return failf("", "the entry file is not named")
	}
	var text, assets int
	seen := make(map[string]bool, len(s.Modules))
	check := func(m *Module, names map[string]bool) error {
		if int(m.Kind) >= len(kindNames) {
			return failf(m.Name, "unknown module kind %d", m.Kind)
		}
		if m.Name == "" {
			return failf("", "a %s module has no name", m.Kind)
		}
		if strings.ContainsAny(m.Name, "\x00\r\n") {
			return failf("", "the module name %q contains a control character", m.Name)
		}
		if names != nil {
			name := moduleKey(m.Name)
			if names[name] {
				return failf(m.Name, "two modules have this name")
			}
			names[name] = true
		}
		switch m.Kind {
		case Text, Data, Wasm:
			assets += len(m.Content)
		default:
			text += len(m.Content)
		}
		for _, name := range m.NamedExports {
			if name == "" {
				return failf(m.Name, "%q cannot be a named export of a CommonJS module", name)
			}
		}
		return nil
	}
	for i := range s.Modules {
		if err := check(&s.Modules[i], seen); err != nil {
			return err
		}
	}
	for i := range s.Extensions {
		if err := check(&s.Extensions[i].Module, seen); err != nil {
			return err
		}
	}
	if s.ServiceWorker != nil {
		if err := check(s.ServiceWorker, nil); err != nil {
			return err
		}
	}
	if len(s.Modules) > 0 && s.Modules[0].Kind != ESModule && s.Modules[0].Kind != CommonJS {
		return failf(s.Modules[0].Name, "the main module must be JavaScript, not %s", s.Modules[0].Kind)
	}
	if most := limits.ScriptSource.In(s.Bounds); text > most {
		return failf("", "the worker's source has %d bytes; the limit is %d", text, most)
	}
	if most := limits.ScriptAssets.In(s.Bounds); assets > most {
		return failf("", "the worker's text, data and WebAssembly modules have %d bytes; the limit is %d", assets, most)
	}
	return nil
}

// moduleKey is the name under which a module is found: "./lib/../x.js" and
// "x.js" are the same module. Names with a scheme are left alone.
func moduleKey(name string) string {
	if hasScheme(name) {
		return name
	}
	return strings.TrimPrefix(path.Clean("/"+name), "/")
}

// hasScheme reports whether a specifier starts like a URL ("node:fs").
func hasScheme(s string) bool {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == ':':
			return i > 1 // one letter is a drive
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
		case i > 0 && (c >= '0' && c <= '9' || c == '+' || c == '-' || c == '.'):
		default:
			return false
		}
	}
	return false
}
