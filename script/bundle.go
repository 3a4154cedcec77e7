package script

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// hostName is the identifier through which bundled code reaches the realm. It
// is a parameter of the function that wraps the bundle.
const hostName = "__workerd$"

// metaName stands for import.meta until the tree pass replaces it by a call that
// names the file.
const metaName = hostName + "meta"

// The bundle is the body of an async function, so top-level await is await. The
// outer function holds our parameters: a module may declare its own require
// without clashing with them.
const (
	bundleHead = `(function(require, ` + hostName + `) { "use strict"; return async function() { `
	bundleTail = "\n}\n})"
)

// asset is a module that is bytes, not code.
type asset struct {
	Name    string
	Kind    Kind
	Content []byte
}

// bundle is what the bundler makes of a Source: one script without imports, and
// what is needed to run and to re-make it. It is what the disk cache stores.
type bundle struct {
	Code       string
	Map        []byte
	Tree       []byte // what readTree makes the lowered tree of; nil: Code is to be parsed
	Classic    bool   // a service-worker script, run at global scope
	NodeCompat bool
	Bare       []string // Source.Bare
	Assets     []asset
	Builtins   []BuiltinImport
	Inputs     []string // absolute paths
	Sources    []string // the file names stack traces show, for the frames that Map yields
	Main       string   // the main module's key
	// Registry has the keys of the modules that can be loaded by a specifier
	// computed at run time.
	Registry []string
	// Unknown are the builtins that the host did not have; code that loads them
	// fails when it is reached.
	Unknown []string
	// Dependencies are what the bundle was made from.
	Dependencies dependencies
}

// BuiltinImport is one import of a module that the host provides.
type BuiltinImport struct {
	Specifier string
	Importer  string // file or module name, as stack traces show it
	Line      int    // from 1; 0 when unknown
	Column    int    // from 1; 0 when unknown
}

// supported tells the bundler what the engine and our tree pass understand.
// Regular expressions stay literals: the tree pass rewrites those that need it.
var supported = map[string]bool{
	"top-level-await":                 true,
	"import-meta":                     true,
	"async-generator":                 false,
	"for-await":                       false,
	"dynamic-import":                  false,
	"using":                           false,
	"decorators":                      false,
	"import-attributes":               false,
	"hashbang":                        false,
	"regexp-unicode-property-escapes": true,
	"regexp-match-indices":            true,
	"regexp-set-notation":             true,
}

func supportedSyntax(lowerFields bool) map[string]bool {
	s := make(map[string]bool, len(supported)+2)
	for k, v := range supported {
		s[k] = v
	}
	if lowerFields {
		s["class-field"] = false
		s["class-static-field"] = false
	}
	return s
}

// makeBundle runs the bundler. lowerFields also lowers class fields.
func makeBundle(ctx context.Context, src *Source, lowerFields bool) (*bundle, error) {
	b, needed, err := makeBundleWith(ctx, src, lowerFields, absence{})
	if needed {
		// The bundler says where.
		b, _, err = makeBundleWith(ctx, src, lowerFields, absence{refused: true})
	}
	return b, err
}

// makeBundleWith is makeBundle that also says whether the script needs a module that is not
// there.
func makeBundleWith(ctx context.Context, src *Source, lowerFields bool, absent absence) (_ *bundle, needed bool, err error) {
	if src.ServiceWorker != nil {
		b, err := transformClassic(src, lowerFields)
		return b, false, err
	}
	r, err := newResolver(src)
	if err != nil {
		return nil, false, err
	}
	r.absent = absent
	define := map[string]string{"import.meta": metaName}
	options := api.BuildOptions{
		LogLevel:       api.LogLevelSilent,
		LogLimit:       0,
		Bundle:         true,
		Write:          false,
		Metafile:       true,
		Format:         api.FormatESModule,
		Target:         api.ES2023,
		Supported:      supportedSyntax(lowerFields),
		Platform:       api.PlatformBrowser,
		Charset:        api.CharsetUTF8,
		LegalComments:  api.LegalCommentsNone,
		Sourcemap:      api.SourceMapExternal,
		SourcesContent: api.SourcesContentExclude,
		KeepNames:      src.KeepNames,
		EntryPoints:    []string{stubPath},
		Outfile:        filepath.Join(r.dir, "__workerd_bundle.js"),
		AbsWorkingDir:  r.dir,
		Banner:         map[string]string{"js": bundleHead},
		Footer:         map[string]string{"js": bundleTail},
		Define:         define,
		Conditions:     []string{"workerd", "worker", "browser"},
		Plugins:        []api.Plugin{r.plugin()},
		// Unused class declarations may have decorators or static blocks that run;
		// the bundler keeps those, and drops only what cannot be observed.
		TreeShaking: api.TreeShakingTrue,
	}
	if e := src.Entry; e != nil {
		for k, v := range e.Define {
			define[k] = v
		}
		if _, ok := define["process.env.NODE_ENV"]; !ok {
			environment := e.Environment
			if environment == "" {
				environment = "production"
			}
			define["process.env.NODE_ENV"] = quote(environment)
		}
		options.Alias = e.Alias
		if len(e.Conditions) > 0 {
			options.Conditions = e.Conditions
		}
		if e.Tsconfig != "" {
			options.Tsconfig = absolute(r.dir, e.Tsconfig)
		}
		options.JSXFactory, options.JSXFragment = e.JSXFactory, e.JSXFragment
		if e.JSXImportSource != "" {
			options.JSX, options.JSXImportSource = api.JSXAutomatic, e.JSXImportSource
		}
		options.MinifySyntax = e.Minify
	} else {
		options.TsconfigRaw = "{}"
	}

	build, contextErr := api.Context(options)
	if contextErr != nil {
		return nil, false, diagnose(contextErr.Errors, src.Bounds)
	}
	defer build.Dispose()
	stop := context.AfterFunc(ctx, build.Cancel)
	result := build.Rebuild()
	stop()
	if err := ctx.Err(); err != nil {
		return nil, false, fmt.Errorf("compile %s: %w", src.label(), err)
	}
	if len(result.Errors) > 0 {
		return nil, false, diagnose(result.Errors, src.Bounds)
	}

	if r.needed() {
		return nil, true, nil
	}
	b := &bundle{NodeCompat: src.NodeCompat, Bare: src.Bare, Main: r.mainKey, Registry: r.registryKeys()}
	for _, f := range result.OutputFiles {
		switch {
		case strings.HasSuffix(f.Path, ".map"):
			b.Map = f.Contents
		case strings.HasSuffix(f.Path, ".js"):
			b.Code = string(f.Contents)
		}
	}
	if b.Map, b.Sources, err = cleanMap(b.Map); err != nil {
		return nil, false, fmt.Errorf("compile %s: %w", src.label(), err)
	}
	b.Assets = r.assets
	b.Builtins = r.builtinImports()
	if b.Inputs, err = r.inputs(result.Metafile); err != nil {
		return nil, false, fmt.Errorf("compile %s: %w", src.label(), err)
	}
	b.Unknown = unknownNames(r.unknown)
	b.Dependencies = r.dependencies(b.Inputs)
	return b, false, nil
}

