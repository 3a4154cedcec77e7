package crypto

import (
	"slices"

	"workerd.local/exception"
	"workerd.local/internal/crypt"
)

// generation is keys that are to be made: they are there, or work says what has to be
// done for them, which takes long.
type generation struct {
	done *generated
	work func(stop crypt.Stop) (*generated, error)
}

func ready(g *generated) *generation { return &generation{done: g} }

var errNoPrivateUsages = exception.DOM("SyntaxError", "Attempt to generate asymmetric keys with no valid private key usages.")

// pair are the two keys with the part of the usages that each may have.
func (r *generateRequest) pair(a Algorithm, private, public material, u Usages) *generated {
	return &generated{
		public:  &Key{Type: Public, Extractable: true, Algorithm: a, Usages: u & publicUsages, material: public},
		private: &Key{Type: Private, Extractable: r.extractable, Algorithm: a, Usages: u & privateUsages, material: private},
	}
}

// check refuses keys that nobody could use.
func (g *generated) check() error {
	switch {
	case g.secret != nil && g.secret.Usages == 0:
		return errNoUsages
	case g.private != nil && g.private.Usages == 0:
		return errNoPrivateUsages
	}
	return nil
}

func contains(list []string, s string) bool { return slices.Contains(list, s) }

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }
