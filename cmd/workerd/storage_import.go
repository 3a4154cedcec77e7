package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"workerd.local/storage/admin"
)

func storageImport(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o := newStorageOptions("import", "<file> (- for stdin)", stdout, stderr)
	var replace bool
	o.fs.BoolVar(&replace, "replace", false, "replace actors that are stored already")
	rest, code := o.parse(args, 1, 1)
	if code >= 0 {
		return code
	}
	return o.run(ctx, true, func(st admin.Storage, dir string) error {
		if rest[0] == "-" {
			return o.importFrom(ctx, st, os.Stdin, admin.ImportOptions{Replace: replace})
		}
		f, err := os.Open(rest[0])
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
				return fmt.Errorf("%s: %w; nothing was imported", rest[0], err)
			}
			if _, err := f.Seek(0, io.SeekStart); err != nil {
				return err
			}
		}
		if err := o.importFrom(ctx, st, f, admin.ImportOptions{Replace: replace}); err != nil {
			return fmt.Errorf("%s: %w", rest[0], err)
		}
		return nil
	})
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
