package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"workerd.local/config"
	"workerd.local/storage"
	"workerd.local/storage/admin"
	"workerd.local/storage/bolt"
)

// storageCommands are the verbs behind "workerd storage".
func storageCommands() []command {
	return []command{
		{"ls", "[<dir or config>]", "list namespaces and actors with their sizes", storageLs},
		{"get", "<actor> <key>", "print one value", storageGet},
		{"list", "<actor>", "print an actor's entries", storageList},
		{"export", "<actor>", "write actors as JSON lines", storageExport},
		{"import", "<file>", "read an export, or a directory of workerd's own", storageImport},
		{"backup", "<file>", "copy the storage file, also while a server uses it", storageBackup},
		{"check", "[<dir or config>]", "look for damage, and say what is lost", storageCheck},
		{"compact", "[<dir or config>]", "give free pages back", storageCompact},
	}
}

func storageVerb(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		storageUsage(stderr)
		return exitUsage
	}
	switch args[0] {
	case "-h", "-help", "--help", "help":
		storageUsage(stdout)
		return exitOK
	}
	for _, c := range storageCommands() {
		if c.name == args[0] {
			return c.run(ctx, args[1:], stdout, stderr)
		}
	}
	fmt.Fprintf(stderr, "workerd storage: there is no command %q\n\n", args[0])
	storageUsage(stderr)
	return exitUsage
}

func storageUsage(w io.Writer) {
	fmt.Fprint(w, "workerd storage looks into stored state. An actor is <namespace>/<id or name>.\n\nUsage:\n")
	for _, c := range storageCommands() {
		fmt.Fprintf(w, "  workerd storage %-7s %-19s %s\n", c.name, c.args, c.short)
	}
	fmt.Fprint(w, "\nEach works through the server that is using the storage, where one is.\nworkerd storage <command> --help tells the flags of a command.\n")
}

// storageOptions are the flags of one storage command.
type storageOptions struct {
	*options
	data string
	json bool
}

func newStorageOptions(name, args string, stdout, stderr io.Writer) *storageOptions {
	o := &storageOptions{options: bareOptions("storage "+name, args, stdout, stderr)}
	o.fs.StringVar(&o.data, "data", "", "the storage: a `dir` that has it, a project, or a config.capnp (default .)")
	return o
}

func (o *storageOptions) jsonFlag() {
	o.fs.BoolVar(&o.json, "json", false, "print a JSON object per line")
}

// parseDir is parse for commands whose only argument is the storage.
func (o *storageOptions) parseDir(args []string) (code int) {
	rest, code := o.parse(args, 0, 1)
	if code >= 0 {
		return code
	}
	if len(rest) > 0 {
		if o.data != "" {
			return o.wrong("both --data and %s name the storage", rest[0])
		}
		o.data = rest[0]
	}
	return -1
}

// open opens the storage that the flags name; create says that it may be made.
func (o *storageOptions) open(ctx context.Context, create bool) (st admin.Storage, dir string, err error) {
	dir, err = storageDir(o.data, o.stderr)
	if err != nil {
		return nil, "", err
	}
	if create {
		st, err = admin.Create(ctx, dir)
	} else {
		st, err = admin.Open(ctx, dir)
	}
	return st, dir, err
}

// run opens the storage and lets fn work on it.
func (o *storageOptions) run(ctx context.Context, create bool, fn func(st admin.Storage, dir string) error) int {
	st, dir, err := o.open(ctx, create)
	if err == nil {
		err = errors.Join(fn(st, dir), st.Close())
	}
	if err != nil {
		return fail(o.stderr, fmt.Errorf("%s: %w", o.fs.Name(), err))
	}
	return exitOK
}

// storageDir finds the storage directory that a path means: the directory itself, or
// that of a configuration.
func storageDir(path string, stderr io.Writer) (string, error) {
	if path == "" {
		path = "."
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%s: %w: nothing has this name", path, admin.ErrNoStorage)
	}
	if err != nil {
		return "", err
	}
	file := path
	if info.IsDir() {
		if _, err := os.Lstat(filepath.Join(path, bolt.FileName)); err == nil {
			return path, nil
		}
		file = ""
		for _, name := range []string{"wrangler.toml", "wrangler.json", "wrangler.jsonc", "config.capnp"} {
			if _, err := os.Stat(filepath.Join(path, name)); err == nil {
				file = filepath.Join(path, name)
			}
		}
		if file == "" {
			return path, nil
		}
	} else if filepath.Base(path) == bolt.FileName {
		return filepath.Dir(path), nil
	}
	return configuredDir(file, stderr)
}

