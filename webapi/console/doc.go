// Package console is the console object and its way of printing values, which is
// node's: util.inspect with its defaults and util.format.
//
// Printing never throws and never waits: getters are named, not called, the traps
// of proxies do not run, and depth, number of entries and size are bounded. Only
// three kinds of user code run: a function under Symbol.for(
// 'nodejs.util.inspect.custom'), a getter for Symbol.toStringTag, and toString for
// %s; what they throw is ignored.
//
// Lines go to the realm's Sink, by default to the isolate's log.
//
// Everything belongs to the isolate's goroutine.
package console
