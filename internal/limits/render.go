package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"
)

// unit says what a number counts.
type unit int

const (
	count unit = iota
	size
)

// row is one bound.
type row struct {
	what   string
	symbol string // where the code keeps it; see source.lookup
	unit   unit
	value  string // instead of what the symbol says, where that is not a constant
	change string // flag or configuration key; "" means that it is fixed
	beyond string // what happens beyond it
}

type group struct {
	title string
	rows  []row
}

const intro = `# Limits

Every bound of the runtime: its number, how to change it, and what happens beyond it. A dash means that it is fixed.
Written by ` + "`go generate ./internal/limits`" + ` from the constants in the code; do not edit it by hand.
`

func render(s *source, groups []group) ([]byte, error) {
	var b bytes.Buffer
	var errs []error
	b.WriteString(intro)
	for _, g := range groups {
		fmt.Fprintf(&b, "\n## %s\n\n| What | Bound | Change it with | Beyond it | In the code |\n|---|---|---|---|---|\n", g.title)
		for _, r := range g.rows {
			value := r.value
			if value == "" {
				n, err := s.lookup(r.symbol)
				if err != nil {
					errs = append(errs, err)
					continue
				}
				value = n.format(r.unit)
			}
			change := r.change
			if change == "" {
				change = "–"
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s | `%s` |\n", r.what, value, change, r.beyond, r.symbol)
		}
	}
	return b.Bytes(), errors.Join(errs...)
}

func (n number) format(u unit) string {
	switch {
	case n.duration:
		return formatDuration(time.Duration(n.n))
	case u == size:
		return formatBytes(n.n)
	}
	return group3(n.n)
}

func formatDuration(d time.Duration) string {
	const day = 24 * time.Hour
	if d >= 2*day {
		return group3(int64(d/day)) + " days"
	}
	for _, u := range []struct {
		one  time.Duration
		name string
	}{{time.Hour, "h"}, {time.Minute, "min"}, {time.Second, "s"}, {time.Millisecond, "ms"}} {
		if d >= u.one && d%u.one == 0 && (u.one != time.Minute || d > 2*time.Minute) {
			return fmt.Sprintf("%d %s", d/u.one, u.name)
		}
	}
	return d.String()
}

func formatBytes(n int64) string {
	for i, name := range []string{"GiB", "MiB", "KiB"} {
		if one := int64(1) << (30 - 10*i); n >= one && n%one == 0 {
			return fmt.Sprintf("%d %s", n/one, name)
		}
	}
	return group3(n) + " bytes"
}

// group3 writes a number with a comma after each three digits.
func group3(n int64) string {
	digits := fmt.Sprint(n)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 && digits[i-1] != '-' {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}
