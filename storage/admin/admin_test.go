package admin_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"workerd.local/storage"
	"workerd.local/storage/admin"
	"workerd.local/storage/bolt"
)

func TestActorsWithTheirSizes(t *testing.T) {
	eachWay(t, func(t *testing.T, st admin.Storage, dir string) {
		all := listed(t, st, "")
		if len(all) != 10 || !slices.IsSortedFunc(all, func(a, b string) int {
			return strings.Compare(strings.SplitN(a, "/", 2)[0], strings.SplitN(b, "/", 2)[0])
		}) {
			t.Errorf("%q", all)
		}
		n1 := fmt.Sprintf("wide/%.4s 23 ", ids("wide").FromName("n1"))
		if one := listed(t, st, "wide"); len(one) != 3 || !slices.ContainsFunc(one, func(s string) bool {
			return strings.HasPrefix(s, n1) && strings.HasSuffix(s, fmt.Sprintf(` %d 2 "n1"`, alarmTime.UnixMilli()))
		}) {
			t.Errorf("want one of %q to begin with %q", one, n1)
		}
		if timer := listed(t, st, "timer"); len(timer) != 1 || !strings.HasSuffix(timer[0], ` 0 0 8640000000000000 0 ""`) {
			t.Errorf("%q", timer)
		}
		for _, err := range st.Actors(t.Context(), "rom") {
			if !errors.Is(err, admin.ErrUnknown) || !strings.Contains(err.Error(), `namespace "rom"`) || !strings.Contains(err.Error(), `there are "room", `) {
				t.Errorf("%v", err)
			}
		}
		for range st.Actors(t.Context(), "") {
			break // and nothing stays open: the store can be closed at the end
		}
	})
}

func TestEntriesOfARange(t *testing.T) {
	eachWay(t, func(t *testing.T, st admin.Storage, dir string) {
		for _, c := range []struct {
			q    admin.Query
			want string
		}{
			{admin.Query{Prefix: "k0", Range: storage.Range{Limit: 3}}, "k00 k01 k02"},
			{admin.Query{Prefix: "k0", Range: storage.Range{Limit: 2, Reverse: true}}, "k09 k08"},
			{admin.Query{Range: storage.Range{Start: "k05", End: "k07"}}, "k05 k06"},
			{admin.Query{Prefix: "k0", Range: storage.Range{Start: "k08", End: "k15"}}, "k08 k09"},
			{admin.Query{Prefix: "k", Range: storage.Range{Start: "z"}}, ""},
			{admin.Query{Prefix: "\xff"}, "\xff\x00"},
			{admin.Query{Key: "", HasKey: true}, ""},
			{admin.Query{Key: "\xff\x00", HasKey: true}, "\xff\x00"},
			{admin.Query{Range: storage.Range{Start: "b", End: "a"}}, ""},
		} {
			c.q.Ref = "room/n0"
			if got := keys(t, st, c.q); got != c.want {
				t.Errorf("%+v: %q, want %q", c.q, got, c.want)
			}
		}
	})
}

func TestReferences(t *testing.T) {
	eachWay(t, func(t *testing.T, st admin.Storage, dir string) {
		one := func(ref string) string {
			return keys(t, st, admin.Query{Ref: ref, Key: "k00", HasKey: true})
		}
		for _, ref := range []string{"room/n0", "room/" + ids("room").FromName("n0").String(), "room/" + strings.ToUpper(ids("room").FromName("n0").String()), "room/deep/n2"} {
			if got := one(ref); got != "k00" {
				t.Errorf("%s: %s", ref, got)
			}
		}
		for ref, want := range map[string]string{
			"":            `"" names no actor: write <namespace>/<id or name>`,
			"room":        `"room" names no actor`,
			"room/":       `"room/" names no actor`,
			"/n0":         `namespace "": it is not stored`,
			"rooms/n0":    `namespace "rooms": it is not stored; there are "room", `,
			"room/N1":     `actor "N1" of namespace "room" (id ` + ids("room").FromName("N1").String() + `): it is not stored; near it: "n1"`,
			"room/x" + "": `it is not stored; near it: `,
			"room/" + ids("wide").FromName("n0").String():    `belongs to namespace "wide", not to "room"`,
			"room/" + ids("room").FromName("other").String(): `: it is not stored; near it: `,
			"room/" + strings.Repeat("0", 64):                `: it is not stored; near it: `,
		} {
			if got := one(ref); !strings.Contains(got, want) {
				t.Errorf("%s: %s", ref, got)
			}
		}
		if got := keys(t, st, admin.Query{Ref: "room/n0", Key: "k005", HasKey: true}); !strings.Contains(got, `key "k005" of actor room/`) || !strings.Contains(got, `around it are "k00"`) && !strings.Contains(got, `"k00", "k01"`) {
			t.Error(got)
		}
	})
}

