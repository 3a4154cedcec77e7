package websocket

import (
	"bytes"
	"fmt"
	"io"
	"sync"

	"github.com/gobwas/ws"
	"github.com/klauspost/compress/flate"

	"workerd.local/event"
)

// leastDeflated is the size from which a message is worth compressing.
const leastDeflated = 64

// encode is the frame of a message, which other connections may share. A client's has a
// mask of its own.
func (c *Conn) encode(m event.Message) []byte {
	if m.Shared == nil || c.client || c.deflate && c.window != mostWindow {
		return c.encodeAlone(m)
	}
	form := 0
	if c.deflate {
		form = 1
	}
	return m.Shared.Form(form, func() []byte { return c.encodeAlone(m) })
}

func (c *Conn) encodeAlone(m event.Message) []byte {
	op := ws.OpBinary
	if m.Text {
		op = ws.OpText
	}
	body, rsv := m.Data, byte(0)
	if c.deflate && len(body) >= leastDeflated {
		if small := deflate(body, c.window); len(small) < len(body) {
			body, rsv = small, ws.Rsv(true, false, false)
		}
	}
	return c.frame(ws.Header{Fin: true, OpCode: op, Rsv: rsv, Length: int64(len(body))}, body)
}

// deflate compresses a message without what came before (RFC 7692, 7.2.1), and looks
// back 1<<window bytes at most. No state stays behind.
func deflate(b []byte, window uint8) []byte {
	var out bytes.Buffer
	out.Grow(len(b)/2 + 16)
	for len(b) > 0 {
		// Pieces as large as the window do not see each other.
		n := min(len(b), 1<<window-1)
		if err := flate.StatelessDeflate(&out, b[:n], false, nil); err != nil {
			panic(fmt.Sprintf("websocket: deflate: %v", err)) // a buffer does not fail
		}
		b = b[n:]
	}
	// What ends a flushed block is left out.
	return bytes.TrimSuffix(out.Bytes(), flushed)
}

var (
	flushed = []byte{0, 0, 0xff, 0xff}
	// ending completes the last block, and adds an empty one that says that it is the last.
	ending = []byte{0, 0, 0xff, 0xff, 1, 0, 0, 0xff, 0xff}
)

// inflaters are decoders between two messages.
var inflaters = sync.Pool{New: func() any { return &inflater{} }}

type inflater struct {
	in  bytes.Reader
	end bytes.Reader
	dec io.ReadCloser
}

// inflate undoes deflate. What becomes more than most bytes is event.ErrTooBig.
func inflate(b []byte, most int64) ([]byte, error) {
	f := inflaters.Get().(*inflater)
	defer inflaters.Put(f)
	f.in.Reset(b)
	f.end.Reset(ending)
	src := &both{&f.in, &f.end}
	if f.dec == nil {
		f.dec = flate.NewReader(src)
	} else if err := f.dec.(flate.Resetter).Reset(src, nil); err != nil {
		return nil, err
	}
	out := make([]byte, 0, min(int64(4*len(b)+64), most+1))
	for {
		if len(out) == cap(out) {
			out = append(out, 0)[:len(out)]
		}
		room := out[len(out):min(int64(cap(out)), most+1)]
		n, err := f.dec.Read(room)
		out = out[:len(out)+n]
		switch {
		case int64(len(out)) > most:
			return nil, event.ErrTooBig
		case err == io.EOF:
			if f.in.Len() > 0 {
				return nil, errAfterEnd
			}
			return out, nil
		case err != nil:
			return nil, err
		}
	}
}

var errAfterEnd = fmt.Errorf("the compressed message goes on after its end")

// both reads one after the other, byte by byte where it is asked to: the decoder then
// needs no buffer of its own.
type both struct{ first, second *bytes.Reader }

func (r *both) Read(p []byte) (int, error) {
	if r.first.Len() > 0 {
		return r.first.Read(p)
	}
	return r.second.Read(p)
}

func (r *both) ReadByte() (byte, error) {
	if r.first.Len() > 0 {
		return r.first.ReadByte()
	}
	return r.second.ReadByte()
}
