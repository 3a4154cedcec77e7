package exception

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

func TestFromHidesForeignErrors(t *testing.T) {
	e, fresh := From(fmt.Errorf("open /secret: %w", io.ErrUnexpectedEOF))
	if !fresh || strings.Contains(e.Error(), "secret") {
		t.Fatalf("visible text %q, fresh %v", e.Error(), fresh)
	}
	if !errors.Is(e, io.ErrUnexpectedEOF) {
		t.Fatal("the cause is lost for the log")
	}
	if len(strings.TrimPrefix(e.Message, "internal error; reference = ")) != 24 {
		t.Fatalf("reference in %q", e.Message)
	}
}

func TestFromFindsWrappedException(t *testing.T) {
	in := RangeErrorf("too big")
	e, fresh := From(fmt.Errorf("put: %w", in))
	if fresh || e != in {
		t.Fatalf("From = %v, %v", e, fresh)
	}
}

func TestFirstBreakReasonWins(t *testing.T) {
	e := Errorf("x").WithBroken(ConstructorFailed).WithBroken(Dropped)
	if e.Broken != ConstructorFailed || !e.Reset() {
		t.Fatalf("broken = %q", e.Broken)
	}
}

func TestErrorText(t *testing.T) {
	for _, c := range []struct {
		e    *Exception
		want string
	}{
		{New("", ""), "Error"},
		{TypeErrorf("a %d", 1), "TypeError: a 1"},
		{DOM("AbortError", "gone"), "AbortError: gone"},
	} {
		if c.e.Error() != c.want {
			t.Errorf("%q, want %q", c.e.Error(), c.want)
		}
	}
}
