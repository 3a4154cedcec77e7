package config

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// seed adds the inputs of testdata/load whose names end in one of the extensions.
func seed(f *testing.F, extensions ...string) {
	f.Helper()
	paths, err := filepath.Glob("testdata/load/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			for _, extension := range extensions {
				if filepath.Ext(file.Name) == extension {
					f.Add(file.Data)
				}
			}
		}
	}
}

// noFiles is a file system with one small file that every embed finds.
func noFiles(path string, _ int64) ([]byte, error) {
	if filepath.Ext(path) == ".js" {
		return []byte("export default {}"), nil
	}
	return nil, &fs.PathError{Op: "open", Path: path, Err: os.ErrNotExist}
}

// checkResult checks what every reader promises: a configuration or errors, each with its file.
func checkResult(t *testing.T, c *Config, err error) {
	t.Helper()
	if err == nil {
		if c == nil {
			t.Fatal("neither a configuration nor an error")
		}
		c.Validate(ValidateOptions{})
		c.Unsupported()
		return
	}
	var list *Errors
	if !errors.As(err, &list) || len(list.List) == 0 {
		t.Fatalf("%T is not an *Errors with content", err)
	}
	for _, e := range list.List {
		if e.Pos.File == "" || e.Msg == "" {
			t.Fatalf("error without file or message: %#v", e)
		}
	}
}

func FuzzCapnp(f *testing.F) {
	seed(f, ".capnp")
	f.Add(bytes.Repeat([]byte("("), 1000))
	f.Add([]byte("const a :Text = " + string(bytes.Repeat([]byte("a."), 1000)) + "b;"))
	f.Fuzz(func(t *testing.T, src []byte) {
		c, err := readCapnp("config.capnp", src, "", newCapnpReader(nil, noFiles, &sink{}))
		checkResult(t, c, err)
	})
}

func FuzzWrangler(f *testing.F) {
	seed(f, ".toml", ".json", ".jsonc")
	f.Add(bytes.Repeat([]byte("["), 1000))
	f.Fuzz(func(t *testing.T, src []byte) {
		for _, parse := range []func(string, []byte, *sink) *node{parseTOML, parseJSONC} {
			s := &sink{}
			tree := parse("wrangler", src, s)
			if tree == nil && len(s.errors) == 0 {
				t.Fatal("parsing failed without saying why")
			}
			c, err := readWrangler("wrangler", tree, LoadOptions{}, s, noFiles)
			checkResult(t, c, err)
		}
	})
}

func FuzzDotenv(f *testing.F) {
	seed(f, ".env", ".vars")
	f.Add([]byte("A='b\nc' # d\r\nexport X: \"\\n$Y\"\n=\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		for _, v := range parseDotenv(".env", src, &sink{}) {
			if v.name == "" || !v.pos.IsValid() {
				t.Fatalf("variable without name or place: %#v", v)
			}
		}
	})
}
