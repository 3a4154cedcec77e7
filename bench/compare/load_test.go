package main

import (
	"strings"
	"testing"
)

const report1 = `Running 5s test @ http://127.0.0.1:1/
  2 threads and 32 connections
  Latency   1.00ms
Requests/sec:   1000.00
REPORT {"requests":5000,"micros":2500000,"bytes":99,"connect":0,"read":0,"write":0,"status":0,"timeout":0,"p50":900,"p99":4000}
`

func TestParseLoad(t *testing.T) {
	r, err := parseLoad([]byte(report1))
	if err != nil {
		t.Fatal(err)
	}
	if r.Requests != 5000 || r.perSecond() != 2000 || r.P50 != 900 || r.P99 != 4000 {
		t.Errorf("%+v, %v requests/s", r, r.perSecond())
	}
}

func TestLoadWithFailuresIsAnError(t *testing.T) {
	for _, kind := range []string{"connect", "read", "write", "status", "timeout"} {
		out := strings.Replace(report1, `"`+kind+`":0`, `"`+kind+`":3`, 1)
		if _, err := parseLoad([]byte(out)); err == nil || !strings.Contains(err.Error(), "3 ") {
			t.Errorf("%s: %v", kind, err)
		}
	}
	for name, out := range map[string]string{
		"nothing":     "",
		"no report":   "Running 5s test\nunable to connect\n",
		"not JSON":    "REPORT {]\n",
		"no requests": strings.Replace(report1, "5000", "0", 1),
		"no time":     strings.Replace(report1, "2500000", "0", 1),
	} {
		if r, err := parseLoad([]byte(out)); err == nil {
			t.Errorf("%s: %+v", name, r)
		}
	}
}
