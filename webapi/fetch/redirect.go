package fetch

import (
	"context"
	"net/http"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/webapi/url"
)

// maxRedirects is how many redirects one fetch() follows (Fetch, "HTTP-redirect
// fetch").
const maxRedirects = 20

var (
	errTooManyRedirects = exception.TypeErrorf("Too many redirects.")
	errLocation         = exception.TypeErrorf("Invalid Location header; unable to follow redirect.")
	errOneTimeBody      = exception.TypeErrorf("A request with a one-time-use body (it was initialized from a stream, not a buffer) encountered a redirect requiring the body to be retransmitted. To avoid this error in the future, construct this request from a buffer-like body initializer.")
)

// follow sends the request, and where mode is "follow" also the requests that
// redirects lead to. done is called once, on any goroutine, and must not block.
func follow(ctx context.Context, svc event.Service, req *event.Request, mode string, done func(*event.Response, error)) {
	hop(ctx, svc, req, mode, 0, done)
}

// hop makes one exchange, and the next one where the answer is a redirect.
func hop(ctx context.Context, svc event.Service, req *event.Request, mode string, hops int, done func(*event.Response, error)) {
	sent := *req
	if _, ok := svc.(event.AsyncService); !ok {
		// Other services own the header that they are given, and a redirect may need
		// it once more.
		sent.Header = cloneHeader(req.Header)
	}
	event.Start(ctx, svc, &sent, func(resp *event.Response, err error) {
		if err != nil {
			done(nil, err)
			return
		}
		if hops > 0 {
			resp.Redirected = true
		}
		if resp.URL == "" {
			resp.URL = req.URL
		}
		if mode != "follow" || !isRedirect(resp.Status) {
			done(resp, nil)
			return
		}
		location := resp.Header.Get("Location")
		if location == "" {
			done(resp, nil)
			return
		}
		// Closing a body may block, and this may be an isolate's goroutine.
		go func() {
			if err := resp.Body.Close(); err != nil {
				done(nil, err)
				return
			}
			if hops == maxRedirects {
				done(nil, errTooManyRedirects)
				return
			}
			next, err := redirected(req, resp.Status, location)
			if err != nil {
				done(nil, err)
				return
			}
			hop(ctx, svc, next, mode, hops+1, done)
		}()
	})
}

func isRedirect(status int) bool {
	switch status {
	case 301, 302, 303, 307, 308:
		return true
	}
	return false
}

// redirected is the request that follows the redirect.
func redirected(req *event.Request, status int, location string) (*event.Request, error) {
	to, err := url.Parse(location, &req.URL)
	if err != nil || to.Protocol() != "http:" && to.Protocol() != "https:" {
		return nil, errLocation
	}
	next := *req
	next.URL = bareURL(to.Href())
	next.Header = cloneHeader(req.Header)
	post := req.Method == http.MethodPost && (status == 301 || status == 302)
	other := req.Method != http.MethodGet && req.Method != http.MethodHead && status == 303
	switch {
	case post || other:
		next.Method, next.Body = http.MethodGet, event.NoBody
		for _, k := range []string{"Content-Type", "Content-Length", "Content-Encoding", "Content-Language", "Content-Location", "Transfer-Encoding"} {
			delete(next.Header, k)
		}
	case req.Body.Stream != nil:
		return nil, errOneTimeBody
	}
	if from, err := url.Parse(req.URL, nil); err != nil || from.Origin() != to.Origin() {
		for _, k := range []string{"Authorization", "Cookie", "Host"} {
			delete(next.Header, k)
		}
	}
	return &next, nil
}
