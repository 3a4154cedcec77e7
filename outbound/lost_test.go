package outbound

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"testing"

	"workerd.local/exception"
)

func TestLost(t *testing.T) {
	mine := exception.TypeErrorf("mine")
	wrap := func(err error) error { return &url.Error{Op: "Get", URL: "http://x", Err: fmt.Errorf("dial: %w", err)} }
	notFound := wrap(&net.DNSError{Err: "no such host", Name: "x", IsNotFound: true})
	for _, c := range []struct {
		in   error
		same error // what comes out, where that is not a new exception
		kind exception.Kind
	}{
		{wrap(mine), mine, 0},
		{notFound, notFound, 0},
		{wrap(&net.DNSError{Err: "try again", Name: "x", IsTemporary: true}), nil, exception.Disconnected},
		{wrap(errForbidden), nil, exception.Failed},
		{wrap(context.Canceled), context.Canceled, 0},
		{wrap(errors.New("reset")), nil, exception.Disconnected},
	} {
		got := lost(c.in)
		var e *exception.Exception
		switch {
		case c.same != nil && !errors.Is(got, c.same):
			t.Errorf("%v became %v, want %v", c.in, got, c.same)
		case c.same == nil && (!errors.As(got, &e) || e.Kind != c.kind || !errors.Is(got, c.in)):
			t.Errorf("%v became %v", c.in, got)
		}
	}
}
