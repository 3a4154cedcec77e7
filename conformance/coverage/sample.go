package main

import (
	"cmp"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"
)

// drawing is a way to break the code and the cases that must see it.
type drawing struct {
	mut  *mutation
	rows []*row
}

// draw takes n cases ("all": every one) that can be broken, with one of their
// mutations each, and prints what to repeat.
func draw(muts []*mutation, n string, seed uint64, w io.Writer) ([]drawing, error) {
	var out []drawing
	if n == "all" {
		for _, m := range muts {
			if len(m.rows) > 0 {
				out = append(out, drawing{m, m.rows})
			}
		}
		return out, nil
	}
	k, err := strconv.Atoi(n)
	if err != nil || k < 1 {
		return nil, fmt.Errorf("--sample takes a number from 1 up or all, not %q", n)
	}
	if seed == 0 {
		seed = rand.Uint64()
	}
	fmt.Fprintf(w, "drawn with --sample %d --seed %d\n", k, seed)
	type pair struct {
		mut *mutation
		row *row
	}
	var pool []pair
	for _, m := range muts {
		for _, r := range m.rows {
			pool = append(pool, pair{m, r})
		}
	}
	rng := rand.New(rand.NewPCG(seed, 0))
	rng.Shuffle(len(pool), func(i, j int) { pool[i], pool[j] = pool[j], pool[i] })
	drawn := map[*mutation][]*row{}
	seen := map[string]bool{}
	for _, p := range pool {
		if len(seen) < k && !seen[p.row.ID] {
			seen[p.row.ID] = true
			drawn[p.mut] = append(drawn[p.mut], p.row)
		}
	}
	if len(seen) < k {
		return nil, fmt.Errorf("only %d cases have a mutation, not %d", len(seen), k)
	}
	for m, rows := range drawn {
		slices.SortFunc(rows, func(a, b *row) int { return cmp.Compare(a.ID, b.ID) })
		out = append(out, drawing{m, rows})
	}
	slices.SortFunc(out, func(a, b drawing) int { return cmp.Compare(a.mut.name, b.mut.name) })
	return out, nil
}

// breakAll breaks the code in every drawn way and prints what saw it. An error says
// that some test did not.
func breakAll(w io.Writer, lists []*list, drawn []drawing, test tester) error {
	began := time.Now()
	broken, unseen := 0, 0
	seen := map[*row]bool{}
	for _, d := range drawn {
		unharmed := d.mut.kill(d.rows, test)
		for _, c := range d.rows {
			broken++
			if err := unharmed[c]; err != nil {
				unseen++
				fmt.Fprintf(w, "NOT SEEN  %-28s %s: %v\n", d.mut.name, c.ID, err)
				continue
			}
			seen[c] = true
			fmt.Fprintf(w, "seen      %-28s %s: %s fails\n", d.mut.name, c.ID, c.Test)
		}
	}
	for _, l := range lists {
		with, failed := map[*row]bool{}, 0
		for _, d := range drawn {
			for _, c := range d.rows {
				with[c] = true
			}
		}
		tests, broken := 0, 0
		for _, c := range l.Rows {
			if c.Test == "" {
				continue
			}
			tests++
			if with[c] {
				broken++
			}
			if seen[c] {
				failed++
			}
		}
		fmt.Fprintf(w, "%s: %d cases with a test, %d broken, %d seen to fail\n", l.Title, tests, broken, failed)
	}
	fmt.Fprintf(w, "%d mutations in %v\n", len(drawn), time.Since(began).Round(time.Second))
	if unseen > 0 {
		return fmt.Errorf("%d of %d broken behaviours were not seen by their tests", unseen, broken)
	}
	return nil
}

// reportUnbroken prints the cases that no mutation breaks, and how many there are in
// each list.
func reportUnbroken(w io.Writer, lists []*list, muts []*mutation) (unbroken int) {
	broken := map[*row]bool{}
	for _, m := range muts {
		for _, c := range m.rows {
			broken[c] = true
		}
	}
	for _, l := range lists {
		tests, without := 0, 0
		for _, c := range l.Rows {
			if c.Test == "" {
				continue
			}
			tests++
			if !broken[c] {
				without++
				fmt.Fprintf(w, "UNBROKEN %s %s: %s %s\n", c.ID, c.Behaviour, c.Package, c.Test)
			}
		}
		fmt.Fprintf(w, "%s: %d of %d cases with a test have a mutation\n", l.Title, tests-without, tests)
		unbroken += without
	}
	return unbroken
}

// reportSeenBy runs the tests of all lists against one mutation and prints the cases
// that see it.
func reportSeenBy(w io.Writer, name string, lists []*list, muts []*mutation, test tester) error {
	i := slices.IndexFunc(muts, func(m *mutation) bool { return m.name == name })
	if i < 0 {
		return fmt.Errorf("there is no mutation %q", name)
	}
	var rows []*row
	for _, l := range lists {
		for _, c := range l.Rows {
			if c.Test != "" {
				rows = append(rows, c)
			}
		}
	}
	unharmed := muts[i].kill(rows, test)
	var ids, not []string
	for _, c := range rows {
		switch err := unharmed[c]; {
		case err == nil:
			ids = append(ids, c.ID)
		case slices.Contains(muts[i].rows, c):
			not = append(not, fmt.Sprintf("%s (%v)", c.ID, err))
		}
	}
	fmt.Fprintf(w, "%s is seen by %s\n", name, strings.Join(ids, " "))
	if len(not) > 0 {
		return fmt.Errorf("%s is not seen by %s", name, strings.Join(not, ", "))
	}
	return nil
}
