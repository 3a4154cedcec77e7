package script

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

// HopServices is the name under which rewritten HopScript finds what makes services:
// declare(function, name, named), create(function, name, named) and use(name). It is a
// global that the host defines.
const HopServices = "$hopServices"

// hopParameters is the longest parameter list of a service that is looked for.
const hopParameters = 4 << 10

// IsHopScript reports whether a file is one of HopScript: by its name, or by the
// directive 'use hopscript' or 'use hopstrict' at its top.
func IsHopScript(name, text string) bool {
	if strings.HasSuffix(path.Base(name), ".hop.js") {
		return true
	}
	if !strings.Contains(text, "use hop") {
		return false
	}
	s := newScanner(text)
	for {
		t := s.next()
		if t.kind != 's' || text[t.start] == '`' {
			return false
		}
		if d := text[t.start+1 : max(t.end-1, t.start+1)]; d == "use hopscript" || d == "use hopstrict" {
			return true
		}
		if s.peek() == ";" {
			s.next()
		}
	}
}

// HopScript writes the services of a HopScript file as JavaScript: declarations are made
// where their block begins, like those of functions, so that a service can be used above
// its text; lines stay where they are. HTML literals and client code (~{}) are an *Error
// that names the place.
//
//	service f(a) {}            function f$hop(a) {}, and a variable f in front
//	service f({a: 1}) {}       the same with {a = 1} = {}: arguments by name
//	service f();               a variable f: an imported service
//	var g = service(a) {}      a service without a name
//
// Source: HopScript's "Service Declarations"; the grammar is ServiceDeclaration,
// ServiceExpression and ServiceImport.
func HopScript(name, text string) (string, error) {
	r := &hopRewriter{name: name, text: text, s: newScanner(text)}
	if err := r.run(); err != nil {
		return "", err
	}
	return r.result(), nil
}

type hopRewriter struct {
	name, text string
	s          *scanner
	edits      []hopEdit
	blocks     []hopBlock // the braces that are open; the first is the file
	open       []hopService
}

// hopEdit puts text in place of what lies between two places.
type hopEdit struct {
	start, end int
	text       string
}

type hopBlock struct {
	depth  int
	begin  int // where declarations are put
	before string
	vars   []string
}

// hopService is a service whose body has not ended.
type hopService struct {
	depth      int
	name       string
	expression bool
	named      bool
	head       bool // its parameters are still to come
}

// peek is the text of the next token; the scanner stays.
func (s *scanner) peek() string {
	t := s.fork().next()
	return s.src[t.start:t.end]
}

// fork is a scanner at the same place that goes its own way.
func (s *scanner) fork() *scanner {
	f := *s
	f.frames = slices.Clone(s.frames)
	return &f
}

func (r *hopRewriter) edit(start, end int, text string) {
	r.edits = append(r.edits, hopEdit{start, end, text})
}

func (r *hopRewriter) run() error {
	s := r.s
	r.block(0)
	dotted := false // the last token was a dot
	export := -1    // where the word export began, when it was the last token
	for {
		start, operand := s.start, s.operand
		t := s.next()
		if t.kind == 0 {
			return nil
		}
		word := r.text[t.start:t.end]
		switch {
		case t.kind == 'w' && word == "service" && !dotted:
			// A word after an operand begins a statement: a line ended there.
			r.service(t, start || operand, export)
		case t.kind == 'p' && word == "<" && !operand && r.html(t.end):
			return r.fail(t, "HTML literals are not supported: return the markup as a string, or a Response")
		case t.kind == 'p' && word == "~" && !operand && r.next(t.end) == '{':
			return r.fail(t, "client-side code (~{}) is not supported: a server has no browser to send it to")
		case t.kind == 'p':
			r.bracket(t)
		}
		dotted = t.kind == 'p' && word == "."
		export = -1
		if t.kind == 'w' && word == "export" && start {
			export = t.start
		}
	}
}

// html reports whether what follows a "<" where an operand should be is markup.
func (r *hopRewriter) html(at int) bool {
	c := r.next(at)
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '!' || c == '/' || c == '$'
}

func (r *hopRewriter) next(at int) byte {
	if at < len(r.text) {
		return r.text[at]
	}
	return 0
}

func (r *hopRewriter) fail(t lexeme, message string) error {
	begin := strings.LastIndexByte(r.text[:t.start], '\n') + 1
	line := r.text[begin:]
	if i := strings.IndexByte(line, '\n'); i >= 0 {
		line = line[:i]
	}
	return &Error{Diagnostics: []Diagnostic{{
		File: r.name, Line: 1 + strings.Count(r.text[:begin], "\n"), Column: 1 + utf8.RuneCountInString(r.text[begin:t.start]),
		Message: message, Text: line,
	}}}
}

// hopKeywords may follow a variable named service.
var hopKeywords = map[string]bool{"in": true, "of": true, "instanceof": true, "as": true, "from": true, "is": true, "satisfies": true}

