package script

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dop251/goja"
	lru "github.com/hashicorp/golang-lru/v2"

	"workerd.local/internal/limits"
)

// cacheVersion changes when this package makes other text of the same source, or when its
// guards refuse what they have let pass.
const cacheVersion = "3"

// compiled is what workers with the same source share.
type compiled struct {
	bundle  *bundle
	program *goja.Program
}

// programs is the memory cache, which keeps whole programs; the disk cache keeps bundled
// text and its tree, from which the engine compiles again.
var programs = sync.OnceValue(func() *lru.Cache[string, compiled] {
	c, err := lru.New[string, compiled](limits.ScriptPrograms.In(nil))
	if err != nil {
		panic(err) // the size is positive
	}
	return c
})

// remember puts a program into the memory cache, whose size is what was asked for last. What
// the program was made from is not kept beside it.
func remember(key string, c compiled, bounds *limits.Set) {
	c.bundle.Code, c.bundle.Map, c.bundle.Tree = "", nil, nil
	programs().Resize(limits.ScriptPrograms.In(bounds))
	programs().Add(key, c)
}

// compileCached looks in memory, then on disk, and compiles last.
func compileCached(ctx context.Context, src *Source) (*Script, error) {
	key := cacheKey(src)
	if c, ok := programs().Get(key); ok && c.bundle.current(src) {
		return &Script{bundle: c.bundle, program: c.program, label: src.label()}, nil
	}
	if b := readCache(src.CacheDir, key, src.Bounds); b != nil && b.current(src) {
		if program, err := compileBundle(b, false, src.Bounds); err == nil {
			remember(key, compiled{b, program}, src.Bounds)
			return &Script{bundle: b, program: program, label: src.label()}, nil
		}
	}
	b, program, err := compileFresh(ctx, src)
	if err != nil {
		return nil, err
	}
	writeCache(src.CacheDir, key, b, src.Bounds)
	remember(key, compiled{b, program}, src.Bounds)
	return &Script{bundle: b, program: program, label: src.label()}, nil
}

// current reports whether a bundle is still what its source would make: the
// host provides the same builtins and the project's files are unchanged.
func (b *bundle) current(src *Source) bool {
	if src.Builtin != nil {
		for _, i := range b.Builtins {
			if !src.Builtin(i.Specifier) {
				return false
			}
		}
		for _, name := range b.Unknown {
			if src.Builtin(name) {
				return false
			}
		}
	} else if len(b.Unknown) > 0 {
		return false
	}
	return b.Dependencies.current()
}

// cacheKey names everything that the text of a bundle depends on, except the
// files of a project and the host's builtins.
func cacheKey(src *Source) string {
	h := sha256.New()
	// Neither the worker's name nor the cache's place changes the result.
	e := json.NewEncoder(h)
	_ = e.Encode(toolVersions()) // plain data into a hash: cannot fail
	var texts [][]byte
	var sizes []int
	// bare is a module without its content, which is hashed as it is, behind the rest.
	bare := func(m Module) Module {
		texts, sizes = append(texts, m.Content), append(sizes, len(m.Content))
		m.Content = nil
		return m
	}
	modules, extensions := slices.Clone(src.Modules), slices.Clone(src.Extensions)
	for i, m := range modules {
		modules[i] = bare(m)
	}
	for i, m := range extensions {
		extensions[i].Module = bare(m.Module)
	}
	var classic *Module
	if src.ServiceWorker != nil {
		m := bare(*src.ServiceWorker)
		classic = &m
	}
	_ = e.Encode([]any{modules, classic, extensions, sizes, src.Roots, src.NodeCompat, src.Bare, src.KeepNames, src.Bounds.Changed("script.", "regexp.")})
	for _, text := range texts {
		h.Write(text)
	}
	if entry := src.Entry; entry != nil {
		dir, err := filepath.Abs(entry.Dir)
		if err != nil {
			dir = entry.Dir
		}
		_ = e.Encode([]any{dir, entry})
	}
	return hex.EncodeToString(h.Sum(nil))
}

