package htmlrewriter

import (
	"unicode/utf8"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/internal/limits"
	"workerd.local/isolate"
	"workerd.local/webapi/fetch"
	"workerd.local/webapi/streams"
)

// flushSize is how much output is written at once, in bytes, while input is at hand.
const flushSize = 16 << 10

// transform drives a machine: it reads the input, calls the handlers and waits for
// what they return, and writes the output, as fast as that is read.
type transform struct {
	m        *machine
	handlers []handlers
	in       *streams.Chunks
	out      *streams.Pipe
	// frame is the one that transform() was called in: handlers see its
	// AsyncLocalStorage values.
	frame *isolate.Frame

	// pending counts what must be over before the machine goes on.
	pending int
	running bool
	over    bool
	begun   bool // it has asked for input
	reading bool
	// gone is why the reader of the output went away while input was awaited.
	gone goja.Value

	queue []piece // output that is not written yet
	sub   *substream
}

// substream is a stream that a handler put into the document.
type substream struct {
	in   *streams.Chunks
	html bool
	tail []byte // an unfinished character
}

func startTransform(js *isolate.JS, hs []handlers, cs charset, in *streams.Readable) (*streams.Readable, error) {
	regs := make([]registration, len(hs))
	for i := range hs {
		regs[i] = hs[i].registration()
	}
	t := &transform{handlers: hs, frame: js.Frame()}
	t.m = newMachine(regs, cs, int(limits.HTMLMemory.In(js.Bounds())), js.Compat().Has("html_rewriter_treats_esi_include_as_void_tag"))
	var err error
	if t.in, err = in.Chunks(); err != nil {
		return nil, err
	}
	t.out = streams.NewPipe(js, t.canceled)
	// No handler runs before transform() has returned.
	js.Later(t.run)
	return t.out.Readable(), nil
}

// begin says that the machine has to wait until done is called.
func (t *transform) begin() (done func(js *isolate.JS)) {
	t.pending++
	return func(js *isolate.JS) {
		t.pending--
		t.run(js)
	}
}

// run goes on until something has to be waited for.
func (t *transform) run(js *isolate.JS) {
	if t.running {
		return
	}
	t.running = true
	defer func() { t.running = false }()
	for t.pending == 0 && !t.over {
		if js.Realm().Interrupted() {
			return // the turn ends here
		}
		if t.sub != nil {
			t.readSub(js)
			continue
		}
		if len(t.queue) > 0 {
			t.write(js)
			continue
		}
		status, c, err := t.m.step()
		switch {
		case err != nil:
			t.fail(js, js.Error(err))
		case status == wantCall:
			t.call(js, c)
		case status == wantInput:
			if !t.flush() {
				t.read(js)
			}
		case status == finished:
			if !t.flush() {
				t.over = true
				t.out.Close(js)
			}
		case t.m.outSize >= flushSize:
			t.flush()
		}
	}
}

// flush moves the machine's output to what is written next.
func (t *transform) flush() (any bool) {
	t.queue = append(t.queue, t.m.takeOut()...)
	return len(t.queue) > 0
}

// write begins to write the first piece of output.
func (t *transform) write(js *isolate.JS) {
	p := t.queue[0]
	t.queue[0] = piece{}
	t.queue = t.queue[1:]
	if p.stream != nil {
		in, err := p.stream.(*streams.Readable).Chunks()
		if err != nil {
			t.fail(js, js.Error(errLocked))
			return
		}
		t.sub = &substream{in: in, html: p.html}
		return
	}
	done := t.begin()
	t.out.Write(js, p.b, func(js *isolate.JS, _ bool) { done(js) })
}

// read asks for input.
func (t *transform) read(js *isolate.JS) {
	finish := t.begin()
	t.begun, t.reading = true, true
	done := func(js *isolate.JS) {
		t.reading = false
		if t.gone != nil && !t.over {
			t.end(js, t.gone)
		}
		finish(js)
	}
	t.in.Next(js, func(js *isolate.JS, b []byte) {
		t.m.feed(b)
		done(js)
	}, func(js *isolate.JS) {
		t.m.close()
		done(js)
	}, func(js *isolate.JS, reason goja.Value) {
		t.fail(js, reason)
		done(js)
	})
}

