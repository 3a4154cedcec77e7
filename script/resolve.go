package script

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/evanw/esbuild/pkg/api"

	"workerd.local/internal/limits"
)

// stubPath names the generated entry point.
const stubPath = "workerd:entry"

// resolver is the bundler's plugin: it finds configured modules by name,
// keeps builtins apart, and turns text, data and WebAssembly into assets.
type resolver struct {
	src *Source
	dir string // the bundler's working directory, absolute

	modules    map[string]*Module // by key: the worker's and the extensions'
	extensions map[string]bool    // key -> internal
	order      []string           // keys of the worker's modules
	mainKey    string
	registry   []string // keys that can be loaded at run time
	rules      []compiledRule

	mu          sync.Mutex // guards what the bundler's goroutines report
	assets      []asset
	assetIDs    map[string]int
	assetFiles  []string
	sourceBytes int64
	unknown     map[string]bool
	absent      absence

	additionalDirs []string // looked through for additional modules
	builtins       map[BuiltinImport]bool
}

type compiledRule struct {
	kind  Kind
	globs []*regexp.Regexp
}

func newResolver(src *Source) (*resolver, error) {
	r := &resolver{
		src:        src,
		modules:    map[string]*Module{},
		extensions: map[string]bool{},
		assetIDs:   map[string]int{},
		builtins:   map[BuiltinImport]bool{},
		unknown:    map[string]bool{},
	}
	for i := range src.Modules {
		m := &src.Modules[i]
		key := moduleKey(m.Name)
		r.modules[key] = m
		r.order = append(r.order, key)
	}
	for i := range src.Extensions {
		x := &src.Extensions[i]
		key := moduleKey(x.Name)
		r.modules[key] = &x.Module
		r.extensions[key] = x.Internal
	}
	if len(src.Modules) > 0 {
		r.mainKey = r.order[0]
		// No file is read for configured modules, so any absolute directory will do.
		r.dir = filepath.Join(os.TempDir(), "workerd")
		if abs, err := filepath.Abs(r.dir); err == nil {
			r.dir = abs
		}
		for _, key := range r.order {
			if m := r.modules[key]; m.Kind <= CommonJS && loadsAtRunTime(m.Content) {
				r.registry = slices.Clone(r.order)
				break
			}
		}
	}
	if e := src.Entry; e != nil {
		dir, err := filepath.Abs(e.Dir)
		if err != nil {
			return nil, failf(e.Dir, "the project directory cannot be found: %v", err)
		}
		r.dir = dir
		main := absolute(dir, e.Main)
		if info, err := os.Stat(main); err != nil {
			return nil, failf(e.Main, "the entry file cannot be read: %v", errReason(err))
		} else if info.IsDir() {
			return nil, failf(e.Main, "the entry file is a directory")
		}
		r.mainKey = r.fileKey(main)
		for _, rule := range append(slices.Clone(e.Rules), defaultRules...) {
			c := compiledRule{kind: rule.Kind}
			for _, g := range rule.Globs {
				c.globs = append(c.globs, compileGlob(g))
			}
			r.rules = append(r.rules, c)
		}
		if e.FindAdditionalModules {
			base := filepath.Dir(main)
			if e.BaseDir != "" {
				base = absolute(dir, e.BaseDir)
			}
			if err := r.findAdditional(base, main); err != nil {
				return nil, err
			}
		}
	}
	for _, root := range src.Roots {
		if key := moduleKey(root); !slices.Contains(r.registry, key) && !r.isBuiltin(root) {
			if r.modules[key] == nil && src.Entry == nil {
				return nil, failf("", "No such module %q.", root)
			}
			r.registry = append(r.registry, key)
		}
	}
	return r, nil
}

func errReason(err error) error {
	if p, ok := err.(*fs.PathError); ok {
		return p.Err
	}
	return err
}

// findAdditional registers every file under base that a rule matches, and every
// JavaScript file that a rule of the project names.
func (r *resolver) findAdditional(base, main string) error {
	err := filepath.WalkDir(base, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); p != base && (name == "node_modules" || strings.HasPrefix(name, ".")) {
				return filepath.SkipDir
			}
			r.additionalDirs = append(r.additionalDirs, p)
			return nil
		}
		if p == main || !d.Type().IsRegular() {
			return nil
		}
		if _, ok := r.ruleFor(p); !ok {
			return nil
		}
		if most := limits.ScriptModules.In(r.src.Bounds); len(r.registry) == most {
			return failf("", "more than %d additional modules under %s", most, base)
		}
		r.registry = append(r.registry, r.fileKey(p))
		return nil
	})
	if e, ok := err.(*Error); ok {
		return e
	}
	if err != nil {
		return failf(base, "additional modules cannot be listed: %v", errReason(err))
	}
	return nil
}

// fileKey names a file relative to the project, with slashes.
func (r *resolver) fileKey(p string) string {
	if rel, err := filepath.Rel(r.dir, p); err == nil {
		return filepath.ToSlash(rel)
	}
	return filepath.ToSlash(p)
}

func (r *resolver) ruleFor(p string) (Kind, bool) {
	key := r.fileKey(p)
	for _, rule := range r.rules {
		for _, g := range rule.globs {
			if g.MatchString(key) {
				return rule.kind, true
			}
		}
	}
	return 0, false
}

// compileGlob translates a rule's glob into an expression over slash paths.
func compileGlob(glob string) *regexp.Regexp {
	var b strings.Builder
	b.WriteString("^")
	glob = strings.TrimPrefix(filepath.ToSlash(glob), "./")
	for i := 0; i < len(glob); i++ {
		switch {
		case strings.HasPrefix(glob[i:], "**/"):
			b.WriteString("(?:.*/)?")
			i += 2
		case strings.HasPrefix(glob[i:], "**"):
			b.WriteString(".*")
			i++
		case glob[i] == '*':
			b.WriteString("[^/]*")
		case glob[i] == '?':
			b.WriteString("[^/]")
		default:
			b.WriteString(regexp.QuoteMeta(glob[i : i+1]))
		}
	}
	b.WriteString("$")
	return regexp.MustCompile(b.String())
}

func (r *resolver) registryKeys() []string {
	return slices.Clone(r.registry)
}

// stub is the entry point: it hands the main module's namespace to the host,
// and loaders for the modules that code may ask for by a computed name.
func (r *resolver) stub() string {
	text := "import * as ns from " + quote(r.rootSpecifier(r.mainKey)) + ";\n" + hostName + ".exports(ns);\n"
	if len(r.registry) > 0 {
		// Imports are hoisted, so the loaders are registered by an import, too: the
		// main module may use them while it is evaluated.
		text = "import \"workerd:registry\";\n" + text
	}
	return text
}

func (r *resolver) registryStub() string {
	var b strings.Builder
	for _, key := range r.registry {
		specifier := quote(r.rootSpecifier(key))
		sync := "null"
		if r.canRequire(key) {
			sync = "() => require(" + specifier + ")"
		}
		fmt.Fprintf(&b, "%s.register(%s, () => import(%s), %s);\n", hostName, quote(key), specifier, sync)
	}
	return b.String()
}

// rootSpecifier is how the generated entry point names a module. A file goes by
// its path, so that the bundler finds the settings that apply to it.
func (r *resolver) rootSpecifier(key string) string {
	if r.src.Entry != nil && r.modules[key] == nil {
		return absolute(r.dir, filepath.FromSlash(key))
	}
	return "workerd:root/" + key
}

var awaitWord = regexp.MustCompile(`\bawait\b`)

// canRequire reports whether a module may be loaded synchronously. The bundler
// refuses require of a module with top-level await, so ES modules that contain
// the word are left to import().
func (r *resolver) canRequire(key string) bool {
	m := r.modules[key]
	if m == nil {
		return false
	}
	return m.Kind != ESModule || !awaitWord.Match(m.Content)
}

func (r *resolver) plugin() api.Plugin {
	return api.Plugin{Name: "workerd", Setup: func(b api.PluginBuild) {
		b.OnResolve(api.OnResolveOptions{Filter: `.*`}, func(args api.OnResolveArgs) (api.OnResolveResult, error) {
			return r.resolve(b, args)
		})
		b.OnLoad(api.OnLoadOptions{Filter: `.*`, Namespace: nsStub}, func(args api.OnLoadArgs) (api.OnLoadResult, error) {
			text := r.stub()
			if args.Path == "registry" {
				text = r.registryStub()
			} else if why, ok := strings.CutPrefix(args.Path, absentPath); ok {
				text = "module.exports = 0; throw " + why + ";" // CommonJS: any name may be imported
			}
			return api.OnLoadResult{Contents: &text, Loader: api.LoaderJS, ResolveDir: r.dir}, nil
		})
		b.OnLoad(api.OnLoadOptions{Filter: `.*`, Namespace: nsBuiltin}, func(args api.OnLoadArgs) (api.OnLoadResult, error) {
			// CommonJS: a named import becomes a property read, so the names that the
			// host exports need not be known here.
			text := "module.exports = " + hostName + ".builtin(" + quote(args.Path) + ");"
			return api.OnLoadResult{Contents: &text, Loader: api.LoaderJS}, nil
		})
		b.OnLoad(api.OnLoadOptions{Filter: `.*`, Namespace: nsModule}, func(args api.OnLoadArgs) (api.OnLoadResult, error) {
			return r.loadModule(args.Path)
		})
		b.OnLoad(api.OnLoadOptions{Filter: `\.(?:[mc]?[jt]s|[jt]sx|json)$`, Namespace: "file"}, func(args api.OnLoadArgs) (api.OnLoadResult, error) {
			return r.guardFile(args.Path)
		})
		b.OnLoad(api.OnLoadOptions{Filter: `.*`, Namespace: nsAsset}, func(args api.OnLoadArgs) (api.OnLoadResult, error) {
			return r.loadAssetFile(args)
		})
	}}
}

func (r *resolver) resolve(b api.PluginBuild, args api.OnResolveArgs) (api.OnResolveResult, error) {
	if args.Kind == api.ResolveEntryPoint && args.Path == stubPath {
		return api.OnResolveResult{Path: "entry", Namespace: nsStub}, nil
	}
	if _, ours := args.PluginData.(ownQuestion); ours {
		return api.OnResolveResult{}, nil // our own question to the bundler
	}
	if args.Namespace == nsStub {
		switch {
		case args.Path == "workerd:registry":
			return api.OnResolveResult{Path: "registry", Namespace: nsStub}, nil
		case strings.HasPrefix(args.Path, "workerd:root/"):
			return r.resolveRoot(strings.TrimPrefix(args.Path, "workerd:root/"))
		case filepath.IsAbs(args.Path):
			if kind, ok := r.ruleFor(args.Path); ok && kind >= Text && r.fileKey(args.Path) != r.mainKey {
				return r.assetResult(args.Path, kind), nil
			}
			return api.OnResolveResult{}, nil
		}
	}
	if name, ok := r.builtinName(args.Path); ok {
		if r.modules[moduleKey(args.Path)] == nil {
			return r.resolveBuiltin(name, args)
		}
	}
	args.Path = showDots(args.Path)
	if key, ok := r.lookup(args.Path, args.Importer, args.Namespace); ok {
		r.imports(args, key)
		return api.OnResolveResult{Path: key, Namespace: nsModule}, nil
	}
	if args.Namespace == nsModule || args.Namespace == nsStub {
		if args.Kind == api.ResolveJSDynamicImport || args.Kind == api.ResolveJSRequireCall || args.Kind == api.ResolveJSRequireResolve {
			return api.OnResolveResult{Path: args.Path, External: true}, nil // fails when it is reached
		}
		return r.noModule(args), nil
	}
	return r.resolveFile(b, args)
}

// ownQuestion marks the resolver's questions to the bundler.
type ownQuestion struct{}

func noSuchModule(specifier string) string {
	text := "No such module " + strconv.Quote(specifier) + "."
	if specifier == threadsModule {
		text += " " + threadsHint
	}
	return text
}

// threadsModule is the module with which deployed workers start threads, where they may.
const (
	threadsModule = "worker"
	threadsHint   = "Threads are for a worker whose wrangler file lists what they run: [workerd] threads = [\"job.js\"]. A worker that another one loads has none."
)

func (r *resolver) resolveRoot(key string) (api.OnResolveResult, error) {
	if r.modules[key] != nil {
		return api.OnResolveResult{Path: key, Namespace: nsModule}, nil
	}
	return api.OnResolveResult{Errors: []api.Message{{Text: noSuchModule(key)}}}, nil
}

func (r *resolver) assetResult(p string, kind Kind) api.OnResolveResult {
	if kind == JSON {
		return api.OnResolveResult{Path: p}
	}
	return api.OnResolveResult{Path: p, Namespace: nsAsset, PluginData: kind}
}

