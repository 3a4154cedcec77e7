// Package analytics is Analytics Engine datasets: what an analyticsEngine binding is.
//
// A dataset keeps nothing. Each data point is a POST to the service that the
// configuration names, as JSON in the form that workerd gives it. The script does not
// wait for it; a point that is refused, here or by the service, is a task of the event
// that failed.
//
// Everything belongs to the isolate's goroutine; the service runs on others.
package analytics

import (
	"bytes"
	"math"
	"strconv"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/exception"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/fetch"
)

// Bounds of a data point (workerd).
const (
	maxIndexes    = 1
	maxIndexBytes = 96
	maxMembers    = 20
	maxBlobBytes  = 800 * maxMembers
)

// Dataset is a dataset, behind a service.
type Dataset struct {
	Name    string
	Service event.Service
	// Report is told of points that were not written.
	Report func(js *isolate.JS, err error)
}

// Class is the class of bindings; scripts do not see its name.
var Class = &bind.Class[Dataset]{
	Name:    "AnalyticsEngine",
	Methods: map[string]bind.Method[Dataset]{"writeDataPoint": (*Dataset).write},
}

// Point is a data point. A nil blob or index was left out.
type Point struct {
	Indexes [][]byte
	Doubles []float64
	Blobs   [][]byte
}

// check says which bound the point does not keep.
func (p *Point) check() error {
	switch {
	case len(p.Indexes) > maxIndexes:
		return exception.TypeErrorf("writeDataPoint(): Maximum of %d indexes supported.", maxIndexes)
	case len(p.Indexes) == 1 && len(p.Indexes[0]) > maxIndexBytes:
		return exception.TypeErrorf("writeDataPoint(): Size of indexes[0] exceeds %d bytes).", maxIndexBytes)
	case len(p.Blobs) > maxMembers:
		return exception.TypeErrorf("writeDataPoint(): Maximum of %d blobs supported.", maxMembers)
	case len(bytes.Join(p.Blobs, nil)) > maxBlobBytes:
		return exception.TypeErrorf("writeDataPoint(): Cumulative size of blobs exceeds %d bytes).", maxBlobBytes)
	case len(p.Doubles) > maxMembers:
		return exception.TypeErrorf("writeDataPoint(): Maximum of %d doubles supported.", maxMembers)
	}
	return nil
}

// Encode is the point of a dataset at a time in nanoseconds since 1970, as the service
// reads it: bytes are lists of numbers, what is no finite number is a text.
func (p *Point) Encode(dataset string, nanoseconds int64) ([]byte, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	blob := func(name string, v []byte) {
		b.WriteString(`,"` + name + `":[`)
		for i, c := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(strconv.Itoa(int(c)))
		}
		b.WriteByte(']')
	}
	b.WriteString(`{"accountId":"1"`)
	blob("dataset", []byte(dataset))
	b.WriteString(`,"schemaVersion":"0"`)
	var index []byte
	if len(p.Indexes) > 0 {
		index = p.Indexes[0]
	}
	blob("index1", index)
	b.WriteString(`,"timestamp":"` + strconv.FormatInt(nanoseconds, 10) + `"`)
	for i := range maxMembers {
		f := 0.0
		if i < len(p.Doubles) {
			f = p.Doubles[i]
		}
		b.WriteString(`,"double` + strconv.Itoa(i+1) + `":` + number(f))
	}
	for i, v := range p.Blobs {
		if v != nil {
			blob("blob"+strconv.Itoa(i+1), v)
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func number(f float64) string {
	switch {
	case math.IsNaN(f):
		return `"NaN"`
	case math.IsInf(f, 1):
		return `"Infinity"`
	case math.IsInf(f, -1):
		return `"-Infinity"`
	}
	return bind.Double(f)
}

// write is writeDataPoint().
func (d *Dataset) write(c *bind.Call) (any, error) {
	var p Point
	blobs := func(to *[][]byte) func(*bind.Call, goja.Value) error {
		return func(f *bind.Call, v goja.Value) error {
			return elements(f, v, func(el goja.Value) error {
				b, err := blobOf(f, el)
				*to = append(*to, b)
				return err
			})
		}
	}
	err := c.Options(1, "AnalyticsEngineEvent",
		"indexes", blobs(&p.Indexes),
		"doubles", func(f *bind.Call, v goja.Value) error {
			return elements(f, v, func(el goja.Value) (err error) {
				var x float64
				err = f.JS().Try(func() { x = el.ToNumber().ToFloat() })
				p.Doubles = append(p.Doubles, x)
				return err
			})
		},
		"blobs", blobs(&p.Blobs))
	if err != nil {
		return nil, err
	}
	ioc, err := c.Context()
	if err != nil {
		return nil, err
	}
	js := c.JS()
	done := ioc.StartTask()
	failed := func(js *isolate.JS, err error) {
		d.Report(js, err)
		done(err)
	}
	body, err := p.Encode(d.Name, ioc.Now().UnixMilli()*1e6)
	if err != nil {
		failed(js, err)
		return nil, nil
	}
	req := &event.Request{Method: "POST", URL: "https://fake-host", Body: event.BytesBody(body), Redirect: "manual"}
	fetch.Frame(req)
	sent := fetch.Send(js, ioc, d.Service, req, func(_ *isolate.JS, resp *event.Response) (goja.Value, error) {
		if resp.Status < 200 || resp.Status >= 300 {
			return nil, exception.Errorf("A data point was not written: %d %s", resp.Status, fetch.StatusText(resp))
		}
		fetch.CloseLater(ioc, resp.Body)
		return goja.Undefined(), nil
	})
	js.OnSettled(sent, func(js *isolate.JS, _ goja.Value, err error) {
		if err != nil {
			failed(js, err)
			return
		}
		done(nil)
	})
	return nil, nil
}

// elements calls take for each element of an Array, of which it takes no more than it
// needs to see that there are too many.
func elements(f *bind.Call, v goja.Value, take func(goja.Value) error) error {
	obj, ok := v.(*goja.Object)
	if !ok || obj.ClassName() != "Array" {
		return f.BadArg(1, "Array")
	}
	var bad error
	err := f.JS().Try(func() {
		n := min(obj.Get("length").ToInteger(), maxMembers+1)
		for i := int64(0); i < n && bad == nil; i++ {
			el := obj.Get(strconv.FormatInt(i, 10))
			if el == nil {
				el = goja.Undefined()
			}
			bad = take(el)
		}
	})
	if err == nil {
		err = bad
	}
	return err
}

// blobOf is bytes or a text; nil for undefined and null.
func blobOf(f *bind.Call, v goja.Value) ([]byte, error) {
	if goja.IsUndefined(v) || goja.IsNull(v) {
		return nil, nil
	}
	if b, ok := bind.Bytes(f.JS(), v); ok {
		return append([]byte{}, b...), nil
	}
	s, err := f.String(1, v)
	return append([]byte{}, s...), err
}
