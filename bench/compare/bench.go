package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// burstEach is the number of requests per connection of a checked burst.
const burstEach = 20

// bench runs the cases.
type bench struct {
	o    *options
	t    *tools
	temp string
	log  io.Writer
	lua  string // path of report.lua
}

func (b *bench) run(ctx context.Context) (rows []row, err error) {
	lua, err := caseFiles.ReadFile("cases/report.lua")
	if err != nil {
		return nil, err
	}
	b.lua = filepath.Join(b.temp, "report.lua")
	if err := os.WriteFile(b.lua, lua, 0o644); err != nil {
		return nil, err
	}
	if b.o.cpuprofile != "" {
		if err := os.MkdirAll(b.o.cpuprofile, 0o755); err != nil {
			return nil, err
		}
	}
	for _, c := range cases {
		if len(b.o.cases) > 0 && !slices.Contains(b.o.cases, c.name) {
			continue
		}
		r, err := b.runCase(ctx, c)
		if err != nil {
			return nil, err
		}
		rows = append(rows, r...)
	}
	return rows, nil
}

// pair is one quantity of both subjects while it is measured.
type pair struct{ ours, theirs sample }

func (p *pair) add(s *subject, v float64) {
	if s.name == "ours" {
		p.ours = append(p.ours, v)
	} else {
		p.theirs = append(p.theirs, v)
	}
}

func (p pair) row(name, unit string, t target) row {
	return row{name: name, unit: unit, ours: p.ours, theirs: p.theirs, target: t}
}

// subjects are the servers of a case, not started yet.
func (b *bench) subjects(c *benchCase) ([]*subject, error) {
	list := []*subject{{name: "ours", binary: b.t.ours, profile: b.o.cpuprofile, c: c}}
	if b.t.theirs != "" {
		list = append(list, &subject{name: "theirs", binary: b.t.theirs, c: c})
	}
	for _, s := range list {
		s.dir = filepath.Join(b.temp, c.name+"-"+s.name)
		s.storage = filepath.Join(s.dir, "storage")
		if err := os.MkdirAll(s.storage, 0o755); err != nil {
			return nil, err
		}
		if err := c.write(s.dir); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// runCase measures one case; the first one also gives start times and memory.
func (b *bench) runCase(ctx context.Context, c *benchCase) (rows []row, err error) {
	fmt.Fprintf(b.log, "%s\n", c.title)
	subjects, err := b.subjects(c)
	if err != nil {
		return nil, err
	}
	alone := c == cases[0]
	var startRow row
	if alone && b.o.cpuprofile == "" {
		if startRow, err = b.measureStarts(ctx, subjects); err != nil {
			return nil, err
		}
	}
	var idle, idleAnon, busy, busyAnon pair
	measureMemory := func(s *subject, resident, anonymous *pair) error {
		if err := sleep(ctx, b.o.settle); err != nil {
			return err
		}
		m, err := readMemory(s.cmd.Process.Pid)
		if err != nil {
			return err
		}
		resident.add(s, mebibytes(m.resident))
		anonymous.add(s, mebibytes(m.anonymous))
		return nil
	}
	for _, s := range subjects {
		if _, err := s.start(ctx); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, s.stop()) }()
		if alone {
			if err := measureMemory(s, &idle, &idleAnon); err != nil {
				return nil, err
			}
		}
		if c.prepare != nil {
			if err := c.prepare(ctx, s.url); err != nil {
				return nil, s.failed(err)
			}
		}
	}
	m, err := b.rounds(ctx, c, subjects)
	if err != nil {
		return nil, err
	}
	rows = append(rows,
		m.rate.row(c.title, "requests/s", c.target),
		m.slow.row("its 99th percentile", "ms", target{}),
		m.cpu.row("its CPU time per request", "µs", target{}),
	)
	if !alone {
		return rows, nil
	}
	for _, s := range subjects {
		if err := measureMemory(s, &busy, &busyAnon); err != nil {
			return nil, err
		}
	}
	if len(startRow.ours) > 0 {
		rows = append(rows, startRow)
	}
	return append(rows,
		idle.row("Resident memory after start", "MiB", target{atMost: 0.5}),
		idleAnon.row("of it anonymous", "MiB", target{}),
		busy.row("Resident memory after load", "MiB", target{atMost: 0.5}),
		busyAnon.row("of it anonymous", "MiB", target{}),
	), nil
}

