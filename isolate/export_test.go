package isolate

import "reflect"

// KnowsEngine reports whether a runtime is laid out as engine.go says.
func KnowsEngine(runtime reflect.Type) bool { return findLayout(runtime) != nil }
