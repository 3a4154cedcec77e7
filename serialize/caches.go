package serialize

import (
	"errors"
	"net/http"
	"slices"
	"strconv"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/loop"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/events"
	"workerd.local/webapi/fetch"
)

// cacheStorage is the global caches.
type cacheStorage struct{ w *Worker }

var cacheStorageClass = &bind.Class[cacheStorage]{
	Name: "CacheStorage",
	Async: map[string]bind.Method[cacheStorage]{
		"match": (*cacheStorage).match,
		"has": func(s *cacheStorage, c *bind.Call) (any, error) {
			return named(c, func(name string) (any, error) { return s.w.depot.caches.has(name), nil })
		},
		"open": func(s *cacheStorage, c *bind.Call) (any, error) {
			return named(c, func(name string) (any, error) {
				return cacheClass.Wrap(c.JS(), &cacheOf{s.w, name}), s.w.depot.caches.open(name)
			})
		},
		"delete": func(s *cacheStorage, c *bind.Call) (any, error) {
			return named(c, func(name string) (any, error) { return s.w.depot.caches.drop(name), nil })
		},
		"keys": func(s *cacheStorage, c *bind.Call) (any, error) {
			return resolvedWith(c, s.w.depot.caches.names())
		},
	},
}

// named is a promise for what do makes of the first argument.
func named(c *bind.Call, do func(name string) (any, error)) (any, error) {
	var name string
	if err := c.Unpack("cacheName", &name); err != nil {
		return nil, err
	}
	v, err := do(name)
	if err != nil {
		return nil, err
	}
	return resolvedWith(c, v)
}

// resolvedWith is a promise for a Go value.
func resolvedWith(c *bind.Call, v any) (any, error) { return c.JS().Resolved(c.Value(v)), nil }

// match looks into all caches, the oldest first.
func (s *cacheStorage) match(c *bind.Call) (any, error) {
	q, o, only, err := lookup(c)
	if err != nil {
		return nil, err
	}
	for _, name := range s.w.depot.caches.names() {
		if only != nil && *only != name {
			continue
		}
		if found := s.w.depot.caches.entries(name, q, o); len(found) > 0 {
			return responded(c, found[0])
		}
	}
	return resolvedWith(c, nil)
}

// cacheOf is a Cache: a name, so that it means the same cache before and after a fork.
type cacheOf struct {
	w    *Worker
	name string
}

var cacheClass = &bind.Class[cacheOf]{
	Name: "Cache",
	Async: map[string]bind.Method[cacheOf]{
		"match":    (*cacheOf).match,
		"matchAll": (*cacheOf).matchAll,
		"add": func(h *cacheOf, c *bind.Call) (any, error) {
			if c.Len() == 0 {
				return nil, c.BadArg(1, "Request or string")
			}
			return h.addAll(c, []goja.Value{c.Arg(0)})
		},
		"addAll": func(h *cacheOf, c *bind.Call) (any, error) {
			list, err := elements(c, c.Arg(0))
			if err != nil {
				return nil, err
			}
			return h.addAll(c, list)
		},
		"put":    (*cacheOf).put,
		"delete": (*cacheOf).remove,
		"keys":   (*cacheOf).keys,
	},
}

// requestOf is the request that an argument stands for; a cache has those of http and https.
func requestOf(c *bind.Call, v goja.Value) (*fetch.Request, error) {
	r, err := fetch.Coerce(c, v)
	if err == nil && !isCacheable(r.URL()) {
		err = exception.TypeErrorf("Expect a request with http/https url")
	}
	return r, err
}

// keyOf is a request as a cache keeps it.
func keyOf(r *fetch.Request) *cached {
	return newCached(r.Method(), r.URL(), r.Headers().Header().Clone())
}

// lookup reads (request, options).
func lookup(c *bind.Call) (q *cached, o cacheQuery, cacheName *string, err error) {
	r, err := requestOf(c, c.Arg(0))
	if err != nil {
		return nil, o, nil, err
	}
	err = c.Options(2, "CacheQueryOptions", "ignoreSearch", &o.ignoreSearch, "ignoreMethod", &o.ignoreMethod, "ignoreVary", &o.ignoreVary, "cacheName", &cacheName)
	return keyOf(r), o, cacheName, err
}

// response is the Response of an entry.
func response(c *bind.Call, e *cached) (goja.Value, error) {
	ioc, err := c.Context()
	if err != nil {
		return nil, err
	}
	a := &e.answer
	resp := &event.Response{Status: a.status, StatusText: a.statusText, URL: a.url, Redirected: a.redirected, Header: a.header.Clone()}
	if a.body != nil {
		resp.Body = event.BytesBody(a.body)
	}
	return fetch.NewAnswer(c.JS(), ioc, resp)
}

func responded(c *bind.Call, e *cached) (any, error) {
	v, err := response(c, e)
	if err != nil {
		return nil, err
	}
	return c.JS().Resolved(v), nil
}

