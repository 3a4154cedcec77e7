// Package caches is the Cache API: caches.default, caches.open(), and what a Cache
// does.
//
// A Cache keeps nothing. It asks a service with HTTP, as workerd's does: GET with
// Cache-Control: only-if-cached, PUT with a whole response as its body, and PURGE.
// SetService says which.
//
// Everything belongs to the isolate's goroutine; the service runs on others.
package caches

import (
	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// Module is what scripts see of the package.
var Module = bind.Module{
	Name: "caches",
	Globals: []bind.Global{
		cacheClass,
		storageClass,
		bind.Own(bind.Var{Name: "caches", Make: func(js *isolate.JS) (goja.Value, error) {
			obj := storageClass.Wrap(js, &storage{})
			return obj, obj.DefineDataProperty("default", cacheClass.Wrap(js, &cache{}), goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_TRUE)
		}}, true),
	},
}

var serviceOf = isolate.NewSlot(func(*isolate.JS) *struct{ svc event.Service } { return &struct{ svc event.Service }{} })

// SetService says which service the caches of the realm are; without one they throw.
func SetService(js *isolate.JS, svc event.Service) { serviceOf.Get(js).svc = svc }

// storage is the CacheStorage.
type storage struct{}

// maxName is the length of a name that is too long, in bytes (workerd).
const maxName = 1024

var storageClass = &bind.Class[storage]{
	Name: "CacheStorage",
	Async: map[string]bind.Method[storage]{
		"open": func(_ *storage, c *bind.Call) (any, error) {
			var name string
			if err := c.Unpack("cacheName", &name); err != nil {
				return nil, err
			}
			if len(name) >= maxName {
				return nil, exception.TypeErrorf("Cache name is too long.")
			}
			return c.JS().Resolved(cacheClass.Wrap(c.JS(), &cache{name: &name})), nil
		},
	},
	Methods: map[string]bind.Method[storage]{
		"match":  notThere[storage],
		"has":    notThere[storage],
		"delete": notThere[storage],
		"keys":   notThere[storage],
	},
}

// notThere is a method that workerd has only to say that it does not have it.
func notThere[T any](_ *T, c *bind.Call) (any, error) {
	return nil, exception.Errorf("%s: the method is not implemented.", c.Where())
}

// cache is a Cache; the default one has no name.
type cache struct{ name *string }

var cacheClass = &bind.Class[cache]{
	Name: "Cache",
	Async: map[string]bind.Method[cache]{
		"match":  (*cache).match,
		"put":    (*cache).put,
		"delete": (*cache).remove,
	},
	Methods: map[string]bind.Method[cache]{
		"add":      notThere[cache],
		"addAll":   notThere[cache],
		"matchAll": notThere[cache],
		"keys":     notThere[cache],
	},
}