var errUTF8 = parserError("Invalid UTF-8")

// readSub asks for the next bytes of a stream in the document.
func (t *transform) readSub(js *isolate.JS) {
	done := t.begin()
	sub := t.sub
	sub.in.Next(js, func(js *isolate.JS, b []byte) {
		defer done(js)
		if len(sub.tail) > 0 {
			b = append(sub.tail, b...)
			sub.tail = nil
		}
		n := utf8Whole(b)
		sub.tail = append(sub.tail, b[n:]...)
		if !utf8.Valid(b[:n]) {
			t.fail(js, js.Error(errUTF8))
			return
		}
		p := piece{b: t.m.charset.encode(content{text: string(b[:n]), html: sub.html}.escaped())}
		w := t.begin()
		t.out.Write(js, p.b, func(js *isolate.JS, _ bool) { w(js) })
	}, func(js *isolate.JS) {
		t.sub = nil // a character that the end cuts off is left out, as in workerd
		done(js)
	}, func(js *isolate.JS, reason goja.Value) {
		t.sub = nil
		t.fail(js, reason)
		done(js)
	})
}

var errLocked = exception.TypeErrorf("The ReadableStream has been locked to a reader.")

// call calls a handler and waits for what it returns.
func (t *transform) call(js *isolate.JS, c *call) {
	fn, this := goja.Value(nil), goja.Value(goja.Undefined())
	if c.event == onEndTag {
		fn = c.handler.(goja.Value)
	} else {
		h := &t.handlers[c.reg]
		fn, this = h.of[c.event], h.this
	}
	obj, expire := wrap(js, c)
	var v goja.Value
	var err error
	js.In(t.frame, func() { v, err = js.Call(fn, this, obj) })
	if err != nil {
		expire()
		if isolate.Uncatchable(err) {
			js.Panic(err)
		}
		t.fail(js, js.Error(err))
		return
	}
	if _, ok := v.(*goja.Object); !ok {
		expire()
		return
	}
	done := t.begin()
	over := false
	js.OnSettled(v, func(js *isolate.JS, _ goja.Value, err error) {
		over = true
		expire()
		if err != nil {
			if isolate.Uncatchable(err) {
				js.Panic(err)
			}
			t.fail(js, js.Error(err))
		}
		done(js)
	})
	if over || len(t.m.out) != 1 || t.m.out[0].stream != nil {
		return
	}
	// While the handler takes its time, what came before it goes out.
	p := t.m.takeOut()[0]
	w := t.begin()
	t.out.Write(js, p.b, func(js *isolate.JS, _ bool) { w(js) })
}

// fail ends both sides.
func (t *transform) fail(js *isolate.JS, reason goja.Value) {
	if t.over {
		return
	}
	t.end(js, reason)
	t.out.Fail(js, reason)
}

// canceled is told that nobody reads the output any more. A script that writes the
// input hears of it after its next write, as in workerd.
func (t *transform) canceled(js *isolate.JS, reason goja.Value) {
	switch {
	case t.over:
	case (t.reading || !t.begun) && !t.in.Host():
		t.gone = reason
	default:
		t.end(js, reason)
	}
}

func (t *transform) end(js *isolate.JS, reason goja.Value) {
	t.over = true
	t.in.Cancel(js, reason)
	if t.sub != nil {
		t.sub.in.Cancel(js, reason)
	}
	t.queue, t.sub = nil, nil
}

// rewrite is transform().
func rewrite(js *isolate.JS, hs []handlers, r *fetch.Response) (*fetch.Response, error) {
	cs := charset{}
	if label, ok := charsetOf(r.ContentType()); ok {
		var err error
		if cs, err = newCharset(label); err != nil {
			return nil, err
		}
	}
	in, err := r.Stream(js)
	if err != nil {
		return nil, err
	}
	if in.CheckFree() != nil {
		return nil, errLocked
	}
	out, err := startTransform(js, hs, cs, in)
	if err != nil {
		return nil, err
	}
	return r.WithBody(out), nil
}