// measureStarts measures the time from starting a process to its first answer. The
// first start of each brings its file into the page cache and does not count.
func (b *bench) measureStarts(ctx context.Context, subjects []*subject) (row, error) {
	var p pair
	for i := range b.o.starts + 1 {
		for _, s := range subjects {
			took, err := s.start(ctx)
			if err != nil {
				return row{}, err
			}
			if err := s.kill(); err != nil {
				return row{}, err
			}
			if i > 0 {
				p.add(s, float64(took.Microseconds())/1e3)
			}
		}
	}
	return p.row("Time to first response", "ms", target{atMost: 1}), nil
}

// measures are the quantities of the rounds of a case.
type measures struct {
	rate pair // requests per second
	slow pair // 99th percentile of the latency, ms
	cpu  pair // CPU time of the server per request, µs
}

// rounds loads the subjects in turn, the one that begins changing every round.
func (b *bench) rounds(ctx context.Context, c *benchCase, subjects []*subject) (m measures, err error) {
	acknowledged := map[*subject]int64{}
	burst := func(s *subject) error {
		n, err := c.burst(ctx, s.url, burstEach)
		if err != nil {
			return s.failed(err)
		}
		acknowledged[s] += n
		return nil
	}
	for _, s := range subjects {
		if err := burst(s); err != nil {
			return m, err
		}
	}
	order := slices.Clone(subjects)
	for i := range b.o.rounds {
		for _, s := range order {
			client.CloseIdleConnections()
			r, cpu, err := b.loadOnce(ctx, c, s)
			if err != nil {
				return m, s.failed(err)
			}
			acknowledged[s] += r.Requests
			perRequest := float64(cpu.Microseconds()) / float64(r.Requests)
			m.rate.add(s, r.perSecond())
			m.slow.add(s, float64(r.P99)/1e3)
			m.cpu.add(s, perRequest)
			fmt.Fprintf(b.log, "  round %d  %-6s %9.0f requests/s, p50 %.1f ms, p99 %.1f ms, CPU %.0f µs per request\n",
				i+1, s.name, r.perSecond(), float64(r.P50)/1e3, float64(r.P99)/1e3, perRequest)
		}
		slices.Reverse(order)
	}
	for _, s := range subjects {
		if err := b.checkAfter(ctx, c, s, acknowledged[s]); err != nil {
			return m, s.failed(err)
		}
		if err := burst(s); err != nil {
			return m, err
		}
	}
	return m, nil
}

// loadOnce is one load, and the CPU time that the server used for it.
func (b *bench) loadOnce(ctx context.Context, c *benchCase, s *subject) (r loadResult, cpu time.Duration, err error) {
	before, err := readCPU(s.cmd.Process.Pid)
	if err != nil {
		return r, 0, err
	}
	if r, err = load(ctx, b.t.wrk, b.lua, s.url, c.paths, b.o.duration); err != nil {
		return r, 0, err
	}
	after, err := readCPU(s.cmd.Process.Pid)
	return r, after - before, err
}

// checkAfter compares the counters with what was acknowledged, now and after the
// server was killed and started again.
func (b *bench) checkAfter(ctx context.Context, c *benchCase, s *subject, acknowledged int64) error {
	if !c.counters {
		return nil
	}
	// What was under way when wrk ended comes to rest.
	if err := sleep(ctx, time.Second); err != nil {
		return err
	}
	values, err := c.values(ctx, s.url)
	if err != nil {
		return err
	}
	if err := checkTotal(values, acknowledged, b.o.rounds); err != nil {
		return err
	}
	if b.o.cpuprofile != "" {
		return nil // a killed server leaves no profile
	}
	if err := s.kill(); err != nil {
		return err
	}
	if _, err := s.start(ctx); err != nil {
		return err
	}
	again, err := c.values(ctx, s.url)
	if err != nil {
		return err
	}
	if !slices.Equal(values, again) {
		return fmt.Errorf("the counters were at %v before the server was killed, and are at %v now", values, again)
	}
	return nil
}

// sleep waits, or returns ctx's error.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func mebibytes(n int64) float64 { return float64(n) / (1 << 20) }
