// Package linear checks that an actor is linearizable although its server is killed:
// whatever clients are told, there is one order of their calls, each at one moment
// between its beginning and its end, in which a plain register gives the same answers.
//
// Clients read, write, increment and swap registers of a server that is killed and
// started again. A call whose answer was lost has happened before the kill or never. The
// checker is porcupine. That the check can fail is a test too, on servers that were
// compiled with a gate taken out.
package linear

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"workerd.local/conformance/process"
)

const (
	registers = 2
	clients   = 6
	lives     = 3 // of the server, in a round
	// patience bounds the judgement of one round, which takes milliseconds.
	patience = 2 * time.Minute
)

func TestMain(m *testing.M) { process.Main(m) }

// number is that of an environment variable, or another one where it is not set.
func number(t *testing.T, name string, other int) int {
	t.Helper()
	s := os.Getenv(name)
	if s == "" {
		return other
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		t.Fatalf("%s: %q is not a number from 1 up", name, s)
	}
	return n
}

func inCI() bool { return os.Getenv("CI") == "true" }

// TestActorIsLinearizableAcrossKills runs WORKERD_LINEAR_ROUNDS rounds, or 10 in CI, or 2.
func TestActorIsLinearizableAcrossKills(t *testing.T) {
	rounds := 2
	if inCI() {
		rounds = 10
	}
	s := newSubject(t, process.Build(t))
	for n := range number(t, "WORKERD_LINEAR_ROUNDS", rounds) {
		if err := s.round(n); err != nil {
			t.Fatalf("round %d: %v%s", n, err, s.draw(err))
		}
	}
	t.Logf("%d calls, %d of them lost", s.calls, s.lost)
	if s.calls == s.lost {
		t.Error("no call was answered")
	}
}

// slowReads is a store whose reads are answered in a later turn, as those of a store
// elsewhere are. The input gate has more to do then.
var slowReads = process.Edit{File: "storage/bolt/read.go",
	Find:    "func (s *Store) InstantReads() bool { return true }",
	Replace: "func (s *Store) InstantReads() bool { return false }"}

// TestABrokenGateIsFound shows that the check fails where a gate is missing. Each case
// compiles a server, so they run where WORKERD_LINEAR_CONTROLS is set, and in CI.
func TestABrokenGateIsFound(t *testing.T) {
	if os.Getenv("WORKERD_LINEAR_CONTROLS") == "" && !inCI() {
		t.Skip("WORKERD_LINEAR_CONTROLS is not set: no server is compiled without its gates")
	}
	const rounds = 60 // a gate that is missing is found in the first few
	for _, c := range []struct {
		name   string
		edits  []process.Edit
		broken bool
	}{
		{"reads that wait, and all gates", []process.Edit{slowReads}, false},
		{"answers leave before the commit", []process.Edit{{
			File:    "actor/actor.go",
			Find:    "\tr.a.out.Wait().Then(func(_ struct{}, broken error) {\n\t\tif broken != nil && !isReset(err) {",
			Replace: "\tloop.Now(struct{}{}).Then(func(_ struct{}, broken error) {\n\t\tif broken != nil && !isReset(err) {",
		}}, true},
		{"requests enter while storage reads", []process.Edit{slowReads, {
			File:    "webapi/durable/storage.go",
			Find:    "\treturn iocontext.AwaitLocked(c.JS(), ioc, r, conv), nil",
			Replace: "\treturn iocontext.Await(c.JS(), ioc, r, conv), nil",
		}}, true},
		{"requests enter while a section runs", []process.Edit{{
			File:    "gates/input.go",
			Find:    "\tif v.locks == 0 {\n\t\treturn loop.Now(v.lock()), nil",
			Replace: "\tif v.locks >= 0 {\n\t\treturn loop.Now(v.lock()), nil",
		}}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSubject(t, process.BuildWith(t, c.edits...))
			if !c.broken {
				for n := range 3 {
					if err := s.round(n); err != nil {
						t.Fatalf("round %d: %v%s", n, err, s.draw(err))
					}
				}
				return
			}
			for n := range rounds {
				err := s.round(n)
				if illegal := (*illegalError)(nil); errors.As(err, &illegal) {
					t.Logf("found in round %d: %v", n, err)
					return
				}
				if err != nil {
					t.Fatalf("round %d: %v", n, err)
				}
			}
			t.Errorf("%d rounds have found nothing", rounds)
		})
	}
}

