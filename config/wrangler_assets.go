package config

import "strings"

const (
	// assetRules and assetRuleLength bound run_worker_first (Cloudflare).
	assetRules      = 100
	assetRuleLength = 100
)

// readAssets reads the static files of the project and which requests go to the worker before them.
func (r *wranglerReader) readAssets(m *member) {
	a := &StaticAssets{}
	routing := &AssetRouting{Service: r.name + ":assets"}
	var binding *Binding
	ok := r.table(m, map[string]func(*member){
		"directory": func(m *member) { a.Path = Text{Value: r.path(m), Pos: m.value.pos} },
		"binding": func(m *member) {
			binding = &Binding{Pos: m.pos, Kind: BindingService, Name: r.filled(m), Service: ServiceDesignator{Pos: m.value.pos, Name: routing.Service}}
		},
		"html_handling":      func(m *member) { a.Pages = choice[AssetPages](r, m, assetPagesNames) },
		"not_found_handling": func(m *member) { a.Missing = choice[AssetMissing](r, m, assetMissingNames) },
		"run_worker_first": func(m *member) {
			if m.value.kind == nodeList {
				r.readWorkerPaths(m, routing)
				return
			}
			r.flag(m, &routing.WorkerFirst)
		},
	})
	switch {
	case !ok:
		return
	case len(m.value.members) == 0:
		return
	case m.value.get("directory") == nil:
		r.sink.hintf(m.value.pos, "a tool that builds the project, such as vite, writes a configuration that has one beside its output: serve that",
			`"assets" needs a "directory".`)
		return
	}
	r.assets = a
	main := r.field(wranglerField{name: "main"})
	if main == nil && (binding != nil || m.value.get("run_worker_first") != nil) {
		r.sink.hintf(m.value.pos, `add main = "src/index.js"`, `"binding" and "run_worker_first" of "assets" are for a worker, but "main" is missing.`)
		return
	}
	if main == nil {
		return
	}
	r.worker.Assets = routing
	if binding != nil {
		r.worker.Bindings = append(r.worker.Bindings, *binding)
	}
}

// assetsOnly reports whether the project is static files and nothing else.
func (r *wranglerReader) assetsOnly() bool {
	return r.assets != nil && r.source.Main == "" && len(r.worker.Bindings) == 0 && len(r.worker.Migrations) == 0
}

// choice reads one of the names of an enumeration.
func choice[K kind](r *wranglerReader, m *member, names []string) K {
	k, known := kindOf[K](names, r.str(m))
	if !known && m.value.kind == nodeString {
		hint := didYouMean(m.value.text, names)
		if hint == "" {
			hint = "use one of " + strings.Join(names, ", ")
		}
		r.sink.hintf(m.value.pos, hint, "%q cannot be %q.", m.key, abbreviate(m.value.text))
	}
	return k
}

// readWorkerPaths reads the list form of run_worker_first: paths, and those that are not meant after a "!".
func (r *wranglerReader) readWorkerPaths(m *member, routing *AssetRouting) {
	list := r.texts(m)
	switch {
	case len(list) == 0:
		r.sink.hintf(m.value.pos, "write true, false, or at least one path", "%q has no path.", m.key)
		return
	case len(list) > assetRules:
		r.sink.errorf(m.value.pos, "%q has more than %d paths.", m.key, assetRules)
		return
	}
	seen := map[string]bool{}
	for _, rule := range list {
		path, not := strings.CutPrefix(rule.Value, "!")
		switch {
		case !strings.HasPrefix(path, "/"):
			r.sink.errorf(rule.Pos, "The path %q of %q must begin with / or !/.", abbreviate(rule.Value), m.key)
		case len(rule.Value) > assetRuleLength:
			r.sink.errorf(rule.Pos, "The path %q of %q is longer than %d characters.", abbreviate(rule.Value), m.key, assetRuleLength)
		case seen[rule.Value]:
			r.sink.errorf(rule.Pos, "The path %q of %q is there twice.", rule.Value, m.key)
		case not:
			routing.AssetPaths = append(routing.AssetPaths, path)
		default:
			routing.WorkerPaths = append(routing.WorkerPaths, path)
		}
		seen[rule.Value] = true
	}
	if len(routing.WorkerPaths) == 0 && len(routing.AssetPaths) > 0 {
		r.sink.errorf(m.value.pos, "%q has paths that are not meant only, and needs one that is.", m.key)
	}
}
