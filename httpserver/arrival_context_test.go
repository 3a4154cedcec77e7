package httpserver

import (
	"context"
	"errors"
	"testing"
)

func TestContextOfAnArrival(t *testing.T) {
	var c requestContext
	if c.Err() != nil || c.Value(1) != nil {
		t.Error("it has ended before it began")
	}
	if _, ok := c.Deadline(); ok {
		t.Error("it has a deadline")
	}
	derived, cancel := context.WithCancel(&c)
	defer cancel()
	called := make(chan string, 4)
	stop := context.AfterFunc(&c, func() { called <- "stopped" })
	context.AfterFunc(&c, func() { called <- "kept" })
	if !stop() || stop() {
		t.Error("what was stopped once is stopped")
	}
	c.cancel()
	c.cancel()
	<-c.Done()
	<-derived.Done()
	if got := <-called; got != "kept" || !errors.Is(c.Err(), context.Canceled) || !errors.Is(derived.Err(), context.Canceled) {
		t.Error(got, c.Err(), derived.Err())
	}
	late := c.AfterFunc(func() { called <- "late" })
	if got := <-called; got != "late" || late() {
		t.Error(got)
	}
	var early requestContext
	early.cancel()
	<-early.Done()
}
