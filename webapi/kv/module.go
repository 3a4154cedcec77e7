// Package kv is KV namespaces: what a kvNamespace binding is.
//
// A namespace keeps nothing. It asks a service with HTTP, as workerd's does: GET and PUT
// of /key, DELETE, POST of /bulk/get, and GET of / with a prefix and a cursor for a list.
//
// Everything belongs to the isolate's goroutine; the service runs on others.
package kv

import (
	"workerd.local/event"
	"workerd.local/webapi/bind"
)

// Namespace is a KV namespace, behind a service.
type Namespace struct{ Service event.Service }

// Class is the class of bindings; scripts do not see its name.
var Class = &bind.Class[Namespace]{
	Name: "KvNamespace",
	Async: map[string]bind.Method[Namespace]{
		"get":             (*Namespace).get,
		"getWithMetadata": (*Namespace).getWithMetadata,
		"put":             (*Namespace).put,
		"delete":          (*Namespace).remove,
		"list":            (*Namespace).list,
	},
}
