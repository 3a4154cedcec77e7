package program

import (
	"slices"
	"strings"
	"sync"
)

// environment is process.env, which the threads of a program share unless one has its own; any goroutine.
type environment struct {
	mu    sync.Mutex // guards what follows
	names []string   // in the order of listing
	of    map[string]string
}

func newEnvironment(list []string) *environment {
	e := &environment{of: map[string]string{}}
	for _, entry := range list {
		if name, value, ok := strings.Cut(entry, "="); ok && name != "" {
			e.set(name, value)
		}
	}
	return e
}

func (e *environment) get(name string) (string, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	v, ok := e.of[name]
	return v, ok
}

func (e *environment) set(name, value string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, ok := e.of[name]; !ok {
		e.names = append(e.names, name)
	}
	e.of[name] = value
}

func (e *environment) remove(name string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, ok := e.of[name]; ok {
		delete(e.of, name)
		e.names = slices.DeleteFunc(e.names, func(n string) bool { return n == name })
	}
}

func (e *environment) list() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.names)
}

// environ is the environment for processes that are started with it.
func (e *environment) environ() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := make([]string, len(e.names))
	for i, name := range e.names {
		list[i] = name + "=" + e.of[name]
	}
	return list
}
