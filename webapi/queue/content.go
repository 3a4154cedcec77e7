package queue

import (
	"strings"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/internal/clone"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/fetch"
	"workerd.local/webapi/global"
)

// Content types: how the body of a message is bytes.
const (
	asText = "text"
	asRaw  = "bytes"
	asJSON = "json"
	asV8   = "v8"
)

// contentType is a content type as it is sent.
func contentType(name string) (string, error) {
	switch lower := strings.ToLower(name); lower {
	case asText, asRaw, asJSON, asV8:
		return lower, nil
	}
	return "", unsupported(name)
}

func unsupported(name string) error {
	return exception.TypeErrorf("Unsupported queue message content type: %s", name)
}

// Serialize is a value as V8 writes it.
func Serialize(js *isolate.JS, v goja.Value) ([]byte, error) {
	b, err := clone.Serialize(js.Runtime(), v, clone.Options{Bounds: js.Bounds(), Host: global.HostObjects(js)})
	return b, global.CloneError(err)
}

// encode is the body of a message as bytes. take says that the memory of a view is taken
// away from the script.
func encode(js *isolate.JS, v goja.Value, typ string, take bool) ([]byte, error) {
	switch typ {
	case asText:
		s, ok := v.(goja.String)
		if !ok {
			return nil, exception.TypeErrorf("Content Type \"text\" requires a value of type string, but received: %s", typeOf(v))
		}
		return []byte(s.String()), nil
	case asRaw:
		if name := bind.ViewName(js, v); name == "" || name == "ArrayBuffer" {
			return nil, exception.TypeErrorf("Content Type \"bytes\" requires a value of type ArrayBufferView, but received: %s", typeOf(v))
		}
		b, _ := bind.Bytes(js, v)
		b = append([]byte{}, b...)
		if take {
			bind.Detach(js, v)
		}
		return b, nil
	case asJSON:
		s, err := fetch.Stringify(js, v)
		return []byte(s), err
	case asV8:
		return Serialize(js, v)
	}
	return nil, unsupported(typ)
}

// typeOf is typeof.
func typeOf(v goja.Value) string {
	if goja.IsUndefined(v) {
		return "undefined"
	}
	switch v := v.(type) {
	case *goja.Symbol:
		return "symbol"
	case goja.String:
		return "string"
	case *goja.Object:
		if _, ok := goja.AssertFunction(v); ok {
			return "function"
		}
		return "object"
	}
	if t := v.ExportType(); t != nil {
		switch t.Kind().String() {
		case "bool":
			return "boolean"
		case "int64", "float64":
			return "number"
		case "ptr":
			return "bigint"
		}
	}
	return "object"
}
