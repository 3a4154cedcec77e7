// Package compat turns a compatibility date and a list of flags into the set of
// behaviours that a worker has asked for.
//
// The table names every flag of workerd, so that a configuration written for
// workerd is judged by the same rules; a flag whose behaviour exists on only one
// side of its date here is accepted and has no effect. effects.go says which, and
// why; docs/COMPAT.md is written from it.
package compat

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Newest is the newest compatibility date that this program knows.
const Newest = "2026-11-22"

type flag struct {
	on, off      string
	date         string   // on by default from this date
	always       bool     // on at every date
	experimental bool     // needs --experimental
	impliedBy    []string // on when one of these is on and the date is impliedDate or later
	impliedDate  string
}

// Flags is the set of behaviours of one worker; immutable.
type Flags struct {
	date string
	on   map[string]bool
}

// Has reports whether the behaviour named by its enabling flag is on.
func (f *Flags) Has(name string) bool { return f != nil && f.on[name] }

// Names are the enabling names of all flags there are, on or not.
func Names() []string {
	names := make([]string, len(table))
	for i, x := range table {
		names[i] = x.on
	}
	return names
}

// Key is equal for equal sets, so that services with the same settings may share
// what depends on nothing else.
func (f *Flags) Key() string {
	names := make([]string, 0, len(f.on))
	for n := range f.on {
		names = append(names, n)
	}
	slices.Sort(names)
	return strings.Join(names, ",")
}

// Options say what is allowed.
type Options struct {
	// Experimental allows experimental flags.
	Experimental bool
	// Unknown is told of flags that the table does not have; nil makes them mistakes.
	Unknown func(flag string)
}

// Parse reads a date (YYYY-MM-DD) and flags. All mistakes are returned, with
// workerd's texts.
func Parse(date string, flags []string, o Options) (*Flags, []error) {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if date == "" {
		fail("Worker must specify compatibilityDate.")
		return nil, errs
	}
	if _, err := time.Parse("2006-01-02", date); err != nil && date != "0000-00-00" {
		fail("Invalid compatibility date: %s", date)
		return nil, errs
	}
	if date > Newest && date < "2999" {
		fail("This Worker requires compatibility date %q, but the newest date supported by this server binary is %q.", date, Newest)
	}
	f := &Flags{date: date, on: map[string]bool{}}
	seen := map[string]bool{}
	explicit := map[string]bool{}
	for _, name := range flags {
		if seen[name] {
			fail("Compatibility flag specified multiple times: %s", name)
			continue
		}
		seen[name] = true
		i := slices.IndexFunc(table, func(x flag) bool { return x.on == name || x.off != "" && x.off == name })
		if i < 0 && o.Unknown != nil {
			o.Unknown(name)
			continue
		}
		if i < 0 {
			fail("No such compatibility flag: %s", name)
			continue
		}
		x := table[i]
		if x.experimental && x.on == name && !o.Experimental {
			fail("The compatibility flag %s is experimental and may break or be removed in a future version of workerd. To use this flag, you must pass --experimental on the command line.", name)
		}
		other := x.on
		if name == x.on {
			other = x.off
		}
		if other != "" && seen[other] {
			fail("Compatibility flags are mutually contradictory: %s vs %s", x.on, x.off)
			continue
		}
		explicit[x.on] = name == x.on
	}
	for _, x := range table {
		if v, ok := explicit[x.on]; ok {
			f.on[x.on] = v
			continue
		}
		if x.always || x.date != "" && date >= x.date {
			f.on[x.on] = true
		}
	}
	// A flag may be implied by one that is itself implied.
	for changed := true; changed; {
		changed = false
		for _, x := range table {
			if _, ok := explicit[x.on]; ok || f.on[x.on] || x.impliedDate == "" || date < x.impliedDate {
				continue
			}
			for _, by := range x.impliedBy {
				if f.on[by] {
					f.on[x.on], changed = true, true
					break
				}
			}
		}
	}
	for n, v := range f.on {
		if !v {
			delete(f.on, n)
		}
	}
	return f, errs
}
