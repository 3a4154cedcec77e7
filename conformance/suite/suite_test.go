package suite

import (
	"flag"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// child makes this test binary the process that a test runs.
const child = "SUITE_TEST_CHILD"

func TestMain(m *testing.M) {
	switch os.Getenv(child) {
	case "fails":
		_, _ = os.Stdout.WriteString("out ")
		_, _ = os.Stderr.WriteString("err")
		os.Exit(3)
	case "waits":
		time.Sleep(time.Minute)
	}
	os.Exit(m.Run())
}

func TestEachKeepsTheOrderAndTheBound(t *testing.T) {
	var now, most atomic.Int32
	files := []int{5, 4, 3, 2, 1, 0}
	var told []int
	got := Each(2, files, func(n int) int {
		if k := now.Add(1); k > most.Load() {
			most.Store(k)
		}
		time.Sleep(time.Duration(n) * time.Millisecond)
		now.Add(-1)
		return n * 10
	}, func(n int) { told = append(told, n) })
	if want := []int{50, 40, 30, 20, 10, 0}; !slices.Equal(got, want) || !slices.Equal(told, want) {
		t.Errorf("results %v, reported %v", got, told)
	}
	if most.Load() > 2 {
		t.Errorf("%d ran at once", most.Load())
	}
	if got := Each(0, []int{1}, func(n int) int { return n }, func(int) {}); len(got) != 1 {
		t.Errorf("without a number of its own: %v", got)
	}
}

func TestProcessesAreEndedInTime(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(child, "fails")
	if o := Run(t.Context(), time.Minute, self); o.Err == nil || o.Late || o.Output != "out err" {
		t.Errorf("a process that fails: %+v", o)
	}
	t.Setenv(child, "waits")
	if o := Run(t.Context(), 50*time.Millisecond, self); !o.Late || o.Err == nil || o.Took > 30*time.Second {
		t.Errorf("a process that waits: %+v", o)
	}
}

func TestFlags(t *testing.T) {
	parse := func(args ...string) (Options, int) {
		f := flag.NewFlagSet("x", flag.ContinueOnError)
		f.SetOutput(io.Discard)
		var o Options
		o.Flags(f, time.Second, "file")
		return o, Parse(f, args)
	}
	if o, code := parse(); code >= 0 || o.Timeout != time.Second || o.Parallel != runtime.NumCPU() {
		t.Errorf("no flags: %+v, %d", o, code)
	}
	if _, code := parse("-h"); code != OK {
		t.Errorf("help: %d", code)
	}
	if _, code := parse("-nonsense"); code != Wrong {
		t.Errorf("an unknown flag: %d", code)
	}
}

func TestJudge(t *testing.T) {
	var b strings.Builder
	if code := Judge(&b, nil, []string{"b"}); code != OK || b.String() != "now passes: b\n" {
		t.Errorf("%d %q", code, b.String())
	}
	b.Reset()
	if code := Judge(&b, []string{"w"}, nil); code != Regression || b.String() != "REGRESSION: w\n" {
		t.Errorf("%d %q", code, b.String())
	}
}

func TestCommitOfNoRepository(t *testing.T) {
	t.Setenv("GIT_CEILING_DIRECTORIES", os.TempDir())
	if got := Commit(t.Context(), t.TempDir()); got != "unknown" {
		t.Errorf("the commit is %q", got)
	}
}