func TestExportImportedElsewhereIsTheSameExport(t *testing.T) {
	eachWay(t, func(t *testing.T, st admin.Storage, dir string) {
		text := export(t, st, "")
		if n := strings.Count(text, `{"actor":`); n != 10 {
			t.Fatalf("%d actors:\n%s", n, text)
		}
		other := t.TempDir()
		to, err := admin.Create(t.Context(), other)
		if err != nil {
			t.Fatal(err)
		}
		for _, dry := range []bool{true, false} {
			done, err := to.Import(t.Context(), strings.NewReader(text), admin.ImportOptions{DryRun: dry})
			if err != nil || done.Actors != 10 || done.Entries != 3*(60+9) {
				t.Fatalf("dry %v: %+v, %v", dry, done, err)
			}
		}
		if again := export(t, open(t, other, false), ""); again != text {
			t.Errorf("got\n%s\nwant\n%s", again, text)
		}
		// And back, in the place of what is there.
		if _, err := st.Import(t.Context(), strings.NewReader(text), admin.ImportOptions{}); !errors.Is(err, admin.ErrExists) {
			t.Errorf("%v", err)
		}
		if _, err := st.Import(t.Context(), strings.NewReader(text), admin.ImportOptions{Replace: true}); err != nil {
			t.Error(err)
		}
		if again := export(t, st, ""); again != text {
			t.Errorf("replaced:\n%s", again)
		}
		one := export(t, st, "room/n1")
		if !strings.Contains(one, `"name":"n1"`) || strings.Count(one, `{"actor":`) != 1 {
			t.Error(one)
		}
	})
}

// Everything of an actor is replaced: keys that the import does not have are gone.
func TestImportReplacesAsAWhole(t *testing.T) {
	eachWay(t, func(t *testing.T, st admin.Storage, dir string) {
		id := ids("room").FromName("n1")
		text := head + `{"actor":{"namespace":"room","id":"` + id.String() + `"}}
{"key":"new","value":{"$map":[[1,{"$undefined":true}]]}}
{"end":{"keys":1}}
{"done":{"actors":1}}
`
		if _, err := st.Import(t.Context(), strings.NewReader(text), admin.ImportOptions{Replace: true}); err != nil {
			t.Fatal(err)
		}
		if got := keys(t, st, admin.Query{Ref: "room/n1"}); got != "new" {
			t.Errorf("keys %q", got)
		}
		if text := export(t, st, "room/n1"); strings.Contains(text, "alarm") || !strings.Contains(text, `"value":{"$map":[[1,{"$undefined":true}]]}`) {
			t.Error(text)
		}
	})
}

const head = `{"export":"workerd storage","version":1}` + "\n"

