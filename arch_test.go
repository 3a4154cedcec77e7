package workerd_test

import (
	"fmt"
	"go/ast"
	"os"
	"slices"
	"strings"
	"testing"
)

// policy is what this repository promises about its own shape. The tests below
// read it; docs/ARCHITECTURE.md explains it.
const policy = `
# A package may import packages on lower floors, which stand on earlier lines here.
# Packages on the same line are strangers.
floors
	internal/limits  internal/megabyte  internal/parts  internal/peer  internal/priority  internal/emoji  internal/emoji/table
	trace  cron
	internal/invariants  internal/compat  internal/crypt  internal/limits/page  exception  event  config
	loop  actorid  disk  httpcache  supervise  websocket  internal/compat/page
	httpserver  outbound  assets
	storage  gates  script  isolate/natives  internal/clone
	kvserver  r2server
	storage/bolt  storage/mem  storage/fault  storage/storagetest  storage/sqliteimport  cache  isolate
	storage/admin
	iocontext  replay
	webapi/bind
	webapi/encoding  webapi/node/octets  webapi/node/vfs  webapi/deflate  webapi/zstd
	webapi/url  webapi/events
	webapi/timers  webapi/console  webapi/tail  webapi/urlpattern  webapi/global  webapi/performance  webapi/streams  webapi/wasm
	webapi/blob  webapi/sockets  webapi/codec  webapi/crypto  webapi/messaging
	threads
	napa  threads/face  threads/ports
	threads/iojs  threads/nodeworkers
	webapi/websockets
	webapi/fetch
	webapi/durable  webapi/htmlrewriter  webapi/caches  webapi/eventsource  webapi/kv  webapi/analytics  webapi/memorycache  webapi/hyperdrive  webapi/queue  webapi/r2
	webapi/rpc  webapi/standard
	webapi/loader
	webapi/node/glue
	webapi/node/assert  webapi/node/core  webapi/node/nodetest  webapi/node/stubs
	webapi/node/crypto  webapi/node/disk  webapi/node/files  webapi/node/sockets  webapi/node/v8  webapi/node/vm  webapi/node/zlib
	webapi/node/children  webapi/node/http  webapi/node/terminal
	webapi/node
	threads/hop
	internal/jstest
	internal/machinetest
	worker
	actor
	server
	serialize  program
	cmd/workerd  bench/compare  bench/serveprofile
	conformance/process  conformance/suite
	conformance/crash  conformance/differential  conformance/chat  conformance/packages  conformance/samples  conformance/coverage  conformance/linear  conformance/supervise  conformance/wdtest  conformance/wpt
	conformance/powerloss
	.

# Only tests import these.
kits
	storage/storagetest  storage/fault  internal/jstest  internal/machinetest  internal/peer  conformance/process  conformance/powerloss

# Not part of what is shipped: their goroutines are their own business.
tools
	bench/*  conformance/suite  conformance/wdtest  conformance/wpt

# What tests may import beside lower floors and kits. A * stands for any name.
tests
	*         storage/mem
	kvserver  storage/fault
	r2server  storage/fault
	cache     storage/bolt
	webapi/*  webapi/*

# Who may import what is not ours. A * stands for every package on the floor of
# isolate or above it; "tests" for test files of any package and for kits.
others
	github.com/dop251/goja              script  isolate/natives  internal/clone  *
	github.com/evanw/esbuild            script
	github.com/dlclark/regexp2/v2       script  isolate/natives
	github.com/go-sourcemap/sourcemap   script
	github.com/hashicorp/golang-lru/v2  script  cache
	github.com/tidwall/btree            cache  storage/mem
	github.com/google/btree             tests
	go.etcd.io/bbolt                    storage/bolt
	github.com/go-chi/chi/v5            httpserver
	github.com/andybalholm/brotli       webapi/codec  webapi/fetch  webapi/node/zlib
	github.com/klauspost/compress       webapi/node/zlib  websocket  tests
	github.com/gobwas/ws                websocket
	github.com/fsnotify/fsnotify        cmd/workerd  webapi/node/disk
	github.com/tailscale/hujson         config
	github.com/pelletier/go-toml/v2     config
	github.com/nlnwa/whatwg-url         webapi/url
	github.com/tetratelabs/wazero       webapi/wasm
	golang.org/x/sys                    cmd/workerd  storage/bolt  webapi/node/disk  webapi/node/sockets  webapi/node/terminal
	golang.org/x/net                    webapi/node/sockets
	github.com/rivo/uniseg              isolate/natives
	golang.org/x/text                   isolate/natives  webapi/encoding  webapi/console  webapi/htmlrewriter
	golang.org/x/sync                   server
	golang.org/x/crypto                 internal/crypt
	software.sslmate.com/src/go-pkcs12  internal/crypt
	github.com/hanwen/go-fuse/v2        tests
	github.com/chromedp/chromedp        tests
	modernc.org/sqlite                  storage/sqliteimport
	pgregory.net/rapid                  tests
	github.com/anishathalye/porcupine   tests
	github.com/cockroachdb/datadriven   tests
	github.com/rogpeppe/go-internal     tests

# Time, chance and the environment reach scripts through isolate.Host only, so that
# a run can be recorded and replayed.
hidden
	in     webapi/*  worker  actor  iocontext
	never  time.Now  time.Since  time.Until  crypto/rand.*  math/rand.*  math/rand/v2.*  os.Getenv  os.LookupEnv  os.Environ
`

