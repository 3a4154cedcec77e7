package process

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Edit is a change of one source file of the module.
type Edit struct {
	File    string // from the root of the module, with slashes
	Find    string // found in the file exactly once
	Replace string
}

// BuildWith compiles the command with edits, and returns its path. The working tree
// stays as it is. It is for tests that want to see another test fail.
func BuildWith(t testing.TB, edits ...Edit) string {
	t.Helper()
	dir := t.TempDir()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		t.Fatalf("find the module: %v", err)
	}
	root := strings.TrimSpace(string(out))
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	for i, e := range edits {
		original := filepath.Join(root, filepath.FromSlash(e.File))
		// A file that was edited before is edited further.
		from := original
		if edited, ok := overlay.Replace[original]; ok {
			from = edited
		}
		src, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(src), e.Find); n != 1 {
			t.Fatalf("edit %d: what it looks for is in %s %d times, not once", i, e.File, n)
		}
		to := filepath.Join(dir, strings.ReplaceAll(e.File, "/", "_"))
		if err := os.WriteFile(to, []byte(strings.Replace(string(src), e.Find, e.Replace, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		overlay.Replace[original] = to
	}
	doc, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(file, doc, 0o600); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(dir, program())
	if out, err := exec.Command("go", "build", "-overlay", file, "-o", binary, "workerd.local/cmd/workerd").CombinedOutput(); err != nil {
		t.Fatalf("build the edited command: %v\n%s", err, out)
	}
	return binary
}
