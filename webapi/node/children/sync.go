package children

import (
	"context"
	"io"
	"os"
	"sync"
	"time"

	"github.com/dop251/goja"

	"workerd.local/iocontext"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/node/core"
	"workerd.local/webapi/node/glue"
)

// outcome is what a synchronous call gives.
type outcome struct {
	pid    int
	code   int
	signal string
	output [][]byte
	failed string // the code of an error
}

// jsSpawnSync is spawnSync(options, input, timeout in ms, maxBuffer, signal):
// {pid, status, signal, output, error}.
func jsSpawnSync(c *bind.Call) (any, error) {
	js := c.JS()
	o, err := options(c)
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	if ioc, err := iocontext.Current(js); err == nil {
		ctx = ioc.Context()
	}
	b, _ := bind.Bytes(js, c.Arg(1))
	most := c.Arg(3).ToFloat()
	if err := families.Get(js).bounded(js); err != nil {
		return result(c, &outcome{failed: "EAGAIN"}, o)
	}
	out := o.run(ctx, append([]byte(nil), b...), time.Duration(c.Arg(2).ToFloat()*float64(time.Millisecond)), int64(min(most, 1<<53)), int(c.Arg(4).ToInteger()))
	return result(c, out, o)
}

func result(c *bind.Call, out *outcome, o *order) (any, error) {
	js := c.JS()
	obj := js.Runtime().NewObject()
	values := map[string]any{"pid": out.pid, "status": goja.Null(), "signal": goja.Null(), "output": goja.Null()}
	if out.failed != "" {
		values["error"] = out.failed
	}
	if out.pid != 0 {
		if out.signal != "" {
			values["signal"] = out.signal
		} else {
			values["status"] = out.code
		}
		list := make([]any, len(o.stdio))
		for i := range list {
			list[i] = goja.Null()
			if i > 0 && o.stdio[i].kind == "pipe" {
				buf, err := core.NewBuffer(js, out.output[i])
				if err != nil {
					return nil, err
				}
				list[i] = buf
			}
		}
		values["output"] = list
	}
	for name, v := range values {
		if err := obj.Set(name, bind.Value(js, v)); err != nil {
			return nil, err
		}
	}
	return obj, nil
}

// run runs the child to its end, or to that of ctx.
func (o *order) run(ctx context.Context, input []byte, timeout time.Duration, most int64, signal int) *outcome {
	out := &outcome{output: make([][]byte, len(o.stdio))}
	s, err := o.start()
	if err != nil {
		out.failed = glue.SystemErrorOf(err, "spawnSync", "", "").Code
		return out
	}
	out.pid = s.process.Pid
	var (
		wg sync.WaitGroup
		mu sync.Mutex // guards out.failed
	)
	kill := func(code string) {
		mu.Lock()
		defer mu.Unlock()
		if out.failed == "" && code != "" {
			out.failed = code
		}
		_ = send(s.process, signal) // one that has ended needs none
	}
	for i, f := range s.ends {
		switch {
		case f == nil:
		case i == 0:
			wg.Go(func() {
				defer f.Close()
				// A child that does not want it all closes its end.
				_, _ = f.Write(input)
			})
		default:
			wg.Go(func() {
				defer f.Close()
				b, _ := io.ReadAll(io.LimitReader(f, most))
				out.output[i] = b
				var one [1]byte
				if n, _ := f.Read(one[:]); n > 0 {
					kill("ENOBUFS")
					_, _ = io.Copy(io.Discard, f)
				}
			})
		}
	}
	done := make(chan struct{})
	wg.Go(func() {
		out.code, out.signal = s.wait()
		close(done)
	})
	var late <-chan time.Time
	if timeout > 0 {
		t := time.NewTimer(timeout)
		defer t.Stop()
		late = t.C
	}
	select {
	case <-done:
	case <-late:
		kill("ETIMEDOUT")
		closeAfter(done, s.ends)
	case <-ctx.Done():
		_ = s.process.Kill()
		closeAfter(done, s.ends)
	}
	wg.Wait()
	return out
}

// closeAfter ends the reading of pipes that grandchildren hold open once the child
// that had to go is gone.
func closeAfter(done <-chan struct{}, ends []*os.File) {
	<-done
	for _, f := range ends {
		if f != nil {
			f.Close()
		}
	}
}
