package threads

import (
	"encoding/json"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/isolate"
)

// JSON is what JSON.stringify makes of a value, and JSON.parse of that: what it has no form for is null, or missing.
var JSON Codec = jsonCodec{}

type jsonCodec struct{}

// Encode is Codec's. Nothing can be transferred.
func (jsonCodec) Encode(js *isolate.JS, v goja.Value, transfer []goja.Value) (Message, error) {
	if len(transfer) > 0 {
		return nil, exception.TypeErrorf("Nothing can be transferred in a message of JSON.")
	}
	text, err := js.Call(js.Library().Pristine("JSON.stringify"), nil, v)
	if err != nil {
		return nil, err
	}
	if goja.IsUndefined(text) {
		return Text{json.RawMessage("null")}, nil
	}
	return Text{json.RawMessage(text.String())}, nil
}

// Text is a message of JSON.
type Text struct{ json.RawMessage }

// Size is Message's.
func (t Text) Size() int { return len(t.RawMessage) }

// Value is Message's.
func (t Text) Value(js *isolate.JS) (goja.Value, error) {
	return js.Call(js.Library().Pristine("JSON.parse"), nil, js.Runtime().ToValue(string(t.RawMessage)))
}
