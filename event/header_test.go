package event_test

import (
	"maps"
	"net/http"
	"slices"
	"testing"

	"workerd.local/event"
)

func TestApplyHeaders(t *testing.T) {
	h := http.Header{"A": {"1", "2"}, "B": {"3"}, "Kept": {"4"}}
	event.ApplyHeaders(h, []event.HeaderRule{
		{Name: "a", Value: "new"}, {Name: "b", Remove: true}, {Name: "missing", Remove: true},
		{Name: "c-d", Value: "first"}, {Name: "C-D", Value: "last"}, {Name: "empty"},
	})
	want := http.Header{"A": {"new"}, "Kept": {"4"}, "C-D": {"last"}, "Empty": {""}}
	if !maps.EqualFunc(h, want, slices.Equal) {
		t.Errorf("got %v, want %v", h, want)
	}
}
