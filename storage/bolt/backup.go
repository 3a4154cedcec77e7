package bolt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"

	"workerd.local/storage"
)

// Backup writes the file as of one moment, free pages included. Commits go on,
// but the pages they replace are not used again until the backup ends.
func (s *Store) Backup(ctx context.Context, w io.Writer) error {
	var failed error
	err := s.view(ctx, func(tx *bbolt.Tx) error {
		out := &backupWriter{ctx: ctx, w: w}
		_, err := tx.WriteTo(out)
		failed = out.err
		return err
	})
	if failed != nil {
		err = failed // bbolt flattens some of the writer's errors to text
	}
	if err != nil {
		return fmt.Errorf("backup %s: %w", s.path, err)
	}
	return nil
}

type backupWriter struct {
	ctx context.Context
	w   io.Writer
	err error
}

func (b *backupWriter) Write(p []byte) (n int, err error) {
	if b.err = b.ctx.Err(); b.err == nil {
		n, b.err = b.w.Write(p)
	}
	return n, b.err
}

// compactBytes is how much a transaction of Compact copies.
const compactBytes = 8 << 20

// Compact writes a copy without free pages to a new file at dst, which must not
// exist. To use it, close the store and put the new file in the old one's place.
func (s *Store) Compact(ctx context.Context, dst string) error {
	if err := s.compact(ctx, dst); err != nil {
		return fmt.Errorf("compact %s to %s: %w", s.path, dst, err)
	}
	return nil
}

func (s *Store) compact(ctx context.Context, dst string) (err error) {
	// The name is taken first, so that nobody's file is overwritten.
	f, err := os.OpenFile(dst, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(dst)
		}
	}()
	to, err := bbolt.Open(dst, 0o600, &bbolt.Options{FreelistType: bbolt.FreelistMapType, NoSync: true, NoStatistics: true})
	if err != nil {
		return err
	}
	err = s.view(ctx, func(from *bbolt.Tx) error {
		for _, name := range allBuckets {
			if err := copyBucket(ctx, to, from, name); err != nil {
				return fmt.Errorf("bucket %s: %w", name, err)
			}
		}
		return nil
	})
	var size int64
	if err == nil {
		err = to.View(func(tx *bbolt.Tx) error {
			size = tx.Size()
			return nil
		})
	}
	if err = errors.Join(err, to.Close()); err != nil {
		return err
	}
	return finish(dst, size)
}

// finish cuts off what the file grew in advance and makes it durable.
func finish(path string, size int64) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Truncate(size), f.Sync(), f.Close()); err != nil {
		return err
	}
	return syncDirectory(filepath.Dir(path))
}

// copyBucket copies in transactions of bounded size.
func copyBucket(ctx context.Context, to *bbolt.DB, from *bbolt.Tx, name []byte) error {
	source := from.Bucket(name)
	if source == nil {
		return fmt.Errorf("%w: it is missing", storage.ErrDamaged)
	}
	err := to.Update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucket(name)
		if err != nil {
			return err
		}
		return b.SetSequence(source.Sequence())
	})
	if err != nil {
		return err
	}
	c := source.Cursor()
	for k, v := c.First(); k != nil; {
		err := to.Update(func(tx *bbolt.Tx) error {
			b := tx.Bucket(name)
			b.FillPercent = 0.9
			for size := 0; k != nil && size < compactBytes; k, v = c.Next() {
				if err := ctx.Err(); err != nil {
					return err
				}
				if err := b.Put(k, v); err != nil {
					return err
				}
				size += len(k) + len(v)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
