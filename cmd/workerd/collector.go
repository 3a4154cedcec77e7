package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"sync"

	"workerd.local/isolate"
)

const (
	// startHeap is how large the heap may be before a start collects, at most: a quarter of
	// the memory limit is enough, too.
	startHeap = 96 << 20
	// heapUnit is what the heap has at the first collection for each hundred per cent.
	heapUnit = 4 << 20
)

// putOffCollections keeps the collector from running in a start, where nearly all that it
// would look at is alive: trees and programs of scripts. It ends with the first collection
// that is needed all the same, or when the start does, which calls settled. limit is the
// flag's: 0 for the machine's, less for none.
func putOffCollections(limit int64) (settled func()) {
	if os.Getenv("GOGC") != "" {
		return func() {}
	}
	room := uint64(startHeap)
	switch {
	case limit > 0:
		room = min(room, uint64(limit)/4)
	case limit == 0:
		room = min(room, isolate.DefaultMemoryLimit()/4)
	}
	percent := int(room / heapUnit * 100)
	if percent <= gcPercent {
		return func() {}
	}
	debug.SetGCPercent(percent)
	settled = sync.OnceFunc(func() { debug.SetGCPercent(gcPercent) })
	runtime.AddCleanup(new(*int), func(settled func()) { settled() }, settled)
	return settled
}
