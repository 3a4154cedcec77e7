package crypto

import (
	"hash"
	"math/big"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/internal/crypt"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/streams"
)

// DigestStream is workerd's crypto.DigestStream: a writable stream that hashes what
// is written.
type DigestStream struct {
	*streams.Writable
	hash    hash.Hash // nil once it has ended
	failed  goja.Value
	written int64

	digest  *goja.Object
	resolve func(goja.Value)
	reject  func(error)
}

var errNotBytes = exception.TypeErrorf("DigestStream is a byte stream but received an object of non-ArrayBuffer/ArrayBufferView/string type on its writable side.")
var errDisposed = exception.TypeErrorf("The DigestStream was disposed.")

var digestStreamClass = &bind.Class[DigestStream]{
	Name:   "DigestStream",
	Parent: bind.Extends(streams.WritableClass(), func(d *DigestStream) *streams.Writable { return d.Writable }),
	New:    newDigestStream,
	Getters: map[string]bind.Getter[DigestStream]{
		"digest": func(d *DigestStream, _ *bind.Call) (any, error) { return d.digest, nil },
		"bytesWritten": func(d *DigestStream, c *bind.Call) (any, error) {
			return c.JS().Runtime().ToValue(big.NewInt(d.written)), nil
		},
	},
	Init: func(js *isolate.JS, _, proto *goja.Object) error {
		dispose, ok := js.Runtime().GlobalObject().Get("Symbol").(*goja.Object).Get("dispose").(*goja.Symbol)
		if !ok {
			return nil
		}
		fn := bind.NewFunction(js, "[Symbol.dispose]", 0, func(c *bind.Call) (any, error) {
			d, ok := digestStreamOf(c)
			if !ok {
				return nil, exception.TypeErrorf("Illegal invocation: function called with incorrect `this` reference.")
			}
			d.end(c.JS(), c.JS().Error(errDisposed))
			return nil, nil
		})
		return proto.DefineDataPropertySymbol(dispose, fn, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	},
}

func newDigestStream(c *bind.Call) (*DigestStream, error) {
	p, err := algorithm(c, 1, hashAlgorithm)
	if err != nil {
		return nil, err
	}
	h := crypt.NewCRC(p.Name)
	if h == nil {
		if h, err = NewHash(p.Name); err != nil {
			return nil, err
		}
	}
	js := c.JS()
	d := &DigestStream{hash: h}
	d.digest, d.resolve, d.reject = js.NewPromise()
	d.Writable = streams.NewWritable(js, c.This().(*goja.Object), streams.Sink{Write: d.write, Close: d.close, Abort: d.abort})
	return d, nil
}

func (d *DigestStream) write(js *isolate.JS, chunk goja.Value) error {
	b, ok := bind.Bytes(js, chunk)
	if !ok {
		s, isText := chunk.(goja.String)
		if !isText {
			return errNotBytes
		}
		b = []byte(s.String())
	}
	switch {
	case len(b) == 0:
	case d.failed != nil:
		return js.Thrown(d.failed)
	case d.hash != nil:
		d.hash.Write(b)
		d.written += int64(len(b))
	}
	return nil
}

func (d *DigestStream) close(js *isolate.JS) error {
	switch {
	case d.failed != nil:
		return js.Thrown(d.failed)
	case d.hash != nil:
		sum := d.hash.Sum(nil)
		d.hash = nil
		d.resolve(bind.Value(js, sum))
	}
	return nil
}

func (d *DigestStream) abort(js *isolate.JS, reason goja.Value) error {
	d.end(js, reason)
	return nil
}

// end gives the stream up for a reason.
func (d *DigestStream) end(js *isolate.JS, reason goja.Value) {
	if d.hash == nil {
		return
	}
	d.hash, d.failed = nil, reason
	d.reject(js.Thrown(reason))
}

// digestStreamOf is the receiver of a call.
func digestStreamOf(c *bind.Call) (*DigestStream, bool) {
	obj, ok := c.This().(*goja.Object)
	if !ok {
		return nil, false
	}
	v, _, _ := bind.ValueOf(c.JS(), obj)
	d, ok := v.(*DigestStream)
	return d, ok
}
