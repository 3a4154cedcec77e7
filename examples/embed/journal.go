package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"encoding/gob"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
	"os"
	"slices"
	"sync"

	"workerd.local/actorid"
	"workerd.local/storage"
	"workerd.local/storage/mem"
)

// Journal is a storage.Store that keeps everything in memory and writes each commit to
// the end of a file, which is read again when it is opened. It is meant for little
// data that is kept for a short time: the file only grows.
//
// Its methods may be called from any goroutine.
type Journal struct {
	state *mem.Store
	epoch uint64 // how often the file was opened; tokens of earlier times are fenced
	inner uint64 // the epoch of state's tokens
	place *storage.Local

	mu     sync.Mutex // held over a write to the file and to state; guards what follows
	f      *os.File
	failed error // why the file cannot be believed any more
}

var _ storage.Store = (*Journal)(nil)

// record is one change in the file: a length, a checksum, and this as gob.
type record struct {
	Batch  map[storage.Token][]storage.Write
	Meta   string // a name, with its Value
	Value  []byte
	Delete string // a namespace
	Opened bool   // the file was opened
}

const (
	headerBytes    = 8
	maxRecordBytes = 1 << 30
)

// OpenJournal opens the store in a file, which is made where there is none. The end of
// a record that was cut off by a crash is dropped: nobody was told that it is durable.
func OpenJournal(name string) (*Journal, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	j := &Journal{state: mem.New(), f: f}
	_, t, err := j.state.Placement().Owner(context.Background(), 0)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	j.inner = t.Epoch
	good, err := j.replay()
	if err == nil {
		err = f.Truncate(good)
	}
	if err == nil {
		_, err = f.Seek(good, io.SeekStart)
	}
	if err == nil {
		err = j.write(context.Background(), &record{Opened: true})
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("journal %s: %w", name, err), f.Close())
	}
	j.place = storage.NewLocal(j.epoch, func() bool { return j.check() == nil })
	return j, nil
}

// check is nil while the file can be believed.
func (j *Journal) check() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.failed
}

// replay applies the records of the file and returns where the last one ends.
func (j *Journal) replay() (end int64, err error) {
	r := bufio.NewReader(j.f)
	for {
		var header [headerBytes]byte
		if _, err := io.ReadFull(r, header[:]); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return end, nil
		} else if err != nil {
			return 0, err
		}
		n := binary.BigEndian.Uint32(header[:])
		if n > maxRecordBytes {
			return 0, fmt.Errorf("%w: a record of %d bytes at %d", storage.ErrDamaged, n, end)
		}
		// Buffer grows as bytes come, so that a wrong length asks for no memory.
		var body bytes.Buffer
		if _, err := io.CopyN(&body, r, int64(n)); errors.Is(err, io.EOF) {
			return end, nil
		} else if err != nil {
			return 0, err
		}
		if crc32.ChecksumIEEE(body.Bytes()) != binary.BigEndian.Uint32(header[4:]) {
			if _, err := r.Peek(1); errors.Is(err, io.EOF) {
				return end, nil // the last one, cut off
			}
			return 0, fmt.Errorf("%w: the record at %d has another checksum", storage.ErrDamaged, end)
		}
		var rec record
		if err := gob.NewDecoder(&body).Decode(&rec); err != nil {
			return 0, fmt.Errorf("%w: the record at %d: %s", storage.ErrDamaged, end, err)
		}
		if err := j.apply(context.Background(), &rec); err != nil {
			return 0, err
		}
		end += headerBytes + int64(n)
	}
}

// apply changes the memory.
func (j *Journal) apply(ctx context.Context, r *record) error {
	switch {
	case r.Opened:
		j.epoch++
		return nil
	case r.Meta != "":
		if r.Value == nil {
			r.Value = []byte{} // gob does not tell them apart
		}
		return j.state.SetMeta(ctx, r.Meta, r.Value)
	case r.Delete != "":
		return j.state.DeleteNamespace(ctx, r.Delete)
	}
	_, err := j.state.Commit(ctx, r.Batch)
	return err
}

