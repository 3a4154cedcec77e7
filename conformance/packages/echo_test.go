package packages

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"workerd.local/conformance/process"
)

// TestWebSocketServers runs a program with servers of ws. What it prints in node is want.txt.
func TestWebSocketServers(t *testing.T) {
	dir := install(t, "echo")
	want, err := os.ReadFile(filepath.Join(dir, "want.txt"))
	if err != nil {
		t.Fatal(err)
	}
	binary := process.Build(t)
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
	defer stop()
	cmd := exec.CommandContext(ctx, binary, "run", "main.mjs")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil || string(out) != string(want) {
		t.Errorf("%v\n%s\nnode:\n%s", err, out, want)
	}
}
