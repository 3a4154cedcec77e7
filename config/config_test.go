package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"workerd.local/internal/limits"
)

func TestErrorsPrintTheFirstTen(t *testing.T) {
	list := &Errors{}
	for i := range 12 {
		list.List = append(list.List, &Error{Pos: Pos{File: "f", Line: i + 1, Col: 1}, Msg: "Wrong."})
	}
	text := list.Error()
	if lines := strings.Split(text, "\n"); len(lines) != 11 || lines[9] != "f:10:1: Wrong." || lines[10] != "… and 2 more" {
		t.Errorf("printed\n%s", text)
	}
	var one *Error
	if !errors.As(error(list), &one) || one.Pos.Line != 1 {
		t.Errorf("the list does not unwrap to its errors")
	}
	if AsError(nil) != nil {
		t.Errorf("an empty list is an error")
	}
}

func TestPositionsCountCharacters(t *testing.T) {
	table := newPosTable("f", []byte("é\nüx\r\n"))
	for offset, want := range map[int]string{0: "f:1:1", 2: "f:1:2", 3: "f:2:1", 5: "f:2:2", 6: "f:2:3", 8: "f:3:1", 99: "f:3:1", -1: "f:1:1"} {
		if got := table.pos(offset).String(); got != want {
			t.Errorf("offset %d is at %s, want %s", offset, got, want)
		}
	}
}

func TestDidYouMean(t *testing.T) {
	candidates := []string{"compatibility_date", "main", "name", "vars"}
	for written, want := range map[string]string{
		"compatibilityDate": "compatibility_date", "nmae": "name", "mian": "main", "VARS": "vars",
		"x": "", "something": "", strings.Repeat("a", 1000): "",
	} {
		got := didYouMean(written, candidates)
		if want == "" && got != "" || want != "" && !strings.Contains(got, `"`+want+`"`) {
			t.Errorf("%.20s: %q, want %q", written, got, want)
		}
	}
}

func TestOverride(t *testing.T) {
	c, err := readText(using + `const c :Workerd.Config = (
		services = [(name = "e", external = ()), (name = "d", disk = ())],
		sockets = [(name = "s", service = "d"), (name = "f", service = "d")]);`)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(c.Validate(ValidateOptions{})); n != 4 {
		t.Errorf("%d things are missing before the overrides, want 4", n)
	}
	if bad := c.Override(Overrides{
		SocketAddr: map[string]string{"s": "*:1"}, SocketFD: map[string]int{"f": 0},
		ExternalAddr: map[string]string{"e": "a:2"}, DirectoryPath: map[string]string{"d": "/x", "TEST_TMPDIR": "/y"},
		AllowUnmatched: []string{"TEST_TMPDIR"},
	}); bad != nil {
		t.Fatal(AsError(bad))
	}
	if bad := c.Validate(ValidateOptions{}); bad != nil {
		t.Error(AsError(bad))
	}
	if c.Socket("s").Address.Value != "*:1" || *c.Socket("f").FD != 0 ||
		c.Service("e").External.Address.Value != "a:2" || c.Service("d").Disk.Path.Value != "/x" {
		t.Errorf("overrides were not applied: %+v", c)
	}
	bad := c.Override(Overrides{
		SocketAddr: map[string]string{"x": ""}, SocketFD: map[string]int{"y": 3},
		ExternalAddr: map[string]string{"d": ""}, DirectoryPath: map[string]string{"e": ""},
	})
	want := `Config did not define any socket named "x" to match the override provided on the command line.
Config did not define any socket named "y" to match the override provided on the command line.
Config did not define any external service named "d" to match the override provided on the command line.
Config did not define any disk service named "e" to match the override provided on the command line.`
	if got := AsError(bad); got == nil || got.Error() != want {
		t.Errorf("errors are\n%v\nwant\n%s", got, want)
	}
}

func TestServiceWithTwoKindsIsRefused(t *testing.T) {
	c := &Config{Services: []Service{{Name: "x", Network: &Network{}, Disk: &DiskDirectory{Path: Text{Value: "/"}}}}}
	if bad := c.Validate(ValidateOptions{}); len(bad) != 1 || !strings.Contains(bad[0].Msg, "several things") {
		t.Error(AsError(bad))
	}
}

