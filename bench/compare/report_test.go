package main

import (
	"strings"
	"testing"
	"time"
)

func testReport() *report {
	return &report{
		date:     time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		machine:  machine{cpu: "Some CPU", cores: 2, memory: 8 << 30, kernel: "6.1", storage: "ext4", load: "0.10, 0.20, 0.30"},
		versions: []version{{"this server", "abc"}, {"workerd", "2026-01-01"}},
		o:        &options{rounds: 3, duration: 5 * time.Second, starts: 9},
		rows: []row{
			{name: "Hello", unit: "requests/s", ours: sample{30000, 10000, 20000}, theirs: sample{10000}, target: target{atLeast: 1.5}},
			{name: "Memory", unit: "MiB", ours: sample{60.25}, theirs: sample{100}, target: target{atMost: 0.5}},
			{name: "Alone", unit: "ms", ours: sample{1.234}, target: target{atMost: 1}},
		},
	}
}

func TestMarkdownNamesEverything(t *testing.T) {
	got := testReport().markdown()
	for _, want := range []string{
		"2026-01-02 03:04 UTC", "Some CPU, 2 cores", "8.0 GiB", "Kernel: 6.1", "Storage: ext4", "15 minutes): 0.10, 0.20, 0.30", "This server: abc", "Workerd: 2026-01-01",
		"32 connections, 2 threads, 5s; 3 rounds", "9 starts",
		"| Hello | requests/s | 20000 (10000 - 30000) | 10000 | 2.00 | ≥ 1.5 | yes |",
		"| Memory | MiB | 60.2 | 100 | 0.60 | ≤ 0.5 | no |",
		"| Alone | ms | 1.23 | - | - | ≤ 1 |  |",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
}

func TestTableHasARowPerQuantity(t *testing.T) {
	var b strings.Builder
	if err := testReport().table(&b); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != 4 || !strings.HasPrefix(lines[1], "Hello") || !strings.Contains(lines[1], "2.00") {
		t.Errorf("%s", b.String())
	}
}