func TestPackagesImportLowerFloorsOnly(t *testing.T) {
	complain(t, checkFloors(parsePolicy(t, policy), repository(t)))
}

func TestOtherModulesHaveTheirPlace(t *testing.T) {
	complain(t, checkOthers(parsePolicy(t, policy), repository(t)))
}

func TestTimeAndChanceComeFromTheHost(t *testing.T) {
	complain(t, checkHidden(parsePolicy(t, policy), repository(t)))
}

func TestPackagesSayWhatTheyPromise(t *testing.T) { complain(t, checkDocs(repository(t))) }

func TestNothingRunsBeforeMain(t *testing.T) { complain(t, checkInit(repository(t))) }

func TestNoCgo(t *testing.T) { complain(t, checkCgo(repository(t))) }

func TestArchitectureShowsEveryFolder(t *testing.T) {
	complain(t, checkFolders(architecture(t), os.DirFS(".")))
}

func TestEveryGoroutineIsInTheTable(t *testing.T) {
	complain(t, checkGoroutines(parsePolicy(t, policy), architecture(t), repository(t)))
}

func architecture(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("docs/ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func complain(t *testing.T, problems []string) {
	t.Helper()
	for _, p := range problems {
		t.Error(p)
	}
}

// rules are the policy, read.
type rules struct {
	floor  map[string]int // by package
	kits   []string
	tools  []string
	tests  [][]string // pattern, then patterns of what its tests may import
	others map[string][]string
	in     []string // packages
	never  []string // package path, dot, name
}

func parsePolicy(t testing.TB, text string) *rules {
	t.Helper()
	r := &rules{floor: map[string]int{}, others: map[string][]string{}}
	section := ""
	for i, line := range strings.Split(text, "\n") {
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || strings.HasPrefix(line, "#"):
			continue
		case !strings.HasPrefix(line, "\t"):
			section = words[0]
			continue
		}
		switch section {
		case "floors":
			for _, pkg := range words {
				if r.floor[pkg] != 0 {
					t.Fatalf("policy: %s stands on two floors", pkg)
				}
				r.floor[pkg] = i
			}
		case "kits":
			r.kits = append(r.kits, words...)
		case "tools":
			r.tools = append(r.tools, words...)
		case "tests":
			r.tests = append(r.tests, words)
		case "others":
			r.others[words[0]] = words[1:]
		case "hidden":
			switch words[0] {
			case "in":
				r.in = append(r.in, words[1:]...)
			case "never":
				r.never = append(r.never, words[1:]...)
			}
		default:
			t.Fatalf("policy: line %d is in no section: %s", i, line)
		}
	}
	return r
}

func matches(patterns []string, pkg string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		prefix, wild := strings.CutSuffix(p, "*")
		return p == pkg || wild && strings.HasPrefix(pkg, prefix)
	})
}

func (r *rules) testsMayImport(pkg, imp string) bool {
	if slices.Contains(r.kits, imp) {
		return true
	}
	return slices.ContainsFunc(r.tests, func(line []string) bool {
		return matches(line[:1], pkg) && matches(line[1:], imp)
	})
}

func checkFloors(r *rules, files []*sourceFile) (problems []string) {
	seen := map[string]bool{}
	for _, f := range files {
		own := r.floor[f.pkg]
		if !seen[f.pkg] && own == 0 {
			problems = append(problems, fmt.Sprintf("package %s stands on no floor: give it one in the policy", f.pkg))
		}
		seen[f.pkg] = true
		if own == 0 {
			continue
		}
		for _, imp := range f.ours() {
			switch floor := r.floor[imp]; {
			case imp == f.pkg || floor == 0:
				// An external test, or a package that is reported as such.
			case f.test && r.testsMayImport(f.pkg, imp):
			case slices.Contains(r.kits, imp) && !f.test && !slices.Contains(r.kits, f.pkg):
				problems = append(problems, fmt.Sprintf("%s imports %s, which is for tests only", f.path, imp))
			case floor == own:
				problems = append(problems, fmt.Sprintf("%s imports %s, a stranger on the same floor", f.path, imp))
			case floor > own:
				problems = append(problems, fmt.Sprintf("%s imports %s from a higher floor", f.path, imp))
			}
		}
	}
	for pkg := range r.floor {
		if !seen[pkg] {
			problems = append(problems, fmt.Sprintf("the policy has a floor for %s, which does not exist", pkg))
		}
	}
	return problems
}

