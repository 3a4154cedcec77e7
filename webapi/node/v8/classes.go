package v8

import (
	"errors"
	"math"
	"slices"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/internal/clone"
	"workerd.local/isolate"
	"workerd.local/isolate/natives"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/global"
	"workerd.local/webapi/node/glue"
)

// serializer is a Serializer of a script. What only the script knows it asks methods of the object for, by their names.
type serializer struct {
	*clone.Serializer
	js   *isolate.JS
	self *goja.Object
}

var serializerClass = &bind.Class[serializer]{
	Name: "Serializer",
	New: func(c *bind.Call) (*serializer, error) {
		s := &serializer{js: c.JS(), self: c.This().(*goja.Object)}
		o := optionsOf(s.js, s)
		o.MemoryID = s.memoryID
		var err error
		if s.Serializer, err = clone.NewSerializer(s.js.Runtime(), o); err != nil {
			return nil, err
		}
		return s, nil
	},
	Methods: map[string]bind.Method[serializer]{
		"writeHeader": func(s *serializer, _ *bind.Call) (any, error) { return nil, global.CloneError(s.Header()) },
		"writeValue":  (*serializer).writeValue,
		"releaseBuffer": func(s *serializer, c *bind.Call) (any, error) {
			return c.JS().Runtime().ToValue(c.JS().Runtime().NewArrayBuffer(s.Release())), nil
		},
		"transferArrayBuffer": func(s *serializer, c *bind.Call) (any, error) {
			id := uint32Of(c.Arg(0))
			if bind.ViewName(c.JS(), c.Arg(1)) != "ArrayBuffer" || c.JS().Library().MemoryOf(c.Arg(1).(*goja.Object)) != nil {
				return nil, argumentError(c.JS(), "arrayBuffer must be an ArrayBuffer")
			}
			return nil, global.CloneError(s.Transfer(id, c.Arg(1).(*goja.Object)))
		},
		"writeUint32": func(s *serializer, c *bind.Call) (any, error) {
			return nil, global.CloneError(s.Uint32(uint32Of(c.Arg(0))))
		},
		"writeUint64": func(s *serializer, c *bind.Call) (any, error) {
			high, low := uint32Of(c.Arg(0)), uint32Of(c.Arg(1))
			return nil, global.CloneError(s.Uint64(uint64(high)<<32 | uint64(low)))
		},
		"writeDouble": func(s *serializer, c *bind.Call) (any, error) {
			return nil, global.CloneError(s.Double(c.Arg(0).ToNumber().ToFloat()))
		},
		"writeRawBytes": func(s *serializer, c *bind.Call) (any, error) {
			b, ok := viewBytes(c.JS(), c.Arg(0))
			if !ok {
				return nil, argumentError(c.JS(), "source must be a TypedArray or a DataView")
			}
			return nil, global.CloneError(s.Raw(b))
		},
		"_setTreatArrayBufferViewsAsHostObjects": func(s *serializer, c *bind.Call) (any, error) {
			s.ViewsAsHost(c.Arg(0).ToBoolean())
			return nil, nil
		},
	},
	Init: plainName,
}

var deserializerClass = &bind.Class[deserializer]{
	Name: "Deserializer", Length: 1,
	New: func(c *bind.Call) (*deserializer, error) {
		s := &deserializer{js: c.JS(), self: c.This().(*goja.Object)}
		b, ok := viewBytes(s.js, c.Arg(0))
		if !ok {
			return nil, argumentError(c.JS(), "buffer must be a TypedArray or a DataView")
		}
		var err error
		if s.Deserializer, err = clone.NewDeserializer(s.js.Runtime(), b, optionsOf(s.js, s)); err != nil {
			return nil, global.CloneError(err)
		}
		return s, s.self.Set("buffer", c.Arg(0))
	},
	Methods: map[string]bind.Method[deserializer]{
		"readHeader": func(s *deserializer, _ *bind.Call) (any, error) {
			if s.Header() != nil {
				return nil, errVersion
			}
			return true, nil
		},
		"readValue": func(s *deserializer, _ *bind.Call) (any, error) {
			v, err := s.Value()
			return v, decodeError(err)
		},
		"getWireFormatVersion": func(s *deserializer, _ *bind.Call) (any, error) { return int64(s.Version()), nil },
		"transferArrayBuffer": func(s *deserializer, c *bind.Call) (any, error) {
			id := uint32Of(c.Arg(0))
			if bind.ViewName(c.JS(), c.Arg(1)) != "ArrayBuffer" {
				return nil, argumentError(c.JS(), "arrayBuffer must be an ArrayBuffer or SharedArrayBuffer")
			}
			return nil, global.CloneError(s.Transfer(id, c.Arg(1)))
		},
		"readUint32": func(s *deserializer, _ *bind.Call) (any, error) {
			n, err := s.Uint32()
			return int64(n), short(err, "ReadUint32")
		},
		"readUint64": func(s *deserializer, c *bind.Call) (any, error) {
			n, err := s.Uint64()
			return c.JS().Runtime().NewArray(uint32(n>>32), uint32(n)), short(err, "ReadUint64")
		},
		"readDouble": func(s *deserializer, _ *bind.Call) (any, error) {
			f, err := s.Double()
			return f, short(err, "ReadDouble")
		},
		"_readRawBytes": func(s *deserializer, c *bind.Call) (any, error) {
			at, err := s.Skip(uint64(int64(c.Arg(0).ToNumber().ToFloat())))
			return at, short(err, "ReadRawBytes")
		},
	},
	Init: plainName,
}

