package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"workerd.local/internal/limits"
	"workerd.local/serialize"
)

// aworkerOptions are the options of the verb aworker. Those of a child are read on top of
// its seed's: the newest layer that names an option counts.
type aworkerOptions struct {
	Mode            string        `json:"mode"`
	BuildSnapshot   bool          `json:"buildSnapshot"`
	SnapshotBlob    string        `json:"snapshotBlob"`
	SnapshotTimeout time.Duration `json:"snapshotTimeout"`
	Eval            string        `json:"eval"`
	HasEval         bool          `json:"-"`
	Module          bool          `json:"module"`
	Preload         string        `json:"preloadScript"`
	Location        string        `json:"location"`
	LatencyMS       int           `json:"loopLatencyLimitMs"`
	LongTaskMS      int           `json:"longTaskThresholdMs"`
	Listen          string        `json:"listen"`
	ControlSocket   string        `json:"controlSocket"`
	Isolate         string        `json:"isolate"`
	Twins           int           `json:"twins"`
	Agent           bool          `json:"hasAgent"`
	AgentIPC        string        `json:"agentIpc"`
	Threaded        bool          `json:"threadedPlatform"`
	Help            bool          `json:"-"`
	Version         bool          `json:"-"`
	Dump            bool          `json:"-"`
	Report          bool          `json:"report"`
	ReportOnSignal  bool          `json:"reportOnSignal"`
	ReportCompact   bool          `json:"reportCompact"`
	ReportDirectory string        `json:"reportDirectory"`
	ReportFilename  string        `json:"reportFilename"`
	Limits          []string      `json:"limits"`
	Idle            []string      `json:"noEffect"`
	Script          string        `json:"script"`
	Args            []string      `json:"args"`

	bounds         *limits.Set
	stdout, stderr io.Writer // where reports go
}

const aworkerHelp = `Usage: workerd aworker [flags] [script [args]]

  --mode MODE                 normal (the default), seed, or seed-userland
  --build-snapshot            run the script, write its snapshot to --snapshot-blob, and end
  --snapshot-blob FILE        go on from a snapshot
  --snapshot-timeout TIME     how long a script may go on that is to become a snapshot (default 30s)
  -e, --eval CODE             the script itself
  --module                    the script is an ES module
  --preload-script FILE       run this first
  --location URL              the value of location
  --loop-latency-limit-ms N   end the process when one callback runs for longer
  --long-task-threshold-ms N  warn when one callback has run for longer
  --listen ADDRESS            activate the worker, and deliver the requests of host:port or unix:path to it
  --control-socket PATH       be a seed that workerd fork makes children of
  --isolate KIND              a child is an isolate of this process (thread, the default) or a process
  --twins N                   keep so many children ready
  --report                    write a report, as node does, when the script dies of an error
  --report-on-signal          write one on SIGUSR2
  --report-directory DIR      where reports are written
  --report-filename FILE      the file's name, or stdout or stderr
  --report-compact            in one line
  --limit NAME=VALUE          change a limit; may be given several times
  --dump-arguments            print how the command line was read
  -v, --version               print the version
  -h, --help                  print this

The first argument that does not begin with - is the script; what follows it is for the script.
`

// idleFlags are options of Aworker that change nothing here; those in the map take a value.
var idleFlags = map[string]bool{
	"enable-source-maps": false, "cpu-prof": false, "expose-internals": false, "cpu-prof-dir": true, "cpu-prof-interval": true,
	"experimental-async-context": false, "experimental-curl-fetch": false, "no-experimental-curl-fetch": false, "enable-trace-event": false,
	"trace-event-categories": true, "trace-event-directory": true, "max-macro-task-count-per-tick": true, "threaded-platform-pool-size": true,
	"same-origin-shared-data-dir": true, "agent-cred": true,
}

// mostTwins is the most that --twins may ask for, as the limit seed.twins.
const mostTwins = 1000

var errAworkerValue = errors.New("needs a value")

// parseAworker reads a command line on top of base, which may be nil.
func parseAworker(args []string, base *aworkerOptions) (*aworkerOptions, error) {
	o := &aworkerOptions{Mode: "normal", SnapshotTimeout: 30 * time.Second, Isolate: "thread", Twins: -1}
	if base != nil {
		c := *base
		o = &c
		o.Args, o.Idle, o.Limits = nil, nil, slices.Clone(base.Limits)
	}
	for len(args) > 0 {
		arg := args[0]
		if !strings.HasPrefix(arg, "-") || arg == "-" {
			break
		}
		args = args[1:]
		if arg == "--" {
			break
		}
		name, value, has := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		take := func() (string, error) {
			if has {
				return value, nil
			}
			if len(args) == 0 {
				return "", fmt.Errorf("%s %w", arg, errAworkerValue)
			}
			v := args[0]
			args = args[1:]
			return v, nil
		}
		if err := o.set(name, arg, has, take); err != nil {
			return nil, err
		}
	}
	var err error
	if o.bounds, err = limits.Parse(o.Limits...); err != nil {
		return nil, err
	}
	if len(args) > 0 && !o.HasEval {
		script, err := filepath.Abs(args[0])
		if err != nil {
			return nil, err
		}
		o.Script, args = script, args[1:]
	}
	o.Args = slices.Clone(args)
	return o, nil
}

