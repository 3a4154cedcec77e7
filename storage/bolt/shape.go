package bolt

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// shape looks at which pages name which, before bbolt walks over them: bbolt follows a
// page that leads back to itself until there is no memory left. Where no page is named
// twice, and none that is named is free, every walk ends.
//
// What it cannot make sense of it leaves to bbolt, which panics there, or faults.
type shape struct {
	ctx  context.Context
	file *pageFile
	// leaves says that leaves are looked at too. Otherwise what the lowest branches name
	// is taken for leaves: in a sound tree all of them are at one depth. To look would be
	// to read the whole file, and there is no circle unless two pages are damaged.
	leaves bool
	taken  bitset // pages that are free, or named by another one
	read   int
}

// checkShape returns an error that wraps storage.ErrDamaged where a walk over the file
// might not end.
func checkShape(ctx context.Context, p *pageFile, leaves bool) error {
	s := &shape{ctx: ctx, file: p, leaves: leaves, taken: make(bitset, p.pages/64+1)}
	for _, id := range p.freePages() {
		if id < p.pages {
			s.taken.add(id)
		}
	}
	err := s.tree("the list of buckets", p.root)
	if err != nil {
		return err
	}
	for _, el := range s.buckets() {
		if len(el.value) < bucketValueBytes {
			continue
		}
		if root := binary.NativeEndian.Uint64(el.value); root != 0 {
			if err := s.tree(fmt.Sprintf("bucket %q", el.key), root); err != nil {
				return err
			}
		}
	}
	return nil
}

// buckets are the elements of the root tree, whose shape has been looked at.
func (s *shape) buckets() (found []element) {
	w := &treeWalk{ctx: s.ctx, file: s.file, seen: map[uint64]bool{}, lost: func(lostPage) {}, visit: func(el element) {
		if el.bucket {
			found = append(found, el)
		}
	}}
	_ = w.page(s.file.root, nil, nil, 0) // only the end of ctx, which the next tree finds
	return found
}

// tree looks at the pages from a root on.
func (s *shape) tree(what string, root uint64) error {
	height := maxTreeDepth
	if !s.leaves {
		for id, h := root, 0; ; h++ {
			if h > maxTreeDepth {
				return damagedf("%s: pages lead to page %d again and again, or the tree is deeper than any sound one; %s", what, id, remedy)
			}
			children, err := s.file.children(id)
			if err != nil {
				return err
			}
			if len(children) == 0 {
				height = h
				break
			}
			id = children[0]
		}
	}
	if !s.take(root) {
		return damagedf("%s: its first page, %d, is free or belongs to something else; %s", what, root, remedy)
	}
	return s.page(what, root, 0, height)
}

// page looks at what is below a page.
func (s *shape) page(what string, id uint64, depth, height int) error {
	if depth == height && !s.leaves {
		return nil
	}
	if s.read++; s.read%64 == 0 && s.ctx.Err() != nil {
		return s.ctx.Err()
	}
	children, err := s.file.children(id)
	if err != nil || len(children) == 0 {
		return err
	}
	if depth == maxTreeDepth {
		return damagedf("%s: the tree is deeper than any sound one at page %d; %s", what, id, remedy)
	}
	for _, child := range children {
		if child < 2 || child >= s.file.pages {
			continue // no walk gets past that
		}
		if !s.take(child) {
			return damagedf("%s: page %d names page %d, which is free or is named by another page, so that a walk might not end; %s", what, id, child, remedy)
		}
		if err := s.page(what, child, depth+1, height); err != nil {
			return err
		}
	}
	return nil
}

// take reports whether nobody had the page yet.
func (s *shape) take(id uint64) bool {
	if id >= s.file.pages {
		return true // no walk gets past that
	}
	if s.taken.has(id) {
		return false
	}
	s.taken.add(id)
	return true
}

// children are the pages that a branch names, in their order; none where the page is no
// branch, or nothing that bbolt would go on from. An error is one of reading.
func (p *pageFile) children(id uint64) ([]uint64, error) {
	head, ok, err := p.head(id)
	e := binary.NativeEndian
	if err != nil || !ok || e.Uint16(head[8:]) != branchPage {
		return nil, err
	}
	count := int64(e.Uint16(head[10:]))
	size := pageHeaderBytes + count*branchElementBytes
	if at := int64(id) * p.pageSize; at+size > p.size {
		return nil, nil
	}
	b := make([]byte, size)
	if err := p.readAt(b, int64(id)*p.pageSize); err != nil {
		return nil, err
	}
	children := make([]uint64, count)
	for i := range children {
		children[i] = e.Uint64(b[pageHeaderBytes+i*branchElementBytes+8:])
	}
	return children, nil
}

// head is the header of a page; ok is false where the file has none there.
func (p *pageFile) head(id uint64) (head []byte, ok bool, err error) {
	if id < 2 || id >= p.pages || int64(id+1)*p.pageSize > p.size {
		return nil, false, nil
	}
	head = make([]byte, pageHeaderBytes)
	if err := p.readAt(head, int64(id)*p.pageSize); err != nil {
		return nil, false, err
	}
	return head, binary.NativeEndian.Uint64(head) == id, nil
}

func (p *pageFile) readAt(b []byte, at int64) error {
	_, err := p.file.ReadAt(b, at)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return fmt.Errorf("read page %d: %w", at/p.pageSize, err)
	}
	return nil
}

// freePages are those of the list of free pages, as far as it makes sense.
func (p *pageFile) freePages() []uint64 {
	head, ok, err := p.head(p.freelist)
	if err != nil || !ok || binary.NativeEndian.Uint16(head[8:]) != freelistPage {
		return nil
	}
	e := binary.NativeEndian
	at, count := int64(p.freelist)*p.pageSize+pageHeaderBytes, int64(e.Uint16(head[10:]))
	if count == 0xFFFF { // the number did not fit
		var n [8]byte
		if p.readAt(n[:], at) != nil {
			return nil
		}
		at, count = at+8, int64(e.Uint64(n[:]))
	}
	if count < 0 || count > int64(p.pages) || at+count*8 > p.size {
		return nil
	}
	b := make([]byte, count*8)
	if p.readAt(b, at) != nil {
		return nil
	}
	free := make([]uint64, count)
	for i := range free {
		free[i] = e.Uint64(b[i*8:])
	}
	return free
}

// bitset is a set of page numbers.
type bitset []uint64

func (b bitset) has(n uint64) bool { return b[n/64]&(1<<(n%64)) != 0 }
func (b bitset) add(n uint64)      { b[n/64] |= 1 << (n % 64) }
