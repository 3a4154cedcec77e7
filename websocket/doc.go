// Package websocket is WebSockets of the network: the handshakes of both sides, frames,
// compression, and connections that cost little while they wait.
//
// A Conn is one connection, and an event.WebSocket. It knows nothing of JavaScript.
// Where the system allows it (poll_linux.go), a connection that waits for its next
// frame holds neither a goroutine nor a buffer: a Set watches all of them with one
// system object, and a few workers read those that have something. Connections
// with TLS wait so, too, where what is below crypto/tls gives its place away (sealed.go).
// Elsewhere a goroutine waits for each with a buffer of a few bytes.
//
// Words: a frame is what RFC 6455 calls so; a message is one or more of them; to fail a
// connection is to send a close frame of one's own because of what the other side did;
// a connection lingers while it waits for the other side to see that.
//
// # Concurrency
//
// Everything may be called from any goroutine. Handlers are called on the Set's workers
// or on the connection's own goroutine, never while a lock is held.
package websocket
