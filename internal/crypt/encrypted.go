package crypt

import (
	"crypto"
	"crypto/md5"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"strings"
)

// Keys that a passphrase protects: PBES2 of PKCS #5 in PKCS #8, and the older way of
// text with a DEK-Info header.

var (
	oidPBES2  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
	oidScrypt = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11591, 4, 11}
)

var prfs = []struct {
	oid  asn1.ObjectIdentifier
	hash crypto.Hash
}{
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 7}, crypto.SHA1},
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 8}, crypto.SHA224},
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9}, crypto.SHA256},
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 10}, crypto.SHA384},
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 11}, crypto.SHA512},
}

var keyCiphers = []struct {
	oid  asn1.ObjectIdentifier
	name string
}{
	{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 2}, "aes-128-cbc"},
	{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 22}, "aes-192-cbc"},
	{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}, "aes-256-cbc"},
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 3, 7}, "des-ede3-cbc"},
}

type encryptedKey struct {
	Algorithm struct {
		Algorithm  asn1.ObjectIdentifier
		Parameters pbes2
	}
	Data []byte
}

type pbes2 struct {
	KDF struct {
		Algorithm  asn1.ObjectIdentifier
		Parameters asn1.RawValue // pbkdf2Params or scryptParams
	}
	Cipher struct {
		Algorithm asn1.ObjectIdentifier
		IV        []byte
	}
}

type pbkdf2Params struct {
	Salt       []byte
	Iterations int
	KeyLength  int                      `asn1:"optional"`
	PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
}

type scryptParams struct {
	Salt      []byte
	N, R, P   int
	KeyLength int `asn1:"optional"`
}

// maxScryptMemory bounds the memory that the text of a key may ask for, and maxScryptWork the work, in the iterations of which
// each takes a block of it.
const (
	maxScryptMemory = 64 << 20
	maxScryptWork   = 1 << 20
)

// maxKeyIterations bounds the work that the text of a key may ask for, about a second.
const maxKeyIterations = 2_000_000

// decryptPKCS8 returns PKCS #8; ErrKeyFormat for what is not encrypted.
func decryptPKCS8(der, passphrase []byte) ([]byte, error) {
	var k encryptedKey
	if err := unmarshal(der, &k); err != nil || !k.Algorithm.Algorithm.Equal(oidPBES2) {
		return nil, ErrKeyFormat
	}
	p := &k.Algorithm.Parameters
	if passphrase == nil {
		return nil, ErrPassphrase
	}
	for _, c := range keyCiphers {
		if p.Cipher.Algorithm.Equal(c.oid) {
			info := CipherNamed(c.name)
			key, err := p.key(passphrase, info.KeySize)
			if err != nil {
				return nil, err
			}
			return passphraseCipher(info, key, p.Cipher.IV, k.Data, false)
		}
	}
	return nil, ErrPassphrase
}

// key makes a key of a passphrase.
func (p *pbes2) key(passphrase []byte, size int) ([]byte, error) {
	if p.KDF.Algorithm.Equal(oidScrypt) {
		var kdf scryptParams
		if err := unmarshal(p.KDF.Parameters.FullBytes, &kdf); err != nil || kdf.N < 2 || kdf.R < 1 || kdf.P < 1 || kdf.N > maxScryptWork || kdf.R > maxScryptWork/kdf.N || kdf.P > maxScryptWork/(kdf.N*kdf.R) {
			return nil, ErrPassphrase
		}
		key, err := Scrypt(passphrase, kdf.Salt, kdf.N, kdf.R, kdf.P, maxScryptMemory, size)
		if err != nil {
			return nil, ErrPassphrase
		}
		return key, nil
	}
	var kdf pbkdf2Params
	if err := unmarshal(p.KDF.Parameters.FullBytes, &kdf); err != nil || !p.KDF.Algorithm.Equal(oidPBKDF2) || kdf.Iterations < 1 || kdf.Iterations > maxKeyIterations {
		return nil, ErrPassphrase
	}
	hash := crypto.SHA1
	for _, f := range prfs {
		if kdf.PRF.Algorithm.Equal(f.oid) {
			hash = f.hash
		}
	}
	return PBKDF2(hash.New, passphrase, kdf.Salt, kdf.Iterations, size, nil)
}

