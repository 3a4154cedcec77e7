package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// File is one *.wd-test of the checkout.
type File struct {
	Path string // on the disk
	Name string // below src/workerd, with slashes
	// Reason says why the file cannot be run here; empty where it can.
	Reason string
	// Dated says that the file sets the compatibility date of its workers.
	Dated bool
}

// Area is what the file tests, for the sums: its folder.
func (f File) Area() string {
	dir := f.Name[:strings.LastIndex(f.Name, "/")]
	for _, root := range roots {
		if strings.HasPrefix(dir, root) {
			return root
		}
	}
	return dir
}

// roots are the folders below src/workerd that are looked through, with what is in
// them.
var roots = []string{"api/node/tests", "api/tests", "io", "server/tests"}

// find lists the files of a checkout in order.
func find(checkout string) ([]File, error) {
	base := filepath.Join(checkout, "src", "workerd")
	var out []File
	for _, root := range roots {
		err := filepath.WalkDir(filepath.Join(base, filepath.FromSlash(root)), func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(p, "wd-test") {
				return err
			}
			text, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			name, err := filepath.Rel(base, p)
			if err != nil {
				return err
			}
			f := File{Path: p, Name: filepath.ToSlash(name), Dated: compatDate.Match(text)}
			f.Reason = notApplicable(p, string(text))
			out = append(out, f)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("%s is not a checkout of cloudflare/workerd: %w", checkout, err)
		}
	}
	slices.SortFunc(out, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

var (
	compatDate = regexp.MustCompile(`(?m)^[^#]*compatibilityDate\s*=`)
	embedded   = regexp.MustCompile(`(?m)^[^#]*embed\s+"([^"]+)"`)
)

// marks are what a file or a script of it says that this program does not have, and
// why.
var marks = []struct {
	text   *regexp.Regexp
	reason string
}{
	{regexp.MustCompile(`pythonModule|pythonRequirement|python_workers`), "Python"},
	{regexp.MustCompile(`(?ms)^[^#\n]*v8Flags\s*=\s*\[[^\]]*"--(?:[^e"]|e[^x"]|ex[^p"]|expo[^s"])`), "V8 flags"},
	{regexp.MustCompile(`fromEnvironment\s*=\s*"\w*(PORT|HOSTNAME|ADDRESS|SERVER)`), "needs a server that workerd's build starts"},
	{regexp.MustCompile(`localDocker`), "needs containers"},
	{regexp.MustCompile(`from\s+['"]workerd:rtti['"]`), "describes the types of workerd's C++"},
}

// notApplicable says why a file cannot be run here. It looks at the configuration and
// at what that embeds.
func notApplicable(file, text string) string {
	all := text
	for _, m := range embedded.FindAllStringSubmatch(text, -1) {
		content, err := os.ReadFile(filepath.Join(filepath.Dir(file), filepath.FromSlash(m[1])))
		switch {
		case err == nil:
			all += "\n" + string(content)
		case !strings.HasPrefix(m[1], "/"):
			return "needs " + m[1] + ", which workerd's build makes"
		}
	}
	for _, m := range marks {
		if m.text.MatchString(all) {
			return m.reason
		}
	}
	return ""
}
