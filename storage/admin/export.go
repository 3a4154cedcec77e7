package admin

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"

	"workerd.local/internal/limits"
	"workerd.local/storage"
)

// Exporter writes an export: actors in the order of their namespaces and ids, entries
// in that of their keys. One goroutine.
type Exporter struct {
	out    *bufio.Writer
	bounds *limits.Set
	actors int
}

// NewExporter begins an export.
func NewExporter(w io.Writer, bounds *limits.Set) (*Exporter, error) {
	e := &Exporter{out: bufio.NewWriterSize(w, 64<<10), bounds: bounds}
	return e, e.line(&line{lineHead: lineHead{Export: exportOf, Version: exportVersion}})
}

// Actor writes one actor with everything that it has stored.
func (e *Exporter) Actor(a Actor, entries iter.Seq2[storage.KV, error]) error {
	l := actorLine(&a)
	l.Keys, l.Bytes = 0, 0
	if err := e.line(&line{Actor: l}); err != nil {
		return err
	}
	keys := 0
	for kv, err := range entries {
		if err != nil {
			return err
		}
		l := entryLine(kv)
		if v, why := Readable(kv.Value, e.bounds); why == "" {
			l.Value = v
		} else {
			l.Unreadable = why
		}
		if err := e.line(&line{lineEntry: l}); err != nil {
			return err
		}
		keys++
	}
	e.actors++
	return e.line(&line{End: &lineEnd{Keys: keys}})
}

// Close ends the export. Without it an import calls it cut off.
func (e *Exporter) Close() error {
	if err := e.line(&line{Done: &lineDone{Actors: e.actors}}); err != nil {
		return err
	}
	return e.out.Flush()
}

func (e *Exporter) line(l *line) error {
	b, err := marshal(l)
	if err != nil {
		return err
	}
	_, err = e.out.Write(b)
	return err
}

// marshal is json.Marshal that leaves <, > and & as they are, with a line's end.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return b.Bytes(), err
}

// Export is Storage's.
func (l *live) Export(ctx context.Context, w io.Writer, ref string) error {
	return l.read(ctx, func(v view) error {
		e, err := NewExporter(w, l.bounds)
		if err != nil {
			return err
		}
		if ref != "" {
			id, err := resolve(ctx, v.Snapshot, ref)
			if err != nil {
				return err
			}
			state, _, err := v.Actor(id)
			if err != nil {
				return err
			}
			if err := e.Actor(Actor{ID: id, Alarm: alarmOf(state.Alarm)}, v.Entries(ctx, id, storage.Range{})); err != nil {
				return fmt.Errorf("export %s: %w", describe(id), err)
			}
			return e.Close()
		}
		names, err := v.Namespaces()
		if err != nil {
			return err
		}
		for _, n := range names {
			for a, err := range v.Actors(ctx, n) {
				if err != nil {
					return err
				}
				if err := e.Actor(Actor{ID: a.Actor, Alarm: alarmOf(a.Alarm)}, v.Entries(ctx, a.Actor, storage.Range{})); err != nil {
					return fmt.Errorf("export %s: %w", describe(a.Actor), err)
				}
			}
		}
		return e.Close()
	})
}
