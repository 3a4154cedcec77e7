package napa

import (
	"context"
	"path/filepath"
	"sync"
	"time"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/internal/limits"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/loop"
	"workerd.local/webapi/bind"
)

// mailbox brings the outcomes of a realm's calls to its loop, many in one task.
type mailbox struct {
	loop *loop.Loop

	mu    sync.Mutex // guards items
	items []func()
}

var mailboxes = isolate.NewSlot(func(js *isolate.JS) *mailbox { return &mailbox{loop: js.Isolate().Loop()} })

// put queues an item; any goroutine. There are as many as calls, which are bounded.
func (m *mailbox) put(item func()) {
	m.mu.Lock()
	m.items = append(m.items, item)
	first := len(m.items) == 1
	m.mu.Unlock()
	if first {
		// A loop that is closed has nobody left to tell.
		_ = m.loop.Post(m.deliver)
	}
}

func (m *mailbox) deliver() {
	m.mu.Lock()
	items := m.items
	m.items = nil
	m.mu.Unlock()
	for _, item := range items {
		item()
	}
}

// Promise makes the promise of a call, and what is told its outcome.
func promise[T any](c *bind.Call, settle func(js *isolate.JS, o T) (goja.Value, error)) (p *goja.Object, told func(o T), err error) {
	ctx, err := c.Context()
	if err != nil {
		return nil, nil, err
	}
	js := c.JS()
	p, resolve, reject := js.NewPromise()
	done, at, box := ctx.AddPending(), ctx.Capture(js), mailboxes.Get(js)
	return p, func(o T) {
		box.put(func() {
			ctx.RunIn(at, func(js *isolate.JS) {
				done()
				v, err := settle(js, o)
				if err != nil {
					reject(err)
					return
				}
				resolve(v)
			}, func(err error) {
				done()
				ctx.Fail(err)
			})
		})
	}, nil
}

// rejection is thrown as the string that Napa.js rejects with.
func rejection(js *isolate.JS, text string) error {
	return js.Thrown(js.Runtime().ToValue(text))
}

// result is what became of an execute.
type result struct {
	outcome
	system *System
	value  goja.Value // nil until it is first wanted
	script goja.Value // the context as scripts see it
}

func (r *result) carrier() *carrier {
	return &carrier{system: r.system, context: r.context, value: r.script}
}

var resultClass = &bind.Class[result]{
	Name: "Result",
	Getters: map[string]bind.Getter[result]{
		"payload": func(r *result, _ *bind.Call) (any, error) { return r.payload, nil },
		"value": func(r *result, c *bind.Call) (any, error) {
			if r.value == nil || goja.IsUndefined(r.value) || goja.IsNull(r.value) {
				v, err := unmarshal(c.JS(), r.payload, r.carrier())
				if err != nil {
					return nil, err
				}
				r.value = v
			}
			return r.value, nil
		},
		"transportContext": func(r *result, c *bind.Call) (any, error) {
			if r.script == nil {
				if r.context == nil {
					r.context = r.system.newContext()
				}
				r.script = contextClass.Wrap(c.JS(), r.context)
			}
			return r.script, nil
		},
	},
}

// zoneHandle is a zone as scripts hold it.
type zoneHandle struct{ *Zone }

var zoneClass = &bind.Class[zoneHandle]{
	Name: "Zone",
	Getters: map[string]bind.Getter[zoneHandle]{
		"id": func(z *zoneHandle, _ *bind.Call) (any, error) { return z.id, nil },
	},
	Methods: map[string]bind.Method[zoneHandle]{
		"toJSON": func(z *zoneHandle, c *bind.Call) (any, error) {
			kind := "napa"
			if z.id == NodeZone {
				kind = NodeZone
			}
			return record(c.JS().Runtime(), "id", z.id, "type", kind), nil
		},
		"execute":       func(z *zoneHandle, c *bind.Call) (any, error) { return z.executeCall(c) },
		"executeSync":   func(z *zoneHandle, c *bind.Call) (any, error) { return z.executeSync(c) },
		"broadcast":     func(z *zoneHandle, c *bind.Call) (any, error) { return z.broadcastCall(c) },
		"broadcastSync": func(z *zoneHandle, c *bind.Call) (any, error) { return nil, z.broadcastSync(c) },
		"recycle":       func(z *zoneHandle, c *bind.Call) (any, error) { return z.recycle(c) },
	},
}

