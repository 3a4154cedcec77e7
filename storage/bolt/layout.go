package bolt

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"workerd.local/actorid"
	"workerd.local/storage"
)

// formatVersion is the number of the layout below. A file of a greater version is
// refused; there is no smaller one.
const formatVersion = 1

// The buckets, and their keys and values. Integers are big endian, so that bytes
// order as numbers do; "‖" joins; the last part of a key needs no length.
//
//	head        "format" -> uint32      "opens" -> uint64
//	program     name -> value           (Meta, SetMeta)
//	namespaces  "n"‖name -> space       "#"‖space -> name
//	actors      space‖actor key -> record
//	entries     body‖user key -> value
//	due         shard‖time‖space‖actor key -> empty
//	sweep       "s"‖space -> name       "b"‖body -> empty
//
// A space (uint32) stands for a namespace and a body (uint64) for everything an
// actor has stored since it was last empty. Both are counters that never go back,
// so removing a namespace or all entries of an actor is to forget its number and
// to sweep what lies under it later: constant work in the commit, whatever the size.
var (
	bucketHead       = []byte("head")
	bucketProgram    = []byte("program")
	bucketNamespaces = []byte("namespaces")
	bucketActors     = []byte("actors")
	bucketEntries    = []byte("entries")
	bucketDue        = []byte("due")
	bucketSweep      = []byte("sweep")

	allBuckets = [][]byte{bucketHead, bucketProgram, bucketNamespaces, bucketActors, bucketEntries, bucketDue, bucketSweep}

	headFormat = []byte("format")
	headOpens  = []byte("opens")
)

const (
	namePrefix  = 'n'
	spacePrefix = '#'

	sweepSpace = 's'
	sweepBody  = 'b'

	spaceBytes = 4
	bodyBytes  = 8
	shardBytes = 2
	timeBytes  = 12
)

// checkFormat tells whether the file is new; one that holds something else or a
// newer format is an error.
func checkFormat(tx *bbolt.Tx) (created bool, err error) {
	head := tx.Bucket(bucketHead)
	if head == nil {
		if k, _ := tx.Cursor().First(); k != nil {
			return false, fmt.Errorf("%w: it is a bbolt file of another program; %s", storage.ErrDamaged, remedy)
		}
		return true, nil
	}
	v := head.Get(headFormat)
	if len(v) != 4 {
		return false, fmt.Errorf("%w: it has no format version; %s", storage.ErrDamaged, remedy)
	}
	switch n := binary.BigEndian.Uint32(v); {
	case n > formatVersion:
		return false, fmt.Errorf("%w %d: this program knows up to %d; use the newer program that wrote it", storage.ErrVersion, n, formatVersion)
	case n < 1:
		return false, fmt.Errorf("%w: format version %d; %s", storage.ErrDamaged, n, remedy)
	}
	for _, name := range allBuckets {
		if tx.Bucket(name) == nil {
			return false, fmt.Errorf("%w: bucket %q is missing; %s", storage.ErrDamaged, name, remedy)
		}
	}
	return false, nil
}

func createLayout(tx *bbolt.Tx) error {
	for _, name := range allBuckets {
		if _, err := tx.CreateBucket(name); err != nil {
			return err
		}
	}
	return tx.Bucket(bucketHead).Put(headFormat, binary.BigEndian.AppendUint32(nil, formatVersion))
}

// opens is the number of opens so far.
func opens(tx *bbolt.Tx) (uint64, error) {
	switch v := tx.Bucket(bucketHead).Get(headOpens); {
	case len(v) == 8:
		return binary.BigEndian.Uint64(v), nil
	case v != nil:
		return 0, fmt.Errorf("%w: the number of opens has %d bytes; %s", storage.ErrDamaged, len(v), remedy)
	}
	return 0, nil
}

// countOpen starts the next epoch.
func countOpen(tx *bbolt.Tx) (uint64, error) {
	n, err := opens(tx)
	if err != nil {
		return 0, err
	}
	n++
	return n, tx.Bucket(bucketHead).Put(headOpens, binary.BigEndian.AppendUint64(nil, n))
}

func nameKey(namespace string) []byte { return append([]byte{namePrefix}, namespace...) }

func spaceKey(space uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte{spacePrefix}, space)
}

func sweepSpaceKey(space uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte{sweepSpace}, space)
}

func sweepBodyKey(body uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{sweepBody}, body)
}

func actorPrefix(space uint32) []byte { return binary.BigEndian.AppendUint32(nil, space) }

func actorKey(space uint32, key string) []byte {
	k := make([]byte, 0, spaceBytes+len(key))
	return append(binary.BigEndian.AppendUint32(k, space), key...)
}

func bodyPrefix(body uint64) []byte { return binary.BigEndian.AppendUint64(nil, body) }

