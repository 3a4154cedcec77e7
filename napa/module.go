package napa

import (
	_ "embed"
	"fmt"
	"sync"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// Specifier is the name that scripts require the module by.
const Specifier = "napajs"

// moduleName is the name of the script of the module.
const moduleName = "node-internal:napajs"

//go:embed napa.js
var glueText string

var glue = sync.OnceValues(func() (*goja.Program, error) {
	return goja.Compile(moduleName, "(function (native) { "+glueText+"\n})", true)
})

// Require is the module of the realm, for which Attach was called. The first call also makes the globals napa and
// __napa_zone_call__, and in a worker of a zone __in_napa.
func Require(js *isolate.JS) (goja.Value, error) {
	at := modules.Get(js)
	if at.exports != nil {
		return at.exports, nil
	}
	if _, err := placeOf(js); err != nil {
		return nil, err
	}
	out, call, err := build(js)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", Specifier, err)
	}
	global := js.Runtime().GlobalObject()
	globals := map[string]goja.Value{"napa": out, "__napa_zone_call__": call}
	if w := places.Get(js).Worker; w.zone != nil && w.zone.id != NodeZone {
		globals["__in_napa"] = js.Runtime().ToValue(true) // modules that both kinds of thread load ask for it
	}
	for name, v := range globals {
		if err := global.DefineDataProperty(name, v, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE); err != nil {
			return nil, fmt.Errorf("%s: %w", Specifier, err)
		}
	}
	at.exports = out
	return out, nil
}

type module struct{ exports *goja.Object }

var modules = isolate.NewSlot(func(*isolate.JS) *module { return &module{} })

// build makes the exports, and the function __napa_zone_call__.
func build(js *isolate.JS) (out *goja.Object, call goja.Value, err error) {
	program, err := glue()
	if err != nil {
		return nil, nil, err
	}
	rt := js.Runtime()
	fn, err := rt.RunProgram(program)
	if err != nil {
		return nil, nil, err
	}
	made, err := js.Call(fn, nil, bind.Object{Name: "native", Methods: map[string]bind.Static{
		"transform": transformCall, "marshall": marshallCall, "invoke": invokeCall,
	}}.New(js))
	if err != nil {
		return nil, nil, err
	}
	parts := made.(*goja.Object)
	p, err := placeOf(js)
	if err != nil {
		return nil, nil, err
	}
	crt, err := newWrap(js, kindAllocator, p.System.crt)
	if err != nil {
		return nil, nil, err
	}
	standard, err := newWrap(js, kindAllocator, p.System.standard)
	if err != nil {
		return nil, nil, err
	}

	log := bind.NewFunction(js, "log", 3, logFunction(2))
	for level, name := range levels {
		if err := log.Set(name, bind.NewFunction(js, name, 3, logFunction(level))); err != nil {
			return nil, nil, err
		}
	}
	zone := functions(js, zoneFunctions, "create", "get")
	set(js, zone, "DEFAULT_SETTINGS", record(rt, "workers", ordinaryWorkers))
	set(js, zone, "DEFAULT_CALL_OPTIONS", record(rt, "timeout", 0, "transport", 0))
	set(js, zone, "TransportOption", enum(rt, "AUTO", "MANUAL"))
	for _, name := range []string{"current", "node"} {
		get := bind.NewFunction(js, "get "+name, 0, zoneFunctions[name])
		if err := zone.DefineAccessorProperty(name, get, nil, goja.FLAG_FALSE, goja.FLAG_TRUE); err != nil {
			return nil, nil, err
		}
	}
	memory := functions(js, map[string]bind.Static{
		"isEmpty": isEmpty, "getTypeHash": typeHash, "debugAllocator": debugAllocator,
		"isShareable": func(c *bind.Call) (any, error) { return isShareable(c.JS(), c.Arg(0)), nil },
	}, "isEmpty", "getTypeHash", "isShareable", "debugAllocator")
	set(js, memory, "EMPTY_HANDLE", handleValue(js, 0))
	set(js, memory, "crtAllocator", crt)
	set(js, memory, "defaultAllocator", standard)

	transport := functions(js, transportFunctions, "isTransportable", "register", "marshall", "unmarshall", "createTransportContext",
		"saveFunction", "loadFunction", "cid")
	set(js, transport, "TransportableObject", parts.Get("TransportableObject"))
	set(js, transport, "AutoTransportable", parts.Get("AutoTransportable"))
	set(js, transport, "TransportContext", contextClass.Constructor(js))

	metric := functions(js, map[string]bind.Static{
		"get": getMetric,
		"snapshot": func(c *bind.Call) (any, error) {
			p, err := placeOf(c.JS())
			if err != nil {
				return nil, err
			}
			return p.System.snapshot(c.JS())
		},
	}, "get", "snapshot")
	set(js, metric, "MetricType", enum(rt, metricTypes...))

	v8 := rt.NewObject()
	set(js, v8, "currentStack", parts.Get("currentStack"))
	set(js, v8, "formatStackTrace", parts.Get("formatStackTrace"))

	out = rt.NewObject()
	for _, part := range []struct {
		name  string
		value goja.Value
	}{
		{"log", log}, {"memory", memory}, {"metric", metric},
		{"runtime", functions(js, map[string]bind.Static{"setPlatformSettings": setPlatformSettings}, "setPlatformSettings")},
		{"store", functions(js, storeFunctions, "create", "get", "getOrCreate", "count")},
		{"sync", functions(js, map[string]bind.Static{"createLock": createLock}, "createLock")},
		{"transport", transport}, {"v8", v8}, {"zone", zone},
	} {
		set(js, out, part.name, part.value)
	}
	return out, parts.Get("call"), nil
}

// functions makes an object of functions, in the order of the names.
func functions(js *isolate.JS, table map[string]bind.Static, names ...string) *goja.Object {
	o := js.Runtime().NewObject()
	for _, name := range names {
		set(js, o, name, bind.NewFunction(js, name, 0, table[name]))
	}
	return o
}

func set(js *isolate.JS, o *goja.Object, name string, v goja.Value) {
	if err := o.DefineDataProperty(name, v, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE); err != nil {
		js.Panic(err)
	}
}

// enum is an enumeration as TypeScript has them: numbers by name, and names by number.
func enum(rt *goja.Runtime, names ...string) *goja.Object {
	o := rt.NewObject()
	for i, name := range names {
		_ = o.Set(name, i) // a new object refuses nothing
		_ = o.Set(rt.ToValue(i).String(), name)
	}
	return o
}

// transportFunctions are the functions of napa.transport.
var transportFunctions = map[string]bind.Static{
	"isTransportable": func(c *bind.Call) (any, error) {
		js := c.JS()
		return transports.Get(js).transportable(js, c.Arg(0), map[*goja.Object]bool{}), nil
	},
	"register": func(c *bind.Call) (any, error) { return nil, register(c, c.Arg(0)) },
	"marshall": marshallCall,
	"unmarshall": func(c *bind.Call) (any, error) {
		k, err := carrierAt(c, 2)
		if err != nil {
			return nil, err
		}
		if goja.IsUndefined(c.Arg(0)) { // what marshall gives for undefined
			return nil, nil
		}
		text, err := c.String(1, c.Arg(0))
		if err != nil {
			return nil, err
		}
		return unmarshal(c.JS(), text, k)
	},
	"createTransportContext": createContext,
	"saveFunction": func(c *bind.Call) (any, error) {
		fn, ok := c.Arg(0).(*goja.Object)
		if !ok || !isFunction(fn) {
			return nil, c.BadArg(1, "function")
		}
		return saveFunction(c.JS(), fn, "")
	},
	"loadFunction": func(c *bind.Call) (any, error) {
		var hash string
		if err := c.Unpack("hash", &hash); err != nil {
			return nil, err
		}
		return loadFunction(c.JS(), hash)
	},
	"cid": cid,
}

// carrierAt is the carrier of the nth argument (from 1), which is a TransportContext or nothing.
func carrierAt(c *bind.Call, n int) (*carrier, error) {
	p, err := placeOf(c.JS())
	if err != nil {
		return nil, err
	}
	return p.carrierAt(c, n)
}

