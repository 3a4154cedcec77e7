package assets

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"strings"

	"workerd.local/disk"
	"workerd.local/internal/limits"
)

// The files of a directory that are rules.
const (
	headersFile   = "_headers"
	redirectsFile = "_redirects"
	ignoreFile    = ".assetsignore"
)

// Problem is a line that is left out.
type Problem struct {
	File string
	Line int // from 1
	Text string
}

func (p Problem) String() string { return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Text) }

// ruleReader reads the rules of a directory.
type ruleReader struct {
	dir      *disk.Directory
	o        Options
	problems []Problem
}

func (r *ruleReader) problem(file string, line int, format string, args ...any) {
	r.problems = append(r.problems, Problem{join(r.o.Directory, file), line, fmt.Sprintf(format, args...)})
}

// lines are the lines of a file that say something; there are none where there is no file.
func (r *ruleReader) lines(file string, comments bool) ([]line, error) {
	info, body, err := r.dir.File(file)
	if err != nil || info == nil {
		return nil, err
	}
	defer body.Close()
	most := limits.AssetRuleBytes.In(r.o.Bounds)
	if info.Size() > int64(most) {
		return nil, fmt.Errorf("%s is larger than %d bytes (--limit assets.rule-bytes)", join(r.o.Directory, file), most)
	}
	b, err := io.ReadAll(io.LimitReader(body.Reader(), int64(most)))
	if err != nil {
		return nil, err
	}
	var list []line
	n := 0
	for text := range strings.Lines(strings.TrimPrefix(string(b), "\ufeff")) {
		n++
		text = strings.TrimRight(text, "\r\n")
		if comments {
			text = strings.TrimSpace(text)
		}
		if strings.TrimSpace(text) == "" || strings.HasPrefix(text, "#") {
			continue
		}
		if most := limits.AssetRuleLine.In(r.o.Bounds); len(text) > most {
			r.problem(file, n, "the line is longer than %d bytes (--limit assets.rule-line)", most)
			continue
		}
		list = append(list, line{n, text})
	}
	return list, nil
}

type line struct {
	n    int
	text string
}

// pattern is a path of a rule, with a * for any text and :names for one part.
type pattern struct {
	re    *regexp.Regexp
	host  bool // it begins with https:// and a host
	plain bool // it has neither * nor :names
	text  string
}

var (
	placeholder = regexp.MustCompile(`:[A-Za-z]\w*`)
	errSeveral  = errors.New("a path may have one * only; use names, such as :name, for the others")
	errTwice    = errors.New("the path has a name twice")
)

// parsePattern reads a path, or a URL with a host where that is allowed.
func parsePattern(text string, hosts bool) (pattern, error) {
	host, path, err := splitURL(text, hosts)
	if err != nil {
		return pattern{}, err
	}
	p := pattern{host: host != "", text: host + path}
	p.plain = !strings.Contains(p.text, "*") && !placeholder.MatchString(p.text)
	if strings.Count(p.text, "*") > 1 {
		return pattern{}, errSeveral
	}
	var b strings.Builder
	b.WriteByte('^')
	names := map[string]bool{}
	twice := false
	for i, part := range strings.Split(p.text, "*") {
		if i > 0 {
			b.WriteString("(?P<splat>.*)")
			twice = twice || names["splat"]
			names["splat"] = true
		}
		last := 0
		for _, at := range placeholder.FindAllStringIndex(part, -1) {
			name := part[at[0]+1 : at[1]]
			twice = twice || names[name]
			names[name] = true
			class := "[^/]+"
			if i == 0 && at[0] < len(host) {
				class = "[^/.]+"
			}
			fmt.Fprintf(&b, "%s(?P<%s>%s)", regexp.QuoteMeta(part[last:at[0]]), name, class)
			last = at[1]
		}
		b.WriteString(regexp.QuoteMeta(part[last:]))
	}
	b.WriteByte('$')
	if twice {
		return pattern{}, errTwice
	}
	p.re, err = regexp.Compile(b.String())
	return p, err
}

// splitURL takes "https://" and a host off a URL; the path is as URLs write it.
func splitURL(text string, hosts bool) (host, path string, err error) {
	rest, absolute := strings.CutPrefix(text, "https://")
	path = text
	if absolute {
		name, after, _ := strings.Cut(strings.TrimLeft(rest, "/"), "/")
		switch {
		case !hosts:
			return "", "", errors.New("the path must begin with / and name no host")
		case strings.Contains(name, ":") && placeholderless(name):
			return "", "", errors.New("the host must not have a port")
		}
		host, path = "https://"+name, "/"+after
	}
	if !strings.HasPrefix(path, "/") {
		return "", "", errors.New("the path must begin with /, or with https:// and a host")
	}
	u, err := url.Parse(path)
	if err != nil || u.Host != "" {
		return "", "", errors.New("the path cannot be read as one of a URL")
	}
	return host, pathOf(u), nil
}

// placeholderless reports whether the colon of a host begins a port.
func placeholderless(host string) bool {
	_, port, _ := strings.Cut(placeholder.ReplaceAllString(host, ""), ":")
	return port != ""
}

// values are what the names of a pattern stand for.
type values map[string]string

// match compares a pattern with a request's host and path.
func (p pattern) match(host, path string) (values, bool) {
	text := path
	if p.host {
		text = "https://" + host + path
	}
	if p.plain {
		return nil, p.text == text
	}
	m := p.re.FindStringSubmatch(text)
	if m == nil {
		return nil, false
	}
	v := values{}
	for i, name := range p.re.SubexpNames() {
		if name != "" {
			v[name] = m[i]
		}
	}
	return v, true
}

// fill puts values in the place of their names.
func (v values) fill(text string) string {
	if len(v) == 0 {
		return text
	}
	return placeholder.ReplaceAllStringFunc(text, func(name string) string {
		if value, ok := v[name[1:]]; ok {
			return value
		}
		return name
	})
}
