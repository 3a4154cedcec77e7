package crash

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"workerd.local/conformance/process"
)

const (
	actors  = 4
	clients = 12 // increment or read one actor after the other, without pause
)

func TestMain(m *testing.M) { process.Main(m) }

// rounds is how often the server is killed: WORKERD_CRASH_ROUNDS, or 20 in CI, or 3.
func rounds(t *testing.T) int {
	if s := os.Getenv("WORKERD_CRASH_ROUNDS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			t.Fatalf("WORKERD_CRASH_ROUNDS: %q is not a number of rounds", s)
		}
		return n
	}
	if os.Getenv("CI") == "true" {
		return 20
	}
	return 3
}

// TestKilledServerKeepsItsWord kills the server at random moments under load.
//
// To see it fail, take out the gate: in actor/actor.go, let request.afterOutput call
// r.answer(resp, err) at once, in place of waiting for r.a.out.Wait(). Replies then
// leave before what they tell is durable, and within a few rounds one of them is not
// kept.
func TestKilledServerKeepsItsWord(t *testing.T) { keepsItsWord(t, "testdata") }

// TestKilledServerKeepsTheWordOfFacets does it with facets, whose storage is theirs: what
// an answer tells has come through the gates of all the actors around them.
func TestKilledServerKeepsTheWordOfFacets(t *testing.T) {
	keepsItsWord(t, filepath.Join("testdata", "facets"))
}

func keepsItsWord(t *testing.T, project string) {
	binary := process.Build(t)
	data := t.TempDir()
	project, err := filepath.Abs(project)
	if err != nil {
		t.Fatal(err)
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	base := make([]int, actors)
	total := 0
	start := func() *process.Server {
		return process.Start(t, binary, data, "--data", data, "--socket-addr", "http=127.0.0.1:0", "--isolates", "2", project)
	}
	for round := range rounds(t) {
		if rnd.IntN(4) == 0 {
			// A kill while it starts.
			s := start()
			time.Sleep(time.Duration(rnd.IntN(60)) * time.Millisecond)
			s.Kill()
		}
		s := start()
		if err := s.Wait(1); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		histories := make([]*History, actors)
		for i := range histories {
			histories[i] = &History{Base: base[i]}
		}
		var wg sync.WaitGroup
		stop := make(chan struct{})
		tr := &http.Transport{MaxIdleConnsPerHost: clients}
		client := &http.Client{Transport: tr, Timeout: time.Minute}
		faults := make(chan error, clients)
		for c := range clients {
			own := rand.New(rand.NewPCG(seed, uint64(round*clients+c+1)))
			wg.Go(func() {
				if err := load(client, s.URLs[0], histories, own, stop); err != nil {
					faults <- err
				}
			})
		}
		time.Sleep(time.Duration(5+rnd.IntN(300)) * time.Millisecond)
		s.Kill()
		close(stop)
		wg.Wait()
		tr.CloseIdleConnections()
		close(faults)
		for err := range faults {
			t.Errorf("round %d: %v", round, err)
		}

		again := process.Serve(t, 1, binary, data, "--data", data, "--socket-addr", "http=127.0.0.1:0", "--isolates", "2", project)
		for i, h := range histories {
			found, err := ask(http.DefaultClient, "GET", again.URLs[0], i)
			if err != nil {
				t.Fatalf("round %d, actor %d: %v", round, i, err)
			}
			if err := h.Check(found); err != nil {
				t.Errorf("round %d, actor %d: %v", round, i, err)
			}
			base[i] = found
			total += h.Len()
		}
		// The next round starts from a kill too, now and then.
		if rnd.IntN(2) == 0 {
			again.Kill()
		} else if err := again.Stop(); err != nil {
			t.Errorf("round %d: %v", round, err)
		}
		if t.Failed() {
			break
		}
	}
	t.Logf("%d requests, counters at %v", total, base)
	if total == 0 {
		t.Error("no request was sent")
	}
}

// load sends requests until the server is gone. The error is an answer that no kill
// explains.
func load(client *http.Client, url string, histories []*History, rnd *rand.Rand, stop <-chan struct{}) error {
	for {
		select {
		case <-stop:
			return nil
		default:
		}
		i := rnd.IntN(len(histories))
		read := rnd.IntN(5) == 0
		method := "POST"
		if read {
			method = "GET"
		}
		op := histories[i].Begin(read)
		value, err := ask(client, method, url, i)
		if answer := (*answerError)(nil); errors.As(err, &answer) {
			return fmt.Errorf("actor %d: %w", i, err)
		}
		if err != nil {
			return nil // the server is gone; whether it did what was asked is open
		}
		histories[i].Answer(op, value)
	}
}

// answerError is an answer that is not a number.
type answerError struct {
	status int
	text   string
}

func (e *answerError) Error() string { return fmt.Sprintf("status %d: %s", e.status, e.text) }

func ask(client *http.Client, method, url string, actor int) (int, error) {
	req, err := http.NewRequest(method, fmt.Sprintf("%s/%d", url, actor), nil)
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
		return 0, &answerError{resp.StatusCode, string(b)}
	}
	return n, nil
}
