package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"workerd.local/config"
	"workerd.local/httpserver"
	"workerd.local/isolate"
	"workerd.local/server"
)

// pairs is a flag name=value that may be given several times.
type pairs map[string]string

func (p pairs) String() string { return "" }

func (p pairs) Set(s string) error {
	name, value, ok := strings.Cut(s, "=")
	if !ok || name == "" {
		return errors.New("Expected <name>=<value>")
	}
	p[name] = value
	return nil
}

// list is a flag that may be given several times.
type list []string

func (l *list) String() string     { return "" }
func (l *list) Set(s string) error { *l = append(*l, s); return nil }

// options are the flags of serve and test.
type options struct {
	fs           *flag.FlagSet
	args         string // what follows the flags, for the usage
	stdout       io.Writer
	stderr       io.Writer
	load         config.LoadOptions
	importPaths  list
	envFiles     list
	directory    pairs
	external     pairs
	socketAddr   pairs
	socketFD     pairs
	experimental bool
	verbose      bool
	noVerbose    bool
	watch        bool
	supervise    bool
	jsonLog      bool
	noCache      bool
	compatDate   string
	memory       int64
	drain        time.Duration
	run          server.Options
	limits       isolate.Limits
	limit        limitFlag
	reloading    sync.Mutex // held while the configuration is read again
}

// bareOptions are those of a command without any flags yet.
func bareOptions(name, args string, stdout, stderr io.Writer) *options {
	o := &options{fs: flag.NewFlagSet("workerd "+name, flag.ContinueOnError), directory: pairs{}, external: pairs{}, socketAddr: pairs{}, socketFD: pairs{}}
	o.args, o.stdout, o.stderr = args, stdout, stderr
	// Package flag would print all flags after each mistake.
	o.fs.SetOutput(io.Discard)
	o.fs.Usage = func() {}
	return o
}

// newOptions are the flags of a command. Help that was asked for goes to stdout, all
// that is said about mistakes to stderr.
func newOptions(name, args string, stdout, stderr io.Writer) *options {
	o := bareOptions(name, args, stdout, stderr)
	fs := o.fs
	alias := func(v flag.Value, text string, names ...string) {
		for _, n := range names {
			fs.Var(v, n, text)
		}
	}
	alias(&o.importPaths, "search absolute imports of the configuration in `dir`", "I", "import-path")
	alias(o.directory, "use `name=path` for a disk service", "d", "directory-path")
	alias(o.external, "use `name=addr` for an external service", "e", "external-addr")
	fs.BoolVar(&o.experimental, "experimental", false, "allow experimental flags and bindings")
	fs.BoolVar(&o.verbose, "verbose", false, "log more")
	fs.BoolVar(&o.jsonLog, "log-json", false, "log one JSON object per line")
	fs.BoolVar(&o.noCache, "no-compile-cache", false, "do not keep bundled scripts between starts")
	fs.StringVar(&o.load.Env, "env", "", "use the environment `name` of a wrangler file")
	fs.Var(&o.envFiles, "env-file", "read variables from `file` instead of .dev.vars and .env (wrangler; may be repeated)")
	fs.StringVar(&o.load.Data, "data", "", "keep the state of a wrangler project in `dir` (default .workerd/state beside the file)")
	fs.IntVar(&o.load.Port, "port", 0, "listen on `port`; 0 is any that is free (wrangler; default 8787)")
	fs.IntVar(&o.run.Isolates, "isolates", 0, "run scripts on `n` isolates (default: one per core; test: 1)")
	o.limit.fs = fs
	fs.Var(&o.limit, "limit", "change a limit: `name=value` (may be repeated; --limit help tells them)")
	fs.DurationVar(&o.limits.Turn, "limit-turn", isolate.DefaultLimits.Turn, "stop JavaScript that runs for longer than this in one turn")
	fs.DurationVar(&o.limits.Startup, "limit-startup", isolate.DefaultLimits.Startup, "stop top-level code that runs for longer than this")
	fs.Int64Var(&o.limits.BodyBytes, "limit-body", isolate.DefaultLimits.BodyBytes, "buffer bodies of at most this many `bytes`; streamed bodies have no limit")
	fs.Int64Var(&o.memory, "limit-memory", 0, "stop scripts when the heap passes this many `bytes` (default 75 % of the memory; -1: never)")
	fs.IntVar(&o.run.MaxQueued, "limit-queued", 1000, "let at most `n` requests wait for one actor")
	fs.IntVar(&o.run.HTTP.HeaderBytes, "limit-header", httpserver.DefaultLimits.HeaderBytes, "refuse request headers larger than this many `bytes`")
	fs.DurationVar(&o.run.HTTP.HeaderTimeout, "limit-header-time", httpserver.DefaultLimits.HeaderTimeout, "drop clients whose headers take longer than this")
	fs.IntVar(&o.limits.CallStack, "limit-stack", isolate.DefaultLimits.CallStack, "let JavaScript calls nest `n` deep")
	fs.IntVar(&o.limits.StringBytes, "limit-string", isolate.DefaultLimits.StringBytes, "let built-in functions make strings of at most this many `bytes`")
	fs.IntVar(&o.limits.ArrayLength, "limit-array", isolate.DefaultLimits.ArrayLength, "let built-in functions make or walk arrays of at most `n` elements")
	fs.IntVar(&o.limits.BufferBytes, "limit-buffer", isolate.DefaultLimits.BufferBytes, "allow ArrayBuffers of at most this many `bytes`")
	fs.IntVar(&o.limits.JSONDepth, "limit-json-depth", isolate.DefaultLimits.JSONDepth, "read and write JSON nested `n` deep")
	fs.IntVar(&o.limits.Timers, "limit-timers", isolate.DefaultLimits.Timers, "allow `n` active timers in one request or actor")
	fs.DurationVar(&o.run.ActorIdle, "limit-actor-idle", 10*time.Second, "keep an actor without requests in memory for this long")
	fs.IntVar(&o.run.Cache.SoftBytes, "limit-cache", 16<<20, "let the actors of an isolate keep this many `bytes` of what they read")
	fs.IntVar(&o.run.Cache.HardBytes, "limit-cache-hard", 128<<20, "reset an actor that needs more than this many `bytes` of cache at once")
	fs.IntVar(&o.run.Cache.DirtyBytes, "limit-unwritten", 8<<20, "slow down an actor that has this many `bytes` not yet written")
	fs.DurationVar(&o.run.Cache.StaleAfter, "limit-cache-age", 30*time.Second, "forget what an actor has not used for once to twice this long")
	fs.DurationVar(&o.run.HTTP.Idle, "limit-idle", httpserver.DefaultLimits.Idle, "close connections without a request after this long")
	fs.DurationVar(&o.run.HTTP.BodyIdle, "limit-body-idle", httpserver.DefaultLimits.BodyIdle, "drop clients whose bodies stand still for longer than this")
	return o
}

