// Package http is node:http and node:https as workerd has them: requests go out with
// fetch(), and servers answer the requests that cloudflare:node hands to them. No
// sockets are involved, so what node does to sockets is not there. A program, which is a
// realm with a Machine, has node's own: the modules below js/machine are servers and
// clients over the sockets of node:net and node:tls, and message parses what these read.
//
// Everything belongs to the isolate's goroutine.
package http

import (
	"embed"
	"net/http"
	"strconv"

	"workerd.local/webapi/bind"
	"workerd.local/webapi/node/glue"
)

//go:embed all:js
var files embed.FS

var (
	client = []string{"enable_nodejs_http_modules"}
	server = []string{"enable_nodejs_http_server_modules"}
	needs  = map[string][]string{
		"http": client, "https": client, "_http_agent": client, "_http_client": client, "_http_common": client,
		"_http_incoming": client, "_http_outgoing": client, "_http_server": server,
	}
)

// Modules are the files of this package.
func Modules() []glue.Module {
	return glue.Files(files, func(name string) map[string]bind.Static {
		switch name {
		case "internal/http":
			return natives
		case "machine/https":
			return agentNatives
		case "machine/_http_common":
			return parserNatives
		case "machine/_http_client":
			return answerNatives
		case "machine/internal/http_server":
			return requestNatives
		}
		return nil
	}, needs)
}

// renamed are the statuses that node words in its own way.
var renamed = map[int]string{
	413: "Payload Too Large", 414: "URI Too Long", 416: "Range Not Satisfiable", 418: "I'm a Teapot", 509: "Bandwidth Limit Exceeded",
}

var natives = map[string]bind.Static{
	// statuses are the reason phrases by code.
	"statuses": func(c *bind.Call) (any, error) {
		o := c.JS().Runtime().NewObject()
		for code := 100; code < 600; code++ {
			text := http.StatusText(code)
			if r := renamed[code]; r != "" {
				text = r
			}
			if text == "" {
				continue
			}
			if err := o.Set(strconv.Itoa(code), text); err != nil {
				return nil, err
			}
		}
		return o, nil
	},
}
