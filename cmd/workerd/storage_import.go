package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"workerd.local/storage/admin"
	"workerd.local/storage/sqliteimport"
)

func storageImport(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o := newStorageOptions("import", "<file> (- for stdin)", stdout, stderr)
	var replace bool
	o.fs.BoolVar(&replace, "replace", false, "replace actors that are stored already")
	var workerd string
	o.fs.StringVar(&workerd, "workerd", "", "import the `dir` of a workerd that has ended, instead of an export")
	rest, code := o.parse(args, 0, 1)
	if code >= 0 {
		return code
	}
	if (workerd == "") == (len(rest) == 0) {
		return o.wrong("name an export, or a directory with --workerd")
	}
	return o.run(ctx, true, func(st admin.Storage, dir string) error {
		switch {
		case workerd != "":
			return o.importWorkerd(ctx, st, workerd, replace)
		case rest[0] == "-":
			return o.importFrom(ctx, st, os.Stdin, admin.ImportOptions{Replace: replace})
		}
		return o.importFile(ctx, st, rest[0], replace)
	})
}

func (o *storageOptions) importFile(ctx context.Context, st admin.Storage, path string, replace bool) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Mode().IsRegular() {
		// Mistakes are found before anything is changed.
		if _, err := st.Import(ctx, f, admin.ImportOptions{Replace: replace, DryRun: true}); err != nil {
			return fmt.Errorf("%s: %w; nothing was imported", path, err)
		}
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return err
		}
	}
	if err := o.importFrom(ctx, st, f, admin.ImportOptions{Replace: replace}); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// importWorkerd imports a directory of workerd's own. Its databases become an export
// on the way.
func (o *storageOptions) importWorkerd(ctx context.Context, st admin.Storage, path string, replace bool) error {
	d, err := sqliteimport.Open(path)
	if err != nil {
		return err
	}
	if err := converted(ctx, d, nil, func(r io.Reader) error {
		_, err := st.Import(ctx, r, admin.ImportOptions{Replace: replace, DryRun: true})
		return err
	}); err != nil {
		return fmt.Errorf("%w; nothing was imported", err)
	}
	for _, name := range d.Ignored() {
		fmt.Fprintf(o.stderr, "not imported: %s\n", filepath.Join(path, name))
	}
	report := func(a *sqliteimport.Actor) {
		for _, what := range a.NotImported {
			fmt.Fprintf(o.stderr, "not imported: %s of %s/%s\n", what, a.ID.Namespace, a.ID)
		}
	}
	return converted(ctx, d, report, func(r io.Reader) error {
		return o.importFrom(ctx, st, r, admin.ImportOptions{Replace: replace})
	})
}

// converted lets read take the export that a directory of workerd's becomes.
func converted(ctx context.Context, d *sqliteimport.Directory, report func(*sqliteimport.Actor), read func(io.Reader) error) error {
	r, w := io.Pipe()
	var converting sync.WaitGroup
	var failed error
	converting.Go(func() {
		failed = convert(ctx, d, report, w)
		w.CloseWithError(failed) // without an error: the end
	})
	err := read(r)
	r.CloseWithError(io.ErrClosedPipe)
	converting.Wait()
	if failed != nil && !errors.Is(failed, io.ErrClosedPipe) {
		return failed // what was read ended because of it
	}
	return err
}

func convert(ctx context.Context, d *sqliteimport.Directory, report func(*sqliteimport.Actor), w io.Writer) error {
	e, err := admin.NewExporter(w, nil)
	if err != nil {
		return err
	}
	for a, err := range d.Actors(ctx) {
		if err != nil {
			return err
		}
		if report != nil {
			report(&a)
		}
		actor := admin.Actor{ID: a.ID}
		if !a.Alarm.Time.IsZero() {
			actor.Alarm = &admin.Alarm{Time: a.Alarm.Time, Name: a.Alarm.Name}
		}
		if a.Keys == 0 && actor.Alarm == nil {
			continue // nothing is stored
		}
		if err := e.Actor(actor, a.Entries); err != nil {
			return err
		}
	}
	return e.Close()
}

// importFrom imports, and says how far it came.
func (o *storageOptions) importFrom(ctx context.Context, st admin.Storage, r io.Reader, io admin.ImportOptions) error {
	done, err := st.Import(ctx, r, io)
	text := fmt.Sprintf("%s, %s, %s", count(done.Actors, "actor"), entries(done.Entries), count(int(done.Bytes), "byte"))
	if err != nil {
		return errors.Join(err, fmt.Errorf("imported before that: %s", text))
	}
	_, err = fmt.Fprintf(o.stdout, "imported %s\n", text)
	return err
}

func entries(n int64) string {
	if n == 1 {
		return "1 entry"
	}
	return fmt.Sprintf("%d entries", n)
}
