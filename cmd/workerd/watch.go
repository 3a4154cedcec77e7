package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"

	"workerd.local/config"
	"workerd.local/script"
	"workerd.local/server"
)

// quietTime is how long files must have been left alone before they are read again:
// editors and build tools write in several steps.
const quietTime = 500 * time.Millisecond

// clockGrain is how far the time of a file may lag behind the clock: systems stamp files with
// the time of the last tick.
const clockGrain = 20 * time.Millisecond

// reloadable is what follow needs of a server.
type reloadable interface {
	Reload(ctx context.Context, cfg *config.Config) error
	// Watched are the files that the present state was made from.
	Watched() []string
}

var _ reloadable = (*server.Server)(nil)

// follow reloads the server whenever one of its files has changed since began, when the server
// began to read them, until ctx ends. A configuration that cannot be used is reported, and the
// server keeps what it has.
func (o *options) follow(ctx context.Context, began time.Time, s reloadable, path, constName string, stderr io.Writer) {
	o.followFiles(ctx, began, path, stderr, nil, func() error { return o.reload(ctx, s, path, constName, stderr) }, s.Watched)
}

// followFiles calls load whenever one of the watched files has changed, until ctx ends;
// began is when the first load did, and failing what it said.
func (o *options) followFiles(ctx context.Context, began time.Time, path string, stderr io.Writer, failing error, load func() error, watched func() []string) {
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		fmt.Fprintf(stderr, "--watch: this system cannot tell of changed files, restart to load them: %s\n", err)
		return
	}
	f := &follower{notify: notify, stderr: stderr, config: path, failing: failing, load: load, dirs: map[string]bool{}, complained: map[string]bool{}}
	f.watched = func() []string { return append(slices.Clone(watched()), o.dotenv(watched())...) }
	f.run(ctx, began)
	if err := notify.Close(); err != nil {
		fmt.Fprintf(stderr, "--watch: %s\n", err)
	}
}

// dotenv names the files of variables that a wrangler file would read if they were
// there; read is what was read.
func (o *options) dotenv(read []string) []string {
	if len(o.envFiles) > 0 {
		return o.envFiles
	}
	names := []string{".dev.vars", ".env", ".env.local"}
	if e := o.load.Env; e != "" {
		names = append(names, ".dev.vars."+e, ".env."+e, ".env."+e+".local")
	}
	var files []string
	for _, file := range read {
		switch filepath.Base(file) {
		case "wrangler.toml", "wrangler.json", "wrangler.jsonc":
			for _, name := range names {
				files = append(files, filepath.Join(filepath.Dir(file), name))
			}
		}
	}
	return files
}

// follower watches the directories of files, and not the files, because editors
// replace a file by another of the same name. An event is only a hint that it is time
// to look; what counts is whether a file is not the one that was read. So a file
// behind a link that was turned, and one that vanished and came back, count too.
type follower struct {
	notify  *fsnotify.Watcher
	stderr  io.Writer
	load    func() error
	watched func() []string
	config  string

	files      map[string]fingerprint // as they were when they were read
	dirs       map[string]bool        // watched now
	complained map[string]bool        // directories that cannot be watched
	failing    error                  // what the last reload said
}

// fingerprint tells one state of a file from another; the zero value is no file.
type fingerprint struct {
	size int64
	mod  time.Time
	mode fs.FileMode
}

func look(path string) fingerprint {
	info, err := os.Stat(path)
	if err != nil {
		return fingerprint{}
	}
	if info.IsDir() {
		// What is in it is nobody's business here.
		return fingerprint{mode: fs.ModeDir}
	}
	return fingerprint{size: info.Size(), mod: info.ModTime(), mode: info.Mode().Type()}
}

func (f *follower) run(ctx context.Context, began time.Time) {
	timer := time.NewTimer(quietTime)
	timer.Stop()
	waiting := false
	wake := func(again bool) {
		if !waiting || again {
			waiting = true
			timer.Reset(quietTime)
		}
	}
	f.files = f.look()
	for name, now := range f.files {
		if now.mod.After(began) {
			f.files[name] = fingerprint{} // perhaps not what was read
		}
	}
	if f.watch() {
		wake(false)
	}
	for {
		select {
		case <-ctx.Done():
			return
		case e, ok := <-f.notify.Events:
			if !ok {
				return
			}
			if f.dirs[e.Name] && e.Has(fsnotify.Remove|fsnotify.Rename) {
				// The system has forgotten the directory; it may be back by now.
				delete(f.dirs, e.Name)
			}
			_, ours := f.files[e.Name]
			wake(ours)
		case err, ok := <-f.notify.Errors:
			if !ok {
				return
			}
			// Events may have been lost, which costs one look.
			if !errors.Is(err, fsnotify.ErrEventOverflow) {
				fmt.Fprintf(f.stderr, "--watch: %s\n", err)
			}
			wake(true)
		case <-timer.C:
			waiting = false
			fresh := f.watch()
			if (f.changed() && f.reload(ctx)) || fresh {
				wake(false)
			}
		}
	}
}

