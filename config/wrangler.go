package config

import (
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const (
	// DefaultPort is where a wrangler project listens unless told otherwise.
	DefaultPort = 8787
	// WranglerSocket is the name of the one socket of a wrangler project.
	WranglerSocket = "http"
	// StateService is the name of the disk service that holds the durable objects, KV namespaces and R2 buckets of a wrangler project. No
	// worker can have this name.
	StateService = "state:disk"

	defaultIP = "127.0.0.1"
)

// wranglerScope says how a field of an environment relates to the one at the top level.
type wranglerScope uint8

const (
	inherited    wranglerScope = iota // the environment's value, or else the top level's
	notInherited                      // with an environment chosen, only the environment's value
	topLevelOnly                      // never part of an environment
	ignored                           // matters only to deployment, or is handled with another field
)

// wranglerField is one field of a wrangler file.
type wranglerField struct {
	name  string
	scope wranglerScope
	read  func(r *wranglerReader, m *member)
}

// wranglerFields is every field a wrangler file may have. Fields are read in this order.
var wranglerFields = []wranglerField{
	{"name", ignored, nil}, // read first, see readName
	{"env", ignored, nil},
	{"main", inherited, (*wranglerReader).readMain},
	{"compatibility_date", inherited, (*wranglerReader).readCompatibilityDate},
	{"compatibility_flags", inherited, func(r *wranglerReader, m *member) { r.worker.CompatibilityFlags = r.texts(m) }},
	{"limits", inherited, (*wranglerReader).readLimits},
	{"triggers", inherited, (*wranglerReader).readTriggers},
	{"route", inherited, (*wranglerReader).readRoutes},
	{"routes", inherited, (*wranglerReader).readRoutes},
	{"dev", topLevelOnly, (*wranglerReader).readDev},
	{"workerd", inherited, (*wranglerReader).readOwn},

	{"build", inherited, (*wranglerReader).readBuild},
	{"base_dir", inherited, func(r *wranglerReader, m *member) { r.source.BaseDir = r.path(m) }},
	{"rules", inherited, (*wranglerReader).readRules},
	{"define", notInherited, (*wranglerReader).readDefine},
	{"alias", inherited, (*wranglerReader).readAlias},
	{"no_bundle", inherited, func(r *wranglerReader, m *member) { r.flag(m, &r.source.NoBundle) }},
	{"find_additional_modules", inherited, func(r *wranglerReader, m *member) { r.flag(m, &r.source.FindAdditionalModules) }},
	{"preserve_file_names", inherited, func(r *wranglerReader, m *member) { r.flag(m, &r.source.PreserveFileNames) }},
	{"minify", inherited, func(r *wranglerReader, m *member) { r.flag(m, &r.source.Minify) }},
	{"keep_names", inherited, func(r *wranglerReader, m *member) { r.flag(m, &r.source.KeepNames) }},
	{"tsconfig", inherited, func(r *wranglerReader, m *member) {
		r.source.TSConfig = Text{Value: r.path(m), Pos: m.value.pos}
	}},
	{"jsx_factory", inherited, func(r *wranglerReader, m *member) { r.source.JSXFactory = r.str(m) }},
	{"jsx_fragment", inherited, func(r *wranglerReader, m *member) { r.source.JSXFragment = r.str(m) }},

	{"vars", notInherited, (*wranglerReader).readVars},
	{"secrets", notInherited, (*wranglerReader).readSecrets},
	{"durable_objects", notInherited, (*wranglerReader).readDurableObjects},
	{"migrations", inherited, (*wranglerReader).readMigrations},
	{"exports", inherited, (*wranglerReader).readExports},
	{"services", notInherited, (*wranglerReader).readServices},
	{"tail_consumers", notInherited, func(r *wranglerReader, m *member) { r.worker.Tails = r.tails(m) }},
	{"streaming_tail_consumers", notInherited, func(r *wranglerReader, m *member) { r.worker.StreamingTails = r.tails(m) }},

	{"kv_namespaces", notInherited, bindingList(BindingKVNamespace, "binding", "id")},
	{"r2_buckets", notInherited, bindingList(BindingR2Bucket, "binding", "bucket_name")},
	{"hyperdrive", notInherited, bindingList(BindingHyperdrive, "binding", "id")},
	{"analytics_engine_datasets", notInherited, bindingList(BindingAnalyticsEngine, "binding", "dataset")},
	{"worker_loaders", notInherited, bindingList(BindingWorkerLoader, "binding", "")},
	{"queues", notInherited, (*wranglerReader).readQueues},
	{"d1_databases", notInherited, bindingList(BindingPlatform, "binding", "database_id")},
	{"vectorize", notInherited, bindingList(BindingPlatform, "binding", "index_name")},
	{"workflows", notInherited, bindingList(BindingPlatform, "binding", "name")},
	{"mtls_certificates", notInherited, bindingList(BindingPlatform, "binding", "certificate_id")},
	{"send_email", notInherited, bindingList(BindingPlatform, "name", "destination_address")},
	{"dispatch_namespaces", notInherited, bindingList(BindingPlatform, "binding", "namespace")},
	{"pipelines", notInherited, bindingList(BindingPlatform, "binding", "pipeline")},
	{"secrets_store_secrets", notInherited, bindingList(BindingPlatform, "binding", "store_id")},
	{"ratelimits", notInherited, bindingList(BindingPlatform, "name", "namespace_id")},
	{"vpc_services", notInherited, bindingList(BindingPlatform, "binding", "service_id")},
	{"vpc_networks", notInherited, bindingList(BindingPlatform, "binding", "network_id")},
	{"ai_search", notInherited, bindingList(BindingPlatform, "binding", "instance_name")},
	{"ai_search_namespaces", notInherited, bindingList(BindingPlatform, "binding", "namespace")},
	{"artifacts", notInherited, bindingList(BindingPlatform, "binding", "namespace")},
	{"flagship", notInherited, bindingList(BindingPlatform, "binding", "app_id")},
	{"unsafe_hello_world", notInherited, bindingList(BindingPlatform, "binding", "")},
	{"ai", notInherited, bindingTable},
	{"browser", notInherited, bindingTable},
	{"images", notInherited, bindingTable},
	{"media", notInherited, bindingTable},
	{"stream", notInherited, bindingTable},
	{"version_metadata", notInherited, func(r *wranglerReader, m *member) { r.oneBinding(BindingVersionMetadata, m) }},
	{"assets", inherited, (*wranglerReader).readAssets},
	{"containers", notInherited, platform},
	{"cloudchamber", notInherited, platform},
	{"unsafe", notInherited, platform},
	{"site", topLevelOnly, platform},
	{"wasm_modules", topLevelOnly, platform},
	{"text_blobs", topLevelOnly, platform},
	{"data_blobs", topLevelOnly, platform},
	{"pages_build_output_dir", topLevelOnly, platform},

	{"$schema", ignored, nil},
	{"access", ignored, nil},
	{"account_id", ignored, nil},
	{"cache", ignored, nil},
	{"compliance_region", ignored, nil},
	{"dependencies_instrumentation", ignored, nil},
	{"first_party_worker", ignored, nil},
	{"keep_vars", ignored, nil},
	{"legacy_env", ignored, nil},
	{"logfwdr", ignored, nil},
	{"logpush", ignored, nil},
	{"observability", ignored, nil},
	{"placement", ignored, nil},
	{"preview_urls", ignored, nil},
	{"previews", ignored, nil},
	{"python_modules", ignored, nil},
	{"send_metrics", ignored, nil},
	{"upload_source_maps", ignored, nil},
	{"usage_model", ignored, nil},
	{"workers_dev", ignored, nil},
}

// wranglerReader builds a Config from one wrangler file.
type wranglerReader struct {
	sink     *sink
	file     string
	dir      string // of the file
	options  LoadOptions
	readFile func(path string, limit int64) ([]byte, error)

	top     *node
	env     *node // the chosen environment, nil for the top level
	name    string
	worker  *Worker
	source  *Source
	ip      string
	port    int
	routeAt Pos // of route or routes, to refuse both

	assets    *StaticAssets // nil = none
	exportsAt Pos           // of exports
	exports   []classExport
	secrets   map[string]bool // env-file variables to take; nil = all
}

// readWrangler turns a parsed wrangler file into a configuration with one worker, one socket and, if the
// worker has durable objects, the disk service that keeps them.
func readWrangler(path string, top *node, o LoadOptions, s *sink,
	readFile func(string, int64) ([]byte, error)) (*Config, error) {
	r := &wranglerReader{
		sink: s, file: path, dir: filepath.Dir(path), options: o, readFile: readFile, top: top,
		ip: defaultIP, port: DefaultPort,
	}
	if top == nil {
		return nil, s.err()
	}
	if top.kind != nodeTable {
		s.errorf(top.pos, "A wrangler file is a table of settings, not %s.", top.kind)
		return nil, s.err()
	}
	if o.Env != "" && !r.chooseEnv(o.Env) {
		return nil, s.err()
	}
	r.readName()
	r.source = &Source{Dir: r.dir, KeepNames: true}
	r.worker = &Worker{Pos: top.pos, Source: r.source, GlobalOutbound: ServiceDesignator{Name: DefaultInternet}}
	r.checkKeys(top, "")
	if r.env != nil {
		r.checkKeys(r.env, "env."+o.Env)
	}
	for _, f := range wranglerFields {
		if m := r.field(f); m != nil && m.value.kind != nodeNull {
			f.read(r, m)
		}
	}
	if r.field(wranglerField{name: "find_additional_modules"}) == nil {
		r.source.FindAdditionalModules = r.source.NoBundle
	}
	if r.field(wranglerField{name: "main"}) == nil && len(r.worker.Platform) == 0 && !r.assetsOnly() {
		s.hintf(Pos{File: path}, `add main = "src/index.js"`, `"main" is missing: there is no entry point to run.`)
	}
	r.readEnvFiles()
	r.buildNamespaces()
	r.checkBindingNames()
	if err := s.err(); err != nil {
		return nil, err
	}
	return r.config(), nil
}

// chooseEnv finds the overlay of an environment.
func (r *wranglerReader) chooseEnv(name string) bool {
	envs := r.top.get("env")
	if envs == nil || envs.value.kind != nodeTable {
		r.sink.hintf(Pos{File: r.file}, "add an env."+name+" table or leave --env away",
			"There is no environment %q in this file, which defines none.", name)
		return false
	}
	m := envs.value.get(name)
	if m == nil {
		hint := didYouMean(name, envs.value.keys())
		if hint == "" {
			hint = "the environments are " + strings.Join(envs.value.keys(), ", ")
		}
		r.sink.hintf(envs.pos, hint, "There is no environment %q in this file.", name)
		return false
	}
	if m.value.kind != nodeTable {
		r.wrongType(m, "a table")
		return false
	}
	r.env = m.value
	return true
}

// readName finds the worker's name. An environment's worker is called name-env unless it has its own name.
func (r *wranglerReader) readName() {
	var suffix string
	m := r.top.get("name")
	if r.env != nil {
		if own := r.env.get("name"); own != nil {
			m = own
		} else {
			suffix = "-" + r.options.Env
		}
	}
	if m == nil {
		base := filepath.Base(r.dir)
		if abs, err := filepath.Abs(r.dir); err == nil {
			base = filepath.Base(abs)
		}
		r.name = cleanName(base) + suffix
		r.sink.warnf(Pos{File: r.file}, `add name = "`+r.name+`"`,
			`"name" is missing; the worker is called %q after its directory.`, r.name)
		return
	}
	name := r.str(m)
	if !validWorkerName(name) && m.value.kind == nodeString {
		r.sink.hintf(m.value.pos, "use lower-case letters, digits, - and _",
			"%q is not a worker name.", abbreviate(name))
	}
	r.name = name + suffix
}

func validWorkerName(name string) bool { return name != "" && cleanName(name) == name }

// cleanName replaces what a worker name cannot have by dashes.
func cleanName(s string) string {
	s = strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_' {
			return c
		}
		return '-'
	}, strings.ToLower(s))
	if s == "" {
		return "worker"
	}
	return s
}

