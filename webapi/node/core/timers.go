package core

import (
	"workerd.local/webapi/bind"
)

// timerNatives are what js/timers.js gets.
func timerNatives() map[string]bind.Static {
	return map[string]bind.Static{
		// globals are the timer functions of the runtime, whatever replaced them.
		"globals": func(c *bind.Call) (any, error) {
			o := c.JS().Runtime().NewObject()
			for _, name := range []string{"setTimeout", "setInterval", "clearTimeout", "setImmediate", "clearImmediate"} {
				if err := o.Set(name, bind.Original(c.JS(), name)); err != nil {
					return nil, err
				}
			}
			return o, nil
		},
	}
}
