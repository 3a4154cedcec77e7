package crypto

import (
	"fmt"

	"workerd.local/exception"
	"workerd.local/internal/crypt"
)

// ImportRequest is a key that is to be imported.
type ImportRequest struct {
	// Format is raw, spki, pkcs8 or jwk; data is set for the first three, JWK for the
	// last.
	Format      string
	Data        []byte
	JWK         *JWK
	Params      *Params
	Extractable bool
	Usages      []string

	random crypt.Random
	flags  Flags
	// name is the algorithm's, as it is spelled.
	name string
}

// generateRequest is a key that is to be made.
type generateRequest struct {
	params      *Params
	extractable bool
	usages      []string
	random      crypt.Random
	flags       Flags
	name        string
}

// family makes the keys of one or several algorithms. A nil function does not exist.
type family struct {
	importKey func(r *ImportRequest) (*Key, error)
	// generate makes keys at once, or says what to do that may take long.
	generate func(r *generateRequest) (*generation, error)
	// drawsInTurn says that generate asks for random bytes in the turn, which is refused
	// in the global scope.
	drawsInTurn bool
}

// algorithms are the algorithms of keys. Names are spelled as keys show them, and
// found in any case.
var algorithms = map[string]family{
	"AES-CTR":           aesFamily,
	"AES-CBC":           aesFamily,
	"AES-GCM":           aesFamily,
	"AES-KW":            aesFamily,
	"HMAC":              {importKey: importHMAC, generate: generateHMAC, drawsInTurn: true},
	"PBKDF2":            {importKey: importKDF},
	"HKDF":              {importKey: importKDF},
	"RSASSA-PKCS1-v1_5": rsaFamily,
	"RSA-PSS":           rsaFamily,
	"RSA-OAEP":          rsaFamily,
	"RSA-RAW":           {importKey: importRSARaw},
	"ECDSA":             ecFamily,
	"ECDH":              ecFamily,
	"NODE-ED25519":      okpFamily,
	"Ed25519":           okpFamily,
	"X25519":            okpFamily,
}

func (r *ImportRequest) unknownFormat() error {
	return exception.DOM("NotSupportedError", fmt.Sprintf("Unrecognized key import format %q.", r.Format))
}

// Import makes a key of what a script gives.
func Import(r *ImportRequest) (*Key, error) {
	switch r.Format {
	case "raw", "pkcs8", "spki":
		if r.JWK != nil {
			return nil, exception.TypeErrorf("Import data provided for buffer-based import formats must be a buffer source.")
		}
	case "jwk":
		if r.JWK == nil {
			return nil, exception.TypeErrorf("Import data provided for \"jwk\" import format must be a JsonWebKey.")
		}
		if r.JWK.Ext != nil && !*r.JWK.Ext && r.Extractable {
			return nil, dataError(fmt.Sprintf("JWK ext field for %q is set to false but extractable is true", r.Params.Name))
		}
	default:
		return nil, r.unknownFormat()
	}
	name, f := lookup(r.Params.Name)
	if f.importKey == nil {
		return nil, exception.DOM("NotSupportedError", fmt.Sprintf("Unrecognized key import algorithm %q requested.", r.Params.Name))
	}
	r.name = name
	k, err := f.importKey(r)
	if err != nil {
		return nil, err
	}
	if k.Usages == 0 && k.Type != Public {
		return nil, errNoUsages
	}
	return k, nil
}

var errNoUsages = exception.DOM("SyntaxError", "Secret/private CryptoKeys must have at least one usage.")

// asymmetric checks what all asymmetric keys have in common. read makes the key of
// Go's library from the JWK.
func (r *ImportRequest) asymmetric(allowed Usages, read func(j *JWK) (any, error)) (goKey any, t KeyType, u Usages, err error) {
	switch r.Format {
	case "jwk":
		t = Public
		if r.JWK.D != nil {
			t = Private
		}
		if u, err = r.asymmetricUsages(t, allowed); err != nil {
			return nil, "", 0, err
		}
		if t == Private && r.JWK.Oth {
			return nil, "", 0, exception.DOM("NotSupportedError", "Multi-prime private keys not supported.")
		}
		if err = r.checkOps(); err != nil {
			return nil, "", 0, err
		}
		goKey, err = read(r.JWK)
		return goKey, t, u, err
	case "spki":
		if goKey, err = parseSPKI(r.Data); err != nil {
			return nil, "", 0, err
		}
		u, err = r.asymmetricUsages(Public, allowed)
		return goKey, Public, u, err
	case "pkcs8":
		if goKey, err = parsePKCS8(r.Data); err != nil {
			return nil, "", 0, err
		}
		u, err = r.asymmetricUsages(Private, allowed)
		return goKey, Private, u, err
	}
	return nil, "", 0, r.unknownFormat()
}

func (r *ImportRequest) asymmetricUsages(t KeyType, allowed Usages) (Usages, error) {
	if t == Private {
		return usagesOf(r.name, toImportPrivate, r.Usages, allowed&privateUsages)
	}
	mask := publicUsages
	if r.name == "ECDH" && r.Format == "jwk" && r.flags.Lenient {
		mask = deriving
	}
	return usagesOf(r.name, toImportPublic, r.Usages, allowed&mask)
}

// checkOps checks what a JWK says about its use.
func (r *ImportRequest) checkOps() error {
	use, op0, op1 := "sig", "sign", "verify"
	switch r.name {
	case "RSA-OAEP":
		use, op0, op1 = "enc", "encrypt", "wrapKey"
	case "ECDH", "X25519":
		use, op0, op1 = "enc", "unused", "unused"
	}
	j := r.JWK
	if len(r.Usages) > 0 && j.Use != nil && *j.Use != use {
		return dataError(fmt.Sprintf("Asymmetric \"jwk\" key import with usages requires a JSON Web Key with Public Key Use parameter \"use\" (%q) equal to \"sig\".", *j.Use))
	}
	if j.KeyOps == nil {
		return nil
	}
	ops := *j.KeyOps
	if _, dup := duplicate(ops); dup {
		return dataError("A JSON Web Key's Key Operations parameter (\"key_ops\") must not contain duplicates.")
	}
	if j.Use != nil {
		if *j.Use != use {
			return dataError(fmt.Sprintf("Asymmetric \"jwk\" import requires a JSON Web Key with Public Key Use \"use\" (%q) equal to %q.", *j.Use, use))
		}
		const either = "A JSON Web Key should have either a Public Key Use parameter (\"use\") or a Key Operations parameter (\"key_ops\"); otherwise, the parameters must be consistent with each other. "
		for _, op := range sorted(ops) {
			if op0 == "unused" {
				return dataError(fmt.Sprintf("%sFor public %s keys, there are no valid usages,so keys with a non-empty \"key_ops\" parameter are not allowed.", either, r.name))
			}
			if op != op0 && op != op1 {
				return dataError(fmt.Sprintf("%sA Public Key Use for %s would allow a Key Operations array with only %q and/or %q values (not %q).", either, r.name, op0, op1, op))
			}
		}
	}
	for _, usage := range r.Usages {
		if !contains(ops, usage) {
			return dataError("All specified key usages must be present in the JSON Web Key's Key Operations parameter (\"key_ops\").")
		}
	}
	return nil
}
