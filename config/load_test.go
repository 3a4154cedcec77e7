package config

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "rewrite the wanted parts of testdata/load")

// TestLoad runs the archives of testdata/load. The comment of an archive holds options as "name value"
// lines (load, const, env, envfile, importpath, data, port, experimental, compatdate); its files are the
// input, except that files under want/ are what Load, Validate and Unsupported must say.
func TestLoad(t *testing.T) {
	paths, err := filepath.Glob("testdata/load/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no test data: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			input := &txtar.Archive{Comment: archive.Comment}
			want := make(map[string]string)
			for _, f := range archive.Files {
				if strings.HasPrefix(f.Name, "want/") {
					want[f.Name] = string(f.Data)
					continue
				}
				input.Files = append(input.Files, f)
			}
			if err := txtar.Write(input, dir); err != nil {
				t.Fatal(err)
			}
			got := loadCase(t, dir, string(archive.Comment))
			if *update {
				input.Files = append(input.Files, got...)
				if err := os.WriteFile(path, txtar.Format(input), 0o666); err != nil {
					t.Fatal(err)
				}
				return
			}
			for _, f := range got {
				if string(f.Data) != want[f.Name] {
					t.Errorf("%s is\n%s\nwant\n%s", f.Name, f.Data, want[f.Name])
				}
				delete(want, f.Name)
			}
			for name, text := range want {
				t.Errorf("%s is missing, want\n%s", name, text)
			}
		})
	}
}

// loadCase loads the configuration in dir and writes down all there is to know about it.
func loadCase(t *testing.T, dir, comment string) []txtar.File {
	t.Helper()
	var o LoadOptions
	var v ValidateOptions
	path := dir
	for line := range strings.Lines(comment) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch name {
		case "load":
			path = filepath.Join(dir, filepath.FromSlash(value))
		case "const":
			o.ConstName = value
		case "env":
			o.Env = value
		case "envfile":
			o.EnvFiles = append(o.EnvFiles, filepath.Join(dir, value))
		case "importpath":
			o.ImportPaths = append(o.ImportPaths, filepath.Join(dir, value))
		case "data":
			o.Data = filepath.Join(dir, value)
		case "port":
			port, err := strconv.Atoi(value)
			if err != nil {
				t.Fatal(err)
			}
			o.Port = port
		case "experimental":
			v.Experimental = true
		case "compatdate":
			v.CompatDate = value
		case "", "#":
		default:
			t.Fatalf("unknown option %q", name)
		}
	}
	var out []txtar.File
	add := func(name, text string) {
		if text != "" {
			out = append(out, txtar.File{Name: "want/" + name, Data: []byte(portable(dir, text))})
		}
	}
	c, warnings, err := Load(path, o)
	add("warnings.txt", joinLines(warnings))
	if err != nil {
		var list *Errors
		if !errors.As(err, &list) || len(list.List) == 0 {
			t.Fatalf("Load fails with %T, not with *Errors: %v", err, err)
		}
		add("errors.txt", joinLines(list.List))
		return out
	}
	text, err := json.MarshalIndent(dump(reflect.ValueOf(c)), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	out = append(out, txtar.File{Name: "want/config.json", Data: []byte(portable(dir, string(text)) + "\n")})
	add("validate.txt", joinLines(c.Validate(v)))
	add("unsupported.txt", joinLines(c.Unsupported()))
	return out
}

func joinLines(list []*Error) string {
	var b strings.Builder
	for _, e := range list {
		fmt.Fprintln(&b, e)
	}
	return b.String()
}

// portable removes the temporary directory and the operating system from a text.
func portable(dir, text string) string {
	if filepath.Separator == '\\' {
		quoted := strings.ReplaceAll(dir, `\`, `\\`)
		text = strings.ReplaceAll(text, quoted+`\\`, "")
		text = strings.ReplaceAll(text, quoted, ".")
		text = strings.ReplaceAll(text, `\\`, "/")
	}
	text = strings.ReplaceAll(text, dir+string(filepath.Separator), "")
	return strings.ReplaceAll(text, dir, ".")
}

// dump makes a value readable as JSON: zero fields left out, bytes as text, enumerations by name, and
// places and placed texts on one line.
func dump(v reflect.Value) any {
	switch x := v.Interface().(type) {
	case Pos:
		return x.String()
	case Text:
		return x.Value + " @" + x.Pos.String()
	case []byte:
		return string(x)
	case fmt.Stringer:
		return x.String()
	}
	switch v.Kind() {
	case reflect.Pointer:
		return dump(v.Elem())
	case reflect.Slice:
		out := make([]any, v.Len())
		for i := range out {
			out[i] = dump(v.Index(i))
		}
		return out
	case reflect.Struct:
		out := make(map[string]any)
		for i := range v.NumField() {
			if f := v.Field(i); !f.IsZero() {
				out[v.Type().Field(i).Name] = dump(f)
			}
		}
		return out
	}
	return v.Interface()
}
