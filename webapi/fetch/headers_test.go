package fetch

import "testing"

// A header map that has been handed out does not change any more.
func TestHandedOutHeadersAreCopiedBeforeTheyChange(t *testing.T) {
	h := NewHeaders(nil, false)
	if err := h.Set("a", "1"); err != nil {
		t.Fatal(err)
	}
	out := h.share()
	for _, change := range []func() error{
		func() error { return h.Set("a", "2") },
		func() error { return h.Append("a", "3") },
		func() error { return h.Delete("a") },
	} {
		h.share()
		if err := change(); err != nil {
			t.Fatal(err)
		}
	}
	if got := out.Get("A"); got != "1" || len(out) != 1 {
		t.Errorf("the map that was handed out became %v", out)
	}
}