// newExecute reads the arguments of execute: (function, args?, options?) or (module,
// name, args?, options?).
func (z *Zone) newExecute(c *bind.Call) (*call, error) {
	js := c.JS()
	p, err := placeOf(js)
	if err != nil {
		return nil, err
	}
	out := &call{}
	rest := 1
	if fn, ok := c.Arg(0).(*goja.Object); ok && isFunction(fn) {
		if out.function, err = transportedFrom(js, fn); err != nil {
			return nil, err
		}
		out.module = functionModule
	} else {
		rest = 2
		if v := c.Arg(0); !goja.IsUndefined(v) && !goja.IsNull(v) {
			s, ok := v.(goja.String)
			if !ok {
				return nil, c.BadArg(1, "function or string")
			}
			out.module = modulePath(js, p, s.String())
		}
		if v := c.Arg(1); !goja.IsUndefined(v) && !goja.IsNull(v) {
			s, ok := v.(goja.String)
			if !ok {
				return nil, c.BadArg(2, "string")
			}
			out.function = s.String()
		}
	}
	k := &carrier{system: z.system}
	if out.args, err = payloads(c, rest, k); err != nil {
		return nil, err
	}
	out.context = k.context
	out.timeout, err = callOptions(c, rest+1)
	return out, err
}

func isFunction(v goja.Value) bool {
	_, ok := goja.AssertFunction(v)
	return ok
}

// transportedFrom saves a function that comes from the calling file.
func transportedFrom(js *isolate.JS, fn *goja.Object) (string, error) {
	if v := fn.GetSymbol(hashKey); v != nil {
		return v.String(), nil
	}
	file, _ := callSite(js)
	return saveFunction(js, fn, file)
}

// modulePath is the module of a call: a path that is not absolute is one from the calling
// file on. A name that is no path there is what require finds in that file: Napa.js documents execute('foo', 'bar'), and
// its code knows paths only.
func modulePath(js *isolate.JS, p *Place, name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	from := p.file()
	if file, _ := callSite(js); filepath.IsAbs(file) {
		from = file
	}
	path := filepath.Join(filepath.Dir(from), name)
	if name[0] != '.' {
		if _, ok := p.Loader.Resolve(path, from); !ok {
			if found, ok := p.Loader.Resolve(name, from); ok {
				return found
			}
		}
	}
	return path
}

// file is a file in the working directory, from which modules without a place of their own
// are found.
func (p *Place) file() string { return filepath.Join(p.Loader.Cwd(), "[function]") }

