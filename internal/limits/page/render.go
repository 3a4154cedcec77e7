package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"workerd.local/internal/limits"
)

const intro = `# Limits

Every bound of the runtime: its number, how to change it, and what happens beyond it. "workerd serve --limit help" tells
also the range of each number; what is fixed says by what. A program that embeds the server gives
"server.ParseLimits("console.rows=5000")" to "isolate.Limits.Bounds".
Written by "go generate ./internal/limits" from "internal/limits/table.go" and the code; do not edit it by hand.
`

func render(s *source, sections []limits.Section) ([]byte, error) {
	var b bytes.Buffer
	var errs []error
	readers, err := s.readers()
	if err != nil {
		return nil, err
	}
	b.WriteString(strings.ReplaceAll(intro, `"`, "`"))
	for _, g := range sections {
		fmt.Fprintf(&b, "\n## %s\n\n| What | Bound | Change it with | Beyond it | In the code |\n|---|---|---|---|---|\n", g.Title)
		for _, r := range g.Rows {
			value, code := r.Value, []string{r.Symbol}
			if r.Knob != nil {
				if code = readers[r.Knob.Name]; len(code) == 0 {
					errs = append(errs, fmt.Errorf("nobody reads the limit %s", r.Knob.Name))
				}
			}
			if value == "" {
				n, err := s.lookup(r.Symbol)
				if err != nil {
					errs = append(errs, err)
					continue
				}
				value = n.format(r.Unit)
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s | `%s` |\n", r.What, value, r.Change, r.Beyond, strings.Join(code, "`, `"))
		}
	}
	return b.Bytes(), errors.Join(errs...)
}

func (n number) format(u limits.Unit) string {
	if n.duration {
		u = limits.Time
	}
	return u.Format(n.n)
}
