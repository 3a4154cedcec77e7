package crypto

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"errors"
	"math/big"

	"workerd.local/exception"
	"workerd.local/internal/crypt"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/crypto"
)

// dhHandle is the state of a DiffieHellman.
type dhHandle struct {
	crypt.DH
	// checked is what verifyError gives; nil until somebody asks.
	checked *int
}

var dhClass = &bind.Class[dhHandle]{
	Name: "DiffieHellmanHandle",
	Methods: map[string]bind.Method[dhHandle]{
		"generateKeys":  (*dhHandle).jsGenerateKeys,
		"computeSecret": (*dhHandle).jsComputeSecret,
		"getPrime":      func(d *dhHandle, c *bind.Call) (any, error) { return bufferOf(c, d.P.Bytes(), nil) },
		"getGenerator":  func(d *dhHandle, c *bind.Call) (any, error) { return bufferOf(c, d.G.Bytes(), nil) },
		"getPublicKey":  func(d *dhHandle, c *bind.Call) (any, error) { return numberOf(c, d.Public, "No public key") },
		"getPrivateKey": func(d *dhHandle, c *bind.Call) (any, error) { return numberOf(c, d.Private, "No private key") },
		"setPublicKey":  (*dhHandle).jsSetPublicKey,
		"setPrivateKey": (*dhHandle).jsSetPrivateKey,
		"verifyError":   (*dhHandle).jsVerifyError,
	},
}

func numberOf(c *bind.Call, n *big.Int, otherwise string) (any, error) {
	if n == nil {
		return nil, errorf("%s", otherwise)
	}
	return bufferOf(c, n.Bytes(), nil)
}

// maxDHBits bounds primes, as workerd does; making one is bounded by the turn.
const maxDHBits = 10_000

const dhInit = "DiffieHellman init failed: "

// newDH(bits or prime, generator)
func jsNewDH(c *bind.Call) (any, error) {
	d := &dhHandle{}
	generator, isBytes := bind.Bytes(c.JS(), c.Arg(1))
	if isBytes {
		switch d.G = new(big.Int).SetBytes(generator); {
		case len(generator) > maxDHBits/8:
			return nil, exception.RangeErrorf(dhInit + "generator is too large")
		case d.G.Cmp(big.NewInt(1)) <= 0:
			return nil, errorf(dhInit + "invalid generator")
		}
	} else {
		d.G = big.NewInt(c.Arg(1).ToInteger())
	}
	if prime, ok := bind.Bytes(c.JS(), c.Arg(0)); ok {
		switch {
		case len(prime) > maxDHBits/8:
			return nil, exception.RangeErrorf(dhInit + "key is too large")
		case len(prime) == 0:
			return nil, errorf(dhInit + "invalid key")
		case d.G.Cmp(big.NewInt(2)) < 0:
			return nil, exception.RangeErrorf(dhInit + "generator too small")
		}
		d.P = new(big.Int).SetBytes(prime)
	} else {
		bits := c.Arg(0).ToInteger()
		switch {
		case isBytes:
			return nil, errorf(dhInit + "invalid parameters")
		case bits > maxDHBits:
			return nil, exception.RangeErrorf(dhInit + "requested prime size too large")
		case bits < 3 || d.G.Cmp(big.NewInt(2)) < 0:
			return nil, errorf(dhInit + "could not generate parameters")
		}
		if _, err := c.Context(); err != nil {
			return nil, errorf("DiffieHellman key generation requires an active request")
		}
		p, err := crypt.Prime(safePrime(int(bits), d.G.Int64()), random(c.JS()), crypto.Stopper(c.JS()))
		if err != nil {
			return nil, errorf(dhInit + "could not generate parameters")
		}
		d.P = p
	}
	if d.P.Bit(0) == 0 || d.G.Cmp(d.P) >= 0 {
		return nil, errorf(dhInit + "Invalid DH prime generated")
	}
	return dhClass.Wrap(c.JS(), d), nil
}

// safePrime is a prime for which the generator is suitable.
func safePrime(bits int, generator int64) crypt.PrimeOptions {
	o := crypt.PrimeOptions{Bits: bits, Safe: true}
	switch {
	case generator == 2 && bits > 6:
		o.Add, o.Rem = big.NewInt(24), big.NewInt(23)
	case generator == 5 && bits > 6:
		o.Add, o.Rem = big.NewInt(60), big.NewInt(59)
	case bits > 6:
		o.Add, o.Rem = big.NewInt(12), big.NewInt(11)
	}
	return o
}

