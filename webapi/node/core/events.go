package core

import (
	"slices"

	"github.com/dop251/goja"

	"workerd.local/isolate"
	intrinsics "workerd.local/isolate/natives"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/events"
)

// The properties of EventEmitter and its prototype, which js/events.js makes as they are
// needed.
var (
	emitterPrototype = intrinsics.NewLate(slices.Concat(
		intrinsics.LateProperty{}.Named("constructor"),
		intrinsics.LateProperty{Enumerable: true}.Named("_events", "_eventsCount", "_maxListeners", "setMaxListeners", "getMaxListeners", "emit",
			"addListener", "on", "prependListener", "once", "prependOnceListener", "removeListener", "off", "removeAllListeners",
			"listeners", "rawListeners", "listenerCount", "eventNames"),
	)...)
	emitterClass = intrinsics.NewLate(slices.Concat(
		intrinsics.LateProperty{ReadOnly: true}.Named("length", "name"),
		intrinsics.LateProperty{Fixed: true}.Named("prototype"),
		intrinsics.LateProperty{Enumerable: true}.Named("usingDomains", "captureRejectionSymbol"),
		intrinsics.LateProperty{Enumerable: true, Accessor: true, Fixed: true}.Named("captureRejections"),
		intrinsics.LateProperty{Enumerable: true}.Named("errorMonitor"),
		intrinsics.LateProperty{Enumerable: true, Accessor: true, Fixed: true}.Named("defaultMaxListeners"),
		intrinsics.LateProperty{Enumerable: true}.Named("setMaxListeners", "init", "listenerCount", "once", "on", "getEventListeners", "getMaxListeners",
			"addAbortListener", "EventEmitter"),
		intrinsics.LateProperty{Enumerable: true, Accessor: true}.Named("EventEmitterAsyncResource"),
	)...)
)

// emitterSymbols are keys of emitters, the same in all realms.
var emitterSymbols = map[string]*goja.Symbol{
	"kCapture": goja.NewSymbol("kCapture"), "kErrorMonitor": goja.NewSymbol("events.errorMonitor"),
	"kMaxTargetListeners": goja.NewSymbol("events.maxEventTargetListeners"),
}

// emitters are EventEmitter and its prototype while a realm makes them.
var emitters = isolate.NewSlot(bind.NewLate)

// lateMembers makes properties with make(of, name) of js/events.js.
func lateMembers(js *isolate.JS, fn goja.Value, of int) func(name string) intrinsics.LateValue {
	return func(name string) intrinsics.LateValue {
		rt := js.Runtime()
		if of == 1 && name == "length" {
			return intrinsics.LateValue{Value: rt.ToValue(1)}
		}
		if of == 1 && name == "name" {
			return intrinsics.LateValue{Value: rt.ToValue("EventEmitter")}
		}
		v, err := js.Call(fn, nil, rt.ToValue(of), rt.ToValue(name))
		if err != nil {
			js.Panic(err)
		}
		late := intrinsics.LateValue{Value: v}
		if pair, ok := v.(*goja.Object); ok && of == 1 && (name == "captureRejections" || name == "defaultMaxListeners" || name == "EventEmitterAsyncResource") {
			late.Get, _ = pair.Get("get").(*goja.Object)
			late.Set, _ = pair.Get("set").(*goja.Object)
		}
		return late
	}
}

// eventNatives are what js/events.js gets.
func eventNatives() map[string]bind.Static {
	return map[string]bind.Static{
		"symbols": func(c *bind.Call) (any, error) {
			o := c.JS().Runtime().NewObject()
			for name, s := range emitterSymbols {
				if err := o.Set(name, s); err != nil {
					return nil, err
				}
			}
			return o, nil
		},
		// prototype(make) is EventEmitter.prototype.
		"prototype": func(c *bind.Call) (any, error) {
			js := c.JS()
			return emitters.Get(js).Object(emitterPrototype, js.Runtime().NewObject().Prototype(), lateMembers(js, c.Arg(0), 0)), nil
		},
		// constructor(make) is EventEmitter, which calls its init.
		"constructor": func(c *bind.Call) (any, error) {
			var o *goja.Object
			init := func(c *bind.Call) error {
				_, err := c.JS().Call(o.Get("init"), c.This(), c.Arg(0))
				return err
			}
			o = emitters.Get(c.JS()).Function(emitterClass, "EventEmitter", init, init, lateMembers(c.JS(), c.Arg(0), 1))
			return o, nil
		},
		"finish": func(c *bind.Call) (any, error) { return nil, emitters.Get(c.JS()).Fill() },
		// emitter(emit, watch, capture) tells Go what the module has made.
		"emitter": func(c *bind.Call) (any, error) {
			var emit *goja.Object
			var watch goja.Value
			if err := c.Unpack("emit", &emit, "watch", &watch); err != nil {
				return nil, err
			}
			capture, _ := c.Arg(2).(*goja.Symbol)
			events.SetEmitter(c.JS(), emit, watch, capture)
			return nil, nil
		},
		// targetListeners(target, type) are the callbacks of an EventTarget.
		"targetListeners": func(c *bind.Call) (any, error) {
			var list []any
			if t, ok := events.TargetClass.Unwrap(c.JS(), c.Arg(0)); ok {
				for _, callback := range t.Callbacks(c.Arg(1).String()) {
					list = append(list, callback)
				}
			}
			return list, nil
		},
	}
}
