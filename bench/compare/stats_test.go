package main

import (
	"math"
	"slices"
	"testing"
)

func TestMedianMinMax(t *testing.T) {
	tests := []struct {
		in               sample
		median, min, max float64
	}{
		{nil, 0, 0, 0},
		{sample{7}, 7, 7, 7},
		{sample{3, 1}, 2, 1, 3},
		{sample{9, 1, 5}, 5, 1, 9},
		{sample{4, 1, 3, 2}, 2.5, 1, 4},
		{sample{1, 1, 100, 1, 1}, 1, 1, 100},
	}
	for _, tt := range tests {
		before := slices.Clone(tt.in)
		if m, lo, hi := tt.in.median(), tt.in.min(), tt.in.max(); m != tt.median || lo != tt.min || hi != tt.max {
			t.Errorf("%v: median %v, min %v, max %v; want %v, %v, %v", tt.in, m, lo, hi, tt.median, tt.min, tt.max)
		}
		if !slices.Equal(tt.in, before) {
			t.Errorf("the sample was reordered: %v, was %v", tt.in, before)
		}
	}
}

func TestRatioNeedsBothSides(t *testing.T) {
	r := row{ours: sample{30, 10, 20}, theirs: sample{8}}
	if v, ok := r.ratio(); !ok || math.Abs(v-2.5) > 1e-9 {
		t.Errorf("ratio %v, %v; want 2.5", v, ok)
	}
	for _, r := range []row{{}, {ours: sample{1}}, {theirs: sample{1}}, {ours: sample{1}, theirs: sample{0}}} {
		if v, ok := r.ratio(); ok {
			t.Errorf("%+v has the ratio %v", r, v)
		}
	}
}

func TestTargetMet(t *testing.T) {
	tests := []struct {
		target target
		ratio  float64
		want   string
		text   string
	}{
		{target{atLeast: 1.5}, 1.5, "yes", "≥ 1.5"},
		{target{atLeast: 1.5}, 1.49, "no", "≥ 1.5"},
		{target{atMost: 0.5}, 0.5, "yes", "≤ 0.5"},
		{target{atMost: 0.5}, 0.51, "no", "≤ 0.5"},
		{target{atMost: 0.5}, -0.1, "yes", "≤ 0.5"},
		{target{}, 3, "", ""},
	}
	for _, tt := range tests {
		if got := tt.target.met(tt.ratio); got != tt.want || tt.target.String() != tt.text {
			t.Errorf("%+v of %v: %q, %q; want %q, %q", tt.target, tt.ratio, got, tt.target.String(), tt.want, tt.text)
		}
	}
}