func jsNewGroup(c *bind.Call) (any, error) {
	p := crypt.DHGroup(c.Arg(0).String())
	if p == nil {
		return nil, errorf("Failed to init DiffieHellmanGroup: invalid group. Only groups {modp14, modp15, modp16, modp17, modp18} are supported.")
	}
	return dhClass.Wrap(c.JS(), &dhHandle{DH: crypt.DH{P: p, G: big.NewInt(2)}, checked: new(int)}), nil
}

func (d *dhHandle) jsVerifyError(*bind.Call) (any, error) {
	if d.checked == nil {
		bad := d.Check()
		d.checked = &bad
	}
	return *d.checked, nil
}

func (d *dhHandle) jsGenerateKeys(c *bind.Call) (any, error) {
	d.Generate(random(c.JS()))
	return bufferOf(c, d.Public.Bytes(), nil)
}

func (d *dhHandle) jsComputeSecret(c *bind.Call) (any, error) {
	const failed = "DiffieHellman computeSecret() failed: "
	peer := bytes(c, 0)
	switch {
	case len(peer) == 0:
		return nil, errorf(failed + "invalid key")
	case len(peer) > maxDHBits/8:
		return nil, exception.RangeErrorf(failed + "Supplied key is too large")
	case d.Private == nil:
		return nil, errorf(failed + "error computing shared secret")
	}
	out, err := d.Secret(new(big.Int).SetBytes(peer))
	switch {
	case errors.Is(err, crypt.ErrTooSmall):
		return nil, exception.RangeErrorf(failed + "Supplied key is too small")
	case err != nil:
		return nil, exception.RangeErrorf(failed + "Supplied key is too large")
	}
	return bufferOf(c, out, nil)
}

func (d *dhHandle) jsSetPublicKey(c *bind.Call) (any, error) {
	const failed = "DiffieHellman setPublicKey() failed: "
	b := bytes(c, 0)
	if len(b) > maxDHBits/8 {
		return nil, exception.RangeErrorf(failed + "key is too large")
	}
	y := new(big.Int).SetBytes(b)
	switch err := d.CheckPublic(y); {
	case errors.Is(err, crypt.ErrTooSmall):
		return nil, exception.RangeErrorf(failed + "key is too small")
	case err != nil:
		return nil, exception.RangeErrorf(failed + "key is too large")
	}
	d.Public = y
	return nil, nil
}

func (d *dhHandle) jsSetPrivateKey(c *bind.Call) (any, error) {
	b := bytes(c, 0)
	if len(b) > maxDHBits/8 {
		return nil, exception.RangeErrorf("DiffieHellman setPrivateKey() failed: key is too large")
	}
	d.Private = new(big.Int).SetBytes(b)
	return nil, nil
}

// ecdhHandle is the state of an ECDH.
type ecdhHandle struct {
	curve elliptic.Curve
	key   *ecdsa.PrivateKey // nil until there is one
}

var ecdhClass = &bind.Class[ecdhHandle]{
	Name: "ECDHHandle",
	Methods: map[string]bind.Method[ecdhHandle]{
		"generateKeys": func(e *ecdhHandle, c *bind.Call) (any, error) {
			e.key = crypto.GenerateEC(e.curve, random(c.JS()))
			return nil, nil
		},
		"computeSecret": (*ecdhHandle).jsComputeSecret,
		"getPrivateKey": (*ecdhHandle).jsGetPrivateKey,
		"getPublicKey":  (*ecdhHandle).jsGetPublicKey,
		"setPrivateKey": (*ecdhHandle).jsSetPrivateKey,
	},
}

func jsNewECDH(c *bind.Call) (any, error) {
	curve := opensslCurves[c.Arg(0).String()]
	if curve == nil {
		return nil, errorf("Invalid curve")
	}
	return ecdhClass.Wrap(c.JS(), &ecdhHandle{curve: curve}), nil
}

func (e *ecdhHandle) jsComputeSecret(c *bind.Call) (any, error) {
	if e.key == nil {
		return nil, errorf("Invalid keypair")
	}
	peer, err := point(e.curve, bytes(c, 0))
	if err != nil {
		return nil, err
	}
	d, err := e.key.Bytes()
	if err != nil {
		return nil, errorf("Failed to compute ECDH key")
	}
	out, err := ecdhSecret(e.key, peer, d)
	if err != nil {
		return nil, errorf("Failed to compute ECDH key")
	}
	return bufferOf(c, out, nil)
}

