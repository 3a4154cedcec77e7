package rpc

import (
	"errors"
	"fmt"
	"strings"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/internal/clone"
	"workerd.local/internal/limits"
	"workerd.local/iocontext"
	"workerd.local/isolate"
	"workerd.local/isolate/natives"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/durable"
	"workerd.local/webapi/events"
	"workerd.local/webapi/fetch"
	"workerd.local/webapi/global"
	"workerd.local/webapi/sockets"
	"workerd.local/webapi/streams"
)

// Tags of what only RPC carries, as workerd's serialization has them; the others are in
// package global.
const (
	tagStub    = 1
	tagService = 11
	tagClass   = 12
	tagSocket  = 16
)

// encoder writes one value: clone.HostObjects that knows stubs, streams and services.
type encoder struct {
	js      *isolate.JS
	ioc     *iocontext.Context // nil where the value is not of a context: no stubs then
	session *Session
	lasting bool // services may be in it without a context
	caps    []event.Capability
	// dup says that stubs stay with the sender; else they are given away, and moved is
	// which.
	dup   bool
	moved []*stub
}

// encodeArgs writes the array of arguments of a call. Stubs among them are given away,
// unless the flag rpc_params_dup_stubs keeps them.
func encodeArgs(js *isolate.JS, ioc *iocontext.Context, args []goja.Value) (*event.Payload, error) {
	if list, ok := plainArgs(args); ok {
		return &event.Payload{Plain: list}, nil
	}
	items := make([]any, len(args))
	for i, a := range args {
		items[i] = a
	}
	e := &encoder{js: js, ioc: ioc, dup: js.Compat().Has("rpc_params_dup_stubs")}
	p, err := e.encode(js.Runtime().NewArray(items...))
	if err != nil {
		return nil, err
	}
	e.dispose()
	return p, nil
}

// encode writes a value; on an error nothing was given away.
func (e *encoder) encode(v goja.Value) (*event.Payload, error) {
	most := limits.RPCMessage.In(e.js.Bounds())
	data, err := clone.Serialize(e.js.Runtime(), v, clone.Options{
		Bounds:               e.js.Bounds(),
		MaxBytes:             e.js.Isolate().Limits().BufferBytes,
		Host:                 e,
		Half:                 natives.Float16Bits,
		Resizable:            e.js.Library(),
		RefuseClassInstances: true,
		ErrorsAsHost:         e.js.Compat().Has("enhanced_error_serialization"),
	})
	p := &event.Payload{Data: data, Caps: e.caps}
	if err == nil && len(data) > most {
		err = exception.Errorf("Serialized RPC arguments or return values are limited to %s, but the size of this value was: %d bytes.", sizeText(most), len(data))
	}
	if err != nil {
		p.Release()
		return nil, global.CloneError(err)
	}
	return p, nil
}

func sizeText(n int) string {
	if n%(1<<20) == 0 {
		return fmt.Sprintf("%dMiB", n>>20)
	}
	return fmt.Sprintf("%d bytes", n)
}

// dispose gives back the stubs that were given away.
func (e *encoder) dispose() {
	for _, s := range e.moved {
		s.dispose()
	}
	e.moved = nil
}

// add puts a capability into the payload; the bytes have its number only as a check.
func (e *encoder) add(w *clone.Writer, tag uint32, c event.Capability) {
	w.Uint32(tag)
	w.Uint32(uint32(len(e.caps)))
	e.caps = append(e.caps, c)
}

// WriteHost is clone.HostObjects's.
func (e *encoder) WriteHost(w *clone.Writer, obj *goja.Object) (bool, error) {
	js := e.js
	proto := obj.Prototype()
	if proto == intrinsics.Get(js).objectProto && !isProxy(obj) {
		return false, nil
	}
	if isProxy(obj) {
		return true, e.proxy(w, obj)
	}
	if obj == js.Runtime().GlobalObject() {
		return false, nil
	}
	value, class, ok := bind.ValueOf(js, obj)
	if ok {
		return e.hostObject(w, obj, value, class)
	}
	if _, ok := goja.AssertFunction(obj); ok && !e.lasting {
		return true, e.function(w, obj)
	}
	if global.IsError(obj) {
		return true, global.WriteError(js, w, obj)
	}
	return false, nil
}

// errAlone is for what needs a context, in what has none.
var errAlone = &clone.DataCloneError{Message: "RpcStub cannot be serialized in this context."}

