package bolt_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"

	"workerd.local/storage"
	"workerd.local/storage/bolt"
	"workerd.local/storage/storagetest"
)

// pagesOf returns the numbers of the pages of a file that are in use, by kind.
func pagesOf(t *testing.T, path string) (kinds map[string][]int, pageBytes int) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true, PreLoadFreelist: true})
	if err != nil {
		t.Fatal(err)
	}
	kinds, pageBytes = map[string][]int{}, db.Info().PageSize
	err = db.View(func(tx *bbolt.Tx) error {
		for n := 0; ; {
			p, err := tx.Page(n)
			if p == nil || err != nil {
				return err
			}
			kinds[p.Type] = append(kinds[p.Type], n)
			n += 1 + p.OverflowCount
		}
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	return kinds, pageBytes
}

// spoiled opens a damaged copy of a file and does what would notice. It returns what
// was noticed, and the entries where nothing was. The copy goes at once: tests make hundreds.
func spoiled(t *testing.T, whole []byte, spoil func(b []byte)) (entries string, err error) {
	t.Helper()
	b := append([]byte{}, whole...)
	spoil(b)
	path := newPath(t)
	defer os.RemoveAll(filepath.Dir(path))
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := bolt.Open(path, noSync)
	if err != nil {
		return "", err
	}
	defer s.Close()
	if err := s.Check(t.Context()); err != nil {
		return "", err
	}
	for i := range 42 {
		entries += entriesOf(t, s, storagetest.Actor("ns", i))
	}
	return entries, nil
}

func wholeFile(t *testing.T) (whole []byte, kinds map[string][]int, pageBytes int) {
	t.Helper()
	path := filled(t)
	kinds, pageBytes = pagesOf(t, path)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"meta", "freelist", "branch", "leaf"} {
		if len(kinds[kind]) == 0 {
			t.Fatalf("the file has no %s page: %v", kind, kinds)
		}
	}
	return whole, kinds, pageBytes
}

// noticedFlips flips each bit of some bytes, one at a time, and wants each noticed.
func noticedFlips(t *testing.T, whole []byte, at, n int) {
	t.Helper()
	for i := range n * 8 {
		_, err := spoiled(t, whole, func(b []byte) { b[at+i/8] ^= 1 << (i % 8) })
		if !errors.Is(err, storage.ErrDamaged) {
			t.Errorf("bit %d of byte %d: %v", i%8, at+i/8, err)
		}
	}
}

// The parts of a page, as bbolt's format has them.
const (
	pageFlagsAt   = 8  // after the page's own number
	pageCountAt   = 10 // of its elements, or of free pages
	pageHeader    = 16
	branchElement = 16 // where its key is, how long that is, the number of the page
	branchPageAt  = 8
	metaBytes     = 64
)

func TestFlippedBitInAMetaPage(t *testing.T) {
	path := newPath(t)
	add := func(value string) []byte {
		s := mustOpen(t, path, noSync)
		commit(t, s, storage.Write{Actor: storagetest.Actor("ns", 1), Put: []storage.KV{{Key: "k", Value: []byte(value)}}})
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return b[:1<<16] // behind that there is nothing yet
	}
	before, err := spoiled(t, add("before"), func([]byte) {})
	if err != nil {
		t.Fatal(err)
	}
	whole := add("after")
	after, err := spoiled(t, whole, func([]byte) {})
	if err != nil || after == before {
		t.Fatalf("the last commit is not to be seen, %v", err)
	}
	_, pageBytes := pagesOf(t, path)
	// The open before the last commit was a transaction too: what the older page tells
	// of has the same entries as before. What a meta page says counts only while its checksum is right. The other one then
	// tells of the commit before.
	seen := map[string]int{}
	for meta := range 2 {
		for i := 0; i < metaBytes*8; i += 3 {
			entries, err := spoiled(t, whole, func(b []byte) { b[meta*pageBytes+pageHeader+i/8] ^= 1 << (i % 8) })
			switch {
			case errors.Is(err, storage.ErrDamaged):
				seen["damaged"]++
			case err != nil:
				t.Errorf("meta %d, bit %d: %v", meta, i, err)
			case entries == after:
				seen["after"]++
			case entries == before:
				seen["before"]++
			default:
				t.Errorf("meta %d, bit %d: the store has what no commit made", meta, i)
			}
		}
	}
	if seen["after"] == 0 || seen["before"] == 0 {
		t.Errorf("outcomes %v", seen)
	}
	// Both of them.
	for i := range 8 {
		_, err := spoiled(t, whole, func(b []byte) { b[pageHeader] ^= 1 << i; b[pageBytes+pageHeader] ^= 1 << i })
		if !errors.Is(err, storage.ErrDamaged) {
			t.Errorf("bit %d of both: %v", i, err)
		}
	}
}

func TestFlippedBitInTheFreelist(t *testing.T) {
	whole, kinds, pageBytes := wholeFile(t)
	// Only the newest one counts.
	for _, n := range kinds["freelist"] {
		at := n * pageBytes
		count := int(binary.NativeEndian.Uint16(whole[at+pageCountAt:]))
		if count == 0 {
			continue
		}
		// The numbers of free pages: one that is in use, and one that is lost.
		noticedFlips(t, whole, at+pageHeader, 3)
	}
}

func TestFlippedBitInABranchPage(t *testing.T) {
	whole, kinds, pageBytes := wholeFile(t)
	for _, n := range kinds["branch"][:1] {
		at := n * pageBytes
		noticedFlips(t, whole, at, 3)
		noticedFlips(t, whole, at+pageFlagsAt, 1)
		noticedFlips(t, whole, at+pageHeader+branchElement+branchPageAt, 3)
	}
}

func TestFlippedBitInALeafPage(t *testing.T) {
	whole, kinds, pageBytes := wholeFile(t)
	for _, n := range kinds["leaf"][:3] {
		at := n * pageBytes
		noticedFlips(t, whole, at, 3)
		noticedFlips(t, whole, at+pageFlagsAt, 1)
	}
}

// A page of which the disk has only the first part.
func TestTornPages(t *testing.T) {
	whole, kinds, pageBytes := wholeFile(t)
	const sector = 512
	tried := 0
	for _, kind := range []string{"branch", "leaf"} {
		for _, n := range kinds[kind][:min(4, len(kinds[kind]))] {
			for keep := sector; keep < pageBytes; keep += sector {
				page := whole[n*pageBytes : (n+1)*pageBytes]
				if !bytes.ContainsFunc(page[keep:], func(r rune) bool { return r != 0 }) {
					break // nothing is missing
				}
				tried++
				_, err := spoiled(t, whole, func(b []byte) { clear(b[n*pageBytes+keep : (n+1)*pageBytes]) })
				if !errors.Is(err, storage.ErrDamaged) {
					t.Errorf("%s page %d with its first %d bytes: %v", kind, n, keep, err)
				}
			}
		}
	}
	if tried < 20 {
		t.Errorf("only %d torn pages", tried)
	}
}

// A branch page whose last child is itself: a walk would never end.
func TestPagesInACircleAreNoticed(t *testing.T) {
	whole, kinds, pageBytes := wholeFile(t)
	n := kinds["branch"][0]
	at := n * pageBytes
	count := int(binary.NativeEndian.Uint16(whole[at+pageCountAt:]))
	_, err := spoiled(t, whole, func(b []byte) {
		binary.NativeEndian.PutUint64(b[at+pageHeader+(count-1)*branchElement+branchPageAt:], uint64(n))
	})
	if !errors.Is(err, storage.ErrDamaged) {
		t.Errorf("got %v", err)
	}
}
