package bolt_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"workerd.local/storage"
	"workerd.local/storage/bolt"
	"workerd.local/storage/storagetest"
)

// deep is a file whose entries are in a tree of several floors: long keys leave room for
// few children in a branch.
func deep(t *testing.T) (whole []byte, branches []int, pageBytes int) {
	t.Helper()
	path := newPath(t)
	s := mustOpen(t, path, noSync)
	for i := range 4 {
		w := storage.Write{Actor: storagetest.Actor("ns", i)}
		for j := range 40 {
			w.Put = append(w.Put, storage.KV{Key: fmt.Sprintf("%03d%s", j, strings.Repeat("k", 1500)), Value: []byte("v")})
		}
		commit(t, s, w)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	kinds, pageBytes := pagesOf(t, path)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return whole, kinds["branch"], pageBytes
}

// childAt is where a branch names its i-th child.
func childAt(page, pageBytes, i int) int {
	return page*pageBytes + pageHeader + i*branchElement + branchPageAt
}

func childrenOf(b []byte, page, pageBytes int) (children []int) {
	for i := range int(binary.NativeEndian.Uint16(b[page*pageBytes+pageCountAt:])) {
		children = append(children, int(binary.NativeEndian.Uint64(b[childAt(page, pageBytes, i):])))
	}
	return children
}

// Every branch that names itself in the place of each of its children. bbolt would follow
// the first of them until the memory is full, without meeting a key twice.
func TestBranchPagesThatNameThemselvesAreRefusedAtTheStart(t *testing.T) {
	whole, branches, pageBytes := deep(t)
	if len(branches) < 20 {
		t.Fatalf("only %d branch pages", len(branches))
	}
	if _, err := spoiled(t, whole, func([]byte) {}); err != nil {
		t.Fatal(err)
	}
	path := newPath(t)
	for _, page := range branches {
		for i := range childrenOf(whole, page, pageBytes) {
			b := slices.Clone(whole)
			binary.NativeEndian.PutUint64(b[childAt(page, pageBytes, i):], uint64(page))
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := bolt.Open(path, noSync)
			if err == nil {
				s.Close()
			}
			if !errors.Is(err, storage.ErrDamaged) || !strings.Contains(err.Error(), fmt.Sprintf("page %d", page)) {
				t.Fatalf("child %d of page %d: %v", i, page, err)
			}
			// What can be said without bbolt is still said.
			report, err := bolt.Inspect(t.Context(), path)
			if err != nil || !slices.ContainsFunc(report.Lost, func(l bolt.Loss) bool { return l.Page == uint64(page) }) {
				t.Fatalf("Inspect: %+v, %v", report, err)
			}
		}
	}
}

// A branch that names any other page of the tree: the start or Check says so, and nothing
// hangs.
func TestBranchPagesThatNameAnyOtherPageAreNoticed(t *testing.T) {
	whole, branches, pageBytes := deep(t)
	for _, page := range []int{branches[0], branches[len(branches)-1]} {
		children := childrenOf(whole, page, pageBytes)
		for i := range children {
			for other := range len(whole) / pageBytes {
				if other == children[i] || other%4 != i%4 {
					continue
				}
				_, err := spoiled(t, whole, func(b []byte) {
					binary.NativeEndian.PutUint64(b[childAt(page, pageBytes, i):], uint64(other))
				})
				if !errors.Is(err, storage.ErrDamaged) {
					t.Fatalf("page %d names page %d instead of %d: %v", page, other, children[i], err)
				}
			}
		}
	}
}

// A circle of several pages, of which each looks right by itself.
func TestPagesThatLeadToEachOtherAreRefusedAtTheStart(t *testing.T) {
	whole, branches, pageBytes := deep(t)
	for _, page := range branches {
		for _, below := range childrenOf(whole, page, pageBytes) {
			if !slices.Contains(branches, below) {
				continue
			}
			_, err := spoiled(t, whole, func(b []byte) {
				binary.NativeEndian.PutUint64(b[childAt(below, pageBytes, 0):], uint64(page))
			})
			if !errors.Is(err, storage.ErrDamaged) {
				t.Errorf("pages %d and %d: %v", page, below, err)
			}
		}
	}
}

// What was freed may be an old page that leads back.
func TestBranchThatNamesAFreePageIsRefusedAtTheStart(t *testing.T) {
	whole, branches, pageBytes := deep(t)
	path := newPath(t)
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	kinds, _ := pagesOf(t, path)
	if len(kinds["free"]) == 0 {
		t.Fatal("no page is free")
	}
	for _, free := range kinds["free"] {
		// A page of an earlier commit that leads to the one that names it now.
		_, err := spoiled(t, whole, func(b []byte) {
			page := branches[0]
			copy(b[free*pageBytes:(free+1)*pageBytes], b[page*pageBytes:(page+1)*pageBytes])
			binary.NativeEndian.PutUint64(b[free*pageBytes:], uint64(free))
			binary.NativeEndian.PutUint64(b[childAt(free, pageBytes, 0):], uint64(page))
			binary.NativeEndian.PutUint64(b[childAt(page, pageBytes, 0):], uint64(free))
		})
		if !errors.Is(err, storage.ErrDamaged) {
			t.Errorf("page %d: %v", free, err)
		}
	}
}

// Damage that comes while the store is open, in pages that the start does not look at.
func TestCheckEndsWhereALeafBecameABranchThatLeadsBack(t *testing.T) {
	whole, branches, pageBytes := deep(t)
	path := newPath(t)
	for _, page := range branches {
		leaf := childrenOf(whole, page, pageBytes)[0]
		if slices.Contains(branches, leaf) {
			continue
		}
		if err := os.WriteFile(path, whole, 0o600); err != nil {
			t.Fatal(err)
		}
		s := mustOpen(t, path, noSync)
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		b := slices.Clone(whole[page*pageBytes : (page+1)*pageBytes])
		binary.NativeEndian.PutUint64(b, uint64(leaf))
		binary.NativeEndian.PutUint64(b[childAt(0, pageBytes, 0):], uint64(page))
		if _, err := f.WriteAt(b, int64(leaf*pageBytes)); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if err := s.Check(t.Context()); !errors.Is(err, storage.ErrDamaged) || !strings.Contains(err.Error(), fmt.Sprintf("page %d", leaf)) {
			t.Errorf("leaf %d below %d: %v", leaf, page, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
