package server

import (
	"path/filepath"

	"workerd.local/config"
	"workerd.local/script"
)

// bundleFiles are the modules of a worker as node:fs shows them.
func bundleFiles(c *config.Worker) func() map[string][]byte {
	return func() map[string][]byte {
		files := map[string][]byte{}
		for _, m := range c.Modules {
			files[m.Name] = m.Content
		}
		return files
	}
}

func moduleKind(m config.Module) (script.Kind, error) {
	switch m.Kind {
	case config.ModuleES:
		return script.ESModule, nil
	case config.ModuleCommonJS:
		return script.CommonJS, nil
	case config.ModuleText:
		return script.Text, nil
	case config.ModuleData:
		return script.Data, nil
	case config.ModuleWasm:
		return script.Wasm, nil
	case config.ModuleJSON:
		return script.JSON, nil
	}
	return 0, at(m.Pos, "module %q: modules of the kind %s cannot be run here", m.Name, m.Kind)
}

func entry(c *config.Source) *script.Entry {
	e := &script.Entry{
		Dir: c.Dir, Main: within(c.Dir, c.Main), Tsconfig: within(c.Dir, c.TSConfig.Value), BaseDir: within(c.Dir, c.BaseDir),
		NoBundle: c.NoBundle, FindAdditionalModules: c.FindAdditionalModules, JSXFactory: c.JSXFactory, JSXFragment: c.JSXFragment, Minify: c.Minify,
		Define: map[string]string{}, Alias: map[string]string{}, Environment: "development",
	}
	for _, d := range c.Define {
		e.Define[d.Name] = d.Value
	}
	for _, a := range c.Alias {
		e.Alias[a.From] = a.To
	}
	kinds := map[config.RuleKind]script.Kind{
		config.RuleESModule: script.ESModule, config.RuleCommonJS: script.CommonJS, config.RuleText: script.Text,
		config.RuleData: script.Data, config.RuleCompiledWasm: script.Wasm,
	}
	for _, r := range c.Rules {
		if k, ok := kinds[r.Kind]; ok {
			e.Rules = append(e.Rules, script.Rule{Kind: k, Globs: r.Globs})
		}
	}
	return e
}

// within is a path of a configuration as package script wants it: a relative one is
// relative to the project's directory, not to the working directory.
func within(dir, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	if rel, err := filepath.Rel(dir, path); err == nil {
		return rel
	}
	return path
}
