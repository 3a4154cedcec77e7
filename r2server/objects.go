package r2server

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"strings"
	"sync"

	"workerd.local/event"
	"workerd.local/storage"
)

// object returns the record of a key, nil where there is none.
func (b *Bucket) object(ctx context.Context, key string) (*record, error) {
	r := &record{name: key}
	ok, err := b.load(ctx, objectPrefix+key, r)
	if !ok || err != nil {
		return nil, err
	}
	return r, nil
}

func (b *Bucket) head(ctx context.Context, a *ask) (*event.Response, error) {
	r, err := b.object(ctx, a.Object)
	if err != nil {
		return nil, err
	}
	if r == nil {
		return nil, errNoKey
	}
	return withMetadata(&event.Response{Status: http.StatusOK}, r.head(nil), event.NoBody)
}

func (b *Bucket) get(ctx context.Context, a *ask) (*event.Response, error) {
	r, release, err := b.pin(ctx, a.Object)
	if err != nil {
		return nil, err
	}
	offset, length, ranged, err := a.span(r.Size)
	switch {
	case !a.OnlyIf.allows(r):
		err = errPrecondition(r)
	case err != nil:
	case length == 0:
	default:
		var head *answerRange
		if ranged {
			head = &answerRange{number(offset), number(length)}
		}
		body := &reader{b: b, ctx: ctx, blobs: r.Blobs, skip: offset, left: length, release: release}
		return withMetadata(&event.Response{Status: http.StatusOK}, r.head(head), event.StreamBody(body, length))
	}
	err = errors.Join(err, release())
	if err != nil {
		return nil, err
	}
	return withMetadata(&event.Response{Status: http.StatusOK}, r.head(nil), event.BytesBody(nil))
}

func errPrecondition(r *record) error {
	return &failure{status: http.StatusPreconditionFailed, code: 10031, text: "At least one of the pre-conditions you specified did not hold.", head: r}
}

// pin is object for who reads its blobs, which stay until release is called.
func (b *Bucket) pin(ctx context.Context, key string) (r *record, release func() error, err error) {
	b.changing.Lock()
	defer b.changing.Unlock()
	if r, err = b.object(ctx, key); err != nil {
		return nil, nil, err
	}
	if r == nil {
		return nil, nil, errNoKey
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, x := range r.Blobs {
		b.reading[x.ID]++
	}
	return r, func() error { return b.unpin(r.Blobs) }, nil
}

// unpin removes blobs that were dropped while they were read.
func (b *Bucket) unpin(blobs []blob) error {
	b.changing.Lock()
	defer b.changing.Unlock()
	var free []string
	b.mu.Lock()
	for _, x := range blobs {
		if b.reading[x.ID]--; b.reading[x.ID] == 0 {
			delete(b.reading, x.ID)
			free = append(free, markPrefix+x.ID)
		}
	}
	b.mu.Unlock()
	// The reader's context may have ended.
	ctx := context.Background()
	marked, err := b.store.Get(ctx, b.token, b.actor, free)
	for _, kv := range marked {
		err = errors.Join(err, b.discard(ctx, kv.Key[len(markPrefix):]))
	}
	return err
}

// reader reads a part of blobs, one after the other.
type reader struct {
	b       *Bucket
	ctx     context.Context
	blobs   []blob
	skip    int64 // bytes before what is asked for
	left    int64
	piece   []byte
	release func() error
	once    sync.Once
}

// Read is io.Reader's.
func (r *reader) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	for len(r.piece) == 0 {
		if len(r.blobs) == 0 {
			return 0, fmt.Errorf("an object of an R2 bucket ends early: %w", storage.ErrDamaged)
		}
		x := &r.blobs[0]
		if r.skip >= x.Size {
			r.skip -= x.Size
			r.blobs = r.blobs[1:]
			continue
		}
		n := r.skip / pieceBytes
		list, err := r.b.store.Get(r.ctx, r.b.token, r.b.actor, []string{pieceKey(x.ID, n)})
		if err != nil {
			return 0, err
		}
		if len(list) == 0 || int64(len(list[0].Value)) != min(pieceBytes, x.Size-n*pieceBytes) {
			return 0, fmt.Errorf("a piece of an object of an R2 bucket: %w", storage.ErrDamaged)
		}
		r.piece = list[0].Value[r.skip-n*pieceBytes:]
		r.skip += int64(len(r.piece))
	}
	n := copy(p[:min(int64(len(p)), r.left)], r.piece)
	r.piece = r.piece[n:]
	r.left -= int64(n)
	return n, nil
}

