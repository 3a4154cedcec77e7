package isolate

import "reflect"

// KnowsEngine reports whether a runtime is laid out as engine.go says.
func KnowsEngine(runtime reflect.Type) bool { return findLayout(runtime) != nil }

// ForgetEngine makes the realm one whose runtime is not laid out as engine.go says.
func (r *Realm) ForgetEngine() { r.engine = engine{} }