// payloads are the marshalled elements of the nth argument, from 0, an array or nothing.
func payloads(c *bind.Call, n int, k *carrier) ([]string, error) {
	v := c.Arg(n)
	if goja.IsUndefined(v) || goja.IsNull(v) {
		return nil, nil
	}
	obj, ok := v.(*goja.Object)
	if !ok || !transports.Get(c.JS()).array(c.JS(), obj) {
		return nil, c.BadArg(n+1, "Array")
	}
	list, err := elements(c.JS(), obj)
	if err != nil {
		return nil, err
	}
	out := make([]string, len(list))
	for i, v := range list {
		if out[i], err = marshal(c.JS(), v, k); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// callOptions reads {timeout, transport}, the nth argument from 0.
func callOptions(c *bind.Call, n int) (time.Duration, error) {
	if v := c.Arg(n); goja.IsUndefined(v) || goja.IsNull(v) {
		return 0, nil
	}
	var ms, transport float64
	if err := c.Options(n+1, "CallOptions", "timeout", &ms, "transport", &transport); err != nil {
		return 0, err
	}
	if transport != 0 && transport != 1 {
		return 0, c.TypeError("there is no TransportOption %v.", transport)
	}
	longest := limits.TimerDelay.In(c.JS().Bounds())
	switch {
	case !(ms >= 0):
		return 0, c.TypeError("the timeout must be 0 or a number of milliseconds.")
	case ms >= float64(longest/time.Millisecond):
		return longest, nil
	}
	return time.Duration(ms * float64(time.Millisecond)), nil
}

func (z *Zone) executeCall(c *bind.Call) (any, error) {
	t, err := z.newExecute(c)
	if err != nil {
		return nil, err
	}
	p, told, err := promise(c, z.settle)
	if err != nil {
		return nil, err
	}
	t.done = told
	if err := z.execute(t); err != nil {
		t.reject(codeInternal, messageOf(err))
	}
	return p, nil
}

// settle is the result of an outcome, or what is thrown for it.
func (z *Zone) settle(js *isolate.JS, o outcome) (goja.Value, error) {
	if o.code != codeSuccess {
		return nil, rejection(js, o.message)
	}
	return resultClass.Wrap(js, &result{outcome: o, system: z.system}), nil
}

// newBroadcasts reads the arguments of broadcast, (code) or (function, args?), and returns
// what makes a call for each worker. There is no transport context for them.
func (z *Zone) newBroadcasts(c *bind.Call) (func() *call, error) {
	k := &carrier{system: z.system, none: true}
	if fn, ok := c.Arg(0).(*goja.Object); ok && isFunction(fn) {
		hash, err := transportedFrom(c.JS(), fn)
		if err != nil {
			return nil, err
		}
		args, err := payloads(c, 1, k)
		if err != nil {
			return nil, err
		}
		return func() *call { return &call{module: functionModule, function: hash, args: args, noContext: true} }, nil
	}
	if _, ok := c.Arg(0).(goja.String); !ok {
		return nil, c.BadArg(1, "function or string")
	}
	code, err := marshal(c.JS(), c.Arg(0), k)
	if err != nil {
		return nil, err
	}
	return func() *call { return &call{function: "eval", args: []string{code}, noContext: true} }, nil
}

func (z *Zone) broadcastCall(c *bind.Call) (any, error) {
	each, err := z.newBroadcasts(c)
	if err != nil {
		return nil, err
	}
	p, told, err := promise(c, func(js *isolate.JS, o outcome) (goja.Value, error) {
		if o.code != codeSuccess {
			return nil, rejection(js, o.message)
		}
		return goja.Undefined(), nil
	})
	if err != nil {
		return nil, err
	}
	if err := z.broadcast(each, told); err != nil {
		told(outcome{code: codeInternal, message: messageOf(err)})
	}
	return p, nil
}

// waitFor blocks the thread until start's call is over.
func (z *Zone) waitFor(c *bind.Call, method string, start func(told func(outcome)) error) (o outcome, err error) {
	p, err := placeOf(c.JS())
	if err != nil {
		return o, err
	}
	me := p.Worker
	if me.zone == z {
		return o, exception.Errorf("Cannot call `%s` on current zone.", method)
	}
	s := z.system
	s.mu.Lock()
	if s.waitsForLocked(me, z.workers) {
		s.mu.Unlock()
		return o, errDeadlock
	}
	s.waits[me] = func() []*Worker { return z.workers }
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.waits, me)
		s.mu.Unlock()
	}()
	done := make(chan struct{})
	var got outcome
	if err := start(func(o outcome) { got = o; close(done) }); err != nil {
		return o, err
	}
	if err := block(c.JS(), done); err != nil {
		return o, err
	}
	return got, nil
}

func (z *Zone) broadcastSync(c *bind.Call) error {
	each, err := z.newBroadcasts(c)
	if err != nil {
		return err
	}
	o, err := z.waitFor(c, "broadcastSync", func(told func(outcome)) error { return z.broadcast(each, told) })
	if err == nil && o.code != codeSuccess {
		err = exception.Errorf("%s", o.message)
	}
	return err
}

func (z *Zone) executeSync(c *bind.Call) (any, error) {
	t, err := z.newExecute(c)
	if err != nil {
		return nil, err
	}
	o, err := z.waitFor(c, "executeSync", func(told func(outcome)) error {
		t.done = told
		return z.execute(t)
	})
	if err == nil && o.code != codeSuccess {
		err = exception.Errorf("%s", o.message)
	}
	if err != nil {
		return nil, err
	}
	return z.settle(c.JS(), o)
}

