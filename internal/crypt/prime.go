package crypt

import (
	"errors"
	"math/big"
)

// PrimeOptions say which prime is wanted.
type PrimeOptions struct {
	Bits int
	// TopTwo sets the two highest bits, so that the product of two such primes has all
	// its bits; otherwise the highest one is set.
	TopTwo bool
	// Safe wants (p-1)/2 to be a prime, too.
	Safe bool
	// Add and Rem want p mod Add to be Rem; nil Rem stands for 1, or 3 with Safe.
	Add, Rem *big.Int
}

// primeRounds are the Miller-Rabin rounds beside the Baillie-PSW test: with random
// candidates of any size they leave less than 2^-80.
const primeRounds = 20

// smallPrimes sieve candidates before they are tested.
var smallPrimes = [...]uint64{3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53}

const smallProduct = 3 * 5 * 7 * 11 * 13 * 17 * 19 * 23 * 29 * 31 * 37 * 41 * 43 * 47 * 53

// ErrNoPrime is a request that no prime satisfies.
var ErrNoPrime = errors.New("no such prime")

// Prime finds a random prime.
func Prime(o PrimeOptions, random Random, stop Stop) (*big.Int, error) {
	if o.Bits < 2 || o.Bits < 3 && o.Safe {
		return nil, ErrNoPrime
	}
	b := make([]byte, (o.Bits+7)/8)
	p, half := new(big.Int), new(big.Int)
	product := new(big.Int).SetUint64(smallProduct)
	mod := new(big.Int)
	for {
		if err := stop.err(); err != nil {
			return nil, err
		}
		random(b)
		p.SetBytes(b)
		for i := 8*len(b) - 1; i >= o.Bits; i-- {
			p.SetBit(p, i, 0)
		}
		p.SetBit(p, o.Bits-1, 1)
		if o.TopTwo {
			p.SetBit(p, o.Bits-2, 1)
		}
		if o.Add != nil {
			o.congruent(p)
			if p.BitLen() != o.Bits {
				continue
			}
		} else if o.Bits > 2 {
			p.SetBit(p, 0, 1)
			if o.Safe {
				p.SetBit(p, 1, 1)
			}
		}
		m := mod.Mod(p, product).Uint64()
		if o.Bits > 6 && divisible(m) {
			continue
		}
		if o.Safe {
			half.Rsh(p, 1)
			if o.Bits > 7 && divisible(mod.Mod(half, product).Uint64()) || !half.ProbablyPrime(0) {
				continue
			}
		}
		if p.ProbablyPrime(primeRounds) && (!o.Safe || half.ProbablyPrime(primeRounds)) {
			return p, nil
		}
	}
}

// IsPrime says whether n is a prime. Beside the Baillie-PSW test it does as many rounds
// of Miller-Rabin as it is told; it can be stopped between them.
func IsPrime(n *big.Int, rounds int, random Random, stop Stop) (bool, error) {
	if !n.ProbablyPrime(0) {
		return false, nil
	}
	if n.BitLen() < 64 {
		return true, nil // the first test makes no mistake with these
	}
	less := new(big.Int).Sub(n, one)
	twos := less.TrailingZeroBits()
	odd := new(big.Int).Rsh(less, twos)
	x, b := new(big.Int), make([]byte, (n.BitLen()+7)/8+8)
	for range rounds {
		if err := stop.err(); err != nil {
			return false, err
		}
		// A base from 1 to n-1; with 8 bytes more than n has all are as likely.
		random(b)
		x.Add(x.Mod(x.SetBytes(b), less), one)
		if !strongProbable(x.Exp(x, odd, n), less, n, twos) {
			return false, nil
		}
	}
	return true, nil
}

// strongProbable is the rest of a round: x is the base to the power of the odd part.
func strongProbable(x, less, n *big.Int, twos uint) bool {
	if x.Cmp(one) == 0 || x.Cmp(less) == 0 {
		return true
	}
	for range twos - 1 {
		if x.Mod(x.Mul(x, x), n); x.Cmp(less) == 0 {
			return true
		}
	}
	return false
}

// congruent changes p to a number near it with the remainder that is wanted.
func (o *PrimeOptions) congruent(p *big.Int) {
	rem := o.Rem
	if rem == nil {
		rem = one
		if o.Safe {
			rem = big.NewInt(3)
		}
	}
	p.Sub(p, new(big.Int).Mod(p, o.Add)).Add(p, rem)
}

func divisible(m uint64) bool {
	for _, s := range smallPrimes {
		if m%s == 0 {
			return true
		}
	}
	return false
}