// appendEntryKey appends the key of an entry to buf[:0], so that one buffer
// serves many look-ups; bbolt copies the keys it keeps.
func appendEntryKey(buf []byte, body uint64, key string) []byte {
	return append(binary.BigEndian.AppendUint64(buf[:0], body), key...)
}

func dueKey(shard uint32, t time.Time, space uint32, key string) []byte {
	k := make([]byte, 0, shardBytes+timeBytes+spaceBytes+len(key))
	k = binary.BigEndian.AppendUint16(k, uint16(shard))
	k = appendTime(k, t)
	k = binary.BigEndian.AppendUint32(k, space)
	return append(k, key...)
}

func duePrefix(shard uint32) []byte { return binary.BigEndian.AppendUint16(nil, uint16(shard)) }

// splitDueKey takes a due key apart.
func splitDueKey(k []byte) (shard uint32, t time.Time, space uint32, key string, err error) {
	if len(k) <= shardBytes+timeBytes+spaceBytes {
		return 0, time.Time{}, 0, "", damagedf("a key of the alarm order has %d bytes", len(k))
	}
	shard = uint32(binary.BigEndian.Uint16(k))
	t = readTime(k[shardBytes:])
	space = binary.BigEndian.Uint32(k[shardBytes+timeBytes:])
	return shard, t, space, string(k[shardBytes+timeBytes+spaceBytes:]), nil
}

// appendTime writes seconds since 1970, with the sign bit flipped, and
// nanoseconds, so that bytes order as times do over the whole range of
// JavaScript's dates, which is wider than that of UnixNano.
func appendTime(b []byte, t time.Time) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(t.Unix())^1<<63)
	return binary.BigEndian.AppendUint32(b, uint32(t.Nanosecond()))
}

func readTime(b []byte) time.Time {
	seconds := int64(binary.BigEndian.Uint64(b) ^ 1<<63)
	return time.Unix(seconds, int64(binary.BigEndian.Uint32(b[8:]))).UTC()
}

// record is the value of an actor: body, and with an alarm time‖retries‖name.
type record struct {
	// body is 0 while the actor has no entries.
	body    uint64
	time    time.Time
	retries uint32
	name    string
}

func (r *record) hasAlarm() bool { return !r.time.IsZero() }

func (r *record) isEmpty() bool { return r.body == 0 && !r.hasAlarm() }

func (r *record) due(a actorid.ID) storage.Due {
	if !r.hasAlarm() {
		return storage.Due{}
	}
	return storage.Due{Actor: a, Time: r.time, Name: r.name, Retries: int(r.retries)}
}

func (r *record) encode() []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, bodyBytes+timeBytes+4+len(r.name)), r.body)
	if r.hasAlarm() {
		b = appendTime(b, r.time)
		b = binary.BigEndian.AppendUint32(b, r.retries)
		b = append(b, r.name...)
	}
	return b
}

// decodeRecord reads a record; nil is the record of an actor that has nothing.
func decodeRecord(b []byte) (r record, err error) {
	const withAlarm = bodyBytes + timeBytes + 4
	switch {
	case b == nil:
		return r, nil
	case len(b) != bodyBytes && len(b) < withAlarm:
		return r, damagedf("an actor's record has %d bytes", len(b))
	}
	r.body = binary.BigEndian.Uint64(b)
	if len(b) >= withAlarm {
		r.time = readTime(b[bodyBytes:])
		r.retries = binary.BigEndian.Uint32(b[bodyBytes+timeBytes:])
		r.name = string(b[withAlarm:])
	}
	if r.isEmpty() {
		return r, damagedf("an actor's record is empty")
	}
	return r, nil
}

// findSpace returns the number of a namespace, or 0 when nothing was stored in it.
func findSpace(tx *bbolt.Tx, namespace string) (uint32, error) {
	v := tx.Bucket(bucketNamespaces).Get(nameKey(namespace))
	if v == nil {
		return 0, nil
	}
	if len(v) != spaceBytes {
		return 0, damagedf("the number of namespace %q has %d bytes", namespace, len(v))
	}
	return binary.BigEndian.Uint32(v), nil
}

// findRecord returns an actor's record; that of an unknown actor is empty.
func findRecord(tx *bbolt.Tx, a actorid.ID) (record, error) {
	space, err := findSpace(tx, a.Namespace)
	if err != nil || space == 0 {
		return record{}, err
	}
	return decodeRecord(tx.Bucket(bucketActors).Get(actorKey(space, a.Key)))
}

// firstAfter returns the first key that does not begin with prefix and comes
// after those that do, or nil when there can be none.
func firstAfter(prefix []byte) []byte {
	next := bytes.Clone(prefix)
	for i := len(next) - 1; i >= 0; i-- {
		next[i]++
		if next[i] != 0 {
			return next[:i+1]
		}
	}
	return nil
}

func damagedf(format string, args ...any) error {
	return fmt.Errorf("%w: %s", storage.ErrDamaged, fmt.Sprintf(format, args...))
}