// set reads one option; take is its value.
func (o *aworkerOptions) set(name, arg string, has bool, take func() (string, error)) (err error) {
	flags := map[string]*bool{
		"build-snapshot": &o.BuildSnapshot, "module": &o.Module, "has-agent": &o.Agent, "a": &o.Agent, "ref-agent": &o.Agent, "A": &o.Agent,
		"report": &o.Report, "report-on-signal": &o.ReportOnSignal, "report-compact": &o.ReportCompact,
		"threaded-platform": &o.Threaded, "dump-arguments": &o.Dump, "v": &o.Version, "version": &o.Version, "h": &o.Help, "help": &o.Help,
	}
	if f := flags[name]; f != nil {
		if has {
			return fmt.Errorf("%s takes no value", arg)
		}
		*f = true
		return nil
	}
	texts := map[string]*string{
		"mode": &o.Mode, "e": &o.Eval, "eval": &o.Eval, "location": &o.Location, "listen": &o.Listen, "isolate": &o.Isolate,
		"report-filename": &o.ReportFilename,
	}
	if t := texts[name]; t != nil {
		*t, err = take()
		o.HasEval = o.HasEval || t == &o.Eval
		return err
	}
	paths := map[string]*string{
		"snapshot-blob": &o.SnapshotBlob, "preload-script": &o.Preload, "control-socket": &o.ControlSocket, "agent-ipc": &o.AgentIPC,
		"report-directory": &o.ReportDirectory,
	}
	if p := paths[name]; p != nil {
		if *p, err = take(); err == nil && *p != "" {
			*p, err = filepath.Abs(*p)
		}
		return err
	}
	numbers := map[string]*int{"loop-latency-limit-ms": &o.LatencyMS, "long-task-threshold-ms": &o.LongTaskMS, "twins": &o.Twins}
	if n := numbers[name]; n != nil {
		text, err := take()
		if err != nil {
			return err
		}
		if *n, err = strconv.Atoi(text); err != nil || *n < 0 {
			return fmt.Errorf("%s: %q is not a number", arg, text)
		}
		return nil
	}
	if name == "limit" {
		text, err := take()
		o.Limits = append(o.Limits, text)
		return err
	}
	if name == "snapshot-timeout" {
		text, err := take()
		if err != nil {
			return err
		}
		if o.SnapshotTimeout, err = time.ParseDuration(text); err != nil || o.SnapshotTimeout <= 0 {
			return fmt.Errorf("%s: %q is not a time, such as 30s", arg, text)
		}
		return nil
	}
	if strings.HasPrefix(name, "inspect") {
		return errors.New("there is no inspector here")
	}
	valued, known := idleFlags[name]
	if !known {
		return fmt.Errorf("unknown option %s", arg)
	}
	if valued {
		_, err = take()
	}
	o.Idle = append(o.Idle, name)
	return err
}

// check refuses what does not fit together.
func (o *aworkerOptions) check() error {
	mode, ok := serialize.ParseMode(o.Mode)
	switch {
	case !ok:
		return errors.New("run mode should be normal or seed")
	case mode != serialize.Normal && o.Threaded:
		return errors.New("--threaded-platform cannot be used with --mode " + o.Mode)
	case o.Agent && o.AgentIPC == "":
		return errors.New("agent mode needs --agent-ipc")
	case o.Agent:
		return errors.New("there is no agent here: --listen delivers requests")
	case o.BuildSnapshot && o.SnapshotBlob == "":
		return errors.New("--build-snapshot needs --snapshot-blob")
	case o.Isolate != "thread" && o.Isolate != "process":
		return errors.New("--isolate should be thread or process")
	case o.ControlSocket != "" && mode == serialize.Normal:
		return errors.New("--control-socket needs --mode seed or --mode seed-userland")
	case o.Twins > mostTwins:
		return fmt.Errorf("--twins should be at most %d", mostTwins)
	case o.ControlSocket == "" && (o.Isolate != "thread" || o.Twins >= 0):
		return errors.New("--isolate and --twins need --control-socket")
	case o.BuildSnapshot && (mode != serialize.Normal || o.ControlSocket != ""):
		return errors.New("--build-snapshot goes with --mode normal")
	}
	if o.Script == "" && !o.HasEval && o.SnapshotBlob == "" && mode != serialize.SeedBare {
		return errors.New("a script is missing")
	}
	return nil
}
