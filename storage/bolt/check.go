package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"go.etcd.io/bbolt"

	"workerd.local/actorid"
	"workerd.local/internal/limits"
	"workerd.local/storage"
)

// Check reads everything: that every key can be reached and is in order, that
// actors, entries and alarms belong together, and that each page of the file is
// used once or free. It ends for every file, also where pages lead in a circle. Commits go on during the first two and wait for the last.
// Errors wrap storage.ErrDamaged and name what is wrong.
func (s *Store) Check(ctx context.Context) error {
	err := s.view(ctx, func(tx *bbolt.Tx) error {
		// What follows walks with bbolt.
		if err := s.pagesOf(tx, func(p *pageFile) error { return checkShape(ctx, p, true) }); err != nil {
			return err
		}
		c := checker{findings: findings{most: limits.StorageFindings.In(s.options.Bounds)}, ctx: ctx, tx: tx}
		return c.run()
	})
	// Only a file whose every page could be reached is safe for bbolt's own check,
	// which runs on a goroutine of its own, where a fault would end the process.
	if err == nil {
		err = s.do(ctx, &operation{alone: func() error { return s.checkPages() }})
	}
	if err != nil {
		return fmt.Errorf("check %s: %w", s.path, err)
	}
	return nil
}

func (s *Store) checkPages() error {
	return s.guard(func() error {
		return s.db.View(func(tx *bbolt.Tx) error {
			f := findings{most: limits.StorageFindings.In(s.options.Bounds)}
			for err := range tx.Check() { // read to its end, or its goroutine stays
				f.add("%v", err)
			}
			return f.err()
		})
	})
}

type findings struct {
	list []error
	more int // that were left out
	most int
}

func (f *findings) add(format string, args ...any) {
	if len(f.list) == f.most {
		f.more++
		return
	}
	f.list = append(f.list, fmt.Errorf(format, args...))
}

func (f *findings) err() error {
	if len(f.list) == 0 {
		return nil
	}
	err := fmt.Errorf("%w: %w", storage.ErrDamaged, errors.Join(f.list...))
	if f.more > 0 {
		err = fmt.Errorf("%w\nand %d more", err, f.more)
	}
	return err
}

// checker holds what one Check has learned: the numbers in use.
type checker struct {
	findings
	ctx context.Context
	tx  *bbolt.Tx

	spaces map[uint32]string // of live and of deleted namespaces
	bodies []uint64
	alarms int
	seen   int
}

func (c *checker) run() error {
	c.spaces = map[uint32]string{}
	for _, check := range []func(){c.names, c.sweeps, c.actors, c.entries, c.dues, c.others} {
		check()
		if err := c.ctx.Err(); err != nil {
			return err
		}
	}
	return c.err()
}

// each calls fn for every key of a bucket, whose order it checks. It ends where that
// is broken: pages that point to each other in a circle would have no end.
func (c *checker) each(bucket []byte, fn func(k, v []byte)) {
	b := c.tx.Bucket(bucket)
	if b == nil {
		c.add("bucket %q is missing", bucket)
		return
	}
	var last []byte
	cursor := b.Cursor()
	for k, v := cursor.First(); k != nil; k, v = cursor.Next() {
		if c.seen++; c.seen%1024 == 0 && c.ctx.Err() != nil {
			return
		}
		if last != nil && bytes.Compare(last, k) >= 0 {
			c.add("bucket %q: key %x is not after %x; what follows is not looked at", bucket, k, last)
			return
		}
		last = k
		if v == nil {
			c.add("bucket %q: key %x is a bucket", bucket, k)
			continue
		}
		fn(k, v)
	}
}

func (c *checker) names() {
	names := c.tx.Bucket(bucketNamespaces)
	last := names.Sequence()
	c.each(bucketNamespaces, func(k, v []byte) {
		switch {
		case k[0] == namePrefix && len(v) == spaceBytes:
			space := binary.BigEndian.Uint32(v)
			if uint64(space) > last || space == 0 {
				c.add("namespace %q has number %d, which was never given", k[1:], space)
			}
			if back := names.Get(spaceKey(space)); !bytes.Equal(back, k[1:]) {
				c.add("namespace %q has number %d, which belongs to %q", k[1:], space, back)
			}
			c.spaces[space] = string(k[1:])
		case k[0] == spacePrefix && len(k) == 1+spaceBytes:
			if back := names.Get(nameKey(string(v))); !bytes.Equal(back, k[1:]) {
				c.add("namespace number %x belongs to %q, which has number %x", k[1:], v, back)
			}
		default:
			c.add("namespaces: key %q means nothing", k)
		}
	})
}

