package threads

import (
	"github.com/dop251/goja"

	"workerd.local/isolate"
)

// Message is a value on its way from one thread to another. No part of it belongs to an engine.
type Message interface {
	// Size is how many bytes it holds.
	Size() int
	// Value makes the value in the receiver's realm. It is called once.
	Value(js *isolate.JS) (goja.Value, error)
}

// Codec says what a value is on its way, and what it is when it arrives.
type Codec interface {
	// Encode makes the message at the moment of the call: what becomes of v later does not show. What is in transfer
	// moves: the sender has it no more. On an error nothing has moved.
	Encode(js *isolate.JS, v goja.Value, transfer []goja.Value) (Message, error)
}
