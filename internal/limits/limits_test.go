package main

import (
	"bytes"
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

const root = "../.."

func TestLimitsPageIsFresh(t *testing.T) {
	want, err := render(newSource(os.DirFS(root)), sections)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(root + "/docs/LIMITS.md")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("docs/LIMITS.md is stale: run go generate ./internal/limits")
	}
}

// boundName matches constants that are bounds by their name.
var boundName = regexp.MustCompile(`^(max|Max|default|Default)[A-Z]|[a-z](Limit|Timeout|Bytes|Depth|Retries|AtOnce|Ahead|Time|Drain)$`)

func TestEveryBoundHasARow(t *testing.T) {
	repo := os.DirFS(root)
	listed := map[string]bool{}
	for _, g := range sections {
		for _, r := range g.rows {
			if listed[r.symbol] {
				t.Errorf("%s has two rows", r.symbol)
			}
			listed[r.symbol] = true
		}
	}
	found := bounds(t, repo)
	for _, symbol := range found {
		switch {
		case unlisted[symbol] != "" && listed[symbol]:
			t.Errorf("%s is both a bound and none", symbol)
		case unlisted[symbol] == "" && !listed[symbol]:
			t.Errorf("%s looks like a bound: give it a row in table.go, or a reason in unlisted", symbol)
		}
		delete(unlisted, symbol)
	}
	for symbol := range unlisted {
		t.Errorf("unlisted has %s, which does not exist", symbol)
	}
}

// bounds are the constants of the module whose names say that they are bounds.
func bounds(t *testing.T, repo fs.FS) (symbols []string) {
	t.Helper()
	s := newSource(repo)
	err := fs.WalkDir(repo, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() || name == "." {
			return err
		}
		base := path.Base(name)
		if base == "testdata" || name == "internal/limits" || strings.HasPrefix(base, ".") || base == "storagetest" || base == "examples" || base == "bench" {
			return fs.SkipDir
		}
		files, err := fs.Glob(repo, name+"/*.go")
		if err != nil || len(files) == 0 {
			return err
		}
		p, err := s.load(name)
		if err != nil {
			return nil // only tests are in it
		}
		for c := range p.consts {
			if boundName.MatchString(c) {
				symbols = append(symbols, name+"."+c)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(symbols) < 20 {
		t.Fatalf("only %d bounds were found", len(symbols))
	}
	return symbols
}

var limitFlag = regexp.MustCompile(`"(limit-[a-z-]+|isolates)"`)

func TestFlagsAndRowsAgree(t *testing.T) {
	src, err := os.ReadFile(root + "/cmd/workerd/flags.go")
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, g := range sections {
		for _, r := range g.rows {
			text.WriteString(r.change + "\n")
		}
	}
	for _, m := range limitFlag.FindAllStringSubmatch(string(src), -1) {
		if !strings.Contains(text.String(), "`--"+m[1]+"`") {
			t.Errorf("no row names the flag --%s", m[1])
		}
	}
	for _, m := range regexp.MustCompile("`--([a-z-]+)`").FindAllStringSubmatch(text.String(), -1) {
		if !bytes.Contains(src, []byte(`"`+m[1]+`"`)) {
			t.Errorf("a row names --%s, which is no flag", m[1])
		}
	}
}

func TestLookup(t *testing.T) {
	repo := fstest.MapFS{
		"a/a.go": {Data: []byte(`package a
import ("time"; "workerd.local/b/deep")
const (
	Plain = 12
	Sum = (Plain + 1<<10) * 2
	Wait = 3 * time.Minute / 2
	Far = deep.Far - 1
	Loop = Pool
	Pool = Loop
	Text = "x"
	Call = len(Text)
)
type Options struct { Idle time.Duration; Twice, Never int }
var Default = struct{ Size int }{Size: 4 << 10}
func make(o Options) (x struct{ Kept int }) {
	o.Idle = 10 * time.Second
	o.Twice = 1
	o.Twice = 2
	return struct{ Kept int }{Kept: 7}
}
`)},
		"a/a_test.go":    {Data: []byte("package a\nconst Test = 1\n")},
		"b/deep/deep.go": {Data: []byte("package deep\nconst Far = -0x10 + 32\n")},
	}
	tests := []struct{ symbol, want, problem string }{
		{symbol: "a.Plain", want: "12"},
		{symbol: "a.Sum", want: "2,072"},
		{symbol: "a.Wait", want: "90 s"},
		{symbol: "a.Options.Idle", want: "10 s"},
		{symbol: "a.Default.Size", want: "4,096"},
		{symbol: "a.make.Kept", want: "7"},
		{symbol: "a.Far", problem: "cannot be computed"},
		{symbol: "a.Loop", problem: "depends on itself"},
		{symbol: "a.Call", problem: "cannot be computed"},
		{symbol: "a.Text", problem: "invalid syntax"},
		{symbol: "a.Test", problem: "no such declaration"},
		{symbol: "a.Options.Twice", problem: "2 constants"},
		{symbol: "a.Options.Never", problem: "0 constants"},
		{symbol: "a.Default", problem: "not a constant"},
		{symbol: "c.X", problem: "no package in c"},
	}
	s := newSource(repo)
	for _, tt := range tests {
		n, err := s.lookup(tt.symbol)
		switch {
		case tt.problem == "" && (err != nil || n.format(count) != tt.want):
			t.Errorf("%s: %s, %v; want %s", tt.symbol, n.format(count), err, tt.want)
		case tt.problem != "" && (err == nil || !strings.Contains(err.Error(), tt.problem)):
			t.Errorf("%s: %v; want an error with %q", tt.symbol, err, tt.problem)
		}
	}
	if _, err := render(s, []group{{"x", []row{{symbol: "a.Gone"}}}}); err == nil {
		t.Error("a row whose symbol does not exist was written")
	}
}

func TestFormat(t *testing.T) {
	tests := []struct {
		n    number
		u    unit
		want string
	}{
		{number{n: 0}, count, "0"},
		{number{n: 999}, count, "999"},
		{number{n: 1_000_000}, count, "1,000,000"},
		{number{n: -1000}, count, "-1,000"},
		{number{n: 100}, size, "100 bytes"},
		{number{n: 131072}, size, "128 KiB"},
		{number{n: 3 << 30}, size, "3 GiB"},
		{number{n: 15 * 60e9, duration: true}, count, "15 min"},
		{number{n: 120e9, duration: true}, count, "120 s"},
		{number{n: 20e6, duration: true}, count, "20 ms"},
		{number{n: 36500 * 86400e9, duration: true}, count, "36,500 days"},
		{number{n: 1500, duration: true}, count, "1.5µs"},
	}
	for _, tt := range tests {
		if got := tt.n.format(tt.u); got != tt.want {
			t.Errorf("%+v: %q, want %q", tt.n, got, tt.want)
		}
	}
}

func TestRunWantsARoot(t *testing.T) {
	if err := run(nil); err == nil {
		t.Error("no error")
	}
	if err := run([]string{t.TempDir()}); err == nil {
		t.Error("no error for a folder without the repository")
	}
}