func (c *checker) sweeps() {
	c.each(bucketSweep, func(k, v []byte) {
		switch {
		case k[0] == sweepBody && len(k) == 1+bodyBytes:
			c.bodies = append(c.bodies, binary.BigEndian.Uint64(k[1:]))
		case k[0] == sweepSpace && len(k) == 1+spaceBytes:
			space := binary.BigEndian.Uint32(k[1:])
			if name, live := c.spaces[space]; live {
				c.add("namespace %q is both live and to be swept", name)
			}
			c.spaces[space] = string(v)
		default:
			c.add("sweep: key %q means nothing", k)
		}
	})
}

func (c *checker) actors() {
	due := c.tx.Bucket(bucketDue)
	c.each(bucketActors, func(k, v []byte) {
		if len(k) <= spaceBytes {
			c.add("actors: key %x is too short", k)
			return
		}
		space := binary.BigEndian.Uint32(k)
		name, known := c.spaces[space]
		if !known {
			c.add("actor %x belongs to no namespace", k)
			return
		}
		a := actorid.ID{Namespace: name, Key: string(k[spaceBytes:])}
		r, err := decodeRecord(v)
		if err != nil {
			c.add("actor %s of %q: %v", a, name, err)
			return
		}
		if r.body != 0 {
			c.bodies = append(c.bodies, r.body)
		}
		if r.hasAlarm() {
			c.alarms++
			if k, _ := due.Cursor().Seek(dueKey(a.Shard(), r.time, space, a.Key)); !bytes.Equal(k, dueKey(a.Shard(), r.time, space, a.Key)) {
				c.add("actor %s of %q has an alarm that is not in the order of alarms", a, name)
			}
		}
	})
}

func (c *checker) entries() {
	slices.Sort(c.bodies)
	for i := 1; i < len(c.bodies); i++ {
		if c.bodies[i] == c.bodies[i-1] {
			c.add("body %d belongs to two actors", c.bodies[i])
		}
	}
	if n := len(c.bodies); n > 0 && c.bodies[n-1] > c.tx.Bucket(bucketEntries).Sequence() {
		c.add("body %d was never given", c.bodies[n-1])
	}
	var current uint64
	filled := 0
	c.each(bucketEntries, func(k, v []byte) {
		if len(k) < bodyBytes {
			c.add("entries: key %x is too short", k)
			return
		}
		body := binary.BigEndian.Uint64(k)
		if body == current {
			return
		}
		current = body
		if _, known := slices.BinarySearch(c.bodies, body); known {
			filled++
		} else {
			c.add("the entries of body %d belong to no actor", body)
		}
	})
	if empty := len(c.bodies) - filled; empty > 0 && len(c.list) == 0 && c.ctx.Err() == nil {
		c.add("%d actors have lost their entries", empty)
	}
}

func (c *checker) dues() {
	n := 0
	c.each(bucketDue, func(k, v []byte) {
		n++
		shard, _, space, key, err := splitDueKey(k)
		if err != nil {
			c.add("%v", err)
			return
		}
		if name, known := c.spaces[space]; !known {
			c.add("alarm %x belongs to no namespace", k)
		} else if a := (actorid.ID{Namespace: name, Key: key}); a.Shard() != shard {
			c.add("the alarm of actor %s of %q is in shard %d, not %d", a, name, shard, a.Shard())
		}
	})
	if n != c.alarms && c.ctx.Err() == nil {
		c.add("%d actors have an alarm, the order of alarms has %d", c.alarms, n)
	}
}

func (c *checker) others() {
	c.each(bucketHead, func(k, v []byte) {})
	c.each(bucketProgram, func(k, v []byte) {})
}