// configuredDir is the storage directory of a configuration.
func configuredDir(file string, stderr io.Writer) (string, error) {
	cfg, warnings, err := config.Load(file, config.LoadOptions{})
	if err != nil {
		return "", err
	}
	for _, w := range warnings {
		fmt.Fprintf(stderr, "warning: %s\n", w)
	}
	var dirs []string
	for i := range cfg.Services {
		wk := cfg.Services[i].Worker
		if wk == nil {
			continue
		}
		for j := range cfg.Services {
			d := &cfg.Services[j]
			// The state of a project may also be that of its KV namespaces and R2 buckets alone.
			if d.Disk == nil || d.Name != config.StateService && (wk.Storage.Kind != config.StorageLocalDisk || d.Name != wk.Storage.Service) {
				continue
			}
			if !d.Disk.Path.IsSet() {
				return "", fmt.Errorf("%s leaves open where the disk service %q is: name that directory instead", file, d.Name)
			}
			if !slices.Contains(dirs, d.Disk.Path.Value) {
				dirs = append(dirs, d.Disk.Path.Value)
			}
		}
	}
	switch len(dirs) {
	case 0:
		return "", fmt.Errorf("%s: %w: the configuration keeps nothing on disk", file, admin.ErrNoStorage)
	case 1:
		return dirs[0], nil
	}
	return "", fmt.Errorf("%s has several storage directories; name one: %s", file, strings.Join(dirs, ", "))
}

