package durable

import (
	"math"
	"strconv"
	"time"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/internal/limits"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/websockets"
)

// Sockets is what an actor's container does for the WebSockets that the actor gives it.
type Sockets interface {
	// Accept takes a socket with its tags, which are distinct.
	Accept(js *isolate.JS, s *websockets.Socket, tags []string) error
	// List is those with a tag, oldest first, or all where tag is nil, newest first.
	List(js *isolate.JS, tag *string) ([]*websockets.Socket, error)
	// Tags are those of a socket that was taken.
	Tags(s *websockets.Socket) (tags []string, taken bool)
	// The automatic response, and when a socket last got it.
	SetAutoResponse(request, response string)
	UnsetAutoResponse()
	AutoResponse() (request, response string, ok bool)
	AutoResponseTime(s *websockets.Socket) (time.Time, bool)
	// The time that an event's handler may take, in milliseconds; 0 is for ever.
	SetTimeout(ms uint32)
	Timeout() uint32
}

// maxEventTimeout is the longest time of an event, in milliseconds (workerd).
const maxEventTimeout = 604800000

// RequestResponsePair is a WebSocketRequestResponsePair.
type RequestResponsePair struct{ request, response string }

// PairClass is WebSocketRequestResponsePair.
var PairClass = &bind.Class[RequestResponsePair]{
	Name: "WebSocketRequestResponsePair",
	New: func(c *bind.Call) (*RequestResponsePair, error) {
		p := &RequestResponsePair{}
		return p, c.Unpack("request", &p.request, "response", &p.response)
	},
	Getters: map[string]bind.Getter[RequestResponsePair]{
		"request":  func(p *RequestResponsePair, _ *bind.Call) (any, error) { return p.request, nil },
		"response": func(p *RequestResponsePair, _ *bind.Call) (any, error) { return p.response, nil },
	},
}

// socketMethods are ctx's methods about WebSockets.
func socketMethods() map[string]bind.Method[state] {
	return map[string]bind.Method[state]{
		"acceptWebSocket":                      (*state).acceptWebSocket,
		"getWebSockets":                        (*state).getWebSockets,
		"getTags":                              (*state).getTags,
		"setWebSocketAutoResponse":             (*state).setWebSocketAutoResponse,
		"getWebSocketAutoResponse":             (*state).getWebSocketAutoResponse,
		"getWebSocketAutoResponseTimestamp":    (*state).getWebSocketAutoResponseTimestamp,
		"setHibernatableWebSocketEventTimeout": (*state).setEventTimeout,
		"getHibernatableWebSocketEventTimeout": (*state).getEventTimeout,
	}
}

// tagList is an argument that is an array of strings.
func tagList(c *bind.Call, n int) (list []string, err error) {
	obj, ok := c.Arg(n - 1).(*goja.Object)
	if !ok || !isArray(obj) {
		return nil, c.BadArg(n, "Array")
	}
	terr := c.JS().Try(func() {
		for i := range obj.Get("length").ToInteger() {
			v := obj.Get(strconv.FormatInt(i, 10))
			if v == nil {
				v = goja.Undefined()
			}
			var s string
			if s, err = c.String(n, v); err != nil {
				return
			}
			list = append(list, s)
		}
	})
	if terr != nil {
		return nil, terr
	}
	return list, err
}

func socketArg(c *bind.Call) (*websockets.Socket, error) {
	s, ok := websockets.Class.Unwrap(c.JS(), c.Arg(0))
	if !ok {
		return nil, c.BadArg(1, "WebSocket")
	}
	return s, nil
}

func (s *state) acceptWebSocket(c *bind.Call) (any, error) {
	ws, err := socketArg(c)
	if err != nil {
		return nil, err
	}
	var given []string
	if !goja.IsUndefined(c.Arg(1)) {
		if given, err = tagList(c, 2); err != nil {
			return nil, err
		}
	}
	// What is wrong with the socket comes before what is wrong with its tags.
	if err := ws.MayPark(c.JS()); err != nil {
		return nil, err
	}
	most, longest := limits.SocketTags.In(c.JS().Bounds()), limits.SocketTag.In(c.JS().Bounds())
	var tags []string
	seen := map[string]bool{}
	for _, tag := range given {
		if len(tags) >= most {
			return nil, exception.Errorf("a Hibernatable WebSocket cannot have more than %d tags", most)
		}
		if len(tag) > longest {
			return nil, exception.Errorf("\"%s\" is longer than the max tag length (%d characters).", tag, longest)
		}
		if !seen[tag] {
			seen[tag] = true
			tags = append(tags, tag)
		}
	}
	return nil, s.o.Sockets().Accept(c.JS(), ws, tags)
}

