package serialize

import (
	"runtime"
	"sort"
	"strings"
	"sync"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/replay"
)

// environment is the variables of one worker: those of the process are never changed.
// Any goroutine.
type environment struct {
	mu   sync.Mutex // guards vars
	vars map[string]string
}

// newEnvironment has the variables of a list of NAME=value, of which the last counts.
func newEnvironment(list []string) *environment {
	e := &environment{}
	e.replace(list)
	return e
}

// replace puts other variables in the place of all.
func (e *environment) replace(list []string) {
	vars := make(map[string]string, len(list))
	for _, s := range list {
		// Windows has names that begin with an equals sign.
		if i := strings.IndexByte(s[min(1, len(s)):], '='); i >= 0 {
			vars[s[:i+1]] = s[i+2:]
		}
	}
	e.mu.Lock()
	e.vars = vars
	e.mu.Unlock()
}

func (e *environment) Get(name string) (string, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	v, ok := e.vars[name]
	return v, ok
}

func (e *environment) set(name, value string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.vars[name] = value
}

func (e *environment) remove(name string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.vars, name)
}

func (e *environment) Names() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	names := make([]string, 0, len(e.vars))
	for n := range e.vars {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// liveEnv is aworker.env: a view, so that a child sees its own variables.
type liveEnv struct {
	js   *isolate.JS
	env  *environment
	tape *replay.Tape
}

// Get is goja.DynamicObject's.
func (l *liveEnv) Get(name string) goja.Value {
	if v, ok := l.tape.Getenv(name); ok {
		return l.js.Runtime().ToValue(v)
	}
	return nil
}

// Set is goja.DynamicObject's.
func (l *liveEnv) Set(name string, v goja.Value) bool {
	switch v.Export().(type) {
	case string, bool, int64, float64:
		if _, ok := v.(*goja.Object); !ok {
			l.env.set(name, v.String())
			return true
		}
	}
	l.js.Panic(exception.TypeErrorf("The value of the environment variable '%s' is not a string, a number or a boolean.", name))
	return false
}

// Has is goja.DynamicObject's.
func (l *liveEnv) Has(name string) bool { _, ok := l.tape.Getenv(name); return ok }

// Delete is goja.DynamicObject's.
func (l *liveEnv) Delete(name string) bool { l.env.remove(name); return true }

// Keys is goja.DynamicObject's.
func (l *liveEnv) Keys() []string { return l.tape.EnvNames() }

// Platform and Arch are those of the machine, named as Node.js names them.
func Platform() string {
	if runtime.GOOS == "windows" {
		return "win32"
	}
	return runtime.GOOS
}

func Arch() string {
	switch runtime.GOARCH {
	case "amd64":
		return "x64"
	case "386":
		return "ia32"
	}
	return runtime.GOARCH
}
