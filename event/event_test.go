package event

import (
	"io"
	"strings"
	"testing"
)

func TestBodyKinds(t *testing.T) {
	closed := false
	for _, c := range []struct {
		name string
		body Body
		null bool
		size int64
		text string
	}{
		{"none", NoBody, true, 0, ""},
		{"empty", BytesBody(nil), false, 0, ""},
		{"bytes", BytesBody([]byte("abc")), false, 3, "abc"},
		{"stream", StreamBody(closer{strings.NewReader("xy"), &closed}, -1), false, -1, "xy"},
	} {
		if c.body.IsNull() != c.null || c.body.Size() != c.size {
			t.Errorf("%s: null %v, size %d", c.name, c.body.IsNull(), c.body.Size())
		}
		got, err := io.ReadAll(c.body.Reader())
		if err != nil || string(got) != c.text {
			t.Errorf("%s: read %q, %v", c.name, got, err)
		}
		if err := c.body.Close(); err != nil {
			t.Error(err)
		}
	}
	if !closed {
		t.Error("the stream was not closed")
	}
}

type closer struct {
	io.Reader
	closed *bool
}

func (c closer) Close() error { *c.closed = true; return nil }
