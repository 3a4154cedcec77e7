package program

import (
	"runtime"
	"runtime/debug"
)

// memoryNumbers are those of the Go process, which all of the program's instances share.
func memoryNumbers() map[string]any {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	limit := float64(debug.SetMemoryLimit(-1))
	return map[string]any{
		"rss": float64(m.Sys - m.HeapReleased), "heapTotal": float64(m.HeapSys - m.HeapReleased), "heapUsed": float64(m.HeapAlloc),
		"external": 0, "arrayBuffers": 0, "limit": limit, "available": max(0, limit-float64(m.HeapAlloc)),
	}
}
