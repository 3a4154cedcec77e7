package crypto

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"hash"

	"workerd.local/internal/crypt"
	"workerd.local/webapi/bind"
)

// signerHandle is the state of a Sign or a Verify.
type signerHandle struct {
	digest *crypt.Digest
	hash   hash.Hash // nil once it is final
	// what is "Signing" or "Verification".
	what string
}

var signerClass = &bind.Class[signerHandle]{
	Name: "SignHandle",
	Methods: map[string]bind.Method[signerHandle]{
		"update": (*signerHandle).jsUpdate,
		"sign":   (*signerHandle).jsSign,
		"verify": (*signerHandle).jsVerify,
	},
}

// newSigner(algorithm, what)
func jsNewSigner(c *bind.Call) (any, error) {
	d := crypt.DigestNamed(c.Arg(0).String())
	if d == nil {
		return nil, errorf("Unknown digest: %s", c.Arg(0).String())
	}
	return signerClass.Wrap(c.JS(), &signerHandle{d, d.New(), c.Arg(1).String()}), nil
}

func (s *signerHandle) jsUpdate(c *bind.Call) (any, error) {
	if s.hash == nil {
		return nil, errorf("%s context has already been finalized", s.what)
	}
	s.hash.Write(bytes(c, 0))
	return nil, nil
}

func (s *signerHandle) sum() ([]byte, error) {
	if s.hash == nil {
		return nil, errorf("%s context has already been finalized", s.what)
	}
	sum := s.hash.Sum(nil)
	s.hash = nil
	return sum, nil
}

// signature are the options of a signature, the arguments from the nth: padding,
// saltLength, dsaEncoding.
type signature struct {
	digest  *crypt.Digest // nil for keys that need none
	padding int
	salt    *int
	p1363   bool
}

func signatureOf(c *bind.Call, n int, d *crypt.Digest) signature {
	s := signature{digest: d, padding: paddingPKCS1, p1363: c.Arg(n+2).ToInteger() == 1}
	if isSet(c.Arg(n)) {
		s.padding = int(c.Arg(n).ToInteger())
	}
	if isSet(c.Arg(n + 1)) {
		salt := int(c.Arg(n + 1).ToInteger())
		s.salt = &salt
	}
	return s
}

var (
	errPadding = errorf("Failed to set RSA parameters for signature")
	errDigest  = errorf("Failed to set signature digest")
	errSign    = errorf("Failed to generate signature")
)

// Values of saltLength.
const (
	saltOfDigest = -1
	saltMost     = -2
)

// saltSize is how many bytes of salt a signature has; any where the verifier takes any.
func (s *signature) saltSize(size int, verify bool) (n int, ok bool) {
	most := size - s.digest.Size() - 2
	n = saltMost
	if s.salt != nil {
		n = *s.salt
	}
	switch {
	case n == saltOfDigest:
		n = s.digest.Size()
	case n == saltMost && verify:
		return -1, true
	case n == saltMost:
		n = most
	}
	return n, n >= 0 && n <= most
}

func (s *signature) sign(c *bind.Call, k any, sum []byte) ([]byte, error) {
	switch k := k.(type) {
	case *crypt.DSA:
		return nil, errorf("Signing with DSA keys is not currently supported")
	case *ecdsa.PrivateKey:
		if s.digest.Hash == 0 {
			return nil, errDigest
		}
		der, err := k.Sign(nil, sum, s.digest.Hash)
		if err != nil {
			return nil, errSign
		}
		if s.p1363 {
			return crypt.ECDSAToRaw(der, (k.Curve.Params().BitSize+7)/8)
		}
		return der, nil
	}
	_, private := rsaOf(k)
	if private == nil {
		return nil, errDigest
	}
	h := s.digest.Hash
	var out []byte
	var err error
	switch s.padding {
	case paddingPKCS1:
		out, err = crypt.SignPKCS1(private, random(c.JS()), h, sum)
	case paddingPSS:
		salt, ok := s.saltSize(private.Size(), false)
		if !ok || h == 0 {
			return nil, errSign
		}
		out, err = crypt.SignPSS(private, random(c.JS()), h, sum, salt)
	default:
		return nil, errPadding
	}
	if err != nil {
		return nil, errSign
	}
	return out, nil
}

