// Package fetch is Headers, Request, Response, FormData and fetch().
//
// Headers are an http.Header with canonical keys, so nothing is converted on the
// way in or out. A body is bytes, or a stream; a stream of the host's that no
// script touches goes from one service to the next as the Go reader it is
// (ToResponse, Dispatch).
//
// Words: a message is what Request and Response have in common, headers and a
// body; a service is where a request goes.
//
// # Concurrency
//
// Everything belongs to the isolate's goroutine. What ToResponse returns and what
// Dispatch hands to a service holds no value of the engine and is for one other
// goroutine.
package fetch
