package admin

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"workerd.local/actorid"
	"workerd.local/internal/clone"
	"workerd.local/internal/limits"
	"workerd.local/storage"
)

// maxLineBytes is the length of the longest line of an import.
const maxLineBytes = 1 << 30

// Import is Storage's.
func (l *live) Import(ctx context.Context, r io.Reader, o ImportOptions) (Imported, error) {
	return newImporter(l, r, o).all(ctx)
}

// importer is one import.
type importer struct {
	l    *live
	o    ImportOptions
	in   *bufio.Reader
	at   int // the number of the line
	done Imported

	last    actorid.ID // of the actor before
	pending []storage.Write
	waiting Imported // what is in pending
}

func newImporter(l *live, r io.Reader, o ImportOptions) *importer {
	return &importer{l: l, o: o, in: bufio.NewReaderSize(r, 64<<10)}
}

// all imports everything.
func (im *importer) all(ctx context.Context) (Imported, error) {
	err := im.run(ctx)
	if err == nil {
		err = im.flush(ctx)
	}
	if err != nil {
		return im.done, fmt.Errorf("import: %w", err)
	}
	return im.done, nil
}

func (im *importer) run(ctx context.Context) error {
	head, err := im.next()
	if err != nil {
		return err
	}
	if head.Export != exportOf {
		return im.wrong("it does not begin as an export of workerd storage")
	}
	if head.Version != exportVersion {
		return im.wrong("it has version %d; this program knows %d", head.Version, exportVersion)
	}
	actors := 0
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		l, err := im.next()
		if err != nil {
			return err
		}
		switch {
		case l.Actor != nil:
			actors++
			if err := im.actor(ctx, l.Actor); err != nil {
				return err
			}
		case l.Done != nil && l.Done.Actors != actors:
			return im.wrong("it says that it has %d actors, and has %d", l.Done.Actors, actors)
		case l.Done != nil:
			if _, err := im.in.ReadByte(); !errors.Is(err, io.EOF) {
				im.at++
				return im.wrong("there is more after the end")
			}
			return nil
		default:
			return im.wrong("neither an actor nor the end is here")
		}
	}
}

func (im *importer) wrong(format string, args ...any) error {
	return fmt.Errorf("line %d: %w: %s", im.at, ErrFormat, fmt.Sprintf(format, args...))
}

// next reads a line.
func (im *importer) next() (l line, err error) {
	im.at++
	var text []byte
	for {
		part, err := im.in.ReadSlice('\n')
		if len(text)+len(part) > maxLineBytes {
			return l, im.wrong("the line is longer than %d bytes", maxLineBytes)
		}
		if err == nil && text == nil {
			text = part // not kept
			break
		}
		text = append(text, part...)
		switch {
		case err == nil:
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF):
			return l, im.wrong("it ends here, and was cut off")
		default:
			return l, fmt.Errorf("read line %d: %w", im.at, err)
		}
		break
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&l); err != nil {
		return l, im.wrong("%s", strings.TrimPrefix(err.Error(), "json: "))
	}
	return l, nil
}

