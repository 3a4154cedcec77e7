package bind

import (
	"math"
	"strconv"
	"strings"
)

// Double is a number as C++ writes it in workerd's texts.
func Double(x float64) string {
	switch {
	case math.IsNaN(x):
		return "nan"
	case math.IsInf(x, 0):
		return strings.TrimPrefix(strings.ToLower(strconv.FormatFloat(x, 'g', -1, 64)), "+")
	}
	s := strconv.FormatFloat(x, 'g', 15, 64)
	if back, err := strconv.ParseFloat(s, 64); err != nil || back != x {
		s = strconv.FormatFloat(x, 'g', 17, 64)
	}
	return strings.Replace(s, "e+", "e", 1)
}