// service looks at what follows the word: only "service name(…)", on one line, and
// "service(…) {" are services; all else is a variable of that name.
func (r *hopRewriter) service(word lexeme, statement bool, export int) {
	f := r.s.fork()
	t := f.next()
	if strings.Contains(r.text[word.end:t.start], "\n") {
		return
	}
	name := ""
	if t.kind == 'w' {
		if name = r.text[t.start:t.end]; hopKeywords[name] || operandFollows[name] {
			return
		}
		t = f.next()
	}
	if t.kind != 'p' || r.text[t.start:t.end] != "(" {
		return
	}
	depth, empty, end := f.depth(), true, 0
	for f.depth() >= depth {
		u := f.next()
		if u.kind == 0 || u.start-t.start > hopParameters {
			return
		}
		empty = empty && f.depth() < depth
		end = u.end
	}
	switch body := f.peek() == "{"; {
	case body && name != "" && statement:
		r.declare(fmt.Sprintf("%s=%s.declare(%s$hop,%q", name, HopServices, name, name))
		if export >= 0 {
			r.edit(export+len("export"), word.end, " {"+name+"};function")
		} else {
			r.edit(word.start, word.end, "function")
		}
		r.edit(t.start, t.start, "$hop")
		r.s.top().pending = functionStatement
	case body:
		r.edit(word.start, word.end, HopServices+".create(function")
		r.s.top().pending = functionExpression
	case name != "" && empty:
		use := fmt.Sprintf("%s.use(%q)", HopServices, name)
		if statement {
			r.declare(name + "=" + use)
			use = ""
			if export >= 0 {
				use = "{" + name + "}"
			}
		}
		r.edit(word.start, end, use)
		return
	default:
		return
	}
	r.open = append(r.open, hopService{depth: r.s.depth(), name: name, expression: !statement || name == "", head: true})
	r.s.after(false, "function")
}

// declare puts a variable where the present block begins.
func (r *hopRewriter) declare(v string) {
	b := &r.blocks[len(r.blocks)-1]
	b.vars = append(b.vars, v)
}

// block begins one after the brace that has just been read. Declarations go behind its
// directives.
func (r *hopRewriter) block(at int) {
	b := hopBlock{depth: r.s.depth(), begin: at}
	for f := r.s.fork(); ; {
		t := f.next()
		if t.kind != 's' || r.text[t.start] == '`' {
			break
		}
		b.begin, b.before = t.end, ";"
		if f.peek() == ";" {
			b.begin, b.before = f.next().end, ""
		} else if u := f.fork().next(); !strings.Contains(r.text[t.end:u.start], "\n") && f.peek() != "}" {
			b.begin, b.before = at, "" // no directive: an expression begins with a string
			break
		}
	}
	if at == 0 && strings.HasPrefix(r.text, "#!") && b.begin == 0 {
		b.begin = strings.IndexByte(r.text+"\n", '\n')
		b.before = "\n"
	}
	r.blocks = append(r.blocks, b)
}

// bracket follows blocks and the parts of services.
func (r *hopRewriter) bracket(t lexeme) {
	s := r.s
	switch r.text[t.start] {
	case '(':
		if o := r.service0(); o != nil && o.head && s.depth() == o.depth+1 {
			o.named = r.byName()
		}
	case '{':
		if o := r.service0(); s.start || o != nil && o.head && s.depth() == o.depth+1 {
			if o != nil && s.depth() == o.depth+1 {
				o.head = false
			}
			s.start = true
			r.block(t.end)
		}
	case '}':
		last := len(r.blocks) - 1
		if last > 0 && s.depth() < r.blocks[last].depth {
			r.flush(r.blocks[last])
			r.blocks = r.blocks[:last]
		}
		o := r.service0()
		if o == nil || o.head || s.depth() != o.depth {
			return
		}
		if o.expression {
			r.edit(t.end, t.end, fmt.Sprintf(",%q,%t)", o.name, o.named))
		} else {
			b := &r.blocks[len(r.blocks)-1]
			for i, v := range b.vars {
				if strings.HasPrefix(v, o.name+"=") && !strings.HasSuffix(v, ")") {
					b.vars[i] = fmt.Sprintf("%s,%t)", v, o.named)
				}
			}
		}
		r.open = r.open[:len(r.open)-1]
	}
}

func (r *hopRewriter) service0() *hopService {
	if len(r.open) == 0 {
		return nil
	}
	return &r.open[len(r.open)-1]
}

// byName rewrites a parameter list that is an object literal of names and their values.
func (r *hopRewriter) byName() bool {
	f := r.s.fork()
	if r.text[f.next().start:f.pos] != "{" {
		return false
	}
	depth, key := f.depth(), true
	for {
		t := f.next()
		if t.kind == 0 {
			return false // the engine says what is wrong
		}
		word := r.text[t.start:t.end]
		if f.depth() < depth {
			if f.peek() == ")" {
				r.edit(t.end, t.end, " = {}")
			}
			return true
		}
		if f.depth() > depth {
			continue
		}
		switch {
		case key && t.kind == 's':
			r.edit(t.start, t.end, word[1:len(word)-1])
		case key && word == ":":
			r.edit(t.start, t.end, " =")
		}
		key = key && word != ":" && word != "=" || word == ","
	}
}

func (r *hopRewriter) flush(b hopBlock) {
	if len(b.vars) > 0 {
		r.edit(b.begin, b.begin, b.before+"var "+strings.Join(b.vars, ",")+";")
	}
}

func (r *hopRewriter) result() string {
	for _, b := range r.blocks {
		r.flush(b)
	}
	// What is put between two characters comes before what replaces the second.
	slices.SortStableFunc(r.edits, func(a, b hopEdit) int {
		return cmp.Or(a.start-b.start, min(a.end-a.start, 1)-min(b.end-b.start, 1))
	})
	var out strings.Builder
	at := 0
	for _, e := range r.edits {
		if e.start < at {
			continue
		}
		out.WriteString(r.text[at:e.start])
		out.WriteString(e.text)
		at = e.end
	}
	out.WriteString(r.text[at:])
	return out.String()
}
