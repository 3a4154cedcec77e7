package assets

import (
	"net/url"
	"regexp"
	"strings"

	"workerd.local/event"
)

// Routing says which requests a worker gets although there may be a file for them.
type Routing struct {
	// First: the worker gets every request.
	First bool
	// Worker and Assets are paths, where * stands for any text: requests for them go to the worker, and
	// those for Assets never do. Where both are nil there are no such rules.
	Worker, Assets []string
	// Navigation serves the page of what is missing to browsers that navigate, before the worker is
	// asked (assets_navigation_prefers_asset_serving).
	Navigation bool
}

// Router decides between a site and the worker that it belongs to.
type Router struct {
	site   *Site
	r      Routing
	worker []*regexp.Regexp
	assets []*regexp.Regexp
}

// NewRouter returns the router of a site.
func NewRouter(site *Site, r Routing) (*Router, error) {
	router := &Router{site: site, r: r}
	for _, list := range []struct {
		paths []string
		to    *[]*regexp.Regexp
	}{{r.Worker, &router.worker}, {r.Assets, &router.assets}} {
		for _, path := range list.paths {
			parts := strings.Split(path, "*")
			for i := range parts {
				parts[i] = regexp.QuoteMeta(parts[i])
			}
			re, err := regexp.Compile("^" + strings.Join(parts, ".*") + "$")
			if err != nil {
				return nil, err
			}
			*list.to = append(*list.to, re)
		}
	}
	return router, nil
}

// Site is the site of the files.
func (r *Router) Site() *Site { return r.site }

// AlwaysWorker reports whether the worker gets every request, so that nobody need be asked.
func (r *Router) AlwaysWorker() bool { return r.r.First }

// ToSite reports whether a request is answered by the site. It reads the directory.
func (r *Router) ToSite(req *event.Request) (bool, error) {
	if r.r.First {
		return false, nil
	}
	u, err := url.Parse(req.URL)
	if err != nil {
		return false, nil // the worker may say what it thinks of it
	}
	path := pathOf(u)
	switch {
	case matchesAny(r.assets, path):
		return true, nil
	case matchesAny(r.worker, path):
		return false, nil
	}
	missing := NotFound
	if r.r.Worker != nil || r.r.Navigation && req.Header.Get("Sec-Fetch-Mode") == "navigate" {
		missing = r.site.o.Missing
	}
	a, err := r.site.resolve(u, missing)
	return a.status != 0, err
}

func matchesAny(list []*regexp.Regexp, path string) bool {
	for _, re := range list {
		if re.MatchString(path) {
			return true
		}
	}
	return false
}
