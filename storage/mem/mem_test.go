package mem_test

import (
	"bytes"
	"errors"
	"testing"

	"workerd.local/storage"
	"workerd.local/storage/mem"
	"workerd.local/storage/storagetest"
)

func TestContract(t *testing.T) {
	storagetest.Run(t, func(testing.TB) storage.Store { return mem.New() }, storagetest.Options{
		Restore: func(t testing.TB, backup []byte) storage.Store {
			s, err := mem.Restore(bytes.NewReader(backup))
			if err != nil {
				t.Fatal(err)
			}
			return s
		},
	})
}

func TestRestoreRefusesWhatIsNotAWholeBackup(t *testing.T) {
	s := mem.New()
	defer s.Close()
	a := storagetest.Actor("ns", 1)
	batch := map[storage.Token][]storage.Write{
		{Shard: a.Shard(), Epoch: 1}: {{Actor: a, Put: []storage.KV{{Key: "k", Value: []byte("v")}}}},
	}
	if _, err := s.Commit(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	var backup bytes.Buffer
	if err := s.Backup(t.Context(), &backup); err != nil {
		t.Fatal(err)
	}
	whole := backup.Bytes()
	for n := range whole {
		if _, err := mem.Restore(bytes.NewReader(whole[:n])); !errors.Is(err, storage.ErrDamaged) {
			t.Fatalf("%d of %d bytes: %v", n, len(whole), err)
		}
	}
	for _, bad := range []string{"", "something else entirely, and long enough", "workerd mem backup 1\nrubbish"} {
		if _, err := mem.Restore(bytes.NewReader([]byte(bad))); !errors.Is(err, storage.ErrDamaged) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
