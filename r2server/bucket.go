// Package r2server is the service behind the R2 buckets of projects: it keeps objects in a
// store, and answers HTTP in the form that package webapi/r2 asks in.
//
// What was put is durable when the answer comes, whole or not at all. A bucket is one actor
// of the store. An object is a record that names its blobs, and a blob is pieces that are
// written before the record names them. Blobs that no record names, because an upload broke
// off or the process died, have a mark, and go when the bucket is next used after a start; a
// blob that is being read stays until that ends.
//
// Any goroutine; calls block.
package r2server

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"workerd.local/actorid"
	"workerd.local/event"
	"workerd.local/storage"
)

// Bounds (Cloudflare's, but for the first two).
const (
	pieceBytes       = 1 << 20
	maxAskBytes      = 1 << 20
	maxKeyBytes      = 1024
	maxMetadataBytes = 8192
	maxListObjects   = 1000
	maxDeleteObjects = 1000
	maxObjectBytes   = 5<<30 - 5<<20
	minPartBytes     = 5 << 20
	maxPartNumber    = 10000
)

// Bucket is one bucket.
type Bucket struct {
	store storage.Store
	token storage.Token
	actor actorid.ID
	now   func() time.Time

	// changing is held while a record is looked at and changed.
	changing sync.Mutex

	start sync.Mutex // guards swept, and makes requests wait for the sweep
	swept bool       // what an earlier process left is gone

	mu      sync.Mutex     // guards reading
	reading map[string]int // readers of blobs
}

var _ event.Service = (*Bucket)(nil)

// Open returns the bucket of a name in a store, whose tokens are those of this process.
func Open(st storage.Store, tokens func(shard uint32) storage.Token, name string, now func() time.Time) *Bucket {
	sum := sha256.Sum256([]byte(name))
	a := actorid.ID{Namespace: storage.R2Prefix + name, Key: string(sum[:])}
	return &Bucket{store: st, token: tokens(a.Shard()), actor: a, now: now, reading: map[string]int{}}
}

// Actor is the actor of the store that the bucket is.
func (b *Bucket) Actor() actorid.ID { return b.actor }

// Prefixes of entries: objects by key, pieces by blob and number, marks by blob, uploads by
// id, parts by upload and number.
const (
	objectPrefix = "o"
	objectEnd    = "p"
	piecePrefix  = "d"
	markPrefix   = "w"
	markEnd      = "x"
	uploadPrefix = "u"
	partPrefix   = "q"
)

func pieceKey(blob string, n int64) string { return fmt.Sprintf("%s%s:%08x", piecePrefix, blob, n) }

func partKey(upload string, n int) string { return fmt.Sprintf("%s%s:%05d", partPrefix, upload, n) }

// blob is bytes that are kept in pieces.
type blob struct {
	ID   string `json:"id"`
	Size int64  `json:"size"`
}

func (x *blob) pieces() int64 { return (x.Size + pieceBytes - 1) / pieceBytes }

// failure is an answer that says what is wrong, with a code of R2's.
type failure struct {
	status int
	code   int
	text   string
	head   *record // of a precondition that failed
}

func (f *failure) Error() string { return f.text }

func fail(status, code int, format string, args ...any) error {
	return &failure{status: status, code: code, text: fmt.Sprintf(format, args...)}
}

var (
	errNoKey    = &failure{status: 404, code: 10007, text: "The specified key does not exist."}
	errNoUpload = &failure{status: 404, code: 10024, text: "The specified multipart upload does not exist."}
	errName     = &failure{status: 400, code: 10020, text: "The specified object name is not valid."}
	errRange    = &failure{status: 416, code: 10039, text: "The requested range is not satisfiable"}
	errTooLarge = &failure{status: 400, code: 100100, text: "Your proposed upload exceeds the maximum allowed object size."}
	errSSEC     = &failure{status: 501, code: 10058, text: "Encryption with keys of customers (SSE-C) is not there in the buckets of a project on this server."}
	errAsk      = &failure{status: 400, code: 10001, text: "The request is not one of R2's."}
)

// Deliver is event.Service's.
func (b *Bucket) Deliver(context.Context, event.Event) (event.Outcome, error) {
	return event.Outcome{}, event.ErrUnsupported
}

// Fetch is event.Service's.
func (b *Bucket) Fetch(ctx context.Context, req *event.Request) (*event.Response, error) {
	resp, err := b.serve(ctx, req)
	err = errors.Join(err, req.Body.Close())
	var f *failure
	if !errors.As(err, &f) {
		return resp, err
	}
	text, err := json.Marshal(map[string]any{"version": 1, "v4code": f.code, "message": f.text})
	if err != nil {
		return nil, err
	}
	out := &event.Response{Status: f.status, Header: http.Header{"Cf-R2-Error": {string(text)}}}
	if f.head != nil {
		return withMetadata(out, f.head.head(nil), event.NoBody)
	}
	return out, nil
}

