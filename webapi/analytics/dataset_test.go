package analytics_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/dop251/goja"

	"workerd.local/event"
	"workerd.local/internal/jstest"
	"workerd.local/isolate"
	"workerd.local/webapi/analytics"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/encoding"
	"workerd.local/webapi/events"
	"workerd.local/webapi/fetch"
	"workerd.local/webapi/streams"
	"workerd.local/webapi/url"
)

// sink takes points, and answers with a status.
type sink struct {
	points chan string
	status int
}

func (s *sink) Deliver(context.Context, event.Event) (event.Outcome, error) {
	return event.Outcome{}, event.ErrUnsupported
}

func (s *sink) Fetch(_ context.Context, req *event.Request) (*event.Response, error) {
	b, err := io.ReadAll(req.Body.Reader())
	if err != nil {
		return nil, err
	}
	s.points <- req.Method + " " + req.URL + " " + req.Header.Get("Content-Length") + " " + string(b)
	if s.status == 0 {
		return nil, errors.New("boom")
	}
	return &event.Response{Status: s.status}, nil
}

func newEnv(t *testing.T, status int) (*jstest.Env, *sink, chan string) {
	s := &sink{points: make(chan string, 8), status: status}
	reports := make(chan string, 8)
	vars := bind.Module{Name: "test", Globals: []bind.Global{bind.Var{Name: "AE", Make: func(js *isolate.JS) (goja.Value, error) {
		return analytics.Class.Wrap(js, &analytics.Dataset{Name: "ds", Service: s, Report: func(js *isolate.JS, err error) {
			reports <- js.Exception(err).Error()
		}}), nil
	}}}}
	return jstest.New(t, url.Module, encoding.Module, events.Module, streams.Module, fetch.Module, vars), s, reports
}

func next(t *testing.T, ch chan string) string {
	t.Helper()
	select {
	case s := <-ch:
		return s
	case <-time.After(30 * time.Second):
		t.Fatal("nothing came")
		return ""
	}
}

func TestDataPoints(t *testing.T) {
	zeros := func(from int) string {
		var b strings.Builder
		for i := from; i <= 20; i++ {
			b.WriteString(`,"double` + string("0123456789"[i/10]) + string("0123456789"[i%10]) + `":0`)
		}
		return strings.ReplaceAll(b.String(), "double0", "double")
	}
	e, s, _ := newEnv(t, 200)
	for source, want := range map[string]string{
		`AE.writeDataPoint()`:     `"index1":[]` + zeros(1),
		`AE.writeDataPoint(null)`: `"index1":[]` + zeros(1),
		`AE.writeDataPoint({ indexes: ["é"], doubles: [1, 2.5, NaN, -Infinity, "7"], blobs: ["a", null, new Uint8Array([1, 2]).buffer, undefined, 5, ""] })`: `"index1":[195,169],"double1":1,"double2":2.5,"double3":"NaN","double4":"-Infinity","double5":7` + zeros(6) + `,"blob1":[97],"blob3":[1,2],"blob5":[53],"blob6":[]`,
	} {
		if _, err := e.Eval("return String(" + source + ")"); err != nil {
			t.Errorf("%s: %v", source, err)
		}
		got := next(t, s.points)
		head, rest, _ := strings.Cut(got, " {")
		before, after, _ := strings.Cut(rest, `,"timestamp":"`)
		_, after, _ = strings.Cut(after, `"`)
		if got := before + after; got != `"accountId":"1","dataset":[100,115],"schemaVersion":"0",`+want+"}" || !strings.HasPrefix(head, "POST https://fake-host ") {
			t.Errorf("%s\n got %s %s\nwant %s", source, head, got, want)
		}
	}
}

func TestDataPointsThatAreRefused(t *testing.T) {
	e, s, reports := newEnv(t, 500)
	for source, want := range map[string]string{
		`AE.writeDataPoint({ indexes: ["a", "b"] })`:             "TypeError: writeDataPoint(): Maximum of 1 indexes supported.",
		`AE.writeDataPoint({ indexes: ["a".repeat(97)] })`:       "TypeError: writeDataPoint(): Size of indexes[0] exceeds 96 bytes).",
		`AE.writeDataPoint({ doubles: new Array(21).fill(1) })`:  "TypeError: writeDataPoint(): Maximum of 20 doubles supported.",
		`AE.writeDataPoint({ blobs: new Array(1e9) })`:           "TypeError: writeDataPoint(): Maximum of 20 blobs supported.",
		`AE.writeDataPoint({ blobs: ["a", "b".repeat(16000)] })`: "TypeError: writeDataPoint(): Cumulative size of blobs exceeds 16000 bytes).",
		`AE.writeDataPoint()`:                                    "Error: A data point was not written: 500 Internal Server Error",
	} {
		e.Want("return String("+source+")", "undefined")
		if got := next(t, reports); got != want {
			t.Errorf("%s\n reports %s\nwant %s", source, got, want)
		}
	}
	<-s.points
	for source, want := range map[string]string{
		`AE.writeDataPoint(5)`:                 "TypeError: Failed to execute 'writeDataPoint' on 'AnalyticsEngine': parameter 1 is not of type 'AnalyticsEngineEvent'.",
		`AE.writeDataPoint({ doubles: 5 })`:    "TypeError: Incorrect type for the 'doubles' field on 'AnalyticsEngineEvent': the provided value is not of type 'Array'.",
		`AE.writeDataPoint({ blobs: "x" })`:    "TypeError: Incorrect type for the 'blobs' field on 'AnalyticsEngineEvent': the provided value is not of type 'Array'.",
		`AE.writeDataPoint({ doubles: [1n] })`: "TypeError: Cannot convert a BigInt value to a number",
	} {
		e.WantError(source, want)
	}
	e, _, reports = newEnv(t, 0)
	e.Want(`return String(AE.writeDataPoint())`, "undefined")
	if got := next(t, reports); strings.Contains(got, "boom") || !strings.Contains(got, "internal error") {
		t.Errorf("a service that fails: %s", got)
	}
}
