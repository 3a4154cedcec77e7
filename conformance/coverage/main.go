// Command coverage says which behaviours of the lists in testdata/lists are held
// by a test, and shows that those tests can fail.
//
//	coverage [LIST...]        runs the tests that the lists name
//	coverage --json FILE      takes the output of go test -json instead ("-": standard input)
//	coverage --unbroken       says which cases no mutation breaks
//	coverage --sample N       breaks N drawn cases; their tests must fail ("all": every
//	                          known way to break every case)
//	coverage --seen-by NAME   breaks the code with one mutation and says which cases of
//	                          the lists see it, its own or not
//
// A behaviour counts as covered only if its named subtest ran, passed and neither
// was skipped nor lies below one that was. Run it at the root of the module. It
// exits 0 where everything is covered or reasoned away, 1 where it is not, and 2
// where it is used wrongly.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
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
	unbroken := f.Bool("unbroken", false, "print the cases that no mutation breaks")
	seenBy := f.String("seen-by", "", "a mutation, to print which cases see it")
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
	if *sample != "" || *unbroken || *seenBy != "" {
		muts, err := readMutations(filepath.Join(home, "mutations"), lists)
		if err != nil {
			return fail(2, err)
		}
		switch {
		case *unbroken:
			if n := reportUnbroken(stdout, lists, muts); n > 0 {
				return fail(1, fmt.Errorf("no mutation breaks %d listed behaviours", n))
			}
			return 0
		case *seenBy != "":
			if err := reportSeenBy(stdout, *seenBy, lists, muts, brokenTest); err != nil {
				return fail(1, err)
			}
			return 0
		}
		drawn, err := draw(muts, *sample, *seed, stdout)
		if err != nil {
			return fail(2, err)
		}
		if err := breakAll(stdout, lists, drawn, brokenTest); err != nil {
			return fail(1, err)
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
