package admin

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"workerd.local/actorid"
	"workerd.local/internal/limits"
	"workerd.local/storage"
)

// exportVersion is the number of the form of an export.
const exportVersion = 1

// exportOf is how an export begins to say what it is.
const exportOf = "workerd storage"

// line is one line of an export, of which one part is set; also what goes over the
// control socket.
type line struct {
	lineHead
	Actor *lineActor `json:"actor,omitempty"`
	lineEntry
	End  *lineEnd  `json:"end,omitempty"`
	Done *lineDone `json:"done,omitempty"`
}

// lineHead begins an export.
type lineHead struct {
	Export  string `json:"export,omitempty"`
	Version int    `json:"version,omitempty"`
}

// lineActor begins an actor; its entries follow, in the order of their keys.
type lineActor struct {
	Namespace string     `json:"namespace"`
	ID        string     `json:"id"` // hex
	Name      string     `json:"name,omitempty"`
	Keys      int        `json:"keys,omitempty"`
	Bytes     int64      `json:"bytes,omitempty"`
	Alarm     *lineAlarm `json:"alarm,omitempty"`
}

// lineAlarm is an alarm. Time is for people; JavaScript's years have no other form.
type lineAlarm struct {
	Time        string `json:"time,omitempty"`
	Seconds     int64  `json:"seconds"`
	Nanoseconds int64  `json:"nanoseconds"`
	Retries     int    `json:"retries,omitempty"`
}

// lineEntry is one key with its value.
type lineEntry struct {
	Key *string `json:"key,omitempty"`
	// KeyRaw is the key where it is no UTF-8.
	KeyRaw []byte `json:"keyRaw,omitempty"`
	// Value is the readable form, Unreadable why there is none.
	Value      rawJSON `json:"value,omitempty"`
	Unreadable string  `json:"unreadable,omitempty"`
	// Raw is the value as it is stored, and what an import takes.
	Raw *[]byte `json:"raw,omitempty"`
}

// lineEnd ends an actor, lineDone an export: what ends without them was cut off.
type lineEnd struct {
	Keys int `json:"keys"`
}

type lineDone struct {
	Actors int `json:"actors"`
}

// rawJSON is json.RawMessage that is left out where it is empty.
type rawJSON []byte

func (r rawJSON) MarshalJSON() ([]byte, error) { return r, nil }

func (r *rawJSON) UnmarshalJSON(b []byte) error {
	*r = append((*r)[:0], b...)
	return nil
}

func alarmLine(a *Alarm) *lineAlarm {
	if a == nil {
		return nil
	}
	return &lineAlarm{Time: a.Time.UTC().Format(time.RFC3339Nano), Seconds: a.Time.Unix(), Nanoseconds: int64(a.Time.Nanosecond()), Retries: a.Retries}
}

func alarmOf(d storage.Due) *Alarm {
	if d.Time.IsZero() {
		return nil
	}
	return &Alarm{Time: d.Time, Retries: d.Retries, Name: d.Name}
}

func actorLine(a *Actor) *lineActor {
	return &lineActor{Namespace: a.ID.Namespace, ID: idText(a.ID), Name: a.Name(), Keys: a.Keys, Bytes: a.Bytes, Alarm: alarmLine(a.Alarm)}
}

// idText is an id in an export: hexadecimal digits, and the names that lead to a facet.
func idText(id actorid.ID) string {
	if text := id.String(); strings.Contains(text, "/") && id.Root() != id {
		return text
	}
	return hex.EncodeToString([]byte(id.Key))
}

// actor reads the line back.
func (l *lineActor) actor() (a Actor, err error) {
	id, isFacet := actorid.ID{}, false
	if strings.Contains(l.ID, "/") {
		id, isFacet = actorid.ParseKey(l.Namespace, l.ID)
	}
	key, err := hex.DecodeString(l.ID)
	switch {
	case isFacet:
	case err != nil:
		return a, fmt.Errorf("the id %q is not hexadecimal", l.ID)
	default:
		id = actorid.ID{Namespace: l.Namespace, Key: string(key)}
	}
	if l.Alarm == nil && l.Name != "" {
		return a, errors.New("a name without an alarm cannot be stored")
	}
	a = Actor{ID: id, Keys: l.Keys, Bytes: l.Bytes}
	if l.Alarm != nil {
		if n := l.Alarm.Nanoseconds; n < 0 || n >= int64(time.Second) {
			return a, fmt.Errorf("the alarm has %d nanoseconds", n)
		}
		a.Alarm = &Alarm{Time: time.Unix(l.Alarm.Seconds, l.Alarm.Nanoseconds).UTC(), Retries: l.Alarm.Retries, Name: l.Name}
		if a.Alarm.Time.IsZero() || l.Alarm.Seconds > math.MaxInt64/2 || l.Alarm.Seconds < math.MinInt64/2 {
			return a, errors.New("the alarm has no time")
		}
	}
	return a, storage.CheckActor(storage.Token{Shard: a.ID.Shard()}, a.ID)
}

// entryLine is one entry without its readable form.
func entryLine(kv storage.KV) lineEntry {
	e := lineEntry{Raw: &kv.Value}
	if utf8.ValidString(kv.Key) {
		e.Key = &kv.Key
	} else {
		e.KeyRaw = []byte(kv.Key)
	}
	if kv.Value == nil {
		e.Raw = &[]byte{}
	}
	return e
}

// Readable is the readable form of a stored value, as JSON, or why it has none.
func Readable(value []byte, bounds *limits.Set) (text []byte, why string) {
	if len(value) > limits.ExportValue.In(bounds) {
		return nil, fmt.Sprintf("the value has %d bytes, more than are shown", len(value))
	}
	text, err := readable(value)
	if err != nil {
		return nil, err.Error()
	}
	return text, ""
}

func (l *lineEntry) key() string {
	if l.Key != nil {
		return *l.Key
	}
	return string(l.KeyRaw)
}