// serveFlags are those that test does not have.
func (o *options) serveFlags() {
	for _, n := range []string{"s", "socket-addr"} {
		o.fs.Var(o.socketAddr, n, "use `name=addr` for a socket")
	}
	for _, n := range []string{"S", "socket-fd"} {
		o.fs.Var(o.socketFD, n, "use the open listening descriptor `name=fd` for a socket")
	}
	for _, n := range []string{"w", "watch"} {
		o.fs.BoolVar(&o.watch, n, false, "reload when the configuration or a script changes")
	}
	o.fs.BoolVar(&o.run.Snapshot, "snapshot", false, "start the isolates of all workers from what the first start of each was given, and keep some ready")
	o.fs.BoolVar(&o.supervise, "supervise", false, "start the server again when its process dies; its sockets stay open meanwhile")
	o.fs.DurationVar(&o.drain, "limit-drain", drainTime, "let requests that have begun go on for this long after SIGTERM")
	o.fs.StringVar(&o.run.Health, "health", "", "answer health checks at `path` on every socket, such as /healthz")
}

// parse reads flags and arguments in any order; code is not negative where the
// program is to end.
func (o *options) parse(args []string, min, max int) (rest []string, code int) {
	for {
		if err := o.fs.Parse(args); err != nil {
			if o.limit.help {
				o.limit.print(o.stdout)
				return nil, exitOK
			}
			if errors.Is(err, flag.ErrHelp) {
				o.usage(o.stdout)
				return nil, exitOK
			}
			return nil, o.wrong("%s", err)
		}
		if args = o.fs.Args(); len(args) == 0 {
			break
		}
		rest, args = append(rest, args[0]), args[1:]
	}
	if len(rest) < min || len(rest) > max {
		return nil, o.wrong("expected %s, got %d arguments", o.args, len(rest))
	}
	err := o.checkPort()
	if err == nil {
		err = o.checkLimits()
	}
	if err == nil {
		o.limits.Bounds, err = o.limit.parse()
	}
	if err != nil {
		return nil, o.wrong("%s", err)
	}
	return rest, -1
}

// checkPort refuses what is no port. Port 0 that was given is any port that is free.
func (o *options) checkPort() (err error) {
	o.fs.Visit(func(f *flag.Flag) {
		switch {
		case f.Name != "port":
		case o.load.Port < 0 || o.load.Port > math.MaxUint16:
			err = fmt.Errorf("--port must be 0 to 65535, not %d", o.load.Port)
		case o.load.Port == 0:
			o.load.Port = config.AnyPort
		}
	})
	return err
}

