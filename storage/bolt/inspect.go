package bolt

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"sort"
	"strings"

	"go.etcd.io/bbolt"

	"workerd.local/actorid"
	"workerd.local/internal/limits"
)

// Report is what Inspect found: which pages of the file cannot be read, and what was
// on them.
type Report struct {
	// Pages and PageBytes are the size of the file as its meta page says.
	Pages     uint64
	PageBytes int64
	// Reached is the number of pages that belong to the tree.
	Reached int
	Lost    []Loss
	// More is the number of further losses, beyond limits.StorageLosses.
	More int
}

// Loss is one page that cannot be read, with everything below it.
type Loss struct {
	Page   uint64
	Bucket string // what the page belongs to; empty for the root of all
	Reason string
	// What names the namespaces, actors and keys that were on it, as far as the rest
	// of the file tells; a line each.
	What []string
}

// String is one line for each loss, and one for each thing that it holds.
func (l Loss) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "page %d", l.Page)
	if l.Bucket != "" {
		fmt.Fprintf(&b, " of %q", l.Bucket)
	}
	fmt.Fprintf(&b, " cannot be read: %s", l.Reason)
	for _, w := range l.What {
		fmt.Fprintf(&b, "\n    lost: %s", w)
	}
	return b.String()
}

// Inspect reads the pages of a file without bbolt, which ends at the first that is
// damaged, and tells what is lost. Nobody may be writing to the file. An error means
// that nothing could be read at all.
func Inspect(ctx context.Context, path string) (*Report, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("inspect: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("inspect: %w", err)
	}
	p := &pageFile{file: f, size: info.Size()}
	if err := p.readMeta(); err != nil {
		return nil, fmt.Errorf("inspect %s: %w", path, damagedf("%s; %s", err, remedy))
	}
	return inspect(ctx, path, p, nil)
}