// toolVersions identifies this package, the bundler and the engine.
var toolVersions = sync.OnceValue(func() []string {
	v := []string{cacheVersion, runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	for _, m := range info.Deps {
		switch m.Path {
		case "github.com/dop251/goja", "github.com/evanw/esbuild", "github.com/dlclark/regexp2/v2":
			if m.Replace != nil {
				m = m.Replace
			}
			v = append(v, m.Path+"@"+m.Version+" "+m.Sum)
		}
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" || s.Key == "vcs.modified" {
			v = append(v, s.Value)
		}
	}
	return v
})

// dependencies are the parts of the file system that a project's bundle was made
// from: contents of files, and names in directories where another file would be
// found first. An empty hash means that the path did not exist.
type dependencies struct {
	Files map[string]string
	Dirs  map[string]string
}

var extendsField = regexp.MustCompile(`"extends"\s*:\s*(\[[^\]]*\]|"[^"]*")`)

// dependencies lists what the bundle of a project depends on. Configured
// modules depend on no file.
func (r *resolver) dependencies(inputs []string) dependencies {
	d := dependencies{Files: map[string]string{}, Dirs: map[string]string{}}
	if r.src.Entry == nil {
		return d
	}
	settings := func(p string) {
		for range 16 { // a chain of tsconfig files that is longer is not followed
			if _, ok := d.Files[p]; ok {
				return
			}
			d.Files[p] = hashFile(p)
			text, err := os.ReadFile(p)
			if err != nil {
				return
			}
			m := extendsField.FindSubmatch(text)
			if m == nil {
				return
			}
			base := strings.Trim(string(m[1]), `[]" `)
			if !strings.HasPrefix(base, ".") {
				return // a package: its files change with node_modules
			}
			p = filepath.Join(filepath.Dir(p), filepath.FromSlash(base))
			if filepath.Ext(p) != ".json" {
				p += ".json"
			}
		}
	}
	if t := r.src.Entry.Tsconfig; t != "" {
		settings(absolute(r.dir, t))
	}
	seen := map[string]bool{}
	for _, p := range inputs {
		d.Files[p] = hashFile(p)
		dir := filepath.Dir(p)
		d.Dirs[dir] = hashDir(dir)
		for !seen[dir] {
			seen[dir] = true
			for _, name := range []string{"package.json", "tsconfig.json", "jsconfig.json"} {
				settings(filepath.Join(dir, name))
			}
			modules := filepath.Join(dir, "node_modules")
			d.Dirs[modules] = hashDir(modules)
			dir = filepath.Dir(dir)
		}
	}
	if r.src.Entry.FindAdditionalModules {
		for _, key := range r.registry {
			dir := filepath.Dir(absolute(r.dir, filepath.FromSlash(key)))
			d.Dirs[dir] = hashDir(dir)
		}
		for _, dir := range r.additionalDirs {
			d.Dirs[dir] = hashDir(dir)
		}
	}
	return d
}

func (d dependencies) current() bool {
	for p, h := range d.Files {
		if hashFile(p) != h {
			return false
		}
	}
	for p, h := range d.Dirs {
		if hashDir(p) != h {
			return false
		}
	}
	return true
}

// hashFile hashes a file's content; it is empty if there is no such file.
func hashFile(p string) string {
	content, err := os.ReadFile(p)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(content)
	return string(sum[:])
}

// hashDir hashes the names in a directory.
func hashDir(p string) string {
	entries, err := os.ReadDir(p)
	if err != nil {
		return ""
	}
	h := sha256.New()
	for _, e := range entries {
		fmt.Fprintf(h, "%s %v\n", e.Name(), e.IsDir())
	}
	return string(h.Sum(nil))
}

// cacheMagic starts every file of the disk cache; the hash of the key and the rest follows.
const cacheMagic = "workerd.script.2\n"

// kept begins the rest: a bundle without its large parts, which stand behind it as they are.
type kept struct {
	Bundle          bundle
	Code, Map, Tree int // bytes
}

func cachePath(dir, key string) string { return filepath.Join(dir, key+".bundle") }

// cacheSum is the hash of a file of the cache.
func cacheSum(key string, parts ...[]byte) (sum [sha256.Size]byte) {
	h := sha256.New()
	h.Write([]byte(key))
	for _, p := range parts {
		h.Write(p)
	}
	h.Sum(sum[:0])
	return sum
}

