// Package workerd is the root of a runtime for Cloudflare Workers and Durable
// Objects apps, written in Go.
//
// It holds no code: the command is cmd/workerd, and programs that embed the runtime
// start at package server. docs/ARCHITECTURE.md is the map. The tests beside this
// file keep the code in the shape that the map shows.
package workerd
