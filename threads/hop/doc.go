// Package hop is the server-side workers and services of Hop: the global Worker of a
// program's modules, services that have a URL, and the module "hop".
//
// Words. A *service* is a function with a path below /hop/; its *owner* is the thread
// that defined it, on which it runs. A *handle* is what scripts hold of a service: a
// function that can travel in messages. To call a handle runs nothing: it makes a
// *frame*, which is a URL and can be posted. To *donate* a value is to give it away: the
// arrays and buffers in it are empty afterwards where they came from.
//
// A [System] is all of Hop in one program: the table of its services, which is one for
// all threads, and what answers HTTP requests for them.
//
// Sources: Hop's documents "Server-side Workers" and "HopScript Service". Where they and
// Hop's own code disagree, the documents count; docs/RATIONALE.md has the list.
//
// # Concurrency
//
// System is an event.Service and may be used from any goroutine. What takes a
// *isolate.JS or a *bind.Call belongs to the goroutine of that isolate.
package hop
