package serialize

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"workerd.local/isolate"
	"workerd.local/replay"
)

// Serve is told a worker before it runs: who delivers requests and signals to it. What it
// returns ends when the worker does.
type Serve func(w *Worker) (stop func(), err error)

func (s Serve) begin(w *Worker) (stop func(), err error) {
	if s == nil {
		return func() {}, nil
	}
	return s(w)
}

// Run runs a worker from its script's first line to its end, on the calling goroutine.
func Run(ctx context.Context, o Options, serve Serve) Exit {
	w, err := newWorker(o, replay.Live)
	if err != nil {
		return refuse(o, err)
	}
	return w.whole(ctx, serve, w.startNormal)
}

// refuse is the end of a worker that could not be made.
func refuse(o Options, err error) Exit {
	o.warn(err.Error())
	return Exit{Code: ExitFailed, Failed: err}
}

// whole runs from a first turn to the end, and closes the worker.
func (w *Worker) whole(ctx context.Context, serve Serve, first func(js *isolate.JS)) Exit {
	defer w.close()
	stop, err := serve.begin(w)
	if err != nil {
		return refuse(w.o, err)
	}
	defer stop()
	w.turn(first)
	w.drive(ctx, func() bool { return false })
	if w.exit == nil {
		w.end(Exit{})
	}
	return *w.exit
}

// notForkable is what a seed says that nobody can fork, in the original's words.
const notForkable = "Not run in a warm-forkable environment. You may be running in a testing environment."

// RunSeed is a seed that nobody can fork: it parks, and goes on as its own only child.
func RunSeed(ctx context.Context, o Options, mode Mode, serve Serve) Exit {
	if mode == SeedBare {
		o.warn(notForkable)
		return Run(ctx, o, serve)
	}
	w, _, exit, err := record(ctx, o, Forkable, 0)
	if w == nil {
		return *exit
	}
	if exit != nil {
		w.close()
		return *exit
	}
	_ = err // there is no need for the log
	o.warn(notForkable)
	return w.child(ctx, Child{Args: o.Args, Env: o.Env, Preload: o.Preload}, o, serve)
}

// child makes a parked worker go on, to its end.
func (w *Worker) child(ctx context.Context, c Child, o Options, serve Serve) Exit {
	w.becomeChild(c, o.withDefaults())
	return w.whole(ctx, serve, w.goOn)
}

// Build runs a script up to where it parks and has nothing left to do, and writes the
// snapshot to a file, which is there whole or not at all.
func Build(ctx context.Context, o Options, path string, timeout time.Duration) Exit {
	if o.Program == nil {
		return writeBlob(o, &Snapshot{kind: Startup, bare: true, location: o.Location}, path)
	}
	o.Preload = nil
	w, s, exit, err := record(ctx, o, Startup, timeout)
	if w != nil {
		defer w.close()
	}
	switch {
	case exit != nil:
		return *exit
	case err != nil:
		return refuse(o, err)
	}
	return writeBlob(o, s, path)
}

func writeBlob(o Options, s *Snapshot, path string) Exit {
	if err := s.WriteFile(path); err != nil {
		return refuse(o, fmt.Errorf("snapshot: %w", err))
	}
	return Exit{}
}

// WriteFile writes the blob. The file is there whole or not at all.
func (s *Snapshot) WriteFile(path string) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(s.Encode())
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

const notLoaded = "External startup snapshot not loaded, running the script without it"

// WithBase reads the snapshot that a seed is to go on from. What cannot be used is said, and
// left out where o has a script.
func (o Options) WithBase(ctx context.Context, path string) (Options, error) {
	s, err := ReadBlob(ctx, path, o.Limits.Bounds)
	if err == nil && s.base == nil && s.kind == Startup {
		if !s.bare {
			o.Base = s
		}
		return o, nil
	}
	if err == nil {
		err = errors.New("the snapshot is none of a script that had come to rest")
	}
	o.warn(err.Error())
	if o.Program == nil {
		return o, errors.New("Error: External startup snapshot not loaded and no fallback available")
	}
	o.warn(notLoaded)
	return o, nil
}

// RunSnapshot goes on from a snapshot file. Where that cannot be used, o's script, if it has
// one, runs as without a snapshot.
func RunSnapshot(ctx context.Context, o Options, path string, serve Serve) Exit {
	w, why := openSnapshot(ctx, o, path)
	if why == nil && w == nil {
		return Run(ctx, o, serve)
	}
	if why == nil {
		c := Child{Args: o.Args, Env: o.Env, Preload: o.Preload, Location: o.Location}
		return w.child(ctx, c, o, serve)
	}
	o.warn(why.Error())
	if o.Program == nil {
		return refuse(o, errors.New("Error: External startup snapshot not loaded and no fallback available"))
	}
	o.warn(notLoaded)
	return Run(ctx, o, serve)
}

// RunEncoded goes on from a blob in memory. err is why that cannot be used; then nothing
// has run.
func RunEncoded(ctx context.Context, o Options, blob []byte, serve Serve) (Exit, error) {
	s, err := Decode(ctx, blob, o.Limits.Bounds)
	if err != nil {
		return Exit{}, err
	}
	quiet := o
	quiet.Stdout, quiet.Stderr = nil, nil
	w, err := restore(ctx, s, quiet)
	if err != nil {
		return Exit{}, err
	}
	return w.child(ctx, Child{Args: o.Args, Env: o.Env, Preload: o.Preload}, o, serve), nil
}

// openSnapshot is a worker that stands where the snapshot's parked, or why there is none;
// neither where the snapshot has no script and o has.
func openSnapshot(ctx context.Context, o Options, path string) (*Worker, error) {
	s, err := ReadBlob(ctx, path, o.Limits.Bounds)
	if err != nil {
		return nil, err
	}
	if s.bare {
		if o.Program == nil {
			return nil, errors.New("the snapshot has no script")
		}
		return nil, nil // a runtime that has run nothing runs the script
	}
	w, err := restore(ctx, s, o)
	if err != nil {
		return nil, fmt.Errorf("the snapshot cannot be run again: %w", err)
	}
	return w, nil
}
