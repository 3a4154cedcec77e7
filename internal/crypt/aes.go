package crypt

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"errors"
)

// ErrDecrypt is a ciphertext that is not what the key made: a wrong key, a wrong
// parameter, or damage.
var ErrDecrypt = errors.New("the ciphertext does not fit the key")

// gcmTag is the size of a whole tag.
const gcmTag = 16

// SealGCM encrypts and appends a tag of tagSize bytes, at most 16. iv is not empty.
func SealGCM(key, iv, plain, extra []byte, tagSize int) ([]byte, error) {
	gcm, err := newGCM(key, len(iv))
	if err != nil {
		return nil, err
	}
	out := gcm.Seal(make([]byte, 0, len(plain)+gcmTag), iv, plain, extra)
	return out[:len(plain)+tagSize], nil
}

// OpenGCM is the inverse of SealGCM; text ends in the tag.
func OpenGCM(key, iv, text, extra []byte, tagSize int) ([]byte, error) {
	if len(text) < tagSize {
		return nil, ErrDecrypt
	}
	gcm, err := newGCM(key, len(iv))
	if err != nil {
		return nil, err
	}
	if tagSize == gcmTag {
		plain, err := gcm.Open(make([]byte, 0, len(text)), iv, text, extra)
		if err != nil {
			return nil, ErrDecrypt
		}
		return plain, nil
	}
	// Go knows no short tags. Encrypting the ciphertext once more gives the plain text,
	// and encrypting that gives the whole tag.
	n := len(text) - tagSize
	plain := gcm.Seal(make([]byte, 0, n+gcmTag), iv, text[:n], nil)[:n:n]
	again := gcm.Seal(make([]byte, 0, n+gcmTag), iv, plain, extra)
	if subtle.ConstantTimeCompare(again[n:n+tagSize], text[n:]) != 1 {
		clear(plain)
		return nil, ErrDecrypt
	}
	return plain, nil
}

func newGCM(key []byte, ivSize int) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithNonceSize(block, ivSize)
}

// SealCBC pads (PKCS #7) and encrypts. iv is 16 bytes.
func SealCBC(key, iv, plain []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	out := Pad(plain, aes.BlockSize)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(out, out)
	return out, nil
}

// OpenCBC is the inverse of SealCBC.
func OpenCBC(key, iv, text []byte) ([]byte, error) {
	if len(text) == 0 || len(text)%aes.BlockSize != 0 {
		return nil, ErrDecrypt
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	out := make([]byte, len(text))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(out, text)
	return Unpad(out, aes.BlockSize)
}

// Pad is a copy of plain with the padding of PKCS #7.
func Pad(plain []byte, block int) []byte {
	n := block - len(plain)%block
	out := make([]byte, len(plain)+n)
	copy(out, plain)
	for i := len(plain); i < len(out); i++ {
		out[i] = byte(n)
	}
	return out
}

// Unpad takes the padding of PKCS #7 off; the result shares the memory of plain.
func Unpad(plain []byte, block int) ([]byte, error) {
	if len(plain) == 0 || len(plain)%block != 0 {
		return nil, ErrDecrypt
	}
	n := int(plain[len(plain)-1])
	good := subtle.ConstantTimeLessOrEq(1, n) & subtle.ConstantTimeLessOrEq(n, block)
	for i := 1; i <= block; i++ {
		in := subtle.ConstantTimeLessOrEq(i, n)
		same := subtle.ConstantTimeByteEq(plain[len(plain)-i], byte(n))
		good &= subtle.ConstantTimeSelect(in, same, 1)
	}
	if good != 1 {
		return nil, ErrDecrypt
	}
	return plain[:len(plain)-n], nil
}

// ErrCounter is data for which the counter of AES-CTR would repeat.
var ErrCounter = errors.New("counter block values will repeat")

// CTR encrypts or decrypts. Only the last bits of the 16 bytes of counter count, and
// wrap around.
func CTR(key, counter []byte, bits int, data []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	// How many blocks there are until the counted bits are all zero again; 0 stands for
	// more than any data has.
	hi, lo := binary.BigEndian.Uint64(counter), binary.BigEndian.Uint64(counter[8:])
	blocks := (uint64(len(data)) + aes.BlockSize - 1) / aes.BlockSize
	var left uint64
	if bits < 64 {
		if blocks > 1<<bits {
			return nil, ErrCounter
		}
		left = 1<<bits - lo&(1<<bits-1)
	} else if counted := hi & (1<<(bits-64) - 1); bits == 64 || counted == 1<<(bits-64)-1 {
		left = -lo // 0 is 1<<64
	}
	out := make([]byte, len(data))
	if left == 0 || left >= blocks {
		cipher.NewCTR(block, counter).XORKeyStream(out, data)
		return out, nil
	}
	cut := left * aes.BlockSize
	cipher.NewCTR(block, counter).XORKeyStream(out[:cut], data[:cut])
	var wrapped [aes.BlockSize]byte
	copy(wrapped[:], counter)
	for i := range bits / 8 {
		wrapped[aes.BlockSize-1-i] = 0
	}
	if rest := bits % 8; rest > 0 {
		wrapped[aes.BlockSize-1-bits/8] &= 0xFF << rest
	}
	cipher.NewCTR(block, wrapped[:]).XORKeyStream(out[cut:], data[cut:])
	return out, nil
}

// kwIV is the initial value of RFC 3394.
const kwIV = 0xA6A6A6A6A6A6A6A6

// WrapKey is AES key wrap (RFC 3394). key material is a multiple of 8 bytes, and 16
// or more.
func WrapKey(key, material []byte) ([]byte, error) {
	if len(material)%8 != 0 || len(material) < 16 {
		return nil, errors.New("key material of a size that cannot be wrapped")
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	out := make([]byte, 8+len(material))
	copy(out[8:], material)
	var b [aes.BlockSize]byte
	binary.BigEndian.PutUint64(b[:], kwIV)
	n := len(material) / 8
	for j := range 6 {
		for i := range n {
			copy(b[8:], out[8+8*i:])
			block.Encrypt(b[:], b[:])
			copy(out[8+8*i:16+8*i], b[8:])
			binary.BigEndian.PutUint64(b[:], binary.BigEndian.Uint64(b[:])^uint64(n*j+i+1))
		}
	}
	copy(out, b[:8])
	return out, nil
}

// UnwrapKey is the inverse of WrapKey.
func UnwrapKey(key, wrapped []byte) ([]byte, error) {
	if len(wrapped)%8 != 0 || len(wrapped) < 24 {
		return nil, ErrDecrypt
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	out := append([]byte(nil), wrapped[8:]...)
	var b [aes.BlockSize]byte
	copy(b[:8], wrapped)
	n := len(out) / 8
	for j := 5; j >= 0; j-- {
		for i := n - 1; i >= 0; i-- {
			binary.BigEndian.PutUint64(b[:], binary.BigEndian.Uint64(b[:])^uint64(n*j+i+1))
			copy(b[8:], out[8*i:])
			block.Decrypt(b[:], b[:])
			copy(out[8*i:8*i+8], b[8:])
		}
	}
	var want [8]byte
	binary.BigEndian.PutUint64(want[:], kwIV)
	if subtle.ConstantTimeCompare(b[:8], want[:]) != 1 {
		clear(out)
		return nil, ErrDecrypt
	}
	return out, nil
}
