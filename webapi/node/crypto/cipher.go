package crypto

import (
	"crypto"
	"crypto/rsa"
	"errors"
	"fmt"
	"strings"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/internal/crypt"
	"workerd.local/webapi/bind"
)

// cipherHandle is the state of a Cipheriv or a Decipheriv.
type cipherHandle struct {
	info    *crypt.CipherInfo
	encrypt bool
	stream  *crypt.Stream // nil once it is final
	// tagSize is 0 until it is known.
	tagSize int
	tag     []byte
}

var cipherClass = &bind.Class[cipherHandle]{
	Name: "CipherHandle",
	Methods: map[string]bind.Method[cipherHandle]{
		"update":         (*cipherHandle).jsUpdate,
		"final":          (*cipherHandle).jsFinal,
		"setAAD":         (*cipherHandle).jsSetAAD,
		"setAutoPadding": (*cipherHandle).jsSetAutoPadding,
		"setAuthTag":     (*cipherHandle).jsSetAuthTag,
		"getAuthTag":     (*cipherHandle).jsGetAuthTag,
	},
}

var (
	errIV          = errorf("Invalid initialization vector")
	errTagSize     = errorf("Invalid authentication tag length")
	errCipherFinal = errorf("Cipher/decipher context has already been finalized")
)

// newCipher(encrypt, algorithm, key, iv, tagLength)
func jsNewCipher(c *bind.Call) (any, error) {
	name := c.Arg(1).String()
	info := crypt.CipherNamed(name)
	if info == nil {
		return nil, errorf("Unknown or unsupported cipher: %s", name)
	}
	k, err := key(c, 2)
	if err != nil {
		return nil, err
	}
	b, ok := secret(k)
	if !ok {
		return nil, noExport(k)
	}
	h := &cipherHandle{info: info, encrypt: c.Arg(0).ToBoolean()}
	if isSet(c.Arg(4)) && info.Authenticated() {
		h.tagSize = int(c.Arg(4).ToInteger())
		if !h.validTag(h.tagSize) {
			return nil, errTagSize
		}
	} else if info.OneShot() {
		h.tagSize = 16
	}
	h.stream, err = crypt.NewStream(info, b, copied(c, 3), h.encrypt)
	switch {
	case errors.Is(err, crypt.ErrIVSize):
		return nil, errIV
	case err != nil && info.OneShot():
		return nil, errorf("Failed to initialize AEAD cipher/decipher context")
	case err != nil:
		return nil, errorf("Invalid key length")
	}
	return cipherClass.Wrap(c.JS(), h), nil
}

// validTag reports whether tags may have that size (NIST SP 800-38D; RFC 8439).
func (h *cipherHandle) validTag(size int) bool {
	if h.info.OneShot() {
		return size == 16
	}
	return size == 4 || size == 8 || size >= 12 && size <= 16
}

func (h *cipherHandle) jsUpdate(c *bind.Call) (any, error) {
	if h.stream == nil {
		return nil, errCipherFinal
	}
	if h.info.OneShot() && !h.encrypt && h.tag == nil {
		return nil, errorf("No auth tag provided")
	}
	out, err := h.stream.Update(bytes(c, 0))
	switch {
	case errors.Is(err, crypt.ErrOneShot):
		return nil, errorf("update() can only be invoked once on an AEAD")
	case err != nil:
		return nil, exception.DOM("OperationError", "Decryption failed: Incorrect key/IV or corrupted ciphertext/authentication tag provided.")
	}
	return bufferOf(c, out, nil)
}

func (h *cipherHandle) jsFinal(c *bind.Call) (any, error) {
	if h.stream == nil {
		return nil, errCipherFinal
	}
	if h.info.Authenticated() && !h.encrypt && h.tag == nil {
		return nil, errorf("No auth tag provided")
	}
	out, err := h.stream.Final(h.tag)
	if err != nil {
		return nil, errorf("Authentication failed")
	}
	if h.encrypt && h.info.Authenticated() {
		if h.tagSize == 0 {
			h.tagSize = 16
		}
		h.tag = h.stream.Tag()
		h.tag = h.tag[:min(h.tagSize, len(h.tag))]
	}
	h.stream = nil
	return bufferOf(c, out, nil)
}

func (h *cipherHandle) authenticated() error {
	switch {
	case h.stream == nil:
		return errCipherFinal
	case !h.info.Authenticated():
		return errorf("Cipher does not support authenticated mode")
	}
	return nil
}

func (h *cipherHandle) jsSetAAD(c *bind.Call) (any, error) {
	if err := h.authenticated(); err != nil {
		return nil, err
	}
	h.stream.SetExtra(bytes(c, 0))
	return nil, nil
}

func (h *cipherHandle) jsSetAutoPadding(c *bind.Call) (any, error) {
	switch {
	case h.stream == nil:
		return nil, errCipherFinal
	case h.info.OneShot():
		return nil, errorf("Setting autopadding is not supported on AEADs")
	}
	h.stream.SetPadding(c.Arg(0).ToBoolean())
	return nil, nil
}

func (h *cipherHandle) jsSetAuthTag(c *bind.Call) (any, error) {
	if err := h.authenticated(); err != nil {
		return nil, err
	}
	tag := copied(c, 0)
	switch {
	case h.encrypt:
		return nil, errorf("Setting auth tag only support in decipher mode")
	case h.tag != nil:
		return nil, errorf("Auth tag is already set")
	case !h.validTag(len(tag)), h.tagSize != 0 && h.tagSize != len(tag):
		return nil, errTagSize
	}
	h.tag, h.tagSize = tag, len(tag)
	h.stream.SetTag(tag)
	return nil, nil
}

