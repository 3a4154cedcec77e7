// Command workerd serves and tests Workers and Durable Object apps from their
// configuration file.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// gcPercent trades memory for speed where the operator has not: the live heap of a
// server is small beside what it allocates for requests, and the memory guard bounds
// what a large one may take. What counts of a program are its threads, which wait with
// what they hold: half as much costs it 1 or 2 % of its time.
const gcPercent, gcPercentOfPrograms = 400, 200

func main() {
	args := os.Args[1:]
	if isAworker(os.Args[0]) {
		args = append([]string{aworkerName}, args...)
	}
	if os.Getenv("GOGC") == "" {
		percent := gcPercent
		if len(args) > 0 && args[0] == "run" {
			percent = gcPercentOfPrograms
		}
		debug.SetGCPercent(percent)
	}
	os.Exit(run(args, os.Stdout, os.Stderr))
}

// command is one verb.
type command struct {
	name, args, short string
	run               func(ctx context.Context, args []string, stdout, stderr io.Writer) int
}

func commands() []command {
	return []command{
		{"serve", "<config> [<const>]", "serve a configuration: a config.capnp, a wrangler file, or a directory with one", serve},
		{"test", "<config> [<filter>]", "run the test() exports of a configuration", test},
		{"run", "<script.js> [<arguments>]", "run a script as a program, as node does", runProgram},
		{"storage", "<command> [...]", "look into stored state, copy it, move it and check it", storageVerb},
		{aworkerName, "[flags] [<script> [...]]", "run a script that may park and go on in children or from a snapshot", aworker},
		{"fork", "--seed <path> [-- <args>]", "make a child of a seed and wait for its end", fork},
	}
}

// run is the whole program but for the exit.
func run(args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		usage(stderr)
		return exitUsage
	}
	switch args[0] {
	case "-h", "--help", "help":
		usage(stdout)
		return exitOK
	case "--version", "version":
		fmt.Fprintln(stdout, version())
		return exitOK
	}
	if args[0] == aworkerChild {
		return runAworkerChild(args[1:], stdout, stderr)
	}
	for _, c := range commands() {
		if c.name == args[0] && c.name == "run" {
			// What a signal does is up to the script.
			return c.run(context.Background(), args[1:], stdout, stderr)
		}
		if c.name == args[0] {
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			// A second signal ends the program at once.
			context.AfterFunc(ctx, stop)
			return c.run(ctx, args[1:], stdout, stderr)
		}
	}
	fmt.Fprintf(stderr, "workerd: there is no command %q\n\n", args[0])
	usage(stderr)
	return exitUsage
}

func usage(w io.Writer) {
	fmt.Fprint(w, "workerd runs Workers and Durable Object apps.\n\nUsage:\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  workerd %-7s %-25s %s\n", c.name, c.args, c.short)
	}
	fmt.Fprint(w, "  workerd --version\n\nworkerd <command> --help tells the flags of a command.\n")
}

// version is the module's version, and the commit it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "workerd (unknown build)"
	}
	v, commit := info.Main.Version, ""
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			commit = " " + s.Value
		}
	}
	return fmt.Sprintf("workerd %s%s (%s)", v, commit, info.GoVersion)
}
