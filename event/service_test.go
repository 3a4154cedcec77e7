package event_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"workerd.local/event"
)

// blocking is a service without Start.
type blocking struct{ event.Service }

func (blocking) Fetch(ctx context.Context, req *event.Request) (*event.Response, error) {
	if req.URL == "" {
		return nil, errors.New("no URL")
	}
	return &event.Response{Status: 204}, nil
}

// starting is a service that must be started.
type starting struct{ blocking }

func (starting) Fetch(context.Context, *event.Request) (*event.Response, error) {
	panic("Fetch was called")
}

func (starting) Start(_ context.Context, _ *event.Request, done func(*event.Response, error)) {
	done(&event.Response{Status: 201}, nil)
}

func TestStartWorksOnAnyService(t *testing.T) {
	for _, c := range []struct {
		svc    event.Service
		url    string
		status int
	}{{blocking{}, "http://a/", 204}, {starting{}, "", 201}, {blocking{}, "", 0}} {
		resp, err := event.Wait(t.Context(), func(done func(*event.Response, error)) {
			event.Start(t.Context(), c.svc, &event.Request{URL: c.url}, done)
		})
		if c.status == 0 {
			if err == nil || resp != nil {
				t.Errorf("%v, %v", resp, err)
			}
			continue
		}
		if err != nil || resp.Status != c.status {
			t.Errorf("%v, %v, want %d", resp, err, c.status)
		}
	}
}

type closing struct {
	io.Reader
	closed *bool
}

func (c closing) Close() error { *c.closed = true; return nil }

// An answer that comes after its caller has gone is released, and nothing leaks.
func TestAnswerThatComesTooLateIsReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		var answer func(*event.Response, error)
		cancel()
		resp, err := event.Wait(ctx, func(done func(*event.Response, error)) { answer = done })
		if resp != nil || !errors.Is(err, context.Canceled) {
			t.Errorf("%v, %v", resp, err)
		}
		closed := false
		answer(&event.Response{Body: event.StreamBody(closing{strings.NewReader("x"), &closed}, -1)}, nil)
		synctest.Wait()
		if !closed {
			t.Error("the body was not closed")
		}
	})
}

func TestOutcomesHaveWorkerdsNames(t *testing.T) {
	for s, want := range map[event.OutcomeStatus]string{
		event.OK: "ok", event.Exception: "exception", event.ExceededCPU: "exceededCpu", event.ExceededMemory: "exceededMemory",
		event.ExceededWallTime: "exceededWallTime", event.NotFound: "scriptNotFound", event.Canceled: "canceled",
	} {
		if s.String() != want {
			t.Errorf("%d is %q, want %q", s, s, want)
		}
	}
}

func TestWaitOutcome(t *testing.T) {
	boom := errors.New("boom")
	o, err := event.WaitOutcome(t.Context(), func(done func(event.Outcome, error)) {
		go done(event.Outcome{Status: event.Exception, Retry: true}, boom)
	})
	if o.Status != event.Exception || !o.Retry || err != boom {
		t.Errorf("%+v, %v", o, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var late func(event.Outcome, error)
	o, err = event.WaitOutcome(ctx, func(done func(event.Outcome, error)) { late = done; cancel() })
	if o.Status != event.Canceled || !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %+v, %v", o, err)
	}
	late(event.Outcome{}, nil) // nobody waits, and nothing blocks
}
