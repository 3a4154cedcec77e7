package streams

import (
	"math/big"

	"workerd.local/webapi/bind"
)

// What printing shows of a stream, as in workerd.

var inspectedReadable = []bind.Inspected[Readable]{
	{Name: "state", Get: func(s *Readable, _ *bind.Call) (any, error) {
		switch s.state {
		case closed:
			return "closed", nil
		case errored:
			return "errored", nil
		}
		return "readable", nil
	}},
	{Name: "supportsBYOB", Get: func(s *Readable, _ *bind.Call) (any, error) {
		_, isDefault := s.ctrl.(*defaultController)
		return !isDefault, nil
	}},
	{Name: "length", Get: func(s *Readable, c *bind.Call) (any, error) {
		if n := s.knownLength(); n >= 0 {
			return c.JS().Runtime().ToValue(big.NewInt(n)), nil
		}
		return nil, nil
	}},
}

// knownLength is how many bytes are left; -1 where that is not known.
func (s *Readable) knownLength() int64 {
	n, ok := s.ctrl.(*native)
	if !ok {
		return -1
	}
	b, ok := n.src.(*bodySource)
	switch {
	case !ok:
		return -1
	case b.r == nil:
		return int64(len(b.bytes))
	}
	return b.length
}

var inspectedWritable = []bind.Inspected[Writable]{
	{Name: "state", Get: func(w *Writable, _ *bind.Call) (any, error) {
		return [...]string{writable: "writable", writeClosed: "closed", erroring: "erroring", writeErrored: "errored"}[w.state], nil
	}},
	{Name: "expectsBytes", Get: func(w *Writable, _ *bind.Call) (any, error) { return w.identity != nil, nil }},
}
