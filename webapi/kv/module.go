// Package kv is KV namespaces: what a kvNamespace binding is.
//
// A namespace keeps nothing. It asks a service with HTTP, as workerd's does: GET and PUT
// of /key, DELETE, POST of /bulk/get, and GET of / with a prefix and a cursor for a list. deleteBulk() is a call of
// the service's method delete().
//
// Everything belongs to the isolate's goroutine; the service runs on others.
package kv

import (
	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// Namespace is a KV namespace, behind a service.
type Namespace struct {
	Service event.Service
	// Binding is the name of the binding, for tails.
	Binding string
}

// Class is the class of bindings; scripts do not see its name.
var Class = &bind.Class[Namespace]{
	Name: "KvNamespace",
	Methods: map[string]bind.Method[Namespace]{
		"get":             (*Namespace).get,
		"getWithMetadata": (*Namespace).getWithMetadata,
	},
	Async: map[string]bind.Method[Namespace]{
		"put":        (*Namespace).put,
		"delete":     (*Namespace).remove,
		"list":       (*Namespace).list,
		"deleteBulk": (*Namespace).removeBulk,
	},
	Init: func(js *isolate.JS, _, proto *goja.Object) error {
		if !js.Compat().Has("experimental") {
			return proto.Delete("deleteBulk")
		}
		return nil
	},
}
