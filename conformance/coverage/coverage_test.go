package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

const small = "# title: Two things\n# cases: 3\n" +
	"X1\tit adds\tpkg\tTestAdd/two\nX2\tit takes away\tpkg\tTestTake\nX3\tit flies\tn/a: it has no wings\n"

func mustList(t *testing.T, text string) *list {
	t.Helper()
	l, err := readList("x", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestListErrorsSayWhere(t *testing.T) {
	reasons := "# cases: 9\n"
	for i := range 9 {
		reasons += fmt.Sprintf("X%d\ta\tn/a: b\n", i)
	}
	for _, c := range []struct{ name, text, want string }{
		{"no tabs", "X1 adds\n", "1: want: id, behaviour, package, test"},
		{"no test", "X1\tadds\tpkg\n", "1: X1 has neither a test nor a reason"},
		{"empty reason", "X1\tadds\tn/a: \n", "1: X1 has neither a test nor a reason"},
		{"no name of a test", "# x\nX1\tadds\tpkg\tadd\n", "2: X1: after the behaviour"},
		{"the same test twice", "X1\ta\tp\tTestA\nX2\tb\tp\tTestA\n", "2: X1 and X2 name the same test"},
		{"the same case twice", "X1\ta\tp\tTestA\nX1\tb\tp\tTestB\n", "2: X1 is there twice"},
		{"too few", "# cases: 2\nX1\ta\tp\tTestA\n", "it says 2 cases and has 1"},
		{"too many reasons", reasons, "9 cases are not applicable; at most 8"},
		{"no number", "# cases: many\n", "1: cases:"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := readList("x", strings.NewReader(c.text))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func event(action, test string) string {
	return fmt.Sprintf(`{"Action":%q,"Package":"workerd.local/pkg","Test":%q}`+"\n", action, test)
}

func TestOnlyWhatRanAndPassedCounts(t *testing.T) {
	good := event("run", "TestAdd") + event("pass", "TestAdd/two") + event("pass", "TestAdd") + event("pass", "TestTake") + event("pass", "")
	for _, c := range []struct {
		name, events, want string
		missing            int
	}{
		{"all passed", good, "Two things: 2 covered, 1 not applicable, 3 listed", 0},
		{"nothing ran", "", "TestTake did not run", 2},
		{"failed", strings.Replace(good, event("pass", "TestTake"), event("fail", "TestTake"), 1), "TestTake failed", 1},
		{"skipped", strings.Replace(good, event("pass", "TestTake"), event("skip", "TestTake"), 1), "TestTake was skipped", 1},
		{"its parent was skipped", strings.Replace(good, event("pass", "TestAdd"), event("skip", "TestAdd"), 1), "TestAdd/two was skipped", 1},
		{"its parent never ended", strings.Replace(good, event("pass", "TestAdd"), "", 1), "TestAdd did not run", 1},
		{"another subtest failed", strings.Replace(good, event("pass", "TestAdd"), event("fail", "TestAdd/three")+event("fail", "TestAdd"), 1), "2 covered", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			res, err := readEvents(strings.NewReader(c.events))
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			if n := mustList(t, small).report(&out, res, false); n != c.missing || !strings.Contains(out.String(), c.want) {
				t.Errorf("%d missing, want %d; want %q in:\n%s", n, c.missing, c.want, out.String())
			}
		})
	}
}

func TestEventsThatAreNoneAreRefused(t *testing.T) {
	if _, err := readEvents(strings.NewReader("ok  pkg 0.1s\n")); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("got %v", err)
	}
}

func TestMutationErrors(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"nothing to find", "file f\ncases X1\n", `"-- find"`},
		{"nothing instead", "file f\ncases X1\n-- find\na\n", `"-- replace"`},
		{"no case", "file f\n-- find\na\n-- replace\nb\n", "it needs a file, cases"},
		{"no change", "file f\ncases X1\n-- find\na\n-- replace\na\n", "it changes nothing"},
		{"unknown word", "fiel f\n-- find\na\n-- replace\nb\n", `unknown line "fiel f"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := parseMutation("m", c.text)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestKilledMeansThatTheTestFailed(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("f.go", []byte("package pkg\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	m := &mutation{name: "m", file: "f.go", find: "package pkg", replace: "package broken"}
	c := &row{ID: "X1", Package: "pkg", Test: "TestAdd/two"}
	for _, tc := range []struct {
		name, events string
		err          error
		want         string
	}{
		{name: "failed", events: event("fail", "TestAdd/two") + event("fail", "TestAdd") + event("fail", "")},
		{name: "panicked", events: event("run", "TestAdd/two") + event("fail", "")},
		{name: "passed", events: event("pass", "TestAdd/two") + event("pass", ""), want: "passes with the code broken"},
		{name: "is not there", events: event("pass", ""), want: "did not run"},
		{name: "does not compile", events: `{"ImportPath":"p","Action":"build-output","Output":"syntax error"}` + "\n" + event("fail", ""), want: "does not compile"},
		{name: "cannot run", err: errors.New("no go here"), want: "no go here"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := m.kill([]*row{c}, func(args ...string) (*results, error) {
				if !strings.Contains(strings.Join(args, " "), "-run ^TestAdd$/^two$ ") {
					t.Errorf("arguments %q", args)
				}
				if tc.err != nil {
					return nil, tc.err
				}
				return readEvents(strings.NewReader(tc.events))
			})[c]
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

// One run is enough for the cases of a mutation, unless a test takes the others with it.
func TestCasesOfAMutationRunTogether(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("f.go", []byte("package pkg\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	m := &mutation{name: "m", file: "f.go", find: "package pkg", replace: "package broken"}
	one, two, three := &row{Package: "pkg", Test: "TestAdd/one"}, &row{Package: "pkg", Test: "TestAdd/two"}, &row{Package: "pkg", Test: "TestTake"}
	far := &row{Package: "pkg2", Test: "TestFar"}
	const first, second, last = "^TestAdd$/^one$", "^TestAdd$/^two$", "^TestTake$"
	for _, tc := range []struct {
		name     string
		rows     []*row
		events   map[string]string // by the -run argument
		unharmed int
	}{
		{"all are heard of", []*row{one, two, three}, map[string]string{
			first + "|" + second + "|" + last: event("fail", one.Test) + event("pass", two.Test) + event("fail", three.Test) + event("fail", ""),
		}, 1},
		{"one ends the others", []*row{one, two, three}, map[string]string{
			first + "|" + second + "|" + last: event("fail", one.Test) + event("fail", ""),
			second + "|" + last:               event("pass", two.Test) + event("pass", three.Test) + event("pass", ""),
		}, 2},
		{"one ends all without a word", []*row{one, three}, map[string]string{
			first + "|" + last: event("fail", ""),
			first:              event("pass", one.Test) + event("pass", ""),
			last:               event("fail", ""),
		}, 1},
		{"one is in another package", []*row{far, one}, map[string]string{
			first:       event("fail", one.Test) + event("fail", ""),
			"^TestFar$": strings.ReplaceAll(event("fail", far.Test), "local/pkg", "local/pkg2"),
		}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			unharmed := m.kill(tc.rows, func(args ...string) (*results, error) {
				run := args[slices.Index(args, "-run")+1]
				events, ok := tc.events[run]
				if !ok {
					t.Errorf("%s is run, or is run again", run)
				}
				delete(tc.events, run)
				return readEvents(strings.NewReader(events))
			})
			if len(unharmed) != tc.unharmed {
				t.Errorf("unharmed: %v", unharmed)
			}
			for run := range tc.events {
				t.Errorf("%s is not run", run)
			}
		})
	}
}

func TestReportsOfWhatIsBroken(t *testing.T) {
	l := mustList(t, small)
	x1, x2 := l.Rows[0], l.Rows[1]
	m := &mutation{name: "none", rows: []*row{x1}}
	var out bytes.Buffer
	if n := reportUnbroken(&out, []*list{l}, []*mutation{m}); n != 1 ||
		!strings.Contains(out.String(), "UNBROKEN X2 it takes away") || !strings.Contains(out.String(), "Two things: 1 of 2 cases") {
		t.Errorf("%d unbroken:\n%s", n, out.String())
	}
	t.Chdir(t.TempDir())
	if err := os.WriteFile("f.go", []byte("package pkg\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	m = &mutation{name: "m", file: "f.go", find: "package pkg", replace: "package broken", rows: []*row{x1, x2}}
	test := func(...string) (*results, error) {
		return readEvents(strings.NewReader(event("fail", x1.Test) + event("pass", x2.Test)))
	}
	out.Reset()
	err := breakAll(&out, []*list{l}, []drawing{{m, m.rows}}, test)
	if err == nil || !strings.Contains(err.Error(), "1 of 2 broken behaviours") || !strings.Contains(out.String(), "2 broken, 1 seen to fail") {
		t.Errorf("%v:\n%s", err, out.String())
	}
	out.Reset()
	err = reportSeenBy(&out, "m", []*list{l}, []*mutation{m}, test)
	if err == nil || !strings.Contains(err.Error(), "not seen by X2") || out.String() != "m is seen by X1\n" {
		t.Errorf("%v: %s", err, out.String())
	}
	if err := reportSeenBy(&out, "n", nil, []*mutation{m}, test); err == nil {
		t.Error("an unknown mutation is no error")
	}
}

// What is in testdata must fit the code of today: the lists their own counts, the
// mutations exactly one place each, every mutation cases that exist, and every case with
// a test a mutation.
func TestListsAndMutationsFitTheCode(t *testing.T) {
	t.Chdir("../..")
	lists, err := readLists(home+"/lists", nil)
	if err != nil {
		t.Fatal(err)
	}
	muts, err := readMutations(home+"/mutations", lists)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range muts {
		src, err := os.ReadFile(m.file)
		if err != nil {
			t.Errorf("%s: %v", m.name, err)
			continue
		}
		if _, err := m.apply(string(src)); err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
		if len(m.rows) == 0 {
			t.Errorf("%s: none of its cases has a test", m.name)
		}
	}
	var out bytes.Buffer
	if n := reportUnbroken(&out, lists, muts); n > 0 {
		t.Errorf("no mutation breaks %d cases:\n%s", n, out.String())
	}
}

func TestDrawingCanBeRepeated(t *testing.T) {
	l := mustList(t, small)
	muts := []*mutation{{name: "a", rows: l.Rows[:2]}, {name: "b", rows: l.Rows[:1]}}
	text := func(n string, seed uint64) string {
		d, err := draw(muts, n, seed, &bytes.Buffer{})
		if err != nil {
			return err.Error()
		}
		var s []string
		for _, x := range d {
			for _, r := range x.rows {
				s = append(s, r.ID+x.mut.name)
			}
		}
		return strings.Join(s, " ")
	}
	if a, b := text("2", 7), text("2", 7); a != b || len(strings.Fields(a)) != 2 {
		t.Errorf("%q, then %q", a, b)
	}
	if got := text("all", 0); got != "X1a X2a X1b" {
		t.Errorf("all: %q", got)
	}
	for n, want := range map[string]string{"3": "only 2 cases", "0": "from 1 up", "x": "from 1 up"} {
		if got := text(n, 1); !strings.Contains(got, want) {
			t.Errorf("%s: %q", n, got)
		}
	}
}

func TestCommandLine(t *testing.T) {
	t.Chdir("../..")
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--json", "-", "gates"}, 1, "16 listed behaviours are not covered"},
		{[]string{"--json", "missing.json", "gates"}, 2, "missing.json"},
		{[]string{"nothing"}, 2, "nothing.txt"},
		{[]string{"--sample", "-1"}, 2, "--sample takes a number"},
		{[]string{"--seen-by", "nobody"}, 1, "no mutation \"nobody\""},
		{[]string{"--unbroken", "gates"}, 0, ""},
		{[]string{"--bogus"}, 2, "bogus"},
		{[]string{"--help"}, 0, "-seed"},
	} {
		var out, errs bytes.Buffer
		if code := run(c.args, strings.NewReader(""), &out, &errs); code != c.code || !strings.Contains(errs.String(), c.want) {
			t.Errorf("%v: exit %d, want %d; want %q in %s", c.args, code, c.code, c.want, errs.String())
		}
	}
}