// newIterations is how many iterations of PBKDF2 are used for keys that are written.
const newIterations = 2048

func encryptPKCS8(der []byte, cipher string, passphrase []byte, random Random) ([]byte, error) {
	info := CipherNamed(cipher)
	var k encryptedKey
	k.Algorithm.Algorithm = oidPBES2
	p := &k.Algorithm.Parameters
	for _, c := range keyCiphers {
		if info != nil && c.name == info.Name {
			p.Cipher.Algorithm = c.oid
		}
	}
	if p.Cipher.Algorithm == nil {
		return nil, ErrKeyType
	}
	salt, iv := make([]byte, 16), make([]byte, info.IVSize)
	random(salt)
	random(iv)
	p.KDF.Algorithm, p.Cipher.IV = oidPBKDF2, iv
	kdf, err := asn1.Marshal(pbkdf2Params{Salt: salt, Iterations: newIterations, PRF: pkix.AlgorithmIdentifier{Algorithm: prfs[2].oid, Parameters: asn1.NullRawValue}})
	if err != nil {
		return nil, err
	}
	p.KDF.Parameters.FullBytes = kdf
	key, err := PBKDF2(crypto.SHA256.New, passphrase, salt, newIterations, info.KeySize, nil)
	if err != nil {
		return nil, err
	}
	if k.Data, err = passphraseCipher(info, key, iv, der, true); err != nil {
		return nil, err
	}
	return asn1.Marshal(k)
}

// passphraseCipher encrypts or decrypts as a whole; a wrong key is ErrPassphrase.
func passphraseCipher(info *CipherInfo, key, iv, data []byte, encrypt bool) ([]byte, error) {
	s, err := NewStream(info, key, iv, encrypt)
	if err != nil {
		return nil, ErrPassphrase
	}
	out, err := s.Update(data)
	if err != nil {
		return nil, ErrPassphrase
	}
	last, err := s.Final(nil)
	if err != nil {
		return nil, ErrPassphrase
	}
	return append(out, last...), nil
}

// textKey is the key of the older way: MD5 of the passphrase and the beginning of the
// initialization vector, again and again.
func textKey(passphrase, iv []byte, size int) []byte {
	var key, last []byte
	for len(key) < size {
		h := md5.New()
		h.Write(last)
		h.Write(passphrase)
		h.Write(iv[:8])
		last = h.Sum(nil)
		key = append(key, last...)
	}
	return key[:size]
}

func decryptPEM(block *pem.Block, passphrase []byte) ([]byte, error) {
	name, hexIV, ok := strings.Cut(block.Headers["DEK-Info"], ",")
	info := CipherNamed(strings.TrimSpace(name))
	iv, err := hex.DecodeString(strings.TrimSpace(hexIV))
	if !ok || info == nil || info.Mode != "cbc" || err != nil || len(iv) < 8 {
		return nil, ErrKeyFormat
	}
	if passphrase == nil {
		return nil, ErrPassphrase
	}
	return passphraseCipher(info, textKey(passphrase, iv, info.KeySize), iv, block.Bytes, false)
}

func encryptPEM(block *pem.Block, cipher string, passphrase []byte, random Random) error {
	info := CipherNamed(cipher)
	if info == nil || info.Mode != "cbc" {
		return ErrKeyType
	}
	iv := make([]byte, info.IVSize)
	random(iv)
	text, err := passphraseCipher(info, textKey(passphrase, iv, info.KeySize), iv, block.Bytes, true)
	if err != nil {
		return err
	}
	block.Bytes = text
	block.Headers = map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": strings.ToUpper(info.Name) + "," + strings.ToUpper(hex.EncodeToString(iv))}
	return nil
}
