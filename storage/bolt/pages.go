package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
)

// The form of bbolt's pages, read here without bbolt, which ends at the first page
// that makes no sense. Integers are in the byte order of the machine.
//
//	page    id u64, flags u16, count u16, overflow u32, then elements
//	branch  element: pos u32, key length u32, page id u64
//	leaf    element: flags u32, pos u32, key length u32, value length u32
//	meta    magic u32, version u32, page size u32, flags u32, root u64, sequence u64,
//	        free list u64, pages u64, transaction u64, checksum u64
//
// pos counts from the element. The value of a bucket is root u64, sequence u64, and
// where root is 0 its only page.
const (
	pageHeaderBytes    = 16
	branchElementBytes = 16
	leafElementBytes   = 16
	metaBytes          = 64
	bucketValueBytes   = 16

	branchPage   = 1
	leafPage     = 2
	freelistPage = 16

	bucketElement = 1

	boltMagic   = 0xED0CDAED
	boltVersion = 2
)

// maxTreeDepth bounds the way from the root to a leaf; a sound tree of the largest
// file has a tenth of it.
const maxTreeDepth = 100

// pageFile is the pages of a bbolt file.
type pageFile struct {
	file     io.ReaderAt
	size     int64
	pageSize int64
	// pages is the number of pages in use, free ones included.
	pages uint64
	root  uint64
	// freelist is the page where the list of free pages begins, 0 where that is not known.
	freelist uint64
}

// readMeta finds the newer of the two meta pages that are whole.
func (p *pageFile) readMeta() error {
	var reasons []error
	var newest uint64
	found := false
	// The second meta page begins where the first page ends, whose size only the
	// first one says: where that is damaged, the usual sizes are tried.
	offsets := []int64{0, 4096, 8192, 16384, 65536}
	for i := 0; i < len(offsets); i++ {
		b := make([]byte, pageHeaderBytes+metaBytes)
		if _, err := p.file.ReadAt(b, offsets[i]); err != nil {
			if i == 0 {
				return fmt.Errorf("its first page cannot be read: %w", err)
			}
			continue
		}
		m := b[pageHeaderBytes:]
		e := binary.NativeEndian
		sum := fnv.New64a()
		sum.Write(m[:metaBytes-8])
		switch {
		case e.Uint32(m) != boltMagic:
			if i == 0 {
				reasons = append(reasons, errors.New("meta page 0 does not begin as one of bbolt"))
			}
			continue
		case e.Uint32(m[4:]) != boltVersion || e.Uint64(m[56:]) != sum.Sum64():
			reasons = append(reasons, fmt.Errorf("the meta page at byte %d has a wrong checksum", offsets[i]))
			continue
		}
		if txid := e.Uint64(m[48:]); !found || txid > newest {
			newest, found = txid, true
			p.pageSize, p.root, p.pages, p.freelist = int64(e.Uint32(m[8:])), e.Uint64(m[16:]), e.Uint64(m[40:]), e.Uint64(m[32:])
		}
		if i == 0 && found {
			offsets = []int64{0, p.pageSize}
		}
	}
	if !found {
		return errors.Join(append(reasons, errors.New("no meta page is whole, so where the tree begins is unknown"))...)
	}
	if p.pageSize < 512 || p.pageSize > 1<<20 {
		return fmt.Errorf("the page size is %d", p.pageSize)
	}
	return nil
}

// element is one key of a page, with its value or the page below it. A page of its
// own is as long as it says; the slices are not shared.
type element struct {
	key, value []byte
	bucket     bool
	child      uint64
}

// read returns the elements of a page.
func (p *pageFile) read(id uint64) (elements []element, leaf bool, err error) {
	if id < 2 || id >= p.pages {
		return nil, false, fmt.Errorf("there is no such page: the file has %d", p.pages)
	}
	at := int64(id) * p.pageSize
	if at+p.pageSize > p.size {
		return nil, false, fmt.Errorf("the file was cut off before it: it has %d bytes", p.size)
	}
	head := make([]byte, pageHeaderBytes)
	if _, err := p.file.ReadAt(head, at); err != nil {
		return nil, false, err
	}
	if own := binary.NativeEndian.Uint64(head); own != id {
		return nil, false, fmt.Errorf("it says of itself that it is page %d", own)
	}
	more := uint64(binary.NativeEndian.Uint32(head[12:]))
	size := int64(more+1) * p.pageSize
	if id+more >= p.pages || at+size > p.size {
		return nil, false, fmt.Errorf("it says that it goes on for %d pages, beyond the end of the file", more)
	}
	b := make([]byte, size)
	if _, err := p.file.ReadAt(b, at); err != nil {
		return nil, false, err
	}
	return parsePage(b)
}

