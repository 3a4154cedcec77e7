package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"workerd.local/internal/jstest"
)

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
	var out jstest.Log
	var running sync.WaitGroup
	running.Go(func() { test(ctx, []string{"--watch", filepath.Join(dir, "c.capnp")}, io.Discard, &out) })
	defer running.Wait()
	defer cancel()
	wait := func(text string) {
		t.Helper()
		for end := time.Now().Add(30 * time.Second); !strings.Contains(out.String(), text); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("no %q in\n%s", text, out.String())
			}
		}
	}
	wait("[ FAIL ] main")
	write("w.js", `export default { test() { no code`)
	wait("not reloaded")
	write("w.js", `export default { test() {} };`)
	wait("[ PASS ] main")
}