// isBuiltin reports whether the host, not the worker, provides the module.
func (r *resolver) isBuiltin(specifier string) bool {
	_, ok := r.builtinName(specifier)
	return ok && r.modules[moduleKey(specifier)] == nil
}

func (r *resolver) builtinName(specifier string) (string, bool) {
	for _, scheme := range []string{"cloudflare:", "node:", "workerd:", "cloudflare-internal:", "node-internal:"} {
		if strings.HasPrefix(specifier, scheme) && len(specifier) > len(scheme) {
			return specifier, true
		}
	}
	if r.src.NodeCompat && nodeBuiltins[specifier] {
		return "node:" + specifier, true
	}
	return specifier, slices.Contains(r.src.Bare, specifier)
}

func (r *resolver) resolveBuiltin(name string, args api.OnResolveArgs) (api.OnResolveResult, error) {
	if r.src.Builtin != nil && !r.src.Builtin(name) {
		r.mu.Lock()
		r.unknown[name] = true
		r.mu.Unlock()
		if args.Kind != api.ResolveJSImportStatement {
			return api.OnResolveResult{Path: args.Path, External: true}, nil // fails when it is reached
		}
		return r.noModule(args), nil
	}
	importer := args.Importer
	r.mu.Lock()
	r.builtins[BuiltinImport{Specifier: name, Importer: importer}] = true
	r.mu.Unlock()
	return api.OnResolveResult{Path: name, Namespace: nsBuiltin}, nil
}

// lookup finds a configured module: relative to the importer first, then from
// the bundle's root, then among the extensions by exact name.
func (r *resolver) lookup(specifier, importer, namespace string) (string, bool) {
	if len(r.modules) == 0 {
		return "", false
	}
	fromExtension := false
	if namespace == nsModule {
		_, fromExtension = r.extensions[importer]
	}
	var candidates []string
	if hasScheme(specifier) {
		candidates = []string{specifier}
	} else if namespace == nsModule && !hasScheme(importer) {
		if strings.HasPrefix(specifier, "/") {
			candidates = []string{moduleKey(specifier)}
		} else {
			candidates = []string{moduleKey(path.Join(path.Dir(importer), specifier))}
			if !strings.HasPrefix(specifier, ".") {
				candidates = append(candidates, moduleKey(specifier))
			}
		}
	} else {
		candidates = []string{moduleKey(specifier)}
	}
	for _, key := range candidates {
		if r.modules[key] == nil {
			continue
		}
		internal, isExtension := r.extensions[key]
		if isExtension && internal && !fromExtension {
			continue
		}
		if isExtension && !internal && !fromExtension && moduleKey(specifier) != key {
			continue // an extension is found by its whole name only
		}
		return key, true
	}
	return "", false
}

// resolveFile handles imports made by files of a project.
func (r *resolver) resolveFile(b api.PluginBuild, args api.OnResolveArgs) (api.OnResolveResult, error) {
	specifier, query := args.Path, ""
	if i := strings.IndexByte(specifier, '?'); i > 0 {
		specifier, query = specifier[:i], specifier[i:]
	}
	relative := strings.HasPrefix(specifier, "./") || strings.HasPrefix(specifier, "../") || filepath.IsAbs(specifier)
	if r.src.Entry.NoBundle && !relative {
		if args.Kind == api.ResolveJSImportStatement {
			return api.OnResolveResult{Errors: []api.Message{{Text: noSuchModule(args.Path)}}}, nil
		}
		return api.OnResolveResult{Path: args.Path, External: true}, nil
	}
	// Only files that a rule may turn into an asset are asked for here; all others
	// take the bundler's usual way.
	if !r.mayBeAsset(specifier) && query == "" {
		if !relative && args.Kind != api.ResolveJSDynamicImport && (nodeBuiltins[specifier] || specifier == threadsModule) {
			return r.resolveBareNode(b, args)
		}
		return api.OnResolveResult{}, nil
	}
	found := b.Resolve(specifier, api.ResolveOptions{
		Importer: args.Importer, Namespace: args.Namespace, ResolveDir: args.ResolveDir,
		Kind: args.Kind, PluginData: ownQuestion{}, With: args.With,
	})
	if len(found.Errors) > 0 || found.Namespace != "file" || found.External {
		return api.OnResolveResult{}, nil // the bundler reports it with its own words
	}
	if kind, ok := r.ruleFor(found.Path); ok && kind >= Text {
		return r.assetResult(found.Path, kind), nil
	}
	if query != "" && !found.External {
		return api.OnResolveResult{Path: found.Path}, nil
	}
	return api.OnResolveResult{}, nil
}

// resolveBareNode adds advice when a Node.js module, or that of threads, is imported by its bare name
// and no package of that name is installed.
func (r *resolver) resolveBareNode(b api.PluginBuild, args api.OnResolveArgs) (api.OnResolveResult, error) {
	found := b.Resolve(args.Path, api.ResolveOptions{
		Importer: args.Importer, Namespace: args.Namespace, ResolveDir: args.ResolveDir,
		Kind: args.Kind, PluginData: ownQuestion{}, With: args.With,
	})
	if len(found.Errors) == 0 || args.Kind != api.ResolveJSImportStatement {
		return api.OnResolveResult{}, nil
	}
	if args.Path == threadsModule {
		return api.OnResolveResult{Errors: []api.Message{{Text: noSuchModule(args.Path)}}}, nil
	}
	return api.OnResolveResult{Errors: []api.Message{{
		Text: fmt.Sprintf("No such module %q. The package is not installed but Node.js has a module of this name: "+
			"add the compatibility flag \"nodejs_compat\", or import \"node:%s\".", args.Path, args.Path),
	}}}, nil
}

func (r *resolver) mayBeAsset(specifier string) bool {
	ext := path.Ext(specifier)
	if ext == "" {
		return false
	}
	switch ext {
	case ".js", ".mjs", ".cjs", ".ts", ".mts", ".cts", ".tsx", ".jsx", ".json":
		// Only the project's own rules can claim these.
		for _, rule := range r.src.Entry.Rules {
			if rule.Kind >= Text {
				for _, g := range rule.Globs {
					if strings.HasSuffix(g, ext) || strings.HasSuffix(g, "*") {
						return true
					}
				}
			}
		}
		return false
	}
	return true
}

// builtinImports lists the imports of host modules with their places.
func (r *resolver) builtinImports() []BuiltinImport {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]BuiltinImport, 0, len(r.builtins))
	for b := range r.builtins {
		var text []byte
		if m := r.modules[b.Importer]; m != nil {
			text = m.Content
		} else if filepath.IsAbs(b.Importer) {
			text, _ = os.ReadFile(b.Importer) // only the position is lost without it
			b.Importer = r.fileKey(b.Importer)
		}
		b.Line, b.Column = findSpecifier(string(text), b.Specifier)
		list = append(list, b)
	}
	slices.SortFunc(list, func(a, b BuiltinImport) int {
		return cmp.Or(cmp.Compare(a.Specifier, b.Specifier), cmp.Compare(a.Importer, b.Importer))
	})
	return list
}

// findSpecifier locates the first string constant with that content, trying the
// bare name of a Node.js module last.
func findSpecifier(text, specifier string) (line, column int) {
	names := []string{specifier}
	if bare, ok := strings.CutPrefix(specifier, "node:"); ok {
		names = append(names, bare)
	}
	for _, name := range names {
		for _, q := range []string{`"`, `'`, "`"} {
			if at := strings.Index(text, q+name+q); at >= 0 {
				before := text[:at]
				start := strings.LastIndexByte(before, '\n') + 1
				return strings.Count(before, "\n") + 1, len([]rune(before[start:])) + 1
			}
		}
	}
	return 0, 0
}

// nodeBuiltins are the bare names of Node.js modules.
var nodeBuiltins = func() map[string]bool {
	set := map[string]bool{}
	for _, name := range strings.Fields(`_http_agent _http_client _http_common _http_incoming _http_outgoing
		_http_server _stream_duplex _stream_passthrough _stream_readable _stream_transform _stream_wrap
		_stream_writable _tls_common _tls_wrap assert assert/strict async_hooks buffer child_process cluster console
		constants crypto dgram diagnostics_channel dns dns/promises domain events fs fs/promises http http2 https
		inspector inspector/promises module net os path path/posix path/win32 perf_hooks process punycode
		querystring readline readline/promises repl stream stream/consumers stream/promises stream/web
		string_decoder sys timers timers/promises tls trace_events tty url util util/types v8 vm wasi
		worker_threads zlib`) {
		set[name] = true
	}
	return set
}()
