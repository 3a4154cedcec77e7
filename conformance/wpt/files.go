package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// harness is where the tests find their functions, from the root of the suite.
const harness = "resources/testharness.js"

// File is one variant of a .any.js file.
type File struct {
	// Name is the path with the variant; Path has slashes, from the root of the suite.
	Name, Path string
	// Variant is what comes behind the path, such as "?1-100"; it may be empty.
	Variant string
	// Scripts are loaded before it, as paths like Path.
	Scripts []string
	Title   string
	Long    bool
	// Absent says why the file is not run.
	Absent string
}

// Area is what the file tests, for the sums: its folder, down to where the suite's
// folders stop naming a standard or a large part of one.
func (f File) Area() string {
	parts := strings.Split(path.Dir(f.Path), "/")
	depth := 1
	switch parts[0] {
	case "fetch", "html":
		depth = 3
	case "dom", "wasm", "xhr":
		depth = 2
	}
	return strings.Join(parts[:min(depth, len(parts))], "/")
}

// marks are what a file says, or is named, that a worker of this program cannot have,
// and why.
var marks = []struct {
	name, text *regexp.Regexp
	reason     string
}{
	{name: regexp.MustCompile(`^(?:eventsource|websockets|fetch/api/(?:cors|credentials|policies|redirect))/|\.sub\.any\.js$|\.h2\.any\.js$`), reason: "needs the suite's server"},
	{text: regexp.MustCompile(`/common/get-host-info|/common/dispatcher|\.(?:py|asis)\b|\{\{host`), reason: "needs the suite's server"},
	{name: regexp.MustCompile(`^fetch/api/(?:headers/headers-no-cors|request/(?:forbidden-method|request-bad-port|request-headers))\.any\.js$`), reason: "what browsers keep pages from: workerd leaves headers, methods and ports to the program"},
	{name: regexp.MustCompile(`^WebCryptoAPI/.*(?:Ed448|X448|curve448)`), reason: "curves that workerd does not have"},
	{name: regexp.MustCompile(`^(?:encoding/unsupported-encodings|encoding/replacement-encodings|FileAPI/url/url-with-xhr)\.`), reason: "needs XMLHttpRequest"},
	{name: regexp.MustCompile(`^FileAPI/file/send-file-formdata`), reason: "needs the suite's server"},
	{name: regexp.MustCompile(`^(?:FileAPI/(?:fileReader|FileReader/|reading-data-section/|url/)|webmessaging/(?:broadcastchannel/|Channel_postMessage_Blob)|urlpattern/urlpattern-compare|streams/readable-streams/owning-type|fetch/api/basic/scheme-blob|html/webappapis/scripting/processing-model-2/)`), reason: "of what workerd does not have"},
	{name: regexp.MustCompile(`^(?:dom/abort/timeout-shadowrealm|html/webappapis/the-shadowrealm)`), reason: "for shadow realms"},
	{text: regexp.MustCompile(`new (?:Shared)?Worker\(|serviceWorker\.register`), reason: "needs workers that scripts start"},
}

// mediaFile is a file that a test asks the suite's server for.
var mediaFile = regexp.MustCompile(`['"]/media/([^'"?]+)['"]`)

// absent says why a file cannot be run here.
func absent(p, text string) string {
	text = strings.ReplaceAll(text, "trickle.py", "") // see server
	for _, m := range marks {
		if m.name != nil && m.name.MatchString(p) || m.text != nil && m.text.MatchString(text) {
			return m.reason
		}
	}
	return ""
}

// standards are the folders of what workers have.
var standards = []string{
	"url", "urlpattern", "encoding", "fetch/api", "xhr/formdata", "FileAPI", "streams", "compression", "WebCryptoAPI", "dom/abort", "dom/events",
	"html/webappapis/atob", "html/webappapis/microtask-queuing", "html/webappapis/structured-clone", "html/webappapis/timers",
	"html/webappapis/scripting", "webmessaging", "console", "hr-time", "user-timing", "performance-timeline", "wasm/jsapi", "eventsource", "websockets",
	"webidl/ecmascript-binding",
}

// find returns the files in dir that wanted names, as folders or as files; of the
// folders of standards without any.
func find(dir string, wanted []string) ([]File, error) {
	if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(harness))); err != nil {
		return nil, fmt.Errorf("%s is no suite: %w", dir, err)
	}
	if len(wanted) == 0 {
		for _, folder := range standards {
			if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(folder))); err == nil {
				wanted = append(wanted, folder)
			}
		}
	}
	var paths []string
	for _, w := range wanted {
		root := filepath.Join(dir, filepath.FromSlash(w))
		err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() && strings.HasPrefix(d.Name(), ".") && p != root {
				return fs.SkipDir
			}
			if !d.IsDir() && strings.HasSuffix(d.Name(), ".any.js") {
				rel, err := filepath.Rel(dir, p)
				if err != nil {
					return err
				}
				paths = append(paths, filepath.ToSlash(rel))
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	if len(paths) == 0 {
		return nil, errors.New("there is no .any.js file")
	}
	slices.Sort(paths)
	var files []File
	for _, p := range slices.Compact(paths) {
		text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(p)))
		if err != nil {
			return nil, err
		}
		files = append(files, parse(dir, p, string(text))...)
	}
	return files, nil
}

// parse reads the META comments at the head of a file.
func parse(dir, p, text string) []File {
	f := File{Path: p}
	variants := []string{}
	globals := "window,dedicatedworker"
	for line := range strings.Lines(text) {
		meta, ok := strings.CutPrefix(strings.TrimSpace(line), "// META:")
		if !ok {
			break
		}
		key, value, _ := strings.Cut(strings.TrimSpace(meta), "=")
		switch key {
		case "script":
			f.Scripts = append(f.Scripts, resolve(p, value))
		case "variant":
			variants = append(variants, value)
		case "global":
			globals = value
		case "title":
			f.Title = value
		case "timeout":
			f.Long = value == "long"
		}
	}
	if !slices.ContainsFunc(strings.Split(globals, ","), isWorker) {
		f.Absent = "for " + globals + " only"
	}
	if f.Absent == "" {
		f.Absent = absent(p, text)
	}
	for _, m := range mediaFile.FindAllStringSubmatch(text, -1) {
		if _, err := os.Stat(filepath.Join(dir, "media", m[1])); err != nil && f.Absent == "" {
			f.Absent = "needs media/" + m[1] + ", which is not there"
		}
	}
	for _, s := range f.Scripts {
		if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(s))); err != nil && f.Absent == "" {
			f.Absent = "needs " + s + ", which is not there"
		}
	}
	if len(variants) == 0 {
		variants = []string{""}
	}
	var out []File
	for _, v := range variants {
		f.Variant, f.Name = v, p+v
		out = append(out, f)
	}
	return out
}

func isWorker(global string) bool {
	switch strings.TrimSpace(global) {
	case "worker", "dedicatedworker", "sharedworker", "serviceworker", "shadowrealm", "jsshell",
		"dedicatedworker-module", "sharedworker-module", "serviceworker-module":
		return true
	}
	return false
}

// resolve is the path of a script that the file at p names.
func resolve(p, script string) string {
	if script == "/resources/WebIDLParser.js" {
		return "resources/webidl2/lib/webidl2.js" // an alias of the suite's own server
	}
	if rest, ok := strings.CutPrefix(script, "/"); ok {
		return path.Clean(rest)
	}
	return path.Join(path.Dir(p), script)
}