// ecdhSecret is the secret of two keys; Go's ECDH has no P-224.
func ecdhSecret(private *ecdsa.PrivateKey, public *ecdsa.PublicKey, d []byte) ([]byte, error) {
	if private.Curve != elliptic.P224() {
		return crypt.ECDH(private, public)
	}
	return crypt.ECDH224(d, public)
}

// point reads a public key: compressed, uncompressed or hybrid.
func point(curve elliptic.Curve, b []byte) (*ecdsa.PublicKey, error) {
	if len(b) > 0 && (b[0] == 6 || b[0] == 7) {
		if len(b)%2 == 0 || b[len(b)-1]&1 != b[0]&1 {
			return nil, errorf("Failed to set point")
		}
		b = append([]byte{4}, b[1:]...)
	}
	k, err := crypto.ParsePoint(curve, b)
	if err != nil {
		return nil, errorf("Failed to set point")
	}
	return k, nil
}

// pointBytes writes a public key in a format of node.
func pointBytes(c *bind.Call, k *ecdsa.PublicKey, format string) (any, error) {
	b, err := k.Bytes()
	if err != nil {
		return nil, errorf("Failed to get public key")
	}
	odd := b[len(b)-1] & 1
	switch format {
	case "compressed":
		b = b[:1+(len(b)-1)/2]
		b[0] = 2 + odd
	case "hybrid":
		b[0] = 6 + odd
	}
	return bufferOf(c, b, nil)
}

func (e *ecdhHandle) jsGetPrivateKey(c *bind.Call) (any, error) {
	if e.key == nil {
		return nil, errorf("Failed to get ECDH private key")
	}
	d, err := e.key.Bytes()
	if err != nil {
		return nil, errorf("Failed to get ECDH private key")
	}
	return bufferOf(c, new(big.Int).SetBytes(d).Bytes(), nil)
}

func (e *ecdhHandle) jsGetPublicKey(c *bind.Call) (any, error) {
	if e.key == nil {
		return nil, errorf("Failed to get ECDH public key")
	}
	return pointBytes(c, &e.key.PublicKey, c.Arg(0).String())
}

func (e *ecdhHandle) jsSetPrivateKey(c *bind.Call) (any, error) {
	size := (e.curve.Params().BitSize + 7) / 8
	d := new(big.Int).SetBytes(bytes(c, 0))
	if d.BitLen() > 8*size {
		return nil, errorf("Private key is not valid for specified curve.")
	}
	k, err := ecdsa.ParseRawPrivateKey(e.curve, d.FillBytes(make([]byte, size)))
	if err != nil {
		return nil, errorf("Private key is not valid for specified curve.")
	}
	e.key = k
	return nil, nil
}

// convertKey(key, curve, format)
func jsConvertKey(c *bind.Call) (any, error) {
	if len(bytes(c, 0)) == 0 {
		return bufferOf(c, nil, nil)
	}
	curve := opensslCurves[c.Arg(1).String()]
	if curve == nil {
		return nil, errorf("Invalid curve")
	}
	k, err := point(curve, bytes(c, 0))
	if err != nil {
		return nil, err
	}
	return pointBytes(c, k, c.Arg(2).String())
}

// stateless(private, public)
func jsStateless(c *bind.Call) (any, error) {
	a, err := key(c, 0)
	if err != nil {
		return nil, err
	}
	b, err := key(c, 1)
	if err != nil {
		return nil, err
	}
	var out []byte
	err = errors.ErrUnsupported
	switch private := a.Material().(type) {
	case *ecdsa.PrivateKey:
		public, ok := b.Material().(*ecdsa.PublicKey)
		if ok && private.Curve == public.Curve {
			var d []byte
			if d, err = private.Bytes(); err == nil {
				out, err = ecdhSecret(private, public, d)
			}
		}
	case *ecdh.PrivateKey:
		if public, ok := b.Material().(*ecdh.PublicKey); ok {
			out, err = private.ECDH(public)
		}
	default:
		return nil, errorf("Unsupported keys for stateless diffie-hellman")
	}
	if err != nil {
		return nil, errorf("Failed to derive shared diffie-hellman secret")
	}
	return bufferOf(c, out, nil)
}
