package durable

import (
	"math"
	"strings"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/storage"
	"workerd.local/webapi/bind"
)

// bounds are the members of the first argument of list(), of both sides of storage.
type bounds struct {
	start, startAfter, end, prefix *string
	reverse, hasReverse            bool
	limit                          *int
}

func readBounds(c *bind.Call) (b bounds, err error) {
	obj, err := dictionary(c, 1, listOptions)
	if obj == nil || err != nil {
		return b, err
	}
	terr := c.JS().Try(func() {
		for _, f := range []struct {
			name string
			into **string
		}{{"start", &b.start}, {"startAfter", &b.startAfter}, {"end", &b.end}, {"prefix", &b.prefix}} {
			v := obj.Get(f.name)
			if v == nil || goja.IsUndefined(v) {
				continue
			}
			var text string
			if text, err = c.String(1, v); err != nil {
				return
			}
			*f.into = &text
		}
		if v := obj.Get("reverse"); v != nil && !goja.IsUndefined(v) {
			b.reverse, b.hasReverse = v.ToBoolean(), true
		}
		if v := obj.Get("limit"); v != nil && !goja.IsUndefined(v) {
			b.limit, err = listLimit(v.ToNumber().ToFloat())
		}
	})
	return b, first(err, terr)
}

// compile turns the bounds into a range; empty says that nothing can be in it.
func (b *bounds) compile() (r storage.Range, empty bool, err error) {
	switch {
	case b.start != nil && b.startAfter != nil:
		return r, false, exception.TypeErrorf("list() cannot be called with both start and startAfter values.")
	case b.limit != nil && *b.limit <= 0:
		return r, false, exception.TypeErrorf("List limit must be positive.")
	case b.limit != nil:
		r.Limit = *b.limit
	}
	r.Reverse = b.reverse
	switch {
	case b.start != nil:
		r.Start = *b.start
	case b.startAfter != nil:
		r.Start = *b.startAfter + "\x00"
	}
	if b.end != nil {
		if *b.end == "" {
			return r, true, nil
		}
		r.End = *b.end
	}
	if b.prefix != nil && *b.prefix != "" {
		if r, empty = within(r, *b.prefix); empty {
			return r, true, nil
		}
	}
	return r, r.End != "" && r.End <= r.Start, nil
}

// within clamps a range to the keys that begin with a prefix.
func within(r storage.Range, prefix string) (clamped storage.Range, empty bool) {
	switch {
	case r.Start < prefix:
		r.Start = prefix
	case !strings.HasPrefix(r.Start, prefix):
		return r, true
	}
	switch {
	case r.End == "":
		r.End = afterPrefix(prefix)
	case r.End <= prefix:
		return r, true
	case !strings.HasPrefix(r.End, prefix):
		r.End = afterPrefix(prefix)
	}
	return r, false
}

// listLimit is a number as a 32 bit integer; what is no number, or infinite, counts as 0.
func listLimit(f float64) (*int, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		f = 0
	}
	f = math.Trunc(f)
	if f < math.MinInt32 || f > math.MaxInt32 {
		return nil, exception.TypeErrorf("Value out of range. Must be between %d and %d (inclusive).", math.MinInt32, math.MaxInt32)
	}
	n := int(f)
	return &n, nil
}

// afterPrefix is the first key after all that begin with p; empty where there is
// none.
func afterPrefix(p string) string {
	b := []byte(p)
	for len(b) > 0 && b[len(b)-1] == 0xff {
		b = b[:len(b)-1]
	}
	if len(b) == 0 {
		return ""
	}
	b[len(b)-1]++
	return string(b)
}
