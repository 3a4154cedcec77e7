package threads_test

import (
	"sync"
	"testing"

	"workerd.local/isolate"
	"workerd.local/threads"
)

// notes are the recorders of a root.
type notes struct {
	mu   sync.Mutex // guards what follows
	out  int        // recorders that are not given back
	seen map[string]bool
}

func (n *notes) take() (isolate.Recorder, func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.out++
	return n, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.out--
	}
}

func (n *notes) Running(realm, _, _ string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.seen[realm] = true
}

func (n *notes) Idle() {}

func TestThreadsNoteWhomTheyRunFor(t *testing.T) {
	n := &notes{seen: map[string]bool{}}
	k := newKit(t)
	root := threads.NewRoot(threads.RootOptions{Recorder: n.take, MostAlive: 1})
	th, err := root.Start(threads.Spec{Name: "noted", Body: &body{source: "receive(() => exit(0))", kit: k}, Stay: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := root.Start(threads.Spec{Name: "one too many", Body: &body{source: "1", kit: k}}); err == nil {
		t.Error("there are two")
	}
	if err := th.Post(k.message("1")); err != nil {
		t.Fatal(err)
	}
	<-th.Done()
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.seen["noted"] || n.seen["one too many"] || n.out != 0 {
		t.Errorf("seen %v, %d are out", n.seen, n.out)
	}
}
