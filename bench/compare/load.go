package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"time"
)

// The load is the same for every case.
const (
	connections = 32
	threads     = 2
)

// loadResult is what report.lua prints at the end of a load.
type loadResult struct {
	Requests int64 `json:"requests"` // answered
	Micros   int64 `json:"micros"`
	Bytes    int64 `json:"bytes"`
	Connect  int64 `json:"connect"`
	Read     int64 `json:"read"`
	Write    int64 `json:"write"`
	Status   int64 `json:"status"`
	Timeout  int64 `json:"timeout"`
	P50      int64 `json:"p50"` // microseconds
	P99      int64 `json:"p99"`
}

// perSecond is the throughput.
func (r loadResult) perSecond() float64 { return float64(r.Requests) / (float64(r.Micros) / 1e6) }

// load runs wrk once. paths is the number of numbered paths to choose from; 0
// means "/", freshPaths a new path for every request. Any answer that is not 2xx or 3xx, and any lost connection, is an
// error.
func load(ctx context.Context, wrk, script, url string, paths int, d time.Duration) (loadResult, error) {
	cmd := exec.CommandContext(ctx, wrk,
		"-c", strconv.Itoa(connections), "-t", strconv.Itoa(threads), "-d", strconv.Itoa(int(d/time.Second))+"s",
		"--timeout", "60s", "-s", script, url)
	cmd.Env = append(os.Environ(), "BENCH_PATHS="+strconv.Itoa(paths))
	out, err := cmd.CombinedOutput()
	if err != nil {
		return loadResult{}, fmt.Errorf("wrk: %w\n%s", err, bytes.TrimSpace(out))
	}
	return parseLoad(out)
}

// parseLoad reads the output of wrk with report.lua.
func parseLoad(out []byte) (r loadResult, err error) {
	_, line, ok := bytes.Cut(out, []byte("REPORT "))
	if !ok {
		return r, fmt.Errorf("wrk printed no report:\n%s", bytes.TrimSpace(out))
	}
	line, _, _ = bytes.Cut(line, []byte("\n"))
	if err := json.Unmarshal(line, &r); err != nil {
		return r, fmt.Errorf("wrk's report %s: %w", line, err)
	}
	if r.Status+r.Connect+r.Read+r.Write+r.Timeout > 0 {
		return r, fmt.Errorf("load: %d answers that are not 2xx, %d failed connects, %d failed reads, %d failed writes, %d timeouts",
			r.Status, r.Connect, r.Read, r.Write, r.Timeout)
	}
	if r.Requests <= 0 || r.Micros <= 0 {
		return r, errors.New("load: no request was answered")
	}
	return r, nil
}