// subject is a server with its data, to be killed and started again.
type subject struct {
	t       *testing.T
	binary  string
	data    string
	project string
	seed    uint64
	limit   int // of the calls of a client in one life of the server

	calls, lost int // in all
}

func newSubject(t *testing.T, binary string) *subject {
	t.Helper()
	project, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	return &subject{t: t, binary: binary, data: t.TempDir(), project: project, seed: seed,
		limit: number(t, "WORKERD_LINEAR_CALLS", 100)}
}

// round runs clients against registers of their own through a few lives of the server,
// and judges what they saw.
func (s *subject) round(n int) error {
	rnd := rand.New(rand.NewPCG(s.seed, uint64(n)))
	h := newHistory()
	var values values
	for life := range lives {
		server := process.Start(s.t, s.binary, s.data, "--data", s.data, "--socket-addr", "http=127.0.0.1:0", "--isolates", "2", s.project)
		if err := server.Wait(1); err != nil {
			return err
		}
		tr := &http.Transport{MaxIdleConnsPerHost: clients}
		web := &http.Client{Transport: tr, Timeout: time.Minute}
		faults := make(chan error, clients)
		var wg sync.WaitGroup
		for c := range clients {
			own := rand.New(rand.NewPCG(s.seed, uint64((n*lives+life)*clients+c+1)<<32))
			wg.Go(func() {
				if err := s.client(web, server.URLs[0], fmt.Sprintf("%d-", n), c, h, &values, own); err != nil {
					faults <- err
				}
			})
		}
		time.Sleep(time.Duration(5+rnd.IntN(150)) * time.Millisecond)
		server.Kill()
		wg.Wait()
		h.dead()
		tr.CloseIdleConnections()
		close(faults)
		for err := range faults {
			return err
		}
	}
	for _, op := range h.ops {
		s.calls++
		if op.Output.(answer).lost {
			s.lost++
		}
	}
	return h.check(patience)
}

// values are never written twice.
type values struct {
	mu   sync.Mutex // guards last
	last int
}

func (v *values) next() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.last += 1000 // increments stay below
	return v.last
}

// client calls registers until the server is gone. The error is an answer that no kill
// explains.
func (s *subject) client(web *http.Client, base, prefix string, id int, h *history, values *values, rnd *rand.Rand) error {
	seen := map[string]int{} // what a register was when this client last saw it
	for range s.limit {
		c := call{register: prefix + strconv.Itoa(rnd.IntN(registers))}
		switch rnd.IntN(8) {
		case 0, 1:
			c.do = "read"
		case 2:
			c.do, c.value = "write", values.next()
		case 3, 4, 5:
			c.do = "increment"
		default:
			c.do, c.value, c.old = "swap", values.next(), seen[c.register]
		}
		op := h.begin(id, c)
		value, err := ask(web, base, c)
		if wrong := (*answerError)(nil); errors.As(err, &wrong) {
			return fmt.Errorf("%v: %w", c, err)
		}
		if err != nil {
			return nil // the server is gone; whether it did what was asked is open
		}
		h.end(op, value)
		seen[c.register] = value
		if c.do == "swap" && value == c.old {
			seen[c.register] = c.value
		}
	}
	return nil
}

// answerError is an answer that is not a value.
type answerError struct {
	status int
	text   string
}

func (e *answerError) Error() string { return fmt.Sprintf("status %d: %s", e.status, e.text) }

func ask(web *http.Client, base string, c call) (int, error) {
	query := url.Values{"do": {c.do}, "value": {strconv.Itoa(c.value)}, "old": {strconv.Itoa(c.old)}}
	// A POST is not sent again by itself.
	resp, err := web.Post(base+"/"+c.register+"?"+query.Encode(), "", nil)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err
	}
	var v struct{ Value *int }
	if err := json.Unmarshal(b, &v); err != nil || resp.StatusCode != http.StatusOK || v.Value == nil {
		return 0, &answerError{resp.StatusCode, string(b)}
	}
	return *v.Value, nil
}

// draw writes a page that shows an illegal history, where WORKERD_LINEAR_PAGE names
// its file.
func (s *subject) draw(err error) string {
	illegal := (*illegalError)(nil)
	file := os.Getenv("WORKERD_LINEAR_PAGE")
	if file == "" || !errors.As(err, &illegal) {
		return ""
	}
	if err := porcupine.VisualizePath(model, illegal.info, file); err != nil {
		return fmt.Sprintf("; the page that shows it: %v", err)
	}
	return "; shown in " + file
}
