package bolt_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"workerd.local/storage"
	"workerd.local/storage/bolt"
	"workerd.local/storage/storagetest"
)

func TestOpenTwiceIsLocked(t *testing.T) {
	path := newPath(t)
	s := mustOpen(t, path, noSync)
	defer s.Close()
	_, err := bolt.Open(path, bolt.Options{OpenTimeout: 60 * time.Millisecond})
	wantOpenError(t, err, storage.ErrLocked, path, "another storage directory")
	commit(t, s, storage.Write{Actor: storagetest.Actor("ns", 1), Put: []storage.KV{{Key: "k"}}})
}

// wantOpenError checks the kind of an error and that it names the file and helps.
func wantOpenError(t *testing.T, err, kind error, path, hint string) {
	t.Helper()
	if !errors.Is(err, kind) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), hint) {
		t.Errorf("got %v\nwant %v, with %s and %q", err, kind, path, hint)
	}
}

func TestOpenWhatIsNoStorage(t *testing.T) {
	boltFile := newPath(t)
	db, err := bbolt.Open(boltFile, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket([]byte("somebody else's"))
		return err
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	foreign, err := os.ReadFile(boltFile)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"one byte":       {1},
		"text":           []byte("this is a text file\n"),
		"long text":      bytes.Repeat([]byte("this is a text file\n"), 5000),
		"zeros":          make([]byte, 1<<16),
		"ones":           bytes.Repeat([]byte{0xff}, 1<<16),
		"another's bolt": foreign,
	} {
		path := newPath(t)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		for range 2 { // the failed open lets go of the file
			_, err := bolt.Open(path, noSync)
			wantOpenError(t, err, storage.ErrDamaged, path, "restore a backup")
		}
		if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, content) {
			t.Errorf("%s: the file was changed", name)
		}
	}
	empty := newPath(t)
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := mustOpen(t, empty, noSync).Close(); err != nil {
		t.Errorf("an empty file: %v", err)
	}
}

func TestOpenWherePathIsWrong(t *testing.T) {
	dir := t.TempDir()
	_, err := bolt.Open(dir, noSync)
	if err == nil || !strings.Contains(err.Error(), filepath.Join(dir, bolt.FileName)) {
		t.Errorf("a directory: %v", err)
	}
	missing := filepath.Join(dir, "missing", "file")
	_, err = bolt.Open(missing, noSync)
	wantOpenError(t, err, fs.ErrNotExist, missing, "create it first")
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := bolt.Open(filepath.Join(file, "below"), noSync); err == nil {
		t.Error("a path below a file was opened")
	}
}

func TestOpenWithoutPermission(t *testing.T) {
	if os.Geteuid() <= 0 {
		t.Skip("permissions do not bind this user")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "file")
	_, err := bolt.Open(path, noSync)
	wantOpenError(t, err, fs.ErrPermission, path, "writable by this user")
}

func TestOpenNewerFormat(t *testing.T) {
	path := newPath(t)
	if err := mustOpen(t, path, noSync).Close(); err != nil {
		t.Fatal(err)
	}
	setRaw(t, path, bolt.BucketHead, []byte("format"), []byte{0, 0, 0, 2})
	_, err := bolt.Open(path, noSync)
	wantOpenError(t, err, storage.ErrVersion, path, "newer program")
	for _, bad := range [][]byte{{0, 0, 0, 0}, {1}} {
		setRaw(t, path, bolt.BucketHead, []byte("format"), bad)
		_, err = bolt.Open(path, noSync)
		wantOpenError(t, err, storage.ErrDamaged, path, "restore a backup")
	}
}

// setRaw changes one key behind the store's back; a nil value deletes it.
func setRaw(t *testing.T, path string, bucket, key, value []byte) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		if value == nil {
			return tx.Bucket(bucket).Delete(key)
		}
		return tx.Bucket(bucket).Put(key, value)
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

// rawKeys returns a bucket's keys and values.
func rawKeys(t *testing.T, path string, bucket []byte) (list []storage.KV) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket(bucket).ForEach(func(k, v []byte) error {
			list = append(list, storage.KV{Key: string(k), Value: bytes.Clone(v)})
			return nil
		})
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	return list
}
