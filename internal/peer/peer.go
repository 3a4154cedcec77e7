// Package peer finds the node that tests compare with. Answers are those of one version, down to the words of
// errors: another version says some things otherwise, and would tell of differences that are not ours.
package peer

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// major is the version of node whose answers the tests want.
const major = "20"

var find = sync.OnceValues(func() (string, error) {
	path, err := exec.LookPath("node")
	if err != nil {
		return "", err
	}
	out, err := exec.Command(path, "--version").Output()
	if err != nil {
		return "", fmt.Errorf("%s --version: %w", path, err)
	}
	if v := strings.TrimSpace(string(out)); !strings.HasPrefix(v, "v"+major+".") {
		return "", fmt.Errorf("%s is node %s", path, v)
	}
	return path, nil
})

// Node is the path of the node to compare with. The test is skipped where there is none; CI=true needs one.
func Node(t testing.TB) string {
	t.Helper()
	path := NodeIfThere(t)
	if path == "" {
		t.Skip("there is no node " + major + " to compare with")
	}
	return path
}

// NodeIfThere is Node for tests that go on without: "" where there is none.
func NodeIfThere(t testing.TB) string {
	t.Helper()
	path, err := find()
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatalf("CI compares with node %s: %v", major, err)
	}
	return path
}
