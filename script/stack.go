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
			if strings.HasPrefix(name, "workerd.local/") || strings.Contains(name, "/") {
				return "", false // a Go function's symbol says nothing to the user
			}
			return "    at " + name + " (native)", true
		}
		return "    at " + name, true
	}
	if m[2] == programName || strings.HasPrefix(m[2], "workerd:") {
		return "", false
	}
	file := unescapeFile(m[2])
	where := file + ":" + m[3] + ":" + m[4]
	// The bundler names the function around a lazily evaluated module after it.
	if name := namespacePrefixes.Replace(m[1]); name == "" || name == "<anonymous>" || name == file || name != m[1] {
		return "    at " + where, true
	}
	return "    at " + m[1] + " (" + where + ")", true
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
