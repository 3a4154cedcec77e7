package event

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

// direct is a stream that must be written with WriteTo.
type direct struct {
	io.Closer
	text string
}

func (direct) Read([]byte) (int, error) { panic("read although it can write itself") }
func (d direct) WriteTo(w io.Writer) (int64, error) {
	n, err := io.WriteString(w, d.text)
	return int64(n), err
}

func TestOnCloseTellsOnceAndKeepsTheFastWay(t *testing.T) {
	told := 0
	for _, inner := range []io.ReadCloser{io.NopCloser(strings.NewReader("abc")), direct{io.NopCloser(nil), "abc"}} {
		told = 0
		r := OnClose(inner, func() { told++ })
		var out bytes.Buffer
		if _, err := r.(io.WriterTo).WriteTo(&out); err != nil || out.String() != "abc" {
			t.Errorf("WriteTo gave %q, %v", out.String(), err)
		}
		if told != 0 {
			t.Error("told before Close")
		}
		r.Close()
		r.Close()
		if told != 1 {
			t.Errorf("told %d times", told)
		}
	}
}