// Close ends the reading; it may be called while a Read waits, and more than once.
func (r *reader) Close() error {
	var err error
	r.once.Do(func() { err = r.release() })
	return err
}

// write writes a value as a blob that is marked, and returns the checksums that are wanted,
// and MD5. What was written of one that breaks off is removed.
func (b *Bucket) write(ctx context.Context, v *value, wanted map[string]string) (x blob, sums map[string]hash.Hash, err error) {
	x.ID = newID()
	sums = map[string]hash.Hash{"0": md5.New()}
	for n := range wanted {
		if n != "0" {
			sums[n] = newSum[n]()
		}
	}
	for n := int64(0); ; n++ {
		piece := make([]byte, pieceBytes)
		got, end := 0, error(nil)
		for got < len(piece) && end == nil {
			var m int
			m, end = v.Read(piece[got:])
			got += m
		}
		if end != nil && !errors.Is(end, io.EOF) {
			err = end
			break
		}
		if got > 0 {
			for _, h := range sums {
				_, _ = h.Write(piece[:got]) // hashes do not fail
			}
			w := storage.Write{Put: []storage.KV{{Key: pieceKey(x.ID, n), Value: piece[:got:got]}}}
			if n == 0 {
				w.Put = append(w.Put, storage.KV{Key: markPrefix + x.ID, Value: []byte{}})
			}
			if x.Size += int64(got); x.Size > maxObjectBytes {
				err = errTooLarge
			} else {
				err = b.commit(ctx, w)
			}
		}
		if end != nil && err == nil && v.length >= 0 && x.Size != v.length {
			err = io.ErrUnexpectedEOF
		}
		if end != nil || err != nil {
			break
		}
	}
	if err != nil {
		return blob{}, nil, errors.Join(err, b.discard(context.WithoutCancel(ctx), x.ID))
	}
	return x, sums, nil
}

// newSum makes the checksums by their numbers.
var newSum = map[string]func() hash.Hash{"1": sha1.New, "2": sha256.New, "3": sha512.New384, "4": sha512.New}

var sumNames = map[string]string{"0": "MD5", "1": "SHA-1", "2": "SHA-256", "3": "SHA-384", "4": "SHA-512"}

func (b *Bucket) put(ctx context.Context, a *ask, v *value) (any, error) {
	wanted, err := a.wantedSums()
	if err != nil {
		return nil, err
	}
	x, sums, err := b.write(ctx, v, wanted)
	if err != nil {
		return nil, err
	}
	r := &record{
		name: a.Object, Version: newID(), Size: x.Size, ETag: hex.EncodeToString(sums["0"].Sum(nil)), Uploaded: b.now().UnixMilli(),
		HTTPFields: a.HTTPFields, CustomFields: a.CustomFields, StorageClass: orStandard(a.StorageClass), Checksums: map[string]string{},
	}
	r.Checksums["0"] = r.ETag
	for n, want := range wanted {
		got := hex.EncodeToString(sums[n].Sum(nil))
		if got != want {
			return nil, b.giveUp(ctx, x, fail(400, 10037, "The %s checksum you specified did not match what we received.\nYou provided a %s checksum with value: %s\nActual %s was: %s", sumNames[n], sumNames[n], want, sumNames[n], got))
		}
		r.Checksums[n] = got
	}
	if x.Size > 0 {
		r.Blobs = []blob{x}
	}
	b.changing.Lock()
	err = b.replace(ctx, a.OnlyIf, r, storage.Write{})
	b.changing.Unlock()
	if err != nil {
		return nil, b.giveUp(ctx, x, err)
	}
	return r.head(nil), nil
}

func orStandard(class string) string {
	if class == "" {
		return "Standard"
	}
	return class
}

// replace makes r what is at its key, where the condition holds; its blobs lose their marks
// in the same commit, which is w. The caller holds changing.
func (b *Bucket) replace(ctx context.Context, onlyIf *conditional, r *record, w storage.Write) error {
	old, err := b.object(ctx, r.name)
	if err != nil {
		return err
	}
	if !onlyIf.allows(old) {
		return errPrecondition(nil)
	}
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	w.Put = append(w.Put, storage.KV{Key: objectPrefix + r.name, Value: text})
	for _, x := range r.Blobs {
		w.Del = append(w.Del, markPrefix+x.ID)
	}
	if old != nil {
		b.drop(&w, old.Blobs)
	}
	return b.commit(ctx, w)
}

