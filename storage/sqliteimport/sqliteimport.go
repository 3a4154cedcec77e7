// Package sqliteimport reads the directory in which workerd keeps Durable Objects
// (localDisk): <unique key>/<id>.sqlite for each actor, with metadata.sqlite for the
// scheduler's alarms beside them.
//
// The directory is not changed: each database is copied with its write-ahead log to a
// temporary directory and opened there, so that what a killed workerd left in the log
// counts. workerd must not run meanwhile. Values stay the bytes that they are, V8's
// serialization. What has no place here, tables of an application for one, is named
// and not read.
//
// # Concurrency
//
// A Directory belongs to one goroutine at a time. Everything blocks.
package sqliteimport

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"workerd.local/actorid"
	"workerd.local/storage"
)

// ErrNone means that a directory holds no Durable Objects of workerd.
var ErrNone = errors.New("there are no Durable Objects of workerd")

// Directory is one directory of workerd.
type Directory struct {
	path       string
	namespaces []string
	ignored    []string
}

const (
	suffix   = ".sqlite"
	metadata = "metadata" + suffix
)

// Open lists a directory. It reads no database. Errors: ErrNone, and the file
// system's.
func Open(dir string) (*Directory, error) {
	list, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("read workerd's directory: %w", err)
	}
	d := &Directory{path: dir}
	for _, e := range list {
		if _, ok := idOf(e.Name()); ok {
			return nil, fmt.Errorf("%s: %w: it is the directory of one namespace; name the one above it", dir, ErrNone)
		}
		if !e.IsDir() {
			d.ignored = append(d.ignored, e.Name())
			continue
		}
		files, err := os.ReadDir(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("read workerd's directory: %w", err)
		}
		found := false
		var others []string
		for _, f := range files {
			_, own := idOf(f.Name())
			found = found || own
			if !own && !belongs(f.Name()) {
				others = append(others, filepath.Join(e.Name(), f.Name()))
			}
		}
		if !found {
			d.ignored = append(d.ignored, e.Name())
			continue
		}
		d.ignored = append(d.ignored, others...)
		d.namespaces = append(d.namespaces, e.Name())
	}
	slices.Sort(d.namespaces)
	if len(d.namespaces) == 0 {
		return nil, fmt.Errorf("%s: %w: it has no <unique key>/<id>%s", dir, ErrNone, suffix)
	}
	return d, nil
}

// idOf is the id of an actor's database.
func idOf(name string) (key string, ok bool) {
	text, ok := strings.CutSuffix(name, suffix)
	if !ok || len(text) != 2*actorid.Size || strings.ToLower(text) != text {
		return "", false
	}
	raw, err := hex.DecodeString(text)
	return string(raw), err == nil
}

// belongs tells whether a file is read with a database.
func belongs(name string) bool {
	for _, end := range []string{"-wal", "-shm", "-journal"} {
		name = strings.TrimSuffix(name, end)
	}
	_, ok := idOf(name)
	return ok || name == metadata
}

// Ignored names the files and directories that are not read, such as those of facets.
func (d *Directory) Ignored() []string { return d.ignored }

// Actor is one actor of the directory.
type Actor struct {
	ID actorid.ID
	// Alarm has no time where none is set. Its name is what the scheduler knows.
	Alarm storage.Due
	// Keys is the number of entries.
	Keys int
	// Entries yields them in the order of their keys. It ends after the first error,
	// and is valid until the next actor.
	Entries iter.Seq2[storage.KV, error]
	// NotImported says what else the database holds: a phrase each.
	NotImported []string
}

// Actors yields all actors in the order of namespaces and ids. It ends after the first
// error, which names the file.
func (d *Directory) Actors(ctx context.Context) iter.Seq2[Actor, error] {
	return func(yield func(Actor, error) bool) {
		for _, namespace := range d.namespaces {
			names, err := d.alarmNames(ctx, namespace)
			if err != nil {
				yield(Actor{}, err)
				return
			}
			files, err := os.ReadDir(filepath.Join(d.path, namespace)) // in the order of names, so of ids
			if err != nil {
				yield(Actor{}, fmt.Errorf("read workerd's directory: %w", err))
				return
			}
			for _, f := range files {
				key, ok := idOf(f.Name())
				if !ok {
					continue
				}
				more := true
				err := d.actor(ctx, actorid.ID{Namespace: namespace, Key: key}, names, func(a Actor) { more = yield(a, nil) })
				if err != nil && more {
					yield(Actor{}, err)
				}
				if err != nil || !more {
					return
				}
			}
		}
	}
}

