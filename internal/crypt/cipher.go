package crypt

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/rc4"
	"errors"
	"slices"
	"strings"
)

// CipherInfo is what node says of a cipher. IVSize is 0 for a cipher without an
// initialization vector.
type CipherInfo struct {
	Name                            string
	NID, BlockSize, IVSize, KeySize int
	Mode                            string
	new                             func(key []byte) (cipher.Block, error)
}

// ciphers are OpenSSL's numbers and BoringSSL's choice.
var ciphers = []*CipherInfo{
	{"aes-128-cbc", 419, 16, 16, 16, "cbc", aes.NewCipher}, {"aes-128-ctr", 904, 1, 16, 16, "ctr", aes.NewCipher}, {"aes-128-ecb", 418, 16, 0, 16, "ecb", aes.NewCipher},
	{"aes-128-gcm", 895, 1, 12, 16, "gcm", aes.NewCipher}, {"aes-128-ofb", 420, 1, 16, 16, "ofb", aes.NewCipher},
	{"aes-192-cbc", 423, 16, 16, 24, "cbc", aes.NewCipher}, {"aes-192-ctr", 905, 1, 16, 24, "ctr", aes.NewCipher}, {"aes-192-ecb", 422, 16, 0, 24, "ecb", aes.NewCipher},
	{"aes-192-gcm", 898, 1, 12, 24, "gcm", aes.NewCipher}, {"aes-192-ofb", 424, 1, 16, 24, "ofb", aes.NewCipher},
	{"aes-256-cbc", 427, 16, 16, 32, "cbc", aes.NewCipher}, {"aes-256-ctr", 906, 1, 16, 32, "ctr", aes.NewCipher}, {"aes-256-ecb", 426, 16, 0, 32, "ecb", aes.NewCipher},
	{"aes-256-gcm", 901, 1, 12, 32, "gcm", aes.NewCipher}, {"aes-256-ofb", 428, 1, 16, 32, "ofb", aes.NewCipher},
	{"des-cbc", 31, 8, 8, 8, "cbc", des.NewCipher}, {"des-ecb", 29, 8, 0, 8, "ecb", des.NewCipher},
	{"des-ede", 32, 8, 0, 16, "ecb", newEDE}, {"des-ede-cbc", 43, 8, 8, 16, "cbc", newEDE}, {"des-ede3-cbc", 44, 8, 8, 24, "cbc", des.NewTripleDESCipher},
	{"rc4", 5, 1, 0, 16, "stream", nil}, {chacha, 950, 1, 12, 32, "stream", nil},
}

const chacha = "chacha20-poly1305"

// newEDE is triple DES with two keys.
func newEDE(key []byte) (cipher.Block, error) {
	if len(key) != 16 {
		return nil, des.KeySizeError(len(key))
	}
	return des.NewTripleDESCipher(append(slices.Clone(key), key[:8]...))
}

// Ciphers lists the names of ciphers.
func Ciphers() []string {
	names := make([]string, len(ciphers))
	for i, c := range ciphers {
		names[i] = c.Name
	}
	return names
}

// CipherNamed finds a cipher by its name in any case; nil where there is none.
func CipherNamed(name string) *CipherInfo {
	name = strings.ToLower(name)
	switch name {
	case "aes128", "aes192", "aes256":
		name = "aes-" + name[3:] + "-cbc"
	case "des3":
		name = "des-ede3-cbc"
	case "id-aes128-gcm", "id-aes192-gcm", "id-aes256-gcm":
		name = "aes-" + name[6:]
	}
	i := slices.IndexFunc(ciphers, func(c *CipherInfo) bool { return c.Name == name })
	if i < 0 {
		return nil
	}
	return ciphers[i]
}

// CipherNumbered finds a cipher by OpenSSL's number.
func CipherNumbered(nid int) *CipherInfo {
	i := slices.IndexFunc(ciphers, func(c *CipherInfo) bool { return c.NID == nid })
	if i < 0 {
		return nil
	}
	return ciphers[i]
}

// Authenticated reports whether the cipher makes a tag.
func (c *CipherInfo) Authenticated() bool { return c.Mode == "gcm" || c.Name == chacha }

// OneShot reports whether all data must come at once.
func (c *CipherInfo) OneShot() bool { return c.Name == chacha }

// Sentinels of streaming ciphers.
var (
	ErrKeySize = errors.New("invalid key length")
	ErrIVSize  = errors.New("invalid initialization vector")
)

// Stream encrypts or decrypts piece by piece. It is not safe for use by several
// goroutines.
type Stream struct {
	info    *CipherInfo
	encrypt bool
	// blocks has the data that no whole block came of; nil for stream ciphers.
	blocks  cipher.BlockMode
	pending []byte
	padding bool
	stream  cipher.Stream
	gcm     *gcmStream
	chacha  *chachaStream
}

