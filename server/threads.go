package server

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"

	"workerd.local/config"
	"workerd.local/script"
	"workerd.local/worker"
)

// ThreadEntry is a script that the threads of a worker may run.
type ThreadEntry struct {
	// Path is what a Worker is made of, with slashes, relative to the worker's project.
	Path string
	// Source is the code. What it may import is what the worker may.
	Source script.Source
}

// bareModules are the modules of the faces of threads that have bare names.
var bareModules = []string{"worker"}

// hasThreads reports whether a worker may start threads.
func (w *world) hasThreads(svc *service) bool {
	src := svc.cfg.Worker.Source
	return src != nil && len(src.Threads) > 0 || len(w.s.o.Threads[svc.cfg.Name]) > 0
}

// compileThreads compiles what the threads of a worker may run: as the worker's own
// script, and after that, as its build command may make the files.
func (w *world) compileThreads(ctx context.Context, svc *service) error {
	if !w.hasThreads(svc) {
		return nil
	}
	modules := w.threadModules(svc)
	t := &worker.Threads{Entries: map[string]*script.Script{}, Main: svc.script.Main(), Modules: modules, Guard: w.s.guard, Recorder: w.s.o.ThreadRecorder}
	svc.threads = t
	base := script.Source{
		Bare: bareModules, Name: svc.cfg.Name, CacheDir: w.s.o.CacheDir, Bounds: w.s.o.Limits.Bounds, NodeCompat: nodeCompat(svc.flags),
		Builtin: func(specifier string) bool { return worker.HasBuiltin(modules, svc.flags, specifier) },
	}
	if src := svc.cfg.Worker.Source; src != nil {
		t.Dir, t.Main = absolute(src.Dir), inProject(src.Dir, src.Main)
		for _, file := range src.Threads {
			if err := w.compileThread(ctx, t, base, src, file); err != nil {
				return fmt.Errorf("service %s: %w", svc.cfg.Name, err)
			}
		}
	}
	for _, e := range w.s.o.Threads[svc.cfg.Name] {
		src := e.Source
		src.Name, src.CacheDir, src.Bounds, src.NodeCompat, src.Bare, src.Builtin = base.Name, base.CacheDir, base.Bounds, base.NodeCompat, base.Bare, base.Builtin
		s, err := script.Compile(ctx, src)
		if err != nil {
			return fmt.Errorf("service %s: the entry of a thread %q: %w", svc.cfg.Name, e.Path, err)
		}
		t.Entries[path.Clean(e.Path)] = s
	}
	return nil
}

// compileThread compiles a file of a project.
func (w *world) compileThread(ctx context.Context, t *worker.Threads, source script.Source, project *config.Source, file config.Text) error {
	switch info, err := os.Stat(file.Value); {
	case err != nil:
		return at(file.Pos, "the entry of a thread cannot be read: %s", err)
	case info.IsDir():
		return at(file.Pos, "the entry of a thread is a directory: %s", file.Value)
	}
	source.Entry, source.KeepNames = entry(project), project.KeepNames
	source.Entry.Main = within(project.Dir, file.Value)
	s, err := script.Compile(ctx, source)
	if err != nil {
		return err
	}
	t.Entries[inProject(project.Dir, file.Value)] = s
	return nil
}

// inProject is the path of a file relative to the project, with slashes.
func inProject(dir, file string) string {
	if rel, err := filepath.Rel(dir, file); err == nil {
		file = rel
	}
	return filepath.ToSlash(file)
}

// absolute is the whole path of a directory; "" where the system does not say it.
func absolute(dir string) string {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return ""
	}
	return abs
}
