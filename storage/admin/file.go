package admin

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
)

// WriteFile makes a file of what fn writes. It appears under its name as a whole and
// durable, or not at all; one that is there already is replaced only with force.
func WriteFile(path string, force bool, fn func(w io.Writer) error) (err error) {
	defer func() {
		if errors.Is(err, syscall.ENOSPC) {
			err = fmt.Errorf("%s was not written: the disk is full: %w", path, err)
		}
	}()
	exists := fmt.Errorf("%s exists already; --force replaces it", path)
	if info, err := os.Lstat(path); err == nil {
		if !force {
			return exists
		}
		if info.IsDir() {
			return fmt.Errorf("%s is a directory", path)
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	defer func() {
		if rerr := os.Remove(f.Name()); !errors.Is(rerr, fs.ErrNotExist) {
			err = errors.Join(err, rerr)
		}
	}()
	out := bufio.NewWriterSize(f, 256<<10)
	err = fn(out)
	if err == nil {
		err = out.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if !force {
		// A link, unlike a rename, never takes the place of what has come meanwhile.
		switch err := os.Link(f.Name(), path); {
		case errors.Is(err, fs.ErrExist):
			return exists
		case err == nil:
			return syncDir(dir)
		}
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}

// syncDir makes the name of a new file durable; Windows journals names itself.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
