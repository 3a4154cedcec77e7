package crypt

import (
	"crypto/rsa"
	"errors"
	"math/big"
)

// GenerateRSA makes a key of that many bits, an even number from 128 on, with the
// public exponent e. Go's own function takes its random bytes from the system and
// knows one exponent only.
func GenerateRSA(bits, e int, random Random, stop Stop) (*rsa.PrivateKey, error) {
	exponent := big.NewInt(int64(e))
	for {
		p, err := rsaPrime(bits-bits/2, exponent, random, stop)
		if err != nil {
			return nil, err
		}
		q, err := rsaPrime(bits/2, exponent, random, stop)
		if err != nil {
			return nil, err
		}
		if p.Cmp(q) < 0 {
			p, q = q, p
		}
		// Primes that are near each other give the key away (FIPS 186-5, A.1.3).
		if diff := new(big.Int).Sub(p, q); diff.BitLen() <= bits/2-min(100, bits/4) {
			continue
		}
		k, err := RSAFromPrimes(p, q, e)
		if err == nil && k.N.BitLen() == bits {
			return k, nil
		}
	}
}

// rsaPrime is a prime p of that many bits, the first two of them set, for which e has
// an inverse modulo p-1.
func rsaPrime(bits int, e *big.Int, random Random, stop Stop) (*big.Int, error) {
	for {
		p, err := Prime(PrimeOptions{Bits: bits, TopTwo: true}, random, stop)
		if err != nil {
			return nil, err
		}
		if new(big.Int).GCD(nil, nil, e, new(big.Int).Sub(p, one)).Cmp(one) == 0 {
			return p, nil
		}
	}
}

// RSAFromPrimes is the key of two primes.
func RSAFromPrimes(p, q *big.Int, e int) (*rsa.PrivateKey, error) {
	p1, q1 := new(big.Int).Sub(p, one), new(big.Int).Sub(q, one)
	gcd := new(big.Int).GCD(nil, nil, p1, q1)
	lcm := new(big.Int).Mul(p1, q1)
	lcm.Quo(lcm, gcd)
	d := new(big.Int).ModInverse(big.NewInt(int64(e)), lcm)
	if d == nil {
		return nil, errors.New("the exponent has no inverse")
	}
	k := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: e}, D: d, Primes: []*big.Int{p, q}}
	k.Precompute()
	return k, nil
}

// RecoverPrimes finds the primes of a key of which only n, e and d are known
// (NIST SP 800-56B, C.1), so that it works as fast as others.
func RecoverPrimes(n *big.Int, e int, d *big.Int, random Random) (p, q *big.Int, err error) {
	k := new(big.Int).Mul(d, big.NewInt(int64(e)))
	k.Sub(k, one)
	if k.Sign() <= 0 || k.Bit(0) == 1 {
		return nil, nil, errors.New("the exponents do not fit")
	}
	t := k.TrailingZeroBits()
	r := new(big.Int).Rsh(k, t)
	n1 := new(big.Int).Sub(n, one)
	b := make([]byte, (n.BitLen()+7)/8)
	for range 100 {
		random(b)
		g := new(big.Int).SetBytes(b)
		g.Mod(g, n)
		y := g.Exp(g, r, n)
		if y.Cmp(one) == 0 || y.Cmp(n1) == 0 {
			continue
		}
		for range t {
			x := new(big.Int).Mul(y, y)
			x.Mod(x, n)
			if x.Cmp(one) == 0 {
				p = new(big.Int).GCD(nil, nil, new(big.Int).Sub(y, one), n)
				q = new(big.Int).Quo(n, p)
				if p.Cmp(one) == 0 || q.Cmp(one) == 0 {
					break
				}
				if p.Cmp(q) < 0 {
					p, q = q, p
				}
				return p, q, nil
			}
			if x.Cmp(n1) == 0 {
				break
			}
			y = x
		}
	}
	return nil, nil, errors.New("the exponents do not fit")
}