func (p *Place) carrierAt(c *bind.Call, n int) (*carrier, error) {
	k, ok := carrierOf(p.System, c.JS(), c.Arg(n-1))
	if !ok {
		return nil, c.BadArg(n, "TransportContext")
	}
	return k, nil
}

func marshallCall(c *bind.Call) (any, error) {
	k, err := carrierAt(c, 2)
	if err != nil {
		return nil, err
	}
	payload, err := marshal(c.JS(), c.Arg(0), k)
	if err != nil || payload == undefinedPayload {
		return nil, err
	}
	return payload, nil
}

// transformCall is transform for what AutoTransportable saves.
func transformCall(c *bind.Call) (any, error) {
	k, err := carrierAt(c, 2)
	if err != nil {
		return nil, err
	}
	return transform(c.JS(), c.Arg(0), k)
}

// invokeCall runs the function of a call: (module, function, args, transportContext).
func invokeCall(c *bind.Call) (any, error) {
	p, err := placeOf(c.JS())
	if err != nil {
		return nil, err
	}
	k, err := p.carrierAt(c, 4)
	if err != nil {
		return nil, err
	}
	in := &call{}
	for i, to := range []*string{&in.module, &in.function} {
		if v := c.Arg(i); !goja.IsUndefined(v) && !goja.IsNull(v) {
			*to = v.String()
		}
	}
	list, ok, err := c.Texts(c.Arg(2), func(v goja.Value) (string, error) { return c.String(3, v) })
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, c.BadArg(3, "Array")
	}
	in.args = list
	return in.run(c.JS(), p, k)
}

// register makes the instances of a class loadable in this realm.
func register(c *bind.Call, v goja.Value) error {
	js := c.JS()
	class, ok := v.(*goja.Object)
	if !ok {
		return c.BadArg(1, "function")
	}
	if _, ok := goja.AssertConstructor(class); !ok {
		return c.BadArg(1, "function")
	}
	id := class.Get("_cid")
	if id == nil || goja.IsUndefined(id) || goja.IsNull(id) {
		instance, err := js.Construct(class)
		if err != nil {
			return err
		}
		if !hasMethod(instance, "cid") {
			return noCid(class)
		}
		if id, err = js.Call(instance.Get("cid"), instance); err != nil {
			return err
		}
	}
	if id == nil || goja.IsUndefined(id) || goja.IsNull(id) {
		return noCid(class)
	}
	t := transports.Get(js)
	name := id.String()
	if wrapClass(kind(name)) != nil || t.classes[name] != nil {
		return exception.Errorf("Constructor ID (cid) %s is already registered.", quoted(name))
	}
	t.classes[name] = class
	return nil
}

func noCid(class *goja.Object) error {
	name := ""
	if v := class.Get("name"); v != nil {
		name = v.String()
	}
	return exception.Errorf("Class %s doesn't implement cid(), did you forget put @cid decorator before class declaration?", quoted(name))
}

// cid is transport.cid(id?), which gives a decorator that registers a class. Without an
// id, it is made of the calling file and of the name of the class.
func cid(c *bind.Call) (any, error) {
	p, err := placeOf(c.JS())
	if err != nil {
		return nil, err
	}
	id := ""
	if v := c.Arg(0); !goja.IsUndefined(v) && !goja.IsNull(v) {
		s, ok := v.(goja.String)
		if !ok {
			return nil, c.BadArg(1, "string")
		}
		id = s.String()
	}
	file := ""
	if id == "" {
		file, _ = callSite(c.JS())
	}
	return bind.NewFunction(c.JS(), "", 1, func(c *bind.Call) (any, error) {
		class, ok := c.Arg(0).(*goja.Object)
		if !ok {
			return nil, c.BadArg(1, "function")
		}
		at := id
		if at == "" {
			at = class.Get("name").String()
			if file != "" {
				at = moduleOf(file, p.Loader.Cwd()) + "." + at
			}
		}
		if err := class.Set("_cid", at); err != nil {
			return nil, err
		}
		return nil, register(c, class)
	}), nil
}
