package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"workerd.local/serialize"
)

// report is a diagnostic report, with the names of node's, whose second version the
// original writes.
type report struct {
	Header      reportHeader           `json:"header"`
	JSStack     reportStack            `json:"javascriptStack"`
	NativeStack []reportFrame          `json:"nativeStack"`
	Heap        reportHeap             `json:"javascriptHeap"`
	Handles     []reportHandle         `json:"libuv"`
	Usage       *reportUsage           `json:"resourceUsage"`
	Environment map[string]string      `json:"environmentVariables"`
	Limits      map[string]reportLimit `json:"userLimits"`
	Objects     []string               `json:"sharedObjects"`
}

type reportHeader struct {
	Version    int               `json:"reportVersion"`
	Event      string            `json:"event"`
	Trigger    string            `json:"trigger"`
	Filename   *string           `json:"filename"`
	Time       string            `json:"dumpEventTime"`
	Stamp      string            `json:"dumpEventTimeStamp"`
	Process    int               `json:"processId"`
	Directory  string            `json:"cwd"`
	Aworker    string            `json:"aworkerVersion"`
	WordSize   int               `json:"wordSize"`
	Arch       string            `json:"arch"`
	Platform   string            `json:"platform"`
	Components map[string]string `json:"componentVersions"`
	OSName     string            `json:"osName"`
	OSRelease  string            `json:"osRelease"`
	OSVersion  string            `json:"osVersion"`
	OSMachine  string            `json:"osMachine"`
	Host       string            `json:"host"`
}

type reportStack struct {
	Message    string            `json:"message"`
	Stack      []string          `json:"stack,omitempty"`
	Properties map[string]string `json:"errorProperties"`
}

type reportFrame struct {
	PC     string `json:"pc"`
	Symbol string `json:"symbol"`
}

type reportHeap struct {
	Total     uint64                 `json:"totalMemory"`
	Committed uint64                 `json:"totalCommittedMemory"`
	Used      uint64                 `json:"usedMemory"`
	Available uint64                 `json:"availableMemory"`
	Limit     uint64                 `json:"memoryLimit"`
	Spaces    map[string]reportSpace `json:"heapSpaces"`
}

type reportSpace struct {
	Size      uint64 `json:"memorySize"`
	Committed uint64 `json:"committedMemory"`
	Capacity  uint64 `json:"capacity"`
	Used      uint64 `json:"used"`
	Available uint64 `json:"available"`
}

type reportHandle struct {
	Type    string `json:"type"`
	Active  bool   `json:"is_active"`
	Address string `json:"address"`
	Repeat  *bool  `json:"repeat,omitempty"`
	Request string `json:"request,omitempty"`
}

type reportUsage struct {
	User       float64 `json:"userCpuSeconds"`
	Kernel     float64 `json:"kernelCpuSeconds"`
	Percentage float64 `json:"cpuConsumptionPercent"`
	MaxRSS     int64   `json:"maxRss"`
	Faults     struct {
		IO   int64 `json:"IORequired"`
		NoIO int64 `json:"IONotRequired"`
	} `json:"pageFaults"`
	Files struct {
		Reads  int64 `json:"reads"`
		Writes int64 `json:"writes"`
	} `json:"fsActivity"`
}

// reportLimit is a number or "unlimited", twice.
type reportLimit struct {
	Soft any `json:"soft"`
	Hard any `json:"hard"`
}

var (
	started       = time.Now()
	reportCounter atomic.Int64 // of the process, as in the names of its files
)

// lookTime is how much of a processor a turn has, once a report is asked for, until the worker is said to be busy.
const lookTime = 200 * time.Millisecond

// reportLook writes what the worker of the process does; nil where it has none just now.
func (o *aworkerOptions) reportLook(ctx context.Context, w *serialize.Worker) {
	r := newReport("Signal", "Signal")
	r.JSStack.Message, r.JSStack.Stack = "No stack, VmState: IDLE", []string{"Unavailable."}
	if w != nil {
		l := w.Look(ctx, lookTime)
		if l.Busy {
			// The engine has no stack for another goroutine.
			r.JSStack.Message = "No stack, VmState: JS"
		}
		for i, repeat := range l.Timers {
			r.Handles = append(r.Handles, reportHandle{Type: "timer", Active: true, Address: address(uint64(i + 1)), Repeat: &repeat})
		}
		for i, what := range l.Requests {
			r.Handles = append(r.Handles, reportHandle{Type: "fetch", Active: true, Address: address(uint64(i + 1)), Request: what})
		}
		r.Handles = append(r.Handles, reportHandle{Type: "loop", Active: l.Alive || l.Busy, Address: address(1)})
	}
	o.writeReport(r)
}

