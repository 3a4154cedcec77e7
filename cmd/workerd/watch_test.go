package main

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"workerd.local/config"
	"workerd.local/internal/jstest"
	"workerd.local/script"
)

// standIn counts reloads in place of a server.
type standIn struct {
	files   []string
	reloads chan *config.Config
}

func (s *standIn) Watched() []string { return s.files }

func (s *standIn) Reload(_ context.Context, cfg *config.Config) error {
	s.reloads <- cfg
	return nil
}

const tinyConfig = `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (serviceWorkerScript = "", compatibilityDate = "2024-09-23"))],
);
`

// write makes a file anew in one step, so that nobody reads half of it.
func write(t *testing.T, name, text string) {
	t.Helper()
	fresh := filepath.Join(t.TempDir(), "fresh")
	if err := os.WriteFile(fresh, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(fresh, name); err != nil {
		t.Fatal(err)
	}
}

// followed runs follow on a configuration file until the test ends. It returns when
// every change from then on is one that follow sees.
func followed(t *testing.T, name string, files ...string) (s *standIn, log *jstest.Log) {
	t.Helper()
	// A file that is younger than the start is read again, once it is watched.
	began := time.Now()
	if err := os.Chtimes(name, time.Time{}, began.Add(time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	s, log = followedSince(t, began, name, files...)
	s.await(t, log)
	return s, log
}

func followedSince(t *testing.T, began time.Time, name string, files ...string) (s *standIn, log *jstest.Log) {
	t.Helper()
	s, log = &standIn{files: append(files, name), reloads: make(chan *config.Config, 100)}, &jstest.Log{}
	o := newOptions("serve", "<config>", log, log)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { o.follow(ctx, began, s, name, "", log) })
	t.Cleanup(func() { cancel(); wg.Wait() })
	return s, log
}

func (s *standIn) await(t *testing.T, log *jstest.Log) *config.Config {
	t.Helper()
	select {
	case cfg := <-s.reloads:
		return cfg
	case <-time.After(patience):
		t.Fatalf("it was not reloaded: %s", log)
		return nil
	}
}

// answering calls answer for the first message that a file is not as it should be, before it has gone out.
type answering struct {
	jstest.Log
	answer func()
}

func (a *answering) Write(p []byte) (int, error) {
	if strings.Contains(string(p), "not reloaded") {
		a.answer()
	}
	return a.Log.Write(p)
}

// The file that an error names may be replaced as soon as the error can be read, also by one
// that is older than the error.
func TestFollowSeesAnAnswerToItsError(t *testing.T) {
	dir := t.TempDir()
	name, fresh := filepath.Join(dir, "config.capnp"), filepath.Join(dir, "fresh.js")
	write(t, name, tinyConfig)
	write(t, fresh, "wrong")
	var loads atomic.Int32
	reloaded := make(chan struct{})
	done := sync.OnceFunc(func() { close(reloaded) })
	log := &answering{answer: sync.OnceFunc(func() {
		write(t, fresh, "right")
		if err := os.Chtimes(fresh, time.Time{}, time.Now().Add(-time.Hour)); err != nil {
			t.Error(err)
		}
	})}
	load := func() error {
		if loads.Add(1) == 1 {
			return &script.Error{Diagnostics: []script.Diagnostic{{File: "fresh.js", Line: 1, Column: 1, Message: "wrong"}}}
		}
		done()
		return nil
	}
	o := newOptions("serve", "<config>", log, log)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	// The configuration counts as changed: it is younger than the first load.
	wg.Go(func() {
		o.followFiles(ctx, time.Now().Add(-time.Hour), name, log, nil, load, func() []string { return nil })
	})
	defer wg.Wait()
	defer cancel()
	select {
	case <-reloaded:
	case <-time.After(patience):
		t.Fatalf("it was not reloaded: %s", log)
	}
}

// Files may change while the server starts, after it has read them.
func TestFollowSeesWhatChangedBeforeItBegan(t *testing.T) {
	dir := t.TempDir()
	name, other := filepath.Join(dir, "config.capnp"), filepath.Join(dir, "other.js")
	write(t, name, tinyConfig)
	write(t, other, "")
	began := time.Now()
	for file, after := range map[string]time.Duration{name: -time.Second, other: time.Millisecond} {
		if err := os.Chtimes(file, time.Time{}, began.Add(after)); err != nil {
			t.Fatal(err)
		}
	}
	s, log := followedSince(t, began, name, other)
	s.await(t, log)
}

func TestFollowIsNotHeldUpByOtherFiles(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "config.capnp")
	write(t, name, tinyConfig)
	s, log := followed(t, name)
	// A file beside it that never stands still.
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		for n := 0; ctx.Err() == nil; n++ {
			if err := os.WriteFile(filepath.Join(dir, "log"), []byte(strconv.Itoa(n)), 0o600); err != nil {
				t.Error(err)
				return
			}
			time.Sleep(quietTime / 10)
		}
	})
	defer wg.Wait()
	defer cancel()
	write(t, name, tinyConfig+"# another\n")
	s.await(t, log)
}

func TestFollowIgnoresWhatIsNotItsOwn(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "config.capnp")
	write(t, name, tinyConfig)
	s, log := followed(t, name)
	write(t, filepath.Join(dir, "other"), "x")
	// Were the other file of interest, this would be the second reload.
	write(t, name, tinyConfig+"# last\n")
	s.await(t, log)
	select {
	case <-s.reloads:
		t.Error("it was reloaded once too often")
	case <-time.After(2 * quietTime):
	}
}

func TestFollowLooksBehindLinks(t *testing.T) {
	dir := t.TempDir()
	for _, v := range []string{"v1", "v2"} {
		if err := os.Mkdir(filepath.Join(dir, v), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(dir, "v1", "config.capnp"), tinyConfig)
	write(t, filepath.Join(dir, "v2", "config.capnp"), tinyConfig+"# another\n")
	link := filepath.Join(dir, "present")
	name := filepath.Join(dir, "config.capnp")
	if err := os.Symlink("v1", link); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	if err := os.Symlink(filepath.Join("present", "config.capnp"), name); err != nil {
		t.Fatal(err)
	}
	s, log := followed(t, name)
	next := link + ".next"
	if err := os.Symlink("v2", next); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, link); err != nil {
		t.Fatal(err)
	}
	s.await(t, log)
}

func TestFollowWaitsForADirectoryToComeBack(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "a", "b", "config.capnp")
	make := func() {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	make()
	write(t, name, tinyConfig)
	s, log := followed(t, name)
	if err := os.RemoveAll(filepath.Join(dir, "a")); err != nil {
		t.Fatal(err)
	}
	make()
	write(t, name, tinyConfig+"# another\n")
	s.await(t, log)
}
