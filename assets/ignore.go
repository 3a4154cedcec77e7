package assets

import (
	"regexp"
	"strings"
)

// ignoreRules are the patterns of .assetsignore, which are those of git.
type ignoreRules struct{ list []ignoreRule }

type ignoreRule struct {
	re      *regexp.Regexp
	folders bool // it is about folders only
	keep    bool // it takes back what those before it say
}

// match reports whether a file, or a folder that it is in, is not served.
func (i *ignoreRules) match(name string) bool {
	switch name {
	case headersFile, redirectsFile, ignoreFile:
		return true
	}
	if len(i.list) == 0 {
		return false
	}
	for at, c := range name {
		if c == '/' && i.one(name[:at], true) {
			return true
		}
	}
	return i.one(name, false)
}

// one judges one name by itself: the last pattern that fits decides.
func (i *ignoreRules) one(name string, folder bool) bool {
	ignored := false
	for _, r := range i.list {
		if (folder || !r.folders) && r.re.MatchString(name) {
			ignored = !r.keep
		}
	}
	return ignored
}

// readIgnored reads .assetsignore.
func (r *ruleReader) readIgnored() (*ignoreRules, error) {
	lines, err := r.lines(ignoreFile, false)
	if err != nil {
		return nil, err
	}
	out := &ignoreRules{}
	for _, l := range lines {
		rule, err := parseIgnored(l.text)
		if err != nil {
			r.problem(ignoreFile, l.n, "the pattern cannot be read")
			continue
		}
		out.list = append(out.list, rule)
	}
	return out, nil
}

// parseIgnored reads a pattern: * stands for any text without a slash, ** for any, ? for one character, [a-z] for one of several. A
// pattern with a slash in front or between is about the whole path, one without about a name in any folder.
func parseIgnored(text string) (ignoreRule, error) {
	var rule ignoreRule
	for strings.HasSuffix(text, " ") && !strings.HasSuffix(text, `\ `) {
		text = strings.TrimSuffix(text, " ")
	}
	text, rule.keep = strings.CutPrefix(text, "!")
	text, rule.folders = strings.CutSuffix(text, "/")
	rooted := strings.Contains(text, "/")
	text = strings.TrimPrefix(text, "/")
	var b strings.Builder
	b.WriteByte('^')
	if !rooted {
		b.WriteString("(?:.*/)?")
	}
	for len(text) > 0 {
		c := text[0]
		switch {
		case strings.HasPrefix(text, "**/"):
			b.WriteString("(?:.*/)?")
			text = text[3:]
			continue
		case strings.HasPrefix(text, "**"):
			b.WriteString(".*")
			text = text[2:]
			continue
		case c == '*':
			b.WriteString("[^/]*")
		case c == '?':
			b.WriteString("[^/]")
		case c == '[':
			if end := strings.IndexByte(text[1:], ']'); end > 0 {
				class := strings.ReplaceAll(text[1:end+1], `\`, `\\`)
				if not, ok := strings.CutPrefix(class, "!"); ok {
					class = "^/" + not
				}
				b.WriteString("[" + class + "]")
				text = text[end+2:]
				continue
			}
			b.WriteString(`\[`)
		case c == '\\' && len(text) > 1:
			text = text[1:]
			b.WriteString(regexp.QuoteMeta(text[:1]))
		default:
			b.WriteString(quoteByte(c))
		}
		text = text[1:]
	}
	b.WriteByte('$')
	var err error
	rule.re, err = regexp.Compile(b.String())
	return rule, err
}

func quoteByte(c byte) string {
	if c >= 0x80 {
		return string([]byte{c})
	}
	return regexp.QuoteMeta(string(rune(c)))
}
