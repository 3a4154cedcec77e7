package http

import (
	"math"

	"workerd.local/webapi/bind"
)

// headLimit is how many bytes a head may have where a script asks for so many; 0 is what node has.
func headLimit(c *bind.Call, i int) int {
	if most := min(c.Arg(i).ToInteger(), math.MaxInt32); most > 0 {
		return int(most)
	}
	return mostHead
}

// mostRequests is how many requests of a connection may wait for their answers before it
// is read no more, mostSessions how many sessions of TLS an agent may keep, whatever it asks for.
const (
	mostRequests = 1000
	mostSessions = 1000
)

// agentNatives are what js/machine/https.js gets.
var agentNatives = map[string]bind.Static{
	"mostSessions": func(*bind.Call) (any, error) { return mostSessions, nil },
}

// answerNatives are what js/machine/_http_client.js gets: response(method, maxHeaderSize, lenient) parses
// the answers to a request.
var answerNatives = map[string]bind.Static{
	"response": func(c *bind.Call) (any, error) {
		m := newResponse(c.Arg(0).String(), headLimit(c, 1))
		m.lenient = c.Arg(2).ToBoolean()
		return messageClass.Wrap(c.JS(), m), nil
	},
}

// parserNatives are what js/machine/_http_common.js gets for HTTPParser.
var parserNatives = map[string]bind.Static{"response": answerNatives["response"], "requests": requestNatives["requests"]}

// requestNatives are what js/machine/internal/http_server.js gets: requests(maxHeaderSize, lenient) parses
// those of a connection.
var requestNatives = map[string]bind.Static{
	"mostRequests": func(*bind.Call) (any, error) { return mostRequests, nil },
	"requests": func(c *bind.Call) (any, error) {
		return messageClass.Wrap(c.JS(), newRequests(headLimit(c, 0), c.Arg(1).ToBoolean())), nil
	},
}
