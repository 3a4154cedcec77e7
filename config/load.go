package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"workerd.local/internal/limits"
)

// LoadOptions says how to read a configuration. The zero value is fine. Options of one family of files are
// ignored by the other.
type LoadOptions struct {
	ConstName   string   // Cap'n Proto: constant to use, dotted if nested; "" = the only one of type Config
	ImportPaths []string // Cap'n Proto: directories searched for imports and embeds that start with "/"
	Env         string   // wrangler: environment whose overlay applies, "" = the top level
	EnvFiles    []string // wrangler: dotenv files to read instead of .dev.vars and .env; later ones win
	Data        string   // wrangler: directory of durable state, "" = .workerd/state beside the file
	Port        int      // wrangler: port to listen on, 0 = dev.port, and 8787 without it; AnyPort
	// Bounds are the numbers of what may be in a configuration; nil means those of the table.
	Bounds *limits.Set
}

// AnyPort is the Port that stands for one that is free.
const AnyPort = -1

// The files Load looks for in a directory. Of each family the first one there is taken.
var (
	wranglerNames = []string{"wrangler.json", "wrangler.jsonc", "wrangler.toml"}
	capnpNames    = []string{"config.capnp", "workerd.capnp"}
)

// Load reads the configuration at path, which is a file or a directory. A file whose name ends in .toml,
// .json or .jsonc is a wrangler file, any other is Cap'n Proto text. In a directory it looks for
// wrangler.json, wrangler.jsonc and wrangler.toml (in wrangler's order of preference) and for config.capnp
// and workerd.capnp; a directory with files of both kinds is refused, since only its owner knows which one
// is meant.
//
// Warnings are returned even when there is an error, which is then an *Errors.
func Load(path string, o LoadOptions) (*Config, Warnings, error) {
	s := &sink{bounds: o.Bounds}
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, fail(Pos{File: path}, "", "Cannot read the configuration: %v.", cause(err))
	}
	if info.IsDir() {
		if path, err = find(path, s); err != nil {
			return nil, s.warnings, err
		}
	}
	var files []string
	read := func(path string, limit int64) ([]byte, error) {
		data, err := readRegular(path, limit)
		if err == nil && !slices.Contains(files, path) {
			files = append(files, path)
		}
		return data, err
	}
	src, err := read(path, limits.ConfigFile.Bytes(o.Bounds))
	if err != nil {
		return nil, s.warnings, fail(Pos{File: path}, "", "Cannot read the configuration: %v.", cause(err))
	}
	var c *Config
	switch strings.ToLower(filepath.Ext(path)) {
	case ".toml":
		c, err = readWrangler(path, parseTOML(path, src, s), o, s, read)
	case ".json", ".jsonc":
		c, err = readWrangler(path, parseJSONC(path, src, s), o, s, read)
	default:
		r := newCapnpReader(o.ImportPaths, read, s)
		c, err = readCapnp(path, src, o.ConstName, r)
	}
	if err != nil {
		return nil, s.warnings, err
	}
	c.Files = files
	return c, s.warnings, nil
}

// find chooses the configuration file of a directory.
func find(dir string, s *sink) (string, error) {
	wrangler, capnp := present(dir, wranglerNames), present(dir, capnpNames)
	switch {
	case len(wrangler) == 0 && len(capnp) == 0:
		return "", fail(Pos{File: dir}, "create wrangler.toml or give the path of a configuration file",
			"There is no configuration in this directory: none of %s.",
			strings.Join(append(wranglerNames[:len(wranglerNames):len(wranglerNames)], capnpNames...), ", "))
	case len(wrangler) > 0 && len(capnp) > 0:
		return "", fail(Pos{File: dir}, "give the path of the one to use",
			"This directory has two configurations, %s and %s.", wrangler[0], capnp[0])
	}
	found := append(wrangler, capnp...)
	for _, other := range found[1:] {
		s.warnf(Pos{File: filepath.Join(dir, other)}, "", "This file is not used, because %s is there too.", found[0])
	}
	return filepath.Join(dir, found[0]), nil
}

// present are the names that exist in dir, as anything but a directory.
func present(dir string, names []string) []string {
	var out []string
	for _, name := range names {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && !info.IsDir() {
			out = append(out, name)
		}
	}
	return out
}