// write makes a change durable, then visible.
func (j *Journal) write(ctx context.Context, r *record) error {
	var body bytes.Buffer
	body.Write(make([]byte, headerBytes))
	if err := gob.NewEncoder(&body).Encode(r); err != nil {
		return err
	}
	b := body.Bytes()
	if len(b)-headerBytes > maxRecordBytes {
		return fmt.Errorf("a commit of %d bytes is too large for the journal", len(b))
	}
	binary.BigEndian.PutUint32(b, uint32(len(b)-headerBytes))
	binary.BigEndian.PutUint32(b[4:], crc32.ChecksumIEEE(b[headerBytes:]))

	j.mu.Lock()
	defer j.mu.Unlock()
	if j.failed != nil {
		return j.failed
	}
	// From here on the caller's context has no say: half a record helps nobody.
	if err := ctx.Err(); err != nil {
		return err
	}
	_, err := j.f.Write(b)
	if err == nil {
		err = j.f.Sync()
	}
	if err != nil {
		j.failed = fmt.Errorf("%w: %w", storage.ErrFailed, err)
		return j.failed
	}
	return j.apply(context.WithoutCancel(ctx), r)
}

// Commit is storage.Store's.
func (j *Journal) Commit(ctx context.Context, batch map[storage.Token][]storage.Write) ([]storage.Token, error) {
	if err := storage.CheckBatch(batch); err != nil {
		return nil, err
	}
	current, fenced := map[storage.Token][]storage.Write{}, []storage.Token(nil)
	for t, writes := range batch {
		if t.Epoch != j.epoch {
			fenced = append(fenced, t)
			continue
		}
		current[storage.Token{Shard: t.Shard, Epoch: j.inner}] = writes
	}
	slices.SortFunc(fenced, func(a, b storage.Token) int { return cmp.Compare(a.Shard, b.Shard) })
	if len(current) == 0 {
		return fenced, errors.Join(j.check(), ctx.Err())
	}
	return fenced, j.write(ctx, &record{Batch: current})
}

// token is what the memory knows a token as.
func (j *Journal) token(t storage.Token) storage.Token {
	if t.Epoch != j.epoch {
		return storage.Token{Shard: t.Shard} // fenced there, too
	}
	return storage.Token{Shard: t.Shard, Epoch: j.inner}
}

// SetMeta is storage.Store's.
func (j *Journal) SetMeta(ctx context.Context, name string, value []byte) error {
	if err := storage.CheckMeta(name, value); err != nil {
		return err
	}
	return j.write(ctx, &record{Meta: name, Value: value})
}

// DeleteNamespace is storage.Store's.
func (j *Journal) DeleteNamespace(ctx context.Context, namespace string) error {
	return j.write(ctx, &record{Delete: namespace})
}

// Close is storage.Store's. Every commit that returned is in the file already.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.failed = storage.ErrClosed
	return errors.Join(j.state.Close(), j.f.Close())
}

// Everything that only reads is the memory's.

// Get is storage.Store's.
func (j *Journal) Get(ctx context.Context, t storage.Token, a actorid.ID, keys []string) ([]storage.KV, error) {
	return j.state.Get(ctx, j.token(t), a, keys)
}

// Scan is storage.Store's.
func (j *Journal) Scan(ctx context.Context, t storage.Token, a actorid.ID, r storage.Range) iter.Seq2[storage.KV, error] {
	return j.state.Scan(ctx, j.token(t), a, r)
}

// Alarm is storage.Store's.
func (j *Journal) Alarm(ctx context.Context, t storage.Token, a actorid.ID) (storage.Due, error) {
	return j.state.Alarm(ctx, j.token(t), a)
}

// Alarms is storage.Store's.
func (j *Journal) Alarms(ctx context.Context, t storage.Token, limit int) ([]storage.Due, error) {
	return j.state.Alarms(ctx, j.token(t), limit)
}

// Actors is storage.Store's.
func (j *Journal) Actors(ctx context.Context, namespace string, after actorid.ID) iter.Seq2[storage.ActorInfo, error] {
	return j.state.Actors(ctx, namespace, after)
}

// Namespaces is storage.Store's.
func (j *Journal) Namespaces(ctx context.Context) iter.Seq2[string, error] {
	return j.state.Namespaces(ctx)
}

// Meta is storage.Store's.
func (j *Journal) Meta(ctx context.Context, name string) ([]byte, error) {
	return j.state.Meta(ctx, name)
}

// Backup is storage.Store's; package mem restores it.
func (j *Journal) Backup(ctx context.Context, w io.Writer) error { return j.state.Backup(ctx, w) }

// Check is storage.Store's.
func (j *Journal) Check(ctx context.Context) error { return j.state.Check(ctx) }

// Placement says that this process owns every shard.
func (j *Journal) Placement() storage.Placement { return j.place }

// InstantReads is storage.InstantReader's.
func (j *Journal) InstantReads() bool { return true }
