// Package ports is MessageChannel, MessagePort and BroadcastChannel of programs, whose ports travel between threads, as
// those of node do: they take listeners as an EventTarget does, and as an emitter does.
//
//	const { port1, port2 } = new MessageChannel()
//	worker.postMessage({ port: port2 }, [port2])
//	port1.on('message', m => port1.close())
//
// A port delivers while somebody listens for messages, and keeps its thread alive meanwhile, unless unref() says
// otherwise; what comes before waits, with the bounds of threads.messages and threads.bytes. Both ends hear of the end of
// the channel, which is that of either end, of its thread, or of a message that a port was lost with.
//
// Ports of deployed workers are those of package messaging, workerd's, which know one realm. Where one of these leaves it in a
// message to a thread, it and the end that stays get a core each (far.go), and the bounds and ends are the same.
//
// Words. The *core* of a port is a threads.Port; the object that a script has is attached to it until it closes or moves.
// A *hub* is where the BroadcastChannels of one program meet.
//
// Everything that takes a *isolate.JS belongs to its isolate's goroutine.
package ports
