package program

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/dop251/goja"

	"workerd.local/internal/clone"
	"workerd.local/isolate"
	"workerd.local/threads"
	"workerd.local/webapi/console"
)

// complain writes to stderr what no script could be told; any goroutine.
func (p *Program) complain(text string) {
	// Nobody is left who could be told of a stream that is broken.
	_ = p.write(2, []byte(text))
}

// uncaughtError is events.Reporter: an exception that no script caught.
func (i *Instance) uncaughtError(js *isolate.JS, err error) {
	if isolate.Uncatchable(err) {
		js.Panic(err)
	}
	v, at := js.Error(err), placeOf(err)
	if at.file == "" && isError(js, v) {
		at = placeInStack(js.Thrown(v).Stack)
	}
	i.uncaught(js, v, at, "uncaughtException")
}

// uncaught tells the thread of an exception, which asks Caught.
func (i *Instance) uncaught(js *isolate.JS, value goja.Value, at place, origin string) {
	i.at, i.origin = at, origin
	i.thread.Throw(js, value)
}

// Caught is threads.Catcher's: it gives an exception to the listeners of process, and ends
// the program where there are none.
func (i *Instance) Caught(js *isolate.JS, _ *threads.Thread, value goja.Value) bool {
	at, origin := i.at, i.origin
	i.at, i.origin = place{}, ""
	defer func() { i.reason = "" }()
	if origin == "" {
		origin = "uncaughtException"
	}
	code := exitUncaught
	if i.hook != nil {
		v, err := i.tell(js, "uncaught", value, js.Runtime().ToValue(origin))
		switch {
		case err != nil && isolate.Uncatchable(err):
			js.Panic(err)
		case err != nil && !i.main:
			i.thread.Fail(js, js.Error(err))
			return true
		case err != nil:
			// A listener failed: that is the end, whoever listens.
			value, at, code = js.Error(err), placeOf(err), exitHandler
		case v.ToBoolean():
			return true
		}
	}
	if !i.main {
		return false
	}
	i.complainOf(js, value, at)
	i.thread.Exit(js, code)
	return true
}

// complainOf prints an exception that ends the program.
func (i *Instance) complainOf(js *isolate.JS, value goja.Value, at place) {
	i.program.complain(i.report(js, value, at))
}

// rejected is isolate.RealmOptions.OnRejection.
func (i *Instance) rejected(js *isolate.JS, r isolate.Rejection) {
	if i.ioc.Ended() {
		return
	}
	js.In(i.ioc.Frame(), func() {
		if i.hook != nil {
			var v goja.Value
			var err error
			if r.Handled {
				_, err = i.tell(js, "handled", r.Promise)
			} else {
				v, err = i.tell(js, "rejected", r.Reason, r.Promise)
			}
			if err != nil {
				i.uncaughtError(js, err)
				return
			}
			if r.Handled || v.ToBoolean() {
				return
			}
		}
		if r.Handled {
			return
		}
		reason := r.Reason
		at := place{}
		if !isError(js, reason) {
			wrapped, err := i.unhandled(js, reason)
			if err != nil {
				i.uncaughtError(js, err)
				return
			}
			reason = wrapped
		} else {
			at = placeInStack(js.Thrown(reason).Stack)
		}
		i.uncaught(js, reason, at, "unhandledRejection")
	})
}

func isError(js *isolate.JS, v goja.Value) bool {
	o, ok := v.(*goja.Object)
	return ok && o.ClassName() == "Error"
}

// unhandled is the error that stands for a reason that is none.
func (i *Instance) unhandled(js *isolate.JS, reason goja.Value) (goja.Value, error) {
	text := "This error originated either by throwing inside of an async function without a catch block, " +
		"or by rejecting a promise which was not handled with .catch(). The promise rejected with the reason \"" + plainText(js, reason) + "\"."
	obj, err := js.Construct(js.ErrorClass("Error"), js.Runtime().ToValue(text))
	if err != nil {
		return nil, err
	}
	i.reason = "UnhandledPromiseRejection: " + text
	for name, v := range map[string]string{"name": "UnhandledPromiseRejection", "stack": i.reason} {
		if err := obj.DefineDataProperty(name, js.Runtime().ToValue(v), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE); err != nil {
			return nil, err
		}
	}
	return obj, obj.Set("code", "ERR_UNHANDLED_REJECTION")
}

