package crypto

import (
	"fmt"

	"workerd.local/exception"
	"workerd.local/internal/crypt"
	"workerd.local/internal/limits"
	"workerd.local/webapi/bind"
)

// hkdf(hash, key, salt, info, length)
func jsHKDF(c *bind.Call) (any, error) {
	name := c.Arg(0).String()
	d := crypt.DigestNamed(name)
	if d == nil {
		return nil, exception.TypeErrorf("Invalid Hkdf digest: %s", name)
	}
	out, err := crypt.HKDF(d.New, bytes(c, 1), bytes(c, 2), bytes(c, 3), int(min(c.Arg(4).ToInteger(), 1<<31)))
	if err != nil {
		return nil, exception.RangeErrorf("Invalid Hkdf key length")
	}
	return out, nil
}

// pbkdf2(password, salt, iterations, length, digest, async)
func jsPBKDF2(c *bind.Call) (any, error) {
	name := c.Arg(4).String()
	d := crypt.DigestNamed(name)
	if d == nil {
		return nil, exception.TypeErrorf("Invalid Pbkdf2 digest: %s: DIGEST UNKNOWN.", name)
	}
	iterations, length := int(c.Arg(2).ToInteger()), int(c.Arg(3).ToInteger())
	if most := limits.CryptoIterations.In(c.JS().Bounds()); iterations > most {
		return nil, exception.DOM("NotSupportedError", fmt.Sprintf("Pbkdf2 failed: iteration counts above %d are not supported (requested %d).", most, iterations))
	}
	if length > 255*d.Size() {
		return nil, exception.RangeErrorf("Pbkdf2 failed: derived key length exceeds maximum for this hash")
	}
	password, salt := copied(c, 0), copied(c, 1)
	return long(c, c.Arg(5).ToBoolean(), func(stop crypt.Stop) ([]byte, error) {
		return crypt.PBKDF2(d.New, password, salt, iterations, length, stop)
	}, buffer)
}

// maxScryptCost bounds N, r, p and their product, as workerd does.
const maxScryptCost = 1 << 20

// scrypt(password, salt, N, r, p, maxmem, length, async)
func jsScrypt(c *bind.Call) (any, error) {
	n, r, p := c.Arg(2).ToInteger(), c.Arg(3).ToInteger(), c.Arg(4).ToInteger()
	if n > maxScryptCost || r > maxScryptCost || p > maxScryptCost || n*r > maxScryptCost || n*r*p > maxScryptCost {
		return nil, exception.RangeErrorf("Scrypt failed: cost exceeds maximum (%d).", maxScryptCost)
	}
	memory, length := int(c.Arg(5).ToInteger()), int(c.Arg(6).ToInteger())
	if most := c.JS().Isolate().Limits().BufferBytes; length > most {
		return nil, exception.RangeErrorf("Array buffer allocation failed")
	}
	password, salt := copied(c, 0), copied(c, 1)
	return long(c, c.Arg(7).ToBoolean(), func(crypt.Stop) ([]byte, error) {
		out, err := crypt.Scrypt(password, salt, int(n), int(r), int(p), memory, length)
		if err != nil {
			return nil, errorf("Scrypt failed")
		}
		return out, nil
	}, buffer)
}