// transformClassic lowers a service-worker script. It stays a script: its
// top-level declarations become globals.
func transformClassic(src *Source, lowerFields bool) (*bundle, error) {
	m := src.ServiceWorker
	result := api.Transform(string(m.Content), api.TransformOptions{
		LogLevel:       api.LogLevelSilent,
		LogLimit:       0,
		Target:         api.ES2023,
		Supported:      supportedSyntax(lowerFields),
		Platform:       api.PlatformBrowser,
		Charset:        api.CharsetUTF8,
		LegalComments:  api.LegalCommentsNone,
		Sourcemap:      api.SourceMapExternal,
		SourcesContent: api.SourcesContentExclude,
		KeepNames:      src.KeepNames,
		Sourcefile:     moduleKey(m.Name),
		Loader:         scriptLoader(m),
		TsconfigRaw:    "{}",
	})
	if len(result.Errors) > 0 {
		return nil, diagnose(result.Errors, src.Bounds)
	}
	b := &bundle{Code: string(result.Code), Classic: true, NodeCompat: src.NodeCompat, Bare: src.Bare, Main: moduleKey(m.Name)}
	var err error
	if b.Map, b.Sources, err = cleanMap(result.Map); err != nil {
		return nil, fmt.Errorf("compile %s: %w", src.label(), err)
	}
	if m.Path != "" {
		b.Inputs = []string{m.Path}
	}
	return b, nil
}

func (s *Source) label() string {
	switch {
	case s.Name != "":
		return s.Name
	case len(s.Modules) > 0:
		return s.Modules[0].Name
	case s.ServiceWorker != nil:
		return s.ServiceWorker.Name
	case s.Entry != nil:
		return s.Entry.Main
	}
	return "worker"
}

func absolute(dir, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(dir, name)
}

// scriptLoader chooses the parser for a JavaScript module.
func scriptLoader(m *Module) api.Loader {
	if m.TypeScript {
		return api.LoaderTS
	}
	switch strings.ToLower(path.Ext(m.Name)) {
	case ".ts", ".mts", ".cts":
		return api.LoaderTS
	case ".tsx":
		return api.LoaderTSX
	case ".jsx":
		return api.LoaderJSX
	}
	return api.LoaderJS
}

// inputs lists the files on disk that took part, sorted.
func (r *resolver) inputs(metafile string) ([]string, error) {
	var meta struct {
		Inputs map[string]json.RawMessage `json:"inputs"`
	}
	if err := json.Unmarshal([]byte(metafile), &meta); err != nil {
		return nil, fmt.Errorf("read the bundler's list of inputs: %w", err)
	}
	seen := map[string]bool{}
	for name := range meta.Inputs {
		if strings.HasPrefix(name, "workerd-") || strings.HasPrefix(name, "<") || strings.HasPrefix(name, "(disabled):") {
			continue
		}
		seen[absolute(r.dir, filepath.FromSlash(name))] = true
	}
	for _, p := range r.assetFiles {
		seen[p] = true
	}
	for _, m := range r.modules {
		if m.Path != "" {
			seen[m.Path] = true
		}
	}
	list := make([]string, 0, len(seen))
	for p := range seen {
		// A query or fragment after a path is not part of the file's name.
		if _, err := os.Lstat(p); err != nil {
			if i := strings.IndexAny(p, "?#"); i > 0 {
				p = p[:i]
			}
		}
		list = append(list, p)
	}
	sort.Strings(list)
	return slices.Compact(list), nil
}

func quote(s string) string {
	b, _ := json.Marshal(s) // a string always marshals
	return string(b)
}
