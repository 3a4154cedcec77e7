package crypto

import (
	"fmt"
	"slices"

	"workerd.local/exception"
)

// Usages is a set of operations that a key may be used for.
type Usages uint8

// The usages, in the order in which keys list them.
const (
	Encrypt Usages = 1 << iota
	Decrypt
	Sign
	Verify
	DeriveKey
	DeriveBits
	WrapKey
	UnwrapKey
)

const (
	privateUsages = Decrypt | Sign | DeriveKey | DeriveBits | UnwrapKey
	publicUsages  = Encrypt | Verify | WrapKey
	deriving      = DeriveKey | DeriveBits
	signing       = Sign | Verify
)

var usageNames = [...]string{"encrypt", "decrypt", "sign", "verify", "deriveKey", "deriveBits", "wrapKey", "unwrapKey"}

// Names lists the usages.
func (u Usages) Names() []string {
	names := []string{}
	for i, name := range usageNames {
		if u&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// What the error about a wrong usage says was tried.
const (
	toGenerate      = "generate"
	toImportSecret  = "import secret"
	toImportPublic  = "import public"
	toImportPrivate = "import private"
)

// usagesOf is the set of the names; each must be in allowed.
func usagesOf(algorithm, attempt string, names []string, allowed Usages) (u Usages, err error) {
	for _, name := range names {
		i := slices.Index(usageNames[:], name)
		if i < 0 || allowed&(1<<i) == 0 {
			return 0, exception.DOM("SyntaxError", fmt.Sprintf("Attempt to %s %s key with invalid usage %q.", attempt, algorithm, name))
		}
		u |= 1 << i
	}
	return u, nil
}
