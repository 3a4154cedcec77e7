package invariants_test

import (
	"testing"

	"workerd.local/internal/invariants"
)

func TestCheckPanicsInCheckedBuildsOnly(t *testing.T) {
	check := func(ok bool) (p any) {
		defer func() { p = recover() }()
		invariants.Check(ok, "%d locks", 2)
		return nil
	}
	if p := check(true); p != nil {
		t.Errorf("a promise that holds panics: %v", p)
	}
	want := any(nil)
	if invariants.Enabled {
		want = "invariant violated: 2 locks"
	}
	if p := check(false); p != want {
		t.Errorf("a broken promise gives %v, want %v", p, want)
	}
}
