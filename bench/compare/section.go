package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// section is a part of RESULTS.md behind the comparison that the cases make, with a
// run and a flag of its own.
type section struct {
	flag, title string
	what        string   // what the flag measures, for its help
	cases       []string // what it takes from the comparison
	beside      string   // the module that it compares with, whose version is worth saying
	servers     bool     // whether it starts servers, ours and workerd's
	node        bool     // whether it runs programs on node, too
	run         func(b *bench, ctx context.Context) ([]promiseRow, error)
	// how says how the rows came about, a line each.
	how func(o *options) []string
}

// sections stand in RESULTS.md in this order.
var sections = []*section{
	{
		flag: "storage", title: "Storage", cases: []string{touchCase}, servers: true, beside: "github.com/google/btree", run: (*bench).runStorage,
		what: "storage: the Go benchmarks of cache, actor and storage/bolt, and the case " + touchCase,
		how: func(o *options) []string {
			return []string{shortRounds(o), fmt.Sprintf("First touch: wrk, %d connections, %s, %d rounds, the servers in turn", connections, o.duration, o.rounds)}
		},
	},
	{
		flag: "web", title: "Web platform", beside: "github.com/nlnwa/whatwg-url", run: (*bench).runWeb,
		what: "the web platform: the Go benchmarks of JSON, encodings, digests, URLs, proxied bodies and realms",
		how:  func(o *options) []string { return []string{shortRounds(o)} },
	},
	{
		flag: "sockets", title: "WebSockets", servers: true, run: (*bench).runSockets,
		what: "WebSockets: memory and accepting of those that hibernate, echo, broadcast",
		how: func(o *options) []string {
			return []string{fmt.Sprintf("Echo: %d sockets, %d bytes; broadcast: %d sockets, 1 KiB; %s each, %d rounds, the servers in turn; %d parked sockets, measured once",
				echoSockets, echoBytes, broadcastSockets, o.duration, o.rounds, parkedSockets)}
		},
	},
	{
		flag: "threads", title: "Threads", node: true, run: (*bench).runThreads,
		what: "threads: starts, memory, round trips, transfers and ends of workers, beside node's worker_threads; zones beside piscina; a parallel sort",
		how: func(o *options) []string {
			return []string{fmt.Sprintf("%d starts, %d round trips, %d threads that wait (node: %d); %d rounds, this runtime and node in turn",
				threadStarts, threadRoundTrips, threadsAlive, threadsAliveNode, o.rounds)}
		},
	},
	{
		flag: "warm", title: "Warm starts", servers: true, run: (*bench).runWarm,
		what: "warm starts: forks of twins, starts from snapshots, and starts of a bundle of a megabyte with and without the compile cache",
		how: func(o *options) []string {
			return []string{fmt.Sprintf("Go benchmarks: %d rounds; starts of processes: %d each, in turn, on a compile cache of their own", min(o.rounds, warmRounds), o.starts)}
		},
	},
}

func shortRounds(o *options) string {
	return fmt.Sprintf("Rounds: %d of short benchmarks, fewer of long ones; GOGC=400, as the command has it", o.rounds*manyRounds)
}

// heading is the line that begins the section.
func (s *section) heading() string { return "## " + s.title + "\n" }

// sectionReport is a whole run of one.
type sectionReport struct {
	*section
	date     time.Time
	machine  machine
	versions []version
	o        *options
	rows     []promiseRow
}

var promiseHeading = []string{"what", "unit", "measured", "target", "met"}

// table prints the rows for a terminal.
func (r *sectionReport) table(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, strings.Join(promiseHeading, "\t"))
	for _, row := range r.rows {
		fmt.Fprintln(t, strings.Join(row.cells(), "\t"))
	}
	return t.Flush()
}

// markdown is the section.
func (r *sectionReport) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nWritten by `go run ./bench/compare -%s -write`.\n\n", r.heading(), r.flag)
	writeWhere(&b, r.date, r.machine, r.versions)
	for _, line := range r.how(r.o) {
		fmt.Fprintf(&b, "- %s\n", line)
	}
	b.WriteString("\nValues are medians, with the smallest and the largest in parentheses; a ratio is one of two measurements of the same round.\n\n")
	writeTable(&b, promiseHeading, []string{"---", "---", "---:", "---", "---"}, len(r.rows), func(i int) []string { return r.rows[i].cells() })
	return b.String()
}

// replacePart puts a part of RESULTS.md in the place of the one that it had: a
// section, or without one the comparison in front of all of them.
func replacePart(old string, s *section, text string) string {
	parts := splitParts(old)
	parts[slices.Index(sections, s)+1] = text
	var kept []string
	for _, p := range parts {
		if p = strings.TrimRight(p, "\n"); p != "" {
			kept = append(kept, p)
		}
	}
	return strings.Join(kept, "\n\n") + "\n"
}

// splitParts returns the comparison and then the sections, by their place in sections.
func splitParts(text string) []string {
	parts := make([]string, len(sections)+1)
	at := 0
	for line := range strings.SplitAfterSeq(text, "\n") {
		if i := slices.IndexFunc(sections, func(s *section) bool { return s.heading() == line }); i >= 0 {
			at = i + 1
		}
		parts[at] += line
	}
	return parts
}

// servers says whether the run starts any, so that it needs wrk and workerd.
func (o *options) servers() bool { return o.section == nil || o.section.servers }
