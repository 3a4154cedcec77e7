package config

// LoadOptions says how to read a configuration. The zero value is fine.
type LoadOptions struct {
	ConstName   string   // Cap'n Proto: constant to use, dotted if nested; "" = the only one of type Config
	ImportPaths []string // Cap'n Proto: directories searched for imports and embeds that start with "/"
	Env         string   // wrangler: environment whose overlay applies, "" = the top level
	EnvFiles    []string // wrangler: further dotenv files, later ones win
	Data        string   // wrangler: directory of durable state, "" = .workerd/state beside the file
	Port        int      // wrangler: port to listen on, 0 = dev.port, and 8787 without it
}

// Load reads the configuration at path.
func Load(path string, o LoadOptions) (*Config, Warnings, error) {
	src, err := readRegular(path, maxConfigSize)
	if err != nil {
		return nil, nil, fail(Pos{File: path}, "", "Cannot read the configuration: %v.", cause(err))
	}
	r := newCapnpReader(o.ImportPaths, readRegular)
	c, err := readCapnp(path, src, o.ConstName, r)
	return c, r.sink.warnings, err
}