func storageLs(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o := newStorageOptions("ls", "[<dir or config>]", stdout, stderr)
	o.jsonFlag()
	var namespace string
	o.fs.StringVar(&namespace, "namespace", "", "list the actors of the namespace of this `name` only")
	if code := o.parseDir(args); code >= 0 {
		return code
	}
	return o.run(ctx, false, func(st admin.Storage, dir string) error {
		out := bufio.NewWriter(stdout)
		var actors, keys, namespaces int
		var bytes int64
		last := ""
		for a, err := range st.Actors(ctx, namespace) {
			if err != nil {
				return errors.Join(out.Flush(), err)
			}
			if actors++; actors == 1 || a.ID.Namespace != last {
				namespaces++
				last = a.ID.Namespace
			}
			keys, bytes = keys+a.Keys, bytes+a.Bytes
			if o.json {
				err = printJSON(out, jsonActor(&a))
			} else {
				_, err = fmt.Fprintf(out, "%s/%s  %s  %s%s\n", a.ID.Namespace, a.ID, count(a.Keys, "key"), count(int(a.Bytes), "byte"), alarmText(a.Alarm))
			}
			if err != nil {
				return err
			}
		}
		if !o.json {
			if _, err := fmt.Fprintf(out, "%s, %s, %s, %s\n", count(namespaces, "namespace"), count(actors, "actor"), count(keys, "key"), count(int(bytes), "byte")); err != nil {
				return err
			}
		}
		return out.Flush()
	})
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

func alarmText(a *admin.Alarm) string {
	if a == nil {
		return ""
	}
	text := "  alarm " + a.Time.UTC().Format(time.RFC3339Nano)
	if a.Retries > 0 {
		text += fmt.Sprintf(" after %s", count(a.Retries, "failed run"))
	}
	if a.Name != "" {
		text += fmt.Sprintf("  name %q", a.Name)
	}
	return text
}

// actorJSON is what ls --json says of an actor.
type actorJSON struct {
	Namespace string `json:"namespace"`
	ID        string `json:"id"`
	Name      string `json:"name,omitempty"`
	Keys      int    `json:"keys"`
	Bytes     int64  `json:"bytes"`
	Alarm     string `json:"alarm,omitempty"`
	Retries   int    `json:"retries,omitempty"`
}

func jsonActor(a *admin.Actor) actorJSON {
	j := actorJSON{Namespace: a.ID.Namespace, ID: a.ID.String(), Name: a.Name(), Keys: a.Keys, Bytes: a.Bytes}
	if a.Alarm != nil {
		j.Alarm, j.Retries = a.Alarm.Time.UTC().Format(time.RFC3339Nano), a.Alarm.Retries
	}
	return j
}

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// entryJSON is what get and list say of an entry with --json.
type entryJSON struct {
	Key        string          `json:"key"`
	Value      json.RawMessage `json:"value,omitempty"`
	Unreadable string          `json:"unreadable,omitempty"`
	Raw        []byte          `json:"raw"`
}

func jsonEntry(kv storage.KV) entryJSON {
	text, why := admin.Readable(kv.Value, nil)
	return entryJSON{Key: kv.Key, Value: text, Unreadable: why, Raw: kv.Value}
}

// valueText is a value for people.
func valueText(value []byte) string {
	text, why := admin.Readable(value, nil)
	if why != "" {
		return fmt.Sprintf("(%d bytes that cannot be shown: %s)", len(value), why)
	}
	return string(text)
}

func storageGet(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o := newStorageOptions("get", "<actor> <key>", stdout, stderr)
	o.jsonFlag()
	var raw bool
	o.fs.BoolVar(&raw, "raw", false, "print the bytes as they are stored (V8's format)")
	rest, code := o.parse(args, 2, 2)
	if code >= 0 {
		return code
	}
	if raw && o.json {
		return o.wrong("--raw and --json exclude each other")
	}
	return o.run(ctx, false, func(st admin.Storage, dir string) error {
		for kv, err := range st.Entries(ctx, admin.Query{Ref: rest[0], Key: rest[1], HasKey: true}) {
			switch {
			case err != nil:
			case raw:
				_, err = stdout.Write(kv.Value)
			case o.json:
				err = printJSON(stdout, jsonEntry(kv))
			default:
				_, err = fmt.Fprintln(stdout, valueText(kv.Value))
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func storageList(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o := newStorageOptions("list", "<actor>", stdout, stderr)
	o.jsonFlag()
	var q admin.Query
	o.fs.StringVar(&q.Prefix, "prefix", "", "only keys that begin with `text`")
	o.fs.StringVar(&q.Range.Start, "start", "", "from this `key` on")
	o.fs.StringVar(&q.Range.End, "end", "", "up to this `key`, without it")
	o.fs.BoolVar(&q.Range.Reverse, "reverse", false, "from the last key to the first")
	o.fs.IntVar(&q.Range.Limit, "limit", 0, "at most `n` entries")
	rest, code := o.parse(args, 1, 1)
	if code >= 0 {
		return code
	}
	if q.Range.Limit < 0 {
		return o.wrong("--limit must not be negative")
	}
	q.Ref = rest[0]
	return o.run(ctx, false, func(st admin.Storage, dir string) error {
		out := bufio.NewWriter(stdout)
		for kv, err := range st.Entries(ctx, q) {
			if err != nil {
				return errors.Join(out.Flush(), err)
			}
			if o.json {
				err = printJSON(out, jsonEntry(kv))
			} else {
				_, err = fmt.Fprintf(out, "%s\t%s\n", keyText(kv.Key), valueText(kv.Value))
			}
			if err != nil {
				return err
			}
		}
		return out.Flush()
	})
}

// keyText is a key for people: quoted where it would not be seen as it is.
func keyText(key string) string {
	if quoted := strconv.Quote(key); quoted != `"`+key+`"` || key == "" {
		return quoted
	}
	return key
}

func storageExport(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o := newStorageOptions("export", "<actor> | --all", stdout, stderr)
	var all bool
	o.fs.BoolVar(&all, "all", false, "all actors of all namespaces")
	var output string
	o.fs.StringVar(&output, "output", "", "write to `file` instead of stdout")
	var force bool
	o.fs.BoolVar(&force, "force", false, "replace a file that exists")
	rest, code := o.parse(args, 0, 1)
	if code >= 0 {
		return code
	}
	if all == (len(rest) == 1) {
		return o.wrong("name one actor, or say --all")
	}
	ref := ""
	if !all {
		if ref = rest[0]; ref == "" {
			return o.wrong("the actor has an empty name")
		}
	}
	return o.run(ctx, false, func(st admin.Storage, dir string) error {
		if output == "" {
			return st.Export(ctx, stdout, ref)
		}
		return admin.WriteFile(output, force, func(w io.Writer) error { return st.Export(ctx, w, ref) })
	})
}

func storageBackup(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o := newStorageOptions("backup", "<file>", stdout, stderr)
	var force bool
	o.fs.BoolVar(&force, "force", false, "replace a file that exists")
	rest, code := o.parse(args, 1, 1)
	if code >= 0 {
		return code
	}
	return o.run(ctx, false, func(st admin.Storage, dir string) error {
		if sameFile(rest[0], filepath.Join(dir, bolt.FileName)) {
			return fmt.Errorf("%s is the storage itself", rest[0])
		}
		err := admin.WriteFile(rest[0], force, func(w io.Writer) error { return st.Backup(ctx, w) })
		if err != nil {
			return err
		}
		info, err := os.Stat(rest[0])
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(stdout, "%s: %s\n", rest[0], count(int(info.Size()), "byte"))
		return err
	})
}

func sameFile(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

func storageCheck(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o := newStorageOptions("check", "[<dir or config>]", stdout, stderr)
	if code := o.parseDir(args); code >= 0 {
		return code
	}
	return o.run(ctx, false, func(st admin.Storage, dir string) error {
		findings, err := st.Check(ctx)
		for _, f := range findings {
			if _, perr := fmt.Fprintln(stdout, f); perr != nil {
				return errors.Join(err, perr)
			}
		}
		switch {
		case err != nil:
			return err
		case len(findings) > 0:
			return fmt.Errorf("%s: %w; restore a backup, or export what can still be read", dir, storage.ErrDamaged)
		}
		_, err = fmt.Fprintf(stdout, "%s: sound\n", dir)
		return err
	})
}

func storageCompact(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o := newStorageOptions("compact", "[<dir or config>]", stdout, stderr)
	if code := o.parseDir(args); code >= 0 {
		return code
	}
	return o.run(ctx, false, func(st admin.Storage, dir string) error {
		before, after, err := st.Compact(ctx)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(stdout, "%s: %d -> %d bytes\n", dir, before, after)
		return err
	})
}
