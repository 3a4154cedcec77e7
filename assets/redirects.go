package assets

import (
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"workerd.local/internal/limits"
)

// redirects are the rules of _redirects: those for one path, which are looked up, and then the others in
// their order.
type redirects struct {
	paths    map[string]redirect
	patterns []redirect
}

type redirect struct {
	pattern
	to     string
	status int // 200: another path is served
}

// match finds the rule for a path.
func (r *redirects) match(path string) (to *url.URL, status int, ok bool) {
	if rule, ok := r.paths[path]; ok {
		if u, err := url.Parse(rule.to); err == nil {
			return u, rule.status, true
		}
	}
	for _, rule := range r.patterns {
		values, ok := rule.pattern.match("", path)
		if !ok {
			continue
		}
		to := values.fill(rule.to)
		if strings.HasPrefix(to, "/") { // slashes that follow each other would name a host
			to = severalSlashes.ReplaceAllString(to, "/")
		}
		if u, err := url.Parse(to); err == nil {
			return u, rule.status, true
		}
	}
	return nil, 0, false
}

var (
	severalSlashes = regexp.MustCompile(`/+`)
	comment        = regexp.MustCompile(`\s+#.*$`)
	indexPage      = regexp.MustCompile(`/index(\.html)?$`)
)

// readRedirects reads _redirects.
func (r *ruleReader) readRedirects() (redirects, error) {
	out := redirects{paths: map[string]redirect{}}
	lines, err := r.lines(redirectsFile, true)
	if err != nil {
		return out, err
	}
	seen := map[string]bool{}
	for _, l := range lines {
		rule, problem := r.redirect(l.text)
		switch {
		case problem == "" && seen[rule.text]:
			problem = "the path " + rule.text + " has a rule already"
		case problem == "" && rule.plain && len(out.patterns) == 0:
			if most := limits.AssetRedirects.In(r.o.Bounds); len(out.paths) >= most {
				problem = "there are more than " + strconv.Itoa(most) + " rules for paths without * and names (--limit assets.redirects)"
				break
			}
			out.paths[rule.text] = rule
		case problem == "":
			if most := limits.AssetPatterns.In(r.o.Bounds); len(out.patterns) >= most {
				r.problem(redirectsFile, l.n, "there are more than %d rules from the first with * or names on (--limit assets.patterns); the rest is left out", most)
				return out, nil
			}
			out.patterns = append(out.patterns, rule)
		}
		if problem != "" {
			r.problem(redirectsFile, l.n, "%s", problem)
			continue
		}
		seen[rule.text] = true
	}
	return out, nil
}

// redirect reads one rule: from, to, and the status.
func (r *ruleReader) redirect(text string) (rule redirect, problem string) {
	words := strings.Fields(comment.ReplaceAllString(text, ""))
	if len(words) < 2 || len(words) > 3 {
		return rule, "a rule is a path, where it leads, and perhaps a status"
	}
	from := words[0]
	if !strings.HasPrefix(from, "/") && !strings.Contains(from, "://") {
		from = "/" + from
	}
	p, err := parsePattern(from, false)
	if err != nil {
		return rule, err.Error()
	}
	rule = redirect{pattern: p, to: words[1], status: http.StatusFound}
	absolute := strings.HasPrefix(rule.to, "https://")
	if _, err := url.Parse(rule.to); err != nil || !absolute && !strings.HasPrefix(rule.to, "/") {
		return rule, "a rule leads to a path that begins with /, or to a URL that begins with https://"
	}
	if len(words) == 3 {
		switch words[2] {
		case "200", "301", "302", "303", "307", "308":
			rule.status, err = strconv.Atoi(words[2])
			if err != nil {
				return rule, err.Error()
			}
		default:
			return rule, "the status of a rule is 200, 301, 302, 303, 307 or 308"
		}
	}
	switch {
	case absolute && rule.status == http.StatusOK:
		return rule, "a rule with the status 200 leads to a path of the same site"
	case !absolute && indexPage.MatchString(rule.to) && (strings.HasSuffix(p.text, "/*") || strings.HasSuffix(p.text, "/") && r.o.Pages != AsNamed):
		return rule, "the rule leads to itself: a page is served at its folder"
	}
	return rule, ""
}
