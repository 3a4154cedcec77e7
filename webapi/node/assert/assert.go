// Package assert is node:assert: its functions, AssertionError with the texts and
// differences that node 20 prints, and the deep equality that node:util has too.
//
// # Concurrency
//
// Everything belongs to the isolate's goroutine.
package assert

import (
	"bytes"
	_ "embed"
	"math"
	"reflect"

	"github.com/dop251/goja"

	"workerd.local/webapi/bind"
	"workerd.local/webapi/console"
	"workerd.local/webapi/node/glue"
)

// inWorker says whether the functions that compare loosely do: those of workerd do not.
func inWorker(c *bind.Call) (any, error) { return bind.ProgramOf(c.JS()).Worker, nil }

var (
	//go:embed assert.js
	assertSource string
	//go:embed comparisons.js
	comparisonsSource string
	//go:embed error.js
	errorSource string
)

// Modules are node:assert, node:assert/strict, and internal/comparisons for
// modules that compare.
var Modules = []glue.Module{
	{Name: "node:assert", Source: assertSource, Native: map[string]bind.Static{"kind": kind, "inWorker": inWorker}},
	{Name: "node:assert/strict", Source: `module.exports = require("node:assert").strict;`},
	{Name: "internal/comparisons", Source: comparisonsSource, Native: map[string]bind.Static{"kind": kind, "sameBytes": sameBytes}},
	{Name: "internal/assertion-error", Source: errorSource, Native: map[string]bind.Static{"inspect": inspect}},
}

var (
	mapType     = reflect.TypeFor[[][2]any]()
	setType     = reflect.TypeFor[[]any]()
	promiseType = reflect.TypeFor[*goja.Promise]()
	proxyType   = reflect.TypeFor[goja.Proxy]()
)

// kind names what an object is made of, whatever its prototypes say: "Array",
// "Map", "Uint8Array" ...; "" is an ordinary object or a proxy.
func kind(c *bind.Call) (any, error) {
	obj, ok := c.Arg(0).(*goja.Object)
	if !ok {
		return "", nil
	}
	t := obj.ExportType()
	switch class := obj.ClassName(); {
	case t == proxyType:
		return "", nil
	case class != "Object":
		return class, nil
	case t == mapType:
		return "Map", nil
	case t == setType:
		return "Set", nil
	case t == promiseType:
		return "Promise", nil
	}
	return bind.ViewName(c.JS(), obj), nil
}

// sameBytes compares the memory of two buffers or views.
func sameBytes(c *bind.Call) (any, error) {
	a, okA := bind.Bytes(c.JS(), c.Arg(0))
	b, okB := bind.Bytes(c.JS(), c.Arg(1))
	return okA && okB && bytes.Equal(a, b), nil
}

// inspect prints as node does for the texts of assertions.
func inspect(c *bind.Call) (any, error) {
	all := math.MaxInt32
	return console.InspectWith(c.JS(), c.Arg(0), console.InspectOptions{
		Depth: all, Expanded: true, Break: all, Entries: &all, Characters: &all, Sorted: true, Plain: true, Getters: true,
	}), nil
}
