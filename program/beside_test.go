package program_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"workerd.local/internal/peer"
	"workerd.local/program"
	"workerd.local/threads/nodeworkers"
	"workerd.local/webapi/bind"
)

// TestProgramsBesideNode runs each program of testdata/beside here and with node, and
// compares what it prints, the first line that says what is wrong, and the exit code.
func TestProgramsBesideNode(t *testing.T) { besideNode(t, "testdata/beside/*.txt") }

// TestThreadsBesideNode does so with programs of worker_threads.
func TestThreadsBesideNode(t *testing.T) { besideNode(t, "testdata/threads/*.txt", nodeworkers.Module) }

func besideNode(t *testing.T, pattern string, modules ...bind.Module) {
	t.Helper()
	node := peer.Node(t)
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%d programs: %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			dir := write(t, string(b))
			entry, _, _ := strings.Cut(strings.TrimPrefix(string(b), "-- "), " --")
			got := runWith(t, program.Options{Entry: entry, Dir: dir, Env: []string{"HOME=/nowhere"}, Modules: modules})
			var out, errs bytes.Buffer
			ctx, stop := context.WithTimeout(t.Context(), patience)
			defer stop()
			cmd := exec.CommandContext(ctx, node, entry)
			cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &errs
			code := 0
			if err := cmd.Run(); err != nil {
				var ended *exec.ExitError
				if !errors.As(err, &ended) {
					t.Fatal(err)
				}
				code = ended.ExitCode()
			}
			wanted := strings.ReplaceAll(out.String(), dir, "DIR")
			if got.out != wanted {
				t.Errorf("printed:\n%s\nnode:\n%s", got.out, wanted)
			}
			if a, b := wrong(got.err), wrong(strings.ReplaceAll(errs.String(), dir, "DIR")); a != b {
				t.Errorf("stderr says:\n%s\nnode:\n%s\nall of it:\n%s", a, b, got.err)
			}
			if got.code != code {
				t.Errorf("code %d, node %d\n%s", got.code, code, got.err)
			}
		})
	}
}

var errorLine = regexp.MustCompile(`(?m)^\S*(Error|Rejection)\b.*$`)

var processID = regexp.MustCompile(`\(node:\d+\)`)

// wrong is the first line of stderr, or the first with an error where that is a place in
// node's own code, and where a place stands at all.
func wrong(stderr string) string {
	stderr = processID.ReplaceAllString(stderr, "(node:PID)")
	first, _, _ := strings.Cut(strings.TrimLeft(stderr, "\n"), "\n")
	line := errorLine.FindString(stderr)
	if strings.HasPrefix(first, "node:") || strings.Contains(stderr, "Cannot find module") {
		return line
	}
	return first + "\n" + line
}
