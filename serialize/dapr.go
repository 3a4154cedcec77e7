package serialize

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/events"
	"workerd.local/webapi/fetch"
)

// dapr is aworker.Dapr['1.0']. What the agent of the original hands to an adaptor goes to a
// Dapr sidecar, by its HTTP API, where the environment names the sidecar's port.
type dapr struct{ w *Worker }

const (
	daprPort  = "DAPR_HTTP_PORT"
	daprToken = "DAPR_API_TOKEN"
	// daprTime is how long an answer may take, in milliseconds.
	daprTime = 10_000
)

// What the original says without an agent, and of an agent that does not answer.
var (
	errNoAgent     = exception.Errorf("Cannot invoke agent methods when agent is not setup")
	errAgentTime   = exception.Errorf("Noslated request failed with CanonicalCode::TIMEOUT")
	errBindingText = exception.TypeErrorf("The body of a binding must be text: a Dapr sidecar takes it as JSON.")
)

var daprClass = &bind.Class[dapr]{
	Name: "DaprV1$0",
	Getters: map[string]bind.Getter[dapr]{
		"ServiceRequest":  func(_ *dapr, c *bind.Call) (any, error) { return serviceRequestClass.Constructor(c.JS()), nil },
		"ServiceResponse": func(_ *dapr, c *bind.Call) (any, error) { return serviceResponseClass.Constructor(c.JS()), nil },
		"BindingRequest":  func(_ *dapr, c *bind.Call) (any, error) { return bindingRequestClass.Constructor(c.JS()), nil },
		"BindingResponse": func(_ *dapr, c *bind.Call) (any, error) { return bindingResponseClass.Constructor(c.JS()), nil },
	},
	Async: map[string]bind.Method[dapr]{"invoke": (*dapr).invoke, "binding": (*dapr).binding},
}

// daprNamespace is aworker.Dapr.
func (w *Worker) daprNamespace(js *isolate.JS) (goja.Value, error) {
	obj := js.Runtime().NewObject()
	return obj, obj.DefineDataProperty("1.0", daprClass.Wrap(js, &dapr{w}), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE)
}

// serviceRequest is what invoke is given: who is called, and a body.
type serviceRequest struct {
	app, method string
	body        *fetch.Response
}

var serviceRequestClass = &bind.Class[serviceRequest]{
	Name:    "ServiceRequest",
	New:     func(c *bind.Call) (*serviceRequest, error) { return newServiceRequest(c, c.Arg(0)) },
	Getters: serviceRequestGetters,
	Async:   serviceRequestMethods,
}

var serviceRequestGetters, serviceRequestMethods = fetch.BodyIn(func(r *serviceRequest) *fetch.Response { return r.body }, map[string]bind.Getter[serviceRequest]{
	"app":    func(r *serviceRequest, _ *bind.Call) (any, error) { return r.app, nil },
	"method": func(r *serviceRequest, _ *bind.Call) (any, error) { return r.method, nil },
})

func newServiceRequest(c *bind.Call, init goja.Value) (r *serviceRequest, err error) {
	r = &serviceRequest{}
	r.body, err = readInit(c, init, "ServiceRequestInit", "app", &r.app, "method", &r.method)
	return r, err
}

// readInit reads an init: texts, which are empty where they are missing or null, and a body.
func readInit(c *bind.Call, init goja.Value, dictionary string, texts ...any) (*fetch.Response, error) {
	body := goja.Null()
	pairs := []any{"body", func(_ *bind.Call, v goja.Value) error { body = v; return nil }}
	for i := 0; i < len(texts); i += 2 {
		pairs = append(pairs, texts[i])
		to, isText := texts[i+1].(*string)
		if !isText {
			pairs = append(pairs, texts[i+1])
			continue
		}
		pairs = append(pairs, func(f *bind.Call, v goja.Value) (err error) {
			if !goja.IsNull(v) {
				*to, err = f.String(1, v)
			}
			return err
		})
	}
	if obj, ok := init.(*goja.Object); ok {
		if err := c.Dictionary(obj, dictionary, pairs...); err != nil {
			return nil, err
		}
	} else if !goja.IsUndefined(init) && !goja.IsNull(init) {
		return nil, c.BadArg(1, dictionary)
	}
	return fetch.MakeResponse(c, body, goja.Undefined())
}