func (b *Bucket) remove(ctx context.Context, a *ask) error {
	keys := a.Objects
	if keys == nil {
		keys = []string{a.Object}
	}
	if len(keys) > maxDeleteObjects {
		return fail(400, 10061, "You can delete at most %d objects at a time.", maxDeleteObjects)
	}
	b.changing.Lock()
	defer b.changing.Unlock()
	var w storage.Write
	seen := map[string]bool{}
	for _, key := range keys {
		if seen[key] {
			continue
		}
		seen[key] = true
		r, err := b.object(ctx, key)
		if err != nil {
			return err
		}
		if r != nil {
			w.Del = append(w.Del, objectPrefix+key)
			b.drop(&w, r.Blobs)
		}
	}
	if len(w.Del) == 0 {
		return nil
	}
	return b.commit(ctx, w)
}

// list lists records in the order of their keys.
func (b *Bucket) list(ctx context.Context, a *ask) (*event.Response, error) {
	limit := maxListObjects
	if a.Limit != nil {
		if limit = *a.Limit; limit < 1 || limit > maxListObjects {
			return nil, fail(400, 10022, "MaxKeys params must be positive integer <= 1000.")
		}
	}
	from := objectPrefix + a.Prefix
	if a.StartAfter != "" {
		from = max(from, objectPrefix+a.StartAfter+"\x00")
	}
	if a.Cursor != "" {
		last, err := base64.RawURLEncoding.DecodeString(a.Cursor)
		if err != nil {
			return nil, fail(400, 10004, "The cursor is not valid.")
		}
		from = max(from, objectPrefix+string(last))
	}
	out := struct {
		Objects   []*answerHead `json:"objects"`
		Truncated bool          `json:"truncated"`
		Cursor    string        `json:"cursor,omitempty"`
		Prefixes  []string      `json:"delimitedPrefixes"`
	}{Objects: []*answerHead{}, Prefixes: []string{}}
	include := map[int]bool{}
	for _, n := range a.Include {
		include[n] = true
	}
	for {
		next, more, err := b.listFrom(ctx, a, from, func(r *record, group string) bool {
			if len(out.Objects)+len(out.Prefixes) == limit {
				return false
			}
			if group != "" {
				out.Prefixes = append(out.Prefixes, group)
				return true
			}
			if !include[0] {
				r.HTTPFields = nil
			}
			if !include[1] {
				r.CustomFields = nil
			}
			out.Objects = append(out.Objects, r.head(nil))
			return true
		})
		if err != nil {
			return nil, err
		}
		if more {
			out.Truncated = true
			out.Cursor = base64.RawURLEncoding.EncodeToString([]byte(next[len(objectPrefix):]))
		}
		if next == "" || more {
			return withMetadata(&event.Response{Status: http.StatusOK}, out, event.NoBody)
		}
		from = next
	}
}

// listFrom gives the records from a place on to take, until it says no, which is more, or
// until a group of keys begins, which is given as one and skipped. next is where to go on;
// empty at the end.
func (b *Bucket) listFrom(ctx context.Context, a *ask, from string, take func(r *record, group string) bool) (next string, more bool, err error) {
	for kv, err := range b.store.Scan(ctx, b.token, b.actor, storage.Range{Start: from, End: objectEnd}) {
		if err != nil {
			return "", false, err
		}
		key := kv.Key[len(objectPrefix):]
		rest, ok := strings.CutPrefix(key, a.Prefix)
		if !ok {
			return "", false, nil
		}
		if i := strings.Index(rest, a.Delimiter); a.Delimiter != "" && i >= 0 {
			group := a.Prefix + rest[:i+len(a.Delimiter)]
			if !take(nil, group) {
				return kv.Key, true, nil
			}
			return after(objectPrefix + group), false, nil
		}
		r := &record{name: key}
		if err := json.Unmarshal(kv.Value, r); err != nil {
			return "", false, fmt.Errorf("a record of an R2 bucket: %w: %w", storage.ErrDamaged, err)
		}
		if !take(r, "") {
			return kv.Key, true, nil
		}
	}
	return "", false, nil
}

// after is the first key behind all that begin with p.
func after(p string) string {
	b := []byte(p)
	for b[len(b)-1] == 0xff {
		b = b[:len(b)-1]
	}
	b[len(b)-1]++
	return string(b)
}
