// Package websockets is WebSocket and WebSocketPair as scripts see them.
//
// A Socket is one end of a WebSocket (event.WebSocket) and its JavaScript object. It is
// made by new WebSocketPair(), by new WebSocket(url), which asks a service for it, or for
// the answer of a service (New). Then it is accepted, and tells its listeners what comes,
// or it is given away (Take, Park): Go code hands on what passes, or reads it, and no
// JavaScript runs for it.
//
// What a socket of an actor sends waits for the output gate as it was when send() was
// called, and keeps its order. What it receives is an event of the context that accepted
// it: it waits for the input gate, and keeps the context alive until the WebSocket is
// over. When the context ends, the socket does.
//
// Words: to couple is to return a socket in a Response; the peer is the other socket of
// a pair.
//
// Goroutines: the methods of event.WebSocketHandler come on any; everything else belongs
// to the isolate's.
package websockets