func (b *Bucket) serve(ctx context.Context, req *event.Request) (*event.Response, error) {
	if err := b.sweep(ctx); err != nil {
		return nil, err
	}
	a, value, err := readAsk(req)
	if err != nil {
		return nil, err
	}
	for _, key := range append(a.Objects, a.Object) {
		if len(key) > maxKeyBytes || key == "" && (a.Method != "list" && a.Method != "delete") {
			return nil, errName
		}
	}
	if a.SSEC != nil {
		return nil, errSSEC
	}
	if req.Method == http.MethodGet {
		switch a.Method {
		case "head":
			return b.head(ctx, a)
		case "get":
			return b.get(ctx, a)
		case "list":
			return b.list(ctx, a)
		}
		return nil, errAsk
	}
	var out any = struct{}{}
	switch a.Method {
	case "put":
		out, err = b.put(ctx, a, value)
	case "delete":
		err = b.remove(ctx, a)
	case "createMultipartUpload":
		out, err = b.createUpload(ctx, a)
	case "uploadPart":
		out, err = b.uploadPart(ctx, a, value)
	case "completeMultipartUpload":
		out, err = b.completeUpload(ctx, a)
	case "abortMultipartUpload":
		err = b.abortUpload(ctx, a)
	default:
		err = errAsk
	}
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(out)
	return &event.Response{Status: http.StatusOK, Header: http.Header{}, Body: event.BytesBody(text)}, err
}

// withMetadata is an answer with JSON in front of its body.
func withMetadata(resp *event.Response, metadata any, body event.Body) (*event.Response, error) {
	text, err := json.Marshal(metadata)
	if err != nil {
		return nil, errors.Join(err, body.Close())
	}
	if resp.Header == nil {
		resp.Header = http.Header{}
	}
	resp.Header["Cf-R2-Metadata-Size"] = []string{strconv.Itoa(len(text))}
	if body.Stream == nil {
		resp.Body = event.BytesBody(append(text, body.Bytes...))
		return resp, nil
	}
	resp.Body = event.StreamBody(event.Prefixed(text, body.Stream), int64(len(text))+body.Length)
	return resp, nil
}

var errFenced = errors.New("another process has the R2 bucket")

func (b *Bucket) commit(ctx context.Context, w storage.Write) error {
	w.Actor = b.actor
	fenced, err := b.store.Commit(ctx, map[storage.Token][]storage.Write{b.token: {w}})
	switch {
	case err != nil:
		err = fmt.Errorf("R2 bucket: %w", err)
		if errors.Is(err, storage.ErrClosed) || ctx.Err() != nil && errors.Is(err, ctx.Err()) {
			return err // nothing was written
		}
		return unsure{err}
	case len(fenced) > 0:
		return errFenced
	}
	return nil
}

// unsure is the error of a commit of which nobody knows whether it is durable.
type unsure struct{ error }

// Unwrap is what errors.Is asks.
func (u unsure) Unwrap() error { return u.error }

// giveUp is err, which kept a record from naming a blob, whose pieces are removed. Where a record may name
// it nevertheless, it stays: without a record it has its mark, and goes after the next start.
func (b *Bucket) giveUp(ctx context.Context, x blob, err error) error {
	var u unsure
	if errors.As(err, &u) {
		return err
	}
	return errors.Join(err, b.discard(context.WithoutCancel(ctx), x.ID))
}

// load reads a record into to; ok is false where there is none.
func (b *Bucket) load(ctx context.Context, key string, to any) (ok bool, err error) {
	list, err := b.store.Get(ctx, b.token, b.actor, []string{key})
	if err != nil || len(list) == 0 {
		return false, err
	}
	if err := json.Unmarshal(list[0].Value, to); err != nil {
		return false, fmt.Errorf("a record of an R2 bucket: %w: %w", storage.ErrDamaged, err)
	}
	return true, nil
}

func newID() string {
	var r [16]byte
	_, _ = rand.Read(r[:]) // it does not fail
	return hex.EncodeToString(r[:])
}

// sweep removes blobs that an earlier process marked and did not finish with.
func (b *Bucket) sweep(ctx context.Context) error {
	b.start.Lock()
	defer b.start.Unlock()
	if b.swept {
		return nil
	}
	var marked []string
	for kv, err := range b.store.Scan(ctx, b.token, b.actor, storage.Range{Start: markPrefix, End: markEnd}) {
		if err != nil {
			return err
		}
		marked = append(marked, kv.Key[len(markPrefix):])
	}
	for _, id := range marked {
		if err := b.discard(ctx, id); err != nil {
			return err
		}
	}
	b.swept = true
	return nil
}

// discard removes the pieces of a blob that no record names, however many there are.
func (b *Bucket) discard(ctx context.Context, id string) error {
	var w storage.Write
	for kv, err := range b.store.Scan(ctx, b.token, b.actor, storage.Range{Start: piecePrefix + id + ":", End: piecePrefix + id + ";"}) {
		if err != nil {
			return err
		}
		w.Del = append(w.Del, kv.Key)
	}
	w.Del = append(w.Del, markPrefix+id)
	return b.commit(ctx, w)
}

// drop makes a write remove blobs; those that are being read are marked, and go with their
// last reader.
func (b *Bucket) drop(w *storage.Write, blobs []blob) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, x := range blobs {
		if b.reading[x.ID] > 0 {
			w.Put = append(w.Put, storage.KV{Key: markPrefix + x.ID, Value: []byte{}})
			continue
		}
		for n := range x.pieces() {
			w.Del = append(w.Del, pieceKey(x.ID, n))
		}
	}
}
