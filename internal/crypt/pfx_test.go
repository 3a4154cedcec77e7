package crypt

import (
	"encoding/asn1"
	"errors"
	"testing"
)

func TestPFXThatAskForTooMuchAreRefused(t *testing.T) {
	// What asks for iterations: a salt, and their number.
	asks := func(n int) []byte {
		b, err := asn1.Marshal(struct {
			Salt []byte
			N    int
		}{make([]byte, 8), n})
		if err != nil {
			t.Fatal(err)
		}
		for range 6 {
			if b, err = asn1.Marshal(struct{ Inner []byte }{b}); err != nil {
				t.Fatal(err)
			}
		}
		return b
	}
	for n, want := range map[int]bool{2048: true, maxKeyIterations: true, maxKeyIterations + 1: false, 1 << 40: false} {
		if got := iterationsWithin(asks(n), 0); got != want {
			t.Errorf("%d iterations: %v, want %v", n, got, want)
		}
	}
	if _, _, _, err := ParsePFX(asks(1<<30), "word"); !errors.Is(err, ErrPFXUnsupported) {
		t.Error(err)
	}
	for _, b := range [][]byte{nil, {0x30}, []byte("garbage"), {0x30, 0x80, 0, 0}, asks(5)} {
		if _, _, _, err := ParsePFX(b, "word"); err == nil {
			t.Errorf("%x is a file of PKCS #12", b)
		}
	}
}

func TestKeysThatAskForTooMuchAreRefused(t *testing.T) {
	for _, kdf := range []scryptParams{{N: 1 << 30, R: 8, P: 1}, {N: 1 << 14, R: 8, P: 1 << 20}, {N: 2, R: 1 << 30, P: 1}, {N: 0, R: 1, P: 1}, {N: 16, R: -1, P: 1}, {N: 3, R: 1, P: 1}} {
		kdf.Salt = []byte("salt")
		b, err := asn1.Marshal(kdf)
		if err != nil {
			t.Fatal(err)
		}
		p := &pbes2{}
		p.KDF.Algorithm, p.KDF.Parameters.FullBytes = oidScrypt, b
		if _, err := p.key([]byte("word"), 32); !errors.Is(err, ErrPassphrase) {
			t.Errorf("%+v: %v", kdf, err)
		}
	}
}
