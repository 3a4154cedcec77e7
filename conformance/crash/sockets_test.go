package crash

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"workerd.local/conformance/process"
	"workerd.local/event"
	"workerd.local/websocket"
)

const (
	rooms   = 2
	talkers = 8 // sockets that send
)

// talker sends numbered messages, the next one when the last one was acknowledged, now and
// then after the actor has had time to leave the memory.
type talker struct {
	name  string
	ws    event.WebSocket
	heard chan string // what is said to be kept; closed when the socket is over
	kept  []string    // of all rounds
}

func (k *talker) Message(m event.Message, done func()) {
	k.heard <- string(m.Data)
	done()
}
func (k *talker) Closed(int, string) { close(k.heard) }
func (k *talker) Failed(error)       { close(k.heard) }

func (k *talker) connect(ctx context.Context, set *websocket.Set, url string) error {
	req, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		return err
	}
	nc, err := net.Dial("tcp", req.URL.Host)
	if err != nil {
		return err
	}
	c, resp, err := set.Dial(ctx, nc, req, 64<<10)
	if err != nil {
		return err
	}
	if c == nil {
		resp.Body.Close()
		return fmt.Errorf("the server answered %s", resp.Status)
	}
	k.ws, k.heard = c, make(chan string, 1)
	c.Start(k, 0)
	return nil
}

// talk sends until the socket is over. The error is an answer that no kill explains.
func (k *talker) talk(rnd *rand.Rand) error {
	for {
		if rnd.IntN(10) == 0 {
			time.Sleep(time.Duration(rnd.IntN(60)) * time.Millisecond)
		}
		text := fmt.Sprintf("%s-%06d", k.name, len(k.kept))
		if err := k.ws.Send(event.Message{Text: true, Data: []byte(text)}, nil); err != nil {
			return nil // the server is gone
		}
		answer, ok := <-k.heard
		switch {
		case !ok:
			return nil
		case answer != "kept "+text:
			return fmt.Errorf("%s was answered with %q", text, answer)
		}
		k.kept = append(k.kept, text)
	}
}

// TestKilledServerKeepsAcknowledgedMessages kills a server whose actors store what their
// sockets receive: what a socket was told is kept must be there after the restart, whether
// or not the actor was in memory when the message came.
//
// To see it fail, take out the gate: in webapi/websockets/outgoing.go, let queue set
// f.gate to loop.Now(struct{}{}).
func TestKilledServerKeepsAcknowledgedMessages(t *testing.T) {
	binary := process.Build(t)
	data := t.TempDir()
	project, err := filepath.Abs(filepath.Join("testdata", "sockets"))
	if err != nil {
		t.Fatal(err)
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	serve := func() *process.Server {
		return process.Serve(t, 1, binary, data, "--data", data, "--socket-addr", "http=127.0.0.1:0", "--limit-actor-idle", "20ms", project)
	}
	set := websocket.NewSet(nil)
	defer set.Close()
	crowd := make([]*talker, talkers)
	for i := range crowd {
		crowd[i] = &talker{name: fmt.Sprintf("t%d", i)}
	}
	total := 0
	for round := range rounds(t) {
		s := serve()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		var wg sync.WaitGroup
		faults := make(chan error, talkers)
		for i, k := range crowd {
			if err := k.connect(ctx, set, fmt.Sprintf("%s/room%d", s.URLs[0], i%rooms)); err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
			own := rand.New(rand.NewPCG(seed, uint64(round*talkers+i+1)))
			wg.Go(func() {
				if err := k.talk(own); err != nil {
					faults <- err
				}
			})
		}
		time.Sleep(time.Duration(20+rnd.IntN(300)) * time.Millisecond)
		s.Kill()
		wg.Wait()
		cancel()
		close(faults)
		for err := range faults {
			t.Errorf("round %d: %v", round, err)
		}

		s = serve()
		total = 0
		for room := range rooms {
			resp, err := http.Get(fmt.Sprintf("%s/room%d", s.URLs[0], room))
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || resp.StatusCode != http.StatusOK {
				t.Fatal(resp.Status, err)
			}
			there := map[string]bool{}
			for line := range strings.SplitSeq(string(b), "\n") {
				there[line] = true
			}
			for i, k := range crowd {
				if i%rooms != room {
					continue
				}
				for _, text := range k.kept {
					if !there[text] {
						t.Errorf("round %d: %s was said to be kept, and is not there", round, text)
					}
				}
				total += len(k.kept)
			}
		}
		t.Logf("round %d: %d messages", round, total)
		if rnd.IntN(2) == 0 {
			s.Kill()
		} else if err := s.Stop(); err != nil {
			t.Errorf("round %d: %v", round, err)
		}
	}
	if total == 0 {
		t.Error("nothing was said to be kept")
	}
}
