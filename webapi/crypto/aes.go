package crypto

import (
	"fmt"
	"math"
	"strings"

	"workerd.local/exception"
	"workerd.local/internal/crypt"
)

var aesFamily = family{importKey: importAES, generate: generateAES, drawsInTurn: true}

func operationError(format string, args ...any) error {
	return exception.DOM("OperationError", fmt.Sprintf(format, args...))
}

func aesUsages(name, attempt string, usages []string) (Usages, error) {
	allowed := WrapKey | UnwrapKey
	if name != "AES-KW" {
		allowed |= Encrypt | Decrypt
	}
	return usagesOf(name, attempt, usages, allowed)
}

func aesSize(bits int) bool { return bits == 128 || bits == 192 || bits == 256 }

func generateAES(r *generateRequest) (*generation, error) {
	u, err := aesUsages(r.name, toGenerate, r.usages)
	if err != nil {
		return nil, err
	}
	length := r.params.Length
	if length == nil {
		return nil, missing("length", inAlgorithm)
	}
	if !aesSize(*length) {
		return nil, operationError("Generated AES key length must be 128, 192, or 256 bits but requested %d.", *length)
	}
	b := make([]byte, *length/8)
	r.random(b)
	return ready(&generated{secret: newAES(r.name, b, r.extractable, u)}), nil
}

func newAES(name string, b []byte, extractable bool, u Usages) *Key {
	k := &Key{Type: Secret, Extractable: extractable, Usages: u, Algorithm: Algorithm{Name: name, Length: 8 * len(b)}}
	key := aesKey{b}
	switch name {
	case "AES-GCM":
		k.material = gcmKey{key}
	case "AES-CBC":
		k.material = cbcKey{key}
	case "AES-CTR":
		k.material = ctrKey{key}
	default:
		k.material = kwKey{key}
	}
	return k
}

func importAES(r *ImportRequest) (*Key, error) {
	u, err := aesUsages(r.name, toImportSecret, r.Usages)
	if err != nil {
		return nil, err
	}
	wrongSize := func(b []byte) error {
		if aesSize(8 * len(b)) {
			return nil
		}
		return dataError(fmt.Sprintf("Imported AES key length must be 128, 192, or 256 bits but provided %d.", 8*len(b)))
	}
	switch r.Format {
	case "raw":
		if err := wrongSize(r.Data); err != nil {
			return nil, err
		}
		return newAES(r.name, r.Data, r.Extractable, u), nil
	case "jwk":
		j := r.JWK
		if j.Kty != "oct" {
			return nil, dataError(fmt.Sprintf("Symmetric \"jwk\" key import requires a JSON Web Key with Key Type parameter \"kty\" equal to \"oct\" (encountered %q).", j.Kty))
		}
		b, ok := decodeText(j.K)
		if !ok {
			return nil, dataError("Symmetric \"jwk\" key import requires a base64Url encoding of the key.")
		}
		if err := wrongSize(b); err != nil {
			return nil, err
		}
		if want := aesAlg(r.name, b); j.Alg != nil && *j.Alg != want {
			return nil, dataError(fmt.Sprintf("Symmetric \"jwk\" key contains invalid \"alg\" value %q, expected %q.", *j.Alg, want))
		}
		if len(r.Usages) > 0 && j.Use != nil && *j.Use != "enc" {
			return nil, dataError(fmt.Sprintf("Symmetric \"jwk\" key must have a \"use\" of \"enc\", not %q.", *j.Use))
		}
		if j.KeyOps != nil {
			if op, dup := duplicate(*j.KeyOps); dup {
				return nil, dataError(fmt.Sprintf("Symmetric \"jwk\" key contains duplicate value %q, in \"key_op\".", op))
			}
			for _, usage := range r.Usages {
				if !contains(*j.KeyOps, usage) {
					return nil, dataError(fmt.Sprintf("\"jwk\" key missing usage %q, in \"key_ops\".", usage))
				}
			}
		}
		return newAES(r.name, b, r.Extractable, u), nil
	}
	return nil, r.unknownFormat()
}

func aesAlg(name string, b []byte) string {
	return fmt.Sprintf("A%d%s", 8*len(b), strings.TrimPrefix(name, "AES-"))
}

type aesKey struct{ key []byte }

func (a aesKey) secret() []byte { return a.key }

func (a aesKey) export(k *Key, format string) (any, error) {
	switch format {
	case "raw", "raw-secret":
		return append([]byte(nil), a.key...), nil
	case "jwk":
		return &JWK{Kty: "oct", K: base64Text(a.key), Alg: text(aesAlg(k.Algorithm.Name, a.key))}, nil
	}
	return nil, exception.DOM("NotSupportedError", fmt.Sprintf("%s key only supports exporting \"raw\", \"raw-secret\" & \"jwk\", not %q.", k.Algorithm.Name, format))
}

func (k *Key) failedDecrypt(input, output int) error {
	return operationError("Decryption failed. This could be due to a ciphertext authentication failure, bad padding, incorrect CryptoKey, or another algorithm-specific reason. Input length was %d, output length expected to be %d for %s", input, output, k.Algorithm.Name)
}