// readCache returns an entry of the disk cache, or nil if there is none that can
// be trusted.
func readCache(dir, key string, bounds *limits.Set) *bundle {
	if dir == "" {
		return nil
	}
	name := cachePath(dir, key)
	info, err := os.Lstat(name)
	if err != nil || !info.Mode().IsRegular() || info.Size() > limits.ScriptKeptBytes.Bytes(bounds) {
		return nil
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil
	}
	rest, ok := bytes.CutPrefix(data, []byte(cacheMagic))
	if !ok || len(rest) < sha256.Size {
		return nil
	}
	if sum := cacheSum(key, rest[sha256.Size:]); !bytes.Equal(sum[:], rest[:sha256.Size]) {
		return nil
	}
	r := bytes.NewReader(rest[sha256.Size:])
	var k kept
	if err := gob.NewDecoder(r).Decode(&k); err != nil {
		return nil
	}
	rest = rest[len(rest)-r.Len():]
	if k.Code < 0 || k.Map < 0 || k.Tree < 0 || k.Code > len(rest) || k.Map > len(rest)-k.Code || k.Tree != len(rest)-k.Code-k.Map {
		return nil
	}
	b := &k.Bundle
	// Programs keep parts of the code, but nothing of the rest.
	b.Code, rest = string(rest[:k.Code]), rest[k.Code:]
	if k.Map > 0 {
		b.Map = rest[:k.Map]
	}
	if k.Tree > 0 {
		b.Tree = rest[k.Map:]
	}
	now := time.Now()
	_ = os.Chtimes(name, now, now) // only the order of removal depends on it
	return b
}

// writeCache stores an entry. A cache that cannot be written is no reason to
// fail: the next start compiles again.
func writeCache(dir, key string, b *bundle, bounds *limits.Set) {
	if dir == "" {
		return
	}
	k := kept{Bundle: *b, Code: len(b.Code), Map: len(b.Map), Tree: len(b.Tree)}
	k.Bundle.Code, k.Bundle.Map, k.Bundle.Tree = "", nil, nil
	var head bytes.Buffer
	if err := gob.NewEncoder(&head).Encode(k); err != nil || int64(head.Len()+k.Code+k.Map+k.Tree) > limits.ScriptKeptBytes.Bytes(bounds)/4 {
		return
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return
	}
	parts := [][]byte{head.Bytes(), []byte(b.Code), b.Map, b.Tree}
	sum := cacheSum(key, parts...)
	if err := writeAtomic(cachePath(dir, key), append([][]byte{[]byte(cacheMagic), sum[:]}, parts...)...); err == nil {
		pruneCache(dir, bounds)
	}
}

// writeAtomic writes a file that readers see whole or not at all.
func writeAtomic(name string, parts ...[]byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), ".bundle-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	for _, p := range parts {
		if _, err := f.Write(p); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

// pruneCache removes the entries used least recently until the directory is
// within its bounds, and what an interrupted write has left.
func pruneCache(dir string, bounds *limits.Set) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	type entry struct {
		name string
		info fs.FileInfo
	}
	var list []entry
	var size int64
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		switch {
		case strings.HasPrefix(e.Name(), ".bundle-"):
			if time.Since(info.ModTime()) > time.Hour {
				_ = os.Remove(filepath.Join(dir, e.Name())) // the next prune tries again
			}
		case strings.HasSuffix(e.Name(), ".bundle"):
			list = append(list, entry{e.Name(), info})
			size += info.Size()
		}
	}
	slices.SortFunc(list, func(a, b entry) int {
		return cmp.Or(a.info.ModTime().Compare(b.info.ModTime()), cmp.Compare(a.name, b.name))
	})
	cacheBytes, cacheEntries := limits.ScriptKeptBytes.Bytes(bounds), limits.ScriptKept.In(bounds)
	for i := 0; i < len(list) && (size > cacheBytes || len(list)-i > cacheEntries); i++ {
		if os.Remove(filepath.Join(dir, list[i].name)) == nil {
			size -= list[i].info.Size()
		}
	}
}

func unknownNames(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }
