package crypt

import (
	"errors"
	"math/big"
	"strings"
	"sync"
)

// DH is one side of a Diffie-Hellman exchange over the numbers modulo a prime.
type DH struct {
	P, G            *big.Int
	Public, Private *big.Int // nil until they are made or set
}

// What is wrong with the parameters (OpenSSL's DH_check).
const (
	DHNotPrime            = 1
	DHNotSafePrime        = 2
	DHGeneratorUnknown    = 4
	DHUnsuitableGenerator = 8
)

// Sentinels of peers' keys.
var (
	ErrTooSmall = errors.New("the key is too small")
	ErrTooLarge = errors.New("the key is too large")
)

// Check looks at the parameters.
func (d *DH) Check() (bad int) {
	rounds := primeRounds
	if d.P.BitLen() > 2048 {
		rounds = 1 // each takes long, beside the other test
	}
	half := new(big.Int).Rsh(d.P, 1)
	if !d.P.ProbablyPrime(rounds) {
		bad |= DHNotPrime
	} else if !half.ProbablyPrime(rounds) {
		bad |= DHNotSafePrime
	}
	mod := func(n int64) int64 { return new(big.Int).Mod(d.P, big.NewInt(n)).Int64() }
	switch {
	case !d.G.IsInt64():
		bad |= DHGeneratorUnknown
	case d.G.Int64() == 2:
		if mod(24) != 11 && mod(24) != 23 {
			bad |= DHUnsuitableGenerator
		}
	case d.G.Int64() == 5:
		if r := mod(10); r != 3 && r != 7 {
			bad |= DHUnsuitableGenerator
		}
	default:
		bad |= DHGeneratorUnknown
	}
	return bad
}

// CheckPublic refuses a peer's key that gives its secret away.
func (d *DH) CheckPublic(y *big.Int) error {
	switch {
	case y.Cmp(one) <= 0:
		return ErrTooSmall
	case y.Cmp(new(big.Int).Sub(d.P, one)) >= 0:
		return ErrTooLarge
	}
	return nil
}

// Generate makes the private key unless it was set, and the public one.
func (d *DH) Generate(random Random) {
	if d.Private == nil {
		b := make([]byte, (d.P.BitLen()+7)/8)
		limit := new(big.Int).Sub(d.P, one)
		for d.Private == nil {
			random(b)
			x := new(big.Int).SetBytes(b)
			for i := 8*len(b) - 1; i >= d.P.BitLen(); i-- {
				x.SetBit(x, i, 0)
			}
			if x.Cmp(one) > 0 && x.Cmp(limit) < 0 {
				d.Private = x
			}
		}
	}
	d.Public = new(big.Int).Exp(d.G, d.Private, d.P)
}

// Secret is what both sides know, of the prime's size.
func (d *DH) Secret(peer *big.Int) ([]byte, error) {
	if err := d.CheckPublic(peer); err != nil {
		return nil, err
	}
	return new(big.Int).Exp(peer, d.Private, d.P).FillBytes(make([]byte, (d.P.BitLen()+7)/8)), nil
}

// The primes of RFC 3526 are 2^n - 2^(n-64) - 1 + 2^64 * (floor(2^(n-130) * pi) + c).
var dhGroups = map[string]struct{ bits, c int64 }{
	"modp14": {2048, 124476}, "modp15": {3072, 1690314}, "modp16": {4096, 240904}, "modp17": {6144, 929484}, "modp18": {8192, 4743158},
}

// DHGroup is the prime of a group of RFC 3526 by its name in any case; nil where there
// is none.
func DHGroup(name string) *big.Int {
	g, ok := dhGroups[strings.ToLower(name)]
	if !ok {
		return nil
	}
	n := uint(g.bits)
	p := new(big.Int).Lsh(one, n)
	p.Sub(p, new(big.Int).Lsh(one, n-64))
	p.Sub(p, one)
	middle := new(big.Int).Rsh(pi(), piBits-(n-130))
	middle.Add(middle, big.NewInt(g.c))
	return p.Add(p, middle.Lsh(middle, 64))
}

const piBits = 8192

// pi is floor(2^piBits * pi), by Machin's formula.
var pi = sync.OnceValue(func() *big.Int {
	const guard = 64
	unit := new(big.Int).Lsh(one, piBits+guard)
	arctan := func(inverse int64) *big.Int {
		square := big.NewInt(inverse * inverse)
		term := new(big.Int).Quo(unit, big.NewInt(inverse))
		sum := new(big.Int).Set(term)
		for k := int64(3); term.Sign() != 0; k += 2 {
			term.Quo(term, square)
			part := new(big.Int).Quo(term, big.NewInt(k))
			if k%4 == 3 {
				sum.Sub(sum, part)
			} else {
				sum.Add(sum, part)
			}
		}
		return sum
	}
	p := new(big.Int).Mul(arctan(5), big.NewInt(4))
	p.Sub(p, arctan(239)).Mul(p, big.NewInt(4))
	return p.Rsh(p, guard)
})
