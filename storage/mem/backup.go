package mem

import (
	"bufio"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"

	"workerd.local/actorid"
	"workerd.local/storage"
)

// backupHeader is the first line of a backup.
const backupHeader = "workerd mem backup 1\n"

// record is one item of a backup: an actor, a meta value or, last, the end.
type record struct {
	Actor   actorid.ID
	Entries []storage.KV
	Alarm   storage.Due
	Meta    string
	Value   []byte
	End     bool
}

// Backup writes the current version for Restore.
func (s *Store) Backup(ctx context.Context, w io.Writer) error {
	v, err := s.load(ctx)
	if err == nil {
		err = v.write(ctx, w)
	}
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return nil
}

func (v *version) write(ctx context.Context, w io.Writer) error {
	out := bufio.NewWriter(w)
	if _, err := out.WriteString(backupHeader); err != nil {
		return err
	}
	enc := gob.NewEncoder(out)
	for id, a := range v.actors.from(nil) {
		if err := ctx.Err(); err != nil {
			return err
		}
		r := record{Actor: id, Alarm: a.alarm}
		for k, value := range a.entries.from(nil) {
			r.Entries = append(r.Entries, storage.KV{Key: k, Value: value})
		}
		if err := enc.Encode(&r); err != nil {
			return err
		}
	}
	for name, value := range v.meta.from(nil) {
		if err := enc.Encode(&record{Meta: name, Value: value}); err != nil {
			return err
		}
	}
	if err := enc.Encode(&record{End: true}); err != nil {
		return err
	}
	return out.Flush()
}

// Restore returns a store with the content of a backup, or storage.ErrDamaged
// when r is not a whole backup.
func Restore(r io.Reader) (*Store, error) {
	in := bufio.NewReader(r)
	header := make([]byte, len(backupHeader))
	if _, err := io.ReadFull(in, header); err != nil || string(header) != backupHeader {
		return nil, fmt.Errorf("restore: %w: it does not begin with %q", storage.ErrDamaged, backupHeader)
	}
	v := newVersion()
	dec := gob.NewDecoder(in)
	for {
		var r record
		if err := dec.Decode(&r); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, fmt.Errorf("restore: %w: %w", storage.ErrDamaged, err)
		}
		switch {
		case r.End:
			s := New()
			s.now.Store(v)
			return s, nil
		case r.Meta != "":
			v.meta = v.meta.put(r.Meta, append([]byte{}, r.Value...))
		default:
			w := storage.Write{Actor: r.Actor, Put: r.Entries}
			if !r.Alarm.Time.IsZero() {
				w.Alarm = storage.AlarmChange{Op: storage.AlarmSet, Time: r.Alarm.Time, Name: r.Alarm.Name, Retries: r.Alarm.Retries}
			}
			t := storage.Token{Shard: r.Actor.Shard(), Epoch: epoch}
			if err := storage.CheckBatch(map[storage.Token][]storage.Write{t: {w}}); err != nil {
				return nil, fmt.Errorf("restore: %w: %w", storage.ErrDamaged, err)
			}
			v.apply(&w)
		}
	}
}
