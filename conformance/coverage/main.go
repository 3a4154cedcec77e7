// Command coverage says which behaviours of the lists in testdata/lists are held
// by a test, and shows that those tests can fail.
//
//	coverage [LIST...]        runs the tests that the lists name
//	coverage --json FILE      takes the output of go test -json instead ("-": standard input)
//	coverage --sample N       breaks the code in N drawn ways; the tests that hold the
//	                          broken behaviour must fail ("all": every known way)
//
// A behaviour counts as covered only if its named subtest ran, passed and neither
// was skipped nor lies below one that was. Run it at the root of the module. It
// exits 0 where everything is covered or reasoned away, 1 where it is not, and 2
// where it is used wrongly.
package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// home is where the lists and mutations are, from the root of the module.
const home = "conformance/coverage/testdata"

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	f := flag.NewFlagSet("coverage", flag.ContinueOnError)
	f.SetOutput(stderr)
	events := f.String("json", "", "a file with the output of go test -json, - for standard input")
	sample := f.String("sample", "", "how many cases to draw and break, or all")
	seed := f.Uint64("seed", 0, "what the drawing begins with; 0 draws one")
	all := f.Bool("v", false, "print every case, not only those that are not covered")
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	fail := func(code int, err error) int {
		fmt.Fprintln(stderr, "coverage:", err)
		return code
	}
	lists, err := readLists(filepath.Join(home, "lists"), f.Args())
	if err != nil {
		return fail(2, err)
	}
	if *sample != "" {
		muts, err := readMutations(filepath.Join(home, "mutations"), lists)
		if err != nil {
			return fail(2, err)
		}
		drawn, err := draw(muts, *sample, *seed, stdout)
		if err != nil {
			return fail(2, err)
		}
		survived := 0
		for _, d := range drawn {
			if err := d.mut.kill(d.row, goTest); err != nil {
				survived++
				fmt.Fprintf(stdout, "NOT SEEN  %-28s %s: %v\n", d.mut.name, d.row.ID, err)
				continue
			}
			fmt.Fprintf(stdout, "seen      %-28s %s: %s fails\n", d.mut.name, d.row.ID, d.row.Test)
		}
		if survived > 0 {
			return fail(1, fmt.Errorf("%d of %d broken behaviours were not seen by their tests", survived, len(drawn)))
		}
		return 0
	}
	var results *results
	if *events == "" {
		results, err = runTests(lists, stderr)
	} else {
		results, err = readEventsFile(*events, stdin)
	}
	if err != nil {
		return fail(2, err)
	}
	missing := 0
	for _, l := range lists {
		missing += l.report(stdout, results, *all)
	}
	if missing > 0 {
		return fail(1, fmt.Errorf("%d listed behaviours are not covered", missing))
	}
	return 0
}

func readEventsFile(name string, stdin io.Reader) (*results, error) {
	if name == "-" {
		return readEvents(stdin)
	}
	r, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return readEvents(r)
}

// drawing is one case and one way to break it.
type drawing struct {
	row *row
	mut *mutation
}

// draw takes n cases ("all": every one) that can be broken, with one of their
// mutations each, and prints what to repeat.
func draw(muts []*mutation, n string, seed uint64, w io.Writer) ([]drawing, error) {
	var pool []drawing
	for _, m := range muts {
		for _, r := range m.rows {
			pool = append(pool, drawing{r, m})
		}
	}
	if n == "all" {
		return pool, nil
	}
	k, err := strconv.Atoi(n)
	if err != nil || k < 1 {
		return nil, fmt.Errorf("--sample takes a number from 1 up or all, not %q", n)
	}
	if seed == 0 {
		seed = rand.Uint64()
	}
	fmt.Fprintf(w, "drawn with --sample %d --seed %d\n", k, seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	rng.Shuffle(len(pool), func(i, j int) { pool[i], pool[j] = pool[j], pool[i] })
	var out []drawing
	seen := map[string]bool{}
	for _, d := range pool {
		if len(out) < k && !seen[d.row.ID] {
			seen[d.row.ID] = true
			out = append(out, d)
		}
	}
	slices.SortFunc(out, func(a, b drawing) int { return cmp.Compare(a.row.ID, b.row.ID) })
	if len(out) < k {
		return nil, fmt.Errorf("only %d cases have a mutation, not %d", len(out), k)
	}
	return out, nil
}