// deserializer is a Deserializer of a script.
type deserializer struct {
	*clone.Deserializer
	js   *isolate.JS
	self *goja.Object
}

// plainName: these classes have no name but that of their constructors, so that those of scripts print as theirs.
func plainName(_ *isolate.JS, _, proto *goja.Object) error {
	return proto.DeleteSymbol(goja.SymToStringTag)
}

// jsClasses is classes(): the two of them.
func jsClasses(c *bind.Call) (any, error) {
	js := c.JS()
	return js.Runtime().NewArray(serializerClass.Constructor(js), deserializerClass.Constructor(js)), nil
}

func optionsOf(js *isolate.JS, host clone.HostObjects) clone.Options {
	return clone.Options{
		Bounds: js.Bounds(), MaxBytes: js.Isolate().Limits().BufferBytes, Half: natives.Float16Bits, Resizable: js.Library(),
		Host: host, HostBySymbol: true, Memory: js.Library().MemoryOf,
	}
}

func (s *serializer) writeValue(c *bind.Call) (any, error) {
	err := s.Value(c.Arg(0))
	var refused *clone.DataCloneError
	if !errors.As(err, &refused) {
		return true, global.CloneError(err)
	}
	make := s.self.Get("_getDataCloneError")
	if _, ok := goja.AssertFunction(make); !ok {
		return nil, exception.Errorf("%s", refused.Message)
	}
	e, err := s.js.Call(make, s.self, s.js.Runtime().ToValue(refused.Message))
	if err != nil {
		return nil, err
	}
	return nil, s.js.Thrown(e)
}

// WriteHost is clone.HostObjects's: only views are host objects.
func (s *serializer) WriteHost(w *clone.Writer, obj *goja.Object) (bool, error) {
	if bind.ViewName(s.js, obj) == "" {
		return false, nil
	}
	write := s.self.Get("_writeHostObject")
	if _, ok := goja.AssertFunction(write); !ok {
		return false, nil
	}
	w.Begin()
	_, err := s.js.Call(write, s.self, obj)
	return true, err
}

// ReadHost is clone.HostObjects's.
func (s *serializer) ReadHost(*clone.Reader) (*goja.Object, error) { return nil, errDeserialize }

func (s *serializer) memoryID(o *goja.Object) (id uint32, ok bool, err error) {
	get := s.self.Get("_getSharedArrayBufferId")
	if _, ok := goja.AssertFunction(get); !ok {
		return 0, false, nil
	}
	v, err := s.js.Call(get, s.self, o)
	if err != nil {
		return 0, false, err
	}
	err = s.js.Try(func() { id = uint32Of(v) })
	return id, true, err
}

// WriteHost is clone.HostObjects's.
func (s *deserializer) WriteHost(*clone.Writer, *goja.Object) (bool, error) { return false, nil }

// ReadHost is clone.HostObjects's.
func (s *deserializer) ReadHost(*clone.Reader) (*goja.Object, error) {
	read := s.self.Get("_readHostObject")
	if _, ok := goja.AssertFunction(read); !ok {
		return nil, errDeserialize
	}
	v, err := s.js.Call(read, s.self)
	if err != nil {
		return nil, err
	}
	obj, ok := v.(*goja.Object)
	if !ok {
		return nil, exception.TypeErrorf("readHostObject must return an object")
	}
	return obj, nil
}

// decodeError is what a script is told of bytes that are no value.
func decodeError(err error) error {
	var bad *clone.DecodeError
	var refused *clone.DataCloneError
	if errors.As(err, &bad) || errors.As(err, &refused) {
		return errDeserialize
	}
	return global.CloneError(err)
}

// argumentError is a TypeError with node's code.
func argumentError(js *isolate.JS, text string) error {
	return glue.Thrown(js, &glue.SystemError{Class: "TypeError", Code: "ERR_INVALID_ARG_TYPE", Bare: true, Text: text})
}

func short(err error, call string) error {
	if err != nil {
		return exception.Errorf("%s() failed", call)
	}
	return nil
}

// viewBytes is the memory of a view.
func viewBytes(js *isolate.JS, v goja.Value) ([]byte, bool) {
	if name := bind.ViewName(js, v); name == "" || name == "ArrayBuffer" {
		return nil, false
	}
	return bind.Bytes(js, v)
}

// uint32Of is ToUint32.
func uint32Of(v goja.Value) uint32 {
	f := v.ToNumber().ToFloat()
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return 0
	}
	return uint32(int64(math.Mod(math.Trunc(f), 1<<32)))
}

// jsKind is kind(view): node's number of a view, -1 for anything else.
func jsKind(c *bind.Call) (any, error) {
	return slices.Index(kinds, bind.ViewName(c.JS(), c.Arg(0))), nil
}
