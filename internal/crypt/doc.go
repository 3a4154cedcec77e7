// Package crypt is the cryptography that Go's library has no function for, or none
// that takes its random bytes from the caller: what webapi/crypto and node:crypto
// both stand on. It knows no JavaScript.
//
// Words: random fills a slice with strong random bytes; stop says why long work
// must end, nil while it may go on, and is asked at least every few milliseconds.
//
// Everything may be called from any goroutine. Slices that are passed in are only
// read, unless a function says otherwise.
package crypt

import "io"

// Random fills p with strong random bytes.
type Random func(p []byte)

// Read is io.Reader's, for the functions of Go's library.
func (r Random) Read(p []byte) (int, error) {
	r(p)
	return len(p), nil
}

var _ io.Reader = Random(nil)

// Stop says why work must end; nil while it may go on. A nil Stop never does.
type Stop func() error

func (s Stop) err() error {
	if s == nil {
		return nil
	}
	return s()
}