// field finds the value of f that applies to the chosen environment.
func (r *wranglerReader) field(f wranglerField) *member {
	top := r.top.get(f.name)
	if f.scope == ignored {
		return nil
	}
	if r.env == nil || f.scope == topLevelOnly {
		return top
	}
	own := r.env.get(f.name)
	switch {
	case own != nil:
		return own
	case f.scope == inherited:
		return top
	case top != nil:
		r.sink.warnf(top.pos, "repeat it under env."+r.options.Env+" if it is needed there",
			"%q is set at the top level but environments do not inherit it.", f.name)
	}
	return nil
}

// checkKeys warns of fields nobody knows, and of fields in the wrong place.
func (r *wranglerReader) checkKeys(n *node, prefix string) {
	known := make(map[string]wranglerScope, len(wranglerFields))
	var names []string
	for _, f := range wranglerFields {
		known[f.name] = f.scope
		names = append(names, f.name)
	}
	if prefix != "" {
		delete(known, "env")
	}
	for _, m := range n.members {
		scope, ok := known[m.key]
		switch {
		case !ok:
			r.sink.warnf(m.pos, didYouMean(m.key, names), "Unknown field %q is ignored.", joinKey(prefix, m.key))
		case prefix != "" && scope == topLevelOnly:
			r.sink.warnf(m.pos, "move it to the top level", "%q has no effect inside an environment.", m.key)
		}
	}
}

