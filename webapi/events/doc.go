// Package events is Event, EventTarget and what is built on them: DOMException,
// CustomEvent, ErrorEvent, MessageEvent, CloseEvent, PromiseRejectionEvent,
// AbortController and AbortSignal (WHATWG DOM and HTML).
//
// Target is meant to be embedded: a class whose instances take listeners embeds a
// Target and names TargetClass as its parent:
//
//	type Socket struct{ events.Target; ... }
//	var socketClass = &bind.Class[Socket]{
//		Name:   "Socket",
//		Parent: bind.Extends(events.TargetClass, func(s *Socket) *events.Target { return &s.Target }),
//	}
//
// The host then calls Target.Dispatch. Classes of events do the same with Event.
//
// There is no tree of targets, so an event never leaves the target it is
// dispatched to, and capturing makes no difference.
//
// # Concurrency
//
// Everything belongs to the isolate's goroutine.
package events
