package event_test

import (
	"context"
	"errors"
	"testing"

	"workerd.local/event"
)

func TestExchange(t *testing.T) {
	type key struct{}
	x := event.Exchange{Values: context.WithValue(t.Context(), key{}, "value")}
	if x.Err() != nil || x.Cause() != nil || x.Value(key{}) != "value" || x.Value(1) != nil || !event.Ends(&x) {
		t.Error("it is not as it begins")
	}
	if _, ok := x.Deadline(); ok {
		t.Error("it has a deadline")
	}
	derived, cancel := context.WithCancel(&x)
	defer cancel()
	called := make(chan string, 4)
	stop := event.AfterFunc(&x, func() { called <- "stopped" })
	event.AfterFunc(&x, func() { called <- "kept" })
	if !stop() || stop() {
		t.Error("what was stopped once is stopped")
	}
	why := errors.New("why")
	x.End(why)
	x.End(nil)
	<-x.Done()
	<-derived.Done()
	if got := <-called; got != "kept" || !errors.Is(x.Err(), context.Canceled) || x.Cause() != why || !errors.Is(derived.Err(), context.Canceled) || context.Cause(derived).Error() != "why" {
		t.Error(got, x.Err(), x.Cause(), derived.Err())
	}
	late := event.AfterFunc(&x, func() { called <- "late" })
	if got := <-called; got != "late" || late() {
		t.Error(got)
	}
	var early event.Exchange
	early.End(nil)
	<-early.Done()
	if early.Value(key{}) != nil || early.Cause() != context.Canceled || early.Err() != context.Canceled {
		t.Error(early.Cause())
	}
}

func TestAfterFuncOfOtherContexts(t *testing.T) {
	if event.Ends(context.Background()) {
		t.Error("the background ends")
	}
	ctx, cancel := context.WithCancel(t.Context())
	called := make(chan struct{})
	event.AfterFunc(ctx, func() { close(called) })
	cancel()
	<-called
	if !event.Ends(ctx) {
		t.Error("it may end")
	}
}
