package isolate

import (
	"math/rand/v2"
	"sync"
)

// PredictableHost is host with random numbers that are the same in every run, for
// tests. They are not secret.
func PredictableHost(host Host) Host {
	return &predictableHost{Host: host, source: rand.NewChaCha8([32]byte{})}
}

type predictableHost struct {
	Host

	mu     sync.Mutex // guards source
	source *rand.ChaCha8
}

func (h *predictableHost) Random(p []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, _ = h.source.Read(p) // never fails
}

// Predictable reports whether the host is one of PredictableHost.
func Predictable(h Host) bool { _, ok := h.(*predictableHost); return ok }
