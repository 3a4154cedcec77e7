package websockets

import (
	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/events"
)

// Module is what scripts see of the package.
var Module = bind.Module{Name: "websockets", Globals: []bind.Global{define(), definePair()}}

// Class is WebSocket. It is filled in by define: its methods make instances of it.
var Class = &bind.Class[Socket]{Name: "WebSocket"}

func define() *bind.Class[Socket] {
	*Class = bind.Class[Socket]{
		Name:   Class.Name,
		Parent: bind.Extends(events.TargetClass, func(s *Socket) *events.Target { return &s.Target }),
		New:    construct,
		Getters: map[string]bind.Getter[Socket]{
			"readyState": func(s *Socket, c *bind.Call) (any, error) { return s.readyState(c.JS()) },
			"url":        func(s *Socket, _ *bind.Call) (any, error) { return s.state.URL, nil },
			"protocol":   func(s *Socket, _ *bind.Call) (any, error) { return s.state.Protocol, nil },
			"extensions": func(s *Socket, _ *bind.Call) (any, error) { return s.state.Extensions, nil },
			"bufferedAmount": func(s *Socket, c *bind.Call) (any, error) {
				n, err := s.native(c.JS())
				if err != nil || n.end == nil || n.stage == released {
					return 0, err
				}
				return n.outBytes + n.end.Buffered(), nil
			},
			"binaryType": func(s *Socket, _ *bind.Call) (any, error) {
				if s.blob {
					return "blob", nil
				}
				return "arraybuffer", nil
			},
		},
		Setters: map[string]bind.Setter[Socket]{
			"binaryType": func(s *Socket, c *bind.Call) error {
				v, err := c.String(1, c.Arg(0))
				switch v { // what is neither is ignored (WHATWG WebSockets)
				case "blob":
					s.blob = true
				case "arraybuffer":
					s.blob = false
				}
				return err
			},
		},
		Methods: map[string]bind.Method[Socket]{
			"accept": func(s *Socket, c *bind.Call) (any, error) {
				var halfOpen *bool
				err := c.Options(1, "AcceptOptions", "allowHalfOpen", func(_ *bind.Call, v goja.Value) error {
					is := v.ToBoolean()
					halfOpen = &is
					return nil
				})
				if err != nil {
					return nil, err
				}
				return nil, s.accept(c.JS(), halfOpen)
			},
			"send": func(s *Socket, c *bind.Call) (any, error) {
				m, err := message(c)
				if err != nil {
					return nil, err
				}
				return nil, s.send(c.JS(), m)
			},
			"close": func(s *Socket, c *bind.Call) (any, error) {
				var code *int
				if v := c.Arg(0); !goja.IsUndefined(v) {
					code = new(int)
					if err := c.Unpack("code?", code); err != nil {
						return nil, err
					}
				}
				var reason *string
				if v := c.Arg(1); !goja.IsUndefined(v) {
					text, err := c.String(2, v)
					if err != nil {
						return nil, err
					}
					reason = &text
				}
				return nil, s.close(c.JS(), code, reason)
			},
			"serializeAttachment": func(s *Socket, c *bind.Call) (any, error) {
				if c.Len() == 0 {
					return nil, c.BadArg(1, "Value")
				}
				return nil, s.serializeAttachment(c.JS(), c.Arg(0))
			},
			"deserializeAttachment": func(s *Socket, c *bind.Call) (any, error) { return s.deserializeAttachment(c.JS()) },
		},
		Consts: map[string]any{
			"READY_STATE_CONNECTING": readyConnecting, "CONNECTING": readyConnecting,
			"READY_STATE_OPEN": readyOpen, "OPEN": readyOpen,
			"READY_STATE_CLOSING": readyClosing, "CLOSING": readyClosing,
			"READY_STATE_CLOSED": readyClosed, "CLOSED": readyClosed,
		},
	}
	return Class
}

// pair is a WebSocketPair.
type pair struct{ ends [2]*Socket }

// pairClass is WebSocketPair, filled in by definePair.
var pairClass = &bind.Class[pair]{Name: "WebSocketPair"}

func definePair() *bind.Class[pair] {
	pairClass.New = newPairObject
	pairClass.Init = initPair
	return pairClass
}

func newPairObject(c *bind.Call) (*pair, error) {
	js := c.JS()
	ioc, err := c.Context()
	if err != nil {
		return nil, err
	}
	p := &pair{}
	p.ends[0], p.ends[1] = newPair(js, ioc)
	this := c.This().(*goja.Object)
	for i, s := range p.ends {
		err := this.DefineDataProperty([]string{"0", "1"}[i], s.Object(js), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_TRUE)
		if err != nil {
			return nil, err
		}
	}
	return p, nil
}

// initPair makes the pair iterable: first [0], then [1].
func initPair(js *isolate.JS, _, proto *goja.Object) error {
	entries := bind.NewFunction(js, "", 0, func(c *bind.Call) (any, error) {
		p, ok := pairClass.Unwrap(c.JS(), c.This())
		if !ok {
			return nil, c.BadArg(1, "WebSocketPair")
		}
		i := 0
		return pairIterator.Of(c.JS(), func(js *isolate.JS) (goja.Value, bool) {
			if i == len(p.ends) {
				return nil, false
			}
			i++
			return p.ends[i-1].Object(js), true
		}), nil
	})
	return proto.DefineDataPropertySymbol(goja.SymIterator, entries, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
}

var pairIterator = bind.NewIterator("PairIterator")
