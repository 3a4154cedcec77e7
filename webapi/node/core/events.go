package core

import (
	"workerd.local/webapi/bind"
	"workerd.local/webapi/events"
)

// eventNatives are what js/events.js gets.
func eventNatives() map[string]bind.Static {
	return map[string]bind.Static{
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