// actor reads one database.
func (d *Directory) actor(ctx context.Context, id actorid.ID, names map[string]string, yield func(Actor)) error {
	path := filepath.Join(d.path, id.Namespace, id.String()+suffix)
	return withCopy(path, func(db *sql.DB) error {
		tables, err := tableNames(ctx, db)
		if err != nil {
			return err
		}
		a := Actor{ID: id, Entries: func(func(storage.KV, error) bool) {}}
		if slices.Contains(tables, "_cf_METADATA") {
			if a.Alarm, err = alarm(ctx, db, id, names); err != nil {
				return err
			}
		}
		if slices.Contains(tables, "_cf_KV") {
			if err := db.QueryRowContext(ctx, `SELECT COUNT(*) FROM _cf_KV`).Scan(&a.Keys); err != nil {
				return err
			}
			a.Entries = func(yield func(storage.KV, error) bool) { entries(ctx, db, path, yield) }
		}
		if a.NotImported, err = others(ctx, db, tables); err != nil {
			return err
		}
		yield(a)
		return nil
	})
}

func tableNames(ctx context.Context, db *sql.DB) (names []string, err error) {
	rows, err := db.QueryContext(ctx, `SELECT name FROM sqlite_master WHERE type IN ('table', 'view', 'trigger') ORDER BY name`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, rows.Err()
}

// alarm is what the actor's own database says: workerd follows it where the scheduler
// has another time.
func alarm(ctx context.Context, db *sql.DB, id actorid.ID, names map[string]string) (storage.Due, error) {
	var at sql.NullInt64
	err := db.QueryRowContext(ctx, `SELECT value FROM _cf_METADATA WHERE key = 1`).Scan(&at)
	if errors.Is(err, sql.ErrNoRows) || err == nil && !at.Valid {
		return storage.Due{}, nil
	}
	if err != nil {
		return storage.Due{}, fmt.Errorf("the alarm: %w", err)
	}
	return storage.Due{Actor: id, Time: time.Unix(0, at.Int64).UTC(), Name: names[id.String()]}, nil
}

func entries(ctx context.Context, db *sql.DB, path string, yield func(storage.KV, error) bool) {
	rows, err := db.QueryContext(ctx, `SELECT CAST(key AS BLOB), value FROM _cf_KV ORDER BY key`)
	if err != nil {
		yield(storage.KV{}, fmt.Errorf("%s: %w", path, err))
		return
	}
	defer rows.Close()
	for rows.Next() {
		var key, value []byte
		if err := rows.Scan(&key, &value); err != nil {
			yield(storage.KV{}, fmt.Errorf("%s: %w", path, err))
			return
		}
		if !yield(storage.KV{Key: string(key), Value: value}, nil) {
			return
		}
	}
	if err := rows.Err(); err != nil {
		yield(storage.KV{}, fmt.Errorf("%s: %w", path, err))
	}
}

// others says what a database holds beside keys and alarm.
func others(ctx context.Context, db *sql.DB, tables []string) (what []string, err error) {
	var own []string
	for _, name := range tables {
		low := strings.ToLower(name)
		switch {
		case name == "_cf_KV", name == "_cf_METADATA", strings.HasPrefix(low, "sqlite_"):
		case name == "_cf_EXTERNALS":
			var n int
			if err := db.QueryRowContext(ctx, `SELECT COUNT(*) FROM _cf_EXTERNALS`).Scan(&n); err != nil {
				return nil, err
			}
			if n > 0 {
				what = append(what, fmt.Sprintf("%d stored stubs", n))
			}
		default:
			own = append(own, name)
		}
	}
	if len(own) > 0 {
		what = append(what, "SQL tables "+strings.Join(own, ", "))
	}
	return what, nil
}

// alarmNames are the names that the scheduler of a namespace knows, by id.
func (d *Directory) alarmNames(ctx context.Context, namespace string) (names map[string]string, err error) {
	path := filepath.Join(d.path, namespace, metadata)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	names = map[string]string{}
	err = withCopy(path, func(db *sql.DB) error {
		// Older files have no column for names, or no table at all.
		var n int
		if err := db.QueryRowContext(ctx, `SELECT COUNT(*) FROM pragma_table_info('_cf_ALARM') WHERE name = 'actor_name'`).Scan(&n); err != nil || n == 0 {
			return err
		}
		rows, err := db.QueryContext(ctx, `SELECT actor_id, actor_name FROM _cf_ALARM WHERE actor_name IS NOT NULL`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id, name string
			if err := rows.Scan(&id, &name); err != nil {
				return err
			}
			names[id] = name
		}
		return rows.Err()
	})
	return names, err
}

// withCopy runs fn on a copy of a database and what belongs to it.
func withCopy(path string, fn func(db *sql.DB) error) (err error) {
	defer func() {
		if err != nil && !strings.Contains(err.Error(), path) {
			err = fmt.Errorf("%s: %w", path, err)
		}
	}()
	dir, err := os.MkdirTemp("", "workerd-import-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	copied := filepath.Join(dir, "db")
	for _, end := range []string{"", "-wal", "-journal"} {
		if err := copyFile(copied+end, path+end); err != nil && (end == "" || !errors.Is(err, fs.ErrNotExist)) {
			return err
		}
	}
	dsn := url.URL{Scheme: "file", Opaque: (&url.URL{Path: filepath.ToSlash(copied)}).EscapedPath()}
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	return errors.Join(fn(db), db.Close())
}

func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