// reportFailure writes what the worker dies of.
func (o *aworkerOptions) reportFailure(f serialize.Failure) {
	r := newReport(f.Message, f.Trigger)
	if f.Trigger == "UncaughtException" {
		r.Header.Event = f.Trigger
	}
	r.JSStack = reportStack{Message: f.Message, Stack: f.Stack, Properties: f.Properties}
	o.writeReport(r)
}

// address is what stands for an address: there are none that would say something.
func address(n uint64) string { return fmt.Sprintf("0x%016x", n) }

func newReport(event, trigger string) *report {
	now := time.Now()
	cwd, _ := os.Getwd()     // a directory that is gone has no name
	host, _ := os.Hostname() // nor has every machine
	r := &report{
		Header: reportHeader{
			Version: 2, Event: event, Trigger: trigger, Process: os.Getpid(), Directory: cwd, Host: host,
			Time: now.UTC().Format("2006-01-02T15:04:05Z"), Stamp: strconv.FormatInt(now.UnixMilli(), 10),
			Aworker: strings.TrimPrefix(serialize.Version, "v"), WordSize: strconv.IntSize, Arch: serialize.Arch(), Platform: serialize.Platform(),
			Components: map[string]string{"aworker": strings.TrimPrefix(serialize.Version, "v"), "go": runtime.Version()},
		},
		JSStack:     reportStack{Properties: map[string]string{}},
		Handles:     []reportHandle{},
		Environment: map[string]string{},
		Limits:      reportLimits(),
		Usage:       reportNumbers(),
		Objects:     []string{},
	}
	r.Header.OSName, r.Header.OSRelease, r.Header.OSVersion, r.Header.OSMachine = systemNames()
	if took := time.Since(started).Seconds(); took > 0 {
		r.Usage.Percentage = 100 * (r.Usage.User + r.Usage.Kernel) / max(took, 1)
	}
	for _, v := range os.Environ() {
		if name, value, ok := strings.Cut(v, "="); ok && name != "" {
			r.Environment[name] = value
		}
	}
	if exe, err := os.Executable(); err == nil {
		r.Objects = append(r.Objects, exe)
	}
	r.addHeap()
	r.addFrames()
	return r
}

func (r *report) addHeap() {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	limit := uint64(debug.SetMemoryLimit(-1))
	const exact = 1<<53 - 1 // that a number of JavaScript has
	limit = min(limit, exact)
	r.Heap = reportHeap{
		Total: m.HeapSys, Committed: m.HeapSys - m.HeapReleased, Used: m.HeapAlloc, Available: max(limit, m.HeapAlloc) - m.HeapAlloc, Limit: limit,
		Spaces: map[string]reportSpace{
			"heap":  {m.HeapSys, m.HeapSys - m.HeapReleased, m.HeapSys, m.HeapAlloc, m.HeapIdle},
			"stack": {m.StackSys, m.StackSys, m.StackSys, m.StackInuse, m.StackSys - m.StackInuse},
		},
	}
}

// addFrames is Go's stack of the goroutine that writes.
func (r *report) addFrames() {
	r.NativeStack = []reportFrame{}
	pcs := make([]uintptr, 256)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	for {
		f, more := frames.Next()
		if f.Function != "" {
			r.NativeStack = append(r.NativeStack, reportFrame{address(uint64(f.PC)), f.Function + " " + f.File + ":" + strconv.Itoa(f.Line)})
		}
		if !more {
			return
		}
	}
}

// writeReport writes a report where the options say, and says so.
func (o *aworkerOptions) writeReport(r *report) {
	name := o.ReportFilename
	if name == "" {
		name = fmt.Sprintf("report.%s.%d.%03d.json", time.Now().Format("20060102.150405"), os.Getpid(), reportCounter.Add(1))
	}
	r.Header.Filename = &name
	b, err := json.MarshalIndent(r, "", "  ")
	if o.ReportCompact {
		b, err = json.Marshal(r)
	}
	b = append(b, '\n')
	switch {
	case err != nil:
	case name == "stdout":
		_, err = o.stdout.Write(b)
	case name == "stderr":
		_, err = o.stderr.Write(b)
	default:
		path := name
		if o.ReportDirectory != "" {
			path = filepath.Join(o.ReportDirectory, name)
		}
		fmt.Fprintf(o.stderr, "\nWriting diagnostic report to file: %s", name)
		err = os.WriteFile(path, b, 0o600) // it has the environment
	}
	if err != nil {
		fmt.Fprintf(o.stderr, "\nFailed to open diagnostic report file: %s (%s)\n", name, err)
		return
	}
	if name != "stderr" {
		fmt.Fprint(o.stderr, "\nDiagnostic report completed\n")
	}
}