func (s *signature) verify(k any, sum, sig []byte) (bool, error) {
	switch k := crypt.PublicOf(k).(type) {
	case *crypt.DSA:
		return false, errorf("Verifying with DSA keys is not currently supported")
	case *ecdsa.PublicKey:
		if s.p1363 {
			var err error
			if sig, err = crypt.ECDSAFromRaw(sig, (k.Curve.Params().BitSize+7)/8); err != nil {
				return false, nil // a signature of another size is a wrong one
			}
		}
		return ecdsa.VerifyASN1(k, sum, sig), nil
	}
	public, _ := rsaOf(crypt.PublicOf(k))
	if public == nil {
		return false, errorf("Unsupported operation for this key")
	}
	switch s.padding {
	case paddingPKCS1:
		return crypt.VerifyPKCS1(public, s.digest.Hash, sum, sig), nil
	case paddingPSS:
		salt, ok := s.saltSize(public.Size(), true)
		return ok && s.digest.Hash != 0 && crypt.VerifyPSS(public, s.digest.Hash, sum, sig, salt), nil
	}
	return false, errPadding
}

// sign(key, padding, saltLength, dsaEncoding)
func (s *signerHandle) jsSign(c *bind.Call) (any, error) {
	if s.hash == nil {
		return nil, errorf("Signing context has already been finalized")
	}
	k, err := key(c, 0)
	if err != nil {
		return nil, err
	}
	sum, err := s.sum()
	if err != nil {
		return nil, err
	}
	o := signatureOf(c, 1, s.digest)
	out, err := o.sign(c, k.Material(), sum)
	return bufferOf(c, out, err)
}

// verify(key, signature, padding, saltLength, dsaEncoding)
func (s *signerHandle) jsVerify(c *bind.Call) (any, error) {
	if s.hash == nil {
		return nil, errorf("Verification context has already been finalized")
	}
	k, err := key(c, 0)
	if err != nil {
		return nil, err
	}
	sum, err := s.sum()
	if err != nil {
		return nil, err
	}
	o := signatureOf(c, 2, s.digest)
	return o.verify(k.Material(), sum, bytes(c, 1))
}

// defaultDigest is what is taken where a script names none.
var defaultDigest = crypt.DigestNamed("sha256")

// oneShot reads the digest of sign() and verify(), and the sum of data; ed25519 is set
// for keys that take the data itself.
func oneShot(c *bind.Call, k any, data []byte, failure string) (d *crypt.Digest, sum []byte, err error) {
	switch k.(type) {
	case ed25519.PrivateKey, ed25519.PublicKey:
		if isSet(c.Arg(1)) {
			return nil, nil, errorf("%s", failure)
		}
		return nil, data, nil
	}
	d = defaultDigest
	if isSet(c.Arg(1)) {
		if d = crypt.DigestNamed(c.Arg(1).String()); d == nil {
			return nil, nil, errorf("Unknown digest: %s", c.Arg(1).String())
		}
	}
	h := d.New()
	h.Write(data)
	return d, h.Sum(nil), nil
}

// sign(key, algorithm, data, padding, saltLength, dsaEncoding)
func jsSign(c *bind.Call) (any, error) {
	k, err := key(c, 0)
	if err != nil {
		return nil, err
	}
	if _, ok := k.Material().(*crypt.DSA); ok {
		return nil, errorf("Signing with DSA keys is not currently supported")
	}
	d, sum, err := oneShot(c, k.Material(), bytes(c, 2), "Failed to initialize signing context")
	if err != nil {
		return nil, err
	}
	if private, ok := k.Material().(ed25519.PrivateKey); ok {
		return bufferOf(c, ed25519.Sign(private, sum), nil)
	}
	o := signatureOf(c, 3, d)
	out, err := o.sign(c, k.Material(), sum)
	return bufferOf(c, out, err)
}

// verify(key, algorithm, data, signature, padding, saltLength, dsaEncoding)
func jsVerify(c *bind.Call) (any, error) {
	k, err := key(c, 0)
	if err != nil {
		return nil, err
	}
	if _, ok := k.Material().(*crypt.DSA); ok {
		return nil, errorf("Verifying with DSA keys is not currently supported")
	}
	d, sum, err := oneShot(c, k.Material(), bytes(c, 2), "Failed to initialize verification context")
	if err != nil {
		return nil, err
	}
	if public, ok := crypt.PublicOf(k.Material()).(ed25519.PublicKey); ok {
		sig := bytes(c, 3)
		return len(sig) == ed25519.SignatureSize && ed25519.Verify(public, sum, sig), nil
	}
	o := signatureOf(c, 4, d)
	return o.verify(k.Material(), sum, bytes(c, 3))
}
