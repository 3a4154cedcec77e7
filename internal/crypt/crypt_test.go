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

func TestIsPrime(t *testing.T) {
	for _, n := range []int64{-7, 0, 1, 4, 9, 561, 3215031751, 1<<61 + 1} {
		if ok, err := IsPrime(big.NewInt(n), 5, random, nil); ok || err != nil {
			t.Errorf("%d: %v %v", n, ok, err)
		}
	}
	two := big.NewInt(2)
	for _, n := range []*big.Int{two, big.NewInt(3), big.NewInt(1<<61 - 1), new(big.Int).Sub(new(big.Int).Exp(two, big.NewInt(521), nil), one)} {
		if ok, err := IsPrime(n, 5, random, nil); !ok || err != nil {
			t.Errorf("%s: %v %v", n, ok, err)
		}
	}
	// The product of two primes passes neither test, nor a round with any base.
	p, _ := Prime(PrimeOptions{Bits: 200}, random, nil)
	q, _ := Prime(PrimeOptions{Bits: 200}, random, nil)
	n := new(big.Int).Mul(p, q)
	less := new(big.Int).Sub(n, one)
	twos := less.TrailingZeroBits()
	odd := new(big.Int).Rsh(less, twos)
	for base := int64(2); base < 50; base++ {
		if strongProbable(new(big.Int).Exp(big.NewInt(base), odd, n), less, n, twos) {
			t.Errorf("%s passes with %d", n, base)
		}
		if !strongProbable(new(big.Int).Exp(big.NewInt(base), new(big.Int).Rsh(new(big.Int).Sub(p, one), new(big.Int).Sub(p, one).TrailingZeroBits()), p), new(big.Int).Sub(p, one), p, new(big.Int).Sub(p, one).TrailingZeroBits()) {
			t.Errorf("%s fails with %d", p, base)
		}
	}
	gone := errors.New("gone")
	if _, err := IsPrime(new(big.Int).Sub(new(big.Int).Exp(two, big.NewInt(521), nil), one), 5, random, func() error { return gone }); err != gone {
		t.Error(err)
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

// TestStreamingGCM compares with Go's own GCM, in pieces of all sizes.
func TestStreamingGCM(t *testing.T) {
	key, data, extra := make([]byte, 32), make([]byte, 200), make([]byte, 37)
	random(key)
	random(data)
	random(extra)
	info := CipherNamed("id-aes256-GCM")
	for _, ivSize := range []int{1, 12, 16, 33} {
		iv := bytes.Repeat([]byte{0xFF}, ivSize)
		for _, piece := range []int{1, 7, 16, 50, 200} {
			want, err := SealGCM(key, iv, data, extra, 16)
			if err != nil {
				t.Fatal(err)
			}
			s, err := NewStream(info, key, iv, true)
			if err != nil {
				t.Fatal(err)
			}
			s.SetExtra(extra[:5])
			s.SetExtra(extra[5:])
			var got []byte
			for at := 0; at < len(data); at += piece {
				out, err := s.Update(data[at:min(at+piece, len(data))])
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, out...)
			}
			if got = append(got, s.Tag()...); !bytes.Equal(got, want) {
				t.Errorf("iv of %d, pieces of %d", ivSize, piece)
			}
		}
	}
	if got, err := SealGCM(key, data[:12], nil, extra, 16); err != nil {
		t.Error(err)
	} else if s, err := NewStream(info, key, data[:12], true); err != nil {
		t.Error(err)
	} else if s.SetExtra(extra); !bytes.Equal(s.Tag(), got) {
		t.Error("extra data alone")
	}
}

// TestCiphersInPieces decrypts what every cipher encrypted.
func TestCiphersInPieces(t *testing.T) {
	for _, name := range Ciphers() {
		info := CipherNamed(name)
		key, iv, data := make([]byte, info.KeySize), make([]byte, info.IVSize), make([]byte, 100)
		random(key)
		random(data)
		run := func(encrypt bool, data, tag []byte, piece int) (out, newTag []byte) {
			s, err := NewStream(info, key, iv, encrypt)
			if err != nil {
				t.Fatal(name, err)
			}
			s.SetTag(tag)
			for at := 0; at < len(data); at += piece {
				b, err := s.Update(data[at:min(at+piece, len(data))])
				if err != nil {
					t.Fatal(name, err)
				}
				out = append(out, b...)
			}
			b, err := s.Final(tag)
			if err != nil {
				t.Fatal(name, err)
			}
			return append(out, b...), s.Tag()
		}
		pieces := []int{1, 8, 16, 31, 200}
		if info.OneShot() {
			pieces = pieces[4:]
		}
		for _, piece := range pieces {
			text, tag := run(true, data, nil, piece)
			if got, _ := run(false, text, tag, piece); !bytes.Equal(got, data) {
				t.Errorf("%s in pieces of %d", name, piece)
			}
		}
		if _, err := NewStream(info, append(key, make([]byte, 256)...), iv, true); !errors.Is(err, ErrKeySize) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestGroups: the numbers of RFC 3526 are safe primes; the first bytes tell that they
// are the ones of the RFC.
func TestGroups(t *testing.T) {
	for name, g := range dhGroups {
		p := DHGroup(name)
		if p.BitLen() != int(g.bits) || g.bits <= 4096 && !(p.ProbablyPrime(0) && new(big.Int).Rsh(p, 1).ProbablyPrime(0)) {
			t.Errorf("%s is no safe prime", name)
		}
		if b := p.Bytes(); !bytes.HasPrefix(b, []byte{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xC9, 0x0F, 0xDA, 0xA2, 0x21, 0x68, 0xC2, 0x34}) {
			t.Errorf("%s begins with %x", name, b[:16])
		}
	}
	if DHGroup("modp1") != nil {
		t.Error("modp1 is known")
	}
	p := DHGroup("MODP14")
	a, b := &DH{P: p, G: big.NewInt(2)}, &DH{P: p, G: big.NewInt(2)}
	a.Generate(random)
	b.Generate(random)
	one, err := a.Secret(b.Public)
	if err != nil {
		t.Fatal(err)
	}
	if two, err := b.Secret(a.Public); err != nil || !bytes.Equal(one, two) || len(one) != 256 {
		t.Error(err)
	}
	for _, bad := range []*big.Int{big.NewInt(0), big.NewInt(1), new(big.Int).Sub(p, big.NewInt(1)), p} {
		if _, err := a.Secret(bad); err == nil {
			t.Errorf("%s is a public key", bad)
		}
	}
	if got := a.Check(); got != 0 {
		t.Error(got)
	}
	if got := (&DH{P: big.NewInt(15), G: big.NewInt(3)}).Check(); got != DHNotPrime|DHGeneratorUnknown {
		t.Error(got)
	}
}

// TestKeyForms writes keys in every form and reads them again.
func TestKeyForms(t *testing.T) {
	k, err := GenerateRSA(1024, 3, random, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range []KeyForm{
		{Type: "pkcs8"}, {Type: "pkcs1"}, {PEM: true, Type: "pkcs1"}, {PEM: true, Type: "pkcs8"},
		{Type: "pkcs8", Cipher: "aes-256-cbc", Passphrase: []byte("word")}, {PEM: true, Type: "pkcs8", Cipher: "des-ede3-cbc", Passphrase: []byte{}},
		{PEM: true, Type: "pkcs1", Cipher: "aes-128-cbc", Passphrase: []byte("word")},
	} {
		b, err := MarshalPrivate(k, form, random)
		if err != nil {
			t.Errorf("%+v: %v", form, err)
			continue
		}
		got, err := ParsePrivate(b, form)
		if err != nil || !k.Equal(got.(crypto.PrivateKey)) {
			t.Errorf("%+v: %v", form, err)
		}
		if form.Cipher != "" {
			form.Passphrase = []byte("other")
			if _, err := ParsePrivate(b, form); err == nil {
				t.Errorf("%+v: any passphrase does", form)
			}
			form.Passphrase = nil
			if _, err := ParsePrivate(b, form); !errors.Is(err, ErrPassphrase) {
				t.Errorf("%+v: %v", form, err)
			}
		}
	}
	for _, form := range []KeyForm{{Type: "spki"}, {Type: "pkcs1"}, {PEM: true, Type: "spki"}, {PEM: true, Type: "pkcs1"}} {
		b, err := MarshalPublic(k, form)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ParsePublic(b, form); err != nil || !k.PublicKey.Equal(got.(crypto.PublicKey)) {
			t.Errorf("%+v: %v", form, err)
		}
	}
	d := &DSA{P: DHGroup("modp14"), Q: big.NewInt(101), G: big.NewInt(2), Y: new(big.Int).Exp(big.NewInt(2), big.NewInt(77), DHGroup("modp14")), X: big.NewInt(77)}
	b, err := MarshalPrivate(d, KeyForm{Type: "pkcs8"}, random)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ParsePrivate(b, KeyForm{}); err != nil || got.(*DSA).Y.Cmp(d.Y) != 0 {
		t.Error(err)
	}
	for _, bad := range []string{"", "x", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"} {
		for _, form := range []KeyForm{{PEM: true}, {}, {Type: "pkcs1"}, {Type: "sec1"}} {
			if _, err := ParsePrivate([]byte(bad), form); err == nil {
				t.Errorf("%q is a key", bad)
			}
			if _, err := ParsePublic([]byte(bad), form); err == nil {
				t.Errorf("%q is a key", bad)
			}
		}
	}
}