func (h *cacheOf) match(c *bind.Call) (any, error) {
	q, o, _, err := lookup(c)
	if err != nil {
		return nil, err
	}
	if found := h.w.depot.caches.entries(h.name, q, o); len(found) > 0 {
		return responded(c, found[0])
	}
	return resolvedWith(c, nil)
}

// all are the entries that (request?, options?) asks for.
func (h *cacheOf) all(c *bind.Call) (list []*cached, err error) {
	var q *cached
	var o cacheQuery
	if !goja.IsUndefined(c.Arg(0)) {
		if q, o, _, err = lookup(c); err != nil {
			return nil, err
		}
	}
	return h.w.depot.caches.entries(h.name, q, o), nil
}

func (h *cacheOf) matchAll(c *bind.Call) (any, error) {
	list, err := h.all(c)
	if err != nil {
		return nil, err
	}
	out := make([]any, len(list))
	for i, e := range list {
		if out[i], err = response(c, e); err != nil {
			return nil, err
		}
	}
	return resolvedWith(c, out)
}

func (h *cacheOf) keys(c *bind.Call) (any, error) {
	list, err := h.all(c)
	if err != nil {
		return nil, err
	}
	ioc, err := c.Context()
	if err != nil {
		return nil, err
	}
	out := make([]any, len(list))
	for i, e := range list {
		out[i] = fetch.NewRequest(c.JS(), ioc, &event.Request{Method: e.method, URL: e.url, Header: e.header.Clone(), Redirect: "follow"})
	}
	return resolvedWith(c, out)
}

func (h *cacheOf) remove(c *bind.Call) (any, error) {
	q, o, _, err := lookup(c)
	if err != nil {
		return nil, err
	}
	return resolvedWith(c, h.w.depot.caches.remove(h.name, q, o))
}

// mostAdded is what one addAll may ask for.
const mostAdded = 1000

// elements are those of an iterable.
func elements(c *bind.Call, v goja.Value) (list []goja.Value, err error) {
	obj, ok := v.(*goja.Object)
	if !ok {
		return nil, c.BadArg(1, "sequence")
	}
	err = c.JS().Try(func() {
		c.JS().Runtime().ForOf(obj, func(v goja.Value) bool { list = append(list, v); return len(list) <= mostAdded })
	})
	if err == nil && len(list) > mostAdded {
		err = exception.RangeErrorf("addAll takes at most %d requests.", mostAdded)
	}
	return list, err
}

var errCacheMethod = exception.TypeErrorf("Unable to cache requests other than GET method")

// refuseResponse is why a response cannot be kept. The error has it as its response.
func refuseResponse(js *isolate.JS, v goja.Value, r *fetch.Response) error {
	text := ""
	switch status := r.Status(); {
	case r.IsError() || status < 200 || status > 299 || status == http.StatusPartialContent:
		text = "Error response is not cache-able: status(" + strconv.Itoa(status) + ")"
	case slices.Contains(varies(r.Headers().Header()), "*"):
		text = `Vary with "*" is not cache-able.`
	default:
		return nil
	}
	obj, ok := js.Error(exception.TypeErrorf("%s", text)).(*goja.Object)
	if !ok {
		return exception.TypeErrorf("%s", text)
	}
	if err := obj.Set("response", v); err != nil {
		return err
	}
	return js.Thrown(obj)
}

// answered completes an entry with a response, whose body is read whole: the promise is for
// what then makes of it.
func answered(js *isolate.JS, e *cached, r *fetch.Response, then func(js *isolate.JS) error) (goja.Value, error) {
	e.answer = cachedAnswer{status: r.Status(), statusText: r.StatusText(), url: r.URL(), redirected: r.Redirected(), header: r.Headers().Header().Clone()}
	null := r.HasNoBody()
	return r.Whole(js, func(js *isolate.JS, data []byte) (goja.Value, error) {
		if !null {
			e.answer.body = append([]byte{}, data...)
		}
		return goja.Undefined(), then(js)
	})
}

func (h *cacheOf) put(c *bind.Call) (any, error) {
	r, err := requestOf(c, c.Arg(0))
	if err != nil {
		return nil, err
	}
	resp, ok := fetch.ResponseClass.Unwrap(c.JS(), c.Arg(1))
	if !ok {
		return nil, c.BadArg(2, "Response")
	}
	if r.Method() != http.MethodGet {
		return nil, errCacheMethod
	}
	if err := refuseResponse(c.JS(), c.Arg(1), resp); err != nil {
		return nil, err
	}
	e := keyOf(r)
	return answered(c.JS(), e, resp, func(*isolate.JS) error { return h.w.depot.caches.put(h.name, []*cached{e}) })
}

