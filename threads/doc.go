// Package threads runs scripts beside each other: each thread is an isolate on a goroutine of its own, and
// threads talk through messages and shared memory only.
//
// It is the core below the faces that scripts know (`worker` of io.js, `Worker` of Hop, zones of Napa,
// worker_threads of node); it knows no module loader. What a thread runs is its [Body]'s business.
//
// Words. A *root* is everything of one program or of one deployed worker: its threads, its numbers, its limits. The
// *owner* of a thread is who started it and hears what it says; the *parent* is the thread that its owner runs on, nil
// where that is no thread. A *message* is a value on its way, of which no part belongs to an engine; a *codec* makes
// them. To *stop* a thread is to let it do first what it was sent; to *kill* it is to end it at the instruction that
// it runs.
//
// A thread's life is one iocontext.Context of its realm. It is new, then loading until its entry has been evaluated,
// then running, then closing, then dead:
//
//   - What it is sent waits in its inbox until the entry has been evaluated, and is delivered in the order of posting.
//   - What an actor sends keeps its place there until the actor's writes before are durable (hold.go), as does the thread itself
//     that an actor starts.
//   - It ends by itself when nothing is left that could run it again: no message, no pending event, no task, no hold
//     (Thread.Hold), no child that counts (Thread.Unref). One with Spec.Stay does not.
//   - Its children end before it does, all the way down. Nobody hears of their end.
//   - Its owner hears of its end exactly once, and of nothing after that. Messages that it sent before a normal end come
//     first; a thread that was killed is not heard any more.
//
// Nothing grows without bound: threads, children, and the messages and bytes of each queue have limits
// (limits.ThreadsAlive and its neighbours), and who goes over one gets an error.
//
// # Concurrency
//
// Every thread has one goroutine, which Root.Start starts and Root.Close waits for. The methods of Root, and those of Thread that say
// so, may be called from any goroutine. What takes a *isolate.JS belongs to the goroutine of that isolate. The
// functions of an Owner run as tasks of its loop.
package threads
