// Package machinetest is a kit for tests of modules that reach the machine: a realm with
// node's modules, as programs have them, in a directory of the test's own.
package machinetest

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dop251/goja"

	"workerd.local/internal/compat"
	"workerd.local/internal/jstest"
	"workerd.local/internal/limits"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/blob"
	"workerd.local/webapi/console"
	"workerd.local/webapi/encoding"
	"workerd.local/webapi/events"
	"workerd.local/webapi/fetch"
	"workerd.local/webapi/global"
	"workerd.local/webapi/node"
	"workerd.local/webapi/node/glue"
	"workerd.local/webapi/streams"
	"workerd.local/webapi/timers"
	"workerd.local/webapi/url"
)

// Machine is the glue.Machine of a test, which may change it between two calls.
type Machine struct {
	Directory   string
	Mask        int
	In          io.Reader
	Out         jstest.Log // of both streams
	Environment []string
	Command     []string
}

var _ glue.Machine = (*Machine)(nil)

// Dir, Umask, Environ, Stdin, Stdout, Stderr and Self are glue.Machine's.
func (m *Machine) Dir() string       { return m.Directory }
func (m *Machine) Umask() int        { return m.Mask }
func (m *Machine) Environ() []string { return m.Environment }
func (m *Machine) Stdin() io.Reader  { return m.In }
func (m *Machine) Stdout() io.Writer { return &m.Out }
func (m *Machine) Stderr() io.Writer { return &m.Out }
func (m *Machine) Self() []string    { return m.Command }

// New makes a realm with a machine; knobs change limits.
func New(t testing.TB, knobs ...string) (*jstest.Env, *Machine) {
	t.Helper()
	f, errs := compat.Parse("2026-06-01", []string{"nodejs_compat"}, compat.Options{})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	bounds, err := limits.Parse(knobs...)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	m := &Machine{Directory: dir, Mask: 0o022, In: strings.NewReader("typed"), Environment: []string{"PATH=" + os.Getenv("PATH"), "VIRTUAL=yes"}}
	setup := bind.Module{Name: "machine", Setup: func(js *isolate.JS) error {
		glue.SetMachine(js, m)
		bind.ProgramOf(js).Builtin = func(name string) (goja.Value, error) { return node.Module.Builtins[name](js) }
		return nil
	}}
	return jstest.NewWith(t, jstest.Options{Compat: f, Limits: isolate.Limits{Bounds: bounds}, Modules: append([]bind.Module{setup, url.Module, encoding.Module, events.Module,
		timers.Module, console.Module, global.Module, blob.Module, streams.Module, fetch.Module, node.Module}, node.Globals...)}), m
}
