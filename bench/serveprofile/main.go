// Command serveprofile serves a configuration as cmd/workerd does and leaves
// profiles when it ends: of the CPU in the file that the environment names in
// CPUPROFILE, of allocations in that of MEMPROFILE. bench/compare -cpuprofile
// starts it; cmd/workerd itself has no profiler.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strings"
	"syscall"
	"time"

	"workerd.local/config"
	"workerd.local/server"
)

// drainTime is how long requests that have begun may go on after SIGTERM.
const drainTime = 10 * time.Second

// allocationsEvery is the number of allocated bytes per sample of the allocation
// profile.
const allocationsEvery = 64 << 10

// gcPercent is the one that cmd/workerd sets, so that profiles show its collector.
const gcPercent = 400

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if err := run(os.Args[1:], os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// pairs is a flag name=value that may be given several times.
type pairs map[string]string

func (p pairs) String() string { return "" }

func (p pairs) Set(s string) error {
	name, value, ok := strings.Cut(s, "=")
	if !ok || name == "" {
		return errors.New("expected <name>=<value>")
	}
	p[name] = value
	return nil
}

func run(args []string, stderr io.Writer) (err error) {
	if len(args) == 0 || args[0] != "serve" {
		return errors.New("usage: serveprofile serve [flags] <config>")
	}
	addr, dir := pairs{}, pairs{}
	fs := flag.NewFlagSet("serveprofile serve", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.Var(addr, "socket-addr", "use `name=addr` for a socket")
	fs.Var(dir, "directory-path", "use `name=path` for a disk service")
	// The configuration may come first, as cmd/workerd allows.
	path, flags := "", args[1:]
	if len(flags) > 0 && !strings.HasPrefix(flags[0], "-") {
		path, flags = flags[0], flags[1:]
	}
	if err := fs.Parse(flags); err != nil {
		return err
	}
	switch rest := fs.Args(); {
	case path == "" && len(rest) == 1:
		path = rest[0]
	case path == "" || len(rest) > 0:
		return errors.New("serveprofile serve takes one configuration file")
	}
	cfg, _, err := config.Load(path, config.LoadOptions{})
	if err != nil {
		return err
	}
	errs := cfg.Override(config.Overrides{SocketAddr: addr, DirectoryPath: dir})
	if errs = append(errs, cfg.Validate(config.ValidateOptions{})...); len(errs) == 0 {
		errs = cfg.Unsupported()
	}
	if err := config.AsError(errs); err != nil {
		return err
	}
	stop, err := startProfiles(os.Getenv("CPUPROFILE"), os.Getenv("MEMPROFILE"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	return serve(ctx, cfg, slog.New(slog.NewTextHandler(stderr, nil)))
}

func serve(ctx context.Context, cfg *config.Config, log *slog.Logger) error {
	s, err := server.New(ctx, cfg, server.Options{Log: log})
	if err != nil {
		return err
	}
	if _, err := s.Start(); err != nil {
		return errors.Join(err, s.Close(ctx))
	}
	<-ctx.Done()
	drain, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	return s.Drain(drain)
}

// startProfiles profiles until stop; an empty path means no profile of that kind.
func startProfiles(cpu, allocations string) (stop func() error, err error) {
	var cpuFile *os.File
	if cpu != "" {
		if cpuFile, err = os.Create(cpu); err != nil {
			return nil, err
		}
		if err := pprof.StartCPUProfile(cpuFile); err != nil {
			return nil, errors.Join(err, cpuFile.Close())
		}
	}
	if allocations != "" {
		runtime.MemProfileRate = allocationsEvery
	}
	return func() error {
		var errs []error
		if cpuFile != nil {
			pprof.StopCPUProfile()
			errs = append(errs, cpuFile.Close())
		}
		if allocations != "" {
			errs = append(errs, writeAllocations(allocations))
		}
		return errors.Join(errs...)
	}, nil
}

func writeAllocations(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(pprof.Lookup("allocs").WriteTo(f, 0), f.Close())
}