// adding is a call of addAll. Of those who add the same request at a time, one fetches it: it holds
// the turns for what it adds until it has put it there.
type adding struct {
	h       *cacheOf
	ioc     *iocontext.Context
	signal  *events.Signal // ends the other requests when one fails
	keys    []string       // of the turns, sorted, so that nobody waits in a circle
	turns   []func()       // those that it has, each with what gives it back
	objects []goja.Value   // the requests
	wanted  []*cached
	batch   []*cached // as wanted; nil where there is nothing to put
	open    int       // requests under way
	over    bool
	resolve func(goja.Value)
	reject  func(error)
}

func (h *cacheOf) addAll(c *bind.Call, inputs []goja.Value) (any, error) {
	ioc, err := c.Context()
	if err != nil {
		return nil, err
	}
	a := &adding{h: h, ioc: ioc, signal: events.NewSignal()}
	for _, v := range inputs {
		r, err := requestOf(c, v)
		if err != nil {
			return nil, err
		}
		if r.Method() != http.MethodGet {
			return nil, errCacheMethod
		}
		if _, isObj := fetch.RequestClass.Unwrap(c.JS(), v); !isObj {
			v = fetch.RequestClass.Wrap(c.JS(), r)
		}
		e := keyOf(r)
		a.objects, a.wanted = append(a.objects, v), append(a.wanted, e)
		a.keys = append(a.keys, e.method+" "+e.path+"?"+e.search)
	}
	slices.Sort(a.keys)
	a.keys = slices.Compact(a.keys)
	var promise *goja.Object
	promise, a.resolve, a.reject = c.JS().NewPromise()
	a.next(c.JS())
	return promise, nil
}

// next waits for the turn that comes next, and fetches once it has all.
func (a *adding) next(js *isolate.JS) {
	for len(a.keys) > 0 {
		key := a.keys[0]
		a.keys = a.keys[1:]
		arrived := loop.NewFuture[struct{}](a.ioc.Loop())
		turn, now := a.h.w.depot.turns.take(key, func() {
			// A closed loop has nobody who waits: the end of its worker leaves the turn.
			_ = a.ioc.Loop().Post(func() { arrived.Resolve(struct{}{}) })
		})
		forget := a.ioc.OnEnd(turn.leave)
		a.turns = append(a.turns, func() { forget(); turn.leave() })
		if !now {
			iocontext.Await(js, a.ioc, loop.Later(arrived), func(js *isolate.JS, _ struct{}) (goja.Value, error) {
				a.next(js)
				return goja.Undefined(), nil
			})
			return
		}
	}
	a.fetch(js)
}

// finish settles the promise and gives the turns back.
func (a *adding) finish(js *isolate.JS, err error) {
	if a.over {
		return
	}
	a.over = true
	for _, leave := range a.turns {
		leave()
	}
	if err != nil {
		a.signal.Abort(js, goja.Undefined())
		a.reject(err)
		return
	}
	a.resolve(goja.Undefined())
}

// fetch asks for all that others have not added meanwhile.
func (a *adding) fetch(js *isolate.JS) {
	a.batch = make([]*cached, len(a.wanted))
	init := js.Runtime().NewObject()
	if err := init.Set("signal", a.signal.Object(js)); err != nil {
		a.finish(js, err)
		return
	}
	a.open = 1 // this loop
	for i, e := range a.wanted {
		if len(a.h.w.depot.caches.entries(a.h.name, e, cacheQuery{})) > 0 {
			continue
		}
		p, err := fetch.Fetch(js, fetch.Outbound(js), a.objects[i], init)
		if err != nil {
			a.finish(js, err)
			return
		}
		a.open++
		js.OnSettled(bind.Value(js, p), func(js *isolate.JS, v goja.Value, err error) { a.arrived(js, i, v, err) })
	}
	a.done(js)
}

// arrived is told what a request gave.
func (a *adding) arrived(js *isolate.JS, i int, v goja.Value, err error) {
	if err != nil || a.over {
		a.finish(js, err)
		return
	}
	r, ok := fetch.ResponseClass.Unwrap(js, v)
	if !ok {
		a.finish(js, errors.New("fetch gave no response"))
		return
	}
	if err := refuseResponse(js, v, r); err != nil {
		a.finish(js, err)
		return
	}
	p, err := answered(js, a.wanted[i], r, func(*isolate.JS) error { return nil })
	if err != nil {
		a.finish(js, err)
		return
	}
	js.OnSettled(p, func(js *isolate.JS, _ goja.Value, err error) {
		if err != nil {
			a.finish(js, err)
			return
		}
		a.batch[i] = a.wanted[i]
		a.done(js)
	})
}

// done is told that one of what the call waits for is over.
func (a *adding) done(js *isolate.JS) {
	if a.open--; a.open > 0 || a.over {
		return
	}
	a.finish(js, a.h.w.depot.caches.put(a.h.name, slices.DeleteFunc(a.batch, func(e *cached) bool { return e == nil })))
}
