package main

import (
	"fmt"
	"slices"
)

// sample is a series of measurements of one quantity.
type sample []float64

// median is the middle value, or the mean of the two middle ones; 0 for none.
func (s sample) median() float64 {
	if len(s) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s))
	mid := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[mid]
	}
	return (sorted[mid-1] + sorted[mid]) / 2
}

func (s sample) min() float64 {
	if len(s) == 0 {
		return 0
	}
	return slices.Min(s)
}

func (s sample) max() float64 {
	if len(s) == 0 {
		return 0
	}
	return slices.Max(s)
}

// target is what the ratio ours/theirs should be.
type target struct {
	atLeast, atMost float64 // 0 means no bound
}

func (t target) String() string {
	switch {
	case t.atLeast > 0:
		return fmt.Sprintf("≥ %.4g", t.atLeast)
	case t.atMost > 0:
		return fmt.Sprintf("≤ %.4g", t.atMost)
	}
	return ""
}

// met says whether a ratio is within the target: "yes", "no", or "" where there is
// no target.
func (t target) met(ratio float64) string {
	switch {
	case t.atLeast == 0 && t.atMost == 0:
		return ""
	case t.atLeast > 0 && ratio < t.atLeast, t.atMost > 0 && ratio > t.atMost:
		return "no"
	}
	return "yes"
}

// row is one measured quantity of both subjects.
type row struct {
	name         string
	unit         string
	ours, theirs sample
	target       target
}

// ratio is ours/theirs of the medians; ok is false where one of them is missing.
func (r row) ratio() (ratio float64, ok bool) {
	o, t := r.ours.median(), r.theirs.median()
	if len(r.ours) == 0 || len(r.theirs) == 0 || t == 0 {
		return 0, false
	}
	return o / t, true
}