// Inspect is the function of that name for a store that is in use, as of one moment.
func (s *Store) Inspect(ctx context.Context) (report *Report, err error) {
	err = s.view(ctx, func(tx *bbolt.Tx) error {
		return s.pagesOf(tx, func(p *pageFile) (err error) {
			report, err = inspect(ctx, s.path, p, s.options.Bounds)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("inspect %s: %w", s.path, err)
	}
	return report, nil
}

// pagesOf calls fn with the pages that a transaction sees.
func (s *Store) pagesOf(tx *bbolt.Tx, fn func(p *pageFile) error) error {
	f, err := os.Open(s.path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	p := &pageFile{file: f, size: info.Size(), pageSize: int64(s.db.Info().PageSize), root: uint64(tx.Cursor().Bucket().Root())}
	p.pages = uint64(tx.Size() / p.pageSize)
	return fn(p)
}

func inspect(ctx context.Context, path string, p *pageFile, bounds *limits.Set) (*Report, error) {
	i := &inspector{
		maxLosses: limits.StorageLosses.In(bounds), maxLostLines: limits.StorageLostLines.In(bounds),
		ctx: ctx, file: p, seen: map[uint64]bool{}, report: &Report{Pages: p.pages, PageBytes: p.pageSize}, roots: map[string][]byte{}, names: map[uint32]string{},
	}
	if err := i.run(); err != nil {
		return nil, fmt.Errorf("inspect %s: %w", path, err)
	}
	i.report.Reached = len(i.seen)
	return i.report, nil
}

// inspector is one inspection.
type inspector struct {
	// maxLosses is how many damaged pages a Report describes, maxLostLines how many
	// lines one of them gets.
	maxLosses, maxLostLines int

	ctx    context.Context
	file   *pageFile
	seen   map[uint64]bool
	report *Report
	roots  map[string][]byte // bucket -> its value in the root
	names  map[uint32]string // of namespaces that could be read
}

func (i *inspector) run() error {
	err := i.walk("", i.file.root, func(el element) {
		if el.bucket {
			i.roots[string(el.key)] = slices.Clone(el.value)
		}
	}, func(l lostPage) []string {
		return []string{"everything: the page says where the buckets are"}
	})
	if err != nil {
		return err
	}
	whole := len(i.report.Lost) == 0
	for _, name := range allBuckets {
		if _, ok := i.roots[string(name)]; !ok && whole {
			i.add(Loss{Page: i.file.root, Reason: fmt.Sprintf("it does not name the bucket %q", name), What: []string{"everything in " + string(name)}})
		}
	}
	// Names first: they tell what the others are about.
	for _, b := range []struct {
		name  []byte
		visit func(el element)
		lost  func(l lostPage) []string
	}{
		{bucketNamespaces, i.name, lostText("names of namespaces; their actors are in the file, but under a number only")},
		{bucketHead, nothing, lostText("the format version and the number of opens")},
		{bucketProgram, nothing, lostText("values of the program itself, such as which migrations were applied")},
		{bucketSweep, nothing, lostText("what deletions left behind; nothing that anybody can read")},
		{bucketActors, nothing, i.lostActors},
		{bucketDue, nothing, i.lostDues},
		{bucketEntries, nothing, nil},
	} {
		if err := i.bucket(b.name, b.visit, b.lost); err != nil {
			return err
		}
	}
	return nil
}

func nothing(element) {}

func lostText(text string) func(lostPage) []string {
	return func(lostPage) []string { return []string{text} }
}

// bucket walks one bucket. Without lost, the losses are told by entries.
func (i *inspector) bucket(name []byte, visit func(element), lost func(lostPage) []string) error {
	value, ok := i.roots[string(name)]
	if !ok {
		return nil
	}
	if len(value) < bucketValueBytes {
		i.add(Loss{Page: i.file.root, Bucket: string(name), Reason: "the root says nothing of where it begins", What: []string{"everything in it"}})
		return nil
	}
	root := binary.NativeEndian.Uint64(value)
	if root == 0 { // its only page is in the root itself
		elements, leaf, err := parsePage(value[bucketValueBytes:])
		if err == nil && !leaf {
			err = errors.New("it is a branch within its parent")
		}
		if err != nil {
			i.add(Loss{Page: i.file.root, Bucket: string(name), Reason: err.Error(), What: []string{"everything in it"}})
			return nil
		}
		for _, el := range elements {
			visit(el)
		}
		return nil
	}
	if lost != nil {
		return i.walk(string(name), root, visit, lost)
	}
	return i.entries(root)
}

func (i *inspector) walk(bucket string, root uint64, visit func(element), lost func(lostPage) []string) error {
	w := &treeWalk{ctx: i.ctx, file: i.file, seen: i.seen, visit: visit, lost: func(l lostPage) {
		i.add(Loss{Page: l.page, Bucket: bucket, Reason: l.reason.Error(), What: lost(l)})
	}}
	return w.page(root, nil, nil, 0)
}

func (i *inspector) add(l Loss) {
	if len(i.report.Lost) == i.maxLosses {
		i.report.More++
		return
	}
	if more := len(l.What) - i.maxLostLines; more > 0 {
		l.What = append(l.What[:i.maxLostLines:i.maxLostLines], fmt.Sprintf("and %d more", more))
	}
	i.report.Lost = append(i.report.Lost, l)
}

func (i *inspector) name(el element) {
	if len(el.key) == 1+spaceBytes && el.key[0] == spacePrefix {
		i.names[binary.BigEndian.Uint32(el.key[1:])] = string(el.value)
	}
}

func (i *inspector) space(n uint32) string {
	if name, ok := i.names[n]; ok {
		return fmt.Sprintf("%q", name)
	}
	return fmt.Sprintf("number %d", n)
}

// lostActors tells which actors were on a page.
func (i *inspector) lostActors(l lostPage) (what []string) {
	first, last := uint32(0), ^uint32(0)
	from, to := "the first", "the last"
	if len(l.low) >= spaceBytes {
		first = binary.BigEndian.Uint32(l.low)
		from = actorid.ID{Key: string(l.low[spaceBytes:])}.String()
	}
	if len(l.high) >= spaceBytes {
		last = binary.BigEndian.Uint32(l.high)
		to = "before " + actorid.ID{Key: string(l.high[spaceBytes:])}.String()
	}
	numbers := make([]uint32, 0, len(i.names))
	for n := range i.names {
		if n >= first && n <= last {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	for _, n := range numbers {
		begin, end := "the first", "the last"
		if n == first {
			begin = from
		}
		if n == last {
			end = to
		}
		what = append(what, fmt.Sprintf("actors of namespace %s from %s to %s, and their alarms", i.space(n), begin, end))
	}
	if len(what) == 0 {
		what = []string{fmt.Sprintf("actors of the namespaces of number %d to %d", first, last)}
	}
	return what
}

// lostDues tells which alarms lose their place in the order.
func (i *inspector) lostDues(l lostPage) []string {
	first, last := 0, actorid.Shards-1
	if len(l.low) >= shardBytes {
		first = int(binary.BigEndian.Uint16(l.low))
	}
	if len(l.high) >= shardBytes {
		last = int(binary.BigEndian.Uint16(l.high))
	}
	return []string{fmt.Sprintf("when alarms of shards %d to %d are due; the actors' own records still have their times", first, last)}
}

// entries walks the entries. What was lost is told by actors, which a second walk
// over their records finds.
func (i *inspector) entries(root uint64) error {
	var lost []lostPage
	w := &treeWalk{ctx: i.ctx, file: i.file, seen: i.seen, visit: nothing, lost: func(l lostPage) { lost = append(lost, l) }}
	if err := w.page(root, nil, nil, 0); err != nil || len(lost) == 0 {
		return err
	}
	type span struct{ first, last uint64 }
	spans := make([]span, len(lost))
	for n, l := range lost {
		spans[n] = span{0, ^uint64(0)}
		if len(l.low) >= bodyBytes {
			spans[n].first = binary.BigEndian.Uint64(l.low)
		}
		if len(l.high) >= bodyBytes {
			spans[n].last = binary.BigEndian.Uint64(l.high)
			if len(l.high) == bodyBytes {
				spans[n].last-- // the next body's first possible key is no key of this page
			}
		}
	}
	what := make([][]string, len(lost))
	counts := make([]int, len(lost))
	// The walk before has reported the pages of actors that are lost.
	owners := &treeWalk{ctx: i.ctx, file: i.file, seen: map[uint64]bool{}, lost: func(lostPage) {}, visit: func(el element) {
		r, err := decodeRecord(el.value)
		if err != nil || r.body == 0 || len(el.key) <= spaceBytes {
			return
		}
		// Pages are in the order of their keys, and so are the spans.
		n := sort.Search(len(spans), func(n int) bool { return spans[n].last >= r.body })
		for ; n < len(spans) && spans[n].first <= r.body; n++ {
			if counts[n]++; counts[n] > i.maxLostLines {
				continue
			}
			a := actorid.ID{Key: string(el.key[spaceBytes:])}
			keys := "all keys"
			low, high := lost[n].low, lost[n].high
			from, to := r.body == spans[n].first && len(low) > bodyBytes, r.body == spans[n].last && len(high) > bodyBytes
			switch {
			case from && to:
				keys = fmt.Sprintf("keys from %q to before %q", low[bodyBytes:], high[bodyBytes:])
			case from:
				keys = fmt.Sprintf("keys from %q on", low[bodyBytes:])
			case to:
				keys = fmt.Sprintf("keys before %q", high[bodyBytes:])
			}
			what[n] = append(what[n], fmt.Sprintf("%s of actor %s of namespace %s", keys, a, i.space(binary.BigEndian.Uint32(el.key))))
		}
	}}
	if err := i.visitBucket(bucketActors, owners); err != nil {
		return err
	}
	for n, l := range lost {
		if more := counts[n] - i.maxLostLines; more > 0 {
			what[n] = append(what[n], fmt.Sprintf("keys of %d more actors", more))
		}
		if len(what[n]) == 0 {
			what[n] = []string{"entries that no actor's record names"}
		}
		i.add(Loss{Page: l.page, Bucket: string(bucketEntries), Reason: l.reason.Error(), What: what[n]})
	}
	return nil
}

// visitBucket walks a bucket whose losses are known.
func (i *inspector) visitBucket(name []byte, w *treeWalk) error {
	value := i.roots[string(name)]
	if len(value) < bucketValueBytes {
		return nil
	}
	root := binary.NativeEndian.Uint64(value)
	if root != 0 {
		return w.page(root, nil, nil, 0)
	}
	elements, _, err := parsePage(value[bucketValueBytes:])
	if err != nil {
		return nil // reported already
	}
	for _, el := range elements {
		w.visit(el)
	}
	return nil
}
