package compat

import (
	"bytes"
	"fmt"
	"strings"
)

//go:generate go run ./page ../..

// Page is docs/COMPAT.md: every flag with its date, and what it does here.
func Page() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `<!-- Written by go generate ./internal/compat; do not edit. -->
# Compatibility flags

All flags that workerd knows, in the order in which it added them, and what each does here. The newest compatibility date is %s.
A flag that is not in the table is refused, and so is one that needs `+"`--experimental`"+` without it; `+"`workerd test`"+` says so and goes on.

`, Newest)
	with := 0
	for _, x := range table {
		if effects[x.on].test != "" {
			with++
		}
	}
	fmt.Fprintf(&b, "%d of the %d flags have an effect here.\n\n", with, len(table))
	b.WriteString("| flag | to turn it off | on by default | effect here |\n|---|---|---|---|\n")
	code := func(s string) string {
		if s == "" {
			return ""
		}
		return "`" + s + "`"
	}
	for _, x := range table {
		e := effects[x.on]
		does := "none: " + e.none
		if e.test != "" {
			does = "yes: " + code(e.test)
			if name, ok := strings.CutPrefix(e.test, "workerd:"); ok {
				does = "yes: workerd's " + code(name)
			}
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", code(x.on), code(x.off), x.when(), does)
	}
	return b.Bytes()
}

// when says when a flag is on without being named.
func (x *flag) when() string {
	switch {
	case x.always:
		return "always"
	case x.experimental && x.date == "" && len(x.impliedBy) == 0:
		return "never; experimental"
	}
	s := x.date
	if len(x.impliedBy) > 0 {
		if s != "" {
			s += ", "
		}
		s += "with "
		for i, by := range x.impliedBy {
			if i > 0 {
				s += " or "
			}
			s += "`" + by + "`"
		}
		if x.impliedDate > "2000-01-01" {
			s += " from " + x.impliedDate
		}
	}
	if s == "" {
		s = "never"
	}
	return s
}