func TestImportRefusesWhatIsNoExport(t *testing.T) {
	id := ids("x").FromName("n").String()
	actor := `{"actor":{"namespace":"x","id":"` + id + `"}}` + "\n"
	entry := `{"key":"a","raw":"/w9fMA=="}` + "\n"
	end, done := `{"end":{"keys":1}}`+"\n", `{"done":{"actors":1}}`+"\n"
	for name, c := range map[string]struct{ text, want string }{
		"empty":          {"", "line 1: it is not a whole export: it ends here"},
		"other":          {"{}\n", "line 1: it is not a whole export: it does not begin"},
		"no JSON":        {"hello\n", "line 1: "},
		"newer":          {`{"export":"workerd storage","version":2}` + "\n", "version 2; this program knows 1"},
		"cut in a line":  {head + actor + `{"key":"a"`, "line 3: it is not a whole export: it ends here"},
		"cut in between": {head + actor + entry, "line 4: "},
		"no end":         {head + actor + entry + end, "line 5: "},
		"wrong count":    {head + actor + end + done, "said to have 1 keys, and has 0"},
		"wrong actors":   {head + actor + entry + end + `{"done":{"actors":2}}` + "\n", "says that it has 2 actors, and has 1"},
		"more":           {head + actor + entry + end + done + "\n", "line 6: it is not a whole export: there is more"},
		"unknown field":  {head + `{"actr":1}` + "\n", `unknown field "actr"`},
		"bad id":         {head + `{"actor":{"namespace":"x","id":"xyz"}}` + "\n", "is not hexadecimal"},
		"no namespace":   {head + `{"actor":{"id":"` + id + `"}}` + "\n", "no namespace"},
		"twice":          {head + actor + entry + end + actor + entry + end, "comes twice or out of order"},
		"key twice":      {head + actor + entry + entry, `key "a" comes twice`},
		"no value":       {head + actor + `{"key":"a"}` + "\n", "neither a raw value nor a readable one"},
		"other value":    {head + actor + `{"key":"a","value":1,"raw":"/w9fMA=="}` + "\n", "value and raw are not the same"},
		"bad value":      {head + actor + `{"key":"a","value":{"$what":1}}` + "\n", `there is no form "$what"`},
		"nothing stored": {head + actor + `{"end":{"keys":0}}` + "\n", "nothing that could be stored"},
		"long key":       {head + actor + `{"key":"` + strings.Repeat("k", 17<<10) + `","value":1}` + "\n" + end, "a key has 17408 bytes"},
		"bad alarm":      {head + `{"actor":{"namespace":"x","id":"` + id + `","alarm":{"seconds":1,"nanoseconds":-1}}}` + "\n", "-1 nanoseconds"},
		"name alone":     {head + `{"actor":{"namespace":"x","id":"` + id + `","name":"n"}}` + "\n", "a name without an alarm"},
	} {
		t.Run(name, func(t *testing.T) {
			eachWay(t, func(t *testing.T, st admin.Storage, dir string) {
				before := export(t, st, "")
				done, err := st.Import(t.Context(), strings.NewReader(c.text), admin.ImportOptions{})
				if !errors.Is(err, admin.ErrFormat) || !strings.Contains(err.Error(), c.want) || done.Actors != 0 {
					t.Errorf("%+v, %v", done, err)
				}
				if after := export(t, st, ""); after != before {
					t.Error("something was imported")
				}
			})
		})
	}
}

func TestBackupCanBeOpened(t *testing.T) {
	eachWay(t, func(t *testing.T, st admin.Storage, dir string) {
		other := t.TempDir()
		path := filepath.Join(other, bolt.FileName)
		if err := admin.WriteFile(path, false, func(w io.Writer) error { return st.Backup(t.Context(), w) }); err != nil {
			t.Fatal(err)
		}
		if got, want := export(t, open(t, other, false), ""), export(t, st, ""); got != want {
			t.Error("the copy is different")
		}
		full := errors.New("no room")
		if err := st.Backup(t.Context(), failing{full}); !errors.Is(err, full) {
			t.Errorf("%v", err)
		}
		if err := st.Export(t.Context(), failing{full}, ""); !errors.Is(err, full) {
			t.Errorf("%v", err)
		}
	})
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestWriteFileLeavesAllOrNothing(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	write := func(text string, err error) func(io.Writer) error {
		return func(w io.Writer) error {
			_, werr := io.WriteString(w, text)
			return errors.Join(werr, err)
		}
	}
	content := func() string {
		b, err := os.ReadFile(path)
		if err != nil {
			return "none"
		}
		return string(b)
	}
	broken := errors.New("broken")
	for _, c := range []struct {
		text  string
		force bool
		err   error
		fails string
		left  string
	}{
		{"a", false, broken, "broken", "none"},
		{"b", false, nil, "", "b"},
		{"c", false, nil, "f exists already; --force replaces it", "b"},
		{"d", true, broken, "broken", "b"},
		{"e", true, nil, "", "e"},
	} {
		err := admin.WriteFile(path, c.force, write(c.text, c.err))
		if c.fails == "" && err != nil || c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)) || content() != c.left {
			t.Errorf("%+v: %v, left %q", c, err, content())
		}
	}
	if names, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(names) != 1 {
		t.Errorf("%v, %v", names, err)
	}
	if err := admin.WriteFile(filepath.Join(dir, "none", "f"), false, write("", nil)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
	if err := admin.WriteFile(dir, true, write("", nil)); err == nil {
		t.Error("a directory was replaced")
	}
}

