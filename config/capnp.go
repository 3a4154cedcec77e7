package config

import (
	"strings"

	"workerd.local/internal/limits"
)

// readCapnp reads a configuration in Cap'n Proto text. name chooses the constant, as "a" or "a.b"; with ""
// the file must define exactly one of type Config.
func readCapnp(path string, src []byte, name string, r *capnpReader) (*Config, error) {
	main := r.parse(path, src)
	r.checkConstants(main.root)
	// What is broken comes first: a constant that does not parse would also be one that cannot be found.
	if err := r.sink.err(); err != nil {
		return nil, err
	}
	chosen, err := r.choose(main, name)
	if err != nil {
		return nil, err
	}
	v := r.constant(chosen)
	if err := r.sink.err(); err != nil {
		return nil, err
	}
	b := &capnpBuilder{sink: r.sink, budget: r.budget}
	c := b.config(v)
	c.File = path
	if err := r.sink.err(); err != nil {
		return nil, err
	}
	return c, nil
}

// newCapnpReader reads files with readFile and looks for absolute imports in importPaths.
func newCapnpReader(importPaths []string, readFile func(string, int64) ([]byte, error), s *sink) *capnpReader {
	return &capnpReader{
		sink:        s,
		importPaths: importPaths,
		readFile:    readFile,
		files:       make(map[string]*capnpFile),
		budget:      limits.ConfigValues.In(s.bounds),
	}
}

// checkConstants evaluates everything declared in scope, so that mistakes are found even in what the chosen
// constant does not use.
func (r *capnpReader) checkConstants(scope *capnpScope) {
	for _, d := range scope.order {
		switch {
		case r.sink.full():
			return
		case d.constant != nil:
			r.constant(d)
		case d.scope != nil:
			r.checkConstants(d.scope)
		case d.alias != nil:
			r.follow(d)
		}
	}
}

// choose finds the constant that is the configuration.
func (r *capnpReader) choose(main *capnpFile, name string) (*capnpDecl, error) {
	isConfig := func(d *capnpDecl) bool {
		if d.constant == nil {
			return false
		}
		t, ok := r.constType(d)
		return ok && t.name == "Config"
	}
	filePos := Pos{File: main.path}
	if name == "" {
		var found []*capnpDecl
		var names []string
		for _, d := range main.root.order {
			if isConfig(d) {
				found = append(found, d)
				names = append(names, d.name)
			}
		}
		switch len(found) {
		case 1:
			return found[0], nil
		case 0:
			return nil, fail(filePos, "write const config :Workerd.Config = ( … );",
				"The config file does not define any top-level constants of type 'Config'.")
		}
		return nil, fail(filePos, "", "The config file defines multiple top-level constants of type 'Config', "+
			"so you must specify which one to use. The options are: %s", strings.Join(names, ", "))
	}
	scope := main.root
	parts := strings.Split(name, ".")
	for i, part := range parts {
		d, ok := scope.decls[part]
		if !ok {
			var names []string
			for _, other := range scope.order {
				names = append(names, other.name)
			}
			return nil, fail(filePos, didYouMean(part, names), "No such constant is defined in the config file: %s", name)
		}
		if i == len(parts)-1 {
			if !isConfig(d) {
				return nil, fail(main.table.pos(d.off), "", "Constant is not of type 'Config': %s", name)
			}
			return d, nil
		}
		if d.scope == nil {
			found, ok := entity{}, false
			if d.alias != nil {
				found, ok = r.follow(d)
			}
			if !ok || found.scope == nil {
				return nil, fail(filePos, "", "No such constant is defined in the config file: %s", name)
			}
			scope = found.scope
			continue
		}
		scope = d.scope
	}
	return nil, fail(filePos, "", "No such constant is defined in the config file: %s", name)
}
