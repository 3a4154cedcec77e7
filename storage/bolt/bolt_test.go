package bolt_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"workerd.local/storage"
	"workerd.local/storage/bolt"
	"workerd.local/storage/storagetest"
)

// noSync makes tests fast whose subject is not what a power loss leaves.
var noSync = bolt.Options{NoSync: true}

func mustOpen(t testing.TB, path string, o bolt.Options) *bolt.Store {
	t.Helper()
	s, err := bolt.Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestContract(t *testing.T) {
	storagetest.Run(t, func(t testing.TB) storage.Store {
		return mustOpen(t, newPath(t), noSync)
	}, storagetest.Options{
		Reopen: func(t testing.TB, s storage.Store) storage.Store {
			if err := s.Close(); err != nil && !errors.Is(err, storage.ErrClosed) {
				t.Fatalf("close: %v", err)
			}
			return mustOpen(t, s.(*bolt.Store).Path(), noSync)
		},
		Restore: func(t testing.TB, backup []byte) storage.Store {
			path := newPath(t)
			if err := os.WriteFile(path, backup, 0o600); err != nil {
				t.Fatal(err)
			}
			return mustOpen(t, path, noSync)
		},
	})
}

func newPath(t testing.TB) string {
	dir, err := os.MkdirTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, bolt.FileName)
}
