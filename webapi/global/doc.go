// Package global is globalThis itself and its small members: self, navigator,
// structuredClone, reportError, and the classes of the scope.
//
// globalThis takes listeners like any EventTarget: Scope is its Go side, which the
// runner of service-worker scripts dispatches fetch, scheduled and other events
// to, and which hears of errors and rejections (events.Report,
// events.DispatchRejection).
//
// Everything belongs to the isolate's goroutine.
package global