// serviceResponse is what invoke gives.
type serviceResponse struct{ fetch.Response }

var serviceResponseClass = &bind.Class[serviceResponse]{
	Name:   "ServiceResponse",
	Parent: bind.Extends(fetch.ResponseClass, func(r *serviceResponse) *fetch.Response { return &r.Response }),
	New: func(c *bind.Call) (*serviceResponse, error) {
		r, err := fetch.MakeResponse(c, c.Arg(0), c.Arg(1))
		if err != nil {
			return nil, err
		}
		return &serviceResponse{*r}, nil
	},
}

// bindingRequest is what binding is given.
type bindingRequest struct {
	name, operation string
	metadata        []pair
	body            *fetch.Response
}

// pair is one entry of metadata.
type pair struct{ key, value string }

func metadataObject(js *isolate.JS, list []pair) (goja.Value, error) {
	obj := js.Runtime().NewObject()
	for _, p := range list {
		if err := obj.DefineDataProperty(p.key, js.Runtime().ToValue(p.value), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE); err != nil {
			return nil, err
		}
	}
	return obj, nil
}

// metadataInto reads a member that is a record of texts.
func metadataInto(to *[]pair) func(f *bind.Call, v goja.Value) error {
	return func(f *bind.Call, v goja.Value) error {
		if !v.ToBoolean() {
			return nil
		}
		obj, ok := v.(*goja.Object)
		if !ok {
			return f.BadArg(1, "record")
		}
		entries, err := bind.Record(f.JS(), obj)
		if err != nil {
			return err
		}
		for _, e := range entries {
			text, err := f.String(1, e.Value)
			if err != nil {
				return err
			}
			*to = append(*to, pair{e.Name, text})
		}
		return nil
	}
}

var bindingRequestClass = &bind.Class[bindingRequest]{
	Name:    "BindingRequest",
	New:     func(c *bind.Call) (*bindingRequest, error) { return newBindingRequest(c, c.Arg(0)) },
	Getters: bindingRequestGetters,
	Async:   bindingRequestMethods,
}

var bindingRequestGetters, bindingRequestMethods = fetch.BodyIn(func(r *bindingRequest) *fetch.Response { return r.body }, map[string]bind.Getter[bindingRequest]{
	"name":      func(r *bindingRequest, _ *bind.Call) (any, error) { return r.name, nil },
	"operation": func(r *bindingRequest, _ *bind.Call) (any, error) { return r.operation, nil },
	"metadata":  func(r *bindingRequest, c *bind.Call) (any, error) { return metadataObject(c.JS(), r.metadata) },
})

func newBindingRequest(c *bind.Call, init goja.Value) (r *bindingRequest, err error) {
	r = &bindingRequest{}
	r.body, err = readInit(c, init, "BindingRequestInit", "name", &r.name, "operation", &r.operation, "metadata", metadataInto(&r.metadata))
	return r, err
}

// bindingResponse is what binding gives.
type bindingResponse struct {
	fetch.Response
	metadata []pair
}

var bindingResponseClass = &bind.Class[bindingResponse]{
	Name:   "BindingResponse",
	Parent: bind.Extends(fetch.ResponseClass, func(r *bindingResponse) *fetch.Response { return &r.Response }),
	New: func(c *bind.Call) (*bindingResponse, error) {
		r, err := fetch.MakeResponse(c, c.Arg(0), c.Arg(1))
		if err != nil {
			return nil, err
		}
		b := &bindingResponse{Response: *r}
		return b, c.Options(2, "BindingResponseInit", "metadata", metadataInto(&b.metadata))
	},
	Getters: map[string]bind.Getter[bindingResponse]{
		"metadata": func(r *bindingResponse, c *bind.Call) (any, error) { return metadataObject(c.JS(), r.metadata) },
	},
}

func (d *dapr) invoke(c *bind.Call) (any, error) {
	r, ok := serviceRequestClass.Unwrap(c.JS(), c.Arg(0))
	if !ok {
		var err error
		if r, err = newServiceRequest(c, c.Arg(0)); err != nil {
			return nil, err
		}
	}
	path := "/v1.0/invoke/" + url.PathEscape(r.app) + "/method/" + methodPath(r.method)
	return d.send(c, path, r.body, r.body.ContentType(), nil, func(js *isolate.JS, resp *fetch.Response, _ http.Header) *goja.Object {
		return serviceResponseClass.Wrap(js, &serviceResponse{*resp})
	})
}

// methodPath is the name of a method in the path of a request; it may itself be a path.
func methodPath(name string) string {
	parts := strings.Split(name, "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return strings.Join(parts, "/")
}

func (d *dapr) binding(c *bind.Call) (any, error) {
	r, ok := bindingRequestClass.Unwrap(c.JS(), c.Arg(0))
	if !ok {
		var err error
		if r, err = newBindingRequest(c, c.Arg(0)); err != nil {
			return nil, err
		}
	}
	wrap := func(body []byte) ([]byte, error) { return bindingMessage(r, body) }
	return d.send(c, "/v1.0/bindings/"+url.PathEscape(r.name), r.body, "application/json", wrap, func(js *isolate.JS, resp *fetch.Response, h http.Header) *goja.Object {
		return bindingResponseClass.Wrap(js, &bindingResponse{*resp, bindingMetadata(h)})
	})
}

// bindingMessage is a binding's request as the sidecar reads it. A body that is JSON is
// that, other text is a string.
func bindingMessage(r *bindingRequest, body []byte) ([]byte, error) {
	m := struct {
		Operation string            `json:"operation"`
		Metadata  map[string]string `json:"metadata,omitempty"`
		Data      json.RawMessage   `json:"data,omitempty"`
	}{Operation: r.operation, Metadata: map[string]string{}}
	for _, p := range r.metadata {
		m.Metadata[p.key] = p.value
	}
	switch {
	case len(body) == 0:
	case !utf8.Valid(body):
		return nil, errBindingText
	case json.Valid(body):
		m.Data = body
	default:
		text, err := json.Marshal(string(body))
		if err != nil {
			return nil, err
		}
		m.Data = text
	}
	return json.Marshal(m)
}

// bindingMetadata are the headers of an answer that are metadata, by name. A header's name has no
// case: here it is the lower one.
func bindingMetadata(h http.Header) (list []pair) {
	for _, f := range fetch.NewHeaders(h, true).Fields() {
		if name, ok := strings.CutPrefix(f.Name, "metadata."); ok {
			list = append(list, pair{name, f.Value})
		}
	}
	return list
}

// send posts a body, changed by wrap where that is not nil, to the sidecar; the promise is for
// what answer makes of the response, which is whole and has no headers.
func (d *dapr) send(c *bind.Call, path string, body *fetch.Response, typ string, wrap func([]byte) ([]byte, error), answer func(js *isolate.JS, r *fetch.Response, h http.Header) *goja.Object) (any, error) {
	port, ok := d.w.tape.Getenv(daprPort)
	if !ok || port == "" {
		return nil, errNoAgent
	}
	token, _ := d.w.tape.Getenv(daprToken)
	promise, resolve, reject := c.JS().NewPromise()
	settle := func(js *isolate.JS, v goja.Value, err error) {
		if err != nil {
			reject(err)
			return
		}
		resolve(v)
	}
	whole, err := body.Whole(c.JS(), func(js *isolate.JS, data []byte) (goja.Value, error) {
		if wrap != nil {
			var err error
			if data, err = wrap(data); err != nil {
				return nil, err
			}
		}
		p, err := d.post(js, "http://127.0.0.1:"+port+path, typ, token, data)
		if err != nil {
			return nil, err
		}
		js.OnSettled(p, func(js *isolate.JS, v goja.Value, err error) {
			r, ok := fetch.ResponseClass.Unwrap(js, orUndefined(v))
			if err != nil || !ok {
				settle(js, nil, err)
				return
			}
			h, none := r.Headers().Header(), r.HasNoBody()
			read, err := r.Whole(js, func(js *isolate.JS, data []byte) (goja.Value, error) {
				plain := &event.Response{Status: r.Status(), Header: http.Header{}}
				if !none {
					plain.Body = event.BytesBody(append([]byte{}, data...))
				}
				obj, err := fetch.NewAnswer(js, d.w.ioc, plain)
				if err != nil {
					return nil, err
				}
				resp, _ := fetch.ResponseClass.Unwrap(js, obj)
				return answer(js, resp, h), nil
			})
			if err != nil {
				settle(js, nil, err)
				return
			}
			js.OnSettled(read, settle)
		})
		return goja.Undefined(), nil
	})
	if err != nil {
		return nil, err
	}
	js := c.JS()
	js.OnSettled(whole, func(js *isolate.JS, _ goja.Value, err error) {
		if err != nil {
			settle(js, nil, err)
		}
	})
	return promise, nil
}

// post is one request to the sidecar, which has its time.
func (d *dapr) post(js *isolate.JS, address, typ, token string, body []byte) (goja.Value, error) {
	rt, ioc, signal := js.Runtime(), d.w.ioc, events.NewSignal()
	headers := rt.NewObject()
	init := rt.NewObject()
	set := func(o *goja.Object, name string, v any) error {
		if s, ok := v.(string); ok && s == "" {
			return nil
		}
		return o.DefineDataProperty(name, bind.Value(js, v), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
	}
	for _, p := range []struct {
		to   *goja.Object
		name string
		v    any
	}{
		{headers, "content-type", typ}, {headers, "dapr-api-token", token},
		{init, "method", "POST"}, {init, "redirect", "manual"}, {init, "headers", headers}, {init, "body", bind.NewUint8Array(js, body)}, {init, "signal", signal.Object(js)},
	} {
		if err := set(p.to, p.name, p.v); err != nil {
			return nil, err
		}
	}
	id, err := ioc.SetTimer(js, daprTime, false, func(js *isolate.JS) { signal.Abort(js, js.Error(errAgentTime)) })
	if err != nil {
		return nil, err
	}
	v, err := fetch.Fetch(js, fetch.Outbound(js), rt.ToValue(address), init)
	if err != nil {
		ioc.ClearTimer(id)
		return nil, err
	}
	p := bind.Value(js, v)
	js.OnSettled(p, func(*isolate.JS, goja.Value, error) { ioc.ClearTimer(id) })
	return p, nil
}

// sendBeacon is aworker.sendBeacon. It checks its arguments, and nobody takes the beacon: as with
// the control plane of the original where nothing is plugged in.
func sendBeacon(c *bind.Call) (any, error) {
	if _, ok := c.Arg(0).(goja.String); !ok {
		return nil, exception.TypeErrorf("type must be a string")
	}
	options, ok := c.Arg(1).(*goja.Object)
	if !ok {
		return nil, c.BadArg(2, "BeaconOptions")
	}
	var format goja.Value
	if err := c.JS().Try(func() { format = orUndefined(options.Get("format")) }); err != nil {
		return nil, err
	}
	if _, ok := format.(goja.String); !ok && !goja.IsUndefined(format) && !goja.IsNull(format) {
		return nil, exception.TypeErrorf("options.format must be a string")
	}
	if _, err := bytesOf(c, 2); err != nil {
		return nil, err
	}
	return true, nil
}