// TestUnsupportedRowsAreReachable makes sure that no row of the table outlives the feature it names.
func TestUnsupportedRowsAreReachable(t *testing.T) {
	known := map[string]bool{
		"worker.inherit": true, "worker.uniqueKeyModifier": true, "worker.cacheApiOutbound": true,
		"worker.moduleFallback": true, "worker.tails": true, "worker.streamingTails": true,
		"worker.containerEngine": true, "worker.container": true, "worker.accessBlobHeader": true,
		"worker.accessBindingService": true, "capnpConnectHost": true, "tls.ssl3": true,
		"platform.queues.consumers": true,
	}
	for prefix, names := range map[string][]string{
		"binding.": bindingKindNames, "local.": bindingKindNames, "module.": moduleKindNames, "socket.": socketKindNames, "external.": socketKindNames,
	} {
		for _, name := range names {
			known[prefix+name] = true
		}
	}
	for _, f := range wranglerFields {
		known["platform."+f.name] = true
	}
	for feature := range unsupported {
		if !known[feature] {
			t.Errorf("nothing can ask for the feature %q", feature)
		}
	}
	for _, f := range wranglerFields {
		s := &sink{}
		r := &wranglerReader{sink: s, worker: &Worker{}, source: &Source{}}
		if f.read == nil {
			continue
		}
		item := newTable(Pos{})
		for _, key := range []string{"binding", "name", "x"} {
			item.set(key, Pos{}, &node{kind: nodeString, text: "X"})
		}
		list := &node{kind: nodeList, items: []*node{item}}
		f.read(r, &member{key: f.name, value: list})
		f.read(r, &member{key: f.name, value: item})
		c := &Config{Services: []Service{{Name: "w", Worker: &Worker{Bindings: r.worker.Bindings, Platform: r.worker.Platform}}}}
		c.features(func(feature string, _ Pos, _ string) {
			if _, ok := unsupported[feature]; strings.HasPrefix(feature, "platform.") && !ok {
				t.Errorf("the wrangler field %s asks for %q, which no row names", f.name, feature)
			}
		})
	}
}

func TestLoadReportsFilesThatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	big := filepath.Join(dir, "big.toml")
	f, err := os.Create(big)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Truncate(limits.ConfigFile.Bytes(nil)+1), f.Close(), os.Mkdir(filepath.Join(dir, "wrangler.toml"), 0o777),
		os.Mkdir(filepath.Join(dir, ".env"), 0o777),
		os.WriteFile(filepath.Join(dir, "w.json"), []byte(`{"name": "a", "main": "b"}`), 0o666)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ path, want string }{
		{big, "larger than 16 MiB"},
		{filepath.Join(dir, "none.capnp"), "no such file"},
		{dir, "There is no configuration in this directory"}, // a directory is no configuration file
		{filepath.Join(dir, "w.json"), "Cannot read the environment file: not a regular file"},
	} {
		_, _, err := Load(c.path, LoadOptions{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", filepath.Base(c.path), err, c.want)
		}
	}
}

func TestLoadListsTheFilesItRead(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"config.capnp": using + `using I = import "i.capnp"; const c :Workerd.Config = (autogates = [I.t, embed "e", embed "e"]);`,
		"i.capnp":      `const t :Text = "";`, "e": "",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	c, _, err := Load(dir, LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, path := range c.Files {
		names = append(names, filepath.Base(path))
	}
	if got := strings.Join(names, " "); got != "config.capnp i.capnp e" {
		t.Errorf("files are %s", got)
	}
}

func TestWranglerPathsAreNative(t *testing.T) {
	s := &sink{}
	tree := parseJSONC("dir/wrangler.json", []byte(`{"name": "a", "main": "src/../src/a.ts", "build": {"cwd": "./x/y"}}`), s)
	c, err := readWrangler(filepath.Join("dir", "wrangler.json"), tree, LoadOptions{}, s,
		func(path string, _ int64) ([]byte, error) {
			return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
		})
	if err != nil {
		t.Fatal(err)
	}
	source := c.Services[0].Worker.Source
	if source.Main != filepath.Join("dir", "src", "a.ts") || source.Build.Dir != filepath.Join("dir", "x", "y") {
		t.Errorf("paths are %q and %q", source.Main, source.Build.Dir)
	}
	abs, err := filepath.Abs("abs.ts")
	if err != nil {
		t.Fatal(err)
	}
	r := &wranglerReader{dir: "dir"}
	if got := r.join(abs); got != abs {
		t.Errorf("the absolute path %q became %q", abs, got)
	}
}