// checkLimits refuses limits that were given and let nothing through.
func (o *options) checkLimits() (err error) {
	o.fs.Visit(func(f *flag.Flag) {
		text := f.Value.String()
		if f.Name == "limit-memory" && text == "-1" {
			return
		}
		if (strings.HasPrefix(f.Name, "limit-") || f.Name == "isolates") && (text == "0" || text == "0s" || text[0] == '-') && err == nil {
			err = fmt.Errorf("--%s must be positive, not %s", f.Name, text)
		}
		if n, perr := strconv.ParseInt(text, 10, 64); flagMost[f.Name] > 0 && perr == nil && n > flagMost[f.Name] && err == nil {
			err = fmt.Errorf("--%s must be %s, not %d", f.Name, flagRange(f.Name, f.DefValue), n)
		}
	})
	return err
}

// wrong says what is wrong with the command line.
func (o *options) wrong(format string, args ...any) (code int) {
	fmt.Fprintf(o.stderr, "%s: %s\n%s --help tells the flags.\n", o.fs.Name(), fmt.Sprintf(format, args...), o.fs.Name())
	return exitUsage
}

// usage prints every flag once, with all its names.
func (o *options) usage(w io.Writer) {
	fmt.Fprintf(w, "Usage: %s [flags] %s\n\nFlags:\n", o.fs.Name(), o.args)
	names := map[string][]string{}
	var first []*flag.Flag
	o.fs.VisitAll(func(f *flag.Flag) {
		if names[f.Usage] == nil {
			first = append(first, f)
		}
		dashes := "--"
		if len(f.Name) == 1 {
			dashes = "-"
		}
		names[f.Usage] = append(names[f.Usage], dashes+f.Name)
	})
	slices.SortFunc(first, func(a, b *flag.Flag) int { return strings.Compare(long(names[a.Usage]), long(names[b.Usage])) })
	for _, f := range first {
		all := names[f.Usage]
		slices.SortFunc(all, func(a, b string) int { return len(a) - len(b) })
		value, text := flag.UnquoteUsage(f)
		if value != "" {
			value = " " + value
		}
		if f.DefValue != "" && f.DefValue != "0" && f.DefValue != "false" && f.DefValue != "0s" {
			text += " (default " + f.DefValue + ")"
		}
		fmt.Fprintf(w, "  %s%s\n        %s\n", strings.Join(all, ", "), value, text)
	}
}

// long is the longest of a flag's names, by which flags are sorted.
func long(names []string) string {
	return strings.TrimLeft(slices.MaxFunc(names, func(a, b string) int { return len(a) - len(b) }), "-")
}

// config reads, overrides and checks the configuration.
func (o *options) config(path, constName string, stderr io.Writer, testing bool) (*config.Config, error) {
	o.load.ConstName, o.load.ImportPaths, o.load.EnvFiles, o.load.Bounds = constName, o.importPaths, o.envFiles, o.limits.Bounds
	if _, err := os.Stat(path); err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("%s: No such file.", path)
		}
		return nil, err
	}
	cfg, warnings, err := config.Load(path, o.load)
	for _, w := range warnings {
		fmt.Fprintf(stderr, "warning: %s\n", w)
	}
	if err != nil {
		return nil, err
	}
	over := config.Overrides{SocketAddr: o.socketAddr, ExternalAddr: o.external, DirectoryPath: o.directory, SocketFD: map[string]int{}}
	for name, v := range o.socketFD {
		n, err := strconv.Atoi(v)
		if err != nil {
			return nil, fmt.Errorf("--socket-fd %s=%s: %q is not a number", name, v, v)
		}
		over.SocketFD[name] = n
	}
	if testing {
		over.AllowUnmatched = []string{"TEST_TMPDIR"}
	}
	errs := cfg.Override(over)
	errs = append(errs, cfg.Validate(config.ValidateOptions{Experimental: o.experimental, CompatDate: o.compatDate})...)
	if len(errs) == 0 {
		errs = cfg.Unsupported()
	}
	return cfg, config.AsError(errs)
}

// serverOptions are what the flags say of how to run.
func (o *options) serverOptions(stderr io.Writer) server.Options {
	r := o.run
	r.Limits, r.Experimental, r.CompatDate, r.MemoryLimit = o.limits, o.experimental, o.compatDate, o.memory
	r.Log = o.logger(stderr)
	if !o.noCache {
		if dir, err := os.UserCacheDir(); err == nil {
			r.CacheDir = filepath.Join(dir, "workerd", "scripts")
		}
	}
	return r
}

func (o *options) logger(w io.Writer) *slog.Logger {
	level := slog.LevelInfo
	if o.verbose {
		level = slog.LevelDebug
	}
	if o.jsonLog {
		return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level}))
	}
	return slog.New(newTextHandler(w, level))
}

// fail prints an error as the program's last word.
func fail(stderr io.Writer, err error) int {
	fmt.Fprintf(stderr, "%s\n", err)
	return exitFailed
}
