// Package loader is worker loaders: what a workerLoader binding is. A script gives code,
// and gets a worker made of it.
//
// Words: a loader is the binding; code is what a worker is made of, as plain data; a
// worker is what a loader has loaded, or is loading.
//
// # Concurrency
//
// Everything belongs to the isolate's goroutine, except Loader, Worker and a CodeFunc,
// which any goroutine may call.
package loader

import (
	"workerd.local/event"
	"workerd.local/internal/compat"
	"workerd.local/script"
)

// Loader starts workers. Any goroutine.
type Loader interface {
	// Load is the worker of that name, which is started if there is none; code is asked
	// for what it is made of then, once and soon. A nil name always starts one, which
	// ends when nobody can call it any more.
	Load(name *string, code CodeFunc) Worker
}

// CodeFunc answers with code, on any goroutine, once. It returns at once.
type CodeFunc func(done func(*Code, error))

// Worker is a worker that was loaded, or that is being loaded. Any goroutine.
type Worker interface {
	// Entrypoint is what events of an entrypoint go to; "" is the default one. Events wait
	// for the worker to be loaded, and fail with what was wrong with it.
	Entrypoint(name string, props *event.Props) event.Service
	// Class is an exported class of actors; "" is the default export.
	Class(name string, props *event.Props) event.ActorClass
}

// Code is what a worker is made of.
type Code struct {
	Compat  *compat.Flags
	Modules []script.Module // the first one is the main module
	// Env is the object env; nil stands for an empty one. It may be read many times.
	Env *event.Payload
	// Outbound is where the global fetch() goes: Blocked for nowhere.
	Outbound       event.Service
	Tails          []event.Service
	StreamingTails []event.Service
	// CPUMillis bounds a turn; 0 is as elsewhere.
	CPUMillis float64
}
