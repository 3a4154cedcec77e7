package event

import "context"

// Watcher stands between code and the services that it uses: a run that is recorded, or
// repeated. Any goroutine.
type Watcher interface {
	// StartOn takes the place of Start.
	StartOn(ctx context.Context, svc Service, req *Request, done func(*Response, error))
	// Refuse is why calls and events that are no requests cannot be made.
	Refuse() error
}

type watcherKey struct{}

// WithWatcher makes Start, Ask, StartCall and StartEvent under the context go through w.
func WithWatcher(ctx context.Context, w Watcher) context.Context {
	return context.WithValue(ctx, watcherKey{}, w)
}

// Unwatched is the context for what a watcher itself does: it has none.
func Unwatched(ctx context.Context) context.Context {
	return context.WithValue(ctx, watcherKey{}, nil)
}

// WatcherOf is the context's watcher, or nil.
func WatcherOf(ctx context.Context) Watcher {
	w, _ := ctx.Value(watcherKey{}).(Watcher)
	return w
}

// Refusal is why what is no request cannot be done under the context, or nil.
func Refusal(ctx context.Context) error {
	if w := WatcherOf(ctx); w != nil {
		return w.Refuse()
	}
	return nil
}

// Front is a Service that changes what another one answers, and asks it with Ask: a watcher
// stands behind it.
type Front interface{ Front() }

// Ask is Service.Fetch for code, under whose context there may be a watcher.
func Ask(ctx context.Context, svc Service, req *Request) (*Response, error) {
	if w := WatcherOf(ctx); w != nil {
		return Wait(ctx, func(done func(*Response, error)) { w.StartOn(ctx, svc, req, done) })
	}
	return svc.Fetch(ctx, req)
}
