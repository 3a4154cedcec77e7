package core

import (
	"embed"
	"io/fs"
	"strings"

	"workerd.local/webapi/bind"
	"workerd.local/webapi/node/glue"
)

//go:embed js
var files embed.FS

// needs are the compatibility flags that modules need beside nodejs_compat.
var needs = map[string][]string{}

// Modules are the files of this package.
func Modules() []glue.Module {
	var list []glue.Module
	err := fs.WalkDir(files, "js", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		src, err := files.ReadFile(path)
		if err != nil {
			return err
		}
		name := strings.TrimSuffix(strings.TrimPrefix(path, "js/"), ".js")
		m := glue.Module{Name: name, Native: natives(name), Needs: needs[name]}
		prims := `require("internal/base")`
		if name == "internal/base" {
			prims = "undefined"
		}
		m.Source = "module.exports = ((primordials) => {" + string(src) + "\n})(" + prims + ");"
		if !strings.HasPrefix(name, "internal/") {
			m.Name = "node:" + name
		}
		list = append(list, m)
		return nil
	})
	if err != nil {
		panic(err) // the files are part of the program
	}
	return list
}

// natives are what a file in js gets from Go.
func natives(name string) map[string]bind.Static {
	switch name {
	case "buffer":
		return bufferNatives()
	case "querystring":
		return queryNatives()
	case "string_decoder":
		return decoderNatives()
	case "internal/base":
		return platformNatives()
	case "internal/inspect":
		return inspectNatives()
	case "util/types":
		return map[string]bind.Static{"isGeneratorFunction": jsIsGeneratorFunction}
	case "internal/codes":
		return map[string]bind.Static{"register": jsRegisterCodes}
	}
	return nil
}