// NewStream starts a cipher. iv is the cipher's size, any for GCM.
func NewStream(info *CipherInfo, key, iv []byte, encrypt bool) (*Stream, error) {
	s := &Stream{info: info, encrypt: encrypt, padding: true}
	switch {
	case info.IVSize > 0 && len(iv) == 0, info.Mode != "gcm" && len(iv) != info.IVSize && (len(iv) > 0 || info.IVSize > 0):
		return nil, ErrIVSize
	case len(key) != info.KeySize && info.Name != "rc4" || len(key) == 0 || len(key) > 256:
		return nil, ErrKeySize
	}
	if info.Name == chacha {
		var err error
		s.chacha, err = newChacha(key, iv)
		return s, err
	}
	if info.new == nil {
		var err error
		s.stream, err = rc4.NewCipher(key)
		return s, err
	}
	block, err := info.new(key)
	if err != nil {
		return nil, err
	}
	switch info.Mode {
	case "cbc":
		if encrypt {
			s.blocks = cipher.NewCBCEncrypter(block, iv)
		} else {
			s.blocks = cipher.NewCBCDecrypter(block, iv)
		}
	case "ecb":
		s.blocks = &ecb{block, encrypt}
	case "ctr":
		s.stream = cipher.NewCTR(block, iv)
	case "ofb":
		s.stream = &ofb{block: block, next: slices.Clone(iv), used: block.BlockSize()}
	case "gcm":
		s.gcm = newGCMStream(block, iv, encrypt)
	}
	return s, nil
}

// SetPadding says whether the last block is padded (PKCS #7).
func (s *Stream) SetPadding(on bool) { s.padding = on }

// SetExtra adds data that is authenticated only; before the first Update.
func (s *Stream) SetExtra(data []byte) {
	switch {
	case s.gcm != nil:
		s.gcm.extra(data)
	case s.chacha != nil:
		s.chacha.extra = slices.Clone(data)
	}
}

// Update returns what becomes of data; for block ciphers a rest may stay.
func (s *Stream) Update(data []byte) ([]byte, error) {
	switch {
	case s.gcm != nil:
		return s.gcm.update(data), nil
	case s.chacha != nil:
		return s.chacha.update(data, s.encrypt)
	case s.stream != nil:
		out := make([]byte, len(data))
		s.stream.XORKeyStream(out, data)
		return out, nil
	}
	s.pending = append(s.pending, data...)
	size := s.blocks.BlockSize()
	n := len(s.pending) / size * size
	// The padding is in the last block: it is held back until the end is known.
	if !s.encrypt && s.padding && n == len(s.pending) && n > 0 {
		n -= size
	}
	out := make([]byte, n)
	s.blocks.CryptBlocks(out, s.pending[:n])
	s.pending = append(s.pending[:0], s.pending[n:]...)
	return out, nil
}

// Final returns the rest. For authenticated ciphers tag is compared when decrypting.
func (s *Stream) Final(tag []byte) ([]byte, error) {
	switch {
	case s.gcm != nil:
		if !s.encrypt && !equalTags(s.gcm.tag()[:len(tag)], tag) {
			return nil, ErrDecrypt
		}
		return nil, nil
	case s.blocks == nil:
		return nil, nil
	}
	size := s.blocks.BlockSize()
	switch {
	case s.encrypt && s.padding:
		out := Pad(s.pending, size)
		s.blocks.CryptBlocks(out, out)
		return out, nil
	case !s.padding && len(s.pending) == 0:
		return nil, nil
	case s.encrypt || len(s.pending) != size:
		return nil, ErrDecrypt
	}
	out := make([]byte, size)
	s.blocks.CryptBlocks(out, s.pending)
	return Unpad(out, size)
}

// SetTag says which tag is expected before the data comes, for one-shot ciphers.
func (s *Stream) SetTag(tag []byte) {
	if s.chacha != nil {
		s.chacha.tag = slices.Clone(tag)
	}
}

// Tag is the tag of what was encrypted, 16 bytes; nil for ciphers without one.
func (s *Stream) Tag() []byte {
	switch {
	case s.gcm != nil:
		return s.gcm.tag()
	case s.chacha != nil:
		return s.chacha.tag
	}
	return nil
}

type ecb struct {
	block   cipher.Block
	encrypt bool
}

func (e *ecb) BlockSize() int { return e.block.BlockSize() }

func (e *ecb) CryptBlocks(dst, src []byte) {
	size := e.block.BlockSize()
	for len(src) > 0 {
		if e.encrypt {
			e.block.Encrypt(dst, src)
		} else {
			e.block.Decrypt(dst, src)
		}
		dst, src = dst[size:], src[size:]
	}
}

type ofb struct {
	block cipher.Block
	next  []byte
	used  int
}

func (o *ofb) XORKeyStream(dst, src []byte) {
	for i, b := range src {
		if o.used == len(o.next) {
			o.block.Encrypt(o.next, o.next)
			o.used = 0
		}
		dst[i] = b ^ o.next[o.used]
		o.used++
	}
}
