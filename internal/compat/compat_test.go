package compat

import (
	"strings"
	"testing"
)

func TestDatesTurnFlagsOn(t *testing.T) {
	for _, c := range []struct {
		date  string
		flags []string
		name  string
		want  bool
	}{
		{"2021-11-02", nil, "formdata_parser_supports_files", false},
		{"2021-11-03", nil, "formdata_parser_supports_files", true},
		{"2026-01-01", []string{"formdata_parser_converts_files_to_strings"}, "formdata_parser_supports_files", false},
		{"2000-01-01", []string{"formdata_parser_supports_files"}, "formdata_parser_supports_files", true},
		{"2024-09-22", []string{"nodejs_compat"}, "nodejs_compat_v2", false},
		{"2024-09-23", []string{"nodejs_compat"}, "nodejs_compat_v2", true},
		{"2024-09-23", []string{"nodejs_compat"}, "nodejs_zlib", true},
		{"2026-02-24", nil, "delete_all_deletes_alarm", true},
		{"2026-02-23", nil, "delete_all_deletes_alarm", false},
	} {
		f, errs := Parse(c.date, c.flags, Options{})
		if len(errs) > 0 {
			t.Errorf("%s %v: %v", c.date, c.flags, errs)
			continue
		}
		if f.Has(c.name) != c.want {
			t.Errorf("%s %v: %s is %v", c.date, c.flags, c.name, !c.want)
		}
	}
}

func TestMistakes(t *testing.T) {
	for _, c := range []struct {
		date  string
		flags []string
		want  string
	}{
		{"", nil, "Worker must specify compatibilityDate."},
		{"2024-13-01", nil, "Invalid compatibility date: 2024-13-01"},
		{"soon", nil, "Invalid compatibility date: soon"},
		{"2998-01-01", nil, "This Worker requires compatibility date \"2998-01-01\", but the newest date supported by this server binary is \"" + Newest + "\"."},
		{"2024-01-01", []string{"nodejs_compta"}, "No such compatibility flag: nodejs_compta"},
		{"2024-01-01", []string{"nodejs_compat", "nodejs_compat"}, "Compatibility flag specified multiple times: nodejs_compat"},
		{"2024-01-01", []string{"nodejs_compat_v2", "no_nodejs_compat_v2"}, "Compatibility flags are mutually contradictory: nodejs_compat_v2 vs no_nodejs_compat_v2"},
	} {
		_, errs := Parse(c.date, c.flags, Options{})
		if len(errs) != 1 || errs[0].Error() != c.want {
			t.Errorf("%s %v: %v, want %s", c.date, c.flags, errs, c.want)
		}
	}
}

func TestExperimentalNeedsTheOption(t *testing.T) {
	var name string
	for _, x := range table {
		if x.experimental {
			name = x.on
			break
		}
	}
	if _, errs := Parse("2026-01-01", []string{name}, Options{}); len(errs) != 1 || !strings.Contains(errs[0].Error(), "--experimental") {
		t.Errorf("%s without the option: %v", name, errs)
	}
	if f, errs := Parse("2026-01-01", []string{name}, Options{Experimental: true}); len(errs) != 0 || !f.Has(name) {
		t.Errorf("%s with the option: %v", name, errs)
	}
}

func TestTableIsSound(t *testing.T) {
	seen := map[string]bool{}
	for _, x := range table {
		for _, n := range []string{x.on, x.off} {
			if n != "" && seen[n] {
				t.Errorf("%s is listed twice", n)
			}
			seen[n] = true
		}
		if (x.impliedDate == "") != (len(x.impliedBy) == 0) {
			t.Errorf("%s: half an implication", x.on)
		}
	}
}

func TestUnknownFlagsMayBeTold(t *testing.T) {
	var told []string
	f, errs := Parse("2024-01-01", []string{"nodejs_compat", "of_tomorrow"}, Options{Unknown: func(flag string) { told = append(told, flag) }})
	if len(errs) > 0 || len(told) != 1 || told[0] != "of_tomorrow" || !f.Has("nodejs_compat") || f.Has("of_tomorrow") {
		t.Errorf("errors %v, told %v", errs, told)
	}
}
