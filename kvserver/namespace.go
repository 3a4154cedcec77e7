// Package kvserver is the service behind the KV namespaces of projects: it keeps keys and
// values in a store, and answers HTTP in the form that package webapi/kv asks in.
//
// What was put is durable when the answer comes. Keys expire to the second; an expired one
// is nobody's from that moment on, and what it takes is given back when a list or a read
// comes across it. A namespace is one actor of the store, with two entries for each key:
// what is said of it, and its value.
//
// Any goroutine; calls block.
package kvserver

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"workerd.local/actorid"
	"workerd.local/event"
	"workerd.local/storage"
)

// Bounds (Cloudflare's).
const (
	maxKeyBytes      = 512
	maxValueBytes    = 25 << 20
	maxMetadataBytes = 1024
	maxListKeys      = 1000
	maxBulkKeys      = 100
	maxBulkBytes     = 25 << 20
	minTTL           = 60 // seconds
	minCacheTTL      = 30 // seconds
)

// maxAsk is the longest body of a request for several keys.
const maxAsk = maxBulkKeys * (6*maxKeyBytes + 16)

// Namespace is one KV namespace.
type Namespace struct {
	store storage.Store
	token storage.Token
	actor actorid.ID
	now   func() time.Time

	// sweeping is held by who removes expired keys, and read-held by who writes.
	sweeping sync.RWMutex
}

var _ event.Service = (*Namespace)(nil)

// Open returns the namespace of an id in a store, whose tokens are those of this process.
func Open(st storage.Store, tokens func(shard uint32) storage.Token, id string, now func() time.Time) *Namespace {
	sum := sha256.Sum256([]byte(id))
	a := actorid.ID{Namespace: storage.KVPrefix + id, Key: string(sum[:])}
	return &Namespace{store: st, token: tokens(a.Shard()), actor: a, now: now}
}

// Prefixes of the entries of a key.
const (
	aboutPrefix = "m"
	valuePrefix = "v"
	aboutEnd    = "n"
)

// about is what is said of a key.
type about struct {
	expiration int64 // seconds since 1970; 0 means never
	metadata   []byte
}

func (a *about) encode() []byte {
	return append(binary.BigEndian.AppendUint64(nil, uint64(a.expiration)), a.metadata...)
}

var errDamaged = fmt.Errorf("a key of a KV namespace: %w", storage.ErrDamaged)

func decodeAbout(b []byte) (about, error) {
	if len(b) < 8 {
		return about{}, errDamaged
	}
	return about{int64(binary.BigEndian.Uint64(b)), b[8:]}, nil
}

func (a *about) expired(now time.Time) bool { return a.expiration != 0 && a.expiration <= now.Unix() }

// refusal is an answer that says what is wrong with a request.
type refusal struct {
	status int
	text   string
}

func (r *refusal) Error() string { return r.text }

func refuse(status int, format string, args ...any) error {
	return &refusal{status, fmt.Sprintf(format, args...)}
}

// Deliver is event.Service's.
func (n *Namespace) Deliver(context.Context, event.Event) (event.Outcome, error) {
	return event.Outcome{}, event.ErrUnsupported
}

// Fetch is event.Service's.
func (n *Namespace) Fetch(ctx context.Context, req *event.Request) (*event.Response, error) {
	resp, err := n.serve(ctx, req)
	err = errors.Join(err, req.Body.Close())
	var r *refusal
	if errors.As(err, &r) {
		return &event.Response{Status: r.status, StatusText: r.text, Header: http.Header{}}, nil
	}
	return resp, err
}

func (n *Namespace) serve(ctx context.Context, req *event.Request) (*event.Response, error) {
	u, err := url.Parse(req.URL)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "Bad URL")
	}
	path := strings.TrimPrefix(u.EscapedPath(), "/")
	switch {
	case req.Method == http.MethodPost && path == "bulk/get":
		return n.bulk(ctx, req.Body)
	case req.Method == http.MethodGet && path == "":
		return n.list(ctx, u.Query())
	}
	key, err := url.PathUnescape(path)
	switch {
	case err != nil || key == "":
		return nil, refuse(http.StatusBadRequest, "Bad key")
	case len(key) > maxKeyBytes:
		return nil, refuse(http.StatusRequestURITooLong, "UTF-8 encoded length of %d exceeds key length limit of %d.", len(key), maxKeyBytes)
	}
	switch req.Method {
	case http.MethodGet:
		if err := checkCacheTTL(u.Query().Get("cache_ttl")); err != nil {
			return nil, err
		}
		return n.get(ctx, key)
	case http.MethodPut:
		return n.put(ctx, key, u.Query(), req)
	case http.MethodDelete:
		return n.remove(ctx, key)
	}
	return nil, refuse(http.StatusMethodNotAllowed, "Method Not Allowed")
}

func checkCacheTTL(text string) error {
	if text == "" {
		return nil
	}
	if ttl, err := strconv.Atoi(text); err != nil || ttl < minCacheTTL {
		return refuse(http.StatusBadRequest, "Invalid cache_ttl of %s. Cache TTL must be at least %d.", text, minCacheTTL)
	}
	return nil
}

