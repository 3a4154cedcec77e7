package replay

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"time"

	"workerd.local/internal/parts"
)

// op is the kind of one entry of a log.
type op uint8

// The entries. What a run asks for within a turn stands where it was asked; complete and
// timer each begin a turn.
const (
	opNow      op = 1 + iota // count, milliseconds since the time before: it was asked count times
	opRandom                 // bytes
	opEnv                    // name, 1 and value, or 0
	opEnvNames               // count, names
	opOutput                 // stream, hash of the text
	opComplete               // number of the background work
	opTimer                  // number of the timer
)

var opNames = map[op]string{
	opNow: "the time", opRandom: "random numbers", opEnv: "an environment variable", opEnvNames: "the environment",
	opOutput: "output", opComplete: "the end of background work", opTimer: "a timer",
}

func (o op) String() string {
	if s := opNames[o]; s != "" {
		return s
	}
	return fmt.Sprintf("entry %d", uint8(o))
}

// writer appends entries to a log.
type writer struct {
	buf  []byte
	last int64 // milliseconds of the last time
	// The times that are not in buf yet: the same one, again and again.
	delta int64
	count uint64
}

func (w *writer) now(t time.Time) {
	ms := t.UnixMilli()
	if w.count > 0 && ms == w.last {
		w.count++
		return
	}
	w.flush()
	w.delta, w.count, w.last = ms-w.last, 1, ms
}

func (w *writer) flush() {
	if w.count == 0 {
		return
	}
	w.buf = append(w.buf, byte(opNow))
	w.buf = binary.AppendUvarint(w.buf, w.count)
	w.buf = binary.AppendVarint(w.buf, w.delta)
	w.count = 0
}

func (w *writer) op(o op) {
	w.flush()
	w.buf = append(w.buf, byte(o))
}

func (w *writer) number(n uint64) { w.buf = binary.AppendUvarint(w.buf, n) }

func (w *writer) bytes(b []byte) { w.buf = parts.AppendText(w.buf, b) }

func (w *writer) text(s string) { w.buf = parts.AppendText(w.buf, s) }

func (w *writer) size() int { return len(w.buf) }

// ErrShort is a log, or a blob, that ends in the middle of something.
var ErrShort = errors.New("it ends in the middle")

// reader reads entries. The first mistake stays.
type reader struct {
	parts.Reader
	last int64
	left uint64 // how often the last time is still to be given
}

func readerOf(entries []byte) reader {
	return reader{Reader: parts.Reader{Buf: entries, Short: ErrShort}}
}

// peek is the next entry; 0 is the end.
func (r *reader) peek() op {
	switch {
	case r.Err != nil:
		return 0
	case r.left > 0:
		return opNow
	case len(r.Buf) == 0:
		return 0
	}
	return op(r.Buf[0])
}

// take goes past the kind of an entry, which must be o.
func (r *reader) take(o op) bool {
	if r.peek() != o {
		return false
	}
	if r.left == 0 {
		r.Buf = r.Buf[1:]
	}
	return true
}

// now is the next time; ok is false where the next entry is another one.
func (r *reader) now() (t time.Time, ok bool) {
	if !r.take(opNow) {
		return time.Time{}, false
	}
	if r.left == 0 {
		r.left = r.Number()
		r.last += r.Signed()
		if r.left == 0 {
			r.Fail(errors.New("a time that was asked for never"))
		}
		if r.Err != nil {
			return time.Time{}, false
		}
	}
	r.left--
	return time.UnixMilli(r.last), true
}

// digest is what a log keeps of a text that was printed.
func digest(text string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text)) // never fails
	return h.Sum64()
}
