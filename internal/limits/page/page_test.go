package main

import (
	"bytes"
	"maps"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"workerd.local/internal/limits"
)

const root = "../../.."

func TestLimitsPageIsFresh(t *testing.T) {
	want, err := render(newSource(os.DirFS(root)), limits.Sections())
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
	listed := map[string]bool{}
	for _, g := range limits.Sections() {
		for _, r := range g.Rows {
			if listed[r.Symbol] && r.Symbol != "" {
				t.Errorf("%s has two rows", r.Symbol)
			}
			listed[r.Symbol] = true
		}
	}
	found := bounds(t, newSource(os.DirFS(root)))
	unlisted := maps.Clone(unlisted)
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
func bounds(t *testing.T, s *source) (symbols []string) {
	t.Helper()
	err := s.walk(func(dir string) error {
		p, err := s.load(dir)
		if err != nil {
			return nil // only tests are in it
		}
		for c := range p.consts {
			if boundName.MatchString(c) {
				symbols = append(symbols, dir+"."+c)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(symbols) < 15 {
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
	for _, g := range limits.Sections() {
		for _, r := range g.Rows {
			text.WriteString(r.Change + "\n")
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

// reasons are the ways of a row to say that nobody can change its number.
var reasons = regexp.MustCompile(`^fixed by (the )?[A-Za-z]`)

func TestEveryRowCanBeChangedOrSaysWhyNot(t *testing.T) {
	for _, g := range limits.Sections() {
		for _, r := range g.Rows {
			switch {
			case r.What == "" || r.Beyond == "" || strings.Contains(r.Beyond+r.Change, "–"):
				t.Errorf("%s: %q says nothing of what it is, or of what happens beyond it", g.Title, r.What)
			case r.Knob != nil:
				if !strings.HasPrefix(r.Change, "`--limit "+r.Knob.Name+"`") || r.Symbol != "" {
					t.Errorf("%s: the row of %s names %q and the symbol %q", g.Title, r.Knob.Name, r.Change, r.Symbol)
				}
			case !strings.Contains(r.Change, "`") && !reasons.MatchString(r.Change):
				t.Errorf("%s: %q has neither a knob, a flag, a configuration key, nor a reason", g.Title, r.What)
			}
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
		case tt.problem == "" && (err != nil || n.format(limits.Count) != tt.want):
			t.Errorf("%s: %s, %v; want %s", tt.symbol, n.format(limits.Count), err, tt.want)
		case tt.problem != "" && (err == nil || !strings.Contains(err.Error(), tt.problem)):
			t.Errorf("%s: %v; want an error with %q", tt.symbol, err, tt.problem)
		}
	}
	repo[tableFile] = &fstest.MapFile{Data: []byte("package limits\nvar X = count(\"x.y\", 1, 2, 3)\n")}
	if _, err := render(s, []limits.Section{{Title: "x", Rows: []limits.Row{{Symbol: "a.Gone"}}}}); err == nil || !strings.Contains(err.Error(), "a.Gone") {
		t.Errorf("a row whose symbol does not exist: %v", err)
	}
	if _, err := render(s, []limits.Section{{Title: "x", Rows: []limits.Row{{Value: "1", Knob: &limits.Knob{Name: "x.y"}}}}}); err == nil || !strings.Contains(err.Error(), "nobody reads the limit x.y") {
		t.Errorf("a knob that nobody reads: %v", err)
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