// actor reads one actor.
func (im *importer) actor(ctx context.Context, head *lineActor) error {
	a, err := head.actor()
	if err != nil {
		return im.wrong("%s", err)
	}
	if c := cmp.Or(cmp.Compare(im.last.Namespace, a.ID.Namespace), cmp.Compare(im.last.Key, a.ID.Key)); c >= 0 {
		return im.wrong("actor %s comes twice or out of order", describe(a.ID))
	}
	im.last = a.ID
	w := storage.Write{Actor: a.ID, DelAll: true, Alarm: storage.AlarmChange{Op: storage.AlarmClear}}
	if a.Alarm != nil {
		w.Alarm = storage.AlarmChange{Op: storage.AlarmSet, Time: a.Alarm.Time, Name: a.Alarm.Name, Retries: a.Alarm.Retries}
	}
	// It is committed as a whole, and until then it is in memory.
	most := limits.ImportActor.Bytes(im.l.bounds)
	var size int64
	for {
		l, err := im.next()
		if err != nil {
			return err
		}
		if l.End != nil {
			if l.End.Keys != len(w.Put) {
				return im.wrong("actor %s is said to have %d keys, and has %d", describe(a.ID), l.End.Keys, len(w.Put))
			}
			break
		}
		if l.Key == nil && l.KeyRaw == nil {
			return im.wrong("neither a key nor the actor's end is here")
		}
		kv, err := l.entry()
		if err != nil {
			return im.wrong("key %q: %s", l.key(), err)
		}
		if n := len(w.Put); n > 0 && w.Put[n-1].Key >= kv.Key {
			return im.wrong("key %q comes twice or out of order", kv.Key)
		}
		if size += int64(len(kv.Key) + len(kv.Value)); size > most {
			return im.wrong("actor %s holds more than %d bytes, which cannot be imported as a whole", describe(a.ID), most)
		}
		w.Put = append(w.Put, kv)
	}
	if len(w.Put) == 0 && a.Alarm == nil {
		return im.wrong("actor %s has nothing that could be stored", describe(a.ID))
	}
	if err := storage.CheckWrites(storage.Token{Shard: a.ID.Shard()}, []storage.Write{w}); err != nil {
		return im.wrong("%s", err)
	}
	return im.add(ctx, w, size)
}

// entry is the key and the stored bytes of a line. Where both forms of the value are
// given, they must be of the same value, so that no change of the readable one is
// lost.
func (l *lineEntry) entry() (kv storage.KV, err error) {
	kv.Key = l.key()
	if l.Raw != nil {
		kv.Value = *l.Raw
		if l.Value == nil {
			return kv, nil
		}
	} else if l.Value == nil {
		return kv, errors.New("there is neither a raw value nor a readable one")
	}
	tree, err := parseReadable(l.Value)
	if err != nil {
		return kv, fmt.Errorf("the value cannot be read: %w", err)
	}
	encoded, err := clone.Encode(tree, clone.Options{})
	if err != nil {
		return kv, fmt.Errorf("the value cannot be stored: %w", err)
	}
	if l.Raw == nil {
		kv.Value = encoded
		return kv, nil
	}
	var again []byte
	stored, err := clone.Decode(kv.Value, clone.Options{})
	if err == nil {
		again, err = clone.Encode(stored, clone.Options{})
	}
	if err != nil || !bytes.Equal(again, encoded) {
		return kv, errors.New("value and raw are not the same; leave out raw to import a changed value")
	}
	return kv, nil
}

// add queues an actor for the next commit.
func (im *importer) add(ctx context.Context, w storage.Write, size int64) error {
	if !im.o.Replace {
		err := im.l.read(ctx, func(v view) error {
			if _, found, err := v.Actor(w.Actor); err != nil || !found {
				return err
			}
			return fmt.Errorf("actor %s: %w; --replace replaces it", describe(w.Actor), ErrExists)
		})
		if err != nil {
			return err
		}
	}
	im.pending = append(im.pending, w)
	im.waiting.Actors++
	im.waiting.Entries += int64(len(w.Put))
	im.waiting.Bytes += size
	if len(im.pending) >= limits.ImportActors.In(im.l.bounds) || im.waiting.Bytes >= limits.ImportBytes.Bytes(im.l.bounds) {
		return im.flush(ctx)
	}
	return nil
}

func (im *importer) flush(ctx context.Context) error {
	if len(im.pending) == 0 {
		return nil
	}
	if !im.o.DryRun {
		if err := im.l.write(ctx, im.pending); err != nil {
			return err
		}
	}
	im.done.Actors += im.waiting.Actors
	im.done.Entries += im.waiting.Entries
	im.done.Bytes += im.waiting.Bytes
	im.pending, im.waiting = nil, Imported{}
	return nil
}
