package natives

import (
	"unsafe"
)

// Memory is what SharedArrayBuffers stand on, perhaps those of several runtimes. It never grows. Plain reads and
// writes of it by several goroutines are races, as they are in JavaScript; Atomics are not.
type Memory struct {
	bytes []byte
}

// NewMemory returns n zero bytes, the first of which is aligned to eight.
func NewMemory(n int) *Memory {
	words := make([]uint64, (n+7)/8)
	m := &Memory{}
	if n > 0 {
		m.bytes = unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), len(words)*8)[:n]
	}
	return m
}

// Bytes is the memory itself.
func (m *Memory) Bytes() []byte { return m.bytes }
