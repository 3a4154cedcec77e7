package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"workerd.local/internal/limits"
)

// shownErrors is how many lines an Errors prints before it only counts.
const shownErrors = 10

// Error is one thing wrong with a configuration.
type Error struct {
	Pos  Pos    // where; zero when no file is involved
	Msg  string // what is wrong
	Hint string // what to do about it, "" when Msg already says it
}

// Error is "file:line:col: message; hint" without the parts that are empty.
func (e *Error) Error() string {
	var b strings.Builder
	if at := e.Pos.String(); at != "" {
		b.WriteString(at)
		b.WriteString(": ")
	}
	if e.Hint == "" {
		b.WriteString(e.Msg)
	} else {
		b.WriteString(strings.TrimSuffix(e.Msg, "."))
		b.WriteString("; ")
		b.WriteString(e.Hint)
	}
	return b.String()
}

// Errors is everything found wrong with one configuration, in file order. It is never empty when returned.
type Errors struct {
	List []*Error
}

// Error prints one error per line, at most ten, then how many more there are.
func (e *Errors) Error() string {
	var b strings.Builder
	for i, one := range e.List {
		if i == shownErrors {
			fmt.Fprintf(&b, "\n… and %d more", len(e.List)-i)
			break
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(one.Error())
	}
	return b.String()
}

// Unwrap lets errors.Is and errors.As look at each error.
func (e *Errors) Unwrap() []error {
	out := make([]error, len(e.List))
	for i, one := range e.List {
		out[i] = one
	}
	return out
}

// Warnings are remarks that do not stop a configuration from being used.
type Warnings []*Error

// AsError is nil for an empty list, and otherwise an *Errors of it.
func AsError(list []*Error) error {
	if len(list) == 0 {
		return nil
	}
	return &Errors{List: list}
}

// fail is the *Errors of a single error.
func fail(pos Pos, hint, format string, args ...any) *Errors {
	return &Errors{List: []*Error{{Pos: pos, Msg: fmt.Sprintf(format, args...), Hint: hint}}}
}

// sink collects errors and warnings while a file is read.
type sink struct {
	errors   []*Error
	warnings Warnings
	bounds   *limits.Set // of the reader; nil means the numbers of the table
}

// most is how many errors, and how many warnings, are collected from one configuration.
func (s *sink) most() int { return limits.ConfigErrors.In(s.bounds) }

func (s *sink) errorf(pos Pos, format string, args ...any) {
	s.add(&Error{Pos: pos, Msg: fmt.Sprintf(format, args...)})
}

func (s *sink) hintf(pos Pos, hint, format string, args ...any) {
	s.add(&Error{Pos: pos, Msg: fmt.Sprintf(format, args...), Hint: hint})
}

func (s *sink) add(e *Error) {
	if len(s.errors) < s.most() {
		s.errors = append(s.errors, e)
	}
}

func (s *sink) warnf(pos Pos, hint, format string, args ...any) {
	if len(s.warnings) < s.most() {
		s.warnings = append(s.warnings, &Error{Pos: pos, Msg: fmt.Sprintf(format, args...), Hint: hint})
	}
}

// full reports whether reading on would only repeat what is already clear.
func (s *sink) full() bool { return len(s.errors) >= s.most() }

// err is nil or the collected errors, sorted by place within each file and without repetitions.
func (s *sink) err() error {
	if len(s.errors) == 0 {
		return nil
	}
	fileOrder := make(map[string]int)
	for _, e := range s.errors {
		if _, ok := fileOrder[e.Pos.File]; !ok {
			fileOrder[e.Pos.File] = len(fileOrder)
		}
	}
	slices.SortStableFunc(s.errors, func(a, b *Error) int {
		return cmp.Or(
			cmp.Compare(fileOrder[a.Pos.File], fileOrder[b.Pos.File]),
			cmp.Compare(a.Pos.Line, b.Pos.Line),
			cmp.Compare(a.Pos.Col, b.Pos.Col),
		)
	})
	list := slices.CompactFunc(s.errors, func(a, b *Error) bool { return *a == *b })
	return &Errors{List: list}
}
