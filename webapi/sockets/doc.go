// Package sockets is connections of TCP: connect() of cloudflare:sockets, the connect
// method of service bindings, and what the connect() handler of a worker is given.
//
// A Socket is two streams over one connection of the host. connect() returns at once:
// reads and writes wait for the connection to be there. A socket belongs to the
// context that opened it, and ends with it.
//
// Words: a link is the connection of one Socket, or the place where it will be; the two
// halves of a link are what its streams read and write.
//
// Goroutines: a link may be used by any; everything else belongs to the isolate's.
package sockets