func joinKey(prefix, key string) string {
	if prefix == "" {
		return key
	}
	return prefix + "." + key
}

// keeps reports whether a binding keeps something on the disk.
func (r *wranglerReader) keeps() bool {
	return slices.ContainsFunc(r.worker.Bindings, func(b Binding) bool { return b.Kind == BindingKVNamespace || b.Kind == BindingR2Bucket })
}

// config assembles what was read.
func (r *wranglerReader) config() *Config {
	c := &Config{File: r.file, Logging: DefaultLogging()}
	if r.assetsOnly() {
		r.assets.Build = r.source.Build
		c.Services = []Service{{Pos: r.worker.Pos, Name: r.name, Assets: r.assets}}
		c.Sockets = []Socket{r.socket()}
		return c
	}
	c.Services = []Service{{Pos: r.worker.Pos, Name: r.name, Worker: r.worker}}
	if r.assets != nil {
		c.Services = append(c.Services, Service{Pos: r.assets.Path.Pos, Name: r.worker.Assets.Service, Assets: r.assets})
	}
	actors := len(r.worker.Namespaces) > 0 || len(r.worker.Migrations) > 0
	if actors || r.keeps() {
		state := r.options.Data
		if state == "" {
			state = filepath.Join(r.dir, ".workerd", "state")
		}
		if actors {
			r.worker.Storage = DurableObjectStorage{Kind: StorageLocalDisk, Service: StateService}
		}
		c.Services = append(c.Services, Service{
			Name: StateService,
			Disk: &DiskDirectory{Path: Text{Value: filepath.Clean(state)}, Writable: true, Create: true},
		})
	}
	c.Sockets = []Socket{r.socket()}
	return c
}

// socket is the one socket of a project.
func (r *wranglerReader) socket() Socket {
	port := r.port
	switch {
	case r.options.Port == AnyPort:
		port = 0 // the system chooses
	case r.options.Port != 0:
		port = r.options.Port
	}
	return Socket{
		Name:    WranglerSocket,
		Address: Text{Value: net.JoinHostPort(r.ip, strconv.Itoa(port))},
		Service: ServiceDesignator{Name: r.name},
	}
}
