package glue

import (
	_ "embed"

	"github.com/dop251/goja"

	"workerd.local/webapi/bind"
	"workerd.local/webapi/console"
)

//go:embed errors.js
var errorsSource string

// Internals are the modules that others are made of:
//
//	internal/errors   codes[CODE] are node's error classes; define adds one
var Internals = []Module{
	{Name: "internal/errors", Source: errorsSource, Native: map[string]bind.Static{"inspect": inspect}},
}

// inspect(value, depth) prints as node's util.inspect does.
func inspect(c *bind.Call) (any, error) {
	depth := 2
	var v goja.Value
	if err := c.Unpack("value", &v, "depth?", &depth); err != nil {
		return nil, err
	}
	return console.Inspect(c.JS(), v, depth), nil
}