// read returns a key's value; ok is false where there is none, or not any more.
func (n *Namespace) read(ctx context.Context, key string) (a about, value []byte, ok bool, err error) {
	list, err := n.store.Get(ctx, n.token, n.actor, []string{aboutPrefix + key, valuePrefix + key})
	switch {
	case err != nil || len(list) == 0:
		return about{}, nil, false, err
	case len(list) != 2:
		return about{}, nil, false, errDamaged
	}
	if a, err = decodeAbout(list[0].Value); err != nil {
		return about{}, nil, false, err
	}
	if a.expired(n.now()) {
		return about{}, nil, false, n.sweep(ctx, []string{key})
	}
	return a, list[1].Value, true, nil
}

func (n *Namespace) get(ctx context.Context, key string) (*event.Response, error) {
	a, value, ok, err := n.read(ctx, key)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, refuse(http.StatusNotFound, "Not Found")
	}
	h := http.Header{}
	if len(a.metadata) > 0 {
		h["Cf-Kv-Metadata"] = []string{string(a.metadata)}
	}
	if a.expiration != 0 {
		h["Expiration"] = []string{strconv.FormatInt(a.expiration, 10)}
	}
	return &event.Response{Status: http.StatusOK, Header: h, Body: event.BytesBody(value)}, nil
}

// expiration is when a key that is put now expires; 0 means never.
func (n *Namespace) expiration(q url.Values) (int64, error) {
	now := n.now().Unix()
	if text := q.Get("expiration_ttl"); text != "" {
		ttl, err := strconv.ParseInt(text, 10, 64)
		switch {
		case err != nil || ttl <= 0:
			return 0, refuse(http.StatusBadRequest, "Invalid expiration_ttl of %s. Please specify integer greater than 0.", text)
		case ttl < minTTL:
			return 0, refuse(http.StatusBadRequest, "Invalid expiration_ttl of %s. Expiration TTL must be at least %d.", text, minTTL)
		}
		return now + ttl, nil
	}
	if text := q.Get("expiration"); text != "" {
		at, err := strconv.ParseInt(text, 10, 64)
		switch {
		case err != nil || at <= now:
			return 0, refuse(http.StatusBadRequest, "Invalid expiration of %s. Please specify integer greater than the current number of seconds since the UNIX epoch.", text)
		case at < now+minTTL:
			return 0, refuse(http.StatusBadRequest, "Invalid expiration of %s. Expiration times must be at least %d seconds in the future.", text, minTTL)
		}
		return at, nil
	}
	return 0, nil
}

func (n *Namespace) put(ctx context.Context, key string, q url.Values, req *event.Request) (*event.Response, error) {
	expiration, err := n.expiration(q)
	if err != nil {
		return nil, err
	}
	a := about{expiration: expiration}
	if text, ok := req.Header["Cf-Kv-Metadata"]; ok {
		a.metadata = []byte(strings.Join(text, ", "))
		switch {
		case len(a.metadata) > maxMetadataBytes:
			return nil, refuse(http.StatusRequestEntityTooLarge, "Metadata length of %d exceeds limit of %d.", len(a.metadata), maxMetadataBytes)
		case !json.Valid(a.metadata):
			return nil, refuse(http.StatusBadRequest, "Metadata is not valid JSON")
		}
	}
	if size := req.Body.Size(); size > maxValueBytes {
		return nil, tooLong(size)
	}
	value, err := io.ReadAll(io.LimitReader(req.Body.Reader(), maxValueBytes+1))
	if err != nil {
		return nil, err
	}
	if len(value) > maxValueBytes {
		return nil, tooLong(int64(len(value)))
	}
	n.sweeping.RLock()
	defer n.sweeping.RUnlock()
	return n.commit(ctx, storage.Write{Put: []storage.KV{{Key: aboutPrefix + key, Value: a.encode()}, {Key: valuePrefix + key, Value: value}}})
}

func tooLong(size int64) error {
	return refuse(http.StatusRequestEntityTooLarge, "Value length of %d exceeds limit of %d.", size, maxValueBytes)
}

func (n *Namespace) remove(ctx context.Context, key string) (*event.Response, error) {
	n.sweeping.RLock()
	defer n.sweeping.RUnlock()
	return n.commit(ctx, storage.Write{Del: []string{aboutPrefix + key, valuePrefix + key}})
}

var errFenced = errors.New("another process has the KV namespace")

func (n *Namespace) commit(ctx context.Context, w storage.Write) (*event.Response, error) {
	w.Actor = n.actor
	fenced, err := n.store.Commit(ctx, map[storage.Token][]storage.Write{n.token: {w}})
	switch {
	case err != nil:
		return nil, fmt.Errorf("KV namespace: %w", err)
	case len(fenced) > 0:
		return nil, errFenced
	}
	return &event.Response{Status: http.StatusOK, Header: http.Header{}}, nil
}

// sweep removes keys that have expired, unless they were put again.
func (n *Namespace) sweep(ctx context.Context, keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	n.sweeping.Lock()
	defer n.sweeping.Unlock()
	names := make([]string, len(keys))
	for i, key := range keys {
		names[i] = aboutPrefix + key
	}
	list, err := n.store.Get(ctx, n.token, n.actor, names)
	if err != nil {
		return err
	}
	var w storage.Write
	for _, kv := range list {
		a, err := decodeAbout(kv.Value)
		if err != nil {
			return err
		}
		if a.expired(n.now()) {
			w.Del = append(w.Del, kv.Key, valuePrefix+kv.Key[len(aboutPrefix):])
		}
	}
	if len(w.Del) == 0 {
		return nil
	}
	_, err = n.commit(ctx, w)
	return err
}

// Actor is the actor of the store that the namespace is.
func (n *Namespace) Actor() actorid.ID { return n.actor }
