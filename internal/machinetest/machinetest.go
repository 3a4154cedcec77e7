// Package machinetest is a kit for tests of node's modules: New makes a realm that has them
// as programs do, with a machine, in a directory of the test's own; NewWorker one that has
// them as workers do, which reach no machine.
package machinetest

import (
	"io"
	"os"
	"path/filepath"
	"slices"
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
	"workerd.local/webapi/crypto"
	"workerd.local/webapi/encoding"
	"workerd.local/webapi/events"
	"workerd.local/webapi/fetch"
	"workerd.local/webapi/global"
	"workerd.local/webapi/node"
	"workerd.local/webapi/node/glue"
	"workerd.local/webapi/performance"
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
	return NewWorkerWith(t, jstest.Options{Limits: isolate.Limits{Bounds: bounds}, Modules: []bind.Module{setup}}), m
}

// NewWorker makes a realm without a machine.
func NewWorker(t testing.TB) *jstest.Env {
	t.Helper()
	return NewWorkerWith(t, jstest.Options{})
}

// NewWorkerWith is NewWorker with options; their modules are set up in front of node's, and
// without flags it is nodejs_compat.
func NewWorkerWith(t testing.TB, o jstest.Options) *jstest.Env {
	t.Helper()
	if o.Compat == nil {
		f, errs := compat.Parse("2026-07-01", []string{"nodejs_compat"}, compat.Options{})
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		o.Compat = f
	}
	o.Modules = slices.Concat(o.Modules, []bind.Module{url.Module, encoding.Module, events.Module, timers.Module, console.Module, crypto.Module,
		global.Module, blob.Module, streams.Module, fetch.Module, node.Module}, performance.Modules, node.Globals)
	return jstest.NewWith(t, o)
}
