package websockets

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/loop"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/events"
	"workerd.local/webapi/url"
)

type outbound struct{ svc event.Service }

var outboundOf = isolate.NewSlot(func(*isolate.JS) *outbound { return &outbound{} })

// SetOutbound says where new WebSocket() of the realm goes.
func SetOutbound(js *isolate.JS, svc event.Service) { outboundOf.Get(js).svc = svc }

func syntaxError(text string) error {
	return exception.DOM("SyntaxError", "WebSocket Constructor: "+text)
}

// construct is new WebSocket(url, protocols).
func construct(c *bind.Call) (*Socket, error) {
	js := c.JS()
	var target string
	if err := c.Unpack("url", &target); err != nil {
		return nil, err
	}
	protocols, err := protocolsOf(c)
	if err != nil {
		return nil, err
	}
	ioc, err := c.Context()
	if err != nil {
		return nil, err
	}
	to, err := address(target)
	if err != nil {
		return nil, err
	}
	h := http.Header{"Upgrade": {"websocket"}}
	if protocols.given {
		if err := protocols.check(); err != nil {
			return nil, err
		}
		if len(protocols.list) > 0 {
			h.Set("Sec-WebSocket-Protocol", strings.Join(protocols.list, ", "))
		}
	}
	if has(js, "web_socket_compression") {
		h["Sec-Websocket-Extensions"] = []string{"permessage-deflate"}
	}
	svc := outboundOf.Get(js).svc
	if svc == nil {
		return nil, exception.Errorf("There is no service that a WebSocket could reach: the worker has no globalOutbound.")
	}
	s := newSocket(js, ioc, connecting, nil)
	s.state.URL = &target
	s.obj, _ = c.This().(*goja.Object)
	s.Watch(s.obj, nil)
	s.io.Value().connect(js, svc, &event.Request{Method: http.MethodGet, URL: to, Header: h, Redirect: "manual"})
	return s, nil
}

// address is the URL that is asked, from the one that the constructor is given.
func address(target string) (string, error) {
	u, err := url.Parse(target, nil)
	if strings.Trim(target, " \t\r\n") != target {
		err = errors.New("blanks around it") // which workerd does not forgive
	}
	if err != nil || u.Hostname() == "" && (u.Protocol() == "ws:" || u.Protocol() == "wss:") {
		return "", syntaxError("The url is invalid.")
	}
	switch u.Protocol() {
	case "ws:", "wss:":
	default:
		return "", syntaxError("The url scheme must be ws or wss.")
	}
	if strings.Contains(target, "#") {
		return "", syntaxError("The url fragment must be empty.")
	}
	scheme, rest, _ := strings.Cut(u.Href(), "://")
	authority, path, _ := strings.Cut(rest, "/")
	// Whoever wants to say who he is uses fetch() and a header.
	authority = authority[strings.LastIndexByte(authority, '@')+1:]
	return strings.Replace(scheme, "ws", "http", 1) + "://" + authority + "/" + path, nil
}

// protocols is the second argument: a string or a list of strings.
type protocols struct {
	given bool
	one   bool
	list  []string
}

func protocolsOf(c *bind.Call) (p protocols, err error) {
	v := c.Arg(1)
	if goja.IsUndefined(v) {
		return p, nil
	}
	p.given = true
	if obj, ok := v.(*goja.Object); ok && obj.ClassName() == "Array" {
		err = c.JS().Try(func() {
			c.JS().Runtime().ForOf(obj, func(item goja.Value) bool {
				var text string
				if text, err = c.String(2, item); err != nil {
					c.JS().Panic(err)
				}
				p.list = append(p.list, text)
				return true
			})
		})
		return p, err
	}
	p.one = true
	text, err := c.String(2, v)
	p.list = []string{text}
	return p, err
}

// check refuses what is no list of distinct tokens (RFC 6455, 4.1).
func (p protocols) check() error {
	seen := map[string]bool{}
	for _, name := range p.list {
		switch {
		case !isToken(name) && p.one:
			return syntaxError("The protocol header token is invalid.")
		case !isToken(name):
			return syntaxError("One of the protocol header tokens is invalid.")
		case seen[name]:
			return syntaxError("The protocols header cannot have repeating values.")
		}
		seen[name] = true
	}
	return nil
}

func isToken(s string) bool {
	for _, c := range []byte(s) {
		if c <= ' ' || c > '~' || strings.IndexByte(`()<>@,;:\/[]?={}`, c) >= 0 {
			return false
		}
	}
	return s != ""
}

// connect asks a service for the WebSocket.
func (n *native) connect(js *isolate.JS, svc event.Service, req *event.Request) {
	c := n.c
	l, host := c.Loop(), c.Realm().Isolate().Host()
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(c.Context()))
	answer := loop.NewFuture[*event.Response](l)
	n.cancel = func(err error) {
		cancel(err)
		answer.Reject(err)
	}
	c.WaitForOutput().Then(func(_ struct{}, err error) {
		if err == nil {
			err = context.Cause(ctx)
		}
		if err == nil {
			err = event.Refusal(ctx)
		}
		if err != nil {
			answer.Reject(err)
			return
		}
		event.Start(ctx, svc, req, func(resp *event.Response, err error) {
			host.Complete(func() {
				posted := l.Post(func() {
					if !answer.Settle(resp, err) && resp != nil {
						discard(resp)
					}
				})
				if posted != nil && resp != nil {
					discard(resp)
				}
			})
		})
	})
	p := iocontext.Await(js, c, loop.Later(answer), func(js *isolate.JS, resp *event.Response) (goja.Value, error) {
		n.cancel = nil
		defer cancel(nil)
		return nil, n.opened(js, resp)
	})
	js.OnSettled(p, func(js *isolate.JS, _ goja.Value, err error) {
		if err != nil {
			n.cancel = nil
			n.refused(js, err)
		}
	})
}

// discard releases an answer that nobody wants; its body may take its time.
func discard(resp *event.Response) { go func() { _ = resp.Discard() }() }

// opened takes the answer.
func (n *native) opened(js *isolate.JS, resp *event.Response) error {
	if resp.Status != http.StatusSwitchingProtocols {
		discard(resp)
		return exception.TypeErrorf("Failed to establish the WebSocket connection: expected server to reply with HTTP status code 101 (switching protocols), but received %d instead.", resp.Status)
	}
	if resp.WebSocket == nil {
		discard(resp)
		return exception.TypeErrorf("Worker received body in a response to a request for a WebSocket.")
	}
	n.end = resp.WebSocket
	n.s.state.Protocol = headerOrNull(resp.Header, "Sec-Websocket-Protocol")
	n.s.state.Extensions = headerOrNull(resp.Header, "Sec-Websocket-Extensions")
	n.begin(js)
	e := events.New("open", false)
	events.Dispatch(js, &n.s.Target, events.EventClass, &e)
	return nil
}

func headerOrNull(h http.Header, name string) *string {
	values := h[name]
	if len(values) == 0 {
		return nil
	}
	all := strings.Join(values, ", ")
	return &all
}

// refused tells that there is no WebSocket.
func (n *native) refused(js *isolate.JS, err error) {
	n.closedIn = true
	n.report(js, err)
	n.dispatchClose(js, 1006, "Failed to establish websocket connection", false)
	n.over(err)
}