func checkOthers(r *rules, files []*sourceFile) (problems []string) {
	used := map[string]bool{}
	for _, f := range files {
		for _, imp := range f.imports {
			if first, _, _ := strings.Cut(imp, "/"); !strings.Contains(first, ".") || first == module {
				continue
			}
			at := ""
			for path := range r.others {
				if imp == path || strings.HasPrefix(imp, path+"/") {
					at = path
				}
			}
			used[at] = true
			who := r.others[at]
			switch {
			case at == "":
				problems = append(problems, fmt.Sprintf("%s imports %s, which the policy does not know", f.path, imp))
			case slices.Contains(who, f.pkg):
			case slices.Contains(who, "tests") && (f.test || slices.Contains(r.kits, f.pkg)):
			case slices.Contains(who, "*") && r.floor[f.pkg] >= r.floor["isolate"]:
			default:
				problems = append(problems, fmt.Sprintf("%s imports %s, which is for %s", f.path, imp, strings.Join(who, ", ")))
			}
		}
	}
	for path := range r.others {
		if !used[path] {
			problems = append(problems, fmt.Sprintf("the policy has a place for %s, which nobody imports", path))
		}
	}
	return problems
}

func checkHidden(r *rules, files []*sourceFile) (problems []string) {
	for _, f := range files {
		if f.test || !matches(r.in, f.pkg) {
			continue
		}
		names := f.importNames()
		ast.Inspect(f.ast, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := sel.X.(*ast.Ident); ok && names[x.Name] != "" && matches(r.never, names[x.Name]+"."+sel.Sel.Name) {
				problems = append(problems, fmt.Sprintf("%s uses %s.%s: ask the isolate's Host", f.at(n), names[x.Name], sel.Sel.Name))
			}
			return true
		})
	}
	return problems
}

func checkDocs(files []*sourceFile) (problems []string) {
	documented := map[string]bool{}
	for _, f := range files {
		if f.test {
			continue
		}
		doc := f.ast.Doc.Text()
		name := f.ast.Name.Name
		documented[f.pkg] = documented[f.pkg] || strings.HasPrefix(doc, "Package "+name+" ") || name == "main" && strings.HasPrefix(doc, "Command ")
	}
	for pkg, ok := range documented {
		if !ok {
			problems = append(problems, fmt.Sprintf("package %s has no package comment", pkg))
		}
	}
	return problems
}

func checkInit(files []*sourceFile) (problems []string) {
	for _, f := range files {
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				problems = append(problems, fmt.Sprintf("%s has an init function", f.at(d)))
			}
		}
	}
	return problems
}

func checkCgo(files []*sourceFile) (problems []string) {
	for _, f := range files {
		if slices.Contains(f.imports, "C") {
			problems = append(problems, fmt.Sprintf("%s uses cgo", f.path))
		}
	}
	return problems
}

// checkGoroutines compares the files that start goroutines with those that the
// table of goroutines names. Kits and tools are not in it.
func checkGoroutines(r *rules, doc string, files []*sourceFile) (problems []string) {
	table := section(doc, "## Goroutines")
	for _, f := range files {
		if f.test || slices.Contains(r.kits, f.pkg) || matches(r.tools, f.pkg) {
			continue
		}
		first := firstGoroutine(f)
		named := strings.Contains(table, "`"+f.path+"`")
		switch {
		case first != nil && !named:
			problems = append(problems, fmt.Sprintf("%s starts a goroutine: the table of goroutines has no row for it", f.at(first)))
		case first == nil && named:
			problems = append(problems, fmt.Sprintf("the table of goroutines names %s, which starts none", f.path))
		}
	}
	return problems
}

// firstGoroutine is a go statement, or a call of a function named Go, as those of
// sync.WaitGroup, errgroup and package loop are.
func firstGoroutine(f *sourceFile) (first ast.Node) {
	ast.Inspect(f.ast, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			if first == nil {
				first = n
			}
		case *ast.CallExpr:
			fun := n.Fun
			if index, ok := fun.(*ast.IndexExpr); ok {
				fun = index.X
			}
			if sel, ok := fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "Go" && first == nil {
				first = n
			}
		}
		return true
	})
	return first
}
