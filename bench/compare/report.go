package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// report is a whole run.
type report struct {
	date     time.Time
	machine  machine
	versions []version
	o        *options
	rows     []row
}

// number prints a measurement with as many digits as it is worth.
func number(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	case v > 0 && v < 0.1:
		return fmt.Sprintf("%.2g", v)
	}
	return fmt.Sprintf("%.2f", v)
}

func spread(s sample) string {
	switch len(s) {
	case 0:
		return "-"
	case 1:
		return number(s[0])
	}
	return fmt.Sprintf("%s (%s - %s)", number(s.median()), number(s.min()), number(s.max()))
}

// cells are a row as text: name, unit, ours, theirs, ratio, target, met.
func (r row) cells() []string {
	ratio, met := "-", ""
	if v, ok := r.ratio(); ok {
		ratio, met = fmt.Sprintf("%.2f", v), r.target.met(v)
	}
	return []string{r.name, r.unit, spread(r.ours), spread(r.theirs), ratio, r.target.String(), met}
}

var heading = []string{"case", "unit", "this server", "workerd", "ratio", "target", "met"}

// table prints the rows for a terminal.
func (r *report) table(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, strings.Join(heading, "\t"))
	for _, row := range r.rows {
		fmt.Fprintln(t, strings.Join(row.cells(), "\t"))
	}
	return t.Flush()
}

// markdown is the contents of RESULTS.md.
func (r *report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Results\n\nWritten by `go run ./bench/compare -write`; README.md says what is measured and how.\n\n")
	writeWhere(&b, r.date, r.machine, r.versions)
	fmt.Fprintf(&b, "- Load: wrk, %d connections, %d threads, %s; %d rounds, the servers in turn; %d starts\n\n",
		connections, threads, r.o.duration, r.o.rounds, r.o.starts)
	b.WriteString("Values are medians, with the smallest and the largest in parentheses. Ratio is this server divided by workerd, of the medians.\n\n")
	writeTable(&b, heading, []string{"---", "---", "---:", "---:", "---:", "---:", "---"}, len(r.rows), func(i int) []string { return r.rows[i].cells() })
	return b.String()
}

// writeWhere says when, where and with what a run took place.
func writeWhere(b *strings.Builder, date time.Time, m machine, versions []version) {
	fmt.Fprintf(b, "- Date: %s\n", date.UTC().Format("2006-01-02 15:04 UTC"))
	fmt.Fprintf(b, "- Processor: %s, %d cores\n", m.cpu, m.cores)
	fmt.Fprintf(b, "- Memory: %.1f GiB\n", float64(m.memory)/(1<<30))
	fmt.Fprintf(b, "- Kernel: %s\n", m.kernel)
	fmt.Fprintf(b, "- Storage: %s\n", m.storage)
	fmt.Fprintf(b, "- Load average before the run (1, 5, 15 minutes): %s\n", m.load)
	for _, v := range versions {
		fmt.Fprintf(b, "- %s: %s\n", strings.ToUpper(v.name[:1])+v.name[1:], v.text)
	}
}

func writeTable(b *strings.Builder, heading, align []string, rows int, cells func(i int) []string) {
	write := func(cells []string) { fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | ")) }
	write(heading)
	write(align)
	for i := range rows {
		write(cells(i))
	}
}