// plainText is how node tells a value without asking it.
func plainText(js *isolate.JS, v goja.Value) string {
	obj, ok := v.(*goja.Object)
	if sym, is := v.(*goja.Symbol); is {
		return "Symbol(" + sym.String() + ")"
	} else if _, callable := goja.AssertFunction(v); callable || !ok {
		text := "function"
		_ = js.Try(func() { text = v.String() })
		return text
	}
	switch class := clone.ClassOf(obj); {
	case class == "Array" || class == "RegExp" || class == "Date":
		return "[object " + class + "]"
	case class != "Proxy" && obj.Prototype() == nil:
		return "[object Object]"
	}
	name := "Object"
	_ = js.Try(func() {
		if made, ok := obj.Get("constructor").(*goja.Object); ok {
			name = made.Get("name").String()
		}
	})
	return "#<" + name + ">"
}

// place is where something was thrown.
type place struct {
	file         string
	line, column int
	text         string // of the line, where it is known already
	length       int    // of what the carets stand under; 0 is 1
}

// placeOf is where an exception was thrown.
func placeOf(err error) place {
	var ge *goja.Exception
	if !errors.As(err, &ge) {
		return place{}
	}
	for _, f := range ge.Stack() {
		p := f.Position()
		if ours(f.SrcName()) {
			continue
		}
		return place{file: f.SrcName(), line: p.Line, column: p.Column}
	}
	return place{}
}

// ours reports whether a file is none of the program's.
func ours(name string) bool {
	return name == "" || strings.HasPrefix(name, "node-internal:") || strings.HasPrefix(name, "workerd:") || strings.HasPrefix(strings.TrimPrefix(name, "/"), "workerd-internal") || strings.HasPrefix(name, "<")
}

var stackFrame = regexp.MustCompile(`^\s+at (?:.*\()?(.*?):(\d+):(\d+)\)?$`)

func placeInStack(stack string) place {
	for line := range strings.Lines(stack) {
		if m := stackFrame.FindStringSubmatch(strings.TrimRight(line, "\n")); m != nil && !ours(m[1]) {
			// The pattern lets digits through only; a number beyond int is 0.
			l, _ := strconv.Atoi(m[2])
			c, _ := strconv.Atoi(m[3])
			return place{file: m[1], line: l, column: c}
		}
	}
	return place{}
}

// show is the file with its line, the line's text and a caret, as node prints them.
func (p place) show() string {
	if p.file == "" || p.line == 0 {
		return ""
	}
	text := p.text
	if text == "" {
		text = lineOf(p.file, p.line)
	}
	out := fmt.Sprintf("%s:%d\n", p.file, p.line)
	if text == "" {
		return out
	}
	// Tabs stay, so that the caret stands where it should.
	var pad strings.Builder
	for i, r := range []rune(text) {
		if i >= p.column-1 {
			break
		}
		if r != '\t' {
			r = ' '
		}
		pad.WriteRune(r)
	}
	return out + text + "\n" + pad.String() + strings.Repeat("^", max(1, p.length)) + "\n"
}

// longestShown is how much of a file is read for the line that is shown of it.
const longestShown = 16 << 20

func lineOf(file string, line int) string {
	path := file
	if u, ok := pathOfURL(file); ok {
		path = u
	}
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > longestShown {
		return ""
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	lines := bytes.SplitN(b, []byte("\n"), line+1)
	if len(lines) < line {
		return ""
	}
	text := strings.TrimRight(string(lines[line-1]), "\r")
	if len(text) > 1000 {
		return ""
	}
	return text
}

// placeBefore matches the stack of an error that begins with the place of a mistake (loader.show).
var placeBefore = regexp.MustCompile(`^\S.*:\d+\n.*\n\s*\^+\n\n`)

// report is what is said of an exception that ends the program.
func (i *Instance) report(js *isolate.JS, value goja.Value, at place) string {
	var b strings.Builder
	text := console.Inspect(js, value, 2)
	if !isError(js, value) {
		b.WriteString("\n")
	}
	if !placeBefore.MatchString(strings.TrimPrefix(text, "[")) {
		b.WriteString(at.show())
	}
	if reason := i.reason; reason != "" {
		i.reason = ""
		b.WriteString(reason + " {\n  code: 'ERR_UNHANDLED_REJECTION'\n}\n")
	} else if isError(js, value) {
		if b.Len() > 0 {
			b.WriteString("\n")
		}
		if !strings.Contains(text, "\n    at ") {
			// An error without frames stands in brackets among other values.
			if inner, ok := strings.CutPrefix(text, "["); ok && strings.HasSuffix(inner, "]") {
				text = strings.TrimSuffix(inner, "]")
			}
		}
		b.WriteString(text + "\n")
	} else {
		b.WriteString(text + "\n")
		if _, ok := value.(*goja.Object); !ok {
			b.WriteString("(Use `node --trace-uncaught ...` to show where the exception was thrown)\n")
		}
	}
	b.WriteString("\n" + versionLine)
	return b.String()
}
