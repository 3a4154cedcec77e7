package script

import (
	"net/url"
	"regexp"
	"strings"
)

// engineFrame matches one line of the engine's stack traces:
// "\tat name (file:line:column(pc))", or without a name and parentheses.
var engineFrame = regexp.MustCompile(`^\tat (?:(.*?) )?\(?(.*?):(\d+):(\d+)\(\d+\)\)?$`)

// FormatStack turns the engine's form of a stack trace into the one that V8 made
// the custom: "    at name (file:line:column)". Frames of generated code are
// dropped. Text that is no frame of the engine is kept as it is.
func FormatStack(stack string) string {
	if !strings.Contains(stack, "\tat ") {
		return stack
	}
	lines := strings.Split(stack, "\n")
	out := lines[:0]
	for _, line := range lines {
		if !strings.HasPrefix(line, "\tat ") {
			out = append(out, line)
			continue
		}
		if frame, ok := formatFrame(line); ok {
			out = append(out, frame)
		}
	}
	for len(out) > 1 && out[len(out)-1] == "" {
		out = out[:len(out)-1]
	}
	return strings.Join(out, "\n")
}

// formatFrame rewrites one line; ok is false when the line shows code that the
// user did not write.
func formatFrame(line string) (frame string, ok bool) {
	m := engineFrame.FindStringSubmatch(line)
	if m == nil {
		name := strings.TrimPrefix(line, "\tat ")
		if name, native := strings.CutSuffix(name, " (native)"); native {
			if _, _, ok := ShowFrame(name, ""); !ok {
				return "", false
			}
			return "    at " + name + " (native)", true
		}
		return "    at " + name, true
	}
	name, file, ok := ShowFrame(m[1], m[2])
	if !ok {
		return "", false
	}
	where := file + ":" + m[3] + ":" + m[4]
	if name == "" {
		return "    at " + where, true
	}
	return "    at " + name + " (" + where + ")", true
}

// ShowFrame gives the names of a function and of its file, as the engine has them, as users
// know them: without a name where the function has none, without a file where it is no
// script. ok is false for code that the user did not write.
func ShowFrame(function, file string) (shownFunction, shownFile string, ok bool) {
	switch {
	case file == "":
		// A Go function's symbol says nothing to the user.
		return function, "", !strings.Contains(function, "/")
	case file == programName || file == unitName || strings.HasPrefix(file, "workerd:") || strings.HasPrefix(file, "node-internal:machine:"):
		return "", "", false
	}
	file = unescapeFile(file)
	// The bundler names the function around a lazily evaluated module after it.
	if name := namespacePrefixes.Replace(function); name == "<anonymous>" || name == file || name != function {
		function = ""
	}
	return function, file, true
}

// unescapeFile undoes the URL escaping that the engine applies to file names of
// source maps.
func unescapeFile(name string) string {
	if !strings.Contains(name, "%") {
		return name
	}
	if s, err := url.PathUnescape(name); err == nil {
		return s
	}
	return name
}

// FunctionText completes the text of an arrow function as the engine gives it: brackets
// around the value at its end are missing there.
func FunctionText(text string) string {
	s := newScanner(text)
	for s.next().kind != 0 {
	}
	for i := len(s.frames) - 1; i > 0 && s.frames[i].open == '('; i-- {
		text += ")"
	}
	return text
}
