package crypto

import (
	"embed"
	"fmt"
	"strings"

	"github.com/dop251/goja"

	"workerd.local/exception"
	"workerd.local/internal/crypt"
	"workerd.local/isolate"
	"workerd.local/webapi/bind"
	"workerd.local/webapi/crypto"
	"workerd.local/webapi/node/core"
	"workerd.local/webapi/node/glue"
)

//go:embed js
var files embed.FS

// Modules are the files of this package.
func Modules() []glue.Module {
	return glue.Files(files, func(name string) map[string]bind.Static {
		return natives(strings.TrimPrefix(name, "internal/crypto/"))
	}, nil)
}

// natives are what a file gets from Go.
func natives(name string) map[string]bind.Static {
	switch name {
	case "hash":
		return map[string]bind.Static{"newHash": jsNewHash, "newHmac": jsNewHmac}
	case "kdf":
		return map[string]bind.Static{"hkdf": jsHKDF, "pbkdf2": jsPBKDF2, "scrypt": jsScrypt}
	case "random":
		return map[string]bind.Static{"fill": jsFill, "uuid": jsUUID, "prime": jsPrime, "checkPrime": jsCheckPrime}
	case "keys":
		return map[string]bind.Static{
			"isCryptoKey": jsIsCryptoKey, "createSecret": jsCreateSecret, "createPrivate": jsCreatePrivate, "createPublic": jsCreatePublic, "exportKey": jsExportKey,
			"equals": jsEquals, "size": jsSecretSize, "type": jsKeyType, "details": jsDetails, "generate": jsGenerate,
		}
	case "cipher":
		return map[string]bind.Static{"newCipher": jsNewCipher, "rsa": jsRSACipher, "info": jsCipherInfo, "ciphers": jsCiphers}
	case "sign":
		return map[string]bind.Static{"newSigner": jsNewSigner, "sign": jsSign, "verify": jsVerify}
	case "dh":
		return map[string]bind.Static{"newDH": jsNewDH, "newGroup": jsNewGroup, "newECDH": jsNewECDH, "convertKey": jsConvertKey, "stateless": jsStateless}
	case "certificate":
		return map[string]bind.Static{"verify": jsVerifySpkac, "publicKey": jsSpkacPublicKey, "challenge": jsSpkacChallenge, "parse": jsParseCertificate}
	case "crypto":
		return map[string]bind.Static{"equal": jsEqual}
	}
	return nil
}

// bytes are those of the nth argument, the script's own memory; nil for anything else.
func bytes(c *bind.Call, n int) []byte {
	b, _ := bind.Bytes(c.JS(), c.Arg(n))
	return b
}

// copied are the bytes of the nth argument.
func copied(c *bind.Call, n int) []byte { return append([]byte{}, bytes(c, n)...) }

func isSet(v goja.Value) bool { return v != nil && !goja.IsUndefined(v) && !goja.IsNull(v) }

func random(js *isolate.JS) crypt.Random { return js.Host().Random }

// key is the CryptoKey that the nth argument is.
func key(c *bind.Call, n int) (*crypto.Key, error) {
	k, ok := crypto.KeyClass.Unwrap(c.JS(), c.Arg(n))
	if !ok {
		return nil, fmt.Errorf("node:crypto: argument %d is no key", n)
	}
	return k, nil
}

// buffer makes a Buffer of a result.
func buffer(js *isolate.JS, b []byte) (goja.Value, error) { return core.NewBuffer(js, b) }

// bufferOf makes a Buffer of a result that may have failed.
func bufferOf(c *bind.Call, b []byte, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return core.NewBuffer(c.JS(), b)
}

func arrayBuffer(js *isolate.JS, b []byte) (goja.Value, error) { return bind.Value(js, b), nil }

// long does work that may take long: at once, or with a promise for the result.
func long(c *bind.Call, async bool, work func(stop crypt.Stop) ([]byte, error), conv func(js *isolate.JS, b []byte) (goja.Value, error)) (any, error) {
	if async {
		return crypto.Long(c.JS(), work, conv)
	}
	b, err := work(crypto.Stopper(c.JS()))
	if err != nil {
		return nil, err
	}
	return conv(c.JS(), b)
}

func errorf(format string, args ...any) error { return exception.Errorf(format, args...) }
