package ports

import (
	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/threads"
	"workerd.local/webapi/bind"
)

// End is an end of a channel that no script has, but Go. It does not keep its thread alive.
type End struct{ receiver }

// NewEnd attaches to a port that nobody has, and tells a listener what comes.
func NewEnd(js *isolate.JS, core *threads.Port, to Listener) (*End, error) {
	e := &End{}
	if err := e.attach(js, core, to); err != nil {
		return nil, err
	}
	e.open(true)
	return e, nil
}

// Post is postMessage of a MessagePort.
func (e *End) Post(c *bind.Call) error {
	if c.Len() == 0 {
		return tooFew(c.JS())
	}
	list, err := transferList(c)
	if err != nil {
		return err
	}
	return e.post(c.JS(), c.Arg(0), list)
}

// Take is the oldest message that waits.
func (e *End) Take(js *isolate.JS) (v goja.Value, ok bool, err error) { return e.take(js) }

// Close closes both ends; nobody is told here.
func (e *End) Close() {
	if e.core != nil {
		e.leave().End()
	}
}
