package replay_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"workerd.local/event"
	"workerd.local/isolate"
	"workerd.local/loop"
	"workerd.local/replay"
)

type noVariables struct{}

func (noVariables) Get(string) (string, bool) { return "", false }
func (noVariables) Names() []string           { return nil }

// answers is a network that answers with the number of the request.
type answers struct{ n atomic.Int64 }

func (a *answers) Fetch(_ context.Context, req *event.Request) (*event.Response, error) {
	req.Body.Close()
	n := int(a.n.Add(1))
	if strings.HasSuffix(req.URL, "fails") {
		return nil, errors.New("no such host")
	}
	return &event.Response{Status: 200 + n, Body: event.BytesBody([]byte("body")), Encoded: true}, nil
}

func (*answers) Deliver(context.Context, event.Event) (event.Outcome, error) {
	return event.Outcome{}, event.ErrUnsupported
}

// run is a program of Go that takes every kind of input.
type run struct {
	tape *replay.Tape
	net  *replay.Network
	loop *loop.Loop
	got  []string
}

func newRun(mode replay.Mode, network event.Service) *run {
	r := &run{tape: replay.NewTape(isolate.SystemHost(), noVariables{}, mode, 1<<20)}
	r.net = replay.NewNetwork(network, r.tape, 1<<10)
	r.loop = loop.New(loop.Options{Now: r.tape.Now, Begin: r.tape.Begin})
	return r
}

func (r *run) say(s string) { r.got = append(r.got, s) }

// begin asks for time and chance, sets a timer, and makes requests.
func (r *run) begin(urls ...string) {
	r.loop.Turn(func() {
		var b [4]byte
		r.tape.Random(b[:])
		r.say(string(b[:]))
		r.say(r.tape.Now().String())
		r.loop.After(2*time.Millisecond, func() { r.say("timer") })
		for _, url := range urls {
			loop.Go(context.Background(), r.loop, func(ctx context.Context) (*event.Response, error) {
				return r.net.Fetch(ctx, &event.Request{Method: "GET", URL: url})
			}).Then(func(resp *event.Response, err error) {
				if err != nil {
					r.say(url + " " + err.Error())
					return
				}
				r.say(url + " " + resp.StatusText + string(rune('0'+resp.Status-200)) + string(resp.Body.Bytes))
				if !resp.Encoded {
					r.say("not encoded")
				}
			})
		}
	})
}

// live drives a run that is recorded until it has said n things.
func (r *run) live(t *testing.T, n int) {
	t.Helper()
	for end := time.Now().Add(time.Minute); len(r.got) < n; {
		if time.Now().After(end) {
			t.Fatalf("it has said %q", r.got)
		}
		switch at, seq, ok := r.loop.NextTimer(); {
		case r.loop.Backlog() > 0:
			r.loop.RunTasks()
		case r.tape.Deliver():
		case ok && !at.After(time.Now()):
			r.tape.Timer(seq)
			r.loop.FireTimer()
		default:
			time.Sleep(time.Millisecond)
		}
	}
}

func TestARunIsRepeated(t *testing.T) {
	urls := []string{"http://a/", "http://b/", "http://c/fails"}
	first := newRun(replay.Recording, &answers{})
	first.begin(urls...)
	first.live(t, 6)
	exchanges := first.net.Freeze()
	entries, work, err := first.tape.Finish()
	if err != nil || len(work) != 0 || len(exchanges) != 3 {
		t.Fatal(err, work, exchanges)
	}
	again := func(urls ...string) (*run, error) {
		r := newRun(replay.Replaying, nil) // it asks nobody
		r.tape.Rewind(replay.Replaying, entries)
		r.net.Replay(exchanges)
		r.begin(urls...)
		err := r.tape.Follow(context.Background(), r.loop, func() bool { return false })
		if err == nil {
			err = r.tape.AtEnd(work)
		}
		return r, err
	}
	for range 3 {
		r, err := again(urls...)
		if err != nil || strings.Join(r.got, "|") != strings.Join(first.got, "|") || r.net.Unasked() != 0 {
			t.Fatalf("%v\n got %q\nwant %q", err, r.got, first.got)
		}
		r.tape.GoLive()
		if !r.tape.IsLive() || time.Since(r.tape.Now()) > time.Minute {
			t.Error("it does not go on with time of its own")
		}
	}
	if _, err := again("http://a/", "http://b/", "http://d/"); err == nil || !strings.Contains(err.Error(), "fetched GET http://d/") {
		t.Error(err)
	}
}

func TestRecordingGivesUp(t *testing.T) {
	r := newRun(replay.Recording, &answers{})
	r.tape.Spoil("it is too much")
	if _, _, err := r.tape.Finish(); err == nil || !strings.Contains(err.Error(), "it is too much") || !r.tape.IsLive() {
		t.Error(err)
	}
	full := replay.NewTape(isolate.SystemHost(), noVariables{}, replay.Recording, 16)
	full.Random(make([]byte, 64))
	if _, _, err := full.Finish(); err == nil || !strings.Contains(err.Error(), "limit snapshot.log") {
		t.Error(err)
	}
}

func TestWatchedRequestsGoThroughTheNetwork(t *testing.T) {
	r := newRun(replay.Recording, nil)
	ctx := event.WithWatcher(context.Background(), r.net)
	resp, err := event.Ask(ctx, &answers{}, &event.Request{Method: "GET", URL: "http://x/"})
	if err != nil || resp.Status != 201 || len(r.net.Freeze()) != 1 {
		t.Error(resp, err)
	}
	if event.Refusal(ctx) == nil || event.Refusal(event.Unwatched(ctx)) != nil || event.Refusal(context.Background()) != nil {
		t.Error("what is refused")
	}
}
