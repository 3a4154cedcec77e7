package sqliteimport_test

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"workerd.local/actorid"
	"workerd.local/storage/sqliteimport"
)

const (
	kvTable       = `CREATE TABLE _cf_KV (key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID`
	metadataTable = `CREATE TABLE _cf_METADATA (key INTEGER PRIMARY KEY, value BLOB)`
	alarmTable    = `CREATE TABLE _cf_ALARM (actor_id TEXT PRIMARY KEY, scheduled_time INTEGER, actor_name TEXT) WITHOUT ROWID`
)

var alarmTime = time.Date(2031, 2, 3, 4, 5, 6, 789, time.UTC)

func id(namespace, name string) actorid.ID {
	return actorid.NewFactory(namespace, nil).FromName(name)
}

// database makes a database of statements. What is in the log stays there: the files
// are copied while the database is open, as a kill would leave them.
func database(t *testing.T, path string, statements ...string) {
	t.Helper()
	dir := t.TempDir()
	db, err := sql.Open("sqlite", filepath.Join(dir, "x"))
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	defer db.Close()
	for _, s := range append([]string{"PRAGMA journal_mode=WAL", "PRAGMA wal_autocheckpoint=0"}, statements...) {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, end := range []string{"", "-wal"} {
		b, err := os.ReadFile(filepath.Join(dir, "x"+end))
		if end != "" && len(statements) == 0 && errors.Is(err, fs.ErrNotExist) {
			continue // nothing was written, so there is no log
		}
		if err == nil {
			err = os.WriteFile(path+end, b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func read(t *testing.T, dir string) (out []string, err error) {
	t.Helper()
	d, err := sqliteimport.Open(dir)
	if err != nil {
		return nil, err
	}
	for a, err := range d.Actors(t.Context()) {
		if err != nil {
			return out, err
		}
		text := fmt.Sprintf("%s/%.4s %d", a.ID.Namespace, a.ID, a.Keys)
		for kv, err := range a.Entries {
			if err != nil {
				return out, err
			}
			text += fmt.Sprintf(" %s=%x", kv.Key, kv.Value)
		}
		if !a.Alarm.Time.IsZero() {
			text += fmt.Sprintf(" alarm %s %q", a.Alarm.Time.Format(time.RFC3339Nano), a.Alarm.Name)
		}
		out = append(out, strings.Join(append([]string{text}, a.NotImported...), "; "))
	}
	for _, name := range d.Ignored() {
		out = append(out, "ignored "+filepath.ToSlash(name))
	}
	return out, nil
}

func TestReadsWhatAKilledWorkerdLeft(t *testing.T) {
	dir := t.TempDir()
	file := func(a actorid.ID) string { return filepath.Join(dir, a.Namespace, a.String()+".sqlite") }
	a, b, c := id("room", "a"), id("wide", "b"), id("wide", "c")
	database(t, file(a), kvTable, metadataTable,
		`INSERT INTO _cf_KV VALUES ('b', x'ff0f5f'), ('a', x'ff0f30'), ('ü', x''), ('', x'00')`,
		fmt.Sprintf(`INSERT INTO _cf_METADATA VALUES (1, %d), (2, 7)`, alarmTime.UnixNano()),
		`CREATE TABLE messages (id INTEGER)`, `CREATE INDEX m ON messages (id)`)
	database(t, filepath.Join(dir, "room", "metadata.sqlite"), alarmTable, fmt.Sprintf(`INSERT INTO _cf_ALARM VALUES ('%s', 5, 'a')`, a))
	// No table at all, as after deleteAll(), and an alarm that was cleared.
	database(t, file(b))
	database(t, file(c), metadataTable, `INSERT INTO _cf_METADATA VALUES (1, NULL)`, `CREATE TABLE _cf_EXTERNALS (key TEXT)`, `INSERT INTO _cf_EXTERNALS VALUES ('k')`)
	// A scheduler's file of the first version, which has no names.
	database(t, filepath.Join(dir, "wide", "metadata.sqlite"), `CREATE TABLE _cf_ALARM (actor_id TEXT PRIMARY KEY, scheduled_time INTEGER) WITHOUT ROWID`)
	for _, name := range []string{filepath.Join("room", a.String()+".facets"), filepath.Join("room", a.String()+".1.sqlite"), "notes.txt"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	before := tree(t, dir)
	got, err := read(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		fmt.Sprintf(`room/%.4s 4 =00 a=ff0f30 b=ff0f5f ü= alarm 2031-02-03T04:05:06.000000789Z "a"; SQL tables messages`, a),
	}
	rest := []string{fmt.Sprintf("wide/%.4s 0", b), fmt.Sprintf("wide/%.4s 0; 1 stored stubs", c)}
	if c.Key < b.Key {
		rest[0], rest[1] = rest[1], rest[0]
	}
	want = append(append(want, rest...), "ignored empty", "ignored notes.txt",
		fmt.Sprintf("ignored room/%s.1.sqlite", a), fmt.Sprintf("ignored room/%s.facets", a))
	slicesEqual(t, got, want)
	if after := tree(t, dir); after != before {
		t.Errorf("the directory was changed:\n%s\n%s", before, after)
	}
}

func slicesEqual(t *testing.T, got, want []string) {
	t.Helper()
	in := map[string]bool{}
	for _, w := range want {
		in[w] = true
	}
	for _, g := range got {
		if !in[g] {
			t.Errorf("got %s", g)
		}
		delete(in, g)
	}
	for w := range in {
		t.Errorf("missing %s", w)
	}
}

// tree is the names, sizes and times of all files.
func tree(t *testing.T, dir string) string {
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		fmt.Fprintln(&b, path, info.Size(), info.ModTime())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestWhatIsNoDirectoryOfWorkerd(t *testing.T) {
	dir := t.TempDir()
	if _, err := read(t, filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	if _, err := read(t, dir); !errors.Is(err, sqliteimport.ErrNone) || !strings.Contains(err.Error(), dir) {
		t.Errorf("%v", err)
	}
	a := id("room", "a")
	path := filepath.Join(dir, "room", a.String()+".sqlite")
	database(t, path, kvTable)
	if _, err := read(t, filepath.Join(dir, "room")); !errors.Is(err, sqliteimport.ErrNone) || !strings.Contains(err.Error(), "name the one above it") {
		t.Errorf("%v", err)
	}
	if err := os.Remove(path + "-wal"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := read(t, dir); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "not a database") {
		t.Errorf("%v", err)
	}
}
