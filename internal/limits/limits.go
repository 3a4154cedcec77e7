// Package limits is the one table of every bound of the runtime, and carries the
// numbers that an operator has changed.
//
// A bound that is no field of some options of its own is a knob: a name, a number, and
// the range in which it may be changed. A Set holds what was changed; it is immutable
// and travels in the options of whatever reads a knob, so two servers of one process
// have numbers of their own. The nil Set has every number of the table.
//
//	rows := limits.ConsoleRows.In(js.Limits().Bounds)
//
// docs/LIMITS.md is written from the table ("go generate ./internal/limits").
//
// # Concurrency
//
// Everything may be called from any goroutine.
package limits

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:generate go run ./page ../..

// Unit says what a number counts.
type Unit int

const (
	Count Unit = iota
	Size       // bytes
	Time       // nanoseconds
)

// Knob is a bound that can be changed.
type Knob struct {
	Name              string
	Unit              Unit
	Default, Min, Max int64
}

// Int is a knob that counts things or bytes.
type Int struct{ *Knob }

// In is the number that a set says, or the table.
func (k Int) In(s *Set) int { return int(s.value(k.Knob)) }

// Bytes is In for numbers that may need 64 bits.
func (k Int) Bytes(s *Set) int64 { return s.value(k.Knob) }

// Duration is a knob of time.
type Duration struct{ *Knob }

// In is the time that a set says, or the table.
func (k Duration) In(s *Set) time.Duration { return time.Duration(s.value(k.Knob)) }

func count(name string, n, low, high int64) Int { return Int{&Knob{name, Count, n, low, high}} }

func size(name string, n, low, high int64) Int { return Int{&Knob{name, Size, n, low, high}} }

func span(name string, d, low, high time.Duration) Duration {
	return Duration{&Knob{name, Time, int64(d), int64(low), int64(high)}}
}

// Set is the knobs that were changed. The nil Set changes none.
type Set struct{ values map[*Knob]int64 }

func (s *Set) value(k *Knob) int64 {
	if s != nil {
		if n, ok := s.values[k]; ok {
			return n
		}
	}
	return k.Default
}

// Changed are the settings of the knobs that were changed and whose names begin with one
// of some prefixes, in order of the table.
func (s *Set) Changed(prefixes ...string) (settings []string) {
	if s == nil || len(s.values) == 0 {
		return nil
	}
	for _, k := range Knobs() {
		n, ok := s.values[k]
		if ok && slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(k.Name, p) }) {
			settings = append(settings, fmt.Sprintf("%s=%d", k.Name, n))
		}
	}
	return settings
}

// Parse reads settings of the form name=value: a size such as 16MiB or 4096, a time
// such as 30s, a count such as 5000. It reports everything that is wrong with them.
func Parse(settings ...string) (*Set, error) {
	s := &Set{values: map[*Knob]int64{}}
	var errs []error
	for _, text := range settings {
		if err := s.add(text); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return s, nil
}

func (s *Set) add(setting string) error {
	name, text, ok := strings.Cut(setting, "=")
	if !ok || name == "" || text == "" {
		return fmt.Errorf("limit %q: expected <name>=<value>, such as console.rows=5000", setting)
	}
	k := Find(name)
	if k == nil {
		return fmt.Errorf("there is no limit %q; the nearest are %s", name, strings.Join(nearest(name), ", "))
	}
	if _, twice := s.values[k]; twice {
		return fmt.Errorf("the limit %s is set twice", name)
	}
	n, ok := k.Unit.parse(text)
	switch {
	case !ok:
		return fmt.Errorf("limit %s=%s: expected %s", name, text, k.Unit.example())
	case n < k.Min || n > k.Max:
		return fmt.Errorf("limit %s=%s: expected %s", name, text, k.Range())
	}
	s.values[k] = n
	return nil
}

// Find returns the knob of a name, or nil.
func Find(name string) *Knob {
	for _, k := range Knobs() {
		if k.Name == name {
			return k
		}
	}
	return nil
}

// Knobs are all knobs, in the order of the table.
func Knobs() (all []*Knob) {
	for _, g := range Sections() {
		for _, r := range g.Rows {
			if r.Knob != nil {
				all = append(all, r.Knob)
			}
		}
	}
	return all
}

// Number is the knob's number, for people.
func (k *Knob) Number() string { return k.Unit.Format(k.Default) }

// Range says what values the knob takes, for people.
func (k *Knob) Range() string { return k.Unit.Format(k.Min) + " to " + k.Unit.Format(k.Max) }

func (u Unit) example() string {
	switch u {
	case Size:
		return "a size in bytes, such as 65536, 64KiB or 16MiB"
	case Time:
		return "a time, such as 500ms, 30s or 15m"
	}
	return "a whole number, such as 5000"
}

// parse reads a number; what no int64 can hold is the largest one.
func (u Unit) parse(text string) (n int64, ok bool) {
	if u == Time {
		d, err := time.ParseDuration(text)
		return int64(d), err == nil
	}
	shift := 0
	if u == Size {
		for i, suffix := range []string{"B", "KiB", "MiB", "GiB"} {
			if digits, cut := strings.CutSuffix(text, suffix); cut && digits != "" && isDigit(digits[len(digits)-1]) {
				text, shift = digits, 10*i
				break
			}
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
	case err != nil:
		return 0, false
	case n > math.MaxInt64>>shift:
		n = math.MaxInt64
	default:
		n <<= shift
	}
	return n, true
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// nearest are the names that an unknown one was perhaps meant to be.
func nearest(name string) []string {
	const shown = 3
	names := make([]string, 0, 128)
	far := map[string]int{}
	for _, k := range Knobs() {
		// The last word alone, such as rows, says as much as a name with a slip.
		_, last, _ := strings.Cut(k.Name, ".")
		far[k.Name] = min(distance(name, k.Name), distance(name, last)+1)
		names = append(names, k.Name)
	}
	slices.SortStableFunc(names, func(a, b string) int { return far[a] - far[b] })
	return names[:min(shown, len(names))]
}

// distance is how many bytes must be put in, left out or changed to get from a to b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		left, corner := i+1, row[0]
		row[0] = left
		for j := range len(b) {
			changed := corner
			if a[i] != b[j] {
				changed++
			}
			corner = row[j+1]
			left = min(changed, corner+1, left+1)
			row[j+1] = left
		}
	}
	return row[len(b)]
}