// look is the files to follow, as they are now.
func (f *follower) look() map[string]fingerprint {
	files := map[string]fingerprint{}
	add := func(path string) {
		abs, err := filepath.Abs(path)
		if err != nil {
			return // only without a working directory, where no relative path means anything
		}
		files[abs] = look(abs)
	}
	add(f.config)
	for _, name := range f.watched() {
		add(name)
	}
	for _, name := range f.blamed() {
		add(name)
	}
	return files
}

// blamed is the files that the last error names: they may be new, so that the server,
// which keeps its old state, does not know of them.
func (f *follower) blamed() []string {
	var names []string
	var walk func(err error)
	walk = func(err error) {
		switch e := err.(type) {
		case nil:
			return
		case *config.Error:
			names = append(names, e.Pos.File)
		case *script.Error:
			for _, d := range e.Diagnostics {
				names = append(names, d.File)
			}
		case interface{ Unwrap() []error }:
			for _, one := range e.Unwrap() {
				walk(one)
			}
		case interface{ Unwrap() error }:
			walk(e.Unwrap())
		}
	}
	walk(f.failing)
	dir := f.config
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		dir = filepath.Dir(dir)
	}
	var found []string
	for _, name := range names {
		// Scripts are named relative to their project.
		for _, path := range []string{name, filepath.Join(dir, name)} {
			if info, err := os.Stat(path); name != "" && err == nil && info.Mode().IsRegular() {
				found = append(found, path)
			}
		}
	}
	return found
}

// changed reports whether a file is not what it was when it was read.
func (f *follower) changed() bool {
	for name, was := range f.files {
		if now := look(name); now != was {
			return true
		}
	}
	return false
}

// reload reads everything again; again is true where a file changed meanwhile. What it says
// comes last: whoever answers it by another change finds the files followed.
func (f *follower) reload(ctx context.Context) (again bool) {
	before, begin := f.look(), time.Now().Add(-clockGrain)
	f.failing = f.load()
	if ctx.Err() != nil {
		return false
	}
	defer func() { sayReloaded(f.stderr, f.failing) }()
	f.files = f.look()
	for name, now := range f.files {
		if was, ok := before[name]; ok {
			again = again || was != now
			f.files[name] = was
		} else if now.mod.After(begin) {
			again = true
			f.files[name] = fingerprint{}
		}
	}
	return f.watch() || again
}

// watch makes sure that the directories of all files are watched, or what there is of
// the path to them. fresh says that one was not watched before: what happened in it
// meanwhile is to be found by looking.
func (f *follower) watch() (fresh bool) {
	wanted := map[string]bool{}
	for name := range f.files {
		for dir := filepath.Dir(name); ; dir = filepath.Dir(dir) {
			wanted[dir] = true
			if f.dirs[dir] {
				break
			}
			exists := f.add(dir)
			fresh = fresh || f.dirs[dir]
			if exists || dir == filepath.Dir(dir) {
				break
			}
		}
	}
	for dir := range f.dirs {
		if !wanted[dir] {
			// It may be gone already, which is as good.
			_ = f.notify.Remove(dir)
			delete(f.dirs, dir)
		}
	}
	return fresh
}

// add watches a directory; false means that there is none.
func (f *follower) add(dir string) (exists bool) {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return false
	}
	if err := f.notify.Add(dir); err != nil {
		if _, gone := os.Stat(dir); gone != nil {
			return false
		}
		if !f.complained[dir] {
			f.complained[dir] = true
			fmt.Fprintf(f.stderr, "--watch: cannot watch %s, restart to load what changes there: %s\n", dir, err)
		}
		return true // its parent would tell nothing of the files in it
	}
	f.dirs[dir] = true
	return true
}
