package hop

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"sync"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/webapi/fetch"
)

// Fetch is event.Service's: it runs the service of the URL's path on its owner's thread.
func (s *System) Fetch(ctx context.Context, req *event.Request) (*event.Response, error) {
	u, err := url.Parse(req.URL)
	if err != nil {
		return nil, errors.Join(err, req.Body.Close())
	}
	e := s.reg.take(u.Path)
	if e == nil {
		return text(http.StatusNotFound, gone(u.Path).Message+"\n"), req.Body.Close()
	}
	return event.Wait(ctx, func(done func(*event.Response, error)) {
		q := &request{entry: e, path: u.Path, req: req, told: done}
		q.begin()
	})
}

// Deliver is event.Service's: services take requests only.
func (s *System) Deliver(context.Context, event.Event) (event.Outcome, error) {
	return event.Outcome{}, event.ErrUnsupported
}

func text(status int, body string) *event.Response {
	return &event.Response{
		Status: status,
		Header: http.Header{"Content-Type": {"text/plain; charset=utf-8"}},
		Body:   event.BytesBody([]byte(body)),
	}
}

// request is one HTTP request at a service.
type request struct {
	entry  *entry
	path   string
	req    *event.Request
	told   func(*event.Response, error)
	once   sync.Once
	forget func() // owner's goroutine
}

func (q *request) begin() {
	owner := q.entry.owner
	err := owner.Loop().Post(func() {
		if owner.Ended() {
			q.gone()
			return
		}
		q.forget = owner.OnEnd(q.gone)
		owner.RunIn(iocontext.Entry{}, q.run, func(err error) { q.done(nil, err) })
	})
	if err != nil {
		q.gone()
	}
}

// gone answers for a service whose owner has ended.
func (q *request) gone() { q.done(goneAnswer(q.path), nil) }

func goneAnswer(path string) *event.Response {
	return text(http.StatusGone, gone(path).Message+"\n")
}

// wasEnded reports whether a call failed because its thread was ended in the middle of the turn.
func wasEnded(err error) bool { return errors.Is(err, isolate.ErrKilled) }

func (q *request) run(js *isolate.JS) {
	owner := q.entry.owner
	rt := js.Runtime()
	v, err := answer(js, "handle", q.entry.service.fn, fetch.NewRequest(js, owner, q.req), rt.ToValue(isLocal(q.req.Client)))
	if err != nil {
		q.done(nil, js.Exception(err))
		return
	}
	js.OnSettled(v, func(js *isolate.JS, v goja.Value, err error) {
		if err == nil {
			var resp *event.Response
			if resp, err = fetch.ToResponse(js, owner, v, fetch.Answer{Request: q.req}); err == nil {
				q.done(resp, nil)
				return
			}
		}
		q.done(nil, js.Exception(err))
	})
}

// done answers, once.
func (q *request) done(resp *event.Response, err error) {
	first := false
	q.once.Do(func() { first = true })
	if !first {
		if resp != nil {
			_ = resp.Discard() // nobody waits for it
		}
		return
	}
	if q.forget != nil {
		q.forget()
	}
	if wasEnded(err) {
		resp, err = goneAnswer(q.path), nil
	}
	q.told(resp, err)
}

// isLocal reports whether an address is one of this machine's own to itself.
func isLocal(client string) bool {
	a, err := netip.ParseAddrPort(client)
	return err == nil && a.Addr().Unmap().IsLoopback()
}

// contextless reads a file of at most limit bytes.
func contextless(path string, limit int64) func(context.Context) ([]byte, error) {
	return func(context.Context) ([]byte, error) {
		f, err := os.Open(path)
		if err != nil {
			return nil, fileText(err)
		}
		defer f.Close()
		b, err := io.ReadAll(io.LimitReader(f, limit+1))
		switch {
		case err != nil:
			return nil, fileText(err)
		case int64(len(b)) > limit:
			return nil, exception.RangeErrorf("The file %q is longer than an answer may be: %d bytes.", path, limit)
		}
		return b, nil
	}
}

func pathIn(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Path
	}
	return ""
}
