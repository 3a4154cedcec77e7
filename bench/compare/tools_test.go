package main

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestFindWorkerdWantsTheProgramItself(t *testing.T) {
	dir := t.TempDir()
	put := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
		return path
	}
	elf := put("workerd", "\x7fELF\x02\x01\x01 and the rest")
	if got, err := findWorkerd(elf); err != nil || got != elf {
		t.Errorf("%q, %v", got, err)
	}
	for path, want := range map[string]string{
		put("launcher", "#!/usr/bin/env node\nrequire('x')\n"): "it is a script (#!/usr/bin/env node)",
		put("empty", ""):                 "it is not an ELF file",
		put("short", "\x7fEL"):           "it is not an ELF file",
		put("macho", "\xcf\xfa\xed\xfe"): "it is not an ELF file",
		filepath.Join(dir, "missing"):    "does not exist; install it with: npm install",
	} {
		_, err := findWorkerd(path)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v; want %q", filepath.Base(path), err, want)
		}
	}
}

func TestFindWorkerdLooksWhereTheReadmeSays(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the cache directory is set by XDG_CACHE_HOME on Linux only")
	}
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	_, err := findWorkerd("")
	if err == nil || !strings.Contains(err.Error(), "npm install --prefix "+filepath.Join(cache, "workerd-bench")+" workerd@"+pinned) {
		t.Errorf("%v", err)
	}
	readme, err := os.ReadFile(filepath.Join("..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	if want := "npm install --prefix ~/.cache/workerd-bench workerd@" + pinned; !strings.Contains(string(readme), want) {
		t.Errorf("README.md does not say %q", want)
	}
}

func TestMissingToolsAndWrongArgumentsExitWithUsage(t *testing.T) {
	for _, args := range [][]string{
		{"-rounds", "0"}, {"-starts", "0"}, {"-duration", "1500ms"}, {"-duration", "0s"}, {"-duration", "long"}, {"-settle", "-1s"},
		{"-cases", "hello,nonsense"}, {"extra"}, {"-unknown"}, {"-write", "-ours"}, {"-write", "-cases", "hello"}, {"-write", "-cpuprofile", "x"},
	} {
		var out, log strings.Builder
		if code := run(args, &out, &log); code != exitUsage || out.Len() > 0 || !strings.Contains(log.String(), "compare: ") {
			t.Errorf("%v: exit %d, stdout %q, stderr %q", args, code, out.String(), log.String())
		}
	}
	if runtime.GOOS != "linux" {
		return
	}
	t.Setenv("WORKERD_BIN", filepath.Join(t.TempDir(), "absent"))
	var out, log strings.Builder
	if code := run([]string{"-dir", t.TempDir()}, &out, &log); code != exitUsage || !strings.Contains(log.String(), "absent does not exist") {
		t.Errorf("exit %d, stderr %q", code, log.String())
	}
}

func TestQuickIsOverriddenByWhatIsGiven(t *testing.T) {
	o, err := parseOptions([]string{"-quick", "-rounds", "4", "-cases", "hello,counter"}, &strings.Builder{})
	if err != nil {
		t.Fatal(err)
	}
	if o.rounds != 4 || o.starts != 3 || o.duration.Seconds() != 2 || len(o.cases) != 2 {
		t.Errorf("%+v", o)
	}
	if o, err := parseOptions([]string{"-cpuprofile", "p"}, &strings.Builder{}); err != nil || !o.oursOnly || !filepath.IsAbs(o.cpuprofile) {
		t.Errorf("%+v, %v", o, err)
	}
	if _, err := parseOptions([]string{"-duration", "x"}, &strings.Builder{}); !errors.Is(err, errUsage) {
		t.Errorf("%v", err)
	}
}
