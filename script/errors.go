package script

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/evanw/esbuild/pkg/api"

	"workerd.local/internal/limits"
)

// Error is a source that cannot be compiled. It carries at least one
// diagnostic, in the order the problems were found.
type Error struct {
	Diagnostics []Diagnostic
	// More is how many problems were found beyond Diagnostics.
	More int
}

// Diagnostic is one problem in a source file.
type Diagnostic struct {
	File    string // as the user named it; empty when the problem has no place
	Line    int    // from 1; 0 when unknown
	Column  int    // from 1, in characters; 0 when unknown
	Message string
	Text    string // the line itself, if known
	Notes   []string
}

// Error returns one line per diagnostic: "file:line:column: message".
func (e *Error) Error() string {
	var b strings.Builder
	for i, d := range e.Diagnostics {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(d.String())
	}
	if e.More > 0 {
		fmt.Fprintf(&b, "\n(and %d more)", e.More)
	}
	return b.String()
}

// String returns "file:line:column: message", leaving out what is unknown,
// followed by one indented line for each note.
func (d Diagnostic) String() string {
	var b strings.Builder
	if d.File != "" {
		b.WriteString(d.File)
		if d.Line > 0 {
			b.WriteByte(':')
			b.WriteString(strconv.Itoa(d.Line))
			if d.Column > 0 {
				b.WriteByte(':')
				b.WriteString(strconv.Itoa(d.Column))
			}
		}
		b.WriteString(": ")
	}
	b.WriteString(d.Message)
	for _, n := range d.Notes {
		b.WriteString("\n  ")
		b.WriteString(n)
	}
	return b.String()
}

func failf(file, format string, args ...any) *Error {
	return &Error{Diagnostics: []Diagnostic{{File: file, Message: fmt.Sprintf(format, args...)}}}
}

// Prefixes that bundling puts before the names of modules that are no files.
const (
	nsModule  = "workerd-module"
	nsBuiltin = "workerd-builtin"
	nsAsset   = "workerd-asset"
	nsStub    = "workerd-stub"
)

var namespacePrefixes = strings.NewReplacer(
	nsModule+":", "", nsBuiltin+":", "", nsAsset+":", "", nsStub+":", "",
)

// diagnose turns the bundler's messages into an Error.
func diagnose(messages []api.Message, bounds *limits.Set) *Error {
	e := &Error{}
	for _, m := range messages {
		if len(e.Diagnostics) == limits.ScriptErrors.In(bounds) {
			e.More++
			continue
		}
		d := Diagnostic{Message: userText(m.Text)}
		if l := m.Location; l != nil {
			d.File, d.Line, d.Column, d.Text = place(l)
		}
		for _, n := range m.Notes {
			text := strings.TrimSuffix(userText(n.Text), ":")
			if ignoredNote(text) {
				continue
			}
			if n.Location != nil {
				file, line, column, _ := place(n.Location)
				text = fmt.Sprintf("%s:%d:%d: %s", file, line, column, text)
			}
			d.Notes = append(d.Notes, text)
		}
		e.Diagnostics = append(e.Diagnostics, d)
	}
	return e
}

func place(l *api.Location) (file string, line, column int, text string) {
	file = namespacePrefixes.Replace(l.File)
	column = 1
	// The bundler counts bytes, people count characters.
	if l.Column <= len(l.LineText) {
		column += len([]rune(l.LineText[:l.Column]))
	} else {
		column += l.Column
	}
	return file, l.Line, column, l.LineText
}

// userText rewrites the bundler's wording into the runtime's own.
func userText(s string) string {
	s = namespacePrefixes.Replace(s)
	if rest, ok := strings.CutPrefix(s, `No matching export in "`); ok {
		if file, name, ok := strings.Cut(rest, `" for import "`); ok {
			return fmt.Sprintf("The requested module %q does not provide an export named %q", file, strings.TrimSuffix(name, `"`))
		}
	}
	return s
}

// ignoredNote reports notes that talk about the bundler's own options.
func ignoredNote(s string) bool {
	return strings.Contains(s, "esbuild") || strings.Contains(s, "--") || strings.Contains(s, "mark the path") ||
		strings.Contains(s, `the "external"`) || strings.HasPrefix(s, "The plugin ")
}
