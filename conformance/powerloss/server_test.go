package powerloss

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"workerd.local/conformance/crash"
	"workerd.local/conformance/process"
)

const (
	counters = 3
	clients  = 6
)

// errAnswer is an answer that is not a number.
var errAnswer = errors.New("not a counter's answer")

// TestPowerLossKeepsTheServersWord cuts the power of a whole server under load. Its
// state is in directories that it makes itself.
func TestPowerLossKeepsTheServersWord(t *testing.T) {
	rnd := chance(t)
	project, err := filepath.Abs("../crash/testdata")
	if err != nil {
		t.Fatal(err)
	}
	d := NewDisk()
	var base [counters]int
	answered := 0
	for round := range max(2, rounds(t)/4) {
		after := 20 + rnd.IntN(300)
		d.FreezeAfter(after)
		m := Mount(t, d) // skips before anything is built
		binary := process.Build(t)
		serve := func(data string) *process.Server {
			return process.Start(t, binary, t.TempDir(), "--data", data, "--socket-addr", "http=127.0.0.1:0", "--isolates", "2", project)
		}
		s := serve(filepath.Join(m.Dir, "a", "b"))
		t.Cleanup(func() { s.Signal(); d.Release() }) // before the server's own end waits
		histories := make([]*crash.History, counters)
		for i := range histories {
			histories[i] = &crash.History{Base: base[i]}
		}
		ready := make(chan error, 1)
		go func() { ready <- s.Wait(1) }()
		var wg sync.WaitGroup
		faults := make(chan error, clients)
		tr := &http.Transport{MaxIdleConnsPerHost: clients}
		waiting := true
		select {
		case <-d.Frozen():
		case err := <-ready:
			waiting = false
			if err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
			for c := range clients {
				own := rand.New(rand.NewPCG(uint64(round), uint64(c)))
				wg.Go(func() {
					if err := load(&http.Client{Transport: tr, Timeout: time.Minute}, s.URLs[0], histories, own); err != nil {
						faults <- err
					}
				})
			}
			<-d.Frozen()
		}
		s.Signal()
		d.Release()
		s.Kill()
		if waiting {
			<-ready // it was cut off while it started
		}
		wg.Wait()
		tr.CloseIdleConnections()
		close(faults)
		for err := range faults {
			t.Errorf("round %d: %v", round, err)
		}
		if err := m.Unmount(); err != nil {
			t.Fatal(err)
		}
		kept := d.Crash(rnd)

		// What is left is looked at in a copy.
		copied := t.TempDir()
		if err := d.Export(copied); err != nil {
			t.Fatal(err)
		}
		again := serve(filepath.Join(copied, "a", "b"))
		if err := again.Wait(1); err != nil {
			t.Fatalf("round %d: %s: %v", round, kept, err)
		}
		for i, h := range histories {
			found, err := ask(http.DefaultClient, "GET", again.URLs[0], i)
			if err != nil {
				t.Fatalf("round %d, counter %d: %v", round, i, err)
			}
			if err := h.Check(found); err != nil {
				t.Errorf("round %d, counter %d: %v", round, i, err)
			}
			base[i] = found
			answered += h.Len()
		}
		again.Kill()
		t.Logf("round %d: frozen after %d changes, %d requests so far, counters at %v; %s", round, after, answered, base, kept)
		if t.Failed() {
			return
		}
	}
	if answered == 0 {
		t.Error("no request was sent")
	}
}

// load sends requests until the server is gone.
func load(client *http.Client, url string, histories []*crash.History, rnd *rand.Rand) error {
	for {
		i, method := rnd.IntN(len(histories)), "POST"
		if rnd.IntN(5) == 0 {
			method = "GET"
		}
		op := histories[i].Begin(method == "GET")
		value, err := ask(client, method, url, i)
		if errors.Is(err, errAnswer) {
			return fmt.Errorf("counter %d: %w", i, err)
		}
		if err != nil {
			return nil // the server is gone; whether it did what was asked is open
		}
		histories[i].Answer(op, value)
	}
}

func ask(client *http.Client, method, url string, counter int) (int, error) {
	req, err := http.NewRequest(method, fmt.Sprintf("%s/%d", url, counter), nil)
	if err != nil {
		return 0, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(string(b))
	if err != nil || resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("%w: status %d: %s", errAnswer, resp.StatusCode, b)
	}
	return n, nil
}
