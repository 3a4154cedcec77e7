package crypto

import (
	"fmt"

	"workerd.local/exception"
	"workerd.local/internal/crypt"
)

// derivation is bits that are to be derived: they are there, or work says what has to
// be done for them, which takes long.
type derivation struct {
	bits []byte
	work func(stop crypt.Stop) ([]byte, error)
}

func importKDF(r *ImportRequest) (*Key, error) {
	u, err := usagesOf(r.name, toImportSecret, r.Usages, deriving)
	if err != nil {
		return nil, err
	}
	if r.Extractable {
		return nil, exception.DOM("SyntaxError", r.name+" key cannot be extractable.")
	}
	if r.Format != "raw" {
		stop := ")."
		if r.name == "HKDF" {
			stop = ")"
		}
		return nil, exception.DOM("NotSupportedError", fmt.Sprintf("%s key must be imported in \"raw\" format (requested %q%s", r.name, r.Format, stop))
	}
	k := &Key{Type: Secret, Usages: u, Algorithm: Algorithm{Name: r.name}, material: pbkdf2Key{r.Data, r.flags.Iterations}}
	if r.name == "HKDF" {
		k.material = hkdfKey{r.Data}
	}
	return k, nil
}

// wholeBytes checks the length that is to be derived.
func wholeBytes(name string, length *int) (int, error) {
	switch {
	case length == nil:
		return 0, operationError("%s cannot derive a key with null length.", name)
	case *length%8 != 0:
		return 0, operationError("%s requires a derived key length that is a multiple of eight (requested %d).", name, *length)
	}
	return *length / 8, nil
}

type hkdfKey struct{ key []byte }

func (h hkdfKey) secret() []byte { return h.key }

func (h hkdfKey) export(k *Key, _ string) (any, error) {
	return nil, k.notImplemented("exportKey")
}

func (h hkdfKey) derive(_ *Key, p *Params, length *int) (*derivation, error) {
	d, err := hashAndSalt(p)
	if err != nil {
		return nil, err
	}
	if p.Info == nil {
		return nil, missing("info", inAlgorithm)
	}
	n, err := wholeBytes("HKDF", length)
	if err != nil {
		return nil, err
	}
	bits, err := crypt.HKDF(d.hash.New, h.key, *p.Salt, *p.Info, n)
	if err != nil {
		return nil, operationError("HKDF deriveBits failed.")
	}
	return &derivation{bits: bits}, nil
}

// hashAndSalt is the hash of an algorithm that must have one, and a salt.
func hashAndSalt(p *Params) (*digest, error) {
	if p.Hash == nil {
		return nil, missing("hash", inAlgorithm)
	}
	d, err := digestNamed(*p.Hash)
	if err == nil && p.Salt == nil {
		err = missing("salt", inAlgorithm)
	}
	return d, err
}

type pbkdf2Key struct {
	key []byte
	// most is how many iterations are allowed.
	most int
}

func (b pbkdf2Key) secret() []byte { return b.key }

func (b pbkdf2Key) export(k *Key, _ string) (any, error) {
	return nil, k.notImplemented("exportKey")
}

// shortIterations are as many as are done at once: they take about as long as
// handing the work to another goroutine.
const shortIterations = 500

func (b pbkdf2Key) derive(_ *Key, p *Params, length *int) (*derivation, error) {
	d, err := hashAndSalt(p)
	if err != nil {
		return nil, err
	}
	if p.Iterations == nil {
		return nil, missing("iterations", inAlgorithm)
	}
	n, err := wholeBytes("PBKDF2", length)
	if err != nil {
		return nil, err
	}
	iterations := *p.Iterations
	if iterations <= 0 {
		return nil, operationError("PBKDF2 requires a positive iteration count (requested %d).", iterations)
	}
	if iterations > b.most {
		return nil, exception.DOM("NotSupportedError", fmt.Sprintf("Pbkdf2 failed: iteration counts above %d are not supported (requested %d).", b.most, iterations))
	}
	size := d.hash.Size()
	if n > 255*size {
		return nil, operationError("Pbkdf2 failed: derived key length exceeds maximum for this hash")
	}
	if iterations*((n+size-1)/size) <= shortIterations {
		bits, err := crypt.PBKDF2(d.hash.New, b.key, *p.Salt, iterations, n, nil)
		return &derivation{bits: bits}, err
	}
	// The script may change its salt while the work is being done.
	salt := append([]byte(nil), *p.Salt...)
	return &derivation{work: func(stop crypt.Stop) ([]byte, error) {
		return crypt.PBKDF2(d.hash.New, b.key, salt, iterations, n, stop)
	}}, nil
}
