package differential

import (
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestProgramBehindTheLauncher(t *testing.T) {
	modules, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	arch := map[string]string{"amd64": "64", "arm64": "arm64"}[runtime.GOARCH]
	name := "workerd"
	if runtime.GOOS == "windows" {
		name = "workerd.exe"
	}
	launcher := filepath.Join(modules, "workerd", "bin", "workerd")
	binary := filepath.Join(modules, "@cloudflare", "workerd-"+runtime.GOOS+"-"+arch, "bin", name)
	write := func(path, content string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write(launcher, "#!/usr/bin/env node\n")
	if got, err := program(launcher); err == nil {
		t.Errorf("a launcher without its program: %s", got)
	}
	write(binary, "\x7fELF")
	for _, path := range []string{launcher, binary} {
		if got, err := program(path); err != nil || got != binary {
			t.Errorf("%s: %s, %v", path, got, err)
		}
	}
	write(launcher, "")
	if got, err := program(launcher); err == nil {
		t.Errorf("an empty file: %s", got)
	}
	if got, err := program(filepath.Join(modules, "none")); err == nil {
		t.Errorf("no file: %s", got)
	}
}

func TestListening(t *testing.T) {
	got := listening("a line\n{\"event\":\"listen\",\"socket\":\"a\",\"port\":1}\n{\"event\":\"other\",\"port\":2}\n{\"event\":\"listen\",\"socket\":\"b\",\"port\":3}\n{\"event\":\"li")
	if want := (site{"a": "http://127.0.0.1:1", "b": "http://127.0.0.1:3"}); !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
