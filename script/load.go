package script

import (
	"fmt"
	"os"
	"strconv"

	"github.com/evanw/esbuild/pkg/api"

	"workerd.local/internal/limits"
)

// guardFile looks at a file on disk before the bundler reads it.
func (r *resolver) guardFile(name string) (api.OnLoadResult, error) {
	info, err := os.Stat(name)
	if err != nil || !info.Mode().IsRegular() {
		return api.OnLoadResult{}, nil // the bundler reports it
	}
	r.mu.Lock()
	r.sourceBytes += info.Size()
	total := r.sourceBytes
	r.mu.Unlock()
	if most := limits.ScriptSource.Bytes(r.src.Bounds); total > most {
		return api.OnLoadResult{Errors: []api.Message{{Text: fmt.Sprintf("the project's source has more than %d bytes", most)}}}, nil
	}
	if info.Size() <= limits.ScriptBrackets.Bytes(r.src.Bounds) {
		return api.OnLoadResult{}, nil
	}
	content, err := os.ReadFile(name)
	if err != nil {
		return api.OnLoadResult{}, nil
	}
	if err := guardWritten("", string(content), r.src.Bounds); err != nil {
		return api.OnLoadResult{Errors: []api.Message{{Text: err.Error(), Location: &api.Location{File: r.fileKey(name), Line: 1}}}}, nil
	}
	return api.OnLoadResult{}, nil
}

func (r *resolver) loadModule(key string) (api.OnLoadResult, error) {
	m := r.modules[key]
	text := string(m.Content)
	if m.Kind <= CommonJS {
		text = hideDots(text)
	}
	switch m.Kind {
	case ESModule:
		text = withoutSourcePhase(text)
		return api.OnLoadResult{Contents: &text, Loader: scriptLoader(m)}, nil
	case CommonJS:
		// The mention of module makes the bundler treat the file as CommonJS even if
		// it exports nothing.
		text += "\nmodule;"
		return api.OnLoadResult{Contents: &text, Loader: scriptLoader(m)}, nil
	case JSON:
		return api.OnLoadResult{Contents: &text, Loader: api.LoaderJSON}, nil
	}
	text = r.assetModule(asset{Name: key, Kind: m.Kind, Content: m.Content})
	return api.OnLoadResult{Contents: &text, Loader: api.LoaderJS}, nil
}

func (r *resolver) loadAssetFile(args api.OnLoadArgs) (api.OnLoadResult, error) {
	kind, _ := args.PluginData.(Kind)
	info, err := os.Stat(args.Path)
	if err == nil && info.Size() > limits.ScriptAssets.Bytes(r.src.Bounds) {
		err = fmt.Errorf("the file has %d bytes; the limit is %d", info.Size(), limits.ScriptAssets.Bytes(r.src.Bounds))
	}
	var content []byte
	if err == nil {
		content, err = os.ReadFile(args.Path)
	}
	if err != nil {
		return api.OnLoadResult{Errors: []api.Message{{Text: fmt.Sprintf("%s cannot be read: %v", r.fileKey(args.Path), errReason(err))}}}, nil
	}
	r.mu.Lock()
	r.assetFiles = append(r.assetFiles, args.Path)
	r.mu.Unlock()
	text := r.assetModule(asset{Name: r.fileKey(args.Path), Kind: kind, Content: content})
	return api.OnLoadResult{Contents: &text, Loader: api.LoaderJS}, nil
}

// assetModule stores the bytes beside the code and returns a module that asks
// the host for them.
func (r *resolver) assetModule(a asset) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	id, ok := r.assetIDs[a.Name]
	if !ok {
		id = len(r.assets)
		r.assetIDs[a.Name] = id
		r.assets = append(r.assets, a)
	}
	return "export default " + hostName + ".asset(" + strconv.Itoa(id) + ");"
}
