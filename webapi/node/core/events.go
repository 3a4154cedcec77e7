package core

import (
	"github.com/dop251/goja"

	"workerd.local/webapi/bind"
	"workerd.local/webapi/events"
)

// eventNatives are what js/events.js gets.
func eventNatives() map[string]bind.Static {
	return map[string]bind.Static{
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
