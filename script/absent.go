package script

import (
	"path"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// absence is what the resolver knows of configured modules that import what there is not.
// Such a module fails when it is reached, as in workerd: only one that the main module
// imports, by way of others perhaps, is an error of the script.
type absence struct {
	// refused says that every such import is an error now: the script has one.
	refused bool
	// by are the modules that have such an import; from are the imports of all modules. Both
	// are of static imports only, and guarded by the resolver's lock.
	by   map[string]bool
	from map[string][]string
}

// absentPath is the path of the module that stands for one that is not there; what it throws
// follows.
const absentPath = "absent:"

// imports notes a static import of a configured module.
func (r *resolver) imports(args api.OnResolveArgs, key string) {
	if args.Namespace != nsModule || args.Kind != api.ResolveJSImportStatement {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.absent.from == nil {
		r.absent.from = map[string][]string{}
	}
	r.absent.from[args.Importer] = append(r.absent.from[args.Importer], key)
}

// noModule answers a static import of a module that is not there.
func (r *resolver) noModule(args api.OnResolveArgs) api.OnResolveResult {
	text := noSuchModule(args.Path)
	if r.absent.refused || args.Namespace != nsModule {
		return api.OnResolveResult{Errors: []api.Message{{Text: text}}}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.absent.by == nil {
		r.absent.by = map[string]bool{}
	}
	r.absent.by[args.Importer] = true
	class := "Error"
	if strings.HasPrefix(args.Path, ".") && strings.HasPrefix(path.Join(path.Dir(args.Importer), args.Path), "..") {
		class, text = "TypeError", "Invalid module specifier "+quote(args.Path)+"."
	}
	text += "\n  imported from " + quote(args.Importer) + "."
	return api.OnResolveResult{Path: absentPath + "new " + class + "(" + quote(text) + ")", Namespace: nsStub}
}

// needed reports whether the main module needs a module that is not there.
func (r *resolver) needed() bool {
	if len(r.absent.by) == 0 {
		return false
	}
	seen := map[string]bool{r.mainKey: true}
	for next := []string{r.mainKey}; len(next) > 0; {
		key := next[len(next)-1]
		next = next[:len(next)-1]
		if r.absent.by[key] {
			return true
		}
		for _, to := range r.absent.from[key] {
			if !seen[to] {
				seen[to] = true
				next = append(next, to)
			}
		}
	}
	return false
}
