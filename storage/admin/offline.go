package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"time"

	"workerd.local/storage"
	"workerd.local/storage/bolt"
)

// offline is the operations on a file that no server has open. Each opens it.
type offline struct {
	path    string
	timeout time.Duration
}

// Open returns the storage of a directory: through the server that has it open, else
// of its file, which is opened by each operation, for reading only where that is
// enough. Errors: ErrNoStorage, and what a server says that cannot be asked.
func Open(ctx context.Context, dir string) (Storage, error) {
	path := filepath.Join(dir, bolt.FileName)
	switch info, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Stat(dir); err != nil {
			return nil, fmt.Errorf("%s: %w: the directory does not exist", dir, ErrNoStorage)
		}
		return nil, fmt.Errorf("%s: %w: it has no file %s", dir, ErrNoStorage, bolt.FileName)
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s: %w: it is not a regular file", path, ErrNoStorage)
	}
	c, err := dial(ctx, dir)
	if err == nil {
		return c, nil
	}
	if !errors.Is(err, errNobody) {
		return nil, err
	}
	return &offline{path: path}, nil
}

// Create is Open for an import: where the directory has no storage the import makes
// it, in a directory that exists.
func Create(ctx context.Context, dir string) (Storage, error) {
	st, err := Open(ctx, dir)
	if !errors.Is(err, ErrNoStorage) {
		return st, err
	}
	if info, serr := os.Stat(dir); serr != nil || !info.IsDir() {
		return nil, err
	}
	path := filepath.Join(dir, bolt.FileName)
	if _, serr := os.Stat(path); !errors.Is(serr, fs.ErrNotExist) {
		return nil, err
	}
	return &offline{path: path}, nil
}

func (o *offline) Serving() bool { return false }

func (o *offline) Close() error { return nil }

func (o *offline) open(readOnly bool) (*bolt.Store, error) {
	s, err := bolt.Open(o.path, o.options(readOnly))
	return s, o.explain(err)
}

func (o *offline) options(readOnly bool) bolt.Options {
	return bolt.Options{ReadOnly: readOnly, OpenTimeout: o.timeout}
}

// explain adds to an error what can be done.
func (o *offline) explain(err error) error {
	if errors.Is(err, storage.ErrLocked) {
		return fmt.Errorf("%w\nthat process has no control socket at %s: it is another storage command, a server that is starting, or one that could not make the socket (its log says why)", err, filepath.Join(filepath.Dir(o.path), SocketName))
	}
	return err
}

// with runs fn on the opened store.
func (o *offline) with(readOnly bool, fn func(l *live) error) error {
	s, err := o.open(readOnly)
	if err != nil {
		return err
	}
	return errors.Join(fn(&live{store: s, write: Commit(s)}), s.Close())
}

// forward makes a sequence of one of the opened store.
func forward[T any](o *offline, from func(l *live) iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		err := o.with(true, func(l *live) error {
			for item, err := range from(l) {
				if err != nil {
					return err
				}
				if !yield(item, nil) {
					return errStop
				}
			}
			return nil
		})
		if err != nil && !errors.Is(err, errStop) {
			var none T
			yield(none, err)
		}
	}
}

func (o *offline) Actors(ctx context.Context, namespace string) iter.Seq2[Actor, error] {
	return forward(o, func(l *live) iter.Seq2[Actor, error] { return l.Actors(ctx, namespace) })
}

func (o *offline) Entries(ctx context.Context, q Query) iter.Seq2[storage.KV, error] {
	return forward(o, func(l *live) iter.Seq2[storage.KV, error] { return l.Entries(ctx, q) })
}

func (o *offline) Export(ctx context.Context, w io.Writer, ref string) error {
	return o.with(true, func(l *live) error { return l.Export(ctx, w, ref) })
}

func (o *offline) Backup(ctx context.Context, w io.Writer) error {
	return o.with(true, func(l *live) error { return l.Backup(ctx, w) })
}

func (o *offline) Import(ctx context.Context, r io.Reader, opts ImportOptions) (done Imported, err error) {
	if _, serr := os.Stat(o.path); opts.DryRun && errors.Is(serr, fs.ErrNotExist) {
		// Nothing is stored, so nothing is in the way.
		im := newImporter(&live{}, r, ImportOptions{Replace: true, DryRun: true})
		return im.all(ctx)
	}
	err = o.with(opts.DryRun, func(l *live) error {
		done, err = l.Import(ctx, r, opts)
		return err
	})
	return done, err
}

// Check looks at the pages first where bbolt refuses the file.
func (o *offline) Check(ctx context.Context) (findings []string, err error) {
	err = o.with(true, func(l *live) (err error) {
		findings, err = l.Check(ctx)
		return err
	})
	if !errors.Is(err, storage.ErrDamaged) {
		return findings, err
	}
	report, ierr := bolt.Inspect(ctx, o.path)
	if ierr != nil {
		if errors.Is(ierr, storage.ErrDamaged) {
			return []string{ierr.Error()}, nil
		}
		return nil, ierr
	}
	return append([]string{err.Error()}, lost(report)...), nil
}

func (o *offline) Compact(ctx context.Context) (before, after int64, err error) {
	before, after, err = bolt.CompactFile(ctx, o.path, o.options(false))
	return before, after, o.explain(err)
}
