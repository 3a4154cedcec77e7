package worker

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/isolate"
)

// exports are what a script exports, by kind (workerd, "Export classification").
type exports struct {
	service   bool                    // service-worker syntax: handlers are listeners
	handlers  map[string]*goja.Object // objects with handler methods
	stateless map[string]*goja.Object // classes that extend WorkerEntrypoint
	actors    map[string]*goja.Object // classes that extend DurableObject, or nothing
	plain     map[string]bool         // those of actors that extend nothing
	names     []string
}

const (
	noListenersText = "No event handlers were registered. This script does nothing."
	oddChainText    = "Exported value's prototype chain does not end in Object."
)

// collect sorts the namespace of the main module; a nil namespace means
// service-worker syntax.
func (x *exports) collect(js *isolate.JS, ns *goja.Object) error {
	x.handlers = map[string]*goja.Object{}
	x.stateless = map[string]*goja.Object{}
	x.actors = map[string]*goja.Object{}
	x.plain = map[string]bool{}
	if ns == nil {
		x.service = true
		if !hasListeners(js) {
			return exception.Errorf(noListenersText)
		}
		return nil
	}
	bases := builtins.Get(js)
	for _, name := range ns.Keys() {
		obj, ok := ns.Get(name).(*goja.Object)
		if !ok || obj.ClassName() == "Array" {
			continue
		}
		x.names = append(x.names, name)
		if _, isFn := goja.AssertFunction(obj); !isFn {
			x.handlers[name] = obj
			continue
		}
		switch base, err := baseOf(js, obj, bases); {
		case err != nil:
			return err
		case base == bases.entrypoint:
			x.stateless[name] = obj
		default:
			x.actors[name], x.plain[name] = obj, base == nil
		}
	}
	slices.Sort(x.names)
	return nil
}

// baseOf walks the constructor's prototype chain to one of the known bases; nil
// means that it has none: an actor class without a superclass.
func baseOf(js *isolate.JS, ctor *goja.Object, b *builtinClasses) (base *goja.Object, err error) {
	terr := js.Try(func() {
		function := js.Runtime().GlobalObject().Get("Function").(*goja.Object).Get("prototype")
		for at := ctor; at != nil; at = at.Prototype() {
			if at == b.entrypoint || at == b.durableObject || at == b.workflow {
				base = at
				return
			}
			if at.SameAs(function) {
				return
			}
		}
		err = exception.TypeErrorf(oddChainText)
	})
	if terr != nil {
		return nil, terr
	}
	return base, err
}

// HasActorClass reports whether the script exports an actor class of that name.
func (w *Worker) HasActorClass(name string) bool { return w.exports.actors[name] != nil }

// ExtendsActor reports whether an actor class extends DurableObject.
func (w *Worker) ExtendsActor(name string) bool { return !w.exports.plain[name] }

// ActorClass returns the class, or an error that names it.
func (w *Worker) ActorClass(name string) (*goja.Object, error) {
	if c := w.exports.actors[name]; c != nil {
		return c, nil
	}
	return nil, fmt.Errorf("service %s exports no Durable Object class %q", w.o.Name, name)
}

// Entrypoints are the names of exports that take events, with "default" first.
func (w *Worker) Entrypoints() []string {
	names := []string{}
	for _, n := range w.exports.names {
		if n != "default" && (w.exports.handlers[n] != nil || w.exports.stateless[n] != nil) {
			names = append(names, n)
		}
	}
	if w.exports.service || w.exports.handlers["default"] != nil || w.exports.stateless["default"] != nil {
		names = append([]string{"default"}, names...)
	}
	return names
}

// HasHandler reports whether the entrypoint has a handler of that name, such as
// "test".
func (w *Worker) HasHandler(entrypoint, handler string) bool {
	if w.exports.service || w.realm == nil {
		return false
	}
	has := false
	err := w.realm.Run(nil, func(js *isolate.JS) {
		has = js.Try(func() {
			obj := w.exports.handlers[entrypoint]
			if obj == nil {
				if cls := w.exports.stateless[entrypoint]; cls != nil {
					obj, _ = cls.Get("prototype").(*goja.Object)
				}
			}
			if obj == nil {
				panic(goja.Undefined())
			}
			if _, ok := goja.AssertFunction(obj.Get(handler)); !ok {
				panic(goja.Undefined())
			}
		}) == nil
	})
	return err == nil && has
}

// orDefault is the export that an entrypoint names.
func orDefault(entrypoint string) string { return cmp.Or(entrypoint, "default") }

// trailing are the last two arguments of a handler: an instance of a class was given env
// and ctx when it was made.
func (w *Worker) trailing(entrypoint string, ctx *goja.Object) (env, last goja.Value) {
	if w.exports.stateless[orDefault(entrypoint)] != nil {
		return goja.Undefined(), goja.Undefined()
	}
	return w.env, ctx
}

// receiver returns the object whose methods handle events of the entrypoint: the
// exported object, or a new instance of the exported class.
func (w *Worker) receiver(js *isolate.JS, entrypoint string, ctx *goja.Object) (*goja.Object, error) {
	entrypoint = orDefault(entrypoint)
	if h := w.exports.handlers[entrypoint]; h != nil {
		return h, nil
	}
	if cls := w.exports.stateless[entrypoint]; cls != nil {
		return js.Construct(cls, ctx, w.env)
	}
	if w.exports.actors[entrypoint] != nil {
		return nil, exception.TypeErrorf("The entrypoint name %s refers to a Durable Object class, but the incoming request is trying to invoke it as a stateless worker.", entrypoint)
	}
	if entrypoint == "default" {
		return nil, exception.Errorf("Handler does not export a fetch() function.")
	}
	return nil, exception.TypeErrorf("The entrypoint name %s was not found in this worker. Ensure the worker exports an entrypoint with that name.", entrypoint)
}
