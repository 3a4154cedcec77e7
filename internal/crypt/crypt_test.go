package crypt

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha1"
	"crypto/sha256"
	"errors"
	"math/big"
	"testing"
)

func random(p []byte) { rand.Read(p) }

func TestPrimes(t *testing.T) {
	for _, o := range []PrimeOptions{
		{Bits: 2}, {Bits: 3}, {Bits: 5}, {Bits: 64}, {Bits: 256, TopTwo: true}, {Bits: 64, Safe: true}, {Bits: 3, Safe: true},
		{Bits: 32, Add: big.NewInt(12), Rem: big.NewInt(11)}, {Bits: 32, Add: big.NewInt(10)},
	} {
		for range 5 {
			p, err := Prime(o, random, nil)
			if err != nil {
				t.Fatal(err)
			}
			if p.BitLen() != o.Bits || !p.ProbablyPrime(20) || o.TopTwo && p.Bit(o.Bits-2) == 0 {
				t.Errorf("%+v: %s", o, p)
			}
			if half := new(big.Int).Rsh(p, 1); o.Safe && !half.ProbablyPrime(20) {
				t.Errorf("%+v: %s is not safe", o, p)
			}
			if o.Add != nil {
				want := big.NewInt(1)
				if o.Rem != nil {
					want = o.Rem
				}
				if new(big.Int).Mod(p, o.Add).Cmp(want) != 0 {
					t.Errorf("%+v: %s", o, p)
				}
			}
		}
	}
	for _, bits := range []int{-1, 0, 1} {
		if _, err := Prime(PrimeOptions{Bits: bits}, random, nil); !errors.Is(err, ErrNoPrime) {
			t.Errorf("%d bits: %v", bits, err)
		}
	}
}

func TestLongWorkStops(t *testing.T) {
	gone := errors.New("gone")
	stop := func() error { return gone }
	if _, err := GenerateRSA(4096, 3, random, stop); err != gone {
		t.Error(err)
	}
	if _, err := PBKDF2(sha256.New, nil, nil, 1<<30, 32, stop); err != gone {
		t.Error(err)
	}
	// No prime has this remainder: only stop ends the search.
	n := 0
	_, err := Prime(PrimeOptions{Bits: 32, Add: big.NewInt(6), Rem: big.NewInt(3)}, random, func() error {
		if n++; n > 1000 {
			return gone
		}
		return nil
	})
	if err != gone {
		t.Error(err)
	}
}

// TestSmallRSA does with Go's own library and with the code for small keys the same.
func TestSmallRSA(t *testing.T) {
	for _, bits := range []int{512, 640, 1024, 1026} {
		k, err := GenerateRSA(bits, 65537, random, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := k.Validate(); err != nil {
			t.Fatal(bits, err)
		}
		digest := sha256.Sum256([]byte("text"))
		for _, salt := range []int{0, 7, 20} {
			sig, err := SignPSS(k, random, crypto.SHA256, digest[:], salt)
			if err != nil {
				t.Fatal(bits, err)
			}
			if bits >= 1024 && salt > 0 && rsa.VerifyPSS(&k.PublicKey, crypto.SHA256, digest[:], sig, &rsa.PSSOptions{SaltLength: salt}) != nil {
				t.Error(bits, salt, "Go does not verify the signature")
			}
			if !VerifyPSS(&k.PublicKey, crypto.SHA256, digest[:], sig, salt) || !VerifyPSS(&k.PublicKey, crypto.SHA256, digest[:], sig, -1) ||
				VerifyPSS(&k.PublicKey, crypto.SHA256, digest[:], sig, salt+1) || VerifyPSS(&k.PublicKey, crypto.SHA1, digest[:20], sig, salt) {
				t.Error(bits, salt, "PSS")
			}
			sig[len(sig)-1] ^= 1
			if VerifyPSS(&k.PublicKey, crypto.SHA256, digest[:], sig, salt) {
				t.Error(bits, salt, "a changed signature is accepted")
			}
		}
		sig, err := SignPKCS1(k, random, crypto.SHA256, digest[:])
		if err != nil || !VerifyPKCS1(&k.PublicKey, crypto.SHA256, digest[:], sig) || VerifyPKCS1(&k.PublicKey, crypto.SHA256, digest[:], sig[1:]) {
			t.Error(bits, err)
		}
		for n := range k.Size() - 10 {
			data := bytes.Repeat([]byte{byte(n)}, n)
			em, err := PadPKCS1(k.Size(), 2, random, data)
			if err != nil {
				t.Fatal(err)
			}
			text, err := RSAPublic(&k.PublicKey, em)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := DecryptPKCS1(k, random, text); err != nil || !bytes.Equal(got, data) {
				t.Fatal(bits, n, err)
			}
		}
		if _, err := PadPKCS1(k.Size(), 2, random, make([]byte, k.Size()-10)); !errors.Is(err, ErrRSALength) {
			t.Error(err)
		}
		p, q, err := RecoverPrimes(k.N, k.E, k.D, random)
		if err != nil || p.Cmp(k.Primes[0]) != 0 || q.Cmp(k.Primes[1]) != 0 {
			t.Error(bits, err)
		}
		if _, _, err := RecoverPrimes(k.N, k.E, new(big.Int).Add(k.D, big.NewInt(2)), random); err == nil {
			t.Error("primes from exponents that do not fit")
		}
	}
}

func TestPaddings(t *testing.T) {
	for n := range 40 {
		data := bytes.Repeat([]byte{1}, n)
		got, err := Unpad(Pad(data, 16), 16)
		if err != nil || !bytes.Equal(got, data) {
			t.Error(n, err)
		}
	}
	for _, bad := range []string{"", "short", "0123456789abcde\x00", "0123456789abcde\x11", "0123456789abcd\x01\x02"} {
		if _, err := Unpad([]byte(bad), 16); !errors.Is(err, ErrDecrypt) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestSignatureForms(t *testing.T) {
	raw := bytes.Repeat([]byte{0xFF, 0, 1, 2}, 16)
	der, err := ECDSAFromRaw(raw, 32)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ECDSAToRaw(der, 32); err != nil || !bytes.Equal(got, raw) {
		t.Error(got, err)
	}
	for _, bad := range [][]byte{nil, {0x30, 0}, append(der, 0), der[1:]} {
		if _, err := ECDSAToRaw(bad, 32); err == nil {
			t.Errorf("%x is accepted", bad)
		}
	}
	if _, err := ECDSAToRaw(der, 16); !errors.Is(err, ErrSignature) {
		t.Error(err)
	}
}
