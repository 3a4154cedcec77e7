package natives

import (
	"cmp"
	"math"
	"slices"

	"github.com/dop251/goja"
)

// typedSort hands short arrays and those with a comparator to goja; the others
// are sorted here in runs with a poll between them.
func typedSort(e *env, prev raw) raw {
	return func(c goja.FunctionCall) goja.Value {
		o, ok := c.This.(*goja.Object)
		if !ok || c.Argument(0) != undefined || !isTyped(o) || e.typedLength(o) <= 1<<16 {
			return prev(c)
		}
		switch s := o.Export().(type) {
		case []uint8:
			sortRuns(e, s, cmp.Compare)
		case []int8:
			sortRuns(e, s, cmp.Compare)
		case []uint16:
			sortRuns(e, s, cmp.Compare)
		case []int16:
			sortRuns(e, s, cmp.Compare)
		case []uint32:
			sortRuns(e, s, cmp.Compare)
		case []int32:
			sortRuns(e, s, cmp.Compare)
		case []uint64:
			sortRuns(e, s, cmp.Compare)
		case []int64:
			sortRuns(e, s, cmp.Compare)
		case []float32:
			sortRuns(e, s, compareFloat)
		case []float64:
			sortRuns(e, s, compareFloat)
		default:
			return prev(c)
		}
		return o
	}
}

// compareFloat orders -0 before 0 and NaN last.
func compareFloat[F float32 | float64](a, b F) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	case a != a || b != b:
		return -cmp.Compare(a, b) // Go puts NaN first
	case a == 0 && b == 0:
		as, bs := math.Signbit(float64(a)), math.Signbit(float64(b))
		if as == bs {
			return 0
		}
		if as {
			return -1
		}
		return 1
	}
	return 0
}

func sortRuns[T any](e *env, s []T, compare func(a, b T) int) {
	const run = 1 << 14
	for i := 0; i < len(s); i += run {
		slices.SortFunc(s[i:min(i+run, len(s))], compare)
		e.pollN(pollEvery)
	}
	e.charge(int64(len(s)) * 8)
	src, dst := s, make([]T, len(s))
	for width := run; width < len(s); width *= 2 {
		for lo := 0; lo < len(s); lo += 2 * width {
			mid, hi := min(lo+width, len(s)), min(lo+2*width, len(s))
			i, j := lo, mid
			for k := lo; k < hi; k++ {
				if k&(run-1) == 0 {
					e.pollN(pollEvery)
				}
				if j >= hi || i < mid && compare(src[i], src[j]) <= 0 {
					dst[k] = src[i]
					i++
				} else {
					dst[k] = src[j]
					j++
				}
			}
		}
		src, dst = dst, src
	}
	if len(s) > 0 && &src[0] != &s[0] {
		copy(s, src)
	}
}
