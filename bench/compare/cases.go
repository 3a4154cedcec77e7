package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

//go:embed cases
var caseFiles embed.FS

// benchCase is one configuration under load.
type benchCase struct {
	name    string // of the directory under cases
	title   string
	target  target // of requests per second
	storage bool   // the configuration has a disk service named storage
	warm    string // path of the first request, which must change nothing
	paths   int    // number of numbered paths that the load chooses from; 0 is "/", freshPaths a new one for every request

	// prepare runs before any load; check runs before and after each. One of fixed
	// and counters says what is right.
	prepare  func(ctx context.Context, url string) error
	fixed    string // every answer
	counters bool   // each path counts its requests; path + "/value" tells
}

var cases = []*benchCase{
	{name: "hello", title: "Hello world", target: target{atLeast: 1.5}, warm: "/", fixed: "Hello, world!\n"},
	{name: "actor-call", title: "Actor call, no storage", target: target{atLeast: 2}, warm: "/", fixed: "Hello from an actor!\n"},
	{name: "rpc-actor", title: "Method of an actor, 100 calls a request", target: target{atLeast: 3}, warm: "/", fixed: "100"},
	{name: "rpc-service", title: "Method of a service binding, 100 calls a request", target: target{atLeast: 3}, warm: "/", fixed: "100"},
	{
		name: "cached-get", title: "Actor, cached get", target: target{atLeast: 2}, storage: true, warm: "/",
		fixed: "The quick brown fox jumps over the lazy dog.",
		prepare: func(ctx context.Context, url string) error {
			got, err := send(ctx, "PUT", url+"/", "The quick brown fox jumps over the lazy dog.")
			if err == nil && got != "stored\n" {
				err = fmt.Errorf("PUT answered %q", got)
			}
			return err
		},
	},
	{name: "counter", title: "Counter: get and put, one actor", target: target{atLeast: 2}, storage: true, warm: "/value", counters: true},
	{name: "counters-64", title: "Counters: get and put, 64 actors", target: target{atLeast: 3}, storage: true, warm: "/0/value", paths: 64, counters: true},
	{name: "first-touch", title: "First touch: get and put, a new actor each", target: target{atLeast: 20}, storage: true, warm: "/warm/value", paths: freshPaths, fixed: "1"},
}

// freshPaths stands for paths that nobody has asked for before.
const freshPaths = -1

func caseNames() (names []string) {
	for _, c := range cases {
		names = append(names, c.name)
	}
	return names
}

// write puts the files of the case into dir.
func (c *benchCase) write(dir string) error {
	src := "cases/" + c.name
	list, err := fs.ReadDir(caseFiles, src)
	if err != nil {
		return err
	}
	for _, f := range list {
		b, err := fs.ReadFile(caseFiles, src+"/"+f.Name())
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, f.Name()), b, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// targets are the paths that count, or "" for the root.
func (c *benchCase) targets() []string {
	if c.paths <= 0 {
		return []string{""}
	}
	list := make([]string, c.paths)
	for i := range list {
		list[i] = "/" + strconv.Itoa(i)
	}
	return list
}

// burst asks from many connections at once and checks every answer. Of a counter,
// each value must be given out exactly once, and in order. It returns the number of
// requests.
func (c *benchCase) burst(ctx context.Context, url string, each int) (int64, error) {
	before, err := c.values(ctx, url)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	targets, begin := c.targets(), time.Now().UnixNano()
	seen := make([][]string, connections)
	errs := make([]error, connections)
	var wg sync.WaitGroup
	for i := range connections {
		wg.Go(func() {
			for n := range each {
				path := targets[(i+n)%len(targets)]
				switch {
				case c.paths == freshPaths:
					path = fmt.Sprintf("/burst-%d-%d-%d", begin, i, n)
				case path == "":
					path = "/"
				}
				got, err := get(ctx, url+path)
				if err != nil {
					errs[i] = err
					cancel()
					return
				}
				seen[i] = append(seen[i], got)
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return 0, err
	}
	if c.counters {
		return int64(connections * each), checkCounts(before, targets, seen)
	}
	for _, list := range seen {
		for _, got := range list {
			if got != c.fixed {
				return 0, fmt.Errorf("the answer is %q, want %q", got, c.fixed)
			}
		}
	}
	return int64(connections * each), nil
}

// checkCounts wants every value from the one after before upwards exactly once per
// target, rising for each connection. seen[i][n] answers target (i+n) modulo their
// number.
func checkCounts(before []int64, targets []string, seen [][]string) error {
	counted := make([]map[int64]bool, len(targets))
	for t := range counted {
		counted[t] = map[int64]bool{}
	}
	for i, list := range seen {
		last := make([]int64, len(targets))
		for n, text := range list {
			t := (i + n) % len(targets)
			v, err := strconv.ParseInt(text, 10, 64)
			switch {
			case err != nil:
				return fmt.Errorf("counter %q answered %q", targets[t], text)
			case counted[t][v]:
				return fmt.Errorf("counter %q gave out %d twice", targets[t], v)
			case v <= last[t]:
				return fmt.Errorf("counter %q answered %d after %d", targets[t], v, last[t])
			}
			last[t], counted[t][v] = v, true
		}
	}
	for t, values := range counted {
		for v := before[t] + 1; v <= before[t]+int64(len(values)); v++ {
			if !values[v] {
				return fmt.Errorf("counter %q was at %d, then answered %d times but never %d", targets[t], before[t], len(values), v)
			}
		}
	}
	return nil
}

// values reads every counter; nil for cases without.
func (c *benchCase) values(ctx context.Context, url string) (list []int64, err error) {
	if !c.counters {
		return nil, nil
	}
	for _, path := range c.targets() {
		text, err := get(ctx, url+path+"/value")
		if err != nil {
			return nil, err
		}
		v, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("GET %s/value answered %q", path, text)
		}
		list = append(list, v)
	}
	return list, nil
}

// checkTotal compares the sum of all counters with the requests that were
// acknowledged. Each load ends with requests under way, which may have counted
// without anybody hearing of it.
func checkTotal(values []int64, acknowledged int64, loads int) error {
	var sum int64
	for _, v := range values {
		sum += v
	}
	if most := acknowledged + int64(loads*connections); sum < acknowledged || sum > most {
		return fmt.Errorf("the counters are at %d after %d acknowledged requests (at most %d more may have been under way)",
			sum, acknowledged, most-acknowledged)
	}
	return nil
}