type gcmKey struct{ aesKey }

func gcmParams(p *Params) (iv []byte, tagBits int, err error) {
	switch {
	case p.IV == nil:
		return nil, 0, missing("iv", inAlgorithm)
	case len(*p.IV) == 0:
		return nil, 0, operationError("AES-GCM IV must not be empty.")
	}
	tagBits = 128
	if p.TagLength != nil {
		tagBits = *p.TagLength
	}
	switch tagBits {
	case 32, 64, 96, 104, 112, 120, 128:
		return *p.IV, tagBits, nil
	}
	return nil, 0, operationError("Invalid AES-GCM tag length %d.", tagBits)
}

func orNone(b *[]byte) []byte {
	if b == nil {
		return nil
	}
	return *b
}

func (a gcmKey) encrypt(_ *Key, _ crypt.Random, p *Params, data []byte) ([]byte, error) {
	iv, tag, err := gcmParams(p)
	if err != nil {
		return nil, err
	}
	return crypt.SealGCM(a.key, iv, data, orNone(p.AdditionalData), tag/8)
}

func (a gcmKey) decrypt(k *Key, _ crypt.Random, p *Params, data []byte) ([]byte, error) {
	iv, tag, err := gcmParams(p)
	if err != nil {
		return nil, err
	}
	if len(data) < tag/8 {
		return nil, operationError("Ciphertext length of %d bits must be greater than or equal to the size of the AES-GCM tag length of %d bits.", 8*len(data), tag)
	}
	plain, err := crypt.OpenGCM(a.key, iv, data, orNone(p.AdditionalData), tag/8)
	if err != nil {
		n := len(data) - tag/8
		return nil, k.failedDecrypt(n, n)
	}
	return plain, nil
}

type cbcKey struct{ aesKey }

func cbcIV(p *Params, bytes string) ([]byte, error) {
	switch {
	case p.IV == nil:
		return nil, missing("iv", inAlgorithm)
	case len(*p.IV) != 16:
		return nil, operationError("AES-CBC IV must be 16 bytes long (provided %d%s).", len(*p.IV), bytes)
	}
	return *p.IV, nil
}

func (a cbcKey) encrypt(_ *Key, _ crypt.Random, p *Params, data []byte) ([]byte, error) {
	iv, err := cbcIV(p, " bytes")
	if err != nil {
		return nil, err
	}
	return crypt.SealCBC(a.key, iv, data)
}

func (a cbcKey) decrypt(k *Key, _ crypt.Random, p *Params, data []byte) ([]byte, error) {
	iv, err := cbcIV(p, "")
	if err != nil {
		return nil, err
	}
	plain, err := crypt.OpenCBC(a.key, iv, data)
	if err != nil {
		// The last block is held back until its padding is known to be right.
		return nil, k.failedDecrypt(len(data), max(0, (len(data)-1)/16*16))
	}
	return plain, nil
}

type ctrKey struct{ aesKey }

func (a ctrKey) encrypt(_ *Key, _ crypt.Random, p *Params, data []byte) ([]byte, error) {
	switch {
	case p.Counter == nil:
		return nil, exception.TypeErrorf("Missing \"counter\" member in \"algorithm\".")
	case len(*p.Counter) != 16:
		return nil, operationError("Counter must have length of 16 bytes (provided %d).", len(*p.Counter))
	case p.Length == nil:
		return nil, exception.TypeErrorf("Missing \"length\" member in \"algorithm\".")
	case *p.Length < 1 || *p.Length > 128:
		return nil, operationError("Invalid counter of %d bits length provided.", *p.Length)
	}
	out, err := crypt.CTR(a.key, *p.Counter, *p.Length, data)
	if err != nil {
		return nil, operationError("Counter block values will repeat.")
	}
	return out, nil
}

func (a ctrKey) decrypt(k *Key, random crypt.Random, p *Params, data []byte) ([]byte, error) {
	return a.encrypt(k, random, p, data)
}

type kwKey struct{ aesKey }

func (a kwKey) wrap(data []byte) ([]byte, error) {
	switch {
	case len(data)%8 != 0:
		return nil, operationError("Unwrapped key bit length must be a multiple of 64 bits but unwrapped key has a length of %d bits.", 8*len(data))
	case len(data) < 16:
		return nil, operationError("Unwrapped key has length %d bytes but it should be greater than or equal to 16 and less than or equal to %d", len(data), uint64(math.MaxUint64-8))
	}
	return crypt.WrapKey(a.key, data)
}

func (a kwKey) unwrap(data []byte) ([]byte, error) {
	switch {
	case len(data)%8 != 0:
		return nil, operationError("Provided a wrapped key to unwrap that is %d bits which isn't a multiple of 64 bits.", 8*len(data))
	case len(data) < 24:
		return nil, operationError("Provided a wrapped key to unwrap this is %d bits that is less than the minimal length of 192 bits.", 8*len(data))
	}
	out, err := crypt.UnwrapKey(a.key, data)
	if err != nil {
		return nil, operationError("AES-KW key unwrapping failed.")
	}
	return out, nil
}
