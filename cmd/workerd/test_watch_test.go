package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// told is what a command has written so far.
type told struct {
	mu  sync.Mutex // guards buf
	buf bytes.Buffer
}

func (t *told) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.buf.Write(p)
}

func (t *told) has(text string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Contains(t.buf.String(), text)
}

func TestTestsRunAgainWhenAFileChanges(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("c.capnp", `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (services = [(name = "main", worker = (
	modules = [(name = "w.js", esModule = embed "w.js")], compatibilityDate = "2026-01-01"))]);`)
	write("w.js", `export default { test() { throw new Error("first") } };`)
	ctx, cancel := context.WithCancel(t.Context())
	var out told
	var running sync.WaitGroup
	running.Go(func() { test(ctx, []string{"--watch", filepath.Join(dir, "c.capnp")}, io.Discard, &out) })
	defer running.Wait()
	defer cancel()
	wait := func(text string) {
		t.Helper()
		for end := time.Now().Add(30 * time.Second); !out.has(text); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("no %q in\n%s", text, out.buf.String())
			}
		}
	}
	wait("[ FAIL ] main")
	write("w.js", `export default { test() { no code`)
	wait("not reloaded")
	write("w.js", `export default { test() {} };`)
	wait("[ PASS ] main")
}
