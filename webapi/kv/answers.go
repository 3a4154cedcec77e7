package kv

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"

	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/trace"
	"workerd.local/webapi/fetch"
)

// bulkBody is what asks for several keys.
func bulkBody(names []string, o getOptions, withMetadata bool) ([]byte, error) {
	ask := struct {
		Keys         []string `json:"keys"`
		Type         string   `json:"type,omitempty"`
		WithMetadata bool     `json:"withMetadata,omitempty"`
		CacheTTL     string   `json:"cacheTtl,omitempty"`
	}{Keys: names, WithMetadata: withMetadata}
	if ask.Keys == nil {
		ask.Keys = []string{}
	}
	if o.typ != nil {
		ask.Type = *o.typ
	}
	if o.cacheTTL != nil {
		ask.CacheTTL = strconv.Itoa(int(*o.cacheTTL))
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(ask)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

type mapIntrinsics struct{ ctor, set goja.Value }

var maps = isolate.NewSlot(func(js *isolate.JS) *mapIntrinsics {
	ctor := js.Runtime().GlobalObject().Get("Map").(*goja.Object)
	return &mapIntrinsics{ctor, ctor.Get("prototype").(*goja.Object).Get("set")}
})

// toMap is a Map of an object's properties. workerd leaves out keys that are numbers.
func toMap(js *isolate.JS, s *trace.Span, v goja.Value) (goja.Value, error) {
	in := maps.Get(js)
	m, err := js.Construct(in.ctor)
	if err != nil {
		return nil, err
	}
	obj, ok := v.(*goja.Object)
	if !ok {
		return m, nil
	}
	keys := obj.Keys()
	s.Set("cloudflare.kv.response.returned_rows", int64(len(keys)))
	for _, key := range keys {
		if _, err := js.Call(in.set, m, js.Runtime().ToValue(key), obj.Get(key)); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// errListing is nothing that a script may see.
var errListing = errors.New("answer of a KV service: a list that is no object")

// listing is what list() gives of the answer: metadata that is a text is JSON.
func listing(js *isolate.JS, s *trace.Span, v, cacheStatus goja.Value) (goja.Value, error) {
	obj, ok := v.(*goja.Object)
	if !ok {
		return nil, errListing
	}
	describeListing(s, obj)
	if keys, ok := obj.Get("keys").(*goja.Object); ok && keys.ClassName() == "Array" {
		for _, i := range keys.Keys() {
			key, ok := keys.Get(i).(*goja.Object)
			if !ok {
				continue
			}
			text := key.Get("metadata")
			if text == nil || text.ExportType() == nil || text.ExportType().Kind().String() != "string" {
				continue
			}
			m, err := fetch.PlainJSON(js, []byte(text.String()))
			if err != nil {
				return nil, err
			}
			if err := set(key, "metadata", m); err != nil {
				return nil, err
			}
		}
	}
	return obj, set(obj, "cacheStatus", cacheStatus)
}

// set makes an own property, whatever the prototypes say.
func set(obj *goja.Object, name string, v goja.Value) error {
	return obj.DefineDataProperty(name, v, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
}
