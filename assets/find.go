package assets

import (
	"net/http"
	"strings"
)

// find looks for what a decoded path means: a file, or where it lives.
func (s *Site) find(path string, missing Missing) (answer, error) {
	a, err := s.look(path, true)
	if err != nil || a.status != 0 {
		return a, err
	}
	switch missing {
	case OnePage:
		return s.serve("/index.html", http.StatusOK)
	case NearestPage:
		for path != "" {
			path = path[:strings.LastIndexByte(path, '/')]
			if a, err := s.serve(path+"/404.html", http.StatusNotFound); err != nil || a.status != 0 {
				return a, err
			}
		}
	}
	return answer{}, nil
}

func (s *Site) serve(file string, status int) (answer, error) {
	ok, err := s.exists(file)
	if !ok || err != nil {
		return answer{}, err
	}
	return answer{status: status, file: file}, nil
}

// page is an HTML file beside the path that it is about: /a for /a.html (flat) and /a/index.html (nested).
type page struct {
	stem   string
	nested bool
}

func (p page) file() string {
	if p.nested {
		return p.stem + "/index.html"
	}
	return p.stem + ".html"
}

// home is the path at which a page is served.
func (p page) home(pages Pages) string {
	if pages == ForceSlash || p.nested && (pages == AutoSlash || p.stem == "") {
		return p.stem + "/"
	}
	return p.stem
}

// step is a file to look for: one that is served at its own name, or a page.
type step struct {
	exact bool
	page  page
}

// steps are the files that a path may mean, in the order of their right to it.
func steps(pages Pages, path string) []step {
	exact := step{exact: true}
	if pages == AsNamed {
		return []step{exact}
	}
	flat := func(stem string) step { return step{page: page{stem: stem}} }
	nested := func(stem string) step { return step{page: page{stem: stem, nested: true}} }
	var list []step
	if stem, ok := strings.CutSuffix(path, "/index.html"); ok {
		list = append(list, nested(stem))
		if pages == DropSlash && stem != "" {
			list = append(list, exact) // as /a has another page
		}
		list = append(list, flat(stem))
	} else if stem, ok := strings.CutSuffix(path, ".html"); ok {
		list = append(list, flat(stem))
		if pages == ForceSlash {
			list = append(list, exact)
		}
		list = append(list, nested(stem))
	} else if stem, ok := strings.CutSuffix(path, "/"); ok {
		if pages == DropSlash && stem != "" {
			list = append(list, flat(stem), nested(stem))
		} else {
			list = append(list, nested(stem), flat(stem))
		}
	} else if stem, ok := strings.CutSuffix(path, "/index"); ok {
		list = append(list, exact)
		if pages == DropSlash && stem != "" {
			list = append(list, flat(stem), nested(stem))
		} else {
			list = append(list, nested(stem), flat(stem))
		}
	}
	return append(list, exact, flat(path), nested(path))
}

// look tries the steps of a path. Where move is false it looks for what is served at this very path.
func (s *Site) look(path string, move bool) (answer, error) {
	for _, st := range steps(s.o.Pages, path) {
		file := path
		if !st.exact {
			file = st.page.file()
		}
		ok, err := s.exists(file)
		if err != nil {
			return answer{}, err
		}
		if !ok {
			continue
		}
		home := path
		if !st.exact {
			home = st.page.home(s.o.Pages)
		}
		if home == path {
			return answer{status: http.StatusOK, file: file}, nil
		}
		if !move {
			continue
		}
		// Another file may live there; then this one has no path but its name.
		if at, err := s.look(home, false); err != nil || at.file == file {
			return answer{status: http.StatusTemporaryRedirect, location: home}, err
		}
	}
	return answer{}, nil
}

// exists reports whether a path names a file that is served.
func (s *Site) exists(path string) (bool, error) {
	name := diskName(path)
	if name == "" || s.ignored.match(name) {
		return false, nil
	}
	info, err := s.dir.Stat(name)
	return info != nil && info.Mode().IsRegular(), err
}
