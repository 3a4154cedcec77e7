// Package performance is performance of the global scope: its clock, marks and
// measures, and the classes of the performance timeline.
//
// As in workerd the clock is Date.now(), the time origin is the epoch, and nothing is
// measured but what scripts mark: a PerformanceObserver may be made, and is never
// called. Which members there are depends on the worker's compatibility flags; see
// Modules.
//
// Everything belongs to the isolate's goroutine.
package performance
