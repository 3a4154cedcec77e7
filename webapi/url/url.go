package url

import (
	"strings"

	whatwg "github.com/nlnwa/whatwg-url/url"

	"workerd.local/exception"
)

// URL is a parsed URL with the attributes of the WHATWG URL class. Every field is
// in its serialized form, so reading one costs nothing; changing one goes through
// the Set methods, which parse again.
type URL struct {
	href     string
	protocol string // with the colon
	username string
	password string
	host     string // with the port
	hostname string
	port     string
	pathname string
	search   string // with the question mark, empty for an empty query
	hash     string // with the number sign, empty for an empty fragment

	params *Params // made on first use; changes of either side show in the other
}

// parser is the library's, with what the standard has changed since: a path has its ^
// percent-encoded.
var parser = whatwg.NewParser(whatwg.WithPathPercentEncodeSet(whatwg.PathPercentEncodeSet.Set('^')))

// errInvalid is what a constructor throws (workerd's text).
var errInvalid = exception.TypeErrorf("Invalid URL string.")

// Parse parses ref, relative to base where base is not nil (WHATWG URL, "API URL
// parser").
func Parse(ref string, base *string) (*URL, error) {
	u := &URL{}
	if base == nil && u.parseSimple(ref) {
		return u, nil
	}
	var full *whatwg.Url
	var err error
	if base == nil {
		full, err = parser.Parse(ref)
	} else {
		full, err = parser.ParseRef(*base, ref)
	}
	if err != nil {
		return nil, errInvalid
	}
	u.take(full)
	return u, nil
}

// CanParse reports whether Parse succeeds.
func CanParse(ref string, base *string) bool {
	_, err := Parse(ref, base)
	return err == nil
}

func (u *URL) take(full *whatwg.Url) {
	u.href = full.Href(false)
	u.protocol = full.Protocol()
	u.username = full.Username()
	u.password = full.Password()
	u.host = full.Host()
	u.hostname = full.Hostname()
	u.port = full.Port()
	u.pathname = full.Pathname()
	u.search = full.Search()
	u.hash = full.Hash()
	if full.OpaquePath() && strings.HasSuffix(u.pathname, " ") {
		// A space at the end of an opaque path would be lost with the query and the fragment behind
		// it, so the standard's parser encodes it; the library is older.
		before := len(u.protocol) + len(u.pathname) - 1
		u.href = u.href[:before] + "%20" + u.href[before+1:]
		u.pathname = u.pathname[:len(u.pathname)-1] + "%20"
	}
}

// Href is the whole URL.
func (u *URL) Href() string { return u.href }

// String is Href.
func (u *URL) String() string { return u.href }

// Protocol is the scheme with a colon.
func (u *URL) Protocol() string { return u.protocol }

// Username is the percent-encoded user name, or empty.
func (u *URL) Username() string { return u.username }

// Password is the percent-encoded password, or empty.
func (u *URL) Password() string { return u.password }

// Host is the host with the port, where that is not the scheme's default.
func (u *URL) Host() string { return u.host }

// Hostname is the host without the port.
func (u *URL) Hostname() string { return u.hostname }

// Port is the port in decimal, empty for the scheme's default.
func (u *URL) Port() string { return u.port }

// Pathname is the path.
func (u *URL) Pathname() string { return u.pathname }

// Search is the query with a question mark, or empty.
func (u *URL) Search() string { return u.search }

// Hash is the fragment with a number sign, or empty.
func (u *URL) Hash() string { return u.hash }

// Origin is the serialized origin, "null" for an opaque one.
func (u *URL) Origin() string {
	switch u.protocol {
	case "http:", "https:", "ws:", "wss:", "ftp:":
		return u.protocol + "//" + u.host
	case "blob:":
		inner, err := Parse(u.pathname, nil)
		if err == nil && (inner.protocol == "http:" || inner.protocol == "https:") {
			return inner.Origin()
		}
	}
	return "null"
}

// SetHref replaces the URL, or fails and changes nothing.
func (u *URL) SetHref(href string) error {
	v, err := Parse(href, nil)
	if err != nil {
		return err
	}
	v.params = u.params
	*u = *v
	u.refreshParams()
	return nil
}

// change applies one of the parser's setters. Parsing the serialization gives
// the same URL back (WHATWG URL, "URL equivalence"), so the parser's own value
// need not be kept.
func (u *URL) change(set func(full *whatwg.Url)) {
	full, err := parser.Parse(u.href)
	if err != nil {
		return // u.href came from the parser
	}
	set(full)
	u.take(full)
}

// SetProtocol and the other setters ignore what the standard says to ignore.
func (u *URL) SetProtocol(s string) { u.change(func(f *whatwg.Url) { f.SetProtocol(s) }) }

// SetUsername percent-encodes and sets the user name.
func (u *URL) SetUsername(s string) { u.change(func(f *whatwg.Url) { f.SetUsername(s) }) }

// SetPassword percent-encodes and sets the password.
func (u *URL) SetPassword(s string) { u.change(func(f *whatwg.Url) { f.SetPassword(s) }) }

// SetHost sets host and port.
func (u *URL) SetHost(s string) { u.change(func(f *whatwg.Url) { f.SetHost(s) }) }

// SetHostname sets the host and keeps the port.
func (u *URL) SetHostname(s string) { u.change(func(f *whatwg.Url) { f.SetHostname(s) }) }

// SetPort sets the port; empty means the scheme's default.
func (u *URL) SetPort(s string) { u.change(func(f *whatwg.Url) { f.SetPort(s) }) }

// SetPathname sets the path.
func (u *URL) SetPathname(s string) { u.change(func(f *whatwg.Url) { f.SetPathname(s) }) }

// SetSearch sets the query, with or without the question mark; empty removes it.
func (u *URL) SetSearch(s string) {
	u.setQuery(s)
	u.refreshParams()
}

// SetHash sets the fragment, with or without the number sign; empty removes it.
func (u *URL) SetHash(s string) { u.change(func(f *whatwg.Url) { f.SetHash(s) }) }

func (u *URL) setQuery(s string) { u.change(func(f *whatwg.Url) { f.SetSearch(s) }) }

// Params returns the query as a list that stays tied to the URL.
func (u *URL) Params() *Params {
	if u.params == nil {
		u.params = &Params{url: u}
		u.refreshParams()
	}
	return u.params
}

func (u *URL) refreshParams() {
	if u.params != nil {
		u.params.pairs = ParseForm(strings.TrimPrefix(u.search, "?"))
	}
}
