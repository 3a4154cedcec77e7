package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

func TestEveryCaseHasItsFiles(t *testing.T) {
	for _, c := range cases {
		dir := t.TempDir()
		if err := c.write(dir); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		b, err := os.ReadFile(filepath.Join(dir, "config.capnp"))
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if got := strings.Contains(string(b), `(localDisk = "storage")`); got != c.storage {
			t.Errorf("%s: configured for storage on disk: %v; the case says %v", c.name, got, c.storage)
		}
		if _, err := os.Stat(filepath.Join(dir, "worker.js")); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// counterServer counts each path; cheat may replace an answer.
func counterServer(t *testing.T, cheat func(path string, n int) string) string {
	t.Helper()
	var mu sync.Mutex
	counts := map[string]int{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if path, ok := strings.CutSuffix(r.URL.Path, "/value"); ok {
			fmt.Fprint(w, counts[path])
			return
		}
		path := strings.TrimSuffix(r.URL.Path, "/")
		counts[path]++
		fmt.Fprint(w, cheat(path, counts[path]))
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestBurstBelievesNoCounterBlindly(t *testing.T) {
	for _, c := range cases {
		if !c.counters {
			continue
		}
		tests := map[string]struct {
			cheat func(path string, n int) string
			want  string // "" is no error
		}{
			"right":     {func(_ string, n int) string { return strconv.Itoa(n) }, ""},
			"twice":     {func(_ string, n int) string { return strconv.Itoa((n + 1) / 2) }, "twice"},
			"gap":       {func(_ string, n int) string { return strconv.Itoa(2 * n) }, "never"},
			"too early": {func(_ string, n int) string { return strconv.Itoa(n - 1) }, ""},
			"text":      {func(string, int) string { return "one" }, "answered \"one\""},
		}
		for name, tt := range tests {
			url := counterServer(t, tt.cheat)
			n, err := c.burst(t.Context(), url, 4)
			switch {
			case name == "too early":
				if err == nil {
					t.Errorf("%s, %s: no error", c.name, name)
				}
			case tt.want == "":
				if err != nil || n != 4*connections {
					t.Errorf("%s, %s: %d, %v", c.name, name, n, err)
				}
				// The second burst begins where the first ended.
				if _, err := c.burst(t.Context(), url, 2); err != nil {
					t.Errorf("%s, again: %v", c.name, err)
				}
			case err == nil || !strings.Contains(err.Error(), tt.want):
				t.Errorf("%s, %s: %v; want %q", c.name, name, err, tt.want)
			}
		}
	}
}

func TestBurstComparesFixedAnswers(t *testing.T) {
	c := &benchCase{fixed: "right"}
	n := 0
	var mu sync.Mutex
	wrongAt, status := -1, http.StatusOK
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		n++
		if n == wrongAt {
			w.WriteHeader(status)
			fmt.Fprint(w, "wrong")
			return
		}
		fmt.Fprint(w, "right")
	}))
	defer s.Close()
	if got, err := c.burst(t.Context(), s.URL, 2); err != nil || got != 2*connections {
		t.Errorf("%d, %v", got, err)
	}
	n, wrongAt = 0, 40
	if _, err := c.burst(t.Context(), s.URL, 2); err == nil || !strings.Contains(err.Error(), `"wrong", want "right"`) {
		t.Errorf("wrong body: %v", err)
	}
	n, status = 0, http.StatusServiceUnavailable
	if _, err := c.burst(t.Context(), s.URL, 2); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("wrong status: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.burst(ctx, s.URL, 2); err == nil {
		t.Error("canceled: no error")
	}
}

func TestCheckTotalAllowsWhatWasUnderWay(t *testing.T) {
	tests := []struct {
		values []int64
		acked  int64
		loads  int
		ok     bool
	}{
		{[]int64{100}, 100, 1, true},
		{[]int64{60, 40}, 100, 1, true},
		{[]int64{100 + connections}, 100, 1, true},
		{[]int64{100 + connections + 1}, 100, 1, false},
		{[]int64{100 + 2*connections}, 100, 2, true},
		{[]int64{99}, 100, 5, false},
		{nil, 1, 1, false},
	}
	for _, tt := range tests {
		if err := checkTotal(tt.values, tt.acked, tt.loads); (err == nil) != tt.ok {
			t.Errorf("%v after %d: %v", tt.values, tt.acked, err)
		}
	}
}