func (h *cipherHandle) jsGetAuthTag(c *bind.Call) (any, error) {
	switch {
	case h.stream != nil:
		return nil, errorf("Auth tag is only available once cipher context has been finalized")
	case !h.encrypt:
		return nil, errorf("Getting the auth tag is only support for cipher")
	}
	return bufferOf(c, append([]byte(nil), h.tag...), nil)
}

// The paddings of RSA, as crypto.constants number them.
const (
	paddingPKCS1 = 1
	paddingNone  = 3
	paddingOAEP  = 4
	paddingPSS   = 6
)

// rsa(operation, key, data, padding, oaepHash, oaepLabel): operation is the name of the
// function of node:crypto.
func jsRSACipher(c *bind.Call) (any, error) {
	operation := c.Arg(0).String()
	k, err := key(c, 1)
	if err != nil {
		return nil, err
	}
	data, padding := bytes(c, 2), int(c.Arg(3).ToInteger())
	public, private := rsaOf(k.Material())
	if public == nil {
		return nil, errorf("publicEncrypt() currently only supports RSA keys")
	}
	direct := operation == "publicEncrypt" || operation == "privateDecrypt"
	var h crypto.Hash
	if direct {
		d := crypt.DigestNamed(c.Arg(4).String())
		if d == nil || d.Hash == 0 {
			return nil, errorf("Unsupported hash digest")
		}
		h = d.Hash
		if isSet(c.Arg(5)) && padding != paddingOAEP {
			return nil, errorf("Failed to set the OAEP label")
		}
	}
	if padding != paddingPKCS1 && padding != paddingNone && !(direct && padding == paddingOAEP) {
		return nil, errorf("Failed to set the padding")
	}
	r := random(c.JS())
	size := public.Size()
	var out []byte
	switch operation {
	case "publicEncrypt":
		switch padding {
		case paddingOAEP:
			out, err = crypt.EncryptOAEP(public, r, h, h, data, bytes(c, 5))
		case paddingPKCS1:
			if out, err = crypt.PadPKCS1(size, 2, r, data); err == nil {
				out, err = crypt.RSAPublic(public, out)
			}
		default:
			out, err = whole(size, data, func(b []byte) ([]byte, error) { return crypt.RSAPublic(public, b) })
		}
	case "privateDecrypt":
		switch padding {
		case paddingOAEP:
			out, err = crypt.DecryptOAEP(private, r, h, h, data, bytes(c, 5))
		case paddingPKCS1:
			out, err = crypt.DecryptPKCS1(private, r, data)
		default:
			out, err = whole(size, data, func(b []byte) ([]byte, error) { return crypt.RSAPrivate(private, r, b) })
		}
	case "privateEncrypt":
		if padding == paddingPKCS1 {
			if data, err = crypt.PadPKCS1(size, 1, r, data); err != nil {
				break
			}
		}
		out, err = whole(size, data, func(b []byte) ([]byte, error) { return crypt.RSAPrivate(private, r, b) })
	default:
		out, err = whole(size, data, func(b []byte) ([]byte, error) { return crypt.RSAPublic(public, b) })
		if err == nil && padding == paddingPKCS1 {
			out, err = crypt.UnpadPKCS1(out, 1)
		}
	}
	if err != nil {
		return nil, errorf("Failed to cipher/decipher")
	}
	return bufferOf(c, out, nil)
}

func rsaOf(k any) (*rsa.PublicKey, *rsa.PrivateKey) {
	switch k := k.(type) {
	case *rsa.PrivateKey:
		return &k.PublicKey, k
	case *rsa.PublicKey:
		return k, nil
	}
	return nil, nil
}

// whole does the bare operation, which wants as many bytes as the key has.
func whole(size int, data []byte, do func([]byte) ([]byte, error)) ([]byte, error) {
	if len(data) != size {
		return nil, crypt.ErrRSALength
	}
	return do(data)
}

// info(name or number, keyLength, ivLength)
func jsCipherInfo(c *bind.Call) (any, error) {
	var info *crypt.CipherInfo
	if s, ok := c.Arg(0).(goja.String); ok {
		info = crypt.CipherNamed(s.String())
	} else {
		info = crypt.CipherNumbered(int(c.Arg(0).ToInteger()))
	}
	if info == nil {
		return nil, nil
	}
	iv := info.IVSize
	if isSet(c.Arg(1)) && int(c.Arg(1).ToInteger()) != info.KeySize {
		return nil, nil
	}
	if isSet(c.Arg(2)) {
		n := int(c.Arg(2).ToInteger())
		if n != iv && !(info.Mode == "gcm" && n > 0) {
			return nil, nil
		}
		iv = n
	}
	obj := c.JS().Runtime().NewObject()
	put := func(name string, v any) {
		_ = obj.DefineDataProperty(name, bind.Value(c.JS(), v), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
	}
	put("name", listed(info))
	put("nid", info.NID)
	put("blockSize", info.BlockSize)
	put("ivLength", iv)
	put("keyLength", info.KeySize)
	put("mode", info.Mode)
	return obj, nil
}

// listed is the name that workerd lists a cipher by.
func listed(info *crypt.CipherInfo) string {
	switch {
	case info.Mode == "gcm":
		return fmt.Sprintf("id-aes%d-GCM", info.KeySize*8)
	case info.Mode == "stream" && info.Authenticated():
		return info.Name
	}
	return strings.ToUpper(info.Name)
}

func jsCiphers(*bind.Call) (any, error) { return crypt.Ciphers(), nil }
