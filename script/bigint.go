package script

import (
	"math"
	"math/big"
	"math/bits"
	"strconv"

	"github.com/dop251/goja"

	"workerd.local/internal/limits"
)

// maxBigIntBits bounds the results of ** and << on BigInt, where a few
// characters of source can ask for more memory than there is. V8 has a bound of
// the same size class and throws the same error.
func (s *state) maxBigIntBits() int { return limits.BigIntBits.In(s.bounds) }

func itoa(i int) string { return strconv.Itoa(i) }

func (s *state) rangeError(text string) {
	if e, err := s.rt.New(s.rt.Get("RangeError"), s.rt.ToValue(text)); err == nil {
		panic(e)
	}
	panic(s.rt.NewTypeError(text))
}

func bigOf(v goja.Value) (*big.Int, bool) {
	b, ok := v.Export().(*big.Int)
	return b, ok
}

// primitive converts an operand the way arithmetic does.
func (s *state) primitive(v goja.Value) goja.Value {
	if _, ok := v.(*goja.Object); !ok {
		return v
	}
	n, err := s.numeric(v)
	if err != nil {
		rethrow(err)
	}
	return n
}

// pow is left ** right in sources that use BigInt.
func (s *state) pow(left, right goja.Value) goja.Value {
	left, right = s.primitive(left), s.primitive(right)
	a, okA := bigOf(left)
	b, okB := bigOf(right)
	if okA != okB {
		panic(s.rt.NewTypeError("Cannot mix BigInt and other types, use explicit conversions"))
	}
	if !okA {
		x, y := left.ToFloat(), right.ToFloat()
		if math.IsNaN(y) || math.IsInf(y, 0) && math.Abs(x) == 1 {
			return s.rt.ToValue(math.NaN())
		}
		return s.rt.ToValue(math.Pow(x, y))
	}
	if b.Sign() < 0 {
		s.rangeError("Exponent must be non-negative")
	}
	// |a| <= 1 never grows.
	if a.BitLen() > 1 && (!b.IsInt64() || b.Int64() > int64(s.maxBigIntBits()/a.BitLen())) {
		s.rangeError("Maximum BigInt size exceeded")
	}
	if a.BitLen() <= 1 && !b.IsInt64() {
		b = new(big.Int).And(b, big.NewInt(1)) // only the parity counts
		if a.Sign() == 0 {
			b.SetInt64(1)
		}
	}
	return s.rt.ToValue(new(big.Int).Exp(a, b, nil))
}

// shl is left << right in sources that use BigInt.
func (s *state) shl(left, right goja.Value) goja.Value { return s.shift(left, right, false) }

// shr is left >> right in sources that use BigInt.
func (s *state) shr(left, right goja.Value) goja.Value { return s.shift(left, right, true) }

func (s *state) shift(left, right goja.Value, toRight bool) goja.Value {
	left, right = s.primitive(left), s.primitive(right)
	a, okA := bigOf(left)
	b, okB := bigOf(right)
	if okA != okB {
		panic(s.rt.NewTypeError("Cannot mix BigInt and other types, use explicit conversions"))
	}
	if !okA {
		n := uint32(toInt32(right.ToFloat())) & 31
		if toRight {
			return s.rt.ToValue(toInt32(left.ToFloat()) >> n)
		}
		return s.rt.ToValue(toInt32(left.ToFloat()) << n)
	}
	if a.Sign() == 0 {
		return left
	}
	if toRight {
		b = new(big.Int).Neg(b)
	}
	if b.Sign() < 0 {
		if !b.IsInt64() || -b.Int64() > int64(a.BitLen()) {
			if a.Sign() < 0 {
				return s.rt.ToValue(big.NewInt(-1))
			}
			return s.rt.ToValue(new(big.Int))
		}
		return s.rt.ToValue(new(big.Int).Rsh(a, uint(-b.Int64())))
	}
	if !b.IsInt64() || b.Int64() > int64(s.maxBigIntBits()-a.BitLen()) {
		s.rangeError("Maximum BigInt size exceeded")
	}
	return s.rt.ToValue(new(big.Int).Lsh(a, uint(b.Int64())))
}

// count is the right operand of **=, <<= or >>= whose left side is evaluated by the
// engine.
func (s *state) count(right goja.Value) goja.Value {
	right = s.primitive(right)
	if n, ok := bigOf(right); ok && n.BitLen() > bits.Len(uint(s.maxBigIntBits())) {
		s.rangeError("Maximum BigInt size exceeded")
	}
	return right
}

func toInt32(f float64) int32 {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return 0
	}
	return int32(uint32(int64(math.Mod(math.Trunc(f), 1<<32))))
}