// parsePage takes the bytes of one page apart. The slices share them.
func parsePage(b []byte) (elements []element, leaf bool, err error) {
	if len(b) < pageHeaderBytes {
		return nil, false, fmt.Errorf("it has only %d bytes", len(b))
	}
	e := binary.NativeEndian
	flags, count := e.Uint16(b[8:]), int(e.Uint16(b[10:]))
	if flags != branchPage && flags != leafPage {
		return nil, false, fmt.Errorf("it is neither a branch nor a leaf (flags %#x)", flags)
	}
	leaf = flags == leafPage
	if pageHeaderBytes+count*leafElementBytes > len(b) {
		return nil, false, fmt.Errorf("it says that it has %d keys, more than fit", count)
	}
	if !leaf && count == 0 {
		return nil, false, errors.New("it is a branch without keys")
	}
	part := func(from, length uint64) ([]byte, bool) {
		if from > uint64(len(b)) || length > uint64(len(b))-from {
			return nil, false
		}
		return b[from : from+length : from+length], true
	}
	for i := range count {
		at := uint64(pageHeaderBytes + i*leafElementBytes)
		x := b[at:]
		var el element
		ok := true
		if leaf {
			pos, ksize, vsize := uint64(e.Uint32(x[4:])), uint64(e.Uint32(x[8:])), uint64(e.Uint32(x[12:]))
			el.bucket = e.Uint32(x)&bucketElement != 0
			if el.key, ok = part(at+pos, ksize); ok {
				el.value, ok = part(at+pos+ksize, vsize)
			}
		} else {
			pos, ksize := uint64(e.Uint32(x)), uint64(e.Uint32(x[4:]))
			el.child = e.Uint64(x[8:])
			el.key, ok = part(at+pos, ksize)
		}
		if !ok {
			return nil, false, fmt.Errorf("its key %d lies outside of it", i)
		}
		if i > 0 && bytes.Compare(elements[i-1].key, el.key) >= 0 {
			return nil, false, fmt.Errorf("its key %d is not after the one before", i)
		}
		elements = append(elements, el)
	}
	return elements, leaf, nil
}

// lostPage is a page that cannot be read, and the keys that were or may have been
// below it.
type lostPage struct {
	page   uint64
	reason error
	// low is the first possible key, high the first that is not; a nil high means
	// that there is no end.
	low, high []byte
}

// treeWalk visits every element of the leaves below a page, in order.
type treeWalk struct {
	ctx   context.Context
	file  *pageFile
	seen  map[uint64]bool
	visit func(el element)
	lost  func(l lostPage)
	count int
}

func (w *treeWalk) page(id uint64, low, high []byte, depth int) error {
	if w.count++; w.count%64 == 0 && w.ctx.Err() != nil {
		return w.ctx.Err()
	}
	elements, leaf, err := w.file.read(id)
	switch {
	case err != nil:
	case w.seen[id]:
		err = errors.New("it is used in two places")
	case depth > maxTreeDepth:
		err = errors.New("the tree is deeper than any sound one")
	default:
		err = within(elements, low, high)
	}
	w.seen[id] = true
	if err != nil {
		w.lost(lostPage{page: id, reason: err, low: low, high: high})
		return nil
	}
	if leaf {
		for _, el := range elements {
			w.visit(el)
		}
		return nil
	}
	for i, el := range elements {
		// Keys below the first one of a branch belong to its first child.
		from, to := el.key, high
		if i == 0 {
			from = low
		}
		if i+1 < len(elements) {
			to = elements[i+1].key
		}
		if err := w.page(el.child, from, to, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// within tells whether a page's keys are where its parent says.
func within(elements []element, low, high []byte) error {
	if len(elements) == 0 {
		return nil
	}
	if high != nil && bytes.Compare(elements[len(elements)-1].key, high) >= 0 {
		return errors.New("it has keys that belong to the page after it")
	}
	// A branch's separator may be less than the first key, never greater.
	if low != nil && bytes.Compare(elements[0].key, low) < 0 {
		return errors.New("it has keys that belong to the page before it")
	}
	return nil
}
