package main

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

// percent is the collector's setting now.
func percent() int {
	p := debug.SetGCPercent(-1)
	debug.SetGCPercent(p)
	return p
}

func TestStartPutsCollectionsOff(t *testing.T) {
	before := debug.SetGCPercent(gcPercent)
	defer debug.SetGCPercent(before)
	want := func(what string, want int) {
		t.Helper()
		if got := percent(); got != want {
			t.Errorf("%s: the collector waits for %d %%, want %d", what, got, want)
		}
	}

	t.Setenv("GOGC", "300")
	settled := putOffCollections(-1)
	want("an operator who has said it", gcPercent)
	settled()

	t.Setenv("GOGC", "")
	settled = putOffCollections(-1)
	want("a start", startHeap/heapUnit*100)
	settled()
	want("the end of a start", gcPercent)

	settled = putOffCollections(128 << 20)
	want("a start with 128 MiB", 32<<20/heapUnit*100)
	settled()
	settled = putOffCollections(32 << 20)
	want("a start with 32 MiB", gcPercent)
	settled()

	settled = putOffCollections(-1)
	for end := time.Now().Add(time.Minute); percent() != gcPercent; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it is still put off after collections")
		}
		runtime.GC()
	}
	settled()
	want("a start that had to collect", gcPercent)
}