func (s *state) getWebSockets(c *bind.Call) (any, error) {
	var tag *string
	if err := c.Unpack("tag?", &tag); err != nil {
		return nil, err
	}
	list, err := s.o.Sockets().List(c.JS(), tag)
	if err != nil {
		return nil, err
	}
	values := make([]any, len(list))
	for i, ws := range list {
		values[i] = ws.Object(c.JS())
	}
	return c.JS().Runtime().NewArray(values...), nil
}

func (s *state) getTags(c *bind.Call) (any, error) {
	ws, err := socketArg(c)
	if err != nil {
		return nil, err
	}
	tags, taken := s.o.Sockets().Tags(ws)
	if !taken {
		plain, _, err := ws.Accepted(c.JS())
		switch {
		case err != nil:
			return nil, err
		case plain:
			return nil, exception.Errorf("only hibernatable websockets can have tags.")
		}
		return nil, exception.Errorf("you must call 'acceptWebSocket()' before attempting to access the tags of a WebSocket.")
	}
	values := make([]any, len(tags))
	for i, tag := range tags {
		values[i] = tag
	}
	return c.JS().Runtime().NewArray(values...), nil
}

func (s *state) setWebSocketAutoResponse(c *bind.Call) (any, error) {
	if goja.IsUndefined(c.Arg(0)) {
		s.o.Sockets().UnsetAutoResponse()
		return nil, nil
	}
	p, ok := PairClass.Unwrap(c.JS(), c.Arg(0))
	if !ok {
		return nil, c.BadArg(1, "WebSocketRequestResponsePair")
	}
	most := limits.SocketAutoResponse.In(c.JS().Bounds())
	if n := len(p.request); n > most {
		return nil, exception.RangeErrorf("Request cannot be larger than %d bytes. A request of size %d was provided.", most, n)
	}
	if n := len(p.response); n > most {
		return nil, exception.RangeErrorf("Response cannot be larger than %d bytes. A response of size %d was provided.", most, n)
	}
	s.o.Sockets().SetAutoResponse(p.request, p.response)
	return nil, nil
}

func (s *state) getWebSocketAutoResponse(c *bind.Call) (any, error) {
	request, response, ok := s.o.Sockets().AutoResponse()
	if !ok {
		return bind.Null, nil
	}
	return PairClass.Wrap(c.JS(), &RequestResponsePair{request, response}), nil
}

func (s *state) getWebSocketAutoResponseTimestamp(c *bind.Call) (any, error) {
	ws, err := socketArg(c)
	if err != nil {
		return nil, err
	}
	at, ok := s.o.Sockets().AutoResponseTime(ws)
	if !ok {
		return bind.Null, nil
	}
	return bind.NewDate(c.JS(), at.UnixMilli()), nil
}

func (s *state) setEventTimeout(c *bind.Call) (any, error) {
	ms := 0.0
	if err := c.Unpack("timeoutMs?", &ms); err != nil {
		return nil, err
	}
	switch {
	case math.IsNaN(ms) || math.IsInf(ms, 0):
		return nil, exception.TypeErrorf("The value cannot be converted because it is not an integer.")
	case ms < 0:
		return nil, exception.TypeErrorf("The value cannot be converted because it is negative and this API expects a positive number.")
	case ms > math.MaxUint32:
		return nil, exception.TypeErrorf("Value out of range. Must be less than or equal to %d.", uint32(math.MaxUint32))
	}
	if ms > maxEventTimeout {
		return nil, exception.Errorf("Event timeout should not exceed %d ms.", maxEventTimeout)
	}
	s.o.Sockets().SetTimeout(uint32(ms))
	return nil, nil
}

func (s *state) getEventTimeout(*bind.Call) (any, error) {
	if ms := s.o.Sockets().Timeout(); ms > 0 {
		return int64(ms), nil
	}
	return bind.Null, nil
}
