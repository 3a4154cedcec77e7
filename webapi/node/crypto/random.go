package crypto

import (
	"math/big"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/internal/crypt"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/crypto"
)

// fill(view): refused in the global scope.
func jsFill(c *bind.Call) (any, error) {
	if _, err := c.Context(); err != nil {
		return nil, err
	}
	c.JS().Host().Random(bytes(c, 0))
	return nil, nil
}

func jsUUID(c *bind.Call) (any, error) {
	if _, err := c.Context(); err != nil {
		return nil, err
	}
	return crypto.RandomUUID(c.JS().Host()), nil
}

// maxPrimeBits bounds primes that are made or looked at, as workerd does.
const maxPrimeBits = 8192

// prime(bits, safe, add, rem, async)
func jsPrime(c *bind.Call) (any, error) {
	o := crypt.PrimeOptions{Bits: int(c.Arg(0).ToInteger()), Safe: c.Arg(1).ToBoolean()}
	if o.Bits > maxPrimeBits {
		return nil, exception.RangeErrorf("generatePrime size exceeds maximum (%d bits)", maxPrimeBits)
	}
	if isSet(c.Arg(2)) {
		o.Add = new(big.Int).SetBytes(bytes(c, 2))
		if isSet(c.Arg(3)) {
			o.Rem = new(big.Int).SetBytes(bytes(c, 3))
		}
		// Others may have no prime at all.
		if !usualPair(o.Add, o.Rem) {
			return nil, exception.RangeErrorf("Invalid values for add and rem")
		}
		if o.Add.BitLen() > o.Bits {
			return nil, exception.RangeErrorf("options.add must not be bigger than size of the requested prime")
		}
	}
	o.TopTwo = o.Add == nil
	r := random(c.JS())
	return long(c, c.Arg(4).ToBoolean(), func(stop crypt.Stop) ([]byte, error) {
		p, err := crypt.Prime(o, r, stop)
		if err != nil {
			return nil, errorf("Error while generating prime")
		}
		return p.Bytes(), nil
	}, arrayBuffer)
}

func usualPair(add, rem *big.Int) bool {
	if rem == nil || !add.IsInt64() || !rem.IsInt64() {
		return false
	}
	switch [2]int64{add.Int64(), rem.Int64()} {
	case [2]int64{12, 11}, [2]int64{24, 23}, [2]int64{60, 59}:
		return true
	}
	return false
}

// maxPrimeChecks bounds the rounds that a script may ask for, as workerd does.
const maxPrimeChecks = 64

// checkPrime(bytes, checks, async)
func jsCheckPrime(c *bind.Call) (any, error) {
	candidate, checks := bytes(c, 0), int(c.Arg(1).ToInteger())
	if checks > maxPrimeChecks {
		return nil, exception.RangeErrorf("Invalid number of checks")
	}
	if len(candidate) > maxPrimeBits/8 {
		return nil, exception.RangeErrorf("checkPrime candidate exceeds maximum size")
	}
	n := new(big.Int).SetBytes(candidate)
	r := random(c.JS())
	return long(c, c.Arg(2).ToBoolean(), func(stop crypt.Stop) ([]byte, error) {
		if prime, err := crypt.IsPrime(n, checks, r, stop); err != nil || !prime {
			return nil, err
		}
		return []byte{1}, nil
	}, func(js *isolate.JS, b []byte) (goja.Value, error) { return bind.Value(js, len(b) > 0), nil })
}
