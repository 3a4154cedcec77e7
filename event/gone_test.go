package event_test

import (
	"io"
	"strings"
	"testing"

	"workerd.local/event"
)

func TestGoneIsHeardOnce(t *testing.T) {
	var g event.Gone
	told, heard := 0, 0
	g.Watch(func(h func()) { told++; h() })
	g.Tell(func() { heard++ })
	g.Tell(func() { heard++ }) // nobody watches any more
	if told != 1 || heard != 2 {
		t.Errorf("told %d, heard %d", told, heard)
	}
	g.Watch(func(h func()) { told++; h() }) // too late to wait for, but told
	if told != 2 {
		t.Errorf("told %d", told)
	}
}

func TestOnAbandonTellsOfAnEarlyCloseOnly(t *testing.T) {
	for _, c := range []struct {
		name string
		read func(r io.ReadCloser) error
		want int
	}{
		{"nothing", func(io.ReadCloser) error { return nil }, 1},
		{"a part", func(r io.ReadCloser) error { _, err := r.Read(make([]byte, 1)); return err }, 1},
		{"all", func(r io.ReadCloser) error { _, err := io.ReadAll(struct{ io.Reader }{r}); return err }, 0},
		{"all at once", func(r io.ReadCloser) error { _, err := r.(io.WriterTo).WriteTo(io.Discard); return err }, 0},
	} {
		told := 0
		r := event.OnAbandon(io.NopCloser(strings.NewReader("abc")), func() { told++ })
		if err := c.read(r); err != nil {
			t.Error(err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		r.Close()
		if told != c.want {
			t.Errorf("%s: told %d times, want %d", c.name, told, c.want)
		}
	}
}
