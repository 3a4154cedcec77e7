package http

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/httpserver"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/fetch"
	"workerd.local/webapi/node/glue"
	"workerd.local/webapi/node/sockets"
)

// listener is a server of a program that listens. It is an event.Service: its requests
// run on the program's loop.
type listener struct {
	handle *glue.Handle
	server *httpserver.Server
	addr   *net.TCPAddr
	serve  goja.Value // of a Request, the client's address and its session, gives a promise of a Response
	done   chan struct{}
	failed goja.Value // is told of handshakes that failed

	wants, switched goja.Value // see switchOver
	switching       sync.WaitGroup

	mu       sync.Mutex                  // guards what follows
	sessions map[string]*sockets.Session // of TLS, by the client's address
}

var _ event.Service = (*listener)(nil)

var listenerClass = &bind.Class[listener]{
	Name: "HTTPListener",
	Getters: map[string]bind.Getter[listener]{
		"port":    func(l *listener, _ *bind.Call) (any, error) { return l.addr.Port, nil },
		"address": func(l *listener, _ *bind.Call) (any, error) { return l.addr.IP.String(), nil },
		"family": func(l *listener, _ *bind.Call) (any, error) {
			if l.addr.IP.To4() != nil {
				return "IPv4", nil
			}
			return "IPv6", nil
		},
	},
	Methods: map[string]bind.Method[listener]{
		"ref":   func(l *listener, _ *bind.Call) (any, error) { l.handle.Ref(); return nil, nil },
		"unref": func(l *listener, _ *bind.Call) (any, error) { l.handle.Unref(); return nil, nil },
		// close(fn) takes no more connections, and calls fn when the last one has ended.
		"close": func(l *listener, c *bind.Call) (any, error) {
			fn := c.Arg(0)
			return nil, glue.Later(c.JS(), func(ctx context.Context) (struct{}, error) {
				err := l.server.Shutdown(ctx)
				<-l.done
				l.switching.Wait()
				return struct{}{}, err
			}, func(js *isolate.JS, _ struct{}, _ error) {
				// What ctx cut off has ended, too.
				l.handle.Close()
				glue.Tell(js, fn)
			})
		},
	},
}

// serverNatives are what js/internal/http_server.js gets.
var serverNatives = map[string]bind.Static{
	// listens says whether servers listen here, which those of deployed workers do not.
	"listens": func(c *bind.Call) (any, error) { return glue.MachineOf(c.JS()) != nil, nil },
	// listen(port, host, serve, tls, wants, switched) listens, or throws; tls are the options of
	// listener.secure, undefined for a server without. The last two are those of
	// listener.switchOver.
	"listen": func(c *bind.Call) (any, error) {
		js := c.JS()
		port, host := int(c.Arg(0).ToInteger()), ""
		if h, ok := c.Arg(1).(goja.String); ok {
			host = h.String()
		}
		nl, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
		if err != nil {
			if host == "" {
				host = "::"
			}
			e := glue.SystemErrorOf(err, "listen", "", "")
			e.Text = glue.TextOf(e.Code)
			e.More = append(e.More, "address", host, "port", port)
			return nil, glue.Thrown(js, e)
		}
		l := &listener{serve: c.Arg(2), done: make(chan struct{}), wants: c.Arg(4), switched: c.Arg(5)}
		l.addr, _ = nl.Addr().(*net.TCPAddr)
		l.handle, err = glue.NewHandle(js, l.end)
		if err != nil {
			return nil, errors.Join(err, nl.Close())
		}
		o := httpserver.Options{Name: "node:http", Log: js.Isolate().Log(), Limits: httpserver.Limits{Bounds: js.Bounds()}, Switch: l.switchOver, Reasons: true}
		if secure, ok := c.Arg(3).(*goja.Object); ok {
			l.sessions = map[string]*sockets.Session{}
			o.TLS, o.OnlyHTTP1 = l.secure(js, sockets.Options{Object: secure}), true
			o.Log = slog.New(handshakes{o.Log.Handler(), l})
			nl = remembering{nl, l}
		}
		l.server = httpserver.New(o, httpserver.Target{Default: l})
		go func() {
			defer close(l.done)
			// It ends with Shutdown; what else ends it is told by those who connect.
			if err := l.server.Serve(nl); err != nil && !errors.Is(err, http.ErrServerClosed) {
				js.Isolate().Log().Error("a server of node:http has ended", "error", err)
			}
		}()
		return listenerClass.Wrap(js, l), nil
	},
}

// end cuts everything off, as the program ends.
func (l *listener) end() {
	now, stop := context.WithCancel(context.Background())
	stop()
	// It reports that connections were cut off.
	_ = l.server.Shutdown(now)
	<-l.done
}

// Fetch is event.Service's.
func (l *listener) Fetch(ctx context.Context, req *event.Request) (*event.Response, error) {
	return event.Wait(ctx, func(done func(*event.Response, error)) {
		var once sync.Once
		answer := func(resp *event.Response, err error) {
			first := false
			once.Do(func() { first = true })
			if first {
				done(resp, err)
			} else if resp != nil {
				_ = resp.Discard() // nobody waits for it
			}
		}
		forget := context.AfterFunc(l.handle.Context(), func() { answer(nil, exception.Errorf("the program has ended")) })
		l.handle.Post(func(js *isolate.JS) {
			l.run(js, req, func(resp *event.Response, err error) {
				forget() // the program outlives its requests
				answer(resp, err)
			})
		})
	})
}

func (l *listener) run(js *isolate.JS, req *event.Request, done func(*event.Response, error)) {
	ioc := l.handle.IO()
	v, err := js.Call(l.serve, nil, fetch.NewRequest(js, ioc, req), js.Runtime().ToValue(req.Client), l.sessionValue(js, req.Client))
	if err != nil {
		done(nil, js.Exception(err))
		return
	}
	js.OnSettled(v, func(js *isolate.JS, v goja.Value, err error) {
		if err == nil {
			var resp *event.Response
			if resp, err = fetch.ToResponse(js, ioc, v, fetch.Answer{Request: req}); err == nil {
				if o, ok := v.(*goja.Object); ok {
					last := o.Get("_close")
					resp.Close = last != nil && last.ToBoolean()
				}
				done(resp, nil)
				return
			}
		}
		done(nil, js.Exception(err))
	})
}

// Deliver is event.Service's: servers take requests only.
func (l *listener) Deliver(context.Context, event.Event) (event.Outcome, error) {
	return event.Outcome{}, event.ErrUnsupported
}
