// Package nodetest is node:test as far as workerd has it: mock, and its classes.
//
// # Concurrency
//
// Everything belongs to the isolate's goroutine.
package nodetest

import (
	_ "embed"

	"workerd.local/webapi/node/glue"
)

//go:embed mock.js
var mockSource string

// Modules is node:test.
var Modules = []glue.Module{{Name: "node:test", Source: mockSource}}