func TestCheck(t *testing.T) {
	eachWay(t, func(t *testing.T, st admin.Storage, dir string) {
		// The values that are none are all that is wrong.
		findings, err := st.Check(t.Context())
		if err != nil || len(findings) != 18 || !strings.Contains(strings.Join(findings, "\n"), `key "\xff\x00" of actor room/`) {
			t.Errorf("%q, %v", findings, err)
		}
	})
}

func TestCheckOfADamagedFileNamesWhatIsLost(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	fill(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, bolt.FileName)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	size := os.Getpagesize()
	found := false
	for page := 2; page < len(b)/size && !found; page++ {
		bad := bytes.Clone(b)
		copy(bad[page*size:], bytes.Repeat([]byte{0xee}, size))
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		findings, err := open(t, dir, false).Check(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Join(findings, "\n")
		found = strings.Contains(text, fmt.Sprintf("page %d of \"entries\" cannot be read", page)) && strings.Contains(text, "lost: ") && strings.Contains(text, ` of namespace "room"`)
	}
	if !found {
		t.Error("no page is known to hold entries")
	}
}

// A branch page whose first child is itself.
func TestCheckOfAFileWhosePagesLeadInACircleEnds(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	fill(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, bolt.FileName)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	size := os.Getpagesize()
	tried := 0
	for page := 2; page < len(b)/size; page++ {
		const branch = 1 // after the page's number
		if at := page * size; binary.NativeEndian.Uint64(b[at:]) != uint64(page) || binary.NativeEndian.Uint16(b[at+8:]) != branch {
			continue
		}
		bad := bytes.Clone(b)
		binary.NativeEndian.PutUint64(bad[page*size+16+8:], uint64(page))
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		findings, err := open(t, dir, false).Check(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(findings) == 0 {
			continue // the page is none of the newest commit
		}
		tried++
		if text := strings.Join(findings, "\n"); !strings.Contains(text, fmt.Sprintf("page %d", page)) {
			t.Errorf("page %d: %s", page, text)
		}
	}
	if tried == 0 {
		t.Error("no page is a branch")
	}
}

func TestCompact(t *testing.T) {
	eachWay(t, func(t *testing.T, st admin.Storage, dir string) {
		before, after, err := st.Compact(t.Context())
		if st.Serving() {
			if !errors.Is(err, admin.ErrServing) || !strings.Contains(err.Error(), "stop the server first") {
				t.Errorf("%v", err)
			}
			return
		}
		if err != nil || after >= before {
			t.Errorf("%d -> %d, %v", before, after, err)
		}
	})
}

func TestDirectoriesWithoutStorage(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{dir, filepath.Join(dir, "none")} {
		if _, err := admin.Open(t.Context(), path); !errors.Is(err, admin.ErrNoStorage) || !strings.Contains(err.Error(), path) {
			t.Errorf("%v", err)
		}
	}
	if _, err := admin.Create(t.Context(), filepath.Join(dir, "none")); !errors.Is(err, admin.ErrNoStorage) {
		t.Errorf("%v", err)
	}
	if err := os.Mkdir(filepath.Join(dir, bolt.FileName), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, fn := range []func(context.Context, string) (admin.Storage, error){admin.Open, admin.Create} {
		if _, err := fn(t.Context(), dir); !errors.Is(err, admin.ErrNoStorage) {
			t.Errorf("%v", err)
		}
	}
}

func TestLockedByAProcessWithoutASocket(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	defer s.Close()
	err := open(t, dir, false).Export(t.Context(), io.Discard, "")
	if !errors.Is(err, storage.ErrLocked) || !strings.Contains(err.Error(), "no control socket at "+filepath.Join(dir, admin.SocketName)) {
		t.Errorf("%v", err)
	}
}
