package core

import (
	"reflect"

	"github.com/dop251/goja"

	"workerd.local/isolate"
	intrinsics "workerd.local/isolate/natives"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/console"
)

// platformNatives are what lib/internal/primordials.js gets: what only the engine
// knows of a value.
func platformNatives() map[string]bind.Static {
	return map[string]bind.Static{
		"inspect": func(c *bind.Call) (any, error) {
			depth := 2
			if o, ok := c.Arg(1).(*goja.Object); ok {
				if d := o.Get("depth"); d != nil && goja.IsNumber(d) {
					depth = clamp(d, -1, 1<<30)
				} else if d != nil && goja.IsNull(d) {
					depth = 1 << 30
				}
			}
			return console.Inspect(c.JS(), c.Arg(0), depth), nil
		},
		"kind":             func(c *bind.Call) (any, error) { return kind(c.JS(), c.Arg(0)), nil },
		"isHalf":           func(c *bind.Call) (any, error) { return intrinsics.Float16Bits(c.Arg(0)) != nil, nil },
		"isAnyArrayBuffer": func(c *bind.Call) (any, error) { return isBuffer(c.Arg(0)), nil },
		"hostClass": func(c *bind.Call) (any, error) {
			if obj, isObj := c.Arg(0).(*goja.Object); isObj {
				if _, class, ok := bind.ValueOf(c.JS(), obj); ok {
					return class, nil
				}
			}
			return nil, nil
		},
		"proxyTarget": func(c *bind.Call) (any, error) {
			if p, ok := proxyOf(c.Arg(0)); ok {
				return []any{orNull(p.Target()), orNull(p.Handler())}, nil
			}
			return nil, nil
		},
		"promiseState": func(c *bind.Call) (any, error) {
			obj, ok := c.Arg(0).(*goja.Object)
			if !ok || obj.ExportType() != promiseType {
				return nil, nil
			}
			p := obj.Export().(*goja.Promise)
			switch p.State() {
			case goja.PromiseStateFulfilled:
				return []any{"fulfilled", p.Result()}, nil
			case goja.PromiseStateRejected:
				return []any{"rejected", p.Result()}, nil
			}
			return []any{"pending"}, nil
		},
		"inWorker": func(c *bind.Call) (any, error) { return bind.ProgramOf(c.JS()).Worker, nil },
		"hasFlag":  func(c *bind.Call) (any, error) { return c.JS().Compat().Has(c.Arg(0).String()), nil },
		"now":      func(c *bind.Call) (any, error) { return float64(c.JS().Host().Now().UnixMicro()) / 1000, nil },
	}
}

var (
	bufferType  = reflect.TypeFor[goja.ArrayBuffer]()
	proxyType   = reflect.TypeFor[goja.Proxy]()
	mapType     = reflect.TypeFor[[][2]any]()
	setType     = reflect.TypeFor[[]any]() // of arrays, too, whose class is their own
	promiseType = reflect.TypeFor[*goja.Promise]()
)

func orNull(o *goja.Object) goja.Value {
	if o == nil {
		return goja.Null()
	}
	return o
}

func isBuffer(v goja.Value) bool {
	obj, ok := v.(*goja.Object)
	return ok && obj.ExportType() == bufferType
}

func proxyOf(v goja.Value) (p goja.Proxy, ok bool) {
	obj, isObj := v.(*goja.Object)
	if !isObj || obj.ExportType() != proxyType {
		return p, false
	}
	p, ok = obj.Export().(goja.Proxy)
	return p, ok
}

// kind is what the engine made an object as, whatever its properties say: the name
// of a built-in class, "Proxy", or "Object".
func kind(js *isolate.JS, v goja.Value) string {
	obj, ok := v.(*goja.Object)
	if !ok {
		return ""
	}
	switch obj.ExportType() {
	case proxyType:
		return "Proxy"
	case promiseType:
		return "Promise"
	}
	if intrinsics.IsShared(obj) {
		return "SharedArrayBuffer"
	}
	if name := bind.ViewName(js, obj); name != "" {
		return name
	}
	switch class := obj.ClassName(); {
	case class != "Object":
		return class
	case obj.ExportType() == mapType:
		return "Map"
	case obj.ExportType() == setType:
		return "Set"
	}
	return "Object"
}

// jsIsGeneratorFunction looks at the prototypes, for the text of a method does not
// always begin with what makes it a generator.
func jsIsGeneratorFunction(c *bind.Call) (any, error) {
	obj, ok := c.Arg(0).(*goja.Object)
	if !ok {
		return false, nil
	}
	for p := obj.Prototype(); p != nil && p.ExportType() != proxyType; p = p.Prototype() {
		if tag := p.GetSymbol(goja.SymToStringTag); tag != nil {
			switch tag.String() {
			case "GeneratorFunction", "AsyncGeneratorFunction":
				return true, nil
			}
		}
	}
	return false, nil
}
