package crypto

import (
	"crypto/hmac"
	"fmt"
	"strings"

	"workerd.local/exception"
	"workerd.local/internal/crypt"
)

type hmacKey struct{ key []byte }

func newHMAC(hash string, b []byte, bits int, extractable bool, u Usages) *Key {
	return &Key{Type: Secret, Extractable: extractable, Usages: u, Algorithm: Algorithm{Name: "HMAC", Hash: hash, Length: bits}, material: hmacKey{b}}
}

func generateHMAC(r *generateRequest) (*generation, error) {
	if r.params.Hash == nil {
		return nil, missing("hash", inAlgorithm)
	}
	h, err := digestNamed(*r.params.Hash)
	if err != nil {
		return nil, err
	}
	u, err := usagesOf(r.name, toGenerate, r.usages, signing)
	if err != nil {
		return nil, err
	}
	bits := 8 * h.hash.New().BlockSize()
	if r.params.Length != nil {
		bits = *r.params.Length
	}
	if bits <= 0 {
		return nil, operationError("HMAC key length must be a non-zero unsigned long integer (requested %d).", bits)
	}
	if bits > maxHMACBits {
		return nil, operationError("HMAC key length must be at most %d bits (requested %d).", maxHMACBits, bits)
	}
	b := make([]byte, (bits+7)/8)
	r.random(b)
	clearTrailing(b, bits)
	return ready(&generated{secret: newHMAC(h.name, b, bits, r.extractable, u)}), nil
}

// maxHMACBits bounds the keys that generateKey makes: a longer key is hashed before
// it is used, so nobody needs one.
const maxHMACBits = 1 << 20

// clearTrailing clears the bits of the last byte that do not count.
func clearTrailing(b []byte, bits int) {
	if rest := bits % 8; rest != 0 {
		b[len(b)-1] &= 0xFF << (8 - rest)
	}
}

func importHMAC(r *ImportRequest) (*Key, error) {
	u, err := usagesOf(r.name, toImportSecret, r.Usages, signing)
	if err != nil {
		return nil, err
	}
	if r.Params.Hash == nil {
		return nil, missing("hash", inAlgorithm)
	}
	hash := *r.Params.Hash
	var b []byte
	switch r.Format {
	case "raw":
		b = r.Data
	case "jwk":
		j := r.JWK
		if j.Kty != "oct" {
			return nil, dataError(fmt.Sprintf("HMAC \"jwk\" key import requires a JSON Web Key with Key Type parameter (\"kty\") equal to \"oct\" (encountered %q).", j.Kty))
		}
		var ok bool
		if b, ok = decodeText(j.K); !ok {
			return nil, dataError("HMAC \"jwk\" key import requires a base64Url encoding of the key")
		}
		if j.Alg != nil {
			size, sha := strings.CutPrefix(hash, "SHA-")
			if !sha {
				return nil, exception.DOM("NotSupportedError", "Unrecognized or unimplemented hash algorithm requested"+*j.Alg)
			}
			if want := "HS" + size; *j.Alg != want {
				return nil, dataError(fmt.Sprintf("HMAC \"jwk\" key import specifies \"alg\" that is incompatible with the hash name (encountered %q, expected %q).", *j.Alg, want))
			}
		}
	default:
		return nil, r.unknownFormat()
	}
	bits := 8 * len(b)
	if r.Params.Length != nil {
		bits = *r.Params.Length
	}
	if bits <= 0 || bits > 8*len(b) || bits <= 8*len(b)-8 {
		return nil, dataError(fmt.Sprintf("Imported HMAC key length (%d) must be a non-zero value up to 7 bits less than, and no greater than, the bit length of the raw key data (%d).", bits, 8*len(b)))
	}
	h, err := digestNamed(hash)
	if err != nil {
		return nil, err
	}
	clearTrailing(b, bits)
	return newHMAC(h.name, b, bits, r.Extractable, u), nil
}

func (h hmacKey) secret() []byte { return h.key }

func (h hmacKey) export(k *Key, format string) (any, error) {
	switch format {
	case "raw", "raw-secret":
		return append([]byte(nil), h.key...), nil
	case "jwk":
		size, sha := strings.CutPrefix(k.Algorithm.Hash, "SHA-")
		if !sha {
			return nil, exception.DOM("NotSupportedError", fmt.Sprintf("Unimplemented JWK key export format for key algorithm %q.", k.Algorithm.Hash))
		}
		return &JWK{Kty: "oct", K: base64Text(h.key), Alg: text("HS" + size)}, nil
	}
	return nil, exception.DOM("NotSupportedError", fmt.Sprintf("Unimplemented key export format %q.", format))
}

func (h hmacKey) sign(k *Key, _ crypt.Random, _ *Params, data []byte) ([]byte, error) {
	d, err := digestNamed(k.Algorithm.Hash)
	if err != nil {
		return nil, err
	}
	mac := hmac.New(d.hash.New, h.key)
	mac.Write(data)
	return mac.Sum(nil), nil
}

func (h hmacKey) verify(k *Key, p *Params, signature, data []byte) (bool, error) {
	want, err := h.sign(k, nil, p, data)
	return err == nil && hmac.Equal(want, signature), err
}
