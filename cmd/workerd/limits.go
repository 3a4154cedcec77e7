package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"workerd.local/internal/limits"
)

// limitFlag is --limit name=value, which may be given several times.
type limitFlag struct {
	fs       *flag.FlagSet
	settings []string
	help     bool // --limit help was asked for
}

func (l *limitFlag) String() string { return "" }

// Set takes one setting. All of them are checked together, when each flag is known.
func (l *limitFlag) Set(text string) error {
	if text == "help" {
		l.help = true
		return errors.New("help was asked for")
	}
	l.settings = append(l.settings, text)
	return nil
}

// parse checks the settings.
func (l *limitFlag) parse() (*limits.Set, error) {
	for _, s := range l.settings {
		// A bound with a flag of its own is none of --limit.
		name, value, _ := strings.Cut(s, "=")
		if l.fs.Lookup("limit-"+name) != nil {
			return nil, fmt.Errorf("limit %q: use --limit-%s %s", name, name, value)
		}
	}
	return limits.Parse(l.settings...)
}

// print writes every bound that can be changed, with its number, its range and what
// happens beyond it.
func (l *limitFlag) print(w io.Writer) {
	fmt.Fprint(w, "Limits, to be set with --limit <name>=<value> or with a flag of their own:\n")
	for _, section := range limits.Sections() {
		fmt.Fprintf(w, "\n%s\n", section.Title)
		for _, r := range section.Rows {
			what := strings.ReplaceAll(r.What, "`", "")
			beyond := strings.ReplaceAll(r.Beyond, "`", "")
			if k := r.Knob; k != nil {
				fmt.Fprintf(w, "  %s=%s\n        %s (%s); beyond it: %s\n", k.Name, k.Unit.Text(k.Default), what, k.Range(), beyond)
				continue
			}
			for name := range strings.SplitSeq(r.Change, "`") {
				flagName, ok := strings.CutPrefix(name, "--")
				if !ok || strings.HasPrefix(flagName, "limit ") {
					continue
				}
				f := l.fs.Lookup(flagName)
				if f == nil {
					continue // of another command
				}
				value := r.Value
				if value == "" {
					value = f.DefValue
				}
				fmt.Fprintf(w, "  --%s %s\n        %s (%s); beyond it: %s\n", flagName, value, what, flagRange(flagName, f.DefValue), beyond)
			}
		}
	}
}

// flagMost are the largest numbers of the flags that bound recursion. Deeper JSON
// overflows the Go stack, which ends the process: a million levels do, a tenth of that
// takes a tenth of the stack. Deeper calls through getters and proxies do not, but the
// time to unwind them grows with the square of the depth, and nothing can stop it.
var flagMost = map[string]int64{"limit-json-depth": 100_000, "limit-stack": 4000}

func flagRange(name, value string) string {
	if _, err := time.ParseDuration(value); err == nil && value != "0" {
		return "more than 0"
	}
	if most := flagMost[name]; most > 0 {
		return "1 to " + limits.Count.Format(most)
	}
	return "1 or more"
}