// recycle ends the zone: it takes no more calls, and the promise is for the end of those
// that it has.
func (z *Zone) recycle(c *bind.Call) (any, error) {
	if z.id == NodeZone {
		return nil, exception.Errorf("The node zone cannot be recycled.")
	}
	ctx, err := c.Context()
	if err != nil {
		return nil, err
	}
	z.close(errRecycled(z.id))
	over := iocontext.Background(ctx, func(ctx context.Context) (struct{}, error) { return struct{}{}, z.wait(ctx) })
	return bind.Promise(c, over, func(*isolate.JS, struct{}) (goja.Value, error) { return goja.Undefined(), nil })
}

// zoneFunctions are the functions of napa.zone.
var zoneFunctions = map[string]bind.Static{
	"create": func(c *bind.Call) (any, error) {
		p, id, err := zoneCall(c)
		if err != nil {
			return nil, err
		}
		workers, err := zoneSettings(c)
		if err != nil {
			return nil, err
		}
		z, err := p.System.create(id, workers)
		if err != nil {
			return nil, err
		}
		return zoneClass.Wrap(c.JS(), &zoneHandle{z}), nil
	},
	"get": func(c *bind.Call) (any, error) {
		p, id, err := zoneCall(c)
		if err != nil {
			return nil, err
		}
		z, err := p.System.zone(id)
		if err != nil {
			return nil, err
		}
		return zoneClass.Wrap(c.JS(), &zoneHandle{z}), nil
	},
	"current": func(c *bind.Call) (any, error) {
		p, err := placeOf(c.JS())
		if err != nil {
			return nil, err
		}
		if p.Worker.zone == nil {
			return nil, exception.Errorf("The calling thread is not associated with a zone")
		}
		return zoneClass.Wrap(c.JS(), &zoneHandle{p.Worker.zone}), nil
	},
	"node": func(c *bind.Call) (any, error) {
		p, err := placeOf(c.JS())
		if err != nil {
			return nil, err
		}
		return zoneClass.Wrap(c.JS(), &zoneHandle{p.System.Node().zone}), nil
	},
}

func zoneCall(c *bind.Call) (*Place, string, error) {
	p, err := placeOf(c.JS())
	if err != nil {
		return nil, "", err
	}
	id, ok := c.Arg(0).(goja.String)
	if !ok {
		return nil, "", c.BadArg(1, "string")
	}
	return p, id.String(), nil
}

// heapSettings are settings of V8's heap, which this engine does not have.
var heapSettings = []string{"maxOldSpaceSize", "maxSemiSpaceSize", "maxExecutableSize", "maxStackSize"}

// ordinaryWorkers is how many workers a zone has that does not say.
const ordinaryWorkers = 2

// zoneSettings reads {workers}; those of V8's heap are checked and have no effect.
func zoneSettings(c *bind.Call) (workers int, err error) {
	workers = ordinaryWorkers
	number := func(take func(n uint32)) func(*bind.Call, goja.Value) error {
		return func(c *bind.Call, v goja.Value) error {
			n, ok := uint32Of(v)
			if !ok {
				return c.BadArg(2, "uint32")
			}
			take(n)
			return nil
		}
	}
	pairs := []any{"workers", number(func(n uint32) { workers = int(n) })}
	for _, name := range heapSettings {
		pairs = append(pairs, name, number(func(uint32) {}))
	}
	if err := c.Options(2, "ZoneSettings", pairs...); err != nil {
		return 0, err
	}
	p, err := placeOf(c.JS())
	if err != nil {
		return 0, err
	}
	most := limits.NapaWorkers.In(p.System.o.Bounds)
	switch {
	case workers == 0:
		return 0, exception.Errorf("The number of workers must be greater than 0")
	case workers > most:
		return 0, exception.RangeErrorf("A zone cannot have more than %d workers.", most)
	}
	return workers, nil
}