// hostObject writes an instance of one of our classes.
func (e *encoder) hostObject(w *clone.Writer, obj *goja.Object, value any, class string) (bool, error) {
	switch v := value.(type) {
	case *stub:
		if e.lasting {
			if v.channel == nil {
				return false, errNotPersistent
			}
			e.add(w, tagStub, event.TokenRef{Token: v.channel})
			return true, nil
		}
		if e.ioc == nil {
			return false, errAlone
		}
		t, err := v.get(e.js)
		if err != nil {
			return false, err
		}
		f := newForward(e.ioc, e.session, t)
		f.channel = v.channel
		e.add(w, tagStub, f)
		if !e.dup {
			e.moved = append(e.moved, v)
		}
		return true, nil
	case *LoopbackActors:
		return false, notSerializable(class) // it says nothing of props yet
	case *promise, *property:
		return false, notSerializable(strings.TrimPrefix(class, "Js"))
	case *streams.Readable:
		return true, e.readable(w, v)
	case *events.Signal:
		return true, e.signal(w, v)
	}
	if class == "Socket" && e.ioc == nil {
		return false, &clone.DataCloneError{Message: "Socket can only be serialized for RPC."}
	}
	if ref, ok, err := sockets.Transfer(e.js, obj); ok {
		if err == nil {
			e.add(w, tagSocket, ref)
		}
		return true, err
	}
	if s, ok := streams.WritableOf(e.js, obj); ok {
		return true, e.writable(w, s)
	}
	if _, ok := TargetClass.Unwrap(e.js, obj); ok {
		replaced, err := e.duplicate(obj, func(o *goja.Object) bool { _, ok := TargetClass.Unwrap(e.js, o); return ok },
			"Couldn't create a stub for the RcpTarget because it has a dup() method which did not return another RpcTarget. Either remove the dup() method or make sure it returns an RpcTarget.")
		if err != nil {
			return false, err
		}
		return true, e.export(w, replaced, false)
	}
	if cl, ok := value.(*durable.Class); ok && (e.ioc != nil || e.lasting) {
		if err := cl.Class.CheckTransfer(); err != nil {
			return false, err
		}
		e.add(w, tagClass, event.ClassRef{Class: cl.Class})
		return true, nil
	}
	if _, ok := loopbackClass.Unwrap(e.js, obj); ok {
		return false, notSerializable(class) // it says nothing of props yet
	}
	if f, ok := fetch.Fetcher.Unwrap(e.js, obj); ok && (e.ioc != nil || e.lasting) {
		if err := checkTransfer(f.Service); err != nil {
			return false, err
		}
		if _, err := event.TokenOf(f.Service); !e.lasting && err != nil && !errors.Is(err, event.ErrNoName) {
			return false, err
		}
		e.add(w, tagService, event.ServiceRef{Service: f.Service})
		return true, nil
	}
	return true, global.WriteHost(e.js, w, obj, value, class)
}

func notSerializable(class string) error {
	return &clone.DataCloneError{Message: fmt.Sprintf("Could not serialize object of type %q. This type does not support serialization.", class)}
}

func (e *encoder) export(w *clone.Writer, obj *goja.Object, own bool) error {
	if e.ioc == nil {
		return errAlone
	}
	x, err := newStubExport(e.js, e.ioc, e.session, obj, own)
	if err == nil {
		e.add(w, tagStub, x)
	}
	return err
}

func (e *encoder) function(w *clone.Writer, f *goja.Object) error {
	f, err := e.duplicate(f, func(o *goja.Object) bool { return isFunction(e.js, o) },
		"Couldn't create a stub for the function because it has a dup() method which did not return another function. Either remove the dup() method or make sure it returns a function.")
	if err != nil {
		return err
	}
	return e.export(w, f, true)
}

func (e *encoder) proxy(w *clone.Writer, p *goja.Object) error {
	own, ok, err := stubTypeOf(e.js, p)
	if err != nil {
		return err
	}
	if !ok {
		return &clone.DataCloneError{Message: "Proxy could not be serialized because it is not a valid RPC receiver type. The Proxy must emulate either a plain object or an RpcTarget, as indicated by the Proxy's prototype chain."}
	}
	p, err = e.duplicate(p, func(o *goja.Object) bool {
		same, ok, err := stubTypeOf(e.js, o)
		return err == nil && ok && same == own
	}, "Couldn't create a stub for the Proxy because it has a dup() method which did not return the same underlying type (RpcTarget or Function) as the Proxy itself represents. Either remove the dup() method or make sure it returns an RpcTarget.")
	if err != nil {
		return err
	}
	return e.export(w, p, own)
}

// duplicate is what is exported in the place of obj where stubs stay with the sender: what
// its own dup method returns, if it has one.
func (e *encoder) duplicate(obj *goja.Object, fits func(*goja.Object) bool, refusal string) (*goja.Object, error) {
	if !e.dup {
		return obj, nil
	}
	var dup goja.Value
	if err := e.js.Try(func() { dup = obj.Get("dup") }); err != nil {
		return nil, err
	}
	if _, ok := goja.AssertFunction(dup); !ok {
		return obj, nil
	}
	v, err := e.js.Call(dup, obj)
	if err != nil {
		return nil, err
	}
	if o, ok := v.(*goja.Object); ok && fits(o) {
		return o, nil
	}
	return nil, &clone.DataCloneError{Message: refusal}
}

// ReadHost is clone.HostObjects's; an encoder reads nothing.
func (e *encoder) ReadHost(*clone.Reader) (*goja.Object, error) {
	return nil, &clone.DataCloneError{Message: "An RPC stub cannot be read here."}
}
